//! Whether enough healthy targets remain after a plan: the guards that hold it to its numbers, the names that have to be
//! typed, and what clients get where no target remains.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::zones;
use crate::domain::judgement::zones::ALL_ZONES;
use crate::domain::plan::Plan;
use crate::domain::plan::act::counted;
use crate::domain::plan::guard::Guard;

/// The guards of a plan that deregisters targets: as many must remain healthy as it says. `name` has to be typed where
/// that is too few, or where the group's minimum is not known; the name of a zone that would be left without any.
pub(super) fn keep_enough(
    plan: &mut Plan,
    case: &Case<'_>,
    leaving: &BTreeSet<&TargetKey>,
    name: &str,
) -> Vec<Guard> {
    let attributes = case.attributes().cloned().unwrap_or_default();
    let alone = zones_may_stand_alone(case);
    let leaving: BTreeSet<TargetKey> = leaving.iter().map(|it| (*it).clone()).collect();
    let mut guards = Vec::new();
    let mut asks = Vec::new();
    for count in &plan.counts {
        let none_healthy = count.zone.is_none() && count.before.healthy == 0;
        if none_healthy && !leaving.is_empty() && count.after.registered == 0 && !case.routes.none_lead() {
            let because =
                "no target is healthy, so traffic goes to all registered targets, and none would be left";
            asks.push((name.to_owned(), because.to_owned()));
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
        let place = count.zone.as_ref().map_or_else(String::new, |it| format!(" in zone {it}"));
        if count.after.healthy == 0 {
            let name = count.zone.as_deref().unwrap_or(name);
            asks.push((name.to_owned(), format!("no healthy target would be left{place}")));
        } else if count.after.healthy < least {
            let healthy = counted(count.after.healthy, "healthy target");
            asks.push((name.to_owned(), format!(
                "only {healthy} would be left{place} (minimum {least}), so traffic would go to all registered targets, healthy or not"
            )));
        } else if count.zone.is_none() && case.attributes().is_none() {
            asks.push((
                name.to_owned(),
                "the group's minimum of healthy targets could not be read".to_owned(),
            ));
        }
    }
    for (name, because) in asks {
        plan.ask_for(&name, because);
    }
    guards
}

/// Makes the name of a zone have to be typed that a drain leaves without healthy targets, also where the others serve it:
/// replacements come up where they like.
pub(super) fn keep_zones(plan: &mut Plan, case: &Case<'_>) {
    let none_left = plan.counts.first().is_some_and(|it| it.after.healthy == 0);
    if none_left || zones_may_stand_alone(case) {
        // Asked for already.
        return;
    }
    let emptied = plan.counts.iter().filter(|it| it.before.healthy > 0 && it.after.healthy == 0);
    let zones: Vec<Arc<str>> =
        emptied.filter_map(|it| it.zone.clone()).filter(|it| **it != *ALL_ZONES).collect();
    for zone in zones {
        plan.ask_for(&zone, format!("no healthy target would be left in zone {zone}"));
    }
}

/// Cross-zone load balancing is off, or whether it is could not be read.
fn zones_may_stand_alone(case: &Case<'_>) -> bool {
    if let Some(own) = case.attributes().and_then(Attributes::cross_zone) {
        return !own;
    }
    let hangs_on = case.target_group().map(|it| it.load_balancers.as_slice()).unwrap_or_default();
    let unread = |arn: &LoadBalancerArn| !case.inventory.load_balancers.contains_key(arn);
    hangs_on.iter().any(unread) || !zones::cross_zone(case)
}

/// Says what clients get where a group that rules forward to is left without targets.
pub(super) fn emptied(plan: &mut Plan, case: &Case<'_>) {
    let emptied = plan.counts.first().is_some_and(|it| it.before.registered > 0 && it.after.registered == 0);
    if !emptied || case.routes.list().is_empty() {
        return;
    }
    let application = case.target_group().is_some_and(TargetGroup::of_application_lb);
    let then = if application { "clients get a 503" } else { "connections fail" };
    let routes = match case.routes.list().len() {
        1 => "1 rule forwards".to_owned(),
        n => format!("{n} rules forward"),
    };
    plan.warnings.push(format!("{routes} to the group: without targets, {then}."));
}
