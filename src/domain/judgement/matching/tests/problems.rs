//! Which rows are problems, after which grace, and the flags of rows in service.

use super::other_cluster;
use super::second_binding;
use super::world;
use crate::domain::facts::cluster::Node;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::cluster::Taint;
use crate::domain::facts::elb::Override;
use crate::domain::facts::ids::BindingApi;
use crate::domain::fixture::GATE_OF_BINDING;
use crate::domain::fixture::World;
use crate::domain::fixture::load_balancer_arn;
use crate::domain::fixture::objects;
use crate::domain::inventory::Source;
use crate::domain::judgement::row::Flag;
use crate::domain::judgement::row::GateSetter;
use crate::domain::judgement::unsettled::Unsettled;

/// Looks, lets time pass, and says whether the row is a problem then.
fn after(seconds: i64, mut world: World, address: &str) -> bool {
    world.look();
    world.later(seconds);
    world.row(address).problem
}

#[test]
fn standings_with_a_grace_are_problems_after_fifteen_seconds() {
    for text in ["10.0.0.1 ready |", "10.0.0.1 unready | 10.0.0.1 healthy", "| 10.0.0.1 healthy"] {
        assert!(!after(0, World::of(text), "10.0.0.1"), "{text} at once");
        assert!(!after(14, World::of(text), "10.0.0.1"), "{text} within the grace");
        assert!(after(16, World::of(text), "10.0.0.1"), "{text} after the grace");
    }
}

#[test]
fn the_grace_starts_again_with_each_standing() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    world.look();
    world.later(100);
    world.answer("");
    assert!(!world.look().rows[0].problem);
    world.later(10);
    assert!(!world.look().rows[0].problem);
    world.later(6);
    assert!(world.look().rows[0].problem);
}

#[test]
fn standings_without_a_grace_are_problems_at_once() {
    for text in [
        "10.0.0.1 ready | 10.0.0.1 unhealthy Timeout",
        "10.0.0.1 ready | 10.0.0.1 unused IpUnusable",
        "10.0.0.1 ready | 10.0.0.1 unused ZoneOff",
    ] {
        assert!(World::of(text).row("10.0.0.1").problem, "{text}");
    }
    assert!(world("| 10.0.0.9 healthy", |w| other_cluster(w, "10.0.0.9 ready")).row("10.0.0.9").problem);
}

#[test]
fn standings_that_are_meant_to_be_are_never_problems() {
    let passive = || {
        let mut world = World::instances("10.0.0.1 unready a | i-0a unhealthy Timeout, i-0b healthy");
        world.service(|it| it.local_traffic_only = true);
        world
    };
    let elsewhere = || {
        world("| 10.0.0.1 unhealthy Timeout", |w| {
            w.binding(|it| it.multi_cluster = true);
            w.ledger(Some(&[]));
        })
    };
    assert!(!after(3600, passive(), "i-0a"));
    assert!(!after(3600, elsewhere(), "10.0.0.1"));
    assert!(!after(3600, World::of("| 10.0.0.1 draining"), "10.0.0.1"));
    assert!(!after(3600, World::of("10.0.0.1 ready | 10.0.0.1 resting"), "10.0.0.1"));
    assert!(!after(3600, World::of("10.0.0.1 ready | 10.0.0.1 healthy"), "10.0.0.1"));
}

#[test]
fn an_idle_row_is_a_problem_only_where_a_route_leads_to_its_group() {
    let idle = "10.0.0.1 ready | 10.0.0.1 unused NotInUse";
    assert!(World::of(idle).row("10.0.0.1").problem);
    let standby = world(idle, |w| w.group(|it| it.load_balancers.clear()));
    assert!(!standby.row("10.0.0.1").problem);
    let no_rule = world(idle, |w| w.routes(Vec::new()));
    assert!(!no_rule.row("10.0.0.1").problem);
    let unread = world(idle, |w| w.unread(&Source::Routes(load_balancer_arn())));
    assert!(!unread.row("10.0.0.1").problem);
}

