//! The objects of the cluster, every change of them in order, and the versions that number the changes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;

use super::kinds;
use super::kinds::PODS;
use super::kinds::SLICES;
use crate::lab::clock::Millis;
use crate::lab::clock::stamp;
use crate::lab::json::at;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::pairs;
use crate::lab::json::put;
use crate::lab::json::text;
use crate::lab::random::Random;

/// Namespace (empty for what belongs to the cluster) and name.
pub(in crate::lab) type Name = (String, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) enum Event {
    Added,
    Modified,
    Deleted,
}

/// One change of one object.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Change {
    pub(in crate::lab) kind: &'static str,
    pub(in crate::lab) event: Event,
    pub(in crate::lab) version: u64,
    pub(in crate::lab) old: Option<Arc<Value>>,
    /// The object after the change, or as it was last.
    pub(in crate::lab) new: Arc<Value>,
}

#[derive(Debug, Default)]
struct Shelf {
    objects: BTreeMap<Name, Arc<Value>>,
    log: VecDeque<Change>,
    /// Changes up to this version are forgotten: whoever resumes before it is told 410.
    forgotten: u64,
}

/// The version a world begins with; nothing is known of what was before.
const FIRST: u64 = 1000;

/// How many changes of a kind are remembered.
const REMEMBERED: usize = 10_000;

#[derive(Debug)]
pub(in crate::lab) struct Store {
    shelves: BTreeMap<&'static str, Shelf>,
    version: u64,
    /// What the controllers have not looked at yet.
    fresh: Vec<Change>,
    announce: watch::Sender<u64>,
    /// Names of objects by what they are looked up by again and again.
    index: BTreeMap<(&'static str, String), BTreeSet<Name>>,
    pub(in crate::lab) now: Millis,
    pub(in crate::lab) random: Random,
}

impl Store {
    pub(in crate::lab) fn new(now: Millis, random: Random) -> Self {
        Self {
            shelves: BTreeMap::new(),
            version: FIRST,
            fresh: Vec::new(),
            announce: watch::Sender::new(0),
            index: BTreeMap::new(),
            now,
            random,
        }
    }

    pub(in crate::lab) fn version(&self) -> u64 {
        self.version
    }

    /// Tells whoever watches that something changed.
    pub(in crate::lab) fn subscribe(&self) -> watch::Receiver<u64> {
        self.announce.subscribe()
    }

    /// Wakes whoever watches though no object changed.
    pub(in crate::lab) fn ring(&self) {
        self.announce.send_replace(self.version);
    }

    pub(in crate::lab) fn take_fresh(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.fresh)
    }

    pub(in crate::lab) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.shelves.get(kind)?.objects.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// Objects of a kind, of one namespace or of all, in the order of their names.
    pub(in crate::lab) fn objects<'a>(
        &'a self,
        kind: &str,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Arc<Value>> {
        let all = self.shelves.get(kind).into_iter();
        let first = (namespace.unwrap_or_default().to_owned(), String::new());
        all.flat_map(move |it| it.objects.range(first.clone()..))
            .take_while(move |((of, _), _)| namespace.is_none_or(|it| it == of))
            .map(|(_, it)| it)
    }

