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
        (HealthState::Unhealthy, _) => unhealthy(&Failing { target, side: None, group, attributes: None, path_is_known: false }),
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
    /// Whether packets arrive is known, so that nobody has to guess.
    pub(super) path_is_known: bool,
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

    /// Whose security group is in the way of the check.
    fn holder(&self) -> &'static str {
        if self.target.key.ip().is_some() { "pod" } else { "node" }
    }

    /// Every target is checked at one port of the group's, not at its own.
    fn checks_one_port(&self) -> bool {
        self.number().is_some_and(|it| it != self.target.key.port)
    }

    /// The checks open a connection and no more.
    fn only_connects(&self) -> bool {
        self.is_checked_by("TCP")
    }

    fn has_attribute(&self, name: &str) -> bool {
        self.attributes.is_some_and(|it| it.0.get(name).is_some_and(|it| it == "true"))
    }

    /// A probe that a sidecar of Istio answers in the pod's place.
    fn rewritten(&self) -> Option<&Probe> {
        let by_sidecar = |it: &&Probe| it.path.as_deref().is_some_and(|it| it.starts_with("/app-health/"));
        self.side?.probes.iter().find(by_sidecar)
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
    let is_on = it.has_attribute("proxy_protocol_v2.enabled");
    let answered = it.target.health.reason == Some(Reason::ResponseCodeMismatch);
    is_on && (!answered || description.contains("[400]"))
}

