//! The writes of Elastic Load Balancing: targets, attributes, health checks, weights, tags.

use super::describe;
use super::describe::check_arn;
use super::health;
use super::model::Forward;
use super::model::Key;
use super::refused::Refused;
use super::xml::Parameters;
use super::xml::Xml;
use crate::lab::world::World;

/// Targets a group may have.
const TARGETS: usize = 1000;
/// Groups one action may send to.
const GROUPS: usize = 5;

type Answer = Result<Xml, Refused>;

/// Id, port and zone of each target a call names.
fn targets(parameters: &Parameters, port: u16) -> Result<Vec<(Key, Option<String>)>, Refused> {
    let mut all = Vec::new();
    for it in parameters.structures("Targets") {
        let port = match it.get("Port") {
            None => port,
            Some(text) => text.parse().ok().filter(|it| *it > 0).ok_or_else(|| {
                Refused::invalid(format!(
                    "1 validation error detected: Value '{text}' at 'targets.1.member.port' failed to satisfy constraint: Member must have value less than or equal to 65535"
                ))
            })?,
        };
        let key = Key { quic: it.get("QuicServerId").map(str::to_owned), ..Key::new(it.text("Id"), port) };
        all.push((key, it.get("AvailabilityZone").map(str::to_owned)));
    }
    match all.is_empty() {
        true => Err(Refused::invalid("You must specify at least one target")),
        false => Ok(all),
    }
}

/// The zone a target gets, or why it cannot be one.
fn zone(world: &World, kind: &str, id: &str, asked: Option<&str>) -> Result<String, Refused> {
    if kind == "instance" {
        if !id.starts_with("i-") {
            return Err(Refused::invalid(format!("Instance ID '{id}' is not valid")));
        }
        let instance = world.elb.instances.get(id);
        let missing = || {
            Refused::new(
                "InvalidTarget",
                format!("The following targets are not in a running state and cannot be registered: '{id}'"),
            )
        };
        return instance.filter(|it| it.running).map(|it| it.zone.clone()).ok_or_else(missing);
    }
    if id.parse::<std::net::Ipv4Addr>().is_err() {
        return Err(Refused::invalid(format!("The IP address '{id}' is not a valid IPv4 address")));
    }
    match (world.elb.zone_of(id), asked) {
        (Some(zone), Some("all")) => Err(Refused::invalid(format!(
            "IP address '{id}' is within the VPC, and cannot have its Availability Zone overridden to 'all' from '{zone}'"
        ))),
        (Some(zone), _) => Ok(zone),
        (None, Some("all")) => Ok("all".to_owned()),
        (None, _) => Err(Refused::invalid(format!(
            "The Availability Zone is required for IP address '{id}' because it is not in the VPC"
        ))),
    }
}

pub(super) fn register(world: &mut World, parameters: &Parameters) -> Answer {
    let group = describe::group(&world.elb, parameters)?;
    let (arn, kind) = (group.arn.clone(), group.target_type.clone());
    let asked = targets(parameters, group.port)?;
    let new = asked.iter().filter(|(key, _)| !group.targets.contains_key(key)).count();
    if group.targets.len() + new > TARGETS {
        let message =
            format!("The maximum number of targets for target group '{arn}' has been reached: {TARGETS}");
        return Err(Refused::new("TooManyTargets", message));
    }
    let mut found = Vec::new();
    for (key, asked) in asked {
        let zone = zone(world, &kind, &key.id, asked.as_deref())?;
        found.push((key, zone));
    }
    for (key, zone) in found {
        health::register(world, &arn, &key, &zone);
    }
    Ok(Xml::default())
}

pub(super) fn deregister(world: &mut World, parameters: &Parameters) -> Answer {
    let group = describe::group(&world.elb, parameters)?;
    let arn = group.arn.clone();
    for (key, _) in targets(parameters, group.port)? {
        health::deregister(world, &arn, &key);
    }
    Ok(Xml::default())
}

pub(super) fn group_attributes(world: &mut World, parameters: &Parameters) -> Answer {
    let arn = describe::group(&world.elb, parameters)?.arn.clone();
    let Some(group) = world.elb.groups.get_mut(&arn) else { return Err(Refused::no_group()) };
    let mut changed = group.attributes.clone();
    for it in parameters.structures("Attributes") {
        let (key, value) = (it.text("Key"), it.text("Value"));
        if !changed.contains_key(key) {
            return Err(Refused::invalid(format!("Target group attribute key '{key}' is not recognized")));
        }
        let seconds = value.parse::<i64>().is_ok_and(|it| (0..=3600).contains(&it));
        if key == "deregistration_delay.timeout_seconds" && !seconds {
            let message = format!(
                "'deregistration_delay.timeout_seconds' must be an integer between 0 and 3600, inclusive; got '{value}'"
            );
            return Err(Refused::invalid(message));
        }
        changed.insert(key.to_owned(), value.to_owned());
    }
    group.attributes = changed;
    Ok(describe::write_attributes(&group.attributes))
}

