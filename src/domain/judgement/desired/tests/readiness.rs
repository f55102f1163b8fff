//! When an endpoint of a pod is wanted: conditions of slice, pod and node, and the fail-open pool.

use super::Fact;
use super::check;
use super::resolution;
use super::world;
use crate::domain::facts::cluster::Status;
use crate::domain::fixture::BEGIN;
use crate::domain::fixture::GATE_OF_BINDING;
use crate::domain::fixture::NAMESPACE;
use crate::domain::fixture::World;
use crate::domain::fixture::cluster;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::judgement::desired::Exclusion;

const GATED: &str = "10.0.0.1 gated";

fn on(node: Option<Status>, text: &str) -> World {
    world(text, |w| w.node("a", |it| it.ready = node))
}

/// A pod with ready containers whose slice calls it not ready and terminating.
fn leaving(node: Option<Status>) -> World {
    on(node, "10.0.0.1 terminating")
}

/// The slice says that the pod is in namespace `other`; one is there, or only pods of `workshop` are seen.
fn elsewhere(there: bool, all: bool) -> World {
    world("10.0.0.1 ready", |w| {
        let mut pod = w.cluster().pods.values().next().unwrap().clone();
        w.endpoint("10.0.0.1", |it| it.pod_namespace = Some("other".into()));
        let namespace = (!all).then(|| NAMESPACE.to_owned());
        let objects = vec![Object::Pod(pod.clone())];
        w.apply(Observation::Listed { cluster: cluster(), kind: Kind::Pods, namespace, objects });
        w.remove(Kind::Pods, &pod.name.name);
        if there {
            pod.name.namespace = "other".to_owned();
            w.put(Object::Pod(pod));
        }
    })
}

