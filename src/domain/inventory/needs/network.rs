//! What a network path rests on: the target's interface, both ends' security groups with their rules, the subnets of load
//! balancers, the prefix lists that rules name.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::facts::ec2::Locator;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::ec2::Peer;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::inventory::network::Found;
use crate::domain::inventory::network::Network;
use crate::domain::inventory::network::WantedPath;

/// Whose a part is.
#[derive(Clone, Copy)]
pub(super) enum Side<'a> {
    /// The targets': the cluster's own account, whoever owns the group.
    Target,
    LoadBalancer(&'a LoadBalancerArn),
}

/// The parts of a path that are known to be needed so far, each with whose it is.
pub(super) fn parts<'a>(
    network: &Network,
    path: &WantedPath,
    load_balancers: &[&'a LoadBalancer],
) -> Vec<(NetworkPart, Side<'a>)> {
    let mut all = vec![(NetworkPart::Interfaces(path.locator.clone()), Side::Target)];
    let mut of_target: BTreeSet<Arc<str>> = BTreeSet::new();
    if let Found::One(interface) = network.interface(&path.locator, path.address) {
        of_target.extend(interface.groups.iter().cloned());
    }
    for it in load_balancers {
        let side = Side::LoadBalancer(&it.arn);
        all.extend(it.subnets.iter().map(|id| (NetworkPart::Subnet(id.clone()), side)));
        // The addresses of the others change as they grow.
        if it.kind != LoadBalancerKind::Application {
            all.push((NetworkPart::Interfaces(Locator::LoadBalancer(it.arn.clone())), side));
        }
        for id in it.security_groups.iter().filter(|id| !of_target.contains(*id)) {
            all.extend(of_group(network, id, true).into_iter().map(|it| (it, side)));
        }
    }
    for id in &of_target {
        all.extend(of_group(network, id, false).into_iter().map(|it| (it, Side::Target)));
    }
    all
}

/// A group by name, its rules, and the prefix lists of those rules that matter.
fn of_group(network: &Network, id: &Arc<str>, egress: bool) -> Vec<NetworkPart> {
    let rules = network.rules.get(id).into_iter().flatten().filter(|it| it.egress == egress);
    let lists: BTreeSet<&Arc<str>> = rules
        .filter_map(|it| if let Peer::PrefixList(list) = &it.peer { Some(list) } else { None })
        .collect();
    let lists = lists.into_iter().map(|it| NetworkPart::PrefixList(it.clone()));
    [NetworkPart::SecurityGroup(id.clone()), NetworkPart::Rules(id.clone())]
        .into_iter()
        .chain(lists)
        .collect()
}
