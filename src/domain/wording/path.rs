//! The network path in words: each hop, the rule that is missing, and the lines that add it.

use ipnet::IpNet;

use crate::domain::facts::ec2::Peer;
use crate::domain::judgement::path::By;
use crate::domain::judgement::path::End;
use crate::domain::judgement::path::FromLoadBalancer;
use crate::domain::judgement::path::GroupName;
use crate::domain::judgement::path::Hop;
use crate::domain::judgement::path::HopKind;
use crate::domain::judgement::path::HopVerdict;
use crate::domain::judgement::path::Missing;
use crate::domain::judgement::path::NeededPort;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::judgement::path::PathVerdict;
use crate::domain::judgement::path::Purpose;
use crate::domain::judgement::path::TargetInterface;
use crate::domain::judgement::path::Unclear;
use crate::domain::plan::equivalents::aws_line;
use crate::domain::plan::manner::Manner;

/// How a line of a path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Where something begins.
    Place,
    Open,
    Blocked,
    Unknown,
    /// Said, and judged nothing.
    Note,
}

/// One line of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathLine {
    pub(crate) mark: Mark,
    pub(crate) text: String,
}

/// One piece of everything there is to say of a path, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Without its period.
    Verdict(PathLine),
    Fact(String),
    /// What to do.
    Next(String),
    Gap,
    Line(PathLine),
    /// What is beside the judgement.
    Aside(String),
    /// A line that stands as it is written.
    Block(String),
}

fn line(mark: Mark, text: impl Into<String>) -> PathLine {
    PathLine { mark, text: text.into() }
}

/// `sg-0b1… (name)`
fn called(group: &GroupName) -> String {
    match &group.name {
        Some(name) => format!("{} ({name})", group.id),
        None => group.id.to_string(),
    }
}

fn all(groups: &[GroupName]) -> String {
    match groups {
        [] => "no security group".to_owned(),
        some => some.iter().map(called).collect::<Vec<_>>().join(" and "),
    }
}

fn blocks(all: &[IpNet]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = all.iter().take(SHOWN).map(block).collect();
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join(" and "),
        n => format!("{} and {n} more", shown.join(", ")),
    }
}

/// A block; one address without its length.
fn block(it: &IpNet) -> String {
    if it.prefix_len() == it.max_prefix_len() { it.addr().to_string() } else { it.to_string() }
}

fn end(end: &End) -> String {
    match end {
        End::Groups(groups) => all(groups),
        End::Blocks(some) if some.is_empty() => "the load balancer's addresses".to_owned(),
        End::Blocks(some) => blocks(some),
        End::Clients => "the clients' addresses".to_owned(),
    }
}

fn peer(peer: &Peer) -> String {
    match peer {
        Peer::Block(it) => it.to_string(),
        Peer::PrefixList(id) | Peer::Group { id, .. } => id.to_string(),
        Peer::Unknown => "a peer of an unknown kind".to_owned(),
    }
}

/// `rule sgr-… of sg-…: tcp/80 from sg-…`
fn rule(by: &By, egress: bool) -> String {
    let way = if egress { "to" } else { "from" };
    format!("rule {} of {}: {} {way} {}", by.rule, by.group, by.traffic, peer(&by.peer))
}

/// What has no rule: `sg-… (pods) has no rule for tcp/8080 from sg-… (eksworkshopalbsg)`.
pub(crate) fn missing(it: &Missing) -> String {
    let (way, has) = match (it.egress, it.groups.len()) {
        (true, 1) => ("to", "has no outbound rule"),
        (true, _) => ("to", "have no outbound rule"),
        (false, 1) => ("from", "has no rule"),
        (false, _) => ("from", "have no rule"),
    };
    format!("{} {has} for {}/{} {way} {}", all(&it.groups), it.protocol.text(), it.port, end(&it.end))
}

