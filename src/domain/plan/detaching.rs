//! A pod that leaves its service by a label: which label, what else selects it by that, and who replaces it.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::guard::Guard;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ownership::kept_by;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Kind;
use crate::domain::inventory::deployment::deployment_of;
use crate::domain::inventory::deployment::rollout_of;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::row::Row;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Labelled;
use crate::domain::plan::known::Known;

pub(super) const DEREGISTER: &str = "deregister (X) removes the target";
const DEREGISTER_ONLY: &str = "deregister (X) removes the target and leaves the pod running";

/// What is done with a pod once it has drained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// It is evicted; its replacement runs already.
    #[default]
    Delete,
    /// Its label comes back, and the ReplicaSet deletes one pod too many.
    PutBack,
    /// It keeps running without its label, for debugging.
    Keep,
}

impl Then {
    /// The next choice, round and round.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Delete => Self::PutBack,
            Self::PutBack => Self::Keep,
            Self::Keep => Self::Delete,
        }
    }
}

/// A pod that is about to lose the label by which its service selects it.
pub(super) struct Detaching<'a> {
    cluster_id: &'a ClusterId,
    pod: &'a Pod,
    deployment: &'a Workload,
    /// The label that is removed.
    pub(super) label: String,
    /// What else selects the pod by that label, in words.
    lost: Vec<String>,
    /// Other bindings that keep the pod: their services do not select by that label.
    kept: Vec<String>,
}

impl<'a> Detaching<'a> {
    pub(super) fn of(case: &Case<'a>, row: &Row) -> Result<Self, Refusal> {
        let (cluster_id, cluster, pod) = pod_of(case, row)?;
        let service = case.service.ok_or_else(|| Refusal::new("the service could not be read"))?;
        let deployment = owner(cluster, pod)?;
        let (label, lost) = label(cluster, service, deployment, pod)?;
        let keeps = |it: &&Service| it.selects(pod) && !it.selector.contains_key(&label);
        let services: BTreeSet<&ObjectName> =
            cluster.services.values().filter(keeps).map(|it| &it.name).collect();
        let kept = cluster.bindings.values().filter(|it| services.contains(&it.service_name()));
        let kept = kept.map(|it| format!("binding {}", it.name.name)).collect();
        Ok(Self { cluster_id, pod, deployment, label, lost, kept })
    }

    fn object(&self) -> Labelled {
        Labelled::Pod(self.pod.name.clone(), self.pod.uid.clone())
    }

    /// The label's value now.
    pub(super) fn value(&self) -> Option<String> {
        self.pod.labels.get(&self.label).cloned()
    }

    pub(super) fn labelled(&self, value: Option<String>) -> Guard {
        let (cluster, key) = (self.cluster_id.clone(), self.label.clone());
        Guard::Label { object: self.object(), cluster, key, value }
    }

    pub(super) fn relabel(&self, from: Option<String>, to: Option<String>) -> Act {
        let (cluster, key) = (self.cluster_id.clone(), self.label.clone());
        Act::Label { cluster, object: self.object(), key, from, to }
    }

    /// What is done with the pod once it has drained.
    pub(super) fn ending(&self, then: Then) -> Option<(Act, Vec<Guard>)> {
        let Pod { name, uid, .. } = self.pod;
        let act = match then {
            Then::Delete => {
                Act::EvictPod { cluster: self.cluster_id.clone(), name: name.clone(), uid: uid.clone() }
            }
            Then::PutBack => self.relabel(None, self.value()),
            Then::Keep => return None,
        };
        Some((act, vec![self.labelled(None)]))
    }

    pub(super) fn say(&self, plan: &mut Plan, known: &Known<'_>, then: Then) {
        let (deployment, name) = (&self.deployment.name.name, &self.pod.name.name);
        plan.follows.push(format!("Deployment {deployment} starts a replacement at once."));
        if then == Then::PutBack {
            plan.follows.push(format!(
                "Deployment {deployment} then has one pod too many and deletes one, not necessarily this one."
            ));
        }
        if !self.kept.is_empty() && then == Then::Delete {
            let kept = self.kept.join(", ");
            plan.warnings.push(format!(
                "{name} stays a target of {kept}, whose service does not select by {}: its eviction ends it there undrained.",
                self.label
            ));
        }
        if !self.lost.is_empty() {
            let lost = self.lost.join(", ");
            plan.warnings
                .push(format!("Without label {}, {name} is no longer selected by {lost}.", self.label));
        }
        for kind in [GuardingKind::NetworkPolicy, GuardingKind::DisruptionBudget] {
            if !known.inventory.has_read(self.cluster_id, Kind::Guarding(kind)) {
                let kind = kind.word();
                let unread = format!("Whether a {kind} selects the pod by its label could not be read.");
                if !plan.warnings.contains(&unread) {
                    plan.warnings.push(unread);
                }
            }
        }
        if let Some(tool) = kept_by(&self.pod.labels) {
            plan.warnings
                .push(format!("{tool} manages Deployment {deployment}; it does not watch single pods."));
        }
    }
}

