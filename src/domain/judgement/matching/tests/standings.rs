//! Each standing in several worlds, and which of two comes first where both would do.

use super::Fact;
use super::check;
use super::world;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::elb::Reason;
use crate::domain::fixture::World;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::targets_source;
use crate::domain::inventory::Kind;
use crate::domain::judgement::standing::Standing;

const SERVED: &str = "10.0.0.1 ready | 10.0.0.1 healthy";

fn failing(source: crate::domain::inventory::Source, seconds: i64) -> World {
    world(SERVED, |w| {
        w.failed(source);
        w.later(seconds);
    })
}

/// Instance targets under `externalTrafficPolicy: Local`, with a pod on node a in this condition.
fn local(condition: &str, targets: &str) -> World {
    let mut world = World::instances(&format!("10.0.0.1 {condition} a | {targets}"));
    world.remove(Kind::Nodes, "node-b");
    world.service(|it| it.local_traffic_only = true);
    world
}

fn local_without(kind: Kind) -> World {
    let mut world = local("ready", "i-0a unhealthy Timeout");
    world.unread(&kubernetes(kind));
    world
}

const UNKNOWN: &[Fact] = &[
    ("health unread", || world(SERVED, |w| w.unread(&targets_source())), "10.0.0.1 unknown"),
    ("health that fails to renew for a minute", || failing(targets_source(), 60), "10.0.0.1 unknown"),
    ("health that fails to renew for less", || failing(targets_source(), 55), "10.0.0.1 in service"),
    ("slices unread", || world(SERVED, |w| w.unread(&kubernetes(Kind::Slices))), "10.0.0.1 unknown"),
    ("services unread", || world(SERVED, |w| w.unread(&kubernetes(Kind::Services))), "10.0.0.1 unknown"),
    ("slices that fail for a minute", || failing(kubernetes(Kind::Slices), 61), "10.0.0.1 unknown"),
    ("slices that fail for less", || failing(kubernetes(Kind::Slices), 55), "10.0.0.1 in service"),
    (
        "a watch of an hour that failed just now",
        || {
            world(SERVED, |w| {
                w.later(3600);
                w.failed(kubernetes(Kind::Slices));
                w.later(50);
                w.failed(kubernetes(Kind::Slices));
                w.ask(|_| {});
            })
        },
        "10.0.0.1 in service",
    ),
    (
        "a watch of an hour that has failed for a minute",
        || {
            world(SERVED, |w| {
                w.later(3600);
                w.failed(kubernetes(Kind::Slices));
                w.later(50);
                w.failed(kubernetes(Kind::Slices));
                w.later(15);
                w.ask(|_| {});
            })
        },
        "10.0.0.1 unknown",
    ),
    ("the state unavailable", || World::of("10.0.0.1 ready | 10.0.0.1 unavailable"), "10.0.0.1 unknown"),
    ("a state of the future", || World::of("10.0.0.1 ready | 10.0.0.1 resting"), "10.0.0.1 unknown"),
    ("a state of the future, not wanted", || World::of("| 10.0.0.1 resting"), "10.0.0.1 unknown"),
    ("a binding without a group", || world(SERVED, |w| w.binding(|it| it.group = None)), "10.0.0.1 unknown"),
    (
        "a binding that its controller cannot resolve",
        || {
            let mut world = World::instances("| i-0a healthy");
            world.service(|it| it.kind = ServiceType::ClusterIp);
            world
        },
        "i-0a unknown",
    ),
    (
        "an endpoint that cannot be judged without pods",
        || {
            world("10.0.0.1 ready, 10.0.0.2 unready | 10.0.0.1 healthy, 10.0.0.2 healthy", |w| {
                w.unread(&kubernetes(Kind::Pods));
            })
        },
        "10.0.0.1 in service, 10.0.0.2 unknown",
    ),
    ("whether a local target is idle by design, pods unread", || local_without(Kind::Pods), "i-0a unknown"),
    ("a local target, nodes unread", || local_without(Kind::Nodes), "i-0a unknown"),
];