/// Rules that nearly fit, and where packets of others get through.
pub(crate) fn facts(it: &Missing) -> Vec<String> {
    let way = if it.egress { "to" } else { "from" };
    let mut facts: Vec<String> = Vec::new();
    if !it.near.is_empty() {
        let rules: Vec<String> = it
            .near
            .iter()
            .map(|by| format!("{} {way} {} ({})", by.traffic, peer(&by.peer), by.rule))
            .collect();
        facts.push(format!("What it allows instead: {}.", rules.join("; ")));
    }
    if let Some(group) = receiver(&it.groups)
        && let Some(maker) = &group.maker
    {
        facts.push(format!("{} is {}: {}.", group.id, maker.text(), maker.change()));
    }
    if it.in_part {
        facts.push("Other addresses of the load balancer are let through: some checks pass.".to_owned());
    }
    facts
}

/// The group that gets the rule: the cluster's own where one is tagged so, as the controller chooses.
fn receiver(groups: &[GroupName]) -> Option<&GroupName> {
    groups.iter().find(|it| it.of_cluster).or_else(|| groups.first())
}

/// The line that adds a rule; `None`: nobody can say from where.
pub(crate) fn repair(it: &Missing, region: &str, manner: &Manner) -> Option<String> {
    let group = receiver(&it.groups)?;
    let (protocol, port) = (it.protocol.text(), it.port.to_string());
    let call = if it.egress { "authorize-security-group-egress" } else { "authorize-security-group-ingress" };
    let begin = [call, "--region", region, "--group-id", &*group.id];
    let peers = match &it.end {
        End::Groups(groups) => {
            let id = &groups.first()?.id;
            if !it.egress {
                let rest = ["--protocol", protocol, "--port", &port, "--source-group", &**id];
                return Some(aws_line(manner, "ec2", &[&begin[..], &rest[..]].concat()));
            }
            format!("UserIdGroupPairs=[{{GroupId={id}}}]")
        }
        End::Blocks(some) if some.is_empty() => return None,
        End::Blocks(some) => {
            let of = |name: &str, key: &str, wanted: bool| {
                let some: Vec<String> = some
                    .iter()
                    .filter(|it| it.addr().is_ipv6() == wanted)
                    .map(|it| format!("{{{key}={it}}}"))
                    .collect();
                (!some.is_empty()).then(|| format!("{name}=[{}]", some.join(",")))
            };
            let families = [of("IpRanges", "CidrIp", false), of("Ipv6Ranges", "CidrIpv6", true)];
            families.into_iter().flatten().collect::<Vec<_>>().join(",")
        }
        End::Clients => return None,
    };
    let permission = format!("IpProtocol={protocol},FromPort={port},ToPort={port},{peers}");
    Some(aws_line(manner, "ec2", &[&begin[..], &["--ip-permissions", &permission]].concat()))
}

/// The same as the binding's `spec.networking`, which the controller keeps: for what its targets are to let in.
pub(crate) fn networking(it: &Missing) -> Option<String> {
    if it.egress {
        return None;
    }
    let from: Vec<String> = match &it.end {
        End::Groups(groups) => {
            groups.iter().map(|it| format!("    - securityGroup:\n        groupID: {}\n", it.id)).collect()
        }
        End::Blocks(some) => some.iter().map(|it| format!("    - ipBlock:\n        cidr: {it}\n")).collect(),
        End::Clients => Vec::new(),
    };
    (!from.is_empty()).then(|| {
        let protocol = it.protocol.text().to_uppercase();
        format!(
            "networking:\n  ingress:\n  - from:\n{}    ports:\n    - protocol: {protocol}\n      port: {}\n",
            from.concat(),
            it.port
        )
    })
}

