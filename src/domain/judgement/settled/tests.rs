//! When a binding is settled, when not, and when that cannot be known: every code raised and not raised.

use std::collections::BTreeSet;

use crate::domain::facts::cluster::Owner;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::fixture::API;
use crate::domain::fixture::BEGIN;
use crate::domain::fixture::World;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::named;
use crate::domain::fixture::objects;
use crate::domain::fixture::targets_source;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::judgement::unsettled::Unsettled;

/// A fact, the world it is about, and what is said of it: `true`, `false: codes` or `null: codes`.
type Fact = (&'static str, fn() -> World, &'static str);

const SERVED: &str = "10.0.0.1 ready, 10.0.0.2 ready b | 10.0.0.1 healthy, 10.0.0.2 healthy b";

fn said(world: &World) -> String {
    let settled = world.report().settled;
    let codes: BTreeSet<&str> = settled.because.iter().map(|it| it.code()).collect();
    assert_eq!(codes.len(), settled.because.len(), "each code once");
    let codes = codes.into_iter().collect::<Vec<_>>().join(", ");
    match settled.value {
        Some(true) if codes.is_empty() => "true".to_owned(),
        Some(true) => format!("true in spite of {codes}"),
        Some(false) => format!("false: {codes}"),
        None => format!("null: {codes}"),
    }
}

