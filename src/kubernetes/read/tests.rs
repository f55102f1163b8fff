//! Objects as they come over the wire, kind by kind: services, slices, nodes, workloads, events, ledgers.

mod bindings;
mod mutations;
mod pods;

use serde_json::Value;
use serde_json::json;

use super::ledger;
use super::object;
use crate::domain::facts::cluster::AddressType;
use crate::domain::facts::cluster::Event;
use crate::domain::facts::cluster::Node;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::Slice;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;

/// 2026-11-23T10:00:00Z.
const TEN: Timestamp = Timestamp(1_795_428_000_000);

const KINDS: [Kind; 11] = [
    Kind::Pods,
    Kind::Services,
    Kind::Slices,
    Kind::Nodes,
    Kind::Workloads(WorkloadKind::Deployment),
    Kind::Workloads(WorkloadKind::StatefulSet),
    Kind::Workloads(WorkloadKind::DaemonSet),
    Kind::Workloads(WorkloadKind::Rollout),
    Kind::Bindings(BindingApi::LoadBalancerController),
    Kind::Bindings(BindingApi::AutoMode),
    Kind::Events,
];

/// An object named shop/web with these further fields.
fn named(fields: &Value) -> Value {
    let mut it = json!({ "metadata": { "name": "web", "namespace": "shop", "uid": "u1" } });
    merge(&mut it, fields);
    it
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn read(kind: Kind, fields: &Value) -> Object {
    let it = named(fields);
    object(kind, &it.to_string()).unwrap_or_else(|problem| panic!("{problem}: {it}"))
}

fn service(fields: &Value) -> Service {
    let Object::Service(it) = read(Kind::Services, fields) else { panic!("no service") };
    it
}

fn slice(fields: &Value) -> Slice {
    let Object::Slice(it) = read(Kind::Slices, fields) else { panic!("no slice") };
    it
}

fn node(fields: &Value) -> Node {
    let Object::Node(it) = read(Kind::Nodes, fields) else { panic!("no node") };
    it
}

fn workload(kind: WorkloadKind, fields: &Value) -> Workload {
    let Object::Workload(it) = read(Kind::Workloads(kind), fields) else { panic!("no workload") };
    it
}

fn event(fields: &Value) -> Event {
    let Object::Event(it) = read(Kind::Events, fields) else { panic!("no event") };
    it
}

#[test]
fn every_kind_but_bindings_reads_an_object_of_nothing_but_a_name() {
    for kind in KINDS {
        let read = object(kind, &named(&json!({})).to_string());
        match kind {
            Kind::Bindings(_) => assert_eq!(read, Err("spec.serviceRef.port is missing".to_owned())),
            Kind::Nodes => assert_eq!(read.unwrap().key(), (kind, ObjectName::new("", "web"))),
            _ => assert_eq!(read.unwrap().key(), (kind, ObjectName::new("shop", "web"))),
        }
    }
}

#[test]
fn null_is_as_good_as_missing() {
    let nulls = json!({
        "metadata": {
            "labels": null, "annotations": null, "finalizers": null, "ownerReferences": null,
            "generation": null, "creationTimestamp": null, "deletionTimestamp": null,
        },
        "spec": null,
        "status": null,
        "endpoints": null,
        "ports": null,
    });
    for kind in KINDS {
        let of = |fields: &Value| object(kind, &named(fields).to_string());
        assert_eq!(of(&nulls), of(&json!({})), "{kind:?}");
    }
}

#[test]
fn kinds_that_are_not_watched_are_refused() {
    for kind in [Kind::Ledgers, Kind::Controller] {
        assert!(object(kind, "{}").is_err());
    }
}

#[test]
fn a_wrong_type_is_an_error_that_names_the_field() {
    let bindings = Kind::Bindings(BindingApi::LoadBalancerController);
    let deployments = Kind::Workloads(WorkloadKind::Deployment);
    let table = [
        (Kind::Pods, json!({ "status": { "podIP": 5 } }), "status.podIP: "),
        (Kind::Pods, json!({ "status": { "podIPs": [{ "ip": [] }] } }), "status.podIPs[0].ip: "),
        (Kind::Pods, json!({ "metadata": { "labels": { "app": {} } } }), "metadata.labels.app: "),
        (Kind::Pods, json!({ "spec": "none" }), "spec: "),
        (Kind::Services, json!({ "spec": { "ports": [{ "port": 70_000 }] } }), "spec.ports[0].port: "),
        (
            Kind::Services,
            json!({ "spec": { "ports": [{ "port": 80, "targetPort": true }] } }),
            "spec.ports[0].targetPort: ",
        ),
        (Kind::Slices, json!({ "endpoints": [{}, { "addresses": "10.0.0.1" }] }), "endpoints[1].addresses: "),
        (Kind::Nodes, json!({ "spec": { "taints": {} } }), "spec.taints: "),
        (deployments, json!({ "spec": { "replicas": "3" } }), "spec.replicas: "),
        (deployments, json!({ "status": { "replicas": -1 } }), "status.replicas: "),
        (bindings, json!({ "spec": { "serviceRef": { "port": 1.5 } } }), "spec.serviceRef.port: "),
        (bindings, json!({ "metadata": { "annotations": [] } }), "metadata.annotations: "),
        (Kind::Events, json!({ "involvedObject": { "kind": 1 } }), "involvedObject.kind: "),
    ];
    for (kind, fields, expected) in table {
        let problem = object(kind, &named(&fields).to_string()).unwrap_err();
        assert!(problem.starts_with(expected), "{problem:?} instead of {expected:?}");
        assert!(!problem.contains('\n'), "{problem:?}");
    }
    for text in ["", "{", "null", "3", "\"pod\"", "{} {}"] {
        assert!(object(Kind::Pods, text).is_err(), "{text:?}");
    }
}

#[test]
fn services_are_of_four_types_and_cluster_ip_unless_they_say_so() {
    let table = [
        (json!({}), ServiceType::ClusterIp),
        (json!({ "spec": { "type": "ClusterIP", "clusterIP": "None" } }), ServiceType::ClusterIp),
        (json!({ "spec": { "type": "NodePort" } }), ServiceType::NodePort),
        (json!({ "spec": { "type": "LoadBalancer" } }), ServiceType::LoadBalancer),
        (
            json!({ "spec": { "type": "ExternalName", "externalName": "a.example" } }),
            ServiceType::ExternalName,
        ),
    ];
    for (fields, kind) in table {
        assert_eq!(service(&fields).kind, kind, "{fields}");
    }
}

#[test]
fn a_service_keeps_its_selector_ports_and_policies() {
    let it = service(&json!({ "spec": {
        "selector": { "app": "web" },
        "publishNotReadyAddresses": true,
        "externalTrafficPolicy": "Local",
        "ports": [
            { "name": "http", "port": 80, "targetPort": 8080, "nodePort": 30_080, "protocol": "TCP" },
            { "name": "", "port": 443, "targetPort": "https", "nodePort": 0 },
            { "port": 65_535, "targetPort": null, "nodePort": null },
        ],
    } }));
    assert_eq!(it.selector["app"], "web");
    assert!(it.publish_not_ready && it.local_traffic_only);
    let ports: Vec<_> = it
        .ports
        .iter()
        .map(|it| (it.name.as_deref(), it.port, it.target_port.as_deref(), it.node_port))
        .collect();
    assert_eq!(
        ports,
        [
            (Some("http"), 80, Some("8080"), Some(30_080)),
            (None, 443, Some("https"), None),
            (None, 65_535, None, None)
        ]
    );
}

#[test]
fn a_service_without_selector_selects_no_pod() {
    for fields in [json!({}), json!({ "spec": { "selector": {} } }), json!({ "spec": { "selector": null } })]
    {
        assert!(!service(&fields).selects_labels(&[("app".to_owned(), "web".to_owned())].into()));
    }
    let cluster = service(&json!({ "spec": { "externalTrafficPolicy": "Cluster" } }));
    assert!(!cluster.local_traffic_only && !cluster.publish_not_ready);
}

#[test]
fn a_slice_keeps_conditions_that_are_not_given_apart_from_false() {
    let it = slice(&json!({
        "metadata": { "labels": { "kubernetes.io/service-name": "web" } },
        "addressType": "IPv4",
        "ports": [{ "name": "", "port": 8080 }, { "name": "admin", "port": null }, {}],
        "endpoints": [
            {
                "addresses": ["10.0.0.1", "10.0.0.2"],
                "conditions": { "ready": false, "serving": true, "terminating": true },
                "nodeName": "n1",
                "zone": "eu-west-1a",
                "targetRef": { "kind": "Pod", "name": "web-1", "namespace": "shop", "uid": "p1" },
            },
            { "addresses": ["10.0.0.3"], "conditions": {} },
            { "addresses": ["10.0.0.4"], "conditions": null, "targetRef": null, "nodeName": "" },
            { "addresses": ["10.0.0.5"], "conditions": { "ready": null } },
            { "addresses": ["10.0.0.6"], "targetRef": { "kind": "Node", "name": "n1", "uid": "x" } },
        ],
    }));
    assert_eq!(it.service.as_deref(), Some("web"));
    assert_eq!(it.address_type, AddressType::Ipv4);
    let ports: Vec<_> = it.ports.iter().map(|it| (it.name.as_deref(), it.port)).collect();
    assert_eq!(ports, [(None, Some(8080)), (Some("admin"), None), (None, None)]);
    let first = &it.endpoints[0];
    assert_eq!((first.ready, first.serving, first.terminating), (Some(false), Some(true), Some(true)));
    assert_eq!(first.addresses.len(), 2);
    assert_eq!((first.node.as_deref(), first.zone.as_deref()), (Some("n1"), Some("eu-west-1a")));
    assert_eq!(first.pod, Some(("web-1".into(), Uid::new("p1"))));
    for other in &it.endpoints[1..] {
        assert_eq!((other.ready, other.serving, other.terminating), (None, None, None));
        assert_eq!((&other.pod, &other.node), (&None, &None));
        assert_eq!(other.addresses.len(), 1);
    }
}

#[test]
fn slices_are_of_ipv4_ipv6_or_another_address_type() {
    let table = [
        ("IPv4", "10.0.0.1", AddressType::Ipv4, 1),
        ("IPv6", "2001:db8::1", AddressType::Ipv6, 1),
        ("FQDN", "db.example", AddressType::Other, 0),
        ("", "10.0.0.1", AddressType::Other, 1),
    ];
    for (text, address, expected, n_addresses) in table {
        let it = slice(&json!({ "addressType": text, "endpoints": [{ "addresses": [address] }] }));
        assert_eq!((it.address_type, it.endpoints[0].addresses.len()), (expected, n_addresses), "{text}");
        assert_eq!(it.service, None);
    }
}

#[test]
fn a_node_is_ready_not_ready_unknown_or_says_nothing() {
    let table = [
        (json!([{ "type": "Ready", "status": "True" }]), Some(Status::True)),
        (
            json!([{ "type": "MemoryPressure", "status": "True" }, { "type": "Ready", "status": "False" }]),
            Some(Status::False),
        ),
        (json!([{ "type": "Ready", "status": "Unknown" }]), Some(Status::Unknown)),
        (json!([]), None),
        (json!(null), None),
    ];
    for (conditions, expected) in table {
        assert_eq!(node(&json!({ "status": { "conditions": conditions } })).ready, expected, "{conditions}");
    }
    let it = node(&json!({
        "metadata": { "creationTimestamp": "2026-11-23T10:00:00Z", "labels": { "zone": "a" } },
        "spec": {
            "providerID": "aws:///eu-west-1a/i-0123456789abcdef0",
            "unschedulable": true,
            "taints": [{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }, { "key": "gpu", "value": null }],
        },
    }));
    assert_eq!((it.name.as_str(), it.created, it.unschedulable), ("web", TEN, true));
    assert_eq!(it.provider_id.as_deref(), Some("aws:///eu-west-1a/i-0123456789abcdef0"));
    let taints: Vec<_> = it.taints.iter().map(|it| (&*it.key, &*it.effect)).collect();
    assert_eq!(taints, [("node.kubernetes.io/unschedulable", "NoSchedule"), ("gpu", "")]);
    assert_eq!(it.labels["zone"], "a");
}

#[test]
fn deployments_and_stateful_sets_are_quiet_when_all_replicas_are_current_and_available() {
    let status = |observed: i64, replicas: u32, updated: u32, available: u32| {
        json!({
            "metadata": { "generation": 5 },
            "spec": { "replicas": 3, "template": { "metadata": { "labels": { "app": "web" } } } },
            "status": {
                "observedGeneration": observed, "replicas": replicas,
                "updatedReplicas": updated, "availableReplicas": available,
            },
        })
    };
    let table = [
        ((5, 3, 3, 3), true),
        ((4, 3, 3, 3), false),
        ((5, 4, 3, 3), false),
        ((5, 3, 2, 3), false),
        ((5, 3, 3, 2), false),
    ];
    for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet] {
        for ((observed, replicas, updated, available), quiet) in table {
            let it = workload(kind, &status(observed, replicas, updated, available));
            assert_eq!(it.quiet(), quiet, "{kind:?} {observed} {replicas} {updated} {available}");
            assert_eq!((it.desired, it.template_labels["app"].as_str()), (3, "web"));
        }
        let scaled_down = workload(kind, &json!({ "spec": { "replicas": 0 } }));
        assert!(scaled_down.quiet());
        let default = workload(kind, &json!({ "spec": { "replicas": null }, "status": {} }));
        assert!(!default.quiet() && default.desired == 1);
    }
}

