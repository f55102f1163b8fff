//! Which endpoints of a binding's service the AWS Load Balancer Controller would register, and why not
//! the others. The rule is the controller's own (its endpoint resolver, v3.5), which is not "ready".

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::cluster::AddressType;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Node;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::ServicePort;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::SliceEndpoint;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::controller::ControllerDeployment;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetId;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;

/// Why the controller leaves an endpoint out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Exclusion {
    /// The slice names no pod: the controller only follows pods.
    NoPodReference,
    /// The slice names a pod that does not exist (any more).
    PodMissing,
    Terminating,
    ContainersNotReady,
    /// The node's Ready condition is False, or it has none.
    NodeNotReady,
    /// The node's Ready condition is Unknown while other endpoints are ready.
    NodeUnknown,
    NodeMissing,
    /// A QUIC group needs a server id, which the pod does not carry.
    NoQuicServerId,
    /// A slice has the pod, but not the port: the service's target port is a name that the pod does not declare.
    PortNotDeclared,
    /// A slice of the other address family has the pod.
    OtherFamily,
    /// Instance targets: a label, a taint or the binding's node selector leaves the node out.
    NodeExcluded,
    /// The binding is being deleted: the controller only cleans up.
    BindingDeleted,
}

/// Whether the controller finds what it needs to compute endpoints at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Backend {
    Found,
    /// The service does not exist: the controller deregisters everything it owns.
    ServiceMissing,
    /// The service has no such port: likewise. Holds the ports it has.
    PortMissing(Vec<String>),
    /// The controller fails at every attempt and changes nothing.
    Broken(String),
    /// Kinds that could not be read yet, or ever.
    Unread(Vec<Kind>),
}

/// What stands behind an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Backing {
    /// Name of the pod in the service's namespace; `None`: the slice names none.
    Pod(Option<ObjectName>),
    Node(String),
}

/// An address and port the service offers, and whether the controller would register it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub key: TargetKey,
    pub(crate) backing: Backing,
    pub(crate) ready: Option<bool>,
    pub(crate) serving: Option<bool>,
    pub(crate) terminating: Option<bool>,
    pub(crate) node: Option<Arc<str>>,
    pub(crate) zone: Option<Arc<str>>,
    /// `None`: what it depends on could not be read.
    pub(crate) wanted: Option<bool>,
    pub(crate) exclusion: Option<Exclusion>,
    /// Creation time of the pod or node, which the checkpoint counts in.
    pub(crate) created: Option<Timestamp>,
}

/// All endpoints of a binding and what is wanted of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    pub(crate) backend: Backend,
    /// In key order. Several may share a key (a reused address, host network).
    pub(crate) endpoints: Vec<Endpoint>,
    /// Selected pods that are in no slice, or only with another port: rows by uid.
    pub(crate) loose_pods: Vec<ObjectName>,
    /// Nodes could not be read: endpoints with ready containers are taken as wanted.
    pub(crate) nodes_assumed: bool,
    /// Nodes could not be read, and the judgement of some endpoint rests on its node.
    pub(crate) rests_on_nodes: bool,
    /// Pods could not be read: ready endpoints are taken as wanted.
    pub(crate) pods_assumed: bool,
}

impl Resolution {
    pub(super) fn without(backend: Backend) -> Self {
        Self {
            backend,
            endpoints: Vec::new(),
            loose_pods: Vec::new(),
            nodes_assumed: false,
            rests_on_nodes: false,
            pods_assumed: false,
        }
    }

    pub fn wanted(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(|it| it.wanted == Some(true))
    }
}

/// Labels that keep a node out of load balancers, whatever their value.
const EXCLUDING_LABELS: [&str; 3] = [
    "node-role.kubernetes.io/master",
    "node.kubernetes.io/exclude-from-external-load-balancers",
    "alpha.service-controller.kubernetes.io/exclude-balancer",
];

/// Resolves the endpoints of a binding as its controller would.
pub fn resolve(inventory: &Inventory, reference: &BindingRef, binding: &Binding) -> Resolution {
    let mut resolution = while_it_lives(inventory, reference, binding);
    if binding.deleted.is_some() {
        for endpoint in &mut resolution.endpoints {
            (endpoint.wanted, endpoint.exclusion) = (Some(false), Some(Exclusion::BindingDeleted));
        }
    }
    resolution
}

