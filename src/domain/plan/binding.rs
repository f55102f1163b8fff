//! The plan that makes a binding's controller look again.

use super::Plan;
use super::Refusal;
use super::guard::Guard;
use super::owners;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Activity;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::counted;
use crate::domain::plan::known::Known;

/// The controller lists a group's targets at most this long before it lists them anew, in seconds
/// (controller.md §2.5).
pub const CACHE: i64 = 300;
/// The first version with a checkpoint annotation.
const CHECKPOINTS_SINCE: (u32, u32, u32) = (2, 9, 1);

/// Binding and reference of a plan that needs one.
pub(super) fn bound<'a>(case: &Case<'a>) -> Result<(&'a BindingRef, &'a Binding), Refusal> {
    let bound = case.reference.zip(case.binding);
    bound.ok_or_else(|| Refusal::new("no binding names this group").instead("bind (b) binds a service to it"))
}

pub fn resync(known: &Known<'_>) -> Result<Plan, Refusal> {
    let case = known.case()?;
    let (reference, binding) = bound(&case)?;
    let controller = &known.report.controller;
    Known::stays(&case)?;
    if controller.presence == Presence::Absent {
        return Err(Refusal::new(format!("there is no controller that would look: {}", controller.sign))
            .instead("sync (S) registers what is missing and takes out what no endpoint wants"));
    }
    if let Some(why) = owners::webhook_down(&case, controller.presence, controller.webhook_endpoints) {
        return Err(Refusal::new(why).instead("sync (S) works on AWS alone"));
    }
    let old = controller.version.as_deref().and_then(version).is_some_and(|it| it < CHECKPOINTS_SINCE);
    let effect = format!("Makes the controller compare {reference} with AWS again.");
    let mut plan = Plan::new(ChangeKind::Resync, &known.report.subject, known.now, effect);
    let same: Vec<Guard> = Known::same(&case).into_iter().collect();
    let marker = format!("tgscope/{}", known.now.0 / 1000);
    plan.step(
        Act::Mark { binding: reference.clone(), uid: binding.uid.clone(), marker, answered: !old },
        same.clone(),
    );
    plan.step(Act::AwaitInStep { subject: known.report.subject.clone() }, same);
    let of = |standings: &[Standing]| -> Vec<&Row> {
        known.report.rows.iter().filter(|it| standings.contains(&it.standing)).collect()
    };
    let (comes, goes) =
        (of(&[Standing::Unregistered]), of(&[Standing::Lingering, Standing::Orphan, Standing::Contested]));
    let (missing, extra) = (comes.len(), goes.len());
    plan.follows.push(match (missing, extra) {
        _ if !case.targets_usable() => {
            "What AWS has could not be read: what it will change is not known.".to_owned()
        }
        (0, 0) => "It finds AWS as it should be: nothing changes there.".to_owned(),
        (n, 0) => format!("It registers {}, within seconds.", counted(n, "endpoint")),
        (0, m) => format!("It deregisters {}, within seconds.", counted(m, "target")),
        (n, m) => format!(
            "It deregisters {}, then registers {}, within seconds.",
            counted(m, "target"),
            counted(n, "endpoint")
        ),
    });
    if missing + extra > 0 && case.targets_usable() {
        let leaving = goes.iter().filter_map(|it| super::targets::key(it)).collect();
        let zones: Vec<_> = comes.iter().map(|it| super::counts::zone(it)).collect();
        plan.counts = super::counts::counts(known.report, &leaving, &zones);
    }
    if missing + extra > 0 {
        plan.follows.push("If it listed the targets less than 5 minutes ago it may still trust that list: then nothing happens, and it can be repeated.".to_owned());
    }
    if binding.networking {
        plan.follows.push("It also checks its security-group rules.".to_owned());
    }
    gates(&mut plan, known);
    if old {
        plan.warnings.push("This version keeps no checkpoint: any change of the binding makes it look. The annotation stays.".to_owned());
    }
    if binding.api == BindingApi::AutoMode {
        plan.warnings
            .push("EKS Auto Mode: whether its controller heeds this annotation is not verified.".to_owned());
    }
    if controller.presence == Presence::Unknown {
        plan.warnings.push(format!("Whether a controller is there is not known ({}).", controller.sign));
    }
    if let Activity::Failing(error) = &controller.activity {
        plan.warnings.push(format!("The controller fails at this binding: {error}."));
    }
    // What it removes of others is the gravest thing a look can do.
    let theirs = known.report.rows.iter().filter(|it| it.standing == Standing::Contested).collect::<Vec<_>>();
    owners::warn(&mut plan, &case, &theirs);
    plan.lasting.push("The old checkpoint is overwritten by the controller's own next one.".to_owned());
    Ok(plan)
}

/// A full reconcile writes the health of the moment into readiness gates (controller.md §2.8).
fn gates(plan: &mut Plan, known: &Known<'_>) {
    let hazard = |row: &&Row| {
        row.endpoint.as_ref().is_some_and(|it| it.gate == Some(Status::True))
            && row.state().is_none_or(|it| *it != HealthState::Healthy)
    };
    let pods = known.report.rows.iter().filter(hazard).count();
    if pods > 0 {
        plan.warnings.push(format!("{} with a readiness gate without a healthy target: the controller writes False into the gate, and no service uses such a pod until its target is healthy.", counted(pods, "pod")));
    }
}

fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.trim_start_matches('v').split(['.', '-', '+']).map(str::parse::<u32>);
    Some((parts.next()?.ok()?, parts.next()?.ok()?, parts.next().and_then(Result::ok).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(version("3.5.0"), Some((3, 5, 0)));
        assert_eq!(version("v2.10.1-rc.1"), Some((2, 10, 1)));
        assert!(version("2.8.2") < Some(CHECKPOINTS_SINCE) && version("2.10.0") > Some(CHECKPOINTS_SINCE));
        assert_eq!(version("main"), None);
    }
}
