//! The Deployment controller: ReplicaSets by template, rolled within surge and unavailability.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::events;
use super::events::Record;
use super::owners::owned;
use super::owners::reference;
use crate::lab::clock;
use crate::lab::clock::stamp;
use crate::lab::json::Condition;
use crate::lab::json::annotate;
use crate::lab::json::annotation;
use crate::lab::json::at;
use crate::lab::json::condition;
use crate::lab::json::condition_status;
use crate::lab::json::number;
use crate::lab::json::put;
use crate::lab::json::set_condition;
use crate::lab::json::slot;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::DEPLOYMENTS;
use crate::lab::kubernetes::kinds::REPLICA_SETS;
use crate::lab::kubernetes::store::Name;
use crate::lab::queue::Task;
use crate::lab::random;
use crate::lab::world::World;

const REVISION: &str = "deployment.kubernetes.io/revision";

pub(in crate::lab) fn sync(world: &mut World, name: &Name) {
    let Some(deployment) = world.kube.get(DEPLOYMENTS, &name.0, &name.1).cloned() else { return };
    let hash = template_hash(&deployment);
    let sets = owned(world, REPLICA_SETS, &deployment);
    let current = sets.iter().find(|it| crate::lab::json::label(it, "pod-template-hash") == Some(&hash));
    let current = match current {
        Some(it) => it.clone(),
        None => make_set(world, &deployment, &hash, &sets),
    };
    let old: Vec<Arc<Value>> =
        sets.into_iter().filter(|it| text(it, "metadata.uid") != text(&current, "metadata.uid")).collect();
    roll(world, &deployment, &current, &old);
    report(world, &deployment, &hash);
}

/// A name for a template that stays while the template does.
fn template_hash(deployment: &Value) -> String {
    let template = at(deployment, "spec.template").to_string();
    let mut hash = random::Random::new(random::hash(&template));
    hash.suffix(10)
}

