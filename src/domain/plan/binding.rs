//! Plans about a binding that exists: resync makes its controller look again, unbind deletes it.

use std::collections::BTreeSet;

use super::Act;
use super::Hand;
use super::Plan;
use super::Refusal;
use super::counted;
use super::counts;
use super::guard::Guard;
use super::ownership;
use super::targets::Known;
use super::targets::drains;
use super::targets::key;
use super::targets::leaves;
use super::targets::leaving;
use crate::domain::cluster::Binding;
use crate::domain::cluster::Status;
use crate::domain::controller::Doing;
use crate::domain::controller::Presence;
use crate::domain::elb::HealthState;
use crate::domain::ids::BindingApi;
use crate::domain::ids::BindingRef;
use crate::domain::ids::TargetKey;
use crate::domain::matching::View;
use crate::domain::report::Row;
use crate::domain::report::Subject;
use crate::domain::standing::Standing;

/// The controller lists a group's targets at most this long before it lists them anew, in seconds
/// (controller.md §2.5).
pub const CACHE: i64 = 300;
/// The first version with a checkpoint annotation.
const CHECKPOINTS_SINCE: (u32, u32, u32) = (2, 9, 1);

/// Binding and reference of a plan that needs one.
fn bound<'a>(view: &View<'a>) -> Result<(&'a BindingRef, &'a Binding), Refusal> {
    let bound = view.reference.zip(view.binding);
    bound.ok_or_else(|| Refusal::new("no binding names this group").instead("b binds a service to it"))
}