/// The same, were the binding not being deleted.
fn while_it_lives(inventory: &Inventory, reference: &BindingRef, binding: &Binding) -> Resolution {
    let Some(cluster) = inventory.cluster(&reference.cluster) else {
        return Resolution::without(Backend::Unread(vec![Kind::Services]));
    };
    let read = |kind| inventory.has_read(&reference.cluster, kind);
    if !read(Kind::Services) {
        return Resolution::without(Backend::Unread(vec![Kind::Services]));
    }
    let name = binding.service_name();
    if inventory.has_skipped(&reference.cluster, Kind::Services, &name) {
        return Resolution::without(Backend::Unread(vec![Kind::Services]));
    }
    let Some(service) = cluster.services.get(&name) else {
        return Resolution::without(Backend::ServiceMissing);
    };
    let loose = |taken: &HashSet<&ObjectName>| {
        cluster
            .selected(service)
            .filter(|pod| !pod.finished() && !taken.contains(&pod.name))
            .map(|it| it.name.clone())
            .collect()
    };
    let Some(port) = service.port(&binding.port) else {
        let have = service.ports.iter().map(describe_port).collect();
        let loose_pods = loose(&HashSet::new());
        return Resolution { loose_pods, ..Resolution::without(Backend::PortMissing(have)) };
    };
    match binding.target_type.unwrap_or(TargetType::Ip) {
        TargetType::Ip if !read(Kind::Slices) => Resolution::without(Backend::Unread(vec![Kind::Slices])),
        TargetType::Ip => {
            let (pods, nodes) = (read(Kind::Pods), read(Kind::Nodes));
            let fails_open = follower(cluster, binding).is_none_or(|it| it.fails_open);
            let lookup = Lookup { inventory, id: &reference.cluster, cluster, pods, nodes, fails_open };
            let mut resolution = pod_endpoints(&lookup, binding, service, port);
            let taken: HashSet<&ObjectName> = resolution
                .endpoints
                .iter()
                .filter_map(|it| match &it.backing {
                    Backing::Pod(name) => name.as_ref(),
                    Backing::Node(_) => None,
                })
                .collect();
            let loose_pods = loose(&taken);
            resolution.loose_pods = loose_pods;
            resolution
        }
        TargetType::Instance if !read(Kind::Nodes) => Resolution::without(Backend::Unread(vec![Kind::Nodes])),
        TargetType::Instance => node_endpoints(cluster, binding, service, port),
    }
}

/// The controller whose flags and version decide about a binding, where that is known.
fn follower<'a>(cluster: &'a Cluster, binding: &'a Binding) -> Option<&'a ControllerDeployment> {
    let in_cluster = binding.api == BindingApi::LoadBalancerController;
    cluster.signs.follower(&binding.name.namespace).filter(|_| in_cluster)
}

fn describe_port(port: &ServicePort) -> String {
    match &port.name {
        Some(name) => format!("{} ({name})", port.port),
        None => port.port.to_string(),
    }
}

struct Lookup<'a> {
    inventory: &'a Inventory,
    id: &'a ClusterId,
    cluster: &'a Cluster,
    pods: bool,
    nodes: bool,
    fails_open: bool,
}

impl Lookup<'_> {
    /// A ready endpoint is wanted whatever its node; one whose containers are ready is not.
    fn rests_on_node(&self, found: &Endpoint, endpoint: &SliceEndpoint) -> bool {
        let Backing::Pod(Some(name)) = &found.backing else { return false };
        let ready = self.cluster.pods.get(name).is_some_and(Pod::containers_ready);
        ready && !endpoint.ready.unwrap_or(true)
    }

    fn reads_pod(&self, name: &ObjectName) -> bool {
        self.pods
            && self.cluster.covers(Kind::Pods, &name.namespace)
            && !self.inventory.has_skipped(self.id, Kind::Pods, name)
    }

    fn reads_node(&self, name: &str) -> bool {
        !self.inventory.has_skipped(self.id, Kind::Nodes, &ObjectName::new("", name))
    }
}

/// What the rule says of one endpoint before it knows of the others.
enum Membership {
    In,
    /// Only when no endpoint is in.
    Reserve,
    Out(Exclusion),
    Unread,
}

