//! What is said of one binding, or of a group without one: its rows, verdict, whether it is settled, the
//! controller's state. Computed by `judge`, shown by the screen and printed by `get`; nothing recomputes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::lineage::Maker;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::routes::Routes;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Controller;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::history::History;
use crate::domain::judgement::matching;
use crate::domain::judgement::pass::Pass;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::judgement::path::of_row;
use crate::domain::judgement::rollout::RolloutState;
use crate::domain::judgement::row::Counts;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::row::ZoneCount;
use crate::domain::judgement::settled;
use crate::domain::judgement::settled::Settled;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;
use crate::domain::judgement::verdict;
use crate::domain::judgement::verdict::Misfit;
use crate::domain::judgement::verdict::Verdict;
use crate::domain::judgement::zones;

/// Why a binding that is being deleted is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deleting {
    pub(crate) since: Timestamp,
    pub(crate) finalizers: Vec<String>,
    /// What the controller's clean-up fails with.
    pub(crate) failed: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub(crate) subject: Subject,
    pub group: Option<TargetGroupArn>,
    pub(crate) backend: Backend,
    pub rows: Vec<Row>,
    pub(crate) counts: Counts,
    pub(crate) zones: Vec<ZoneCount>,
    pub verdict: Verdict,
    pub(crate) verdict_since: Option<Timestamp>,
    /// Everything that the verdict may rest on was read.
    pub whole: bool,
    pub settled: Settled,
    pub(crate) controller: Controller,
    pub(crate) routes: Routes,
    /// The binding is being deleted.
    pub(crate) deleting: Option<Deleting>,
    /// Why the binding can never register anything in its group.
    pub(crate) misfit: Option<Misfit>,
    /// AWS says that the target group does not exist.
    pub(crate) group_is_gone: bool,
    /// The workloads behind it.
    pub(crate) workloads: Vec<RolloutState>,
    /// The controller keeps no security-group rule for the binding: it has no `spec.networking`.
    pub(crate) no_networking: bool,
    /// Another binding on the group whose controller deregisters what this one wants.
    pub(crate) fought_by: Option<BindingRef>,
    /// Who made the binding, where it says so.
    pub(crate) made_by: Option<Maker>,
    /// The network paths of rows whose checks may not arrive, where somebody had them read.
    pub(crate) paths: BTreeMap<RowKey, NetworkPath>,
    /// What was assumed because it could not be read.
    pub(crate) assumptions: Vec<&'static str>,
    /// When the health on show was asked for.
    pub(crate) asked: Option<Timestamp>,
}

/// Judges one subject alone. `None`: the binding does not exist (any more).
pub fn judge(inventory: &Inventory, subject: &Subject, history: &History, now: Timestamp) -> Option<Report> {
    judge_in(&Pass::new(inventory, now), subject, history)
}

