//! What is expected of EC2, as far as a network path rests on it: one list of calls and answers, for moto and for the lab.

use crate::contract_of_aws::tag;
use crate::wire::Wire;

/// A call and what its answer has to contain: `{one}` and `{other}` are security groups, `{subnet}` is a subnet.
const FACTS: &[(&str, &str, u16, &[&str])] = &[
    (
        "a group by filter",
        "Action=DescribeSecurityGroups&Filter.1.Name=group-id&Filter.1.Value.1={one}&MaxResults=1000",
        200,
        &["<securityGroupInfo>", "<groupId>{one}</groupId>", "<groupName>", "<vpcId>vpc-"],
    ),
    (
        "a group that nobody has, by filter",
        "Action=DescribeSecurityGroups&Filter.1.Name=group-id&Filter.1.Value.1=sg-0000000000000000f",
        200,
        &["DescribeSecurityGroupsResponse"],
    ),
    (
        "a group that nobody has, by id",
        "Action=DescribeSecurityGroups&GroupId.1=sg-0000000000000000f",
        400,
        &["<Response", "<Errors>", "<Code>InvalidGroup.NotFound</Code>"],
    ),
    (
        "a rule by reference",
        "Action=AuthorizeSecurityGroupIngress&GroupId={one}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=8080&IpPermissions.1.ToPort=8080&IpPermissions.1.Groups.1.GroupId={other}",
        200,
        &["<return>true</return>", "<securityGroupRuleId>sgr-"],
    ),
    (
        "the same rule once more",
        "Action=AuthorizeSecurityGroupIngress&GroupId={one}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=8080&IpPermissions.1.ToPort=8080&IpPermissions.1.Groups.1.GroupId={other}",
        400,
        &["<Code>InvalidPermission.Duplicate</Code>"],
    ),
    (
        "a rule by block",
        "Action=AuthorizeSecurityGroupIngress&GroupId={one}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=90&IpPermissions.1.IpRanges.1.CidrIp=10.9.0.0/16",
        200,
        &["<return>true</return>"],
    ),
    (
        "the rules of a group",
        "Action=DescribeSecurityGroupRules&Filter.1.Name=group-id&Filter.1.Value.1={one}&MaxResults=1000",
        200,
        &[
            "<securityGroupRuleSet>",
            "<securityGroupRuleId>sgr-",
            "<groupId>{one}</groupId>",
            "<isEgress>false</isEgress>",
            "<isEgress>true</isEgress>",
            "<ipProtocol>tcp</ipProtocol>",
            "<ipProtocol>-1</ipProtocol>",
            "<fromPort>8080</fromPort>",
            "<toPort>90</toPort>",
            "<cidrIpv4>10.9.0.0/16</cidrIpv4>",
            "<referencedGroupInfo>",
            "<groupId>{other}</groupId>",
        ],
    ),
    (
        "a rule taken away",
        "Action=RevokeSecurityGroupIngress&GroupId={one}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=90&IpPermissions.1.IpRanges.1.CidrIp=10.9.0.0/16",
        200,
        &["<return>true</return>"],
    ),
    (
        "a rule of a group that nobody has",
        "Action=AuthorizeSecurityGroupIngress&GroupId=sg-0000000000000000f&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=90&IpPermissions.1.IpRanges.1.CidrIp=10.9.0.0/16",
        400,
        &["<Code>InvalidGroup.NotFound</Code>"],
    ),
    (
        "a subnet",
        "Action=DescribeSubnets&Filter.1.Name=subnet-id&Filter.1.Value.1={subnet}&MaxResults=1000",
        200,
        &["<subnetSet>", "<subnetId>{subnet}</subnetId>", "<cidrBlock>", "<availabilityZone>", "<vpcId>vpc-"],
    ),
    (
        "an instance that nobody has",
        "Action=DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1=i-0000000000000000f&MaxResults=1000",
        200,
        &["<reservationSet"],
    ),
    (
        "an interface that nobody has",
        "Action=DescribeNetworkInterfaces&Filter.1.Name=network-interface-id&Filter.1.Value.1=eni-0000000000000000f&MaxResults=1000",
        200,
        &["<networkInterfaceSet"],
    ),
    (
        "an address that nobody has",
        "Action=DescribeNetworkInterfaces&Filter.1.Name=addresses.private-ip-address&Filter.1.Value.1=10.9.9.9&Filter.2.Name=vpc-id&Filter.2.Value.1=vpc-0000000000000000f",
        200,
        &["<networkInterfaceSet"],
    ),
    (
        "the interfaces of a load balancer that nobody has",
        "Action=DescribeNetworkInterfaces&Filter.1.Name=description&Filter.1.Value.1=ELB net/x/0",
        200,
        &["<networkInterfaceSet"],
    ),
    (
        "a prefix list that nobody has",
        "Action=GetManagedPrefixListEntries&PrefixListId=pl-0000000000000000f&MaxResults=100",
        400,
        &["<Code>InvalidPrefixListI", ".NotFound</Code>"],
    ),
];

/// What moto is known to do otherwise.
const MOTO: &[(&str, &str)] = &[("a prefix list that nobody has", "it answers with an empty one")];

const VERSION: &str = "Version=2016-11-15";

/// What an EC2 does otherwise, each with the call it was. `groups`: two security groups of the world; `moto`: what it is
/// known to do otherwise is excused.
pub(crate) async fn broken(wire: &Wire, groups: (&str, &str), moto: bool) -> Vec<String> {
    let subnets = wire.query(&format!("Action=DescribeSubnets&{VERSION}")).await.1;
    let subnet = tag(&subnets, "subnetId");
    let fill = |text: &str| {
        text.replace("{one}", groups.0).replace("{other}", groups.1).replace("{subnet}", &subnet)
    };
    let mut broken = Vec::new();
    for (name, call, expected, has) in FACTS {
        if moto && MOTO.iter().any(|it| it.0 == *name) {
            continue;
        }
        let (status, text) = wire.query(&format!("{}&{VERSION}", fill(call))).await;
        if let Some(missing) = has.iter().map(|it| fill(it)).find(|it| !text.contains(it.as_str())) {
            broken.push(format!("{name}: no {missing} in {text}"));
        } else if status != *expected {
            broken.push(format!("{name}: status {status}: {text}"));
        }
    }
    broken
}