fn pod_endpoints(
    lookup: &Lookup<'_>,
    binding: &Binding,
    service: &Service,
    port: &ServicePort,
) -> Resolution {
    let family = binding.address_type.unwrap_or(AddressType::Ipv4);
    let mut resolution = Resolution::without(Backend::Found);
    let mut reserve = Vec::new();
    let mut unread = false;
    let slices = lookup.cluster.slices_of(&service.name).filter(|slice| slice.address_type == family);
    for slice in slices {
        let named = |name: &Option<Arc<str>>| match &port.name {
            Some(wanted) if !wanted.is_empty() => name.as_ref() == Some(wanted),
            _ => true,
        };
        for number in slice.ports.iter().filter(|it| named(&it.name)).filter_map(|it| it.port) {
            for endpoint in &slice.endpoints {
                let Some(address) = endpoint.addresses.first() else { continue };
                let (mut found, membership) =
                    pod_endpoint(lookup, binding, service, (endpoint, *address, number));
                unread |= matches!(membership, Membership::Unread);
                resolution.rests_on_nodes |= !lookup.nodes && lookup.rests_on_node(&found, endpoint);
                match membership {
                    Membership::In => found.wanted = Some(true),
                    Membership::Out(exclusion) => {
                        found.wanted = Some(false);
                        found.exclusion = Some(exclusion);
                    }
                    Membership::Reserve => reserve.push(resolution.endpoints.len()),
                    Membership::Unread => {}
                }
                resolution.endpoints.push(found);
            }
        }
    }
    // Fail-open: pods on nodes nobody hears from count only when nothing else is left.
    let open = lookup.fails_open && !resolution.endpoints.iter().any(|it| it.wanted == Some(true));
    for index in reserve {
        if let Some(endpoint) = resolution.endpoints.get_mut(index) {
            endpoint.wanted = (!open || !unread).then_some(open);
            endpoint.exclusion = (!open).then_some(Exclusion::NodeUnknown);
        }
    }
    // The controller drops these from the endpoints it has resolved.
    let nameless = |it: &&mut Endpoint| it.wanted == Some(true) && it.key.quic_server_id.is_none();
    for endpoint in resolution.endpoints.iter_mut().filter(|_| binding.quic()).filter(nameless) {
        endpoint.wanted = Some(false);
        endpoint.exclusion = Some(Exclusion::NoQuicServerId);
    }
    resolution.endpoints.sort_by(|a, b| (&a.key, b.wanted, a.created).cmp(&(&b.key, a.wanted, b.created)));
    resolution.nodes_assumed = !lookup.nodes;
    resolution.pods_assumed = !lookup.pods;
    resolution
}

fn pod_endpoint(
    lookup: &Lookup<'_>,
    binding: &Binding,
    service: &Service,
    (endpoint, address, port): (&SliceEndpoint, IpAddr, u16),
) -> (Endpoint, Membership) {
    let namespace = endpoint.pod_namespace.as_deref().unwrap_or(&service.name.namespace);
    let name = endpoint.pod.as_ref().map(|(name, _)| ObjectName::new(namespace, name));
    let pod = name.as_ref().and_then(|name| lookup.cluster.pods.get(name));
    let mut key = TargetKey::new(TargetId::Ip(address), port);
    if binding.quic() {
        key.quic_server_id = pod.and_then(|pod| pod.quic_server_id.clone());
    }
    let membership = match (&name, pod) {
        (None, _) => Membership::Out(Exclusion::NoPodReference),
        (Some(name), _) if !lookup.reads_pod(name) => match endpoint.ready.unwrap_or(true) {
            true => Membership::In,
            false => Membership::Unread,
        },
        (Some(_), None) => Membership::Out(Exclusion::PodMissing),
        (Some(_), Some(pod)) => pod_membership(lookup, endpoint, pod),
    };
    let found = Endpoint {
        key,
        backing: Backing::Pod(name),
        ready: endpoint.ready,
        serving: endpoint.serving,
        terminating: endpoint.terminating,
        node: endpoint.node.clone().or_else(|| pod.and_then(|pod| pod.node.clone())),
        zone: endpoint.zone.clone(),
        wanted: None,
        exclusion: None,
        created: pod.map(|pod| pod.created),
    };
    (found, membership)
}

fn pod_membership(lookup: &Lookup<'_>, endpoint: &SliceEndpoint, pod: &Pod) -> Membership {
    if endpoint.ready.unwrap_or(true) {
        return Membership::In;
    }
    if !pod.containers_ready() {
        return Membership::Out(match endpoint.terminating.unwrap_or(false) {
            true => Exclusion::Terminating,
            false => Exclusion::ContainersNotReady,
        });
    }
    let node = pod.node.as_ref().and_then(|name| lookup.cluster.nodes.get(&**name));
    let ready = match node {
        _ if pod.node.as_ref().is_some_and(|name| !lookup.reads_node(name)) => return Membership::Unread,
        Some(node) => node.ready.unwrap_or(Status::False),
        None if !lookup.nodes => Status::True,
        None => return Membership::Out(Exclusion::NodeMissing),
    };
    match ready {
        Status::True if endpoint.terminating.unwrap_or(false) => Membership::Out(Exclusion::Terminating),
        Status::True => Membership::In,
        Status::Unknown => Membership::Reserve,
        Status::False => Membership::Out(Exclusion::NodeNotReady),
    }
}

