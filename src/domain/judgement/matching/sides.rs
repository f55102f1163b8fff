//! The Kubernetes half of a row: an endpoint, a node, or a pod that is no endpoint yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::facts::cluster::AddressType;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::GATE;
use crate::domain::facts::cluster::GATE_OF_V1;
use crate::domain::facts::cluster::Node;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Backing;
use crate::domain::judgement::desired::Endpoint;
use crate::domain::judgement::desired::Exclusion;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::GateSetter;
use crate::domain::judgement::row::NodeLeaving;
use crate::domain::judgement::row::OtherGate;
use crate::domain::judgement::row::WaitCode;
use crate::domain::judgement::row::WaitReason;
use crate::domain::judgement::waiting;

/// What stands behind the endpoints of a case, looked up once for all of them.
pub(super) struct Lookup<'a> {
    /// The readiness gate of the binding.
    gate: Option<String>,
    /// The service's pods on each node, for instance targets.
    by_node: BTreeMap<&'a str, Vec<&'a Pod>>,
    /// Pods that slices of the service name, and whether one of the binding's address family does; none where no pod is
    /// without an endpoint.
    named: BTreeMap<&'a str, bool>,
}

impl<'a> Lookup<'a> {
    pub(super) fn of(case: &Case<'a>) -> Self {
        let mut by_node: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for pod in case.selected.iter().filter(|it| case.instances() && !it.finished()) {
            if let Some(node) = &pod.node {
                by_node.entry(&**node).or_default().push(pod);
            }
        }
        Self { gate: case.binding.map(Binding::gate), by_node, named: named(case) }
    }
}

fn named<'a>(case: &Case<'a>) -> BTreeMap<&'a str, bool> {
    let mut named = BTreeMap::new();
    if case.resolution.backend != Backend::Found || case.resolution.loose_pods.is_empty() {
        return named;
    }
    let Some(((cluster, service), binding)) = case.cluster.zip(case.service).zip(case.binding) else {
        return named;
    };
    let family = binding.address_type.unwrap_or(AddressType::Ipv4);
    for slice in cluster.slices_of(&service.name) {
        for (name, _) in slice.endpoints.iter().filter_map(|it| it.pod.as_ref()) {
            *named.entry(&**name).or_default() |= slice.address_type == family;
        }
    }
    named
}

pub(super) fn side(case: &Case<'_>, endpoint: &Endpoint, lookup: &Lookup<'_>) -> EndpointSide {
    let mut side = match (&endpoint.backing, case.cluster) {
        (Backing::Pod(Some(name)), Some(cluster)) => {
            cluster.pods.get(name).map(|pod| pod_side(case, pod, lookup))
        }
        _ => None,
    }
    .unwrap_or_else(|| empty_side(endpoint));
    if let Backing::Node(name) = &endpoint.backing {
        let pods = lookup.by_node.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
        side.pods = pods.iter().map(|it| it.name.name.clone()).collect();
        let ready = pods.iter().filter(|it| it.ready() && !it.terminating()).count();
        side.ready_pods = u32::try_from(ready).unwrap_or(u32::MAX);
    }
    side.node = endpoint.node.clone().or(side.node);
    side.zone.clone_from(&endpoint.zone);
    side.ready = endpoint.ready;
    side.serving = endpoint.serving;
    side.terminating = match (endpoint.terminating, side.terminating) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (said, _) => said,
    };
    side.wanted = endpoint.wanted;
    side.node_leaving = side.node.as_ref().and_then(|it| leaving(case.cluster?.nodes.get(&**it)?));
    let publishes = case.service.is_some_and(|it| it.publish_not_ready);
    side.published = publishes && endpoint.wanted == Some(true) && side.wait.is_some();
    side.exclusion = endpoint.exclusion;
    side
}

fn empty_side(endpoint: &Endpoint) -> EndpointSide {
    let pod = match &endpoint.backing {
        Backing::Pod(name) => name.as_ref().map(|it| it.name.clone()),
        Backing::Node(_) => None,
    };
    EndpointSide {
        pod,
        uid: None,
        node: None,
        zone: None,
        pods: Vec::new(),
        ready_pods: 0,
        ready: None,
        serving: None,
        terminating: None,
        phase: None,
        wait: None,
        restarts: 0,
        gate: None,
        gate_closed: None,
        other_gates: Vec::new(),
        probes: [].into(),
        node_leaving: None,
        job: None,
        published: false,
        wanted: None,
        exclusion: None,
        created: endpoint.created,
    }
}

