//! Rules that somebody adds to a security group or takes away; the health checks notice.

use super::describe::write_rule;
use super::model::Peer;
use super::model::Rule;
use crate::lab::elbv2::health;
use crate::lab::elbv2::refused::Refused;
use crate::lab::elbv2::xml::Parameters;
use crate::lab::elbv2::xml::Xml;
use crate::lab::world::World;

/// The rules that a call names: each permission is one for every peer of it.
fn permissions(parameters: &Parameters, group: &str, egress: bool) -> Vec<Rule> {
    let mut found = Vec::new();
    for it in (1..).map(|n| parameters.within(&format!("IpPermissions.{n}."))).take_while(Parameters::is_some)
    {
        let number = |name: &str| it.get(name).and_then(|it| it.parse().ok()).unwrap_or(-1);
        let peers = |list: &str, key: &str| -> Vec<(String, String)> {
            let of = |n: usize| {
                let one = it.within(&format!("{list}.{n}."));
                Some((one.get(key)?.to_owned(), one.text("Description").to_owned()))
            };
            (1..).map_while(of).collect()
        };
        let blocks = peers("IpRanges", "CidrIp").into_iter().map(|(it, why)| (Peer::Block(it), why));
        let groups = peers("Groups", "GroupId").into_iter().map(|(it, why)| (Peer::Group(it), why));
        let lists = peers("PrefixListIds", "PrefixListId").into_iter().map(|(it, why)| (Peer::List(it), why));
        for (peer, description) in blocks.chain(groups).chain(lists) {
            found.push(Rule {
                id: String::new(),
                group: group.to_owned(),
                egress,
                protocol: it.text("IpProtocol").to_owned(),
                ports: (number("FromPort"), number("ToPort")),
                peer,
                description,
            });
        }
    }
    found
}

fn group(world: &World, parameters: &Parameters) -> Result<String, Refused> {
    let id = parameters.text("GroupId");
    match world.ec2.groups.contains_key(id) {
        true => Ok(id.to_owned()),
        false => {
            Err(Refused::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist")))
        }
    }
}

fn none(permissions: &[Rule]) -> Result<(), Refused> {
    match permissions.is_empty() {
        true => Err(Refused::new("MissingParameter", "The request must contain the parameter ipPermissions")),
        false => Ok(()),
    }
}

pub(super) fn authorize(world: &mut World, parameters: &Parameters, egress: bool) -> Result<Xml, Refused> {
    let id = group(world, parameters)?;
    let new = permissions(parameters, &id, egress);
    none(&new)?;
    for it in &new {
        if let Peer::Group(peer) = &it.peer
            && !world.ec2.groups.contains_key(peer)
        {
            let message = format!("The security group '{peer}' does not exist");
            return Err(Refused::new("InvalidGroup.NotFound", message));
        }
        if world.ec2.rules.iter().any(|rule| rule.same(it)) {
            let message = format!("the specified rule \"{}\" already exists", it.protocol);
            return Err(Refused::new("InvalidPermission.Duplicate", message));
        }
    }
    for it in &new {
        let what = (it.protocol.as_str(), it.ports);
        world.ec2.allow((&id, egress), what, it.peer.clone(), &it.description);
    }
    health::all_changed(world, |_| true);
    let mut xml = Xml::default();
    let added: Vec<Rule> =
        world.ec2.rules.iter().filter(|rule| new.iter().any(|it| it.same(rule))).cloned().collect();
    xml.tag("return", "true");
    xml.items("securityGroupRuleSet", added, |xml, it| write_rule(world, xml, &it));
    Ok(xml)
}

pub(super) fn revoke(world: &mut World, parameters: &Parameters, egress: bool) -> Result<Xml, Refused> {
    let id = group(world, parameters)?;
    let ids = parameters.numbered("SecurityGroupRuleId");
    let old = permissions(parameters, &id, egress);
    if ids.is_empty() {
        none(&old)?;
    }
    let goes = |rule: &Rule| {
        rule.group == id
            && rule.egress == egress
            && (ids.contains(&rule.id) || old.iter().any(|it| it.same(rule)))
    };
    if !world.ec2.rules.iter().any(goes) {
        let message = "The specified rule does not exist in this security group.";
        return Err(Refused::new("InvalidPermission.NotFound", message));
    }
    world.ec2.rules.retain(|it| !goes(it));
    health::all_changed(world, |_| true);
    let mut xml = Xml::default();
    xml.tag("return", "true");
    Ok(xml)
}
