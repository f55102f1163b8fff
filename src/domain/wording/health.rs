//! What AWS means by the states and reasons of a target, for a Kubernetes user, as `DescribeTargetHealth` documents them.

use crate::domain::facts::cluster::Probe;
use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::HealthCheck;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Reason;
use crate::domain::facts::elb::Target;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::wording::explanation::Explanation;
use crate::domain::wording::explanation::say;

/// What AWS means by a state and reason, for a Kubernetes user.
pub(crate) fn of_health(target: &Target, group: Option<&TargetGroup>) -> Explanation {
    let check = group.map(|it| describe_check(&it.check)).unwrap_or_default();
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
        (HealthState::Draining, _) if group.is_some_and(|it| !it.of_application_lb()) => say(
            "Deregistered: it finishes its connections. A network load balancer may still send it new ones for up to two minutes.",
        )
        .fact(
            "AWS shows it as draining until the deregistration delay is over, even with no connections left.",
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
        (HealthState::Unhealthy, _) => unhealthy(&Failing { target, side: None, group, attributes: None }),
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

/// A target whose health checks fail, with what else was read that may explain it.
pub(super) struct Failing<'a> {
    pub(super) target: &'a Target,
    pub(super) side: Option<&'a EndpointSide>,
    pub(super) group: Option<&'a TargetGroup>,
    pub(super) attributes: Option<&'a Attributes>,
}

impl Failing<'_> {
    fn check(&self) -> String {
        self.group.map(|it| describe_check(&it.check)).unwrap_or_default()
    }

    /// The port that is checked.
    fn port(&self) -> &str {
        self.target.health_port.as_deref().unwrap_or("?")
    }

    fn number(&self) -> Option<u16> {
        self.port().parse().ok().or_else(|| (self.port() == "traffic-port").then_some(self.target.key.port))
    }

    fn is_checked_by(&self, protocol: &str) -> bool {
        self.group.and_then(|it| it.check.protocol.as_deref()) == Some(protocol)
    }

    fn speaks(&self, protocols: &[&str]) -> bool {
        self.group.and_then(|it| it.protocol.as_deref()).is_some_and(|it| protocols.contains(&it))
    }

    /// Kubernetes counts the pod as ready.
    fn is_ready(&self) -> bool {
        self.side.is_some_and(|it| it.ready == Some(true) && !it.published)
    }

    /// A probe of the pod that asks at the checked port.
    fn probe(&self) -> Option<&Probe> {
        let port = self.number()?;
        self.side.filter(|_| self.is_ready())?.probes.iter().find(|it| it.port == Some(port))
    }

    /// Ports other than the checked one at which alone the pod was asked whether it is ready.
    fn asked_elsewhere(&self) -> Option<String> {
        let side = self.side.filter(|_| self.is_ready() && self.probe().is_none())?;
        let asked: Vec<String> = side.probes.iter().filter(|it| it.port.is_some()).map(called).collect();
        (!asked.is_empty()).then(|| asked.join(" and "))
    }
}

/// `HTTP 15021 /ready`
fn called(probe: &Probe) -> String {
    let port = probe.port.map_or(String::new(), |it| format!(" {it}"));
    let path = probe.path.as_ref().map_or(String::new(), |it| format!(" {it}"));
    format!("{}{port}{path}", probe.how)
}

/// The port at which a proxy of Istio says whether it is ready.
const ISTIO: u16 = 15021;

/// Why a target is unhealthy.
pub(super) fn unhealthy(it: &Failing<'_>) -> Explanation {
    let (check, port) = (it.check(), it.port());
    let checked = format!("Check: {check}, on port {port}.");
    let description = it.target.health.description.as_deref().unwrap_or_default();
    let Some(reason) = &it.target.health.reason else {
        return say(format!("Unhealthy; AWS gives no reason ({check})."));
    };
    match reason {
        Reason::ResponseCodeMismatch | Reason::FailedHealthChecks if proxies(it, description) => proxied(it),
        Reason::FailedHealthChecks | Reason::Timeout
            if it.speaks(&["UDP", "QUIC"]) && it.is_checked_by("TCP") =>
        {
            let protocol = it.group.and_then(|it| it.protocol.as_deref()).unwrap_or("UDP");
            say(format!("The group is {protocol} and its health check is TCP: a program that only speaks UDP fails it."))
                .fact(checked)
                .fact("While no target is healthy the load balancer fails open, and UDP may work all the same.")
                .next("give the pod a TCP port that answers, and set it as the group's health-check port")
        }
        Reason::Timeout => timed_out(it, description).fact(checked),
        Reason::ResponseCodeMismatch => mismatch(it, description).fact(checked),
        Reason::FailedHealthChecks => refused(it).fact(checked),
        Reason::LoadBalancerInternalError => say("Health checks fail because of an internal error of AWS.")
            .next("check the load balancer's state and the AWS Health Dashboard"),
        other => say(format!("Unhealthy: {} ({check}).", other.text())),
    }
}

