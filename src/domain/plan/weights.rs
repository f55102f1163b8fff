//! Another division of a rule's requests between its target groups: which actions can be weighed, the plan that does it,
//! who may turn it round.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Act;
use super::Hand;
use super::Plan;
use super::Refusal;
use super::counts;
use super::guard::Guard;
use super::targets::Known;
use crate::domain::elb::Forward;
use crate::domain::elb::HealthState;
use crate::domain::elb::Rule;
use crate::domain::ids::ListenerArn;
use crate::domain::ids::LoadBalancerArn;
use crate::domain::ids::RuleArn;
use crate::domain::ids::TargetGroupArn;
use crate::domain::inventory::Change;
use crate::domain::inventory::Inventory;
use crate::domain::time::age;

/// The largest weight of a group (ELBv2 refuses more).
pub const LARGEST: u32 = 999;

/// Tags of a load balancer, listener or rule, by its ARN.
pub type Tags = BTreeMap<String, BTreeMap<String, String>>;

/// A rule of a listener, or its default action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    pub load_balancer: LoadBalancerArn,
    pub listener: ListenerArn,
    /// `None`: the default action.
    pub rule: Option<RuleArn>,
    /// `LOAD-BALANCER ▸ PROTOCOL:PORT ▸ RULE`.
    pub name: String,
    /// `PORT:PRIORITY`, as it is typed.
    pub short: String,
}

impl Place {
    /// Everything whose tags may tell who made it.
    pub fn arns(&self) -> Vec<String> {
        let rule = self.rule.as_ref().map(|it| it.as_str().to_owned());
        [self.load_balancer.as_str().to_owned(), self.listener.as_str().to_owned()]
            .into_iter()
            .chain(rule)
            .collect()
    }

    /// The rule as it was read last.
    pub fn find<'a>(&self, inventory: &'a Inventory) -> Option<&'a Rule> {
        let listeners = inventory.routes.get(&self.load_balancer)?;
        let listener = listeners.iter().find(|it| it.arn == self.listener)?;
        listener.rules.iter().find(|it| match &self.rule {
            None => it.is_default(),
            Some(arn) => it.arn.as_ref() == Some(arn),
        })
    }
}

/// What was read of a rule that is to be weighed, to be taken into an inventory beside everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    pub place: Place,
    pub changes: Vec<Change>,
    /// Of what it belongs to. Empty where they could not be read: nobody is named then.
    pub tags: Tags,
    /// Why they could not.
    pub untagged: Option<String>,
}

/// All actions that lead to a group, in the order of their listeners and rules.
pub fn places(inventory: &Inventory, group: &TargetGroupArn) -> Vec<(Place, Rule)> {
    let mut found = Vec::new();
    for (arn, listeners) in &inventory.routes {
        let balancer = inventory.load_balancers.get(arn).map_or_else(
            || arn.as_str().split('/').nth(2).unwrap_or_default().to_owned(),
            |it| it.name.clone(),
        );
        for listener in listeners {
            let port = listener.port.map_or_else(|| "?".to_owned(), |it| it.to_string());
            let protocol = listener.protocol.as_deref().unwrap_or("?");
            for rule in listener.rules.iter().filter(|it| it.forwards.iter().any(|it| it.group == *group)) {
                let conditions = rule.conditions.iter().fold(String::new(), |all, it| format!("{all} {it}"));
                let place = Place {
                    load_balancer: arn.clone(),
                    listener: listener.arn.clone(),
                    rule: rule.arn.clone().filter(|_| !rule.is_default()),
                    name: format!("{balancer} ▸ {protocol}:{port} ▸ {}{conditions}", rule.priority),
                    short: format!("{port}:{}", rule.priority),
                };
                found.push((place, rule.clone()));
            }
        }
    }
    found
}

/// `blue 90, green 10`.
pub fn told(forwards: &[Forward]) -> String {
    let all: Vec<String> = forwards.iter().map(|it| format!("{} {}", it.group.name(), it.weight)).collect();
    all.join(", ")
}

