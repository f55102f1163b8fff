//! Plans about targets themselves: deregister, register, and sync, which does both for a whole binding.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::counts;
use super::guard::Guard;
use super::owners;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Controller;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::counted;
use crate::domain::plan::act::listed;
use crate::domain::plan::enough;
use crate::domain::plan::known::Known;

pub fn deregister(known: &Known<'_>, keys: &BTreeSet<TargetKey>) -> Result<Plan, Refusal> {
    let (case, group) = (known.case()?, known.group()?);
    Known::targets_read(&case)?;
    let mut rows = Vec::new();
    for key in keys {
        rows.push(registered(known.report, key)?);
    }
    let first = rows.first().ok_or_else(|| Refusal::new("select a registered target, or mark several"))?;
    let name = group.name();
    let effect = match rows.as_slice() {
        [_] => format!("Takes {} out of {name}.", first.key),
        rows => format!("Takes {} out of {name}: {}.", counted(rows.len(), "target"), listed(keys)),
    };
    let mut plan = Plan::new(ChangeKind::Deregister, &known.report.subject, known.now, effect);
    let leaving_keys: BTreeSet<&TargetKey> = keys.iter().collect();
    plan.counts = counts::counts(known.report, &leaving_keys, &[]);
    let mut guards: Vec<Guard> = Known::same(&case).into_iter().collect();
    guards.extend(enough::keep_enough(&mut plan, &case, &leaving_keys, name));
    guards.extend(rows.iter().filter_map(|row| leaves(row)));
    let role = Known::role(&case);
    let targets = rows.iter().filter_map(|row| leaving(row)).collect();
    plan.step(Act::Deregister { group: group.clone(), role: role.clone(), targets }, guards);
    let same = Known::same(&case).into_iter().collect();
    plan.step(Act::AwaitGone { group, targets: keys.iter().cloned().collect() }, same);
    plan.follows.push(drains(&case));
    plan.follows.extend(comes_back(known.report, &case, &rows));
    plan.follows.extend(gates(known.report, &rows));
    enough::emptied(&mut plan, &case);
    owners::warn(&mut plan, &case, &rows);
    Ok(plan)
}

/// How long deregistered targets drain.
pub(super) fn drains(case: &Case<'_>) -> String {
    let delay = case.attributes().map(Attributes::deregistration_delay);
    match delay {
        Some(delay) => format!(
            "What leaves gets no new connections from then on and is gone {delay}s later (deregistration delay)."
        ),
        None => "What leaves gets no new connections from then on and is gone after the deregistration delay (300s unless set).".to_owned(),
    }
}

/// What becomes of the readiness gates of pods whose targets go (controller.md §2.8, §3).
fn gates(report: &Report, rows: &[&Row]) -> Option<String> {
    let gated = |row: &&&Row| row.endpoint.as_ref().is_some_and(|it| it.gate == Some(Status::True));
    let there = matches!(report.controller.presence, Presence::Present | Presence::Unknown);
    (there && rows.iter().any(|it| gated(&it))).then(|| {
        "Readiness gates stay True until the controller's next full look; then they go False, and the pods leave every service.".to_owned()
    })
}

/// When the controller registers again what it wants.
pub(super) fn comes_back(report: &Report, case: &Case<'_>, rows: &[&Row]) -> Vec<String> {
    let wanted = rows.iter().filter(|it| it.wanted == Some(true)).count();
    if rows
        .iter()
        .any(|it| matches!(it.standing, Standing::Elsewhere | Standing::Contested | Standing::Unknown))
    {
        return vec!["Whoever registered it may do so again.".to_owned()];
    }
    if Known::stays(case).is_err() {
        return vec!["Nobody registers it again: the binding is being deleted.".to_owned()];
    }
    if wanted == 0 {
        return vec!["Nobody registers it again: no endpoint wants it.".to_owned()];
    }
    let controller = &report.controller;
    if case.binding.is_none() {
        return Vec::new();
    }
    let mut said = Vec::new();
    match controller.presence {
        Presence::Absent => said.push("Nobody registers it again: there is no controller.".to_owned()),
        Presence::Down => {
            said.push("The controller is down; when it is back it registers the endpoint again.".to_owned());
        }
        Presence::Present | Presence::Unknown => said.push(returns(controller, case.instances())),
    }
    said
}

