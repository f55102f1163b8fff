//! The plan that undoes another, where it can be: only what is still as it was left, and only for the pods it was about.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::Step;
use super::check;
use super::check::Unmet;
use super::counts;
use super::guard::Guard;
use super::owners;
use super::targets::checks;
use super::targets::comes_back;
use super::targets::drains;
use super::targets::followed;
use super::targets::live;
use super::unbind;
use super::weights;
use super::weights::Tags;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::routes;
use crate::domain::inventory::routes::Place;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::Labelled;
use crate::domain::plan::enough;
use crate::domain::plan::known::Known;
use crate::domain::plan::known::report_of;

/// A plan that was carried out, at least in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub id: PlanId,
    pub change: ChangeKind,
    pub subject: Subject,
    /// Every step whose call was made, whatever came of it.
    pub acts: Vec<Act>,
}

/// A change of weights that was made.
struct Shifted<'a> {
    place: &'a Place,
    from: &'a Rule,
    to: &'a [Forward],
}

/// Undoes what was done of a plan, last step first. Refused where none of it can be undone.
/// `tags`: those of what a rule with weights belongs to, as far as they were read.
pub fn undo(inventory: &Inventory, done: &Done, now: Timestamp, tags: &Tags) -> Result<Plan, Refusal> {
    let report = report_of(inventory, &done.subject, now).ok_or_else(|| gone(done))?;
    let known = Known { inventory, report: &report, now };
    if done.acts.iter().any(|it| matches!(it, Act::Create { .. })) {
        return delete_again(&known, done);
    }
    let shifted = done.acts.iter().find_map(|it| match it {
        Act::Shift { place, from, to } => Some(Shifted { place, from, to }),
        _ => None,
    });
    match shifted {
        Some(shifted) => shift_back(&known, &done.id, &shifted, tags),
        None => step_by_step(&known, done),
    }
}

/// Why nothing can be undone where the subject of the plan could not be judged.
fn gone(done: &Done) -> Refusal {
    let change = done.change.word();
    let deleted = done.acts.iter().find_map(|it| match it {
        Act::DeleteBinding { binding, .. } => Some(binding),
        _ => None,
    });
    match (deleted, &done.subject) {
        (Some(binding), _) => {
            Refusal::new(format!("{change} cannot be undone: binding {binding} was deleted"))
                .instead("bind (b) creates a new one")
        }
        (None, Subject::Binding(it)) => Refusal::new(format!(
            "{change} cannot be undone: binding {it} is gone or could not be read in context {}",
            it.cluster
        )),
        (None, Subject::Group(arn)) => Refusal::new(format!(
            "{change} cannot be undone: target group {} is gone or could not be read",
            arn.name()
        )),
    }
}

/// Deletes the binding that was created, by the same plan as any other: its targets go with it.
fn delete_again(known: &Known<'_>, done: &Done) -> Result<Plan, Refusal> {
    let change = done.change.word();
    let mut plan = unbind::unbind(known)?;
    plan.change = ChangeKind::Undo;
    plan.undoes = Some(done.id.clone());
    plan.effect = format!("Undoes {change}: {}", lower(&plan.effect));
    plan.lasting =
        vec!["targets that the controller deregistered after the bind are not registered again".to_owned()];
    Ok(plan)
}

/// The weights the rule had before, where it still has those it was given.
fn shift_back(known: &Known<'_>, id: &PlanId, shifted: &Shifted<'_>, tags: &Tags) -> Result<Plan, Refusal> {
    let Shifted { place, from, to } = shifted;
    if let Some(now) = place.find(known.inventory).filter(|it| it.forwards != **to) {
        let now = routes::told(&now.forwards);
        return Err(Refusal::new(format!(
            "shift cannot be undone: the weights of {} were changed since, to {now}",
            place.name
        )));
    }
    let before = from.forwards.iter().map(|it| (it.group.clone(), it.weight)).collect();
    let mut plan = weights::shift(known, place, &before, tags)?;
    plan.change = ChangeKind::Undo;
    plan.undoes = Some(id.clone());
    plan.effect = format!("Undoes shift: {}", lower(&plan.effect));
    Ok(plan)
}

