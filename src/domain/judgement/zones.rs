//! What targets come to by zone: where zones stand alone, which is dark, which has only nodes that are passive by design.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;

pub(super) fn is_passive(row: &Row) -> bool {
    row.standing == Standing::Passive
}

/// Whether targets of every zone serve every zone.
pub(crate) fn cross_zone(case: &Case<'_>) -> bool {
    let own = |it: &LoadBalancer| match it.kind {
        LoadBalancerKind::Application => true,
        LoadBalancerKind::Network | LoadBalancerKind::Gateway => it.cross_zone.unwrap_or(false),
    };
    case.attributes().and_then(Attributes::cross_zone).unwrap_or_else(|| {
        let mut hung_on = load_balancers(case).peekable();
        match hung_on.peek() {
            Some(_) => hung_on.all(own),
            None => true,
        }
    })
}

pub(super) fn load_balancers<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a LoadBalancer> {
    let arns = case.target_group().into_iter().flat_map(|it| &it.load_balancers);
    arns.filter_map(|arn| case.inventory.load_balancers.get(arn))
}

pub(super) fn zone_of(row: &Row) -> Option<&Arc<str>> {
    row.target.as_ref()?.zone.as_ref()
}

/// Registered and healthy by zone.
pub(super) fn by_zone<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeMap<Arc<str>, (u32, u32)> {
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

/// Targets outside the group's VPC are in no zone of their own.
pub(crate) const ALL_ZONES: &str = "all";

/// A zone of the load balancer that has registered targets and none healthy or, where zones stand alone,
/// no targets at all.
pub(super) fn dark_zone(case: &Case<'_>, rows: &[Row]) -> Option<Arc<str>> {
    let active = by_zone(rows.iter().filter(|it| !is_passive(it)));
    let dark = active.iter().find(|(zone, (_, healthy))| *healthy == 0 && &***zone != ALL_ZONES);
    if let Some((zone, _)) = dark {
        return Some(zone.clone());
    }
    let zones = by_zone(rows.iter());
    if cross_zone(case) || zones.contains_key(ALL_ZONES) {
        return None;
    }
    load_balancers(case).flat_map(|it| &it.zones).find(|zone| !zones.contains_key(*zone)).cloned()
}

/// A zone with fewer healthy targets than its DNS fail-over asks for, where zones stand alone; in words.
pub(super) fn failed_over(case: &Case<'_>, rows: &[Row]) -> Option<String> {
    if cross_zone(case) {
        return None;
    }
    let attributes = case.attributes()?;
    let zones = by_zone(rows.iter().filter(|it| !is_passive(it)));
    zones.into_iter().filter(|(zone, _)| &**zone != ALL_ZONES).find_map(|(zone, (registered, healthy))| {
        let least = attributes.minimum_for_dns(registered);
        (healthy > 0 && healthy < least).then(|| {
            format!(
                "zone {zone}: {healthy} of {registered} targets healthy, fewer than its DNS fail-over asks for ({least}), so the load balancer takes the zone out of its DNS"
            )
        })
    })
}

/// A zone that only has nodes without a ready pod, where zones stand alone.
pub(super) fn passive_zone(case: &Case<'_>, rows: &[Row]) -> Option<Arc<str>> {
    if cross_zone(case) {
        return None;
    }
    let active = by_zone(rows.iter().filter(|it| !is_passive(it)));
    by_zone(rows.iter()).into_keys().find(|zone| !active.contains_key(zone))
}
