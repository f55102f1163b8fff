//! What belongs to what, looked up instead of searched for: everything the index knows, as objects.

use std::net::IpAddr;

use super::Cluster;
use super::Gone;
use super::Inventory;
use super::Source;
use super::index;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Event;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::Slice;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;

impl Inventory {
    /// Bindings that name a group, of any cluster and either API group, in the order of `bindings`.
    pub(crate) fn on_group(&self, group: &TargetGroupArn) -> impl Iterator<Item = (BindingRef, &Binding)> {
        self.clusters.iter().flat_map(|(id, cluster)| {
            let keys = cluster.index.on_group.of(group);
            keys.filter_map(|key| Some((BindingRef::of(id, key.0, &key.1), cluster.bindings.get(key)?)))
        })
    }

    /// When something that the wanted endpoints of a binding rest on last changed.
    pub(crate) fn changed(&self, reference: &BindingRef) -> Option<Timestamp> {
        self.cluster(&reference.cluster)?.changed.get(&reference.key()).copied()
    }

    /// Whether the health of a group is older than the last change of a binding on it.
    pub(crate) fn is_outdated(&self, group: &TargetGroupArn) -> bool {
        let targets = self.groups.get(group).and_then(|it| it.targets.as_ref());
        targets.is_some_and(|targets| {
            self.on_group(group)
                .filter_map(|(it, _)| self.changed(&it))
                .any(|changed| targets.asked < changed)
        })
    }

    /// The listeners of a load balancer have rules beside their default action, as far as is known of it.
    pub(crate) fn has_rules(&self, arn: &LoadBalancerArn) -> bool {
        let by_name = || LoadBalancerKind::of(arn) == LoadBalancerKind::Application;
        self.load_balancers.get(arn).map_or_else(by_name, LoadBalancer::has_rules)
    }

    /// AWS was asked for this group alone and says that it does not exist.
    pub(crate) fn is_gone(&self, group: &TargetGroupArn) -> bool {
        // Whoever is of another account is told the same of what there is, unless a role of that account was assumed.
        let foreign = self.caller.as_ref().is_some_and(|it| it.account != group.account());
        if foreign && !self.on_group(group).any(|(_, it)| it.assume_role.is_some()) {
            return false;
        }
        let failed = self.freshness(&Source::Targets(group.clone())).and_then(|it| it.failed.as_ref());
        failed.is_some_and(|(_, it)| it.kind == ErrorKind::NotFound)
            || self.gone.contains(&Gone::Group(group.clone()))
    }

    pub(crate) fn is_bound(&self, group: &TargetGroupArn) -> bool {
        self.clusters.values().any(|it| it.index.on_group.of(group).next().is_some())
    }
}

impl Cluster {
    /// The slices that carry the name of a service.
    pub(crate) fn slices_of(&self, service: &ObjectName) -> impl Iterator<Item = &Slice> {
        self.index.slices.of(service).filter_map(|name| self.slices.get(name))
    }

    /// The pods a service of this cluster selects, in the order of their names.
    pub(crate) fn selected(&self, service: &Service) -> impl Iterator<Item = &Pod> {
        let mut beside = None;
        self.index.selected.of(&service.name).filter_map(move |name| {
            // Pods of one workload stand beside each other: the next is nearly always the one.
            let next = beside.as_mut().and_then(Iterator::next).filter(|(next, _)| *next == name);
            let found = next.or_else(|| {
                let from = beside.insert(self.pods.range::<ObjectName, _>(name..));
                from.next().filter(|(next, _)| *next == name)
            });
            found.map(|(_, pod)| pod)
        })
    }

    /// Pods that have an address, or had it when they ended.
    pub(crate) fn pods_at(&self, address: IpAddr) -> impl Iterator<Item = &Pod> {
        self.index.addresses.of(&address).filter_map(|name| self.pods.get(name))
    }

    pub(crate) fn pods_in(&self, namespace: &str) -> impl Iterator<Item = &Pod> {
        index::inside(&self.pods, namespace).map(|(_, pod)| pod)
    }

    /// Events about a binding, in the order of their names.
    pub(crate) fn events_about(&self, binding: &ObjectName) -> impl Iterator<Item = &Event> {
        self.index.events.of(binding).filter_map(|name| self.events.get(name))
    }

    pub(crate) fn workloads_in(&self, namespace: &str) -> impl Iterator<Item = &Workload> {
        let kinds = WorkloadKind::ALL;
        let first = ObjectName::new(namespace, "");
        let namespace = namespace.to_owned();
        kinds.into_iter().flat_map(move |kind| {
            let namespace = namespace.clone();
            self.workloads
                .range((kind, first.clone())..)
                .map(|(_, it)| it)
                .take_while(move |it| it.kind == kind && it.name.namespace == namespace)
        })
    }

    /// Keys of the bindings of a namespace.
    pub(super) fn bindings_in(&self, namespace: &str) -> impl Iterator<Item = &(BindingApi, ObjectName)> {
        let first = ObjectName::new(namespace, "");
        let namespace = namespace.to_owned();
        [BindingApi::LoadBalancerController, BindingApi::AutoMode].into_iter().flat_map(move |api| {
            let namespace = namespace.clone();
            self.bindings
                .range((api, first.clone())..)
                .map(|(key, _)| key)
                .take_while(move |key| key.0 == api && key.1.namespace == namespace)
        })
    }
}
