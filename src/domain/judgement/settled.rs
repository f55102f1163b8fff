//! Whether a binding is settled: everything wanted is in service, nothing else is registered, nothing moves,
//! and we know it from health that was asked for after the last change.

use std::collections::BTreeSet;
use std::collections::HashSet;

use crate::domain::facts::cluster::Status;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::ObjectName;
use crate::domain::inventory::Kind;
use crate::domain::inventory::deployment::deployment_of;
use crate::domain::inventory::deployment::rollout_of;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::rollout::RolloutState;
use crate::domain::judgement::row::Counts;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::unsettled::Unsettled;

/// `true`, `false`, or `None` where it cannot be known; with what keeps it from being true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub(crate) value: Option<bool>,
    pub because: Vec<Unsettled>,
}

/// What keeps a binding from being settled, or from being known to be.
#[derive(Default)]
struct Obstacles {
    because: BTreeSet<Unsettled>,
    unknown: BTreeSet<Unsettled>,
}

impl Obstacles {
    fn it_is(&mut self, so: bool, code: Unsettled) {
        if so {
            self.because.insert(code);
        }
    }

    fn unknown(&mut self, so: bool, code: Unsettled) {
        if so {
            self.unknown.insert(code);
        }
    }

    fn settled(mut self) -> Settled {
        let value = match (self.because.is_empty(), self.unknown.is_empty()) {
            (false, _) => Some(false),
            (true, false) => None,
            (true, true) => Some(true),
        };
        self.because.append(&mut self.unknown);
        Settled { value, because: self.because.into_iter().collect() }
    }
}

/// `fought`: another binding deregisters what this one wants.
pub(crate) fn settled(case: &Case<'_>, rows: &[Row], counts: &Counts, fought: bool) -> Settled {
    let Some(binding) = case.binding else {
        // A group without a binding has nothing to settle to.
        return Settled { value: None, because: Vec::new() };
    };
    let mut found = Obstacles::default();
    reads(case, &mut found);
    found.it_is(binding.deleted.is_some(), Unsettled::Deleting);
    found.it_is(fought, Unsettled::GroupContested);
    let unseen = binding.observed_generation.is_none_or(|it| it < binding.generation);
    found.it_is(unseen, Unsettled::GenerationUnseen);
    found.it_is(pods_in_service(case, rows) == Some(false), Unsettled::PodNotInService);
    of_rows(rows, &mut found);
    of_workloads(case, counts, &mut found);
    found.settled()
}

/// Whether what it rests on was read, and health after the last change.
fn reads(case: &Case<'_>, found: &mut Obstacles) {
    // Settled is a promise: a watch that is lost cannot give it, however new what it last said.
    let lost = case.lost_since().is_some();
    let fresh = case.endpoints_usable() && case.needed_kinds().all(|it| case.fresh(it));
    found.unknown(lost || !fresh || case.resolution.rests_on_nodes, Unsettled::KubernetesUnread);
    if case.is_gone() {
        return found.it_is(true, Unsettled::GroupGone);
    }
    let Some(targets) = case.targets() else {
        return found.unknown(true, Unsettled::TargetsUnread);
    };
    let usable = case.targets_usable();
    found.unknown(!usable || targets.unreadable > 0, Unsettled::TargetsUnread);
    let older = case.changed().is_some_and(|changed| targets.asked < changed);
    found.unknown(usable && older, Unsettled::TargetsOlderThanChange);
}

fn of_rows(rows: &[Row], found: &mut Obstacles) {
    for row in rows {
        let gate = row.endpoint.as_ref().and_then(|it| it.gate);
        let closed = row.wanted == Some(true) && gate.is_some_and(|it| it != Status::True);
        found.it_is(closed, Unsettled::GateNotTrue);
        found.it_is(!row.held_by().is_empty(), Unsettled::OtherGate);
        // Its endpoint may be known as ready for a while after the pod was told to end.
        found.it_is(row.is_leaving(), Unsettled::Leaving);
        found.unknown(row.has_older_health(), Unsettled::TargetsOlderThanChange);
        match row.standing {
            // A pod on its way out without a target has nothing left to wait for.
            Standing::Waiting if row.terminating() || row.detached() => {}
            Standing::Unknown => found.unknown(true, Unsettled::Row(row.standing)),
            standing => found.it_is(standing.unsettles(), Unsettled::Row(standing)),
        }
    }
}

fn of_workloads(case: &Case<'_>, counts: &Counts, found: &mut Obstacles) {
    let workloads = workloads(case);
    let moving = workloads.iter().any(|it| matches!(it, RolloutState::Moving(_)));
    let unread = workloads.iter().any(|it| matches!(it, RolloutState::Unread(_)));
    let stuck = workloads.iter().any(|it| matches!(it, RolloutState::Stuck(..)));
    found.it_is(moving, Unsettled::RolloutProgressing);
    found.it_is(stuck, Unsettled::RolloutStuck);
    found.unknown(unread && !moving && !stuck, Unsettled::RolloutUnknown);
    let replicas = workloads.iter().any(|it| {
        matches!(it, RolloutState::Quiet(1..) | RolloutState::Moving(1..) | RolloutState::Stuck(1.., _))
    });
    let lives = case.binding.is_some_and(|it| it.deleted.is_none());
    let empty = lives && case.resolved() && counts.wanted == 0 && (replicas || workloads.is_empty());
    found.it_is(empty, Unsettled::Empty);
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

/// The workloads behind a binding: the owners of its pods, and those whose pods its service would select.
pub(crate) fn workloads<'a>(case: &'a Case<'_>) -> &'a [RolloutState] {
    case.workloads.get_or_init(|| find_workloads(case))
}

fn find_workloads(case: &Case<'_>) -> Vec<RolloutState> {
    let (Some(cluster), Some(service)) = (case.cluster, case.service) else { return Vec::new() };
    let mut found = BTreeSet::new();
    let mut unread = BTreeSet::new();
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
            "ReplicaSet" => deployment_of(cluster, pod)
                .map(|name| (WorkloadKind::Deployment, name))
                .or_else(|| rollout_of(pod).map(|name| (WorkloadKind::Rollout, name))),
            "Job" | "Node" => continue,
            _ => None,
        };
        match id {
            Some(id) => _ = found.insert(id),
            None => _ = unread.insert(format!("{} {}", owner.kind, owner.name)),
        }
    }
    // Any workload of a kind that cannot be read may be behind the service, whether it has pods or not.
    let blind = WorkloadKind::BUILT_IN.into_iter().filter(|it| !case.fresh(Kind::Workloads(*it)));
    unread.extend(blind.map(|it| format!("{}s", it.word())));
    let judged = |id: &(WorkloadKind, ObjectName)| match cluster.workloads.get(id) {
        Some(it) if case.fresh(Kind::Workloads(id.0)) => RolloutState::of(it),
        _ => RolloutState::Unread(format!("{} {}", id.0.word(), id.1.name)),
    };
    found.iter().map(judged).chain(unread.into_iter().map(RolloutState::Unread)).collect()
}

#[cfg(test)]
mod tests;
