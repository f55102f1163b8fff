//! The reads of Elastic Load Balancing: pages, filters, limits, and how each thing is written.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::model::Elb;
use super::model::Forward;
use super::model::Group;
use super::model::Health;
use super::model::Key;
use super::model::Listener;
use super::model::LoadBalancer;
use super::model::Rule;
use super::model::State;
use super::refused::Refused;
use super::xml::Parameters;
use super::xml::Xml;
use crate::lab::clock::stamp_micros;
use crate::lab::ec2::model::subnet;

/// The largest page, and what a call without a size gets.
const PAGE: usize = 400;
/// The field of a condition on the family of a client's address.
pub(in crate::lab) const FAMILY: &str = "source-ip-family";

/// How many things one call may name.
const AT_ONCE: usize = 20;

type Answer = Result<Xml, Refused>;

/// A page of things that have an ARN, and where the next one starts.
fn page<T>(all: Vec<(&str, T)>, parameters: &Parameters) -> Result<(Vec<T>, Option<String>), Refused> {
    let size = match parameters.get("PageSize") {
        None => PAGE,
        Some(text) => match text.parse() {
            Ok(size) if (1..=PAGE).contains(&size) => size,
            Ok(0) => return Err(constraint(text, "greater than or equal to 1")),
            _ => return Err(constraint(text, "less than or equal to 400")),
        },
    };
    let after = match parameters.get("Marker").filter(|it| !it.is_empty()) {
        None => String::new(),
        Some(marker) => {
            let arn = STANDARD.decode(marker).ok().and_then(|it| String::from_utf8(it).ok());
            arn.ok_or_else(|| Refused::invalid(format!("'{marker}' is not a valid marker")))?
        }
    };
    let mut rest = all.into_iter().filter(|(arn, _)| *arn > after.as_str());
    let here: Vec<(&str, T)> = rest.by_ref().take(size).collect();
    let marker = rest.next().and_then(|_| here.last().map(|(arn, _)| STANDARD.encode(arn)));
    Ok((here.into_iter().map(|(_, it)| it).collect(), marker))
}

fn constraint(value: &str, bound: &str) -> Refused {
    Refused::invalid(format!(
        "1 validation error detected: Value '{value}' at 'pageSize' failed to satisfy constraint: Member must have value {bound}"
    ))
}

/// Refuses what is no ARN of a kind: `targetgroup`, `loadbalancer`, `listener`, `listener-rule`.
pub(super) fn check_arn(arn: &str, kind: &str, called: &str) -> Result<(), Refused> {
    let good = arn.starts_with("arn:aws:elasticloadbalancing:") && arn.contains(&format!(":{kind}/"));
    if good { Ok(()) } else { Err(Refused::invalid(format!("'{arn}' is not a valid {called} ARN"))) }
}

pub(super) fn group<'a>(elb: &'a Elb, parameters: &Parameters) -> Result<&'a Group, Refused> {
    let arn = parameters.text("TargetGroupArn");
    check_arn(arn, "targetgroup", "target group")?;
    elb.groups.get(arn).ok_or_else(Refused::no_group)
}

