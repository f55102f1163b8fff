//! Sides of different age: what is said of a row whose endpoint is newer than the health, or older.

use super::second_binding;
use crate::domain::facts::ids::BindingApi;
use crate::domain::fixture::World;
use crate::domain::fixture::kubernetes;
use crate::domain::inventory::Kind;
use crate::domain::judgement::history::History;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::unsettled::Unsettled;

/// A fact, the world before, its change, and how the row of the address stands before health is asked for again.
type Fact = (&'static str, &'static str, fn(&mut World), &'static str, &'static str);

const FACTS: &[Fact] = &[
    (
        "a pod that has just become ready is not unregistered",
        "10.0.0.1 ready | 10.0.0.1 healthy",
        |w| w.pod("10.0.0.2 ready"),
        "10.0.0.2",
        "unknown, old",
    ),
    (
        "nor is it failing for what the address was before",
        "10.0.0.1 unready | 10.0.0.1 unhealthy Timeout",
        |w| w.pod("10.0.0.1 ready"),
        "10.0.0.1",
        "lingering, old",
    ),
    (
        "a pod that is on its way out does not linger yet",
        "10.0.0.1 ready | 10.0.0.1 healthy",
        |w| w.pod("10.0.0.1 terminating"),
        "10.0.0.1",
        "in service, old",
    ),
    (
        "a pod that has just gone leaves no orphan yet",
        "10.0.0.1 ready | 10.0.0.1 healthy",
        |w| w.gone("10.0.0.1"),
        "10.0.0.1",
        "in service, old",
    ),
    (
        "another pod at the address has no past",
        "10.0.0.1 unready | 10.0.0.1 unhealthy Timeout",
        |w| {
            w.gone("10.0.0.1");
            w.pod("10.0.0.1 ready");
            w.edit_pod("10.0.0.1", |it| it.uid = crate::domain::facts::ids::Uid::new("other"));
        },
        "10.0.0.1",
        "unknown, old",
    ),
    (
        "a pod that waited keeps waiting",
        "10.0.0.1 unready | ",
        |w| w.pod("10.0.0.1 ready"),
        "10.0.0.1",
        "waiting, old",
    ),
    (
        "a change of another pod leaves a row as it is",
        "10.0.0.1 ready | 10.0.0.1 unhealthy Timeout",
        |w| w.pod("10.0.0.2 ready"),
        "10.0.0.1",
        "failing",
    ),
    (
        "what nobody wanted before is an orphan whatever else changes",
        "10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.9 healthy",
        |w| w.pod("10.0.0.2 ready"),
        "10.0.0.9",
        "orphan",
    ),
    (
        "another binding that has just come may explain what looked like an orphan",
        "10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.9 healthy",
        |w| second_binding(w, BindingApi::LoadBalancerController, "10.0.0.9"),
        "10.0.0.9",
        "orphan, old",
    ),
];

fn said(row: &Row) -> String {
    assert!(row.outdated.is_none() || !row.problem, "nobody is accused by what is old: {row:?}");
    format!("{}{}", row.standing.word(), if row.outdated.is_some() { ", old" } else { "" })
}

#[test]
fn a_row_whose_endpoint_is_newer_than_the_health_stands_as_it_stood() {
    let wrong = FACTS.iter().filter_map(|(fact, text, change, address, expected)| {
        let mut world = World::of(text);
        world.look();
        world.later(5);
        change(&mut world);
        // Also at later looks, as long as the health is not asked for again.
        let first = said(&world.row(address));
        world.look();
        world.later(20);
        let second = said(&world.row(address));
        (first != *expected || second != *expected).then(|| format!("{fact}: {first}, then {second}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn health_that_was_asked_for_since_judges_again() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    world.look();
    world.pod("10.0.0.2 ready");
    world.look();
    world.ask(|_| {});
    assert_eq!(said(&world.row("10.0.0.2")), "unregistered");
}

#[test]
fn a_node_whose_first_pod_has_just_become_ready_is_not_failing() {
    let mut world = World::instances("10.0.0.1 unready | i-0a unhealthy FailedHealthChecks");
    world.service(|it| it.local_traffic_only = true);
    world.ask(|_| {});
    world.look();
    assert_eq!(said(&world.row("i-0a")), "passive");
    world.later(1);
    world.pod("10.0.0.1 ready");
    assert_eq!(said(&world.row("i-0a")), "passive, old");
}

#[test]
fn what_a_lost_watch_cannot_explain_is_no_orphan() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    world.look();
    world.failed(kubernetes(Kind::Slices));
    world.answer("10.0.0.1 draining, 10.0.0.2 healthy");
    assert_eq!(said(&world.row("10.0.0.2")), "unknown, old");
    assert_eq!(said(&world.row("10.0.0.1")), "unknown, old", "it drains: it was in service");
    let settled = world.report().settled;
    assert!(settled.because.contains(&Unsettled::KubernetesUnread), "{settled:?}");
    assert!(
        !settled.because.contains(&Unsettled::TargetsOlderThanChange),
        "asking AWS again would not help: {settled:?}"
    );
}

#[test]
fn what_was_wrong_before_a_watch_was_lost_stays_wrong() {
    let mut world = World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.9 healthy");
    world.look();
    world.failed(kubernetes(Kind::Slices));
    world.answer("10.0.0.1 unhealthy Timeout, 10.0.0.9 healthy");
    assert_eq!(world.standings(), "10.0.0.1 failing, 10.0.0.2 unregistered, 10.0.0.9 orphan");
}

#[test]
fn who_looks_once_takes_what_was_just_written_as_new() {
    let look = |seconds: i64| {
        let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.9 healthy");
        let written = world.now;
        world.slice("testapp-1", |it| it.written = Some(written));
        world.ask(|_| {});
        world.history = History::of_one_look();
        world.later(seconds);
        world.row("10.0.0.9").problem
    };
    assert!(!look(5), "a controller needs some seconds too");
    assert!(look(20));
    let mut world = World::of("| 10.0.0.9 healthy");
    world.history = History::of_one_look();
    assert!(world.row("10.0.0.9").problem, "where nobody says when it was written it may be old");
}
