//! The screen follows what happens on both sides, from nothing to serving, through scaling and a restart,
//! and `get -o json` says the same at every stage.

use std::time::Instant;

use serde_json::json;

use super::board;
use super::support::POLLED;
use super::support::POLLED_AT_REST;
use super::support::WATCHED;
use super::support::Watch;
use super::support::bed;
use super::support::follows;
use super::world::Stage;
use super::world::World;

/// What the API server tells of pods and of slices that a row hangs on.
const READY: &str = "{.status.conditions[?(@.type==\"Ready\")].status} {.metadata.deletionTimestamp}";
const CONDITIONS: &str = "{.endpoints[*].conditions}";

const SERVING: Stage<'_> =
    Stage { verdict: "serving", standings: &["in service", "in service", "in service"], because: Some(&[]) };

#[test]
fn from_nothing_to_serving() {
    let bed = bed();
    let world = World::new(&bed, "nothing");
    let board = world.board();
    board.shows("No TargetGroupBinding in namespace", 10);
    let bindings = Watch::start(&world.namespace, "targetgroupbindings.elbv2.k8s.aws", "{.spec.serviceRef}");
    let services = Watch::start(&world.namespace, "services", "{.spec.clusterIP}");
    let pods = Watch::start(&world.namespace, "pods", READY);
    let slices = Watch::start(&world.namespace, "endpointslices", CONDITIONS);

    world.bind();
    // The first binding of a namespace opens as a board.
    let shown = board.shows("│ the service does not exist", 10);
    follows("kubernetes", "a binding appears", (bindings.nth(1, |_| true), shown), WATCHED);
    let empty = Stage { verdict: "empty", standings: &[], because: Some(&["empty"]) };
    world.stage(&board, &empty);

    world.service();
    let shown = board.shows("the service selects no pod", 10);
    follows("kubernetes", "its service appears", (services.nth(1, |_| true), shown), WATCHED);
    world.stage(&board, &empty);

    world.deploy("web", 3, &json!({}));
    let created = pods.nth(3, |_| true);
    let shown = board.until("three rows", 10, |it| board::rows(it).len() == 3);
    follows("kubernetes", "three pods appear", (created, shown), WATCHED);
    let ready = pods.nth(3, |it| it.contains(" True"));
    let three = |it: &str| it.matches("\"ready\":true").count() == 3;
    let ready = ready.max(slices.nth(1, three));
    let unregistered = ["unregistered"; 3];
    let shown = board.until("unregistered", 10, |it| board::standings(it) == unregistered);
    // Only health that was asked for since then tells that they are not registered.
    follows("both", "three endpoints are wanted and not registered", (ready, shown), POLLED);
    let because = Some(&["pod-not-in-service", "unregistered"][..]);
    world.stage(&board, &Stage { verdict: "empty", standings: &unregistered, because });

    let all = world.pods();
    world.hold(&all);
    for n in 1..=3 {
        let one = &all[n - 1..n];
        world.register(one);
        let registered = Instant::now();
        let mut standings = vec!["in service"; n - 1];
        standings.push("registering");
        standings.extend(vec!["unregistered"; 3 - n]);
        standings.sort_unstable();
        let shown = board.until("registering", 10, |it| board::standings(it) == standings);
        follows("aws", "a target is registered", (registered, shown), POLLED);
        let because: &[&str] = match n {
            3 => &["pod-not-in-service", "registering"],
            _ => &["pod-not-in-service", "registering", "unregistered"],
        };
        let verdict = if n == 1 { "down" } else { "rolling|degraded" };
        let stage = Stage { verdict, standings: &standings, because: Some(because) };
        world.stage(&board, &stage);
        world.health(one, &json!(null));
        let healthy = Instant::now();
        standings.retain(|it| *it != "registering");
        standings.push("in service");
        standings.sort_unstable();
        let shown = board.until("in service", 10, |it| board::standings(it) == standings);
        follows("aws", "a target is healthy", (healthy, shown), POLLED);
    }
    world.stage(&board, &SERVING);
    let frame = board.frame();
    assert!(board::verdict(&frame).starts_with("SERVING  3 of 3"), "{}", frame.text());
    assert!(frame.has("eksworkshopalb ▸ HTTP:80 ▸"), "the way requests take: {}", frame.text());
}

