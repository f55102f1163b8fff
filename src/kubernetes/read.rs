//! From the wire to the domain, pure: one JSON text in, one object out, or what is wrong with it.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;

use serde::de::DeserializeOwned;

use super::wire;
use super::wire::NumberOrText;
use crate::domain::facts::cluster::AddressType;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Condition;
use crate::domain::facts::cluster::Container;
use crate::domain::facts::cluster::Event;
use crate::domain::facts::cluster::Guarding;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::cluster::Ledger;
use crate::domain::facts::cluster::Node;
use crate::domain::facts::cluster::Owner;
use crate::domain::facts::cluster::Phase;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::Probe;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::ServicePort;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::Slice;
use crate::domain::facts::cluster::SliceEndpoint;
use crate::domain::facts::cluster::SlicePort;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::cluster::Taint;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::ownership;
use crate::domain::facts::selector::Labels;
use crate::domain::facts::selector::Requirement;
use crate::domain::facts::selector::Selector;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;

/// The environment variable by which the controller tells a QUIC pod its server id.
const QUIC_SERVER_ID: &str = "AWS_LBC_QUIC_SERVER_ID";
/// Annotations in which the controller keeps what it reconciled last.
pub(super) const CHECKPOINT: &str = "elbv2.k8s.aws/checkpoint";
const CHECKPOINT_TIMESTAMP: &str = "elbv2.k8s.aws/checkpoint-timestamp";

/// Reads one object of a kind.
pub fn object(kind: Kind, json: &str) -> Result<Object, String> {
    match kind {
        Kind::Pods => Ok(Object::Pod(pod(decode(json)?))),
        Kind::Services => Ok(Object::Service(service(decode(json)?))),
        Kind::Slices => Ok(Object::Slice(slice(decode(json)?))),
        Kind::Nodes => Ok(Object::Node(node(decode(json)?))),
        Kind::Workloads(WorkloadKind::Rollout) => Ok(Object::Workload(rollout(decode(json)?))),
        Kind::Workloads(of) => Ok(Object::Workload(workload(of, decode(json)?))),
        Kind::Bindings(api) => Ok(Object::Binding(Box::new(binding(api, decode(json)?)?))),
        Kind::Events => Ok(Object::Event(event(decode(json)?))),
        Kind::Guarding(of) => Ok(Object::Guarding(guarding(of, decode(json)?))),
        Kind::Ledgers | Kind::Controller => Err("this kind is not watched".to_owned()),
    }
}

/// What cannot be read names its field, which only the second look finds out.
pub(super) fn decode<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).or_else(|_| {
        let mut again = serde_json::Deserializer::from_str(json);
        let value = serde_path_to_error::deserialize(&mut again).map_err(|it| it.to_string())?;
        again.end().map(|()| value).map_err(|it| it.to_string())
    })
}

/// A Kubernetes time, whole seconds or finer.
pub(super) fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse::<jiff::Timestamp>().ok().map(|it| Timestamp(it.as_millisecond()))
}

fn text(value: Option<String>) -> Option<Arc<str>> {
    value.filter(|it| !it.is_empty()).map(Into::into)
}

fn name(meta: &wire::Meta) -> ObjectName {
    ObjectName::new(&meta.namespace, &meta.name)
}

fn condition(it: wire::Condition) -> Condition {
    Condition {
        status: status(&it.status),
        kind: it.r#type.into(),
        reason: text(it.reason),
        message: text(it.message),
        since: time(it.last_transition_time.as_deref()),
    }
}

fn status(text: &str) -> Status {
    match text {
        "True" => Status::True,
        "False" => Status::False,
        _ => Status::Unknown,
    }
}