const FACTS: &[Fact] = &[
    (
        "the pod of another namespace that the reference names is wanted",
        || elsewhere(true, true),
        "10.0.0.1:8080",
    ),
    ("it does not count where it does not exist", || elsewhere(false, true), ""),
    (
        "where pods of other namespaces cannot be seen, ready counts",
        || elsewhere(false, false),
        "10.0.0.1:8080",
    ),
    (
        "nothing is wanted while the binding is being deleted",
        || world("10.0.0.1 ready", |w| w.binding(|it| it.deleted = Some(it.created))),
        "",
    ),
    (
        "ready left out counts as ready",
        || world("10.0.0.1 unready", |w| w.endpoint("10.0.0.1", |it| it.ready = None)),
        "10.0.0.1:8080",
    ),
    ("an endpoint that is not ready is left out", || world("10.0.0.1 unready", |_| {}), ""),
    (
        "an endpoint without a pod reference is never wanted, ready or not",
        || world("10.0.0.1 ready", |w| w.endpoint("10.0.0.1", |it| it.pod = None)),
        "",
    ),
    (
        "an endpoint whose pod does not exist is not wanted, ready or not",
        || world("10.0.0.1 ready", |w| w.remove(Kind::Pods, "testapp-10-0-0-1")),
        "",
    ),
    ("ready containers with the gate still pending are wanted", || world(GATED, |_| {}), "10.0.0.1:8080"),
    (
        "ready containers with a foreign gate pending are wanted",
        || world(GATED, |w| w.edit_pod("10.0.0.1", |it| it.gates = vec!["example.com/warm".into()])),
        "10.0.0.1:8080",
    ),
    (
        "containers that are not ready are left out, gate or not",
        || {
            world("10.0.0.1 unready", |w| {
                w.edit_pod("10.0.0.1", |it| it.gates = vec![GATE_OF_BINDING.into()]);
            })
        },
        "",
    ),
    (
        "ContainersReady unknown is not ready",
        || {
            world(GATED, |w| {
                w.edit_pod("10.0.0.1", |it| it.conditions[1].status = Status::Unknown);
            })
        },
        "",
    ),
    (
        "a pod without conditions is not ready",
        || world(GATED, |w| w.edit_pod("10.0.0.1", |it| it.conditions.clear())),
        "",
    ),
    ("a crash-looping pod is left out", || world("10.0.0.1 crashing", |_| {}), ""),
    ("a pod that cannot pull its image is left out", || world("10.0.0.1 pulling", |_| {}), ""),
    ("a pending gate on a ready node is wanted", || on(Some(Status::True), GATED), "10.0.0.1:8080"),
    ("a pending gate on a node that is not ready is left out", || on(Some(Status::False), GATED), ""),
    ("a pending gate on a node without a Ready condition is left out", || on(None, GATED), ""),
    (
        "a pending gate on a node that does not exist is left out",
        || world(GATED, |w| w.remove(Kind::Nodes, "node-a")),
        "",
    ),
    (
        "a pending gate of a pod without a node is left out",
        || {
            world(GATED, |w| {
                w.edit_pod("10.0.0.1", |it| it.node = None);
                w.endpoint("10.0.0.1", |it| it.node = None);
            })
        },
        "",
    ),
    (
        "a silent node's pod counts when no endpoint is ready",
        || on(Some(Status::Unknown), GATED),
        "10.0.0.1:8080",
    ),
    (
        "a silent node's pod does not count when another endpoint is ready",
        || on(Some(Status::Unknown), "10.0.0.1 gated a, 10.0.0.2 ready b"),
        "10.0.0.2:8080",
    ),
    (
        "a silent node's pod does not count when another gate is pending on a ready node",
        || on(Some(Status::Unknown), "10.0.0.1 gated a, 10.0.0.2 gated b"),
        "10.0.0.2:8080",
    ),
    (
        "a silent node's pod counts when the others are not ready",
        || on(Some(Status::Unknown), "10.0.0.1 gated a, 10.0.0.2 unready b, 10.0.0.3 terminating b"),
        "10.0.0.1:8080",
    ),
    (
        "all pods of silent nodes count together",
        || {
            let mut world = on(Some(Status::Unknown), "10.0.0.1 gated a, 10.0.0.2 gated b");
            world.node("b", |it| it.ready = Some(Status::Unknown));
            world
        },
        "10.0.0.1:8080, 10.0.0.2:8080",
    ),
    (
        "containers that are not ready do not join the fail-open pool",
        || on(Some(Status::Unknown), "10.0.0.1 unready"),
        "",
    ),
    ("a ready endpoint needs no ready node", || on(Some(Status::False), "10.0.0.1 ready"), "10.0.0.1:8080"),
    (
        "a ready endpoint needs no node at all",
        || world("10.0.0.1 ready", |w| w.remove(Kind::Nodes, "node-a")),
        "10.0.0.1:8080",
    ),
    ("a terminating pod on a ready node is left out", || leaving(Some(Status::True)), ""),
    ("a terminating pod on a node that is not ready is left out", || leaving(Some(Status::False)), ""),
    (
        "a terminating pod on a silent node counts when nothing else is ready",
        || leaving(Some(Status::Unknown)),
        "10.0.0.1:8080",
    ),
    (
        "a terminating pod on a silent node does not count beside a ready one",
        || on(Some(Status::Unknown), "10.0.0.1 terminating a, 10.0.0.2 ready b"),
        "10.0.0.2:8080",
    ),
    (
        "the slice says that a pod terminates, not its deletion time",
        || world(GATED, |w| w.edit_pod("10.0.0.1", |it| it.deleted = Some(BEGIN))),
        "10.0.0.1:8080",
    ),
    (
        "published not-ready addresses are wanted though the pod is not ready",
        || {
            world("10.0.0.1 unready", |w| {
                w.service(|it| it.publish_not_ready = true);
                w.endpoint("10.0.0.1", |it| it.ready = Some(true));
            })
        },
        "10.0.0.1:8080",
    ),
    (
        "published not-ready addresses are wanted though the pod terminates",
        || {
            world("10.0.0.1 terminating", |w| {
                w.service(|it| it.publish_not_ready = true);
                w.endpoint("10.0.0.1", |it| it.ready = Some(true));
            })
        },
        "10.0.0.1:8080",
    ),
    (
        "publishing not-ready addresses counts only once the slice says ready",
        || world("10.0.0.1 unready", |w| w.service(|it| it.publish_not_ready = true)),
        "",
    ),
    ("serving alone is not ready", || world("10.0.0.1 unready", serving), ""),
    (
        "two ready pods on one silent node are wanted",
        || on(Some(Status::Unknown), "10.0.0.1 ready, 10.0.0.2 ready"),
        "10.0.0.1:8080, 10.0.0.2:8080",
    ),
];

