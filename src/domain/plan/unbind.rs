//! The plan that deletes a binding: every target that goes with it, and what else does.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::binding::bound;
use super::counts;
use super::guard::Guard;
use super::owners;
use super::targets::drains;
use super::targets::key;
use super::targets::leaves;
use super::targets::leaving;
use crate::domain::facts::ids::TargetKey;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::counted;
use crate::domain::plan::enough;
use crate::domain::plan::known::Known;

pub fn unbind(known: &Known<'_>) -> Result<Plan, Refusal> {
    let case = known.case()?;
    let (reference, binding) = bound(&case)?;
    if binding.deleted.is_some() {
        return Err(Refusal::new("the binding is being deleted already"));
    }
    let presence = known.report.controller.presence;
    let leaving = going(&case, known);
    let keys: BTreeSet<&TargetKey> = leaving.iter().filter_map(|it| key(it)).collect();
    let name = case.arn.as_ref().map_or("its target group", |it| it.name()).to_owned();
    let read = case.targets_usable();
    let finalized = !binding.finalizers.is_empty();
    let effect = match (leaving.len(), presence) {
        _ if !read => format!("Deletes binding {reference}; which targets go with it could not be read."),
        (0, _) if multi_unlisted(&case) => {
            format!(
                "Deletes binding {reference}; its list of targets (ConfigMap) is missing, so it takes none out."
            )
        }
        (0, _) => format!("Deletes binding {reference}; no target is registered."),
        (n, Presence::Down) if !finalized => {
            format!("Deletes binding {reference}; its {} stay: nobody takes them out.", counted(n, "target"))
        }
        (n, Presence::Down) => format!(
            "Marks binding {reference} for deletion; its {} stay until the controller is back.",
            counted(n, "target")
        ),
        (n, Presence::Unknown) => format!(
            "Deletes binding {reference}; a controller, if there is one, takes {} out of {name}.",
            counted(n, "target")
        ),
        (n, _) => format!("Deletes binding {reference} and takes {} out of {name}.", counted(n, "target")),
    };
    let mut plan = Plan::new(ChangeKind::Unbind, &known.report.subject, known.now, effect);
    // Without its controller nothing goes for now.
    let (now, none) = (presence != Presence::Down, BTreeSet::new());
    if read {
        plan.counts = counts::counts(known.report, if now { &keys } else { &none }, &[]);
    }
    let same: Vec<Guard> = Known::same(&case).into_iter().collect();
    let enough = enough::keep_enough(&mut plan, &case, if now { &keys } else { &none }, &reference.name);
    if !now && finalized && !leaving.is_empty() {
        plan.ask_for(&reference.name, "its targets go when the controller is back".to_owned());
    }
    if !read {
        plan.ask_for(&reference.name, "which targets go could not be read".to_owned());
    }
    let held = finalized && matches!(presence, Presence::Down | Presence::Absent);
    let delete = Act::DeleteBinding { binding: reference.clone(), uid: binding.uid.clone(), held };
    if presence == Presence::Absent {
        let group = known.group()?;
        let targets: Vec<_> = leaving.iter().filter_map(|it| self::leaving(it)).collect();
        if !targets.is_empty() {
            Known::targets_read(&case)?;
            let guards = same
                .iter()
                .cloned()
                .chain(enough)
                .chain(leaving.iter().filter_map(|it| leaves(it)))
                .collect();
            plan.step(Act::Deregister { group, role: Known::role(&case), targets }, guards);
        }
        plan.step(delete, same);
    } else {
        plan.step(delete, same.into_iter().chain(enough).collect());
        let gone: Vec<TargetKey> = keys.iter().map(|it| (*it).clone()).collect();
        if let Some(group) = case.arn.clone().filter(|_| presence != Presence::Down && !gone.is_empty()) {
            // The binding being gone is not yet what was asked for.
            plan.step(Act::AwaitLeaving { group, targets: gone }, Vec::new());
        }
    }
    said(&mut plan, &case, known, leaving.len());
    if leaving.len() > 3 {
        let all: Vec<String> = keys.iter().map(ToString::to_string).collect();
        plan.follows.push(format!("The targets: {}.", all.join(", ")));
    }
    if let Some(from) = binding.made_from() {
        plan.warnings.extend(owners::made(binding));
        plan.warnings.push(format!("It is not made again before its {from} changes or the controller's next full look (10h by default)."));
        plan.ask_for(&reference.name, "the controller made this binding".to_owned());
    }
    if let Some(tool) = &binding.kept_by {
        plan.warnings.push(format!("{tool} keeps this binding: it may be made again."));
    }
    owners::warn(&mut plan, &case, &[]);
    plan.lasting.push("Undo does not bring it back. Bind makes another object: history and checkpoint are gone, and its targets were out meanwhile.".to_owned());
    Ok(plan)
}

/// The registered rows that go with a binding: all, or those its controller owns.
fn going<'a>(case: &Case<'_>, known: &Known<'a>) -> Vec<&'a Row> {
    let multi = case.binding.is_some_and(|it| it.multi_cluster);
    let absent = known.report.controller.presence == Presence::Absent;
    let listed = case.reference.zip(case.cluster).and_then(|(it, cluster)| cluster.ledgers.get(&it.ledger()));
    let listed = listed.and_then(|it| it.as_ref()).map(|it| it.targets.as_slice()).unwrap_or_default();
    let ours = |row: &Row| key(row).is_some_and(|it| listed.contains(&it.identifier()));
    let goes = |row: &&Row| {
        if multi && !absent && !ours(row) {
            return false;
        }
        let foreign = matches!(row.standing, Standing::Elsewhere | Standing::Contested | Standing::Unknown);
        row.live() && !(foreign && (multi || absent))
    };
    known.report.rows.iter().filter(goes).collect()
}

/// A multi-cluster binding whose list is missing: its controller deregisters nothing (controller.md §4).
fn multi_unlisted(case: &Case<'_>) -> bool {
    let listed = case.reference.zip(case.cluster).and_then(|(it, cluster)| cluster.ledgers.get(&it.ledger()));
    case.binding.is_some_and(|it| it.multi_cluster) && matches!(listed, Some(None))
}

fn said(plan: &mut Plan, case: &Case<'_>, known: &Known<'_>, targets: usize) {
    let presence = known.report.controller.presence;
    let binding = case.binding;
    let finalized = binding.is_some_and(|it| !it.finalizers.is_empty());
    match presence {
        Presence::Present | Presence::Unknown => {
            if targets > 0 {
                plan.follows.push(
                    "The controller deregisters what it lists, whoever registered it, then removes its finalizer. Its list may be 5 minutes old: what others registered since stays."
                        .to_owned(),
                );
            }
            if binding.is_some_and(|it| it.networking) {
                plan.follows.push("It removes the security-group rules of this binding.".to_owned());
            }
            if binding.is_some_and(|it| it.multi_cluster) {
                plan.follows.push("It deletes its list of targets (ConfigMap) too.".to_owned());
            }
            plan.follows.push(
                "Readiness gates of this binding become True; the target group itself stays.".to_owned(),
            );
        }
        Presence::Down => {
            if finalized {
                plan.warnings.push("The controller is down: the binding will hang in deletion until it is back, and its targets stay registered.".to_owned());
            }
        }
        Presence::Absent => {
            if finalized {
                plan.warnings.push(
                    "There is no controller to remove its finalizer: the binding will hang in deletion."
                        .to_owned(),
                );
            }
            plan.follows.push("The target group itself stays.".to_owned());
        }
    }
    if targets > 0 && presence != Presence::Down {
        plan.follows.push(drains(case));
    }
    enough::emptied(plan, case);
}
