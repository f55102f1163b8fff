//! Plans that drain a pod or a node through Kubernetes: a label is changed, so that the service no longer selects it, and
//! the controller deregisters its target.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::counts;
use super::guard::Guard;
use super::owners;
use super::targets;
use super::targets::drains;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ownership::kept_by;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Kind;
use crate::domain::inventory::deployment::deployment_of;
use crate::domain::inventory::deployment::rollout_of;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Backing;
use crate::domain::judgement::row::Row;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::Labelled;
use crate::domain::plan::enough;
use crate::domain::plan::known::Known;

/// What is done with a pod once it has drained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// It is deleted; its replacement runs already.
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

/// Excludes a node from every load balancer (pkg/k8s/node_utils.go of the controller).
pub(crate) const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

const DEREGISTER: &str = "deregister (X) removes the target";
const DEREGISTER_ONLY: &str = "deregister (X) removes the target and leaves the pod running";

/// Drains the pods of rows, or for instance targets the node of one row. Refused where no replacement would come.
pub fn drain(known: &Known<'_>, rows: &[RowKey], then: Then) -> Result<Plan, Refusal> {
    let case = known.case()?;
    let found = each_pod_once(known, rows);
    if found.is_empty() {
        return Err(Refusal::new("select the row of a pod, or mark several"));
    }
    if case.binding.is_none() {
        return Err(
            Refusal::new("no binding names this group, so its endpoints are not known").instead(DEREGISTER)
        );
    }
    Known::stays(&case)?;
    if known.report.controller.presence == Presence::Absent {
        return directly(known, &found);
    }
    Known::targets_read(&case)?;
    match case.instances() {
        true => node(known, &case, &found),
        false => pods(known, &case, &found, then),
    }
}

/// The rows asked for. A pod may have several; it is drained once.
fn each_pod_once<'a>(known: &Known<'a>, rows: &[RowKey]) -> Vec<&'a Row> {
    let mut seen = BTreeSet::new();
    let rows = rows.iter().filter_map(|it| known.report.row(it));
    rows.filter(|it| it.uid().is_none_or(|uid| seen.insert(uid.clone()))).collect()
}

/// Without a controller a label changes nothing in AWS: the targets are deregistered instead.
fn directly(known: &Known<'_>, rows: &[&Row]) -> Result<Plan, Refusal> {
    let keys: BTreeSet<TargetKey> = rows.iter().filter_map(|it| targets::key(it)).cloned().collect();
    let mut plan = targets::deregister(known, &keys)?;
    plan.change = ChangeKind::Drain;
    let pods = rows.iter().any(|it| it.endpoint.as_ref().is_some_and(|it| it.pod.is_some()));
    let kept = if pods { "the pod keeps its labels" } else { "nothing changes in the cluster" };
    let what = if keys.len() == 1 { "the target is" } else { "the targets are" };
    plan.warnings.insert(0, format!("There is no controller: {what} deregistered directly, and {kept}."));
    Ok(plan)
}

fn pods(known: &Known<'_>, case: &Case<'_>, rows: &[&Row], then: Then) -> Result<Plan, Refusal> {
    let mut plan = Plan::new(ChangeKind::Drain, &known.report.subject, known.now, sentence(rows, then));
    let leaving: BTreeSet<&TargetKey> = rows.iter().filter_map(|it| targets::key(it)).collect();
    plan.counts = counts::counts(known.report, &leaving, &[]);
    let name = case.arn.as_ref().map_or("", |it| it.name()).to_owned();
    // Each pod's step promises what all of them together leave.
    let enough = enough::keep_enough(&mut plan, case, &leaving, &name);
    let mut endings = Vec::new();
    for row in rows {
        let pod = Detaching::of(case, row)?;
        let guards = Known::same(case).into_iter().chain([pod.labelled(pod.value())]);
        plan.step(pod.relabel(pod.value(), None), guards.chain(enough.iter().cloned()).collect());
        pod.say(&mut plan, known, then);
        endings.extend(pod.ending(then));
    }
    leave(&mut plan, known, case, rows);
    for (act, guards) in endings {
        plan.step(act, guards);
    }
    plan.follows.dedup();
    plan.follows.push(match rows.iter().any(|it| it.registered().is_some()) {
        true => drains(case),
        false => "No target is registered, so nothing has to drain.".to_owned(),
    });
    enough::emptied(&mut plan, case);
    if known.report.controller.presence == Presence::Down {
        plan.warnings.push("The controller is down: the target is deregistered directly.".to_owned());
    }
    owners::warn(&mut plan, case, &[]);
    if then == Then::Delete {
        plan.lasting.push("a deleted pod does not come back; its replacement is a new pod".to_owned());
    }
    Ok(plan)
}

