//! What was seen before, for one board: since when a row stands where it stands, when its endpoint was last
//! known, which pods were in service. AWS and Kubernetes keep no such times. History belongs to the address
//! and the pod's uid together, because addresses are used again within minutes.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::elb::HealthState;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::time::Timestamp;
use crate::domain::judgement::row::GRACE;
use crate::domain::judgement::row::Grounds;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) standing: Standing,
    /// When it began, if that was seen.
    pub(crate) since: Option<Timestamp>,
    /// When this row was first seen in this standing.
    pub(crate) first: Timestamp,
}

/// What the standing of a key rests on in Kubernetes, and since when; `None`: it was so when first seen.
type Known = (Grounds, Option<Timestamp>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    rows: HashMap<(RowKey, Option<Uid>), Seen>,
    grounds: HashMap<RowKey, Known>,
    states: HashMap<TargetKey, (HealthState, Option<Timestamp>)>,
    endpoints: HashMap<TargetKey, Timestamp>,
    /// The pod last seen behind each target that is still there.
    pods: HashMap<TargetKey, String>,
    served: HashSet<Uid>,
    verdict: Option<(VerdictKind, Option<Timestamp>)>,
    /// Pods we took out of the service by a label, with the target each was.
    detached: BTreeMap<Uid, Option<TargetKey>>,
    /// Everything a verdict may rest on was read when it was last noted.
    whole: bool,
    /// Both sides were judged once: what appears from now on is new.
    watching: bool,
    /// Rows were noted at least once, judged or not.
    noted: bool,
    /// Somebody looks only once: nothing will get better while they watch, so nothing gets a grace from first seen.
    once: bool,
}

impl History {
    /// For a single look.
    pub(crate) fn of_one_look() -> Self {
        Self { once: true, ..Self::default() }
    }

    /// Which pods are detached by us now.
    pub(crate) fn set_detached(&mut self, detached: BTreeMap<Uid, Option<TargetKey>>) {
        self.detached = detached;
    }

    pub(crate) fn detached(&self) -> &BTreeMap<Uid, Option<TargetKey>> {
        &self.detached
    }

    /// Whether something that was seen for these seconds has had its grace. Who looks only once sees nothing last, and has
    /// to be told whether it is new.
    pub(crate) fn outlasted(&self, seconds: i64, is_new: impl FnOnce() -> bool) -> bool {
        match self.once {
            true => !is_new(),
            false => seconds >= GRACE,
        }
    }

    /// When the Kubernetes side of a key last changed to what it is now; `None`: it was so when first seen.
    pub(crate) fn changed(&self, key: &RowKey, grounds: &Grounds, now: Timestamp) -> Option<Timestamp> {
        match self.grounds.get(key) {
            Some((known, changed)) if known == grounds => *changed,
            Some(_) => Some(now),
            None => (self.noted && !grounds.is_nothing()).then_some(now),
        }
    }

    /// How a row stood when it was last noted: of this pod, or of the one that has just left the address.
    pub(crate) fn stood(&self, key: &RowKey, uid: Option<&Uid>) -> Option<&Seen> {
        let of = |key: &RowKey, uid: Option<Uid>| self.rows.get(&(key.clone(), uid));
        let left = || of(key, self.grounds.get(key).filter(|_| uid.is_none())?.0.uid.clone());
        let waited = || of(&RowKey::Pod(uid?.clone()), uid.cloned());
        of(key, uid.cloned()).or_else(left).or_else(waited)
    }

    /// How a row with this standing has stood so far.
    pub(crate) fn seen(&self, key: &RowKey, uid: Option<&Uid>, standing: Standing, now: Timestamp) -> Seen {
        match self.rows.get(&(key.clone(), uid.cloned())) {
            Some(seen) if seen.standing == standing => seen.clone(),
            // What follows an unread side may be as old as the hills.
            Some(seen) if seen.standing == Standing::Unknown => Seen { standing, since: None, first: now },
            Some(_) => Seen { standing, since: Some(now), first: now },
            None => Seen { standing, since: self.watching.then_some(now), first: now },
        }
    }

