//! Every word of the verdict, with the sentence that says why.

mod others;

use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::elb::Caller;
use crate::domain::facts::elb::GroupType;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ObjectName;
use crate::domain::fixture::API;
use crate::domain::fixture::World;
use crate::domain::fixture::arn;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::load_balancer_arn;
use crate::domain::fixture::objects;
use crate::domain::fixture::targets_source;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::standing::VerdictKind;

/// The world and what is said of it: `word: sentence`.
type Fact = (fn() -> World, &'static str);

const HEALTHY: &str = "10.0.0.1 ready | 10.0.0.1 healthy";
const MINIMUM: &str = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.";

fn check(facts: &[Fact]) {
    for (world, expected) in facts {
        let verdict = world().report().verdict;
        assert_eq!(format!("{}: {}", verdict.word.text(), verdict.sentence), *expected);
    }
}

fn of(text: &str, edit: impl FnOnce(&mut World)) -> World {
    let mut world = World::of(text);
    edit(&mut world);
    world
}

/// Behind a network load balancer in two zones, whose cross-zone setting is off unless changed.
fn network(text: &str, edit: impl FnOnce(&mut World)) -> World {
    of(text, |w| {
        w.group(|it| it.protocol = Some("TCP".into()));
        w.load_balancer(|it| (it.kind, it.cross_zone) = (LoadBalancerKind::Network, Some(false)));
        edit(w);
    })
}

fn cross_zone(world: &mut World, value: &str) {
    world.attribute("load_balancing.cross_zone.enabled", value);
}

const TWO_ZONES: &str = "10.0.0.1 ready a, 10.0.0.2 ready b, 10.0.0.3 ready a \
    | 10.0.0.1 healthy a, 10.0.0.2 unhealthy Timeout b, 10.0.0.3 healthy a";

#[test]
fn serving_says_how_many_are_in_service() {
    check(&[
        (|| World::of(HEALTHY), "serving: 1 of 1 in service"),
        (
            || World::of("10.0.0.1 ready, 10.0.0.2 terminating | 10.0.0.1 healthy, 10.0.0.2 draining"),
            "serving: 1 of 1 in service",
        ),
        (|| of(HEALTHY, |w| w.unread(&Source::Routes(load_balancer_arn()))), "serving: 1 of 1 in service"),
    ]);
}

#[test]
fn a_group_that_every_rule_gives_weight_0_is_not_routed() {
    check(&[(
        || of(HEALTHY, |w| w.routes(vec![objects::listener(0)])),
        "not routed: every rule that forwards to this target group gives it weight 0",
    )]);
}

#[test]
fn degraded_says_what_is_missing() {
    check(&[
        (
            || World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 unhealthy Timeout"),
            "degraded: 1 of 2 in service: 1 failing",
        ),
        (
            || {
                World::of(
                    "10.0.0.1 ready, 10.0.0.2 ready, 10.0.0.3 ready | 10.0.0.1 healthy, 10.0.0.2 initial",
                )
            },
            "rolling: 1 of 3 in service: 1 unregistered, 1 registering",
        ),
        (
            || World::of("10.0.0.1 unready | 10.0.0.1 healthy"),
            "degraded: no endpoint is wanted, yet 1 target is registered",
        ),
        (
            || of("| 10.0.0.1 healthy, 10.0.0.2 healthy", |w| w.remove(Kind::Services, "testapp")),
            "degraded: its service does not exist, yet 2 targets are registered",
        ),
        (
            || of("| 10.0.0.1 healthy", |w| w.binding(|it| it.port = PortRef::Number(81))),
            "degraded: its service has no such port, only 80 (http), yet 1 target is registered",
        ),
        (
            || {
                let mut world = World::instances("| i-0a healthy");
                world.service(|it| it.kind = ServiceType::ClusterIp);
                world
            },
            "degraded: service type must be either 'NodePort' or 'LoadBalancer': workshop/testapp, yet 1 target is registered",
        ),
    ]);
}

#[test]
fn degraded_says_what_failing_rows_have_in_common() {
    let rows = |others: &str| format!("10.0.0.1 ready a, 10.0.0.2 ready a, 10.0.0.3 ready b | {others}");
    let sentence = |targets: &str| World::of(&rows(targets)).report().verdict.sentence;
    let node =
        sentence("10.0.0.1 unhealthy Timeout b, 10.0.0.2 unhealthy FailedHealthChecks c, 10.0.0.3 healthy b");
    assert!(node.ends_with("node node-a"), "{node}");
    let reason = sentence("10.0.0.1 unhealthy Timeout a, 10.0.0.3 unhealthy Timeout b, 10.0.0.2 healthy a");
    assert!(reason.ends_with("Target.Timeout"), "{reason}");
    let one = sentence("10.0.0.1 unhealthy Timeout a, 10.0.0.2 healthy a, 10.0.0.3 healthy b");
    assert_eq!(one, "2 of 3 in service: 1 failing");
}

#[test]
fn a_zone_without_healthy_targets_is_degraded() {
    check(&[
        (
            || World::of("10.0.0.1 ready | 10.0.0.1 healthy a, 10.0.0.9 initial b"),
            "degraded: zone us-west-2b has no healthy target",
        ),
        (
            || network("10.0.0.1 ready | 10.0.0.1 healthy a", |_| {}),
            "degraded: zone us-west-2b has no healthy target",
        ),
        (
            || network("10.0.0.1 ready | 10.0.0.1 healthy a", |w| cross_zone(w, "true")),
            "serving: 1 of 1 in service",
        ),
        (|| World::of("10.0.0.1 ready | 10.0.0.1 healthy all"), "serving: 1 of 1 in service"),
    ]);
}

#[test]
fn fail_open_by_count_is_said_when_none_is_healthy() {
    check(&[
        (
            || {
                World::of(
                    "10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 unhealthy Timeout, 10.0.0.2 unhealthy Timeout",
                )
            },
            "fail-open: 0 of 2 targets are healthy (minimum 1), so the load balancer sends traffic to all of them",
        ),
        (
            || network("10.0.0.1 ready | 10.0.0.1 unhealthy Timeout", |_| {}),
            "fail-open: 0 of 1 targets are healthy (minimum 1), so the load balancer sends traffic to all of them",
        ),
        (
            || {
                of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 unhealthy Timeout", |w| {
                    w.attribute(&format!("{MINIMUM}count"), "2");
                })
            },
            "fail-open: 1 of 2 targets are healthy (minimum 2), so the load balancer sends traffic to all of them",
        ),
        (
            || {
                of("10.0.0.1 ready | 10.0.0.1 unhealthy Timeout, 10.0.0.9 draining", |w| {
                    w.unread(&kubernetes(Kind::Slices));
                })
            },
            "fail-open: 0 of 1 targets are healthy (minimum 1), so the load balancer sends traffic to all of them",
        ),
    ]);
}

