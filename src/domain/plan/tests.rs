//! What plans say, ask and refuse, on worlds in a short notation: whose a thing is decides.

mod binds;
mod drains;
mod weights;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::bind;
use super::bind::Wish;
use super::binding;
use super::check;
use super::drain;
use super::drain::Then;
use super::targets;
use super::unbind;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::elb::GroupType;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::RowKey;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::fixture::objects;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::plan::known::Known;

const SERVING: &str =
    "10.0.0.1 ready a, 10.0.0.2 ready b | 10.0.0.1 healthy a, 10.0.0.2 healthy b, 10.0.0.9 healthy a";

fn plan(world: &World, make: impl FnOnce(&Known<'_>) -> Result<Plan, Refusal>) -> Result<Plan, Refusal> {
    let report = world.report();
    make(&Known { inventory: &world.inventory, report: &report, now: world.now })
}

fn deregister(world: &World, addresses: &[&str]) -> Result<Plan, Refusal> {
    let keys: BTreeSet<_> = addresses.iter().map(|it| fixture::key(it)).collect();
    plan(world, |it| targets::deregister(it, &keys))
}

fn drained(world: &World, address: &str) -> Result<Plan, Refusal> {
    let row = RowKey::Target(fixture::key(address));
    plan(world, |it| drain::drain(it, &[row], Then::Delete))
}

fn wish() -> Wish {
    Wish {
        cluster: fixture::cluster(),
        service: fixture::named("testapp"),
        port: None,
        group: fixture::arn(),
        name: None,
        multi_cluster: false,
        networking: false,
    }
}

fn bound(world: &World, edit: impl FnOnce(&mut Wish)) -> Result<Plan, Refusal> {
    let mut wish = wish();
    edit(&mut wish);
    bind::bind(&world.inventory, &wish, world.now)
}

/// A world in which nothing binds the group.
fn unbound(text: &str) -> World {
    let mut world = World::of(text);
    world.remove(Kind::Bindings(fixture::API), "testapptgb");
    world
}

/// All that a plan says, or why there is none.
fn said(plan: Result<Plan, Refusal>) -> String {
    match plan {
        Err(refusal) => format!("refused: {refusal}"),
        Ok(plan) => {
            let typed = plan.typed.iter().map(|it| format!("type {}: {}", it.name, it.because.join("; ")));
            let parts = std::iter::once(plan.effect.clone()).chain(typed);
            parts.chain(plan.warnings).chain(plan.follows).collect::<Vec<_>>().join("\n")
        }
    }
}

#[track_caller]
fn says(plan: Result<Plan, Refusal>, texts: &[&str]) {
    let said = said(plan);
    for text in texts {
        assert!(said.contains(text), "{text:?} is not in:\n{said}");
    }
}

fn edited(edit: impl FnOnce(&mut World)) -> World {
    let mut world = World::of(SERVING);
    edit(&mut world);
    world
}

#[test]
fn the_last_healthy_target_needs_its_groups_name() {
    let world = World::of(SERVING);
    assert_eq!(deregister(&world, &["10.0.0.1"]).unwrap().typed, None);
    says(
        deregister(&world, &["10.0.0.1", "10.0.0.2", "10.0.0.9"]),
        &["type eksworkshoptg: no healthy target would be left", "3 targets"],
    );
}

#[test]
fn the_last_of_a_zone_counts_where_zones_stand_alone() {
    let world = edited(|it| it.attribute("load_balancing.cross_zone.enabled", "false"));
    says(
        deregister(&world, &["10.0.0.2"]),
        &["type us-west-2b: no healthy target would be left in zone us-west-2b"],
    );
    assert_eq!(deregister(&world, &["10.0.0.1"]).unwrap().typed, None);
    let world = edited(|it| it.attribute("load_balancing.cross_zone.enabled", "true"));
    assert_eq!(deregister(&world, &["10.0.0.2"]).unwrap().typed, None);
}

#[test]
fn below_the_groups_minimum_is_typed_too() {
    let key = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count";
    let world = edited(|it| it.attribute(key, "3"));
    says(
        deregister(&world, &["10.0.0.1"]),
        &["type eksworkshoptg: only 2 healthy targets would be left (minimum 3)"],
    );
}

#[test]
fn targets_that_a_zonal_shift_took_out_do_not_count_as_staying() {
    let mut world = World::of(SERVING);
    world.ask(|it| {
        for target in it.iter_mut().filter(|it| it.zone.as_deref() == Some("us-west-2a")) {
            target.shifted = Some(crate::domain::facts::elb::Override::Shifted);
        }
    });
    says(deregister(&world, &["10.0.0.2"]), &["no healthy target would be left"]);
}

#[test]
fn who_made_a_binding_is_said_before_it_is_deleted() {
    for (label, from) in [
        ("ingress.k8s.aws/stack", "an Ingress"),
        ("service.k8s.aws/stack-name", "a Service"),
        ("gateway.k8s.aws.alb/stack-name", "a Gateway"),
    ] {
        let world = edited(|it| {
            it.binding(|it| {
                it.labels.insert(label.to_owned(), "web".to_owned());
            });
        });
        says(
            plan(&world, unbind::unbind),
            &[
                &format!("The controller created this binding for {from}"),
                "type testapptgb",
                "not recreated until",
            ],
        );
    }
    let world = edited(|it| it.binding(|it| it.kept_by = Some("Flux".into())));
    says(plan(&world, unbind::unbind), &["Flux manages this binding and may recreate it"]);
}

#[test]
fn tags_of_a_stack_or_of_another_controller_are_said() {
    let tagged = |key: &str, value: &str| {
        edited(|it| {
            let tags = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            it.apply(Observation::Tags(vec![(fixture::arn(), tags)]));
        })
    };
    says(
        deregister(&tagged("aws:cloudformation:stack-name", "shop"), &["10.0.0.1"]),
        &["The group belongs to CloudFormation stack shop"],
    );
    says(
        deregister(&tagged("elbv2.k8s.aws/cluster", "elsewhere"), &["10.0.0.1"]),
        &["the controller of cluster elsewhere created the group"],
    );
}

#[test]
fn tags_that_were_not_read_are_said_with_the_reason() {
    let untagged = |edit: &dyn Fn(&mut World)| {
        edited(|it| {
            it.inventory.groups.get_mut(&fixture::arn()).unwrap().tags = None;
            edit(it);
        })
    };
    says(
        deregister(&untagged(&|_| {}), &["10.0.0.1"]),
        &["Who else manages the group is not known: its tags are not read yet"],
    );
    let denied = Failure::new("DescribeTags", ErrorKind::Denied, "not authorized");
    says(
        deregister(
            &untagged(&|it| it.apply(Observation::Failed(Source::Tags(fixture::arn()), denied.clone()))),
            &["10.0.0.1"],
        ),
        &["Who else manages the group is not known: DescribeTags: not authorized"],
    );
}

#[test]
fn a_second_binding_on_the_group_is_named() {
    let world = edited(|it| {
        let mut other = objects::binding();
        other.name.name = "second".to_owned();
        other.uid = crate::domain::facts::ids::Uid::new("second");
        it.put(Object::Binding(Box::new(other)));
    });
    says(
        deregister(&world, &["10.0.0.1"]),
        &["Binding workshop/second uses the same group, and not both are multi-cluster"],
    );
    says(
        bound(&world, |_| {}),
        &["is already bound to following TargetGroupBindings [workshop/second workshop/testapptgb]"],
    );
}

#[test]
fn what_a_multi_cluster_binding_does_not_own_is_another_owners() {
    let world = edited(|it| {
        it.binding(|it| it.multi_cluster = true);
        it.ledger(Some(&["10.0.0.1:8080", "10.0.0.2:8080"]));
    });
    says(
        deregister(&world, &["10.0.0.9"]),
        &["type eksworkshoptg: 10.0.0.9:8080 does not belong to this binding"],
    );
    // Deleting it leaves what is not its own.
    says(plan(&world, unbind::unbind), &["deregisters 2 targets", "target list (ConfigMap)"]);
    let world = edited(|it| {
        it.binding(|it| it.multi_cluster = true);
        it.ledger(None);
    });
    says(deregister(&world, &["10.0.0.9"]), &["type eksworkshoptg"]);
}

#[test]
fn a_resync_depends_on_who_is_there_to_look() {
    says(plan(&World::of(SERVING), binding::resync), &["The controller deregisters 1 target", "5 minutes"]);
    let absent = edited(|it| {
        it.signs(|it| {
            it.deployment = Some(None);
            it.lease = Some(None);
            it.webhook_configured = Some(false);
            it.webhook_endpoints = Some(None);
        });
        it.binding(|it| {
            it.finalizers.clear();
            it.observed_generation = None;
            it.checkpoint = None;
        });
    });
    says(plan(&absent, binding::resync), &["refused: there is no controller", "sync (S) registers"]);
    let unhooked = edited(|it| it.signs(|it| it.webhook_endpoints = Some(Some(0))));
    says(plan(&unhooked, binding::resync), &["refused: the controller's webhook has no ready endpoint"]);
    let old = edited(|it| {
        it.signs(|it| {
            if let Some(Some(deployment)) = it.deployment.as_mut() {
                deployment.version = Some("2.8.2".into());
            }
        });
    });
    says(plan(&old, binding::resync), &["writes no checkpoint"]);
    let deleted = edited(|it| {
        let now = it.now;
        it.binding(|it| it.deleted = Some(now));
    });
    says(plan(&deleted, binding::resync), &["refused: the binding is being deleted"]);
}

#[test]
fn of_a_binding_that_is_being_deleted_targets_are_only_taken_out() {
    let deleted = edited(|it| {
        let now = it.now;
        it.binding(|it| it.deleted = Some(now));
    });
    says(plan(&deleted, targets::sync), &["refused: the binding is being deleted"]);
    says(drained(&deleted, "10.0.0.1"), &["refused: the binding is being deleted"]);
    says(deregister(&deleted, &["10.0.0.1"]), &["Nothing registers it again: the binding is being deleted"]);
}

#[test]
fn a_name_that_the_api_server_refuses_is_refused_before() {
    let world = unbound(SERVING);
    for name in ["Bad_Name", "-a", "a-", "a..b", ""] {
        says(bound(&world, |it| it.name = Some(name.to_owned())), &["is not a valid object name"]);
    }
    assert!(bound(&world, |it| it.name = Some("a-1.b".to_owned())).is_ok());
}

#[test]
fn a_pod_on_its_way_out_may_be_gone_when_its_target_is_taken_out() {
    let mut world =
        World::of("10.0.0.1 terminating a, 10.0.0.2 ready b | 10.0.0.1 healthy a, 10.0.0.2 healthy b");
    let both = deregister(&world, &["10.0.0.1", "10.0.0.2"]).unwrap();
    let leaves = |plan: &Plan, address: &str| {
        let guards = plan.steps[0].guards.iter();
        guards.filter(|it| it.words().starts_with(address)).cloned().collect::<Vec<_>>()
    };
    let (going, wanted) = (leaves(&both, "10.0.0.1"), leaves(&both, "10.0.0.2"));
    world.gone("10.0.0.1");
    world.gone("10.0.0.2");
    let report = world.report();
    assert_eq!(check::check(&going[0], Some(&report), &world.inventory), Ok(()));
    assert!(check::check(&wanted[0], Some(&report), &world.inventory).is_err());
    // Another pod with its address is another thing.
    world.pod("10.0.0.1 unready b");
    let mut other = world.clone();
    other.edit_pod("10.0.0.1", |it| it.uid = crate::domain::facts::ids::Uid::new("another"));
    assert!(check::check(&going[0], Some(&other.report()), &other.inventory).is_err());
}

#[test]
fn the_last_target_is_typed_also_where_none_is_healthy() {
    let world = World::of(
        "10.0.0.1 ready a, 10.0.0.2 ready b | 10.0.0.1 unhealthy Timeout a, 10.0.0.2 unhealthy Timeout b",
    );
    says(
        deregister(&world, &["10.0.0.1", "10.0.0.2"]),
        &["no target is healthy, so traffic goes to all registered targets", "get a 503"],
    );
    let one = deregister(&world, &["10.0.0.1"]).unwrap();
    assert!(one.typed.is_none(), "{one:?}");
}

#[test]
fn auto_mode_is_not_verified() {
    let mut world = World::of(SERVING);
    let mut other = objects::binding();
    other.api = BindingApi::AutoMode;
    world.remove(Kind::Bindings(fixture::API), "testapptgb");
    world.put(Object::Binding(Box::new(other)));
    let reference =
        crate::domain::facts::ids::BindingRef { api: BindingApi::AutoMode, ..fixture::reference() };
    let report = world.report_on(&crate::domain::judgement::row::Subject::Binding(reference));
    let known = Known { inventory: &world.inventory, report: &report, now: world.now };
    says(
        binding::resync(&known),
        &["EKS Auto Mode: whether its controller reacts to this annotation has not been verified"],
    );
}

#[test]
fn auto_mode_binds_only_to_groups_with_its_tag() {
    let bind = |tags: &[(&str, &str)]| {
        let mut world = World::of("10.0.0.1 ready | ");
        world.remove(Kind::Bindings(fixture::API), "testapptgb");
        world.unread(&fixture::kubernetes(Kind::Bindings(fixture::API)));
        let listed = Observation::Listed {
            cluster: fixture::cluster(),
            kind: Kind::Bindings(BindingApi::AutoMode),
            namespace: None,
            objects: Vec::new(),
        };
        world.apply(listed);
        world.signs(|it| it.cluster_name = Some("prod".into()));
        world.apply(Observation::Tags(vec![(fixture::arn(), objects::labels(tags))]));
        bound(&world, |_| {})
    };
    let refused = bind(&[]).unwrap_err().to_string();
    assert!(refused.contains("groups tagged eks:eks-cluster-name=prod"), "{refused}");
    assert!(bind(&[("eks:eks-cluster-name", "other")]).is_err());
    let plan = bind(&[("eks:eks-cluster-name", "prod")]);
    assert!(plan.is_ok(), "{plan:?}");
}

#[test]
fn a_bind_says_whether_new_pods_get_gates() {
    let free = World::of("10.0.0.1 ready a, 10.0.0.2 ready b | 10.0.0.1 healthy a");
    let told = |gated: Option<bool>| {
        let mut world = free.clone();
        world.inventory.clusters.values_mut().for_each(|it| it.bindings.clear());
        if let Some(gated) = gated {
            let namespace = fixture::named("x").namespace;
            world.apply(Observation::Gated { cluster: fixture::cluster(), namespace, gated });
        }
        bound(&world, |_| {}).unwrap().warnings.join(" ")
    };
    assert!(told(Some(true)).contains("until they are restarted"), "{}", told(Some(true)));
    let without = "no label elbv2.k8s.aws/pod-readiness-gate-inject=enabled";
    assert!(told(Some(false)).contains(without), "{}", told(Some(false)));
    assert!(!told(None).contains("gate"), "{}", told(None));
}

#[test]
fn a_gate_is_written_by_a_full_look() {
    let mut world =
        World::of("10.0.0.1 gated a, 10.0.0.2 ready b | 10.0.0.1 unhealthy Timeout a, 10.0.0.2 healthy b");
    world.edit_pod("10.0.0.1", |it| {
        for condition in it.conditions.iter_mut().filter(|it| it.kind.starts_with("target-health")) {
            condition.status = crate::domain::facts::cluster::Status::True;
        }
    });
    says(plan(&world, binding::resync), &["1 pod with a readiness gate has no healthy target"]);
}

#[test]
fn a_gate_that_will_go_false_is_said() {
    let mut world = World::of("10.0.0.1 gated a, 10.0.0.2 ready b | 10.0.0.1 healthy a, 10.0.0.2 healthy b");
    world.edit_pod("10.0.0.1", |it| {
        for condition in it.conditions.iter_mut().filter(|it| it.kind.starts_with("target-health")) {
            condition.status = crate::domain::facts::cluster::Status::True;
        }
    });
    says(
        deregister(&world, &["10.0.0.1"]),
        &["then they turn False", "registers it again when the endpoints next change, at the latest"],
    );
}

#[test]
fn only_a_pod_that_is_replaced_is_drained() {
    says(drained(&World::of(SERVING), "10.0.0.1"), &[", then evicts it", "starts a replacement"]);
    let owned = |kind: &'static str| {
        edited(|it| it.edit_pod("10.0.0.1", |it| it.owner.as_mut().unwrap().kind = kind.into()))
    };
    says(
        drained(&owned("StatefulSet"), "10.0.0.1"),
        &["refused:", "belongs to StatefulSet", "deregister (X) removes the target"],
    );
    says(drained(&owned("DaemonSet"), "10.0.0.1"), &["refused:", "belongs to DaemonSet"]);
    let alone = edited(|it| it.edit_pod("10.0.0.1", |it| it.owner = None));
    says(
        drained(&alone, "10.0.0.1"),
        &["refused: pod testapp-10-0-0-1 has no owner, so nothing replaces it"],
    );
    let other = edited(|it| it.deployment(|it| it.selector = objects::labels(&[("of", "web")])));
    says(
        drained(&other, "10.0.0.1"),
        &["refused: service testapp and Deployment testapp share no selector label"],
    );
    says(
        drained(&World::of(SERVING), "10.0.0.9"),
        &["refused: no pod is behind", "deregister (X) removes the target"],
    );
}