pub(super) fn groups(elb: &Elb, parameters: &Parameters) -> Answer {
    let (arns, names) = (parameters.list("TargetGroupArns"), parameters.list("Names"));
    let load_balancer = parameters.get("LoadBalancerArn");
    let ways = [!arns.is_empty(), !names.is_empty(), load_balancer.is_some()];
    if ways.into_iter().filter(|it| *it).count() > 1 {
        let message = "Load balancer ARN, target group ARNs and target group names are mutually exclusive";
        return Err(Refused::invalid(message));
    }
    if arns.len().max(names.len()) > AT_ONCE {
        return Err(Refused::invalid("You cannot describe more than '20' target groups at a time"));
    }
    for arn in &arns {
        check_arn(arn, "targetgroup", "target group")?;
    }
    let known = |arn: &String| elb.groups.contains_key(arn);
    if !arns.iter().all(known) || !names.iter().all(|it| elb.group_named(it).is_some()) {
        return Err(Refused::no_group());
    }
    if let Some(arn) = load_balancer
        && !elb.load_balancers.contains_key(arn)
    {
        return Err(no_load_balancer(arn));
    }
    let wanted = |it: &Group| {
        (arns.is_empty() || arns.contains(&it.arn))
            && (names.is_empty() || names.contains(&it.name))
            && load_balancer.is_none_or(|arn| elb.load_balancers_of(&it.arn).iter().any(|it| it == arn))
    };
    let all = elb.groups.values().filter(|it| wanted(it)).map(|it| (it.arn.as_str(), it)).collect();
    let (groups, marker) = page(all, parameters)?;
    let mut xml = Xml::default();
    xml.list("TargetGroups", groups, |xml, it| write_group(xml, elb, it));
    xml.some("NextMarker", marker.as_deref().unwrap_or_default());
    Ok(xml)
}

pub(super) fn write_group(xml: &mut Xml, elb: &Elb, it: &Group) {
    let check = &it.check;
    xml.tag("TargetGroupArn", &it.arn).tag("TargetGroupName", &it.name).tag("Protocol", &it.protocol);
    xml.number("Port", it.port.into()).tag("VpcId", &elb.vpc).tag("HealthCheckProtocol", &check.protocol);
    xml.tag("HealthCheckPort", &check.port).tag("HealthCheckEnabled", "true");
    xml.number("HealthCheckIntervalSeconds", check.interval)
        .number("HealthCheckTimeoutSeconds", check.timeout);
    xml.number("HealthyThresholdCount", check.healthy).number("UnhealthyThresholdCount", check.unhealthy);
    if check.protocol != "TCP" {
        xml.tag("HealthCheckPath", &check.path);
        xml.inside("Matcher", |xml| {
            xml.tag("HttpCode", &check.matcher);
        });
    }
    xml.texts("LoadBalancerArns", elb.load_balancers_of(&it.arn)).tag("TargetType", &it.target_type);
    if !it.is_network() {
        xml.tag("ProtocolVersion", "HTTP1");
    }
    xml.tag("IpAddressType", "ipv4");
}

/// The health of all targets, or of those asked for.
pub(super) fn health(elb: &Elb, parameters: &Parameters, unknown_state: bool) -> Answer {
    let group = group(elb, parameters)?;
    let asked: Vec<Key> = parameters
        .structures("Targets")
        .iter()
        .map(|it| {
            let port = it.get("Port").and_then(|it| it.parse().ok()).unwrap_or(group.port);
            Key { quic: it.get("QuicServerId").map(str::to_owned), ..Key::new(it.text("Id"), port) }
        })
        .collect();
    let unregistered =
        Health::new(State::Unused, "Target.NotRegistered", "Target is not registered to the target group");
    let rows: Vec<(&Key, &str, &Health)> = match asked.is_empty() {
        true => group.targets.iter().map(|(key, it)| (key, it.zone.as_str(), &it.health)).collect(),
        false => asked
            .iter()
            .map(|key| match group.targets.get(key) {
                Some(it) => (key, it.zone.as_str(), &it.health),
                None => (key, "", &unregistered),
            })
            .collect(),
    };
    let anomalies = parameters.has("Include.member");
    let mut xml = Xml::default();
    xml.list("TargetHealthDescriptions", rows.iter().enumerate(), |xml, (index, (key, zone, health))| {
        xml.inside("Target", |xml| {
            xml.tag("Id", &key.id).number("Port", key.port.into()).some("AvailabilityZone", zone);
            xml.some("QuicServerId", key.quic.as_deref().unwrap_or_default());
        });
        let port =
            if group.check.port == "traffic-port" { key.port.to_string() } else { group.check.port.clone() };
        if health.reason != "Target.InvalidState" && health.reason != "Target.NotRegistered" {
            xml.tag("HealthCheckPort", port);
        }
        xml.inside("TargetHealth", |xml| {
            let state = if unknown_state && index == 0 { "warming" } else { health.state.name() };
            xml.tag("State", state).some("Reason", health.reason).some("Description", &health.description);
        });
        if anomalies && !group.is_network() {
            xml.inside("AnomalyDetection", |xml| {
                xml.tag("Result", "normal").tag("MitigationInEffect", "no");
            });
        }
        if !group.is_network() {
            xml.inside("AdministrativeOverride", |xml| {
                xml.tag("State", "no_override").tag("Reason", "AdministrativeOverride.NoOverride");
                xml.tag("Description", "No override is currently active on target");
            });
        }
    });
    Ok(xml)
}

