//! By what the interface of a target is found: as the AWS Load Balancer Controller finds it.

use std::sync::Arc;

use super::Cluster;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::ec2::Locator;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetId;

/// Why a target's interface cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoInterface {
    /// Its node is a hybrid one, outside EC2.
    Hybrid,
    /// Lambda functions and load balancers are reached by AWS itself.
    NoAddress,
}

const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";

/// By what the interface of a target is found: an instance's own; a pod's branch interface by the annotation
/// `vpc.amazonaws.com/pod-eni`; the interfaces of the instance of its node; else whatever has its address.
pub(crate) fn locate(
    cluster: Option<&Cluster>,
    (pod, node): (Option<&ObjectName>, Option<&str>),
    id: &TargetId,
    vpc: Option<&Arc<str>>,
) -> Result<Locator, NoInterface> {
    let address = match id {
        TargetId::Instance(id) => return Ok(Locator::Instance(id.clone())),
        TargetId::Ip(address) => *address,
        TargetId::Other(_) => return Err(NoInterface::NoAddress),
    };
    let pod: Option<&Pod> = cluster.zip(pod).and_then(|(cluster, name)| cluster.pods.get(name));
    let branch = pod.and_then(|it| it.branches.iter().find(|it| it.1 == address));
    if let Some((id, _)) = branch {
        return Ok(Locator::Interface(id.clone()));
    }
    let node = pod.and_then(|it| it.node.as_deref()).or(node);
    let node = cluster.zip(node).and_then(|(cluster, name)| cluster.nodes.get(name));
    let is_of = |kind: &str| {
        node.is_some_and(|it| it.labels.iter().any(|(key, value)| key == COMPUTE_TYPE && value == kind))
    };
    if is_of("hybrid") {
        return Err(NoInterface::Hybrid);
    }
    // `aws:///ZONE/INSTANCE`; what runs on Fargate has another form and an interface of its own.
    let provider = node.and_then(|it| it.provider_id.as_deref());
    let instance = provider.and_then(|it| it.rsplit('/').next()).filter(|it| it.starts_with("i-"));
    Ok(match instance.filter(|_| !is_of("fargate")) {
        Some(instance) => Locator::Instance(instance.into()),
        None => Locator::Address(address, vpc.cloned()),
    })
}
