//! The kinds that are read, as the API server names them.

use kube::core::ApiResource;

use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::BindingApi;
use crate::domain::inventory::Kind;

/// Group, version, kind and plural of a watched kind.
pub(super) fn resource(kind: Kind) -> ApiResource {
    let (group, version, name, plural) = match kind {
        Kind::Pods => ("", "v1", "Pod", "pods"),
        Kind::Services => ("", "v1", "Service", "services"),
        Kind::Slices => ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
        Kind::Nodes => ("", "v1", "Node", "nodes"),
        Kind::Workloads(WorkloadKind::Deployment) => ("apps", "v1", "Deployment", "deployments"),
        Kind::Workloads(WorkloadKind::StatefulSet) => ("apps", "v1", "StatefulSet", "statefulsets"),
        Kind::Workloads(WorkloadKind::DaemonSet) => ("apps", "v1", "DaemonSet", "daemonsets"),
        Kind::Workloads(WorkloadKind::Rollout) => ("argoproj.io", "v1alpha1", "Rollout", "rollouts"),
        Kind::Bindings(BindingApi::LoadBalancerController) => {
            ("elbv2.k8s.aws", "v1beta1", "TargetGroupBinding", "targetgroupbindings")
        }
        Kind::Bindings(BindingApi::AutoMode) => {
            ("eks.amazonaws.com", "v1", "TargetGroupBinding", "targetgroupbindings")
        }
        Kind::Ledgers => ("", "v1", "ConfigMap", "configmaps"),
        Kind::Events => ("", "v1", "Event", "events"),
        Kind::Guarding(GuardingKind::NetworkPolicy) => {
            ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
        }
        Kind::Guarding(GuardingKind::DisruptionBudget) => {
            ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
        }
        Kind::Controller => ("coordination.k8s.io", "v1", "Lease", "leases"),
    };
    named(group, version, name, plural)
}

pub(super) fn named(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    let api_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version,
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// What RBAC calls it: `targetgroupbindings.elbv2.k8s.aws`.
pub(super) fn rbac_name(kind: Kind) -> String {
    let it = resource(kind);
    match it.group.as_str() {
        "" => it.plural,
        group => format!("{}.{group}", it.plural),
    }
}

/// Nodes belong to the cluster, everything else to a namespace.
pub(super) fn namespaced(kind: Kind) -> bool {
    kind != Kind::Nodes
}

/// Whether a cluster may not serve a kind at all, so that it has to be asked first.
pub(super) fn is_optional(kind: Kind) -> bool {
    kind == Kind::Workloads(WorkloadKind::Rollout)
}

/// Selection on the server: only events about bindings are of use.
pub(super) fn field_selector(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Events => Some("involvedObject.kind=TargetGroupBinding"),
        _ => None,
    }
}