pub(super) fn group(world: &mut World, parameters: &Parameters) -> Answer {
    let arn = describe::group(&world.elb, parameters)?.arn.clone();
    if let Some(group) = world.elb.groups.get_mut(&arn) {
        let check = &mut group.check;
        for (name, slot) in [
            ("HealthCheckIntervalSeconds", &mut check.interval),
            ("HealthCheckTimeoutSeconds", &mut check.timeout),
            ("HealthyThresholdCount", &mut check.healthy),
            ("UnhealthyThresholdCount", &mut check.unhealthy),
        ] {
            if let Some(number) = parameters.get(name).and_then(|it| it.parse().ok()) {
                *slot = number;
            }
        }
        for (name, slot) in [
            ("HealthCheckPath", &mut check.path),
            ("HealthCheckPort", &mut check.port),
            ("HealthCheckProtocol", &mut check.protocol),
            ("Matcher.HttpCode", &mut check.matcher),
        ] {
            if let Some(text) = parameters.get(name) {
                text.clone_into(slot);
            }
        }
    }
    health::all_changed(world, |it| it.arn == arn);
    let mut xml = Xml::default();
    let elb = &world.elb;
    xml.list("TargetGroups", elb.groups.get(&arn), |xml, it| describe::write_group(xml, elb, it));
    Ok(xml)
}

/// The forward of the only action of a call.
fn forward(world: &World, parameters: &Parameters, name: &str) -> Result<Forward, Refused> {
    let actions = parameters.structures(name);
    let [action] = actions.as_slice() else {
        return Err(Refused::invalid("The lab takes exactly one action, of type 'forward'"));
    };
    if action.text("Type") != "forward" {
        return Err(Refused::new(
            "InvalidLoadBalancerAction",
            "The lab only knows actions of type 'forward'",
        ));
    }
    let mut forward = Forward::new();
    for it in action.structures("ForwardConfig.TargetGroups") {
        let weight: i64 = it.get("Weight").and_then(|it| it.parse().ok()).unwrap_or(1);
        if !(0..=999).contains(&weight) {
            return Err(Refused::invalid(format!("Weight must be between 0 and 999; got '{weight}'")));
        }
        forward.push((it.text("TargetGroupArn").to_owned(), weight));
    }
    let single = action.text("TargetGroupArn");
    match (single.is_empty(), forward.as_slice()) {
        (false, []) => forward.push((single.to_owned(), 1)),
        (false, [(only, _)]) if only == single => {}
        (false, _) => {
            let message = "If you specify both ForwardConfig and TargetGroupArn, you can specify only one target group using ForwardConfig and it must be the same target group specified in TargetGroupArn";
            return Err(Refused::invalid(message));
        }
        (true, []) => return Err(Refused::invalid("A target group ARN must be specified")),
        (true, _) => {}
    }
    if forward.len() > GROUPS {
        return Err(Refused::new(
            "TargetGroupAssociationLimit",
            "You cannot specify more than '5' target groups for an action",
        ));
    }
    match forward.iter().all(|(arn, _)| world.elb.groups.contains_key(arn)) {
        true => Ok(forward),
        false => Err(Refused::no_group()),
    }
}

pub(super) fn listener(world: &mut World, parameters: &Parameters) -> Answer {
    let arn = parameters.text("ListenerArn").to_owned();
    check_arn(&arn, "listener", "listener")?;
    if !world.elb.listeners.contains_key(&arn) {
        return Err(describe::no_listener());
    }
    if parameters.has("DefaultActions") {
        let forward = forward(world, parameters, "DefaultActions")?;
        if let Some(listener) = world.elb.listeners.get_mut(&arn) {
            listener.forward = forward;
        }
    }
    health::all_changed(world, |_| true);
    let mut xml = Xml::default();
    xml.list("Listeners", world.elb.listeners.get(&arn), describe::write_listener);
    Ok(xml)
}

pub(super) fn rule(world: &mut World, parameters: &Parameters) -> Answer {
    let arn = parameters.text("RuleArn").to_owned();
    check_arn(&arn, "listener-rule", "rule")?;
    if describe::is_default_rule(&world.elb, &arn) {
        return Err(Refused::new(
            "OperationNotPermitted",
            format!("Default rule '{arn}' cannot be modified"),
        ));
    }
    if !world.elb.rules.contains_key(&arn) {
        return Err(Refused::new("RuleNotFound", "One or more rules not found"));
    }
    if parameters.has("Actions") {
        let forward = forward(world, parameters, "Actions")?;
        if let Some(rule) = world.elb.rules.get_mut(&arn) {
            rule.forward = forward;
        }
    }
    health::all_changed(world, |_| true);
    let mut xml = Xml::default();
    xml.list("Rules", world.elb.rules.get(&arn), describe::write_rule);
    Ok(xml)
}

pub(super) fn add_tags(world: &mut World, parameters: &Parameters) -> Answer {
    describe::tags(&world.elb, parameters)?;
    for arn in parameters.list("ResourceArns") {
        let tags = world.elb.tags.entry(arn).or_default();
        for it in parameters.structures("Tags") {
            tags.insert(it.text("Key").to_owned(), it.text("Value").to_owned());
        }
    }
    Ok(Xml::default())
}

pub(super) fn remove_tags(world: &mut World, parameters: &Parameters) -> Answer {
    describe::tags(&world.elb, parameters)?;
    for arn in parameters.list("ResourceArns") {
        if let Some(tags) = world.elb.tags.get_mut(&arn) {
            tags.retain(|key, _| !parameters.list("TagKeys").contains(key));
        }
    }
    Ok(Xml::default())
}
