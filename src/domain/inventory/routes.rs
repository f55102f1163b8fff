//! Which listeners and rules lead to a target group, with which share of the requests.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::RuleArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::Gone;
use crate::domain::inventory::Inventory;

/// One way from a load balancer to the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub(crate) load_balancer: String,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) port: Option<u16>,
    /// `default`, or the priority and conditions of the rule.
    pub(crate) rule: String,
    pub(crate) weight: u32,
    /// Sum of the weights of its action.
    pub(crate) total: u32,
}

impl Route {
    /// Share of the rule's requests in percent, rounded down; 100 when it is alone.
    pub(crate) fn percent(&self) -> u32 {
        match self.total {
            0 => 0,
            total => self.weight.saturating_mul(100) / total,
        }
    }
}

/// Everything known about how requests reach a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Routes {
    /// Not all of what is needed was read.
    Unread,
    /// As far as read, these; empty: nothing leads to the group.
    Known(Vec<Route>),
}

impl Routes {
    pub(crate) fn none_lead(&self) -> bool {
        matches!(self, Self::Known(routes) if routes.is_empty())
    }

    /// Routes exist and every one of them has weight 0.
    pub(crate) fn all_weightless(&self) -> bool {
        matches!(self, Self::Known(routes) if !routes.is_empty() && routes.iter().all(|it| it.weight == 0))
    }

    /// The share of the requests of its rules: `100 %`, `0–50 %` where they differ.
    pub(crate) fn share(&self) -> String {
        let Self::Known(routes) = self else { return "?".to_owned() };
        let shares = || routes.iter().map(Route::percent);
        match (shares().min(), shares().max()) {
            (Some(least), Some(most)) if least == most => format!("{most} %"),
            (Some(least), Some(most)) => format!("{least}–{most} %"),
            _ => "–".to_owned(),
        }
    }

    pub(crate) fn list(&self) -> &[Route] {
        match self {
            Self::Unread => &[],
            Self::Known(routes) => routes,
        }
    }
}

/// Collects the routes of a group from the load balancers it says it hangs on.
pub fn routes(inventory: &Inventory, arn: &TargetGroupArn) -> Routes {
    let Some(group) = inventory.groups.get(arn).and_then(|it| it.group.as_ref()) else {
        return Routes::Unread;
    };
    let mut found = Vec::new();
    for load_balancer in &group.load_balancers {
        // One that was deleted leads nowhere.
        if inventory.gone.contains(&Gone::LoadBalancer(load_balancer.clone())) {
            continue;
        }
        let Some(listeners) = inventory.routes.get(load_balancer) else { return Routes::Unread };
        let name = inventory.name_of(load_balancer).to_owned();
        for listener in listeners {
            for rule in &listener.rules {
                let total = rule.forwards.iter().map(|it| it.weight).sum();
                for forward in rule.forwards.iter().filter(|it| it.group == *arn) {
                    found.push(Route {
                        load_balancer: name.clone(),
                        protocol: listener.protocol.clone(),
                        port: listener.port,
                        rule: describe(&rule.priority, &rule.conditions),
                        weight: forward.weight,
                        total,
                    });
                }
            }
        }
    }
    Routes::Known(found)
}

fn describe(priority: &str, conditions: &[String]) -> String {
    match conditions {
        [] => priority.to_owned(),
        some => format!("{priority} {}", some.join(" ")),
    }
}

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
    pub(crate) fn arns(&self) -> Vec<String> {
        let rule = self.rule.as_ref().map(|it| it.as_str().to_owned());
        [self.load_balancer.as_str().to_owned(), self.listener.as_str().to_owned()]
            .into_iter()
            .chain(rule)
            .collect()
    }

    /// The rule as it was read last.
    pub(crate) fn find<'a>(&self, inventory: &'a Inventory) -> Option<&'a Rule> {
        let listeners = inventory.routes.get(&self.load_balancer)?;
        let listener = listeners.iter().find(|it| it.arn == self.listener)?;
        listener.rules.iter().find(|it| match &self.rule {
            None => it.is_default(),
            Some(arn) => it.arn.as_ref() == Some(arn),
        })
    }
}

/// All actions that lead to a group, in the order of their listeners and rules.
pub fn places(inventory: &Inventory, group: &TargetGroupArn) -> Vec<(Place, Rule)> {
    let mut found = Vec::new();
    for (arn, listeners) in &inventory.routes {
        let balancer = inventory.name_of(arn).to_owned();
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
pub(crate) fn shares(forwards: &[Forward]) -> String {
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

/// Healthy targets of a group, and those that are registered and not draining.
pub(crate) fn healthy(inventory: &Inventory, group: &TargetGroupArn) -> Option<(u32, u32)> {
    let targets = &inventory.groups.get(group)?.targets.as_ref()?.targets;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let healthy = targets.iter().filter(|it| it.serves()).count();
    let registered = targets.iter().filter(|it| it.health.state != HealthState::Draining).count();
    Some((count(healthy), count(registered)))
}
