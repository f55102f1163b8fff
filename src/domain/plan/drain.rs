//! Plans that take a pod or a node out of rotation the way Kubernetes means it: a label goes, what selected by it
//! stops matching, and the controller deregisters.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::counts;
use super::guard::Guard;
use super::owners;
use super::targets;
use super::targets::drains;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ownership::kept_by;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Kind;
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

/// What is done with a pod once it is quiet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// Its replacement runs already.
    #[default]
    Delete,
    /// The label comes back, and the ReplicaSet deletes one pod too many.
    PutBack,
    /// It stays as it is, detached, to be looked at.
    Keep,
}

impl Then {
    pub fn next(self) -> Self {
        match self {
            Self::Delete => Self::PutBack,
            Self::PutBack => Self::Keep,
            Self::Keep => Self::Delete,
        }
    }
}

/// Keeps a node out of every load balancer (controller.md §2.3).
pub const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

pub fn drain(known: &Known<'_>, rows: &[RowKey], then: Then) -> Result<Plan, Refusal> {
    let case = known.case()?;
    let mut found: Vec<&Row> = rows.iter().filter_map(|it| known.report.row(it)).collect();
    // One pod may stand in several rows; it is taken out once.
    let mut seen = BTreeSet::new();
    found.retain(|it| it.uid().is_none_or(|uid| seen.insert(uid.clone())));
    if found.is_empty() {
        return Err(Refusal::new("select the row of a pod, or mark several"));
    }
    if case.binding.is_none() {
        return Err(Refusal::new("no binding names this group: its endpoints are not known")
            .instead("deregister (X) takes the target out"));
    }
    Known::stays(&case)?;
    if known.report.controller.presence == Presence::Absent {
        let keys: BTreeSet<TargetKey> = found.iter().filter_map(|it| targets::key(it)).cloned().collect();
        let mut plan = targets::deregister(known, &keys)?;
        plan.change = ChangeKind::Drain;
        let pods = found.iter().any(|it| it.endpoint.as_ref().is_some_and(|it| it.pod.is_some()));
        let kept = if pods { "the pod keeps its labels" } else { "nothing in the cluster changes" };
        plan.warnings.insert(0, format!("There is no controller: the target is deregistered, {kept}."));
        return Ok(plan);
    }
    Known::targets_read(&case)?;
    if case.instances() {
        return node(known, &case, &found);
    }
    let effect = match found.as_slice() {
        [only] => sentence(only, then),
        rows => sentence_of_several(rows.len(), then),
    };
    let mut plan = Plan::new(ChangeKind::Drain, &known.report.subject, known.now, effect);
    let leaving: BTreeSet<&TargetKey> = found.iter().filter_map(|it| targets::key(it)).collect();
    plan.counts = counts::counts(known.report, &leaving, &[]);
    let name = case.arn.as_ref().map_or("", |it| it.name()).to_owned();
    // Of several, each promises what all of them leave.
    let enough = enough::keep_enough(&mut plan, &case, &leaving, &name);
    let mut endings = Vec::new();
    for row in &found {
        endings.extend(detach(known, &case, row, then, (&mut plan, &enough))?);
    }
    quiet(&mut plan, known, &case, &found);
    for (act, guards) in endings {
        plan.step(act, guards);
    }
    plan.follows.dedup();
    plan.follows.push(match found.iter().any(|it| it.registered().is_some()) {
        true => drains(&case),
        false => {
            "No target is registered: nothing has to drain, unless one is registered before the label goes."
                .to_owned()
        }
    });
    enough::emptied(&mut plan, &case);
    if known.report.controller.presence == Presence::Down {
        plan.warnings.push("The controller is down: the target is deregistered directly.".to_owned());
    }
    owners::warn(&mut plan, &case, &[]);
    if then == Then::Delete {
        plan.lasting.push("A deleted pod does not come back; its replacement is another pod.".to_owned());
    }
    Ok(plan)
}

