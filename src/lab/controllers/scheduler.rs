//! The scheduler: a node for each pod, or why there is none.

use serde_json::Value;
use serde_json::json;

use super::events;
use super::events::Record;
use super::kubelet;
use crate::lab::clock::stamp;
use crate::lab::json::Condition;
use crate::lab::json::at;
use crate::lab::json::condition_status;
use crate::lab::json::flag;
use crate::lab::json::label;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::pairs;
use crate::lab::json::put;
use crate::lab::json::set_condition;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::NODES;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::store::Change;
use crate::lab::kubernetes::store::Event;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::key;
use crate::lab::queue::Task;
use crate::lab::world::World;

/// Milliseconds after which a pod without a place is tried again.
const AGAIN: i64 = 10_000;
/// The same of a pod for which there may be one.
const AT_ONCE: i64 = 10;

/// Why a node does not take a pod; `None`: it does.
fn objection(node: &Value, pod: &Value, n_pods: i64) -> Option<&'static str> {
    let selected = pairs(pod, "spec.nodeSelector").all(|(key, value)| label(node, key) == Some(value));
    let repels = |it: &Value| matches!(text(it, "effect"), "NoSchedule" | "NoExecute");
    if flag(node, "spec.unschedulable") {
        return Some("node(s) were unschedulable");
    }
    if list(node, "spec.taints").iter().any(repels) || condition_status(node, "Ready") != "True" {
        return Some("node(s) had untolerated taint(s)");
    }
    if !selected {
        return Some("node(s) didn't match Pod's node affinity/selector");
    }
    let room = text(node, "status.allocatable.pods").parse::<i64>().unwrap_or(110);
    (n_pods >= room).then_some("Too many pods")
}

/// A pod waits for a place, or its own is free now.
pub(in crate::lab) fn pod_changed(world: &mut World, change: &Change, name: &Name) {
    if change.event == Event::Deleted {
        room(world);
    } else if text(&change.new, "spec.nodeName").is_empty() {
        world.after(AT_ONCE, Task::Schedule(name.clone(), text(&change.new, "metadata.uid").to_owned()));
    }
}

/// Gives a pod of that uid, and no other, a node, or says why there is none.
pub(in crate::lab) fn place(world: &mut World, name: &Name, uid: &str) {
    let found = world.kube.get(PODS, &name.0, &name.1).filter(|it| text(it, "metadata.uid") == uid);
    let Some(pod) = &found.cloned() else { return };
    // The emptiest node first; the others are only looked at where it does not take the pod.
    let load = |it: &Value| world.loads.get(text(it, "metadata.name")).copied().unwrap_or(0);
    let mut nodes: Vec<(i64, &std::sync::Arc<Value>)> =
        world.kube.objects(NODES, None).map(|it| (load(it), it)).collect();
    nodes.sort_by_key(|it| it.0);
    let n_nodes = nodes.len();
    let mut objections = std::collections::BTreeMap::<&str, u32>::new();
    let mut best = None;
    for (n_pods, node) in nodes {
        match objection(node, pod, n_pods) {
            Some(why) => *objections.entry(why).or_default() += 1,
            None => {
                best = Some(text(node, "metadata.name").to_owned());
                break;
            }
        }
    }
    let now = stamp(world.now);
    let Some(node) = best else {
        let reasons: Vec<String> = objections.iter().map(|(why, n)| format!("{n} {why}")).collect();
        let message = format!("0/{n_nodes} nodes are available: {}.", reasons.join(", "));
        world.kube.update(PODS, (&name.0, &name.1), |it| {
            set_condition(
                it,
                &Condition {
                    kind: "PodScheduled",
                    status: false,
                    reason: "Unschedulable",
                    message: &message,
                },
                &now,
            );
        });
        events::record(
            world,
            pod,
            Record {
                component: "default-scheduler",
                warning: true,
                reason: "FailedScheduling",
                message: &message,
            },
        );
        world.after(AGAIN, Task::Schedule(name.clone(), uid.to_owned()));
        return;
    };
    let found = world.kube.get(NODES, "", &node);
    let host = found.and_then(|it| {
        list(it, "status.addresses").iter().find(|it| text(it, "type") == "InternalIP").cloned()
    });
    let zone: Vec<(&str, Value)> = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"]
        .into_iter()
        .filter_map(|key| Some((key, json!(found.and_then(|it| label(it, key))?))))
        .collect();
    world.kube.update(PODS, (&name.0, &name.1), |it| {
        put(it, "spec.nodeName", json!(node));
        for (key, value) in zone {
            *crate::lab::json::slot(it, &["metadata", "labels", key]) = value;
        }
        if let Some(host) = &host {
            put(it, "status.hostIP", at(host, "address").clone());
            put(it, "status.hostIPs", json!([{"ip": at(host, "address")}]));
        }
        set_condition(it, &Condition { kind: "PodScheduled", status: true, reason: "", message: "" }, &now);
    });
    let message = format!("Successfully assigned {}/{} to {node}", name.0, name.1);
    events::record(
        world,
        pod,
        Record { component: "default-scheduler", warning: false, reason: "Scheduled", message: &message },
    );
    kubelet::accept(world, name, uid);
}

/// Room may have come: whoever waits for a place is tried again.
pub(in crate::lab) fn room(world: &mut World) {
    let waiting: Vec<(Name, String)> = world
        .kube
        .objects(PODS, None)
        .filter(|it| {
            text(it, "spec.nodeName").is_empty() && number(it, "metadata.deletionGracePeriodSeconds") == 0
        })
        .map(|it| (key(it), text(it, "metadata.uid").to_owned()))
        .collect();
    for (name, uid) in waiting {
        world.after(AT_ONCE, Task::Schedule(name, uid));
    }
}
