//! The kinds the lab's API server serves: one row each.

/// A kind as discovery shows it.
#[derive(Debug)]
pub(in crate::lab) struct Kind {
    /// `deployments.apps`: what RBAC and messages call it.
    pub(in crate::lab) id: &'static str,
    pub(in crate::lab) group: &'static str,
    pub(in crate::lab) version: &'static str,
    pub(in crate::lab) name: &'static str,
    pub(in crate::lab) plural: &'static str,
    pub(in crate::lab) short: &'static [&'static str],
    pub(in crate::lab) namespaced: bool,
    pub(in crate::lab) subresources: &'static [&'static str],
    /// In the category `all` of `kubectl get all`.
    pub(in crate::lab) in_all: bool,
    /// Counts its changes of spec in `metadata.generation`.
    pub(in crate::lab) generation: bool,
    /// Fields a field selector may name beside `metadata.name` and `metadata.namespace`.
    pub(in crate::lab) fields: &'static [&'static str],
}

impl Kind {
    pub(in crate::lab) fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    pub(in crate::lab) fn singular(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

macro_rules! kinds {
    ($($id:literal = $group:literal $version:literal $kind:literal $plural:literal $($option:ident $(: [$($value:literal)*])?)*;)*) => {
        pub(in crate::lab) static KINDS: &[Kind] = &[$({
            #[allow(unused_mut, reason = "a row without options changes nothing")]
            let mut it = Kind {
                id: $id, group: $group, version: $version, name: $kind, plural: $plural,
                short: &[], namespaced: true, subresources: &[], in_all: false, generation: false, fields: &[],
            };
            $(kinds!(@set it $option $([$($value)*])?);)*
            it
        }),*];
    };
    (@set $it:ident cluster) => { $it.namespaced = false };
    (@set $it:ident all) => { $it.in_all = true };
    (@set $it:ident generation) => { $it.generation = true };
    (@set $it:ident short [$($value:literal)*]) => { $it.short = &[$($value),*] };
    (@set $it:ident sub [$($value:literal)*]) => { $it.subresources = &[$($value),*] };
    (@set $it:ident fields [$($value:literal)*]) => { $it.fields = &[$($value),*] };
}

kinds! {
    "configmaps" = "" "v1" "ConfigMap" "configmaps" short: ["cm"];
    "events" = "" "v1" "Event" "events" short: ["ev"]
        fields: ["involvedObject.kind" "involvedObject.namespace" "involvedObject.name" "involvedObject.uid"
            "involvedObject.apiVersion" "involvedObject.resourceVersion" "involvedObject.fieldPath" "reason"
            "reportingComponent" "source" "type"];
    "namespaces" = "" "v1" "Namespace" "namespaces" cluster short: ["ns"] sub: ["status"] fields: ["status.phase"];
    "nodes" = "" "v1" "Node" "nodes" cluster short: ["no"] sub: ["status"] fields: ["spec.unschedulable"];
    "pods" = "" "v1" "Pod" "pods" all generation short: ["po"] sub: ["eviction" "status"]
        fields: ["spec.nodeName" "spec.restartPolicy" "spec.schedulerName" "spec.serviceAccountName"
            "spec.hostNetwork" "status.phase" "status.podIP" "status.nominatedNodeName"];
    "serviceaccounts" = "" "v1" "ServiceAccount" "serviceaccounts" short: ["sa"];
    "services" = "" "v1" "Service" "services" all short: ["svc"] sub: ["status"]
        fields: ["spec.clusterIP" "spec.type"];
    "validatingwebhookconfigurations.admissionregistration.k8s.io" = "admissionregistration.k8s.io" "v1"
        "ValidatingWebhookConfiguration" "validatingwebhookconfigurations" cluster generation;
    "mutatingwebhookconfigurations.admissionregistration.k8s.io" = "admissionregistration.k8s.io" "v1"
        "MutatingWebhookConfiguration" "mutatingwebhookconfigurations" cluster generation;
    "customresourcedefinitions.apiextensions.k8s.io" = "apiextensions.k8s.io" "v1"
        "CustomResourceDefinition" "customresourcedefinitions" cluster generation short: ["crd" "crds"] sub: ["status"];
    "daemonsets.apps" = "apps" "v1" "DaemonSet" "daemonsets" all generation short: ["ds"] sub: ["status"];
    "deployments.apps" = "apps" "v1" "Deployment" "deployments" all generation short: ["deploy"] sub: ["scale" "status"];
    "replicasets.apps" = "apps" "v1" "ReplicaSet" "replicasets" all generation short: ["rs"] sub: ["scale" "status"];
    "statefulsets.apps" = "apps" "v1" "StatefulSet" "statefulsets" all generation short: ["sts"] sub: ["scale" "status"];
    "leases.coordination.k8s.io" = "coordination.k8s.io" "v1" "Lease" "leases";
    "endpointslices.discovery.k8s.io" = "discovery.k8s.io" "v1" "EndpointSlice" "endpointslices" generation;
    "ingresses.networking.k8s.io" = "networking.k8s.io" "v1" "Ingress" "ingresses" generation short: ["ing"] sub: ["status"];
    "gateways.gateway.networking.k8s.io" = "gateway.networking.k8s.io" "v1" "Gateway" "gateways" generation short: ["gtw"] sub: ["status"];
    "networkpolicies.networking.k8s.io" = "networking.k8s.io" "v1" "NetworkPolicy" "networkpolicies" generation short: ["netpol"];
    "poddisruptionbudgets.policy" = "policy" "v1" "PodDisruptionBudget" "poddisruptionbudgets" generation
        short: ["pdb"] sub: ["status"];
    "targetgroupbindings.elbv2.k8s.aws" = "elbv2.k8s.aws" "v1beta1" "TargetGroupBinding" "targetgroupbindings"
        generation sub: ["status"];
    "targetgroupbindings.eks.amazonaws.com" = "eks.amazonaws.com" "v1" "TargetGroupBinding" "targetgroupbindings"
        generation sub: ["status"];
}

/// Names of kinds the lab's own controllers use.
pub(in crate::lab) const PODS: &str = "pods";
pub(in crate::lab) const SERVICES: &str = "services";
pub(in crate::lab) const NODES: &str = "nodes";
pub(in crate::lab) const EVENTS: &str = "events";
pub(in crate::lab) const NAMESPACES: &str = "namespaces";
pub(in crate::lab) const CONFIG_MAPS: &str = "configmaps";
pub(in crate::lab) const DEPLOYMENTS: &str = "deployments.apps";
pub(in crate::lab) const REPLICA_SETS: &str = "replicasets.apps";
pub(in crate::lab) const SLICES: &str = "endpointslices.discovery.k8s.io";
pub(in crate::lab) const LEASES: &str = "leases.coordination.k8s.io";
pub(in crate::lab) const BINDINGS: &str = "targetgroupbindings.elbv2.k8s.aws";
pub(in crate::lab) const AUTO_MODE: &str = "targetgroupbindings.eks.amazonaws.com";
pub(in crate::lab) const CRDS: &str = "customresourcedefinitions.apiextensions.k8s.io";
pub(in crate::lab) const VALIDATING: &str = "validatingwebhookconfigurations.admissionregistration.k8s.io";
pub(in crate::lab) const MUTATING: &str = "mutatingwebhookconfigurations.admissionregistration.k8s.io";

/// The row of a kind, by its id.
pub(in crate::lab) fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.id == id)
}

/// The row of a kind, by what a path has.
pub(in crate::lab) fn named(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.group == group && it.version == version && it.plural == plural)
}