/// The inverse of each write that has one, last first.
fn step_by_step(known: &Known<'_>, done: &Done) -> Result<Plan, Refusal> {
    let change = done.change.word();
    let mut plan = Plan::new(ChangeKind::Undo, &done.subject, known.now, String::new());
    plan.undoes = Some(done.id.clone());
    let mut stays = Vec::new();
    for act in done.acts.iter().rev().filter(|it| !it.only_waits()) {
        match inverse(known, act) {
            Ok(step) => plan.steps.push(step),
            Err(why) => stays.push(why),
        }
    }
    if plan.steps.is_empty() {
        let why = stays.first().map_or_else(|| "nothing was changed".to_owned(), ToString::to_string);
        return Err(Refusal::new(format!("{change} cannot be undone: {why}")));
    }
    let sentences: Vec<String> = plan.steps.iter().map(|it| it.act.sentence()).collect();
    plan.effect = format!("Undoes {change}: {}.", sentences.join(", then "));
    let back = |it: &Step| matches!(&it.act, Act::Label { object: Labelled::Pod(..), to: Some(_), .. });
    let labelled = plan.steps.iter().any(back);
    plan.warnings.extend(stays.into_iter().map(|it| match it {
        Stays::Unwanted(key) if labelled => format!(
            "This does not register {key}: register (R) does, once its label is back and the pod is ready."
        ),
        why => format!("Left as it is: {why}."),
    }));
    if labelled {
        plan.follows.extend(label_back(known.report.controller.presence));
    }
    count(&mut plan, known)?;
    Ok(plan)
}

/// What follows once a pod has its label again.
fn label_back(presence: Presence) -> [String; 2] {
    let registered = match presence {
        Presence::Present => "Once the pod is an endpoint again, the controller registers it.",
        Presence::Down => {
            "The pod becomes an endpoint again; nothing registers it until the controller is back."
        }
        Presence::Absent => "The pod becomes an endpoint again; there is no controller to register it.",
        Presence::Unknown => {
            "The pod becomes an endpoint again; a controller, if there is one, registers it."
        }
    };
    let surplus = "Its ReplicaSet then has one pod too many and deletes one, not necessarily this one.";
    [registered.to_owned(), surplus.to_owned()]
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |it| it.to_lowercase().chain(letters).collect())
}

/// Counts, what follows, and the guards of the steps that write to AWS.
fn count(plan: &mut Plan, known: &Known<'_>) -> Result<(), Refusal> {
    let case = known.case()?;
    let targets = |of: fn(&Act) -> Option<&[Arriving]>| -> Vec<TargetKey> {
        plan.steps.iter().filter_map(|it| of(&it.act)).flatten().map(|it| it.key.clone()).collect()
    };
    let arriving = targets(|it| match it {
        Act::Register { targets, .. } => Some(targets),
        _ => None,
    });
    let leaving = targets(|it| match it {
        Act::Deregister { targets, .. } => Some(targets),
        _ => None,
    });
    if plan.steps.iter().any(|it| it.act.cluster().is_none()) {
        Known::targets_read(&case)?;
    }
    let leaving: BTreeSet<&TargetKey> = leaving.iter().collect();
    let zones: Vec<_> = arriving.iter().map(|it| row(known, it).and_then(counts::zone)).collect();
    plan.counts = counts::counts(known.report, &leaving, &zones);
    let name = known.report.group.as_ref().map_or_else(String::new, |it| it.name().to_owned());
    let enough = match leaving.is_empty() {
        true => Vec::new(),
        false => enough::keep_enough(plan, &case, &leaving, &name),
    };
    let goes: Vec<&Row> = leaving.iter().filter_map(|it| row(known, it)).collect();
    let comes: Vec<&Row> = arriving.iter().filter_map(|it| row(known, it)).collect();
    if !arriving.is_empty() {
        plan.follows.push(checks(&case));
        plan.follows.extend(kept(known, &comes));
    }
    if !goes.is_empty() {
        plan.follows.push(drains(&case));
        plan.follows.extend(comes_back(known.report, &case, &goes));
        enough::emptied(plan, &case);
    }
    if !goes.is_empty() || !comes.is_empty() {
        owners::warn(plan, &case, &goes);
    }
    for step in plan.steps.iter_mut().filter(|it| it.act.cluster().is_none()) {
        step.guards.extend(Known::same(&case));
        if matches!(step.act, Act::Deregister { .. }) {
            step.guards.extend(enough.iter().cloned());
        }
    }
    Ok(())
}

