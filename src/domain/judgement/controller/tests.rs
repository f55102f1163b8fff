//! Whether the controller is there, in a table, and what it is doing about the binding.

use super::*;
use crate::domain::facts::controller::ControllerDeployment;
use crate::domain::facts::controller::ControllerSigns;
use crate::domain::facts::controller::LeaseState;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ObjectName;
use crate::domain::fixture::BEGIN;
use crate::domain::fixture::World;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::named;
use crate::domain::fixture::reference;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::judgement::desired;
use crate::domain::judgement::row::Subject;

fn found(edit: impl FnOnce(&mut World)) -> Controller {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    edit(&mut world);
    world.report().controller
}

/// No mark of the controller on the binding or in its namespace.
fn unmarked(world: &mut World) {
    world.binding(|it| {
        it.finalizers.clear();
        it.observed_generation = None;
        it.checkpoint = None;
    });
}

fn unread(world: &mut World) {
    world.signs(|it| *it = ControllerSigns::default());
}

fn uninstalled(world: &mut World) {
    world.signs(|it| {
        *it = ControllerSigns {
            kind_served: Some(true),
            deployment: Some(None),
            others: Some(Vec::new()),
            lease: Some(None),
            webhook_endpoints: Some(None),
            webhook_configured: Some(false),
            cluster_name: None,
        };
    });
}

fn lease(held: bool, renewed: i64) -> impl FnOnce(&mut World) {
    move |w| {
        let renewed = Some(BEGIN.plus_seconds(renewed));
        w.signs(|it| it.lease = Some(Some(LeaseState { renewed, held, duration: 15 })));
    }
}