fn sentence(rows: &[&Row], then: Then) -> String {
    let (pods, it, its) = match rows {
        [only] => {
            let name = only.endpoint.as_ref().and_then(|it| it.pod.clone()).unwrap_or_default();
            (format!("pod {name}"), "it", "its label")
        }
        rows => (format!("{} pods", rows.len()), "them", "their labels"),
    };
    match then {
        Then::Delete => format!("Drains {pods}, then deletes {it}."),
        Then::PutBack => format!("Drains {pods}, then puts {its} back."),
        Then::Keep => format!("Drains {pods} and leaves {it} running, detached."),
    }
}

/// The steps between the removal of labels and the end of the drain: in this group, and in every other one that the
/// pods leave with their labels.
fn leave(plan: &mut Plan, known: &Known<'_>, case: &Case<'_>, rows: &[&Row]) {
    // A target that is missing now may be registered before the label is removed.
    let keys: Vec<TargetKey> = rows.iter().filter_map(|it| targets::key(it)).cloned().collect();
    let mut places: Vec<(TargetGroupArn, Vec<TargetKey>)> = Vec::new();
    if let Some(group) = case.arn.clone().filter(|_| !keys.is_empty()) {
        let leaving: Vec<_> = rows.iter().filter_map(|it| targets::leaving(it)).collect();
        if known.report.controller.presence == Presence::Down && !leaving.is_empty() {
            // Nobody else does it, and a controller that comes back does not want it: its endpoint is gone.
            let act = Act::Deregister { group: group.clone(), role: Known::role(case), targets: leaving };
            plan.step(act, Known::same(case).into_iter().collect());
            plan.step(Act::AwaitGone { group, targets: keys }, Vec::new());
        } else {
            places.push((group, keys));
        }
    }
    places.extend(elsewhere(known, case, rows));
    for (group, targets) in &places {
        plan.step(Act::AwaitLeaving { group: group.clone(), targets: targets.clone() }, Vec::new());
    }
    for (group, targets) in places {
        plan.step(Act::AwaitGone { group, targets }, Vec::new());
    }
}

/// The targets of these pods in the groups of other bindings.
fn elsewhere(known: &Known<'_>, case: &Case<'_>, rows: &[&Row]) -> Vec<(TargetGroupArn, Vec<TargetKey>)> {
    let Some(reference) = case.reference else { return Vec::new() };
    let pods: BTreeSet<String> = rows.iter().filter_map(|it| it.endpoint.as_ref()?.pod.clone()).collect();
    let others = known.inventory.bindings().filter(|(it, _)| {
        it.cluster == reference.cluster && it.namespace == reference.namespace && it != reference
    });
    let mut places = Vec::new();
    for (other, binding) in others {
        let Some(group) = binding.group.clone().filter(|it| Some(it) != case.arn.as_ref()) else { continue };
        let resolution = desired::resolve(known.inventory, &other, binding);
        let of_pods = resolution
            .endpoints
            .into_iter()
            .filter(|it| matches!(&it.backing, Backing::Pod(Some(name)) if pods.contains(&name.name)));
        let keys: Vec<TargetKey> = of_pods.map(|it| it.key).collect();
        if !keys.is_empty() {
            places.push((group, keys));
        }
    }
    places
}

/// A pod that is about to lose the label by which its service selects it.
struct Detaching<'a> {
    cluster_id: &'a ClusterId,
    pod: &'a Pod,
    deployment: &'a Workload,
    /// The label that is removed.
    label: String,
    /// What else selects the pod by that label, in words.
    lost: Vec<String>,
}

impl<'a> Detaching<'a> {
    fn of(case: &Case<'a>, row: &Row) -> Result<Self, Refusal> {
        let (cluster_id, cluster, pod) = pod_of(case, row)?;
        let service = case.service.ok_or_else(|| Refusal::new("the service could not be read"))?;
        let deployment = owner(cluster, pod)?;
        let (label, lost) = label(cluster, service, deployment, pod)?;
        Ok(Self { cluster_id, pod, deployment, label, lost })
    }

    fn object(&self) -> Labelled {
        Labelled::Pod(self.pod.name.clone(), self.pod.uid.clone())
    }

    /// The label's value now.
    fn value(&self) -> Option<String> {
        self.pod.labels.get(&self.label).cloned()
    }

    fn labelled(&self, value: Option<String>) -> Guard {
        let (cluster, key) = (self.cluster_id.clone(), self.label.clone());
        Guard::Label { object: self.object(), cluster, key, value }
    }

