//! Why a binding or group has its verdict, and the line about its controller.

use std::collections::BTreeMap;

use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::lineage::of_tags;
use crate::domain::facts::ownership::AUTO_MODE_TAG;
use crate::domain::facts::ownership::is_controllers;
use crate::domain::facts::time::Timestamp;
use crate::domain::facts::time::age;
use crate::domain::inventory::KnownGroup;
use crate::domain::judgement::controller::Activity;
use crate::domain::judgement::controller::Controller;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::controller::controller_error;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::report::Deleting;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::manner::Manner;
use crate::domain::wording::around::Around;
use crate::domain::wording::explanation::Explanation;
use crate::domain::wording::explanation::say;
use crate::domain::wording::unsettled;
use crate::domain::wording::words;

/// Why a binding or group has its verdict, and what keeps it from being settled.
pub(crate) fn of_report(
    report: &Report,
    (group, manner): (Option<&KnownGroup>, &Manner),
    now: Timestamp,
) -> Explanation {
    let since = report.verdict_since.map_or(String::new(), |at| format!(", for {}", age(now.since(at))));
    let mut words = say(format!("{}{since}: {}.", report.verdict.word.text(), report.verdict.sentence));
    if matches!(report.subject, Subject::Group(_)) {
        words.facts.push(
            "No binding names this group, so there is nothing in Kubernetes to compare it with.".to_owned(),
        );
    }
    if let Some(deleting) = &report.deleting {
        return of_deletion(report, deleting, now);
    }
    match report.settled.value {
        Some(true) => {
            let draining = report.rows.iter().filter(|it| it.standing == Standing::Draining).count();
            let but = match draining {
                0 => String::new(),
                1 => " except 1 draining target".to_owned(),
                n => format!(" except {n} draining targets"),
            };
            words
                .facts
                .push(format!("Settled: every wanted endpoint is in service and nothing changes{but}."));
        }
        _ if report.settled.because.is_empty() => {}
        _ => words.facts.push(format!(
            "Not settled: {}.",
            report
                .settled
                .because
                .iter()
                .map(|it| unsettled::said(*it, report))
                .collect::<Vec<_>>()
                .join("; ")
        )),
    }
    match &report.backend {
        Backend::ServiceMissing => {
            words.next = Some(
                "create the service, or correct spec.serviceRef.name: until then the controller deregisters everything"
                    .to_owned(),
            )
        }
        Backend::PortMissing(_) => {
            words.next = Some(
                "set spec.serviceRef.port to a port of the service (a number without quotes), not a target port or node port"
                    .to_owned(),
            )
        }
        Backend::Broken(problem) => {
            words.facts.push(format!("The controller cannot compute endpoints: {problem}."));
            words.next =
                Some("mend that: until then every change of this binding fails, also what should go".to_owned());
        }
        Backend::Found | Backend::Unread(_) => words.next.clone_from(&report.verdict.next),
    }
    if report.fought_by.is_some() {
        words.next = Some(words::SHARED_GROUP.to_owned());
    }
    if report.group_is_gone {
        words.next = Some("unbind (B) and bind anew: the ARN of a binding cannot be changed".to_owned());
    }
    let is_auto = matches!(&report.subject, Subject::Binding(it) if it.api == BindingApi::AutoMode);
    let tags = group.and_then(|it| it.tags.as_ref());
    if is_auto && tags.is_some_and(|it| !it.contains_key(AUTO_MODE_TAG)) {
        words.facts.push(format!(
            "The target group has no tag {AUTO_MODE_TAG}: EKS Auto Mode may register only in groups that carry it, with the cluster's name."
        ));
    }
    if let Some(error) = report.controller.fails_with() {
        words.facts.push(format!("The controller fails: {}.", controller_error(error)));
    }
    words.facts.extend(lineage(report, tags));
    let (cause, next) = commonest(report, &Around::of(report, group, manner));
    words.facts.splice(0..0, cause);
    words.next = words.next.or(next);
    words.facts.extend(report.assumptions.iter().map(|it| format!("{it}.")));
    words
}

