//! One look of the controller at one binding: skip, or deregister, register, gates, checkpoint, event.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::bindings::is_running;
use super::bindings::tell;
use super::checkpoint;
use super::checkpoint::CHECKPOINT;
use super::checkpoint::TIMESTAMP;
use super::cleanup;
use super::cleanup::FINALIZER;
use super::endpoints;
use super::endpoints::Endpoint;
use super::endpoints::Failed;
use super::gates;
use super::targets;
use crate::lab::clock::Millis;
use crate::lab::elbv2::model::Health;
use crate::lab::elbv2::model::Key;
use crate::lab::elbv2::model::State;
use crate::lab::json::annotate;
use crate::lab::json::annotation;
use crate::lab::json::at;
use crate::lab::json::flag;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::put;
use crate::lab::json::text;
use crate::lab::kubernetes::store::Name;
use crate::lab::queue::Task;
use crate::lab::world::World;

/// Milliseconds until a pending gate is looked at again.
const REQUEUE: Millis = 15_000;
/// How long after a full look a skipped one is not worth a second look.
const PROCESSED: Millis = 36_000_000;
/// A skipped binding is looked at in full after this, and up to fifteen minutes more.
const DEFERRED: Millis = 1_800_000;
/// The longest wait after failures.
const SLOWEST: Millis = 1_000_000;

/// How a look ended that did not end well.
enum Ended {
    /// To be looked at again, without a word.
    Again,
    Failed(String),
}

pub(in crate::lab) fn sync(world: &mut World, kind: &'static str, name: &Name) {
    if !is_running(world, kind) {
        return;
    }
    let Some(binding) = world.kube.get(kind, &name.0, &name.1).cloned() else {
        world.lbc.forget(kind, name);
        return;
    };
    let ended = match text(&binding, "metadata.deletionTimestamp").is_empty() {
        true => reconcile(world, kind, name, &binding),
        false => cleanup::delete(world, kind, name, &binding).map_err(Ended::Failed),
    };
    match ended {
        Ok(()) => world.lbc.memory(kind, name).failures = 0,
        Err(Ended::Again) => world.after(REQUEUE, Task::Binding(kind, name.clone())),
        Err(Ended::Failed(error)) => {
            if world.lbc.version >= (3, 1, 0) {
                tell(world, &binding, true, "FailedReconcile", &format!("Failed reconcile due to {error}"));
            }
            let memory = world.lbc.memory(kind, name);
            let wait = (5_i64 << memory.failures.min(18)).min(SLOWEST);
            memory.failures += 1;
            world.after(wait, Task::Binding(kind, name.clone()));
        }
    }
}

/// Writes annotations of a binding.
fn annotated(world: &mut World, kind: &'static str, name: &Name, pairs: &[(&str, &str)]) {
    world.kube.update(kind, (&name.0, &name.1), |it| {
        for (key, value) in pairs {
            annotate(it, key, value);
        }
    });
}

/// Empties the checkpoint before anything changes, so that a look that fails is not taken for done.
fn open(world: &mut World, kind: &'static str, name: &Name) {
    let current =
        world.kube.get(kind, &name.0, &name.1).and_then(|it| annotation(it, CHECKPOINT).map(str::to_owned));
    if world.lbc.checkpoints() && current.is_some_and(|it| !it.is_empty()) {
        let now = (world.now / 1000).to_string();
        annotated(world, kind, name, &[(CHECKPOINT, ""), (TIMESTAMP, &now)]);
    }
}

fn reconcile(world: &mut World, kind: &'static str, name: &Name, binding: &Value) -> Result<(), Ended> {
    if !list(binding, "metadata.finalizers").iter().any(|it| it == FINALIZER) {
        world.kube.update(kind, (&name.0, &name.1), |it| {
            let mut finalizers = list(it, "metadata.finalizers").to_vec();
            finalizers.push(json!(FINALIZER));
            put(it, "metadata.finalizers", json!(finalizers));
        });
    }
    let wanted = match endpoints::resolve(world, binding) {
        Ok(wanted) => wanted,
        Err(Failed::NotFound(why)) => {
            tell(world, binding, true, "BackendNotFound", &format!("backend not found: {why}"));
            cleanup::targets(world, kind, name, binding).map_err(Ended::Failed)?;
            if world.lbc.version >= (2, 14, 0) {
                open(world, kind, name);
            }
            finish(world, kind, name, binding, None);
            return Ok(());
        }
        Err(Failed::Error(error)) => return Err(Ended::Failed(error)),
    };
    let mark = checkpoint::of(&wanted, binding);
    let waits = world.lbc.version >= (3, 4, 0) && gates::pending(world, &name.1, &wanted);
    if world.lbc.checkpoints() && annotation(binding, CHECKPOINT) == Some(&mark) && !waits {
        defer(world, kind, name);
        return Ok(());
    }
    let arn = text(binding, "spec.targetGroupARN").to_owned();
    if let (Some(error), false) = (world.lbc.network_error.clone(), at(binding, "spec.networking").is_null())
    {
        tell(world, binding, true, "FailedNetworkReconcile", &error);
    }
    let known = targets::list(world, kind, name, &arn).map_err(Ended::Failed)?;
    let pending = follow(world, (kind, name, binding), &wanted, &known).map_err(Ended::Failed)?;
    if pending {
        return Err(Ended::Again);
    }
    finish(world, kind, name, binding, Some(&mark));
    Ok(())
}

