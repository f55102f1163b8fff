//! The inverse of what was done, where there is one: only of what is still as it was left, and only for the pods it was
//! about.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::Step;
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
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
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

/// Turns round what was done of a plan, last first.
/// `tags`: of what a weighed rule belongs to, as far as they were read.
pub fn undo(inventory: &Inventory, done: &Done, now: Timestamp, tags: &Tags) -> Result<Plan, Refusal> {
    let change = done.change.word();
    let deleted = done.acts.iter().find_map(|it| match it {
        Act::DeleteBinding { binding, .. } => Some(binding),
        _ => None,
    });
    let report = report_of(inventory, &done.subject, now).ok_or_else(|| match (deleted, &done.subject) {
        (Some(binding), _) => {
            Refusal::new(format!("{change} cannot be undone: binding {binding} was deleted"))
                .instead("bind (b) makes a new one")
        }
        (None, Subject::Binding(it)) => Refusal::new(format!(
            "{change} cannot be undone: binding {it} is gone, or could not be read in context {}",
            it.cluster
        )),
        (None, Subject::Group(arn)) => Refusal::new(format!(
            "{change} cannot be undone: group {} is gone, or could not be read",
            arn.name()
        )),
    })?;
    let known = Known { inventory, report: &report, now };
    if done.acts.iter().any(|it| matches!(it, Act::Create { .. })) {
        // What a binding took over goes with it: the same plan as to delete any other.
        let mut plan = unbind::unbind(&known)?;
        plan.change = ChangeKind::Undo;
        plan.undoes = Some(done.id.clone());
        plan.effect = format!("Undoes {change}: {}", lower(&plan.effect));
        plan.lasting = vec!["What the controller took out when it was bound is not put back.".to_owned()];
        return Ok(plan);
    }
    if let Some(Act::Shift { place, from, to }) = done.acts.iter().find(|it| matches!(it, Act::Shift { .. }))
    {
        return back(&known, &done.id, (place, from, to), tags);
    }
    let mut plan = Plan::new(ChangeKind::Undo, &done.subject, now, String::new());
    plan.undoes = Some(done.id.clone());
    let mut refused = Vec::new();
    for act in done.acts.iter().rev().filter(|it| !it.only_waits()) {
        match inverse(&known, act) {
            Ok(step) => plan.steps.push(step),
            Err(why) => refused.push(why),
        }
    }
    if plan.steps.is_empty() {
        let why = refused.into_iter().next().unwrap_or_else(|| "nothing was changed".into());
        return Err(Refusal::new(format!("{change} cannot be undone: {why}")));
    }
    let sentences: Vec<String> = plan.steps.iter().map(|it| it.act.sentence()).collect();
    plan.effect = format!("Undoes {change}: {}.", sentences.join(", then "));
    let back = |it: &Step| matches!(&it.act, Act::Label { object: Labelled::Pod(..), to: Some(_), .. });
    let labelled = plan.steps.iter().any(back);
    plan.warnings.extend(refused.into_iter().map(|it| match it {
        Stays::Unwanted(key) if labelled => format!(
            "The endpoint {key} is not registered again by this: once its label is back and it is ready, register (R) does."
        ),
        why => format!("Stays as it is: {why}."),
    }));
    if labelled {
        plan.follows.push(match report.controller.presence {
            Presence::Present => "Once the endpoint is back the controller registers it again.".to_owned(),
            Presence::Down => {
                "Its endpoint comes back; the controller is down: nobody registers it until it is back."
                    .to_owned()
            }
            Presence::Absent => {
                "Its endpoint comes back; there is no controller that registers it.".to_owned()
            }
            Presence::Unknown => {
                "Its endpoint comes back; a controller, if there is one, registers it.".to_owned()
            }
        });
        plan.follows.push(
            "Its ReplicaSet then has one pod too many and deletes one, not necessarily this one.".to_owned(),
        );
    }
    count(&mut plan, &known)?;
    Ok(plan)
}