#[test]
fn fail_open_by_percentage_counts_registered_targets() {
    let half = |w: &mut World| w.attribute(&format!("{MINIMUM}percentage"), "51");
    let text =
        "10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 unhealthy Timeout, 10.0.0.9 draining";
    let verdict = of(text, half).report().verdict;
    assert_eq!(
        verdict.sentence,
        "1 of 2 targets are healthy (minimum 2), so the load balancer sends traffic to all of them"
    );
    let off = |w: &mut World| w.attribute(&format!("{MINIMUM}percentage"), "off");
    assert_eq!(of(text, off).report().verdict.sentence, "1 of 2 in service: 1 failing");
    let enough = |w: &mut World| w.attribute(&format!("{MINIMUM}percentage"), "50");
    assert_eq!(of(text, enough).report().verdict.sentence, "1 of 2 in service: 1 failing");
}

#[test]
fn fail_open_is_judged_by_zone_where_cross_zone_is_off() {
    const ZONE: &str = "fail-open: zone us-west-2b: 0 of 1 targets are healthy (minimum 1), so its traffic goes to all of them";
    const WHOLE: &str = "degraded: 2 of 3 in service: 1 failing";
    check(&[
        (|| network(TWO_ZONES, |_| {}), ZONE),
        (|| network(TWO_ZONES, |w| cross_zone(w, "use_load_balancer_configuration")), ZONE),
        (|| network(TWO_ZONES, |w| w.load_balancer(|it| it.cross_zone = Some(true))), WHOLE),
        (|| network(TWO_ZONES, |w| cross_zone(w, "true")), WHOLE),
        (|| World::of(TWO_ZONES), WHOLE),
        (|| of(TWO_ZONES, |w| cross_zone(w, "false")), ZONE),
        (|| of(TWO_ZONES, |w| cross_zone(w, "use_load_balancer_configuration")), WHOLE),
    ]);
}