/// The controller's list of targets lives five minutes, its checkpoint at the longest its sync period, twice, and
/// the wait before a deferred look: 10.5 to 22 hours with defaults (controller.md §2.5–2.8).
fn returns(controller: &Controller, instances: bool) -> String {
    let (change, what) = if instances { ("nodes or of the service", "node") } else { ("endpoints", "pod") };
    let name = if controller.presence == Presence::Unknown {
        "A controller, if there is one,"
    } else {
        "The controller"
    };
    format!(
        "{name} registers it again: at the earliest at the next change of the {change}, at the latest 22h after its last full look. To keep a {what} out, drain it."
    )
}

/// The row of a registered target that is not draining.
fn registered<'a>(report: &'a Report, key: &TargetKey) -> Result<&'a Row, Refusal> {
    let row = report.row(&RowKey::Target(key.clone()));
    let row = row.ok_or_else(|| Refusal::new(format!("{key} is not on this board")))?;
    match row.state() {
        None => Err(Refusal::new(format!("{key} is not registered"))),
        Some(HealthState::Draining) => Err(Refusal::new(format!("{key} is draining already"))),
        Some(_) => Ok(row),
    }
}

/// A target of this key is registered, and not on its way out.
pub(super) fn live(report: &Report, key: &TargetKey) -> bool {
    report.row(&RowKey::Target(key.clone())).is_some_and(Row::live)
}

pub(super) fn leaves(row: &Row) -> Option<Guard> {
    let RowKey::Target(key) = &row.key else { return None };
    Some(Guard::Leaves { key: key.clone(), pod: row.uid().cloned(), wanted: row.wanted == Some(true) })
}

/// The target as it is now, so that it can be put back as it was.
pub(super) fn leaving(row: &Row) -> Option<Arriving> {
    let target = row.registered()?;
    let zone = target.zone.clone().filter(|it| &**it == "all");
    Some(Arriving { key: target.key.clone(), zone, pod: row.uid().cloned() })
}

/// An endpoint to be registered. Its zone is AWS's to choose; where that asks for `all`, the step sends it then, as the
/// controller does (controller.md §2.4).
pub(super) fn arriving(row: &Row) -> Option<Arriving> {
    Some(Arriving { key: key(row)?.clone(), zone: None, pod: row.uid().cloned() })
}

fn arrives(row: &Row) -> Option<Guard> {
    let RowKey::Target(key) = &row.key else { return None };
    Some(Guard::Arrives { key: key.clone(), pod: row.uid().cloned() })
}

pub fn register(known: &Known<'_>, keys: &BTreeSet<TargetKey>) -> Result<Plan, Refusal> {
    let (case, group) = (known.case()?, known.group()?);
    Known::stays(&case)?;
    Known::targets_read(&case)?;
    let mut rows = Vec::new();
    for key in keys {
        rows.push(unregistered(known.report, key)?);
    }
    let first =
        rows.first().ok_or_else(|| Refusal::new("select an unregistered endpoint, or mark several"))?;
    let name = group.name();
    let effect = match rows.as_slice() {
        [_] => format!("Registers {} in {name}.", first.key),
        rows => format!("Registers {} in {name}: {}.", counted(rows.len(), "endpoint"), listed(keys)),
    };
    let mut plan = Plan::new(ChangeKind::Register, &known.report.subject, known.now, effect);
    let zones: Vec<_> = rows.iter().map(|it| counts::zone(it)).collect();
    plan.counts = counts::counts(known.report, &BTreeSet::new(), &zones);
    let role = Known::role(&case);
    let mut guards: Vec<Guard> = Known::same(&case).into_iter().collect();
    guards.extend(rows.iter().filter_map(|row| arrives(row)));
    let targets = rows.iter().filter_map(|it| arriving(it)).collect();
    plan.step(Act::Register { group, role, targets }, guards);
    plan.follows.push(checks(&case));
    plan.follows.extend(followed(known.report));
    owners::warn(&mut plan, &case, &rows);
    Ok(plan)
}

/// How long until a registered target is healthy.
pub(super) fn checks(case: &Case<'_>) -> String {
    let allowance = case.target_group().map(TargetGroup::registration_allowance);
    match (allowance, case.routes.none_lead()) {
        (_, true) => {
            "No listener or rule leads to the group: it is not checked and gets no traffic.".to_owned()
        }
        (Some(seconds), false) => {
            format!("Traffic comes once the first check passes, within {seconds}s if it answers.")
        }
        (None, false) => "Traffic comes once the first check passes.".to_owned(),
    }
}

/// Who follows the endpoints from then on.
pub(super) fn followed(report: &Report) -> Option<String> {
    match report.controller.presence {
        Presence::Absent => Some(
            "Nobody follows the endpoints: there is no controller. When the pod goes, the target stays."
                .to_owned(),
        ),
        Presence::Down => {
            Some("The controller is down: until it is back nobody follows the endpoints.".to_owned())
        }
        Presence::Present => Some("The controller then finds it registered and leaves it.".to_owned()),
        Presence::Unknown => None,
    }
}

