//! What has to be asked of a row's pod to try the health check of its group.

use super::row::Row;
use super::row::Subject;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::probe::ProbeProtocol;
use crate::domain::facts::probe::ProbeRequest;
use crate::domain::inventory::Inventory;

/// Why the check of a row cannot be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoProbe {
    #[error("its target group was not read")]
    NoGroup,
    #[error("its target is a node: a node port cannot be asked through the API server; try a pod behind it")]
    Node,
    #[error("no pod is behind it")]
    NoPod,
    #[error("the group has no health check")]
    NoCheck,
}

/// The request that tries the check of a row.
pub(crate) fn request(inventory: &Inventory, subject: &Subject, row: &Row) -> Result<ProbeRequest, NoProbe> {
    let Subject::Binding(reference) = subject else { return Err(NoProbe::NoPod) };
    let binding = inventory.binding(reference).ok_or(NoProbe::NoGroup)?;
    let known = binding.group.as_ref().and_then(|it| inventory.groups.get(it)?.group.as_ref());
    let group = known.ok_or(NoProbe::NoGroup)?;
    let key = row.key.target().ok_or(NoProbe::NoPod)?;
    if key.ip().is_none() {
        return Err(NoProbe::Node);
    }
    if !group.check.enabled {
        return Err(NoProbe::NoCheck);
    }
    let pod = row.endpoint.as_ref().and_then(|it| it.pod.as_deref()).ok_or(NoProbe::NoPod)?;
    let pod = ObjectName::new(&reference.namespace, pod);
    let declared = inventory.cluster(&reference.cluster).and_then(|it| it.pods.get(&pod));
    Ok(ProbeRequest {
        cluster: reference.cluster.clone(),
        port: group.check.port_of(row.target.as_ref(), key.port),
        protocol: protocol(group),
        path: group.check.path.as_deref().filter(|it| it.starts_with('/')).unwrap_or("/").to_owned(),
        matcher: group.check.matcher.clone().filter(|_| !is_grpc(group)),
        grpc: is_grpc(group),
        timeout: group.check.timeout.max(1),
        declared: declared.map(|it| it.ports.clone()).unwrap_or_default(),
        pod,
    })
}

fn is_grpc(group: &TargetGroup) -> bool {
    group.protocol_version.as_deref() == Some("GRPC")
}

fn protocol(group: &TargetGroup) -> ProbeProtocol {
    match group.check.protocol.as_deref() {
        Some("HTTP") if !is_grpc(group) => ProbeProtocol::Http,
        Some("HTTPS") if !is_grpc(group) => ProbeProtocol::Https,
        _ => ProbeProtocol::Connect,
    }
}
