//! What is wanted when a source could not be read, or one object could not be understood.

use super::Fact;
use super::check;
use super::resolution;
use super::world;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::ids::ObjectName;
use crate::domain::fixture::World;
use crate::domain::fixture::cluster;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::named;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Observation;

fn without(kind: Kind, text: &str) -> World {
    world(text, |w| w.unread(&kubernetes(kind)))
}

/// A world in which one object of a kind cannot be understood.
fn skipping(kind: Kind, name: &str, text: &str) -> World {
    let mut world = World::of(text);
    world.remove(kind, name);
    let name = if kind == Kind::Nodes { ObjectName::new("", name) } else { named(name) };
    let problem = "no such field".to_owned();
    world.apply(Observation::Skipped { cluster: cluster(), kind, name, problem });
    world
}

const FACTS: &[Fact] = &[
    ("unread services leave all open", || without(Kind::Services, "10.0.0.1 ready"), "Unread([Services])"),
    ("unread slices leave all open", || without(Kind::Slices, "10.0.0.1 ready"), "Unread([Slices])"),
    (
        "unread nodes leave an instance binding open",
        || {
            let mut world = without(Kind::Nodes, "");
            world.service(|it| it.kind = crate::domain::facts::cluster::ServiceType::NodePort);
            world.binding(|it| it.target_type = Some(TargetType::Instance));
            world
        },
        "Unread([Nodes])",
    ),
    (
        "unread pods: ready endpoints are taken as wanted, of the others nothing is known",
        || without(Kind::Pods, "10.0.0.1 ready, 10.0.0.2 unready, 10.0.0.3 terminating"),
        "10.0.0.1:8080, 10.0.0.2:8080?, 10.0.0.3:8080?",
    ),
    (
        "unread pods: what is no pod is still left out",
        || {
            world("10.0.0.1 ready", |w| {
                w.endpoint("10.0.0.1", |it| it.pod = None);
                w.unread(&kubernetes(Kind::Pods));
            })
        },
        "",
    ),
    ("unread nodes: ready endpoints are wanted", || without(Kind::Nodes, "10.0.0.1 ready"), "10.0.0.1:8080"),
    (
        "unread nodes: every node is taken as ready",
        || without(Kind::Nodes, "10.0.0.1 gated, 10.0.0.2 terminating, 10.0.0.3 unready"),
        "10.0.0.1:8080",
    ),
    (
        "a pod that could not be understood leaves its endpoint open",
        || skipping(Kind::Pods, "testapp-10-0-0-1", "10.0.0.1 unready, 10.0.0.2 ready"),
        "10.0.0.1:8080?, 10.0.0.2:8080",
    ),
    (
        "a pod that could not be understood is still there when its endpoint is ready",
        || skipping(Kind::Pods, "testapp-10-0-0-1", "10.0.0.1 ready, 10.0.0.2 ready"),
        "10.0.0.1:8080, 10.0.0.2:8080",
    ),
    (
        "a service that could not be understood is not missing",
        || skipping(Kind::Services, "testapp", "10.0.0.1 ready"),
        "Unread([Services])",
    ),
    (
        "a node that could not be understood leaves a pending gate open",
        || skipping(Kind::Nodes, "node-a", "10.0.0.1 gated a, 10.0.0.2 ready b"),
        "10.0.0.1:8080?, 10.0.0.2:8080",
    ),
];

#[test]
fn what_could_not_be_read_is_never_judged_by() {
    check(FACTS);
}

#[test]
fn assumptions_are_said() {
    assert!(resolution(&without(Kind::Nodes, "10.0.0.1 ready")).nodes_assumed);
    assert!(resolution(&without(Kind::Pods, "10.0.0.1 ready")).pods_assumed);
    let read = World::of("10.0.0.1 ready");
    assert!(read.report().assumptions.is_empty());
    assert!(!without(Kind::Nodes, "10.0.0.1 ready").report().assumptions.is_empty());
}
