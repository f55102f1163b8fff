//! What was read of the network between load balancers and targets.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::domain::facts::ec2::Interface;
use crate::domain::facts::ec2::Locator;
use crate::domain::facts::ec2::NetworkAnswer;
use crate::domain::facts::ec2::SecurityGroup;
use crate::domain::facts::ec2::SecurityGroupRule;
use crate::domain::facts::ec2::Subnet;
use crate::domain::facts::ids::TargetGroupArn;

/// What was read; what is not in it was not asked for yet, `None` does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) interfaces: BTreeMap<Locator, Vec<Interface>>,
    pub(crate) subnets: BTreeMap<Arc<str>, Option<Subnet>>,
    pub(crate) groups: BTreeMap<Arc<str>, Option<SecurityGroup>>,
    /// By the group they belong to.
    pub(crate) rules: BTreeMap<Arc<str>, Vec<SecurityGroupRule>>,
    pub(crate) prefix_lists: BTreeMap<Arc<str>, Vec<IpNet>>,
}

/// A target that somebody wants to know the network path to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedPath {
    pub(crate) group: TargetGroupArn,
    /// By what the target's interface is found.
    pub(crate) locator: Locator,
    /// The target's address; `None`: an instance's primary one.
    pub(crate) address: Option<IpAddr>,
}

/// The interface of a target, as far as known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    /// Not looked for yet.
    Unread,
    /// Nothing has the target's address.
    None,
    One(&'a Interface),
}

impl Network {
    /// Takes an answer in; whether anything is different.
    pub(super) fn learn(&mut self, answer: NetworkAnswer) -> bool {
        match answer {
            NetworkAnswer::Interfaces(all) => all.into_iter().fold(false, |changed, (by, found)| {
                (self.interfaces.insert(by, found.clone()) != Some(found)) | changed
            }),
            NetworkAnswer::Subnets(all) => all.into_iter().fold(false, |changed, (id, found)| {
                (self.subnets.insert(id, found.clone()) != Some(found)) | changed
            }),
            NetworkAnswer::SecurityGroups(all) => all.into_iter().fold(false, |changed, (id, found)| {
                (self.groups.insert(id, found.clone()) != Some(found)) | changed
            }),
            NetworkAnswer::Rules(all) => all.into_iter().fold(false, |changed, (id, found)| {
                (self.rules.insert(id, found.clone()) != Some(found)) | changed
            }),
            NetworkAnswer::PrefixList(id, blocks) => {
                self.prefix_lists.insert(id, blocks.clone()) != Some(blocks)
            }
        }
    }

    /// The interface of a target among those that were found.
    pub(crate) fn interface(&self, locator: &Locator, address: Option<IpAddr>) -> Found<'_> {
        let Some(found) = self.interfaces.get(locator) else { return Found::Unread };
        let one = match (locator, address) {
            (Locator::Interface(_), _) => found.first(),
            (_, Some(address)) => found.iter().find(|it| it.holds(address)),
            (_, None) => found.iter().min_by_key(|it| it.device.unwrap_or(u32::MAX)),
        };
        one.map_or(Found::None, Found::One)
    }
}
