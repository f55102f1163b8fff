//! Health checks that fail, one and all: what the board calls it, and what it says to do.

use std::time::Instant;

use serde_json::json;

use super::board;
use super::support::POLLED;
use super::support::POLLED_AT_REST;
use super::support::bed;
use super::support::follows;
use super::world::PORT;
use super::world::Stage;
use super::world::World;

#[test]
fn failing_checks_are_told_with_what_to_do_and_all_of_them_open_the_group() {
    let bed = bed();
    let world = World::serving(&bed, "health", 3);
    let mut board = world.settled_board(3);
    let pods = world.pods();
    let timeout =
        json!({"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"});
    world.health(&pods[..1], &timeout);
    let happened = Instant::now();
    let shown = board.shows("failing", 10);
    follows("aws", "a target fails while all was at rest", (happened, shown), POLLED_AT_REST);
    let because = Some(&["failing", "pod-not-in-service"][..]);
    let one = Stage { verdict: "degraded", standings: &["failing", "in service", "in service"], because };
    world.stage(&board, &one);
    board.keys("j");
    board.until("the worst row is selected first", 5, |it| {
        board::rows(it).iter().any(|it| it.selected && it.pod == pods[0].name)
    });
    let asked = format!("does the pod's security group allow tcp/{PORT} from the load balancer's?");
    // What was read of the network path meanwhile may be drawn just now.
    for text in ["gets no answer in time", "GET /healthz → 200", "AWS says: Request timed out.", &asked] {
        board.until(text, 5, |it| it.said().contains(text));
    }
    let told = world.binding();
    let failing = told["rows"].as_array().unwrap().iter().find(|it| it["standing"] == "failing").unwrap();
    assert_eq!(failing["health"]["reason"], "Target.Timeout");
    assert_eq!(
        (&failing["health"]["description"], &failing["problem"]),
        (&json!("Request timed out"), &json!(true))
    );

    world.health(&pods, &timeout);
    let happened = Instant::now();
    let shown = board.shows("FAIL-OPEN", 10);
    follows("aws", "all targets fail", (happened, shown), POLLED_AT_REST);
    world.stage(&board, &Stage { verdict: "fail-open", standings: &["failing"; 3], because });
    board.keys(super::pty::ESC);
    board.until("what fail-open means", 5, |it| {
        it.said().contains("so the load balancer sends traffic to all of them")
    });

    world.health(&pods, &json!(null));
    let happened = Instant::now();
    let shown = board.until("settled", 10, board::settled);
    follows("aws", "all targets recover", (happened, shown), POLLED_AT_REST);
    assert!(POLLED < POLLED_AT_REST);
}
