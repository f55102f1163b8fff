//! The Kubernetes side as the rules see it: only the fields that some rule, row or column uses.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::lineage;
use crate::domain::facts::lineage::Maker;
use crate::domain::facts::selector::Labels;
use crate::domain::facts::selector::Selector;
use crate::domain::facts::time::Timestamp;

/// True, False or Unknown, as Kubernetes conditions have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    True,
    False,
    Unknown,
}

/// A condition of a pod or a binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub(crate) kind: Arc<str>,
    pub(crate) status: Status,
    pub(crate) reason: Option<Arc<str>>,
    pub(crate) message: Option<Arc<str>>,
    pub(crate) since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

/// The object that made a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) kind: Arc<str>,
    pub(crate) name: Arc<str>,
}

/// One container of a pod, as far as it explains why the pod is not in service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Container {
    pub(crate) name: Arc<str>,
    pub(crate) image: Option<Arc<str>>,
    pub(crate) ready: bool,
    pub(crate) restarts: u32,
    pub(crate) waiting: Option<Arc<str>>,
    pub(crate) waiting_message: Option<Arc<str>>,
    pub(crate) terminated: Option<Arc<str>>,
    pub(crate) last_terminated: Option<Arc<str>>,
    pub(crate) last_terminated_at: Option<Timestamp>,
    pub(crate) last_exit_code: Option<i32>,
}

/// A readiness probe: how it asks, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probe {
    /// `HTTP`, `HTTPS`, `TCP`, `gRPC` or `exec`.
    pub(crate) how: Arc<str>,
    /// `None`: it asks at no port, or at one the pod does not name.
    pub(crate) port: Option<u16>,
    pub(crate) path: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    pub(crate) name: ObjectName,
    pub(crate) uid: Uid,
    pub(crate) created: Timestamp,
    /// Set once somebody asked for its deletion: the pod is terminating.
    pub(crate) deleted: Option<Timestamp>,
    pub(crate) labels: Labels,
    pub(crate) owner: Option<Owner>,
    pub(crate) phase: Phase,
    /// `Evicted`, `NodeLost` and the like.
    pub(crate) reason: Option<Arc<str>>,
    pub(crate) ips: Vec<IpAddr>,
    /// Its interfaces of its own (`vpc.amazonaws.com/pod-eni`): id and address.
    pub(crate) branches: Vec<(Arc<str>, IpAddr)>,
    pub(crate) node: Option<Arc<str>>,
    pub(crate) conditions: Vec<Condition>,
    /// Condition types the pod declares as readiness gates.
    pub(crate) gates: Vec<Arc<str>>,
    pub(crate) containers: Vec<Container>,
    /// What the controller registers it with in a QUIC group: `0x` and the bytes of the injected value in hexadecimal.
    pub(crate) quic_server_id: Option<Arc<str>>,
    /// Seconds after start within which its startup and readiness probes may still be failing by design.
    pub(crate) start_allowance: u32,
    /// The readiness probes of its containers.
    pub(crate) probes: Arc<[Probe]>,
    /// Ports that its containers declare.
    pub(crate) ports: Arc<[u16]>,
}

