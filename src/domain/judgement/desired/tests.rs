//! Worlds of the wanted set, as a table: what the controller would register in each.

mod instances;
mod ports;
mod readiness;
mod unread;

use crate::domain::fixture::World;
use crate::domain::fixture::reference;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Resolution;

/// A fact, the world it is about, and what is wanted in it.
type Fact = (&'static str, fn() -> World, &'static str);

fn check(facts: &[Fact]) {
    let wrong: Vec<String> = facts
        .iter()
        .map(|(fact, world, expected)| (fact, wanted(&world()), expected))
        .filter(|(_, found, expected)| found != **expected)
        .map(|(fact, found, expected)| format!("{fact}: {found:?}, expected {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), facts.len(), wrong.join("\n"));
}

fn resolution(world: &World) -> Resolution {
    let binding = world.inventory.binding(&reference()).unwrap();
    desired::resolve(&world.inventory, &reference(), binding)
}

/// The wanted endpoints; `?` behind those that cannot be judged; the backend where it is not found.
fn wanted(world: &World) -> String {
    let resolution = resolution(world);
    let text = |it: &desired::Endpoint| match it.wanted {
        Some(true) => Some(it.key.to_string()),
        Some(false) => None,
        None => Some(format!("{}?", it.key)),
    };
    let endpoints = resolution.endpoints.iter().filter_map(text).collect::<Vec<_>>().join(", ");
    match resolution.backend {
        Backend::Found => endpoints,
        backend => format!("{backend:?}{endpoints}"),
    }
}

fn world(text: &str, edit: impl FnOnce(&mut World)) -> World {
    let mut world = World::of(text);
    edit(&mut world);
    world
}
