//! Network paths in words, over a table of worlds: what is open, what is blocked and by what, what is not known.

use std::sync::Arc;

use crate::domain::facts::ec2::Interface;
use crate::domain::facts::ec2::Locator;
use crate::domain::facts::ec2::NetworkAnswer;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::ec2::Peer;
use crate::domain::facts::ec2::SecurityGroup;
use crate::domain::facts::ec2::SecurityGroupRule;
use crate::domain::facts::ec2::Subnet;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::TargetId;
use crate::domain::facts::ids::TargetKey;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::locate::locate;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::judgement::path::evaluate::Sought;
use crate::domain::judgement::path::evaluate::path;
use crate::domain::plan::manner::Manner;
use crate::domain::wording::path as words;

/// A world in words, separated by semicolons:
/// `lb alb|nlb|gwlb GROUP…` · `lb-vpc VPC` · `own ADDRESS…` (of its interfaces) · `zone Z` · `protocol P` · `check PORT` ·
/// `control PORT` · `keep true|false` · `target ID PORT` · `eni GROUP…` · `prefix BLOCK` · `branch` · `fargate` · `hybrid` ·
/// `nowhere` · `eni-vpc VPC` · `in|out GROUP TRAFFIC PEER` · `list ID BLOCK…` · `unread|denied interfaces|rules GROUP|subnets`.
struct Told {
    world: World,
    key: TargetKey,
    zone: Option<Arc<str>>,
    interface: Interface,
    own: Vec<String>,
    rules: Vec<SecurityGroupRule>,
    branch: bool,
    nowhere: bool,
    left_out: Vec<(String, bool)>,
}

fn rule(egress: bool, words: &[&str], n: usize) -> SecurityGroupRule {
    let [group, traffic, peer, rest @ ..] = words else { panic!("{words:?}") };
    let (protocol, ports) = traffic.split_once('/').unwrap_or((traffic, ""));
    let (from, to) = ports.split_once('-').unwrap_or((ports, ports));
    let peer = match *peer {
        id if id.starts_with("sg-") => {
            Peer::Group { id: id.into(), peering: rest.first().map(|it| (*it).into()) }
        }
        id if id.starts_with("pl-") => Peer::PrefixList(id.into()),
        "new" => Peer::Unknown,
        block => Peer::Block(block.parse().unwrap()),
    };
    SecurityGroupRule {
        id: format!("sgr-{n}").into(),
        group: (*group).into(),
        egress,
        protocol: (if protocol == "all" { "-1" } else { protocol }).into(),
        from: from.parse().ok(),
        to: to.parse().ok(),
        peer,
    }
}

impl Told {
    fn new(text: &str) -> Self {
        let mut told = Self {
            world: World::of("10.0.5.7 ready a"),
            key: fixture::key("10.0.5.7:8080"),
            zone: Some("us-west-2a".into()),
            interface: Interface {
                id: "eni-1".into(),
                vpc: Some("vpc-1".into()),
                device: Some(0),
                groups: vec!["sg-pod".into()],
                addresses: ["10.0.5.2", "10.0.5.7", "2001:db8:5::7"].map(|it| it.parse().unwrap()).into(),
                ..Interface::default()
            },
            own: Vec::new(),
            rules: Vec::new(),
            branch: false,
            nowhere: false,
            left_out: Vec::new(),
        };
        told.world.load_balancer(|it| it.security_groups = vec!["sg-lb".into()]);
        for part in text.split(';').map(str::trim).filter(|it| !it.is_empty()) {
            told.take(part);
        }
        told
    }

