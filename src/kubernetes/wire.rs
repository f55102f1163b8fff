//! Kubernetes objects as they come over the wire, reduced to the fields that are used: everything else is
//! skipped while decoding and never takes memory.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Deserializer;

/// `null` and a missing field both give the default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

macro_rules! wire {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, Deserialize)]
            #[allow(clippy::struct_field_names, reason = "the names are those of Kubernetes")]
            #[serde(rename_all = "camelCase", default)]
            pub(super) struct $name {
                $($(#[$attr])* #[serde(deserialize_with = "or_default")] pub(super) $field: $type,)*
            }
        )*
    };
}

type Map = BTreeMap<String, String>;

wire! {
    Meta {
        name: String,
        namespace: String,
        uid: String,
        resource_version: String,
        generation: i64,
        creation_timestamp: Option<String>,
        deletion_timestamp: Option<String>,
        labels: Map,
        annotations: Annotations,
        finalizers: Vec<String>,
        owner_references: Vec<OwnerReference>,
    }
    /// In which containers of a pod QUIC is spoken, and which interfaces are its own.
    Annotations {
        #[serde(rename = "service.beta.kubernetes.io/aws-load-balancer-quic-enabled-containers")]
        quic: Option<String>,
        /// The interfaces the pod has for itself, as JSON.
        #[serde(rename = "vpc.amazonaws.com/pod-eni")]
        branches: Option<String>,
    }
    Branch {
        #[serde(rename = "eniId")]
        id: String,
        #[serde(rename = "privateIp")]
        address: String,
        #[serde(rename = "ipv6Addr")]
        address_v6: String,
    }
    SliceMeta { name: String, namespace: String, labels: Map, managed_fields: Vec<ManagedFields>, }
    ManagedFields { time: Option<String>, }
    OwnerReference { kind: String, name: String, controller: bool, }

    Pod { metadata: Meta, spec: PodSpec, status: PodStatus, }
    PodSpec {
        node_name: Option<String>,
        readiness_gates: Vec<ReadinessGate>,
        init_containers: Vec<ContainerSpec>,
        containers: Vec<ContainerSpec>,
    }
    ReadinessGate { condition_type: String, }
    ContainerSpec {
        name: String,
        restart_policy: Option<String>,
        ports: Vec<ContainerPort>,
        readiness_probe: Option<Probe>,
        startup_probe: Option<Probe>,
        env: Vec<EnvVar>,
    }
    ContainerPort { name: Option<String>, container_port: u16, }
    EnvVar { name: String, value: Option<String>, }
    Probe {
        initial_delay_seconds: u32,
        period_seconds: Option<u32>,
        failure_threshold: Option<u32>,
        http_get: Option<ProbeAction>,
        tcp_socket: Option<ProbeAction>,
        grpc: Option<ProbeAction>,
    }
    ProbeAction { port: Option<NumberOrText>, path: Option<String>, scheme: Option<String>, }
    PodStatus {
        phase: String,
        reason: Option<String>,
        #[serde(rename = "podIP")]
        pod_ip: Option<String>,
        #[serde(rename = "podIPs")]
        pod_ips: Vec<PodIp>,
        conditions: Vec<Condition>,
        init_container_statuses: Vec<ContainerStatus>,
        container_statuses: Vec<ContainerStatus>,
    }
    PodIp { ip: String, }
    Condition {
        r#type: String,
        status: String,
        reason: Option<String>,
        message: Option<String>,
        last_transition_time: Option<String>,
    }
    ContainerStatus {
        name: String,
        image: Option<String>,
        ready: bool,
        restart_count: u32,
        state: ContainerState,
        last_state: ContainerState,
    }
    ContainerState { waiting: Option<Waiting>, terminated: Option<Terminated>, }
    Waiting { reason: Option<String>, message: Option<String>, }
    Terminated { reason: Option<String>, exit_code: i32, finished_at: Option<String>, }

    Service { metadata: Meta, spec: ServiceSpec, }
    ServiceSpec {
        r#type: Option<String>,
        selector: Map,
        ports: Vec<ServicePort>,
        publish_not_ready_addresses: bool,
        external_traffic_policy: Option<String>,
    }
    ServicePort { name: Option<String>, port: u16, target_port: Option<NumberOrText>, node_port: Option<u16>, }

    EndpointSlice { metadata: SliceMeta, address_type: String, ports: Vec<SlicePort>, endpoints: Vec<SliceEndpoint>, }
    SlicePort { name: Option<String>, port: Option<u16>, }
    SliceEndpoint {
        addresses: Vec<String>,
        conditions: SliceConditions,
        node_name: Option<String>,
        zone: Option<String>,
        target_ref: Option<TargetRef>,
    }
    SliceConditions { ready: Option<bool>, serving: Option<bool>, terminating: Option<bool>, }
    TargetRef { kind: String, name: String, namespace: Option<String>, uid: String, }

    Node { metadata: Meta, spec: NodeSpec, status: NodeStatus, }
    NodeSpec {
        #[serde(rename = "providerID")]
        provider_id: Option<String>,
        taints: Vec<Taint>,
        unschedulable: bool,
    }
    Taint { key: String, effect: String, }
    NodeStatus { conditions: Vec<Condition>, }

    Workload { metadata: Meta, spec: WorkloadSpec, status: WorkloadStatus, }
    WorkloadSpec { replicas: Option<u32>, selector: LabelSelector, template: Template, }
    Template { metadata: Meta, spec: PodSpecOfController, }
    WorkloadStatus {
        observed_generation: i64,
        replicas: u32,
        updated_replicas: u32,
        available_replicas: u32,
        current_number_scheduled: u32,
        desired_number_scheduled: u32,
        updated_number_scheduled: u32,
        number_available: u32,
        conditions: Vec<Condition>,
    }
    Rollout { metadata: Meta, spec: WorkloadSpec, status: RolloutStatus, }
    RolloutStatus {
        observed_generation: Option<serde_json::Value>,
        phase: Option<String>,
        message: Option<String>,
        replicas: u32,
        updated_replicas: u32,
        available_replicas: u32,
    }
    /// The controller's own pod template: its image and arguments tell version and cluster name.
    PodSpecOfController { containers: Vec<ControllerContainer>, }
    ControllerContainer { image: Option<String>, args: Vec<String>, command: Vec<String>, }

    Binding { metadata: BindingMeta, spec: BindingSpec, status: BindingStatus, }
    BindingMeta {
        name: String,
        namespace: String,
        uid: String,
        generation: i64,
        creation_timestamp: Option<String>,
        deletion_timestamp: Option<String>,
        labels: Map,
        annotations: Map,
        finalizers: Vec<String>,
    }
    BindingSpec {
        #[serde(rename = "targetGroupARN")]
        target_group_arn: Option<String>,
        target_group_name: Option<String>,
        multi_cluster_target_group: bool,
        target_type: Option<String>,
        target_group_protocol: Option<String>,
        service_ref: ServiceRef,
        networking: Option<serde::de::IgnoredAny>,
        node_selector: LabelSelector,
        ip_address_type: Option<String>,
        iam_role_arn_to_assume: Option<String>,
        assume_role_external_id: Option<String>,
    }
    ServiceRef { name: String, port: Option<NumberOrText>, }
    BindingStatus { observed_generation: Option<i64>, conditions: Vec<Condition>, }
    LabelSelector { match_labels: Map, match_expressions: Vec<Expression>, }
    Expression { key: String, operator: String, values: Vec<String>, }

    /// Of a NetworkPolicy and of a PodDisruptionBudget.
    Guarding { metadata: Meta, spec: GuardingSpec, }
    GuardingSpec { pod_selector: LabelSelector, selector: LabelSelector, }

    ConfigMap { metadata: Meta, data: Map, }
    Event {
        metadata: Meta,
        involved_object: Involved,
        r#type: String,
        reason: String,
        message: String,
        count: u32,
        last_timestamp: Option<String>,
        event_time: Option<String>,
    }
    Involved { kind: String, name: String, }
    Lease { spec: LeaseSpec, }
    LeaseSpec { holder_identity: Option<String>, lease_duration_seconds: u32, renew_time: Option<String>, }
}

/// A port as Kubernetes lets people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum NumberOrText {
    Number(u16),
    Text(String),
}
