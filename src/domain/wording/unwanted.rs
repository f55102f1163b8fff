//! Why an endpoint is left out or a pod held back from being ready by what is not its own doing, and who can change that.

use crate::domain::facts::cluster::Status;
use crate::domain::judgement::desired::Exclusion;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::GateSetter;
use crate::domain::judgement::row::OtherGate;
use crate::domain::judgement::row::Subject;
use crate::domain::wording::around::Around;

pub(super) fn text(exclusion: Exclusion) -> &'static str {
    match exclusion {
        Exclusion::NoPodReference => "its endpoint names no pod, and the controller only registers pods",
        Exclusion::PodMissing => "the pod its endpoint names does not exist",
        Exclusion::Terminating => "its pod is terminating",
        Exclusion::ContainersNotReady => "the containers of its pod are not ready",
        Exclusion::NodeNotReady => "its node is not Ready",
        Exclusion::NodeUnknown => "nothing is heard from its node (its Ready condition is Unknown)",
        Exclusion::NodeMissing => "its node does not exist",
        Exclusion::NoQuicServerId => "its pod has no QUIC server ID",
        Exclusion::BindingDeleted => "its binding is being deleted",
        Exclusion::PortNotDeclared => {
            "its EndpointSlice has no such port: the service's targetPort is a name that no container of the pod declares"
        }
        Exclusion::OtherFamily => {
            "it has no endpoint of the binding's address family (spec.ipAddressType), only of the other"
        }
        Exclusion::NodeExcluded => "a label, a taint or the binding's node selector excludes its node",
    }
}

/// What makes the endpoint wanted, where that is for a person to do.
pub(super) fn next(exclusion: Exclusion, side: &EndpointSide, around: &Around<'_>) -> Option<String> {
    Some(match exclusion {
        Exclusion::NoPodReference => {
            "register such an address in a group that no binding names, or run the program as a pod".to_owned()
        }
        Exclusion::NodeNotReady | Exclusion::NodeUnknown => {
            format!("see why: {}", around.of_node(side))
        }
        Exclusion::NodeExcluded => format!(
            "see its labels and taints: {}",
            around.of_node(side)
        ),
        Exclusion::NoQuicServerId => {
            "label the namespace elbv2.k8s.aws/quic-server-id-inject=enabled, name the containers in the pods' annotation service.beta.kubernetes.io/aws-load-balancer-quic-enabled-containers, and let the pods be made anew"
                .to_owned()
        }
        Exclusion::PortNotDeclared => {
            "declare a port of that name in the pod's container, or make the service's targetPort a number".to_owned()
        }
        Exclusion::OtherFamily => {
            "give the service that family as well (spec.ipFamilies), or bind to a group of the family that the pods have"
                .to_owned()
        }
        Exclusion::PodMissing
        | Exclusion::Terminating
        | Exclusion::ContainersNotReady
        | Exclusion::NodeMissing
        | Exclusion::BindingDeleted => return None,
    })
}

/// What makes Kubernetes count the pod as ready again.
pub(super) fn gate_next(gate: &OtherGate) -> Option<String> {
    Some(match &gate.setter {
        GateSetter::Binding(name) => {
            format!("mend the targets of binding {name}: its own board says why they are not healthy")
        }
        GateSetter::NoSuchBinding(_) => {
            "restart the workload, whose pods got the gate when they were made; if the gate stands in the pod template, take it out there"
                .to_owned()
        }
        GateSetter::FirstController => format!("take {} out of the pod template", gate.name),
        GateSetter::Other => return None,
    })
}

/// Why a gate that is not this binding's keeps a pod from being ready, and who could change that.
pub(super) fn gate_words(gate: &OtherGate, around: &Around<'_>) -> String {
    let status = match gate.status {
        Status::True => "True",
        Status::False => "False",
        Status::Unknown => "not set",
    };
    let reason = gate.reason.as_ref().map_or(String::new(), |it| format!(" ({it})"));
    let not_ready = "Not Ready for Kubernetes:";
    match &gate.setter {
        GateSetter::Binding(name) => {
            let namespace = match around.subject {
                Subject::Binding(it) => format!("{}/", it.namespace),
                Subject::Group(_) => String::new(),
            };
            format!("{not_ready} the gate of binding {name} is {status}{reason}, see {namespace}tgb/{name}.")
        }
        GateSetter::NoSuchBinding(name) => format!(
            "{not_ready} the gate of binding {name} is {status}, and there is no such binding: nobody sets it. The controller put it in when the pod was made."
        ),
        GateSetter::FirstController => {
            format!("{not_ready} {} is a gate of controller v1, which no later version sets.", gate.name)
        }
        GateSetter::Other => {
            format!("{not_ready} the gate {} is {status}{reason}: whoever sets it has not.", gate.name)
        }
    }
}