    fn take(&mut self, part: &str) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let (first, rest) = words.split_first().unwrap();
        let one = || rest.first().copied().unwrap_or_default().to_owned();
        let ids = |of: &[&str]| of.iter().map(|it| Arc::from(*it)).collect::<Vec<Arc<str>>>();
        match *first {
            "lb" => self.world.load_balancer(|it| {
                it.kind = match rest[0] {
                    "nlb" => LoadBalancerKind::Network,
                    "gwlb" => LoadBalancerKind::Gateway,
                    _ => LoadBalancerKind::Application,
                };
                it.security_groups = ids(&rest[1..]);
            }),
            "lb-vpc" => self.world.load_balancer(|it| it.vpc = Some(rest[0].into())),
            "own" => self.own = rest.iter().map(|it| (*it).to_owned()).collect(),
            "zone" => self.zone = (one() != "none").then(|| one().as_str().into()),
            "protocol" => self.world.group(|it| it.protocol = Some(rest[0].into())),
            "check" => self.world.group(|it| it.check.port = Some(rest[0].into())),
            "control" => self.world.group(|it| it.control_port = rest[0].parse().ok()),
            "v6" => self.world.group(|it| it.ipv6 = true),
            "keep" => self.world.attribute("preserve_client_ip.enabled", rest[0]),
            "target" => self.key = TargetKey::new(TargetId::read(rest[0]), rest[1].parse().unwrap()),
            "eni" => self.interface.groups = ids(rest),
            "prefix" => {
                self.interface.addresses = vec!["10.0.5.2".parse().unwrap()];
                self.interface.prefixes = vec![one().parse().unwrap()];
            }
            "branch" => self.branch = true,
            "fargate" | "hybrid" => self.world.node("a", |it| {
                it.labels.insert("eks.amazonaws.com/compute-type".to_owned(), (*first).to_owned());
            }),
            "nowhere" => self.nowhere = true,
            "eni-vpc" => self.interface.vpc = Some(rest[0].into()),
            "in" | "out" => self.rules.push(rule(*first == "out", rest, self.rules.len())),
            "list" => {
                let blocks = rest[1..].iter().map(|it| it.parse().unwrap()).collect();
                self.world.apply(Observation::Network(NetworkAnswer::PrefixList(rest[0].into(), blocks)));
            }
            "unread" | "denied" => self.left_out.push((rest.join(" "), *first == "denied")),
            other => panic!("{other}"),
        }
    }

    fn fill(&mut self) {
        let left = |what: &str| self.left_out.iter().find(|it| it.0 == what).map(|it| it.1);
        let mut answers: Vec<(NetworkPart, NetworkAnswer, Option<bool>)> = Vec::new();
        let pod = fixture::named(&fixture::pod_name("10.0.5.7"));
        let vpc = self.world.inventory.groups[&fixture::arn()].group.as_ref().unwrap().vpc.clone();
        let cluster = self.world.cluster();
        if let Ok(by) = locate(Some(cluster), (Some(&pod), None), &self.key.id, vpc.as_ref()) {
            let found = if self.nowhere { Vec::new() } else { vec![self.interface.clone()] };
            let answer = NetworkAnswer::Interfaces(vec![(by.clone(), found)]);
            answers.push((NetworkPart::Interfaces(by), answer, left("interfaces")));
        }
        let own = Interface {
            addresses: self.own.iter().map(|it| it.parse().unwrap()).collect(),
            ..Interface::default()
        };
        let by = Locator::LoadBalancer(fixture::load_balancer_arn());
        let answer = NetworkAnswer::Interfaces(vec![(by.clone(), vec![own])]);
        answers.push((NetworkPart::Interfaces(by), answer, None));
        for (id, blocks) in [
            ("subnet-a", ["10.0.0.0/24", "2001:db8:0:1::/64"]),
            ("subnet-b", ["10.0.1.0/24", "2001:db8:0:2::/64"]),
        ] {
            let subnet = Subnet {
                id: id.into(),
                blocks: blocks.map(|it| it.parse().unwrap()).into(),
                ..Subnet::default()
            };
            let answer = NetworkAnswer::Subnets(vec![(id.into(), Some(subnet))]);
            answers.push((NetworkPart::Subnet(id.into()), answer, left("subnets")));
        }
        let groups: Vec<Arc<str>> =
            self.world.inventory.load_balancers[&fixture::load_balancer_arn()].security_groups.clone();
        for id in groups.into_iter().chain(self.interface.groups.clone()) {
            let tagged = id.starts_with("sg-cluster");
            let group = SecurityGroup {
                id: id.clone(),
                name: id.trim_start_matches("sg-").into(),
                tags: tagged
                    .then(|| ("kubernetes.io/cluster/x".to_owned(), "owned".to_owned()))
                    .into_iter()
                    .collect(),
                ..SecurityGroup::default()
            };
            answers.push((
                NetworkPart::SecurityGroup(id.clone()),
                NetworkAnswer::SecurityGroups(vec![(id.clone(), Some(group))]),
                None,
            ));
            let of = self.rules.iter().filter(|it| it.group == id).cloned().collect();
            let answer = NetworkAnswer::Rules(vec![(id.clone(), of)]);
            answers.push((NetworkPart::Rules(id.clone()), answer, left(&format!("rules {id}"))));
        }
        for (part, answer, left) in answers {
            match left {
                None => self.world.apply(Observation::Network(answer)),
                Some(false) => {}
                Some(true) => {
                    let failure =
                        Failure::new("DescribeX", ErrorKind::Denied, "no").with_hint("needs ec2:DescribeX");
                    self.world.apply(Observation::Failed(Source::Network(part), failure));
                }
            }
        }
    }

    fn path(&mut self) -> NetworkPath {
        let key = self.key.clone();
        if self.branch {
            let address = key.ip().unwrap();
            self.world.edit_pod("10.0.5.7", |it| it.branches = vec![("eni-1".into(), address)]);
        }
        self.fill();
        let pod = fixture::named(&fixture::pod_name("10.0.5.7"));
        let known = &self.world.inventory.groups[&fixture::arn()];
        let group = known.group.as_ref().unwrap();
        let sought = Sought {
            cluster: Some(self.world.cluster()),
            pod: Some(&pod),
            node: None,
            group,
            attributes: known.attributes.as_ref(),
            key: &key,
            zone: self.zone.as_ref(),
            checked: group.check.port_of(None, key.port),
        };
        path(&self.world.inventory, &sought)
    }
}