#[test]
fn scaling_to_five_is_followed_until_it_is_settled_again() {
    let bed = bed();
    let world = World::serving(&bed, "scale", 3);
    let board = world.settled_board(3);
    let slices = Watch::start(&world.namespace, "endpointslices", CONDITIONS);
    let before = world.pods();
    world.kubectl(&["scale", "deployment/web", "--replicas=5"]);
    let happened = slices.nth(1, |it| it.matches("\"ready\":true").count() == 5);
    let mut standings = vec!["in service"; 3];
    standings.extend(["unregistered"; 2]);
    let shown = board.until("two more", 10, |it| board::standings(it) == standings);
    follows("both", "two more endpoints are wanted and not registered", (happened, shown), POLLED);
    let because = Some(&["pod-not-in-service", "unregistered"][..]);
    world.stage(&board, &Stage { verdict: "rolling|degraded", standings: &standings, because });
    let new: Vec<_> = world.pods().into_iter().filter(|it| !before.contains(it)).collect();
    world.register(&new);
    let registered = Instant::now();
    let shown =
        board.until("registered", 10, |it| !board::standings(it).contains(&"unregistered".to_owned()));
    follows("aws", "two more targets are registered", (registered, shown), POLLED);
    world.stage(&board, &Stage { verdict: "serving", standings: &["in service"; 5], because: Some(&[]) });

    world.health(&new[..1], &json!({"State": "unhealthy", "Reason": "Target.Timeout"}));
    let failed = Instant::now();
    let shown = board.shows("failing", 10);
    follows("aws", "a target fails while all was at rest", (failed, shown), POLLED_AT_REST);
}

#[test]
fn a_rolling_restart_replaces_every_row_and_settles_again() {
    let bed = bed();
    let world = World::serving(&bed, "restart", 3);
    let board = world.settled_board(3);
    let old = world.pods();
    world.kubectl(&["rollout", "restart", "deployment/web"]);
    board.until("moving", 5, |it| !board::settled(it));
    world.kubectl(&["rollout", "status", "deployment/web", "--timeout=30s"]);
    let new: Vec<_> = world.pods().into_iter().filter(|it| !old.contains(it)).collect();
    assert_eq!(new.len(), 3);
    // Nobody registers or deregisters: the new pods wait, the old targets are left over.
    let mut standings = vec!["lingering"; 3];
    standings.extend(["unregistered"; 3]);
    board.until("old and new", 10, |it| {
        let rows = board::rows(it);
        // What is gone is still what people know it by.
        let gone = |row: &&board::Row| {
            row.pod.starts_with("(web-") && row.standing == "lingering" && row.state == "healthy"
        };
        board::standings(it) == standings && rows.iter().filter(gone).count() == 3
    });
    // One look has no memory: what has no endpoint is an orphan to it.
    let binding = world.binding();
    assert_eq!(binding["verdict"], "degraded");
    assert_eq!(binding["unsettledBecause"], json!(["orphan", "pod-not-in-service", "unregistered"]));

    world.register(&new);
    world.deregister(&old);
    let deregistered = Instant::now();
    let shown = board.until("draining", 10, |it| {
        let rows = board::rows(it);
        let draining = |row: &&board::Row| row.standing == "draining" && row.reason.ends_with("s left");
        rows.iter().filter(draining).count() == 3
    });
    follows("aws", "three targets drain", (deregistered, shown), POLLED);
    // What drains does not keep a binding from being settled.
    let mut standings = vec!["draining"; 3];
    standings.extend(["in service"; 3]);
    world.stage(&board, &Stage { verdict: "serving", standings: &standings, because: Some(&[]) });
    let left = |frame: &super::pty::Frame| {
        let reasons = board::rows(frame).into_iter().filter(|it| it.standing == "draining");
        reasons
            .filter_map(|it| it.reason.trim_start_matches("≤ ").split('s').next()?.parse::<u32>().ok())
            .max()
    };
    let first = left(&board.frame()).unwrap();
    board.until("the countdown runs", 5, |it| left(it).is_some_and(|now| now < first));
    world.stage(&board, &SERVING);
}