/// Whether targets that are registered again stay registered.
fn kept(known: &Known<'_>, comes: &[&Row]) -> Option<String> {
    if comes.iter().any(|it| it.wanted == Some(true)) {
        return followed(known.report);
    }
    let there = known.report.controller.presence == Presence::Present;
    there.then(|| "No endpoint wants it: the controller deregisters it at its next reconcile.".to_owned())
}

fn row<'a>(known: &Known<'a>, key: &TargetKey) -> Option<&'a Row> {
    known.report.row(&RowKey::Target(key.clone()))
}

/// Whether any of these writes can be undone in principle; whether one can be undone now is for `undo` to say.
pub(crate) fn have_inverse(acts: &[Act]) -> bool {
    let deleted = |uid: &Uid| acts.iter().any(|it| matches!(it, Act::EvictPod { uid: of, .. } if of == uid));
    let one = |act: &Act| match act {
        Act::Label { object: Labelled::Pod(_, uid), .. } => !deleted(uid),
        Act::Label { .. }
        | Act::Register { .. }
        | Act::Deregister { .. }
        | Act::Create { .. }
        | Act::Shift { .. } => true,
        _ => false,
    };
    let unbound = acts.iter().any(|it| matches!(it, Act::DeleteBinding { .. }));
    !unbound && acts.iter().any(one)
}

/// Why something stays as it was left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Stays {
    /// No endpoint has this address now; putting a label back may change that.
    #[error("endpoint {0} is no longer wanted")]
    Unwanted(TargetKey),
    /// What an inverse step would need is not so.
    #[error(transparent)]
    Unmet(#[from] Unmet),
    #[error("the binding is being deleted")]
    BindingDeleting,
    #[error("the deregistered targets are registered again")]
    RegisteredAgain,
    #[error("the registered targets are no longer registered")]
    NoLongerRegistered,
    #[error("label {key} of {object} is already as it was")]
    LabelBack { key: String, object: String },
    #[error("the address {key} now belongs to pod {pod}")]
    AddressTaken { key: TargetKey, pod: ObjectName },
    #[error("the weights of {0} are undone by a plan of their own")]
    Weights(String),
    #[error("binding {0} is deleted by a plan of its own")]
    Binding(ObjectName),
    #[error("pod {0} was not evicted after all")]
    PodThere(ObjectName),
    #[error("pod {0} was deleted")]
    PodDeleted(ObjectName),
    #[error("binding {0} was deleted; bind (b) creates a new one")]
    BindingDeleted(BindingRef),
    #[error(
        "binding {0} is marked for deletion, which cannot be taken back; once it is gone, bind (b) creates a new one"
    )]
    BindingMarked(BindingRef),
    #[error("the controller only reconciled")]
    Reconciled,
    #[error("it only waited")]
    Waited,
}

