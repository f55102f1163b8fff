//! The inverse of what was done, where there is one.

use super::Act;
use super::Arriving;
use super::Hand;
use super::Labelled;
use super::Plan;
use super::Refusal;
use super::Step;
use super::counts;
use super::guard::Guard;
use super::targets::Known;
use super::targets::leaves;
use super::targets::report_of;
use crate::domain::ids::ClusterId;
use crate::domain::ids::RowKey;
use crate::domain::ids::TargetKey;
use crate::domain::inventory::Inventory;
use crate::domain::report::Report;
use crate::domain::report::Subject;
use crate::domain::time::Timestamp;

/// Turns round the steps of a plan that were done, last first. `done`: one for each step that had its effect.
pub fn undo(
    inventory: &Inventory,
    subject: &Subject,
    (hand, done): (Hand, &[Act]),
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let mut plan = Plan::new(Hand::Undo, subject, now, String::new());
    let mut refused = Vec::new();
    for act in done.iter().rev().filter(|it| !it.only_waits()) {
        match inverse(inventory, act) {
            Ok(step) => plan.steps.push(step),
            Err(why) => refused.push(why),
        }
    }
    if plan.steps.is_empty() {
        let why = refused.into_iter().next().unwrap_or_else(|| "nothing was changed".to_owned());
        return Err(Refusal::new(format!("{} cannot be undone: {why}", hand.word())));
    }
    let sentences: Vec<String> = plan.steps.iter().map(|it| it.act.sentence()).collect();
    plan.effect = format!("Undoes {}: {}.", hand.word(), sentences.join(", then "));
    plan.warnings.extend(refused.into_iter().map(|it| format!("Stays as it is: {it}.")));
    if let Some(report) = report_of(inventory, subject, now) {
        let known = Known { inventory, report: &report, now };
        let view = known.view()?;
        let leaving: Vec<_> = plan
            .steps
            .iter()
            .filter_map(|it| match &it.act {
                Act::Deregister { targets, .. } => Some(targets.iter().map(|it| it.key.clone())),
                _ => None,
            })
            .flatten()
            .collect();
        let arriving = plan
            .steps
            .iter()
            .map(|it| match &it.act {
                Act::Register { targets, .. } => targets.len(),
                _ => 0,
            })
            .sum();
        plan.counts = counts::counts(&report, &leaving.iter().collect(), arriving);
        let same: Vec<Guard> = Known::same(&view).into_iter().collect();
        for step in &mut plan.steps {
            plan.warnings.extend(aim(step, &report));
            if step.act.cluster().is_none() {
                step.guards.extend(same.iter().cloned());
            }
        }
        if !leaving.is_empty() {
            let name = report.group.as_ref().map_or_else(String::new, |it| it.name().to_owned());
            let guards = counts::keep_enough(&mut plan, &view, &name);
            for step in plan.steps.iter_mut().filter(|it| matches!(it.act, Act::Deregister { .. })) {
                step.guards.extend(guards.iter().cloned());
            }
        }
    }
    Ok(plan)
}

/// Guards what comes back or goes by the pod that is behind it now: an address may have another owner since.
fn aim(step: &mut Step, report: &Report) -> Vec<String> {
    let row = |key: &TargetKey| report.row(&RowKey::Target(key.clone()));
    match &step.act {
        Act::Deregister { targets, .. } => {
            step.guards.extend(targets.iter().filter_map(|it| row(&it.key)).filter_map(leaves));
            Vec::new()
        }
        Act::Register { targets, .. } => {
            let wanted = |key: &TargetKey| row(key).filter(|it| it.wanted == Some(true));
            step.guards = targets
                .iter()
                .map(|it| match wanted(&it.key) {
                    Some(row) => Guard::Arrives { key: it.key.clone(), pod: row.uid().cloned() },
                    None => Guard::Absent { key: it.key.clone() },
                })
                .collect();
            let unwanted = targets.iter().filter(|it| wanted(&it.key).is_none());
            unwanted.map(|it| format!("No endpoint is behind {} now.", it.key)).collect()
        }
        _ => Vec::new(),
    }
}

fn inverse(inventory: &Inventory, act: &Act) -> Result<Step, String> {
    match act {
        Act::Deregister { group, role, targets } => Ok(Step {
            guards: targets.iter().map(|it| Guard::Absent { key: it.key.clone() }).collect(),
            act: Act::Register { group: group.clone(), role: role.clone(), targets: targets.clone() },
        }),
        Act::Register { group, role, targets } => {
            let targets: Vec<Arriving> = targets.clone();
            Ok(Step {
                guards: Vec::new(),
                act: Act::Deregister { group: group.clone(), role: role.clone(), targets },
            })
        }
        Act::Label { cluster, object, key, from, to } => {
            there(inventory, cluster, object)?;
            Ok(Step {
                guards: vec![Guard::Label {
                    object: object.clone(),
                    cluster: cluster.clone(),
                    key: key.clone(),
                    value: to.clone(),
                }],
                act: Act::Label {
                    cluster: cluster.clone(),
                    object: object.clone(),
                    key: key.clone(),
                    from: to.clone(),
                    to: from.clone(),
                },
            })
        }
        Act::Create { cluster, manifest } => {
            let reference = manifest.reference(cluster);
            let binding =
                inventory.binding(&reference).ok_or_else(|| format!("binding {reference} is gone"))?;
            Ok(Step {
                guards: vec![Guard::Binding {
                    binding: reference.clone(),
                    uid: binding.uid.clone(),
                    group: binding.group.clone(),
                }],
                act: Act::DeleteBinding { binding: reference, uid: binding.uid.clone() },
            })
        }
        Act::DeletePod { name, .. } => Err(format!("pod {name} was deleted")),
        Act::DeleteBinding { binding, .. } => {
            Err(format!("binding {binding} was deleted; bind makes a new one"))
        }
        Act::Mark { .. } => Err("the controller only looked again".to_owned()),
        Act::AwaitLeaving { .. } | Act::AwaitGone { .. } | Act::AwaitInStep { .. } => {
            Err("it only waited".to_owned())
        }
    }
}

fn there(inventory: &Inventory, cluster: &ClusterId, object: &Labelled) -> Result<(), String> {
    let cluster = inventory.cluster(cluster).ok_or("the cluster could not be read")?;
    match object {
        Labelled::Pod(name, uid)
            if cluster.pods.get(name).is_none_or(|it| it.uid != *uid || it.terminating()) =>
        {
            Err(format!("pod {name} is gone"))
        }
        Labelled::Node(name) if !cluster.nodes.contains_key(name) => Err(format!("node {name} is gone")),
        _ => Ok(()),
    }
}
