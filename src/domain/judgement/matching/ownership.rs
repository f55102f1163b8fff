//! Whose a target is that no endpoint of ours wants: a rival's, another cluster's, left over, or unknown.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::domain::facts::cluster::Pod;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Target;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::inventory::Freshness;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::case::Sides;
use crate::domain::judgement::claims::Claims;
use crate::domain::judgement::history::History;
use crate::domain::judgement::pass::Pass;
use crate::domain::judgement::standing::Standing;

/// What decides about targets of others, worked out for the first target that needs it.
pub(super) struct Owners<'a> {
    case: &'a Case<'a>,
    pass: &'a Pass<'a>,
    claims: OnceCell<Rc<Claims>>,
    hidden: OnceCell<Option<String>>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(case: &'a Case<'a>, pass: &'a Pass<'a>) -> Self {
        Self { case, pass, claims: OnceCell::new(), hidden: OnceCell::new() }
    }

    /// What the bindings on the group want.
    fn claims(&self) -> &Claims {
        self.claims.get_or_init(|| self.pass.claims(self.case))
    }

    /// Whose a target is beside ours, in words.
    fn owner(&self, target: &TargetKey) -> Option<String> {
        self.claims().owner(target, self.case.reference).map(|it| self.called(it))
    }

    fn called(&self, rival: &BindingRef) -> String {
        match self.case.reference {
            Some(ours) if ours.cluster == rival.cluster => format!("binding {rival}"),
            _ => format!("cluster {}, binding {rival}", rival.cluster),
        }
    }
}

/// Contested or Elsewhere, for a target that no endpoint of ours wants. `explained`: one is known.
pub(super) fn foreign(
    case: &Case<'_>,
    owners: &Owners<'_>,
    target: &Target,
    explained: bool,
) -> Option<(Standing, Option<String>)> {
    let owner = owners.owner(&target.key);
    let Some(binding) = case.binding else {
        let owner = owner.unwrap_or_else(|| "no binding names this group".to_owned());
        return Some((Standing::Elsewhere, Some(owner)));
    };
    if !binding.multi_cluster {
        return owner.map(|owner| (Standing::Contested, Some(owner)));
    }
    let drains = matches!(target.health.state, HealthState::Draining | HealthState::UnhealthyDraining);
    if explained && drains {
        // The controller drops what it deregisters from its list.
        return None;
    }
    let ledger = case.reference.zip(case.cluster).map(|(it, cluster)| cluster.ledgers.get(&it.ledger()));
    match ledger.flatten() {
        None => Some((
            Standing::Unknown,
            Some("the ConfigMap of the targets the controller owns could not be read".to_owned()),
        )),
        Some(Some(ledger)) if ledger.targets.contains(&target.key.identifier()) => None,
        Some(Some(_)) => Some((Standing::Elsewhere, owner)),
        Some(None) => {
            let text = "the ConfigMap of the targets the controller owns is missing: it deregisters nothing";
            Some((Standing::Elsewhere, Some(owner.unwrap_or_else(|| text.to_owned()))))
        }
    }
}

/// Lingering or Orphan: registered, not wanted, not draining.
pub(super) fn left_over(
    case: &Case<'_>,
    history: &History,
    owners: &Owners<'_>,
    sides: &Sides<'_>,
) -> (Standing, Option<String>) {
    let RowKey::Target(key) = &sides.key else { return (Standing::Lingering, None) };
    let pods = || case.cluster.zip(key.ip()).into_iter().flat_map(|(it, ip)| it.pods_at(ip));
    let ours = |pod: &Pod| case.service.is_some_and(|service| service.selects(pod));
    let terminating = || pods().any(|pod| pod.terminating() && (case.service.is_none() || ours(pod)));
    if sides.endpoint.is_some() || history.endpoint_just_known(key, case.now) || terminating() {
        return (Standing::Lingering, None);
    }
    if let Some(hidden) = owners.hidden.get_or_init(|| hidden(case, owners)) {
        return (Standing::Unknown, Some(format!("no endpoint here, but {hidden}")));
    }
    if let Some(why) = pods().find_map(|it| still_there(case, it, ours(it))) {
        return (Standing::Lingering, Some(why));
    }
    let holder = pods().find(|pod| !pod.finished() && !ours(pod));
    (Standing::Orphan, holder.map(|pod| format!("its address now belongs to pod {}", pod.name)))
}

/// How the pod the target was registered for is still there, at its address: what is wanted of it has changed, not the pod.
fn still_there(case: &Case<'_>, pod: &Pod, is_ours: bool) -> Option<String> {
    if pod.finished() {
        return None;
    }
    if is_ours {
        return Some(format!("pod {} is there, but not at this port", pod.name.name));
    }
    // The address was the pod's already when the controller last had everything as it was wanted.
    let (service, reconciled) = (case.service?, case.binding?.checkpoint_at?);
    let cluster = case.cluster?;
    let is_alike = || service.selector.iter().any(|(key, value)| pod.labels.get(key) == Some(value));
    let is_of_others = || {
        let mut others = cluster.services.values().filter(|it| it.name != service.name);
        others.any(|it| it.selects(pod))
    };
    (pod.created <= reconciled
        && pod.name.namespace == service.name.namespace
        && (is_alike() || !is_of_others()))
    .then(|| format!("service {} does not select pod {}", service.name.name, pod.name.name))
}

/// What could not be seen and may explain a target that nothing else explains.
fn hidden(case: &Case<'_>, owners: &Owners<'_>) -> Option<String> {
    if case.cluster.is_some_and(|it| !it.sees_all_bindings()) {
        return Some("bindings of other namespaces cannot be seen".to_owned());
    }
    // What the ConfigMap of a multi-cluster binding lists is ours whatever others want.
    if let Some(rival) =
        rivals_unseen(case, owners).filter(|_| case.binding.is_some_and(|it| !it.multi_cluster))
    {
        return Some(rival);
    }
    let service = case.service?;
    let (kind, of_service) = match case.instances() {
        true => (Kind::Nodes, String::new()),
        false => (Kind::Slices, format!("{}-", service.name)),
    };
    let skipped =
        &case.inventory.freshness(&Source::Kubernetes(case.reference?.cluster.clone(), kind))?.skipped;
    let skipped = skipped.keys().find(|name| name.starts_with(&of_service))?;
    Some(format!("{} could not be understood", skipped.trim_start_matches('/')))
}

/// Bindings that cannot be seen, or whose endpoints are not known.
fn rivals_unseen(case: &Case<'_>, owners: &Owners<'_>) -> Option<String> {
    let blind = case.inventory.clusters.iter().find(|(_, it)| !it.sees_all_bindings());
    if let Some((cluster, _)) = blind {
        return Some(format!("not all bindings of cluster {cluster} can be seen"));
    }
    // An API group that is not served hides nothing.
    let denied = |it: &Freshness| {
        it.read.is_none() && it.failed.as_ref().is_some_and(|(_, it)| it.kind != ErrorKind::NotFound)
    };
    let unread = case.inventory.sources.iter().find_map(|(source, freshness)| match source {
        Source::Kubernetes(_, Kind::Bindings(api)) if denied(freshness) => Some(api.version()),
        _ => None,
    });
    if let Some(version) = unread {
        return Some(format!("bindings of {version} could not be read"));
    }
    let unread = owners.claims().unread(case.reference);
    unread.map(|rival| format!("the endpoints of {} are not known", owners.called(rival)))
}