/// The weights a rule had, where it still has those it was given.
fn back(
    known: &Known<'_>,
    id: &PlanId,
    (place, from, to): (&Place, &Rule, &[Forward]),
    tags: &Tags,
) -> Result<Plan, Refusal> {
    if let Some(now) = place.find(known.inventory).filter(|it| it.forwards != *to) {
        let now = routes::told(&now.forwards);
        return Err(Refusal::new(format!(
            "shift cannot be undone: {} has other weights now: {now}",
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

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |it| it.to_lowercase().chain(letters).collect())
}

/// Counts, what follows, and the guards of the steps that write to AWS.
fn count(plan: &mut Plan, known: &Known<'_>) -> Result<(), Refusal> {
    let case = known.case()?;
    let (mut leaving, mut arriving) = (BTreeSet::new(), Vec::new());
    for step in &plan.steps {
        match &step.act {
            Act::Register { targets, .. } => arriving.extend(targets.iter().map(|it| it.key.clone())),
            Act::Deregister { targets, .. } => leaving.extend(targets.iter().map(|it| it.key.clone())),
            _ => {}
        }
    }
    let leaving: BTreeSet<&TargetKey> = leaving.iter().collect();
    if plan.steps.iter().any(|it| it.act.cluster().is_none()) {
        Known::targets_read(&case)?;
    }
    let zones: Vec<_> = arriving.iter().map(|it| row(known, it).and_then(counts::zone)).collect();
    plan.counts = counts::counts(known.report, &leaving, &zones);
    let same: Vec<Guard> = Known::same(&case).into_iter().collect();
    let name = known.report.group.as_ref().map_or_else(String::new, |it| it.name().to_owned());
    let enough = match leaving.is_empty() {
        true => Vec::new(),
        false => enough::keep_enough(plan, &case, &leaving, &name),
    };
    let goes: Vec<&Row> = leaving.iter().filter_map(|it| row(known, it)).collect();
    let comes: Vec<&Row> = arriving.iter().filter_map(|it| row(known, it)).collect();
    if !arriving.is_empty() {
        plan.follows.push(checks(&case));
        if comes.iter().any(|it| it.wanted == Some(true)) {
            plan.follows.extend(followed(known.report));
        } else if known.report.controller.presence == Presence::Present {
            plan.follows
                .push("No endpoint wants it: the controller takes it out again at its next look.".to_owned());
        }
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
        step.guards.extend(same.iter().cloned());
        if matches!(step.act, Act::Deregister { .. }) {
            step.guards.extend(enough.iter().cloned());
        }
    }
    Ok(())
}

fn row<'a>(known: &Known<'a>, key: &TargetKey) -> Option<&'a Row> {
    known.report.row(&RowKey::Target(key.clone()))
}

/// Whether something of what was written can be turned round at all; how it stands now is another question.
pub fn have_inverse(acts: &[Act]) -> bool {
    let deleted = |uid: &Uid| acts.iter().any(|it| matches!(it, Act::DeletePod { uid: of, .. } if of == uid));
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
enum Stays {
    /// Nothing asks for the target now; its label may bring that back.
    Unwanted(TargetKey),
    Because(String),
}

impl From<String> for Stays {
    fn from(why: String) -> Self {
        Self::Because(why)
    }
}

impl From<&str> for Stays {
    fn from(why: &str) -> Self {
        Self::Because(why.to_owned())
    }
}

impl std::fmt::Display for Stays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unwanted(key) => write!(f, "the endpoint {key} is not wanted any more"),
            Self::Because(why) => write!(f, "{why}"),
        }
    }
}

