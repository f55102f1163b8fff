//! The life of a pod on its node: address, containers that start, become ready, end and are started again,
//! and the end of the pod itself.

use serde_json::Value;
use serde_json::json;

use super::addresses;
use super::events;
use super::events::Record;
use super::liveness::is_alive;
use super::readiness;
use crate::lab::clock::stamp;
use crate::lab::ec2::model::branch;
use crate::lab::json::Condition;
use crate::lab::json::annotate;
use crate::lab::json::at;
use crate::lab::json::flag;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::put;
use crate::lab::json::set_condition;
use crate::lab::json::slot;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::store::Change;
use crate::lab::kubernetes::store::Event;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::key;
use crate::lab::queue::PodStep;
use crate::lab::queue::Task;
use crate::lab::world::World;

pub(in crate::lab) fn pod_changed(world: &mut World, change: &Change, name: &Name) {
    let pod = &change.new;
    let uid = text(pod, "metadata.uid").to_owned();
    let address = text(pod, "status.podIP");
    let over = change.event == Event::Deleted || matches!(text(pod, "status.phase"), "Succeeded" | "Failed");
    if !address.is_empty() {
        match over {
            true if world.addresses.get(address) == Some(name) => drop(world.addresses.remove(address)),
            false => drop(world.addresses.insert(address.to_owned(), name.clone())),
            true => {}
        }
    }
    count(world, change);
    if change.event == Event::Deleted || text(pod, "spec.nodeName").is_empty() {
        return;
    }
    let old = change.old.as_deref().unwrap_or(&Value::Null);
    let leaving = !text(pod, "metadata.deletionTimestamp").is_empty();
    if leaving && text(old, "metadata.deletionTimestamp").is_empty() {
        stop(world, pod, name);
    }
    let told = at(pod, "metadata.annotations") != at(old, "metadata.annotations");
    if told && !leaving {
        world.after(0, Task::Pod(name.clone(), uid.clone(), PodStep::Probe));
    }
    if !list(pod, "spec.readinessGates").is_empty()
        && at(pod, "status.conditions") != at(old, "status.conditions")
    {
        world.after(0, Task::Pod(name.clone(), uid, PodStep::Gates));
    }
}

/// Keeps count of the pods of each node.
fn count(world: &mut World, change: &Change) {
    let node = |it: &Value| {
        let over = matches!(text(it, "status.phase"), "Succeeded" | "Failed");
        (!over).then(|| text(it, "spec.nodeName").to_owned()).filter(|it| !it.is_empty())
    };
    let before = change.old.as_deref().and_then(node);
    let after = (change.event != Event::Deleted).then(|| node(&change.new)).flatten();
    if before == after {
        return;
    }
    for (node, by) in [(before, -1), (after, 1)] {
        if let Some(node) = node {
            *world.loads.entry(node).or_default() += by;
        }
    }
}

/// The signal to end is sent; when the process ends, the pod goes.
fn stop(world: &mut World, pod: &Value, name: &Name) {
    let containers: Vec<String> =
        list(pod, "spec.containers").iter().map(|it| text(it, "name").to_owned()).collect();
    for container in containers {
        let message = format!("Stopping container {container}");
        events::record(
            world,
            pod,
            Record { component: "kubelet", warning: false, reason: "Killing", message: &message },
        );
    }
    let grace = number(pod, "metadata.deletionGracePeriodSeconds") * 1000;
    let wait = world.images.of(pod).stop.min(grace);
    let uid = text(pod, "metadata.uid").to_owned();
    world.after(wait, Task::Pod(name.clone(), uid, PodStep::Stop));
}

pub(in crate::lab) fn perform(world: &mut World, name: &Name, uid: &str, step: PodStep) {
    let found = world.kube.get(PODS, &name.0, &name.1).filter(|it| text(it, "metadata.uid") == uid);
    let Some(pod) = found.cloned() else { return };
    let finished = matches!(text(&pod, "status.phase"), "Succeeded" | "Failed");
    let leaving = !text(&pod, "metadata.deletionTimestamp").is_empty();
    if !is_alive(world, text(&pod, "spec.nodeName")) {
        // Nobody is there to do it; it is done when the node is back.
        world.after(5_000, Task::Pod(name.clone(), uid.to_owned(), step));
        return;
    }
    if step == PodStep::Stop {
        world.kube.update(PODS, (&name.0, &name.1), |it| {
            set_containers(it, &|_| json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), false);
        });
        world.kube.delete(PODS, (&name.0, &name.1), 0);
        world
            .kube
            .update(PODS, (&name.0, &name.1), |it| put(it, "metadata.deletionGracePeriodSeconds", json!(0)));
        return;
    }
    if finished || leaving {
        return;
    }
    match step {
        PodStep::Pull => pull(world, &pod, name, uid),
        PodStep::Run => run(world, &pod, name, uid),
        PodStep::Probe => probe(world, &pod, name, uid),
        PodStep::Exit => exit(world, &pod, name, uid),
        PodStep::Gates => change(world, name, |_| {}),
        PodStep::Stop => {}
    }
}