/// The steps between a label that is gone and a pod that is quiet: in this group, and in every other the pod leaves
/// with its label.
fn quiet(plan: &mut Plan, known: &Known<'_>, case: &Case<'_>, rows: &[&Row]) {
    // A target that is missing now may be registered before the label goes.
    let keys: Vec<TargetKey> = rows.iter().filter_map(|it| targets::key(it)).cloned().collect();
    let mut places: Vec<(TargetGroupArn, Vec<TargetKey>)> = Vec::new();
    if let Some(group) = case.arn.clone().filter(|_| !keys.is_empty()) {
        let leaving: Vec<_> = rows.iter().filter_map(|it| targets::leaving(it)).collect();
        if known.report.controller.presence == Presence::Down && !leaving.is_empty() {
            // Nobody else does it, and whoever comes back does not want it: its endpoint is gone.
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

/// What the pods of these rows are in the groups of other bindings.
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

fn sentence_of_several(n: usize, then: Then) -> String {
    match then {
        Then::Delete => {
            format!("Takes {n} pods out of rotation, waits until they have drained, deletes them.")
        }
        Then::PutBack => {
            format!("Takes {n} pods out of rotation, waits until they have drained, puts them back.")
        }
        Then::Keep => format!("Takes {n} pods out of rotation and leaves them running, detached."),
    }
}

fn sentence(row: &Row, then: Then) -> String {
    let name = row.endpoint.as_ref().and_then(|it| it.pod.clone()).unwrap_or_default();
    match then {
        Then::Delete => format!("Takes pod {name} out of rotation, waits until it has drained, deletes it."),
        Then::PutBack => {
            format!("Takes pod {name} out of rotation, waits until it has drained, puts it back.")
        }
        Then::Keep => format!("Takes pod {name} out of rotation and leaves it running, detached."),
    }
}

/// The pod of a row, and whose it is.
fn pod_of<'a>(case: &Case<'a>, row: &Row) -> Result<(&'a ClusterId, &'a Cluster, &'a Pod), Refusal> {
    let (Some(reference), Some(cluster)) = (case.reference, case.cluster) else {
        return Err(Refusal::new("no cluster is connected"));
    };
    let name = row.endpoint.as_ref().and_then(|it| it.pod.as_ref());
    let name = name.ok_or_else(|| {
        Refusal::new(format!("no pod is behind {}", row.key)).instead("deregister (X) takes the target out")
    })?;
    let pod = cluster.pods.get(&ObjectName::new(&reference.namespace, name));
    let pod = pod.ok_or_else(|| Refusal::new(format!("pod {name} could not be read")))?;
    match pod.terminating() {
        true => Err(Refusal::new(format!("pod {name} is terminating: it drains by itself"))),
        false => Ok((&reference.cluster, cluster, pod)),
    }
}

/// The step that takes a pod's label away; gives what is done with it at the end.
fn detach(
    known: &Known<'_>,
    case: &Case<'_>,
    row: &Row,
    then: Then,
    (plan, enough): (&mut Plan, &[Guard]),
) -> Result<Option<(Act, Vec<Guard>)>, Refusal> {
    let (cluster_id, cluster, pod) = pod_of(case, row)?;
    let service = case.service.ok_or_else(|| Refusal::new("the service could not be read"))?;
    let owner = owner(cluster, pod)?;
    let (label, lost) = label(cluster, service, owner, pod)?;
    let value = pod.labels.get(&label).cloned();
    let object = || Labelled::Pod(pod.name.clone(), pod.uid.clone());
    let is = |value: &Option<String>| Guard::Label {
        object: object(),
        cluster: cluster_id.clone(),
        key: label.clone(),
        value: value.clone(),
    };
    let relabel = |from: Option<String>, to: Option<String>| Act::Label {
        cluster: cluster_id.clone(),
        object: object(),
        key: label.clone(),
        from,
        to,
    };
    let mut guards: Vec<Guard> = Known::same(case).into_iter().collect();
    guards.push(is(&value));
    guards.extend(enough.iter().cloned());
    plan.step(relabel(value.clone(), None), guards);
    let deployment = &owner.name.name;
    plan.follows.push(format!("{deployment} makes a replacement at once."));
    if then == Then::PutBack {
        plan.follows.push(format!(
            "{deployment} then has one pod too many and deletes one, not necessarily this one."
        ));
    }
    let name = &pod.name.name;
    if !lost.is_empty() {
        plan.warnings
            .push(format!("Without {label} also these no longer match {name}: {}.", lost.join(", ")));
    }
    for kind in [GuardingKind::NetworkPolicy, GuardingKind::DisruptionBudget] {
        if !known.inventory.has_read(cluster_id, Kind::Guarding(kind)) {
            let unread = format!("Whether a {} stops matching could not be read.", kind.word());
            if !plan.warnings.contains(&unread) {
                plan.warnings.push(unread);
            }
        }
    }
    if let Some(tool) = kept_by(&pod.labels) {
        plan.warnings
            .push(format!("{tool} keeps the objects of {deployment}; it does not watch single pods."));
    }
    let delete =
        || Act::DeletePod { cluster: cluster_id.clone(), name: pod.name.clone(), uid: pod.uid.clone() };
    Ok(match then {
        Then::Delete => Some((delete(), vec![is(&None)])),
        Then::PutBack => Some((relabel(None, value), vec![is(&None)])),
        Then::Keep => None,
    })
}

/// The Deployment behind a pod: only its ReplicaSet makes a replacement for a pod it lost.
fn owner<'a>(cluster: &'a Cluster, pod: &Pod) -> Result<&'a Workload, Refusal> {
    let name = &pod.name.name;
    let owner = pod.owner.as_ref();
    let kind = owner.map_or("", |it| &it.kind);
    let instead = "deregister (X) takes the target out and leaves the pod";
    if kind != "ReplicaSet" {
        let why = match kind {
            "" => format!("nothing makes a replacement for pod {name}: it has no owner"),
            "StatefulSet" => {
                format!("pod {name} is of a StatefulSet: without its label it blocks its own replacement")
            }
            "DaemonSet" => {
                format!("pod {name} is of a DaemonSet: without its label a second one starts on its node")
            }
            other => format!("pod {name} is of a {other}: what it does without its label is not known"),
        };
        return Err(Refusal::new(why).instead(instead));
    }
    let set = owner.map_or("", |it| &it.name);
    let deployments = cluster.workloads.iter().filter(|((kind, _), _)| *kind == WorkloadKind::Deployment);
    let mut of_namespace = deployments.filter(|((_, it), _)| it.namespace == pod.name.namespace);
    let found = of_namespace.find(|((_, it), _)| {
        set.strip_prefix(&it.name).and_then(|it| it.strip_prefix('-')).is_some_and(|it| !it.contains('-'))
    });
    found.map(|it| it.1).ok_or_else(|| {
        Refusal::new(format!(
            "the Deployment behind {set} could not be read: whether a replacement comes is not known"
        ))
        .instead(instead)
    })
}

