//! Whether a guard is met, by what was read just before; and what is different where it is not.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::act::counted;
use super::guard::Guard;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::selector::Labels;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::routes::Place;
use crate::domain::inventory::routes::healthy;
use crate::domain::inventory::routes::told;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::act::Labelled;

/// Why a guard is not met: what differs from the plan, or what could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unmet {
    /// Something that the guards compare with is not read, or no longer.
    #[error("what it rests on cannot be read: {0}")]
    Unread(Failure),
    #[error("binding {0} is gone")]
    BindingGone(BindingRef),
    #[error("binding {0} was deleted and recreated")]
    BindingReplaced(BindingRef),
    #[error("binding {0} now names another target group")]
    BindingMoved(BindingRef),
    #[error("binding {0} is being deleted")]
    BindingDeleting(BindingRef),
    #[error("binding {0} now names this target group")]
    Bound(BindingRef),
    /// Neither the binding nor the group of the plan is there any more.
    #[error("what the plan is about is gone")]
    SubjectGone,
    #[error("the targets could not be read")]
    TargetsUnread,
    #[error("the targets of {0} could not be read")]
    GroupUnread(String),
    #[error("the cluster could not be read")]
    ClusterUnread,
    #[error("whether {0} is wanted could not be read")]
    WantedUnread(TargetKey),
    /// The plan would deregister a target that it does not show.
    #[error("{0} was registered in the meantime and would be deregistered")]
    Foreign(RowKey),
    #[error("{0} is no longer registered")]
    NotRegistered(TargetKey),
    #[error("{0} is already draining")]
    Draining(TargetKey),
    #[error("{0} is wanted again: an endpoint of the service has this address")]
    Wanted(TargetKey),
    #[error("endpoint {0} is gone")]
    EndpointGone(TargetKey),
    #[error("endpoint {0} is no longer wanted")]
    NotWanted(TargetKey),
    #[error("{0} was registered in the meantime")]
    Registered(TargetKey),
    #[error("the pod behind {0} is gone")]
    PodBehindGone(TargetKey),
    #[error("a pod now has the address {0}")]
    PodBehindAppeared(TargetKey),
    #[error("another pod now has the address {0}")]
    PodBehindReplaced(TargetKey),
    #[error("only {} would be left{}; the plan requires {least}", counted(*.left, "healthy target"), .zone.as_ref().map_or_else(String::new, |it| format!(" in zone {it}")))]
    TooFewLeft { left: u32, zone: Option<Arc<str>>, least: u32 },
    #[error("{group} has {}; the plan requires {least}", counted(*.healthy, "healthy target"))]
    TooFewServing { group: String, healthy: u32, least: u32 },
    #[error("{0} is gone or could not be read")]
    RuleGone(String),
    /// With the weights it has now.
    #[error("{place} was changed in the meantime: its weights are {weights}")]
    RuleChanged { place: String, weights: String },
    #[error("pod {0} is gone")]
    PodGone(ObjectName),
    #[error("pod {0} was replaced by another pod of the same name")]
    PodReplaced(ObjectName),
    #[error("pod {0} is already terminating")]
    PodTerminating(ObjectName),
    #[error("node {0} is gone")]
    NodeGone(String),
    #[error("label {key} of {object} was changed in the meantime")]
    LabelChanged { key: String, object: String },
}

/// Checks a guard against what was just read: `report` is the judgement of the plan's subject, `None` where it is gone.
pub(crate) fn check(guard: &Guard, report: Option<&Report>, inventory: &Inventory) -> Result<(), Unmet> {
    match guard {
        Guard::Binding { binding, uid, group } => {
            let found = inventory.binding(binding).ok_or_else(|| Unmet::BindingGone(binding.clone()))?;
            same_binding(found, binding, uid, group.as_ref())
        }
        Guard::Unbound { group, cluster } => unbound(inventory, group, cluster.as_ref()),
        Guard::Only { keys } => only(read(report)?, keys),
        Guard::Leaves { key, pod, wanted } => leaves(report, key, pod.as_ref(), *wanted),
        Guard::Arrives { key, pod } => arrives(report, key, pod.as_ref()),
        Guard::Absent { key } => row(report, key)?.map_or(Ok(()), |row| absent(row, key)),
        Guard::Healthy { zone, least, leaving } => {
            let left = staying(read(report)?, leaving, zone.as_ref());
            match left >= *least {
                true => Ok(()),
                false => Err(Unmet::TooFewLeft { left, zone: zone.clone(), least: *least }),
            }
        }
        Guard::Action { place, rule } => sends_as(inventory, place, rule),
        Guard::Serves { group, least } => serves(inventory, group, *least),
        Guard::Label { object, cluster, key, value } => {
            let (labels, object) = labels(object, cluster, inventory)?;
            match labels.get(key) == value.as_ref() {
                true => Ok(()),
                false => Err(Unmet::LabelChanged { key: key.clone(), object }),
            }
        }
    }
}

fn same_binding(
    found: &Binding,
    binding: &BindingRef,
    uid: &Uid,
    group: Option<&TargetGroupArn>,
) -> Result<(), Unmet> {
    if found.uid != *uid {
        return Err(Unmet::BindingReplaced(binding.clone()));
    }
    if found.group.as_ref() != group {
        return Err(Unmet::BindingMoved(binding.clone()));
    }
    match found.deleted {
        Some(_) => Err(Unmet::BindingDeleting(binding.clone())),
        None => Ok(()),
    }
}