fn check(facts: &[Fact]) {
    let wrong: Vec<String> = facts
        .iter()
        .map(|(fact, world, expected)| (fact, said(&world()), expected))
        .filter(|(_, found, expected)| found != **expected)
        .map(|(fact, found, expected)| format!("{fact}: {found:?}, expected {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), facts.len(), wrong.join("\n"));
}

/// A world at rest, changed, and its health asked for afterwards.
fn served(edit: impl FnOnce(&mut World)) -> World {
    of(SERVED, edit)
}

fn of(text: &str, edit: impl FnOnce(&mut World)) -> World {
    let mut world = World::of(text);
    edit(&mut world);
    world.ask(|_| {});
    world
}

/// A world at rest that changes after its health was asked for.
fn changed(edit: impl FnOnce(&mut World)) -> World {
    let mut world = World::of(SERVED);
    world.later(5);
    edit(&mut world);
    world
}

fn without(kind: Kind) -> World {
    served(|w| w.unread(&kubernetes(kind)))
}

fn failing(kind: Kind) -> World {
    served(|w| {
        w.failed(kubernetes(kind));
        w.later(70);
    })
}

fn owned(kind: &str, name: &str) -> World {
    served(|w| {
        let owner = Owner { kind: kind.into(), name: name.into() };
        w.edit_pod("10.0.0.1", |it| it.owner = Some(owner));
    })
}

/// The pods belong to the ReplicaSet of a Rollout; there is no Deployment.
fn rollout(edit: impl FnOnce(&mut Workload)) -> World {
    served(|w| {
        w.remove(Kind::Workloads(WorkloadKind::Deployment), "testapp");
        let mut it = objects::deployment(2);
        (it.kind, it.updated, it.existing) = (WorkloadKind::Rollout, 0, 0);
        edit(&mut it);
        w.put(Object::Workload(it));
        for pod in ["10.0.0.1", "10.0.0.2"] {
            w.edit_pod(pod, |it| {
                it.labels = objects::labels(&[("app", "testapp"), ("rollouts-pod-template-hash", "6b9")]);
                it.owner = Some(Owner { kind: "ReplicaSet".into(), name: "testapp-6b9".into() });
            });
        }
    })
}

fn instances(text: &str, edit: impl FnOnce(&mut World)) -> World {
    let mut world = World::instances(text);
    edit(&mut world);
    world.ask(|_| {});
    world
}

const BOTH_SIDES: &[Fact] = &[
    ("everything in service, everything read", || served(|_| {}), "true"),
    ("slices unread", || without(Kind::Slices), "null: kubernetes-unread, unknown"),
    ("services unread", || without(Kind::Services), "null: kubernetes-unread, unknown"),
    ("pods unread", || without(Kind::Pods), "null: kubernetes-unread"),
    ("slices that fail for too long", || failing(Kind::Slices), "null: kubernetes-unread, unknown"),
    ("pods that fail for too long", || failing(Kind::Pods), "null: kubernetes-unread"),
    ("bindings that fail for too long", || failing(Kind::Bindings(API)), "null: kubernetes-unread"),
    (
        "pods that fail for a moment",
        || served(|w| w.failed(kubernetes(Kind::Pods))),
        "null: kubernetes-unread",
    ),
    (
        "a group that does not exist",
        || served(|_| {}).with_failure(targets_source(), ErrorKind::NotFound),
        "false: group-gone, unknown",
    ),
    ("health unread", || changed(|w| w.unread(&targets_source())), "null: targets-unread, unknown"),
    (
        "health that fails to renew for too long",
        || {
            changed(|w| {
                w.failed(targets_source());
                w.later(61);
            })
        },
        "null: targets-unread, unknown",
    ),
    ("health that fails to renew for a moment", || changed(|w| w.failed(targets_source())), "true"),
    (
        "a pod changed after the health was asked for",
        || changed(|w| w.edit_pod("10.0.0.1", |it| it.start_allowance = 5)),
        "null: targets-older-than-change",
    ),
    (
        "a slice changed after the health was asked for",
        || changed(|w| w.endpoint("10.0.0.1", |it| it.serving = None)),
        "null: targets-older-than-change",
    ),
    (
        "the service changed after the health was asked for",
        || changed(|w| w.service(|it| it.publish_not_ready = true)),
        "null: targets-older-than-change",
    ),
    (
        "the binding changed after the health was asked for",
        || changed(|w| w.binding(|it| it.networking = true)),
        "null: targets-older-than-change",
    ),
    (
        "a slice of another service changed after the health was asked for",
        || {
            changed(|w| {
                let mut slice = objects::slice("web-1");
                slice.service = Some("web".to_owned());
                w.put(Object::Slice(slice));
            })
        },
        "true",
    ),
    (
        "a pod that is not selected changed after the health was asked for",
        || {
            changed(|w| {
                let mut pod = objects::pod("10.0.0.9", "ready", "a", BEGIN);
                pod.labels.clear();
                w.put(Object::Pod(pod));
            })
        },
        "true",
    ),
    ("a pod that said the same again is no change", || changed(|w| w.edit_pod("10.0.0.1", |_| {})), "true"),
    (
        "a slice that is gone is a change",
        || {
            let mut world = World::of("|");
            world.later(5);
            world.remove(Kind::Slices, "testapp-1");
            world
        },
        "null: targets-older-than-change",
    ),
];

const WORKLOADS: &[Fact] = &[
    (
        "a generation not yet observed",
        || served(|w| w.deployment(|it| it.generation = 2)),
        "false: rollout-progressing",
    ),
    (
        "replicas of the old template",
        || served(|w| w.deployment(|it| it.updated = 1)),
        "false: rollout-progressing",
    ),
    (
        "replicas not available yet",
        || served(|w| w.deployment(|it| it.available = 1)),
        "false: rollout-progressing",
    ),
    (
        "a workload past its deadline",
        || {
            served(|w| {
                w.deployment(|it| (it.available, it.stuck) = (1, Some("ProgressDeadlineExceeded".into())));
            })
        },
        "false: rollout-stuck",
    ),
    ("a Rollout of Argo at rest, by its own word", || rollout(|it| it.at_rest = Some(true)), "true"),
    (
        "a Rollout that waits at a step, with all its pods there",
        || rollout(|it| it.at_rest = Some(false)),
        "false: rollout-progressing",
    ),
    (
        "a Rollout that may not be read",
        || {
            let mut world = rollout(|_| {});
            world.unread(&kubernetes(Kind::Workloads(WorkloadKind::Rollout)));
            world
        },
        "null: rollout-unknown",
    ),
    ("more replicas desired", || served(|w| w.deployment(|it| it.desired = 3)), "false: rollout-progressing"),
    (
        "a StatefulSet of the service that moves",
        || {
            served(|w| {
                let mut set = objects::deployment(1);
                (set.kind, set.available) = (WorkloadKind::StatefulSet, 0);
                w.put(Object::Workload(set));
            })
        },
        "false: rollout-progressing",
    ),
    (
        "a workload of another service that moves",
        || {
            served(|w| {
                let mut other = objects::deployment(1);
                (other.name, other.available) = (named("web"), 0);
                other.template_labels = objects::labels(&[("app", "web")]);
                w.put(Object::Workload(other));
            })
        },
        "true",
    ),
    ("Deployments unread", || without(Kind::Workloads(WorkloadKind::Deployment)), "null: rollout-unknown"),
    ("StatefulSets unread", || without(Kind::Workloads(WorkloadKind::StatefulSet)), "null: rollout-unknown"),
    ("DaemonSets unread", || without(Kind::Workloads(WorkloadKind::DaemonSet)), "null: rollout-unknown"),
    ("an owner that does not exist", || owned("StatefulSet", "gone"), "null: rollout-unknown"),
    ("an owner of an unknown kind", || owned("Rollout", "testapp"), "null: rollout-unknown"),
    ("a ReplicaSet of nobody", || owned("ReplicaSet", "alone"), "null: rollout-unknown"),
    ("a pod of a Job", || owned("Job", "once"), "true"),
    ("a pod without an owner", || served(|w| w.edit_pod("10.0.0.1", |it| it.owner = None)), "true"),
];

const PODS: &[Fact] = &[
    (
        "a selected pod without an address",
        || of("10.0.0.1 ready, p1 unscheduled | 10.0.0.1 healthy", |_| {}),
        "false: pod-not-in-service, waiting",
    ),
    (
        "a finished pod does not count",
        || of("10.0.0.1 ready, p1 finished | 10.0.0.1 healthy", |_| {}),
        "true",
    ),
    (
        "a terminating pod that drains does not count",
        || of("10.0.0.1 ready, 10.0.0.2 terminating | 10.0.0.1 healthy, 10.0.0.2 draining", |_| {}),
        "true",
    ),
    (
        "a terminating pod whose endpoint is still there and takes requests",
        || {
            of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 healthy", |w| {
                w.edit_pod("10.0.0.2", |it| it.deleted = Some(BEGIN));
                w.later(5);
                w.answer("10.0.0.1 healthy, 10.0.0.2 healthy");
            })
        },
        "false: leaving",
    ),
    (
        "a pod of which nothing is known",
        || of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 unavailable", |_| {}),
        "null: unknown",
    ),
    (
        "a gate of somebody else that is not True",
        || served(|w| w.edit_pod("10.0.0.1", |it| it.gates = vec!["example.com/warm".into()])),
        "false: other-gate-not-true",
    ),
    (
        "a pending gate of a wanted pod",
        || of("10.0.0.1 gated | 10.0.0.1 healthy", |_| {}),
        "false: gate-not-true",
    ),
    (
        "a binding that is being deleted",
        || served(|w| w.binding(|it| it.deleted = Some(BEGIN))),
        "false: deleting, lingering, pod-not-in-service",
    ),
    (
        "a generation that the controller has not seen",
        || served(|w| w.binding(|it| it.generation = 2)),
        "false: generation-unseen",
    ),
    (
        "a binding that the controller never saw",
        || served(|w| w.binding(|it| it.observed_generation = None)),
        "false: generation-unseen",
    ),
    (
        "an instance binding with a pod that is not ready",
        || instances("10.0.0.1 unready | i-0a healthy, i-0b healthy", |_| {}),
        "false: pod-not-in-service",
    ),
    (
        "an instance binding at rest",
        || instances("10.0.0.1 ready | i-0a healthy, i-0b healthy", |_| {}),
        "true",
    ),
];