pub(super) fn write_attributes(attributes: &BTreeMap<String, String>) -> Xml {
    let mut xml = Xml::default();
    xml.list("Attributes", attributes, |xml, (key, value)| {
        xml.tag("Key", key).tag("Value", value);
    });
    xml
}

pub(super) fn attributes(elb: &Elb, parameters: &Parameters) -> Answer {
    Ok(write_attributes(&group(elb, parameters)?.attributes))
}

fn no_load_balancer(arn: &str) -> Refused {
    Refused::new("LoadBalancerNotFound", format!("Load balancers '[{arn}]' not found"))
}

fn load_balancer<'a>(elb: &'a Elb, arn: &str) -> Result<&'a LoadBalancer, Refused> {
    check_arn(arn, "loadbalancer", "load balancer")?;
    elb.load_balancers.get(arn).ok_or_else(|| no_load_balancer(arn))
}

pub(super) fn load_balancers(elb: &Elb, parameters: &Parameters) -> Answer {
    let (arns, names) = (parameters.list("LoadBalancerArns"), parameters.list("Names"));
    if !arns.is_empty() && !names.is_empty() {
        return Err(Refused::invalid("Load balancer names and load balancer ARNs are mutually exclusive"));
    }
    if arns.len().max(names.len()) > AT_ONCE {
        return Err(Refused::invalid("You cannot describe more than '20' load balancers at a time"));
    }
    for arn in &arns {
        load_balancer(elb, arn)?;
    }
    for name in &names {
        if !elb.load_balancers.values().any(|it| it.name == *name) {
            return Err(no_load_balancer(name));
        }
    }
    let wanted = |it: &LoadBalancer| {
        (arns.is_empty() || arns.contains(&it.arn)) && (names.is_empty() || names.contains(&it.name))
    };
    let all = elb.load_balancers.values().filter(|it| wanted(it)).map(|it| (it.arn.as_str(), it)).collect();
    let (found, marker) = page(all, parameters)?;
    let mut xml = Xml::default();
    xml.list("LoadBalancers", found, |xml, it| write_load_balancer(xml, elb, it));
    xml.some("NextMarker", marker.as_deref().unwrap_or_default());
    Ok(xml)
}

fn write_load_balancer(xml: &mut Xml, elb: &Elb, it: &LoadBalancer) {
    let hash = it.arn.rsplit('/').next().unwrap_or_default();
    let domain = if it.kind == "network" { "elb" } else { "" };
    let dns = match domain {
        "" => format!(
            "{}-{}.{}.elb.amazonaws.com",
            it.name,
            &crate::lab::random::hash(hash).to_string(),
            elb.region
        ),
        _ => format!("{}-{hash}.elb.{}.amazonaws.com", it.name, elb.region),
    };
    xml.tag("LoadBalancerArn", &it.arn).tag("DNSName", dns).tag("CanonicalHostedZoneId", "Z32O12XQLNTSW2");
    xml.tag("CreatedTime", stamp_micros(it.created))
        .tag("LoadBalancerName", &it.name)
        .tag("Scheme", "internet-facing");
    xml.tag("VpcId", &elb.vpc)
        .inside("State", |xml| {
            xml.tag("Code", "active");
        })
        .tag("Type", &it.kind);
    xml.list("AvailabilityZones", &it.zones, |xml, zone| {
        xml.tag("ZoneName", zone).tag("SubnetId", subnet(zone).0);
        xml.inside("LoadBalancerAddresses", |_| {});
    });
    if !it.security_groups.is_empty() {
        xml.texts("SecurityGroups", &it.security_groups);
    }
    xml.tag("IpAddressType", if it.dual_stack { "dualstack" } else { "ipv4" });
}