/// Changes a pod and then says anew whether it is ready.
fn change(world: &mut World, name: &Name, edit: impl FnOnce(&mut Value)) {
    let now = stamp(world.now);
    world.kube.update(PODS, (&name.0, &name.1), |it| {
        edit(it);
        readiness::judge(it, &now);
    });
}

/// Gives every container a state; counts a restart where one is meant.
fn set_containers(pod: &mut Value, state: &dyn Fn(&Value) -> Value, ready: bool) {
    let before: Vec<Value> = list(pod, "status.containerStatuses").to_vec();
    let statuses = list(pod, "spec.containers").iter().map(|container| {
        let old = before.iter().find(|it| text(it, "name") == text(container, "name"));
        let old = old.cloned().unwrap_or_else(|| json!({"restartCount": 0, "lastState": {}}));
        let state = state(&old);
        let running = state.get("running").is_some();
        json!({"name": text(container, "name"), "image": text(container, "image"), "imageID": "",
            "restartCount": number(&old, "restartCount"), "lastState": at(&old, "lastState"),
            "ready": ready && running, "started": running, "state": state})
    });
    let statuses: Vec<Value> = statuses.collect();
    put(pod, "status.containerStatuses", json!(statuses));
}

/// The node has taken the pod: its containers are being created.
pub(super) fn accept(world: &mut World, name: &Name, uid: &str) {
    let now = stamp(world.now);
    let image = world.kube.get(PODS, &name.0, &name.1).map(|it| world.images.of(it)).unwrap_or_default();
    change(world, name, |it| {
        put(it, "status.startTime", json!(now));
        set_condition(it, &Condition { kind: "Initialized", status: true, reason: "", message: "" }, &now);
        set_containers(it, &|_| json!({"waiting": {"reason": "ContainerCreating"}}), false);
    });
    world.after(image.start / 2, Task::Pod(name.clone(), uid.to_owned(), PodStep::Pull));
}

fn image_of(pod: &Value) -> String {
    list(pod, "spec.containers").first().map_or("", |it| text(it, "image")).to_owned()
}

fn pull(world: &mut World, pod: &Value, name: &Name, uid: &str) {
    let image = world.images.of(pod);
    let name_of = image_of(pod);
    let address = match text(pod, "status.podIP") {
        "" => addresses::free(world, text(pod, "spec.nodeName")),
        has => has.to_owned(),
    };
    let Some(error) = image.pull_error else {
        let message = format!("Container image {name_of:?} already present on machine");
        events::record(
            world,
            pod,
            Record { component: "kubelet", warning: false, reason: "Pulled", message: &message },
        );
        put_address(world, name, &address);
        world.after(image.start / 2, Task::Pod(name.clone(), uid.to_owned(), PodStep::Run));
        return;
    };
    let waits = list(pod, "status.containerStatuses")
        .first()
        .map_or("", |it| text(it, "state.waiting.reason"))
        .to_owned();
    let (reason, message, wait) = match waits.as_str() {
        "ErrImagePull" => {
            ("ImagePullBackOff", format!("Back-off pulling image {name_of:?}: ErrImagePull: {error}"), 15_000)
        }
        _ => ("ErrImagePull", error.clone(), 5_000),
    };
    let failed = format!("Failed to pull image {name_of:?}: {error}");
    let record = |reason, message| Record { component: "kubelet", warning: true, reason, message };
    match reason {
        "ErrImagePull" => events::record(world, pod, record("Failed", &failed)),
        _ => {
            let message = format!("Back-off pulling image {name_of:?}");
            events::record(
                world,
                pod,
                Record { component: "kubelet", warning: false, reason: "BackOff", message: &message },
            );
        }
    }
    put_address(world, name, &address);
    change(world, name, |it| {
        set_containers(it, &|_| json!({"waiting": {"reason": reason, "message": message}}), false);
    });
    world.after(wait, Task::Pod(name.clone(), uid.to_owned(), PodStep::Pull));
}

fn put_address(world: &mut World, name: &Name, address: &str) {
    // What the VPC's controller writes about a pod with an interface of its own.
    let own = world.ec2.pods.as_ref().map(|_| {
        json!([{"eniId": branch(address), "privateIp": address, "ipv6Addr": "", "vlanId": 1}]).to_string()
    });
    world.kube.update(PODS, (&name.0, &name.1), |it| {
        put(it, "status.podIP", json!(address));
        put(it, "status.podIPs", json!([{"ip": address}]));
        if let Some(own) = &own {
            annotate(it, "vpc.amazonaws.com/pod-eni", own);
        }
    });
}

