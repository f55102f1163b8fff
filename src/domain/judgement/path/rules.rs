//! Whether the rules of some security groups let packets through: by reference to a group, by address blocks that together
//! hold every source, by prefix lists.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::sync::Arc;

use ipnet::IpNet;
use ipnet::Ipv4Net;
use ipnet::Ipv6Net;

use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::ec2::Peer;
use crate::domain::facts::ec2::Protocol;
use crate::domain::facts::ec2::SecurityGroupRule;
use crate::domain::inventory::network::Network;

/// The other end of packets, as a rule can name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// Security groups on its interfaces.
    pub(super) groups: Vec<Arc<str>>,
    pub(super) addresses: Addresses,
}

/// The addresses of the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    Known(Vec<IpNet>),
    /// Those of whoever calls: nobody knows them.
    Clients {
        ipv6: bool,
    },
    Unread(NetworkPart),
}

/// A rule that lets packets through, or nearly does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct By {
    /// `sgr-…`
    pub(crate) rule: Arc<str>,
    /// The group it belongs to.
    pub(crate) group: Arc<str>,
    /// `tcp/80`, `all traffic`.
    pub(crate) traffic: String,
    pub(crate) peer: Peer,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Allowed(Vec<By>),
    /// Nothing lets them through; with `in_part` others of the addresses are let through.
    Blocked {
        uncovered: Vec<IpNet>,
        near: Vec<By>,
        in_part: bool,
    },
    /// Only clients of these blocks or lists are let through.
    Clients(Vec<By>),
    /// A rule refers to the peered group whose peering is not active.
    Peering(By),
    /// What it hangs on was not read.
    Unread(NetworkPart),
    /// A rule has a peer of a kind that EC2 has added since.
    Unclear(By),
}

/// Most rules that are named because they nearly fit.
const NEAR: usize = 3;

/// Looks for rules of some groups, of one direction, that let a protocol through on a port.
pub(super) fn find(
    network: &Network,
    (groups, egress): (&[Arc<str>], bool),
    (protocol, port): (Protocol, u16),
    ends: &Ends,
) -> Finding {
    let unread = groups.iter().find(|it| !network.rules.contains_key(*it));
    let rules: Vec<&SecurityGroupRule> = groups
        .iter()
        .filter_map(|it| network.rules.get(it))
        .flatten()
        .filter(|it| it.egress == egress)
        .collect();
    let fitting: Vec<&SecurityGroupRule> =
        rules.iter().copied().filter(|it| it.is_for(protocol, port)).collect();
    let mut broken = None;
    for rule in &fitting {
        let Peer::Group { id, peering } = &rule.peer else { continue };
        match peering.as_deref() {
            None | Some("active") if ends.groups.contains(id) => return Finding::Allowed(vec![by(rule)]),
            Some(_) if ends.groups.contains(id) => broken = Some(by(rule)),
            _ => {}
        }
    }
    let found = by_address(network, &fitting, &ends.addresses);
    if matches!(found, Finding::Allowed(_)) {
        return found;
    }
    if let Some(id) = unread {
        return Finding::Unread(NetworkPart::Rules(id.clone()));
    }
    if let Some(rule) = broken {
        return Finding::Peering(rule);
    }
    match (found, fitting.iter().find(|it| it.peer == Peer::Unknown)) {
        (Finding::Blocked { .. }, Some(rule)) => Finding::Unclear(by(rule)),
        (Finding::Blocked { uncovered, in_part, .. }, None) => {
            let near = near(network, (&rules, &fitting), ends);
            Finding::Blocked { uncovered, near, in_part }
        }
        (found, _) => found,
    }
}

fn by(rule: &SecurityGroupRule) -> By {
    By { rule: rule.id.clone(), group: rule.group.clone(), traffic: rule.traffic(), peer: rule.peer.clone() }
}