#[test]
fn the_label_that_touches_least_is_taken() {
    let world = edited(|it| {
        let both = objects::labels(&[("app", "testapp"), ("tier", "web")]);
        it.service(|it| it.selector.clone_from(&both));
        it.deployment(|it| it.selector.clone_from(&both));
        for pod in ["10.0.0.1", "10.0.0.2"] {
            it.edit_pod(pod, |it| it.labels.clone_from(&both));
        }
        let mut other = objects::service();
        other.name = fixture::named("metrics");
        it.put(Object::Service(other));
    });
    // `app` is what another service selects by too; `tier` is this one's alone.
    says(drained(&world, "10.0.0.1"), &["Drains pod"]);
    let plan = drained(&world, "10.0.0.1").unwrap();
    assert_eq!(plan.steps[0].act.sentence(), "remove label tier=web from pod testapp-10-0-0-1");
    assert!(!plan.warnings.iter().any(|it| it.contains("no longer selected by")), "{:?}", plan.warnings);
}

#[test]
fn sync_leaves_what_is_not_known() {
    let world = World::of("10.0.0.1 ready a | 10.0.0.9 healthy a");
    says(
        plan(&world, targets::sync),
        &["Registers 1 endpoint", "then deregisters 1 target", "type eksworkshoptg: no healthy"],
    );
    let mut unread = World::of(SERVING);
    unread.failed(fixture::kubernetes(Kind::Slices));
    unread.later(120);
    says(plan(&unread, targets::sync), &["refused: which endpoints are wanted could not be read"]);
    let mut old = World::of(SERVING);
    old.failed(fixture::targets_source());
    old.later(120);
    says(deregister(&old, &["10.0.0.1"]), &["refused: the group's targets could not be read recently"]);
}

#[test]
fn a_resync_says_how_long_the_controller_may_trust_what_it_read() {
    let said = |seconds: Option<i64>| {
        let mut world = World::of("10.0.0.1 ready |");
        let at = world.now;
        world.binding(|it| it.checkpoint_at = seconds.map(|it| at.plus_seconds(-it)));
        plan(&world, binding::resync)
    };
    says(said(Some(32)), &["for 4m28s at most", "R registers what is missing without the controller"]);
    says(said(Some(400)), &["more than 5 minutes ago, so it reads them anew"]);
    says(said(None), &["If it read the targets less than 5 minutes ago"]);
}