#[test]
fn a_row_registering_is_a_problem_when_it_outlasts_its_health_check() {
    // One check of 15 s and its time-out of 5 s, after 15 s for the registration itself.
    const INITIAL: &str = "10.0.0.1 initial RegistrationInProgress";
    let registering = || World::of(&format!("10.0.0.1 ready | {INITIAL}"));
    let after = |seconds: i64, mut world: World, address: &str| {
        world.look();
        world.later(seconds);
        // What the health was when nobody asked is not known.
        assert!(!world.row(address).problem);
        world.answer(INITIAL);
        world.row(address).problem
    };
    assert!(!after(30, registering(), "10.0.0.1"));
    assert!(after(40, registering(), "10.0.0.1"));
    let network = || {
        let mut world = registering();
        world.group(|it| it.protocol = Some("TCP".into()));
        world
    };
    assert!(!after(250, network(), "10.0.0.1"));
    assert!(after(300, network(), "10.0.0.1"));
}

#[test]
fn a_closed_gate_tells_at_the_first_look_how_long_a_target_registers() {
    let problem = |closed: i64, ready: i64, status: Status| {
        let mut world = World::of("10.0.0.1 gated | 10.0.0.1 initial RegistrationInProgress");
        let now = world.now;
        world.edit_pod("10.0.0.1", |it| {
            for (kind, status, age) in
                [(GATE_OF_BINDING, status, closed), ("ContainersReady", Status::True, ready)]
            {
                let condition = it.conditions.iter_mut().find(|it| &*it.kind == kind).unwrap();
                (condition.status, condition.since) = (status, Some(now.plus_seconds(-age)));
            }
        });
        world.row("10.0.0.1").problem
    };
    assert!(problem(600, 600, Status::False));
    assert!(!problem(20, 600, Status::False));
    // Its containers have only just become ready again: so was it registered.
    assert!(!problem(600, 20, Status::False));
    // Nobody has set the gate yet: it may just have been registered.
    assert!(!problem(600, 600, Status::Unknown));
}

/// Whether a waiting pod is a problem when seen this many seconds after its creation.
fn waiting(condition: &str, seconds: i64) -> bool {
    let mut world = World::of(&format!("p1 {condition} |"));
    world.later(seconds);
    world.row("p1").problem
}

#[test]
fn a_waiting_pod_is_a_problem_when_its_reason_is_not_mere_starting() {
    for condition in ["unscheduled", "pulling", "crashing"] {
        assert!(waiting(condition, 1), "{condition}");
    }
    assert!(!waiting("starting", 5));
    assert!(!waiting("unready", 5));
}

#[test]
fn a_waiting_pod_is_a_problem_when_it_is_older_than_its_probes_explain() {
    assert!(waiting("unready", 60));
    assert!(waiting("starting", 3600));
    let mut slow = World::of("p1 unready |");
    slow.edit_pod("p1", |it| it.start_allowance = 300);
    slow.later(200);
    assert!(!slow.row("p1").problem);
    slow.later(200);
    assert!(slow.row("p1").problem);
}

#[test]
fn a_waiting_pod_that_was_in_service_before_is_a_problem_at_once() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    world.look();
    world.pod("10.0.0.1 unready");
    world.answer("");
    assert!(world.look().rows[0].problem);
}

#[test]
fn a_waiting_pod_on_its_way_out_is_no_problem() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    world.look();
    world.pod("10.0.0.1 terminating");
    world.answer("");
    assert!(!after(3600, world, "10.0.0.1"));
}

#[test]
fn a_ready_pod_that_is_never_wanted_is_a_problem_after_the_grace() {
    let quic = || world("10.0.0.1 ready |", |w| w.binding(|it| it.protocol = Some("QUIC".into())));
    assert!(!after(5, quic(), "10.0.0.1"));
    assert!(after(16, quic(), "10.0.0.1"));
}

