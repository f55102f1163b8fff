//! Objects with anything in any place: reading gives an object or an error, and never panics.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use serde_json::json;

use super::KINDS;
use super::ledger;
use super::object;

/// Every field that is read of any kind, in one object.
fn everything() -> Value {
    json!({
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u1", "generation": 3, "resourceVersion": "7",
            "creationTimestamp": "2026-11-23T10:00:00Z", "deletionTimestamp": "2026-11-23T10:00:00Z",
            "labels": { "kubernetes.io/service-name": "web", "ingress.k8s.aws/stack": "web" },
            "managedFields": [{ "time": "2026-11-23T10:00:00Z" }],
            "annotations": { "service.beta.kubernetes.io/aws-load-balancer-quic-enabled-containers": "web", "elbv2.k8s.aws/checkpoint": "a/b", "elbv2.k8s.aws/checkpoint-timestamp": "1795428000" },
            "finalizers": ["elbv2.k8s.aws/resources"],
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "web", "controller": true }],
        },
        "spec": {
            "nodeName": "n1", "readinessGates": [{ "conditionType": "gate" }], "replicas": 2,
            "containers": [{
                "name": "web", "env": [{ "name": "AWS_LBC_QUIC_SERVER_ID", "value": "0x1" }],
                "ports": [{ "name": "http", "containerPort": 8080 }], "restartPolicy": "Always",
                "readinessProbe": {
                    "initialDelaySeconds": 1, "periodSeconds": 2, "failureThreshold": 3,
                    "httpGet": { "port": "http", "path": "/", "scheme": "HTTPS" },
                },
                "startupProbe": { "periodSeconds": 2 },
            }],
            "type": "NodePort", "selector": { "app": "web" }, "publishNotReadyAddresses": true,
            "externalTrafficPolicy": "Local",
            "ports": [{ "name": "http", "port": 80, "targetPort": "http", "nodePort": 30_080 }],
            "providerID": "aws:///a/i-1", "taints": [{ "key": "k", "effect": "NoSchedule" }], "unschedulable": false,
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "image": "a:1", "args": ["-a"] }] } },
            "targetGroupARN": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/1", "targetGroupName": "web",
            "multiClusterTargetGroup": true, "targetType": "ip", "targetGroupProtocol": "HTTP",
            "serviceRef": { "name": "web", "port": 80 }, "networking": {}, "ipAddressType": "ipv4",
            "nodeSelector": { "matchLabels": { "a": "b" }, "matchExpressions": [{ "key": "a", "operator": "In", "values": ["b"] }] },
            "iamRoleArnToAssume": "r", "assumeRoleExternalId": "x",
        },
        "status": {
            "phase": "Running", "reason": "Evicted", "podIP": "10.0.0.1", "podIPs": [{ "ip": "10.0.0.1" }],
            "conditions": [{ "type": "Ready", "status": "True", "reason": "FailedCleanup", "message": "m", "lastTransitionTime": "2026-11-23T10:00:00Z" }],
            "containerStatuses": [{
                "name": "web", "ready": true, "restartCount": 1, "state": { "waiting": { "reason": "r", "message": "m" } },
                "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-23T10:00:00Z" } },
            }],
            "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
            "message": "m",
            "desiredNumberScheduled": 2, "numberAvailable": 2,
        },
        "addressType": "IPv4", "ports": [{ "name": "http", "port": 8080 }],
        "endpoints": [{
            "addresses": ["10.0.0.1"], "conditions": { "ready": true, "serving": true, "terminating": false },
            "nodeName": "n1", "zone": "a", "targetRef": { "kind": "Pod", "name": "web", "namespace": "shop", "uid": "u" },
        }],
        "involvedObject": { "kind": "TargetGroupBinding", "name": "web" }, "type": "Warning", "reason": "r",
        "message": "m", "count": 1, "lastTimestamp": "2026-11-23T10:00:00Z", "eventTime": null,
        "data": { "targets": "10.0.0.1:80" },
    })
}

fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                paths(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                paths(value, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[-+]?[0-9]{1,30}".prop_map(Value::from),
        Just("-262144-01-01T00:00:00Z".into()),
        Just("9999-12-31T23:59:60Z".into()),
        Just(json!([])),
        Just(json!([null, 1, "x", {}, []])),
        Just(json!({})),
        Just(json!({ "name": [], "": null })),
    ]
}

#[test]
fn the_whole_object_is_read_as_every_kind() {
    for kind in KINDS {
        assert!(object(kind, &everything().to_string()).is_ok(), "{kind:?}");
    }
}

proptest! {
    #![proptest_config(crate::domain::fixture::few(1_000))]

    #[test]
    fn no_value_in_any_place_panics(replaced in prop::collection::vec((any::<Index>(), anything()), 1..4)) {
        let mut mutated = everything();
        for (index, value) in replaced {
            let mut found = Vec::new();
            paths(&mutated, "", &mut found);
            if let Some(place) = mutated.pointer_mut(&found[index.index(found.len())]) {
                *place = value;
            }
        }
        let text = mutated.to_string();
        for kind in KINDS {
            if let Err(problem) = object(kind, &text) {
                prop_assert!(!problem.is_empty());
            }
        }
        _ = ledger(&text);
    }

    #[test]
    fn no_text_panics(text in ".{0,40}", cut in any::<Index>()) {
        let whole = everything().to_string();
        for kind in KINDS {
            _ = object(kind, &text);
            prop_assert!(object(kind, &whole[..cut.index(whole.len())]).is_err());
        }
    }
}
