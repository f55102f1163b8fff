//! A stand-in for the AWS Load Balancer Controller: what wakes it, what it remembers, when it is there.

pub(super) mod checkpoint;
pub(super) mod cleanup;
pub(super) mod endpoints;
pub(super) mod gates;
pub(super) mod presence;
pub(super) mod reconcile;
pub(super) mod targets;
pub(super) mod webhook;

use std::collections::BTreeMap;

use super::clock::Millis;
use super::controllers::Sync;
use super::elbv2::model::Health;
use super::elbv2::model::Key;
use super::json::at;
use super::json::list;
use super::json::text;
use super::kubernetes::kinds::AUTO_MODE;
use super::kubernetes::kinds::BINDINGS;
use super::kubernetes::store::Change;
use super::kubernetes::store::Name;
use super::kubernetes::store::key;
use super::world::Task;
use super::world::World;

/// The readiness gate of a binding begins so.
pub(super) const GATE: &str = "target-health.elbv2.k8s.aws/";

/// A version as three numbers.
pub(super) type Version = (u32, u32, u32);

/// What the controller is and remembers. All of it is lost when it starts anew.
#[derive(Debug)]
pub(super) struct Lbc {
    /// It has a Deployment, or runs outside the cluster (Auto Mode).
    pub(super) installed: bool,
    pub(super) auto_mode: bool,
    pub(super) version: Version,
    pub(super) cluster_name: String,
    /// Milliseconds it takes longer than it should.
    pub(super) slow: Millis,
    /// Why its security-group step fails, for bindings that ask for one.
    pub(super) network_error: Option<String>,
    pub(super) running: bool,
    memory: BTreeMap<(&'static str, Name), Memory>,
}

impl Default for Lbc {
    fn default() -> Self {
        Self {
            installed: false,
            auto_mode: false,
            version: (3, 5, 0),
            cluster_name: "eksworkshop".to_owned(),
            slow: 0,
            network_error: None,
            running: false,
            memory: BTreeMap::new(),
        }
    }
}

/// What it remembers of a binding.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Targets as it knows them, and when it last listed them all.
    cache: Option<(Millis, BTreeMap<Key, Health>)>,
    /// Until when a skipped reconcile is not worth a second look.
    processed: Option<Millis>,
    /// A full look is due then.
    deferred: Option<Millis>,
    failures: u32,
}

impl Lbc {
    fn memory(&mut self, kind: &'static str, name: &Name) -> &mut Memory {
        self.memory.entry((kind, name.clone())).or_default()
    }

    fn forget(&mut self, kind: &'static str, name: &Name) {
        self.memory.remove(&(kind, name.clone()));
    }

    /// Whether it keeps checkpoints at all.
    fn checkpoints(&self) -> bool {
        self.version >= (2, 9, 1)
    }
}

/// The controller of a kind of binding.
fn sync_of(kind: &str) -> Sync {
    if kind == AUTO_MODE { Sync::AutoBinding } else { Sync::Binding }
}

pub(super) fn kind_of(sync: Sync) -> &'static str {
    if sync == Sync::AutoBinding { AUTO_MODE } else { BINDINGS }
}

/// Whether the controller of a kind is at work.
fn is_running(world: &World, kind: &str) -> bool {
    if kind == AUTO_MODE { world.lbc.auto_mode } else { world.lbc.running }
}

fn enqueue(world: &mut World, kind: &'static str, name: Name) {
    let delay = world.lbc.slow + 100;
    if is_running(world, kind) {
        world.after(delay, Task::Sync(sync_of(kind), name));
    }
}

/// Bindings of a namespace, of all kinds, that satisfy something.
fn bindings(
    world: &World,
    namespace: Option<&str>,
    of: impl Fn(&serde_json::Value) -> bool,
) -> Vec<(&'static str, Name)> {
    let mut found = Vec::new();
    for kind in [BINDINGS, AUTO_MODE] {
        let all = world.kube.objects(kind, namespace).filter(|it| of(it));
        found.extend(all.map(|it| (kind, key(it))));
    }
    found
}

fn is_instance(binding: &serde_json::Value) -> bool {
    text(binding, "spec.targetType") == "instance"
}

pub(super) fn binding_changed(world: &mut World, kind: &'static str, name: Name) {
    enqueue(world, kind, name);
}

/// Instance bindings look at services; those of addresses only notice when theirs comes or goes, by its slices.
pub(super) fn service_changed(world: &mut World, service: &Name) {
    for (kind, name) in bindings(world, Some(&service.0), |it| text(it, "spec.serviceRef.name") == service.1)
    {
        enqueue(world, kind, name);
    }
}

pub(super) fn slices_changed(world: &mut World, service: &Name, change: &Change) {
    let old = change.old.as_deref().unwrap_or(&serde_json::Value::Null);
    let same = |path: &str| at(old, path) == at(&change.new, path);
    if change.event == super::kubernetes::store::Event::Modified && same("endpoints") && same("ports") {
        return;
    }
    let of = |it: &serde_json::Value| text(it, "spec.serviceRef.name") == service.1 && !is_instance(it);
    for (kind, name) in bindings(world, Some(&service.0), of) {
        enqueue(world, kind, name);
    }
}

/// Since version 3.4 pods with a gate of ours are watched too.
pub(super) fn pod_changed(world: &mut World, change: &Change) {
    if world.lbc.version < (3, 4, 0) {
        return;
    }
    let namespace = text(&change.new, "metadata.namespace").to_owned();
    let gates: Vec<String> = list(&change.new, "spec.readinessGates")
        .iter()
        .filter_map(|it| text(it, "conditionType").strip_prefix(GATE).map(str::to_owned))
        .collect();
    for gate in gates {
        for kind in [BINDINGS, AUTO_MODE] {
            if world.kube.get(kind, &namespace, &gate).is_some() {
                enqueue(world, kind, (namespace.clone(), gate.clone()));
            }
        }
    }
}

pub(super) fn nodes_changed(world: &mut World) {
    for (kind, name) in bindings(world, None, is_instance) {
        enqueue(world, kind, name);
    }
}