/// `90 % to blue, 10 % to green`; shares are rounded, and less than one stays visible.
pub fn shares(forwards: &[Forward]) -> String {
    let total: u32 = forwards.iter().map(|it| it.weight).sum();
    let share = |it: &Forward| match (it.weight, total) {
        (0, _) | (_, 0) => "nothing".to_owned(),
        (weight, total) if weight * 100 < total => "less than 1 %".to_owned(),
        (weight, total) if weight < total && weight * 100 > total * 99 => "more than 99 %".to_owned(),
        (weight, total) => format!("{} %", (weight * 200 + total) / (total * 2)),
    };
    let all: Vec<String> =
        forwards.iter().map(|it| format!("{} to {}", share(it), it.group.name())).collect();
    all.join(", ")
}

/// The weights an action gets: those asked for, the others as they are.
fn weighed(rule: &Rule, wanted: &BTreeMap<TargetGroupArn, u32>) -> Vec<Forward> {
    let weight = |it: &Forward| wanted.get(&it.group).copied().unwrap_or(it.weight);
    rule.forwards.iter().map(|it| Forward { group: it.group.clone(), weight: weight(it) }).collect()
}

/// Gives groups of one action other weights. `tags` are those of what the action belongs to, as far as they were read.
pub fn shift(
    known: &Known<'_>,
    place: &Place,
    wanted: &BTreeMap<TargetGroupArn, u32>,
    tags: &Tags,
) -> Result<Plan, Refusal> {
    let rule = place
        .find(known.inventory)
        .ok_or_else(|| Refusal::new(format!("{} could not be read, or is gone", place.name)))?;
    if let Some(arn) = wanted.keys().find(|arn| !rule.forwards.iter().any(|it| it.group == **arn)) {
        let groups: Vec<&str> = rule.forwards.iter().map(|it| it.group.name()).collect();
        return Err(Refusal::new(format!(
            "{} does not send to {}: it sends to {}",
            place.name,
            arn.name(),
            groups.join(", ")
        )));
    }
    if rule.forwards.len() < 2 {
        return Err(Refusal::new(format!("{} sends to one group only", place.name))
            .instead("there is nothing to divide until another group is added to it"));
    }
    if let Some((arn, weight)) = wanted.iter().find(|(_, weight)| **weight > LARGEST) {
        return Err(Refusal::new(format!("{weight} for {} is more than {LARGEST}", arn.name())));
    }
    let to = weighed(rule, wanted);
    if to.iter().all(|it| it.weight == 0) {
        return Err(Refusal::new("every group would have weight 0: no request would reach any")
            .instead("leave one of them above 0"));
    }
    if to == rule.forwards {
        return Err(Refusal::new(format!("the weights are {} already", told(&to))));
    }
    let effect = format!("Makes {} send {}, instead of {}.", place.name, shares(&to), shares(&rule.forwards));
    let mut plan = Plan::new(Hand::Shift, &known.report.subject, known.now, effect);
    let mut guards = vec![Guard::Action { place: place.clone(), rule: Box::new(rule.clone()) }];
    for (before, after) in rule.forwards.iter().zip(&to).filter(|(_, it)| it.weight > 0) {
        guards.extend(receives(&mut plan, known.inventory, before, after));
    }
    plan.follows.push(
        "New requests follow within seconds; connections that are open stay where they are.".to_owned(),
    );
    if let Some(seconds) = rule.sticky {
        plan.follows.push(format!(
            "The action is sticky: a client that has its cookie stays with its group for {} at most.",
            age(i64::from(seconds))
        ));
    }
    let others = rule.kinds.iter().filter(|it| &***it != "forward").map(|it| &**it);
    let others: Vec<&str> = others.collect();
    if !others.is_empty() {
        plan.follows.push(format!("Sent again as it is: {}.", others.join(", ")));
    }
    plan.warnings.extend(rivals(place, tags));
    plan.step(Act::Shift { place: place.clone(), from: Box::new(rule.clone()), to }, guards);
    Ok(plan)
}

