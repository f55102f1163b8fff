//! What becomes of a target: registration, health checks against what its pod or node really does, draining.

use serde_json::Value;

use super::model::Group;
use super::model::Health;
use super::model::Key;
use super::model::State;
use super::model::Target;
use super::model::TargetRef;
use crate::lab::clock::Millis;
use crate::lab::controllers::image::Answers;
use crate::lab::controllers::liveness::is_alive;
use crate::lab::ec2::firewall;
use crate::lab::json::at;
use crate::lab::json::condition_status;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::kinds::SERVICES;
use crate::lab::kubernetes::select::picks;
use crate::lab::kubernetes::store::Change;
use crate::lab::queue::Task;
use crate::lab::random;
use crate::lab::world::World;

/// Milliseconds a registration takes: an application load balancer's, a network load balancer's.
const REGISTRATION: Millis = 2_000;
const NETWORK_REGISTRATION: Millis = 60_000;

const NOT_ROUTED: &str = "Target group is not configured to receive traffic from the load balancer";
const ZONE_OFF: &str = "Target is in an Availability Zone that is not enabled for the load balancer";

/// How a health check would end now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Check {
    Passes,
    Fails { reason: &'static str, description: String },
}

fn timeout(network: bool) -> Check {
    let description = if network { "Connection to target timed out" } else { "Request timed out" };
    Check::Fails { reason: "Target.Timeout", description: description.to_owned() }
}

fn refused() -> Check {
    Check::Fails { reason: "Target.FailedHealthChecks", description: "Health checks failed".to_owned() }
}

fn check(world: &World, group: &Group, key: &Key) -> Check {
    if !firewall::lets_through(world, group, key) {
        return timeout(group.check.protocol == "TCP");
    }
    match group.target_type.as_str() {
        "instance" => check_instance(world, group, key),
        _ => match world.pod_at(&key.id) {
            Some(pod) => check_pod(world, group, pod, i64::from(key.port)),
            None => timeout(group.check.protocol == "TCP"),
        },
    }
}

fn check_pod(world: &World, group: &Group, pod: &Value, port: i64) -> Check {
    if !is_alive(world, text(pod, "spec.nodeName")) {
        return timeout(group.check.protocol == "TCP");
    }
    if !listens(pod, group.check.port.parse().unwrap_or(port)) {
        return refused();
    }
    if group.check.protocol == "TCP" {
        return Check::Passes;
    }
    match world.images.of(pod).answer(&group.check.path) {
        Answers::Status(code) if matches(&group.check.matcher, code) => Check::Passes,
        Answers::Status(code) => Check::Fails {
            reason: "Target.ResponseCodeMismatch",
            description: format!("Health checks failed with these codes: [{code}]"),
        },
        Answers::Slow => timeout(false),
        Answers::Refused => refused(),
    }
}

/// Whether a container of a pod runs, and listens on a port: where it declares none, on all of them.
pub(in crate::lab) fn listens(pod: &Value, port: i64) -> bool {
    let running = list(pod, "status.containerStatuses").iter().any(|it| !at(it, "state.running").is_null());
    let ports = list(pod, "spec.containers").iter().flat_map(|it| list(it, "ports"));
    let declared: Vec<i64> = ports.map(|it| number(it, "containerPort")).collect();
    running && (declared.is_empty() || declared.contains(&port))
}

/// A node answers on a node port for any ready pod of the service, or only for its own.
fn check_instance(world: &World, group: &Group, key: &Key) -> Check {
    let Some(instance) = world.elb.instances.get(&key.id) else { return timeout(true) };
    if !is_alive(world, &instance.node) {
        return timeout(group.check.protocol == "TCP");
    }
    let port =
        |it: &Value| list(it, "spec.ports").iter().any(|it| number(it, "nodePort") == i64::from(key.port));
    let Some(service) = world.kube.objects(SERVICES, None).find(|it| port(it)).cloned() else {
        return refused();
    };
    let local = text(&service, "spec.externalTrafficPolicy") == "Local";
    let ready = world.kube.objects(PODS, Some(text(&service, "metadata.namespace"))).filter(|pod| {
        picks(at(&service, "spec.selector"), pod)
            && condition_status(pod, "Ready") == "True"
            && (!local || text(pod, "spec.nodeName") == instance.node)
    });
    let ready: Vec<_> = ready.cloned().collect();
    match ready.first() {
        None if local => Check::Fails {
            reason: "Target.ResponseCodeMismatch",
            description: "Health checks failed with these codes: [503]".to_owned(),
        },
        None => refused(),
        Some(pod) => {
            let any = Group {
                check: super::model::HealthCheck { port: String::new(), ..group.check.clone() },
                ..group.clone()
            };
            let port = list(pod, "spec.containers")
                .iter()
                .flat_map(|it| list(it, "ports"))
                .next()
                .map_or(0, |it| number(it, "containerPort"));
            check_pod(world, &any, pod, port)
        }
    }
}

