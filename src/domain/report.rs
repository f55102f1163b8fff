//! What is said of one binding, or of a group without one: its rows, verdict, whether it is settled, the
//! controller's state. Computed by `judge`, shown by the screen and printed by `get`; nothing recomputes it.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::cluster::Phase;
use super::cluster::Status;
use super::controller::Controller;
use super::desired::Backend;
use super::desired::Exclusion;
use super::elb::HealthState;
use super::elb::Target;
use super::history::History;
use super::ids::BindingRef;
use super::ids::RowKey;
use super::ids::TargetGroupArn;
use super::ids::Uid;
use super::inventory::Inventory;
use super::inventory::Source;
use super::matching;
use super::routes::Routes;
use super::settled;
use super::settled::Settled;
use super::standing::Standing;
use super::time::Timestamp;
use super::verdict;
use super::verdict::Verdict;
use super::verdict::Word;
use super::waiting::DETACHED;

/// What a board shows: a binding, or a group that no binding names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    Binding(BindingRef),
    Group(TargetGroupArn),
}

/// Why a pod is not ready, the first reason that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitReason {
    /// `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`, `NotReady`, …
    pub code: Arc<str>,
    pub message: Option<Arc<str>>,
    pub since: Option<Timestamp>,
    /// Mere starting: nothing is wrong yet.
    pub starting: bool,
}

/// The Kubernetes half of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSide {
    /// Name of the pod; `None` where the endpoint is a node or names no pod.
    pub pod: Option<String>,
    pub uid: Option<Uid>,
    pub node: Option<Arc<str>>,
    pub zone: Option<Arc<str>>,
    /// Instance targets: the service's pods on that node, and how many of them are ready.
    pub pods: Vec<String>,
    pub ready_pods: u32,
    pub ready: Option<bool>,
    pub serving: Option<bool>,
    pub terminating: Option<bool>,
    pub phase: Option<Phase>,
    pub wait: Option<WaitReason>,
    pub restarts: u32,
    /// Status of this binding's readiness gate, where the pod declares it.
    pub gate: Option<Status>,
    pub wanted: Option<bool>,
    pub exclusion: Option<Exclusion>,
    pub created: Option<Timestamp>,
}

/// What else is true of a row in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Flag {
    /// Every rule that leads to the group gives it weight 0.
    WeightZero,
    /// A zonal shift takes the target's zone out of rotation.
    ZonalShift,
    /// Anomaly detection finds it unlike the others.
    Anomaly,
    /// The readiness gate of this binding is not True although the target is healthy.
    GateNotTrue,
    /// No load balancer uses the group.
    NoLoadBalancer,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub key: RowKey,
    pub endpoint: Option<EndpointSide>,
    /// Other endpoints on the same key: a reused address, host network.
    pub others: Vec<EndpointSide>,
    pub target: Option<Target>,
    /// Would the controller register it? `None`: what it depends on could not be read.
    pub wanted: Option<bool>,
    pub standing: Standing,
    /// Unknown: what is missing. Orphan: whose pod has the address now. Contested, Elsewhere: whose it is.
    pub note: Option<String>,
    pub flags: Vec<Flag>,
    /// Since when it stands so, if that was seen.
    pub since: Option<Timestamp>,
    /// When it was first seen to stand so.
    pub first_seen: Timestamp,
    /// Since when the target is in its state, if that was seen.
    pub state_since: Option<Timestamp>,
    pub problem: bool,
}

impl Row {
    /// The uid of the pod the row is about.
    pub fn uid(&self) -> Option<&Uid> {
        self.endpoint.as_ref().and_then(|it| it.uid.as_ref())
    }

    pub fn state(&self) -> Option<&HealthState> {
        self.registered().map(|it| &it.health.state)
    }

    /// Its target, if AWS has it.
    pub fn registered(&self) -> Option<&Target> {
        self.target.as_ref().filter(|it| !it.health.not_registered())
    }

    /// Registered, and not on its way out.
    pub fn live(&self) -> bool {
        self.state().is_some_and(|it| *it != HealthState::Draining)
    }

    /// Its pod was taken out of the service by us.
    pub fn detached(&self) -> bool {
        let wait = self.endpoint.as_ref().and_then(|it| it.wait.as_ref());
        wait.is_some_and(|it| &*it.code == DETACHED)
    }

    pub fn terminating(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|it| it.terminating == Some(true))
    }
}

/// How many rows there are of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub wanted: u32,
    /// Wanted and in service.
    pub in_service: u32,
    /// Registered targets that are not draining.
    pub registered: u32,
    pub healthy: u32,
    pub draining: u32,
    pub problems: u32,
}

