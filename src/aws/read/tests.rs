//! From the SDK's types to the domain's: what is left out, new or said twice.

use aws_sdk_elasticloadbalancingv2::types::Action;
use aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum;
use aws_sdk_elasticloadbalancingv2::types::AdministrativeOverride;
use aws_sdk_elasticloadbalancingv2::types::AnomalyDetection;
use aws_sdk_elasticloadbalancingv2::types::AvailabilityZone;
use aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig;
use aws_sdk_elasticloadbalancingv2::types::HostHeaderConditionConfig;
use aws_sdk_elasticloadbalancingv2::types::HttpHeaderConditionConfig;
use aws_sdk_elasticloadbalancingv2::types::HttpRequestMethodConditionConfig;
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerState;
use aws_sdk_elasticloadbalancingv2::types::Matcher;
use aws_sdk_elasticloadbalancingv2::types::PathPatternConditionConfig;
use aws_sdk_elasticloadbalancingv2::types::QueryStringConditionConfig;
use aws_sdk_elasticloadbalancingv2::types::QueryStringKeyValuePair;
use aws_sdk_elasticloadbalancingv2::types::RuleCondition;
use aws_sdk_elasticloadbalancingv2::types::SourceIpConditionConfig;
use aws_sdk_elasticloadbalancingv2::types::Tag;
use aws_sdk_elasticloadbalancingv2::types::TagDescription;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use aws_sdk_elasticloadbalancingv2::types::TargetGroupTuple;
use aws_sdk_elasticloadbalancingv2::types::TargetHealth;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;
use aws_sdk_elasticloadbalancingv2::types::builders::TargetHealthDescriptionBuilder;

use super::*;

fn arn(name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{name}/0123456789abcdef")
}

fn described(id: &str, port: i32, state: &str) -> TargetHealthDescriptionBuilder {
    TargetHealthDescription::builder()
        .target(TargetDescription::builder().id(id).port(port).build())
        .target_health(TargetHealth::builder().state(state.into()).build())
}

#[test]
fn every_state_and_reason_is_kept_and_unknown_ones_with_their_text() {
    let table = [
        ("healthy", "", HealthState::Healthy, None),
        ("initial", "Elb.RegistrationInProgress", HealthState::Initial, Some(Reason::RegistrationInProgress)),
        ("unhealthy", "Target.Timeout", HealthState::Unhealthy, Some(Reason::Timeout)),
        (
            "unhealthy.draining",
            "Target.FailedHealthChecks",
            HealthState::UnhealthyDraining,
            Some(Reason::FailedHealthChecks),
        ),
        ("unused", "Target.NotInUse", HealthState::Unused, Some(Reason::NotInUse)),
        (
            "draining",
            "Target.DeregistrationInProgress",
            HealthState::Draining,
            Some(Reason::DeregistrationInProgress),
        ),
        (
            "unavailable",
            "Elb.InternalError",
            HealthState::Unavailable,
            Some(Reason::LoadBalancerInternalError),
        ),
        (
            "resting",
            "Target.New",
            HealthState::Unknown("resting".into()),
            Some(Reason::Unknown("Target.New".into())),
        ),
    ];
    for (state, reason, expected, why) in table {
        let mut health = TargetHealth::builder().state(state.into()).description("In words");
        if !reason.is_empty() {
            health = health.reason(reason.into());
        }
        let it = described("10.0.0.1", 80, state).target_health(health.build()).build();
        let it = target(&it).unwrap();
        assert_eq!((it.health.state, it.health.reason), (expected, why), "{state}");
        assert_eq!(it.health.description.as_deref(), Some("In words"));
    }
}

#[test]
fn a_target_is_an_address_an_instance_or_something_else_with_its_port() {
    let table = [
        ("10.0.0.1", 8080, "10.0.0.1:8080"),
        ("2001:db8::1", 80, "[2001:db8::1]:80"),
        ("i-0123456789abcdef0", 30_080, "i-0123456789abcdef0:30080"),
        ("arn:aws:lambda:eu-west-1:1:function:f", 0, "arn:aws:lambda:eu-west-1:1:function:f"),
    ];
    for (id, port, expected) in table {
        assert_eq!(target(&described(id, port, "healthy").build()).unwrap().key.to_string(), expected);
    }
    for port in [-1, 70_000] {
        assert!(target(&described("10.0.0.1", port, "healthy").build()).is_none(), "{port} is no port");
    }
    let quic = TargetDescription::builder()
        .id("10.0.0.1")
        .port(443)
        .quic_server_id("0xabc")
        .availability_zone("all");
    let it =
        target(&described("", 0, "healthy").target(quic.build()).health_check_port("8080").build()).unwrap();
    assert_eq!(it.key.identifier(), "10.0.0.1:443:0xabc");
    assert_eq!((it.zone.as_deref(), it.health_port.as_deref()), (Some("all"), Some("8080")));
}