fn serving(world: &mut World) {
    world.endpoint("10.0.0.1", |it| it.serving = Some(true));
}

fn silence(world: &mut World) {
    world.node("a", |it| it.ready = Some(Status::Unknown));
}

#[test]
fn readiness_is_the_controllers_not_the_pods() {
    check(FACTS);
}

/// A world, an edit, and why its first endpoint is left out then.
type Excluded = (&'static str, fn(&mut World), Exclusion);

#[test]
fn each_exclusion_is_named() {
    let table: [Excluded; 8] = [
        ("10.0.0.1 ready", |w| w.endpoint("10.0.0.1", |it| it.pod = None), Exclusion::NoPodReference),
        ("10.0.0.1 ready", |w| w.remove(Kind::Pods, "testapp-10-0-0-1"), Exclusion::PodMissing),
        ("10.0.0.1 terminating", |_| {}, Exclusion::Terminating),
        ("10.0.0.1 unready", |_| {}, Exclusion::ContainersNotReady),
        (GATED, |w| w.node("a", |it| it.ready = Some(Status::False)), Exclusion::NodeNotReady),
        (GATED, |w| w.node("a", |it| it.ready = None), Exclusion::NodeNotReady),
        ("10.0.0.1 gated, 10.0.0.2 ready b", silence, Exclusion::NodeUnknown),
        (GATED, |w| w.remove(Kind::Nodes, "node-a"), Exclusion::NodeMissing),
    ];
    for (text, edit, exclusion) in table {
        let world = world(text, edit);
        let found = resolution(&world).endpoints[0].exclusion;
        assert_eq!(found, Some(exclusion), "{text}");
    }
    assert_eq!(resolution(&World::of("10.0.0.1 ready")).endpoints[0].exclusion, None);
}

fn quic(text: &str, ids: &[(&str, &str)]) -> World {
    let mut world = World::of(text);
    world.binding(|it| it.protocol = Some("QUIC".into()));
    for (address, id) in ids {
        world.edit_pod(address, |it| it.quic_server_id = Some((*id).into()));
    }
    world
}

#[test]
fn quic_endpoints_are_told_apart_by_their_server_id() {
    let world = quic("10.0.0.1 ready", &[("10.0.0.1", "0xa1")]);
    let resolution = resolution(&world);
    let found = resolution.wanted().next().unwrap();
    assert_eq!(found.key.quic_server_id.as_deref(), Some("0xa1"));
}

#[test]
fn quic_endpoints_without_a_server_id_are_left_out() {
    let world = quic("10.0.0.1 ready, 10.0.0.2 ready", &[("10.0.0.2", "0xa1")]);
    let resolution = resolution(&world);
    let wanted: Vec<_> = resolution.endpoints.iter().map(|it| (it.wanted, it.exclusion)).collect();
    assert_eq!(wanted, [(Some(false), Some(Exclusion::NoQuicServerId)), (Some(true), None)]);
}

#[test]
fn a_ready_endpoint_without_a_server_id_keeps_the_fail_open_pool_closed() {
    let mut world = quic("10.0.0.1 gated a, 10.0.0.2 ready b", &[("10.0.0.1", "0xa1")]);
    world.node("a", |it| it.ready = Some(Status::Unknown));
    assert_eq!(resolution(&world).wanted().count(), 0);
}

#[test]
fn server_ids_count_for_quic_groups_only() {
    let mut world = quic("10.0.0.1 ready", &[("10.0.0.1", "0xa1")]);
    world.binding(|it| it.protocol = Some("TCP".into()));
    assert_eq!(resolution(&world).wanted().next().unwrap().key.quic_server_id, None);
    world.binding(|it| it.protocol = Some("TCP_QUIC".into()));
    assert!(resolution(&world).wanted().next().unwrap().key.quic_server_id.is_some());
}
