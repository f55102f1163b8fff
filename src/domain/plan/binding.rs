//! The plan that forces the controller to reconcile a binding.

use super::Plan;
use super::Refusal;
use super::guard::Guard;
use super::owners;
use super::targets::standing;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::controller::version;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::time::age;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Activity;
use crate::domain::judgement::controller::Controller;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::controller::controller_error;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::counted;
use crate::domain::plan::known::Known;

/// The controller uses its list of a group's targets for at most this many seconds before it reads them again
/// (`defaultTargetsCacheTTL` in its pkg/targetgroupbinding/targets_manager.go).
pub(crate) const CACHE: i64 = 300;
/// The first version with a checkpoint annotation.
const CHECKPOINTS_SINCE: (u32, u32, u32) = (2, 9, 1);

/// The binding of a plan that needs one.
pub(super) fn bound<'a>(case: &Case<'a>) -> Result<(&'a BindingRef, &'a Binding), Refusal> {
    let bound = case.reference.zip(case.binding);
    bound.ok_or_else(|| Refusal::new("no binding names this group").instead("bind (b) binds a service to it"))
}

/// Forces the controller to reconcile the binding, by overwriting its checkpoint annotation. Refused where no controller
/// would see it.
pub fn resync(known: &Known<'_>) -> Result<Plan, Refusal> {
    let case = known.case()?;
    let (reference, binding) = bound(&case)?;
    let controller = &known.report.controller;
    Known::stays(&case)?;
    Known::fits(&case)?;
    if controller.presence == Presence::Absent {
        return Err(Refusal::new(format!(
            "there is no controller to reconcile the binding: {}",
            controller.sign
        ))
        .instead("sync (S) registers what is missing and deregisters what no endpoint wants"));
    }
    if let Some(why) = owners::webhook_down(&case, controller.presence, controller.webhook_endpoints) {
        return Err(Refusal::new(why).instead("sync (S) writes to AWS only"));
    }
    let effect = format!("Forces the controller to reconcile {reference}.");
    let mut plan = Plan::new(ChangeKind::Resync, &known.report.subject, known.now, effect);
    let same: Vec<Guard> = Known::same(&case).into_iter().collect();
    let mark = Act::Mark {
        binding: reference.clone(),
        uid: binding.uid.clone(),
        marker: format!("tgscope/{}", known.now.0 / 1000),
        answered: !without_checkpoint(controller),
    };
    plan.step(mark, same.clone());
    plan.step(Act::AwaitInStep { subject: known.report.subject.clone() }, same);
    changes(&mut plan, known, &case);
    if binding.networking {
        plan.follows.push("It also reconciles its security-group rules.".to_owned());
    }
    gates(&mut plan, known);
    doubts(&mut plan, binding, controller);
    // What it deregisters of others is the gravest thing a reconcile can do.
    owners::warn(&mut plan, &case, &standing(known.report, &[Standing::Contested]));
    plan.lasting.push("the controller replaces the old checkpoint with a new one".to_owned());
    Ok(plan)
}

/// This version of the controller writes no checkpoint annotation.
fn without_checkpoint(controller: &Controller) -> bool {
    controller.version.as_deref().and_then(version).is_some_and(|it| it < CHECKPOINTS_SINCE)
}

