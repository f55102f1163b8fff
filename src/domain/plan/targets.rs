//! Plans that write to the target group itself: deregister, register, and sync, which does both for a whole binding.

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
use crate::domain::facts::ids::TargetGroupArn;
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

/// Deregisters targets, whoever registered them. Refused for targets that are not registered or already draining.
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
        [_] => format!("Deregisters {} from {name}.", first.key),
        rows => format!("Deregisters {} from {name}: {}.", counted(rows.len(), "target"), listed(keys)),
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

/// How long deregistered targets drain, and what they no longer get: requests of an application load balancer,
/// connections of a network one.
pub(super) fn drains(case: &Case<'_>) -> String {
    let what = match case.target_group().is_some_and(TargetGroup::of_application_lb) {
        true => "requests",
        false => "connections",
    };
    match case.attributes().map(Attributes::deregistration_delay) {
        Some(delay) => format!("Deregistered targets get no new {what} and drain for up to {delay} s."),
        None => format!(
            "Deregistered targets get no new {what} and drain for the deregistration delay (300 s by default)."
        ),
    }
}

/// What becomes of the readiness gates of pods whose targets go
/// (pkg/targetgroupbinding/resource_manager.go of the controller).
fn gates(report: &Report, rows: &[&Row]) -> Option<String> {
    let gated = |row: &&&Row| row.endpoint.as_ref().is_some_and(|it| it.gate == Some(Status::True));
    let there = matches!(report.controller.presence, Presence::Present | Presence::Unknown);
    (there && rows.iter().any(|it| gated(&it))).then(|| {
        "Readiness gates stay True until the controller's next full reconcile; then they turn False, and no service uses the pods.".to_owned()
    })
}

/// Who registers deregistered targets again, and when.
pub(super) fn comes_back(report: &Report, case: &Case<'_>, rows: &[&Row]) -> Vec<String> {
    let it = if rows.len() == 1 { "it" } else { "them" };
    let foreign =
        |row: &&Row| matches!(row.standing, Standing::Elsewhere | Standing::Contested | Standing::Unknown);
    if rows.iter().any(foreign) {
        return vec![format!("Whoever registered {it} may register {it} again.")];
    }
    if Known::stays(case).is_err() {
        return vec![format!("Nothing registers {it} again: the binding is being deleted.")];
    }
    if !rows.iter().any(|row| row.wanted == Some(true)) {
        return vec![format!("Nothing registers {it} again: no endpoint wants {it}.")];
    }
    if case.binding.is_none() {
        return Vec::new();
    }
    match report.controller.presence {
        Presence::Absent => vec![format!("Nothing registers {it} again: there is no controller.")],
        Presence::Down => vec![format!("The controller is down; it registers {it} again when it is back.")],
        Presence::Present | Presence::Unknown => returns(&report.controller, case.instances(), it).into(),
    }
}

/// The controller's list of targets lives five minutes, its checkpoint at the longest its sync period, twice, and
/// the wait before a deferred look: 10.5 to 22 hours with defaults (pkg/targetgroupbinding and
/// controllers/elbv2/targetgroupbinding_deferred_reconciler.go of the controller).
fn returns(controller: &Controller, instances: bool, it: &str) -> [String; 2] {
    let (change, what) = if instances { ("nodes or the service", "node") } else { ("endpoints", "pod") };
    let name = match controller.presence {
        Presence::Unknown => "A controller, if there is one,",
        _ => "The controller",
    };
    [
        format!(
            "{name} registers {it} again when the {change} next change, at the latest 22 h after its last full reconcile."
        ),
        format!("To keep a {what} out of rotation, drain it (D)."),
    ]
}

/// The row of a registered target that is not draining.
fn registered<'a>(report: &'a Report, key: &TargetKey) -> Result<&'a Row, Refusal> {
    let row = report.row(&RowKey::Target(key.clone()));
    let row = row.ok_or_else(|| Refusal::new(format!("{key} is not on this board")))?;
    match row.state() {
        None => Err(Refusal::new(format!("{key} is not registered"))),
        Some(HealthState::Draining) => Err(Refusal::new(format!("{key} is already draining"))),
        Some(_) => Ok(row),
    }
}

