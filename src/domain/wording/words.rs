//! Why a row stands as it does, in plain words for someone who knows Kubernetes: what it means, and what to do next.

use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Reason;
use crate::domain::judgement::controller::Activity;
use crate::domain::judgement::controller::Controller;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::controller::controller_error;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::judgement::path::PathVerdict;
use crate::domain::judgement::path::Unclear;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::Flag;
use crate::domain::judgement::row::NodeLeaving;
use crate::domain::judgement::row::Outdated;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::WaitCode;
use crate::domain::judgement::standing::Standing;
use crate::domain::wording::around::Around;
use crate::domain::wording::explanation::Explanation;
use crate::domain::wording::explanation::say;
use crate::domain::wording::health::Failing;
use crate::domain::wording::health::of_health;
use crate::domain::wording::health::unhealthy;
use crate::domain::wording::path;
use crate::domain::wording::unwanted;
use crate::domain::wording::unwanted::gate_next;
use crate::domain::wording::unwanted::gate_words;

/// What ends a fight over one group.
pub(super) const SHARED_GROUP: &str =
    "set multiClusterTargetGroup on every binding of this group, or give each its own group";

/// Why a row has its standing.
pub(crate) fn of_row(row: &Row, around: &Around<'_>) -> Explanation {
    let controller = around.controller;
    let mut words = match row.standing {
        Standing::Unknown if around.group_is_gone => say("The target group does not exist any more: nothing can be registered."),
        Standing::Unknown => unknown(row),
        Standing::Contested => say(format!("Not ours: it belongs to {}.", owner(row)))
            .fact("This binding is not multi-cluster: its controller deregisters every target that is not an endpoint of its service.")
            .next(SHARED_GROUP),
        Standing::Elsewhere => say(format!("Not ours, and left alone: {}.", owner(row))),
        Standing::Unregistered => match around.misfit {
            Some(never) => say(format!("It cannot be registered: {never}.")).next("unbind (B), then bind to a group of that type"),
            None => unregistered(row, controller),
        },
        Standing::Passive => say("No ready pod of the service on this node: unhealthy by design with externalTrafficPolicy: Local."),
        Standing::Lingering => lingering(row, controller),
        Standing::Orphan => orphan(row, around),
        Standing::Waiting => waiting(row, around),
        Standing::Failing => failing(row, around),
        Standing::InService if row.flags.is_empty() => say("Healthy: the load balancer sends it traffic."),
        Standing::Dead
        | Standing::Idle
        | Standing::Registering
        | Standing::InService
        | Standing::Draining => row.target.as_ref().map_or_else(|| say(row.standing.meaning()), |it| of_health(it, around.group)),
    };
    if let Some(group) = around.group.filter(|_| row.standing == Standing::Registering && row.problem) {
        words.facts.push(format!(
            "Registration and first checks take about {} s at most: this takes longer.",
            group.registration_allowance()
        ));
        words.next =
            Some("see whether its load balancer is active and has a subnet in the target's zone".to_owned());
    }
    for flag in &row.flags {
        words.facts.extend(flag_words(*flag, row, around));
    }
    if let Some(gate) = row.held_by().first().filter(|_| row.standing == Standing::InService) {
        // That it is healthy is no news where Kubernetes does not count it.
        let gate = gate_words(gate, around);
        words.facts.retain(|it| *it != gate);
        words.facts.push(std::mem::replace(&mut words.headline, gate));
        words.next = row.held_by().first().and_then(gate_next);
    }
    if row.flags.contains(&Flag::NodeLeaving) && words.next.is_none() {
        words.next = Some("D takes it out before its node goes".to_owned());
    }
    if let Some(why) = row.outdated.filter(|_| row.standing != Standing::Unknown) {
        words.facts.push(format!("{}: this is how it stood before.", upper_first(why.text())));
        words.facts.extend(renewal(why));
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

/// Why the health checks of a wanted target fail: what Kubernetes says of the pod comes before what AWS can only guess.
fn failing(row: &Row, around: &Around<'_>) -> Explanation {
    let Some(target) = &row.target else { return say(row.standing.meaning()) };
    let side = row.endpoint.as_ref();
    let path = around.paths.get(&row.key);
    let mut words = match side.and_then(|it| it.wait.as_ref()).filter(|it| !it.starting) {
        Some(wait) if !matches!(wait.code, WaitCode::ReadinessGateNotTrue | WaitCode::Terminating) => {
            let pod = side.and_then(|it| it.pod.as_deref()).unwrap_or("POD");
            let mut words = wait_words(&wait.code, pod, around);
            words.headline = format!("Its health checks fail with its pod: {}", lower_first(&words.headline));
            words.facts.extend(wait.message.iter().map(|it| format!("{}: {it}.", wait.code)));
            words
        }
        _ if target.health.state == HealthState::UnhealthyDraining => of_health(target, around.group),
        _ => unhealthy(&Failing {
            target,
            side,
            group: around.group,
            attributes: around.attributes,
            path_is_known: path.is_some_and(|it| !matches!(it.verdict(), PathVerdict::Unknown(_))),
        }),
    };
    if target.health.reason == Some(Reason::Timeout) || path.is_some_and(|it| it.missing().is_some()) {
        words = on_the_way(words, around);
    }
    if let Some(path) = path {
        words = along(words, path, around);
    }
    if side.is_some_and(|it| it.published) {
        words.facts.push(
            "It is registered all the same: its service publishes addresses that are not ready (publishNotReadyAddresses)."
                .to_owned(),
        );
    }
    if let Some(job) = side.and_then(|it| it.job.as_ref()) {
        words.facts.push(format!("Its pod belongs to Job {job}: it ends by itself, and its target with it."));
    }
    words
}

/// What the controller was to open on the way of a check that gets no answer, and whether it could.
fn on_the_way(words: Explanation, around: &Around<'_>) -> Explanation {
    match around.controller.fails_with() {
        Some(error)
            if error.contains("NetworkReconcile")
                || error.contains("ecurityGroup")
                || error.contains("ecurity group") =>
        {
            words
                .fact(format!(
                    "The controller cannot add its security-group rule: {}.",
                    controller_error(error)
                ))
                .next("fix what the controller complains of: the rule is missing until then")
        }
        _ if around.no_networking => words
            .fact("The binding has no spec.networking: the controller adds no security-group rule for it."),
        _ => words,
    }
}

/// What the network path says of a check that fails: a rule that is missing comes before everything else.
fn along(words: Explanation, path: &NetworkPath, around: &Around<'_>) -> Explanation {
    let verdict = path::verdict(path);
    match (path.verdict(), path.missing()) {
        (PathVerdict::Blocked(..), missing) => {
            let mut first = say(format!("{}: the load balancer's packets do not arrive.", verdict.text));
            first.facts.extend(missing.into_iter().flat_map(path::facts));
            first.facts.extend(words.facts);
            let line = missing.and_then(|it| path::repair(it, &path.region, around.manner));
            first.next = line.or(words.next);
            first
        }
        (PathVerdict::Open, _) => {
            let next = words.next.clone().unwrap_or_else(|| path::OPEN_NEXT.to_owned());
            words.fact(format!("{}: no rule is missing.", verdict.text)).next(next)
        }
        (PathVerdict::Unknown(Unclear::Unread), _) => words,
        (PathVerdict::Unknown(_), _) => words.fact(format!("{}.", verdict.text)),
    }
}

fn unknown(row: &Row) -> Explanation {
    let note = row.note.as_deref().unwrap_or("what is needed to judge this row could not be read");
    let mut words = say(format!("Not known: {note}."));
    words.facts.extend(row.outdated.and_then(renewal));
    words
}

/// That it will be known soon.
fn renewal(why: Outdated) -> Option<String> {
    why.is_older_health().then(|| "The health is read again.".to_owned())
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
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

/// Who is expected to act, where it is not known whether anybody is there.
fn who(controller: &Controller) -> &'static str {
    match controller.presence {
        Presence::Unknown => "a controller, if one follows this binding,",
        _ => "the controller",
    }
}

/// That it does not happen, and with what.
fn fails(words: Explanation, error: &str) -> Explanation {
    words.fact(format!("The controller fails: {}.", controller_error(error)))
}

const FAILS_NEXT: &str = "fix what the controller complains of; it tries again by itself, within 17 minutes";

fn unregistered(row: &Row, controller: &Controller) -> Explanation {
    let draining = row.state() == Some(&HealthState::Draining);
    let words = match draining {
        true => say("The endpoint is wanted, but its target is still draining and gets no new traffic."),
        false => say("The endpoint is wanted but not registered in the target group."),
    };
    let resync = resync_hint(controller);
    match expected(controller) {
        Expected::Nobody => {
            words.next(format!("register it (R): no controller follows this binding ({})", controller.sign))
        }
        Expected::Idle => words
            .fact("The controller is idle: its checkpoint matches the endpoints, so it does not notice what someone else deregistered.")
            .next(format!("{resync}R registers the target now")),
        // What AWS refuses the controller it refuses everybody.
        Expected::Fails(error) if is_refused(error) => fails(words, error).next(FAILS_NEXT),
        Expected::Fails(error) => fails(words, error).next(format!("{FAILS_NEXT}. R registers the target meanwhile")),
        Expected::Acts => words.next(format!("{} registers it within seconds; if not, register it (R)", who(controller))),
    }
}

fn lingering(row: &Row, controller: &Controller) -> Explanation {
    let excluded = row.endpoint.as_ref().and_then(|it| it.exclusion).map(unwanted::text);
    let why = excluded.or(row.note.as_deref()).unwrap_or("its endpoint has just disappeared");
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
        Expected::Idle | Expected::Acts => words.next(format!(
            "{} deregisters it within seconds; if not, see the controller line",
            who(controller)
        )),
    }
}

/// AWS refuses the registration itself, whoever asks.
fn is_refused(error: &str) -> bool {
    ["TooMany", "ValidationError", "InvalidTarget", "TargetGroupNotFound"].iter().any(|it| error.contains(it))
}

/// That a reconcile can be forced, where the webhook lets the binding be changed.
fn resync_hint(controller: &Controller) -> &'static str {
    match controller.webhook_endpoints {
        Some(0) => "r is refused while no endpoint is behind the controller's webhook; ",
        _ => "r forces a reconcile, ",
    }
}

