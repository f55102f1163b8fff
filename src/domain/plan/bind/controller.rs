//! Whether a controller would follow a binding that does not exist yet, and whether pods would wait for it.

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::GATE;
use crate::domain::facts::cluster::GATED;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ownership::AUTO_MODE_TAG;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::KnownGroup;
use crate::domain::judgement::controller;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Refusal;
use crate::domain::plan::known::report_of;

/// Whether the cluster has a controller, by its own signs and those at other bindings.
pub(super) fn presence(
    inventory: &Inventory,
    cluster: &ClusterId,
    api: BindingApi,
    now: Timestamp,
) -> Presence {
    let of_kind = |it: &(BindingRef, &Binding)| it.0.cluster == *cluster && it.0.api == api;
    let other = inventory.bindings().filter(of_kind).find(|(_, binding)| !binding.finalizers.is_empty());
    let judged = other.and_then(|(it, _)| report_of(inventory, &Subject::Binding(it), now));
    if let Some(report) = judged {
        return report.controller.presence;
    }
    if api == BindingApi::AutoMode {
        // It runs outside of the cluster, and there is no trace of it yet.
        return Presence::Unknown;
    }
    let signs = inventory.cluster(cluster).map(|it| &it.signs);
    signs.map_or(Presence::Unknown, |it| controller::by_signs(it, None, now).0)
}

/// Pods get readiness gates when they are created, where their namespace has the label: those that exist have none for
/// a new binding. Where the label could not be read, pods that have gates tell.
pub(super) fn gates(cluster: &Cluster, namespace: &str) -> Option<String> {
    let pods = cluster.pods.values().filter(|it| it.name.namespace == namespace);
    let seen = pods.flat_map(|it| &it.gates).any(|it| it.starts_with(GATE));
    match (cluster.gated.get(namespace), seen) {
        (Some(true), _) | (None, true) => Some("Existing pods have no readiness gate for this binding until they are restarted: gates are injected when a pod is created.".to_owned()),
        (Some(false), _) => Some(format!("The namespace has no label {GATED}=enabled: its pods get no readiness gate, so a rollout does not wait for their targets.")),
        (None, false) => None,
    }
}

/// EKS Auto Mode may register only in groups that carry its tag (AmazonEKSLoadBalancingPolicy).
pub(super) fn tagged(known: Option<&KnownGroup>, cluster: &Cluster, api: BindingApi) -> Result<(), Refusal> {
    let tags = known.and_then(|it| it.tags.as_ref());
    let (BindingApi::AutoMode, Some(tags)) = (api, tags) else { return Ok(()) };
    let named = cluster.signs.cluster_name.as_deref();
    let tag = tags.get(AUTO_MODE_TAG);
    if tag.is_some_and(|tag| named.is_none_or(|named| named == tag)) {
        return Ok(());
    }
    let name = named.unwrap_or("CLUSTER");
    Err(Refusal::new(format!("EKS Auto Mode may register only in groups tagged {AUTO_MODE_TAG}={name}"))
        .instead("add the tag to the target group"))
}
