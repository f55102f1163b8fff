//! Pods as they come over the wire.

use serde_json::Value;
use serde_json::json;

use super::TEN;
use super::read;
use crate::domain::facts::cluster::Owner;
use crate::domain::facts::cluster::Phase;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::Uid;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;

fn pod(fields: &Value) -> Pod {
    let Object::Pod(it) = read(Kind::Pods, fields) else { panic!("no pod") };
    it
}

#[test]
fn a_pod_keeps_who_it_is_and_who_made_it() {
    let it = pod(&json!({
        "metadata": {
            "creationTimestamp": "2026-11-23T10:00:00Z",
            "deletionTimestamp": "2026-11-23T10:00:30Z",
            "labels": { "app": "web" },
            "ownerReferences": [
                { "kind": "Team", "name": "shop" },
                { "kind": "ReplicaSet", "name": "web-5d4f", "controller": true },
            ],
        },
        "spec": { "nodeName": "n1" },
        "status": { "phase": "Failed", "reason": "Evicted" },
    }));
    assert_eq!((it.name.clone(), it.uid.clone()), (ObjectName::new("shop", "web"), Uid::new("u1")));
    assert_eq!((it.created, it.deleted), (TEN, Some(TEN.plus_seconds(30))));
    assert!(it.terminating() && it.finished());
    assert_eq!(it.owner, Some(Owner { kind: "ReplicaSet".into(), name: "web-5d4f".into() }));
    assert_eq!((it.node.as_deref(), it.reason.as_deref()), (Some("n1"), Some("Evicted")));
    assert_eq!(it.labels["app"], "web");
}

#[test]
fn a_pod_that_was_only_just_made_is_pending_without_node_and_address() {
    for fields in [
        json!({}),
        json!({ "spec": { "nodeName": null }, "status": { "phase": null, "podIP": null, "podIPs": null } }),
        json!({ "spec": { "nodeName": "" }, "status": { "phase": "Pending", "podIP": "", "podIPs": [] } }),
    ] {
        let it = pod(&fields);
        assert_eq!((it.phase, it.node.as_deref(), it.ips.as_slice()), (Phase::Pending, None, &[][..]));
        assert!(!it.terminating() && !it.ready() && !it.finished());
        assert_eq!((it.owner, it.reason, it.start_allowance), (None, None, 0));
    }
}

#[test]
fn every_phase_is_read_and_a_new_one_is_unknown() {
    let table = [
        ("Pending", Phase::Pending),
        ("Running", Phase::Running),
        ("Succeeded", Phase::Succeeded),
        ("Failed", Phase::Failed),
        ("Unknown", Phase::Unknown),
        ("Resting", Phase::Unknown),
    ];
    for (text, expected) in table {
        assert_eq!(pod(&json!({ "status": { "phase": text } })).phase, expected, "{text}");
    }
}

#[test]
fn addresses_come_from_the_list_and_else_from_the_single_one() {
    let table = [
        (json!({ "podIP": "10.0.0.1", "podIPs": [{ "ip": "10.0.0.1" }] }), vec!["10.0.0.1"]),
        (json!({ "podIP": "10.0.0.1" }), vec!["10.0.0.1"]),
        (json!({ "podIP": "10.0.0.1", "podIPs": [] }), vec!["10.0.0.1"]),
        (
            json!({ "podIP": "10.0.0.1", "podIPs": [{ "ip": "10.0.0.1" }, { "ip": "2001:db8::1" }] }),
            vec!["10.0.0.1", "2001:db8::1"],
        ),
        (json!({ "podIP": "2001:db8::1", "podIPs": [{ "ip": "2001:DB8:0::1" }] }), vec!["2001:db8::1"]),
        (json!({ "podIP": "10.0.0.1", "podIPs": [{}, { "ip": null }, { "ip": "here" }] }), vec!["10.0.0.1"]),
    ];
    for (status, expected) in table {
        let ips: Vec<String> =
            pod(&json!({ "status": status })).ips.iter().map(ToString::to_string).collect();
        assert_eq!(ips, expected, "{status}");
    }
}

