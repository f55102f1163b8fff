//! Plans that drain a pod or a node through Kubernetes: a label is changed, so that the service no longer selects it, and
//! the controller deregisters its target.

use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::counts;
use super::detaching::DEREGISTER;
use super::detaching::Detaching;
pub use super::detaching::Then;
use super::guard::Guard;
use super::owners;
use super::targets;
use super::targets::drains;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::elb::Target;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::inventory::Cluster;
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

/// Excludes a node from every load balancer (pkg/k8s/node_utils.go of the controller).
pub(crate) const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

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
        return directly(known, &case, &found);
    }
    Known::targets_read(&case)?;
    if !case.endpoints_usable() {
        return Err(Refusal::new(
            "the endpoints of the service could not be read lately: how many are in service is not known",
        ));
    }
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
fn directly(known: &Known<'_>, case: &Case<'_>, rows: &[&Row]) -> Result<Plan, Refusal> {
    let keys: BTreeSet<TargetKey> = rows.iter().filter_map(|it| it.key.target()).cloned().collect();
    let mut plan = targets::deregister(known, &keys)?;
    plan.change = ChangeKind::Drain;
    enough::keep_zones(&mut plan, case);
    let pods = rows.iter().any(|it| it.endpoint.as_ref().is_some_and(|it| it.pod.is_some()));
    let kept = if pods { "the pod keeps its labels" } else { "nothing changes in the cluster" };
    let what = if keys.len() == 1 { "the target is" } else { "the targets are" };
    plan.warnings.insert(0, format!("There is no controller: {what} deregistered directly, and {kept}."));
    Ok(plan)
}

fn pods(known: &Known<'_>, case: &Case<'_>, rows: &[&Row], then: Then) -> Result<Plan, Refusal> {
    let down = known.report.controller.presence == Presence::Down;
    let mut plan = Plan::new(ChangeKind::Drain, &known.report.subject, known.now, sentence(rows, then, down));
    let enough = count(&mut plan, known, case, rows);
    let pods = rows.iter().map(|row| Detaching::of(case, row)).collect::<Result<Vec<_>, _>>()?;
    let mut gone: Vec<Place> = Vec::new();
    for (pod, n) in pods.iter().zip(1..) {
        let left = rows.get(..n).unwrap_or_default();
        let guards = Known::same(case).into_iter().chain([pod.labelled(pod.value())]);
        let enough = enough.iter().map(|it| beside(it, if down { rows } else { left }));
        plan.step(pod.relabel(pod.value(), None), guards.chain(enough).collect());
        pod.say(&mut plan, known, then);
        if !down {
            for (group, targets) in leave(&mut plan, known, case, (left, pod)) {
                match gone.iter_mut().find(|it| it.0 == group) {
                    Some(it) => it.1.extend(targets),
                    None => gone.push((group, targets)),
                }
            }
        }
    }
    if down {
        gone = leave_by_us(&mut plan, case, rows);
    }
    for (group, targets) in gone {
        plan.step(Act::AwaitGone { group, targets }, Vec::new());
    }
    for (act, guards) in pods.iter().filter_map(|it| it.ending(then)) {
        plan.step(act, guards);
    }
    plan.follows.dedup();
    plan.follows.push(match rows.iter().any(|it| it.registered().is_some()) {
        true => drains(case),
        false => "No target is registered, so nothing has to drain.".to_owned(),
    });
    enough::emptied(&mut plan, case);
    if down {
        plan.warnings.push("The controller is down: the target is deregistered directly, and no replacement is registered until it is back (R registers it).".to_owned());
    }
    if rows.len() > 1 && !down {
        plan.follows.push(
            "One pod is out at a time, as the total says; the zones count all of them: replacements may come up elsewhere."
                .to_owned(),
        );
    }
    owners::warn(&mut plan, case, &[]);
    if then == Then::Delete {
        plan.lasting.push("an evicted pod does not come back; its replacement is a new pod".to_owned());
    }
    Ok(plan)
}

/// Counts what leaves, and gives what must remain each time. With a controller one pod leaves after the other, each once
/// the one before is replaced; a zone may lose all of them for good, since replacements come up where they like.
fn count(plan: &mut Plan, known: &Known<'_>, case: &Case<'_>, rows: &[&Row]) -> Vec<Guard> {
    let leaving: BTreeSet<&TargetKey> = rows.iter().filter_map(|it| it.key.target()).collect();
    plan.counts = counts::counts(known.report, &leaving, &[]);
    // Where nothing is in service nothing is waited for, and all leave together.
    if known.report.controller.presence != Presence::Down && known.report.counts.in_service > 0 {
        let serving = rows.iter().find(|it| it.registered().is_some_and(Target::serves)).or(rows.first());
        let one: BTreeSet<&TargetKey> = serving.into_iter().filter_map(|it| it.key.target()).collect();
        let at_once = counts::counts(known.report, &one, &[]).into_iter().next();
        if let Some((all, at_once)) = plan.counts.first_mut().zip(at_once) {
            *all = at_once;
        }
    }
    let name = case.arn.as_ref().map_or("", |it| it.name()).to_owned();
    let guards = enough::keep_enough(plan, case, &leaving, &name);
    enough::keep_zones(plan, case);
    guards
}