/// The blocks a rule lets through; `Err`: its prefix list was not read.
fn blocks(network: &Network, rule: &SecurityGroupRule) -> Result<Vec<IpNet>, NetworkPart> {
    match &rule.peer {
        Peer::Block(block) => Ok(vec![*block]),
        Peer::PrefixList(id) => {
            let list = network.prefix_lists.get(id).cloned();
            list.ok_or_else(|| NetworkPart::PrefixList(id.clone()))
        }
        Peer::Group { .. } | Peer::Unknown => Ok(Vec::new()),
    }
}

fn by_address(network: &Network, fitting: &[&SecurityGroupRule], addresses: &Addresses) -> Finding {
    let mut unread = None;
    let mut open: Vec<(&SecurityGroupRule, Vec<IpNet>)> = Vec::new();
    for rule in fitting {
        match blocks(network, rule) {
            Ok(blocks) if blocks.is_empty() => {}
            Ok(blocks) => open.push((rule, blocks)),
            Err(part) => unread = Some(part),
        }
    }
    let all = |ipv6: bool| match ipv6 {
        true => IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0)),
        false => IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)),
    };
    let from = match addresses {
        // A rule for everything needs no addresses.
        Addresses::Unread(part) => {
            let whole = open.iter().find(|it| it.1.contains(&all(false)) || it.1.contains(&all(true)));
            return match (whole, open.is_empty(), unread) {
                (Some((rule, _)), ..) => Finding::Allowed(vec![by(rule)]),
                (None, true, None) => nothing(),
                (None, _, unread) => Finding::Unread(unread.unwrap_or_else(|| part.clone())),
            };
        }
        Addresses::Clients { ipv6 } => vec![all(*ipv6)],
        Addresses::Known(from) => from.clone(),
    };
    let union = IpNet::aggregate(&open.iter().flat_map(|it| &it.1).copied().collect());
    let uncovered: Vec<IpNet> =
        from.iter().filter(|it| !union.iter().any(|block| block.contains(*it))).copied().collect();
    let touches = |blocks: &[IpNet]| {
        let meets = |block: &IpNet, it: &IpNet| block.contains(it) || it.contains(block);
        blocks.iter().any(|block| from.iter().any(|it| meets(block, it)))
    };
    let used: Vec<By> = open.iter().filter(|it| touches(&it.1)).map(|(rule, _)| by(rule)).collect();
    match (addresses, unread) {
        // Nobody knows where packets of no address come from.
        _ if uncovered.is_empty() && !from.is_empty() => Finding::Allowed(used),
        (_, Some(part)) => Finding::Unread(part),
        (Addresses::Clients { .. }, None) if !used.is_empty() => Finding::Clients(used),
        (Addresses::Clients { .. }, None) => nothing(),
        (_, None) => Finding::Blocked { uncovered, near: Vec::new(), in_part: !used.is_empty() },
    }
}

fn nothing() -> Finding {
    Finding::Blocked { uncovered: Vec::new(), near: Vec::new(), in_part: false }
}

/// Rules that would fit if their port, or their peer, were another: the former first.
fn near(
    network: &Network,
    (rules, fitting): (&[&SecurityGroupRule], &[&SecurityGroupRule]),
    ends: &Ends,
) -> Vec<By> {
    let reaches = |rule: &SecurityGroupRule| match &rule.peer {
        Peer::Group { id, .. } => ends.groups.contains(id),
        Peer::Block(_) | Peer::PrefixList(_) => match (&ends.addresses, blocks(network, rule)) {
            (Addresses::Known(from), Ok(blocks)) => {
                from.iter().any(|it| blocks.iter().any(|block| block.contains(it)))
            }
            _ => false,
        },
        Peer::Unknown => false,
    };
    let other_port = rules.iter().filter(|it| reaches(it) && !fitting.contains(*it));
    let other_peer = fitting.iter().filter(|it| !reaches(it));
    other_port.chain(other_peer).take(NEAR).map(|it| by(it)).collect()
}

/// One address as a block.
pub(super) fn single(address: IpAddr) -> IpNet {
    IpNet::from(address)
}