fn pod(it: wire::Pod) -> Pod {
    let allowance = |probe: &wire::Probe| {
        let checks = probe.period_seconds.unwrap_or(10).saturating_mul(probe.failure_threshold.unwrap_or(3));
        probe.initial_delay_seconds.saturating_add(checks)
    };
    let probes = |it: &wire::ContainerSpec| {
        it.readiness_probe.iter().chain(&it.startup_probe).map(allowance).fold(0, u32::saturating_add)
    };
    let sidecars = it.spec.init_containers.iter().filter(|it| it.restart_policy.as_deref() == Some("Always"));
    let quic = it.spec.containers.iter().chain(sidecars).flat_map(|it| &it.env);
    // The annotation decides; the variable alone says nothing.
    let quic = quic.filter(|_| it.metadata.annotations.quic.is_some()).find(|it| it.name == QUIC_SERVER_ID);
    let readiness = it.spec.containers.iter().filter_map(|of| Some(probe(of.readiness_probe.as_ref()?, of)));
    let mut ips: Vec<IpAddr> = it.status.pod_ips.iter().filter_map(|it| it.ip.parse().ok()).collect();
    if ips.is_empty() {
        ips.extend(it.status.pod_ip.as_ref().and_then(|it| it.parse::<IpAddr>().ok()));
    }
    let owner = it.metadata.owner_references.iter().find(|it| it.controller);
    let statuses =
        it.status.init_container_statuses.into_iter().filter(|it| !it.ready || it.restart_count > 0);
    Pod {
        name: name(&it.metadata),
        uid: Uid::new(&it.metadata.uid),
        created: time(it.metadata.creation_timestamp.as_deref()).unwrap_or_default(),
        deleted: time(it.metadata.deletion_timestamp.as_deref()),
        owner: owner.map(|it| Owner { kind: it.kind.as_str().into(), name: it.name.as_str().into() }),
        phase: match it.status.phase.as_str() {
            "Pending" | "" => Phase::Pending,
            "Running" => Phase::Running,
            "Succeeded" => Phase::Succeeded,
            "Failed" => Phase::Failed,
            _ => Phase::Unknown,
        },
        reason: text(it.status.reason),
        branches: branches(it.metadata.annotations.branches.as_deref().unwrap_or_default()),
        ips,
        node: text(it.spec.node_name),
        conditions: it.status.conditions.into_iter().map(condition).collect(),
        gates: it.spec.readiness_gates.into_iter().map(|it| it.condition_type.into()).collect(),
        quic_server_id: quic.and_then(|it| quic_server_id(it.value.as_deref()?)),
        probes: readiness.collect(),
        ports: it.spec.containers.iter().flat_map(|it| &it.ports).map(|it| it.container_port).collect(),
        start_allowance: it.spec.containers.iter().map(probes).max().unwrap_or(0),
        containers: statuses.chain(it.status.container_statuses).map(container).collect(),
        labels: it.metadata.labels,
    }
}

/// The interfaces of a pod's own, of either family. What cannot be read is as good as not there: the controller goes by the
/// node then.
fn branches(annotation: &str) -> Vec<(Arc<str>, IpAddr)> {
    let read: Vec<wire::Branch> = serde_json::from_str(annotation).unwrap_or_default();
    let of = |it: wire::Branch| {
        let id: Arc<str> = it.id.into();
        let addresses = [it.address, it.address_v6].into_iter().filter_map(|it| it.parse::<IpAddr>().ok());
        addresses.map(move |address| (id.clone(), address)).collect::<Vec<_>>()
    };
    read.into_iter().flat_map(of).collect()
}

/// The injected value is base64; what is registered is its bytes in hexadecimal.
fn quic_server_id(injected: &str) -> Option<Arc<str>> {
    let bytes = base64::prelude::BASE64_STANDARD.decode(injected).ok()?;
    let hex = bytes.iter().fold("0x".to_owned(), |text, it| format!("{text}{it:02x}"));
    Some(hex.into())
}

