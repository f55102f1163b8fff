//! Whether the packets of a load balancer reach a target: what the security groups on both ends say.

use std::net::Ipv4Addr;

use super::model::Ec2;
use super::model::Peer;
use super::model::of_load_balancer;
use crate::lab::elbv2::model::Group;
use crate::lab::elbv2::model::Key;
use crate::lab::elbv2::model::LoadBalancer;
use crate::lab::world::World;

/// Whether a health check of a group gets to a target.
pub(in crate::lab) fn lets_through(world: &World, group: &Group, key: &Key) -> bool {
    let port = group.check.port.parse().unwrap_or(key.port);
    let into = match group.target_type.as_str() {
        "instance" => &world.ec2.nodes,
        _ => world.ec2.of_pods(),
    };
    let balancers = world.elb.load_balancers_of(&group.arn);
    let mut balancers = balancers.iter().filter_map(|it| world.elb.load_balancers.get(it)).peekable();
    balancers.peek().is_none() || balancers.all(|it| passes(&world.ec2, it, (into, &key.id), port))
}

fn passes(ec2: &Ec2, from: &LoadBalancer, (into, address): (&str, &str), port: u16) -> bool {
    let (groups, into) = (&from.security_groups, [into.to_owned()]);
    let sources: Vec<String> = from.zones.iter().map(|it| of_load_balancer(it)).collect();
    let out = groups.is_empty()
        || fits(ec2, groups, (true, port), |peer| match peer {
            // The address of an instance is not known here.
            Peer::Block(_) if !address.contains('.') => true,
            peer => names(ec2, peer, &into, address),
        });
    out && sources
        .iter()
        .all(|source| fits(ec2, &into, (false, port), |peer| names(ec2, peer, groups, source)))
}

/// Whether a rule's peer is something with these groups and this address.
fn names(ec2: &Ec2, peer: &Peer, groups: &[String], address: &str) -> bool {
    match peer {
        Peer::Group(id) => groups.contains(id),
        Peer::Block(block) => holds(block, address),
        Peer::List(id) => ec2.lists.get(id).is_some_and(|all| all.iter().any(|it| holds(it, address))),
    }
}

fn fits(ec2: &Ec2, groups: &[String], (egress, port): (bool, u16), of: impl Fn(&Peer) -> bool) -> bool {
    let port = i32::from(port);
    ec2.rules.iter().any(|it| {
        it.egress == egress
            && groups.contains(&it.group)
            && (it.protocol == "-1" || (it.protocol == "tcp" && (it.ports.0..=it.ports.1).contains(&port)))
            && of(&it.peer)
    })
}

/// Whether a block holds an address.
fn holds(block: &str, address: &str) -> bool {
    let Some((network, length)) = block.split_once('/') else { return false };
    let (Ok(network), Ok(address), Ok(length)) =
        (network.parse::<Ipv4Addr>(), address.parse::<Ipv4Addr>(), length.parse::<u32>())
    else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
    u32::from(network) & mask == u32::from(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_addresses() {
        for (block, address, expected) in [
            ("0.0.0.0/0", "192.168.1.1", true),
            ("192.168.0.0/16", "192.168.1.1", true),
            ("192.168.0.0/24", "192.168.1.1", false),
            ("192.168.1.1/32", "192.168.1.1", true),
            ("nothing", "192.168.1.1", false),
        ] {
            assert_eq!(holds(block, address), expected, "{block} {address}");
        }
    }
}
