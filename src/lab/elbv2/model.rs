//! Load balancers, listeners, rules, groups and targets, as one account of one region holds them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::lab::clock::Millis;
use crate::lab::ec2::model::of_load_balancer;
use crate::lab::random::Random;

/// What identifies a target in its group: address or instance, port, and in a QUIC group its server id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::lab) struct Key {
    pub(in crate::lab) id: String,
    pub(in crate::lab) port: u16,
    pub(in crate::lab) quic: Option<String>,
}

impl Key {
    pub(in crate::lab) fn new(id: impl Into<String>, port: u16) -> Self {
        Self { id: id.into(), port, quic: None }
    }

    /// What [`Self::identifier`] wrote.
    pub(in crate::lab) fn read(text: &str) -> Option<Self> {
        let (rest, last) = text.rsplit_once(':')?;
        // A server id begins like a number in hexadecimal, which no port does.
        let (rest, port, quic) = match last.starts_with("0x") {
            true => rest.rsplit_once(':').map(|(id, port)| (id, port, Some(last.to_owned())))?,
            false => (rest, last, None),
        };
        Some(Self { id: rest.to_owned(), port: port.parse().ok()?, quic })
    }

    /// As the controller writes it in its ledger and checkpoint.
    pub(in crate::lab) fn identifier(&self) -> String {
        let server = self.quic.as_ref().map_or(String::new(), |it| format!(":{it}"));
        format!("{}:{}{server}", self.id, self.port)
    }
}

/// A target of a group: the group's ARN and the target's key.
pub(in crate::lab) type TargetRef = (String, Key);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) enum State {
    Initial,
    Healthy,
    Unhealthy,
    Unused,
    Draining,
}

impl State {
    pub(in crate::lab) fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unused => "unused",
            Self::Draining => "draining",
        }
    }
}

/// State, reason and description, as one answer gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Health {
    pub(in crate::lab) state: State,
    pub(in crate::lab) reason: &'static str,
    pub(in crate::lab) description: String,
}

impl Health {
    pub(in crate::lab) fn new(state: State, reason: &'static str, description: &str) -> Self {
        Self { state, reason, description: description.to_owned() }
    }

    /// A registration that has just begun.
    pub(in crate::lab) fn registering() -> Self {
        Self::new(State::Initial, "Elb.RegistrationInProgress", "Target registration is in progress")
    }

    /// A deregistration that has just begun.
    pub(in crate::lab) fn draining() -> Self {
        Self::new(State::Draining, "Target.DeregistrationInProgress", "Target deregistration is in progress")
    }
}

#[derive(Clone, Debug)]
pub(in crate::lab) struct Target {
    /// A zone, or `all`.
    pub(in crate::lab) zone: String,
    pub(in crate::lab) registered: Millis,
    pub(in crate::lab) health: Health,
    /// What it will be next, and when, unless the truth changes before.
    pub(in crate::lab) next: Option<(Millis, Health)>,
    /// When its draining ends.
    pub(in crate::lab) gone: Option<Millis>,
}

#[derive(Clone, Debug)]
pub(in crate::lab) struct HealthCheck {
    pub(in crate::lab) protocol: String,
    /// `traffic-port` or a number.
    pub(in crate::lab) port: String,
    pub(in crate::lab) path: String,
    /// Seconds.
    pub(in crate::lab) interval: i64,
    pub(in crate::lab) timeout: i64,
    pub(in crate::lab) healthy: i64,
    pub(in crate::lab) unhealthy: i64,
    pub(in crate::lab) matcher: String,
}

#[derive(Clone, Debug)]
pub(in crate::lab) struct Group {
    pub(in crate::lab) arn: String,
    pub(in crate::lab) name: String,
    pub(in crate::lab) protocol: String,
    pub(in crate::lab) port: u16,
    /// `ip` or `instance`.
    pub(in crate::lab) target_type: String,
    pub(in crate::lab) check: HealthCheck,
    pub(in crate::lab) attributes: BTreeMap<String, String>,
    pub(in crate::lab) targets: BTreeMap<Key, Target>,
}

