//! Nodes: their coming and going, and what that does to their pods.

use serde_json::Value;
use serde_json::json;

use super::liveness::is_alive;
use super::readiness;
use crate::lab::clock::stamp;
use crate::lab::json::Condition;
use crate::lab::json::put;
use crate::lab::json::set_condition;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::NODES;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::key;
use crate::lab::queue::Task;
use crate::lab::world::World;

/// Milliseconds pods stay on a node that is away.
const EVICT: i64 = 300_000;

/// What the scenario says of a node.
#[derive(Clone, Debug)]
pub(in crate::lab) struct NewNode {
    pub(in crate::lab) zone: String,
    pub(in crate::lab) region: String,
    /// The third part of its pods' addresses; with the second it names the node.
    pub(in crate::lab) block: (u8, u8),
    pub(in crate::lab) instance: String,
}

/// Adds a node that is ready.
pub(in crate::lab) fn add(world: &mut World, new: &NewNode) -> String {
    let (b, c) = new.block;
    let name = format!("ip-192-{b}-{c}-10.{}.compute.internal", new.region);
    let now = stamp(world.now);
    let mut node = json!({
        "metadata": {"name": name, "labels": {
            "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": name,
            "node.kubernetes.io/instance-type": "m5.large", "topology.kubernetes.io/region": new.region,
            "topology.kubernetes.io/zone": new.zone}},
        "spec": {"providerID": format!("aws:///{}/{}", new.zone, new.instance)},
        "status": {
            "addresses": [{"type": "InternalIP", "address": format!("192.{b}.{c}.10")}, {"type": "Hostname", "address": name}],
            "allocatable": {"cpu": "2", "memory": "8Gi", "pods": "200"}, "capacity": {"cpu": "2", "memory": "8Gi", "pods": "200"},
            "nodeInfo": {"kubeletVersion": "v1.35.4", "osImage": "Amazon Linux 2023", "kernelVersion": "6.12.0",
                "containerRuntimeVersion": "containerd://2.1.0", "architecture": "amd64", "operatingSystem": "linux",
                "kubeProxyVersion": "", "machineID": "", "systemUUID": "", "bootID": ""},
        },
    });
    ready(&mut node, true, &now);
    world.kube.create(NODES, node);
    name
}

fn ready(node: &mut Value, is: bool, now: &str) {
    let (reason, message) = match is {
        true => ("KubeletReady", "kubelet is posting ready status"),
        false => ("NodeStatusUnknown", "Kubelet stopped posting node status."),
    };
    set_condition(node, &Condition { kind: "Ready", status: is, reason, message }, now);
    let taints = match is {
        true => json!(null),
        false => json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]),
    };
    let status = if is { "True" } else { "Unknown" };
    if let Value::Array(conditions) = crate::lab::json::slot(node, &["status", "conditions"]) {
        for it in conditions.iter_mut().filter(|it| text(it, "type") == "Ready") {
            put(it, "status", json!(status));
        }
    }
    match taints {
        Value::Null => drop(crate::lab::json::remove(node, "spec.taints")),
        taints => put(node, "spec.taints", taints),
    }
}

/// A node goes away without a word, or is back.
pub(in crate::lab) fn set_alive(world: &mut World, name: &str, alive: bool) {
    let now = stamp(world.now);
    world.kube.update(NODES, ("", name), |it| ready(it, alive, &now));
    let pods: Vec<Name> = of(world, name);
    for pod in &pods {
        world.kube.update(PODS, (&pod.0, &pod.1), |it| match alive {
            true => readiness::judge(it, &now),
            false => {
                set_condition(it, &Condition { kind: "Ready", status: false, reason: "", message: "" }, &now)
            }
        });
    }
    if !alive {
        world.after(EVICT, Task::Evict(name.to_owned()));
    }
}

/// The node stayed away: its pods are to go, though nobody there can end them.
pub(in crate::lab) fn evict(world: &mut World, name: &str) {
    if is_alive(world, name) {
        return;
    }
    for (namespace, pod) in of(world, name) {
        world.kube.delete(PODS, (&namespace, &pod), 30);
    }
}

fn of(world: &World, node: &str) -> Vec<Name> {
    world.kube.objects(PODS, None).filter(|it| text(it, "spec.nodeName") == node).map(|it| key(it)).collect()
}