#[test]
fn a_target_without_id_state_or_health_is_none() {
    let nothing = TargetHealthDescription::builder();
    let no_id = described("", 0, "healthy").target(TargetDescription::builder().port(80).build());
    let no_state = described("10.0.0.1", 80, "healthy").target_health(TargetHealth::builder().build());
    let no_health =
        TargetHealthDescription::builder().target(TargetDescription::builder().id("10.0.0.1").build());
    for it in [nothing, no_id, no_state, no_health] {
        let it = it.build();
        assert_eq!(target(&it), None, "{it:?}");
    }
}

#[test]
fn a_target_says_whether_a_zonal_shift_or_an_anomaly_keeps_requests_away() {
    let table = [
        (None, None),
        (Some("no_override"), None),
        (Some("unknown"), None),
        (Some("zonal_shift_active"), Some(Override::Shifted)),
        (Some("zonal_shift_delegated_to_dns"), Some(Override::ShiftedByDns)),
        (Some("moonlight"), Some(Override::Unknown("moonlight".into()))),
    ];
    for (state, expected) in table {
        let shift = AdministrativeOverride::builder().set_state(state.map(Into::into)).build();
        let it = described("10.0.0.1", 80, "healthy").administrative_override(shift).build();
        assert_eq!(target(&it).unwrap().shifted, expected, "{state:?}");
    }
    for (result, expected) in [("anomalous", true), ("normal", false), ("odd", false)] {
        let anomaly = AnomalyDetection::builder().result(result.into()).build();
        let it = described("10.0.0.1", 80, "healthy").anomaly_detection(anomaly).build();
        assert_eq!(target(&it).unwrap().anomalous, expected, "{result}");
    }
    let it = target(&described("10.0.0.1", 80, "healthy").build()).unwrap();
    assert!(it.shifted.is_none() && !it.anomalous && it.zone.is_none());
}

#[test]
fn a_group_needs_nothing_but_its_arn() {
    let it = group(&types::TargetGroup::builder().target_group_arn(arn("web")).build()).unwrap();
    assert_eq!((it.name.as_str(), it.kind, it.port), ("web", GroupType::Instance, None));
    assert_eq!((&it.protocol, it.ipv6, it.load_balancers.len()), (&None, false, 0));
    assert!(it.check.enabled && it.check.interval == 0);
    for text in
        [None, Some(""), Some("web"), Some("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/a/1")]
    {
        let it = types::TargetGroup::builder().set_target_group_arn(text.map(str::to_owned)).build();
        assert_eq!(group(&it), None, "{text:?}");
    }
}

#[test]
fn a_group_keeps_its_settings_and_each_load_balancer_once() {
    let it = types::TargetGroup::builder()
        .target_group_arn(arn("web"))
        .target_group_name("web")
        .target_type("ip".into())
        .protocol("TCP_QUIC".into())
        .protocol_version("HTTP2")
        .port(443)
        .vpc_id("vpc-1")
        .ip_address_type("ipv6".into())
        .load_balancer_arns("lb/b")
        .load_balancer_arns("lb/a")
        .load_balancer_arns("lb/b")
        .health_check_enabled(false)
        .health_check_protocol("HTTP".into())
        .health_check_port("traffic-port")
        .health_check_path("/up")
        .health_check_interval_seconds(10)
        .health_check_timeout_seconds(-1)
        .healthy_threshold_count(3)
        .unhealthy_threshold_count(2)
        .matcher(Matcher::builder().grpc_code("0-99").build())
        .build();
    let it = group(&it).unwrap();
    assert_eq!(
        (it.kind, it.protocol.as_deref(), it.port, it.ipv6),
        (GroupType::Ip, Some("TCP_QUIC"), Some(443), true)
    );
    let arns: Vec<&str> = it.load_balancers.iter().map(|it| it.as_str()).collect();
    assert_eq!(arns, ["lb/a", "lb/b"]);
    assert_eq!((it.check.matcher.as_deref(), it.check.path.as_deref()), (Some("0-99"), Some("/up")));
    assert_eq!((it.check.enabled, it.check.interval, it.check.timeout), (false, 10, 0));
    assert_eq!((it.check.healthy_threshold, it.check.unhealthy_threshold), (3, 2));
}