/// Whether a code is one of `200`, `200,202` or `200-299`.
fn matches(matcher: &str, code: u16) -> bool {
    matcher.split(',').any(|part| match part.split_once('-') {
        Some((from, to)) => {
            from.trim().parse().is_ok_and(|it: u16| it <= code)
                && to.trim().parse().is_ok_and(|it: u16| code <= it)
        }
        None => part.trim().parse() == Ok(code),
    })
}

/// Why a target cannot be used at all; `None`: it is checked.
fn unused(world: &World, group: &Group, key: &Key, target: &Target) -> Option<Health> {
    let unused = |reason, description| Some(Health::new(State::Unused, reason, description));
    if group.target_type == "instance" {
        let state = world.elb.instances.get(&key.id);
        if state.is_none_or(|it| !it.running) {
            return unused("Target.InvalidState", "Target is in the stopped state");
        }
    }
    if world.elb.is_load_balancers(&key.id) {
        let why = "The IP address cannot be used as a target, as it is in use by a load balancer";
        return unused("Target.IpUnusable", why);
    }
    let mut load_balancers = world.elb.load_balancers_of(&group.arn).into_iter().peekable();
    if load_balancers.peek().is_none() {
        return unused("Target.NotInUse", NOT_ROUTED);
    }
    let enabled = |arn: String| {
        world
            .elb
            .load_balancers
            .get(&arn)
            .is_some_and(|it| target.zone == "all" || it.zones.contains(&target.zone))
    };
    if load_balancers.any(enabled) { None } else { unused("Target.NotInUse", ZONE_OFF) }
}

/// A new registration; one that drains becomes a new one.
pub(in crate::lab) fn register(world: &mut World, group: &str, key: &Key, zone: &str) {
    let now = world.now;
    let Some(found) = world.elb.groups.get_mut(group) else { return };
    if found.targets.get(key).is_some_and(|it| it.health.state != State::Draining) {
        return;
    }
    let health = Health::registering();
    let target = Target { zone: zone.to_owned(), registered: now, health, next: None, gone: None };
    found.targets.insert(key.clone(), target);
    world.elb.registered.entry(key.id.clone()).or_default().insert((group.to_owned(), key.clone()));
    reconsider(world, group, key);
}

/// A target leaves: it drains, or is gone at once when it was never used. One that is not there is no error.
pub(in crate::lab) fn deregister(world: &mut World, group: &str, key: &Key) {
    let now = world.now;
    let Some(found) = world.elb.groups.get_mut(group) else { return };
    let delay = found.delay();
    let Some(target) = found.targets.get_mut(key) else { return };
    match target.health.state {
        State::Draining => return,
        State::Unused => return world.elb.remove_target(group, key),
        State::Initial | State::Healthy | State::Unhealthy => {}
    }
    target.health = Health::draining();
    target.next = None;
    target.gone = Some(now + delay);
    world.due(now + delay, Task::Health((group.to_owned(), key.clone())));
}

/// What is due for a target is done, and what comes next is worked out.
pub(in crate::lab) fn judge(world: &mut World, (group, key): &TargetRef) {
    let now = world.now;
    let Some(found) = world.elb.groups.get_mut(group) else { return };
    let Some(target) = found.targets.get_mut(key) else { return };
    if let Some(gone) = target.gone {
        match gone <= now {
            true => world.elb.remove_target(group, key),
            false => world.due(gone, Task::Health((group.clone(), key.clone()))),
        }
        return;
    }
    match target.next.clone() {
        Some((at, health)) if at <= now => {
            target.health = health;
            target.next = None;
        }
        _ => {}
    }
    reconsider(world, group, key);
}