const ROWS: &[Fact] = &[
    ("unregistered", || of("10.0.0.1 ready |", |_| {}), "false: pod-not-in-service, unregistered"),
    (
        "registering",
        || of("10.0.0.1 ready | 10.0.0.1 initial", |_| {}),
        "false: pod-not-in-service, registering",
    ),
    ("failing", || of("10.0.0.1 ready | 10.0.0.1 unhealthy", |_| {}), "false: failing, pod-not-in-service"),
    ("idle", || of("10.0.0.1 ready | 10.0.0.1 unused NotInUse", |_| {}), "false: idle, pod-not-in-service"),
    ("dead", || of("10.0.0.1 ready | 10.0.0.1 unused IpUnusable", |_| {}), "false: dead, pod-not-in-service"),
    (
        "lingering",
        || of("10.0.0.1 ready, 10.0.0.2 terminating | 10.0.0.1 healthy, 10.0.0.2 healthy", |_| {}),
        "false: lingering",
    ),
    ("orphan", || of("10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.9 healthy", |_| {}), "false: orphan"),
    (
        "contested",
        || {
            of("10.0.0.1 ready, 10.0.0.9 unready | 10.0.0.1 healthy, 10.0.0.9 healthy", |w| {
                let mut pod = w.cluster().pods[&named("testapp-10-0-0-9")].clone();
                pod.labels = objects::labels(&[("app", "second")]);
                w.put(Object::Pod(pod.clone()));
                w.slice("testapp-1", |it| _ = it.endpoints.pop());
                let (mut service, mut slice) = (objects::service(), objects::slice("second-1"));
                (service.name, service.selector) = (named("second"), pod.labels.clone());
                slice.service = Some("second".to_owned());
                slice.endpoints.push(objects::endpoint(&pod));
                slice.endpoints[0].ready = Some(true);
                let mut binding = objects::binding();
                (binding.name, binding.service) = (named("second"), "second".to_owned());
                w.deployment(|it| *it = objects::deployment(1));
                w.put(Object::Service(service));
                w.put(Object::Slice(slice));
                w.put(Object::Binding(Box::new(binding)));
            })
        },
        "false: contested, group-contested",
    ),
    (
        "an unknown state of a stranger",
        || of("10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.9 resting", |_| {}),
        "null: unknown",
    ),
    ("draining", || of("10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.9 draining", |_| {}), "true"),
    (
        "elsewhere",
        || {
            of("10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.9 healthy", |w| {
                w.binding(|it| it.multi_cluster = true);
                w.ledger(Some(&["10.0.0.1:8080"]));
            })
        },
        "true",
    ),
    (
        "passive",
        || {
            instances("10.0.0.1 ready a | i-0a healthy, i-0b unhealthy", |w| {
                w.service(|it| it.local_traffic_only = true);
            })
        },
        "true",
    ),
    (
        "what is certainly wrong outweighs what is unknown",
        || of("10.0.0.1 ready | 10.0.0.1 unhealthy, 10.0.0.9 resting", |_| {}),
        "false: failing, pod-not-in-service, unknown",
    ),
];