pub(super) fn load_balancer_attributes(elb: &Elb, parameters: &Parameters) -> Answer {
    Ok(write_attributes(&load_balancer(elb, parameters.text("LoadBalancerArn"))?.attributes))
}

pub(super) fn listeners(elb: &Elb, parameters: &Parameters) -> Answer {
    let arns = parameters.list("ListenerArns");
    let of = parameters.get("LoadBalancerArn");
    match of {
        Some(arn) => drop(load_balancer(elb, arn)?),
        None if arns.is_empty() => {
            return Err(Refused::invalid("You must specify either listener ARNs or a load balancer ARN"));
        }
        None => {}
    }
    for arn in &arns {
        check_arn(arn, "listener", "listener")?;
        if !elb.listeners.contains_key(arn) {
            return Err(no_listener());
        }
    }
    let wanted = |it: &Listener| {
        of.is_none_or(|arn| it.load_balancer == arn) && (arns.is_empty() || arns.contains(&it.arn))
    };
    let all = elb.listeners.values().filter(|it| wanted(it)).map(|it| (it.arn.as_str(), it)).collect();
    let (found, marker) = page(all, parameters)?;
    let mut xml = Xml::default();
    xml.list("Listeners", found, write_listener);
    xml.some("NextMarker", marker.as_deref().unwrap_or_default());
    Ok(xml)
}

pub(super) fn no_listener() -> Refused {
    Refused::new("ListenerNotFound", "One or more listeners not found")
}

pub(super) fn write_listener(xml: &mut Xml, it: &Listener) {
    xml.tag("ListenerArn", &it.arn).tag("LoadBalancerArn", &it.load_balancer);
    xml.number("Port", it.port.into()).tag("Protocol", &it.protocol);
    write_actions(xml, "DefaultActions", &it.forward);
}

/// A forward to one group is written both ways, to several only as a whole.
fn write_actions(xml: &mut Xml, name: &str, forward: &Forward) {
    xml.list(name, [forward], |xml, forward| {
        xml.tag("Type", "forward");
        if let [(arn, _)] = forward.as_slice() {
            xml.tag("TargetGroupArn", arn);
        }
        xml.number("Order", 1);
        xml.inside("ForwardConfig", |xml| {
            xml.list("TargetGroups", forward, |xml, (arn, weight)| {
                xml.tag("TargetGroupArn", arn).number("Weight", *weight);
            });
            xml.inside("TargetGroupStickinessConfig", |xml| {
                xml.tag("Enabled", "false");
            });
        });
    });
}

pub(super) fn rules(elb: &Elb, parameters: &Parameters) -> Answer {
    let arns = parameters.list("RuleArns");
    let listener = parameters.get("ListenerArn");
    if listener.is_some() != arns.is_empty() {
        return Err(Refused::invalid("You must specify either a listener ARN or rule ARNs"));
    }
    if let Some(arn) = listener {
        check_arn(arn, "listener", "listener")?;
        if !elb.listeners.contains_key(arn) {
            return Err(no_listener());
        }
    }
    let mut all: Vec<Rule> =
        elb.rules.values().cloned().chain(elb.listeners.values().map(default_rule)).collect();
    all.retain(|it| {
        listener.is_none_or(|arn| it.listener == arn) && (arns.is_empty() || arns.contains(&it.arn))
    });
    if all.len() < arns.len() {
        return Err(Refused::new("RuleNotFound", "One or more rules not found"));
    }
    // In the order they are tried; the default one last.
    all.sort_by_key(|it| it.priority);
    let keys: Vec<String> = all.iter().map(|it| format!("{:010}{}", it.priority, it.arn)).collect();
    let (found, marker) = page(keys.iter().map(String::as_str).zip(&all).collect(), parameters)?;
    let mut xml = Xml::default();
    xml.list("Rules", found, write_rule);
    xml.some("NextMarker", marker.as_deref().unwrap_or_default());
    Ok(xml)
}