#[test]
fn a_daemon_set_is_quiet_when_every_node_has_a_current_and_available_pod() {
    let table = [((4, 4, 4, 4), true), ((4, 3, 4, 4), false), ((4, 4, 3, 4), false), ((4, 4, 4, 3), false)];
    for ((desired, current, updated, available), quiet) in table {
        let it = workload(
            WorkloadKind::DaemonSet,
            &json!({ "status": {
                "desiredNumberScheduled": desired, "currentNumberScheduled": current,
                "updatedNumberScheduled": updated, "numberAvailable": available,
            } }),
        );
        assert_eq!(it.quiet(), quiet, "{desired} {current} {updated} {available}");
    }
}

#[test]
fn only_a_rollout_that_no_longer_progresses_is_stuck() {
    let stuck = |status: &str, reason: &str| {
        let conditions = json!([{ "type": "Progressing", "status": status, "reason": reason }]);
        workload(WorkloadKind::Deployment, &json!({ "status": { "conditions": conditions } })).stuck
    };
    assert_eq!(stuck("False", "ProgressDeadlineExceeded").as_deref(), Some("ProgressDeadlineExceeded"));
    assert_eq!(stuck("True", "NewReplicaSetAvailable"), None);
    assert_eq!(stuck("Unknown", "DeploymentPaused"), None);
}