/// A target of this key is registered, and not on its way out.
pub(super) fn live(report: &Report, key: &TargetKey) -> bool {
    report.row(&RowKey::Target(key.clone())).is_some_and(Row::live)
}

pub(super) fn leaves(row: &Row) -> Option<Guard> {
    Some(Guard::Leaves {
        key: row.key.target()?.clone(),
        pod: row.uid().cloned(),
        wanted: row.wanted == Some(true),
    })
}

/// The target as it is now, so that it can be registered again as it was.
pub(super) fn leaving(row: &Row) -> Option<Arriving> {
    let target = row.registered()?;
    let zone = target.zone.clone().filter(|it| &**it == "all");
    Some(Arriving { key: target.key.clone(), zone, pod: row.uid().cloned() })
}

/// An endpoint to be registered. AWS chooses its zone; where AWS asks for `all`, the step sends that, as the controller
/// does (pkg/targetgroupbinding/resource_manager.go).
pub(super) fn arriving(row: &Row) -> Option<Arriving> {
    Some(Arriving { key: row.key.target()?.clone(), zone: None, pod: row.uid().cloned() })
}

fn arrives(row: &Row) -> Option<Guard> {
    Some(Guard::Arrives { key: row.key.target()?.clone(), pod: row.uid().cloned() })
}

/// Registers wanted endpoints that are not registered. Refused for anything else: the controller would deregister it.
pub fn register(known: &Known<'_>, keys: &BTreeSet<TargetKey>) -> Result<Plan, Refusal> {
    let (case, group) = (known.case()?, known.group()?);
    Known::stays(&case)?;
    Known::fits(&case)?;
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

/// How long until a registered target gets traffic.
pub(super) fn checks(case: &Case<'_>) -> String {
    let allowance = case.target_group().map(TargetGroup::registration_allowance);
    match (allowance, case.routes.none_lead()) {
        (_, true) => {
            "No listener or rule forwards to the group: its targets are not checked and get no traffic."
                .to_owned()
        }
        (Some(seconds), false) => {
            format!("New targets get traffic once healthy: within {seconds} s if they pass their checks.")
        }
        (None, false) => "New targets get traffic once healthy.".to_owned(),
    }
}

/// Who keeps the targets up to date from then on.
pub(super) fn followed(report: &Report) -> Option<String> {
    match report.controller.presence {
        Presence::Absent => Some(
            "No controller follows the endpoints: a target stays registered when its pod is gone.".to_owned(),
        ),
        Presence::Down => {
            Some("The controller is down: nothing follows the endpoints until it is back.".to_owned())
        }
        Presence::Present => {
            Some("The controller keeps new targets registered as long as they are wanted.".to_owned())
        }
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
                    refusal.instead("the controller would deregister it again")
                }
                Presence::Absent | Presence::Unknown => refusal,
            })
        }
        (Standing::Unknown, _) => Err(Refusal::new(format!("whether {key} is wanted could not be read"))),
        _ => Err(Refusal::new(format!("{key} is already registered"))),
    }
}

/// What a sync changes: endpoints to register, targets to deregister.
struct Difference<'a> {
    missing: Vec<&'a Row>,
    extra: Vec<&'a Row>,
}

impl<'a> Difference<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            missing: standing(report, &[Standing::Unregistered]),
            extra: standing(report, &[Standing::Lingering, Standing::Orphan]),
        }
    }

    fn leaving(&self) -> BTreeSet<&'a TargetKey> {
        self.extra.iter().filter_map(|it| it.key.target()).collect()
    }

    fn effect(&self, name: &str) -> String {
        let registers = counted(self.missing.len(), "endpoint");
        let deregisters = counted(self.extra.len(), "target");
        match (self.missing.len(), self.extra.len()) {
            (0, 0) => format!("Nothing to do: the targets of {name} match the endpoints."),
            (_, 0) => format!("Registers {registers} in {name}."),
            (0, _) => format!("Deregisters {deregisters} from {name} that no endpoint wants."),
            (_, _) => format!(
                "Registers {registers} in {name}, then deregisters {deregisters} that no endpoint wants."
            ),
        }
    }
}