#[test]
fn empty_says_what_clients_see_and_why() {
    check(&[
        (|| World::of("10.0.0.1 ready |"), "empty: 1 wanted, none registered: the load balancer answers 503"),
        (|| network("10.0.0.1 ready |", |_| {}), "empty: 1 wanted, none registered: connections fail"),
        (|| World::of("10.0.0.1 unready |"), "empty: no endpoint is wanted: the load balancer answers 503"),
        (|| World::of("|"), "empty: zero replicas are desired: the load balancer answers 503"),
        (
            || World::of("10.0.0.1 terminating | 10.0.0.1 draining"),
            "empty: zero replicas are desired: the load balancer answers 503",
        ),
        (
            || of("|", |w| w.remove(Kind::Services, "testapp")),
            "empty: its service does not exist: the load balancer answers 503",
        ),
        (
            || {
                of("|", |w| {
                    w.remove(Kind::Services, "testapp");
                    let mut other = objects::service();
                    other.name = ObjectName::new("shop", "testapp");
                    w.put(Object::Service(other));
                })
            },
            "empty: its service does not exist in namespace workshop (shop/testapp exists, but a binding names services of its own namespace only): the load balancer answers 503",
        ),
        (
            || of("10.0.0.1 ready |", |w| w.unread(&kubernetes(Kind::Slices))),
            "empty: which endpoints are wanted could not be read: the load balancer answers 503",
        ),
        (
            || of("10.0.0.1 unready |", |w| w.unread(&kubernetes(Kind::Pods))),
            "empty: which endpoints are wanted could not be read: the load balancer answers 503",
        ),
    ]);
}

#[test]
fn empty_is_neutral_only_when_zero_replicas_are_desired() {
    let neutral = |world: World| world.report().verdict.neutral;
    assert!(neutral(World::of("|")));
    assert!(!neutral(World::of("10.0.0.1 ready |")));
    assert!(!neutral(World::of("10.0.0.1 unready |")));
    assert!(!neutral(of("|", |w| w.deployment(|it| it.desired = 2))));
    assert!(!neutral(of("|", |w| w.remove(Kind::Services, "testapp"))));
    let unread = Kind::Workloads(crate::domain::facts::cluster::WorkloadKind::Deployment);
    assert!(!neutral(of("|", |w| w.unread(&kubernetes(unread)))));
    assert!(!neutral(World::of(HEALTHY)));
}

#[test]
fn not_routed_says_that_nothing_leads_here() {
    const NOTHING: &str = "not routed: no listener or rule forwards to this target group";
    check(&[
        (|| of(HEALTHY, |w| w.group(|it| it.load_balancers.clear())), NOTHING),
        (|| of("10.0.0.1 ready | 10.0.0.1 unused NotInUse", |w| w.routes(Vec::new())), NOTHING),
        (
            || {
                of("10.0.0.1 ready | 10.0.0.1 unused NotInUse", |w| {
                    w.unread(&Source::Routes(load_balancer_arn()));
                })
            },
            "not routed: no load balancer uses these targets",
        ),
    ]);
}

/// Targets that somebody of this account may not read.
fn denied_to(account: &str, edit: impl FnOnce(&mut World)) -> World {
    of(HEALTHY, |w| {
        w.unread(&targets_source());
        w.failed(targets_source());
        let arn = format!("arn:aws:iam::{account}:user/mia");
        w.apply(Observation::Caller(Caller { account: account.to_owned(), arn }));
        edit(w);
    })
}

