//! Bindings of both API groups as they come over the wire.

use serde_json::Value;
use serde_json::json;

use super::TEN;
use super::merge;
use super::read;
use crate::domain::facts::cluster::AddressType;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::selector::Requirement;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";

fn of(api: BindingApi, fields: &Value) -> Binding {
    let mut it = json!({ "spec": { "serviceRef": { "name": "web", "port": 80 } } });
    merge(&mut it, fields);
    let Object::Binding(it) = read(Kind::Bindings(api), &it) else { panic!("no binding") };
    *it
}

fn binding(fields: &Value) -> Binding {
    of(BindingApi::LoadBalancerController, fields)
}

#[test]
fn both_api_groups_read_alike_and_say_which_they_are() {
    for api in [BindingApi::LoadBalancerController, BindingApi::AutoMode] {
        let it = of(
            api,
            &json!({
                "metadata": {
                    "generation": 3,
                    "creationTimestamp": "2026-11-23T10:00:00Z",
                    "deletionTimestamp": "2026-11-23T10:01:00Z",
                    "finalizers": ["elbv2.k8s.aws/resources"],
                },
                "spec": {
                    "targetGroupARN": ARN, "targetType": "ip", "ipAddressType": "ipv4",
                    "targetGroupProtocol": "HTTP", "multiClusterTargetGroup": true,
                    "iamRoleArnToAssume": "arn:aws:iam::1:role/r", "assumeRoleExternalId": "x",
                    "vpcID": "vpc-1",
                },
                "status": { "observedGeneration": 2 },
            }),
        );
        assert_eq!((it.api, it.service.as_str(), it.generation), (api, "web", 3));
        assert_eq!((it.created, it.deleted), (TEN, Some(TEN.plus_seconds(60))));
        assert_eq!((it.observed_generation, it.finalizers.len()), (Some(2), 1));
        assert_eq!(it.group.as_ref().map(|it| it.as_str()), Some(ARN));
        assert_eq!((it.target_type, it.address_type), (Some(TargetType::Ip), Some(AddressType::Ipv4)));
        assert_eq!((it.protocol.as_deref(), it.multi_cluster), (Some("HTTP"), true));
        assert_eq!(it.assume_role.as_deref(), Some("arn:aws:iam::1:role/r"));
        assert_eq!(it.external_id.as_deref(), Some("x"));
        assert_eq!((&it.group_text, &it.failed_cleanup, it.networking), (&None, &None, false));
    }
}

#[test]
fn what_is_not_given_is_not_made_up() {
    let it = binding(
        &json!({ "spec": { "iamRoleArnToAssume": "", "targetGroupProtocol": "", "targetType": null } }),
    );
    assert_eq!((&it.group, &it.group_text, &it.group_name), (&None, &None, &None));
    assert_eq!((it.target_type, it.address_type, it.observed_generation), (None, None, None));
    assert_eq!((&it.protocol, &it.assume_role, &it.external_id), (&None, &None, &None));
    assert_eq!((&it.checkpoint, it.checkpoint_at), (&None, None));
    assert!(!it.multi_cluster && it.node_selector.0.is_empty());
}

#[test]
fn the_service_port_is_a_number_or_a_name_and_a_text_is_always_a_name() {
    let name = |text: &str| PortRef::Name(text.into());
    let table = [
        (json!(80), PortRef::Number(80)),
        (json!(65_535), PortRef::Number(65_535)),
        (json!("http"), name("http")),
        // The controller looks a text up among the names of the ports, digits or not.
        (json!("80"), name("80")),
    ];
    for (port, expected) in table {
        let it = binding(&json!({ "spec": { "serviceRef": { "port": port } } }));
        assert_eq!(it.port, expected, "{port}");
    }
}

#[test]
fn a_broken_arn_is_kept_as_text() {
    for text in [
        "",
        "web",
        "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/web/1",
        "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web",
    ] {
        let it = binding(&json!({ "spec": { "targetGroupARN": text, "targetGroupName": "web" } }));
        assert_eq!((it.group, it.group_text.as_deref()), (None, Some(text)));
        assert_eq!(it.group_name.as_deref(), Some("web"));
    }
}