#[test]
fn the_controller_is_present_down_absent_or_unknown() {
    type Fact = (&'static str, fn(&mut World), Presence);
    let facts: [Fact; 15] = [
        ("its lease is renewed", |_| {}, Presence::Present),
        ("its lease has not been renewed for long", lease_old, Presence::Down),
        ("its objects were not read for long", |w| w.later(3600), Presence::Unknown),
        ("its lease is held by nobody", |w| lease(false, 0)(w), Presence::Down),
        ("its Deployment has no replica", no_replica, Presence::Down),
        ("only its Deployment can be read", only_deployment, Presence::Present),
        ("there is no such kind", |w| w.signs(|it| it.kind_served = Some(false)), Presence::Absent),
        ("lease and webhooks are missing, no marks", |w| (uninstalled(w), unmarked(w)).0, Presence::Absent),
        ("the lease is missing, the webhooks unread", webhooks_unread, Presence::Unknown),
        ("the webhooks are missing, the lease unread", lease_unread, Presence::Unknown),
        ("nothing can be read and there are no marks", |w| (unread(w), unmarked(w)).0, Presence::Unknown),
        ("nothing can be read but its finalizer", unread, Presence::Present),
        (
            "nothing can be read but its checkpoint",
            |w| only(w, |it| it.checkpoint = Some(String::new())),
            Presence::Present,
        ),
        (
            "nothing can be read but its generation",
            |w| only(w, |it| it.observed_generation = Some(1)),
            Presence::Present,
        ),
        (
            "nothing can be read but its events",
            |w| {
                only(w, |_| {});
                w.event("SuccessfullyReconciled", "Successfully reconciled");
            },
            Presence::Present,
        ),
    ];
    for (fact, edit, presence) in facts {
        assert_eq!(found(edit).presence, presence, "{fact}");
    }
}

fn lease_old(world: &mut World) {
    world.later(3600);
    // Read again: it is the lease that is old, not what we know of it.
    world.signs(|_| {});
}

fn no_replica(world: &mut World) {
    world.signs(|it| it.deployment.as_mut().unwrap().as_mut().unwrap().available = 0);
}

fn only_deployment(world: &mut World) {
    unmarked(world);
    world.signs(|it| (it.lease, it.webhook_configured, it.webhook_endpoints) = (None, None, None));
}

fn webhooks_unread(world: &mut World) {
    uninstalled(world);
    unmarked(world);
    world.signs(|it| it.webhook_configured = None);
}

fn lease_unread(world: &mut World) {
    uninstalled(world);
    unmarked(world);
    world.signs(|it| it.lease = None);
}

fn only(world: &mut World, mark: impl FnOnce(&mut Binding)) {
    unread(world);
    unmarked(world);
    world.binding(mark);
}

/// Which controllers there are besides the usual one: name, the namespace each watches, replicas available.
fn with_others(usual: Option<&str>, others: &[(&str, Option<&str>, u32)]) -> Controller {
    found(|w| {
        w.signs(|it| {
            let first = it.deployment.as_mut().unwrap().as_mut().unwrap();
            first.watches = usual.map(Into::into);
            let template = first.clone();
            let others = others.iter().map(|(name, watches, available)| ControllerDeployment {
                name: ObjectName::new("lb-system", name),
                watches: watches.map(Into::into),
                available: *available,
                version: Some("2.11.0".into()),
                ..template.clone()
            });
            it.others = Some(others.collect());
        });
    })
}

#[test]
fn the_controller_is_the_one_that_watches_the_namespace_of_the_binding() {
    let told = |it: &Controller| (it.presence, it.version.clone(), it.sign.to_string());
    let usual = with_others(None, &[("edge", Some("infra"), 1)]);
    assert_eq!(told(&usual), (Presence::Present, Some("3.5.0".into()), "its lease".to_owned()));
    let other = with_others(Some("infra"), &[("edge", Some("workshop"), 1)]);
    let sign = "the Deployment lb-system/edge watches namespace workshop".to_owned();
    assert_eq!(told(&other), (Presence::Present, Some("2.11.0".into()), sign.clone()));
    let down = with_others(Some("infra"), &[("edge", Some("workshop"), 0)]);
    assert_eq!((down.presence, down.sign.to_string()), (Presence::Down, sign));
    let both = with_others(None, &[("edge", None, 1)]);
    assert_eq!((both.presence, both.version), (Presence::Present, None), "which of them is not known");
    assert!(both.sign.starts_with("several watch namespace workshop: kube-system/"), "{}", both.sign);
}

#[test]
fn that_nobody_watches_a_namespace_is_said_where_all_controllers_are_seen_and_none_left_a_mark() {
    let told = |edit: fn(&mut World)| {
        let it = found(|w| {
            unmarked(w);
            let watches = |it: &mut ControllerDeployment| it.watches = Some("infra".into());
            w.signs(|it| watches(it.deployment.as_mut().unwrap().as_mut().unwrap()));
            edit(w);
        });
        (it.presence, it.sign.to_string())
    };
    let nobody =
        "no controller watches namespace workshop: kube-system/aws-load-balancer-controller only infra";
    assert_eq!(told(|_| {}), (Presence::Absent, nobody.to_owned()));
    let marked = |w: &mut World| w.binding(|it| it.observed_generation = Some(1));
    assert_eq!(told(marked), (Presence::Unknown, format!("{nobody}; yet there is an observed generation")));
    let denied = |w: &mut World| w.signs(|it| it.others = None);
    assert_eq!(told(denied), (Presence::Unknown, format!("{nobody}; others cannot be listed")));
    let not_served = |w: &mut World| w.signs(|it| it.kind_served = Some(false));
    assert_eq!(told(not_served), (Presence::Absent, "no TargetGroupBinding kind".to_owned()));
    let late = |w: &mut World| w.later(100);
    assert_eq!(told(late).0, Presence::Unknown, "what was read long ago says nothing of now");
}

#[test]
fn what_is_left_of_a_controller_does_not_make_it_present() {
    let left = |w: &mut World| {
        uninstalled(w);
        w.signs(|it| it.webhook_configured = Some(true));
    };
    let it = found(left);
    assert_eq!(it.presence, Presence::Unknown);
    assert_eq!(it.sign, "its Deployment, lease and webhook service are not where they usually are");
}

#[test]
fn a_controller_that_left_marks_is_never_absent() {
    assert_ne!(found(uninstalled).presence, Presence::Absent);
}

#[test]
fn the_version_is_its_deployments() {
    assert_eq!(found(|_| {}).version.as_deref(), Some("3.5.0"));
    assert_eq!(found(unread).version, None);
}

#[test]
fn the_controller_of_auto_mode_is_told_by_its_marks_alone() {
    let auto = |mark: bool| {
        let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
        let mut binding = world.inventory.binding(&reference()).unwrap().clone();
        binding.api = BindingApi::AutoMode;
        if !mark {
            (binding.observed_generation, binding.finalizers) = (None, Vec::new());
        }
        world.remove(Kind::Bindings(BindingApi::LoadBalancerController), "testapptgb");
        world.put(Object::Binding(Box::new(binding)));
        let subject = BindingRef { api: BindingApi::AutoMode, ..reference() };
        world.report_on(&Subject::Binding(subject)).controller
    };
    assert_eq!((auto(true).presence, auto(true).version), (Presence::Present, None));
    assert_eq!(auto(false).presence, Presence::Unknown);
}

/// The checkpoint as the controller would have written it.
fn checkpointed(world: &mut World) {
    let binding = world.inventory.binding(&reference()).unwrap();
    let resolution = desired::resolve(&world.inventory, &reference(), binding);
    let half = checkpoint::endpoint_half(&resolution).unwrap();
    let at = world.now;
    world.binding(|it| (it.checkpoint, it.checkpoint_at) = (Some(format!("{half}/{half}")), Some(at)));
}

#[test]
fn a_controller_whose_checkpoint_matches_is_asleep() {
    let activity = found(checkpointed).activity;
    assert_eq!(activity, Activity::Asleep { since: Some(BEGIN.plus_seconds(2)) });
}

#[test]
fn a_controller_whose_checkpoint_is_of_other_endpoints_is_behind() {
    let moved = |w: &mut World| {
        checkpointed(w);
        w.pod("10.0.0.2 ready");
    };
    assert_eq!(found(moved).activity, Activity::Behind);
}

#[test]
fn a_controller_that_emptied_its_checkpoint_is_working() {
    assert_eq!(found(|w| w.binding(|it| it.checkpoint = Some(String::new()))).activity, Activity::Working);
}

#[test]
fn a_marker_in_the_checkpoint_is_work_to_come() {
    let marker = |w: &mut World| w.binding(|it| it.checkpoint = Some("tgscope/1795400000".to_owned()));
    assert_eq!(found(marker).activity, Activity::Working);
}

#[test]
fn a_controller_without_a_checkpoint_is_unknown() {
    assert_eq!(found(|_| {}).activity, Activity::Unknown);
}

#[test]
fn a_controller_whose_last_event_is_a_warning_is_failing_with_it() {
    let warn = |w: &mut World| {
        w.later(5);
        w.event("FailedReconcile", "Failed reconcile due to AccessDenied");
    };
    let worlds: [fn(&mut World); 4] = [
        |w| w.binding(|it| it.checkpoint = Some(String::new())),
        |_| {},
        checkpointed,
        |w| {
            checkpointed(w);
            w.pod("10.0.0.2 ready");
        },
    ];
    for world in worlds {
        let activity = found(|w| (world(w), warn(w)).1).activity;
        assert_eq!(activity.error(), Some("FailedReconcile: Failed reconcile due to AccessDenied"));
        assert!(activity.since().is_some());
    }
}

#[test]
fn a_warning_that_was_overcome_is_no_failure() {
    let overcome = |w: &mut World| {
        w.event("FailedReconcile", "Failed reconcile due to AccessDenied");
        w.later(5);
        w.event("SuccessfullyReconciled", "Successfully reconciled");
        checkpointed(w);
    };
    assert!(matches!(found(overcome).activity, Activity::Asleep { .. }));
}

#[test]
fn a_marker_of_ours_does_not_hide_that_every_attempt_fails() {
    let marked = |w: &mut World| {
        checkpointed(w);
        w.later(5);
        w.binding(|it| it.checkpoint = Some("tgscope/1795400000".to_owned()));
        w.event("FailedReconcile", "AccessDenied");
    };
    assert_eq!(found(marked).activity.error(), Some("FailedReconcile: AccessDenied"));
}

#[test]
fn a_failure_of_a_binding_that_had_the_name_before_is_over() {
    let made_anew = |w: &mut World| {
        w.event("FailedReconcile", "AccessDenied");
        w.later(60);
        let now = w.now;
        w.binding(|it| it.created = now);
    };
    assert_eq!(found(made_anew).activity, Activity::Unknown);
}

#[test]
fn a_webhook_without_endpoints_says_sooner_that_the_controller_is_gone() {
    let seen = |silent: i64, endpoints: Option<Option<u32>>| {
        found(|w| {
            w.later(silent);
            w.signs(|it| it.webhook_endpoints = endpoints);
        })
        .presence
    };
    assert_eq!(seen(10, Some(Some(0))), Presence::Present, "its lease is good for 15 s");
    assert_eq!(seen(20, Some(Some(0))), Presence::Down);
    assert_eq!(seen(20, Some(Some(1))), Presence::Present, "clocks differ");
    let no_lease = |w: &mut World| w.signs(|it| (it.lease, it.webhook_endpoints) = (None, Some(Some(0))));
    assert_eq!(found(no_lease).presence, Presence::Down);
}

#[test]
fn a_warning_older_than_the_checkpoint_is_no_failure() {
    let older = |w: &mut World| {
        w.event("FailedNetworkReconcile", "no security group");
        w.later(5);
        checkpointed(w);
    };
    assert!(matches!(found(older).activity, Activity::Asleep { .. }));
}

#[test]
fn an_event_of_another_binding_says_nothing() {
    let other = |w: &mut World| {
        w.event("FailedReconcile", "denied");
        let mut event = w.cluster().events.values().next().unwrap().clone();
        w.remove(Kind::Events, &event.name.name);
        (event.name, event.about) = (named("second.1"), "second".to_owned());
        w.put(Object::Event(event));
    };
    assert_eq!(found(other).activity, Activity::Unknown);
}

#[test]
fn a_clean_up_that_failed_is_a_failure_before_all_else() {
    let failed = |w: &mut World| {
        checkpointed(w);
        w.binding(|it| it.failed_cleanup = Some("TargetGroupNotFound".to_owned()));
    };
    assert_eq!(found(failed).activity.error(), Some("FailedCleanup: TargetGroupNotFound"));
}

#[test]
fn nothing_is_said_of_endpoints_that_could_not_be_read() {
    let unread = |w: &mut World| {
        checkpointed(w);
        w.unread(&kubernetes(Kind::Slices));
    };
    assert_eq!(found(unread).activity, Activity::Unknown);
}