/// The step that undoes an act.
fn inverse(known: &Known<'_>, act: &Act) -> Result<Step, Stays> {
    match act {
        Act::Deregister { group, role, targets } => {
            let (targets, guards) = register_again(known, targets)?;
            Ok(Step { guards, act: Act::Register { group: group.clone(), role: role.clone(), targets } })
        }
        Act::Register { group, role, targets } => {
            let (targets, guards) = deregister_again(known, targets)?;
            Ok(Step { guards, act: Act::Deregister { group: group.clone(), role: role.clone(), targets } })
        }
        Act::Label { cluster, object, key, from, to } => {
            let (labels, called) = check::labels(object, cluster, known.inventory)?;
            let now = labels.get(key);
            if now != to.as_ref() {
                let (key, object) = (key.clone(), called);
                return Err(match now == from.as_ref() {
                    true => Stays::LabelBack { key, object },
                    false => Unmet::LabelChanged { key, object }.into(),
                });
            }
            let (cluster, object, key) = (cluster.clone(), object.clone(), key.clone());
            let guard = Guard::Label {
                object: object.clone(),
                cluster: cluster.clone(),
                key: key.clone(),
                value: to.clone(),
            };
            let act = Act::Label { cluster, object, key, from: to.clone(), to: from.clone() };
            Ok(Step { guards: vec![guard], act })
        }
        Act::Shift { place, .. } => Err(Stays::Weights(place.name.clone())),
        Act::Create { manifest, .. } => Err(Stays::Binding(manifest.name.clone())),
        Act::EvictPod { cluster, name, uid } => {
            let pods = known.inventory.cluster(cluster).and_then(|it| it.pods.get(name));
            Err(match pods.is_some_and(|it| it.uid == *uid && !it.terminating()) {
                true => Stays::PodThere(name.clone()),
                false => Stays::PodDeleted(name.clone()),
            })
        }
        Act::DeleteBinding { binding, .. } => Err(match known.inventory.binding(binding) {
            Some(it) if it.deleted.is_some() => Stays::BindingMarked(binding.clone()),
            _ => Stays::BindingDeleted(binding.clone()),
        }),
        Act::Mark { .. } => Err(Stays::Reconciled),
        Act::AwaitLeaving { .. }
        | Act::AwaitGone { .. }
        | Act::AwaitReplaced { .. }
        | Act::AwaitInStep { .. } => Err(Stays::Waited),
    }
}

/// The deregistered targets that are still out, each with what must hold for it to come back.
fn register_again(known: &Known<'_>, targets: &[Arriving]) -> Result<(Vec<Arriving>, Vec<Guard>), Stays> {
    if known.case().is_ok_and(|it| Known::stays(&it).is_err()) {
        return Err(Stays::BindingDeleting);
    }
    let out: Vec<Arriving> = targets.iter().filter(|it| !live(known.report, &it.key)).cloned().collect();
    if out.is_empty() {
        return Err(Stays::RegisteredAgain);
    }
    let guards = out.iter().map(|it| returns(known, it)).collect::<Result<_, _>>()?;
    Ok((out, guards))
}

/// The registered targets that are still in, each with what must hold for it to be deregistered.
fn deregister_again(known: &Known<'_>, targets: &[Arriving]) -> Result<(Vec<Arriving>, Vec<Guard>), Stays> {
    let there: Vec<Arriving> = targets.iter().filter(|it| live(known.report, &it.key)).cloned().collect();
    if there.is_empty() {
        return Err(Stays::NoLongerRegistered);
    }
    let leaves = |it: &Arriving| {
        let wanted = row(known, &it.key).is_some_and(|it| it.wanted == Some(true));
        Guard::Leaves { key: it.key.clone(), pod: it.pod.clone(), wanted }
    };
    let guards = there.iter().map(leaves).collect();
    Ok((there, guards))
}

/// What must hold for a target to come back: the same pod has its address, or none does.
fn returns(known: &Known<'_>, target: &Arriving) -> Result<Guard, Stays> {
    let key = &target.key;
    match (&target.pod, row(known, key).filter(|it| it.wanted == Some(true))) {
        (Some(pod), Some(row)) if row.uid() == Some(pod) => {
            Ok(Guard::Arrives { key: key.clone(), pod: Some(pod.clone()) })
        }
        (Some(_), Some(_)) => Err(Unmet::PodBehindReplaced(key.clone()).into()),
        (Some(_), None) => Err(Stays::Unwanted(key.clone())),
        (None, Some(row)) if row.uid().is_some() => Err(Unmet::PodBehindAppeared(key.clone()).into()),
        (None, _) => {
            let holds = |pod: &Pod| key.ip().is_some_and(|ip| pod.ips.contains(&ip));
            let mut pods = known.inventory.clusters.values().flat_map(|it| it.pods.values());
            match pods.find(|it| holds(it) && !it.finished()) {
                Some(pod) => Err(Stays::AddressTaken { key: key.clone(), pod: pod.name.clone() }),
                None => Ok(Guard::Absent { key: key.clone() }),
            }
        }
    }
}
