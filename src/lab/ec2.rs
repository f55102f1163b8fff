//! The lab's EC2: security groups that really decide what gets through, the interfaces of nodes, pods and load balancers,
//! and the calls that read and change them.

mod describe;
pub(super) mod firewall;
pub(super) mod interfaces;
pub(super) mod model;
mod modify;

use super::elbv2::refused::Refused;
use super::elbv2::xml::Parameters;
use super::elbv2::xml::Xml;
use super::world::World;

/// The version of the API, by which its calls are told from those of Elastic Load Balancing.
pub(super) const VERSION: &str = "2016-11-15";

const DESCRIBES: [&str; 7] = [
    "DescribeInstances",
    "DescribeNetworkInterfaces",
    "DescribeSubnets",
    "DescribeSecurityGroups",
    "DescribeSecurityGroupRules",
    "DescribeManagedPrefixLists",
    "GetManagedPrefixListEntries",
];

/// Carries one call out.
pub(super) fn perform(
    world: &mut World,
    (action, user): (&str, &str),
    parameters: &Parameters,
) -> Result<Xml, Refused> {
    if user == "viewer" && !DESCRIBES.contains(&action) {
        let arn = format!("arn:aws:iam::{}:user/{user}", world.elb.account);
        return Err(denied(&arn, action));
    }
    match action {
        "DescribeInstances" => describe::instances(world, parameters),
        "DescribeNetworkInterfaces" => describe::interfaces(world, parameters),
        "DescribeSubnets" => describe::subnets(world, parameters),
        "DescribeSecurityGroups" => describe::groups(world, parameters),
        "DescribeSecurityGroupRules" => describe::rules(world, parameters),
        "DescribeManagedPrefixLists" => Ok(describe::lists(world, parameters)),
        "GetManagedPrefixListEntries" => describe::entries(world, parameters),
        "AuthorizeSecurityGroupIngress" => modify::authorize(world, parameters, false),
        "AuthorizeSecurityGroupEgress" => modify::authorize(world, parameters, true),
        "RevokeSecurityGroupIngress" => modify::revoke(world, parameters, false),
        "RevokeSecurityGroupEgress" => modify::revoke(world, parameters, true),
        _ => Err(Refused::new(
            "InvalidAction",
            format!("The action {action} is not valid for this web service."),
        )),
    }
}

/// What EC2 says of somebody who may not.
pub(super) fn denied(arn: &str, action: &str) -> Refused {
    let message = format!(
        "You are not authorized to perform this operation. User: {arn} is not authorized to perform: ec2:{action} because no identity-based policy allows the ec2:{action} action"
    );
    Refused::new("UnauthorizedOperation", message).with_status(403)
}
