//! The ReplicaSet controller: as many pods as it should have, released when their labels no longer fit.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::events;
use super::events::Record;
use super::garbage;
use super::owners::owned;
use super::owners::reference;
use super::pods;
use crate::lab::json::at;
use crate::lab::json::condition_status;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::put;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::kinds::REPLICA_SETS;
use crate::lab::kubernetes::select::selector_picks;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::by_owner;
use crate::lab::kubernetes::store::key;
use crate::lab::world::World;

const COMPONENT: &str = "replicaset-controller";

pub(in crate::lab) fn sync(world: &mut World, name: &Name) {
    let Some(set) = world.kube.get(REPLICA_SETS, &name.0, &name.1).cloned() else { return };
    adopt_and_release(world, &set);
    let pods = owned(world, PODS, &set);
    let active: Vec<&Arc<Value>> = pods.iter().filter(|it| is_active(it)).collect();
    let desired = number(&set, "spec.replicas");
    let have = i64::try_from(active.len()).unwrap_or(i64::MAX);
    for _ in have..desired {
        let made = pods::create(
            world,
            at(&set, "spec.template"),
            text(&set, "metadata.name"),
            &reference(&set),
            &name.0,
        );
        let message = format!("Created pod: {}", text(&made, "metadata.name"));
        events::record(
            world,
            &set,
            Record { component: COMPONENT, warning: false, reason: "SuccessfulCreate", message: &message },
        );
    }
    if have > desired {
        let mut victims: Vec<&Arc<Value>> = active.clone();
        // Those that matter least go first: not scheduled, not ready, youngest.
        victims.sort_by_key(|it| {
            let age = std::cmp::Reverse(text(it, "metadata.creationTimestamp").to_owned());
            (!text(it, "spec.nodeName").is_empty(), condition_status(it, "Ready") == "True", age, key(it))
        });
        let surplus = usize::try_from(have - desired).unwrap_or_default();
        for pod in victims.into_iter().take(surplus) {
            let (namespace, pod_name) = key(pod);
            world.kube.delete(PODS, (&namespace, &pod_name), garbage::grace(PODS, pod));
            let message = format!("Deleted pod: {pod_name}");
            events::record(
                world,
                &set,
                Record {
                    component: COMPONENT,
                    warning: false,
                    reason: "SuccessfulDelete",
                    message: &message,
                },
            );
        }
    }
    report(world, name);
}

/// Neither finished nor on its way out.
fn is_active(pod: &Value) -> bool {
    !matches!(text(pod, "status.phase"), "Succeeded" | "Failed")
        && text(pod, "metadata.deletionTimestamp").is_empty()
}

fn adopt_and_release(world: &mut World, set: &Value) {
    let uid = text(set, "metadata.uid").to_owned();
    let namespace = text(set, "metadata.namespace");
    let selector = at(set, "spec.selector");
    let mut release = Vec::new();
    let mut adopt = Vec::new();
    for pod in owned(world, PODS, set) {
        if !selector_picks(selector, &pod) && text(&pod, "metadata.deletionTimestamp").is_empty() {
            release.push(key(&pod));
        }
    }
    for pod in world.kube.indexed(PODS, by_owner(namespace, "")) {
        if selector_picks(selector, pod) && is_active(pod) {
            adopt.push(key(pod));
        }
    }
    for (namespace, name) in release {
        world.kube.update(PODS, (&namespace, &name), |it| {
            let owners = list(it, "metadata.ownerReferences").iter().filter(|it| text(it, "uid") != uid);
            let owners: Vec<Value> = owners.cloned().collect();
            match owners.is_empty() {
                true => drop(crate::lab::json::remove(it, "metadata.ownerReferences")),
                false => put(it, "metadata.ownerReferences", json!(owners)),
            }
        });
    }
    for (namespace, name) in adopt {
        let reference = reference(set);
        world
            .kube
            .update(PODS, (&namespace, &name), |it| put(it, "metadata.ownerReferences", json!([reference])));
    }
}

fn report(world: &mut World, name: &Name) {
    let Some(set) = world.kube.get(REPLICA_SETS, &name.0, &name.1).cloned() else { return };
    let pods = owned(world, PODS, &set);
    let active: Vec<&Arc<Value>> = pods.iter().filter(|it| is_active(it)).collect();
    let ready = active.iter().filter(|it| condition_status(it, "Ready") == "True").count();
    world.kube.update(REPLICA_SETS, (&name.0, &name.1), |it| {
        put(it, "status.replicas", json!(active.len()));
        put(it, "status.fullyLabeledReplicas", json!(active.len()));
        put(it, "status.readyReplicas", json!(ready));
        put(it, "status.availableReplicas", json!(ready));
        let generation = number(it, "metadata.generation");
        put(it, "status.observedGeneration", json!(generation));
    });
}
