//! The verdict of a binding: one word about the traffic, and a sentence that says why.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::Source;
use crate::domain::inventory::routes::Routes;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::row::Counts;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::settled;
use crate::domain::judgement::settled::RolloutState;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub(crate) word: VerdictKind,
    pub sentence: String,
    /// Nothing is wrong although the word is not "serving": zero replicas are desired.
    pub(crate) neutral: bool,
}

fn say(word: VerdictKind, sentence: impl Into<String>) -> Verdict {
    Verdict { word, sentence: sentence.into(), neutral: false }
}

pub(crate) fn verdict(case: &Case<'_>, rows: &[Row], counts: &Counts) -> Verdict {
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
    if counts.registered == 0 {
        return empty(case, counts);
    }
    if let Some(open) = fail_open(case, rows, counts) {
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
        let cause = why_none_wanted(case);
        return say(VerdictKind::Degraded, format!("{cause}, yet {} registered", targets(counts.registered)));
    }
    let passive = rows.iter().filter(|it| it.standing == Standing::Passive).count();
    let passive = u32::try_from(passive).unwrap_or(u32::MAX);
    let missing = counts.wanted.saturating_sub(counts.in_service).saturating_sub(passive);
    if missing > 0 {
        let common = common(rows).map_or_else(String::new, |it| format!(" · {it}"));
        return say(
            VerdictKind::Degraded,
            format!("{} of {} in service: {}{common}", counts.in_service, counts.wanted, breakdown(rows)),
        );
    }
    if let Some(zone) = dark_zone(case, rows) {
        return say(VerdictKind::Degraded, format!("zone {zone} has no healthy target"));
    }
    let kind = match case.binding.is_none() && counts.healthy < counts.registered {
        true => VerdictKind::Degraded,
        false => VerdictKind::Serving,
    };
    say(kind, in_service(case, counts, passive))
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
    let failed = || case.inventory.freshness(&Source::Groups).is_some_and(|it| it.failed.is_some());
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
    Some(say(VerdictKind::Unknown, text))
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
    let effect = match case.target_group().map(crate::domain::facts::elb::TargetGroup::of_application_lb) {
        Some(true) => "the load balancer answers 503",
        Some(false) => "connections fail",
        None => "nothing answers",
    };
    let workloads = settled::workloads(case);
    let at_rest = !workloads.is_empty() && workloads.iter().all(|it| *it == RolloutState::Quiet(0));
    let cause = match counts.wanted {
        _ if case.binding.is_none() => "no target is registered".to_owned(),
        0 if at_rest && case.resolution.backend == Backend::Found => "zero replicas are desired".to_owned(),
        0 => why_none_wanted(case),
        wanted => format!("{wanted} wanted, none registered"),
    };
    Verdict {
        word: VerdictKind::Empty,
        sentence: format!("{cause}: {effect}"),
        neutral: at_rest && counts.wanted == 0,
    }
}

const UNRESOLVED: &str = "which endpoints are wanted could not be read";

