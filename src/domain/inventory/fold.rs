//! How one object changes a cluster, and which bindings that touches.

use std::collections::BTreeSet;

use super::Cluster;
use super::Key;
use super::Kind;
use super::Object;
use super::Touched;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::time::Timestamp;

impl Cluster {
    /// Bindings of every namespace are seen, so that no other one can hide on a group.
    pub fn sees_all_bindings(&self) -> bool {
        let mut lists = self.covered.iter().filter(|(kind, _)| matches!(kind, Kind::Bindings(_))).peekable();
        match lists.peek() {
            Some(_) => lists.all(|(_, namespace)| namespace.is_none()),
            // There is no such kind, so there are none.
            None => self.signs.kind_served == Some(false),
        }
    }

    /// Whether objects of a kind in a namespace are seen.
    pub fn covers(&self, kind: Kind, namespace: &str) -> bool {
        self.covered.get(&kind).is_some_and(|it| it.as_ref().is_none_or(|it| it == namespace))
    }

    pub(super) fn keys(&self, kind: Kind, namespace: Option<&str>) -> BTreeSet<Key> {
        let names: Vec<&ObjectName> = match kind {
            Kind::Pods => self.pods.keys().collect(),
            Kind::Services => self.services.keys().collect(),
            Kind::Slices => self.slices.keys().collect(),
            Kind::Nodes => return self.nodes.keys().map(|name| (kind, ObjectName::new("", name))).collect(),
            Kind::Workloads(of) => self.workloads.keys().filter(|it| it.0 == of).map(|it| &it.1).collect(),
            Kind::Bindings(api) => self.bindings.keys().filter(|it| it.0 == api).map(|it| &it.1).collect(),
            Kind::Events => self.events.keys().collect(),
            Kind::Guarding(of) => self.guarding.keys().filter(|it| it.0 == of).map(|it| &it.1).collect(),
            Kind::Controller | Kind::Ledgers => Vec::new(),
        };
        let inside = |name: &&ObjectName| namespace.is_none_or(|it| it == name.namespace);
        names.into_iter().filter(inside).map(|name| (kind, name.clone())).collect()
    }

    pub(super) fn put(&mut self, cluster: &ClusterId, object: Object, at: Timestamp, touched: &mut Touched) {
        let key = object.key();
        match object {
            Object::Pod(it) => {
                if self.pods.get(&key.1) == Some(&it) {
                    return;
                }
                let old = self.pods.insert(key.1, it.clone());
                self.touch_services(cluster, at, touched, |service| {
                    service.selects(&it) || old.as_ref().is_some_and(|old| service.selects(old))
                });
            }
            Object::Service(it) => {
                if self.services.get(&key.1) != Some(&it) {
                    self.services.insert(key.1.clone(), it);
                    self.touch_named(cluster, &key.1, at, touched);
                }
            }
            Object::Slice(it) => {
                if self.slices.get(&key.1) == Some(&it) {
                    return;
                }
                let new = it.service.clone();
                let old = self.slices.insert(key.1.clone(), it).and_then(|it| it.service);
                for service in BTreeSet::from([old, new]).into_iter().flatten() {
                    self.touch_named(cluster, &ObjectName::new(&key.1.namespace, &service), at, touched);
                }
            }
            Object::Node(it) => {
                touched.all |= self.nodes.insert(it.name.clone(), it.clone()) != Some(it);
            }
            Object::Workload(it) => {
                if self.workloads.insert((it.kind, key.1), it.clone()) != Some(it.clone()) {
                    self.touch_namespace(cluster, &it.name.namespace, touched);
                }
            }
            Object::Binding(it) => {
                let id = (it.api, key.1);
                if self.bindings.get(&id) != Some(&*it) {
                    touched.bindings.insert(BindingRef::of(cluster, id.0, &id.1));
                    touched.groups.extend(it.group.clone());
                    self.changed.insert(id.clone(), at);
                    self.bindings.insert(id, *it);
                }
            }
            // Only a plan asks for these.
            Object::Guarding(it) => drop(self.guarding.insert((it.kind, key.1), it)),
            Object::Event(it) => {
                if self.events.insert(key.1.clone(), it.clone()) != Some(it) {
                    self.touch_namespace(cluster, &key.1.namespace, touched);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, cluster: &ClusterId, key: &Key, at: Timestamp, touched: &mut Touched) {
        let (kind, name) = key;
        match kind {
            Kind::Pods => {
                if let Some(old) = self.pods.remove(name) {
                    self.touch_services(cluster, at, touched, |service| service.selects(&old));
                }
            }
            Kind::Services => {
                if self.services.remove(name).is_some() {
                    self.touch_named(cluster, name, at, touched);
                }
            }
            Kind::Slices => {
                if let Some(service) = self.slices.remove(name).and_then(|it| it.service) {
                    self.touch_named(cluster, &ObjectName::new(&name.namespace, &service), at, touched);
                }
            }
            Kind::Nodes => touched.all |= self.nodes.remove(&name.name).is_some(),
            Kind::Workloads(of) => {
                if self.workloads.remove(&(*of, name.clone())).is_some() {
                    self.touch_namespace(cluster, &name.namespace, touched);
                }
            }
            Kind::Bindings(api) => {
                let id = (*api, name.clone());
                self.changed.remove(&id);
                if let Some(old) = self.bindings.remove(&id) {
                    touched.bindings.insert(BindingRef::of(cluster, *api, name));
                    touched.groups.extend(old.group);
                }
            }
            Kind::Events => {
                self.events.remove(name);
            }
            Kind::Guarding(of) => drop(self.guarding.remove(&(*of, name.clone()))),
            Kind::Controller | Kind::Ledgers => {}
        }
    }

    /// Marks the bindings of the services that `matches`.
    fn touch_services(
        &mut self,
        cluster: &ClusterId,
        at: Timestamp,
        touched: &mut Touched,
        matches: impl Fn(&Service) -> bool,
    ) {
        for ((api, name), binding) in &self.bindings {
            if self.services.get(&binding.service_name()).is_some_and(&matches) {
                touched.bindings.insert(BindingRef::of(cluster, *api, name));
                self.changed.insert((*api, name.clone()), at);
            }
        }
    }

    fn touch_named(
        &mut self,
        cluster: &ClusterId,
        service: &ObjectName,
        at: Timestamp,
        touched: &mut Touched,
    ) {
        for ((api, name), binding) in &self.bindings {
            if binding.service == service.name && name.namespace == service.namespace {
                touched.bindings.insert(BindingRef::of(cluster, *api, name));
                self.changed.insert((*api, name.clone()), at);
            }
        }
    }

    pub(super) fn touch_namespace(&self, cluster: &ClusterId, namespace: &str, touched: &mut Touched) {
        let inside = self.bindings.keys().filter(|(_, name)| name.namespace == namespace);
        touched.bindings.extend(inside.map(|(api, name)| BindingRef::of(cluster, *api, name)));
    }
}