fn unregistered<'a>(report: &'a Report, key: &TargetKey) -> Result<&'a Row, Refusal> {
    let row = report.row(&RowKey::Target(key.clone()));
    let row = row.ok_or_else(|| Refusal::new(format!("{key} is not on this board")))?;
    match (row.standing, row.wanted) {
        (Standing::Unregistered, _) => Ok(row),
        (_, Some(false)) => {
            let refusal = Refusal::new(format!("{key} is not wanted: {}", row.standing.meaning()));
            Err(match report.controller.presence {
                Presence::Present | Presence::Down => {
                    refusal.instead("the controller would take it out again")
                }
                Presence::Absent | Presence::Unknown => refusal,
            })
        }
        (Standing::Unknown, _) => Err(Refusal::new(format!("what {key} is could not be read"))),
        _ => Err(Refusal::new(format!("{key} is registered already"))),
    }
}

pub fn sync(known: &Known<'_>) -> Result<Plan, Refusal> {
    let (case, group) = (known.case()?, known.group()?);
    Known::stays(&case)?;
    Known::targets_read(&case)?;
    if case.binding.is_none() {
        return Err(Refusal::new("no binding names this group: what belongs there is not known")
            .instead("bind (b) binds a service, deregister (X) takes targets out"));
    }
    if !case.resolved() {
        return Err(Refusal::new("what the controller would register could not be read in full"));
    }
    let of = |standings: &[Standing]| -> Vec<&Row> {
        known.report.rows.iter().filter(|it| standings.contains(&it.standing)).collect()
    };
    let missing = of(&[Standing::Unregistered]);
    let extra = of(&[Standing::Lingering, Standing::Orphan]);
    let unknown = of(&[Standing::Unknown]).len();
    let contested = of(&[Standing::Contested]).len();
    let name = group.name().to_owned();
    let effect = match (missing.len(), extra.len()) {
        (0, 0) => format!("Nothing to do: {name} has what the endpoints ask for."),
        (n, 0) => format!("Registers {} in {name}.", counted(n, "endpoint")),
        (0, n) => format!("Takes {} out of {name} that no endpoint wants.", counted(n, "target")),
        (n, m) => format!(
            "Registers {} in {name}, then takes {} out that no endpoint wants.",
            counted(n, "endpoint"),
            counted(m, "target")
        ),
    };
    let mut plan = Plan::new(ChangeKind::Sync, &known.report.subject, known.now, effect);
    let keys: BTreeSet<&TargetKey> = extra.iter().filter_map(|it| key(it)).collect();
    let zones: Vec<_> = missing.iter().map(|it| counts::zone(it)).collect();
    plan.counts = counts::counts(known.report, &keys, &zones);
    let role = Known::role(&case);
    let same = || Known::same(&case).into_iter();
    if !missing.is_empty() {
        let guards = same().chain(missing.iter().filter_map(|it| arrives(it))).collect();
        let targets = missing.iter().filter_map(|it| arriving(it)).collect();
        plan.step(Act::Register { group: group.clone(), role: role.clone(), targets }, guards);
        plan.follows.push(checks(&case));
    }
    if !extra.is_empty() {
        let enough = enough::keep_enough(&mut plan, &case, &keys, &name);
        let guards = same().chain(enough).chain(extra.iter().filter_map(|it| leaves(it))).collect();
        let targets = extra.iter().filter_map(|it| leaving(it)).collect();
        plan.step(Act::Deregister { group, role, targets }, guards);
        plan.follows.push(drains(&case));
    }
    if unknown > 0 {
        plan.warnings.push(format!(
            "{} could not be judged and {} left alone.",
            counted(unknown, "row"),
            if unknown == 1 { "is" } else { "are" }
        ));
    }
    if contested > 0 {
        plan.warnings.push(format!(
            "{} of other owners left alone, though the controller would deregister them.",
            counted(contested, "target")
        ));
    }
    if !plan.steps.is_empty() {
        plan.follows.extend(followed(known.report));
    }
    enough::emptied(&mut plan, &case);
    let touched: Vec<&Row> = missing.into_iter().chain(extra).collect();
    owners::warn(&mut plan, &case, &touched);
    Ok(plan)
}

pub(super) fn key(row: &Row) -> Option<&TargetKey> {
    match &row.key {
        RowKey::Target(key) => Some(key),
        RowKey::Pod(_) => None,
    }
}