fn why_none_wanted(case: &Case<'_>) -> String {
    if case.binding.is_some_and(|it| it.deleted.is_some()) {
        return "the binding is being deleted".to_owned();
    }
    match &case.resolution.backend {
        Backend::ServiceMissing => {
            let elsewhere = service_elsewhere(case).unwrap_or_default();
            format!("its service does not exist{elsewhere}")
        }
        Backend::PortMissing(have) => format!("its service has no such port, only {}", have.join(", ")),
        Backend::Broken(problem) => problem.clone(),
        _ if !case.resolved() => UNRESOLVED.to_owned(),
        Backend::Found | Backend::Unread(_) => "no endpoint is wanted".to_owned(),
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

fn targets(n: u32) -> String {
    match n {
        1 => "1 target is".to_owned(),
        n => format!("{n} targets are"),
    }
}

/// Fewer healthy than the group asks for while something is registered and failing: traffic goes to all.
fn fail_open(case: &Case<'_>, rows: &[Row], counts: &Counts) -> Option<Verdict> {
    let attributes = case.attributes().cloned().unwrap_or_default();
    let failing =
        |row: &Row| matches!(row.state(), Some(HealthState::Unhealthy | HealthState::UnhealthyDraining));
    if !rows.iter().any(failing) {
        return None;
    }
    let least = attributes.minimum_healthy(counts.registered);
    if counts.healthy < least {
        let text = format!(
            "{} of {} targets are healthy (minimum {least}), so the load balancer sends traffic to all of them",
            counts.healthy, counts.registered
        );
        return Some(say(VerdictKind::FailOpen, text));
    }
    if cross_zone(case) {
        return None;
    }
    for (zone, (registered, healthy)) in by_zone(rows) {
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

/// Whether targets of every zone serve every zone.
pub(crate) fn cross_zone(case: &Case<'_>) -> bool {
    let own = |it: &LoadBalancer| match it.kind {
        LoadBalancerKind::Application => true,
        LoadBalancerKind::Network | LoadBalancerKind::Gateway => it.cross_zone.unwrap_or(false),
    };
    case.attributes().and_then(crate::domain::facts::elb::Attributes::cross_zone).unwrap_or_else(|| {
        let mut hung_on = load_balancers(case).peekable();
        match hung_on.peek() {
            Some(_) => hung_on.all(own),
            None => true,
        }
    })
}

fn load_balancers<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a LoadBalancer> {
    let arns = case.target_group().into_iter().flat_map(|it| &it.load_balancers);
    arns.filter_map(|arn| case.inventory.load_balancers.get(arn))
}

fn zone_of(row: &Row) -> Option<&Arc<str>> {
    row.target.as_ref()?.zone.as_ref()
}

/// Registered and healthy by zone.
fn by_zone(rows: &[Row]) -> BTreeMap<Arc<str>, (u32, u32)> {
    let mut zones = BTreeMap::<Arc<str>, (u32, u32)>::new();
    for row in rows {
        let (Some(zone), Some(state)) = (zone_of(row), row.state()) else { continue };
        if *state != HealthState::Draining {
            let entry = zones.entry(zone.clone()).or_default();
            entry.0 += 1;
            entry.1 += u32::from(*state == HealthState::Healthy);
        }
    }
    zones
}

/// A zone of the load balancer that has registered targets and none healthy or, where zones stand alone,
/// no targets at all.
fn dark_zone(case: &Case<'_>, rows: &[Row]) -> Option<Arc<str>> {
    let zones = by_zone(rows);
    let dark = zones.iter().find(|(zone, (_, healthy))| *healthy == 0 && &***zone != "all");
    if let Some((zone, _)) = dark {
        return Some(zone.clone());
    }
    if cross_zone(case) {
        return None;
    }
    load_balancers(case).flat_map(|it| &it.zones).find(|zone| !zones.contains_key(*zone)).cloned()
}

/// `2 failing, 1 registering`.
fn breakdown(rows: &[Row]) -> String {
    let mut counts = BTreeMap::<u8, (Standing, u32)>::new();
    for row in rows.iter().filter(|row| row.wanted == Some(true) && row.standing != Standing::InService) {
        counts.entry(row.standing.rank()).or_insert((row.standing, 0)).1 += 1;
    }
    let parts: Vec<String> =
        counts.into_values().map(|(standing, n)| format!("{n} {}", standing.word())).collect();
    parts.join(", ")
}

/// What the failing rows have in common and the others do not: a node, a zone, a reason.
fn common(rows: &[Row]) -> Option<String> {
    let failing: Vec<&Row> = rows.iter().filter(|row| row.standing == Standing::Failing).collect();
    if failing.len() < 2 {
        return None;
    }
    let all = failing.len();
    let only = |of: &dyn Fn(&Row) -> Option<String>| {
        let values: BTreeSet<Option<String>> = failing.iter().map(|row| of(row)).collect();
        let value = values.first().cloned().flatten().filter(|_| values.len() == 1)?;
        let others = rows.iter().filter(|row| row.standing == Standing::InService);
        let shared = others.into_iter().any(|row| of(row).as_deref() == Some(&value));
        (!shared).then_some(value)
    };
    let node = only(&|row| row.endpoint.as_ref()?.node.as_ref().map(ToString::to_string));
    let zone = only(&|row| zone_of(row).map(ToString::to_string));
    let reason = only(&|row| row.target.as_ref()?.health.reason.as_ref().map(|it| it.text().to_owned()));
    let found = node.map(|it| format!("node {it}")).or(zone.map(|it| format!("zone {it}"))).or(reason);
    found.map(|it| format!("all {all} failing: {it}"))
}

#[cfg(test)]
mod tests;