fn orphan(row: &Row, around: &Around<'_>) -> Explanation {
    let controller = around.controller;
    if around.only_others_serve && row.state() == Some(&HealthState::Healthy) {
        return say("An orphan target that takes the requests: no endpoint of the service has this address and port, and none of those that are wanted is in service.")
            .fact("Somebody else may have put it there: another cluster's controller, a script, a person.")
            .next("find out who before it goes (CloudTrail: RegisterTargets). Two clusters on one group need multiClusterTargetGroup on both bindings, or a group each");
    }
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
            .next(format!("{}X deregisters the target now", resync_hint(controller))),
        Expected::Fails(error) => fails(words, error).next(format!("{FAILS_NEXT}. X deregisters the target meanwhile")),
        Expected::Acts => {
            words.next(format!("{} deregisters it at its next reconcile, X deregisters it now", who(controller)))
        }
    }
}

fn waiting(row: &Row, around: &Around<'_>) -> Explanation {
    let Some(side) = &row.endpoint else { return say(Standing::Waiting.meaning()) };
    let Some(wait) = &side.wait else {
        let why = match (side.exclusion, around.backend) {
            (Some(it), _) => unwanted::text(it),
            (None, Backend::PortMissing(_)) => "the binding names a port that its service does not have",
            (None, _) => "its pod is in no EndpointSlice yet",
        };
        let next = side.exclusion.and_then(|it| unwanted::next(it, side, around));
        return Explanation { next, ..say(format!("Not wanted: {why}.")) };
    };
    let mut words = wait_words(&wait.code, side.pod.as_deref().unwrap_or("POD"), around);
    if let Some(message) = &wait.message {
        words.facts.push(format!("{}: {message}", wait.code));
    }
    words.facts.extend(side.other_gates.iter().map(|it| gate_words(it, around)));
    words
}

