//! Which services select which pods.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::lab::json::at;
use crate::lab::json::pairs;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::kinds::SERVICES;
use crate::lab::kubernetes::select;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::by_label;
use crate::lab::kubernetes::store::key;
use crate::lab::world::World;

/// Services that select a pod.
pub(in crate::lab) fn services_of(world: &World, namespace: &str, pod: &Value) -> BTreeSet<Name> {
    let selecting = pairs(pod, "metadata.labels")
        .flat_map(|(label, value)| world.kube.indexed(SERVICES, by_label(namespace, label, value)));
    selecting.filter(|it| select::picks(at(it, "spec.selector"), pod)).map(|it| key(it)).collect()
}

/// Pods a service selects, in the order of their names.
pub(super) fn pods_of(world: &World, service: &Value) -> Vec<Arc<Value>> {
    let namespace = text(service, "metadata.namespace");
    let selector = at(service, "spec.selector");
    let first = pairs(service, "spec.selector").next();
    let candidates = first.map(|(label, value)| world.kube.indexed(PODS, by_label(namespace, label, value)));
    candidates.into_iter().flatten().filter(|it| select::picks(selector, it)).cloned().collect()
}
