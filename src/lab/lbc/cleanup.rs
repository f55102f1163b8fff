//! What the controller undoes: when a binding goes, or its service does; and the ledger of a shared group.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::bindings::tell;
use super::gates;
use super::targets;
use crate::lab::clock::stamp;
use crate::lab::elbv2::model::Key;
use crate::lab::json::Condition;
use crate::lab::json::flag;
use crate::lab::json::list;
use crate::lab::json::put;
use crate::lab::json::set_condition;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::AUTO_MODE;
use crate::lab::kubernetes::kinds::CONFIG_MAPS;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::key;
use crate::lab::world::World;

/// What keeps a binding until its targets are deregistered.
pub(super) const FINALIZER: &str = "elbv2.k8s.aws/resources";

/// A binding is being deleted: its targets first, then what holds it.
pub(super) fn delete(
    world: &mut World,
    kind: &'static str,
    name: &Name,
    binding: &Value,
) -> Result<(), String> {
    if !list(binding, "metadata.finalizers").iter().any(|it| it == FINALIZER) {
        return Ok(());
    }
    if let Err(error) = targets(world, kind, name, binding) {
        tell(world, binding, true, "FailedCleanup", &format!("Failed cleanup due to {error}"));
        if world.lbc.version >= (3, 0, 0) {
            let now = stamp(world.now);
            let failed = Condition { kind: "Ready", status: false, reason: "FailedCleanup", message: &error };
            world.kube.update(kind, (&name.0, &name.1), |it| set_condition(it, &failed, &now));
        }
        return Err(error);
    }
    world.kube.update(kind, (&name.0, &name.1), |it| {
        let left = list(it, "metadata.finalizers").iter().filter(|it| **it != FINALIZER).cloned();
        let left: Vec<Value> = left.collect();
        put(it, "metadata.finalizers", json!(left));
    });
    world.lbc.forget(kind, name);
    Ok(())
}

/// Deregisters every target that is the binding's to deregister, and releases the gates.
pub(super) fn targets(
    world: &mut World,
    kind: &'static str,
    name: &Name,
    binding: &Value,
) -> Result<(), String> {
    let arn = text(binding, "spec.targetGroupARN").to_owned();
    match targets::list(world, kind, name, &arn) {
        Ok(known) => {
            let mut keys: Vec<Key> = known.into_keys().collect();
            if flag(binding, "spec.multiClusterTargetGroup") {
                let mine = ledger(world, kind, name).unwrap_or_default();
                keys.retain(|it| mine.contains(it));
            }
            targets::deregister(world, kind, name, &arn, &keys)?;
        }
        // A group that is gone has no targets.
        Err(error) if error.contains("TargetGroupNotFound") => {}
        Err(error) => return Err(error),
    }
    if flag(binding, "spec.multiClusterTargetGroup") {
        world.kube.delete(CONFIG_MAPS, (&name.0, &ledger_name(kind, &name.1)), 0);
    }
    let pods: Vec<Name> = world.kube.objects(PODS, Some(&name.0)).map(|it| key(it)).collect();
    gates::release(world, &name.1, &pods);
    Ok(())
}

fn ledger_name(kind: &str, binding: &str) -> String {
    let start = if kind == AUTO_MODE { "eks-lbc-targets-" } else { "aws-lbc-targets-" };
    format!("{start}{binding}")
}

/// The targets of a shared group that are this cluster's; `None`: nobody wrote them down.
pub(super) fn ledger(world: &World, kind: &str, name: &Name) -> Option<BTreeSet<Key>> {
    let map = world.kube.get(CONFIG_MAPS, &name.0, &ledger_name(kind, &name.1))?;
    Some(text(map, "data.targets").split(',').filter_map(Key::read).collect())
}

/// Written before anything is registered, so that nothing is ever registered and not known to be ours.
pub(super) fn write_ledger(world: &mut World, kind: &'static str, name: &Name, keys: &BTreeSet<&Key>) {
    let all: Vec<String> = keys.iter().map(|it| it.identifier()).collect();
    let data = all.join(",");
    let map = ledger_name(kind, &name.1);
    let there = world.kube.update(CONFIG_MAPS, (&name.0, &map), |it| put(it, "data.targets", json!(data)));
    if there.is_none() {
        let map = json!({"metadata": {"namespace": name.0, "name": map}, "data": {"targets": data}});
        world.kube.create(CONFIG_MAPS, map);
    }
}
