//! The verdict of a binding: one word about the traffic, and a sentence that says why.

mod causes;
mod rows;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use self::rows::breakdown;
use self::rows::common;
use self::rows::is_moving_only;
use self::rows::wrong_beside;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::elb::GroupType;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::KnownGroup;
use crate::domain::inventory::Source;
use crate::domain::inventory::routes;
use crate::domain::inventory::routes::Routes;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::rollout::RolloutState;
use crate::domain::judgement::row::Counts;
use crate::domain::judgement::row::Flag;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::settled;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;
use crate::domain::judgement::zones::by_zone;
use crate::domain::judgement::zones::cross_zone;
use crate::domain::judgement::zones::dark_zone;
use crate::domain::judgement::zones::failed_over;
use crate::domain::judgement::zones::is_passive;
use crate::domain::judgement::zones::load_balancers;
use crate::domain::judgement::zones::passive_zone;
use crate::domain::judgement::zones::zone_of;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub(crate) word: VerdictKind,
    pub sentence: String,
    /// Nothing is wrong although the word is not "serving": zero replicas are desired.
    pub(crate) neutral: bool,
    /// What to do about it, where its cause tells.
    pub(crate) next: Option<String>,
}

fn say(word: VerdictKind, sentence: impl Into<String>) -> Verdict {
    Verdict { word, sentence: sentence.into(), neutral: false, next: None }
}

pub(crate) fn verdict(case: &Case<'_>, rows: &[Row], counts: &Counts) -> Verdict {
    if let Some(gone) = gone(case) {
        return gone;
    }
    if let Some(unknown) = unreadable(case) {
        return unknown;
    }
    if case.routes.none_lead() {
        return say(VerdictKind::NotRouted, "no listener or rule forwards to this target group");
    }
    if case.routes.all_weightless() {
        return say(
            VerdictKind::NotRouted,
            "every rule that forwards to this target group gives it weight 0",
        );
    }
    let all_unused = || {
        rows.iter().filter_map(Row::state).all(|it| matches!(it, HealthState::Unused | HealthState::Draining))
    };
    if let Some(never) = misfit(case).filter(|_| counts.in_service == 0) {
        return say(VerdictKind::Down, never.to_string());
    }
    if counts.registered == 0 && case.unreadable() > 0 {
        return say(VerdictKind::Unknown, unreadable_targets(case.unreadable()));
    }
    if counts.registered == 0 {
        return empty(case, counts);
    }
    if let Some(open) = fail_open(case, rows) {
        return open;
    }
    if counts.healthy == 0 && all_unused() {
        return say(VerdictKind::NotRouted, "no load balancer uses these targets");
    }
    if case.binding.is_some() && (!case.endpoints_usable() || counts.wanted == 0 && !case.resolved()) {
        let registered = targets(counts.registered);
        return say(VerdictKind::Unknown, format!("{registered} registered, but {UNRESOLVED}"));
    }
    if case.binding.is_some() && counts.wanted == 0 {
        let (cause, next) = why_none_wanted(case);
        let sentence = format!("{cause}, yet {} registered", targets(counts.registered));
        return Verdict { next, ..say(VerdictKind::Degraded, sentence) };
    }
    of_counts(case, rows, counts)
}

