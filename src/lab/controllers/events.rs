//! Events, as controllers record them: one that repeats is counted, not written anew.

use serde_json::Value;
use serde_json::json;

use crate::lab::clock::stamp;
use crate::lab::json::number;
use crate::lab::json::put;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::EVENTS;
use crate::lab::kubernetes::store::key;
use crate::lab::world::World;

/// What is recorded about an object.
#[derive(Clone, Copy, Debug)]
pub(in crate::lab) struct Record<'a> {
    pub(in crate::lab) component: &'a str,
    pub(in crate::lab) warning: bool,
    pub(in crate::lab) reason: &'a str,
    pub(in crate::lab) message: &'a str,
}

pub(in crate::lab) fn record(world: &mut World, about: &Value, it: Record) {
    // Of ten thousand pods nobody reads how each of them started.
    if world.scenario.quiet && world.now < world.began {
        return;
    }
    let (namespace, name) = key(about);
    let namespace = if namespace.is_empty() { "default".to_owned() } else { namespace };
    let uid = text(about, "metadata.uid");
    // Named by what it says, so that the same event is found again.
    let hash = crate::lab::random::hash(&format!("{uid} {} {} {}", it.component, it.reason, it.message));
    let named = format!("{name}.{hash:016x}");
    let now = stamp(world.now);
    let again = world.kube.update(EVENTS, (&namespace, &named), |event| {
        let count = number(event, "count") + 1;
        put(event, "count", json!(count));
        put(event, "lastTimestamp", json!(now));
    });
    if again.is_some() {
        return;
    }
    let event = json!({
        "metadata": {"namespace": namespace, "name": named},
        "involvedObject": {"apiVersion": text(about, "apiVersion"), "kind": text(about, "kind"), "namespace": text(about, "metadata.namespace"),
            "name": name, "uid": uid, "resourceVersion": text(about, "metadata.resourceVersion")},
        "type": if it.warning { "Warning" } else { "Normal" }, "reason": it.reason, "message": it.message,
        "source": {"component": it.component}, "reportingComponent": it.component, "reportingInstance": "",
        "count": 1, "firstTimestamp": now, "lastTimestamp": now, "eventTime": null,
    });
    world.kube.create(EVENTS, event);
}