/// The rows of these standings.
pub(super) fn standing<'a>(report: &'a Report, standings: &[Standing]) -> Vec<&'a Row> {
    report.rows.iter().filter(|it| standings.contains(&it.standing)).collect()
}

/// Registers every endpoint that is missing, then deregisters every target of the binding that no endpoint wants.
/// A plan without steps where nothing differs. Refused where it is not known which endpoints are wanted.
pub fn sync(known: &Known<'_>) -> Result<Plan, Refusal> {
    let (case, group) = (known.case()?, known.group()?);
    Known::stays(&case)?;
    Known::fits(&case)?;
    Known::targets_read(&case)?;
    if case.binding.is_none() {
        return Err(Refusal::new("no binding names this group, so what belongs in it is not known")
            .instead("bind (b) binds a service to it, deregister (X) removes targets"));
    }
    if !case.resolved() {
        return Err(Refusal::new("which endpoints are wanted could not be read in full"));
    }
    let difference = Difference::of(known.report);
    let effect = difference.effect(group.name());
    let mut plan = Plan::new(ChangeKind::Sync, &known.report.subject, known.now, effect);
    let zones: Vec<_> = difference.missing.iter().map(|it| counts::zone(it)).collect();
    plan.counts = counts::counts(known.report, &difference.leaving(), &zones);
    if !difference.missing.is_empty() {
        register_missing(&mut plan, &case, &group, &difference);
    }
    if !difference.extra.is_empty() {
        deregister_extra(&mut plan, &case, &group, &difference);
    }
    plan.warnings.extend(left_alone(known.report));
    if !plan.steps.is_empty() {
        plan.follows.extend(followed(known.report));
    }
    enough::emptied(&mut plan, &case);
    let touched: Vec<&Row> = difference.missing.into_iter().chain(difference.extra).collect();
    owners::warn(&mut plan, &case, &touched);
    Ok(plan)
}

fn register_missing(plan: &mut Plan, case: &Case<'_>, group: &TargetGroupArn, of: &Difference<'_>) {
    let guards = Known::same(case).into_iter().chain(of.missing.iter().filter_map(|it| arrives(it)));
    let guards = guards.collect();
    let targets = of.missing.iter().filter_map(|it| arriving(it)).collect();
    plan.step(Act::Register { group: group.clone(), role: Known::role(case), targets }, guards);
    plan.follows.push(checks(case));
}

fn deregister_extra(plan: &mut Plan, case: &Case<'_>, group: &TargetGroupArn, of: &Difference<'_>) {
    let enough = enough::keep_enough(plan, case, &of.leaving(), group.name());
    let leave = of.extra.iter().filter_map(|it| leaves(it));
    let guards = Known::same(case).into_iter().chain(enough).chain(leave).collect();
    let targets = of.extra.iter().filter_map(|it| leaving(it)).collect();
    plan.step(Act::Deregister { group: group.clone(), role: Known::role(case), targets }, guards);
    plan.follows.push(drains(case));
}

/// What a sync does not touch although it differs.
fn left_alone(report: &Report) -> Vec<String> {
    let count = |of| standing(report, &[of]).len();
    let is = |n: usize| if n == 1 { "is" } else { "are" };
    let mut said = Vec::new();
    match count(Standing::Unknown) {
        0 => {}
        n => said.push(format!("{} could not be judged and {} left alone.", counted(n, "row"), is(n))),
    }
    match count(Standing::Contested) {
        0 => {}
        n => said.push(format!(
            "{} of other owners {} left alone, although the controller would deregister {}.",
            counted(n, "target"),
            is(n),
            if n == 1 { "it" } else { "them" }
        )),
    }
    said
}