/// What the rows come to where some are wanted and registered.
fn of_counts(case: &Case<'_>, rows: &[Row], counts: &Counts) -> Verdict {
    let passive = u32::try_from(rows.iter().filter(|it| is_passive(it)).count()).unwrap_or(u32::MAX);
    let missing = counts.wanted.saturating_sub(counts.in_service).saturating_sub(passive);
    let told = || {
        let common = common(rows).map_or_else(String::new, |it| format!(" · {it}"));
        format!("{} of {} in service: {}{common}", counts.in_service, counts.wanted, breakdown(rows))
    };
    let missed = |row: &&Row| row.wanted == Some(true) && row.standing != Standing::InService;
    let is_news = |row: &Row| row.has_older_health() || is_passive(row);
    if missing > 0 && counts.in_service == 0 && rows.iter().filter(missed).all(is_news) {
        let text = "the health on show is older than the last change of these endpoints";
        let sentence = format!("how many of {} are in service is not known; {text}", counts.wanted);
        return say(VerdictKind::Unknown, sentence);
    }
    let undecided = rows.iter().any(|row| row.wanted == Some(true) && row.standing == Standing::Unknown);
    if missing > 0 && undecided && counts.problems == 0 {
        let is_moving = counts.in_service > 0 && is_moving_only(rows, counts);
        return say(if is_moving { VerdictKind::Rolling } else { VerdictKind::Unknown }, told());
    }
    if missing > 0 && counts.in_service == 0 && counts.healthy == 0 {
        return say(VerdictKind::Down, format!("{}: {}", told(), nobody_serves(case, rows)));
    }
    if missing > 0 && counts.in_service == 0 {
        let others = match counts.healthy {
            1 => "1 target that no endpoint wants takes".to_owned(),
            n => format!("{n} targets that no endpoint wants take"),
        };
        return say(VerdictKind::Degraded, format!("{}; {others} the requests", told()));
    }
    let failed_over = failed_over(case, rows);
    if missing == 0 {
        return of_whole(case, rows, counts, (passive, failed_over));
    }
    let is_moving = failed_over.is_none() && is_moving_only(rows, counts);
    let kind = if is_moving { VerdictKind::Rolling } else { VerdictKind::Degraded };
    let also = failed_over.map_or(String::new(), |it| format!("; {it}"));
    say(kind, told() + &also)
}

/// What is still to be said where all that is wanted serves. `passive`: nodes that do not by design; `failed_over`: that a
/// zone leaves DNS.
fn of_whole(
    case: &Case<'_>,
    rows: &[Row],
    counts: &Counts,
    (passive, failed_over): (u32, Option<String>),
) -> Verdict {
    if let Some(zone) = dark_zone(case, rows) {
        let next = (!cross_zone(case))
            .then(|| format!("have a pod in {zone}, or turn cross-zone load balancing on"));
        return Verdict { next, ..say(VerdictKind::Degraded, format!("zone {zone} has no healthy target")) };
    }
    let mut sentence = in_service(case, counts, passive);
    if let Some(fault) = failed_over.or_else(|| impaired(case)) {
        return say(VerdictKind::Degraded, format!("{sentence}; {fault}"));
    }
    let held = rows.iter().filter(|it| it.flags.contains(&Flag::OtherGate)).count();
    let stuck = causes::stuck(case);
    let is_rolling = || settled::workloads(case).iter().any(|it| matches!(it, RolloutState::Moving(_)));
    let kind = match case.binding {
        None if counts.healthy < counts.registered => VerdictKind::Degraded,
        Some(_) if counts.problems == 0 && held == 0 && is_rolling() => VerdictKind::Rolling,
        _ => VerdictKind::Serving,
    };
    if held > 0 {
        let pods = if held == 1 { "1 pod is".to_owned() } else { format!("{held} pods are") };
        sentence.push_str(
            &["; ", &pods, " not Ready: a readiness gate that is not this binding's is not True"].concat(),
        );
    }
    sentence.extend(stuck.iter().map(|it| format!("; {it}")));
    sentence.extend(wrong_beside(rows).map(|it| format!("; {it}")));
    if kind == VerdictKind::Rolling {
        sentence += "; a workload behind it is rolling out or scaling";
    }
    sentence.extend(passive_zone(case, rows).map(|zone| {
        format!(
            "; zone {zone} has no ready pod, so the load balancer takes the zone out of its DNS: who still uses its address there gets nothing (a pod there, or cross-zone on)"
        )
    }));
    let next = stuck.map(|_| causes::NO_PODS_NEXT.to_owned());
    Verdict { next, ..say(kind, sentence) }
}