/// Proxy protocol's header may be why: it is sent to the port that is checked too, and what does not expect it closes the
/// connection or answers 400.
fn proxies(it: &Failing<'_>, description: &str) -> bool {
    let is_on =
        it.attributes.is_some_and(|it| it.0.get("proxy_protocol_v2.enabled").is_some_and(|it| it == "true"));
    let answered = it.target.health.reason == Some(Reason::ResponseCodeMismatch);
    is_on && (!answered || description.contains("[400]"))
}

fn proxied(it: &Failing<'_>) -> Explanation {
    let port = it.port();
    let mut words = say(format!(
        "Proxy protocol v2 is on: the health check on port {port} starts with its header as well, which what listens there must expect."
    ));
    if let Some(probe) = it.probe() {
        words = words
            .fact(format!("The pod is Ready by {}: without the header that port answers.", called(probe)));
    }
    words
        .fact(format!("Check: {}, on port {port}.", it.check()))
        .next(format!("let the program expect the header on port {port}, or check the traffic port by TCP"))
}

fn timed_out(it: &Failing<'_>, description: &str) -> Explanation {
    let port = it.port();
    let words = say("The load balancer's health check gets no answer in time.");
    let words = match (description.contains("Connection timed out"), it.probe()) {
        (true, _) => words.fact("No connection comes about: a security group, network ACL or NetworkPolicy drops the packets, or the port is wrong."),
        (false, Some(probe)) => words.fact(format!(
            "The pod is Ready by {}: the program answers on its node, so look at what lies between, or at its timeout.",
            called(probe)
        )),
        (false, None) => words.fact("That does not tell whether packets are dropped on the way or the program is too slow."),
    };
    let words = match it.asked_elsewhere() {
        Some(asked) => {
            words.fact(format!("Ready only says that {asked} answers; nobody asked at port {port}."))
        }
        None => words,
    };
    words.next(format!("does the pod's security group allow tcp/{port} from the load balancer's?"))
}

fn refused(it: &Failing<'_>) -> Explanation {
    let port = it.port();
    if let Some(asked) = it.asked_elsewhere() {
        let gateway = it.side.is_some_and(|it| it.probes.iter().any(|it| it.port == Some(ISTIO)));
        let words = say(format!(
            "Ready only says that {asked} answers; nothing that passes the check listens on {port}."
        ));
        return match gateway {
            true => words
                .fact(format!("It looks like a gateway of Istio: port {port} opens with the first configuration that names it."))
                .next(format!("is there a Gateway with a server on port {port}?")),
            false => words.next(format!("does the container listen on {port}, or is the service's target port wrong?")),
        };
    }
    let words = say("The health check's connection is refused or its answer is malformed.");
    match (it.group.and_then(|it| it.protocol_version.as_deref()), it.probe()) {
        (Some(version @ ("HTTP2" | "GRPC")), _) => {
            let speaks = if version == "GRPC" { "gRPC over HTTP/2" } else { "HTTP/2" };
            words
                .fact(format!("The group's protocol version is {version}: the program has to speak {speaks}, without an upgrade from HTTP/1.1."))
                .next("does the program speak it on that port? The protocol version of a group cannot be changed")
        }
        (_, Some(probe)) => words
            .fact(format!("The pod is Ready by {}, so something listens there.", called(probe)))
            .next("does it expect the protocol of the check: HTTP or HTTPS, HTTP/1.1 or HTTP/2?"),
        (_, None) => {
            words.next("is the container listening on that port, on all addresses, with that protocol?")
        }
    }
}

fn mismatch(it: &Failing<'_>, description: &str) -> Explanation {
    let words = say("The target answers the health check with a status code that does not count as healthy.");
    let is_grpc = it.group.and_then(|it| it.protocol_version.as_deref()) == Some("GRPC");
    if !is_grpc {
        return words
            .next("404: wrong path · 301/302: redirect to https · 401/403: authentication or Host check · 5xx: the app");
    }
    let codes = description.split(['[', ']']).nth(1).unwrap_or_default().split(',');
    let named = codes
        .filter_map(|it| it.trim().parse::<usize>().ok())
        .filter_map(|it| GRPC_CODES.get(it).map(|name| format!("{it} is {name}")));
    let named: Vec<String> = named.collect();
    let words = if named.is_empty() { words } else { words.fact(format!("gRPC: {}.", named.join(", "))) };
    words.next("UNIMPLEMENTED: the path names no method of the program, for instance /grpc.health.v1.Health/Check · set the codes that count with the group's matcher")
}

/// Status codes of gRPC, by number (its doc/statuscodes.md).
const GRPC_CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

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
