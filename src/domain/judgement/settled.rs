//! Whether a binding is settled: everything wanted is in service, nothing else is registered, nothing moves,
//! and we know it from health that was asked for after the last change.

use std::collections::BTreeSet;
use std::collections::HashSet;

use crate::domain::facts::cluster::Status;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::ObjectName;
use crate::domain::inventory::Kind;
use crate::domain::inventory::deployment::deployment_of;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::row::Counts;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::unsettled::Unsettled;

/// `true`, `false`, or `None` where it cannot be known; with what keeps it from being true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub value: Option<bool>,
    pub because: Vec<Unsettled>,
}

pub fn settled(case: &Case<'_>, rows: &[Row], counts: &Counts) -> Settled {
    let mut because = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    let Some(binding) = case.binding else {
        // A group without a binding has nothing to settle to.
        return Settled { value: None, because: Vec::new() };
    };
    let side = if case.instances() { Kind::Nodes } else { Kind::Slices };
    let needed = [Kind::Services, side, Kind::Pods, Kind::Bindings(binding.api)];
    // Settled is a promise: a watch that is lost cannot give it, however new what it last said.
    let lost = needed.into_iter().any(|kind| case.lost(kind));
    if lost || !case.endpoints_usable() || !case.fresh(Kind::Pods) || !case.fresh(Kind::Bindings(binding.api))
    {
        unknown.insert(Unsettled::KubernetesUnread);
    }
    if case.resolution.rests_on_nodes {
        unknown.insert(Unsettled::KubernetesUnread);
    }
    match (case.targets(), case.changed()) {
        (None, _) => _ = unknown.insert(Unsettled::TargetsUnread),
        (Some(_), _) if !case.targets_usable() => _ = unknown.insert(Unsettled::TargetsUnread),
        (Some(targets), Some(changed)) if targets.asked < changed => {
            because.insert(Unsettled::TargetsOlderThanChange);
        }
        _ => {}
    }
    if case.targets().is_some_and(|it| it.unreadable > 0) {
        unknown.insert(Unsettled::TargetsUnread);
    }
    let workloads = workloads(case);
    match workloads.iter().all(|it| matches!(it, RolloutState::Quiet(_))) {
        true => {}
        false if workloads.iter().any(|it| matches!(it, RolloutState::Moving(_))) => {
            _ = because.insert(Unsettled::RolloutProgressing);
        }
        false => _ = unknown.insert(Unsettled::RolloutUnknown),
    }
    if pods_in_service(case, rows) == Some(false) {
        because.insert(Unsettled::PodNotInService);
    }
    let gate_open = |row: &Row| {
        let gate = row.endpoint.as_ref().and_then(|it| it.gate);
        row.wanted != Some(true) || gate.is_none_or(|it| it == Status::True)
    };
    if !rows.iter().all(gate_open) {
        because.insert(Unsettled::GateNotTrue);
    }
    if binding.deleted.is_some() {
        because.insert(Unsettled::Deleting);
    }
    if binding.observed_generation.is_none_or(|it| it < binding.generation) {
        because.insert(Unsettled::GenerationUnseen);
    }
    for row in rows {
        match row.standing {
            // A pod on its way out without a target has nothing left to wait for.
            Standing::Waiting if row.terminating() || row.detached() => {}
            Standing::Unknown => _ = unknown.insert(Unsettled::Row(row.standing)),
            standing if standing.unsettles() => _ = because.insert(Unsettled::Row(standing)),
            _ => {}
        }
    }
    let replicas =
        workloads.iter().any(|it| matches!(it, RolloutState::Quiet(1..) | RolloutState::Moving(1..)));
    if case.resolved() && counts.wanted == 0 && (replicas || workloads.is_empty()) {
        because.insert(Unsettled::Empty);
    }
    let value = match (because.is_empty(), unknown.is_empty()) {
        (false, _) => Some(false),
        (true, false) => None,
        (true, true) => Some(true),
    };
    because.append(&mut unknown);
    Settled { value, because: because.into_iter().collect() }
}

/// Every selected pod that is neither finished nor terminating is wanted and in service; for instance
/// targets, where nodes are registered, it is ready. `None`: of those that are not, nothing is known.
fn pods_in_service(case: &Case<'_>, rows: &[Row]) -> Option<bool> {
    let mut pods = case.selected.iter().filter(|pod| !pod.finished() && !pod.terminating());
    if case.instances() {
        return Some(pods.all(|pod| pod.ready()));
    }
    let those = |standing| -> HashSet<_> {
        rows.iter().filter(|row| row.standing == standing).filter_map(Row::uid).collect()
    };
    let (serving, unknown) = (those(Standing::InService), those(Standing::Unknown));
    let mut others = pods.filter(|pod| !serving.contains(&pod.uid)).peekable();
    match others.peek() {
        None => Some(true),
        Some(_) if !case.endpoints_usable() => None,
        Some(_) => others.any(|pod| !unknown.contains(&pod.uid)).then_some(false),
    }
}

/// One workload behind the selected pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// At rest with this many replicas desired.
    Quiet(u32),
    /// On the way to this many.
    Moving(u32),
    Unread,
}

/// The workloads behind a binding: the owners of its pods, and those whose pods its service would select.
pub fn workloads(case: &Case<'_>) -> Vec<RolloutState> {
    let (Some(cluster), Some(service)) = (case.cluster, case.service) else { return Vec::new() };
    let mut found = BTreeSet::new();
    let mut behind = Vec::new();
    let readable = |kind| case.fresh(Kind::Workloads(kind));
    for workload in cluster.workloads_in(&service.name.namespace) {
        if service.selects_labels(&workload.template_labels) {
            found.insert((workload.kind, workload.name.clone()));
        }
    }
    for pod in case.selected.iter().filter(|pod| !pod.finished()) {
        let Some(owner) = &pod.owner else { continue };
        let named = |name: &str| ObjectName::new(&pod.name.namespace, name);
        let id = match &*owner.kind {
            "StatefulSet" => Some((WorkloadKind::StatefulSet, named(&owner.name))),
            "DaemonSet" => Some((WorkloadKind::DaemonSet, named(&owner.name))),
            "ReplicaSet" => deployment_of(cluster, pod).map(|name| (WorkloadKind::Deployment, name)),
            "Job" | "Node" => continue,
            _ => None,
        };
        match id {
            Some(id) => _ = found.insert(id),
            None => behind.push(RolloutState::Unread),
        }
    }
    if ![WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet]
        .into_iter()
        .all(readable)
    {
        behind.push(RolloutState::Unread);
    }
    let judged = |workload: &Workload| match workload.quiet() {
        true => RolloutState::Quiet(workload.desired),
        false => RolloutState::Moving(workload.desired),
    };
    behind.extend(found.iter().map(|id| cluster.workloads.get(id).map_or(RolloutState::Unread, judged)));
    behind
}

#[cfg(test)]
mod tests;