fn unbound(inventory: &Inventory, group: &TargetGroupArn, cluster: Option<&ClusterId>) -> Result<(), Unmet> {
    let inside = |it: &BindingRef| cluster.is_none_or(|cluster| *cluster == it.cluster);
    let names = |(it, binding): &(BindingRef, &Binding)| binding.group.as_ref() == Some(group) && inside(it);
    inventory.bindings().find(names).map_or(Ok(()), |(it, _)| Err(Unmet::Bound(it)))
}

fn only(report: &Report, keys: &BTreeSet<TargetKey>) -> Result<(), Unmet> {
    let known = |row: &Row| row.key.target().is_some_and(|it| keys.contains(it));
    let other = report.rows.iter().find(|row| row.live() && !known(row));
    other.map_or(Ok(()), |row| Err(Unmet::Foreign(row.key.clone())))
}

fn leaves(report: Option<&Report>, key: &TargetKey, pod: Option<&Uid>, wanted: bool) -> Result<(), Unmet> {
    let found = row(report, key)?.and_then(|row| Some((row, row.registered()?)));
    let (row, target) = found.ok_or_else(|| Unmet::NotRegistered(key.clone()))?;
    if matches!(target.health.state, HealthState::Draining) {
        return Err(Unmet::Draining(key.clone()));
    }
    // A pod on its way out may be gone by now: that changes nothing about a target nobody wants.
    if wanted || row.uid().is_some() {
        same_pod(row, key, pod)?;
    }
    match (row.wanted, wanted) {
        (Some(true), false) => Err(Unmet::Wanted(key.clone())),
        // Nothing in Kubernetes is compared with a group that no binding names.
        (None, _) if !matches!(report.map(|it| &it.subject), Some(Subject::Group(_))) => {
            Err(Unmet::WantedUnread(key.clone()))
        }
        _ => Ok(()),
    }
}

fn arrives(report: Option<&Report>, key: &TargetKey, pod: Option<&Uid>) -> Result<(), Unmet> {
    let row = row(report, key)?.ok_or_else(|| Unmet::EndpointGone(key.clone()))?;
    same_pod(row, key, pod)?;
    match row.wanted {
        Some(true) => absent(row, key),
        Some(false) => Err(Unmet::NotWanted(key.clone())),
        None => Err(Unmet::WantedUnread(key.clone())),
    }
}

fn sends_as(inventory: &Inventory, place: &Place, rule: &Rule) -> Result<(), Unmet> {
    match place.find(inventory) {
        None => Err(Unmet::RuleGone(place.name.clone())),
        Some(now) if now.sends_as(rule) => Ok(()),
        Some(now) => Err(Unmet::RuleChanged { place: place.name.clone(), weights: told(&now.forwards) }),
    }
}

fn serves(inventory: &Inventory, group: &TargetGroupArn, least: u32) -> Result<(), Unmet> {
    let name = || group.name().to_owned();
    let (healthy, _) = healthy(inventory, group).ok_or_else(|| Unmet::GroupUnread(name()))?;
    match healthy >= least {
        true => Ok(()),
        false => Err(Unmet::TooFewServing { group: name(), healthy, least }),
    }
}

/// A report whose targets were read.
fn read(report: Option<&Report>) -> Result<&Report, Unmet> {
    report.filter(|it| it.asked.is_some()).ok_or(Unmet::TargetsUnread)
}

/// The row of a key; an error where the sides could not be read.
fn row<'a>(report: Option<&'a Report>, key: &TargetKey) -> Result<Option<&'a Row>, Unmet> {
    let report = read(Some(report.ok_or(Unmet::SubjectGone)?))?;
    Ok(report.row(&RowKey::Target(key.clone())))
}

fn absent(row: &Row, key: &TargetKey) -> Result<(), Unmet> {
    match row.state() {
        None | Some(HealthState::Draining | HealthState::UnhealthyDraining) => Ok(()),
        Some(_) => Err(Unmet::Registered(key.clone())),
    }
}

fn same_pod(row: &Row, key: &TargetKey, pod: Option<&Uid>) -> Result<(), Unmet> {
    match (row.uid(), pod) {
        (now, then) if now == then => Ok(()),
        (None, Some(_)) => Err(Unmet::PodBehindGone(key.clone())),
        (Some(_), None) => Err(Unmet::PodBehindAppeared(key.clone())),
        (Some(_), Some(_)) => Err(Unmet::PodBehindReplaced(key.clone())),
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

/// The labels of a pod that is still the same, or of a node, and what it is called.
pub(super) fn labels<'a>(
    object: &Labelled,
    cluster: &ClusterId,
    inventory: &'a Inventory,
) -> Result<(&'a Labels, String), Unmet> {
    let cluster = inventory.cluster(cluster).ok_or(Unmet::ClusterUnread)?;
    match object {
        Labelled::Pod(name, uid) => match cluster.pods.get(name) {
            Some(pod) if pod.uid == *uid && !pod.terminating() => Ok((&pod.labels, object.called())),
            Some(pod) if pod.uid == *uid => Err(Unmet::PodTerminating(name.clone())),
            Some(_) => Err(Unmet::PodReplaced(name.clone())),
            None => Err(Unmet::PodGone(name.clone())),
        },
        Labelled::Node(name) => {
            let node = cluster.nodes.get(name).ok_or_else(|| Unmet::NodeGone(name.clone()))?;
            Ok((&node.labels, object.called()))
        }
    }
}
