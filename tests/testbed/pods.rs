//! Pods that do not become endpoints, or stop being some: deleted, crashing, without an image, stuck in a
//! rollout.

use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::board;
use super::board::Row;
use super::pty::Frame;
use super::support::POLLED;
use super::support::WATCHED;
use super::support::Watch;
use super::support::bed;
use super::support::follows;
use super::world::Stage;
use super::world::World;

fn row<'a>(rows: &'a [Row], pod: &str) -> &'a Row {
    rows.iter().find(|it| it.pod == pod).unwrap_or_else(|| panic!("no row of {pod}: {rows:?}"))
}

/// The row of a pod as `get -o json` has it.
fn told<'a>(binding: &'a Value, pod: &str) -> &'a Value {
    let rows = binding["rows"].as_array().unwrap();
    rows.iter().find(|it| it["endpoint"]["pod"] == pod).unwrap_or_else(|| panic!("{binding:#}"))
}

fn has(frame: &Frame, pod: &str, standing: &str, ready: &str) -> bool {
    board::rows(frame)
        .iter()
        .any(|it| it.pod == pod && it.standing == standing && it.ready.starts_with(ready))
}

/// What the Kubernetes half of a pod's row begins with, however the row stands.
fn says(frame: &Frame, pod: &str, ready: &str) -> bool {
    board::rows(frame).iter().any(|it| it.pod == pod && it.ready.starts_with(ready))
}

#[test]
fn a_deleted_pod_is_seen_terminating_and_its_target_draining() {
    let bed = bed();
    let world = World::new(&bed, "deleted");
    world.service();
    world.deploy("web", 2, &json!({"annotations": {"testbed/linger": "5s"}}));
    world.bind();
    world.ready(2);
    let before = world.pods();
    world.register(&before);
    let board = world.settled_board(2);
    let pods = Watch::start(&world.namespace, "pods", "{.metadata.deletionTimestamp}");
    let gone = &before[0];
    world.kubectl(&["delete", "pod", &gone.name, "--wait=false"]);
    let happened = pods.nth(1, |it| it.starts_with(&gone.name) && it.trim_end() != gone.name);
    let shown = board.until("terminating", 10, |it| says(it, &gone.name, "terminating"));
    follows("kubernetes", "a pod is deleted", (happened, shown), WATCHED);
    // Only health that was asked for since then tells that its target stayed.
    let shown = board.until("lingering", 10, |it| has(it, &gone.name, "lingering", "terminating"));
    follows("both", "its target lingers", (happened, shown), POLLED);
    let because = Some(&["lingering", "pod-not-in-service", "unregistered"][..]);
    let standings = ["in service", "lingering", "unregistered"];
    world.stage(&board, &Stage { verdict: "rolling|degraded", standings: &standings, because });
    let binding = world.binding();
    assert_eq!(told(&binding, &gone.name)["endpoint"]["terminating"], true);
    assert_eq!(told(&binding, &gone.name)["endpoint"]["waitingReason"], "Terminating");

    world.deregister(&before[..1]);
    let deregistered = Instant::now();
    let shown = board.until("draining", 10, |it| board::standings(it).contains(&"draining".to_owned()));
    follows("aws", "its target drains", (deregistered, shown), POLLED);
    let new: Vec<_> = world.pods().into_iter().filter(|it| !before.contains(it)).collect();
    assert_eq!(new.len(), 1);
    world.register(&new);
    world.stage(&board, &Stage { verdict: "serving", standings: &["in service"; 2], because: Some(&[]) });
}

