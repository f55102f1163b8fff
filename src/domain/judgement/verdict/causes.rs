//! Why no endpoint of a binding is wanted, and why its workloads make no more pods, as far as was read.

use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::Workload;
use crate::domain::inventory::Kind;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::desired::Exclusion;
use crate::domain::judgement::rollout::RolloutState;
use crate::domain::judgement::settled;

pub(super) const NO_PODS_NEXT: &str =
    "mend what keeps the workload from making pods; it tries again by itself";

/// Why something is so, and what to do about it.
type Cause = (String, &'static str);

/// Why nothing is wanted although service and port exist; `None`: nothing tells.
pub(super) fn none_wanted(case: &Case<'_>) -> Option<Cause> {
    if let Some(stuck) = stuck(case) {
        return Some((stuck, NO_PODS_NEXT));
    }
    let service = case.service?;
    if service.kind == ServiceType::ExternalName {
        let why = format!("service {} is of type ExternalName, which has no endpoints", service.name.name);
        return Some((why, "bind a service that selects pods"));
    }
    if case.instances() {
        return no_node(case);
    }
    if case.selected.is_empty() && !service.selector.is_empty() && case.fresh(Kind::Pods) {
        let next = "correct the selector of the service, or the labels of the pod template";
        return Some((no_pod(case, service), next));
    }
    let all_are = |exclusion| {
        let mut all = case.resolution.endpoints.iter().peekable();
        all.peek().is_some() && all.all(|it| it.exclusion == Some(exclusion))
    };
    let why = "its endpoints name no pods, and the controller only registers pods";
    let next = "register such addresses in a group that no binding names, or run the program as pods";
    all_are(Exclusion::NoPodReference).then(|| (why.to_owned(), next))
}

/// Every node is left out.
fn no_node(case: &Case<'_>) -> Option<Cause> {
    let nodes = &case.cluster?.nodes;
    if nodes.is_empty() || !case.fresh(Kind::Nodes) {
        return None;
    }
    let fargate = |label: &str| label == "eks.amazonaws.com/compute-type";
    let is_fargate =
        nodes.values().all(|it| it.labels.iter().any(|(key, value)| fargate(key) && value == "fargate"));
    let (why, next) = match is_fargate {
        true => (
            "every node is of Fargate, which cannot be an instance target",
            "use a target group of type ip: it can have the pods themselves",
        ),
        false => (
            "no node is Ready and suitable: labels, taints or the binding's nodeSelector leave them out",
            "see the labels and taints of the nodes, and spec.nodeSelector of the binding",
        ),
    };
    Some((why.to_owned(), next))
}

/// No pod has the labels that the service selects by; a workload whose pods miss just one of them is named.
fn no_pod(case: &Case<'_>, service: &Service) -> String {
    let selector: Vec<String> =
        service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let differs = |it: &Workload| {
        let wrong: Vec<(&String, Option<&String>)> = service
            .selector
            .iter()
            .map(|(key, value)| (key, value, it.template_labels.get(key)))
            .filter(|(_, value, found)| *found != Some(*value))
            .map(|(key, _, found)| (key, found))
            .collect();
        match wrong.as_slice() {
            [(key, Some(found))] => {
                Some(format!("; the pods of {} {} have {key}={found}", it.kind.word(), it.name.name))
            }
            [(key, None)] if service.selector.len() > 1 => {
                Some(format!("; the pods of {} {} have no label {key}", it.kind.word(), it.name.name))
            }
            _ => None,
        }
    };
    let workloads = case.cluster.into_iter().flat_map(|it| it.workloads_in(&service.name.namespace));
    let like = workloads.into_iter().find_map(differs).unwrap_or_default();
    format!("service {} selects {}, which no pod has{like}", service.name.name, selector.join(","))
}

/// Why a workload behind the binding makes no more pods.
pub(super) fn stuck(case: &Case<'_>) -> Option<String> {
    settled::workloads(case).iter().find_map(|it| match it {
        RolloutState::Stuck(_, why) => Some(why.clone()),
        _ => None,
    })
}
