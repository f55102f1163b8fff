//! The controllers of the cluster: what each of them looks at when something changes.

pub(super) mod deployments;
pub(super) mod events;
pub(super) mod garbage;
pub(super) mod image;
pub(super) mod kubelet;
pub(super) mod nodes;
pub(super) mod pods;
pub(super) mod replicas;
pub(super) mod scheduler;
pub(super) mod slices;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::elbv2;
use super::json::at;
use super::json::list;
use super::json::pairs;
use super::json::text;
use super::kubernetes::kinds::AUTO_MODE;
use super::kubernetes::kinds::BINDINGS;
use super::kubernetes::kinds::DEPLOYMENTS;
use super::kubernetes::kinds::NODES;
use super::kubernetes::kinds::PODS;
use super::kubernetes::kinds::REPLICA_SETS;
use super::kubernetes::kinds::SERVICES;
use super::kubernetes::kinds::SLICES;
use super::kubernetes::select;
use super::kubernetes::store::Change;
use super::kubernetes::store::Event;
use super::kubernetes::store::Name;
use super::kubernetes::store::by_label;
use super::kubernetes::store::by_owner;
use super::kubernetes::store::key;
use super::lbc;
use super::world::Task;
use super::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sync {
    Deployment,
    ReplicaSet,
    Slices,
    Binding,
    /// Bindings of EKS Auto Mode.
    AutoBinding,
}

/// Milliseconds each controller takes to look at what changed.
impl Sync {
    fn delay(self) -> i64 {
        match self {
            Self::Deployment | Self::ReplicaSet => 20,
            Self::Slices => 50,
            Self::Binding | Self::AutoBinding => 150,
        }
    }
}

pub(super) fn sync(world: &mut World, controller: Sync, name: &Name) {
    match controller {
        Sync::Deployment => deployments::sync(world, name),
        Sync::ReplicaSet => replicas::sync(world, name),
        Sync::Slices => slices::sync(world, name),
        Sync::Binding | Sync::AutoBinding => lbc::reconcile::sync(world, lbc::kind_of(controller), name),
    }
}

fn look(world: &mut World, controller: Sync, name: Name) {
    world.after(controller.delay(), Task::Sync(controller, name));
}

/// A change happened: whoever cares is to look.
pub(super) fn react(world: &mut World, change: &Change) {
    let name = key(&change.new);
    match change.kind {
        DEPLOYMENTS => {
            lbc::presence::deployment_changed(world, &name);
            look(world, Sync::Deployment, name);
        }
        REPLICA_SETS => {
            if let Some(owner) = owner(&change.new, "Deployment") {
                look(world, Sync::Deployment, (name.0.clone(), owner.to_owned()));
            }
            look(world, Sync::ReplicaSet, name);
        }
        PODS => pod_changed(world, change, &name),
        SERVICES => {
            lbc::service_changed(world, &name);
            look(world, Sync::Slices, name);
        }
        SLICES => {
            if let Some(service) = super::json::label(&change.new, "kubernetes.io/service-name") {
                lbc::slices_changed(world, &(name.0.clone(), service.to_owned()), change);
            }
        }
        NODES => nodes::changed(world, change),
        BINDINGS | AUTO_MODE => lbc::binding_changed(world, change.kind, name),
        _ => {}
    }
    if change.event == Event::Deleted && matches!(change.kind, DEPLOYMENTS | REPLICA_SETS | SERVICES) {
        garbage::collect(world, &change.new);
    }
}

fn pod_changed(world: &mut World, change: &Change, name: &Name) {
    kubelet::pod_changed(world, change, name);
    let both = [change.old.as_ref(), Some(&change.new)];
    for pod in both.into_iter().flatten() {
        if let Some(set) = owner(pod, "ReplicaSet") {
            look(world, Sync::ReplicaSet, (name.0.clone(), set.to_owned()));
        }
    }
    // A pod whose labels now fit a set that has too few is counted there too.
    let relabelled = change
        .old
        .as_ref()
        .is_some_and(|old| at(old, "metadata.labels") != at(&change.new, "metadata.labels"));
    if relabelled {
        let sets = world.kube.objects(REPLICA_SETS, Some(&name.0));
        let sets = sets.filter(|it| select::selector_picks(at(it, "spec.selector"), &change.new));
        let sets: Vec<Name> = sets.map(|it| key(it)).collect();
        for set in sets {
            look(world, Sync::ReplicaSet, set);
        }
    }
    let mut services = BTreeSet::new();
    for pod in both.into_iter().flatten() {
        services.extend(services_of(world, &name.0, pod));
    }
    for service in services {
        look(world, Sync::Slices, service);
    }
    lbc::pod_changed(world, change);
    elbv2::health::pod_changed(world, change);
}

/// Services that select a pod.
fn services_of(world: &World, namespace: &str, pod: &Value) -> BTreeSet<Name> {
    let selecting = pairs(pod, "metadata.labels")
        .flat_map(|(label, value)| world.kube.indexed(SERVICES, by_label(namespace, label, value)));
    selecting.filter(|it| select::picks(at(it, "spec.selector"), pod)).map(|it| key(it)).collect()
}

/// Pods a service selects, in the order of their names.
pub(super) fn pods_of(world: &World, service: &Value) -> Vec<Arc<Value>> {
    let namespace = text(service, "metadata.namespace");
    let selector = at(service, "spec.selector");
    let first = pairs(service, "spec.selector").next();
    let candidates = first.map(|(label, value)| world.kube.indexed(PODS, by_label(namespace, label, value)));
    candidates.into_iter().flatten().filter(|it| select::picks(selector, it)).cloned().collect()
}

/// The name of the controlling owner of a kind.
pub(super) fn owner<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let owners = list(object, "metadata.ownerReferences").iter();
    let mut found =
        owners.filter(|it| text(it, "kind") == kind && at(it, "controller") == &Value::Bool(true));
    found.next().map(|it| text(it, "name"))
}

/// A reference that makes an object the controlling owner of another.
pub(super) fn reference(owner: &Value) -> Value {
    serde_json::json!({"apiVersion": text(owner, "apiVersion"), "kind": text(owner, "kind"),
        "name": text(owner, "metadata.name"), "uid": text(owner, "metadata.uid"),
        "controller": true, "blockOwnerDeletion": true})
}

/// Objects of a kind a controlling owner has.
pub(super) fn owned(world: &World, kind: &'static str, owner: &Value) -> Vec<Arc<Value>> {
    let key = by_owner(text(owner, "metadata.namespace"), text(owner, "metadata.uid"));
    world.kube.indexed(kind, key).cloned().collect()
}
