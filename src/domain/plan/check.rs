//! Whether a guard holds, by what was read just before.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::guard::Guard;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::selector::Labels;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::routes::healthy;
use crate::domain::inventory::routes::told;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::act::Labelled;

/// Looks whether a guard holds. An `Err` says what is different, in words.
pub fn check(guard: &Guard, report: Option<&Report>, inventory: &Inventory) -> Result<(), String> {
    match guard {
        Guard::Binding { binding, uid, group } => {
            let found = inventory.binding(binding).ok_or_else(|| format!("binding {binding} is gone"))?;
            if found.uid != *uid {
                return Err(format!("binding {binding} was deleted and made again"));
            }
            if found.group != *group {
                return Err(format!("binding {binding} now names another target group"));
            }
            match found.deleted {
                Some(_) => Err(format!("binding {binding} is being deleted")),
                None => Ok(()),
            }
        }
        Guard::Unbound { group, cluster } => {
            let inside = |it: &BindingRef| cluster.as_ref().is_none_or(|cluster| *cluster == it.cluster);
            let mut bindings = inventory
                .bindings()
                .filter(|(it, binding)| binding.group.as_ref() == Some(group) && inside(it));
            bindings.next().map_or(Ok(()), |(it, _)| Err(format!("binding {it} names the group")))
        }
        Guard::Only { keys } => {
            let report = report.filter(|it| it.asked.is_some()).ok_or("the targets could not be read")?;
            let live =
                |row: &&Row| row.live() && !matches!(&row.key, RowKey::Target(key) if keys.contains(key));
            let other = report.rows.iter().find(live);
            other.map_or(Ok(()), |it| {
                Err(format!("{} was registered meanwhile, and would be removed", it.key))
            })
        }
        Guard::Leaves { key, pod, wanted } => {
            let row = row(report, key)?.ok_or_else(|| format!("{key} is no longer registered"))?;
            let target = row.registered().ok_or_else(|| format!("{key} is no longer registered"))?;
            if matches!(target.health.state, HealthState::Draining) {
                return Err(format!("{key} is draining already"));
            }
            // A pod on its way out may be gone by now: that changes nothing about a target nobody wants.
            if *wanted || row.uid().is_some() {
                same_pod(row, key, pod.as_ref())?;
            }
            match (row.wanted, wanted) {
                (Some(true), false) => Err(format!("{key} is wanted now: an endpoint stands behind it")),
                // Nothing in Kubernetes is compared with a group that no binding names.
                (None, _) if !matches!(report.map(|it| &it.subject), Some(Subject::Group(_))) => {
                    Err(format!("whether {key} is wanted could not be read"))
                }
                _ => Ok(()),
            }
        }
        Guard::Arrives { key, pod } => {
            let row = row(report, key)?.ok_or_else(|| format!("the endpoint {key} is gone"))?;
            same_pod(row, key, pod.as_ref())?;
            match row.wanted {
                Some(true) => absent(row, key),
                Some(false) => Err(format!("the endpoint {key} is not wanted any more")),
                None => Err(format!("whether {key} is wanted could not be read")),
            }
        }
        Guard::Absent { key } => row(report, key)?.map_or(Ok(()), |row| absent(row, key)),
        Guard::Healthy { zone, least, leaving } => {
            let report = report.filter(|it| it.asked.is_some()).ok_or("the targets could not be read")?;
            let stays = staying(report, leaving, zone.as_ref());
            let place = zone.as_ref().map_or_else(String::new, |it| format!(" in zone {it}"));
            match stays >= *least {
                true => Ok(()),
                false => Err(format!("{stays} healthy would be left{place}, the plan said {least}")),
            }
        }
        Guard::Action { place, rule } => match place.find(inventory) {
            None => Err(format!("{} could not be read, or is gone", place.name)),
            Some(now) if now.sends_as(rule) => Ok(()),
            Some(now) => {
                Err(format!("{} was changed meanwhile: it sends {}", place.name, told(&now.forwards)))
            }
        },
        Guard::Serves { group, least } => {
            let name = group.name();
            let (healthy, _) = healthy(inventory, group)
                .ok_or_else(|| format!("the targets of {name} could not be read"))?;
            match healthy >= *least {
                true => Ok(()),
                false => Err(format!("{name} has {healthy} healthy, the plan needs {least}")),
            }
        }
        Guard::Label { object, cluster, key, value } => {
            let (labels, name) = labels(object, cluster, inventory)?;
            match labels.get(key) == value.as_ref() {
                true => Ok(()),
                false => Err(format!("the label {key} of {name} was changed meanwhile")),
            }
        }
    }
}

/// The row of a key; an error where the sides could not be read.
fn row<'a>(report: Option<&'a Report>, key: &TargetKey) -> Result<Option<&'a Row>, String> {
    let report = report.ok_or("what this is about is gone")?;
    match report.asked {
        None => Err("the targets could not be read".to_owned()),
        Some(_) => Ok(report.row(&RowKey::Target(key.clone()))),
    }
}

fn absent(row: &Row, key: &TargetKey) -> Result<(), String> {
    match row.state() {
        None | Some(HealthState::Draining | HealthState::UnhealthyDraining) => Ok(()),
        Some(_) => Err(format!("{key} was registered meanwhile")),
    }
}

fn same_pod(row: &Row, key: &TargetKey, pod: Option<&Uid>) -> Result<(), String> {
    match (row.uid(), pod) {
        (now, then) if now == then => Ok(()),
        (None, Some(_)) => Err(format!("the pod behind {key} is gone")),
        (Some(_), None) => Err(format!("a pod has the address {key} now")),
        (Some(_), Some(_)) => Err(format!("another pod has the address {key} now")),
        (None, None) => Ok(()),
    }
}

/// Healthy targets beside those that leave.
fn staying(report: &Report, leaving: &BTreeSet<TargetKey>, zone: Option<&Arc<str>>) -> u32 {
    let stays = report.rows.iter().filter_map(Row::registered).filter(|it| {
        it.serves() && !leaving.contains(&it.key) && zone.is_none_or(|zone| it.zone.as_ref() == Some(zone))
    });
    u32::try_from(stays.count()).unwrap_or(u32::MAX)
}

/// The labels of a pod that is still the same, or of a node, and how it is called.
pub(super) fn labels<'a>(
    object: &Labelled,
    cluster: &ClusterId,
    inventory: &'a Inventory,
) -> Result<(&'a Labels, String), String> {
    let cluster = inventory.cluster(cluster).ok_or("the cluster could not be read")?;
    match object {
        Labelled::Pod(name, uid) => match cluster.pods.get(name) {
            Some(pod) if pod.uid == *uid && !pod.terminating() => Ok((&pod.labels, format!("pod {name}"))),
            Some(pod) if pod.uid == *uid => Err(format!("pod {name} is terminating already")),
            Some(_) => Err(format!("pod {name} was replaced by another of its name")),
            None => Err(format!("pod {name} is gone")),
        },
        Labelled::Node(name) => {
            let node = cluster.nodes.get(name).ok_or_else(|| format!("node {name} is gone"))?;
            Ok((&node.labels, format!("node {name}")))
        }
    }
}