fn run(world: &mut World, pod: &Value, name: &Name, uid: &str) {
    let image = world.images.of(pod);
    if image.pull_error.is_some() {
        return pull(world, pod, name, uid);
    }
    let containers: Vec<String> =
        list(pod, "spec.containers").iter().map(|it| text(it, "name").to_owned()).collect();
    for container in containers {
        let message = format!("Started container {container}");
        events::record(
            world,
            pod,
            Record { component: "kubelet", warning: false, reason: "Started", message: &message },
        );
    }
    let now = stamp(world.now);
    change(world, name, |it| {
        put(it, "status.phase", json!("Running"));
        set_containers(it, &|_| json!({"running": {"startedAt": now}}), false);
    });
    if let Some(wait) = image.crash_after {
        world.after(wait, Task::Pod(name.clone(), uid.to_owned(), PodStep::Exit));
    }
    if !image.never_ready && image.crash_after.is_none_or(|it| image.ready < it) {
        world.after(image.ready, Task::Pod(name.clone(), uid.to_owned(), PodStep::Probe));
    }
}

fn is_running(pod: &Value) -> bool {
    list(pod, "status.containerStatuses").iter().any(|it| !at(it, "state.running").is_null())
}

fn probe(world: &mut World, pod: &Value, name: &Name, uid: &str) {
    if !is_running(pod) {
        return;
    }
    let image = world.images.of(pod);
    let ready = !image.never_ready;
    let was = list(pod, "status.containerStatuses").iter().all(|it| flag(it, "ready"));
    if !ready && was {
        let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
        events::record(
            world,
            pod,
            Record { component: "kubelet", warning: true, reason: "Unhealthy", message },
        );
    }
    change(world, name, |it| {
        if let Value::Array(statuses) = slot(it, &["status", "containerStatuses"]) {
            for status in statuses {
                put(status, "ready", json!(ready));
            }
        }
    });
    if let (Some(wait), true) = (image.crash_after, was) {
        world.after(wait, Task::Pod(name.clone(), uid.to_owned(), PodStep::Exit));
    }
}

fn exit(world: &mut World, pod: &Value, name: &Name, uid: &str) {
    let image = world.images.of(pod);
    if image.crash_after.is_none() || !is_running(pod) {
        return;
    }
    let restarts =
        list(pod, "status.containerStatuses").iter().map(|it| number(it, "restartCount")).max().unwrap_or(0);
    let (code, reason) = if image.out_of_memory { (137, "OOMKilled") } else { (image.exit_code, "Error") };
    let now = stamp(world.now);
    let container = list(pod, "spec.containers").first().map_or("", |it| text(it, "name")).to_owned();
    // The first start again is at once, the next ones after 10, 20, 40 … 300 seconds.
    let wait = match restarts {
        0 => 0,
        n => (10_000_i64 << (n - 1).clamp(0, 5)).min(300_000),
    };
    let message = format!(
        "back-off {}s restarting failed container={container} pod={}_{}({uid})",
        wait / 1000,
        name.1,
        name.0
    );
    if wait > 0 {
        let short =
            format!("Back-off restarting failed container {container} in pod {}_{}({uid})", name.1, name.0);
        events::record(
            world,
            pod,
            Record { component: "kubelet", warning: true, reason: "BackOff", message: &short },
        );
    }
    change(world, name, |it| {
        let ended = |old: &Value| json!({"exitCode": code, "reason": reason, "startedAt": text(old, "state.running.startedAt"), "finishedAt": now});
        set_containers(
            it,
            &|old| match wait {
                0 => json!({"terminated": ended(old)}),
                _ => json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}}),
            },
            false,
        );
        if let Value::Array(statuses) = slot(it, &["status", "containerStatuses"]) {
            for status in statuses {
                put(status, "restartCount", json!(restarts + 1));
                put(
                    status,
                    "lastState",
                    json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": now}}),
                );
            }
        }
    });
    world.after(wait.max(1_000), Task::Pod(name.clone(), uid.to_owned(), PodStep::Run));
}

/// Looks anew at every pod of an image that behaves differently now.
pub(in crate::lab) fn image_changed(world: &mut World, image: &str) {
    let new = world.images.get(image);
    let pods: Vec<(Name, String)> = world
        .kube
        .objects(PODS, None)
        .filter(|it| image_of(it) == image)
        .map(|it| (key(it), text(it, "metadata.uid").to_owned()))
        .collect();
    for (name, uid) in pods {
        if let Some(wait) = new.crash_after {
            world.after(wait, Task::Pod(name, uid, PodStep::Exit));
        } else {
            world.after(if new.never_ready { 0 } else { new.ready }, Task::Pod(name, uid, PodStep::Probe));
        }
    }
}

/// Ends a pod as failed: evicted by its node, or for another reason given.
pub(in crate::lab) fn fail(world: &mut World, name: &Name, reason: &str, message: &str) {
    let Some(pod) = world.kube.get(PODS, &name.0, &name.1).cloned() else { return };
    events::record(world, &pod, Record { component: "kubelet", warning: true, reason, message });
    change(world, name, |it| {
        put(it, "status.phase", json!("Failed"));
        put(it, "status.reason", json!(reason));
        put(it, "status.message", json!(message));
        set_containers(it, &|_| json!({"terminated": {"exitCode": 137, "reason": "Error"}}), false);
    });
}