/// Why something about a path is not known.
pub(crate) fn unclear(why: &Unclear) -> String {
    match why {
        Unclear::Unread => "it is being read".to_owned(),
        Unclear::Failed(failure) => failure.clone(),
        Unclear::NoInterface => "no interface in EC2 has the target's address".to_owned(),
        Unclear::Hybrid => "its node is a hybrid one, outside EC2".to_owned(),
        Unclear::NoAddress => "AWS reaches such a target by itself".to_owned(),
        Unclear::NoLoadBalancer => "no load balancer sends to the group".to_owned(),
        Unclear::Clients(by) => format!(
            "client addresses are preserved, and only those of {} are let through",
            by.iter().map(|it| peer(&it.peer)).collect::<Vec<_>>().join(" and ")
        ),
        Unclear::Peering(by) => {
            format!("{} names it, and the peering of the two VPCs is not active", rule(by, false))
        }
        Unclear::Peer(by) => format!("{} is of a kind that is not known here", rule(by, false)),
    }
}

fn purposes(port: &NeededPort) -> String {
    let word = |it: &Purpose| match it {
        Purpose::Traffic => "traffic",
        Purpose::HealthCheck => "health check",
        Purpose::Control => "target control",
    };
    port.purposes.iter().map(word).collect::<Vec<_>>().join(" and ")
}

fn port(it: &NeededPort) -> String {
    format!("{}/{} ({})", it.protocol.text(), it.port, purposes(it))
}

/// One hop.
pub(crate) fn hop(hop: &Hop) -> PathLine {
    let (what, egress) = match &hop.kind {
        HopKind::Egress(it) => (format!("out of the load balancer, {}", port(it)), true),
        HopKind::Ingress(it) => (format!("into the target, {}", port(it)), false),
        HopKind::Zone(Some(zone)) => (format!("zone {zone}"), false),
        HopKind::Zone(None) => ("zone".to_owned(), false),
        HopKind::Vpc => ("VPC".to_owned(), false),
    };
    match &hop.verdict {
        HopVerdict::Allowed(by) => {
            let rules: Vec<String> = by.iter().map(|it| rule(it, egress)).collect();
            line(Mark::Open, format!("{what}: allowed by {}", rules.join(" and ")))
        }
        HopVerdict::Blocked(it) => line(Mark::Blocked, format!("{what}: blocked: {}", missing(it))),
        HopVerdict::Unknown(why) => line(Mark::Unknown, format!("{what}: unknown because {}", unclear(why))),
        HopVerdict::Open if matches!(hop.kind, HopKind::Zone(None)) => line(Mark::Note, "zone: not known"),
        HopVerdict::Open => line(Mark::Open, format!("{what}: enabled for the load balancer")),
        HopVerdict::NoGroups => {
            line(Mark::Open, format!("{what}: the load balancer has no security group, so nothing limits it"))
        }
        HopVerdict::ZoneOff => {
            line(Mark::Blocked, format!("{what}: the load balancer has no subnet in this zone"))
        }
        HopVerdict::OtherVpc(one, other) => line(
            Mark::Note,
            format!(
                "the load balancer is in {one}, the target in {other}: peering and routes are not evaluated"
            ),
        ),
    }
}

fn interface(it: &TargetInterface) -> String {
    let kind =
        it.kind.as_ref().filter(|it| &***it != "interface").map_or(String::new(), |it| format!("{it} "));
    let place = [it.subnet.as_deref(), it.zone.as_deref()];
    let place: Vec<&str> = place.into_iter().flatten().collect();
    let instance = it.instance.as_ref().map_or(String::new(), |it| format!(" of {it}"));
    let prefix = if it.by_prefix { ", by a delegated prefix" } else { "" };
    let place = if place.is_empty() { String::new() } else { format!(" in {}", place.join(", ")) };
    format!("{kind}interface {}{instance}{place}{prefix}: {}", it.id, all(&it.groups))
}

/// What is not looked at, one to a line.
pub(crate) fn not_evaluated(path: &NetworkPath) -> Vec<String> {
    let policies = match &path.not_evaluated.policies {
        Some(names) if names.is_empty() => "NetworkPolicies: none selects the pod".to_owned(),
        Some(names) => format!("NetworkPolicies that select the pod: {}", names.join(", ")),
        None if path.not_evaluated.node_to_pod => "NetworkPolicies".to_owned(),
        None => "NetworkPolicies (not read)".to_owned(),
    };
    let mut all = vec!["network ACLs of the subnets".to_owned(), "route tables".to_owned(), policies];
    all.push("the host's own firewall".to_owned());
    if path.not_evaluated.node_to_pod {
        all.push("the way from the node to a pod".to_owned());
    }
    all
}

