//! The plan that deletes a binding: every target that is deregistered with it, and what else is removed.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::binding::bound;
use super::counts;
use super::guard::Guard;
use super::owners;
use super::targets::drains;
use super::targets::leaves;
use super::targets::leaving;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::ids::BindingRef;
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

/// A binding about to be deleted, and the rows that are deregistered with it.
struct Unbinding<'a> {
    case: Case<'a>,
    reference: &'a BindingRef,
    binding: &'a Binding,
    presence: Presence,
    going: Vec<&'a Row>,
}

/// Deletes a binding. Its controller deregisters the targets; without one the plan does that first.
pub fn unbind(known: &Known<'_>) -> Result<Plan, Refusal> {
    let case = known.case()?;
    let (reference, binding) = bound(&case)?;
    if binding.deleted.is_some() {
        return Err(Refusal::new("the binding is already being deleted"));
    }
    let presence = known.report.controller.presence;
    let going = going(&case, known);
    let unbinding = Unbinding { case, reference, binding, presence, going };
    let mut plan = Plan::new(ChangeKind::Unbind, &known.report.subject, known.now, unbinding.effect());
    unbinding.count(&mut plan, known);
    unbinding.steps(&mut plan, known)?;
    unbinding.follows(&mut plan);
    unbinding.makers(&mut plan);
    owners::warn(&mut plan, &unbinding.case, &[]);
    plan.lasting.push(
        "bind (b) creates a new object, without history and checkpoint; its targets are out of service until then"
            .to_owned(),
    );
    Ok(plan)
}

