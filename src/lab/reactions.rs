//! Who is to look when an object of the cluster changed.

use std::collections::BTreeSet;

use super::controllers::garbage;
use super::controllers::kubelet;
use super::controllers::owners::owner;
use super::controllers::scheduler;
use super::controllers::selection;
use super::elbv2::health;
use super::json::at;
use super::json::label;
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
use super::kubernetes::store::key;
use super::lbc::bindings::enqueue;
use super::lbc::presence;
use super::lbc::wake;
use super::queue::Task;
use super::world::World;

/// Milliseconds the controllers of Deployments and ReplicaSets take to look at what changed.
const LOOK: i64 = 20;
/// The same of the controller of endpoint slices.
const SLICES_LOOK: i64 = 50;

/// A change happened: whoever cares is to look.
pub(super) fn to(world: &mut World, change: &Change) {
    let name = key(&change.new);
    match change.kind {
        DEPLOYMENTS => {
            presence::deployment_changed(world, &name);
            world.after(LOOK, Task::Deployment(name));
        }
        REPLICA_SETS => {
            if let Some(owner) = owner(&change.new, "Deployment") {
                world.after(LOOK, Task::Deployment((name.0.clone(), owner.to_owned())));
            }
            world.after(LOOK, Task::ReplicaSet(name));
        }
        PODS => pod_changed(world, change, &name),
        SERVICES => {
            wake::service_changed(world, &name);
            world.after(SLICES_LOOK, Task::Slices(name));
        }
        SLICES => {
            if let Some(service) = label(&change.new, "kubernetes.io/service-name") {
                wake::slices_changed(world, &(name.0.clone(), service.to_owned()), change);
            }
        }
        NODES => node_changed(world, change),
        BINDINGS | AUTO_MODE => enqueue(world, change.kind, name),
        _ => {}
    }
    if change.event == Event::Deleted && matches!(change.kind, DEPLOYMENTS | REPLICA_SETS | SERVICES) {
        garbage::collect(world, &change.new);
    }
}

fn pod_changed(world: &mut World, change: &Change, name: &Name) {
    kubelet::pod_changed(world, change, name);
    scheduler::pod_changed(world, change, name);
    let both = [change.old.as_ref(), Some(&change.new)];
    for pod in both.into_iter().flatten() {
        if let Some(set) = owner(pod, "ReplicaSet") {
            world.after(LOOK, Task::ReplicaSet((name.0.clone(), set.to_owned())));
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
            world.after(LOOK, Task::ReplicaSet(set));
        }
    }
    let mut services = BTreeSet::new();
    for pod in both.into_iter().flatten() {
        services.extend(selection::services_of(world, &name.0, pod));
    }
    for service in services {
        world.after(SLICES_LOOK, Task::Slices(service));
    }
    wake::pod_changed(world, change);
    health::pod_changed(world, change);
}

fn node_changed(world: &mut World, change: &Change) {
    let differs = |path: &str| change.old.as_ref().is_none_or(|old| at(old, path) != at(&change.new, path));
    if differs("spec") || differs("status.conditions") || differs("metadata.labels") || change.old.is_none() {
        scheduler::room(world);
        wake::nodes_changed(world);
        health::node_changed(world);
    }
}
