//! The EndpointSlice controller: the endpoints of each service, with what each of them is in.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::owners::reference;
use super::selection::pods_of;
use crate::lab::clock::stamp;
use crate::lab::json::annotate;
use crate::lab::json::at;
use crate::lab::json::condition_status;
use crate::lab::json::flag;
use crate::lab::json::label;
use crate::lab::json::list;
use crate::lab::json::put;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::NODES;
use crate::lab::kubernetes::kinds::SERVICES;
use crate::lab::kubernetes::kinds::SLICES;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::key;
use crate::lab::world::World;

const SERVICE: &str = "kubernetes.io/service-name";
const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";
/// Endpoints of one slice at the most.
const FULL: usize = 100;

/// Endpoints by the uid of their pod, in the order they are to be written.
type Endpoints = BTreeMap<String, Value>;

pub(in crate::lab) fn sync(world: &mut World, name: &Name) {
    let Some(service) = world.kube.get(SERVICES, &name.0, &name.1).cloned() else { return };
    if at(&service, "spec.selector").as_object().is_none_or(serde_json::Map::is_empty) {
        return;
    }
    let pods = pods_of(world, &service);
    let mut wanted: Endpoints = pods
        .iter()
        .filter_map(|it| Some((text(it, "metadata.uid").to_owned(), endpoint(world, &service, it)?)))
        .collect();
    let ports = match wanted.is_empty() {
        true => Value::Null,
        false => json!(ports(&service, pods.first().map_or(&Value::Null, |it| &**it))),
    };
    let existing: Vec<Arc<Value>> = world
        .kube
        .objects(SLICES, Some(&name.0))
        .filter(|it| label(it, SERVICE) == Some(&name.1))
        .cloned()
        .collect();
    // Endpoints stay in the slice and at the place they have; new ones fill up what has room.
    let mut filled: Vec<(Option<Name>, Vec<Value>)> = Vec::new();
    for slice in &existing {
        let kept = list(slice, "endpoints").iter().filter_map(|it| wanted.remove(text(it, "targetRef.uid")));
        filled.push((Some(key(slice)), kept.collect()));
    }
    let mut rest = wanted.into_values();
    for (_, endpoints) in &mut filled {
        let room = FULL.saturating_sub(endpoints.len());
        endpoints.extend(rest.by_ref().take(room));
    }
    loop {
        let more: Vec<Value> = rest.by_ref().take(FULL).collect();
        if more.is_empty() && !filled.is_empty() {
            break;
        }
        filled.push((None, more));
    }
    write(world, &service, &ports, filled);
}

fn write(world: &mut World, service: &Value, ports: &Value, filled: Vec<(Option<Name>, Vec<Value>)>) {
    let now = stamp(world.now);
    let some = filled.iter().any(|(_, it)| !it.is_empty());
    for (index, (slice, endpoints)) in filled.into_iter().enumerate() {
        let spare = endpoints.is_empty() && (some || index > 0);
        let endpoints = if endpoints.is_empty() { Value::Null } else { json!(endpoints) };
        match slice {
            Some((namespace, name)) if spare => drop(world.kube.delete(SLICES, (&namespace, &name), 0)),
            Some((namespace, name)) => {
                world.kube.update(SLICES, (&namespace, &name), |it| {
                    if *at(it, "endpoints") != endpoints || at(it, "ports") != ports {
                        put(it, "endpoints", endpoints);
                        put(it, "ports", ports.clone());
                        annotate(it, TRIGGER, &now);
                        let generation = crate::lab::json::number(it, "metadata.generation") + 1;
                        put(it, "metadata.generation", json!(generation));
                    }
                });
            }
            None => {
                let name = text(service, "metadata.name");
                let slice = json!({
                    "metadata": {"generateName": format!("{name}-"), "namespace": text(service, "metadata.namespace"),
                        "labels": {SERVICE: name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
                        "annotations": {TRIGGER: now}, "ownerReferences": [reference(service)]},
                    "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
                });
                world.kube.create(SLICES, slice);
            }
        }
    }
}

/// A pod as an endpoint; `None`: it has no address, or is over.
fn endpoint(world: &World, service: &Value, pod: &Value) -> Option<Value> {
    let address = text(pod, "status.podIP");
    if address.is_empty() || matches!(text(pod, "status.phase"), "Succeeded" | "Failed") {
        return None;
    }
    let leaving = !text(pod, "metadata.deletionTimestamp").is_empty();
    let serving = condition_status(pod, "Ready") == "True";
    let always = flag(service, "spec.publishNotReadyAddresses");
    let node = text(pod, "spec.nodeName");
    let zone = world
        .kube
        .get(NODES, "", node)
        .and_then(|it| label(it, "topology.kubernetes.io/zone"))
        .unwrap_or_default();
    Some(json!({
        "addresses": [address],
        "conditions": {"ready": always || (serving && !leaving), "serving": serving, "terminating": leaving},
        "nodeName": node, "zone": zone,
        "targetRef": {"kind": "Pod", "namespace": text(pod, "metadata.namespace"),
            "name": text(pod, "metadata.name"), "uid": text(pod, "metadata.uid")},
    }))
}

/// The ports of a service as a pod has them.
fn ports(service: &Value, pod: &Value) -> Vec<Value> {
    let port = |it: &Value| {
        let target = at(it, "targetPort");
        let number = match target.as_str() {
            Some(name) => named(pod, name)?,
            None => target.as_i64()?,
        };
        Some(json!({"name": text(it, "name"), "port": number, "protocol": text(it, "protocol")}))
    };
    list(service, "spec.ports").iter().filter_map(port).collect()
}

/// The number of a container port by its name.
fn named(pod: &Value, name: &str) -> Option<i64> {
    let mut ports = list(pod, "spec.containers").iter().flat_map(|it| list(it, "ports"));
    ports.find(|it| text(it, "name") == name).and_then(|it| at(it, "containerPort").as_i64())
}