impl Group {
    pub(in crate::lab) fn is_network(&self) -> bool {
        !matches!(self.protocol.as_str(), "HTTP" | "HTTPS")
    }

    /// Milliseconds a target drains.
    pub(in crate::lab) fn delay(&self) -> Millis {
        let seconds = self.attributes.get("deregistration_delay.timeout_seconds");
        seconds.and_then(|it| it.parse::<i64>().ok()).unwrap_or(300) * 1000
    }
}

#[derive(Clone, Debug)]
pub(in crate::lab) struct LoadBalancer {
    pub(in crate::lab) arn: String,
    pub(in crate::lab) name: String,
    /// `application` or `network`.
    pub(in crate::lab) kind: String,
    pub(in crate::lab) zones: Vec<String>,
    /// It has addresses of both families.
    pub(in crate::lab) dual_stack: bool,
    pub(in crate::lab) attributes: BTreeMap<String, String>,
    pub(in crate::lab) security_groups: Vec<String>,
    pub(in crate::lab) created: Millis,
}

/// Groups with their weights.
pub(in crate::lab) type Forward = Vec<(String, i64)>;

#[derive(Clone, Debug)]
pub(in crate::lab) struct Listener {
    pub(in crate::lab) arn: String,
    pub(in crate::lab) load_balancer: String,
    pub(in crate::lab) protocol: String,
    pub(in crate::lab) port: u16,
    pub(in crate::lab) forward: Forward,
}

#[derive(Clone, Debug)]
pub(in crate::lab) struct Rule {
    pub(in crate::lab) arn: String,
    pub(in crate::lab) listener: String,
    pub(in crate::lab) priority: u32,
    /// Field and values of each condition.
    pub(in crate::lab) conditions: Vec<(String, Vec<String>)>,
    pub(in crate::lab) forward: Forward,
}

#[derive(Clone, Debug)]
pub(in crate::lab) struct Instance {
    pub(in crate::lab) node: String,
    pub(in crate::lab) zone: String,
    pub(in crate::lab) running: bool,
}

/// One account and region.
#[derive(Debug)]
pub(in crate::lab) struct Elb {
    pub(in crate::lab) account: String,
    pub(in crate::lab) region: String,
    pub(in crate::lab) vpc: String,
    pub(in crate::lab) groups: BTreeMap<String, Group>,
    pub(in crate::lab) load_balancers: BTreeMap<String, LoadBalancer>,
    pub(in crate::lab) listeners: BTreeMap<String, Listener>,
    pub(in crate::lab) rules: BTreeMap<String, Rule>,
    pub(in crate::lab) instances: BTreeMap<String, Instance>,
    /// Tags of everything, by ARN.
    pub(in crate::lab) tags: BTreeMap<String, BTreeMap<String, String>>,
    /// The targets of an address or instance, in all groups.
    pub(in crate::lab) registered: BTreeMap<String, BTreeSet<TargetRef>>,
    /// How many addresses of a block were given out.
    hosts: BTreeMap<String, u32>,
    pub(in crate::lab) random: Random,
}

impl Elb {
    pub(in crate::lab) fn new(random: Random) -> Self {
        Self {
            account: "702463714165".to_owned(),
            region: "eu-west-1".to_owned(),
            vpc: "vpc-0a1b2c3d4e5f60718".to_owned(),
            groups: BTreeMap::new(),
            load_balancers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            rules: BTreeMap::new(),
            instances: BTreeMap::new(),
            tags: BTreeMap::new(),
            registered: BTreeMap::new(),
            hosts: BTreeMap::new(),
            random,
        }
    }

    pub(in crate::lab) fn arn(&self, rest: &str) -> String {
        format!("arn:aws:elasticloadbalancing:{}:{}:{rest}", self.region, self.account)
    }

