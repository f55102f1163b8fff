//! The network path from the load balancers of a group to one target, hop by hop: what the security groups on both ends
//! let through, on every port the load balancer needs. What is not looked at is said each time.

pub(crate) mod evaluate;
pub(crate) mod of_row;
mod rules;

use std::sync::Arc;

use ipnet::IpNet;

pub(crate) use self::rules::By;
use crate::domain::facts::ec2::Protocol;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::lineage::Maker;

/// A security group as it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupName {
    pub(crate) id: Arc<str>,
    /// `None`: not read, or not there.
    pub(crate) name: Option<Arc<str>>,
    /// Who made it, by its tags.
    pub(crate) maker: Option<Maker>,
    /// Tagged as the cluster's, so that the controller adds its rules there.
    pub(crate) of_cluster: bool,
}

/// What the load balancer needs a port for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    Traffic,
    HealthCheck,
    /// Of the target optimizer.
    Control,
}

/// A port that has to be open on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NeededPort {
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    pub(crate) purposes: Vec<Purpose>,
}

/// Where packets come from, or go to, that nothing lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Groups(Vec<GroupName>),
    Blocks(Vec<IpNet>),
    /// The addresses of clients, which the load balancer keeps.
    Clients,
}

/// A rule that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The groups none of which has it.
    pub(crate) groups: Vec<GroupName>,
    pub(crate) egress: bool,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    /// From where, or with `egress` to where.
    pub(crate) end: End,
    /// Rules that nearly fit.
    pub(crate) near: Vec<By>,
    /// Packets of other addresses are let through.
    pub(crate) in_part: bool,
}

/// Why a hop cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// Nobody has asked yet.
    Unread,
    /// It could not be read.
    Failed(String),
    /// Nothing in EC2 has the target's address.
    NoInterface,
    Hybrid,
    NoAddress,
    /// No load balancer sends to the group, so there is no way.
    NoLoadBalancer,
    /// Only clients of these rules are let through, and nobody knows which call.
    Clients(Vec<By>),
    /// A rule names the right group, and the peering between the VPCs is not active.
    Peering(By),
    /// A rule has a peer of an unknown kind.
    Peer(By),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HopKind {
    /// What the load balancer's groups let out.
    Egress(NeededPort),
    /// Whether the load balancer is in the target's zone.
    Zone(Option<Arc<str>>),
    /// Both are in the same VPC, or not.
    Vpc,
    /// What the target's groups let in.
    Ingress(NeededPort),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HopVerdict {
    Allowed(Vec<By>),
    Blocked(Missing),
    Unknown(Unclear),
    /// Nothing is in the way, without a rule.
    Open,
    /// The load balancer has no security group: nothing limits what it sends.
    NoGroups,
    /// The load balancer has no subnet in the target's zone.
    ZoneOff,
    /// Load balancer and target are in different VPCs: peering and routes are not looked at.
    OtherVpc(Arc<str>, Arc<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) kind: HopKind,
    pub(crate) verdict: HopVerdict,
}

/// The way from one load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FromLoadBalancer {
    pub(crate) name: String,
    pub(crate) groups: Vec<GroupName>,
    pub(crate) hops: Vec<Hop>,
}

/// What is known of the target's interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetInterface {
    pub(crate) id: Arc<str>,
    pub(crate) kind: Option<Arc<str>>,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) subnet: Option<Arc<str>>,
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) groups: Vec<GroupName>,
    /// The address is of a block delegated to it.
    pub(crate) by_prefix: bool,
}

/// What is never looked at, though it may be in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotEvaluated {
    /// Names of the NetworkPolicies that select the pod; `None`: they were not read.
    pub(crate) policies: Option<Vec<String>>,
    /// The way from the node on to a pod.
    pub(crate) node_to_pod: bool,
}

/// The ways to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkPath {
    pub(crate) target: TargetKey,
    pub(crate) interface: Result<TargetInterface, Unclear>,
    pub(crate) ways: Vec<FromLoadBalancer>,
    pub(crate) not_evaluated: NotEvaluated,
    /// Where a second opinion can be asked for.
    pub(crate) region: String,
}

/// All hops in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathVerdict<'a> {
    Open,
    /// The first hop that is blocked, and on the way from where.
    Blocked(&'a FromLoadBalancer, &'a Hop),
    Unknown(&'a Unclear),
}

impl NetworkPath {
    /// Blocked where any hop is; else unknown where any hop is.
    pub(crate) fn verdict(&self) -> PathVerdict<'_> {
        let hops = || self.ways.iter().flat_map(|way| way.hops.iter().map(move |hop| (way, hop)));
        let is_blocked = |it: &HopVerdict| matches!(it, HopVerdict::Blocked(_) | HopVerdict::ZoneOff);
        if let Some((way, hop)) = hops().find(|(_, it)| is_blocked(&it.verdict)) {
            return PathVerdict::Blocked(way, hop);
        }
        let unclear = hops().find_map(|(_, it)| match &it.verdict {
            HopVerdict::Unknown(why) => Some(why),
            _ => None,
        });
        match (unclear, self.ways.is_empty()) {
            (Some(why), _) => PathVerdict::Unknown(why),
            (None, true) => PathVerdict::Unknown(&Unclear::NoLoadBalancer),
            (None, false) => PathVerdict::Open,
        }
    }

    /// The rule that is missing, if one is.
    pub(crate) fn missing(&self) -> Option<&Missing> {
        match self.verdict() {
            PathVerdict::Blocked(_, Hop { verdict: HopVerdict::Blocked(missing), .. }) => Some(missing),
            _ => None,
        }
    }
}
