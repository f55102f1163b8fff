//! Why a binding is not settled: the codes of `unsettledBecause` in words, with the rows and pods they are about.

use std::collections::BTreeSet;

use crate::domain::facts::cluster::Status;
use crate::domain::facts::ids::RowKey;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::rollout::RolloutState;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::unsettled::Unsettled;
use crate::domain::plan::act::listed;

/// A reason in words, with the names that the report has.
pub(super) fn said(it: Unsettled, report: &Report) -> String {
    let named = match it {
        Unsettled::Row(standing) => {
            let rows = report.rows.iter().filter(|row| row.standing == standing);
            stands(standing, &rows.map(name).collect::<Vec<_>>())
        }
        Unsettled::GenerationUnseen => report
            .controller
            .is_nobody()
            .then(|| "no controller is there to see the binding's last change".to_owned()),
        Unsettled::PodNotInService => {
            let out = |row: &&Row| row.standing != Standing::InService && !row.terminating();
            pods(report.rows.iter().filter(out), "not in service")
        }
        Unsettled::GateNotTrue => {
            let closed = |row: &&Row| {
                let gate = row.endpoint.as_ref().and_then(|it| it.gate);
                row.wanted == Some(true) && gate.is_some_and(|it| it != Status::True)
            };
            pods(report.rows.iter().filter(closed), "waiting for the readiness gate of this binding")
        }
        Unsettled::OtherGate => {
            let held = report.rows.iter().filter(|row| !row.held_by().is_empty());
            let names: BTreeSet<&str> = held.clone().flat_map(Row::held_by).map(|it| &*it.name).collect();
            pods(held, &format!("not Ready because of the gate {}", listed(&names)))
        }
        Unsettled::GroupContested => report.fought_by.as_ref().map(|it| {
            format!("binding {it} is on the same group, and its controller deregisters what is not its own")
        }),
        Unsettled::RolloutStuck => {
            let stuck = report.workloads.iter().filter_map(|it| match it {
                RolloutState::Stuck(_, why) => Some(why.as_str()),
                _ => None,
            });
            Some(stuck.collect::<Vec<_>>().join("; ")).filter(|it| !it.is_empty())
        }
        Unsettled::RolloutUnknown => {
            let unread: Vec<&str> = report
                .workloads
                .iter()
                .filter_map(|it| match it {
                    RolloutState::Unread(name) => Some(name.as_str()),
                    _ => None,
                })
                .collect();
            let names = || format!("whether {} is at rest is not known: it cannot be read", listed(&unread));
            (!unread.is_empty()).then(names)
        }
        Unsettled::Leaving => {
            pods(report.rows.iter().filter(|row| row.is_leaving()), "terminating and still in service")
        }
        _ => None,
    };
    named.unwrap_or_else(|| meaning(it))
}

/// `192.168.9.9:8080 is an orphan target`; `None` without rows.
fn stands(standing: Standing, names: &[String]) -> Option<String> {
    let (one, many) = match standing {
        Standing::Orphan => ("an orphan target", "orphan targets"),
        other => (other.word(), other.word()),
    };
    match names {
        [] => None,
        [name] => Some(format!("{name} is {one}")),
        names => Some(format!("{} are {many}", listed(names))),
    }
}

/// `pod web-7c9f is not in service`; `None` where no row has a pod.
fn pods<'a>(rows: impl Iterator<Item = &'a Row>, how: &str) -> Option<String> {
    let names: BTreeSet<&String> = rows.filter_map(|it| it.endpoint.as_ref()?.pod.as_ref()).collect();
    match names.len() {
        0 => None,
        1 => Some(format!("pod {} is {how}", listed(names))),
        _ => Some(format!("pods {} are {how}", listed(names))),
    }
}

/// A row as a person knows it: the address and port of its target, else its pod.
pub(super) fn name(row: &Row) -> String {
    match (&row.key, row.endpoint.as_ref().and_then(|it| it.pod.as_ref())) {
        (RowKey::Pod(_), Some(pod)) => format!("pod {pod}"),
        (key, _) => key.to_string(),
    }
}

/// What a reason means, whatever it is about.
pub(crate) fn meaning(it: Unsettled) -> String {
    let text = match it {
        Unsettled::KubernetesUnread => "services, slices, pods or the binding could not be read",
        Unsettled::TargetsUnread => "the health of the targets could not be read",
        Unsettled::TargetsOlderThanChange => {
            "the health on show was asked for before the last change of pods, slices, service or binding"
        }
        Unsettled::RolloutProgressing => "a workload behind the selected pods is rolling out or scaling",
        Unsettled::RolloutStuck => {
            "a workload behind the selected pods is past its deadline, or its pods cannot be made"
        }
        Unsettled::RolloutUnknown => "a workload behind the selected pods cannot be read",
        Unsettled::PodNotInService => {
            "a selected pod that is neither finished nor terminating is not in service"
        }
        Unsettled::GateNotTrue => "a wanted pod's readiness gate for this binding is not True",
        Unsettled::OtherGate => "a pod's readiness gate that is not this binding's is not True",
        Unsettled::Leaving => "a terminating pod is still in service",
        Unsettled::Deleting => "the binding is being deleted",
        Unsettled::GenerationUnseen => "the controller has not seen the binding's last change",
        Unsettled::GroupGone => "its target group does not exist any more",
        Unsettled::GroupContested => {
            "the controller of another binding on the group deregisters what this one wants"
        }
        Unsettled::Empty => {
            "no endpoint is wanted although replicas are desired, or nothing stands behind the service"
        }
        Unsettled::Row(standing) => return format!("a row has the standing {}", standing.word()),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture::World;

    fn why(world: &World) -> Vec<String> {
        let report = world.report();
        report.settled.because.iter().map(|it| said(*it, &report)).collect()
    }

    #[test]
    fn rows_and_pods_that_unsettle_are_named() {
        let world = World::of(
            "10.0.0.1 ready a, 10.0.0.2 ready b | 10.0.0.1 unhealthy Timeout a, 10.0.0.8 healthy a, 10.0.0.9 healthy a",
        );
        let why = why(&world);
        for fact in [
            "10.0.0.8:8080, 10.0.0.9:8080 are orphan targets",
            "10.0.0.1:8080 is failing",
            "10.0.0.2:8080 is unregistered",
            "pods testapp-10-0-0-1, testapp-10-0-0-2 are not in service",
        ] {
            assert!(why.iter().any(|it| it == fact), "{fact:?} is not in {why:?}");
        }
    }

    #[test]
    fn a_code_without_a_row_keeps_its_general_words() {
        let mut report = World::of("10.0.0.1 ready a | 10.0.0.1 healthy a").report();
        report.rows.clear();
        assert_eq!(said(Unsettled::Row(Standing::Orphan), &report), "a row has the standing orphan");
        assert_eq!(said(Unsettled::PodNotInService, &report), meaning(Unsettled::PodNotInService));
        assert_eq!(said(Unsettled::GateNotTrue, &report), meaning(Unsettled::GateNotTrue));
    }
}