const EMPTINESS: &[Fact] = &[
    ("zero replicas desired", || of("|", |_| {}), "true"),
    ("zero replicas desired, the last target drains", || of("| 10.0.0.1 draining", |_| {}), "true"),
    (
        "replicas desired, none wanted",
        || of("|", |w| w.deployment(|it| *it = objects::deployment(2))),
        "false: empty",
    ),
    (
        "replicas desired and not available, none wanted",
        || {
            of("10.0.0.1 crashing |", |w| {
                w.deployment(|it| (it.desired, it.updated, it.available, it.existing) = (1, 1, 0, 1));
            })
        },
        "false: empty, pod-not-in-service, rollout-progressing, waiting",
    ),
    (
        "no workload at all, none wanted",
        || of("|", |w| w.remove(Kind::Workloads(WorkloadKind::Deployment), "testapp")),
        "false: empty",
    ),
    ("a missing service", || of("|", |w| w.remove(Kind::Services, "testapp")), "false: empty"),
    (
        "a missing port",
        || of("10.0.0.1 ready |", |w| w.binding(|it| it.port = PortRef::Number(81))),
        "false: empty, pod-not-in-service, waiting",
    ),
    (
        "slices unread and no target",
        || of("10.0.0.1 ready |", |w| w.unread(&kubernetes(Kind::Slices))),
        "null: kubernetes-unread",
    ),
    (
        "a binding that its controller cannot resolve",
        || instances("10.0.0.1 ready | i-0a healthy", |w| w.service(|it| it.kind = ServiceType::ClusterIp)),
        "false: empty, unknown",
    ),
];

#[test]
fn both_sides_must_be_read_and_the_health_after_the_last_change() {
    check(BOTH_SIDES);
}

#[test]
fn workloads_must_be_quiet() {
    check(WORKLOADS);
}

#[test]
fn every_live_pod_must_be_in_service_and_the_binding_seen() {
    check(PODS);
}

#[test]
fn every_row_must_be_at_rest() {
    check(ROWS);
}

#[test]
fn wanting_nothing_is_settled_only_when_nothing_is_desired() {
    check(EMPTINESS);
}

#[test]
fn the_tables_raise_every_code_there_is() {
    let facts = [BOTH_SIDES, WORKLOADS, PODS, ROWS, EMPTINESS].concat();
    let raised: BTreeSet<Unsettled> =
        facts.iter().flat_map(|(_, world, _)| world().report().settled.because).collect();
    let all: BTreeSet<Unsettled> = Unsettled::all().collect();
    assert_eq!(raised, all);
}

#[test]
fn a_group_without_a_binding_has_nothing_to_settle_to() {
    let mut world = World::of("| 10.0.0.1 healthy");
    world.remove(Kind::Bindings(API), "testapptgb");
    let subject = crate::domain::judgement::row::Subject::Group(crate::domain::fixture::arn());
    assert_eq!(world.report_on(&subject).settled.value, None);
}
