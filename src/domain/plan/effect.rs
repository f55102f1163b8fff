//! Whether a step took effect, by what was read back afterwards.

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::routes;
use crate::domain::inventory::routes::Place;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::rollout::RolloutState;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::act::Labelled;
use crate::domain::plan::act::counted;
use crate::domain::plan::act::listed;

/// What reading back says of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadBack {
    /// It took effect; with what was found.
    There(String),
    /// Not yet; with what is found instead.
    Awaited(String),
    /// Someone else changed it in the meantime, so that waiting does not help; with what was found.
    Overtaken(String),
}

/// Compares what was read after a step with what the step was to bring about. `report` is the judgement of the plan's
/// subject, or of the step's group.
pub(crate) fn effect(act: &Act, report: Option<&Report>, inventory: &Inventory) -> ReadBack {
    match act {
        Act::Register { targets, .. } => all(report, &keys(targets), "registered", registered),
        Act::Deregister { targets, .. } => all(report, &keys(targets), "out of rotation", left),
        Act::AwaitLeaving { targets, .. } => {
            all(report, &targets.iter().collect::<Vec<_>>(), "out of rotation", left)
        }
        Act::AwaitGone { targets, .. } => gone(report, &targets.iter().collect::<Vec<_>>()),
        Act::Shift { place, from, to } => shifted(inventory, place, from, to),
        Act::AwaitReplaced { least, leaving, .. } => replaced(report, *least, leaving),
        Act::AwaitInStep { .. } => in_step(report),
        Act::Mark { binding, uid, marker, answered } => match inventory.binding(binding) {
            None => ReadBack::Overtaken(format!("binding {binding} is gone")),
            Some(it) if it.uid != *uid => recreated(binding),
            Some(it) => marked(it, marker, *answered),
        },
        Act::Create { cluster, manifest } => {
            let reference = manifest.reference(cluster);
            match inventory.binding(&reference) {
                Some(_) => ReadBack::There(format!("binding {reference} exists")),
                None => ReadBack::Awaited(format!("binding {reference} does not exist yet")),
            }
        }
        Act::DeleteBinding { binding, uid, held } => match inventory.binding(binding) {
            None => ReadBack::There(format!("binding {binding} is gone")),
            Some(it) if it.uid != *uid => recreated(binding),
            Some(it) => deleted(it, *held),
        },
        Act::EvictPod { cluster, name, uid } => pod_deleted(inventory, cluster, name, uid),
        Act::Label { cluster, object, key, to, .. } => labelled(inventory, cluster, object, key, to.as_ref()),
    }
}

fn recreated(binding: &BindingRef) -> ReadBack {
    ReadBack::Overtaken(format!("binding {binding} was deleted and recreated"))
}

fn shifted(inventory: &Inventory, place: &Place, from: &Rule, to: &[Forward]) -> ReadBack {
    match place.find(inventory).map(|it| &it.forwards) {
        None => ReadBack::Awaited(format!("{} could not be read back", place.name)),
        Some(now) if now == to => ReadBack::There(format!("the weights are {}", routes::told(now))),
        Some(now) if *now == from.forwards => {
            ReadBack::Awaited(format!("the weights are still {}", routes::told(now)))
        }
        Some(now) => ReadBack::Overtaken(format!("someone else set the weights to {}", routes::told(now))),
    }
}

/// `answered`: the controller keeps a checkpoint, so it overwrites the marker when it reconciles.
fn marked(binding: &Binding, marker: &str, answered: bool) -> ReadBack {
    match (binding.checkpoint.as_deref() == Some(marker), answered) {
        (true, false) => ReadBack::There(
            "the annotation is written; this version of the controller writes no checkpoint, so nothing shows whether it reconciled"
                .to_owned(),
        ),
        (true, true) => {
            ReadBack::Awaited("the controller has not reconciled yet: the marker is still there".to_owned())
        }
        (false, _) => ReadBack::There("the controller reconciled: it overwrote the marker".to_owned()),
    }
}

