//! Why something is as it is, in plain words for someone who knows Kubernetes: what it means, and what to do next. What
//! AWS means by its states and reasons is documented with `DescribeTargetHealth`.

use crate::domain::facts::elb::HealthCheck;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Reason;
use crate::domain::facts::elb::Target;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::time::Timestamp;
use crate::domain::facts::time::age;
use crate::domain::judgement::controller::Activity;
use crate::domain::judgement::controller::Controller;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Exclusion;
use crate::domain::judgement::report::Deleting;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Flag;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::row::WaitCode;
use crate::domain::judgement::standing::Standing;
use crate::domain::wording::unsettled;

/// What to say about a row or a binding: a sentence, facts under it, one to a line, and the next step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) headline: String,
    pub(crate) facts: Vec<String>,
    pub(crate) next: Option<String>,
}

fn say(headline: impl Into<String>) -> Explanation {
    Explanation { headline: headline.into(), facts: Vec::new(), next: None }
}

impl Explanation {
    fn fact(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Why a row has its standing.
pub(crate) fn of_row(row: &Row, group: Option<&TargetGroup>, controller: &Controller) -> Explanation {
    let mut words = match row.standing {
        Standing::Unknown => say(row.note.clone().unwrap_or_else(|| "What is needed to judge this row could not be read".to_owned())),
        Standing::Contested => say(format!("Not ours: it belongs to {}.", owner(row)))
            .fact("This binding is not multi-cluster: its controller deregisters every target that is not an endpoint of its service.")
            .next("set multiClusterTargetGroup on every binding of this group, or give each its own group"),
        Standing::Elsewhere => say(format!("Not ours, and left alone: {}.", owner(row))),
        Standing::Unregistered => unregistered(row, controller),
        Standing::Passive => say("No ready pod of the service on this node: unhealthy by design with externalTrafficPolicy: Local."),
        Standing::Lingering => lingering(row, controller),
        Standing::Orphan => orphan(row, controller),
        Standing::Waiting => waiting(row),
        Standing::Dead
        | Standing::Idle
        | Standing::Failing
        | Standing::Registering
        | Standing::InService
        | Standing::Draining => row.target.as_ref().map_or_else(|| say(row.standing.meaning()), |it| of_health(it, group)),
    };
    if row.standing == Standing::InService && row.flags.is_empty() {
        words = say("Healthy: the load balancer sends it traffic.");
    }
    for flag in &row.flags {
        words.facts.push(flag_words(*flag).to_owned());
    }
    if row.outdated && row.standing != Standing::Unknown {
        words.facts.push(
            "Its endpoint changed after the health was asked for: this is how it stood before. The health is read again."
                .to_owned(),
        );
    }
    let description = row.target.as_ref().and_then(|it| it.health.description.as_deref());
    if let Some(description) = description.filter(|it| !words.headline.contains(*it)) {
        words.facts.push(format!("AWS says: {description}."));
    }
    if row.others.len() == 1 {
        words.facts.push("Another endpoint has the same address and port.".to_owned());
    } else if row.others.len() > 1 {
        words.facts.push(format!("{} other endpoints have the same address and port.", row.others.len()));
    }
    words
}

fn owner(row: &Row) -> String {
    row.note.clone().unwrap_or_else(|| "no connected cluster knows it".to_owned())
}

/// What can be expected of the controller about a target that is not as it should be.
enum Expected<'a> {
    /// It acts by itself within seconds.
    Acts,
    /// It tries, and fails with this.
    Fails(&'a str),
    /// Its checkpoint matches the endpoints, so it does not read the targets.
    Idle,
    /// No controller follows the binding.
    Nobody,
}

fn expected(controller: &Controller) -> Expected<'_> {
    match (controller.is_nobody(), controller.fails_with(), &controller.activity) {
        (true, ..) => Expected::Nobody,
        (_, Some(error), _) => Expected::Fails(error),
        (_, _, Activity::Asleep { .. }) => Expected::Idle,
        _ => Expected::Acts,
    }
}

/// That it does not happen, and with what.
fn fails(words: Explanation, error: &str) -> Explanation {
    words.fact(format!("The controller fails: {}.", controller_error(error).trim_end_matches('.')))
}

/// The part of an error of the controller that says what is wrong: what its calls to AWS wrap around the answer is left
/// out.
pub(crate) fn controller_error(error: &str) -> &str {
    let cause = error.rsplit_once(", api error ").map_or(error, |it| it.1);
    cause.trim_start_matches("FailedReconcile: ").trim_start_matches("Failed reconcile due to ")
}

const FAILS_NEXT: &str = "fix what the controller complains of; it tries again by itself, within 17 minutes";

fn unregistered(row: &Row, controller: &Controller) -> Explanation {
    let draining = row.state() == Some(&HealthState::Draining);
    let words = match draining {
        true => say("The endpoint is wanted, but its target is still draining and gets no new traffic."),
        false => say("The endpoint is wanted but not registered in the target group."),
    };
    match expected(controller) {
        Expected::Nobody => {
            words.next(format!("register it (R): no controller follows this binding ({})", controller.sign))
        }
        Expected::Idle => words
            .fact("The controller is idle: its checkpoint matches the endpoints, so it does not notice what someone else deregistered.")
            .next("r forces a reconcile, R registers the target now"),
        Expected::Fails(error) => fails(words, error).next(format!("{FAILS_NEXT}. R registers the target meanwhile")),
        Expected::Acts => words.next("the controller registers it within seconds; if not, register it (R)"),
    }
}

fn lingering(row: &Row, controller: &Controller) -> Explanation {
    let why = row
        .endpoint
        .as_ref()
        .and_then(|it| it.exclusion)
        .map_or("its endpoint has just disappeared", exclusion);
    let mut words = say(format!("Still registered, although no longer wanted: {why}."));
    if let Some(wait) = row.endpoint.as_ref().and_then(|it| it.wait.as_ref()) {
        let message = wait.message.as_ref().map_or(String::new(), |it| format!(": {it}"));
        words.facts.push(format!("Pod: {}{message}.", wait.code));
    }
    match expected(controller) {
        Expected::Nobody => {
            words.next(format!("deregister it (X): no controller follows this binding ({})", controller.sign))
        }
        Expected::Fails(error) => {
            fails(words, error).next(format!("{FAILS_NEXT}. X deregisters the target meanwhile"))
        }
        Expected::Idle | Expected::Acts => {
            words.next("the controller deregisters it within seconds; if not, see the controller line")
        }
    }
}

fn orphan(row: &Row, controller: &Controller) -> Explanation {
    let words = match &row.note {
        Some(note) => say(format!("An orphan target, and {note}: requests may reach the wrong service.")),
        None => {
            say("An orphan target: registered, but no endpoint of the service has this address and port.")
        }
    };
    match expected(controller) {
        Expected::Nobody => {
            words.next(format!("deregister it (X): no controller follows this binding ({})", controller.sign))
        }
        Expected::Idle => words
            .fact("The controller is idle: its checkpoint matches the endpoints, so it does not notice what someone else registered.")
            .next("r forces a reconcile, X deregisters the target now"),
        Expected::Fails(error) => fails(words, error).next(format!("{FAILS_NEXT}. X deregisters the target meanwhile")),
        Expected::Acts => {
            words.next("the controller deregisters it at its next reconcile, X deregisters it now")
        }
    }
}

fn waiting(row: &Row) -> Explanation {
    let Some(side) = &row.endpoint else { return say(Standing::Waiting.meaning()) };
    let Some(wait) = &side.wait else {
        let why = side.exclusion.map_or("its pod is in no EndpointSlice yet", exclusion);
        return say(format!("Not wanted: {why}."));
    };
    let mut words = wait_words(&wait.code, side.pod.as_deref().unwrap_or("POD"));
    if let Some(message) = &wait.message {
        words.facts.push(format!("{}: {message}", wait.code));
    }
    words
}

/// What a pod's reason for not being ready means for its traffic.
fn wait_words(code: &WaitCode, pod: &str) -> Explanation {
    let describe = || format!("kubectl describe pod {pod}");
    match code {
        WaitCode::ContainersNotReady => say("The container is running, but its readiness probe fails.")
            .next("compare the readiness probe with what the container answers"),
        WaitCode::ReadinessGateNotTrue => {
            say("The containers are ready, but a readiness gate is not True yet.")
                .next("wait: the controller sets its gate once the target is healthy, and checks every 15 s")
        }
        WaitCode::Pending => say("The pod is starting."),
        WaitCode::Detached => say("Drained by tgscope: its label is removed, and a replacement runs.")
            .next("undo (u) puts the label back"),
        WaitCode::Terminating => say("The pod is terminating and no longer registered."),
        WaitCode::Completed => say("The pod ran to completion, so it is not an endpoint.").next(describe()),
        WaitCode::Reported(reason) => reported_words(reason, &describe, pod),
    }
}

/// The same for a reason that Kubernetes reports.
fn reported_words(reason: &str, describe: &dyn Fn() -> String, pod: &str) -> Explanation {
    match reason {
        "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" => {
            say("The pod's image cannot be pulled, so it never becomes an endpoint.")
                .next(format!("check image name, tag and pull secret: {}", describe()))
        }
        "CrashLoopBackOff" | "Error" => say("The container keeps crashing, so the pod is not ready.")
            .next(format!("see its last output: kubectl logs --previous {pod}")),
        "OOMKilled" => say("The container was killed for using more memory than its limit.")
            .next("raise the memory limit, or find the leak"),
        "Unschedulable" => say("No node can run the pod.")
            .next(format!("see which requirement no node meets: {}", describe())),
        "CreateContainerConfigError" => say("A ConfigMap or Secret that the container needs is missing.")
            .next(format!("see which one: {}", describe())),
        "ContainerCreating" | "PodInitializing" => say("The pod is starting."),
        other => say(format!("The pod is not ready: {other}.")).next(describe()),
    }
}

fn exclusion(exclusion: Exclusion) -> &'static str {
    match exclusion {
        Exclusion::NoPodReference => "its endpoint names no pod, and the controller only registers pods",
        Exclusion::PodMissing => "the pod its endpoint names does not exist",
        Exclusion::Terminating => "its pod is terminating",
        Exclusion::ContainersNotReady => "the containers of its pod are not ready",
        Exclusion::NodeNotReady => "its node is not Ready",
        Exclusion::NodeUnknown => "its node's Ready condition is Unknown while other endpoints are ready",
        Exclusion::NodeMissing => "its node does not exist",
        Exclusion::NoQuicServerId => "its pod has no QUIC server ID",
        Exclusion::BindingDeleted => "its binding is being deleted",
        Exclusion::NodeExcluded => "a label, a taint or the binding's node selector excludes its node",
    }
}

