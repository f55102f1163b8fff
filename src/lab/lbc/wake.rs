//! What wakes the controller: services, slices, pods and nodes, each for the bindings that rest on them.

use serde_json::Value;

use super::bindings;
use super::bindings::GATE;
use super::bindings::enqueue;
use super::bindings::is_instance;
use crate::lab::json::at;
use crate::lab::json::list;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::AUTO_MODE;
use crate::lab::kubernetes::kinds::BINDINGS;
use crate::lab::kubernetes::store::Change;
use crate::lab::kubernetes::store::Event;
use crate::lab::kubernetes::store::Name;
use crate::lab::world::World;

/// Instance bindings look at services; those of addresses only notice when theirs comes or goes, by its slices.
pub(in crate::lab) fn service_changed(world: &mut World, service: &Name) {
    for (kind, name) in
        bindings::all(world, Some(&service.0), |it| text(it, "spec.serviceRef.name") == service.1)
    {
        enqueue(world, kind, name);
    }
}

pub(in crate::lab) fn slices_changed(world: &mut World, service: &Name, change: &Change) {
    let old = change.old.as_deref().unwrap_or(&Value::Null);
    let same = |path: &str| at(old, path) == at(&change.new, path);
    if change.event == Event::Modified && same("endpoints") && same("ports") {
        return;
    }
    let of = |it: &Value| text(it, "spec.serviceRef.name") == service.1 && !is_instance(it);
    for (kind, name) in bindings::all(world, Some(&service.0), of) {
        enqueue(world, kind, name);
    }
}

/// Since version 3.4 pods with a gate of ours are watched too.
pub(in crate::lab) fn pod_changed(world: &mut World, change: &Change) {
    if world.lbc.version < (3, 4, 0) {
        return;
    }
    let namespace = text(&change.new, "metadata.namespace").to_owned();
    let gates: Vec<String> = list(&change.new, "spec.readinessGates")
        .iter()
        .filter_map(|it| text(it, "conditionType").strip_prefix(GATE).map(str::to_owned))
        .collect();
    for gate in gates {
        for kind in [BINDINGS, AUTO_MODE] {
            if world.kube.get(kind, &namespace, &gate).is_some() {
                enqueue(world, kind, (namespace.clone(), gate.clone()));
            }
        }
    }
}

pub(in crate::lab) fn nodes_changed(world: &mut World) {
    for (kind, name) in bindings::all(world, None, is_instance) {
        enqueue(world, kind, name);
    }
}