impl Unbinding<'_> {
    fn keys(&self) -> BTreeSet<&TargetKey> {
        self.going.iter().filter_map(|it| it.key.target()).collect()
    }

    /// The targets that are deregistered by this: none while the controller is down.
    fn leaving(&self) -> BTreeSet<&TargetKey> {
        match self.presence {
            Presence::Down => BTreeSet::new(),
            _ => self.keys(),
        }
    }

    fn finalized(&self) -> bool {
        !self.binding.finalizers.is_empty()
    }

    fn effect(&self) -> String {
        let (reference, targets) = (self.reference, counted(self.going.len(), "target"));
        let name = self.case.arn.as_ref().map_or("its target group", |it| it.name());
        let stay = if self.going.len() == 1 { "stays" } else { "stay" };
        match (self.going.len(), self.presence) {
            _ if self.case.is_gone() => format!(
                "Deletes binding {reference}; its target group does not exist any more, so nothing is registered and nothing goes."
            ),
            _ if !self.case.targets_usable() => format!(
                "Deletes binding {reference}; which targets are deregistered with it could not be read."
            ),
            (0, _) if multi_unlisted(&self.case) => format!(
                "Deletes binding {reference}; its target list (ConfigMap) is missing, so no target is deregistered."
            ),
            (0, _) => format!("Deletes binding {reference}; it has no registered targets."),
            (_, Presence::Down) if !self.finalized() => format!(
                "Deletes binding {reference}; its {targets} {stay} registered: nothing deregisters them."
            ),
            (_, Presence::Down) => format!(
                "Marks binding {reference} for deletion; its {targets} {stay} registered until the controller is back."
            ),
            (_, Presence::Unknown) => format!(
                "Deletes binding {reference}; a controller, if there is one, deregisters {targets} from {name}."
            ),
            (_, _) => format!("Deletes binding {reference} and deregisters {targets} from {name}."),
        }
    }

    /// Counts, and the names that are asked for where what is deregistered comes later or is not known.
    fn count(&self, plan: &mut Plan, known: &Known<'_>) {
        if self.case.is_gone() {
            return;
        }
        if self.case.targets_usable() {
            plan.counts = counts::counts(known.report, &self.leaving(), &[]);
        } else {
            plan.ask_for(&self.reference.name, "which targets are deregistered could not be read".to_owned());
        }
        if self.presence == Presence::Down && self.finalized() && !self.going.is_empty() {
            let because = "its targets are deregistered when the controller is back";
            plan.ask_for(&self.reference.name, because.to_owned());
        }
    }

    fn steps(&self, plan: &mut Plan, known: &Known<'_>) -> Result<(), Refusal> {
        let same = Known::same(&self.case);
        let enough = enough::keep_enough(plan, &self.case, &self.leaving(), &self.reference.name);
        if self.presence == Presence::Absent {
            self.deregister(plan, known, enough)?;
            plan.step(self.deletion(), same.into_iter().collect());
            return Ok(());
        }
        plan.step(self.deletion(), same.into_iter().chain(enough).collect());
        let gone: Vec<TargetKey> = self.leaving().into_iter().cloned().collect();
        if let Some(group) = self.case.arn.clone().filter(|_| !gone.is_empty()) {
            // The deletion of the binding is not yet what was asked for.
            plan.step(Act::AwaitLeaving { group, targets: gone }, Vec::new());
        }
        Ok(())
    }

    fn deletion(&self) -> Act {
        let held = self.finalized() && matches!(self.presence, Presence::Down | Presence::Absent);
        Act::DeleteBinding { binding: self.reference.clone(), uid: self.binding.uid.clone(), held }
    }

    /// The step that deregisters the targets where no controller does.
    fn deregister(&self, plan: &mut Plan, known: &Known<'_>, enough: Vec<Guard>) -> Result<(), Refusal> {
        let group = known.group()?;
        let targets: Vec<_> = self.going.iter().filter_map(|it| leaving(it)).collect();
        if targets.is_empty() {
            return Ok(());
        }
        Known::targets_read(&self.case)?;
        let leave = self.going.iter().filter_map(|it| leaves(it));
        let guards = Known::same(&self.case).into_iter().chain(enough).chain(leave).collect();
        plan.step(Act::Deregister { group, role: Known::role(&self.case), targets }, guards);
        Ok(())
    }

    fn follows(&self, plan: &mut Plan) {
        match self.presence {
            Presence::Present | Presence::Unknown => self.by_controller(plan),
            Presence::Down if self.finalized() => plan.warnings.push(
                "The controller is down: the binding hangs in deletion and its targets stay registered until it is back.".to_owned(),
            ),
            Presence::Down => {}
            Presence::Absent => {
                if self.finalized() {
                    plan.warnings.push(
                        "No controller is there to remove the finalizer: the binding will hang in deletion."
                            .to_owned(),
                    );
                }
                if !self.case.is_gone() {
                    plan.follows.push("The target group itself stays.".to_owned());
                }
            }
        }
        if !self.going.is_empty() && self.presence != Presence::Down {
            plan.follows.push(drains(&self.case));
        }
        enough::emptied(plan, &self.case);
        if self.going.len() > 3 {
            let all: Vec<String> = self.keys().iter().map(ToString::to_string).collect();
            plan.follows.push(format!("Targets: {}.", all.join(", ")));
        }
    }

    /// What the controller does when it finds the binding marked for deletion.
    fn by_controller(&self, plan: &mut Plan) {
        if !self.going.is_empty() {
            plan.follows.push(
                "The controller deregisters every target on its list, whoever registered it.".to_owned(),
            );
            plan.follows
                .push("Its list may be 5 minutes old: targets registered since then stay.".to_owned());
        }
        if self.binding.networking {
            plan.follows.push("It also removes this binding's security-group rules.".to_owned());
        }
        if self.binding.multi_cluster {
            plan.follows.push("It also deletes the binding's target list (ConfigMap).".to_owned());
        }
        plan.follows.push("This binding's readiness gates turn True.".to_owned());
        if !self.case.is_gone() {
            plan.follows.push("The target group itself stays.".to_owned());
        }
    }

    /// Who made the binding, and so may make it again.
    fn makers(&self, plan: &mut Plan) {
        if let Some(from) = self.binding.made_from() {
            plan.warnings.extend(owners::made(self.binding));
            plan.warnings.push(format!(
                "It is not recreated until that {from} changes or the controller's next full reconcile (every 10 h by default)."
            ));
            plan.ask_for(&self.reference.name, "the controller created this binding".to_owned());
        }
        if let Some(tool) = &self.binding.kept_by {
            plan.warnings.push(format!("{tool} manages this binding and may recreate it."));
        }
    }
}

/// The registered rows that are deregistered with a binding: all, or those its controller owns.
fn going<'a>(case: &Case<'_>, known: &Known<'a>) -> Vec<&'a Row> {
    let multi = case.binding.is_some_and(|it| it.multi_cluster);
    let absent = known.report.controller.presence == Presence::Absent;
    let listed = case.reference.zip(case.cluster).and_then(|(it, cluster)| cluster.ledgers.get(&it.ledger()));
    let listed = listed.and_then(|it| it.as_ref()).map(|it| it.targets.as_slice()).unwrap_or_default();
    let ours = |row: &Row| row.key.target().is_some_and(|it| listed.contains(&it.identifier()));
    let goes = |row: &&Row| {
        if case.is_gone() {
            return false;
        }
        if multi && !absent && !ours(row) {
            return false;
        }
        let foreign = matches!(row.standing, Standing::Elsewhere | Standing::Contested | Standing::Unknown);
        row.live() && !(foreign && (multi || absent))
    };
    known.report.rows.iter().filter(goes).collect()
}

/// A multi-cluster binding whose list is missing: its controller deregisters nothing
/// (pkg/targetgroupbinding/multicluster_manager.go of the controller).
fn multi_unlisted(case: &Case<'_>) -> bool {
    let listed = case.reference.zip(case.cluster).and_then(|(it, cluster)| cluster.ledgers.get(&it.ledger()));
    case.binding.is_some_and(|it| it.multi_cluster) && matches!(listed, Some(None))
}
