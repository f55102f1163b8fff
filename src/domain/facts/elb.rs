//! The AWS side as the rules see it: groups, targets with health, and the routes that lead to them.
//! What AWS may add one day keeps its own text instead of being dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::RuleArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::routing::Condition;
use crate::domain::facts::routing::Step;
use crate::domain::facts::routing::Transform;
use crate::domain::facts::time::Timestamp;

/// State of a target as `DescribeTargetHealth` gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HealthState {
    Initial,
    Healthy,
    Unhealthy,
    UnhealthyDraining,
    Unused,
    Draining,
    Unavailable,
    /// A state this program does not know; its text as AWS wrote it.
    Unknown(Arc<str>),
}

impl HealthState {
    pub fn read(text: &str) -> Self {
        match text {
            "initial" => Self::Initial,
            "healthy" => Self::Healthy,
            "unhealthy" => Self::Unhealthy,
            "unhealthy.draining" => Self::UnhealthyDraining,
            "unused" => Self::Unused,
            "draining" => Self::Draining,
            "unavailable" => Self::Unavailable,
            other => Self::Unknown(other.into()),
        }
    }

    pub fn text(&self) -> &str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::UnhealthyDraining => "unhealthy.draining",
            Self::Unused => "unused",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
            Self::Unknown(text) => text,
        }
    }
}

/// Why a target is in its state. The twelve reasons of API version 2015-12-01, and room for more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    RegistrationInProgress,
    InitialHealthChecking,
    LoadBalancerInternalError,
    ResponseCodeMismatch,
    Timeout,
    FailedHealthChecks,
    NotRegistered,
    NotInUse,
    DeregistrationInProgress,
    InvalidState,
    IpUnusable,
    HealthCheckDisabled,
    Unknown(Arc<str>),
}

/// The known reasons and the text AWS uses for each.
const REASONS: [(Reason, &str); 12] = [
    (Reason::RegistrationInProgress, "Elb.RegistrationInProgress"),
    (Reason::InitialHealthChecking, "Elb.InitialHealthChecking"),
    (Reason::LoadBalancerInternalError, "Elb.InternalError"),
    (Reason::ResponseCodeMismatch, "Target.ResponseCodeMismatch"),
    (Reason::Timeout, "Target.Timeout"),
    (Reason::FailedHealthChecks, "Target.FailedHealthChecks"),
    (Reason::NotRegistered, "Target.NotRegistered"),
    (Reason::NotInUse, "Target.NotInUse"),
    (Reason::DeregistrationInProgress, "Target.DeregistrationInProgress"),
    (Reason::InvalidState, "Target.InvalidState"),
    (Reason::IpUnusable, "Target.IpUnusable"),
    (Reason::HealthCheckDisabled, "Target.HealthCheckDisabled"),
];

impl Reason {
    pub fn read(text: &str) -> Self {
        let known = REASONS.into_iter().find(|(_, it)| *it == text);
        known.map_or_else(|| Self::Unknown(text.into()), |(reason, _)| reason)
    }

    pub fn text(&self) -> &str {
        match self {
            Self::Unknown(text) => text,
            known => REASONS.iter().find(|(it, _)| it == known).map_or("", |(_, text)| text),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub state: HealthState,
    pub reason: Option<Reason>,
    pub description: Option<Arc<str>>,
}

impl Health {
    /// AWS says so of a target it was asked about by name and does not have.
    pub(crate) fn not_registered(&self) -> bool {
        self.state == HealthState::Unused && self.reason == Some(Reason::NotRegistered)
    }
}

/// Whether a zonal shift takes a target out of rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Override {
    Shifted,
    ShiftedByDns,
    Unknown(Arc<str>),
}

/// One registered target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub key: TargetKey,
    /// Name of its zone, or `all`.
    pub zone: Option<Arc<str>>,
    pub health: Health,
    pub health_port: Option<Arc<str>>,
    /// `None`: no override is active.
    pub shifted: Option<Override>,
    pub anomalous: bool,
}

impl Target {
    /// Healthy, and in a zone that traffic is not shifted away from.
    pub(crate) fn serves(&self) -> bool {
        self.health.state == HealthState::Healthy && self.shifted.is_none()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupType {
    Ip,
    Instance,
    Lambda,
    LoadBalancer,
    Unknown,
}

impl GroupType {
    pub(crate) const ALL: [Self; 5] =
        [Self::Ip, Self::Instance, Self::Lambda, Self::LoadBalancer, Self::Unknown];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Instance => "instance",
            Self::Lambda => "lambda",
            Self::LoadBalancer => "alb",
            Self::Unknown => "unknown",
        }
    }
}