#[test]
fn conditions_keep_status_reason_message_and_time() {
    let it = pod(&json!({ "status": { "conditions": [
        { "type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "no", "lastTransitionTime": "2026-11-23T10:00:00Z" },
        { "type": "ContainersReady", "status": "True", "reason": "", "message": null, "lastTransitionTime": null, "lastProbeTime": null },
        { "type": "PodScheduled", "status": "Unknown" },
        { "type": "target-health.elbv2.k8s.aws/web", "status": "" },
    ] } }));
    let ready = it.condition("Ready").unwrap();
    assert_eq!((ready.status, ready.since), (Status::False, Some(TEN)));
    assert_eq!((ready.reason.as_deref(), ready.message.as_deref()), (Some("ContainersNotReady"), Some("no")));
    let containers = it.condition("ContainersReady").unwrap();
    assert_eq!((containers.status, containers.since), (Status::True, None));
    assert_eq!((&containers.reason, &containers.message), (&None, &None));
    assert!(it.containers_ready() && !it.ready());
    assert_eq!(it.condition("PodScheduled").unwrap().status, Status::Unknown);
    assert_eq!(it.condition("target-health.elbv2.k8s.aws/web").unwrap().status, Status::Unknown);
}

#[test]
fn readiness_gates_are_kept_in_order() {
    let it = pod(&json!({ "spec": { "readinessGates": [
        { "conditionType": "target-health.elbv2.k8s.aws/web" },
        { "conditionType": "example.com/warm" },
    ] } }));
    let gates: Vec<&str> = it.gates.iter().map(|it| &**it).collect();
    assert_eq!(gates, ["target-health.elbv2.k8s.aws/web", "example.com/warm"]);
}

#[test]
fn containers_tell_why_they_wait_and_how_they_ended_last() {
    let it = pod(&json!({ "status": { "containerStatuses": [
        {
            "name": "web", "ready": false, "restartCount": 4,
            "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 40s" } },
            "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137 } },
        },
        { "name": "proxy", "ready": true, "restartCount": 0, "state": { "running": {} }, "lastState": {} },
        { "name": "done", "ready": false, "restartCount": 1, "state": { "terminated": { "reason": "Completed", "exitCode": 0 } }, "lastState": null },
        { "name": "odd", "ready": null, "restartCount": null, "state": { "waiting": {} }, "lastState": { "terminated": { "reason": "", "exitCode": 1 } } },
    ] } }));
    let names: Vec<&str> = it.containers.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["web", "proxy", "done", "odd"]);
    let web = &it.containers[0];
    assert_eq!((web.ready, web.restarts, web.waiting.as_deref()), (false, 4, Some("CrashLoopBackOff")));
    assert_eq!(web.waiting_message.as_deref(), Some("back-off 40s"));
    assert_eq!((web.last_terminated.as_deref(), web.last_exit_code), (Some("OOMKilled"), Some(137)));
    assert_eq!(web.terminated, None);
    let proxy = &it.containers[1];
    assert!(proxy.ready && proxy.waiting.is_none() && proxy.last_exit_code.is_none());
    let done = &it.containers[2];
    assert_eq!((done.terminated.as_deref(), done.last_exit_code), (Some("Completed"), None));
    let odd = &it.containers[3];
    assert_eq!((&odd.waiting, &odd.last_terminated, odd.last_exit_code), (&None, &None, Some(1)));
    assert_eq!(it.restarts(), 5);
}

#[test]
fn init_containers_count_while_they_run_and_after_they_were_restarted() {
    let it = pod(&json!({ "status": {
        "initContainerStatuses": [
            { "name": "migrate", "ready": true, "restartCount": 0, "state": { "terminated": { "reason": "Completed" } } },
            { "name": "flaky", "ready": true, "restartCount": 2 },
            { "name": "fetch", "ready": false, "restartCount": 0, "state": { "waiting": { "reason": "ImagePullBackOff" } } },
        ],
        "containerStatuses": [
            { "name": "web", "ready": false, "restartCount": 0, "state": { "waiting": { "reason": "PodInitializing" } } },
        ],
    } }));
    let waiting: Vec<_> = it.containers.iter().map(|it| (&*it.name, it.waiting.as_deref())).collect();
    assert_eq!(
        waiting,
        [("flaky", None), ("fetch", Some("ImagePullBackOff")), ("web", Some("PodInitializing"))]
    );
}