fn proxied(it: &Failing<'_>) -> Explanation {
    let port = it.port();
    let mut words = say(format!(
        "Proxy protocol v2 is on: the health check on port {port} starts with its header as well, and whatever listens there must expect it."
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
        (true, _) | (false, None) if it.path_is_known => words,
        (true, _) => words.fact("No connection comes about: a security group, network ACL or NetworkPolicy drops the packets, or the port is wrong."),
        (false, Some(probe)) => {
            let look = match it.path_is_known {
                true => "",
                false => ", so look at what lies between, or at its timeout",
            };
            words.fact(format!("The pod is Ready by {}: the program answers on its node{look}.", called(probe)))
        }
        (false, None) if it.only_connects() => words.fact("No connection comes about: a security group, network ACL or NetworkPolicy drops the packets, or the port is wrong."),
        (false, None) => words.fact("That does not tell whether packets are dropped on the way or the program is too slow."),
    };
    let words = match it.asked_elsewhere() {
        Some(asked) => {
            words.fact(format!("Ready only says that {asked} answers; nobody asked at port {port}."))
        }
        None => words,
    };
    reaches(it, words)
}

/// What has to let the checks through.
fn reaches(it: &Failing<'_>, words: Explanation) -> Explanation {
    let (port, holder) = (it.port(), it.holder());
    if it.path_is_known {
        return words;
    }
    let is_network = it.group.is_some_and(|it| !it.of_application_lb());
    let words = match it.has_attribute("preserve_client_ip.enabled") {
        true => words.fact(format!(
            "Client addresses are preserved: the {holder}'s security group has to allow the clients' addresses too."
        )),
        false => words,
    };
    words.next(match is_network {
        true => format!(
            "does the {holder}'s security group allow tcp/{port} from the load balancer: from its security group or, where it has none, from its subnets?"
        ),
        false => format!("does the {holder}'s security group allow tcp/{port} from the load balancer's?"),
    })
}

/// The sidecar answers probes itself, and refuses what comes without mTLS where that is strict.
fn behind_sidecar(it: &Failing<'_>, probe: &Probe) -> Explanation {
    let port = it.port();
    say(format!(
        "Istio's sidecar answers the pod's probe ({}): it says nothing of port {port}, where a check without mTLS is refused if that is strict.",
        called(probe)
    ))
    .next(format!(
        "let port {port} take plain connections (PeerAuthentication PERMISSIVE for that port), or check port {ISTIO} at /healthz/ready"
    ))
}

fn refused(it: &Failing<'_>) -> Explanation {
    let port = it.port();
    if let Some(probe) = it.rewritten() {
        return behind_sidecar(it, probe);
    }
    if let Some(asked) = it.asked_elsewhere() {
        let gateway = it.side.is_some_and(|it| it.probes.iter().any(|it| it.port == Some(ISTIO)));
        let words = say(format!(
            "Ready only says that {asked} answers; nothing that passes the check listens on {port}."
        ));
        return match gateway {
            true => words
                .fact(format!("It looks like a gateway of Istio: port {port} opens with the first configuration that names it."))
                .next(format!("is there a Gateway with a server on port {port}?")),
            false if it.checks_one_port() => words
                .fact(format!(
                    "The group checks every target at port {port}, not at the one it gets requests on ({}).",
                    it.target.key.port
                ))
                .next(format!("does something listen on {port}? Else set the health check's port to traffic-port")),
            false => words.next(format!("does the container listen on {port}, or is the service's target port wrong?")),
        };
    }
    if let Some(probe) = it.probe().filter(|_| it.only_connects()) {
        let words = say("No connection for the health check comes about.").fact(format!(
            "The pod is Ready by {}: something listens there, so look at what lies between.",
            called(probe)
        ));
        return reaches(it, words);
    }
    let words = say("The health check's connection is refused or its answer is malformed.");
    match (it.group.and_then(|it| it.protocol_version.as_deref()), it.probe()) {
        (Some(version @ ("HTTP2" | "GRPC")), _) => {
            let speaks = if version == "GRPC" { "gRPC over HTTP/2" } else { "HTTP/2" };
            words
                .fact(format!("The group's protocol version is {version}: the program has to speak {speaks}, without an upgrade from HTTP/1.1."))
                .next("does the program speak it on that port? The protocol version of a group cannot be changed")
        }
        (_, Some(probe)) => {
            let words =
                words.fact(format!("The pod is Ready by {}, so something listens there.", called(probe)));
            words.next(other_scheme(it, probe).unwrap_or_else(|| {
                "does it expect the protocol of the check: HTTP or HTTPS, HTTP/1.1 or HTTP/2?".to_owned()
            }))
        }
        (_, None) => {
            words.next("is the container listening on that port, on all addresses, with that protocol?")
        }
    }
}

fn mismatch(it: &Failing<'_>, description: &str) -> Explanation {
    let words = say("The target answers the health check with a status code that does not count as healthy.");
    let is_grpc = it.group.and_then(|it| it.protocol_version.as_deref()) == Some("GRPC");
    let codes = description.split(['[', ']']).nth(1).unwrap_or_default();
    if !is_grpc {
        return answered(it, words, codes);
    }
    let codes = codes.split(',');
    let named = codes
        .filter_map(|it| it.trim().parse::<usize>().ok())
        .filter_map(|it| GRPC_CODES.get(it).map(|name| format!("{it} is {name}")));
    let named: Vec<String> = named.collect();
    let words = if named.is_empty() { words } else { words.fact(format!("gRPC: {}.", named.join(", "))) };
    let path = it.group.and_then(|it| it.check.path.as_deref());
    words.next(match path == Some(GRPC_HEALTH) {
        true => "UNIMPLEMENTED: the program does not serve grpc.health.v1.Health: register it, or let code 12 count with the group's matcher".to_owned(),
        false => format!(
            "UNIMPLEMENTED: the path names no method of the program, for instance {GRPC_HEALTH} · set the codes that count with the group's matcher"
        ),
    })
}

const GRPC_HEALTH: &str = "/grpc.health.v1.Health/Check";

/// What a status code of HTTP says, with the path at which the pod's own probe asks.
fn answered(it: &Failing<'_>, words: Explanation, codes: &str) -> Explanation {
    let path = it.group.and_then(|it| it.check.path.as_deref()).unwrap_or("/");
    let probe = it.probe();
    let scheme = probe.and_then(|probe| other_scheme(it, probe));
    let other_path = probe.and_then(|it| it.path.as_deref()).filter(|it| *it != path);
    let words = match (probe, other_path) {
        (Some(probe), Some(_)) => {
            words.fact(format!("The pod is Ready by {}, the health check asks {path}.", called(probe)))
        }
        _ => words,
    };
    let set_path = |why: &str| match other_path {
        Some(it) => format!("{why}: set the health check's path to {it}, as the readiness probe has it"),
        None => format!(
            "{why}: set the health check's path to one that answers 200, or let the code count with the matcher"
        ),
    };
    words.next(match codes.trim() {
        "404" => set_path(&format!("there is no {path}")),
        "301" | "302" | "303" | "307" | "308" => set_path(&format!("{path} redirects, perhaps to https")),
        "401" | "403" => set_path(&format!("{path} wants a login, or refuses the Host header of the check (the target's address)")),
        "400" if scheme.is_some() => scheme.unwrap_or_default(),
        "400" => "the program refuses the request itself: is it plain HTTP to a TLS port, or does it refuse the Host header of the check (the target's address)?".to_owned(),
        code if code.len() == 3 && code.starts_with('5') => {
            format!("the program itself fails with {code}: see its logs")
        }
        _ => "404: wrong path · 301/302: redirect to https · 401/403: authentication or Host check · 5xx: the app".to_owned(),
    })
}

/// That probe and check speak HTTP differently on one port.
fn other_scheme(it: &Failing<'_>, probe: &Probe) -> Option<String> {
    let check = it.group?.check.protocol.as_deref()?;
    match (&*probe.how, check) {
        ("HTTPS", "HTTP") => Some("the port speaks TLS, as its readiness probe does: set the health check's protocol to HTTPS, and the group's where requests go there too".to_owned()),
        ("HTTP", "HTTPS") => Some("the port speaks plain HTTP, as its readiness probe does: set the health check's protocol to HTTP, and the group's where requests go there too".to_owned()),
        _ => None,
    }
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
