//! From EC2's XML to the domain's types, pure. What EC2 leaves out or adds never fails an answer: a piece without its
//! identity is left out.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use quick_xml::DeError;
use quick_xml::de::from_str;
use serde::Deserialize;

use crate::domain::facts::ec2::Interface;
use crate::domain::facts::ec2::Peer;
use crate::domain::facts::ec2::SecurityGroup;
use crate::domain::facts::ec2::SecurityGroupRule;
use crate::domain::facts::ec2::Subnet;

/// What one page holds, and where the next one starts.
pub(super) type Answered<T> = Result<(Vec<T>, Option<String>), DeError>;

/// A list: its elements are in tags `item`.
#[derive(Debug, Deserialize)]
#[serde(default, bound = "T: Deserialize<'de>")]
struct Items<T> {
    item: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

macro_rules! answers {
    ($($name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            #[derive(Debug, Default, Deserialize)]
            #[serde(rename_all = "camelCase", default)]
            struct $name { $($(#[$attr])* $field: $type,)* }
        )*
    };
}

answers! {
    Instances { reservation_set: Items<Reservation>, next_token: Option<String>, }
    Reservation { instances_set: Items<Instance>, }
    Instance { network_interface_set: Items<Eni>, instance_id: String, }
    Interfaces { network_interface_set: Items<Eni>, next_token: Option<String>, }
    Eni {
        network_interface_id: String,
        interface_type: Option<String>,
        vpc_id: Option<String>,
        subnet_id: Option<String>,
        availability_zone: Option<String>,
        private_ip_address: Option<String>,
        private_ip_addresses_set: Items<Private>,
        ipv6_addresses_set: Items<Ipv6>,
        ipv4_prefix_set: Items<Prefix>,
        ipv6_prefix_set: Items<Prefix>,
        group_set: Items<Group>,
        attachment: Option<Attachment>,
    }
    Private { private_ip_address: String, }
    Ipv6 { ipv6_address: String, }
    Prefix { ipv4_prefix: Option<String>, ipv6_prefix: Option<String>, }
    Group { group_id: String, }
    Attachment { instance_id: Option<String>, device_index: Option<u32>, }

    Subnets { subnet_set: Items<SubnetItem>, next_token: Option<String>, }
    SubnetItem {
        subnet_id: String,
        vpc_id: Option<String>,
        availability_zone: Option<String>,
        cidr_block: Option<String>,
        ipv6_cidr_block_association_set: Items<Association>,
    }
    Association { ipv6_cidr_block: Option<String>, }

    Groups { security_group_info: Items<GroupItem>, next_token: Option<String>, }
    GroupItem {
        group_id: String,
        group_name: String,
        vpc_id: Option<String>,
        tag_set: Items<Tag>,
    }
    Tag { key: String, value: Option<String>, }

    Rules { security_group_rule_set: Items<RuleItem>, next_token: Option<String>, }
    RuleItem {
        security_group_rule_id: String,
        group_id: String,
        is_egress: bool,
        ip_protocol: String,
        from_port: Option<i32>,
        to_port: Option<i32>,
        cidr_ipv4: Option<String>,
        cidr_ipv6: Option<String>,
        prefix_list_id: Option<String>,
        referenced_group_info: Option<Referenced>,
    }
    Referenced { group_id: Option<String>, peering_status: Option<String>, }

    Entries { entry_set: Items<Entry>, next_token: Option<String>, }
    Entry { cidr: String, }

    Refusal {
        #[serde(rename = "Errors")]
        errors: Errors,
    }
    Errors {
        #[serde(rename = "Error")]
        error: Vec<OneError>,
    }
    OneError {
        #[serde(rename = "Code")]
        code: String,
        #[serde(rename = "Message")]
        message: String,
    }
}

fn text(value: Option<String>) -> Option<Arc<str>> {
    value.filter(|it| !it.is_empty()).map(Into::into)
}

/// A block; one address without a length is a block of its own.
fn block(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn interface(it: Eni, instance: Option<&str>) -> Option<Interface> {
    if it.network_interface_id.is_empty() {
        return None;
    }
    let primary = it.private_ip_address.as_deref().and_then(|it| it.parse().ok());
    let mut addresses: Vec<IpAddr> = primary.into_iter().collect();
    let private = it.private_ip_addresses_set.item.iter().map(|it| it.private_ip_address.as_str());
    let all = private.chain(it.ipv6_addresses_set.item.iter().map(|it| it.ipv6_address.as_str()));
    for address in all.filter_map(|it| it.parse().ok()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let prefixes = it.ipv4_prefix_set.item.iter().chain(&it.ipv6_prefix_set.item);
    let prefixes = prefixes.filter_map(|it| it.ipv4_prefix.as_deref().or(it.ipv6_prefix.as_deref()));
    let attachment = it.attachment.unwrap_or_default();
    Some(Interface {
        id: it.network_interface_id.into(),
        kind: text(it.interface_type),
        vpc: text(it.vpc_id),
        subnet: text(it.subnet_id),
        zone: text(it.availability_zone),
        instance: instance.map(Into::into).or_else(|| text(attachment.instance_id)),
        device: attachment.device_index,
        groups: it.group_set.item.into_iter().map(|it| it.group_id.into()).collect(),
        addresses,
        prefixes: prefixes.filter_map(block).collect(),
    })
}

pub(super) fn interfaces(body: &str) -> Answered<Interface> {
    let read: Interfaces = from_str(body)?;
    let found = read.network_interface_set.item.into_iter().filter_map(|it| interface(it, None));
    Ok((found.collect(), read.next_token))
}

/// The interfaces of instances.
pub(super) fn instances(body: &str) -> Answered<Interface> {
    let read: Instances = from_str(body)?;
    let instances = read.reservation_set.item.into_iter().flat_map(|it| it.instances_set.item);
    let found = instances.flat_map(|it| {
        let id = it.instance_id;
        let interfaces = it.network_interface_set.item;
        interfaces.into_iter().filter_map(move |it| interface(it, Some(&id))).collect::<Vec<_>>()
    });
    Ok((found.collect(), read.next_token))
}

pub(super) fn subnets(body: &str) -> Answered<Subnet> {
    let read: Subnets = from_str(body)?;
    let subnet = |it: SubnetItem| {
        let sixth = it.ipv6_cidr_block_association_set.item.into_iter().filter_map(|it| it.ipv6_cidr_block);
        Subnet {
            id: it.subnet_id.into(),
            vpc: text(it.vpc_id),
            zone: text(it.availability_zone),
            blocks: it.cidr_block.into_iter().chain(sixth).filter_map(|it| block(&it)).collect(),
        }
    };
    Ok((read.subnet_set.item.into_iter().map(subnet).collect(), read.next_token))
}

pub(super) fn groups(body: &str) -> Answered<SecurityGroup> {
    let read: Groups = from_str(body)?;
    let group = |it: GroupItem| SecurityGroup {
        id: it.group_id.into(),
        name: it.group_name.into(),
        vpc: text(it.vpc_id),
        tags: it.tag_set.item.into_iter().map(|it| (it.key, it.value.unwrap_or_default())).collect(),
    };
    Ok((read.security_group_info.item.into_iter().map(group).collect(), read.next_token))
}

pub(super) fn rules(body: &str) -> Answered<SecurityGroupRule> {
    let read: Rules = from_str(body)?;
    let rule = |it: RuleItem| {
        let block = it.cidr_ipv4.or(it.cidr_ipv6).filter(|it| !it.is_empty());
        let referenced = it.referenced_group_info.unwrap_or_default();
        let peer = match (block, text(it.prefix_list_id), text(referenced.group_id)) {
            (Some(text), ..) => block_of(&text),
            (None, Some(list), _) => Peer::PrefixList(list),
            (None, None, Some(id)) => Peer::Group { id, peering: text(referenced.peering_status) },
            (None, None, None) => Peer::Unknown,
        };
        SecurityGroupRule {
            id: it.security_group_rule_id.into(),
            group: it.group_id.into(),
            egress: it.is_egress,
            protocol: it.ip_protocol.into(),
            from: it.from_port,
            to: it.to_port,
            peer,
        }
    };
    Ok((read.security_group_rule_set.item.into_iter().map(rule).collect(), read.next_token))
}

fn block_of(text: &str) -> Peer {
    block(text).map_or(Peer::Unknown, Peer::Block)
}

/// The blocks of a prefix list.
pub(super) fn entries(body: &str) -> Answered<IpNet> {
    let read: Entries = from_str(body)?;
    Ok((read.entry_set.item.iter().filter_map(|it| block(&it.cidr)).collect(), read.next_token))
}

/// Code and message of a refusal; `None`: it is none of EC2's.
pub(super) fn refusal(body: &str) -> Option<(String, String)> {
    let read: Refusal = from_str(body).ok()?;
    read.errors.error.into_iter().next().map(|it| (it.code, it.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_of_an_instance_have_addresses_prefixes_and_groups() {
        let body = "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>\
            <reservationSet><item><reservationId>r-1</reservationId><groupSet/><instancesSet><item>\
            <instanceId>i-1</instanceId><networkInterfaceSet><item>\
            <networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>\
            <groupSet><item><groupId>sg-1</groupId><groupName>nodes</groupName></item></groupSet>\
            <attachment><attachmentId>a</attachmentId><deviceIndex>0</deviceIndex></attachment>\
            <privateIpAddress>10.0.3.7</privateIpAddress>\
            <privateIpAddressesSet><item><privateIpAddress>10.0.3.7</privateIpAddress><primary>true</primary></item>\
            <item><privateIpAddress>10.0.3.8</privateIpAddress></item></privateIpAddressesSet>\
            <ipv6AddressesSet><item><ipv6Address>2001:db8::7</ipv6Address></item></ipv6AddressesSet>\
            <ipv4PrefixSet><item><ipv4Prefix>10.0.3.64/28</ipv4Prefix></item></ipv4PrefixSet>\
            <interfaceType>interface</interfaceType></item></networkInterfaceSet></item></instancesSet></item></reservationSet>\
            <nextToken>more</nextToken></DescribeInstancesResponse>";
        let (found, next) = instances(body).unwrap();
        let [interface] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(next.as_deref(), Some("more"));
        assert_eq!(interface.instance.as_deref(), Some("i-1"));
        assert_eq!(interface.device, Some(0));
        assert_eq!(interface.groups, ["sg-1".into()]);
        assert_eq!(
            interface.addresses,
            ["10.0.3.7", "10.0.3.8", "2001:db8::7"].map(|it| it.parse::<IpAddr>().unwrap())
        );
        assert!(interface.holds("10.0.3.70".parse().unwrap()));
        assert_eq!(
            instances("<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>").unwrap().0,
            []
        );
    }

    #[test]
    fn rules_name_blocks_lists_and_groups() {
        let item = |peer: &str| {
            format!(
                "<item><securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-1</groupId><isEgress>false</isEgress>\
                 <ipProtocol>tcp</ipProtocol><fromPort>80</fromPort><toPort>80</toPort>{peer}</item>"
            )
        };
        let all = [
            "<cidrIpv4>10.0.0.0/16</cidrIpv4>",
            "<cidrIpv6>2001:db8::/32</cidrIpv6>",
            "<prefixListId>pl-1</prefixListId>",
            "<referencedGroupInfo><groupId>sg-2</groupId><userId>1</userId></referencedGroupInfo>",
            "<referencedGroupInfo><groupId>sg-3</groupId><peeringStatus>deleted</peeringStatus></referencedGroupInfo>",
            "<somethingNew>x</somethingNew>",
        ];
        let items: String = all.iter().map(|it| item(it)).collect();
        let body = format!(
            "<DescribeSecurityGroupRulesResponse><securityGroupRuleSet>{items}</securityGroupRuleSet></DescribeSecurityGroupRulesResponse>"
        );
        let (found, _) = rules(&body).unwrap();
        let peers: Vec<Peer> = found.into_iter().map(|it| it.peer).collect();
        let group =
            |id: &str, peering: Option<&str>| Peer::Group { id: id.into(), peering: peering.map(Into::into) };
        assert_eq!(
            peers,
            [
                Peer::Block("10.0.0.0/16".parse().unwrap()),
                Peer::Block("2001:db8::/32".parse().unwrap()),
                Peer::PrefixList("pl-1".into()),
                group("sg-2", None),
                group("sg-3", Some("deleted")),
                Peer::Unknown,
            ]
        );
    }

    #[test]
    fn a_refusal_has_a_code() {
        let body = "<?xml version=\"1.0\"?><Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>1</RequestID></Response>";
        assert_eq!(refusal(body), Some(("UnauthorizedOperation".to_owned(), "no".to_owned())));
        assert_eq!(refusal("<html><body>502</body></html>"), None);
    }
}