/// One zone of the group: wanted and in service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneCount {
    pub zone: Arc<str>,
    pub registered: u32,
    pub healthy: u32,
}

/// Why a binding that is being deleted is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleting {
    pub since: Timestamp,
    pub finalizers: Vec<String>,
    /// What the controller's clean-up fails with.
    pub failed: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub subject: Subject,
    pub group: Option<TargetGroupArn>,
    pub backend: Backend,
    pub rows: Vec<Row>,
    pub counts: Counts,
    pub zones: Vec<ZoneCount>,
    pub verdict: Verdict,
    pub verdict_since: Option<Timestamp>,
    pub settled: Settled,
    pub controller: Controller,
    pub routes: Routes,
    /// The binding is being deleted.
    pub deleting: Option<Deleting>,
    /// What was assumed because it could not be read.
    pub assumptions: Vec<&'static str>,
    /// When the health on show was asked for.
    pub asked: Option<Timestamp>,
}

/// Seconds after which facts that fail to renew are too old to judge by.
pub const TOO_OLD: i64 = 60;

/// Whether a source can be judged by: read, and not failing for too long since.
pub fn usable(inventory: &Inventory, source: &Source, now: Timestamp) -> bool {
    inventory
        .freshness(source)
        .is_some_and(|it| it.read.is_some_and(|read| it.failed.is_none() || now.since(read) < TOO_OLD))
}

/// Judges one subject. `None`: the binding does not exist (any more).
pub fn judge(inventory: &Inventory, subject: &Subject, history: &History, now: Timestamp) -> Option<Report> {
    let view = matching::View::of(inventory, subject, now)?;
    let rows = matching::rows(&view, history);
    let counts = count(&rows);
    let zones = zones(&rows);
    let verdict = verdict::verdict(&view, &rows, &counts);
    let verdict_since = history.verdict_since(verdict.word, now);
    let settled = settled::settled(&view, &rows, &counts);
    let controller = super::controller::controller(&view);
    let mut assumptions = Vec::new();
    if view.targets().is_some_and(|it| it.unreadable > 0) {
        assumptions.push("some targets in the answer of AWS could not be read and are not shown");
    }
    if view.resolution.nodes_assumed {
        assumptions.push("nodes cannot be read: every node is taken as ready");
    }
    if view.resolution.pods_assumed {
        assumptions.push("pods cannot be read: ready endpoints are taken as wanted");
    }
    Some(Report {
        subject: subject.clone(),
        group: view.arn.clone(),
        backend: view.resolution.backend.clone(),
        asked: view.targets().map(|it| it.asked),
        deleting: view.binding.and_then(|it| {
            Some(Deleting {
                since: it.deleted?,
                finalizers: it.finalizers.clone(),
                failed: it.failed_cleanup.clone(),
            })
        }),
        routes: view.routes.clone(),
        rows,
        counts,
        zones,
        verdict,
        verdict_since,
        settled,
        controller,
        assumptions,
    })
}

fn count(rows: &[Row]) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        counts.wanted += u32::from(row.wanted == Some(true));
        counts.in_service += u32::from(row.standing == Standing::InService);
        counts.problems += u32::from(row.problem);
        match row.state() {
            Some(HealthState::Draining) => counts.draining += 1,
            Some(state) => {
                counts.registered += 1;
                counts.healthy += u32::from(*state == HealthState::Healthy);
            }
            None => {}
        }
    }
    counts
}

fn zones(rows: &[Row]) -> Vec<ZoneCount> {
    let mut zones = std::collections::BTreeMap::<Arc<str>, ZoneCount>::new();
    for target in rows.iter().filter_map(Row::registered) {
        let Some(zone) = &target.zone else { continue };
        let entry =
            zones.entry(zone.clone()).or_insert(ZoneCount { zone: zone.clone(), registered: 0, healthy: 0 });
        entry.registered += u32::from(target.health.state != HealthState::Draining);
        entry.healthy += u32::from(target.health.state == HealthState::Healthy);
    }
    zones.into_values().filter(|it| it.registered > 0).collect()
}

impl Report {
    /// Worst word first, then most problems: the order of lists.
    pub fn severity(&self) -> (u8, std::cmp::Reverse<u32>) {
        (self.verdict.word.rank(), std::cmp::Reverse(self.counts.problems))
    }

    pub fn word(&self) -> Word {
        self.verdict.word
    }

    pub fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == *key)
    }
}