/// What the controller will change in AWS.
fn changes(plan: &mut Plan, known: &Known<'_>, case: &Case<'_>) {
    let comes = standing(known.report, &[Standing::Unregistered]);
    let goes = standing(known.report, &[Standing::Lingering, Standing::Orphan, Standing::Contested]);
    let (endpoints, targets) = (counted(comes.len(), "endpoint"), counted(goes.len(), "target"));
    plan.follows.push(match (comes.len(), goes.len()) {
        _ if known.report.controller.fails_with().is_some() => {
            "While the controller fails, it changes nothing: what it complains of has to be mended first."
                .to_owned()
        }
        _ if !case.targets_usable() => {
            "The targets could not be read, so what the controller will change is not known.".to_owned()
        }
        (0, 0) => "The targets already match the endpoints: nothing changes in AWS.".to_owned(),
        (_, 0) => format!("The controller registers {endpoints} within seconds."),
        (0, _) => format!("The controller deregisters {targets} within seconds."),
        (_, _) => {
            format!("The controller deregisters {targets}, then registers {endpoints}, within seconds.")
        }
    });
    if comes.is_empty() && goes.is_empty() {
        return;
    }
    if case.targets_usable() {
        let leaving = goes.iter().filter_map(|it| it.key.target()).collect();
        let zones: Vec<_> = comes.iter().map(|it| super::counts::zone(it)).collect();
        plan.counts = super::counts::counts(known.report, &leaving, &zones);
    }
    plan.follows.push(trusts(known, case));
    let by_hand = match (comes.len(), goes.len()) {
        (_, 0) => "R registers what is missing without the controller.",
        (0, _) => "X deregisters what does not belong without the controller.",
        (_, _) => "R and X change the group without the controller.",
    };
    plan.follows.push(by_hand.to_owned());
}

/// How long the controller may yet trust the list of targets it read before, and so change nothing: it read it at its last
/// reconcile at the latest, which its checkpoint has the time of.
fn trusts(known: &Known<'_>, case: &Case<'_>) -> String {
    let left = case.binding.and_then(|it| it.checkpoint_at).map(|it| CACHE - known.now.since(it));
    // What it reads for another binding of the group it has for this one.
    let alone = case.rivals().next().is_none();
    // It reads them also for what does not end in a checkpoint: attempts that fail, and gates it looks after.
    let closed = |it: &Row| it.endpoint.as_ref().and_then(|it| it.gate).is_some_and(|it| it != Status::True);
    let steady = known.report.controller.fails_with().is_none() && !known.report.rows.iter().any(closed);
    let alone = alone
        && steady
        && matches!(known.report.controller.activity, Activity::Asleep { .. } | Activity::Unknown);
    match left {
        Some(..=0) if alone => "It last read the targets more than 5 minutes ago, so it reads them anew.".to_owned(),
        Some(left @ 1..=CACHE) if alone => format!(
            "It may trust a list of targets it read before, for {} at most, and change nothing: if so, repeat the resync after that.",
            age(left)
        ),
        _ => "If it read the targets less than 5 minutes ago, it may trust that list and change nothing: then repeat the resync."
            .to_owned(),
    }
}

/// Why the controller may not react, or not as hoped.
fn doubts(plan: &mut Plan, binding: &Binding, controller: &Controller) {
    if without_checkpoint(controller) {
        plan.warnings.push(
            "This controller version writes no checkpoint: any change of the binding makes it reconcile, and the annotation stays."
                .to_owned(),
        );
    }
    if binding.api == BindingApi::AutoMode {
        plan.warnings.push(
            "EKS Auto Mode: whether its controller reacts to this annotation has not been verified."
                .to_owned(),
        );
    }
    if controller.presence == Presence::Unknown {
        plan.warnings.push(format!("Whether a controller is there is not known ({}).", controller.sign));
    }
    if let Some(error) = controller.fails_with() {
        let error = controller_error(error);
        plan.warnings.push(format!("The controller fails to reconcile this binding: {error}."));
    }
}

/// A full reconcile writes the health of the moment into readiness gates
/// (pkg/targetgroupbinding/resource_manager.go of the controller).
fn gates(plan: &mut Plan, known: &Known<'_>) {
    let hazard = |row: &&Row| {
        row.endpoint.as_ref().is_some_and(|it| it.gate == Some(Status::True))
            && row.state().is_none_or(|it| *it != HealthState::Healthy)
    };
    let pods = known.report.rows.iter().filter(hazard).count();
    if pods > 0 {
        let have = if pods == 1 { "has" } else { "have" };
        plan.warnings.push(format!(
            "{} with a readiness gate {have} no healthy target: the controller sets the gate to False, and no service uses such a pod until its target is healthy.",
            counted(pods, "pod")
        ));
    }
}