const WANTED: &[Fact] = &[
    ("no target", || World::of("10.0.0.1 ready |"), "10.0.0.1 unregistered"),
    ("only a draining target", || World::of("10.0.0.1 ready | 10.0.0.1 draining"), "10.0.0.1 unregistered"),
    (
        "a target that is not registered",
        || World::of("10.0.0.1 ready | 10.0.0.1 unused NotRegistered"),
        "10.0.0.1 unregistered",
    ),
    ("a pending gate without a target", || World::of("10.0.0.1 gated |"), "10.0.0.1 unregistered"),
    (
        "a target at another port",
        || World::of("10.0.0.1 ready | 10.0.0.1:9090 healthy"),
        "10.0.0.1 unregistered, 10.0.0.1:9090 lingering",
    ),
    (
        "a stopped instance",
        || World::instances("| i-0a unused InvalidState, i-0b healthy"),
        "i-0a dead, i-0b in service",
    ),
    (
        "an address of a load balancer",
        || World::of("10.0.0.1 ready | 10.0.0.1 unused IpUnusable"),
        "10.0.0.1 dead",
    ),
    (
        "a group that nothing routes to",
        || World::of("10.0.0.1 ready | 10.0.0.1 unused NotInUse"),
        "10.0.0.1 idle",
    ),
    (
        "a zone that the load balancer leaves out",
        || World::of("10.0.0.1 ready | 10.0.0.1 unused ZoneOff"),
        "10.0.0.1 idle",
    ),
    ("a time-out", || World::of("10.0.0.1 ready | 10.0.0.1 unhealthy Timeout"), "10.0.0.1 failing"),
    (
        "a wrong answer",
        || World::of("10.0.0.1 ready | 10.0.0.1 unhealthy ResponseCodeMismatch"),
        "10.0.0.1 failing",
    ),
    ("a refusal", || World::of("10.0.0.1 ready | 10.0.0.1 unhealthy FailedHealthChecks"), "10.0.0.1 failing"),
    (
        "an error of the load balancer",
        || World::of("10.0.0.1 ready | 10.0.0.1 unhealthy InternalError"),
        "10.0.0.1 failing",
    ),
    (
        "unhealthy flows that end",
        || World::of("10.0.0.1 ready | 10.0.0.1 unhealthy.draining"),
        "10.0.0.1 failing",
    ),
    (
        "registration",
        || World::of("10.0.0.1 ready | 10.0.0.1 initial RegistrationInProgress"),
        "10.0.0.1 registering",
    ),
    (
        "first checks",
        || World::of("10.0.0.1 gated | 10.0.0.1 initial InitialHealthChecking"),
        "10.0.0.1 registering",
    ),
    ("healthy", || World::of(SERVED), "10.0.0.1 in service"),
    ("healthy with a pending gate", || World::of("10.0.0.1 gated | 10.0.0.1 healthy"), "10.0.0.1 in service"),
    (
        "the address of a load balancer comes before no route",
        || world("10.0.0.1 ready | 10.0.0.1 unused IpUnusable", |w| w.group(|it| it.load_balancers.clear())),
        "10.0.0.1 dead",
    ),
];

