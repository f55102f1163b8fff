//! Whether a step had its effect, by what was read back afterwards.

use crate::domain::facts::elb::HealthState;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::routes;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Labelled;

/// What reading back says of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadBack {
    /// It is as the step meant, in words.
    There(String),
    /// Not yet; what is awaited.
    Awaited(String),
    /// Somebody else changed it meanwhile: it will not come by waiting.
    Overtaken(String),
}

/// Compares what was read after a step with what it meant.
pub fn effect(act: &Act, report: Option<&Report>, inventory: &Inventory) -> ReadBack {
    match act {
        Act::Register { targets, .. } => {
            let keys: Vec<&TargetKey> = targets.iter().map(|it| &it.key).collect();
            all(report, &keys, "registered", |row| {
                !matches!(row.and_then(Row::state), None | Some(HealthState::Draining))
            })
        }
        Act::Deregister { targets, .. } => {
            let keys: Vec<&TargetKey> = targets.iter().map(|it| &it.key).collect();
            all(report, &keys, "out of rotation", left)
        }
        Act::AwaitLeaving { targets, .. } => {
            all(report, &targets.iter().collect::<Vec<_>>(), "out of rotation", left)
        }
        Act::AwaitGone { targets, .. } => {
            let keys: Vec<&TargetKey> = targets.iter().collect();
            if let Some(back) = keys
                .iter()
                .find(|key| !left(find(report, key)) && report.is_some_and(|it| it.asked.is_some()))
            {
                return ReadBack::Overtaken(format!(
                    "{back} is registered again: by the controller or another hand"
                ));
            }
            all(report, &keys, "gone", |row| row.and_then(Row::state).is_none())
        }
        Act::Shift { place, from, to } => match place.find(inventory).map(|it| &it.forwards) {
            None => ReadBack::Awaited(format!("{} could not be read back", place.name)),
            Some(now) if now == to => ReadBack::There(format!("it has the weights {}", routes::told(now))),
            Some(now) if *now == from.forwards => {
                ReadBack::Awaited(format!("it still has the weights {}", routes::told(now)))
            }
            Some(now) => {
                ReadBack::Overtaken(format!("somebody else gave it the weights {}", routes::told(now)))
            }
        },
        Act::AwaitInStep { .. } => in_step(report),
        Act::Mark { binding, uid, marker, answered } => match inventory.binding(binding) {
            None => ReadBack::Overtaken(format!("binding {binding} is gone")),
            Some(it) if it.uid != *uid => ReadBack::Overtaken(format!("binding {binding} was made again")),
            Some(it) if !answered && it.checkpoint.as_deref() == Some(marker) => ReadBack::There(
                "the annotation is written; this controller keeps no checkpoint to answer with".to_owned(),
            ),
            Some(it) if it.checkpoint.as_deref() == Some(marker) => {
                ReadBack::Awaited("the controller has not looked yet: the marker still stands".to_owned())
            }
            Some(_) => ReadBack::There("the controller looked: it overwrote the marker".to_owned()),
        },
        Act::Create { cluster, manifest } => {
            let reference = manifest.reference(cluster);
            match inventory.binding(&reference) {
                Some(_) => ReadBack::There(format!("binding {reference} exists")),
                None => ReadBack::Awaited(format!("binding {reference} is not there yet")),
            }
        }
        Act::DeleteBinding { binding, uid, held } => match inventory.binding(binding) {
            None => ReadBack::There(format!("binding {binding} is gone")),
            Some(it) if it.uid != *uid => ReadBack::Overtaken(format!("binding {binding} was made again")),
            Some(it) if *held && it.deleted.is_some() => ReadBack::There(format!(
                "it is marked for deletion and waits for its finalizers: {}",
                it.finalizers.join(", ")
            )),
            Some(it) => match (&it.failed_cleanup, it.deleted) {
                (Some(message), _) => {
                    ReadBack::Awaited(format!("the controller's clean-up fails: {message}"))
                }
                (None, Some(_)) => {
                    ReadBack::Awaited(format!("it waits for its finalizers: {}", it.finalizers.join(", ")))
                }
                (None, None) => ReadBack::Awaited("it is not being deleted yet".to_owned()),
            },
        },
        Act::DeletePod { cluster, name, uid } => {
            let pod = inventory.cluster(cluster).and_then(|it| it.pods.get(name));
            match pod.filter(|it| it.uid == *uid) {
                None => ReadBack::There(format!("pod {name} is gone")),
                Some(pod) if pod.terminating() => ReadBack::There(format!("pod {name} is terminating")),
                Some(_) => ReadBack::Awaited(format!("pod {name} is not terminating yet")),
            }
        }
        Act::Label { cluster, object, key, to, .. } => {
            let cluster = inventory.cluster(cluster);
            let labels = match object {
                Labelled::Pod(name, uid) => {
                    cluster.and_then(|it| it.pods.get(name)).filter(|it| it.uid == *uid).map(|it| &it.labels)
                }
                Labelled::Node(name) => cluster.and_then(|it| it.nodes.get(name)).map(|it| &it.labels),
            };
            match labels {
                None => ReadBack::Overtaken("it is gone".to_owned()),
                Some(labels) if labels.get(key) == to.as_ref() => ReadBack::There(match to {
                    Some(to) => format!("it has the label {key}={to}"),
                    None => format!("it has no label {key}"),
                }),
                Some(_) => ReadBack::Awaited(format!("the label {key} is not as written")),
            }
        }
    }
}

fn find<'a>(report: Option<&'a Report>, key: &TargetKey) -> Option<&'a Row> {
    report?.row(&RowKey::Target(key.clone()))
}

fn left(row: Option<&Row>) -> bool {
    matches!(row.and_then(Row::state), None | Some(HealthState::Draining | HealthState::UnhealthyDraining))
}

/// All of the targets are as `holds` asks.
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
    match not.as_slice() {
        [] => ReadBack::There(format!("{} of {} {word}", keys.len(), keys.len())),
        [one] if keys.len() == 1 => ReadBack::Awaited(one.clone()),
        some => ReadBack::Awaited(format!(
            "{} of {} {word}; {}",
            keys.len() - some.len(),
            keys.len(),
            some.iter().take(2).cloned().collect::<Vec<_>>().join(", ")
        )),
    }
}

fn in_step(report: Option<&Report>) -> ReadBack {
    let Some(report) = report.filter(|it| it.asked.is_some()) else {
        return ReadBack::Awaited("the targets could not be read".to_owned());
    };
    let count = |standing| report.rows.iter().filter(|it| it.standing == standing).count();
    match &report.backend {
        Backend::Found => {}
        Backend::Broken(problem) => {
            return ReadBack::Awaited(format!("the controller cannot compute endpoints: {problem}"));
        }
        other => return ReadBack::Awaited(format!("what is wanted cannot be told: {other:?}")),
    }
    let words = [Standing::Unregistered, Standing::Lingering, Standing::Orphan, Standing::Unknown]
        .map(|it| (count(it), it.word()))
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"));
    let words: Vec<String> = words.collect();
    match words.is_empty() {
        true => ReadBack::There(format!(
            "AWS has all {} wanted endpoints and nothing unexplained",
            report.counts.wanted
        )),
        false => ReadBack::Awaited(words.join(", ")),
    }
}