/// AWS says that the group does not exist: deleted, or made anew with another ARN.
fn gone(case: &Case<'_>) -> Option<Verdict> {
    case.is_gone().then(|| {
        let arn = case.arn.as_ref();
        let another = arn.and_then(|arn| {
            let mut groups = case.inventory.groups.iter();
            groups.find(|(it, known)| *it != arn && it.name() == arn.name() && known.group.is_some())
        });
        let another = another.map_or(String::new(), |(it, _)| format!("; another of this name exists: {it}"));
        say(VerdictKind::Down, format!("its target group does not exist any more{another}"))
    })
}

/// Why the binding can never register anything in its group.
pub(crate) fn misfit(case: &Case<'_>) -> Option<Misfit> {
    let (binding, group) = (case.binding?, case.target_group()?);
    let wanted = match binding.target_type? {
        TargetType::Ip => GroupType::Ip,
        TargetType::Instance => GroupType::Instance,
    };
    let differs = group.kind != wanted && group.kind != GroupType::Unknown;
    differs.then_some(Misfit { binding: wanted, group: group.kind })
}

/// The target type of a binding is not that of its group; neither can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the binding is for targets of type {}, its target group of type {}: it can never register; the type cannot be changed, bind anew",
    .binding.text(),
    .group.text()
)]
pub(crate) struct Misfit {
    binding: GroupType,
    group: GroupType,
}

/// What clients get from a group without a target that takes requests.
fn without_targets(case: &Case<'_>) -> &'static str {
    match case.target_group().map(TargetGroup::of_application_lb) {
        Some(true) => "the load balancer answers 503",
        Some(false) => "connections fail",
        None => "nothing answers",
    }
}

/// What clients get while nothing is in service, and who else has these pods.
fn nobody_serves(case: &Case<'_>, rows: &[Row]) -> String {
    let (group, answer) = (case.target_group(), without_targets(case));
    let registering = rows.iter().any(|it| it.standing == Standing::Registering);
    let until = group.filter(|_| registering).map(TargetGroup::registration_allowance);
    let until = match (impaired(case), until) {
        // Nothing is promised by a load balancer that is not in order.
        (Some(impaired), _) => format!("; {impaired}"),
        (None, Some(it)) => format!(" until the first checks pass (within about {it} s)"),
        (None, None) => String::new(),
    };
    let elsewhere = serving_elsewhere(case, rows).map_or(String::new(), |arn| {
        let weightless = routes::routes(case.inventory, arn).all_weightless();
        let weight = match weightless && case.arn.as_ref().is_some_and(|it| shares_a_rule(case, it, arn)) {
            true => ", which has weight 0 (W shifts there)",
            false if weightless => ", which has weight 0",
            false => "",
        };
        format!("; the same pods are healthy in {}{weight}", arn.name())
    });
    format!("no target takes requests, {answer}{until}{elsewhere}")
}

/// A group of the same VPC, where an address is the same pod, in which every pod wanted here is healthy.
fn serving_elsewhere<'a>(case: &Case<'a>, rows: &[Row]) -> Option<&'a TargetGroupArn> {
    let vpc = case.target_group()?.vpc.as_ref()?;
    let wanted: BTreeSet<_> =
        rows.iter().filter(|it| it.wanted == Some(true)).filter_map(|it| it.key.target().cloned()).collect();
    let serves = |known: &KnownGroup| {
        let targets = known.targets.iter().flat_map(|it| &it.targets).filter(|it| it.serves());
        let healthy = targets.filter(|it| wanted.contains(&it.key)).count();
        !wanted.is_empty() && healthy == wanted.len()
    };
    let is_here = |known: &KnownGroup| known.group.as_ref().is_some_and(|it| it.vpc.as_ref() == Some(vpc));
    let mut groups = case.inventory.groups.iter().filter(|(arn, _)| Some(*arn) != case.arn.as_ref());
    groups.find(|(_, known)| is_here(known) && serves(known)).map(|(arn, _)| arn)
}

/// Some rule forwards to both groups: requests can be shifted from one to the other.
fn shares_a_rule(case: &Case<'_>, one: &TargetGroupArn, other: &TargetGroupArn) -> bool {
    let mut rules = case.inventory.routes.values().flatten().flat_map(|it| &it.rules);
    let leads_to = |rule: &Rule, group: &TargetGroupArn| rule.forwards.iter().any(|it| it.group == *group);
    rules.any(|it| leads_to(it, one) && leads_to(it, other))
}