/// The verdict of all hops in a sentence, without a period.
pub(crate) fn verdict(path: &NetworkPath) -> PathLine {
    match path.verdict() {
        PathVerdict::Open => line(
            Mark::Open,
            "The security groups let the load balancer's packets through on every port it needs",
        ),
        PathVerdict::Blocked(_, Hop { verdict: HopVerdict::Blocked(it), .. }) => {
            line(Mark::Blocked, missing(it))
        }
        PathVerdict::Blocked(way, _) => {
            line(Mark::Blocked, format!("{} has no subnet in the target's zone", way.name))
        }
        PathVerdict::Unknown(why) => {
            line(Mark::Unknown, format!("The network path is not known: {}", unclear(why)))
        }
    }
}

/// The whole path, line by line: of each load balancer what lets packets out, then the target and what lets them in.
pub(crate) fn lines(path: &NetworkPath) -> Vec<PathLine> {
    let mut all = Vec::new();
    let is_into = |it: &&Hop| matches!(it.kind, HopKind::Ingress(_));
    for way in &path.ways {
        all.push(line(Mark::Place, from(way)));
        all.extend(way.hops.iter().filter(|it| !is_into(it)).map(hop));
        all.push(match &path.interface {
            Ok(it) => line(Mark::Place, format!("target {}: {}", path.target, interface(it))),
            Err(why) => {
                let why = unclear(why);
                line(Mark::Place, format!("target {}: its interface is unknown because {why}", path.target))
            }
        });
        all.extend(way.hops.iter().filter(is_into).map(hop));
    }
    all
}

fn from(way: &FromLoadBalancer) -> String {
    format!("load balancer {}: {}", way.name, all(&way.groups))
}

/// Everything: the verdict and what to do, then hop by hop, then what is not looked at, and the rule once more as the
/// controller would keep it.
pub(crate) fn page(path: &NetworkPath, manner: &Manner) -> Vec<Piece> {
    let mut all = vec![Piece::Verdict(verdict(path))];
    if let Some(it) = path.missing() {
        all.extend(facts(it).into_iter().map(Piece::Fact));
        all.extend(repair(it, &path.region, manner).map(|it| Piece::Next(format!("next: {it}"))));
    }
    all.push(Piece::Gap);
    all.extend(lines(path).into_iter().map(Piece::Line));
    all.push(Piece::Gap);
    all.push(Piece::Aside(format!("Not evaluated: {}.", not_evaluated(path).join("; "))));
    let opinion = second_opinion(path, manner);
    all.extend(
        opinion
            .map(|it| Piece::Aside(format!("A second opinion, which costs money and makes resources: {it}"))),
    );
    if let Some(block) = path.missing().and_then(networking) {
        all.push(Piece::Gap);
        all.push(Piece::Fact("The same rule, kept by the controller, in the binding's spec:".to_owned()));
        all.extend(block.lines().map(|it| Piece::Block(format!("  {it}"))));
    }
    all
}

/// Reachability Analyzer looks at what is left out here; it costs money and makes resources.
fn second_opinion(path: &NetworkPath, manner: &Manner) -> Option<String> {
    let interface = path.interface.as_ref().ok()?;
    let port = path.target.port.to_string();
    let words = [
        "create-network-insights-path",
        "--region",
        &path.region,
        "--source",
        "LOAD-BALANCER-INTERFACE",
        "--destination",
        &*interface.id,
        "--protocol",
        "tcp",
        "--destination-port",
        &port,
    ];
    Some(aws_line(manner, "ec2", &words))
}

/// What remains when the path is open.
pub(crate) const OPEN_NEXT: &str = "ask the program for its health check itself (t); network ACLs, routes and NetworkPolicies are not evaluated";

#[cfg(test)]
mod tests;
