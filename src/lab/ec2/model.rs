//! Security groups with their rules, and prefix lists.

use std::collections::BTreeMap;

use crate::lab::random::hash;

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) enum Peer {
    Block(String),
    Group(String),
    List(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Rule {
    pub(in crate::lab) id: String,
    pub(in crate::lab) group: String,
    pub(in crate::lab) egress: bool,
    /// `tcp`, `udp`, `-1`.
    pub(in crate::lab) protocol: String,
    pub(in crate::lab) ports: (i32, i32),
    pub(in crate::lab) peer: Peer,
    pub(in crate::lab) description: String,
}

impl Rule {
    /// It lets the same through.
    pub(in crate::lab) fn same(&self, other: &Self) -> bool {
        let parts = |it: &Self| (it.group.clone(), it.egress, it.protocol.clone(), it.ports, it.peer.clone());
        parts(self) == parts(other)
    }
}

#[derive(Clone, Debug)]
pub(in crate::lab) struct SecurityGroup {
    pub(in crate::lab) id: String,
    pub(in crate::lab) name: String,
    pub(in crate::lab) description: String,
    pub(in crate::lab) tags: BTreeMap<String, String>,
}

/// What EC2 keeps beside instances.
#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Ec2 {
    pub(in crate::lab) groups: BTreeMap<String, SecurityGroup>,
    pub(in crate::lab) rules: Vec<Rule>,
    /// Blocks by the id of their list.
    pub(in crate::lab) lists: BTreeMap<String, Vec<String>>,
    /// The group of the nodes' interfaces.
    pub(in crate::lab) nodes: String,
    /// The group of the pods' own interfaces; `None`: pods share those of their nodes.
    pub(in crate::lab) pods: Option<String>,
}

/// An id that is always the same for the same thing.
pub(in crate::lab) fn id(prefix: &str, of: &str) -> String {
    let (one, two) = (hash(of), hash(&format!("{of}/{prefix}")));
    let digits = format!("{one:016x}{two:016x}");
    format!("{prefix}-0{}", digits.get(..16).unwrap_or_default())
}

impl Ec2 {
    /// Adds a group that lets everything out.
    pub(in crate::lab) fn add_group(&mut self, id: &str, name: &str, description: &str) {
        let group = SecurityGroup {
            id: id.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            tags: BTreeMap::new(),
        };
        self.groups.insert(id.to_owned(), group);
        self.allow((id, true), ("-1", (-1, -1)), Peer::Block("0.0.0.0/0".to_owned()), "");
    }

    /// Adds a rule; `false`: there is one like it.
    pub(in crate::lab) fn allow(
        &mut self,
        (group, egress): (&str, bool),
        (protocol, ports): (&str, (i32, i32)),
        peer: Peer,
        description: &str,
    ) -> bool {
        let text = format!("{group}{egress}{protocol}{ports:?}{peer:?}");
        let rule = Rule {
            id: id("sgr", &text),
            group: group.to_owned(),
            egress,
            protocol: protocol.to_owned(),
            ports,
            peer,
            description: description.to_owned(),
        };
        let is_new = !self.rules.iter().any(|it| it.same(&rule));
        if is_new {
            self.rules.push(rule);
        }
        is_new
    }

    /// The group that decides what reaches pods.
    pub(in crate::lab) fn of_pods(&self) -> &str {
        self.pods.as_deref().unwrap_or(&self.nodes)
    }
}

/// Part three of addresses in a zone begins here.
fn start(zone: &str) -> u8 {
    match zone.chars().last() {
        Some('a') => 0,
        Some('b') => 64,
        _ => 128,
    }
}

/// The subnet of a zone: its id and its block.
pub(in crate::lab) fn subnet(zone: &str) -> (String, String) {
    (id("subnet", zone), format!("192.168.{}.0/18", start(zone)))
}

/// The address of a load balancer in a zone.
pub(in crate::lab) fn of_load_balancer(zone: &str) -> String {
    format!("192.168.{}.4", start(zone))
}

/// The id of the interface that a pod has for itself.
pub(in crate::lab) fn branch(address: &str) -> String {
    id("eni", address)
}
