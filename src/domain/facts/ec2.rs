//! The EC2 side as the rules see it: interfaces, subnets, security groups and their rules, prefix lists. They decide which
//! packets of a load balancer reach a target.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::ids::LoadBalancerArn;

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// `eni-…`
    pub(crate) id: Arc<str>,
    /// `interface`, `branch`, `trunk`, `network_load_balancer`, …
    pub(crate) kind: Option<Arc<str>>,
    pub(crate) vpc: Option<Arc<str>>,
    pub(crate) subnet: Option<Arc<str>>,
    pub(crate) zone: Option<Arc<str>>,
    /// The instance it is attached to.
    pub(crate) instance: Option<Arc<str>>,
    /// Its place there; 0 is the primary one.
    pub(crate) device: Option<u32>,
    /// Ids of its security groups.
    pub(crate) groups: Vec<Arc<str>>,
    /// Its private addresses, of both families; the primary one first.
    pub(crate) addresses: Vec<IpAddr>,
    /// Blocks delegated to it: pods get addresses of these that are none of its own.
    pub(crate) prefixes: Vec<IpNet>,
}

impl Interface {
    /// Whether packets for an address go to this interface.
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address) || self.prefixes.iter().any(|it| it.contains(&address))
    }
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub(crate) id: Arc<str>,
    pub(crate) vpc: Option<Arc<str>>,
    pub(crate) zone: Option<Arc<str>>,
    /// Its address blocks, of both families.
    pub(crate) blocks: Vec<IpNet>,
}

/// A security group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) vpc: Option<Arc<str>>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// What a rule of a security group lets through, or where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    Block(IpNet),
    /// `pl-…`
    PrefixList(Arc<str>),
    /// What has this security group on its interface.
    Group {
        id: Arc<str>,
        /// `active`, `deleted`, … where it is of a peered VPC.
        peering: Option<Arc<str>>,
    },
    /// Something that EC2 has added since.
    Unknown,
}

/// One rule of a security group. There are no rules that deny.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// `sgr-…`
    pub(crate) id: Arc<str>,
    /// The group it belongs to.
    pub(crate) group: Arc<str>,
    pub(crate) egress: bool,
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub(crate) protocol: Arc<str>,
    /// Its ports; -1 or nothing: all.
    pub(crate) from: Option<i32>,
    pub(crate) to: Option<i32>,
    pub(crate) peer: Peer,
}

impl SecurityGroupRule {
    /// Whether it lets a protocol (`tcp`, `udp`) through on a port.
    pub(crate) fn is_for(&self, protocol: Protocol, port: u16) -> bool {
        match &*self.protocol {
            "-1" | "all" => return true,
            it if it == protocol.text() || it == protocol.number() => {}
            _ => return false,
        }
        match (self.from, self.to) {
            (None | Some(-1), _) | (_, None) => true,
            (Some(from), Some(to)) => (from..=to).contains(&i32::from(port)),
        }
    }

    /// `tcp/80`, `tcp/8000-9000`, `udp`, `all traffic`.
    pub(crate) fn traffic(&self) -> String {
        let protocol = match &*self.protocol {
            "-1" | "all" => return "all traffic".to_owned(),
            "6" => "tcp",
            "17" => "udp",
            other => other,
        };
        match (self.from, self.to) {
            (None | Some(-1), _) | (_, None) | (Some(0), Some(65_535)) => protocol.to_owned(),
            (Some(from), Some(to)) if from == to => format!("{protocol}/{from}"),
            (Some(from), Some(to)) => format!("{protocol}/{from}-{to}"),
        }
    }
}

/// What a target listens by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// As the Internet Assigned Numbers Authority numbers it.
    fn number(self) -> &'static str {
        match self {
            Self::Tcp => "6",
            Self::Udp => "17",
        }
    }
}

/// By what interfaces are looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Locator {
    /// All of an instance, `i-…`.
    Instance(Arc<str>),
    /// One, `eni-…`.
    Interface(Arc<str>),
    /// The one that has an address of its own, in a VPC where that is known.
    Address(IpAddr, Option<Arc<str>>),
    /// All of a load balancer.
    LoadBalancer(LoadBalancerArn),
}

/// One thing of the network that can be read by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NetworkPart {
    Interfaces(Locator),
    Subnet(Arc<str>),
    SecurityGroup(Arc<str>),
    /// The rules of a security group.
    Rules(Arc<str>),
    PrefixList(Arc<str>),
}

/// What was answered about some parts: what was asked for and is not in it does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkAnswer {
    Interfaces(Vec<(Locator, Vec<Interface>)>),
    Subnets(Vec<(Arc<str>, Option<Subnet>)>),
    SecurityGroups(Vec<(Arc<str>, Option<SecurityGroup>)>),
    Rules(Vec<(Arc<str>, Vec<SecurityGroupRule>)>),
    PrefixList(Arc<str>, Vec<IpNet>),
}

impl NetworkAnswer {
    /// The parts it is about.
    pub(crate) fn parts(&self) -> Vec<NetworkPart> {
        match self {
            Self::Interfaces(all) => all.iter().map(|it| NetworkPart::Interfaces(it.0.clone())).collect(),
            Self::Subnets(all) => all.iter().map(|it| NetworkPart::Subnet(it.0.clone())).collect(),
            Self::SecurityGroups(all) => {
                all.iter().map(|it| NetworkPart::SecurityGroup(it.0.clone())).collect()
            }
            Self::Rules(all) => all.iter().map(|it| NetworkPart::Rules(it.0.clone())).collect(),
            Self::PrefixList(id, _) => vec![NetworkPart::PrefixList(id.clone())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: &str, from: Option<i32>, to: Option<i32>) -> SecurityGroupRule {
        SecurityGroupRule {
            id: "sgr-1".into(),
            group: "sg-1".into(),
            egress: false,
            protocol: protocol.into(),
            from,
            to,
            peer: Peer::Unknown,
        }
    }

    #[test]
    fn a_rule_is_for_its_protocol_and_ports() {
        let table = [
            (rule("tcp", Some(80), Some(80)), 80, true, "tcp/80"),
            (rule("tcp", Some(80), Some(80)), 8080, false, "tcp/80"),
            (rule("6", Some(8000), Some(9000)), 8080, true, "tcp/8000-9000"),
            (rule("udp", Some(0), Some(65_535)), 8080, false, "udp"),
            (rule("tcp", Some(0), Some(65_535)), 8080, true, "tcp"),
            (rule("-1", Some(-1), Some(-1)), 8080, true, "all traffic"),
            (rule("-1", None, None), 8080, true, "all traffic"),
            (rule("icmp", Some(-1), Some(-1)), 8080, false, "icmp"),
        ];
        for (rule, port, expected, text) in table {
            assert_eq!(rule.is_for(Protocol::Tcp, port), expected, "{rule:?} {port}");
            assert_eq!(rule.traffic(), text);
        }
    }

    #[test]
    fn pods_have_addresses_of_delegated_prefixes() {
        let interface = Interface {
            addresses: vec!["10.0.3.7".parse().unwrap()],
            prefixes: vec!["10.0.3.64/28".parse().unwrap()],
            ..Interface::default()
        };
        for (address, expected) in [("10.0.3.7", true), ("10.0.3.70", true), ("10.0.3.80", false)] {
            assert_eq!(interface.holds(address.parse().unwrap()), expected, "{address}");
        }
    }
}