const OPEN: &str = "The security groups let the load balancer's packets through on every port it needs";
const OUT: &str = "; out sg-lb all 0.0.0.0/0";

/// Worlds, and what is said of each.
const WORLDS: &[(&str, &str)] = &[
    // By reference.
    ("in sg-pod tcp/8080 sg-lb", OPEN),
    ("in sg-pod tcp/80 sg-lb", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("in sg-pod tcp/8080 sg-other", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("in sg-pod all sg-lb", OPEN),
    ("in sg-pod tcp/0-65535 sg-lb", OPEN),
    ("in sg-pod tcp/8000-9000 sg-lb", OPEN),
    ("in sg-pod tcp/8081-9000 sg-lb", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("in sg-pod udp/8080 sg-lb", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("in sg-pod 6/8080 sg-lb", OPEN),
    ("in sg-pod icmp sg-lb", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("lb alb sg-front sg-back; in sg-pod tcp/8080 sg-back; out sg-front all 0.0.0.0/0", OPEN),
    (
        "lb alb sg-front sg-back; out sg-front all 0.0.0.0/0",
        "sg-pod (pod) has no rule for tcp/8080 from sg-front (front) and sg-back (back)",
    ),
    ("eni sg-lb; in sg-lb all sg-lb", OPEN),
    // Several groups on the target.
    ("eni sg-pod sg-cluster; in sg-cluster tcp/8080 sg-lb", OPEN),
    (
        "eni sg-pod sg-cluster",
        "sg-pod (pod) and sg-cluster (cluster) have no rule for tcp/8080 from sg-lb (lb)",
    ),
    // By address.
    ("in sg-pod tcp/8080 0.0.0.0/0", OPEN),
    ("in sg-pod tcp/8080 10.0.0.0/16", OPEN),
    ("in sg-pod tcp/8080 10.0.0.0/24; in sg-pod tcp/8080 10.0.1.0/24", OPEN),
    ("in sg-pod tcp/8080 10.0.0.0/24", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    (
        "in sg-pod tcp/8080 10.0.0.0/25; in sg-pod tcp/8080 10.0.0.128/25; in sg-pod tcp/8080 10.0.1.0/24",
        OPEN,
    ),
    ("in sg-pod tcp/8080 192.0.2.0/24", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("in sg-pod tcp/8080 ::/0", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("unread subnets; in sg-pod tcp/8080 0.0.0.0/0", OPEN),
    ("unread subnets; in sg-pod tcp/8080 10.0.0.0/16", "The network path is not known: it is being read"),
    (
        "denied subnets; in sg-pod tcp/8080 10.0.0.0/16",
        "The network path is not known: DescribeX: no (needs ec2:DescribeX)",
    ),
    ("denied subnets; in sg-pod tcp/8080 sg-lb", OPEN),
    ("denied subnets", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    // By prefix list.
    ("in sg-pod tcp/8080 pl-1; list pl-1 10.0.0.0/16", OPEN),
    ("in sg-pod tcp/8080 pl-1; list pl-1 10.0.0.0/24 10.0.1.0/24", OPEN),
    (
        "in sg-pod tcp/8080 pl-1; list pl-1 192.0.2.0/24",
        "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)",
    ),
    ("in sg-pod tcp/8080 pl-1", "The network path is not known: it is being read"),
    ("in sg-pod tcp/80 pl-1", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    // Other ports of the same target.
    ("check 9000; in sg-pod tcp/8080 sg-lb", "sg-pod (pod) has no rule for tcp/9000 from sg-lb (lb)"),
    ("check 9000; in sg-pod tcp/9000 sg-lb", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("check 9000; in sg-pod tcp/8080-9000 sg-lb", OPEN),
    ("control 3000; in sg-pod tcp/8080 sg-lb", "sg-pod (pod) has no rule for tcp/3000 from sg-lb (lb)"),
    ("control 3000; in sg-pod tcp/8080 sg-lb; in sg-pod tcp/3000 sg-lb", OPEN),
    // How the interface is found.
    ("branch; in sg-pod tcp/8080 sg-lb", OPEN),
    ("branch; in sg-pod tcp/80 sg-lb", "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)"),
    ("prefix 10.0.5.0/28; in sg-pod tcp/8080 sg-lb", OPEN),
    (
        "prefix 10.0.5.16/28; in sg-pod tcp/8080 sg-lb",
        "The network path is not known: no interface in EC2 has the target's address",
    ),
    ("fargate; in sg-pod tcp/8080 sg-lb", OPEN),
    (
        "hybrid; in sg-pod tcp/8080 sg-lb",
        "The network path is not known: its node is a hybrid one, outside EC2",
    ),
    (
        "nowhere; in sg-pod tcp/8080 sg-lb",
        "The network path is not known: no interface in EC2 has the target's address",
    ),
    ("unread interfaces", "The network path is not known: it is being read"),
    ("denied interfaces", "The network path is not known: DescribeX: no (needs ec2:DescribeX)"),
    ("denied rules sg-pod", "The network path is not known: DescribeX: no (needs ec2:DescribeX)"),
    ("eni sg-pod sg-cluster; denied rules sg-pod; in sg-cluster tcp/8080 sg-lb", OPEN),
    ("target i-1 31000; in sg-pod tcp/30000-32767 sg-lb", OPEN),
    ("target i-1 31000; in sg-pod tcp/8080 sg-lb", "sg-pod (pod) has no rule for tcp/31000 from sg-lb (lb)"),
    // Out of the load balancer.
    ("in sg-pod tcp/8080 sg-lb; no-out", "sg-lb (lb) has no outbound rule for tcp/8080 to sg-pod (pod)"),
    ("in sg-pod tcp/8080 sg-lb; no-out; out sg-lb tcp/8080 sg-pod", OPEN),
    ("in sg-pod tcp/8080 sg-lb; no-out; out sg-lb tcp/8080 10.0.5.0/24", OPEN),
    (
        "in sg-pod tcp/8080 sg-lb; no-out; out sg-lb tcp/80 0.0.0.0/0",
        "sg-lb (lb) has no outbound rule for tcp/8080 to sg-pod (pod)",
    ),
    ("in sg-pod tcp/8080 sg-lb; no-out; out sg-lb tcp/8080 pl-9; list pl-9 10.0.5.7/32", OPEN),
    (
        "check 9000; in sg-pod all sg-lb; no-out; out sg-lb tcp/8080 sg-pod",
        "sg-lb (lb) has no outbound rule for tcp/9000 to sg-pod (pod)",
    ),
    ("denied interfaces; no-out", "The network path is not known: DescribeX: no (needs ec2:DescribeX)"),
    // Network load balancers.
    (
        "lb nlb; protocol TCP; own 10.0.0.9 10.0.1.9; in sg-pod tcp/8080 10.0.0.9/32; in sg-pod tcp/8080 10.0.1.9/32",
        OPEN,
    ),
    (
        "lb nlb; protocol TCP; own 10.0.0.9 10.0.1.9; in sg-pod tcp/8080 10.0.0.9/32",
        "sg-pod (pod) has no rule for tcp/8080 from 10.0.1.9",
    ),
    ("lb nlb; protocol TCP; in sg-pod tcp/8080 10.0.0.0/16", OPEN),
    ("lb nlb; protocol TCP", "sg-pod (pod) has no rule for tcp/8080 from 10.0.0.0/24 and 10.0.1.0/24"),
    (
        "lb nlb; protocol TCP; in sg-pod tcp/8080 sg-lb",
        "sg-pod (pod) has no rule for tcp/8080 from 10.0.0.0/24 and 10.0.1.0/24",
    ),
    ("lb nlb; protocol TCP; keep true; in sg-pod tcp/8080 0.0.0.0/0", OPEN),
    (
        "lb nlb; protocol TCP; keep true; check 9000; in sg-pod tcp/9000 10.0.0.0/16",
        "sg-pod (pod) has no rule for tcp/8080 from the clients' addresses",
    ),
    (
        "lb nlb; protocol TCP; keep true; in sg-pod tcp/8080 10.0.0.0/16",
        "The network path is not known: client addresses are preserved, and only those of 10.0.0.0/16 are let through",
    ),
    (
        "lb nlb; protocol TCP; keep true; check 9000; in sg-pod tcp/8080 0.0.0.0/0",
        "sg-pod (pod) has no rule for tcp/9000 from 10.0.0.0/24 and 10.0.1.0/24",
    ),
    ("lb nlb; protocol UDP; in sg-pod udp/8080 0.0.0.0/0; in sg-pod tcp/8080 10.0.0.0/16", OPEN),
    (
        "lb nlb; protocol UDP; in sg-pod udp/8080 0.0.0.0/0",
        "sg-pod (pod) has no rule for tcp/8080 from 10.0.0.0/24 and 10.0.1.0/24",
    ),
    (
        "lb nlb; protocol TCP_UDP; keep false; in sg-pod tcp/8080 10.0.0.0/16",
        "sg-pod (pod) has no rule for udp/8080 from 10.0.0.0/24 and 10.0.1.0/24",
    ),
    ("lb nlb sg-lb; protocol TCP; keep true; in sg-pod tcp/8080 sg-lb", OPEN),
    (
        "lb nlb sg-lb; protocol TCP; in sg-pod tcp/80 sg-lb",
        "sg-pod (pod) has no rule for tcp/8080 from sg-lb (lb)",
    ),
    ("lb nlb; protocol TCP; target i-1 31000; keep true; in sg-pod tcp/30000-32767 0.0.0.0/0", OPEN),
    ("lb nlb; protocol TCP; v6; target 2001:db8:5::7 8080; in sg-pod tcp/8080 2001:db8::/32; fargate", OPEN),
    (
        "lb nlb; protocol TCP; v6; target 2001:db8:5::7 8080; in sg-pod tcp/8080 10.0.0.0/8; fargate",
        "sg-pod (pod) has no rule for tcp/8080 from 2001:db8:0:1::/64 and 2001:db8:0:2::/64",
    ),
    // Gateway load balancers speak GENEVE.
    (
        "lb gwlb; protocol GENEVE; check 80; own 10.0.0.9; in sg-pod udp/6081 10.0.0.0/16; in sg-pod tcp/80 10.0.0.0/16",
        OPEN,
    ),
    (
        "lb gwlb; protocol GENEVE; check 80; own 10.0.0.9; in sg-pod tcp/80 10.0.0.0/16",
        "sg-pod (pod) has no rule for udp/6081 from 10.0.0.9",
    ),
    // Other VPCs.
    ("eni-vpc vpc-2; in sg-pod tcp/8080 sg-lb active", OPEN),
    (
        "eni-vpc vpc-2; in sg-pod tcp/8080 sg-lb deleted",
        "The network path is not known: rule sgr-0 of sg-pod: tcp/8080 from sg-lb names it, and the peering of the two VPCs is not active",
    ),
    ("eni-vpc vpc-2; zone all; in sg-pod tcp/8080 10.0.0.0/16", OPEN),
    // Zones, and what is new.
    ("zone us-west-2c; in sg-pod tcp/8080 sg-lb", "eksworkshopalb has no subnet in the target's zone"),
    ("zone none; in sg-pod tcp/8080 sg-lb", OPEN),
    (
        "in sg-pod tcp/8080 new",
        "The network path is not known: rule sgr-0 of sg-pod: tcp/8080 from a peer of an unknown kind is of a kind that is not known here",
    ),
];

#[test]
fn every_world_has_its_verdict() {
    assert!(WORLDS.len() >= 60);
    let mut wrong = Vec::new();
    for (text, expected) in WORLDS {
        let has_out = !text.contains("no-out");
        let whole = format!("{}{}", text.replace("no-out", ""), if has_out { OUT } else { "" });
        let found = words::verdict(&Told::new(&whole).path()).text;
        if found != *expected {
            wrong.push(format!("{text}\n  is    {found}\n  wants {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn repaired(text: &str) -> (Option<String>, Option<String>) {
    let path = Told::new(text).path();
    let missing = path.missing().unwrap();
    (words::repair(missing, &path.region, &Manner::default()), words::networking(missing))
}

#[test]
fn the_missing_rule_is_a_line_to_run_and_a_part_of_the_binding() {
    let (line, networking) = repaired(&format!("in sg-pod tcp/80 sg-lb{OUT}"));
    assert_eq!(
        line.unwrap(),
        "aws ec2 authorize-security-group-ingress --region us-west-2 --group-id sg-pod --protocol tcp --port 8080 --source-group sg-lb"
    );
    assert_eq!(
        networking.unwrap(),
        "networking:\n  ingress:\n  - from:\n    - securityGroup:\n        groupID: sg-lb\n    ports:\n    - protocol: TCP\n      port: 8080\n"
    );
    // Of several groups the cluster's own gets it, as the controller would choose.
    let (line, _) = repaired(&format!("eni sg-pod sg-cluster{OUT}"));
    assert!(line.unwrap().contains("--group-id sg-cluster "));
    let (line, networking) = repaired("in sg-pod tcp/8080 sg-lb");
    assert_eq!(
        line.unwrap(),
        "aws ec2 authorize-security-group-egress --region us-west-2 --group-id sg-lb --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,UserIdGroupPairs=[{GroupId=sg-pod}]'"
    );
    assert_eq!(networking, None, "the controller keeps no outbound rules");
    let (line, networking) = repaired("lb nlb; protocol TCP");
    assert!(line.unwrap().ends_with(
        "--ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,IpRanges=[{CidrIp=10.0.0.0/24},{CidrIp=10.0.1.0/24}]'"
    ));
    assert!(networking.unwrap().contains("    - ipBlock:\n        cidr: 10.0.1.0/24\n"));
    // Nobody knows which clients there are.
    let (line, networking) =
        repaired("lb nlb; protocol TCP; keep true; check 9000; in sg-pod tcp/9000 10.0.0.0/16");
    assert_eq!((line, networking), (None, None));
}

#[test]
fn a_path_is_told_hop_by_hop_with_what_is_left_out() {
    let path = Told::new(&format!("check 9000; in sg-pod tcp/8080 sg-lb{OUT}")).path();
    let told: Vec<String> = words::lines(&path).into_iter().map(|it| it.text).collect();
    assert_eq!(
        told,
        [
            "load balancer eksworkshopalb: sg-lb (lb)",
            "zone us-west-2a: enabled for the load balancer",
            "out of the load balancer, tcp/8080 (traffic): allowed by rule sgr-1 of sg-lb: all traffic to 0.0.0.0/0",
            "out of the load balancer, tcp/9000 (health check): allowed by rule sgr-1 of sg-lb: all traffic to 0.0.0.0/0",
            "target 10.0.5.7:8080: interface eni-1: sg-pod (pod)",
            "into the target, tcp/8080 (traffic): allowed by rule sgr-0 of sg-pod: tcp/8080 from sg-lb",
            "into the target, tcp/9000 (health check): blocked: sg-pod (pod) has no rule for tcp/9000 from sg-lb (lb)",
        ]
    );
    assert_eq!(
        words::not_evaluated(&path),
        [
            "network ACLs of the subnets",
            "route tables",
            "NetworkPolicies (not read)",
            "the host's own firewall"
        ]
    );
    assert_eq!(
        words::facts(path.missing().unwrap()),
        ["What it allows instead: tcp/8080 from sg-lb (sgr-0)."]
    );
}
