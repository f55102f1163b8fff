//! The reads of EC2: filters, ids, pages, and how each thing is written.

use super::interfaces;
use super::interfaces::Interface;
use super::model::Peer;
use super::model::Rule;
use super::model::subnet;
use crate::lab::elbv2::refused::Refused;
use crate::lab::elbv2::xml::Parameters;
use crate::lab::elbv2::xml::Xml;
use crate::lab::world::World;

type Answer = Result<Xml, Refused>;

/// Whether one of the values of a thing is wanted by every filter that knows its name.
fn wanted(parameters: &Parameters, values: &[(&str, Vec<String>)]) -> bool {
    filters(parameters).iter().all(|(name, some)| {
        let of = values.iter().find(|it| it.0 == name);
        of.is_some_and(|(_, all)| all.iter().any(|it| some.iter().any(|pattern| fits(pattern, it))))
    })
}

/// Filters may have `*` at their ends.
fn fits(pattern: &str, value: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => value.contains(pattern.trim_matches('*')),
        (Some(end), None) => value.ends_with(end),
        (None, Some(start)) => value.starts_with(start),
        (None, None) => value == pattern,
    }
}

fn filters(parameters: &Parameters) -> Vec<(String, Vec<String>)> {
    let filter = |n: usize| {
        let name = parameters.get(&format!("Filter.{n}.Name"))?.to_owned();
        Some((name, parameters.numbered(&format!("Filter.{n}.Value"))))
    };
    (1..).map_while(filter).collect()
}