    /// Since when a target is in this state; `None`: it was so when first seen.
    pub(crate) fn state_since(
        &self,
        key: &TargetKey,
        state: &HealthState,
        now: Timestamp,
    ) -> Option<Timestamp> {
        match self.states.get(key) {
            Some((known, since)) if known == state => *since,
            Some(_) => Some(now),
            None => self.watching.then_some(now),
        }
    }

    /// The endpoint was known at most a grace ago.
    pub(crate) fn endpoint_just_known(&self, key: &TargetKey, now: Timestamp) -> bool {
        self.endpoints.get(key).is_some_and(|last| now.since(*last) < GRACE)
    }

    /// The pod that was behind a target before its endpoint went.
    pub(crate) fn former_pod(&self, key: &TargetKey) -> Option<&String> {
        self.pods.get(key)
    }

    pub(crate) fn served(&self, uid: &Uid) -> bool {
        self.served.contains(uid)
    }

    /// Since when the verdict is this word; `None`: it was so when first seen. Another word while no row has changed may
    /// only say that more was read.
    pub(crate) fn verdict_since(&self, word: VerdictKind, rows: &[Row], now: Timestamp) -> Option<Timestamp> {
        let moved = || rows.len() != self.rows.len() || rows.iter().any(|it| it.since == Some(now));
        match self.verdict {
            Some((known, since)) if known == word => since,
            Some((VerdictKind::Unknown, _)) | None => None,
            Some(_) => (self.whole || moved()).then_some(now),
        }
    }

    /// Takes a judgement in; `whole`: everything its verdict may rest on was read. Forgets rows that are gone, except when
    /// their endpoint was last known.
    pub fn note(&mut self, rows: &[Row], (word, whole): (VerdictKind, bool), now: Timestamp) {
        let since = self.verdict_since(word, rows, now);
        self.note_grounds(rows, now);
        self.verdict = Some((word, since));
        self.whole = whole;
        let mut states = HashMap::with_capacity(rows.len());
        let mut seen = HashMap::with_capacity(rows.len());
        for row in rows {
            let uid = row.uid().cloned();
            seen.insert(
                (row.key.clone(), uid.clone()),
                Seen { standing: row.standing, since: row.since, first: row.first_seen },
            );
            if let Some(target) = &row.target {
                let state = &target.health.state;
                states.insert(target.key.clone(), (state.clone(), self.state_since(&target.key, state, now)));
            }
            if let (Some(key), Some(side)) = (row.key.target(), &row.endpoint) {
                self.endpoints.insert(key.clone(), now);
                if let Some(pod) = side.pod.as_ref().filter(|it| self.pods.get(key) != Some(*it)) {
                    self.pods.insert(key.clone(), pod.clone());
                }
            }
            if let (Standing::InService, Some(uid)) = (row.standing, uid) {
                self.served.insert(uid);
            }
        }
        self.rows = seen;
        self.states = states;
        self.watching |= word != VerdictKind::Unknown;
        self.endpoints.retain(|_, last| now.since(*last) < 2 * GRACE);
        self.pods.retain(|key, _| self.states.contains_key(key));
        let present: HashSet<&Uid> = rows.iter().filter_map(Row::uid).collect();
        self.served.retain(|uid| present.contains(uid));
    }

    /// Takes in the Kubernetes side alone, and when it changed.
    pub(crate) fn note_grounds(&mut self, rows: &[Row], now: Timestamp) {
        let known = rows.iter().map(|row| {
            let grounds = row.grounds();
            let changed = self.changed(&row.key, &grounds, now);
            (row.key.clone(), (grounds, changed))
        });
        self.grounds = known.collect();
        self.noted = true;
    }
}
