//! The reads of EC2 that a network path rests on, through the SDK's own runtime: signing, credentials, limits, endpoints.
//! The SDK's crate for EC2 is left out, since it costs more than everything else together and gives six reads.

mod decode;
mod request;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use self::decode::Answered;
use crate::domain::facts::ec2::Interface;
use crate::domain::facts::ec2::Locator;
use crate::domain::facts::ec2::NetworkAnswer;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::operation::Operation;
use crate::domain::facts::pages::Pages;

pub(super) use self::request::Way;
pub(super) use self::request::endpoint;

/// The largest page of most of these calls.
const PAGE: &str = "1000";
/// The largest page of the entries of a prefix list.
const ENTRIES: &str = "100";

/// EC2 of one region, as one identity.
#[derive(Clone, Debug)]
pub(crate) struct Ec2(Way);

/// The filters of a call.
#[derive(Default)]
struct Filters(Vec<(String, String)>);

impl Filters {
    fn by<T: AsRef<str>>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let n = self.0.iter().filter(|it| it.0.ends_with(".Name")).count() + 1;
        self.0.push((format!("Filter.{n}.Name"), name.to_owned()));
        for (m, value) in values.into_iter().enumerate() {
            self.0.push((format!("Filter.{n}.Value.{}", m + 1), value.as_ref().to_owned()));
        }
        self
    }
}