/// A load balancer in front that is not in order.
fn impaired(case: &Case<'_>) -> Option<String> {
    load_balancers(case).find_map(|it| {
        let state = it.state.as_deref().filter(|it| *it != "active")?;
        Some(format!("load balancer {} is {}", it.name, state.replace('_', " ")))
    })
}

/// What serves, and what of that is assumed.
fn in_service(case: &Case<'_>, counts: &Counts, passive: u32) -> String {
    let serving = match case.binding {
        Some(_) if passive > 0 => {
            format!("{} of {} in service, {passive} passive by design", counts.in_service, counts.wanted)
        }
        Some(_) => format!("{} of {} in service", counts.in_service, counts.wanted),
        None => format!("{} of {} targets healthy", counts.healthy, counts.registered),
    };
    let source = || case.arn.clone().map(Source::Group);
    let failed =
        || source().and_then(|it| case.inventory.freshness(&it)).is_some_and(|it| it.failed.is_some());
    match case.routes {
        Routes::Unread if failed() => {
            format!("{serving}; whether anything forwards to the group could not be read")
        }
        _ => serving,
    }
}

fn unreadable(case: &Case<'_>) -> Option<Verdict> {
    let Some(arn) = &case.arn else {
        let text = case.binding.and_then(|it| it.group_text.clone().or_else(|| it.group_name.clone()));
        let text = text.map_or_else(
            || "the binding names no target group".to_owned(),
            |it| format!("the binding's target group {it} has no ARN yet"),
        );
        return Some(say(VerdictKind::Unknown, text));
    };
    if case.targets_usable() {
        return None;
    }
    let failed = case.inventory.freshness(&Source::Targets(arn.clone())).and_then(|it| it.failed.as_ref());
    let foreign = foreign(case, arn).unwrap_or_default();
    let text = match (failed, case.targets()) {
        (Some((_, failure)), None) => format!("targets unread: {}{foreign}", failure.message),
        (Some((_, failure)), Some(_)) => format!("health too old to judge: {}{foreign}", failure.message),
        (None, _) => "the health of the targets has not been read yet".to_owned(),
    };
    let account = || format!("use --profile with access to account {}", arn.account());
    let next = match failed {
        _ if !foreign.is_empty() => Some(account()),
        Some((_, failure)) => failure.hint.clone(),
        None => None,
    };
    Some(Verdict { next, ..say(VerdictKind::Unknown, text) })
}

/// That we are of another account than the group, which alone may be why it cannot be read.
fn foreign(case: &Case<'_>, arn: &TargetGroupArn) -> Option<String> {
    let caller = case.inventory.caller.as_ref()?;
    let assumes = case.binding.is_some_and(|it| it.assume_role.is_some());
    (!assumes && caller.account != arn.account()).then(|| {
        format!(
            "; your credentials are of account {}, the group is of account {}",
            caller.account,
            arn.account()
        )
    })
}

fn empty(case: &Case<'_>, counts: &Counts) -> Verdict {
    let workloads = settled::workloads(case);
    let at_rest = !workloads.is_empty() && workloads.iter().all(|it| *it == RolloutState::Quiet(0));
    let (cause, next) = match counts.wanted {
        _ if case.binding.is_none() => ("no target is registered".to_owned(), None),
        0 if at_rest && case.resolution.backend == Backend::Found => {
            ("zero replicas are desired".to_owned(), None)
        }
        0 => why_none_wanted(case),
        wanted => (format!("{wanted} wanted, none registered"), None),
    };
    Verdict {
        word: VerdictKind::Empty,
        sentence: format!("{cause}: {}", without_targets(case)),
        neutral: at_rest && counts.wanted == 0,
        next,
    }
}

const UNRESOLVED: &str = "which endpoints are wanted could not be read";