fn flag_words(flag: Flag) -> &'static str {
    match flag {
        Flag::WeightZero => "Every rule that forwards to the group gives it weight 0: it gets no requests.",
        Flag::ZonalShift => "A zonal shift is active: its zone gets no new traffic.",
        Flag::Anomaly => "AWS anomaly detection flags it: it behaves unlike the other targets.",
        Flag::GateNotTrue => {
            "Its readiness gate is not True yet, so Kubernetes does not count the pod as ready."
        }
        Flag::NoLoadBalancer => "No listener or rule forwards to the group.",
    }
}

/// What AWS means by a state and reason, for a Kubernetes user.
pub(crate) fn of_health(target: &Target, group: Option<&TargetGroup>) -> Explanation {
    let check = group.map(|it| describe_check(&it.check)).unwrap_or_default();
    let port = target.health_port.as_deref().unwrap_or("?");
    match (&target.health.state, &target.health.reason) {
        (HealthState::Healthy, _) => say("Healthy: it passes its health checks."),
        (HealthState::Initial, Some(Reason::InitialHealthChecking)) => say(format!(
            "Registered; its first health checks are running ({check})."
        ))
        .next(
            "wait for one passed check, or on a network load balancer for as many as the healthy threshold",
        ),
        (HealthState::Initial, _) => say(
            "Registration is in progress: it takes seconds on an application load balancer, up to minutes on a network one.",
        ),
        (HealthState::Draining, _) => say(
            "Deregistered: it gets no new requests and finishes those in flight.",
        )
        .fact(
            "AWS shows it as draining until the deregistration delay is over, even with no connections left.",
        ),
        (HealthState::UnhealthyDraining, _) => {
            say("Unhealthy; a network load balancer keeps its existing connections for a while.")
                .fact(format!("Check: {check}."))
        }
        (HealthState::Unhealthy, Some(reason)) => unhealthy(reason, &check, port),
        (HealthState::Unhealthy, None) => say(format!("Unhealthy; AWS gives no reason ({check}).")),
        (HealthState::Unused, Some(Reason::NotInUse)) => unused(target),
        (HealthState::Unused, Some(Reason::InvalidState)) => {
            say("Its instance is stopped or terminated, yet still registered.")
                .next("start the instance, or deregister it if it is gone for good")
        }
        (HealthState::Unused, Some(Reason::IpUnusable)) => {
            say("Its address belongs to a load balancer and cannot be a target.")
                .next("deregister it: the address was reused, or registered by mistake")
        }
        (HealthState::Unused, _) => say("No load balancer uses this target."),
        (HealthState::Unavailable, Some(Reason::HealthCheckDisabled)) => {
            say("Health checks are disabled for this group.")
        }
        (HealthState::Unavailable, _) => {
            say("AWS cannot report its health at the moment.").next("wait: it is asked again automatically")
        }
        (HealthState::Unknown(text), _) => {
            say(format!("AWS reports a state that tgscope does not know: {text}."))
        }
    }
}