#[test]
fn an_event_is_about_a_binding_or_about_nothing() {
    let it = event(&json!({
        "involvedObject": { "kind": "TargetGroupBinding", "name": "web" },
        "type": "Warning", "reason": "BackendNotFound", "message": "backend not found", "count": 3,
        "firstTimestamp": "2026-11-23T09:00:00Z",
        "lastTimestamp": "2026-11-23T10:00:00Z",
    }));
    assert_eq!((it.about.as_str(), it.warning, &*it.reason, it.count), ("web", true, "BackendNotFound", 3));
    assert_eq!(it.at, Some(TEN));
    let other = event(&json!({ "involvedObject": { "kind": "Pod", "name": "web" }, "type": "Normal" }));
    assert_eq!((other.about.as_str(), other.warning, other.at), ("", false, None));
}

#[test]
fn the_time_of_an_event_is_its_last_one_else_its_own_else_that_of_its_creation() {
    let table = [
        (
            json!({ "lastTimestamp": "2026-11-23T10:00:00Z", "eventTime": "2026-11-23T09:00:00.5Z" }),
            Some(TEN),
        ),
        (
            json!({ "lastTimestamp": null, "eventTime": "2026-11-23T10:00:00.500000Z" }),
            Some(TEN.plus_millis(500)),
        ),
        (json!({ "metadata": { "creationTimestamp": "2026-11-23T10:00:00Z" } }), Some(TEN)),
        (json!({ "lastTimestamp": "yesterday" }), None),
        (json!({}), None),
    ];
    for (fields, expected) in table {
        assert_eq!(event(&fields).at, expected, "{fields}");
    }
}

#[test]
fn a_ledger_lists_what_stands_between_its_commas() {
    let table = [
        (json!({ "targets": "10.0.0.1:80,10.0.0.2:80" }), vec!["10.0.0.1:80", "10.0.0.2:80"]),
        (json!({ "targets": " i-1:30080 ,\n i-2:30080,," }), vec!["i-1:30080", "i-2:30080"]),
        (json!({ "targets": "" }), vec![]),
        (json!({ "other": "x" }), vec![]),
        (json!(null), vec![]),
    ];
    for (data, expected) in table {
        let it = ledger(&named(&json!({ "data": data })).to_string()).unwrap();
        assert_eq!(
            (it.name, it.targets),
            (ObjectName::new("shop", "web"), expected.iter().map(|it| (*it).to_owned()).collect()),
            "{data}"
        );
    }
    let problem = ledger(&named(&json!({ "data": { "targets": ["10.0.0.1:80"] } })).to_string()).unwrap_err();
    assert!(problem.starts_with("data.targets: "), "{problem}");
}