/// How the load balancer checks its targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HealthCheck {
    pub(crate) enabled: bool,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) port: Option<Arc<str>>,
    pub(crate) path: Option<Arc<str>>,
    /// HTTP codes or gRPC codes that count as healthy.
    pub(crate) matcher: Option<Arc<str>>,
    pub(crate) interval: u32,
    pub(crate) timeout: u32,
    pub(crate) healthy_threshold: u32,
    pub(crate) unhealthy_threshold: u32,
}

impl HealthCheck {
    /// The port of a target that is checked: as AWS says of the target, else the group's own number, else that of its
    /// traffic.
    pub(crate) fn port_of(&self, target: Option<&Target>, traffic: u16) -> u16 {
        let number = |it: &Option<Arc<str>>| it.as_ref()?.parse().ok();
        target.and_then(|it| number(&it.health_port)).or_else(|| number(&self.port)).unwrap_or(traffic)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroup {
    pub arn: TargetGroupArn,
    pub(crate) name: String,
    pub(crate) kind: GroupType,
    /// HTTP, HTTPS, TCP, …; `None` for Lambda.
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) protocol_version: Option<Arc<str>>,
    pub(crate) port: Option<u16>,
    /// Where the load balancer asks a target how much it can take (target optimizer): one more port to open.
    pub(crate) control_port: Option<u16>,
    pub(crate) vpc: Option<Arc<str>>,
    pub(crate) ipv6: bool,
    pub load_balancers: Vec<LoadBalancerArn>,
    pub(crate) check: HealthCheck,
}

impl TargetGroup {
    /// HTTP and HTTPS groups hang on application load balancers, all other protocols on network ones.
    pub(crate) fn of_application_lb(&self) -> bool {
        matches!(self.protocol.as_deref(), Some("HTTP" | "HTTPS"))
    }

    /// Longest time in seconds from registration to the end of the first checks, as far as documented:
    /// one check for an application load balancer, all of the healthy threshold after up to three minutes
    /// of registration for a network load balancer.
    pub(crate) fn registration_allowance(&self) -> i64 {
        let check = i64::from(self.check.interval) + i64::from(self.check.timeout);
        match self.of_application_lb() {
            true => 15 + check,
            false => 180 + check * i64::from(self.check.healthy_threshold.max(1)),
        }
    }
}

/// Attributes of a group as AWS names them, with the defaults of the ones the rules use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(pub BTreeMap<String, String>);

impl Attributes {
    fn number(&self, key: &str) -> Option<u32> {
        self.0.get(key)?.parse().ok()
    }

    /// Seconds a deregistered target drains.
    pub(crate) fn deregistration_delay(&self) -> u32 {
        self.number("deregistration_delay.timeout_seconds").unwrap_or(300)
    }

    /// Cross-zone load balancing; `None`: the load balancer's own setting decides.
    pub(crate) fn cross_zone(&self) -> Option<bool> {
        self.0.get("load_balancing.cross_zone.enabled")?.parse().ok()
    }

    /// Healthy targets below which traffic goes to all registered ones.
    pub(crate) fn minimum_healthy(&self, registered: u32) -> u32 {
        let count = self.number("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count");
        let percentage =
            self.number("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage");
        larger(count.unwrap_or(1), percentage, registered)
    }

    /// Healthy targets of a zone below which the load balancer takes the zone out of its DNS; 0: it never does.
    pub(crate) fn minimum_for_dns(&self, registered: u32) -> u32 {
        const COUNT: &str = "target_group_health.dns_failover.minimum_healthy_targets.count";
        let count = match self.0.get(COUNT).map(String::as_str) {
            Some("off") => 0,
            _ => self.number(COUNT).unwrap_or(1),
        };
        let percentage = self.number("target_group_health.dns_failover.minimum_healthy_targets.percentage");
        larger(count, percentage, registered)
    }
}

/// The larger of a number and a share in percent of what is registered.
fn larger(count: u32, percentage: Option<u32>, registered: u32) -> u32 {
    let share = percentage.map_or(0, |it| registered.saturating_mul(it).div_ceil(100));
    count.max(share)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LoadBalancerKind {
    Application,
    Network,
    Gateway,
}

impl LoadBalancerKind {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Network => "network",
            Self::Gateway => "gateway",
        }
    }