/// The label to take away: one that the service and the owner select by, and that the fewest others do. With what
/// else then stops matching.
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
            "{} selects nothing that {} selects by: without the label no replacement would come",
            service.name.name, owner.name.name
        ))
        .instead("deregister (X) takes the target out and leaves the pod")),
    }
}

/// Services, with the bindings that use them, that match a pod now and would not without a label.
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

fn node(known: &Known<'_>, case: &Case<'_>, rows: &[&Row]) -> Result<Plan, Refusal> {
    let (Some(reference), Some(cluster)) = (case.reference, case.cluster) else {
        return Err(Refusal::new("no cluster is connected"));
    };
    let [row] = rows else { return Err(Refusal::new("nodes are drained one at a time: mark one row")) };
    let name = row.endpoint.as_ref().and_then(|it| it.node.clone());
    let name = name.ok_or_else(|| {
        Refusal::new(format!("no node is behind {}", row.key)).instead("deregister (X) takes the target out")
    })?;
    let node =
        cluster.nodes.get(&*name).ok_or_else(|| Refusal::new(format!("node {name} could not be read")))?;
    if node.labels.contains_key(EXCLUDE) {
        return Err(Refusal::new(format!("node {name} is kept out of load balancers already")));
    }
    let effect = format!("Keeps node {name} out of every load balancer; its pods keep running.");
    let mut plan = Plan::new(ChangeKind::Drain, &known.report.subject, known.now, effect);
    let key = targets::key(row);
    let leaving: BTreeSet<&TargetKey> = key.into_iter().collect();
    plan.counts = counts::counts(known.report, &leaving, &[]);
    let group = case.arn.as_ref().map_or("", |it| it.name()).to_owned();
    let mut guards: Vec<Guard> = Known::same(case).into_iter().collect();
    guards.extend(enough::keep_enough(&mut plan, case, &leaving, &group));
    let object = Labelled::Node(name.to_string());
    guards.push(Guard::Label {
        object: object.clone(),
        cluster: reference.cluster.clone(),
        key: EXCLUDE.to_owned(),
        value: None,
    });
    plan.step(
        Act::Label {
            cluster: reference.cluster.clone(),
            object,
            key: EXCLUDE.to_owned(),
            from: None,
            to: Some("true".to_owned()),
        },
        guards,
    );
    if let (Some(key), Some(_), Some(group)) = (key, row.registered(), &case.arn) {
        let keys = vec![key.clone()];
        plan.step(Act::AwaitLeaving { group: group.clone(), targets: keys.clone() }, Vec::new());
        plan.step(Act::AwaitGone { group: group.clone(), targets: keys }, Vec::new());
    }
    let others = known.inventory.bindings().filter(|(it, binding)| {
        it.cluster == reference.cluster
            && *it != *reference
            && binding.target_type == Some(crate::domain::facts::cluster::TargetType::Instance)
    });
    let others: Vec<String> = others.map(|(it, _)| it.to_string()).collect();
    if !others.is_empty() {
        plan.warnings
            .push(format!("The node leaves the groups of these bindings too: {}.", others.join(", ")));
    }
    plan.warnings
        .push("Services of type LoadBalancer of other controllers leave the node out too.".to_owned());
    plan.follows.push(drains(case));
    plan.follows.push("The label stays until it is taken away: undo (u) does.".to_owned());
    owners::warn(&mut plan, case, &[]);
    Ok(plan)
}
