//! How one object changes a cluster, and which bindings that touches.

use std::collections::BTreeSet;

use super::Cluster;
use super::Key;
use super::Kind;
use super::Object;
use super::Touched;
use crate::domain::facts::cluster::Event;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::Slice;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::time::Timestamp;

impl Cluster {
    /// Bindings of every namespace are seen, so that no other one can hide on a group.
    pub(crate) fn sees_all_bindings(&self) -> bool {
        let mut lists = self.covered.iter().filter(|(kind, _)| matches!(kind, Kind::Bindings(_))).peekable();
        match lists.peek() {
            Some(_) => lists.all(|(_, namespace)| namespace.is_none()),
            // There is no such kind, so there are none.
            None => self.signs.kind_served == Some(false),
        }
    }

    /// Whether objects of a kind in a namespace are seen.
    pub(crate) fn covers(&self, kind: Kind, namespace: &str) -> bool {
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
                if self.pods.get(&key.1) != Some(&it) {
                    let services = self.pod(&key.1, Some(it));
                    self.touch_services(cluster, &services, at, touched);
                }
            }
            Object::Service(it) => {
                if self.services.get(&key.1) != Some(&it) {
                    let services = self.service(&key.1, Some(it));
                    self.touch_services(cluster, &services, at, touched);
                }
            }
            Object::Slice(it) => {
                if self.slices.get(&key.1) != Some(&it) {
                    let services = self.slice(&key.1, Some(it));
                    self.touch_services(cluster, &services, at, touched);
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
                let old = self.bindings.get(&id);
                if old != Some(&*it) {
                    touched.bindings.insert(BindingRef::of(cluster, id.0, &id.1));
                    touched.groups.extend(it.group.clone());
                    self.index.binding(&id, old, Some(&it));
                    self.changed.insert(id.clone(), at);
                    self.bindings.insert(id, *it);
                }
            }
            // Only a plan asks for these.
            Object::Guarding(it) => drop(self.guarding.insert((it.kind, key.1), it)),
            Object::Event(it) => {
                if self.events.get(&key.1) != Some(&it) {
                    self.event(cluster, &key.1, Some(it), touched);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, cluster: &ClusterId, key: &Key, at: Timestamp, touched: &mut Touched) {
        let (kind, name) = key;
        match kind {
            Kind::Pods | Kind::Services | Kind::Slices => {
                let services = match kind {
                    Kind::Pods if self.pods.contains_key(name) => self.pod(name, None),
                    Kind::Services if self.services.contains_key(name) => self.service(name, None),
                    Kind::Slices if self.slices.contains_key(name) => self.slice(name, None),
                    _ => BTreeSet::new(),
                };
                self.touch_services(cluster, &services, at, touched);
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
                    self.index.binding(&id, Some(&old), None);
                    touched.bindings.insert(BindingRef::of(cluster, *api, name));
                    touched.groups.extend(old.group);
                }
            }
            Kind::Events => self.event(cluster, name, None, touched),
            Kind::Guarding(of) => drop(self.guarding.remove(&(*of, name.clone()))),
            Kind::Controller | Kind::Ledgers => {}
        }
    }

    /// A pod came, changed or went. Returns the services that select it or did.
    fn pod(&mut self, name: &ObjectName, new: Option<Pod>) -> BTreeSet<ObjectName> {
        let services = self.index.pod(name, self.pods.get(name), new.as_ref(), &self.services);
        match new {
            Some(pod) => _ = self.pods.insert(name.clone(), pod),
            None => _ = self.pods.remove(name),
        }
        services
    }

    /// The same of a service.
    fn service(&mut self, name: &ObjectName, new: Option<Service>) -> BTreeSet<ObjectName> {
        self.index.service(name, self.services.get(name), new.as_ref(), &self.pods);
        match new {
            Some(service) => _ = self.services.insert(name.clone(), service),
            None => _ = self.services.remove(name),
        }
        BTreeSet::from([name.clone()])
    }

    /// The same of a slice.
    fn slice(&mut self, name: &ObjectName, new: Option<Slice>) -> BTreeSet<ObjectName> {
        let old = self.slices.get(name);
        self.index.slice(name, old, new.as_ref());
        let service = |it: &Slice| Some(ObjectName::new(&name.namespace, it.service.as_ref()?));
        let services = [old, new.as_ref()].into_iter().flatten().filter_map(service).collect();
        match new {
            Some(slice) => _ = self.slices.insert(name.clone(), slice),
            None => _ = self.slices.remove(name),
        }
        services
    }

    /// Marks the bindings that name these services.
    fn touch_services(
        &mut self,
        cluster: &ClusterId,
        services: &BTreeSet<ObjectName>,
        at: Timestamp,
        touched: &mut Touched,
    ) {
        for key in services.iter().flat_map(|it| self.index.of_service.of(it)) {
            touched.bindings.insert(BindingRef::of(cluster, key.0, &key.1));
            self.changed.insert(key.clone(), at);
        }
    }

    /// An event came, happened again or went. Marks the bindings it is about, of either API group.
    fn event(&mut self, cluster: &ClusterId, name: &ObjectName, new: Option<Event>, touched: &mut Touched) {
        let old = self.events.get(name);
        self.index.event(name, old, new.as_ref());
        for event in [old, new.as_ref()].into_iter().flatten() {
            let about = ObjectName::new(&name.namespace, &event.about);
            for api in [BindingApi::LoadBalancerController, BindingApi::AutoMode] {
                if self.bindings.contains_key(&(api, about.clone())) {
                    touched.bindings.insert(BindingRef::of(cluster, api, &about));
                }
            }
        }
        match new {
            Some(event) => _ = self.events.insert(name.clone(), event),
            None => _ = self.events.remove(name),
        }
    }

    pub(super) fn touch_namespace(&self, cluster: &ClusterId, namespace: &str, touched: &mut Touched) {
        let inside = self.bindings_in(namespace);
        touched.bindings.extend(inside.map(|(api, name)| BindingRef::of(cluster, *api, name)));
    }
}