    fn relabel(&self, from: Option<String>, to: Option<String>) -> Act {
        let (cluster, key) = (self.cluster_id.clone(), self.label.clone());
        Act::Label { cluster, object: self.object(), key, from, to }
    }

    /// What is done with the pod once it has drained.
    fn ending(&self, then: Then) -> Option<(Act, Vec<Guard>)> {
        let Pod { name, uid, .. } = self.pod;
        let act = match then {
            Then::Delete => {
                Act::DeletePod { cluster: self.cluster_id.clone(), name: name.clone(), uid: uid.clone() }
            }
            Then::PutBack => self.relabel(None, self.value()),
            Then::Keep => return None,
        };
        Some((act, vec![self.labelled(None)]))
    }

    fn say(&self, plan: &mut Plan, known: &Known<'_>, then: Then) {
        let (deployment, name) = (&self.deployment.name.name, &self.pod.name.name);
        plan.follows.push(format!("Deployment {deployment} starts a replacement at once."));
        if then == Then::PutBack {
            plan.follows.push(format!(
                "Deployment {deployment} then has one pod too many and deletes one, not necessarily this one."
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

/// The plan that excludes the node of a row from every load balancer.
fn node(known: &Known<'_>, case: &Case<'_>, rows: &[&Row]) -> Result<Plan, Refusal> {
    let (Some(reference), Some(cluster)) = (case.reference, case.cluster) else {
        return Err(Refusal::new("no cluster is connected"));
    };
    let [row] = rows else { return Err(Refusal::new("nodes are drained one at a time: mark one row")) };
    let name = node_of(cluster, row)?;
    let effect = format!("Excludes node {name} from every load balancer; its pods keep running.");
    let mut plan = Plan::new(ChangeKind::Drain, &known.report.subject, known.now, effect);
    let key = targets::key(row);
    let leaving: BTreeSet<&TargetKey> = key.into_iter().collect();
    plan.counts = counts::counts(known.report, &leaving, &[]);
    let group = case.arn.as_ref().map_or("", |it| it.name()).to_owned();
    let mut guards: Vec<Guard> = Known::same(case).into_iter().collect();
    guards.extend(enough::keep_enough(&mut plan, case, &leaving, &group));
    exclude(&mut plan, &reference.cluster, name, guards);
    if let (Some(key), Some(_), Some(group)) = (key, row.registered(), &case.arn) {
        let keys = vec![key.clone()];
        plan.step(Act::AwaitLeaving { group: group.clone(), targets: keys.clone() }, Vec::new());
        plan.step(Act::AwaitGone { group: group.clone(), targets: keys }, Vec::new());
    }
    let others = instance_bindings(known, reference);
    if !others.is_empty() {
        plan.warnings
            .push(format!("The node also leaves the groups of these bindings: {}.", others.join(", ")));
    }
    plan.warnings
        .push("Other controllers' services of type LoadBalancer also stop using the node.".to_owned());
    plan.follows.push(drains(case));
    plan.follows.push("The label stays until it is removed: undo (u) removes it.".to_owned());
    owners::warn(&mut plan, case, &[]);
    Ok(plan)
}

/// The name of a row's node that is not excluded yet.
fn node_of(cluster: &Cluster, row: &Row) -> Result<String, Refusal> {
    let name = row.endpoint.as_ref().and_then(|it| it.node.clone());
    let name =
        name.ok_or_else(|| Refusal::new(format!("no node is behind {}", row.key)).instead(DEREGISTER))?;
    let node = cluster.nodes.get(&*name);
    let node = node.ok_or_else(|| Refusal::new(format!("node {name} could not be read")))?;
    match node.labels.contains_key(EXCLUDE) {
        true => Err(Refusal::new(format!("node {name} is already excluded from load balancers"))),
        false => Ok(name.to_string()),
    }
}

/// The step that adds the label to a node.
fn exclude(plan: &mut Plan, cluster: &ClusterId, node: String, mut guards: Vec<Guard>) {
    let (object, cluster, key) = (Labelled::Node(node), cluster.clone(), EXCLUDE.to_owned());
    guards.push(Guard::Label {
        object: object.clone(),
        cluster: cluster.clone(),
        key: key.clone(),
        value: None,
    });
    plan.step(Act::Label { cluster, object, key, from: None, to: Some("true".to_owned()) }, guards);
}

/// The other bindings of a cluster that register nodes.
fn instance_bindings(known: &Known<'_>, reference: &BindingRef) -> Vec<String> {
    let others = known.inventory.bindings().filter(|(it, binding): &(BindingRef, &Binding)| {
        it.cluster == reference.cluster
            && it != reference
            && binding.target_type == Some(TargetType::Instance)
    });
    others.map(|(it, _)| it.to_string()).collect()
}