    pub(in crate::lab) fn group_named(&self, name: &str) -> Option<&Group> {
        self.groups.values().find(|it| it.name == name)
    }

    /// ARN of the group of a name; the name itself where there is none.
    pub(in crate::lab) fn group_arn(&self, name: &str) -> String {
        self.group_named(name).map_or_else(|| name.to_owned(), |it| it.arn.clone())
    }

    /// Weights by name of the group as weights by ARN.
    pub(in crate::lab) fn forward(&self, weights: &BTreeMap<String, i64>) -> Forward {
        weights.iter().map(|(name, weight)| (self.group_arn(name), *weight)).collect()
    }

    /// The load balancers that send to a group, with weight or without.
    pub(in crate::lab) fn load_balancers_of(&self, group: &str) -> Vec<String> {
        let leads = |forward: &Forward| forward.iter().any(|(arn, _)| arn == group);
        let direct =
            self.listeners.values().filter(|it| leads(&it.forward)).map(|it| it.load_balancer.clone());
        let ruled = self.rules.values().filter(|it| leads(&it.forward));
        let ruled = ruled.filter_map(|it| Some(self.listeners.get(&it.listener)?.load_balancer.clone()));
        let mut all: Vec<String> = direct.chain(ruled).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The zone whose subnet has an address; `None`: it is not in the VPC.
    pub(in crate::lab) fn zone_of(&self, address: &str) -> Option<String> {
        let mut parts = address.split('.').map(|it| it.parse::<u8>().ok());
        let (Some(Some(192)), Some(Some(168)), Some(Some(third))) =
            (parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let letter = match third / 64 {
            0 => 'a',
            1 => 'b',
            _ => 'c',
        };
        Some(format!("{}{letter}", self.region))
    }

    /// A target is gone.
    pub(in crate::lab) fn remove_target(&mut self, group: &str, key: &Key) {
        if let Some(group) = self.groups.get_mut(group) {
            group.targets.remove(key);
        }
        if let Some(all) = self.registered.get_mut(&key.id) {
            all.remove(&(group.to_owned(), key.clone()));
        }
    }

    /// Whether an address is one of a load balancer's own.
    pub(in crate::lab) fn is_load_balancers(&self, address: &str) -> bool {
        let in_zone = |zone: &String| address == of_load_balancer(zone);
        self.load_balancers.values().any(|it| it.zones.iter().any(in_zone))
    }

    /// The number of the next address of a block.
    pub(in crate::lab) fn next_host(&mut self, block: &str) -> u32 {
        let next = self.hosts.entry(block.to_owned()).or_default();
        *next += 1;
        *next - 1
    }
}

/// What a group has when nobody says otherwise.
pub(in crate::lab) fn default_attributes(network: bool) -> BTreeMap<String, String> {
    let both = [
        ("deregistration_delay.timeout_seconds", "300"),
        ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
        ("stickiness.enabled", "false"),
        ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
        ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
    ];
    let application = [
        ("load_balancing.algorithm.anomaly_mitigation", "off"),
        ("load_balancing.algorithm.type", "round_robin"),
        ("slow_start.duration_seconds", "0"),
        ("stickiness.app_cookie.cookie_name", ""),
        ("stickiness.app_cookie.duration_seconds", "86400"),
        ("stickiness.lb_cookie.duration_seconds", "86400"),
        ("stickiness.type", "lb_cookie"),
    ];
    let of_network = [
        ("deregistration_delay.connection_termination.enabled", "false"),
        ("preserve_client_ip.enabled", "false"),
        ("proxy_protocol_v2.enabled", "false"),
        ("stickiness.type", "source_ip"),
        ("target_health_state.unhealthy.connection_termination.enabled", "true"),
        ("target_health_state.unhealthy.draining_interval_seconds", "0"),
    ];
    let own: &[(&str, &str)] = if network { &of_network } else { &application };
    both.iter().chain(own).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