/// Judges one subject of several. `None`: the binding does not exist (any more).
pub(crate) fn judge_in(pass: &Pass<'_>, subject: &Subject, history: &History) -> Option<Report> {
    let case = pass.case(subject)?;
    let rows = matching::rows(&case, pass, history);
    let mut counts = count(&rows);
    let zones = zones(&case, &rows);
    let verdict = verdict::verdict(&case, &rows, &counts);
    let fought_by = pass.fought_by(&case, &rows);
    // An outage is a problem also where each row alone may be only starting, and so is what never gets better by itself.
    let stuck = settled::workloads(&case).iter().any(|it| matches!(it, RolloutState::Stuck(..)));
    let broken = matches!(case.resolution.backend, Backend::Broken(_));
    if verdict.word == VerdictKind::Down
        || stuck
        || broken
        || fought_by.is_some()
        || is_held(&case)
        || is_empty_for_good(&case, &verdict, &counts)
    {
        counts.problems = counts.problems.max(1);
    }
    let verdict_since = history.verdict_since(verdict.word, &rows, case.now);
    let settled = settled::settled(&case, &rows, &counts, fought_by.is_some());
    let controller = crate::domain::judgement::controller::controller(&case);
    let mut assumptions = Vec::new();
    if case.targets().is_some_and(|it| it.unreadable > 0) {
        assumptions.push("some targets in the answer of AWS could not be read and are not shown");
    }
    if case.resolution.nodes_assumed {
        assumptions.push("nodes cannot be read: every node is taken as ready");
    }
    if case.resolution.pods_assumed {
        assumptions.push("pods cannot be read: ready endpoints are taken as wanted");
    }
    let paths = paths(&case, subject, &rows);
    Some(Report {
        made_by: case.binding.and_then(|it| it.maker()),
        paths,
        subject: subject.clone(),
        group: case.arn.clone(),
        backend: case.resolution.backend.clone(),
        asked: case.targets().map(|it| it.asked),
        deleting: case.binding.and_then(|it| {
            Some(Deleting {
                since: it.deleted?,
                finalizers: it.finalizers.clone(),
                failed: it.failed_cleanup.clone(),
            })
        }),
        whole: is_whole(&case),
        misfit: verdict::misfit(&case),
        group_is_gone: case.is_gone(),
        fought_by,
        no_networking: case.binding.is_some_and(|it| !it.networking),
        workloads: settled::workloads(&case).to_vec(),
        routes: case.routes.clone(),
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

/// Paths are looked at where something of the network was read: nobody else waits for them.
fn paths(case: &Case<'_>, subject: &Subject, rows: &[Row]) -> BTreeMap<RowKey, NetworkPath> {
    let inventory = case.inventory;
    let is_wanted = inventory.asks_network();
    let Some(group) = case.arn.as_ref().filter(|_| is_wanted) else { return BTreeMap::new() };
    let path = |row: &Row| Some((row.key.clone(), of_row::of_row(inventory, (subject, group), row)?));
    of_row::telling(inventory, group, rows).filter_map(path).collect()
}

/// Seconds within which a controller that is well has cleaned up.
const CLEANED_UP: i64 = 60;

/// Its deletion takes longer than a clean-up does.
fn is_held(case: &Case<'_>) -> bool {
    let deleted = case.binding.and_then(|it| it.deleted);
    deleted.is_some_and(|it| case.now.since(it) > CLEANED_UP)
}

/// Everything of AWS that a verdict may rest on was read.
fn is_whole(case: &Case<'_>) -> bool {
    let knows = |arn: &LoadBalancerArn| {
        let known = case.inventory.load_balancers.get(arn);
        known.is_some_and(|it| it.kind != LoadBalancerKind::Network || it.cross_zone.is_some())
    };
    let hangs_on = case.target_group().is_some_and(|it| it.load_balancers.iter().all(knows));
    case.attributes().is_some() && case.routes != Routes::Unread && hangs_on
}

/// Nothing is registered and nothing is on its way: no endpoint is wanted although somebody wants some.
fn is_empty_for_good(case: &Case<'_>, verdict: &Verdict, counts: &Counts) -> bool {
    let moves = settled::workloads(case).iter().any(|it| matches!(it, RolloutState::Moving(_)));
    let is_known = case.binding.is_some() && (case.resolved() || case.service.is_none());
    verdict.word == VerdictKind::Empty
        && !verdict.neutral
        && counts.wanted == 0
        && !moves
        && is_known
        && !case.just_written()
}

fn count(rows: &[Row]) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        counts.wanted += u32::from(row.wanted == Some(true));
        counts.in_service += u32::from(row.standing == Standing::InService && row.wanted == Some(true));
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

/// The zones of a board: of what is wanted how much serves. A zone of the load balancer without any stands there too.
fn zones(case: &Case<'_>, rows: &[Row]) -> Vec<ZoneCount> {
    let mut zones = BTreeMap::<Arc<str>, ZoneCount>::new();
    let mut add = |zone: &Arc<str>, wanted: bool, serves: bool| {
        let none = || ZoneCount { zone: zone.clone(), wanted: 0, serving: 0 };
        let entry = zones.entry(zone.clone()).or_insert_with(none);
        entry.wanted += u32::from(wanted);
        entry.serving += u32::from(serves);
    };
    for zone in zones::load_balancers(case).flat_map(|it| &it.zones) {
        add(zone, false, false);
    }
    for row in rows {
        let side = row.endpoint.as_ref().and_then(|it| it.zone.as_ref());
        let Some(zone) = row.registered().and_then(|it| it.zone.as_ref()).or(side) else { continue };
        match case.binding {
            Some(_) if row.wanted == Some(true) => add(zone, true, row.standing == Standing::InService),
            None if row.live() => add(zone, true, row.state() == Some(&HealthState::Healthy)),
            _ => {}
        }
    }
    zones.into_values().collect()
}

impl Report {
    /// Worst word first, then most problems: the order of lists.
    pub(crate) fn severity(&self) -> (u8, std::cmp::Reverse<u32>) {
        (self.verdict.word.rank(), std::cmp::Reverse(self.counts.problems))
    }

    pub fn word(&self) -> VerdictKind {
        self.verdict.word
    }

    /// How much is in service is not known: what was not read is not none.
    pub(crate) fn is_unread(&self) -> bool {
        self.verdict.word == VerdictKind::Unknown && self.counts.in_service == 0
    }

    pub(crate) fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == *key)
    }
}