/// Works out what a target will be next, from what a health check would find now.
pub(in crate::lab) fn reconsider(world: &mut World, group: &str, key: &Key) {
    let Some(found) = world.elb.groups.get(group) else { return };
    let Some(target) = found.targets.get(key) else { return };
    if target.gone.is_some() {
        return;
    }
    let unused = unused(world, found, key, target);
    let next = match unused {
        Some(health) if target.health == health => None,
        Some(health) => Some((world.now.max(target.registered + 1_000), health)),
        None => following((key, target), found, &check(world, found, key), world.now),
    };
    let Some(target) = world.elb.groups.get_mut(group).and_then(|it| it.targets.get_mut(key)) else { return };
    // What was under way towards the same end stays under way.
    let same = match (&target.next, &next) {
        (Some((_, old)), Some((_, new))) => old == new,
        (old, new) => old.is_none() && new.is_none(),
    };
    if !same {
        target.next = next;
    }
    if let Some((at, _)) = target.next.clone() {
        world.due(at, Task::Health((group.to_owned(), key.clone())));
    }
}

/// The next health of a target that is checked, and when.
fn following(
    (key, target): (&Key, &Target),
    group: &Group,
    check: &Check,
    now: Millis,
) -> Option<(Millis, Health)> {
    let registration = if group.is_network() { NETWORK_REGISTRATION } else { REGISTRATION };
    let settings = &group.check;
    let interval = settings.interval.max(1) * 1000;
    let first = target.registered + registration;
    // Checks come at their interval from the end of the registration on, each target's at its own moment.
    let phase = i64::try_from(random::hash(&key.identifier()) % 1_000).unwrap_or(0);
    let begin = first + interval * phase / 1_000;
    let rounds = ((now - begin).max(0) + interval - 1) / interval;
    let next_check = begin + rounds * interval;
    let state = &target.health;
    if state.state == State::Unused {
        let health =
            Health::new(State::Initial, "Elb.InitialHealthChecking", "Initial health checks in progress");
        return Some((now, health));
    }
    if state.reason == "Elb.RegistrationInProgress" && now < first {
        let health =
            Health::new(State::Initial, "Elb.InitialHealthChecking", "Initial health checks in progress");
        return Some((first, health));
    }
    match check {
        Check::Passes => {
            let after = match state.state {
                State::Healthy => return None,
                // One check is enough for a new target; one that failed must pass several.
                State::Initial => 0,
                _ => (settings.healthy - 1).max(0) * interval,
            };
            Some((
                (next_check + after).max(now),
                Health { state: State::Healthy, reason: "", description: String::new() },
            ))
        }
        Check::Fails { reason, description } => {
            let health = Health::new(State::Unhealthy, reason, description);
            let wait = if *reason == "Target.Timeout" { settings.timeout * 1000 } else { 0 };
            let after = match state.state {
                State::Unhealthy if *state == health => return None,
                State::Unhealthy => 0,
                _ => (settings.unhealthy - 1).max(0) * interval,
            };
            Some((next_check + after + wait, health))
        }
    }
}

/// A pod changed: the targets at its address see it.
pub(in crate::lab) fn pod_changed(world: &mut World, change: &Change) {
    let address = |it: &Value| text(it, "status.podIP").to_owned();
    let mut addresses = vec![address(&change.new)];
    addresses.extend(change.old.iter().map(|it| address(it)));
    addresses.dedup();
    for address in addresses.iter().filter(|it| !it.is_empty()) {
        let touched: Vec<TargetRef> =
            world.elb.registered.get(address).into_iter().flatten().cloned().collect();
        for (group, key) in touched {
            reconsider(world, &group, &key);
        }
    }
    if world.elb.groups.values().any(|it| it.target_type == "instance") {
        all_changed(world, |it| it.target_type == "instance");
    }
}

/// A node changed: so may every target there.
pub(in crate::lab) fn node_changed(world: &mut World) {
    all_changed(world, |_| true);
}

/// Looks anew at every target of some groups: a route, a firewall or a setting changed.
pub(in crate::lab) fn all_changed(world: &mut World, of: impl Fn(&Group) -> bool) {
    let all: Vec<TargetRef> = world
        .elb
        .groups
        .values()
        .filter(|it| of(it))
        .flat_map(|group| group.targets.keys().map(|key| (group.arn.clone(), key.clone())))
        .collect();
    for (group, key) in all {
        reconsider(world, &group, &key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_know_lists_and_ranges() {
        let table = [
            ("200", 200, true),
            ("200", 503, false),
            ("200,302", 302, true),
            ("200-399", 301, true),
            ("200-299", 301, false),
        ];
        for (matcher, code, expected) in table {
            assert_eq!(matches(matcher, code), expected, "{matcher} {code}");
        }
    }
}