fn unhealthy(reason: &Reason, check: &str, port: &str) -> Explanation {
    match reason {
        Reason::Timeout => say("The load balancer's health check gets no answer in time.")
            .fact(format!("Check: {check}, on port {port}."))
            .fact("\"Connection timed out\": a security group, network ACL or NetworkPolicy drops the packets, or the port is wrong. \"Request timed out\": the app is too slow.")
            .next(format!("does the pod's security group allow tcp/{port} from the load balancer's?")),
        Reason::ResponseCodeMismatch => say("The target answers the health check with a status code that does not count as healthy.")
            .fact(format!("Check: {check}, on port {port}."))
            .next("404: wrong path · 301/302: redirect to https · 401/403: authentication or Host check · 5xx: the app"),
        Reason::FailedHealthChecks => say("The health check's connection is refused or its answer is malformed.")
            .fact(format!("Check: {check}, on port {port}."))
            .next("is the container listening on that port, on all addresses, with that protocol?"),
        Reason::LoadBalancerInternalError => {
            say("Health checks fail because of an internal error of AWS.").next("check the load balancer's state and the AWS Health Dashboard")
        }
        other => say(format!("Unhealthy: {} ({check}).", other.text())),
    }
}

/// The two cases of NotInUse are told apart by their description alone.
fn unused(target: &Target) -> Explanation {
    let zone = target.health.description.as_deref().is_some_and(|it| it.contains("Availability Zone"));
    match zone {
        true => say("Its zone is not enabled for the load balancer.")
            .next("enable a subnet of that zone on the load balancer, or keep pods out of the zone"),
        false => say("No listener or rule of a load balancer forwards to this group.")
            .fact("A standby group of a blue/green deployment looks like this; its readiness gates never turn True.")
            .next("add the group to a listener or rule, with weight 0 if it must get no traffic"),
    }
}