fn make_set(world: &mut World, deployment: &Value, hash: &str, sets: &[Arc<Value>]) -> Arc<Value> {
    let revision =
        sets.iter().filter_map(|it| annotation(it, REVISION)?.parse::<u32>().ok()).max().unwrap_or(0) + 1;
    let name = text(deployment, "metadata.name");
    let mut template = at(deployment, "spec.template").clone();
    *slot(&mut template, &["metadata", "labels", "pod-template-hash"]) = json!(hash);
    let mut selector = at(deployment, "spec.selector").clone();
    *slot(&mut selector, &["matchLabels", "pod-template-hash"]) = json!(hash);
    let set = json!({
        "metadata": {
            "name": format!("{name}-{hash}"), "namespace": text(deployment, "metadata.namespace"),
            "labels": at(&template, "metadata.labels"), "ownerReferences": [reference(deployment)],
            "annotations": {REVISION: revision.to_string(),
                "deployment.kubernetes.io/desired-replicas": number(deployment, "spec.replicas").to_string()},
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
        "status": {"replicas": 0, "observedGeneration": 1},
    });
    let place = (text(deployment, "metadata.namespace").to_owned(), name.to_owned());
    world.kube.update(DEPLOYMENTS, (&place.0, &place.1), |it| annotate(it, REVISION, &revision.to_string()));
    world.kube.create(REPLICA_SETS, set)
}

/// A number or a share of the replicas.
fn share(value: &Value, of: i64, up: bool) -> i64 {
    let percent = value.as_str().and_then(|it| it.strip_suffix('%')?.parse::<i64>().ok());
    match percent {
        Some(percent) if up => (of * percent + 99) / 100,
        Some(percent) => of * percent / 100,
        None => value.as_i64().unwrap_or(0),
    }
}

fn roll(world: &mut World, deployment: &Value, current: &Value, old: &[Arc<Value>]) {
    let desired = number(deployment, "spec.replicas");
    let spec = |it: &Value| number(it, "spec.replicas");
    let ready = |it: &Value| number(it, "status.availableReplicas");
    let olds: i64 = old.iter().map(|it| spec(it)).sum();
    if text(deployment, "spec.strategy.type") == "Recreate" {
        for set in old {
            scale(world, deployment, set, 0);
        }
        let left: i64 = old.iter().map(|it| number(it, "status.replicas")).sum();
        if left == 0 {
            scale(world, deployment, current, desired);
        }
        return;
    }
    let mut surge = share(at(deployment, "spec.strategy.rollingUpdate.maxSurge"), desired, true);
    let unavailable = share(at(deployment, "spec.strategy.rollingUpdate.maxUnavailable"), desired, false);
    if surge == 0 && unavailable == 0 {
        surge = 1;
    }
    if olds == 0 {
        return scale(world, deployment, current, desired);
    }
    let total = olds + spec(current);
    if spec(current) > desired {
        scale(world, deployment, current, desired);
    } else if spec(current) < desired && total < desired + surge {
        let grown = spec(current) + (desired + surge - total).min(desired - spec(current));
        return scale(world, deployment, current, grown);
    }
    let minimum = desired - unavailable;
    let mut spare = total - minimum - (spec(current) - ready(current)).max(0);
    // Those that serve nobody go first, then those that do, as far as enough are left.
    for set in old {
        let idle = (spec(set) - ready(set)).min(spare).max(0);
        if idle > 0 {
            spare -= idle;
            scale(world, deployment, set, spec(set) - idle);
        }
    }
    let available = ready(current) + old.iter().map(|it| ready(it)).sum::<i64>();
    let mut spare = (available - minimum).max(0);
    for set in old {
        let Some(set) = world
            .kube
            .get(REPLICA_SETS, text(set, "metadata.namespace"), text(set, "metadata.name"))
            .cloned()
        else {
            continue;
        };
        let less = spec(&set).min(spare);
        if less > 0 {
            spare -= less;
            let left = spec(&set) - less;
            scale(world, deployment, &set, left);
        }
    }
}

fn scale(world: &mut World, deployment: &Value, set: &Value, to: i64) {
    let from = number(set, "spec.replicas");
    if from == to {
        return;
    }
    let (namespace, name) = (text(set, "metadata.namespace"), text(set, "metadata.name"));
    world.kube.update(REPLICA_SETS, (namespace, name), |it| put(it, "spec.replicas", json!(to)));
    let direction = if to > from { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {name} from {from} to {to}");
    let record = Record {
        component: "deployment-controller",
        warning: false,
        reason: "ScalingReplicaSet",
        message: &message,
    };
    events::record(world, deployment, record);
}

/// Writes the status.
fn report(world: &mut World, deployment: &Value, hash: &str) {
    let sets = owned(world, REPLICA_SETS, deployment);
    let sum = |key: &str| sets.iter().map(|it| number(it, &format!("status.{key}"))).sum::<i64>();
    let of_current = |key: &str| {
        let mut current =
            sets.iter().filter(|it| crate::lab::json::label(it, "pod-template-hash") == Some(hash));
        current.next().map_or(0, |it| number(it, &format!("status.{key}")))
    };
    let desired = number(deployment, "spec.replicas");
    let (replicas, available, updated) = (sum("replicas"), sum("availableReplicas"), of_current("replicas"));
    let minimum =
        desired - share(at(deployment, "spec.strategy.rollingUpdate.maxUnavailable"), desired, false);
    let done = updated == desired && replicas == desired && of_current("availableReplicas") == desired;
    let now = stamp(world.now);
    let name = text(deployment, "metadata.name").to_owned();
    let current = format!("{name}-{hash}");
    let place = (text(deployment, "metadata.namespace").to_owned(), name);
    let wait = number(deployment, "spec.progressDeadlineSeconds") * 1000;
    let stuck = !done && {
        let since =
            condition(deployment, "Progressing").and_then(|it| clock::parse(text(it, "lastUpdateTime")));
        let unchanged = number(deployment, "status.updatedReplicas") == updated
            && number(deployment, "status.availableReplicas") == available;
        unchanged && wait > 0 && since.is_some_and(|it| world.now - it >= wait)
    };
    if !done && wait > 0 {
        world.after(wait + 1000, Task::Deployment(place.clone()));
    }
    world.kube.update(DEPLOYMENTS, (&place.0, &place.1), |it| {
        let generation = number(it, "metadata.generation");
        let moved = number(it, "status.updatedReplicas") != updated
            || number(it, "status.availableReplicas") != available;
        put(it, "status.observedGeneration", json!(generation));
        for (key, value) in [
            ("replicas", replicas),
            ("updatedReplicas", updated),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", (replicas.max(desired) - available).max(0)),
        ] {
            match value {
                0 => drop(crate::lab::json::remove(it, &format!("status.{key}"))),
                value => put(it, &format!("status.{key}"), json!(value)),
            }
        }
        let enough = available >= minimum;
        let (reason, message) = match enough {
            true => ("MinimumReplicasAvailable", "Deployment has minimum availability."),
            false => ("MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
        };
        set_condition(it, &Condition { kind: "Available", status: enough, reason, message }, &now);
        let (reason, message) = match (done, stuck) {
            (true, _) => {
                ("NewReplicaSetAvailable", format!("ReplicaSet {current:?} has successfully progressed."))
            }
            (_, true) => {
                ("ProgressDeadlineExceeded", format!("ReplicaSet {current:?} has timed out progressing."))
            }
            _ => ("ReplicaSetUpdated", format!("ReplicaSet {current:?} is progressing.")),
        };
        let before = condition(it, "Progressing").map(|it| text(it, "lastUpdateTime").to_owned());
        let was_done =
            condition(it, "Progressing").is_some_and(|it| text(it, "reason") == "NewReplicaSetAvailable");
        if condition_status(it, "Progressing") != "True" || moved || !(was_done && done) || stuck {
            set_condition(
                it,
                &Condition { kind: "Progressing", status: !stuck, reason, message: &message },
                &now,
            );
        }
        let since = if moved { now.clone() } else { before.unwrap_or_else(|| now.clone()) };
        if let Value::Array(conditions) = slot(it, &["status", "conditions"]) {
            for condition in conditions {
                let at = if text(condition, "type") == "Progressing" {
                    since.clone()
                } else {
                    text(condition, "lastTransitionTime").to_owned()
                };
                put(condition, "lastUpdateTime", json!(at));
            }
        }
    });
}