fn probe(it: &wire::Probe, container: &wire::ContainerSpec) -> Probe {
    let (how, action) = match (&it.http_get, &it.tcp_socket, &it.grpc) {
        (Some(get), ..) if get.scheme.as_deref() == Some("HTTPS") => ("HTTPS", Some(get)),
        (Some(get), ..) => ("HTTP", Some(get)),
        (None, Some(socket), _) => ("TCP", Some(socket)),
        (None, None, Some(grpc)) => ("gRPC", Some(grpc)),
        (None, None, None) => ("exec", None),
    };
    let port = action.and_then(|it| it.port.as_ref()).and_then(|it| match it {
        NumberOrText::Number(number) => Some(*number),
        NumberOrText::Text(name) => container
            .ports
            .iter()
            .find(|it| it.name.as_ref() == Some(name))
            .map(|it| it.container_port)
            .or_else(|| name.parse().ok()),
    });
    Probe { how: how.into(), port, path: action.and_then(|it| text(it.path.clone())) }
}

fn container(it: wire::ContainerStatus) -> Container {
    let (waiting, message) = it.state.waiting.map_or((None, None), |it| (it.reason, it.message));
    Container {
        name: it.name.into(),
        image: text(it.image),
        ready: it.ready,
        restarts: it.restart_count,
        waiting: text(waiting),
        waiting_message: text(message),
        terminated: it.state.terminated.and_then(|it| text(it.reason)),
        last_exit_code: it.last_state.terminated.as_ref().map(|it| it.exit_code),
        last_terminated_at: it.last_state.terminated.as_ref().and_then(|it| time(it.finished_at.as_deref())),
        last_terminated: it.last_state.terminated.and_then(|it| text(it.reason)),
    }
}

fn service(it: wire::Service) -> Service {
    let port = |it: wire::ServicePort| ServicePort {
        name: text(it.name),
        port: it.port,
        target_port: it.target_port.map(|it| match it {
            NumberOrText::Number(number) => number.to_string().into(),
            NumberOrText::Text(text) => text.into(),
        }),
        node_port: it.node_port.filter(|it| *it != 0),
    };
    Service {
        name: name(&it.metadata),
        kind: match it.spec.r#type.as_deref() {
            Some("NodePort") => ServiceType::NodePort,
            Some("LoadBalancer") => ServiceType::LoadBalancer,
            Some("ExternalName") => ServiceType::ExternalName,
            _ => ServiceType::ClusterIp,
        },
        selector: it.spec.selector,
        ports: it.spec.ports.into_iter().map(port).collect(),
        publish_not_ready: it.spec.publish_not_ready_addresses,
        local_traffic_only: it.spec.external_traffic_policy.as_deref() == Some("Local"),
    }
}

fn address_type(text: &str) -> AddressType {
    match text.to_ascii_lowercase().as_str() {
        "ipv4" => AddressType::Ipv4,
        "ipv6" => AddressType::Ipv6,
        _ => AddressType::Other,
    }
}

fn slice(it: wire::EndpointSlice) -> Slice {
    let endpoint = |it: wire::SliceEndpoint| SliceEndpoint {
        addresses: it.addresses.iter().filter_map(|it| it.parse().ok()).collect(),
        ready: it.conditions.ready,
        serving: it.conditions.serving,
        terminating: it.conditions.terminating,
        node: text(it.node_name),
        zone: text(it.zone),
        pod_namespace: it.target_ref.as_ref().and_then(|it| text(it.namespace.clone())),
        pod: it.target_ref.filter(|it| it.kind == "Pod").map(|it| (it.name.into(), Uid::new(&it.uid))),
    };
    let written = it.metadata.managed_fields.iter().filter_map(|it| time(it.time.as_deref())).max();
    Slice {
        name: ObjectName::new(&it.metadata.namespace, &it.metadata.name),
        written,
        service: it.metadata.labels.get("kubernetes.io/service-name").cloned(),
        address_type: address_type(&it.address_type),
        ports: it.ports.into_iter().map(|it| SlicePort { name: text(it.name), port: it.port }).collect(),
        endpoints: it.endpoints.into_iter().map(endpoint).collect(),
    }
}

