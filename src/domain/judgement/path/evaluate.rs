//! Looks up what a way consists of, and judges each hop of it.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::End;
use super::FromLoadBalancer;
use super::GroupName;
use super::Hop;
use super::HopKind;
use super::HopVerdict;
use super::Missing;
use super::NeededPort;
use super::NetworkPath;
use super::NotEvaluated;
use super::Purpose;
use super::TargetInterface;
use super::Unclear;
use super::rules;
use super::rules::Addresses;
use super::rules::Ends;
use super::rules::Finding;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::ec2::Interface;
use crate::domain::facts::ec2::Locator;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::ec2::Protocol;
use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::lineage;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Gone;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::inventory::locate::NoInterface;
use crate::domain::inventory::locate::locate;
use crate::domain::inventory::network::Found;

/// A target and what its way is looked for by.
pub(crate) struct Sought<'a> {
    pub(crate) cluster: Option<&'a Cluster>,
    /// Its pod; of an instance none.
    pub(crate) pod: Option<&'a ObjectName>,
    pub(crate) node: Option<&'a str>,
    pub(crate) group: &'a TargetGroup,
    pub(crate) attributes: Option<&'a Attributes>,
    pub(crate) key: &'a TargetKey,
    /// As AWS says; `all`: outside the VPC.
    pub(crate) zone: Option<&'a Arc<str>>,
    /// The port that is checked.
    pub(crate) checked: u16,
}

/// The ways to a target, as far as they were read.
pub(crate) fn path(inventory: &Inventory, sought: &Sought<'_>) -> NetworkPath {
    let at = Evaluation { inventory, sought };
    let interface = at.interface();
    let ways = at.load_balancers().map(|(arn, it)| at.way(arn, it, interface.as_ref().copied())).collect();
    let address = sought.key.ip();
    NetworkPath {
        target: sought.key.clone(),
        ways,
        not_evaluated: NotEvaluated { policies: at.policies(), node_to_pod: address.is_none() },
        interface: match interface {
            Ok(it) => Ok(TargetInterface {
                id: it.id.clone(),
                kind: it.kind.clone(),
                instance: it.instance.clone(),
                subnet: it.subnet.clone(),
                zone: it.zone.clone(),
                groups: at.names(&it.groups),
                by_prefix: address.is_some_and(|address| !it.addresses.contains(&address)),
            }),
            Err(why) => Err(why),
        },
        region: sought.group.arn.region().to_owned(),
    }
}

struct Evaluation<'a> {
    inventory: &'a Inventory,
    sought: &'a Sought<'a>,
}

impl<'a> Evaluation<'a> {
    /// Load balancers that send to the group; those that were not read yet have no second part.
    fn load_balancers(&self) -> impl Iterator<Item = (&'a LoadBalancerArn, Option<&'a LoadBalancer>)> {
        let inventory = self.inventory;
        let is_gone = |it: &&LoadBalancerArn| inventory.gone.contains(&Gone::LoadBalancer((*it).clone()));
        let all = self.sought.group.load_balancers.iter().filter(move |it| !is_gone(it));
        all.map(|arn| (arn, inventory.load_balancers.get(arn)))
    }

    /// Why a part is not known.
    fn unread(&self, part: NetworkPart) -> Unclear {
        let failed = self.inventory.freshness(&Source::Network(part)).and_then(|it| it.failed.as_ref());
        match failed {
            Some((_, failure)) => Unclear::Failed(told(failure)),
            None => Unclear::Unread,
        }
    }