/// A pod as the Kubernetes half of a row, not wanted until a slice says so.
fn pod_side(case: &Case<'_>, pod: &Pod, lookup: &Lookup<'_>) -> EndpointSide {
    let gate = lookup.gate.as_ref().filter(|gate| pod.gates.iter().any(|it| **it == ***gate));
    let status = gate.map(|gate| pod.condition(gate).map_or(Status::Unknown, |it| it.status));
    EndpointSide {
        pod: Some(pod.name.name.clone()),
        uid: Some(pod.uid.clone()),
        node: pod.node.clone(),
        zone: None,
        pods: Vec::new(),
        ready_pods: 0,
        ready: None,
        serving: None,
        terminating: Some(pod.terminating()),
        phase: Some(pod.phase),
        wait: waiting::reason(pod, case.now),
        restarts: pod.restarts(),
        gate: status,
        gate_closed: gate.and_then(|it| gate_closed(pod, it)),
        other_gates: other_gates(case, pod, lookup),
        probes: pod.probes.clone(),
        node_leaving: None,
        job: pod.owner.as_ref().filter(|it| &*it.kind == "Job").map(|it| it.name.clone()),
        published: false,
        wanted: Some(false),
        exclusion: None,
        created: Some(pod.created),
    }
}

/// Since when its containers are ready while a gate is False; what happened before either says nothing of its target.
fn gate_closed(pod: &Pod, gate: &str) -> Option<Timestamp> {
    let closed = pod.condition(gate).filter(|it| it.status == Status::False)?.since?;
    let ready = pod.condition("ContainersReady").filter(|it| it.status == Status::True)?.since?;
    Some(closed.max(ready))
}

/// A selected pod that is no endpoint of the binding, with why where slices name it all the same.
pub(super) fn loose_side(case: &Case<'_>, pod: &Pod, lookup: &Lookup<'_>) -> EndpointSide {
    let exclusion = lookup.named.get(pod.name.name.as_str()).map(|of_family| match of_family {
        true => Exclusion::PortNotDeclared,
        false => Exclusion::OtherFamily,
    });
    EndpointSide { exclusion, ..pod_side(case, pod, lookup) }
}

/// Gates of a pod that keep Kubernetes from counting it as ready, and are not this binding's.
fn other_gates(case: &Case<'_>, pod: &Pod, lookup: &Lookup<'_>) -> Vec<OtherGate> {
    let open = |gate: &&Arc<str>| lookup.gate.as_deref() != Some(&***gate) && !pod.is_true(gate);
    let told = |gate: &Arc<str>| {
        let condition = pod.condition(gate);
        let setter = match gate.split_once('/') {
            Some((GATE, name)) if has_binding(case, name) => GateSetter::Binding(name.to_owned()),
            Some((GATE, name)) if knows_bindings(case) => GateSetter::NoSuchBinding(name.to_owned()),
            Some((GATE_OF_V1, _)) => GateSetter::FirstController,
            _ => GateSetter::Other,
        };
        OtherGate {
            name: gate.clone(),
            status: condition.map_or(Status::Unknown, |it| it.status),
            reason: condition.and_then(|it| it.reason.clone()),
            since: condition.and_then(|it| it.since),
            setter,
        }
    };
    pod.gates.iter().filter(open).map(told).collect()
}

/// All bindings of the namespace are seen, of both kinds where both are served.
fn knows_bindings(case: &Case<'_>) -> bool {
    let Some(reference) = case.reference else { return false };
    [BindingApi::LoadBalancerController, BindingApi::AutoMode].into_iter().all(|api| {
        let source = Source::Kubernetes(reference.cluster.clone(), Kind::Bindings(api));
        case.inventory.freshness(&source).is_none_or(|it| match &it.failed {
            Some((_, failure)) => failure.kind == ErrorKind::NotFound,
            None => it.read.is_some(),
        })
    })
}

fn has_binding(case: &Case<'_>, name: &str) -> bool {
    let Some((cluster, reference)) = case.cluster.zip(case.reference) else { return false };
    let apis = [BindingApi::LoadBalancerController, BindingApi::AutoMode];
    let name = ObjectName::new(&reference.namespace, name);
    apis.into_iter().any(|api| cluster.bindings.contains_key(&(api, name.clone())))
}

/// Taints of those that take nodes away: AWS Node Termination Handler, Karpenter, Cluster Autoscaler, the cloud provider.
const LEAVING: [&str; 6] = [
    "aws-node-termination-handler/",
    "karpenter.sh/disrupt",
    "ToBeDeletedByClusterAutoscaler",
    "node.cloudprovider.kubernetes.io/shutdown",
    "node.kubernetes.io/out-of-service",
    "eks.amazonaws.com/node-repair",
];

/// How a node says that it is going away.
fn leaving(node: &Node) -> Option<NodeLeaving> {
    let taint = node.taints.iter().find(|taint| LEAVING.iter().any(|it| taint.key.starts_with(it)));
    let cordoned = || node.unschedulable.then_some(NodeLeaving::Cordoned);
    taint.map(|it| NodeLeaving::Taint(it.key.clone())).or_else(cordoned)
}

/// A pod that we took out of the service: it waits for nothing.
pub(super) fn detached_side(case: &Case<'_>, pod: &Pod, lookup: &Lookup<'_>) -> EndpointSide {
    let wait = WaitReason { code: WaitCode::Detached, message: None, since: None, starting: true };
    EndpointSide { wait: Some(wait), ..pod_side(case, pod, lookup) }
}