const NOT_WANTED: &[Fact] = &[
    (
        "a terminating pod that drains",
        || World::of("10.0.0.1 terminating | 10.0.0.1 draining"),
        "10.0.0.1 draining",
    ),
    (
        "a stranger that drains",
        || World::of("| 10.0.0.1 draining DeregistrationInProgress"),
        "10.0.0.1 draining",
    ),
    (
        "an unready pod whose flows end",
        || World::of("10.0.0.1 unready | 10.0.0.1 unhealthy.draining"),
        "10.0.0.1 draining",
    ),
    ("a stranger whose flows end", || World::of("| 10.0.0.1 unhealthy.draining"), "10.0.0.1 draining"),
    ("an unready pod, healthy", || World::of("10.0.0.1 unready | 10.0.0.1 healthy"), "10.0.0.1 lingering"),
    (
        "an unready pod, unhealthy",
        || World::of("10.0.0.1 crashing | 10.0.0.1 unhealthy Timeout"),
        "10.0.0.1 lingering",
    ),
    ("an unready pod, initial", || World::of("10.0.0.1 unready | 10.0.0.1 initial"), "10.0.0.1 lingering"),
    (
        "an unready pod, unused",
        || World::of("10.0.0.1 unready | 10.0.0.1 unused NotInUse"),
        "10.0.0.1 lingering",
    ),
    (
        "a terminating pod, healthy",
        || World::of("10.0.0.1 terminating | 10.0.0.1 healthy"),
        "10.0.0.1 lingering",
    ),
    (
        "a terminating pod that its slice has dropped",
        || {
            world("10.0.0.1 terminating | 10.0.0.1 healthy", |w| {
                w.slice("testapp-1", |it| it.endpoints.clear());
            })
        },
        "10.0.0.1 lingering, 10-0-0-1 waiting",
    ),
    (
        "an endpoint of something that is no pod",
        || world(SERVED, |w| w.endpoint("10.0.0.1", |it| it.pod = None)),
        "10.0.0.1 lingering, 10-0-0-1 waiting",
    ),
    ("nobody's target, healthy", || World::of("| 10.0.0.1 healthy"), "10.0.0.1 orphan"),
    ("nobody's target, unhealthy", || World::of("| 10.0.0.1 unhealthy Timeout"), "10.0.0.1 orphan"),
    ("nobody's target, initial", || World::of("| 10.0.0.1 initial"), "10.0.0.1 orphan"),
    ("nobody's target, unused", || World::of("| 10.0.0.1 unused NotInUse"), "10.0.0.1 orphan"),
    ("nobody's instance of an ip binding", || World::of("| i-0a healthy"), "i-0a orphan"),
    (
        "nobody's target in a stopped instance is dead first",
        || World::of("| i-0a unused InvalidState"),
        "i-0a dead",
    ),
    (
        "a target left behind by a missing service",
        || world("| 10.0.0.1 healthy", |w| w.remove(Kind::Services, "testapp")),
        "10.0.0.1 orphan",
    ),
    (
        "a lingering endpoint at an unusable address is dead first",
        || World::of("10.0.0.1 unready | 10.0.0.1 unused IpUnusable"),
        "10.0.0.1 dead",
    ),
    ("a pod that is not ready", || World::of("10.0.0.1 unready |"), "10.0.0.1 waiting"),
    ("a pod that cannot be scheduled", || World::of("p1 unscheduled |"), "p1 waiting"),
    ("a pod that cannot pull its image", || World::of("p1 pulling |"), "p1 waiting"),
    ("a pod that crashes", || World::of("10.0.0.1 crashing |"), "10.0.0.1 waiting"),
    ("a pod that starts", || World::of("p1 starting |"), "p1 waiting"),
    (
        "a pod that terminates and is registered no more",
        || World::of("10.0.0.1 terminating |"),
        "10.0.0.1 waiting",
    ),
    ("a finished pod is no row", || World::of("p1 finished |"), ""),
    (
        "a pod out of its slice is a row of its own",
        || world("10.0.0.1 ready |", |w| w.slice("testapp-1", |it| it.endpoints.clear())),
        "10-0-0-1 waiting",
    ),
    (
        "pods wait behind a port that is missing",
        || {
            world("10.0.0.1 ready |", |w| {
                w.binding(|it| it.port = crate::domain::facts::cluster::PortRef::Number(81));
            })
        },
        "10-0-0-1 waiting",
    ),
];