impl Pod {
    pub(crate) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|it| &*it.kind == kind)
    }

    pub(crate) fn is_true(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|it| it.status == Status::True)
    }

    pub(crate) fn containers_ready(&self) -> bool {
        self.is_true("ContainersReady")
    }

    pub(crate) fn ready(&self) -> bool {
        self.is_true("Ready")
    }

    pub(crate) fn terminating(&self) -> bool {
        self.deleted.is_some()
    }

    /// Succeeded or Failed: it will not run again.
    pub(crate) fn finished(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    pub(crate) fn restarts(&self) -> u32 {
        self.containers.iter().map(|it| it.restarts).sum()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    pub name: Option<Arc<str>>,
    pub port: u16,
    /// As written: a number or the name of a container port.
    pub target_port: Option<Arc<str>>,
    pub node_port: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceType {
    ClusterIp,
    NodePort,
    LoadBalancer,
    ExternalName,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: ObjectName,
    pub kind: ServiceType,
    /// Empty: the service selects nothing by itself.
    pub selector: Labels,
    pub ports: Vec<ServicePort>,
    pub publish_not_ready: bool,
    /// `externalTrafficPolicy: Local`.
    pub local_traffic_only: bool,
}

impl Service {
    pub(crate) fn selects(&self, pod: &Pod) -> bool {
        self.name.namespace == pod.name.namespace && self.selects_labels(&pod.labels)
    }

    pub(crate) fn selects_labels(&self, labels: &Labels) -> bool {
        !self.selector.is_empty() && self.selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    }

    /// The port a binding names, by number or by name.
    pub(crate) fn port(&self, wanted: &PortRef) -> Option<&ServicePort> {
        self.ports.iter().find(|it| match wanted {
            PortRef::Number(number) => it.port == *number,
            // An empty text finds the port without a name, for the controller too.
            PortRef::Name(name) => it.name.as_deref().unwrap_or_default() == &**name,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum AddressType {
    Ipv4,
    Ipv6,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlicePort {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) port: Option<u16>,
}

/// One endpoint of an EndpointSlice. The conditions are `None` where the slice leaves them out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SliceEndpoint {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) ready: Option<bool>,
    pub(crate) serving: Option<bool>,
    pub(crate) terminating: Option<bool>,
    pub(crate) node: Option<Arc<str>>,
    pub(crate) zone: Option<Arc<str>>,
    /// Name and uid of the pod behind it; `None` for anything that is not a pod.
    pub(crate) pod: Option<(Arc<str>, Uid)>,
    /// Where that pod is said to be, if not in the namespace of the slice.
    pub(crate) pod_namespace: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    pub(crate) name: ObjectName,
    /// From the label `kubernetes.io/service-name`.
    pub(crate) service: Option<String>,
    pub(crate) address_type: AddressType,
    pub(crate) ports: Vec<SlicePort>,
    pub(crate) endpoints: Vec<SliceEndpoint>,
    /// When it was last written, as the API server noted (`metadata.managedFields`).
    pub(crate) written: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taint {
    pub(crate) key: Arc<str>,
    pub(crate) effect: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) labels: Labels,
    pub(crate) taints: Vec<Taint>,
    pub(crate) provider_id: Option<Arc<str>>,
    /// Status of its Ready condition; `None` when it has none.
    pub(crate) ready: Option<Status>,
    pub(crate) unschedulable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
    /// Of Argo Rollouts, where the cluster serves it.
    Rollout,
}

impl WorkloadKind {
    pub(crate) const ALL: [Self; 4] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet, Self::Rollout];

    /// Kinds that every cluster serves.
    pub(crate) const BUILT_IN: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Rollout => "Rollout",
        }
    }
}

/// What stands behind pods, reduced to whether it is still moving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    pub(crate) kind: WorkloadKind,
    pub(crate) name: ObjectName,
    pub(crate) generation: i64,
    pub(crate) observed_generation: i64,
    pub(crate) desired: u32,
    pub(crate) updated: u32,
    pub(crate) available: u32,
    /// Replicas that exist, old ones included.
    pub(crate) existing: u32,
    /// Labels of its pod template.
    pub(crate) template_labels: Labels,
    /// Labels its pods are selected by (`matchLabels`).
    pub(crate) selector: Labels,
    /// Why it does not get on: past its deadline, its pods cannot be made, degraded.
    pub(crate) stuck: Option<Arc<str>>,
    /// Its own word for whether it is at rest, where its kind has one (the phase of a Rollout).
    pub(crate) at_rest: Option<bool>,
}

impl Workload {
    /// Nothing is being rolled out or scaled: what is wanted exists, is of the current template and available.
    pub(crate) fn quiet(&self) -> bool {
        let counts = || self.updated == self.desired && self.existing == self.desired;
        self.observed_generation >= self.generation
            && self.available == self.desired
            && self.at_rest.unwrap_or_else(counts)
    }
}

/// What else selects pods by their labels, beside services and owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GuardingKind {
    NetworkPolicy,
    DisruptionBudget,
}

impl GuardingKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "NetworkPolicy",
            Self::DisruptionBudget => "PodDisruptionBudget",
        }
    }
}

