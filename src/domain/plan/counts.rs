//! Targets before and after a plan, in all and by zone, and whether what stays is enough.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Plan;
use super::guard::Guard;
use crate::domain::elb::Attributes;
use crate::domain::elb::HealthState;
use crate::domain::elb::TargetGroup;
use crate::domain::ids::LoadBalancerArn;
use crate::domain::ids::TargetKey;
use crate::domain::matching::View;
use crate::domain::report::Report;
use crate::domain::report::Row;
use crate::domain::verdict;

/// How many targets are registered and not draining, and how many of them are healthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    pub registered: u32,
    pub healthy: u32,
}

/// One line of the counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// `None`: all zones.
    pub zone: Option<Arc<str>>,
    pub before: Number,
    pub after: Number,
}

/// The zone of a target to be registered, as far as its node or its endpoint tells.
pub(super) type Zone = Option<Arc<str>>;

/// The zone a row's target will be in.
pub(super) fn zone(row: &Row) -> Zone {
    let of_target = row.registered().and_then(|it| it.zone.clone());
    of_target.or_else(|| row.endpoint.as_ref()?.zone.clone())
}

/// Counts what is registered, without `leaving`, with `arriving`: one zone for each that comes.
pub(super) fn counts(report: &Report, leaving: &BTreeSet<&TargetKey>, arriving: &[Zone]) -> Vec<Count> {
    let mut zones = BTreeMap::<Arc<str>, Count>::new();
    let mut all = Count { zone: None, before: Number::default(), after: Number::default() };
    for target in report.rows.iter().filter_map(Row::registered) {
        if target.health.state == HealthState::Draining {
            continue;
        }
        let healthy = u32::from(serves(target));
        let stays = u32::from(!leaving.contains(&target.key));
        let add = |count: &mut Count| {
            count.before.registered += 1;
            count.before.healthy += healthy;
            count.after.registered += stays;
            count.after.healthy += stays * healthy;
        };
        add(&mut all);
        if let Some(zone) = &target.zone {
            add(of(&mut zones, zone));
        }
    }
    for zone in arriving {
        all.after.registered += 1;
        if let Some(zone) = zone {
            of(&mut zones, zone).after.registered += 1;
        }
    }
    std::iter::once(all).chain(zones.into_values()).collect()
}

fn of<'a>(zones: &'a mut BTreeMap<Arc<str>, Count>, zone: &Arc<str>) -> &'a mut Count {
    let none = Number::default();
    zones.entry(zone.clone()).or_insert_with(|| Count { zone: Some(zone.clone()), before: none, after: none })
}

/// Healthy, and in a zone that traffic is not shifted away from.
pub(super) fn serves(target: &crate::domain::elb::Target) -> bool {
    target.health.state == HealthState::Healthy && target.shifted.is_none()
}

/// Guards a plan that takes targets away: what stays healthy must be as many as it says. Asks for a name where that
/// is too few, or where it cannot be told what is enough.
pub(super) fn keep_enough(
    plan: &mut Plan,
    view: &View<'_>,
    leaving: &BTreeSet<&TargetKey>,
    name: &str,
) -> Vec<Guard> {
    let attributes = view.attributes().cloned().unwrap_or_default();
    let alone = zones_may_stand_alone(view);
    let leaving: BTreeSet<TargetKey> = leaving.iter().map(|it| (*it).clone()).collect();
    let mut guards = Vec::new();
    let mut asks = Vec::new();
    for count in &plan.counts {
        let none_healthy = count.zone.is_none() && count.before.healthy == 0;
        if none_healthy && !leaving.is_empty() && count.after.registered == 0 && !view.routes.none_lead() {
            asks.push("none is healthy, so all registered targets get traffic: none is left".to_owned());
        }
        if count.before.healthy == count.after.healthy || (count.zone.is_some() && !alone) {
            continue;
        }
        if count.after.healthy > 0 {
            guards.push(Guard::Healthy {
                zone: count.zone.clone(),
                least: count.after.healthy,
                leaving: leaving.clone(),
            });
        }
        let least = attributes.minimum_healthy(count.after.registered);
        let place = count.zone.as_ref().map_or_else(String::new, |it| format!(" of zone {it}"));
        if count.after.healthy == 0 {
            asks.push(format!("no healthy target{place} is left"));
        } else if count.after.healthy < least {
            let healthy = count.after.healthy;
            asks.push(format!(
                "{healthy} healthy{place} would be left where the group asks for {least}: traffic then goes to all registered targets, healthy or not"
            ));
        } else if count.zone.is_none() && view.attributes().is_none() {
            asks.push("how many healthy targets the group asks for could not be read".to_owned());
        }
    }
    for because in asks {
        plan.ask_for(name, because);
    }
    guards
}

/// Cross-zone load balancing is off, or whether it is could not be read.
fn zones_may_stand_alone(view: &View<'_>) -> bool {
    if let Some(own) = view.attributes().and_then(Attributes::cross_zone) {
        return !own;
    }
    let hangs_on = view.target_group().map(|it| it.load_balancers.as_slice()).unwrap_or_default();
    let unread = |arn: &LoadBalancerArn| !view.inventory.load_balancers.contains_key(arn);
    hangs_on.iter().any(unread) || !verdict::cross_zone(view)
}

/// Says what callers get where a group that rules lead to is left without targets.
pub(super) fn emptied(plan: &mut Plan, view: &View<'_>) {
    let emptied = plan.counts.first().is_some_and(|it| it.before.registered > 0 && it.after.registered == 0);
    if !emptied || view.routes.list().is_empty() {
        return;
    }
    let application = view.target_group().is_some_and(TargetGroup::of_application_lb);
    let then = if application { "it answers 503" } else { "connections fail" };
    let routes = match view.routes.list().len() {
        1 => "A rule leads".to_owned(),
        n => format!("{n} rules lead"),
    };
    plan.warnings.push(format!("{routes} to the group: without targets {then}."));
}
