//! The plan that changes the weights of a rule's target groups: which rules have weights, and who may revert it.

use std::collections::BTreeMap;

use super::Plan;
use super::Refusal;
use super::guard::Guard;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::lineage;
use crate::domain::facts::lineage::Maker;
use crate::domain::facts::time::age;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Observation;
use crate::domain::inventory::routes::Place;
use crate::domain::inventory::routes::healthy;
use crate::domain::inventory::routes::shares;
use crate::domain::inventory::routes::told;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::counted;
use crate::domain::plan::known::Known;

/// The largest weight of a target group (ELBv2 refuses more).
pub(crate) const LARGEST: u32 = 999;

/// Tags of a load balancer, listener or rule, by its ARN.
pub type Tags = BTreeMap<String, BTreeMap<String, String>>;

/// What was read of a rule whose weights are to be changed, to be taken into an inventory beside everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    pub(crate) place: Place,
    pub changes: Vec<Observation>,
    /// Tags of the load balancer, listener and rule; empty where they could not be read.
    pub(crate) tags: Tags,
    /// Why the tags could not be read.
    pub(crate) untagged: Option<String>,
}

/// The weights after the change: those asked for, the others as they are.
fn weighed(rule: &Rule, wanted: &BTreeMap<TargetGroupArn, u32>) -> Vec<Forward> {
    let weight = |it: &Forward| wanted.get(&it.group).copied().unwrap_or(it.weight);
    rule.forwards.iter().map(|it| Forward { group: it.group.clone(), weight: weight(it) }).collect()
}

/// Changes the weights of some of a rule's groups, from 0 to `LARGEST`. `tags`: those of its load balancer, listener and
/// rule, as far as they were read. Refused where every weight would be 0, or where nothing would change.
pub fn shift(
    known: &Known<'_>,
    place: &Place,
    wanted: &BTreeMap<TargetGroupArn, u32>,
    tags: &Tags,
) -> Result<Plan, Refusal> {
    let rule = place
        .find(known.inventory)
        .ok_or_else(|| Refusal::new(format!("{} is gone or could not be read", place.name)))?;
    allowed(place, rule, wanted)?;
    let to = weighed(rule, wanted);
    if to.iter().all(|it| it.weight == 0) {
        return Err(Refusal::new("every group would have weight 0, so no request would be forwarded")
            .instead("leave one of them above 0"));
    }
    if to == rule.forwards {
        return Err(Refusal::new(format!("the weights are already {}", told(&to))));
    }
    let effect =
        format!("Changes {} to send {}, instead of {}.", place.name, shares(&to), shares(&rule.forwards));
    let mut plan = Plan::new(ChangeKind::Shift, &known.report.subject, known.now, effect);
    let mut guards = vec![Guard::Action { place: place.clone(), rule: Box::new(rule.clone()) }];
    for (before, after) in rule.forwards.iter().zip(&to).filter(|(_, it)| it.weight > 0) {
        guards.extend(receives(&mut plan, known.inventory, before, after));
    }
    plan.follows.push(
        "New requests follow the weights within seconds; open connections stay where they are.".to_owned(),
    );
    if let Some(seconds) = rule.sticky {
        plan.follows.push(format!(
            "The rule is sticky: clients with its cookie stay with their group for up to {}.",
            age(i64::from(seconds))
        ));
    }
    let others = rule.kinds.iter().filter(|it| &***it != "forward").map(|it| &**it);
    let others: Vec<&str> = others.collect();
    if !others.is_empty() {
        plan.follows.push(format!("Its other actions stay unchanged: {}.", others.join(", ")));
    }
    plan.warnings.extend(rivals(place, tags));
    plan.step(Act::Shift { place: place.clone(), from: Box::new(rule.clone()), to }, guards);
    Ok(plan)
}

/// Refuses weights that the rule cannot have.
fn allowed(place: &Place, rule: &Rule, wanted: &BTreeMap<TargetGroupArn, u32>) -> Result<(), Refusal> {
    if let Some(arn) = wanted.keys().find(|arn| !rule.forwards.iter().any(|it| it.group == **arn)) {
        let groups: Vec<&str> = rule.forwards.iter().map(|it| it.group.name()).collect();
        return Err(Refusal::new(format!(
            "{} does not forward to {}: it forwards to {}",
            place.name,
            arn.name(),
            groups.join(", ")
        )));
    }
    if rule.forwards.len() < 2 {
        return Err(Refusal::new(format!("{} forwards to one group only", place.name))
            .instead("add another group to it first"));
    }
    if let Some((arn, weight)) = wanted.iter().find(|(_, weight)| **weight > LARGEST) {
        return Err(Refusal::new(format!(
            "weight {weight} for {} is above the maximum of {LARGEST}",
            arn.name()
        )));
    }
    Ok(())
}

/// A group that is to receive requests: how many of its targets are healthy. Its name has to be typed where those are
/// too few and it would receive more requests than now.
fn receives(plan: &mut Plan, inventory: &Inventory, before: &Forward, after: &Forward) -> Option<Guard> {
    let name = after.group.name();
    let more = after.weight > before.weight;
    let Some((healthy, registered)) = healthy(inventory, &after.group) else {
        plan.warnings.push(format!("How many targets of {name} are healthy could not be read."));
        if more {
            plan.ask_for(name, format!("whether {name} has healthy targets is not known"));
        }
        return None;
    };
    plan.follows.push(format!("{name}: {healthy} of {registered} targets healthy."));
    let known = inventory.groups.get(&after.group);
    let least =
        known.and_then(|it| it.attributes.as_ref()).map_or(1, |it| it.minimum_healthy(registered)).max(1);
    if more && healthy < least {
        plan.ask_for(
            name,
            match healthy {
                0 => format!("{name} has no healthy target"),
                n => format!("{name} has only {} (minimum {least})", counted(n, "healthy target")),
            },
        );
    }
    (healthy > 0).then(|| Guard::Serves { group: after.group.clone(), least: healthy.min(least) })
}

/// Who manages the weights too, by the tags of load balancer, listener and rule.
fn rivals(place: &Place, tags: &Tags) -> Vec<String> {
    let mut said = Vec::new();
    for arn in place.arns() {
        let Some(tags) = tags.get(&arn) else { continue };
        let what = match arn.split(':').nth(5).and_then(|it| it.split('/').next()) {
            Some("loadbalancer") => "load balancer",
            Some("listener") => "listener",
            _ => "rule",
        };
        match lineage::of_tags(tags) {
            Some(it @ (Maker::Controller(_) | Maker::Cluster(_))) => said.push(format!(
                "The {what} is {}, which restores its own weights at its next reconcile: {}.",
                it.text(),
                it.change()
            )),
            Some(Maker::Stack(stack)) => said.push(format!(
                "The {what} belongs to CloudFormation stack {stack}: its next update may restore its own weights."
            )),
            Some(Maker::Tool { name, tag }) => {
                said.push(format!("{name} manages the {what} (tag {tag}) and may restore its own weights."));
            }
            None => {}
        }
    }
    said
}