#[test]
fn unknown_types_of_groups_and_protocols_are_kept_apart() {
    let table =
        [("lambda", GroupType::Lambda), ("alb", GroupType::LoadBalancer), ("robot", GroupType::Unknown)];
    for (text, expected) in table {
        let it = types::TargetGroup::builder().target_group_arn(arn("web")).target_type(text.into());
        let it = group(&it.protocol("CARRIER_PIGEON".into()).build()).unwrap();
        assert_eq!((it.kind, it.protocol.as_deref()), (expected, Some("CARRIER_PIGEON")));
    }
}

fn forward(groups: &[(&str, Option<i32>)], single: Option<&str>) -> Action {
    let config = groups.iter().fold(ForwardActionConfig::builder(), |config, (name, weight)| {
        let tuple = TargetGroupTuple::builder().target_group_arn(arn(name)).set_weight(*weight);
        config.target_groups(tuple.build())
    });
    let action = Action::builder().r#type(ActionTypeEnum::Forward).set_target_group_arn(single.map(arn));
    match groups.is_empty() {
        true => action.build(),
        false => action.forward_config(config.build()).build(),
    }
}

#[test]
fn a_forward_is_the_same_as_an_arn_as_a_list_or_as_both() {
    let table = [
        (vec![forward(&[], Some("a"))], vec![("a", 1)]),
        (vec![forward(&[("a", Some(1))], None)], vec![("a", 1)]),
        (vec![forward(&[("a", Some(1))], Some("a"))], vec![("a", 1)]),
        (vec![forward(&[("a", None)], None)], vec![("a", 1)]),
        (
            vec![forward(&[("a", Some(90)), ("b", Some(10)), ("c", Some(0))], None)],
            vec![("a", 90), ("b", 10), ("c", 0)],
        ),
        (vec![forward(&[], None)], vec![]),
        (
            vec![Action::builder().r#type("fixed-response".into()).build(), forward(&[], Some("a"))],
            vec![("a", 1)],
        ),
        (vec![Action::builder().r#type("new-thing".into()).build()], vec![]),
        (vec![], vec![]),
    ];
    for (actions, expected) in table {
        let found = rules::forwards(&actions);
        let found: Vec<_> = found.iter().map(|it| (it.group.name(), it.weight)).collect();
        assert_eq!(found, expected, "{actions:?}");
    }
    let empty =
        Action::builder().target_group_arn(arn("a")).forward_config(ForwardActionConfig::builder().build());
    assert_eq!(rules::forwards(&[empty.build()]).len(), 1);
    let broken = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn("web");
    assert_eq!(rules::forwards(&[broken.build()]), []);
}

fn field(name: &str) -> types::builders::RuleConditionBuilder {
    RuleCondition::builder().field(name)
}

#[test]
fn conditions_are_told_in_short() {
    let pair = |key: Option<&str>, value: &str| {
        QueryStringKeyValuePair::builder().set_key(key.map(str::to_owned)).value(value).build()
    };
    let table = [
        (
            field("host-header").host_header_config(
                HostHeaderConditionConfig::builder().values("a.example").values("b.example").build(),
            ),
            "host a.example|b.example",
        ),
        (field("host-header").values("a.example"), "host a.example"),
        (
            field("path-pattern")
                .path_pattern_config(PathPatternConditionConfig::builder().values("/api/*").build()),
            "path /api/*",
        ),
        (field("path-pattern").values("/old"), "path /old"),
        (
            field("path-pattern").path_pattern_config(
                PathPatternConditionConfig::builder().values("/a").regex_values("^/v[0-9]+/").build(),
            ),
            "path /a|~^/v[0-9]+/",
        ),
        (
            field("host-header")
                .host_header_config(HostHeaderConditionConfig::builder().regex_values("^a[.]").build()),
            "host ~^a[.]",
        ),
        (
            field("source-ip")
                .source_ip_config(SourceIpConditionConfig::builder().ip_address_type("ipv6".into()).build()),
            "source ipv6",
        ),
        (
            field("http-request-method").http_request_method_config(
                HttpRequestMethodConditionConfig::builder().values("GET").build(),
            ),
            "method GET",
        ),
        (
            field("source-ip")
                .source_ip_config(SourceIpConditionConfig::builder().values("10.0.0.0/8").build()),
            "source 10.0.0.0/8",
        ),
        (
            field("http-header").http_header_config(
                HttpHeaderConditionConfig::builder()
                    .http_header_name("X-Team")
                    .values("a")
                    .values("b")
                    .build(),
            ),
            "header X-Team: a|b",
        ),
        (
            field("query-string").query_string_config(
                QueryStringConditionConfig::builder()
                    .values(pair(Some("v"), "2"))
                    .values(pair(None, "x"))
                    .build(),
            ),
            "query v=2|*=x",
        ),
        (field("new-thing").values("a").values("b"), "new-thing a|b"),
    ];
    for (it, expected) in table {
        assert_eq!(rules::condition(&it.build()).text(), expected);
    }
}

#[test]
fn a_rule_keeps_its_priority_and_the_default_one_its_word() {
    let it = types::Rule::builder().rule_arn("rule/1").priority("5").actions(forward(&[], Some("a")));
    let it = rule(&it.conditions(field("path-pattern").values("/a").build()).build());
    assert_eq!(
        (&*it.priority, it.is_default(), it.conditions.as_slice()),
        ("5", false, &["path /a".to_owned()][..])
    );
    assert_eq!(it.forwards.len(), 1);
    assert!(rule(&types::Rule::builder().priority("default").is_default(true).build()).is_default());
    assert!(rule(&types::Rule::builder().build()).is_default());
}

#[test]
fn a_listener_has_its_default_action_as_its_first_rule() {
    let of = LoadBalancerArn("lb/a".into());
    let it = types::Listener::builder().listener_arn("l/1").protocol("TLS".into()).port(443);
    let it = listener(&of, &it.default_actions(forward(&[], Some("a"))).build()).unwrap();
    assert_eq!((it.protocol.as_deref(), it.port, it.rules.len()), (Some("TLS"), Some(443), 1));
    assert!(it.rules[0].is_default() && it.rules[0].forwards[0].group.name() == "a");
    assert_eq!(listener(&of, &types::Listener::builder().port(80).build()), None);
}

#[test]
fn only_application_load_balancers_are_known_to_balance_across_zones() {
    let table = [
        ("application", LoadBalancerKind::Application, Some(true)),
        ("network", LoadBalancerKind::Network, None),
        ("gateway", LoadBalancerKind::Gateway, None),
    ];
    for (text, kind, cross_zone) in table {
        let it = types::LoadBalancer::builder().load_balancer_arn("lb/a").r#type(text.into());
        let it = load_balancer(&it.build()).unwrap();
        assert_eq!((it.kind, it.cross_zone), (kind, cross_zone), "{text}");
    }
    let it = types::LoadBalancer::builder()
        .load_balancer_arn("lb/a")
        .load_balancer_name("a")
        .scheme("internal".into())
        .dns_name("a.example")
        .state(LoadBalancerState::builder().code("active_impaired".into()).build())
        .availability_zones(AvailabilityZone::builder().zone_name("eu-west-1a").build())
        .availability_zones(AvailabilityZone::builder().build())
        .security_groups("sg-1");
    let it = load_balancer(&it.build()).unwrap();
    assert_eq!((it.scheme.as_deref(), it.dns.as_deref()), (Some("internal"), Some("a.example")));
    assert_eq!(
        (it.state.as_deref(), it.zones.len(), it.security_groups.len()),
        (Some("active_impaired"), 1, 1)
    );
    assert_eq!(load_balancer(&types::LoadBalancer::builder().build()), None);
}

#[test]
fn tags_of_anything_but_a_group_are_left_out() {
    let tagged = |arn: &str| {
        TagDescription::builder()
            .resource_arn(arn)
            .tags(Tag::builder().key("elbv2.k8s.aws/cluster").value("prod").build())
            .tags(Tag::builder().key("empty").build())
            .build()
    };
    let (group, found) = tags(&tagged(&arn("web"))).unwrap();
    assert_eq!((group.name(), found.len(), found["empty"].as_str()), ("web", 2, ""));
    assert_eq!(found["elbv2.k8s.aws/cluster"], "prod");
    assert_eq!(tags(&tagged("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/a/1")), None);
}
