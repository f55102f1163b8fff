//! From the SDK's types to the domain's, pure. What AWS leaves out or adds never fails an answer: a piece
//! without its identity is left out and counted by the caller.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types;

use crate::domain::facts::elb::GroupType;
use crate::domain::facts::elb::Health;
use crate::domain::facts::elb::HealthCheck;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::Override;
use crate::domain::facts::elb::Reason;
use crate::domain::facts::elb::Target;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetId;
use crate::domain::facts::ids::TargetKey;

mod fields;
mod rules;

use self::fields::seconds;
use self::fields::text;

pub(super) use self::rules::rule;

pub(super) fn group(it: &types::TargetGroup) -> Option<TargetGroup> {
    let arn: TargetGroupArn = it.target_group_arn()?.parse().ok()?;
    let matcher = it.matcher().and_then(|it| it.http_code().or(it.grpc_code()));
    let mut load_balancers: Vec<LoadBalancerArn> =
        it.load_balancer_arns().iter().map(|it| LoadBalancerArn(it.as_str().into())).collect();
    load_balancers.sort();
    load_balancers.dedup();
    Some(TargetGroup {
        name: it.target_group_name().unwrap_or_else(|| arn.name()).to_owned(),
        kind: match it.target_type().map(types::TargetTypeEnum::as_str) {
            Some("ip") => GroupType::Ip,
            Some("instance") | None => GroupType::Instance,
            Some("lambda") => GroupType::Lambda,
            Some("alb") => GroupType::LoadBalancer,
            Some(_) => GroupType::Unknown,
        },
        protocol: text(it.protocol().map(types::ProtocolEnum::as_str)),
        protocol_version: text(it.protocol_version()),
        port: it.port().and_then(|it| u16::try_from(it).ok()),
        control_port: it.target_control_port().and_then(|it| u16::try_from(it).ok()),
        vpc: text(it.vpc_id()),
        ipv6: it.ip_address_type() == Some(&types::TargetGroupIpAddressTypeEnum::Ipv6),
        load_balancers,
        check: HealthCheck {
            enabled: it.health_check_enabled().unwrap_or(true),
            protocol: text(it.health_check_protocol().map(types::ProtocolEnum::as_str)),
            port: text(it.health_check_port()),
            path: text(it.health_check_path()),
            matcher: text(matcher),
            interval: seconds(it.health_check_interval_seconds()),
            timeout: seconds(it.health_check_timeout_seconds()),
            healthy_threshold: seconds(it.healthy_threshold_count()),
            unhealthy_threshold: seconds(it.unhealthy_threshold_count()),
        },
        arn,
    })
}

pub(super) fn target(it: &types::TargetHealthDescription) -> Option<Target> {
    let target = it.target()?;
    let key = TargetKey {
        // The SDK gives a missing id as an empty one.
        id: TargetId::read(target.id().filter(|it| !it.is_empty())?),
        // Lambda functions have none; what is no port belongs to no target that anybody could name.
        port: match target.port() {
            None => 0,
            Some(it) => u16::try_from(it).ok()?,
        },
        quic_server_id: text(target.quic_server_id()),
    };
    let health = it.target_health()?;
    let shifted = it.administrative_override().and_then(|it| it.state()).map(|it| it.as_str());
    Some(Target {
        key,
        zone: text(target.availability_zone()),
        health: Health {
            state: HealthState::read(health.state()?.as_str()),
            reason: health.reason().map(|it| Reason::read(it.as_str())),
            description: text(health.description()),
        },
        health_port: text(it.health_check_port()),
        shifted: match shifted {
            None | Some("no_override" | "unknown") => None,
            Some("zonal_shift_active") => Some(Override::Shifted),
            Some("zonal_shift_delegated_to_dns") => Some(Override::ShiftedByDns),
            Some(other) => Some(Override::Unknown(other.into())),
        },
        anomalous: it
            .anomaly_detection()
            .and_then(|it| it.result())
            .is_some_and(|it| it.as_str() == "anomalous"),
    })
}

pub(super) fn tags(it: &types::TagDescription) -> Option<(TargetGroupArn, BTreeMap<String, String>)> {
    let arn = it.resource_arn()?.parse().ok()?;
    let tags = it
        .tags()
        .iter()
        .filter_map(|it| Some((it.key()?.to_owned(), it.value().unwrap_or_default().to_owned())));
    Some((arn, tags.collect()))
}

pub(super) fn load_balancer(it: &types::LoadBalancer) -> Option<LoadBalancer> {
    let kind = match it.r#type().map(types::LoadBalancerTypeEnum::as_str) {
        Some("network") => LoadBalancerKind::Network,
        Some("gateway") => LoadBalancerKind::Gateway,
        _ => LoadBalancerKind::Application,
    };
    Some(LoadBalancer {
        arn: LoadBalancerArn(it.load_balancer_arn()?.into()),
        name: it.load_balancer_name().unwrap_or_default().to_owned(),
        kind,
        scheme: text(it.scheme().map(types::LoadBalancerSchemeEnum::as_str)),
        dns: text(it.dns_name()),
        state: text(it.state().and_then(|it| it.code()).map(types::LoadBalancerStateEnum::as_str)),
        zones: it.availability_zones().iter().filter_map(|it| text(it.zone_name())).collect(),
        subnets: it.availability_zones().iter().filter_map(|it| text(it.subnet_id())).collect(),
        vpc: text(it.vpc_id()),
        security_groups: it.security_groups().iter().map(|it| it.as_str().into()).collect(),
        dual_stack: it.ip_address_type().is_some_and(|it| it.as_str().starts_with("dualstack")),
        cross_zone: (kind == LoadBalancerKind::Application).then_some(true),
    })
}

pub(super) fn listener(load_balancer: &LoadBalancerArn, it: &types::Listener) -> Option<Listener> {
    Some(Listener {
        arn: ListenerArn(it.listener_arn()?.into()),
        load_balancer: load_balancer.clone(),
        protocol: text(it.protocol().map(types::ProtocolEnum::as_str)),
        port: it.port().and_then(|it| u16::try_from(it).ok()),
        rules: vec![rules::default(it.default_actions())],
    })
}

#[cfg(test)]
mod tests;