/// Refuses a call about ids that do not exist.
fn ids(
    parameters: &Parameters,
    name: &str,
    (code, what): (&'static str, &str),
    is_there: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Refused> {
    let ids = parameters.numbered(name);
    match ids.iter().find(|it| !is_there(it)) {
        Some(id) => Err(Refused::new(code, format!("The {what} '{id}' does not exist"))),
        None => Ok(ids),
    }
}

/// A page of what was found, and where the next one starts.
fn page<T>(all: Vec<T>, parameters: &Parameters) -> (Vec<T>, Option<String>) {
    let from: usize = parameters.get("NextToken").and_then(|it| it.parse().ok()).unwrap_or(0);
    let size: usize = parameters.get("MaxResults").and_then(|it| it.parse().ok()).unwrap_or(1_000);
    let next = (all.len() > from + size).then(|| (from + size).to_string());
    (all.into_iter().skip(from).take(size).collect(), next)
}

fn written<T>(all: Vec<T>, parameters: &Parameters, list: &str, write: impl Fn(&mut Xml, T)) -> Xml {
    let (all, next) = page(all, parameters);
    let mut xml = Xml::default();
    xml.items(list, all, write);
    xml.some("nextToken", &next.unwrap_or_default());
    xml
}

fn write_interface(world: &World, xml: &mut Xml, it: &Interface) {
    let own = it.addresses.first().map_or("", String::as_str);
    xml.tag("networkInterfaceId", &it.id)
        .tag("subnetId", subnet(&it.zone).0)
        .tag("vpcId", &world.elb.vpc)
        .tag("availabilityZone", &it.zone)
        .tag("description", &it.description)
        .tag("ownerId", &world.elb.account)
        .tag("status", "in-use")
        .tag("privateIpAddress", own);
    xml.items("groupSet", &it.groups, |xml, id| {
        let name = world.ec2.groups.get(id).map_or("", |it| &it.name);
        xml.tag("groupId", id).tag("groupName", name);
    });
    xml.inside("attachment", |xml| {
        xml.some("instanceId", it.instance.as_deref().unwrap_or_default());
        xml.number("deviceIndex", 0).tag("status", "attached");
    });
    xml.items("privateIpAddressesSet", &it.addresses, |xml, address| {
        xml.tag("privateIpAddress", address).tag("primary", (address == own).to_string());
    });
    xml.tag("interfaceType", it.kind);
}

pub(super) fn instances(world: &World, parameters: &Parameters) -> Answer {
    let known = &world.elb.instances;
    let what = ("InvalidInstanceID.NotFound", "instance ID");
    let ids = ids(parameters, "InstanceId", what, |it| known.contains_key(it))?;
    let found = known.iter().filter(|(id, it)| {
        let state = if it.running { "running" } else { "stopped" };
        let values = [
            ("instance-id", vec![(*id).clone()]),
            ("instance-state-name", vec![state.to_owned()]),
            ("availability-zone", vec![it.zone.clone()]),
        ];
        (ids.is_empty() || ids.contains(id)) && wanted(parameters, &values)
    });
    Ok(written(found.collect(), parameters, "reservationSet", |xml, (id, it)| {
        xml.tag("reservationId", id.replace("i-", "r-")).tag("ownerId", &world.elb.account);
        xml.items("instancesSet", [id], |xml, id| {
            let (code, state) = if it.running { (16, "running") } else { (80, "stopped") };
            xml.tag("instanceId", id);
            xml.inside("instanceState", |xml| {
                xml.number("code", code).tag("name", state);
            });
            xml.tag("vpcId", &world.elb.vpc).tag("subnetId", subnet(&it.zone).0);
            let own = interfaces::of_instance(world, id);
            let attached = own.iter().filter(|it| it.instance.is_some());
            xml.items("networkInterfaceSet", attached, |xml, it| write_interface(world, xml, it));
        });
    }))
}

pub(super) fn interfaces(world: &World, parameters: &Parameters) -> Answer {
    let all = interfaces::all(world);
    let what = ("InvalidNetworkInterfaceID.NotFound", "networkInterface ID");
    let ids = ids(parameters, "NetworkInterfaceId", what, |id| all.iter().any(|it| it.id == id))?;
    let found = all.into_iter().filter(|it| {
        let values = [
            ("network-interface-id", vec![it.id.clone()]),
            ("addresses.private-ip-address", it.addresses.clone()),
            ("private-ip-address", it.addresses.first().cloned().into_iter().collect()),
            ("ipv6-addresses.ipv6-address", Vec::new()),
            ("attachment.instance-id", it.instance.clone().into_iter().collect()),
            ("group-id", it.groups.clone()),
            ("vpc-id", vec![world.elb.vpc.clone()]),
            ("description", vec![it.description.clone()]),
            ("interface-type", vec![it.kind.to_owned()]),
        ];
        (ids.is_empty() || ids.contains(&it.id)) && wanted(parameters, &values)
    });
    Ok(written(found.collect(), parameters, "networkInterfaceSet", |xml, it| {
        write_interface(world, xml, &it);
    }))
}

pub(super) fn subnets(world: &World, parameters: &Parameters) -> Answer {
    let zones = ["a", "b", "c"].map(|it| format!("{}{it}", world.elb.region));
    let what = ("InvalidSubnetID.NotFound", "subnet ID");
    let ids = ids(parameters, "SubnetId", what, |id| zones.iter().any(|it| subnet(it).0 == id))?;
    let found = zones.into_iter().filter(|zone| {
        let (id, block) = subnet(zone);
        let values = [
            ("subnet-id", vec![id.clone()]),
            ("vpc-id", vec![world.elb.vpc.clone()]),
            ("availability-zone", vec![zone.clone()]),
            ("cidr-block", vec![block]),
        ];
        (ids.is_empty() || ids.contains(&id)) && wanted(parameters, &values)
    });
    Ok(written(found.collect(), parameters, "subnetSet", |xml, zone| {
        let (id, block) = subnet(&zone);
        xml.tag("subnetId", id).tag("state", "available").tag("vpcId", &world.elb.vpc);
        xml.tag("cidrBlock", block).tag("availabilityZone", zone);
        xml.items("ipv6CidrBlockAssociationSet", Vec::<String>::new(), |_, _| {});
    }))
}

pub(super) fn groups(world: &World, parameters: &Parameters) -> Answer {
    let known = &world.ec2.groups;
    let what = ("InvalidGroup.NotFound", "security group");
    let ids = ids(parameters, "GroupId", what, |it| known.contains_key(it))?;
    let found = known.values().filter(|it| {
        let mut values = vec![
            ("group-id", vec![it.id.clone()]),
            ("group-name", vec![it.name.clone()]),
            ("vpc-id", vec![world.elb.vpc.clone()]),
            ("tag-key", it.tags.keys().cloned().collect()),
        ];
        let tags: Vec<(String, String)> =
            it.tags.iter().map(|(key, value)| (format!("tag:{key}"), value.clone())).collect();
        values.extend(tags.iter().map(|(name, value)| (name.as_str(), vec![value.clone()])));
        (ids.is_empty() || ids.contains(&it.id)) && wanted(parameters, &values)
    });
    Ok(written(found.collect(), parameters, "securityGroupInfo", |xml, it| {
        xml.tag("ownerId", &world.elb.account).tag("groupId", &it.id).tag("groupName", &it.name);
        xml.tag("groupDescription", &it.description).tag("vpcId", &world.elb.vpc);
        for (list, egress) in [("ipPermissions", false), ("ipPermissionsEgress", true)] {
            let of = world.ec2.rules.iter().filter(|rule| rule.group == it.id && rule.egress == egress);
            xml.items(list, of, |xml, rule| permission(world, xml, rule));
        }
        xml.items("tagSet", &it.tags, |xml, (key, value)| {
            xml.tag("key", key).tag("value", value);
        });
    }))
}

fn ports(xml: &mut Xml, rule: &Rule) {
    xml.tag("ipProtocol", &rule.protocol);
    if rule.protocol != "-1" {
        xml.number("fromPort", i64::from(rule.ports.0)).number("toPort", i64::from(rule.ports.1));
    }
}

fn permission(world: &World, xml: &mut Xml, rule: &Rule) {
    ports(xml, rule);
    let one = |wanted: Option<&String>| wanted.cloned().into_iter().collect::<Vec<String>>();
    let (block, group, list) = match &rule.peer {
        Peer::Block(it) => (Some(it), None, None),
        Peer::Group(it) => (None, Some(it), None),
        Peer::List(it) => (None, None, Some(it)),
    };
    xml.items("ipRanges", one(block), |xml, it| {
        xml.tag("cidrIp", it);
    });
    xml.items("groups", one(group), |xml, it| {
        xml.tag("groupId", it).tag("userId", &world.elb.account);
    });
    xml.items("prefixListIds", one(list), |xml, it| {
        xml.tag("prefixListId", it);
    });
}

pub(super) fn write_rule(world: &World, xml: &mut Xml, rule: &Rule) {
    xml.tag("securityGroupRuleId", &rule.id).tag("groupId", &rule.group);
    xml.tag("groupOwnerId", &world.elb.account).tag("isEgress", rule.egress.to_string());
    xml.tag("ipProtocol", &rule.protocol);
    xml.number("fromPort", i64::from(rule.ports.0)).number("toPort", i64::from(rule.ports.1));
    match &rule.peer {
        Peer::Block(block) => _ = xml.tag("cidrIpv4", block),
        Peer::List(id) => _ = xml.tag("prefixListId", id),
        Peer::Group(id) => {
            xml.inside("referencedGroupInfo", |xml| {
                xml.tag("groupId", id).tag("userId", &world.elb.account);
            });
        }
    }
    xml.some("description", &rule.description);
}

pub(super) fn rules(world: &World, parameters: &Parameters) -> Answer {
    let known = &world.ec2.rules;
    let what = ("InvalidSecurityGroupRuleId.NotFound", "security group rule ID");
    let ids = ids(parameters, "SecurityGroupRuleId", what, |id| known.iter().any(|it| it.id == id))?;
    let found = known.iter().filter(|it| {
        let values = [("group-id", vec![it.group.clone()]), ("security-group-rule-id", vec![it.id.clone()])];
        (ids.is_empty() || ids.contains(&it.id)) && wanted(parameters, &values)
    });
    Ok(written(found.collect(), parameters, "securityGroupRuleSet", |xml, it| write_rule(world, xml, it)))
}

pub(super) fn lists(world: &World, parameters: &Parameters) -> Xml {
    let ids: Vec<&String> = world.ec2.lists.keys().collect();
    written(ids, parameters, "prefixListSet", |xml, id| {
        xml.tag("prefixListId", id).tag("prefixListName", id).tag("addressFamily", "IPv4");
    })
}

pub(super) fn entries(world: &World, parameters: &Parameters) -> Answer {
    let id = parameters.text("PrefixListId");
    let Some(blocks) = world.ec2.lists.get(id) else {
        let message = format!("The prefix list ID '{id}' does not exist");
        return Err(Refused::new("InvalidPrefixListID.NotFound", message));
    };
    Ok(written(blocks.iter().collect(), parameters, "entrySet", |xml, it| {
        xml.tag("cidr", it);
    }))
}