pub fn resync(known: &Known<'_>) -> Result<Plan, Refusal> {
    let view = known.view()?;
    let (reference, binding) = bound(&view)?;
    let controller = &known.report.controller;
    if binding.deleted.is_some() {
        return Err(Refusal::new("the binding is being deleted: the controller only cleans up"));
    }
    if controller.presence == Presence::Absent {
        return Err(Refusal::new(format!("there is no controller that would look: {}", controller.sign))
            .instead("sync registers and deregisters what is missing"));
    }
    if let Some(why) = ownership::webhook_down(&view, controller.presence, controller.webhook_endpoints) {
        return Err(Refusal::new(why).instead("sync works on AWS alone"));
    }
    let old = controller.version.as_deref().and_then(version).is_some_and(|it| it < CHECKPOINTS_SINCE);
    let effect = format!("Makes the controller compare {reference} with AWS again.");
    let mut plan = Plan::new(Hand::Resync, &known.report.subject, known.now, effect);
    let same: Vec<Guard> = Known::same(&view).into_iter().collect();
    let marker = format!("tgscope/{}", known.now.0 / 1000);
    plan.step(
        Act::Mark { binding: reference.clone(), uid: binding.uid.clone(), marker, answered: !old },
        same.clone(),
    );
    plan.step(Act::AwaitInStep { subject: known.report.subject.clone() }, same);
    let of = |standings: &[Standing]| {
        known.report.rows.iter().filter(|it| standings.contains(&it.standing)).count()
    };
    let (missing, extra) =
        (of(&[Standing::Unregistered]), of(&[Standing::Lingering, Standing::Orphan, Standing::Contested]));
    plan.follows.push(match (missing, extra) {
        (0, 0) => "It finds AWS as it should be: nothing changes there.".to_owned(),
        (n, 0) => format!("It registers {}, within seconds.", counted(n, "endpoint")),
        (0, m) => format!("It deregisters {}, within seconds.", counted(m, "target")),
        (n, m) => format!(
            "It deregisters {}, then registers {}, within seconds.",
            counted(m, "target"),
            counted(n, "endpoint")
        ),
    });
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
    if let Doing::Failing(error) = &controller.doing {
        plan.warnings.push(format!("The controller fails at this binding: {error}."));
    }
    ownership::warn(&mut plan, &view, &[]);
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

pub fn unbind(known: &Known<'_>) -> Result<Plan, Refusal> {
    let view = known.view()?;
    let (reference, binding) = bound(&view)?;
    if binding.deleted.is_some() {
        return Err(Refusal::new("the binding is being deleted already"));
    }
    let presence = known.report.controller.presence;
    let leaving = going(&view, known);
    let keys: BTreeSet<&TargetKey> = leaving.iter().filter_map(|it| key(it)).collect();
    let name = view.arn.as_ref().map_or("its target group", |it| it.name()).to_owned();
    let effect = match (leaving.len(), presence) {
        (0, _) => format!("Deletes binding {reference}; no target is registered."),
        (n, Presence::Down) => format!(
            "Marks binding {reference} for deletion; its {} stay until the controller is back.",
            counted(n, "target")
        ),
        (n, _) => format!("Deletes binding {reference} and takes {} out of {name}.", counted(n, "target")),
    };
    let mut plan = Plan::new(Hand::Unbind, &known.report.subject, known.now, effect);
    plan.counts = counts::counts(known.report, &keys, 0);
    let same: Vec<Guard> = Known::same(&view).into_iter().collect();
    let enough = counts::keep_enough(&mut plan, &view, &reference.name);
    let delete = Act::DeleteBinding { binding: reference.clone(), uid: binding.uid.clone() };
    if presence == Presence::Absent {
        let group = known.group()?;
        let targets: Vec<_> = leaving.iter().filter_map(|it| self::leaving(it)).collect();
        if !targets.is_empty() {
            Known::targets_read(&view)?;
            let guards = same
                .iter()
                .cloned()
                .chain(enough)
                .chain(leaving.iter().filter_map(|it| leaves(it)))
                .collect();
            plan.step(Act::Deregister { group, role: Known::role(&view), targets }, guards);
        }
        plan.step(delete, same);
    } else {
        plan.step(delete, same.into_iter().chain(enough).collect());
    }
    said(&mut plan, &view, known, leaving.len());
    if let Some(from) = binding.made_from() {
        plan.warnings.extend(ownership::made(binding));
        plan.warnings.push(format!("It is not made again before its {from} changes or the controller's next full look (10h by default)."));
        plan.ask_for(&reference.name, "the controller made this binding".to_owned());
    }
    if let Some(tool) = &binding.kept_by {
        plan.warnings.push(format!("{tool} keeps this binding: it may be made again."));
    }
    ownership::warn(&mut plan, &view, &[]);
    plan.lasting.push("A binding made again is another object: its history and checkpoint are gone, and its targets were out meanwhile.".to_owned());
    Ok(plan)
}

/// The registered rows that go with a binding: all, or those its controller owns.
fn going<'a>(view: &View<'_>, known: &Known<'a>) -> Vec<&'a Row> {
    let multi = view.binding.is_some_and(|it| it.multi_cluster);
    let absent = known.report.controller.presence == Presence::Absent;
    let goes = |row: &&Row| {
        let live = row.state().is_some_and(|it| *it != HealthState::Draining);
        let foreign = matches!(row.standing, Standing::Elsewhere | Standing::Contested | Standing::Unknown);
        live && !(foreign && (multi || absent))
    };
    known.report.rows.iter().filter(goes).collect()
}

fn said(plan: &mut Plan, view: &View<'_>, known: &Known<'_>, targets: usize) {
    let presence = known.report.controller.presence;
    let binding = view.binding;
    let finalized = binding.is_some_and(|it| !it.finalizers.is_empty());
    match presence {
        Presence::Present | Presence::Unknown => {
            if targets > 0 {
                plan.follows.push(
                    "The controller deregisters them, whoever registered them, then removes its finalizer."
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
    if targets > 0 {
        plan.follows.push(drains(view));
    }
    if matches!(&known.report.subject, Subject::Binding(_))
        && targets > 0
        && !view.routes.none_lead()
        && !view.routes.list().is_empty()
    {
        let routes = view.routes.list().len();
        plan.warnings.push(format!(
            "{} to the group: {} empty target group answers 503.",
            if routes == 1 { "A rule leads".to_owned() } else { format!("{routes} rules lead") },
            if view.target_group().is_some_and(crate::domain::elb::TargetGroup::of_application_lb) {
                "an"
            } else {
                "an NLB's"
            }
        ));
    }
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