fn node(it: wire::Node) -> Node {
    let ready = it.status.conditions.iter().find(|it| it.r#type == "Ready");
    Node {
        ready: ready.map(|it| status(&it.status)),
        name: it.metadata.name,
        created: time(it.metadata.creation_timestamp.as_deref()).unwrap_or_default(),
        labels: it.metadata.labels,
        taints: it
            .spec
            .taints
            .into_iter()
            .map(|it| Taint { key: it.key.into(), effect: it.effect.into() })
            .collect(),
        provider_id: text(it.spec.provider_id),
        unschedulable: it.spec.unschedulable,
    }
}

/// A Rollout of Argo Rollouts. Its own phase says more than its counts: it waits at steps and pauses.
fn rollout(it: wire::Rollout) -> Workload {
    let status = it.status;
    // A text of digits; old versions had a hash of the spec there.
    let observed = status.observed_generation.and_then(|it| match it {
        serde_json::Value::String(text) => text.parse().ok(),
        it => it.as_i64(),
    });
    let phase = text(status.phase);
    let degraded = phase.as_deref().is_some_and(|it| matches!(it, "Degraded" | "Error" | "InvalidSpec"));
    let message = status.message.unwrap_or_default();
    Workload {
        kind: WorkloadKind::Rollout,
        name: name(&it.metadata),
        generation: it.metadata.generation,
        observed_generation: observed.unwrap_or(it.metadata.generation),
        desired: it.spec.replicas.unwrap_or(1),
        updated: status.updated_replicas,
        available: status.available_replicas,
        existing: status.replicas,
        template_labels: it.spec.template.metadata.labels,
        selector: it.spec.selector.match_labels,
        stuck: phase.as_ref().filter(|_| degraded).map(|it| reasoned(it, &message)),
        at_rest: phase.map(|it| &*it == "Healthy"),
    }
}

/// `ReplicaFailure: pods "web-1" is forbidden: exceeded quota`
fn reasoned(reason: &str, message: &str) -> Arc<str> {
    if message.is_empty() { reason.into() } else { format!("{reason}: {message}").into() }
}

fn workload(kind: WorkloadKind, it: wire::Workload) -> Workload {
    let status = it.status;
    let says = |kind: &str, value: &str| {
        let found = status.conditions.iter().find(|it| it.r#type == kind && it.status == value)?;
        let reason = found.reason.as_deref().unwrap_or(kind);
        Some(reasoned(reason, found.message.as_deref().unwrap_or_default()))
    };
    // Why no pod is made tells more than that the deadline is over.
    let stuck = says("ReplicaFailure", "True").or_else(|| says("Progressing", "False"));
    let (desired, updated, available, existing) = match kind {
        WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::Rollout => (
            it.spec.replicas.unwrap_or(1),
            status.updated_replicas,
            status.available_replicas,
            status.replicas,
        ),
        WorkloadKind::DaemonSet => (
            status.desired_number_scheduled,
            status.updated_number_scheduled,
            status.number_available,
            status.current_number_scheduled,
        ),
    };
    Workload {
        kind,
        name: name(&it.metadata),
        generation: it.metadata.generation,
        observed_generation: status.observed_generation,
        desired,
        updated,
        available,
        existing,
        stuck,
        at_rest: None,
        template_labels: it.spec.template.metadata.labels,
        selector: it.spec.selector.match_labels,
    }
}

fn binding(api: BindingApi, it: wire::Binding) -> Result<Binding, String> {
    let spec = it.spec;
    let port = match spec.service_ref.port {
        Some(NumberOrText::Number(number)) => PortRef::Number(number),
        // As the controller does: digits in quotes are a name.
        Some(NumberOrText::Text(text)) => PortRef::Name(text.into()),
        None => return Err("spec.serviceRef.port is missing".to_owned()),
    };
    let group = spec.target_group_arn.as_deref().and_then(|it| it.parse().ok());
    let failed = it.status.conditions.into_iter().find(|it| it.reason.as_deref() == Some("FailedCleanup"));
    let seconds = it.metadata.annotations.get(CHECKPOINT_TIMESTAMP).and_then(|it| it.parse().ok());
    Ok(Binding {
        api,
        name: ObjectName::new(&it.metadata.namespace, &it.metadata.name),
        uid: Uid::new(&it.metadata.uid),
        created: time(it.metadata.creation_timestamp.as_deref()).unwrap_or_default(),
        deleted: time(it.metadata.deletion_timestamp.as_deref()),
        generation: it.metadata.generation,
        observed_generation: it.status.observed_generation,
        kept_by: ownership::kept_by(&it.metadata.labels)
            .or_else(|| ownership::kept_by(&it.metadata.annotations))
            .map(Arc::from),
        labels: it.metadata.labels,
        finalizers: it.metadata.finalizers,
        checkpoint: it.metadata.annotations.get(CHECKPOINT).cloned(),
        checkpoint_at: seconds.map(Timestamp::from_seconds),
        group_text: spec.target_group_arn.filter(|_| group.is_none()),
        group,
        group_name: spec.target_group_name,
        service: spec.service_ref.name,
        port,
        target_type: match spec.target_type.as_deref() {
            Some("ip") => Some(TargetType::Ip),
            Some("instance") => Some(TargetType::Instance),
            _ => None,
        },
        address_type: spec.ip_address_type.as_deref().map(address_type),
        protocol: text(spec.target_group_protocol),
        multi_cluster: spec.multi_cluster_target_group,
        networking: spec.networking.is_some(),
        node_selector: selector(spec.node_selector),
        assume_role: spec.iam_role_arn_to_assume.filter(|it| !it.is_empty()),
        external_id: spec.assume_role_external_id.filter(|it| !it.is_empty()),
        failed_cleanup: failed.map(|it| it.message.unwrap_or_default()),
    })
}

fn selector(it: wire::LabelSelector) -> Selector {
    let labels: Labels = it.match_labels;
    let equal = labels.into_iter().map(|(key, value)| Requirement::In(key.into(), vec![value.into()]));
    let expressions = it.match_expressions.into_iter().map(|it| {
        let values = it.values.into_iter().map(Into::into).collect();
        match it.operator.as_str() {
            "NotIn" => Requirement::NotIn(it.key.into(), values),
            "Exists" => Requirement::Exists(it.key.into()),
            "DoesNotExist" => Requirement::Absent(it.key.into()),
            _ => Requirement::In(it.key.into(), values),
        }
    });
    Selector(equal.chain(expressions).collect())
}

fn guarding(kind: GuardingKind, it: wire::Guarding) -> Guarding {
    let of_kind = match kind {
        GuardingKind::NetworkPolicy => it.spec.pod_selector,
        GuardingKind::DisruptionBudget => it.spec.selector,
    };
    Guarding { kind, name: name(&it.metadata), selector: selector(of_kind) }
}

fn event(it: wire::Event) -> Event {
    let at = time(it.last_timestamp.as_deref()).or_else(|| time(it.event_time.as_deref()));
    Event {
        name: name(&it.metadata),
        about: match it.involved_object.kind.as_str() {
            "TargetGroupBinding" => it.involved_object.name,
            // Events about other objects are no binding's.
            _ => String::new(),
        },
        warning: it.r#type == "Warning",
        reason: it.reason.into(),
        message: it.message.into(),
        at: at.or_else(|| time(it.metadata.creation_timestamp.as_deref())),
        count: it.count,
    }
}

/// Reads the `ConfigMap` of a multi-cluster binding: key `targets`, comma-separated.
pub(crate) fn ledger(json: &str) -> Result<Ledger, String> {
    let map: wire::ConfigMap = decode(json)?;
    let targets = map.data.get("targets").map(String::as_str).unwrap_or_default();
    Ok(Ledger {
        name: name(&map.metadata),
        targets: targets.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests;