    fn interface(&self) -> Result<&'a Interface, Unclear> {
        let Sought { cluster, pod, node, group, key, .. } = self.sought;
        let locator = locate(*cluster, (*pod, *node), &key.id, group.vpc.as_ref());
        let locator = locator.map_err(|why| match why {
            NoInterface::Hybrid => Unclear::Hybrid,
            NoInterface::NoAddress => Unclear::NoAddress,
        })?;
        match self.inventory.network.interface(&locator, key.ip()) {
            Found::Unread => Err(self.unread(NetworkPart::Interfaces(locator))),
            Found::None => Err(Unclear::NoInterface),
            Found::One(interface) => Ok(interface),
        }
    }

    fn names(&self, ids: &[Arc<str>]) -> Vec<GroupName> {
        let name = |id: &Arc<str>| {
            let known = self.inventory.network.groups.get(id).and_then(Option::as_ref);
            let is_tagged = |it: &String| it.starts_with("kubernetes.io/cluster/");
            GroupName {
                maker: known.and_then(|it| lineage::of_tags(&it.tags)),
                id: id.clone(),
                name: known.map(|it| it.name.clone()),
                of_cluster: known.is_some_and(|it| it.tags.keys().any(is_tagged)),
            }
        };
        ids.iter().map(name).collect()
    }

    /// The ports the load balancer needs, each once.
    fn ports(&self) -> Vec<NeededPort> {
        let Sought { group, key, checked, .. } = self.sought;
        let mut needed: Vec<NeededPort> = Vec::new();
        let mut add = |protocol: Protocol, port: u16, purpose: Purpose| match needed
            .iter_mut()
            .find(|it| it.protocol == protocol && it.port == port)
        {
            Some(known) => known.purposes.push(purpose),
            None => needed.push(NeededPort { protocol, port, purposes: vec![purpose] }),
        };
        for protocol in protocols(group) {
            // Whatever the port of a target, a gateway load balancer sends GENEVE to one of its own.
            let port = if group.protocol.as_deref() == Some("GENEVE") { 6081 } else { key.port };
            add(*protocol, port, Purpose::Traffic);
        }
        if group.check.enabled {
            add(Protocol::Tcp, *checked, Purpose::HealthCheck);
        }
        if let Some(port) = group.control_port {
            add(Protocol::Tcp, port, Purpose::Control);
        }
        needed
    }

    fn way(
        &self,
        arn: &LoadBalancerArn,
        load_balancer: Option<&LoadBalancer>,
        interface: Result<&Interface, &Unclear>,
    ) -> FromLoadBalancer {
        let Some(load_balancer) = load_balancer else {
            let name = arn.name().to_owned();
            let source = Source::LoadBalancer(arn.clone());
            let failed = self.inventory.freshness(&source).and_then(|it| it.failed.as_ref());
            let why = failed.map_or(Unclear::Unread, |(_, failure)| Unclear::Failed(told(failure)));
            let hop = Hop { kind: HopKind::Vpc, verdict: HopVerdict::Unknown(why) };
            return FromLoadBalancer { name, groups: Vec::new(), hops: vec![hop] };
        };
        let mut hops = Vec::new();
        let zone = self.sought.zone.cloned().or_else(|| interface.ok().and_then(|it| it.zone.clone()));
        let is_off = |it: &Arc<str>| &**it != "all" && !load_balancer.zones.contains(it);
        let is_off = zone.as_ref().is_some_and(is_off) && !load_balancer.zones.is_empty();
        let verdict = if is_off { HopVerdict::ZoneOff } else { HopVerdict::Open };
        hops.push(Hop { kind: HopKind::Zone(zone), verdict });
        if let Ok(interface) = interface
            && let (Some(one), Some(other)) = (&load_balancer.vpc, &interface.vpc)
            && one != other
        {
            hops.push(Hop { kind: HopKind::Vpc, verdict: HopVerdict::OtherVpc(one.clone(), other.clone()) });
        }
        for port in self.ports() {
            let out = self.egress(load_balancer, &port, interface);
            hops.push(Hop { kind: HopKind::Egress(port.clone()), verdict: out });
            let into = self.ingress(load_balancer, &port, interface);
            hops.push(Hop { kind: HopKind::Ingress(port), verdict: into });
        }
        let groups = self.names(&load_balancer.security_groups);
        FromLoadBalancer { name: load_balancer.name.clone(), groups, hops }
    }

    fn egress(
        &self,
        load_balancer: &LoadBalancer,
        port: &NeededPort,
        interface: Result<&Interface, &Unclear>,
    ) -> HopVerdict {
        if load_balancer.security_groups.is_empty() {
            return HopVerdict::NoGroups;
        }
        let own = |it: &Interface| it.addresses.first().copied();
        let address = self.sought.key.ip().or_else(|| interface.ok().and_then(own));
        let ends = Ends {
            groups: interface.map(|it| it.groups.clone()).unwrap_or_default(),
            addresses: Addresses::Known(address.into_iter().map(rules::single).collect()),
        };
        let found = rules::find(
            &self.inventory.network,
            (&load_balancer.security_groups, true),
            (port.protocol, port.port),
            &ends,
        );
        // A rule may name a group of the target that nobody knows.
        match (found, interface) {
            (Finding::Blocked { .. }, Err(why)) => HopVerdict::Unknown(why.clone()),
            (found, _) => {
                let end = match (address, ends.groups.is_empty()) {
                    (_, false) => End::Groups(self.names(&ends.groups)),
                    (address, true) => End::Blocks(address.into_iter().map(rules::single).collect()),
                };
                self.verdict(found, (&load_balancer.security_groups, true), port, end)
            }
        }
    }

    fn ingress(
        &self,
        load_balancer: &LoadBalancer,
        port: &NeededPort,
        interface: Result<&Interface, &Unclear>,
    ) -> HopVerdict {
        let interface = match interface {
            Ok(interface) => interface,
            Err(why) => return HopVerdict::Unknown(why.clone()),
        };
        let addresses = match self.keeps_clients(load_balancer) && port.purposes == [Purpose::Traffic] {
            true => Addresses::Clients { ipv6: self.sought.group.ipv6 },
            false => self.addresses(load_balancer),
        };
        let ends = Ends { groups: load_balancer.security_groups.clone(), addresses };
        let wanted = (port.protocol, port.port);
        let found = rules::find(&self.inventory.network, (&interface.groups, false), wanted, &ends);
        let end = match (&ends.addresses, &found) {
            _ if !load_balancer.security_groups.is_empty() => {
                End::Groups(self.names(&load_balancer.security_groups))
            }
            (Addresses::Clients { .. }, _) => End::Clients,
            (_, Finding::Blocked { uncovered, .. }) => End::Blocks(uncovered.clone()),
            _ => End::Blocks(Vec::new()),
        };
        let checked = self.verdict(found, (&interface.groups, false), port, end);
        // One port for both: the checks come from the load balancer, the traffic from clients.
        let is_both = port.purposes.contains(&Purpose::Traffic) && port.purposes.len() > 1;
        match (&checked, is_both && self.keeps_clients(load_balancer)) {
            (HopVerdict::Allowed(_), true) => {
                let traffic = NeededPort { purposes: vec![Purpose::Traffic], ..port.clone() };
                match self.ingress(load_balancer, &traffic, Ok(interface)) {
                    HopVerdict::Allowed(_) => checked,
                    other => other,
                }
            }
            _ => checked,
        }
    }

    fn verdict(
        &self,
        found: Finding,
        (groups, egress): (&[Arc<str>], bool),
        port: &NeededPort,
        end: End,
    ) -> HopVerdict {
        match found {
            Finding::Allowed(by) => HopVerdict::Allowed(by),
            Finding::Unread(part) => HopVerdict::Unknown(self.unread(part)),
            Finding::Clients(by) => HopVerdict::Unknown(Unclear::Clients(by)),
            Finding::Peering(by) => HopVerdict::Unknown(Unclear::Peering(by)),
            Finding::Unclear(by) => HopVerdict::Unknown(Unclear::Peer(by)),
            Finding::Blocked { near, in_part, .. } => {
                let groups = self.names(groups);
                let (protocol, port) = (port.protocol, port.port);
                HopVerdict::Blocked(Missing { groups, egress, protocol, port, end, near, in_part })
            }
        }
    }

    /// Traffic keeps the addresses of its clients: a network load balancer's own attribute of the group, which is on by
    /// default except for addresses behind TCP and TLS.
    fn keeps_clients(&self, load_balancer: &LoadBalancer) -> bool {
        let group = self.sought.group;
        if load_balancer.kind != LoadBalancerKind::Network {
            return false;
        }
        let set = self.sought.attributes.and_then(|it| it.0.get("preserve_client_ip.enabled"));
        match set.map(String::as_str) {
            Some(text) => text == "true",
            None => {
                !(self.sought.key.ip().is_some() && matches!(group.protocol.as_deref(), Some("TCP" | "TLS")))
            }
        }
    }

    /// The load balancer's own addresses: those it has now where they stay, else the blocks of its subnets.
    fn addresses(&self, load_balancer: &LoadBalancer) -> Addresses {
        let network = &self.inventory.network;
        let fits = |it: &IpAddr| it.is_ipv6() == self.sought.group.ipv6;
        if load_balancer.kind != LoadBalancerKind::Application {
            let locator = Locator::LoadBalancer(load_balancer.arn.clone());
            let interfaces = network.interfaces.get(&locator).into_iter().flatten();
            let own = interfaces.flat_map(|it| &it.addresses).copied().filter(fits);
            let own: Vec<IpNet> = own.map(rules::single).collect();
            if !own.is_empty() {
                return Addresses::Known(own);
            }
        }
        let mut blocks = Vec::new();
        for id in &load_balancer.subnets {
            match network.subnets.get(id) {
                Some(Some(subnet)) => {
                    blocks.extend(subnet.blocks.iter().filter(|it| fits(&it.addr())).copied());
                }
                Some(None) | None => return Addresses::Unread(NetworkPart::Subnet(id.clone())),
            }
        }
        Addresses::Known(blocks)
    }

    /// NetworkPolicies that select the pod.
    fn policies(&self) -> Option<Vec<String>> {
        let cluster = self.sought.cluster?;
        let name = self.sought.pod?;
        let pod = cluster.pods.get(name)?;
        let kind = Kind::Guarding(GuardingKind::NetworkPolicy);
        if !cluster.covers(kind, &name.namespace) {
            return None;
        }
        let all = cluster.guarding.iter().filter(|((kind, it), guarding)| {
            *kind == GuardingKind::NetworkPolicy
                && it.namespace == name.namespace
                && guarding.selector.matches(&pod.labels)
        });
        Some(all.map(|((_, it), _)| it.name.clone()).collect())
    }
}

/// A failure with what would mend it.
fn told(failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!("{failure} ({hint})"),
        None => failure.to_string(),
    }
}

/// What a group's targets are spoken to by.
fn protocols(group: &TargetGroup) -> &'static [Protocol] {
    match group.protocol.as_deref() {
        Some("UDP" | "QUIC" | "GENEVE") => &[Protocol::Udp],
        Some("TCP_UDP" | "TCP_QUIC") => &[Protocol::Tcp, Protocol::Udp],
        _ => &[Protocol::Tcp],
    }
}