fn node_endpoints(cluster: &Cluster, binding: &Binding, service: &Service, port: &ServicePort) -> Resolution {
    if !matches!(service.kind, ServiceType::NodePort | ServiceType::LoadBalancer) {
        let problem = format!("service type must be either 'NodePort' or 'LoadBalancer': {}", service.name);
        return Resolution::without(Backend::Broken(problem));
    }
    let Some(node_port) = port.node_port else {
        return Resolution::without(Backend::Broken(format!(
            "port {} of {} has no node port yet",
            port.port, service.name
        )));
    };
    let karpenter = follower(cluster, binding).is_none_or(ControllerDeployment::heeds_karpenter);
    let suitable =
        |node: &Node| binding.node_selector.matches(&node.labels) && suits_as_proxy(node, karpenter);
    let with =
        |status| cluster.nodes.values().filter(move |node| suitable(node) && node.ready == Some(status));
    let follower = follower(cluster, binding);
    let open = follower.is_none_or(|it| it.fails_open) && with(Status::True).next().is_none();
    let chosen = match open {
        false => Status::True,
        true => Status::Unknown,
    };
    let mut resolution = Resolution::without(Backend::Found);
    for node in cluster.nodes.values() {
        let wanted = suitable(node) && node.ready == Some(chosen);
        let id = match instance_id(node) {
            Ok(id) => id,
            // One such node fails the whole binding.
            Err(problem) if wanted => return Resolution::without(Backend::Broken(problem.to_string())),
            Err(_) => continue,
        };
        let exclusion = match (wanted, suitable(node)) {
            (true, _) => None,
            (false, false) => Some(Exclusion::NodeExcluded),
            (false, true) if node.ready == Some(Status::Unknown) => Some(Exclusion::NodeUnknown),
            (false, true) => Some(Exclusion::NodeNotReady),
        };
        resolution.endpoints.push(Endpoint {
            key: TargetKey::new(TargetId::Instance(id.into()), node_port),
            backing: Backing::Node(node.name.clone()),
            ready: Some(node.ready == Some(Status::True)),
            serving: None,
            terminating: None,
            node: Some(node.name.as_str().into()),
            zone: node.labels.get("topology.kubernetes.io/zone").map(|it| it.as_str().into()),
            wanted: Some(wanted),
            exclusion,
            created: Some(node.created),
        });
    }
    resolution.endpoints.sort_by(|a, b| a.key.cmp(&b.key));
    // Pods of an instance binding stand behind nodes; those without one are rows of their own.
    resolution.loose_pods = cluster
        .selected(service)
        .filter(|pod| pod.node.is_none() && !pod.finished())
        .map(|it| it.name.clone())
        .collect();
    resolution
}

/// The labels and taints that keep a node out, ready or not.
fn suits_as_proxy(node: &Node, heeds_karpenter: bool) -> bool {
    let labelled_out = EXCLUDING_LABELS.iter().any(|label| node.labels.contains_key(*label));
    let fargate = node.labels.get("eks.amazonaws.com/compute-type").is_some_and(|it| it == "fargate");
    let leaving = node.taints.iter().any(|taint| {
        &*taint.key == "ToBeDeletedByClusterAutoscaler"
            || (heeds_karpenter && &*taint.key == "karpenter.sh/disrupted" && &*taint.effect == "NoSchedule")
    });
    !labelled_out && !fargate && !leaving
}

/// A node whose instance cannot be told, as the controller complains of it.
#[derive(Debug, thiserror::Error)]
enum NoInstance<'a> {
    #[error("providerID is not specified for node: {0}")]
    Unspecified(&'a str),
    #[error("providerID {provider} is invalid for EC2 instances, node: {node}")]
    Invalid { provider: &'a str, node: &'a str },
}

/// The instance id at the end of a node's provider id.
fn instance_id(node: &Node) -> Result<&str, NoInstance<'_>> {
    let Some(provider) = node.provider_id.as_ref().filter(|it| !it.is_empty()) else {
        return Err(NoInstance::Unspecified(&node.name));
    };
    match provider.rsplit('/').next() {
        Some(id) if id.starts_with("i-") => Ok(id),
        _ => Err(NoInstance::Invalid { provider, node: &node.name }),
    }
}

#[cfg(test)]
mod tests;