/// `GET /healthz → 200 · every 15 s, 5/2`: protocol, path, codes, interval, healthy and unhealthy threshold.
pub(crate) fn describe_check(check: &HealthCheck) -> String {
    if !check.enabled {
        return "no health check".to_owned();
    }
    let what = match (check.protocol.as_deref(), &check.path) {
        (Some("HTTP" | "HTTPS"), Some(path)) => format!("GET {path}"),
        (Some(protocol), Some(path)) => format!("{protocol} {path}"),
        (Some(protocol), None) => protocol.to_owned(),
        (None, _) => "check".to_owned(),
    };
    let codes = check.matcher.as_ref().map_or(String::new(), |it| format!(" → {it}"));
    let every =
        format!(" · every {} s, {}/{}", check.interval, check.healthy_threshold, check.unhealthy_threshold);
    format!("{what}{codes}{every}")
}

/// Why a binding or group has its verdict, and what keeps it from being settled.
pub(crate) fn of_report(report: &Report, now: Timestamp) -> Explanation {
    let since = report.verdict_since.map_or(String::new(), |at| format!(", for {}", age(now.since(at))));
    let mut words = say(format!("{}{since}: {}.", report.verdict.word.text(), report.verdict.sentence));
    if matches!(report.subject, Subject::Group(_)) {
        words.facts.push(
            "No binding names this group, so there is nothing in Kubernetes to compare it with.".to_owned(),
        );
    }
    if let Some(deleting) = &report.deleting {
        return of_deletion(report, deleting, now);
    }
    match report.settled.value {
        Some(true) => {
            let draining = report.rows.iter().filter(|it| it.standing == Standing::Draining).count();
            let but = match draining {
                0 => String::new(),
                1 => " except 1 draining target".to_owned(),
                n => format!(" except {n} draining targets"),
            };
            words
                .facts
                .push(format!("Settled: every wanted endpoint is in service and nothing changes{but}."));
        }
        _ if report.settled.because.is_empty() => {}
        _ => words.facts.push(format!(
            "Not settled: {}.",
            report
                .settled
                .because
                .iter()
                .map(|it| unsettled::said(*it, report))
                .collect::<Vec<_>>()
                .join("; ")
        )),
    }
    match &report.backend {
        Backend::ServiceMissing => {
            words.next = Some(
                "create the service, or correct spec.serviceRef.name: until then the controller deregisters everything"
                    .to_owned(),
            )
        }
        Backend::PortMissing(_) => {
            words.next = Some(
                "set spec.serviceRef.port to a port of the service, not a target port or node port".to_owned(),
            )
        }
        Backend::Broken(problem) => {
            words.facts.push(format!("The controller cannot compute endpoints: {problem}."))
        }
        Backend::Found | Backend::Unread(_) => {}
    }
    words.facts.extend(report.assumptions.iter().map(|it| format!("{it}.")));
    words
}