/// Deregisters what is not wanted, then registers what is missing, and writes the gates. Gives whether one of
/// them is not True yet.
fn follow(
    world: &mut World,
    (kind, name, binding): (&'static str, &Name, &Value),
    wanted: &[Endpoint],
    known: &BTreeMap<Key, Health>,
) -> Result<bool, String> {
    let arn = text(binding, "spec.targetGroupARN").to_owned();
    let wanted_keys: BTreeSet<&Key> = wanted.iter().map(|it| &it.key).collect();
    let registered = |key: &Key| known.get(key).is_some_and(|it| it.state != State::Draining);
    let mut extra: Vec<Key> =
        known.keys().filter(|it| registered(it) && !wanted_keys.contains(it)).cloned().collect();
    let missing: Vec<Key> = wanted_keys.iter().filter(|it| !registered(it)).map(|it| (*it).clone()).collect();
    if flag(binding, "spec.multiClusterTargetGroup") {
        let mine = cleanup::ledger(world, kind, name);
        // Without a ledger nothing is known to be ours.
        extra.retain(|it| mine.as_ref().is_some_and(|mine| mine.contains(it)));
        cleanup::write_ledger(world, kind, name, &wanted_keys);
    }
    if !extra.is_empty() || !missing.is_empty() {
        open(world, kind, name);
    }
    if !extra.is_empty() {
        targets::deregister(world, kind, name, &arn, &extra)?;
    }
    if !missing.is_empty() {
        targets::register(world, kind, name, &arn, &missing)?;
    }
    let begun = Health::registering();
    let mut pending = false;
    for it in wanted {
        let health = known.get(&it.key).filter(|it| it.state != State::Draining).unwrap_or(&begun);
        if let Some(pod) = &it.pod {
            pending |= gates::write(world, &name.1, pod, health);
        }
    }
    Ok(pending)
}

/// Writes the checkpoint, the observed generation and the event of a full look.
fn finish(world: &mut World, kind: &'static str, name: &Name, binding: &Value, mark: Option<&str>) {
    if let (Some(mark), true) = (mark, world.lbc.checkpoints()) {
        let now = (world.now / 1000).to_string();
        annotated(world, kind, name, &[(CHECKPOINT, mark), (TIMESTAMP, &now)]);
    }
    let generation = number(binding, "metadata.generation");
    if at(binding, "status.observedGeneration").as_i64() != Some(generation) {
        world
            .kube
            .update(kind, (&name.0, &name.1), |it| put(it, "status.observedGeneration", json!(generation)));
    }
    tell(world, binding, false, "SuccessfullyReconciled", "Successfully reconciled");
    let now = world.now;
    let memory = world.lbc.memory(kind, name);
    memory.processed = Some(now + PROCESSED);
    memory.deferred = None;
}

/// A look was skipped: a full one follows, but not soon.
fn defer(world: &mut World, kind: &'static str, name: &Name) {
    let now = world.now;
    let more = i64::try_from(world.kube.random.below(900_000)).unwrap_or(0);
    let memory = world.lbc.memory(kind, name);
    if memory.processed.is_some_and(|it| now < it) || memory.deferred.is_some() {
        return;
    }
    memory.processed = Some(now + PROCESSED);
    memory.deferred = Some(now + DEFERRED + more);
    world.after(DEFERRED + more, Task::Deferred(kind, name.clone()));
}

/// The time of a deferred look has come: the checkpoint is emptied, and that wakes the controller.
pub(in crate::lab) fn deferred(world: &mut World, kind: &'static str, name: &Name) {
    let now = world.now;
    let due = world.lbc.memory(kind, name).deferred.is_some_and(|it| it <= now);
    if due && is_running(world, kind) {
        world.lbc.memory(kind, name).deferred = None;
        open(world, kind, name);
    }
}