    /// Objects of a kind by a key of the index, in the order of their names.
    pub(in crate::lab) fn indexed<'a>(
        &'a self,
        kind: &'static str,
        key: String,
    ) -> impl Iterator<Item = &'a Arc<Value>> {
        let names = self.index.get(&(kind, key)).into_iter().flatten();
        names.filter_map(move |it| self.shelves.get(kind)?.objects.get(it))
    }

    /// Changes of a kind after a version; `None`: some of them are forgotten.
    pub(in crate::lab) fn since(&self, kind: &str, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let shelf = self.shelves.get(kind);
        if version < FIRST || shelf.is_some_and(|it| version < it.forgotten) {
            return None;
        }
        let log = shelf.into_iter().flat_map(move |it| {
            let first = it.log.partition_point(|it| it.version <= version);
            it.log.range(first..)
        });
        Some(log)
    }

    /// Forgets all changes so far, as the real one does after some minutes.
    pub(in crate::lab) fn forget(&mut self) {
        let version = self.version;
        for shelf in self.shelves.values_mut() {
            shelf.log.clear();
            shelf.forgotten = version;
        }
    }

    /// Puts a new object in. Its name is drawn where it only says how names begin.
    pub(in crate::lab) fn create(&mut self, kind: &'static str, mut object: Value) -> Arc<Value> {
        let Some(row) = kinds::kind(kind) else { return Arc::new(object) };
        let generated = text(&object, "metadata.generateName").to_owned();
        if text(&object, "metadata.name").is_empty() {
            let suffix = self.random.suffix(5);
            put(&mut object, "metadata.name", json!(format!("{generated}{suffix}")));
        }
        put(&mut object, "apiVersion", json!(row.api_version()));
        put(&mut object, "kind", json!(row.name));
        let uid = self.random.uid();
        put(&mut object, "metadata.uid", json!(uid));
        put(&mut object, "metadata.creationTimestamp", json!(stamp(self.now)));
        if row.generation {
            put(&mut object, "metadata.generation", json!(1));
        }
        self.save(kind, Event::Added, None, object)
    }

    /// Changes an object; without a difference nothing happens. An object that is being deleted goes when
    /// nothing holds it any more.
    pub(in crate::lab) fn update(
        &mut self,
        kind: &'static str,
        (namespace, name): (&str, &str),
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Value>> {
        let old = self.get(kind, namespace, name)?.clone();
        let mut new = (*old).clone();
        change(&mut new);
        if new == *old {
            return Some(old);
        }
        let row = kinds::kind(kind)?;
        let counts = row.generation && at(&new, "spec") != at(&old, "spec");
        let begun = text(&old, "metadata.deletionTimestamp").is_empty()
            && !text(&new, "metadata.deletionTimestamp").is_empty();
        if counts || (begun && row.generation) {
            put(&mut new, "metadata.generation", json!(number(&old, "metadata.generation") + 1));
        }
        if is_over(kind, &new) {
            return Some(self.save(kind, Event::Deleted, Some(old), new));
        }
        Some(self.save(kind, Event::Modified, Some(old), new))
    }

    /// Begins to delete an object: it goes at once, or when its finalizers and its grace allow.
    pub(in crate::lab) fn delete(
        &mut self,
        kind: &'static str,
        (namespace, name): (&str, &str),
        grace: i64,
    ) -> Option<Arc<Value>> {
        let object = self.get(kind, namespace, name)?.clone();
        let waits = !list(&object, "metadata.finalizers").is_empty() || (kind == PODS && grace > 0);
        if !waits {
            return Some(self.save(kind, Event::Deleted, Some(object.clone()), (*object).clone()));
        }
        let until = stamp(self.now + grace * 1000);
        self.update(kind, (namespace, name), |it| {
            if text(it, "metadata.deletionTimestamp").is_empty() {
                put(it, "metadata.deletionTimestamp", json!(until));
                put(it, "metadata.deletionGracePeriodSeconds", json!(grace));
            }
        })
    }

    fn save(
        &mut self,
        kind: &'static str,
        event: Event,
        old: Option<Arc<Value>>,
        mut new: Value,
    ) -> Arc<Value> {
        self.version += 1;
        put(&mut new, "metadata.resourceVersion", json!(self.version.to_string()));
        if kind == SLICES {
            let wrote = json!({"manager": "kube-controller-manager", "operation": "Update",
                "apiVersion": "discovery.k8s.io/v1", "time": stamp(self.now), "fieldsType": "FieldsV1", "fieldsV1": {}});
            put(&mut new, "metadata.managedFields", json!([wrote]));
        }
        let new = Arc::new(new);
        let key = key(&new);
        let keep = event != Event::Deleted;
        let (before, after) = (old.as_deref().map(|it| index_keys(kind, it)), index_keys(kind, &new));
        if !keep || before.as_ref() != Some(&after) {
            for it in before.into_iter().flatten() {
                if let Some(names) = self.index.get_mut(&(kind, it)) {
                    names.remove(&key);
                }
            }
            for it in after.into_iter().filter(|_| keep) {
                self.index.entry((kind, it)).or_default().insert(key.clone());
            }
        }
        let shelf = self.shelves.entry(kind).or_default();
        match event {
            Event::Deleted => drop(shelf.objects.remove(&key)),
            Event::Added | Event::Modified => drop(shelf.objects.insert(key, new.clone())),
        }
        let change = Change { kind, event, version: self.version, old, new: new.clone() };
        shelf.log.push_back(change.clone());
        if shelf.log.len() > REMEMBERED
            && let Some(oldest) = shelf.log.pop_front()
        {
            shelf.forgotten = oldest.version;
        }
        self.fresh.push(change);
        self.announce.send_replace(self.version);
        new
    }
}