#[test]
fn unknown_says_what_could_not_be_read() {
    check(&[
        (
            || of(HEALTHY, |w| w.unread(&targets_source())),
            "unknown: the health of the targets has not been read yet",
        ),
        (
            || {
                of(HEALTHY, |w| {
                    w.unread(&targets_source());
                    w.failed(targets_source());
                })
            },
            "unknown: targets unread: not permitted to read",
        ),
        (
            || {
                of(HEALTHY, |w| {
                    w.failed(targets_source());
                    w.later(61);
                })
            },
            "unknown: health too old to judge: not permitted to read",
        ),
        (
            || denied_to("999999999999", |_| {}),
            "unknown: targets unread: not permitted to read; your credentials are of account 999999999999, the group is of account 123456789012",
        ),
        (|| denied_to("123456789012", |_| {}), "unknown: targets unread: not permitted to read"),
        // The binding's own role is asked, whoever we are.
        (
            || {
                let role = "arn:aws:iam::123456789012:role/other".to_owned();
                denied_to("999999999999", |w| w.binding(|it| it.assume_role = Some(role)))
            },
            "unknown: targets unread: not permitted to read",
        ),
        (
            || {
                of(HEALTHY, |w| {
                    w.binding(|it| (it.group, it.group_name) = (None, Some("eksworkshoptg".to_owned())));
                })
            },
            "unknown: the binding's target group eksworkshoptg has no ARN yet",
        ),
        (|| of(HEALTHY, |w| w.binding(|it| it.group = None)), "unknown: the binding names no target group"),
        (
            || of(HEALTHY, |w| w.unread(&kubernetes(Kind::Slices))),
            "unknown: 1 target is registered, but which endpoints are wanted could not be read",
        ),
        (
            || {
                of(HEALTHY, |w| {
                    w.failed(kubernetes(Kind::Slices));
                    w.later(61);
                })
            },
            "unknown: 1 target is registered, but which endpoints are wanted could not be read",
        ),
        (
            || of("10.0.0.1 unready | 10.0.0.1 healthy", |w| w.unread(&kubernetes(Kind::Pods))),
            "unknown: 1 target is registered, but which endpoints are wanted could not be read",
        ),
    ]);
}

#[test]
fn a_group_without_a_binding_is_judged_by_its_targets() {
    let said = |targets: &str| {
        let world = of(targets, |w| w.remove(Kind::Bindings(API), "testapptgb"));
        let verdict = world.report_on(&Subject::Group(arn())).verdict;
        format!("{}: {}", verdict.word.text(), verdict.sentence)
    };
    assert_eq!(said("| 10.0.0.1 healthy"), "serving: 1 of 1 targets healthy");
    assert_eq!(said("| 10.0.0.1 healthy, 10.0.0.2 unhealthy"), "degraded: 1 of 2 targets healthy");
    assert_eq!(said("|"), "empty: no target is registered: the load balancer answers 503");
}

#[test]
fn a_target_that_is_not_registered_does_not_count_as_registered() {
    let report = World::of("10.0.0.1 ready | 10.0.0.1 unused NotRegistered").report();
    assert_eq!((report.counts.registered, report.verdict.word.text()), (0, "empty"));
}

#[test]
fn draining_targets_do_not_count_as_registered() {
    let report = World::of("10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.9 draining b").report();
    let counts = report.counts;
    assert_eq!((counts.registered, counts.healthy, counts.draining), (1, 1, 1));
    let told: Vec<_> = report.zones.iter().map(|it| (&*it.zone, it.serving, it.wanted)).collect();
    assert_eq!(told, [("us-west-2a", 1, 1), ("us-west-2b", 0, 0)], "a zone without any is named");
}

