//! The join: endpoints and targets side by side, each exactly once, and what each row comes to.

mod fit;
mod ownership;
mod sides;

use std::collections::BTreeSet;

use self::ownership::Owners;
use self::sides::Lookup;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Reason;
use crate::domain::facts::elb::Target;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Kind;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::case::Sides;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Backing;
use crate::domain::judgement::desired::Endpoint;
use crate::domain::judgement::history::History;
use crate::domain::judgement::pass::Pass;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::Flag;
use crate::domain::judgement::row::Grounds;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;

/// Pods we took out of the service, as long as they are there: at the place of the target they were.
fn detached<'a>(case: &Case<'a>, history: &History) -> Vec<(RowKey, &'a Pod)> {
    if history.detached().is_empty() {
        return Vec::new();
    }
    let Some((cluster, reference)) = case.cluster.zip(case.reference) else { return Vec::new() };
    let pods = cluster.pods_in(&reference.namespace);
    let ours = pods.filter(|pod| !case.service.is_some_and(|it| it.selects(pod)));
    ours.filter_map(|pod| {
        let key = history.detached().get(&pod.uid)?;
        Some((key.clone().map_or_else(|| RowKey::Pod(pod.uid.clone()), RowKey::Target), pod))
    })
    .collect()
}

/// What stands on a key on one side.
#[derive(Clone, Copy)]
enum Half<'a> {
    Endpoint(&'a Endpoint),
    Pod(&'a Pod),
    Detached(&'a Pod),
    Target(&'a Target),
}

/// Everything of both sides in the order of the keys; on one key in the order above.
fn halves<'a>(case: &'a Case<'_>, history: &History) -> Vec<(RowKey, Half<'a>)> {
    let targets = || case.targets().into_iter().flat_map(|it| &it.targets);
    let registered: BTreeSet<&TargetKey> = targets().filter(|_| case.instances()).map(|it| &it.key).collect();
    // Nodes that are left out are rows only where they are still registered.
    let shown = |it: &&Endpoint| {
        let left_out = matches!(it.backing, Backing::Node(_)) && it.wanted == Some(false);
        !left_out || registered.contains(&it.key)
    };
    let endpoints = case.resolution.endpoints.iter().filter(shown);
    let pod = |name| case.cluster.and_then(|it| it.pods.get(name));
    let loose = case.resolution.loose_pods.iter().filter_map(pod);
    let mut halves: Vec<(RowKey, Half<'_>)> = endpoints
        .map(|it| (RowKey::Target(it.key.clone()), Half::Endpoint(it)))
        .chain(loose.map(|it| (RowKey::Pod(it.uid.clone()), Half::Pod(it))))
        .chain(detached(case, history).into_iter().map(|(key, it)| (key, Half::Detached(it))))
        .chain(targets().map(|it| (RowKey::Target(it.key.clone()), Half::Target(it))))
        .collect();
    halves.sort_by(|a, b| a.0.cmp(&b.0));
    halves
}

/// All rows of a subject, worst first.
pub(crate) fn rows(case: &Case<'_>, pass: &Pass<'_>, history: &History) -> Vec<Row> {
    let (lookup, owners) = (Lookup::of(case), Owners::new(case, pass));
    let halves = halves(case, history);
    let on_one_key = |a: &(RowKey, Half<'_>), b: &(RowKey, Half<'_>)| a.0 == b.0;
    let mut rows = Vec::with_capacity(halves.chunk_by(on_one_key).count());
    rows.extend(halves.chunk_by(on_one_key).filter_map(|halves| {
        let (mut endpoints, mut target) = (Vec::with_capacity(1), None);
        for (_, half) in halves {
            match *half {
                Half::Endpoint(it) => endpoints.push(sides::side(case, it, &lookup)),
                Half::Pod(it) => endpoints.push(sides::loose_side(case, it, &lookup)),
                // Until the slices follow, its endpoint is what counts.
                Half::Detached(pod) if endpoints.iter().any(|it| it.uid.as_ref() == Some(&pod.uid)) => {}
                Half::Detached(pod) => endpoints.push(sides::detached_side(case, pod, &lookup)),
                Half::Target(it) => target = Some(it),
            }
        }
        // The endpoint that counts: the wanted one, else the newest.
        endpoints.sort_by_key(|it| {
            (it.wanted != Some(true), it.ready != Some(true), std::cmp::Reverse(it.created))
        });
        let mut endpoints = endpoints.into_iter();
        let (key, endpoint) = (halves.first()?.0.clone(), endpoints.next());
        Some(judge(case, history, &owners, Sides { key, endpoint, others: endpoints.collect(), target }))
    }));
    worst_first(rows)
}

/// Problems first, then the worse standing; among equals the order stays, which is that of the keys.
fn worst_first(rows: Vec<Row>) -> Vec<Row> {
    let mut order: Vec<((bool, u8), usize)> =
        rows.iter().map(|row| (!row.problem, row.standing.rank())).zip(0..).collect();
    if order.is_sorted() {
        return rows;
    }
    order.sort_unstable();
    // Rows are large: each is moved once, not at every step of the sort.
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(rows.len());
    sorted.extend(order.into_iter().filter_map(|(_, at)| rows.get_mut(at)?.take()));
    sorted
}

fn judge(case: &Case<'_>, history: &History, owners: &Owners<'_>, sides: Sides<'_>) -> Row {
    let wanted = match (&sides.endpoint, &case.resolution.backend) {
        (Some(endpoint), _) => endpoint.wanted,
        (None, Backend::Unread(_) | Backend::Broken(_)) => None,
        (None, _) if case.binding.is_none() => None,
        (None, _) => Some(false),
    };
    let (mut standing, mut note) = standing(case, history, owners, &sides, wanted);
    let grounds = Grounds::of(sides.endpoint.as_ref(), wanted);
    let state = sides.target.map(|it| &it.health.state);
    let found = fit::outdated(case, history, (standing, state), (&sides.key, &grounds));
    let outdated = found.as_ref().map(|it| it.0);
    let stood = found.and_then(|it| it.1);
    if let Some(why) = outdated {
        (standing, note) = match &stood {
            Some(it) => (it.standing, None),
            None => (Standing::Unknown, Some(why.text().to_owned())),
        };
    }
    let seen = stood.unwrap_or_else(|| history.seen(&sides.key, grounds.uid.as_ref(), standing, case.now));
    let state_since = sides.target.and_then(|it| history.state_since(&it.key, &it.health.state, case.now));
    let former = sides.key.target().filter(|_| sides.endpoint.is_none());
    let mut row = Row {
        former_pod: former.and_then(|it| history.former_pod(it)).cloned(),
        key: sides.key,
        endpoint: sides.endpoint,
        others: sides.others,
        target: sides.target.cloned(),
        wanted,
        standing,
        note,
        flags: Vec::new(),
        since: seen.since,
        first_seen: seen.first,
        state_since,
        problem: false,
        outdated,
    };
    row.flags = flags(case, &row);
    row.problem = outdated.is_none() && problem(case, history, &row);
    row
}

/// The first standing that matches, with whose it is or what is missing.
fn standing(
    case: &Case<'_>,
    history: &History,
    owners: &Owners<'_>,
    sides: &Sides<'_>,
    wanted: Option<bool>,
) -> (Standing, Option<String>) {
    let unknown = |text: &str| (Standing::Unknown, Some(text.to_owned()));
    if let Some(why) = unreadable(case) {
        return (Standing::Unknown, Some(why));
    }
    let state = sides.target.map(|it| &it.health.state);
    let reason = sides.target.and_then(|it| it.health.reason.as_ref());
    if let Some(HealthState::Unavailable | HealthState::Unknown(_)) = state {
        let text = state.map(HealthState::text).unwrap_or_default();
        return (Standing::Unknown, Some(format!("AWS reports the state {text}")));
    }
    if let Some(target) = sides.target
        && sides.endpoint.as_ref().is_none_or(|it| it.wanted == Some(false))
        && let Some(foreign) = ownership::foreign(case, owners, target, sides.endpoint.is_some())
    {
        return foreign;
    }
    let Some(wanted) = wanted else { return unknown("what the endpoint depends on could not be read") };
    let draining = matches!(state, Some(HealthState::Draining));
    let registered = state.is_some() && reason != Some(&Reason::NotRegistered);
    if wanted && !registered && case.unreadable() > 0 {
        return unknown("some targets in the answer of AWS could not be read");
    }
    if wanted && (!registered || draining) {
        return (Standing::Unregistered, None);
    }
    let unhealthy = matches!(state, Some(HealthState::Unhealthy | HealthState::UnhealthyDraining));
    if unhealthy {
        match passive(case, sides.endpoint.as_ref()) {
            Some(true) => return (Standing::Passive, None),
            Some(false) => {}
            None => return unknown("whether a ready pod is on the node could not be read"),
        }
    }
    if matches!(state, Some(HealthState::Unused))
        && matches!(reason, Some(Reason::InvalidState | Reason::IpUnusable))
    {
        return (Standing::Dead, None);
    }
    match (wanted, state) {
        (true, Some(HealthState::Unused)) => (Standing::Idle, None),
        (true, Some(HealthState::Unhealthy | HealthState::UnhealthyDraining)) => (Standing::Failing, None),
        (true, Some(HealthState::Initial)) => (Standing::Registering, None),
        (true, Some(HealthState::Healthy)) => (Standing::InService, None),
        (false, Some(HealthState::Draining | HealthState::UnhealthyDraining)) => (Standing::Draining, None),
        (_, None) => (Standing::Waiting, None),
        (_, Some(_)) if !registered => (Standing::Waiting, None),
        (_, Some(_)) => ownership::left_over(case, history, owners, sides),
    }
}

/// Why no row of the board can be judged.
fn unreadable(case: &Case<'_>) -> Option<String> {
    let text = match (&case.arn, case.targets()) {
        (None, _) => "the binding names no target group",
        (Some(_), _) if case.is_gone() => {
            "the target group does not exist any more: nothing can be registered"
        }
        (Some(_), None) => "the health of the targets was not read",
        (Some(_), Some(_)) if !case.targets_usable() => "the health of the targets is too old",
        (Some(_), Some(_)) => match (case.binding, &case.resolution.backend) {
            (None, _) => return None,
            (Some(_), Backend::Broken(problem)) => problem,
            (Some(_), _) if case.endpoints_usable() => return None,
            (Some(_), _) => "the endpoints of the service could not be read",
        },
    };
    Some(text.to_owned())
}

/// Instance target under `externalTrafficPolicy: Local` without a ready pod on its node; `None`: pods unread.
fn passive(case: &Case<'_>, endpoint: Option<&EndpointSide>) -> Option<bool> {
    match endpoint.filter(|_| case.instances() && case.service.is_some_and(|it| it.local_traffic_only)) {
        Some(_) if !case.has_read(Kind::Pods) => None,
        Some(endpoint) => Some(endpoint.ready_pods == 0),
        None => Some(false),
    }
}

fn flags(case: &Case<'_>, row: &Row) -> Vec<Flag> {
    let mut flags = Vec::new();
    if let Some(side) = row.endpoint.as_ref().filter(|_| row.wanted == Some(true)) {
        if !row.held_by().is_empty() {
            flags.push(Flag::OtherGate);
        }
        if side.node_leaving.is_some() && row.live() {
            flags.push(Flag::NodeLeaving);
        }
    }
    if row.standing != Standing::InService {
        return flags;
    }
    if case.routes.all_weightless() {
        flags.push(Flag::WeightZero);
    }
    if case.routes.none_lead() {
        flags.push(Flag::NoLoadBalancer);
    }
    if let Some(target) = &row.target {
        if target.shifted.is_some() {
            flags.push(Flag::ZonalShift);
        }
        if target.anomalous {
            flags.push(Flag::Anomaly);
        }
    }
    if row.endpoint.as_ref().and_then(|it| it.gate).is_some_and(|it| it != Status::True) {
        flags.push(Flag::GateNotTrue);
    }
    flags
}

fn problem(case: &Case<'_>, history: &History, row: &Row) -> bool {
    let seconds = case.now.since(row.since.unwrap_or(row.first_seen));
    // What was so when we first looked may be older than we can tell, but gets the grace all the same.
    let outlasted = history.outlasted(seconds, || case.just_written());
    match row.standing {
        Standing::Unknown | Standing::Elsewhere | Standing::Passive | Standing::Draining => false,
        Standing::Contested | Standing::Dead | Standing::Failing => true,
        Standing::Unregistered | Standing::Lingering | Standing::Orphan => outlasted,
        Standing::Idle => !case.routes.list().is_empty(),
        Standing::Registering => is_overdue(case, row),
        Standing::InService => {
            row.flags.iter().any(|it| matches!(it, Flag::Anomaly | Flag::NoLoadBalancer))
                || is_held(case, row)
        }
        Standing::Waiting => {
            let ours = row.uid().is_some_and(|uid| history.detached().contains_key(uid));
            let served = !ours && row.uid().is_some_and(|uid| history.served(uid));
            let wrong = match row.endpoint.as_ref().and_then(|it| it.wait.as_ref()) {
                Some(reason) => !reason.starting,
                // A ready pod that is not wanted all the same waits for nothing that comes by itself; of a binding that is
                // being deleted that is meant.
                None => {
                    row.uid().is_some() && outlasted && case.binding.is_none_or(|it| it.deleted.is_none())
                }
            };
            !row.terminating() && (served || wrong)
        }
    }
}

/// It was registering for longer than that takes when its health was asked for: what has become of it since is not known.
fn is_overdue(case: &Case<'_>, row: &Row) -> bool {
    let Some((group, targets)) = case.target_group().zip(case.targets()) else { return false };
    let seen = row.since.unwrap_or(row.first_seen);
    let closed = row.endpoint.as_ref().and_then(|it| it.gate_closed);
    let since = closed.map_or(seen, |it| it.min(seen));
    targets.asked.since(since) > group.registration_allowance()
}

/// Gates of others that never open, or have been closed for longer than a target takes to get its first checks.
fn is_held(case: &Case<'_>, row: &Row) -> bool {
    let created = row.endpoint.as_ref().and_then(|it| it.created);
    let allowed = case.target_group().map(TargetGroup::registration_allowance);
    let is_late = |since: Option<Timestamp>| {
        let closed = since.or(created).map(|it| case.now.since(it));
        closed.zip(allowed).is_some_and(|(closed, allowed)| closed > allowed)
    };
    row.held_by().iter().any(|it| it.is_nobodys() || is_late(it.since))
}

#[cfg(test)]
mod tests;