/// With what to do about it, where that is told by the cause.
fn why_none_wanted(case: &Case<'_>) -> (String, Option<String>) {
    if case.binding.is_some_and(|it| it.deleted.is_some()) {
        return ("the binding is being deleted".to_owned(), None);
    }
    let why = match &case.resolution.backend {
        Backend::ServiceMissing => {
            let elsewhere = service_elsewhere(case).unwrap_or_default();
            format!("its service does not exist{elsewhere}")
        }
        Backend::PortMissing(have) => {
            let quoted = quoted_number(case).map_or(String::new(), |it| {
                format!("; \"{it}\" is written as text and taken for a name: write it without quotes")
            });
            format!("its service has no such port, only {}{quoted}", have.join(", "))
        }
        Backend::Broken(problem) => problem.clone(),
        _ if !case.resolved() => UNRESOLVED.to_owned(),
        Backend::Found | Backend::Unread(_) => {
            return causes::none_wanted(case).map_or_else(
                || ("no endpoint is wanted".to_owned(), None),
                |(why, next)| (format!("no endpoint is wanted ({why})"), Some(next.to_owned())),
            );
        }
    };
    (why, None)
}

/// The port of the binding where it is a number written as text.
pub(crate) fn quoted_number<'a>(case: &Case<'a>) -> Option<&'a str> {
    match &case.binding?.port {
        PortRef::Name(name) if name.parse::<u16>().is_ok() => Some(name),
        _ => None,
    }
}

/// That a service of this name is in another namespace, where a binding cannot name it.
fn service_elsewhere(case: &Case<'_>) -> Option<String> {
    let (cluster, wanted) = (case.cluster?, case.binding?.service_name());
    let namesake = |it: &&ObjectName| it.name == wanted.name && it.namespace != wanted.namespace;
    let other = cluster.services.keys().find(namesake)?;
    let namespace = &wanted.namespace;
    Some(format!(
        " in namespace {namespace} ({other} exists, but a binding names services of its own namespace only)"
    ))
}

/// That something of an answer is missing in what is shown.
pub(crate) fn unreadable_targets(n: u32) -> String {
    match n {
        1 => "1 target in the answer of AWS could not be read".to_owned(),
        n => format!("{n} targets in the answer of AWS could not be read"),
    }
}

fn targets(n: u32) -> String {
    match n {
        1 => "1 target is".to_owned(),
        n => format!("{n} targets are"),
    }
}

/// Fewer healthy than the group asks for while something is registered and failing: traffic goes to all. Nodes that are
/// passive by design do not count: a zone that has no others leaves DNS instead.
fn fail_open(case: &Case<'_>, rows: &[Row]) -> Option<Verdict> {
    let attributes = case.attributes().cloned().unwrap_or_default();
    let failing = |row: &Row| {
        let state = row.state();
        !is_passive(row) && matches!(state, Some(HealthState::Unhealthy | HealthState::UnhealthyDraining))
    };
    if !rows.iter().any(failing) {
        return None;
    }
    let registered = rows.iter().filter(|it| !is_passive(it) && it.live()).count();
    let registered = u32::try_from(registered).unwrap_or(u32::MAX);
    let healthy = rows.iter().filter(|it| it.state() == Some(&HealthState::Healthy)).count();
    let healthy = u32::try_from(healthy).unwrap_or(u32::MAX);
    let least = attributes.minimum_healthy(registered);
    if healthy < least {
        let text = format!(
            "{healthy} of {registered} targets are healthy (minimum {least}), so the load balancer sends traffic to all of them"
        );
        return Some(say(VerdictKind::FailOpen, text));
    }
    if cross_zone(case) {
        return None;
    }
    for (zone, (registered, healthy)) in by_zone(rows.iter().filter(|it| !is_passive(it))) {
        let least = attributes.minimum_healthy(registered);
        if healthy < least && rows.iter().any(|row| failing(row) && zone_of(row) == Some(&zone)) {
            let text = format!(
                "zone {zone}: {healthy} of {registered} targets are healthy (minimum {least}), so its traffic goes to all of them"
            );
            return Some(say(VerdictKind::FailOpen, text));
        }
    }
    None
}

#[cfg(test)]
mod tests;