/// A NetworkPolicy or PodDisruptionBudget, reduced to the pods it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarding {
    pub(crate) kind: GuardingKind,
    pub(crate) name: ObjectName,
    pub(crate) selector: Selector,
}

/// A port of a service as a binding names it: never a node port or target port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PortRef {
    Number(u16),
    Name(Arc<str>),
}

impl std::fmt::Display for PortRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TargetType {
    Ip,
    Instance,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    pub(crate) api: BindingApi,
    pub(crate) name: ObjectName,
    pub(crate) uid: Uid,
    pub(crate) created: Timestamp,
    pub(crate) deleted: Option<Timestamp>,
    pub(crate) generation: i64,
    pub(crate) observed_generation: Option<i64>,
    pub(crate) labels: Labels,
    /// The tool that keeps it as a repository says, by the marks it left.
    pub(crate) kept_by: Option<Arc<str>>,
    /// Finalizers, as they are.
    pub(crate) finalizers: Vec<String>,
    /// The annotation the controller compares before it acts; `None` when absent.
    pub checkpoint: Option<String>,
    pub(crate) checkpoint_at: Option<Timestamp>,
    pub group: Option<TargetGroupArn>,
    /// What the spec says where it is no ARN, for the message.
    pub(crate) group_text: Option<String>,
    pub(crate) group_name: Option<String>,
    pub(crate) service: String,
    pub(crate) port: PortRef,
    pub(crate) target_type: Option<TargetType>,
    pub(crate) address_type: Option<AddressType>,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) multi_cluster: bool,
    /// `spec.networking` is given, so the controller keeps security-group rules.
    pub(crate) networking: bool,
    pub(crate) node_selector: Selector,
    pub(crate) assume_role: Option<String>,
    pub(crate) external_id: Option<String>,
    /// Condition Ready=False that the controller writes when its clean-up fails.
    pub(crate) failed_cleanup: Option<String>,
}

/// Label of a namespace in whose pods the controller puts readiness gates when they are made; `enabled`.
pub(crate) const GATED: &str = "elbv2.k8s.aws/pod-readiness-gate-inject";

/// Prefix of the readiness gate the controller injects and answers (`…/<binding name>`).
pub(crate) const GATE: &str = "target-health.elbv2.k8s.aws";

/// The same of the controller's first version, which no later one answers
/// (its docs/guide/ingress/pod-conditions.md of v1.1).
pub(crate) const GATE_OF_V1: &str = "target-health.alb.ingress.k8s.aws";

impl Binding {
    /// The condition type of this binding's readiness gate.
    pub(crate) fn gate(&self) -> String {
        format!("{GATE}/{}", self.name.name)
    }

    /// The role its calls are made with, and the external id that one asks for.
    pub(crate) fn role(&self) -> Option<(String, Option<String>)> {
        Some((self.assume_role.clone()?, self.external_id.clone()))
    }

    pub(crate) fn service_name(&self) -> ObjectName {
        ObjectName { namespace: self.name.namespace.clone(), name: self.service.clone() }
    }

    /// QUIC groups identify targets by a server id too.
    pub(crate) fn quic(&self) -> bool {
        matches!(self.protocol.as_deref(), Some("QUIC" | "TCP_QUIC"))
    }

    /// The kind of object the controller made this binding from; `None`: a person made it.
    pub(crate) fn made_from(&self) -> Option<&'static str> {
        match self.maker()? {
            Maker::Controller(from) => Some(from.kind),
            _ => None,
        }
    }

    /// Who made it, where it says so.
    pub(crate) fn maker(&self) -> Option<Maker> {
        lineage::of_labels(&self.labels)
    }
}

/// What the `ConfigMap` of a multi-cluster binding lists: the targets its own controller owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub(crate) name: ObjectName,
    /// `id:port` as written.
    pub targets: Vec<String>,
}

/// A Kubernetes event about a binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Name of the event object: an event that happens again keeps it.
    pub(crate) name: ObjectName,
    /// Name of the binding it is about.
    pub(crate) about: String,
    pub(crate) warning: bool,
    pub(crate) reason: Arc<str>,
    pub(crate) message: Arc<str>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) count: u32,
}