/// `held`: nobody is there to remove the finalizers, so the mark for deletion is all that can be expected.
fn deleted(binding: &Binding, held: bool) -> ReadBack {
    let waits = match binding.finalizers.as_slice() {
        [one] => format!("waits for its finalizer {one}"),
        all => format!("waits for its finalizers {}", all.join(", ")),
    };
    match (binding.deleted, &binding.failed_cleanup) {
        (Some(_), _) if held => ReadBack::There(format!("the binding is marked for deletion and {waits}")),
        (_, Some(message)) => ReadBack::Awaited(format!("the controller's cleanup fails: {message}")),
        (Some(_), None) => ReadBack::Awaited(format!("the binding {waits}")),
        (None, None) => ReadBack::Awaited("the binding is not being deleted yet".to_owned()),
    }
}

fn pod_deleted(inventory: &Inventory, cluster: &ClusterId, name: &ObjectName, uid: &Uid) -> ReadBack {
    let pod = inventory.cluster(cluster).and_then(|it| it.pods.get(name));
    match pod.filter(|it| it.uid == *uid) {
        None => ReadBack::There(format!("pod {name} is gone")),
        Some(pod) if pod.terminating() => ReadBack::There(format!("pod {name} is terminating")),
        Some(_) => ReadBack::Awaited(format!("pod {name} is not terminating yet")),
    }
}

fn labelled(
    inventory: &Inventory,
    cluster: &ClusterId,
    object: &Labelled,
    key: &str,
    to: Option<&String>,
) -> ReadBack {
    let cluster = inventory.cluster(cluster);
    let labels = match object {
        Labelled::Pod(name, uid) => {
            cluster.and_then(|it| it.pods.get(name)).filter(|it| it.uid == *uid).map(|it| &it.labels)
        }
        Labelled::Node(name) => cluster.and_then(|it| it.nodes.get(name)).map(|it| &it.labels),
    };
    let object = object.called();
    match (labels, to) {
        (None, _) => ReadBack::Overtaken(format!("{object} is gone")),
        (Some(labels), to) if labels.get(key) != to => {
            ReadBack::Awaited(format!("label {key} of {object} has not changed yet"))
        }
        (Some(_), Some(to)) => ReadBack::There(format!("{object} has the label {key}={to}")),
        (Some(_), None) => ReadBack::There(format!("{object} has no label {key}")),
    }
}

fn keys(targets: &[Arriving]) -> Vec<&TargetKey> {
    targets.iter().map(|it| &it.key).collect()
}

fn find<'a>(report: Option<&'a Report>, key: &TargetKey) -> Option<&'a Row> {
    report?.row(&RowKey::Target(key.clone()))
}

fn registered(row: Option<&Row>) -> bool {
    !matches!(row.and_then(Row::state), None | Some(HealthState::Draining))
}

fn left(row: Option<&Row>) -> bool {
    matches!(row.and_then(Row::state), None | Some(HealthState::Draining | HealthState::UnhealthyDraining))
}

/// All of the targets have left the group. One that is back was registered by someone else.
fn gone(report: Option<&Report>, keys: &[&TargetKey]) -> ReadBack {
    let read = report.is_some_and(|it| it.asked.is_some());
    match keys.iter().find(|key| read && !left(find(report, key))) {
        Some(back) => {
            ReadBack::Overtaken(format!("{back} was registered again, by the controller or someone else"))
        }
        None => all(report, keys, "gone", |row| row.and_then(Row::state).is_none()),
    }
}