#[test]
fn a_pod_in_a_crash_loop_is_no_longer_wanted_and_says_why() {
    let bed = bed();
    let world = World::serving(&bed, "crash", 3);
    let mut board = world.settled_board(3);
    let pod = world.pods()[1].clone();
    let pods = Watch::start(&world.namespace, "pods", "{.status.containerStatuses[*].state.waiting.reason}");
    world.kubectl(&["label", "pod", &pod.name, "testbed/fate=crash-loop"]);
    let happened = pods.nth(1, |it| it.contains("CrashLoopBackOff"));
    let shown = board.until("crash loop", 10, |it| says(it, &pod.name, "CrashLoop"));
    follows("kubernetes", "a pod crashes in a loop", (happened, shown), WATCHED);
    let shown = board.until("lingering", 10, |it| has(it, &pod.name, "lingering", "CrashLoop"));
    follows("both", "its target lingers", (happened, shown), POLLED);
    let because = Some(&["lingering", "pod-not-in-service", "rollout-progressing"][..]);
    let standings = ["in service", "in service", "lingering"];
    world.stage(&board, &Stage { verdict: "serving|rolling", standings: &standings, because });
    let binding = world.binding();
    let told = told(&binding, &pod.name);
    assert_eq!((&told["wanted"], &told["standing"]), (&json!(false), &json!("lingering")));
    assert_eq!(told["endpoint"]["waitingReason"], "CrashLoopBackOff");
    assert_eq!(told["health"]["state"], "healthy");

    board.keys("j");
    board.until("the worst row is selected first", 5, |it| row(&board::rows(it), &pod.name).selected);
    let frame = board.frame();
    assert!(frame.said().contains("the containers of its pod are not ready"), "{}", frame.text());

    world.deregister(std::slice::from_ref(&pod));
    let deregistered = Instant::now();
    let shown = board.until("draining", 10, |it| has(it, &pod.name, "draining", "CrashLoop"));
    follows("aws", "its target drains", (deregistered, shown), POLLED);
    board.until("gone from the group", 15, |it| has(it, &pod.name, "waiting", "CrashLoop"));
    let frame = board.frame();
    assert!(frame.said().contains(&format!("logs --previous {}", pod.name)), "{}", frame.text());
    board.keys("!");
    board.until("it is a problem, the others are not", 5, |it| {
        board::rows(it).len() == 1 && has(it, &pod.name, "waiting", "CrashLoop")
    });
    world.kubectl(&["label", "pod", &pod.name, "testbed/fate-"]);
}

#[test]
fn a_pod_whose_image_cannot_be_pulled_is_a_row() {
    let bed = bed();
    let world = World::serving(&bed, "image", 1);
    let mut board = world.settled_board(1);
    let pods = Watch::start(&world.namespace, "pods", "{.status.containerStatuses[*].state.waiting.reason}");
    world.deploy("broken", 1, &json!({"labels": {"testbed/fate": "image-pull"}}));
    let happened = pods.nth(1, |it| it.contains("ImagePullBackOff"));
    let broken = world.pods().into_iter().find(|it| it.name.starts_with("broken-")).unwrap();
    let shown = board.until("waiting", 10, |it| has(it, &broken.name, "waiting", "ImagePull"));
    follows("kubernetes", "an image cannot be pulled", (happened, shown), WATCHED);
    let because = Some(&["pod-not-in-service", "rollout-progressing", "waiting"][..]);
    world.stage(&board, &Stage { verdict: "serving", standings: &["in service", "waiting"], because });
    let binding = world.binding();
    let told = told(&binding, &broken.name);
    assert_eq!(told["endpoint"]["waitingReason"], "ImagePullBackOff");
    assert_eq!((&told["target"], &told["problem"]), (&Value::Null, &json!(true)));
    board.keys("j");
    board.until("what to do", 5, |it| it.said().contains("check image name, tag and pull secret"));
}

#[test]
fn a_rollout_that_hangs_keeps_serving_and_is_not_settled() {
    let bed = bed();
    let world = World::serving(&bed, "hangs", 3);
    let board = world.settled_board(3);
    let pods = Watch::start(&world.namespace, "pods", "{.status.containerStatuses[*].state.waiting.reason}");
    let patch = json!({"spec": {"template": {"metadata": {"labels": {"testbed/fate": "image-pull"}}}}});
    world.kubectl(&["patch", "deployment", "web", "-p", &patch.to_string()]);
    let happened = pods.nth(1, |it| it.contains("ImagePullBackOff"));
    let shown = board.until("the new pod waits", 10, |it| {
        board::rows(it).iter().any(|it| it.standing == "waiting" && it.ready.starts_with("ImagePull"))
    });
    follows("kubernetes", "a rollout hangs", (happened, shown), WATCHED);
    let because = Some(&["pod-not-in-service", "rollout-progressing", "waiting"][..]);
    let standings = ["in service", "in service", "in service", "waiting"];
    world.stage(&board, &Stage { verdict: "serving", standings: &standings, because });
}