/// Takes a call of the budget; waited for before every page but the first.
pub(crate) type Turn<'a> = &'a (dyn Fn() -> futures::future::BoxFuture<'a, ()> + Send + Sync);

impl Ec2 {
    pub(super) fn new(way: Way) -> Self {
        Self(way)
    }

    /// What is known of some parts, all of one kind; those that do not exist are not in it.
    #[tracing::instrument(skip_all, fields(n_parts = parts.len()), err(level = "warn"))]
    pub(crate) async fn read(&self, parts: &[NetworkPart], turn: Turn<'_>) -> Result<NetworkAnswer, Failure> {
        let ids = |of: fn(&NetworkPart) -> Option<&Arc<str>>| -> Vec<Arc<str>> {
            parts.iter().filter_map(of).cloned().collect()
        };
        match parts.first() {
            Some(NetworkPart::Subnet(_)) => {
                let ids = ids(|it| if let NetworkPart::Subnet(id) = it { Some(id) } else { None });
                let filters = Filters::default().by("subnet-id", &ids);
                let found = self.pages(Operation::DescribeSubnets, filters.0, turn, decode::subnets);
                let mut found = by_id(found.await?, |it| it.id.clone());
                Ok(NetworkAnswer::Subnets(
                    ids.into_iter().map(|id| (id.clone(), found.remove(&id))).collect(),
                ))
            }
            Some(NetworkPart::SecurityGroup(_)) => {
                let ids = ids(|it| if let NetworkPart::SecurityGroup(id) = it { Some(id) } else { None });
                let filters = Filters::default().by("group-id", &ids);
                let found = self.pages(Operation::DescribeSecurityGroups, filters.0, turn, decode::groups);
                let mut found = by_id(found.await?, |it| it.id.clone());
                let of = |id: Arc<str>| (id.clone(), found.remove(&id));
                Ok(NetworkAnswer::SecurityGroups(ids.into_iter().map(of).collect()))
            }
            Some(NetworkPart::Rules(_)) => {
                let ids = ids(|it| if let NetworkPart::Rules(id) = it { Some(id) } else { None });
                let filters = Filters::default().by("group-id", &ids);
                let found = self.pages(Operation::DescribeSecurityGroupRules, filters.0, turn, decode::rules);
                let mut of: BTreeMap<Arc<str>, Vec<_>> = BTreeMap::new();
                for rule in found.await? {
                    of.entry(rule.group.clone()).or_default().push(rule);
                }
                let of = |id: Arc<str>| (id.clone(), of.remove(&id).unwrap_or_default());
                Ok(NetworkAnswer::Rules(ids.into_iter().map(of).collect()))
            }
            Some(NetworkPart::PrefixList(id)) => {
                let id = id.clone();
                let wanted = vec![("PrefixListId".to_owned(), id.to_string())];
                let operation = Operation::GetManagedPrefixListEntries;
                let blocks: Vec<IpNet> = self.pages(operation, wanted, turn, decode::entries).await?;
                Ok(NetworkAnswer::PrefixList(id, blocks))
            }
            Some(NetworkPart::Interfaces(_)) | None => self.interfaces(parts, turn).await,
        }
    }

    async fn interfaces(&self, parts: &[NetworkPart], turn: Turn<'_>) -> Result<NetworkAnswer, Failure> {
        let locators: Vec<&Locator> = parts
            .iter()
            .filter_map(|it| if let NetworkPart::Interfaces(by) = it { Some(by) } else { None })
            .collect();
        let found = match locators.first() {
            Some(Locator::Instance(_)) => {
                let ids = locators
                    .iter()
                    .filter_map(|it| if let Locator::Instance(id) = it { Some(id.clone()) } else { None });
                let filters = Filters::default().by("instance-id", ids);
                self.pages(Operation::DescribeInstances, filters.0, turn, decode::instances).await?
            }
            Some(first) => {
                let (name, values) = filter(first, &locators);
                let mut filters = Filters::default().by(name, values);
                if let Locator::Address(_, Some(vpc)) = first {
                    filters = filters.by("vpc-id", [vpc]);
                }
                let operation = Operation::DescribeNetworkInterfaces;
                self.pages(operation, filters.0, turn, decode::interfaces).await?
            }
            None => Vec::new(),
        };
        let of = |by: &Locator| {
            let is_of = |it: &&Interface| match by {
                Locator::Instance(id) => it.instance.as_ref() == Some(id),
                Locator::Interface(id) => it.id == *id,
                Locator::Address(address, _) => it.holds(*address),
                Locator::LoadBalancer(_) => true,
            };
            (by.clone(), found.iter().filter(is_of).cloned().collect())
        };
        Ok(NetworkAnswer::Interfaces(locators.into_iter().map(of).collect()))
    }

    /// All pages of an answer.
    async fn pages<T>(
        &self,
        operation: Operation,
        parameters: Vec<(String, String)>,
        turn: Turn<'_>,
        decode: fn(&str) -> Answered<T>,
    ) -> Result<Vec<T>, Failure> {
        let page = if operation == Operation::GetManagedPrefixListEntries { ENTRIES } else { PAGE };
        let mut pages = Pages::of_aws(operation.name());
        let (mut found, mut from) = (Vec::new(), None::<String>);
        loop {
            let mut asked = parameters.clone();
            asked.push(("MaxResults".to_owned(), page.to_owned()));
            asked.extend(from.map(|it| ("NextToken".to_owned(), it)));
            let body = self.0.call(operation, asked).await?;
            let (some, next) = decode(&body).map_err(|error| request::unreadable(operation, &error))?;
            found.extend(some);
            from = pages.next(next.filter(|it| !it.is_empty()))?;
            if from.is_none() {
                return Ok(found);
            }
            turn().await;
        }
    }
}

fn by_id<T>(found: Vec<T>, id: impl Fn(&T) -> Arc<str>) -> BTreeMap<Arc<str>, T> {
    found.into_iter().map(|it| (id(&it), it)).collect()
}

/// The filter that finds interfaces by what is known of them.
fn filter(first: &Locator, all: &[&Locator]) -> (&'static str, Vec<String>) {
    let values = all.iter().map(|it| match it {
        Locator::Instance(id) | Locator::Interface(id) => id.to_string(),
        Locator::Address(address, _) => address.to_string(),
        Locator::LoadBalancer(arn) => description(arn),
    });
    let name = match first {
        Locator::Address(IpAddr::V4(_), _) => "addresses.private-ip-address",
        Locator::Address(IpAddr::V6(_), _) => "ipv6-addresses.ipv6-address",
        Locator::LoadBalancer(_) => "description",
        Locator::Instance(_) | Locator::Interface(_) => "network-interface-id",
    };
    (name, values.collect())
}

/// As AWS describes the interfaces of a load balancer: `ELB net/NAME/HASH`.
fn description(arn: &LoadBalancerArn) -> String {
    format!("ELB {}", arn.as_str().split_once(":loadbalancer/").map_or("", |it| it.1))
}
