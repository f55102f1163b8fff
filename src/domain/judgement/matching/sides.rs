//! The Kubernetes half of a row: an endpoint, a node, or a pod that is no endpoint yet.

use std::collections::BTreeMap;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Status;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::desired::Backing;
use crate::domain::judgement::desired::Endpoint;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::WaitCode;
use crate::domain::judgement::row::WaitReason;
use crate::domain::judgement::waiting;

/// What stands behind the endpoints of a case, looked up once for all of them.
pub(super) struct Lookup<'a> {
    /// The readiness gate of the binding.
    gate: Option<String>,
    /// The service's pods on each node, for instance targets.
    by_node: BTreeMap<&'a str, Vec<&'a Pod>>,
}

impl<'a> Lookup<'a> {
    pub(super) fn of(case: &Case<'a>) -> Self {
        let mut by_node: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for pod in case.selected.iter().filter(|it| case.instances() && !it.finished()) {
            if let Some(node) = &pod.node {
                by_node.entry(&**node).or_default().push(pod);
            }
        }
        Self { gate: case.binding.map(Binding::gate), by_node }
    }
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
        wanted: None,
        exclusion: None,
        created: endpoint.created,
    }
}

/// A pod as the Kubernetes half of a row, not wanted until a slice says so.
pub(super) fn pod_side(case: &Case<'_>, pod: &Pod, lookup: &Lookup<'_>) -> EndpointSide {
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
        wanted: Some(false),
        exclusion: None,
        created: Some(pod.created),
    }
}

/// A pod that we took out of the service: it waits for nothing.
pub(super) fn detached_side(case: &Case<'_>, pod: &Pod, lookup: &Lookup<'_>) -> EndpointSide {
    let wait = WaitReason { code: WaitCode::Detached, message: None, since: None, starting: true };
    EndpointSide { wait: Some(wait), ..pod_side(case, pod, lookup) }
}