#[test]
fn target_and_address_types_are_read_and_others_left_open() {
    let table = [
        ("ip", "ipv4", Some(TargetType::Ip), AddressType::Ipv4),
        ("instance", "ipv6", Some(TargetType::Instance), AddressType::Ipv6),
        ("alb", "dualstack", None, AddressType::Other),
    ];
    for (target, address, target_type, address_type) in table {
        let it = binding(&json!({ "spec": { "targetType": target, "ipAddressType": address } }));
        assert_eq!((it.target_type, it.address_type), (target_type, Some(address_type)), "{target}");
    }
    for protocol in ["QUIC", "TCP_QUIC"] {
        assert!(binding(&json!({ "spec": { "targetGroupProtocol": protocol } })).quic());
    }
    assert!(!binding(&json!({ "spec": { "targetGroupProtocol": "UDP" } })).quic());
}

#[test]
fn networking_is_kept_by_the_controller_only_where_it_is_given() {
    let ingress = json!({ "ingress": [{ "from": [{ "securityGroup": { "groupID": "sg-1" } }], "ports": [{ "port": "http" }] }] });
    for (networking, expected) in [(json!(null), false), (json!({}), true), (ingress, true)] {
        let it = binding(&json!({ "spec": { "networking": networking } }));
        assert_eq!(it.networking, expected, "{networking}");
    }
}

#[test]
fn a_node_selector_joins_labels_and_expressions() {
    let it = binding(&json!({ "spec": { "nodeSelector": {
        "matchLabels": { "pool": "web" },
        "matchExpressions": [
            { "key": "zone", "operator": "In", "values": ["a", "b"] },
            { "key": "spot", "operator": "NotIn", "values": ["true"] },
            { "key": "ready", "operator": "Exists" },
            { "key": "gpu", "operator": "DoesNotExist", "values": null },
        ],
    } } }));
    assert_eq!(
        it.node_selector.0,
        [
            Requirement::In("pool".into(), vec!["web".into()]),
            Requirement::In("zone".into(), vec!["a".into(), "b".into()]),
            Requirement::NotIn("spot".into(), vec!["true".into()]),
            Requirement::Exists("ready".into()),
            Requirement::Absent("gpu".into()),
        ]
    );
    assert!(binding(&json!({ "spec": { "nodeSelector": null } })).node_selector.0.is_empty());
}

#[test]
fn the_checkpoint_is_absent_empty_or_written() {
    let annotated = |annotations: Value| {
        let it = binding(&json!({ "metadata": { "annotations": annotations } }));
        (it.checkpoint, it.checkpoint_at)
    };
    let (key, at) = ("elbv2.k8s.aws/checkpoint", "elbv2.k8s.aws/checkpoint-timestamp");
    assert_eq!(annotated(json!({})), (None, None));
    assert_eq!(annotated(json!({ key: "" })), (Some(String::new()), None));
    assert_eq!(annotated(json!({ key: "a/b", at: "1795428000" })), (Some("a/b".to_owned()), Some(TEN)));
    assert_eq!(annotated(json!({ at: "soon" })), (None, None));
    assert_eq!(annotated(json!({ at: "9223372036854775807" })).1, Some(Timestamp(i64::MAX)));
}

#[test]
fn a_failed_cleanup_is_known_by_its_reason() {
    let conditions = |it: Value| binding(&json!({ "status": { "conditions": it } })).failed_cleanup;
    assert_eq!(
        conditions(
            json!([{ "type": "Ready", "status": "False", "reason": "FailedCleanup", "message": "denied" }])
        )
        .as_deref(),
        Some("denied")
    );
    assert_eq!(
        conditions(json!([{ "type": "Ready", "status": "False", "reason": "FailedCleanup" }])).as_deref(),
        Some("")
    );
    assert_eq!(conditions(json!([{ "type": "Ready", "status": "True", "reason": "Reconciled" }])), None);
    assert_eq!(conditions(json!(null)), None);
}

#[test]
fn stack_labels_tell_what_a_binding_was_made_from() {
    let table = [
        (json!({}), None),
        (json!({ "app": "web" }), None),
        (json!({ "ingress.k8s.aws/stack": "shared" }), Some("Ingress")),
        (
            json!({ "ingress.k8s.aws/stack-namespace": "shop", "ingress.k8s.aws/stack-name": "web" }),
            Some("Ingress"),
        ),
        (json!({ "service.k8s.aws/stack-name": "web" }), Some("Service")),
        (json!({ "gateway.k8s.aws.alb/stack-name": "web" }), Some("Gateway")),
        (json!({ "gateway.k8s.aws.nlb/stack-name": "web" }), Some("Gateway")),
    ];
    for (labels, expected) in table {
        assert_eq!(binding(&json!({ "metadata": { "labels": labels } })).made_from(), expected, "{labels}");
    }
}