#[test]
fn first_reasons_are_in_the_words_of_kubernetes() {
    let code = |text: &str, word: &str| {
        let wait = World::of(text).row(word).endpoint.unwrap().wait.unwrap();
        wait.code.to_string()
    };
    assert_eq!(code("p1 unscheduled", "p1"), "Unschedulable");
    assert_eq!(code("p1 pulling", "p1"), "ImagePullBackOff");
    assert_eq!(code("10.0.0.1 crashing", "10.0.0.1"), "CrashLoopBackOff");
    assert_eq!(code("p1 starting", "p1"), "ContainerCreating");
    assert_eq!(code("10.0.0.1 unready", "10.0.0.1"), "ContainersNotReady");
    assert_eq!(code("10.0.0.1 terminating", "10.0.0.1"), "Terminating");
    assert_eq!(code("10.0.0.1 gated", "10.0.0.1"), "ReadinessGateNotTrue");
    let killed = world("10.0.0.1 crashing", |w| {
        w.edit_pod("10.0.0.1", |it| it.containers[0].last_terminated = Some("OOMKilled".into()));
    });
    assert_eq!(killed.row("10.0.0.1").endpoint.unwrap().wait.unwrap().code.as_str(), "OOMKilled");
}

fn flags(edit: impl FnOnce(&mut World)) -> (Vec<Flag>, bool) {
    let row = world("10.0.0.1 ready | 10.0.0.1 healthy", edit).row("10.0.0.1");
    assert_eq!(row.standing, crate::domain::judgement::standing::Standing::InService);
    (row.flags, row.problem)
}

#[test]
fn flags_say_what_else_is_true_of_a_row_in_service() {
    assert_eq!(flags(|_| {}), (Vec::new(), false));
    assert_eq!(flags(|w| w.routes(vec![objects::listener(0)])), (vec![Flag::WeightZero], false));
    assert_eq!(flags(|w| w.group(|it| it.load_balancers.clear())), (vec![Flag::NoLoadBalancer], true));
    assert_eq!(
        flags(|w| w.ask(|it| it[0].shifted = Some(Override::Shifted))),
        (vec![Flag::ZonalShift], false)
    );
    assert_eq!(flags(|w| w.ask(|it| it[0].anomalous = true)), (vec![Flag::Anomaly], true));
    assert_eq!(flags(|w| w.pod("10.0.0.1 gated")), (vec![Flag::GateNotTrue], false));
}

#[test]
fn a_weight_of_zero_is_flagged_only_when_it_is_so_everywhere() {
    let both = |w: &mut World| w.routes(vec![objects::listener(0), objects::listener(5)]);
    assert!(flags(both).0.is_empty());
    assert!(flags(|w| w.unread(&Source::Routes(load_balancer_arn()))).0.is_empty());
}

#[test]
fn a_gate_that_is_declared_but_was_never_answered_is_not_true() {
    let declared = |w: &mut World| w.edit_pod("10.0.0.1", |it| it.gates = vec![GATE_OF_BINDING.into()]);
    assert_eq!(flags(declared).0, [Flag::GateNotTrue]);
    let answered = |w: &mut World| {
        w.edit_pod("10.0.0.1", |it| {
            it.gates = vec![GATE_OF_BINDING.into()];
            it.conditions.push(objects::condition(GATE_OF_BINDING, Status::True, it.created));
        });
    };
    assert!(flags(answered).0.is_empty());
    let foreign = |w: &mut World| {
        w.edit_pod("10.0.0.1", |it| it.gates = vec!["target-health.elbv2.k8s.aws/other".into()]);
    };
    assert_eq!(flags(foreign).0, [Flag::OtherGate]);
}

#[test]
fn a_gate_of_somebody_else_is_told_by_who_sets_it() {
    let setter = |gate: &str| {
        let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
        second_binding(&mut world, BindingApi::LoadBalancerController, "10.0.0.8");
        world.edit_pod("10.0.0.1", |it| it.gates = vec![gate.into()]);
        world.row("10.0.0.1").endpoint.unwrap().other_gates[0].setter.clone()
    };
    assert_eq!(setter("target-health.elbv2.k8s.aws/second"), GateSetter::Binding("second".to_owned()));
    assert_eq!(setter("target-health.elbv2.k8s.aws/gone"), GateSetter::NoSuchBinding("gone".to_owned()));
    assert_eq!(setter("target-health.alb.ingress.k8s.aws/a_b_80"), GateSetter::FirstController);
    assert_eq!(setter("example.com/warm"), GateSetter::Other);
}