/// A binding that is being deleted: what it waits for, and what to do about it.
fn of_deletion(report: &Report, deleting: &Deleting, now: Timestamp) -> Explanation {
    let waits = match deleting.finalizers.as_slice() {
        [] => "nothing holds it".to_owned(),
        [one] => format!("it waits for its finalizer {one}"),
        all => format!("it waits for its finalizers {}", all.join(", ")),
    };
    let mut words = say(format!("Being deleted for {}: {waits}.", age(now.since(deleting.since))));
    if let Some(error) = &deleting.failed {
        words.facts.push(format!("The controller's cleanup fails: {error}."));
    }
    let registered = report.counts.registered;
    if registered > 0 {
        words.facts.push(match registered {
            1 => "1 target is still registered and gets traffic if healthy.".to_owned(),
            n => format!("{n} targets are still registered and get traffic if healthy."),
        });
    }
    words.next = match (report.controller.presence, &deleting.failed) {
        (Presence::Present | Presence::Unknown, Some(_)) => {
            Some("fix what the message says; the controller retries automatically, within 17 minutes".to_owned())
        }
        (Presence::Down | Presence::Absent, _) => Some(
            "bring the controller back; if there will be none, remove the finalizer manually and deregister (X) the targets left behind".to_owned(),
        ),
        _ => None,
    };
    words
}

/// The controller in a line: `controller v3.5.0 idle 12m`.
pub(crate) fn of_controller(controller: &Controller, now: Timestamp) -> String {
    let version = controller.version.as_ref().map_or(String::new(), |it| format!(" v{it}"));
    let state = match (controller.presence, &controller.activity) {
        (Presence::Absent, _) => "absent".to_owned(),
        (Presence::Down, _) => format!("DOWN ({})", controller.sign),
        (Presence::Unknown, Activity::Unknown) => format!("unknown ({})", controller.sign),
        (_, Activity::Asleep { since }) => {
            let since = since.map_or(String::new(), |at| format!(" {}", age(now.since(at))));
            format!("idle{since}")
        }
        (_, Activity::Behind) => "behind: endpoints changed since its last reconcile".to_owned(),
        (_, Activity::Working) => "reconciling".to_owned(),
        (_, Activity::Failing { error, .. }) => format!("failing: {}", controller_error(error)),
        (presence, Activity::Unknown) => presence.word().to_owned(),
    };
    let webhook = match controller.webhook_endpoints {
        Some(0) => " · webhook down: the API server refuses changes of bindings",
        Some(_) | None => "",
    };
    format!("controller{version} {state}{webhook}")
}