fn inverse(known: &Known<'_>, act: &Act) -> Result<Step, Stays> {
    match act {
        Act::Deregister { group, role, targets } => {
            let gone: Vec<Arriving> =
                targets.iter().filter(|it| !live(known.report, &it.key)).cloned().collect();
            if known.case().is_ok_and(|it| Known::stays(&it).is_err()) {
                return Err("the binding is being deleted".into());
            }
            if gone.is_empty() {
                return Err("what was deregistered is registered again".into());
            }
            let guards = gone.iter().map(|it| returns(known, it)).collect::<Result<_, _>>()?;
            Ok(Step {
                guards,
                act: Act::Register { group: group.clone(), role: role.clone(), targets: gone },
            })
        }
        Act::Register { group, role, targets } => {
            let there: Vec<Arriving> =
                targets.iter().filter(|it| live(known.report, &it.key)).cloned().collect();
            if there.is_empty() {
                return Err("what was registered is not registered any more".into());
            }
            let leaves = |it: &Arriving| {
                let wanted = row(known, &it.key).is_some_and(|it| it.wanted == Some(true));
                Guard::Leaves { key: it.key.clone(), pod: it.pod.clone(), wanted }
            };
            let guards = there.iter().map(leaves).collect();
            Ok(Step {
                guards,
                act: Act::Deregister { group: group.clone(), role: role.clone(), targets: there },
            })
        }
        Act::Label { cluster, object, key, from, to } => {
            let (labels, name) = super::check::labels(object, cluster, known.inventory)?;
            match labels.get(key) {
                now if now == to.as_ref() => {}
                now if now == from.as_ref() => {
                    return Err(format!("the label {key} of {name} is as it was").into());
                }
                _ => return Err(format!("the label {key} of {name} was changed since").into()),
            }
            let (cluster, object, key) = (cluster.clone(), object.clone(), key.clone());
            let guard = Guard::Label {
                object: object.clone(),
                cluster: cluster.clone(),
                key: key.clone(),
                value: to.clone(),
            };
            Ok(Step {
                guards: vec![guard],
                act: Act::Label { cluster, object, key, from: to.clone(), to: from.clone() },
            })
        }
        Act::Shift { place, .. } => Err(format!("{} is weighed as any other", place.name).into()),
        Act::Create { manifest, .. } => {
            Err(format!("binding {} is deleted as any other", manifest.name).into())
        }
        Act::DeletePod { name, .. } => Err(format!("pod {name} was deleted").into()),
        Act::DeleteBinding { binding, .. } => {
            Err(format!("binding {binding} was deleted; bind makes a new one").into())
        }
        Act::Mark { .. } => Err("the controller only looked again".into()),
        Act::AwaitLeaving { .. } | Act::AwaitGone { .. } | Act::AwaitInStep { .. } => {
            Err("it only waited".into())
        }
    }
}

/// What must hold for a target to come back: the pod it was is behind it, or nobody is.
fn returns(known: &Known<'_>, target: &Arriving) -> Result<Guard, Stays> {
    let key = &target.key;
    match (&target.pod, row(known, key).filter(|it| it.wanted == Some(true))) {
        (Some(pod), Some(row)) if row.uid() == Some(pod) => {
            Ok(Guard::Arrives { key: key.clone(), pod: Some(pod.clone()) })
        }
        (Some(_), Some(_)) => Err(format!("another pod has the address {key} now").into()),
        (Some(_), None) => Err(Stays::Unwanted(key.clone())),
        (None, Some(row)) if row.uid().is_some() => Err(format!("a pod has the address {key} now").into()),
        (None, _) => {
            let holds =
                |pod: &crate::domain::facts::cluster::Pod| key.ip().is_some_and(|ip| pod.ips.contains(&ip));
            let mut pods = known.inventory.clusters.values().flat_map(|it| it.pods.values());
            match pods.find(|it| holds(it) && !it.finished()) {
                Some(pod) => Err(format!("the address {key} belongs to pod {} now", pod.name).into()),
                None => Ok(Guard::Absent { key: key.clone() }),
            }
        }
    }
}