/// The rule a listener's default action is shown as.
fn default_rule(listener: &Listener) -> Rule {
    let arn = listener.arn.replacen(":listener/", ":listener-rule/", 1) + "/0000000000000000";
    let (listener_arn, forward) = (listener.arn.clone(), listener.forward.clone());
    Rule { arn, listener: listener_arn, priority: u32::MAX, conditions: Vec::new(), forward }
}

pub(super) fn is_default_rule(elb: &Elb, arn: &str) -> bool {
    elb.listeners.values().any(|it| default_rule(it).arn == arn)
}

pub(super) fn write_rule(xml: &mut Xml, it: &Rule) {
    let default = it.priority == u32::MAX;
    xml.tag("RuleArn", &it.arn)
        .tag("Priority", if default { "default".to_owned() } else { it.priority.to_string() });
    xml.list("Conditions", &it.conditions, |xml, (field, values)| {
        if field == FAMILY {
            // Of dual-stack network load balancers.
            xml.tag("Field", "source-ip").inside("SourceIpConfig", |xml| {
                xml.tag("IpAddressType", values.first().map_or("", String::as_str));
            });
            return;
        }
        xml.tag("Field", field).texts("Values", values);
        let config = match field.as_str() {
            "host-header" => "HostHeaderConfig",
            _ => "PathPatternConfig",
        };
        xml.inside(config, |xml| {
            xml.texts("Values", values);
        });
    });
    write_actions(xml, "Actions", &it.forward);
    xml.tag("IsDefault", default.to_string());
}

pub(super) fn tags(elb: &Elb, parameters: &Parameters) -> Answer {
    let arns = parameters.list("ResourceArns");
    if arns.len() > AT_ONCE {
        return Err(Refused::invalid("You cannot describe tags of more than '20' resources at a time"));
    }
    for arn in &arns {
        let known = elb.groups.contains_key(arn)
            || elb.load_balancers.contains_key(arn)
            || elb.listeners.contains_key(arn)
            || elb.rules.contains_key(arn);
        match arn.split(':').nth(5).and_then(|it| it.split('/').next()) {
            _ if known => {}
            Some("targetgroup") => return Err(Refused::no_group()),
            Some("loadbalancer") => return Err(no_load_balancer(arn)),
            Some("listener") => return Err(no_listener()),
            Some("listener-rule") => return Err(Refused::new("RuleNotFound", "One or more rules not found")),
            _ => return Err(Refused::invalid(format!("'{arn}' is not a valid resource ARN"))),
        }
    }
    let mut xml = Xml::default();
    xml.list("TagDescriptions", &arns, |xml, arn| {
        xml.tag("ResourceArn", arn);
        xml.list("Tags", elb.tags.get(arn).into_iter().flatten(), |xml, (key, value)| {
            xml.tag("Key", key).tag("Value", value);
        });
    });
    Ok(xml)
}

pub(super) fn limits() -> Xml {
    let limits = [
        ("application-load-balancers", "50"),
        ("listeners-per-application-load-balancer", "50"),
        ("listeners-per-network-load-balancer", "50"),
        ("network-load-balancers", "50"),
        ("rules-per-application-load-balancer", "100"),
        ("target-groups", "3000"),
        ("target-groups-per-action-on-application-load-balancer", "5"),
        ("target-groups-per-application-load-balancer", "100"),
        ("targets-per-application-load-balancer", "1000"),
        ("targets-per-target-group", "1000"),
    ];
    let mut xml = Xml::default();
    xml.list("Limits", limits, |xml, (name, max)| {
        xml.tag("Name", name).tag("Max", max);
    });
    xml
}
