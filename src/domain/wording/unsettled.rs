//! Why a binding is not settled: the codes of `unsettledBecause` in words, with the rows and pods they are about.

use std::collections::BTreeSet;

use crate::domain::facts::cluster::Status;
use crate::domain::facts::ids::RowKey;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::settled;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::act::listed;

/// A code of `unsettledBecause` in words, with the names that the report has.
pub(super) fn said(it: &str, report: &Report) -> String {
    if let Some(standing) = Standing::ALL.into_iter().find(|standing| standing.unsettles() == Some(it)) {
        let rows = report.rows.iter().filter(|row| row.standing == standing);
        return stands(standing, &rows.map(name).collect::<Vec<_>>()).unwrap_or_else(|| code(it));
    }
    match (it, report.controller.presence) {
        ("generation-unseen", Presence::Absent | Presence::Down) => {
            "no controller is there to see the binding's last change".to_owned()
        }
        ("pod-not-in-service", _) => {
            let out = |row: &&Row| row.standing != Standing::InService && !row.terminating();
            pods(report.rows.iter().filter(out), "not in service").unwrap_or_else(|| code(it))
        }
        ("gate-not-true", _) => {
            let closed = |row: &&Row| {
                let gate = row.endpoint.as_ref().and_then(|it| it.gate);
                row.wanted == Some(true) && gate.is_some_and(|it| it != Status::True)
            };
            pods(report.rows.iter().filter(closed), "waiting for the readiness gate of this binding")
                .unwrap_or_else(|| code(it))
        }
        _ => code(it),
    }
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
fn name(row: &Row) -> String {
    match (&row.key, row.endpoint.as_ref().and_then(|it| it.pod.as_ref())) {
        (RowKey::Pod(_), Some(pod)) => format!("pod {pod}"),
        (key, _) => key.to_string(),
    }
}

/// A code of `unsettledBecause` in words.
pub fn code(code: &str) -> String {
    let listed = settled::CODES.iter().find(|(it, _)| *it == code).map(|(_, text)| (*text).to_owned());
    let standing = || {
        Standing::ALL
            .iter()
            .find(|it| it.unsettles() == Some(code))
            .map(|it| format!("a row has the standing {}", it.word()))
    };
    let empty = || (code == settled::EMPTY).then(|| "no endpoint is wanted".to_owned());
    listed.or_else(standing).or_else(empty).unwrap_or_else(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture::World;

    fn why(world: &World) -> Vec<String> {
        let report = world.report();
        report.settled.because.iter().map(|it| said(it, &report)).collect()
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
        assert_eq!(said("orphan", &report), "a row has the standing orphan");
        assert_eq!(said("pod-not-in-service", &report), code("pod-not-in-service"));
        assert_eq!(said("gate-not-true", &report), code("gate-not-true"));
    }
}
