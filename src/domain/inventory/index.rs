//! What belongs to what inside one cluster, by name: bindings of a group and of a service, slices and pods of a
//! service, pods at an address, events about a binding. Kept in step by `fold` with every object that comes or goes,
//! so that nobody has to look through all objects; holds names only, never facts.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Event;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::Slice;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;

/// Several values for each key; a key without values is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Multi<K, V>(BTreeMap<K, BTreeSet<V>>);

impl<K, V> Default for Multi<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone, V: Ord + Clone> Multi<K, V> {
    fn add(&mut self, key: &K, value: &V) {
        match self.0.get_mut(key) {
            Some(values) => _ = values.insert(value.clone()),
            None => _ = self.0.insert(key.clone(), BTreeSet::from([value.clone()])),
        }
    }

    fn take(&mut self, key: &K, value: &V) {
        if let Some(values) = self.0.get_mut(key) {
            values.remove(value);
            if values.is_empty() {
                self.0.remove(key);
            }
        }
    }

    /// Moves a value from its old keys to its new ones.
    fn rekey(&mut self, old: &BTreeSet<K>, new: &BTreeSet<K>, value: &V) {
        for key in old.difference(new) {
            self.take(key, value);
        }
        for key in new.difference(old) {
            self.add(key, value);
        }
    }

    pub(super) fn of(&self, key: &K) -> impl Iterator<Item = &V> + use<'_, K, V> {
        self.0.get(key).into_iter().flatten()
    }
}

/// Name of a binding inside its cluster.
pub(super) type BindingKey = (BindingApi, ObjectName);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) on_group: Multi<TargetGroupArn, BindingKey>,
    /// Bindings by the service they name, whether it exists or not.
    pub(super) of_service: Multi<ObjectName, BindingKey>,
    pub(super) slices: Multi<ObjectName, ObjectName>,
    /// Pods by the service that selects them.
    pub(super) selected: Multi<ObjectName, ObjectName>,
    pub(super) addresses: Multi<IpAddr, ObjectName>,
    /// Events by the namespace and name of the binding they are about.
    pub(super) events: Multi<ObjectName, ObjectName>,
    /// Services by namespace and the first label they select by: a pod is only compared with these.
    selectors: BTreeMap<String, BTreeMap<String, Multi<String, ObjectName>>>,
}

impl Index {
    pub(super) fn binding(&mut self, key: &BindingKey, old: Option<&Binding>, new: Option<&Binding>) {
        let groups = |it: Option<&Binding>| it.and_then(|it| it.group.clone()).into_iter().collect();
        self.on_group.rekey(&groups(old), &groups(new), key);
        let services = |it: Option<&Binding>| it.map(Binding::service_name).into_iter().collect();
        self.of_service.rekey(&services(old), &services(new), key);
    }

    pub(super) fn slice(&mut self, name: &ObjectName, old: Option<&Slice>, new: Option<&Slice>) {
        let service = |it: &Slice| Some(ObjectName::new(&name.namespace, it.service.as_ref()?));
        let services = |it: Option<&Slice>| it.and_then(service).into_iter().collect();
        self.slices.rekey(&services(old), &services(new), name);
    }

    pub(super) fn event(&mut self, name: &ObjectName, old: Option<&Event>, new: Option<&Event>) {
        let about = |it: Option<&Event>| {
            it.map(|it| ObjectName::new(&name.namespace, &it.about)).into_iter().collect()
        };
        self.events.rekey(&about(old), &about(new), name);
    }

    /// A pod came, changed or went. Returns the services that select it or did.
    pub(super) fn pod(
        &mut self,
        name: &ObjectName,
        old: Option<&Pod>,
        new: Option<&Pod>,
        services: &BTreeMap<ObjectName, Service>,
    ) -> BTreeSet<ObjectName> {
        let addresses = |it: Option<&Pod>| it.into_iter().flat_map(|it| it.ips.iter().copied()).collect();
        self.addresses.rekey(&addresses(old), &addresses(new), name);
        let before = old.map(|it| self.selecting(it, services)).unwrap_or_default();
        let after = match (old, new) {
            (Some(old), Some(new)) if old.labels == new.labels => before.clone(),
            (_, new) => new.map(|it| self.selecting(it, services)).unwrap_or_default(),
        };
        let either = before.union(&after).cloned().collect();
        self.selected.rekey(&before, &after, name);
        either
    }

    /// A service came, changed or went, with all pods there are.
    pub(super) fn service(
        &mut self,
        name: &ObjectName,
        old: Option<&Service>,
        new: Option<&Service>,
        pods: &BTreeMap<ObjectName, Pod>,
    ) {
        if old.map(|it| &it.selector) == new.map(|it| &it.selector) {
            return;
        }
        self.selected.0.remove(name);
        if let Some((key, value)) = old.and_then(|it| it.selector.first_key_value()) {
            let by_key = self.selectors.get_mut(&name.namespace);
            if let Some(by_value) = by_key.and_then(|it| it.get_mut(key)) {
                by_value.take(value, name);
            }
        }
        let Some(service) = new else { return };
        let Some((key, value)) = service.selector.first_key_value() else { return };
        let by_key = self.selectors.entry(name.namespace.clone()).or_default();
        by_key.entry(key.clone()).or_default().add(value, name);
        let pods = inside(pods, &name.namespace).filter(|(_, pod)| service.selects(pod));
        let selected: BTreeSet<ObjectName> = pods.map(|(name, _)| name.clone()).collect();
        if !selected.is_empty() {
            self.selected.0.insert(name.clone(), selected);
        }
    }

    /// The services that select a pod.
    fn selecting(&self, pod: &Pod, services: &BTreeMap<ObjectName, Service>) -> BTreeSet<ObjectName> {
        let Some(by_key) = self.selectors.get(&pod.name.namespace) else { return BTreeSet::new() };
        let labels = pod.labels.iter().filter_map(|(key, value)| Some(by_key.get(key)?.of(value)));
        let selects = |name: &&ObjectName| services.get(*name).is_some_and(|it| it.selects(pod));
        labels.flatten().filter(selects).cloned().collect()
    }
}

/// The objects of one namespace.
pub(super) fn inside<'a, T>(
    objects: &'a BTreeMap<ObjectName, T>,
    namespace: &str,
) -> impl Iterator<Item = (&'a ObjectName, &'a T)> {
    let namespace = namespace.to_owned();
    objects.range(ObjectName::new(&namespace, "")..).take_while(move |(name, _)| name.namespace == namespace)
}