#[test]
fn a_quic_server_id_is_the_injected_value_in_hexadecimal_where_the_annotation_asks_for_it() {
    let quic = "service.beta.kubernetes.io/aws-load-balancer-quic-enabled-containers";
    let name = "AWS_LBC_QUIC_SERVER_ID";
    let env = json!([{ "name": "X", "value": "y" }, { "name": name, "value": "LWV1oW+gjqQ=" }]);
    let id = |annotations: Value, spec: Value| {
        pod(&json!({ "metadata": { "annotations": annotations }, "spec": spec })).quic_server_id
    };
    let asked = || json!({ quic: "b" });
    let hex = Some("0x2d6575a16fa08ea4");
    let spec = json!({ "containers": [{ "name": "a" }, { "name": "b", "env": env }] });
    assert_eq!(id(asked(), spec.clone()).as_deref(), hex);
    assert_eq!(id(json!({ "other": "b" }), spec), None, "the annotation decides");
    let sidecar =
        |policy: Value| json!({ "initContainers": [{ "name": "b", "env": env, "restartPolicy": policy }] });
    assert_eq!(id(asked(), sidecar(json!("Always"))).as_deref(), hex);
    assert_eq!(id(asked(), sidecar(json!(null))), None, "it ends before the pod serves");
    for value in [json!({ "valueFrom": { "fieldRef": {} } }), json!({ "value": "no base64!" }), json!({})] {
        let mut env = value;
        env["name"] = json!(name);
        assert_eq!(id(asked(), json!({ "containers": [{ "env": [env] }] })), None, "{env}");
    }
}

#[test]
fn readiness_probes_tell_how_and_where_they_ask() {
    let containers = json!([
        { "readinessProbe": { "httpGet": { "path": "/healthz", "port": 10254 } } },
        { "ports": [{ "name": "web", "containerPort": 8443 }], "readinessProbe": { "httpGet": { "port": "web", "scheme": "HTTPS" } } },
        { "readinessProbe": { "tcpSocket": { "port": 5060 } } },
        { "readinessProbe": { "grpc": { "port": 9000 } } },
        { "readinessProbe": { "exec": { "command": ["true"] } } },
        { "name": "none" },
    ]);
    let probes = pod(&json!({ "spec": { "containers": containers } })).probes;
    let told: Vec<_> = probes.iter().map(|it| (&*it.how, it.port, it.path.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("HTTP", Some(10254), Some("/healthz")),
            ("HTTPS", Some(8443), None),
            ("TCP", Some(5060), None),
            ("gRPC", Some(9000), None),
            ("exec", None, None),
        ]
    );
}

#[test]
fn the_slowest_container_allows_for_the_failures_of_its_probes() {
    let table = [
        (json!([{ "name": "a" }]), 0),
        // Kubernetes' defaults: every ten seconds, three failures.
        (json!([{ "readinessProbe": {} }]), 30),
        (
            json!([{ "readinessProbe": { "initialDelaySeconds": 5, "periodSeconds": 2, "failureThreshold": 4 } }]),
            13,
        ),
        (
            json!([{ "readinessProbe": { "periodSeconds": 1, "failureThreshold": 1 }, "startupProbe": { "periodSeconds": 10, "failureThreshold": 30 } }]),
            301,
        ),
        (json!([{ "readinessProbe": {} }, { "startupProbe": { "failureThreshold": 6 } }]), 60),
        (json!([{ "livenessProbe": { "initialDelaySeconds": 900 } }]), 0),
        (
            json!([{ "startupProbe": { "initialDelaySeconds": u32::MAX, "periodSeconds": u32::MAX, "failureThreshold": u32::MAX } }]),
            u32::MAX,
        ),
    ];
    for (containers, expected) in table {
        let it = pod(&json!({ "spec": { "containers": containers } }));
        assert_eq!(it.start_allowance, expected, "{containers}");
    }
}