/// Whether a pod that is in service is a problem for a gate, at an age in seconds.
fn gate_is_a_problem(gate: &str, status: Status, age: i64) -> bool {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    second_binding(&mut world, BindingApi::LoadBalancerController, "10.0.0.8");
    let created = world.now.plus_seconds(-age);
    world.edit_pod("10.0.0.1", |it| {
        (it.gates, it.created) = (vec![gate.into()], created);
        it.conditions.push(objects::condition(gate, status, created));
    });
    world.ask(|_| {});
    world.row("10.0.0.1").problem
}

#[test]
fn a_gate_of_another_binding_has_as_long_as_first_checks_take() {
    for (gate, new, old) in [
        ("target-health.elbv2.k8s.aws/second", false, true),
        ("example.com/warm", false, true),
        ("target-health.elbv2.k8s.aws/gone", true, true),
        ("target-health.alb.ingress.k8s.aws/a_b_80", true, true),
    ] {
        for status in [Status::False, Status::Unknown] {
            assert_eq!(gate_is_a_problem(gate, status, 5), new, "{gate} {status:?}, new");
            assert_eq!(gate_is_a_problem(gate, status, 600), old, "{gate} {status:?}, old");
        }
    }
    assert!(Unsettled::OtherGate.is_moving(), "where it is wrong there is a problem");
}

#[test]
fn a_pod_that_goes_is_not_held_by_gates() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    world.edit_pod("10.0.0.1", |it| it.gates = vec!["example.com/warm".into()]);
    assert_eq!(world.row("10.0.0.1").held_by().len(), 1);
    let now = world.now;
    world.edit_pod("10.0.0.1", |it| it.deleted = Some(now));
    assert!(world.row("10.0.0.1").held_by().is_empty());
    assert!(!world.report().settled.because.contains(&Unsettled::OtherGate));
}

#[test]
fn a_node_on_its_way_out_is_a_flag_of_its_rows() {
    let flagged = |edit: fn(&mut Node)| flags(|w: &mut World| w.node("a", edit)).0;
    assert_eq!(flagged(|it| it.unschedulable = true), [Flag::NodeLeaving]);
    for key in
        ["aws-node-termination-handler/spot-itn", "karpenter.sh/disrupted", "ToBeDeletedByClusterAutoscaler"]
    {
        let world = |w: &mut World| {
            w.node("a", |it| it.taints.push(Taint { key: key.into(), effect: "NoSchedule".into() }));
        };
        assert_eq!(flags(world).0, [Flag::NodeLeaving], "{key}");
    }
    let own = |w: &mut World| {
        w.node("a", |it| it.taints.push(Taint { key: "dedicated".into(), effect: "NoSchedule".into() }));
    };
    assert!(flags(own).0.is_empty());
    assert!(flags(|w: &mut World| w.node("b", |it| it.unschedulable = true)).0.is_empty());
}

#[test]
fn rows_out_of_service_have_no_flags() {
    let world = world("10.0.0.1 gated | 10.0.0.1 initial", |w| w.group(|it| it.load_balancers.clear()));
    assert!(world.row("10.0.0.1").flags.is_empty());
}

#[test]
fn the_worst_row_comes_first() {
    let mut world = World::of(
        "10.0.0.1 ready, 10.0.0.2 ready, 10.0.0.3 ready, p1 starting \
         | 10.0.0.1 healthy, 10.0.0.2 unhealthy Timeout, 10.0.0.3 initial, 10.0.0.9 draining",
    );
    let words: Vec<&str> = world.look().rows.iter().map(|it| it.standing.word()).collect();
    assert_eq!(words, ["failing", "waiting", "registering", "in service", "draining"]);
}

#[test]
fn a_target_that_drains_keeps_the_name_of_its_pod_until_it_is_gone() {
    let mut world = World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 healthy");
    world.look();
    world.gone("10.0.0.1");
    world.answer("10.0.0.1 draining, 10.0.0.2 healthy");
    for _ in 0..3 {
        world.look();
        world.later(60);
    }
    assert_eq!(world.row("10.0.0.1").former_pod.as_deref(), Some("testapp-10-0-0-1"));
    assert_eq!(world.row("10.0.0.2").former_pod, None, "it is there");
    world.answer("10.0.0.2 healthy");
    world.look();
    world.answer("10.0.0.1 draining, 10.0.0.2 healthy");
    assert_eq!(world.row("10.0.0.1").former_pod, None, "what comes anew at the address is another's");
}
