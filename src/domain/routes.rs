//! Which listeners and rules lead to a target group, with which share of the requests.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::ids::TargetGroupArn;
use super::inventory::Inventory;

/// One way from a load balancer to the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub load_balancer: String,
    pub protocol: Option<Arc<str>>,
    pub port: Option<u16>,
    /// `default`, or the priority and conditions of the rule.
    pub rule: String,
    pub weight: u32,
    /// Sum of the weights of its action.
    pub total: u32,
}

impl Route {
    /// Share of the rule's requests in percent, rounded down; 100 when it is alone.
    pub fn percent(&self) -> u32 {
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
    pub fn none_lead(&self) -> bool {
        matches!(self, Self::Known(routes) if routes.is_empty())
    }

    /// Routes exist and every one of them has weight 0.
    pub fn all_weightless(&self) -> bool {
        matches!(self, Self::Known(routes) if !routes.is_empty() && routes.iter().all(|it| it.weight == 0))
    }

    pub fn list(&self) -> &[Route] {
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
        let Some(listeners) = inventory.routes.get(load_balancer) else { return Routes::Unread };
        let name = inventory.load_balancers.get(load_balancer).map_or_else(
            || load_balancer.as_str().split('/').nth(2).unwrap_or_default().to_owned(),
            |it| it.name.clone(),
        );
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