/// What an object is found by: pods and ReplicaSets by their owner, pods by each label, services by the first
/// label they select.
fn index_keys(kind: &str, object: &Value) -> Vec<String> {
    let namespace = text(object, "metadata.namespace");
    let mut keys = Vec::new();
    if kind == PODS || kind == kinds::REPLICA_SETS {
        let mut owners = list(object, "metadata.ownerReferences").iter();
        let owner = owners.find(|it| at(it, "controller") == &Value::Bool(true));
        keys.push(by_owner(namespace, owner.map_or("", |it| text(it, "uid"))));
    }
    match kind {
        PODS => keys.extend(pairs(object, "metadata.labels").map(|(key, it)| by_label(namespace, key, it))),
        kinds::SERVICES => {
            let first = pairs(object, "spec.selector").next();
            keys.extend(first.map(|(key, it)| by_label(namespace, key, it)));
        }
        _ => {}
    }
    keys
}

/// The key of what a controlling owner has; without a uid, of what nobody owns.
pub(in crate::lab) fn by_owner(namespace: &str, uid: &str) -> String {
    format!("{namespace} owner {uid}")
}

pub(in crate::lab) fn by_label(namespace: &str, key: &str, value: &str) -> String {
    format!("{namespace} label {key}={value}")
}

/// Whether an object that is being deleted is held by nothing any more. A pod also waits for its node, unless
/// no grace was given.
fn is_over(kind: &str, object: &Value) -> bool {
    let deleting = !text(object, "metadata.deletionTimestamp").is_empty();
    let held = !list(object, "metadata.finalizers").is_empty();
    let graced = kind == PODS && number(object, "metadata.deletionGracePeriodSeconds") > 0;
    deleting && !held && !graced
}

pub(in crate::lab) fn key(object: &Value) -> Name {
    (text(object, "metadata.namespace").to_owned(), text(object, "metadata.name").to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::kinds::CONFIG_MAPS;
    use super::*;

    fn store() -> Store {
        Store::new(0, Random::new(1))
    }

    fn map(name: &str) -> Value {
        json!({"metadata": {"namespace": "shop", "name": name}})
    }

    #[test]
    fn versions_grow_and_an_update_without_difference_is_none() {
        let mut store = store();
        let first = store.create(CONFIG_MAPS, map("a"));
        let same = store.update(CONFIG_MAPS, ("shop", "a"), |_| {}).unwrap();
        assert_eq!(first, same);
        let other = store.update(CONFIG_MAPS, ("shop", "a"), |it| put(it, "data.k", json!("v"))).unwrap();
        assert!(
            number(&json!({"v": text(&other, "metadata.resourceVersion").parse::<i64>().unwrap()}), "v")
                > 1001
        );
        assert_eq!(store.since(CONFIG_MAPS, 1000).unwrap().count(), 2);
    }

    #[test]
    fn a_finalizer_holds_what_is_deleted() {
        let mut store = store();
        store.create(
            CONFIG_MAPS,
            json!({"metadata": {"namespace": "shop", "name": "a", "finalizers": ["f"]}}),
        );
        store.delete(CONFIG_MAPS, ("shop", "a"), 0);
        assert!(!text(store.get(CONFIG_MAPS, "shop", "a").unwrap(), "metadata.deletionTimestamp").is_empty());
        store.update(CONFIG_MAPS, ("shop", "a"), |it| put(it, "metadata.finalizers", json!([])));
        assert!(store.get(CONFIG_MAPS, "shop", "a").is_none());
        let events: Vec<Event> = store.since(CONFIG_MAPS, 1000).unwrap().map(|it| it.event).collect();
        assert_eq!(events, [Event::Added, Event::Modified, Event::Deleted]);
    }

    #[test]
    fn what_is_forgotten_cannot_be_resumed() {
        let mut store = store();
        store.create(CONFIG_MAPS, map("a"));
        store.forget();
        assert!(store.since(CONFIG_MAPS, 1000).is_none());
        assert_eq!(store.since(CONFIG_MAPS, store.version()).unwrap().count(), 0);
    }

    #[test]
    fn objects_of_one_namespace_are_found_without_those_of_its_neighbours() {
        let mut store = store();
        for (namespace, name) in [("shop", "a"), ("shop-2", "b"), ("sho", "c")] {
            store.create(CONFIG_MAPS, json!({"metadata": {"namespace": namespace, "name": name}}));
        }
        assert_eq!(store.objects(CONFIG_MAPS, Some("shop")).count(), 1);
        assert_eq!(store.objects(CONFIG_MAPS, None).count(), 3);
    }
}