const INSTANCES: &[Fact] = &[
    (
        "a local node without a pod is passive",
        || local("terminating", "i-0a unhealthy Timeout"),
        "i-0a passive",
    ),
    (
        "a local node whose pod is not ready is passive",
        || local("unready", "i-0a unhealthy Timeout"),
        "i-0a passive",
    ),
    (
        "a local node whose flows end is passive",
        || local("unready", "i-0a unhealthy.draining"),
        "i-0a passive",
    ),
    ("a local node with a ready pod fails", || local("ready", "i-0a unhealthy Timeout"), "i-0a failing"),
    (
        "a local node that is healthy without a pod is in service",
        || local("unready", "i-0a healthy"),
        "i-0a in service",
    ),
    ("a local node at its first checks registers", || local("unready", "i-0a initial"), "i-0a registering"),
    (
        "a local node that drains is unregistered first",
        || local("unready", "i-0a draining"),
        "i-0a unregistered",
    ),
    (
        "a local node in a stopped instance is dead",
        || local("unready", "i-0a unused InvalidState"),
        "i-0a dead",
    ),
    (
        "a node without pods under the policy Cluster fails",
        || World::instances("| i-0a unhealthy Timeout, i-0b healthy"),
        "i-0a failing, i-0b in service",
    ),
    (
        "an excluded local node without a pod is passive before it lingers",
        || {
            let mut world = local("unready", "i-0a unhealthy Timeout");
            world.node("a", |it| it.ready = Some(Status::False));
            world
        },
        "i-0a passive",
    ),
    (
        "an excluded node that is registered lingers",
        || {
            let mut world = World::instances("| i-0a healthy, i-0b healthy");
            world.node("a", |it| it.ready = Some(Status::False));
            world
        },
        "i-0a lingering, i-0b in service",
    ),
    (
        "an excluded node that is not registered is no row",
        || {
            let mut world = World::instances("| i-0b healthy");
            world.node("a", |it| it.ready = Some(Status::False));
            world
        },
        "i-0b in service",
    ),
    (
        "a node that is gone leaves an orphan",
        || {
            let mut world = World::instances("| i-0a healthy, i-0b healthy");
            world.remove(Kind::Nodes, "node-a");
            world
        },
        "i-0a orphan, i-0b in service",
    ),
    (
        "a target at an old node port is an orphan",
        || World::instances("| i-0a:31000 healthy, i-0a healthy, i-0b healthy"),
        "i-0a in service, i-0a:31000 orphan, i-0b in service",
    ),
    (
        "pods behind nodes are no rows, but one without a node is",
        || World::instances("10.0.0.1 ready a, p1 unscheduled | i-0a healthy, i-0b healthy"),
        "i-0a in service, i-0b in service, p1 waiting",
    ),
];

#[test]
fn a_side_that_cannot_be_judged_makes_rows_unknown() {
    check(UNKNOWN);
}

#[test]
fn wanted_endpoints_stand_as_their_targets_do() {
    check(WANTED);
}

#[test]
fn what_is_not_wanted_drains_lingers_is_an_orphan_or_waits() {
    check(NOT_WANTED);
}

#[test]
fn instance_targets_stand_for_nodes() {
    check(INSTANCES);
}

#[test]
fn a_draining_target_keeps_its_countdown_beside_a_wanted_endpoint() {
    let row = World::of("10.0.0.1 ready | 10.0.0.1 draining DeregistrationInProgress").row("10.0.0.1");
    assert_eq!(row.target.unwrap().health.reason, Some(Reason::DeregistrationInProgress));
}

#[test]
fn a_row_of_a_node_names_the_pods_behind_it() {
    let world = World::instances("10.0.0.1 ready a, 10.0.0.2 unready a, 10.0.0.3 ready b | i-0a healthy");
    let side = world.row("i-0a").endpoint.unwrap();
    assert_eq!(side.pods, ["testapp-10-0-0-1", "testapp-10-0-0-2"]);
    assert_eq!((side.ready_pods, side.pod), (1, None));
}

#[test]
fn there_are_fourteen_standings_each_with_a_word_of_its_own() {
    let words: std::collections::BTreeSet<&str> = Standing::ALL.iter().map(|it| it.word()).collect();
    assert_eq!((words.len(), Standing::ALL.len()), (14, 14));
    let ranks: std::collections::BTreeSet<u8> = Standing::ALL.iter().map(|it| it.rank()).collect();
    assert_eq!(ranks.len(), 14);
}

#[test]
fn unknown_rows_say_what_is_missing() {
    let world = world(SERVED, |w| w.unread(&targets_source()));
    assert_eq!(world.row("10.0.0.1").note.as_deref(), Some("the health of the targets was not read"));
    let world = World::of("10.0.0.1 ready | 10.0.0.1 resting");
    assert_eq!(world.row("10.0.0.1").note.as_deref(), Some("AWS reports the state resting"));
}