/// What a pod's reason for not being ready means for its traffic.
fn wait_words(code: &WaitCode, pod: &str, around: &Around<'_>) -> Explanation {
    let describe = || around.kubectl(&["describe", "pod", pod]);
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
        WaitCode::Reported(reason) => reported_words(reason, &describe, pod, around),
    }
}

/// The same for a reason that Kubernetes reports.
fn reported_words(
    reason: &str,
    describe: &dyn Fn() -> String,
    pod: &str,
    around: &Around<'_>,
) -> Explanation {
    match reason {
        "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" => {
            say("The pod's image cannot be pulled, so it never becomes an endpoint.")
                .next(format!("check image name, tag and pull secret: {}", describe()))
        }
        "CrashLoopBackOff" | "Error" => say("The container keeps crashing, so the pod is not ready.")
            .next(format!("see its last output: {}", around.kubectl(&["logs", "--previous", pod]))),
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

fn flag_words(flag: Flag, row: &Row, around: &Around<'_>) -> Vec<String> {
    let text = match flag {
        Flag::WeightZero => "Every rule that forwards to the group gives it weight 0: it gets no requests.",
        Flag::ZonalShift => "A zonal shift is active: its zone gets no new traffic.",
        Flag::Anomaly => "AWS anomaly detection flags it: it behaves unlike the other targets.",
        Flag::GateNotTrue => {
            "Its readiness gate is not True yet, so Kubernetes does not count the pod as ready: the controller looks every 15 s, and r makes it look if it has forgotten."
        }
        Flag::NoLoadBalancer => "No listener or rule forwards to the group.",
        Flag::OtherGate => {
            return row.held_by().iter().map(|it| gate_words(it, around)).collect();
        }
        Flag::NodeLeaving => {
            return row.endpoint.iter().filter_map(leaving).collect();
        }
    };
    vec![text.to_owned()]
}

/// What becomes of a target whose node says that it is going away: a pod is one until it is evicted, a node until the
/// controller leaves it out.
fn leaving(side: &EndpointSide) -> Option<String> {
    let until = if side.pod.is_some() { "the pod is evicted" } else { "the node is not Ready" };
    Some(match side.node_leaving.as_ref()? {
        NodeLeaving::Cordoned => {
            format!(
                "Its node is cordoned: no new pods are placed there, and it stays a target until {until}."
            )
        }
        NodeLeaving::Taint(key) => {
            format!("Its node is going away (taint {key}), and it stays a target until {until}.")
        }
    })
}