/// The pod of a row, with its cluster.
fn pod_of<'a>(case: &Case<'a>, row: &Row) -> Result<(&'a ClusterId, &'a Cluster, &'a Pod), Refusal> {
    let (Some(reference), Some(cluster)) = (case.reference, case.cluster) else {
        return Err(Refusal::new("no cluster is connected"));
    };
    let name = row.endpoint.as_ref().and_then(|it| it.pod.as_ref());
    let name =
        name.ok_or_else(|| Refusal::new(format!("no pod is behind {}", row.key)).instead(DEREGISTER))?;
    let pod = cluster.pods.get(&ObjectName::new(&reference.namespace, name));
    let pod = pod.ok_or_else(|| Refusal::new(format!("pod {name} could not be read")))?;
    match pod.terminating() {
        true => Err(Refusal::new(format!("pod {name} is already terminating and drains by itself"))),
        false => Ok((&reference.cluster, cluster, pod)),
    }
}

/// The Deployment behind a pod: only its ReplicaSet replaces a pod that lost its label.
fn owner<'a>(cluster: &'a Cluster, pod: &Pod) -> Result<&'a Workload, Refusal> {
    let name = &pod.name.name;
    let why = match pod.owner.as_ref() {
        None => format!("pod {name} has no owner, so nothing replaces it"),
        Some(it) if &*it.kind == "ReplicaSet" => {
            let deployment = deployment_of(cluster, pod)
                .and_then(|name| cluster.workloads.get(&(WorkloadKind::Deployment, name)));
            match deployment {
                Some(deployment) => return Ok(deployment),
                None if rollout_of(pod).is_some() => format!(
                    "pod {name} belongs to ReplicaSet {} of an Argo Rollout, which a drain does not follow",
                    it.name
                ),
                None => format!(
                    "no Deployment behind ReplicaSet {} could be read, so whether the pod is replaced is not known",
                    it.name
                ),
            }
        }
        Some(it) => match &*it.kind {
            "StatefulSet" => format!(
                "pod {name} belongs to StatefulSet {}: without its label it blocks its own replacement",
                it.name
            ),
            "DaemonSet" => format!(
                "pod {name} belongs to DaemonSet {}: without its label a second pod starts on its node",
                it.name
            ),
            other => format!(
                "pod {name} belongs to {other} {}: whether it is replaced without its label is not known",
                it.name
            ),
        },
    };
    Err(Refusal::new(why).instead(DEREGISTER_ONLY))
}

/// The label to remove: one that the service and the Deployment select by, and that the fewest others do; with those
/// others.
fn label(
    cluster: &Cluster,
    service: &Service,
    owner: &Workload,
    pod: &Pod,
) -> Result<(String, Vec<String>), Refusal> {
    let candidates = service.selector.keys().filter(|key| owner.selector.contains_key(*key));
    let mut choices: Vec<(usize, String, Vec<String>)> = candidates
        .map(|key| {
            let lost = lost(cluster, service, pod, key);
            (lost.len(), key.clone(), lost)
        })
        .collect();
    choices.sort();
    match choices.into_iter().next() {
        Some((_, key, lost)) => Ok((key, lost)),
        None => Err(Refusal::new(format!(
            "service {} and Deployment {} share no selector label, so a pod without one would not be replaced",
            service.name.name, owner.name.name
        ))
        .instead(DEREGISTER_ONLY)),
    }
}

/// Services, with the bindings that use them, NetworkPolicies and PodDisruptionBudgets that select a pod and would not
/// without a label.
fn lost(cluster: &Cluster, service: &Service, pod: &Pod, key: &str) -> Vec<String> {
    let others = cluster
        .services
        .values()
        .filter(|it| it.name != service.name && it.selects(pod) && it.selector.contains_key(key));
    let mut lost: Vec<String> = others.map(|it| format!("service {}", it.name.name)).collect();
    let services: BTreeSet<&ObjectName> = cluster
        .services
        .values()
        .filter(|it| it.selects(pod) && it.selector.contains_key(key))
        .map(|it| &it.name)
        .collect();
    let through = cluster.bindings.values().filter(|it| services.contains(&it.service_name()));
    let bindings: Vec<String> = through.map(|it| format!("binding {}", it.name.name)).collect();
    // The binding this is about is meant to lose it.
    if bindings.len() > 1 {
        lost.extend(bindings);
    }
    let guarding = cluster
        .guarding
        .values()
        .filter(|it| it.name.namespace == pod.name.namespace && it.selector.matches(&pod.labels));
    let mut without = pod.labels.clone();
    without.remove(key);
    lost.extend(
        guarding
            .filter(|it| !it.selector.matches(&without))
            .map(|it| format!("{} {}", it.kind.word(), it.name.name)),
    );
    lost
}