/// Who made binding and group, where something is to be changed: there, or the change does not stay.
fn lineage(report: &Report, tags: Option<&BTreeMap<String, String>>) -> Vec<String> {
    if report.counts.problems == 0 {
        return Vec::new();
    }
    let mut all: Vec<String> = Vec::new();
    if let Some(maker) = &report.made_by {
        all.push(format!("The binding is {}: {}.", maker.text(), maker.change()));
    }
    if let Some(maker) = tags.and_then(of_tags)
        && Some(&maker) != report.made_by.as_ref()
    {
        all.push(format!("The target group is {}: {}.", maker.text(), maker.change()));
    }
    all
}

/// What most of the rows with problems have to say, and the next step for them.
fn commonest(report: &Report, around: &Around<'_>) -> (Option<String>, Option<String>) {
    let mut causes: Vec<(Explanation, Vec<&Row>)> = Vec::new();
    for row in report.rows.iter().filter(|it| it.problem).take(CAUSES) {
        let words = words::of_row(row, around);
        match causes.iter_mut().find(|(it, _)| it.headline == words.headline) {
            Some((_, rows)) => rows.push(row),
            None => causes.push((words, vec![row])),
        }
    }
    // Of those that are as many, the worst comes first.
    causes.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let Some((words, rows)) = causes.into_iter().next() else { return (None, None) };
    let name = rows.first().map(|row| unsettled::name(row)).unwrap_or_default();
    let others = match rows.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    (Some(format!("{name}{others}: {}", words.headline)), words.next)
}

/// Rows whose causes are compared at most.
const CAUSES: usize = 200;

/// A binding that is being deleted: what it waits for, and what to do about it.
fn of_deletion(report: &Report, deleting: &Deleting, now: Timestamp) -> Explanation {
    let waits = match deleting.finalizers.as_slice() {
        [] => "nothing holds it".to_owned(),
        [one] => format!("it waits for its finalizer {one}"),
        all => format!("it waits for its finalizers {}", all.join(", ")),
    };
    let mut words = say(format!("Being deleted for {}: {waits}.", age(now.since(deleting.since))));
    if let Some(error) = &deleting.failed {
        words.facts.push(format!("The controller's cleanup fails: {error}."));
    }
    let registered = report.counts.registered;
    if registered > 0 {
        words.facts.push(match registered {
            1 => "1 target is still registered and gets traffic if healthy.".to_owned(),
            n => format!("{n} targets are still registered and get traffic if healthy."),
        });
    }
    // Where a controller still holds it as well, that comes first.
    let foreign = match deleting.finalizers.iter().any(|it| is_controllers(it)) {
        true => None,
        false => deleting.finalizers.first(),
    };
    words.next = match (report.controller.presence, &deleting.failed) {
        _ if let Some(it) = foreign => {
            Some(format!("the controller is done with it: whoever set {it} has to take it off"))
        }
        (Presence::Present | Presence::Unknown, Some(_)) => {
            Some("fix what the message says; the controller retries automatically, within 17 minutes".to_owned())
        }
        (Presence::Down | Presence::Absent, _) => Some(
            "bring the controller back; if there will be none, remove the finalizer manually and deregister (X) the targets left behind".to_owned(),
        ),
        _ => None,
    };
    words
}

/// The controller in a line: `controller v3.5.0 idle 12m`.
pub(crate) fn of_controller(controller: &Controller, now: Timestamp) -> String {
    let version = controller.version.as_ref().map_or(String::new(), |it| format!(" v{it}"));
    let state = match (controller.presence, &controller.activity) {
        (Presence::Absent, _) => "absent".to_owned(),
        (Presence::Down, _) => format!("DOWN ({})", controller.sign),
        (Presence::Unknown, Activity::Unknown) => format!("unknown ({})", controller.sign),
        (_, Activity::Asleep { since }) => {
            let since = since.map_or(String::new(), |at| format!(" {}", age(now.since(at))));
            format!("idle{since}")
        }
        (_, Activity::Behind) => "behind: endpoints changed since its last reconcile".to_owned(),
        (_, Activity::Working) => "reconciling".to_owned(),
        (_, Activity::Failing { error, .. }) => format!("failing: {}", controller_error(error)),
        (presence, Activity::Unknown) => presence.word().to_owned(),
    };
    let webhook = match controller.webhook_endpoints {
        Some(0) => " · webhook down: the API server refuses changes of bindings",
        Some(_) | None => "",
    };
    format!("controller{version} {state}{webhook}")
}