    /// The kind that an ARN names: `…:loadbalancer/app/NAME/HASH`, `net` or `gwy`.
    pub(crate) fn of(arn: &LoadBalancerArn) -> Self {
        match arn.as_str().split('/').nth(1) {
            Some("net") => Self::Network,
            Some("gwy") => Self::Gateway,
            _ => Self::Application,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancer {
    pub(crate) arn: LoadBalancerArn,
    pub(crate) name: String,
    pub(crate) kind: LoadBalancerKind,
    pub(crate) scheme: Option<Arc<str>>,
    pub(crate) dns: Option<Arc<str>>,
    /// active, provisioning, `active_impaired`, failed.
    pub(crate) state: Option<Arc<str>>,
    pub(crate) zones: Vec<Arc<str>>,
    /// Its subnets, one for each zone.
    pub(crate) subnets: Vec<Arc<str>>,
    pub(crate) vpc: Option<Arc<str>>,
    pub(crate) security_groups: Vec<Arc<str>>,
    /// It has addresses of both families.
    pub(crate) dual_stack: bool,
    /// Its own cross-zone setting; `None` while unread. Application load balancers always have it on.
    pub(crate) cross_zone: Option<bool>,
}

impl LoadBalancer {
    /// Its listeners have rules beside their default action: those of application load balancers, and those of network load
    /// balancers with both address families, whose rules tell the two apart.
    pub(crate) fn has_rules(&self) -> bool {
        match self.kind {
            LoadBalancerKind::Application => true,
            LoadBalancerKind::Network => self.dual_stack,
            LoadBalancerKind::Gateway => false,
        }
    }
}

/// Where a rule sends its requests: one group with its weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    pub group: TargetGroupArn,
    pub weight: u32,
}

/// A rule of a listener, or its default action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub arn: Option<RuleArn>,
    /// A number, or `default`.
    pub priority: Arc<str>,
    /// Its conditions and transforms in short: `host a.example`, `path /api/*`.
    pub conditions: Vec<String>,
    /// The same as they are.
    #[serde(default)]
    pub matches: Vec<Condition>,
    #[serde(default)]
    pub transforms: Vec<Transform>,
    /// What it does with a request, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
    pub forwards: Vec<Forward>,
    /// Seconds for which a client stays with its group; `None`: it does not.
    #[serde(default)]
    pub sticky: Option<u32>,
    /// Types of its actions, in order: `authenticate-oidc`, `forward`.
    #[serde(default)]
    pub kinds: Vec<Arc<str>>,
}

impl Rule {
    /// Read twice, nothing about where its requests go, or which it takes, is different. The ARN of a default action
    /// depends on how it was asked for.
    pub(crate) fn sends_as(&self, other: &Self) -> bool {
        let parts = |it: &Self| {
            (it.priority.clone(), it.conditions.clone(), it.forwards.clone(), it.sticky, it.kinds.clone())
        };
        parts(self) == parts(other)
    }

    pub(crate) fn is_default(&self) -> bool {
        &*self.priority == "default"
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    pub arn: ListenerArn,
    pub(crate) load_balancer: LoadBalancerArn,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) port: Option<u16>,
    /// Its rules, the default one included. Those of a network load balancer are its default action alone.
    pub rules: Vec<Rule>,
}

/// Who we are for AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub account: String,
    pub(crate) arn: String,
}

/// The answer to one `DescribeTargetHealth`, and when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    pub targets: Vec<Target>,
    pub asked: Timestamp,
    /// Descriptions that had no target, no id, or no possible port.
    pub unreadable: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_reason_reads_back_to_its_own_text() {
        for text in [
            "initial",
            "healthy",
            "unhealthy",
            "unhealthy.draining",
            "unused",
            "draining",
            "unavailable",
            "resting",
        ] {
            assert_eq!(HealthState::read(text).text(), text);
        }
        for (reason, text) in REASONS {
            assert_eq!((Reason::read(text), reason.text()), (reason.clone(), text));
        }
        assert_eq!(Reason::read("Target.SomethingNew"), Reason::Unknown("Target.SomethingNew".into()));
        assert_eq!(Reason::read("Target.SomethingNew").text(), "Target.SomethingNew");
        assert_eq!(HealthState::read("resting"), HealthState::Unknown("resting".into()));
    }

    #[test]
    fn the_minimum_of_healthy_targets_is_the_larger_of_count_and_share() {
        let attributes = |pairs: &[(&str, &str)]| {
            let prefix = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.";
            Attributes(
                pairs.iter().map(|(key, value)| (format!("{prefix}{key}"), (*value).to_owned())).collect(),
            )
        };
        assert_eq!(attributes(&[]).minimum_healthy(10), 1);
        assert_eq!(attributes(&[("count", "3"), ("percentage", "off")]).minimum_healthy(10), 3);
        assert_eq!(attributes(&[("count", "1"), ("percentage", "50")]).minimum_healthy(9), 5);
        assert_eq!(Attributes::default().deregistration_delay(), 300);
        let dns = |value: &str| {
            let key = "target_group_health.dns_failover.minimum_healthy_targets.count".to_owned();
            Attributes(BTreeMap::from([(key, value.to_owned())])).minimum_for_dns(4)
        };
        assert_eq!((Attributes::default().minimum_for_dns(4), dns("off"), dns("3")), (1, 0, 3));
    }
}
