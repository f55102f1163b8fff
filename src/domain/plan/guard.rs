//! What must still be true when a step runs, and whether it is, by what was read just before.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Labelled;
use super::counts;
use super::weights;
use super::weights::Place;
use crate::domain::cluster::Labels;
use crate::domain::elb::HealthState;
use crate::domain::elb::Rule;
use crate::domain::ids::BindingRef;
use crate::domain::ids::ClusterId;
use crate::domain::ids::RowKey;
use crate::domain::ids::TargetGroupArn;
use crate::domain::ids::TargetKey;
use crate::domain::ids::Uid;
use crate::domain::inventory::Inventory;
use crate::domain::report::Report;
use crate::domain::report::Row;
use crate::domain::report::Subject;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "camelCase")]
pub enum Guard {
    /// The binding is the one that was looked at, still on this group, and nobody deletes it.
    Binding { binding: BindingRef, uid: Uid, group: Option<TargetGroupArn> },
    /// No binding names the group; in one cluster, or in any.
    Unbound {
        group: TargetGroupArn,
        #[serde(default)]
        cluster: Option<ClusterId>,
    },
    /// Nothing else is registered: what follows removes what it does not know.
    Only { keys: BTreeSet<TargetKey> },
    /// The target is still registered, and the same pod (or none) is behind its address.
    Leaves { key: TargetKey, pod: Option<Uid>, wanted: bool },
    /// The endpoint is still wanted, the same pod is behind it, and AWS has no live target for it.
    Arrives { key: TargetKey, pod: Option<Uid> },
    /// Nobody registered a target again that this puts back.
    Absent { key: TargetKey },
    /// At least so many healthy targets stay, in a zone or in all, beside those that leave.
    Healthy { zone: Option<Arc<str>>, least: u32, leaving: BTreeSet<TargetKey> },
    /// A rule sends as it did when it was read, with all of its actions.
    Action { place: Place, rule: Box<Rule> },
    /// At least so many targets of a group are healthy.
    Serves { group: TargetGroupArn, least: u32 },
    /// The pod is the same, and the label is as it was.
    Label { object: Labelled, cluster: ClusterId, key: String, value: Option<String> },
}

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
            Some(now) if same(now, rule) => Ok(()),
            Some(now) => Err(format!(
                "{} was changed meanwhile: it sends {}",
                place.name,
                weights::told(&now.forwards)
            )),
        },
        Guard::Serves { group, least } => {
            let name = group.name();
            let (healthy, _) = weights::healthy(inventory, group)
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
        counts::serves(it)
            && !leaving.contains(&it.key)
            && zone.is_none_or(|zone| it.zone.as_ref() == Some(zone))
    });
    u32::try_from(stays.count()).unwrap_or(u32::MAX)
}

/// One rule, read twice: nothing about where its requests go, or which it takes, is different. The ARN of a default
/// action depends on how it was asked for.
pub fn same(a: &Rule, b: &Rule) -> bool {
    let parts = |it: &Rule| {
        (it.priority.clone(), it.conditions.clone(), it.forwards.clone(), it.sticky, it.kinds.clone())
    };
    parts(a) == parts(b)
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

impl Guard {
    /// What has to be true, in a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Binding { .. } => "same binding and group".to_owned(),
            Self::Unbound { group, .. } => format!("no binding names {}", group.name()),
            Self::Only { .. } => "no other target registered meanwhile".to_owned(),
            Self::Leaves { key, pod: Some(_), wanted: true } => format!("{key} registered, same pod"),
            Self::Leaves { key, pod: Some(_), .. } => format!("{key} registered, same pod or none"),
            // Behind a node there are pods, or none: it is not about them.
            Self::Leaves { key, pod: None, .. } if key.ip().is_none() => format!("{key} registered"),
            Self::Leaves { key, pod: None, .. } => format!("{key} registered, no pod"),
            Self::Arrives { key, .. } => format!("{key} wanted, same pod, not registered"),
            Self::Absent { key } => format!("{key} not registered"),
            Self::Healthy { zone: None, least, .. } => format!("{least} or more healthy stay"),
            Self::Healthy { zone: Some(zone), least, .. } => {
                format!("{least} or more healthy stay in {zone}")
            }
            Self::Action { .. } => "its actions are as they were read".to_owned(),
            Self::Serves { group, least } => format!("{least} or more healthy in {}", group.name()),
            Self::Label { object, key, value, .. } => {
                let value =
                    value.as_ref().map_or_else(|| format!("no label {key}"), |it| format!("{key}={it}"));
                match object {
                    Labelled::Pod(..) => format!("same pod, {value}"),
                    Labelled::Node(_) => format!("same node, {value}"),
                }
            }
        }
    }
}