/// All of the targets are as `holds` asks; `word` says how that is.
fn all(
    report: Option<&Report>,
    keys: &[&TargetKey],
    word: &str,
    holds: impl Fn(Option<&Row>) -> bool,
) -> ReadBack {
    if report.is_none_or(|it| it.asked.is_none()) {
        return ReadBack::Awaited("the targets could not be read".to_owned());
    }
    let not: Vec<String> = keys
        .iter()
        .filter(|key| !holds(find(report, key)))
        .map(|key| match find(report, key).and_then(Row::state) {
            Some(state) => format!("{key} is {}", state.text()),
            None => format!("{key} is not registered"),
        })
        .collect();
    match (keys, not.as_slice()) {
        ([one], []) => ReadBack::There(format!("{one} is {word}")),
        (_, []) => ReadBack::There(format!("{n} of {n} targets {word}", n = keys.len())),
        ([_], [one]) => ReadBack::Awaited(one.clone()),
        (_, some) => ReadBack::Awaited(format!(
            "{} of {} targets {word}; {}",
            keys.len() - some.len(),
            keys.len(),
            some.iter().take(2).cloned().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// As many endpoints are in service as before, beside those that leave.
fn replaced(report: Option<&Report>, least: u32, leaving: &[TargetKey]) -> ReadBack {
    let Some(report) = report.filter(|it| it.asked.is_some()) else {
        return ReadBack::Awaited("the targets could not be read".to_owned());
    };
    let leaves = |row: &Row| row.key.target().is_some_and(|it| leaving.contains(it));
    let stays = || report.rows.iter().filter(|it| !leaves(it) && !it.terminating() && !it.detached());
    let serves = |it: &&Row| it.wanted == Some(true) && it.standing == Standing::InService;
    let serving = u32::try_from(stays().filter(serves).count()).unwrap_or(u32::MAX);
    // Fewer may be desired by now.
    let desired = report.workloads.iter().map(RolloutState::desired).sum::<Option<u32>>();
    let least = desired.filter(|_| !report.workloads.is_empty()).map_or(least, |it| it.min(least));
    if serving >= least {
        return ReadBack::There(format!("{} in service", counted(serving, "endpoint")));
    }
    let comes = |row: &Row| {
        let side = row.endpoint.as_ref().filter(|_| row.standing != Standing::InService)?;
        let wait = side.wait.as_ref().map_or(String::new(), |it| format!(" ({})", it.code));
        Some(format!("{} is {}{wait}", side.pod.as_deref()?, row.standing.word()))
    };
    let coming: Vec<String> = stays().filter_map(comes).take(2).collect();
    let coming = if coming.is_empty() { String::new() } else { format!("; {}", coming.join(", ")) };
    ReadBack::Awaited(format!("{serving} of {} in service{coming}", counted(least, "endpoint")))
}

/// AWS has every wanted endpoint, and nothing is registered that no endpoint explains.
fn in_step(report: Option<&Report>) -> ReadBack {
    let Some(report) = report.filter(|it| it.asked.is_some()) else {
        return ReadBack::Awaited("the targets could not be read".to_owned());
    };
    let unresolved = match &report.backend {
        Backend::Found => None,
        Backend::Broken(problem) => Some(format!("the controller cannot compute endpoints: {problem}")),
        Backend::ServiceMissing => Some("the service does not exist".to_owned()),
        Backend::PortMissing(_) => Some("the service has no such port".to_owned()),
        Backend::Unread(_) => Some("the endpoints could not be read".to_owned()),
    };
    if let Some(why) = unresolved {
        return ReadBack::Awaited(why);
    }
    let of = |standing: Standing| -> Option<String> {
        let rows = report.rows.iter().filter(|it| it.standing == standing);
        let keys: Vec<String> = rows.map(|it| it.key.to_string()).collect();
        (!keys.is_empty()).then(|| format!("{}: {}", standing.word(), listed(&keys)))
    };
    let off = [Standing::Unregistered, Standing::Lingering, Standing::Orphan, Standing::Unknown];
    let off: Vec<String> = off.into_iter().filter_map(of).collect();
    match off.is_empty() {
        true => ReadBack::There(format!(
            "the targets match the endpoints: {} registered",
            counted(report.counts.wanted, "endpoint")
        )),
        false => ReadBack::Awaited(off.join("; ")),
    }
}