/// A guard of what remains, when these have left.
fn beside(guard: &Guard, left: &[&Row]) -> Guard {
    match guard {
        Guard::Healthy { zone, least, .. } => {
            let leaving = left.iter().filter_map(|it| it.key.target()).cloned().collect();
            Guard::Healthy { zone: zone.clone(), least: *least, leaving }
        }
        other => other.clone(),
    }
}

fn sentence(rows: &[&Row], then: Then, down: bool) -> String {
    let (pods, it, its) = match rows {
        [only] => {
            let name = only.endpoint.as_ref().and_then(|it| it.pod.clone()).unwrap_or_default();
            (format!("pod {name}"), "it", "its label")
        }
        rows if down => (format!("{} pods", rows.len()), "them", "their labels"),
        rows => (format!("{} pods, one after the other", rows.len()), "them", "their labels"),
    };
    match then {
        Then::Delete => format!("Drains {pods}, then evicts {it}."),
        Then::PutBack => format!("Drains {pods}, then puts {its} back."),
        Then::Keep => format!("Drains {pods} and leaves {it} running, detached."),
    }
}

/// Targets of a group that a drain waits for.
type Place = (TargetGroupArn, Vec<TargetKey>);

/// The steps after the label of the last of these pods is removed: its targets leave this group and every other one that
/// it leaves with its label, and its replacement gets in service. Gives the targets that have yet to drain.
fn leave(
    plan: &mut Plan,
    known: &Known<'_>,
    case: &Case<'_>,
    (left, pod): (&[&Row], &Detaching<'_>),
) -> Vec<Place> {
    let Some(row) = left.last() else { return Vec::new() };
    let key = row.key.target().cloned();
    let own = case.arn.clone().zip(key.map(|it| vec![it]));
    let places: Vec<Place> = own.into_iter().chain(elsewhere(known, case, (row, pod))).collect();
    for (group, targets) in &places {
        plan.step(Act::AwaitLeaving { group: group.clone(), targets: targets.clone() }, Vec::new());
    }
    let least = known.report.counts.in_service;
    if least > 0 {
        let leaving = left.iter().filter_map(|it| it.key.target()).cloned().collect();
        let subject = known.report.subject.clone();
        plan.step(Act::AwaitReplaced { subject, least, leaving }, Vec::new());
    }
    places
}

/// The same where no controller acts: all at once, deregistered by us. Nobody registers a replacement.
fn leave_by_us(plan: &mut Plan, case: &Case<'_>, rows: &[&Row]) -> Vec<Place> {
    // A target that is missing now may be registered before the label is removed.
    let keys: Vec<TargetKey> = rows.iter().filter_map(|it| it.key.target()).cloned().collect();
    let places: Vec<Place> =
        case.arn.clone().filter(|_| !keys.is_empty()).map(|it| (it, keys)).into_iter().collect();
    let leaving: Vec<_> = rows.iter().filter_map(|it| targets::leaving(it)).collect();
    if let Some((group, _)) = places.first().filter(|_| !leaving.is_empty()) {
        // A controller that comes back does not want it: its endpoint is gone.
        let act = Act::Deregister { group: group.clone(), role: Known::role(case), targets: leaving };
        plan.step(act, Known::same(case).into_iter().collect());
    }
    places
}

/// The targets of these pods in the groups of other bindings.
fn elsewhere(known: &Known<'_>, case: &Case<'_>, (row, pod): (&Row, &Detaching<'_>)) -> Vec<Place> {
    let (Some(reference), Some(cluster)) = (case.reference, case.cluster) else { return Vec::new() };
    let Some(name) = row.endpoint.as_ref().and_then(|it| it.pod.as_ref()) else { return Vec::new() };
    let others = known.inventory.bindings().filter(|(it, _)| {
        it.cluster == reference.cluster && it.namespace == reference.namespace && it != reference
    });
    let mut places = Vec::new();
    for (other, binding) in others {
        let Some(group) = binding.group.clone().filter(|it| Some(it) != case.arn.as_ref()) else { continue };
        // Whoever does not select by the label keeps the pod.
        let service = cluster.services.get(&binding.service_name());
        if !service.is_some_and(|it| it.selector.contains_key(&pod.label)) {
            continue;
        }
        let resolution = desired::resolve(known.inventory, &other, binding);
        let of_pods = resolution
            .endpoints
            .into_iter()
            .filter(|it| matches!(&it.backing, Backing::Pod(Some(it)) if it.name == *name));
        let keys: Vec<TargetKey> = of_pods.map(|it| it.key).collect();
        if !keys.is_empty() {
            places.push((group, keys));
        }
    }
    places
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
    let key = row.key.target();
    let leaving: BTreeSet<&TargetKey> = key.into_iter().collect();
    plan.counts = counts::counts(known.report, &leaving, &[]);
    let group = case.arn.as_ref().map_or("", |it| it.name()).to_owned();
    let mut guards: Vec<Guard> = Known::same(case).into_iter().collect();
    guards.extend(enough::keep_enough(&mut plan, case, &leaving, &group));
    enough::keep_zones(&mut plan, case);
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