#[test]
fn down_says_that_nobody_serves_and_until_when() {
    check(&[
        (
            || World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 initial, 10.0.0.2 initial"),
            "down: 0 of 2 in service: 2 registering: no target takes requests, the load balancer answers 503 until the first checks pass (within about 35 s)",
        ),
        (
            || network("10.0.0.1 ready | 10.0.0.1 draining, 10.0.0.9 draining", |_| {}),
            "empty: 1 wanted, none registered: connections fail",
        ),
        (
            || World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.8 healthy, 10.0.0.9 healthy"),
            "degraded: 0 of 2 in service: 2 unregistered; 2 targets that no endpoint wants take the requests",
        ),
        (
            || of("10.0.0.1 ready | 10.0.0.1 healthy", |w| w.group(|it| it.kind = GroupType::Instance)),
            "serving: 1 of 1 in service",
        ),
        (
            || of("10.0.0.1 ready | ", |w| w.group(|it| it.kind = GroupType::Instance)),
            "down: the binding is for targets of type ip, its target group of type instance: it can never register; the type cannot be changed, bind anew",
        ),
        (
            || {
                of("10.0.0.1 ready | 10.0.0.1 healthy", |w| {
                    let failure = Failure::new("DescribeTargetHealth", ErrorKind::NotFound, "not found");
                    w.apply(Observation::Failed(targets_source(), failure));
                })
            },
            "down: its target group does not exist any more",
        ),
    ]);
    let world = World::of("10.0.0.1 ready | 10.0.0.1 initial");
    assert_eq!(world.report().counts.problems, 1, "an outage is a problem");
}

#[test]
fn rolling_is_no_fault_while_nothing_else_is_wrong() {
    const SERVED: &str = "10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 ";
    check(&[
        (|| World::of(&format!("{SERVED}initial")), "rolling: 1 of 2 in service: 1 registering"),
        (
            || of(&format!("{SERVED}healthy"), |w| w.deployment(|it| it.updated = 1)),
            "rolling: 2 of 2 in service; a workload behind it is rolling out or scaling",
        ),
        (|| World::of(&format!("{SERVED}unhealthy Timeout")), "degraded: 1 of 2 in service: 1 failing"),
        (
            || {
                let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
                world.look();
                world.later(1);
                world.pod("10.0.0.2 ready");
                world
            },
            "rolling: 1 of 2 in service: 1 unknown",
        ),
    ]);
}

#[test]
fn a_load_balancer_that_is_not_in_order_is_said() {
    check(&[(
        || of(HEALTHY, |w| w.load_balancer(|it| it.state = Some("active_impaired".into()))),
        "degraded: 1 of 1 in service; load balancer eksworkshopalb is active impaired",
    )]);
}

#[test]
fn a_zone_of_passive_nodes_leaves_dns_and_does_not_fail_open() {
    let mut world =
        World::instances("10.0.0.1 ready a | i-0a healthy a, i-0b unhealthy FailedHealthChecks b");
    world.service(|it| it.local_traffic_only = true);
    world.group(|it| it.protocol = Some("TCP".into()));
    world.load_balancer(|it| (it.kind, it.cross_zone) = (LoadBalancerKind::Network, Some(false)));
    world.ask(|_| {});
    let verdict = world.report().verdict;
    assert_eq!(verdict.word, VerdictKind::Serving);
    assert!(verdict.sentence.contains("zone us-west-2b has no ready pod"), "{}", verdict.sentence);
}

#[test]
fn a_target_in_all_zones_serves_every_zone() {
    let world = network("10.0.0.1 ready | 10.0.0.1 healthy", |w| {
        w.ask(|targets| targets[0].zone = Some("all".into()));
    });
    assert_eq!(world.report().verdict.word, VerdictKind::Serving);
}

#[test]
fn a_port_written_as_text_is_told_from_a_missing_one() {
    let world = of("10.0.0.1 ready |", |w| w.binding(|it| it.port = PortRef::Name("80".into())));
    let sentence = world.report().verdict.sentence;
    assert!(sentence.contains("\"80\" is written as text and taken for a name"), "{sentence}");
}

#[test]
fn a_workload_that_makes_no_pod_says_why() {
    let world = of("|", |w| {
        w.deployment(|it| {
            it.desired = 2;
            it.stuck = Some("FailedCreate: exceeded quota".into());
        });
    });
    assert_eq!(
        world.report().verdict.sentence,
        "no endpoint is wanted (Deployment testapp: FailedCreate: exceeded quota): the load balancer answers 503"
    );
}