/// A group that is to receive requests: how many of its targets are healthy. Where none is, and it would receive more
/// than now, its name is asked for.
fn receives(plan: &mut Plan, inventory: &Inventory, before: &Forward, after: &Forward) -> Option<Guard> {
    let name = after.group.name();
    let more = after.weight > before.weight;
    let Some((healthy, registered)) = healthy(inventory, &after.group) else {
        plan.warnings.push(format!("How many targets of {name} are healthy could not be read."));
        if more {
            plan.ask_for(name, format!("whether {name} has a healthy target is not known"));
        }
        return None;
    };
    plan.follows.push(format!("{name} has {healthy} of {registered} targets healthy."));
    let known = inventory.groups.get(&after.group);
    let least =
        known.and_then(|it| it.attributes.as_ref()).map_or(1, |it| it.minimum_healthy(registered)).max(1);
    if more && healthy < least {
        plan.ask_for(
            name,
            match healthy {
                0 => format!("{name} has no healthy target"),
                n => format!("{name} has {n} healthy where it asks for {least}"),
            },
        );
    }
    (healthy > 0).then(|| Guard::Serves { group: after.group.clone(), least: healthy.min(least) })
}

/// Healthy targets of a group, and those that are registered and not draining.
pub(super) fn healthy(inventory: &Inventory, group: &TargetGroupArn) -> Option<(u32, u32)> {
    let targets = &inventory.groups.get(group)?.targets.as_ref()?.targets;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let healthy = targets.iter().filter(|it| counts::serves(it)).count();
    let registered = targets.iter().filter(|it| it.health.state != HealthState::Draining).count();
    Some((count(healthy), count(registered)))
}

/// Who keeps the action as it says, by the tags of what it belongs to.
fn rivals(place: &Place, tags: &Tags) -> Vec<String> {
    let mut said = Vec::new();
    for arn in place.arns() {
        let Some(tags) = tags.get(&arn) else { continue };
        let what = match arn.split(':').nth(5).and_then(|it| it.split('/').next()) {
            Some("loadbalancer") => "load balancer",
            Some("listener") => "listener",
            _ => "rule",
        };
        let made = ["elbv2.k8s.aws/cluster", "eks:eks-cluster-name"].iter().find_map(|it| tags.get(*it));
        if let Some(cluster) = made {
            said.push(format!(
                "The {what} was made by the controller of cluster {cluster}: it writes its own weights again at its next reconcile. To last, change the Ingress, Service or route."
            ));
        } else if let Some(stack) = tags.get("aws:cloudformation:stack-name") {
            said.push(format!(
                "The {what} belongs to the CloudFormation stack {stack}: its next update may write its own weights again."
            ));
        } else if let Some((key, tool)) = kept(tags) {
            said.push(format!(
                "The {what} is kept by {tool} (tag {key}): it may write its own weights again."
            ));
        }
    }
    said
}

/// Tools that leave a tag of their own on what they make.
const TOOLS: [(&str, &str); 4] = [
    ("crossplane-", "Crossplane"),
    ("services.k8s.aws/", "an ACK controller"),
    ("pulumi:", "Pulumi"),
    ("terraform", "Terraform"),
];

fn kept(tags: &BTreeMap<String, String>) -> Option<(&str, &'static str)> {
    tags.iter().find_map(|(key, value)| {
        let tool = TOOLS.iter().find(|(prefix, _)| {
            key.to_lowercase().starts_with(prefix)
                || (key.eq_ignore_ascii_case("managed-by") || key.eq_ignore_ascii_case("managedby"))
                    && value.to_lowercase().starts_with(prefix.trim_end_matches(['-', ':', '/']))
        });
        tool.map(|(_, tool)| (key.as_str(), *tool))
    })
}
