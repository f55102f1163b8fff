//! What a health check tried by ourselves says, and with the network path whether it is the program or the network.

use crate::domain::facts::probe::ProbeOutcome;
use crate::domain::facts::probe::ProbeProtocol;
use crate::domain::facts::probe::ProbeRequest;
use crate::domain::facts::probe::Probed;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::judgement::path::PathVerdict;
use crate::domain::plan::equivalents::kubectl;
use crate::domain::plan::manner::Manner;
use crate::domain::wording::explanation::Explanation;
use crate::domain::wording::explanation::say;
use crate::domain::wording::path;

/// What is asked, in short: `GET http port 8080 /healthz`.
pub(crate) fn asked(request: &ProbeRequest) -> String {
    let what = match request.protocol {
        ProbeProtocol::Http => "GET",
        ProbeProtocol::Https => "GET by HTTPS",
        ProbeProtocol::Connect => "a connection",
    };
    let path =
        if request.protocol == ProbeProtocol::Connect { String::new() } else { format!(" {}", request.path) };
    format!("{what}{path} on port {} of pod {}", request.port, request.pod.name)
}

/// What came of it, with the network path where it was read.
pub(crate) fn told(probed: &Probed, path: Option<&NetworkPath>, manner: &Manner) -> Explanation {
    let request = &probed.request;
    let took = if probed.took == 0 { "less than 1 ms".to_owned() } else { format!("{} ms", probed.took) };
    let port = request.port;
    let wants = request.matcher.as_deref().unwrap_or("any code");
    let mut words = match &probed.outcome {
        ProbeOutcome::Answered { status, location, body } if request.protocol != ProbeProtocol::Connect => {
            let mut words = match probed.passes() {
                Some(true) => say(format!(
                    "The pod answers {status} in {took}, and the matcher wants {wants}: the check passes here."
                )),
                _ if probed.is_late() => say(format!(
                    "The pod answers {status} only after {took}; the check waits {} s.",
                    request.timeout
                )),
                _ => say(format!("The pod answers {status} in {took}; the matcher wants {wants}.")),
            };
            words.facts.extend(location.iter().map(|it| format!("It sends the client to {it}.")));
            if !body.is_empty() && probed.passes() != Some(true) {
                words.facts.push(format!("It says: {body}"));
            }
            words
        }
        ProbeOutcome::Answered { .. } | ProbeOutcome::Connected(_)
            if request.protocol == ProbeProtocol::Connect =>
        {
            let more = if request.grpc {
                "; what it answers by gRPC cannot be asked this way"
            } else {
                ": the check passes here"
            };
            say(format!("Something accepts connections on port {port}, after {took}{more}."))
        }
        ProbeOutcome::Answered { .. } | ProbeOutcome::Connected(_) => {
            let speaks = if request.protocol == ProbeProtocol::Https { "HTTPS" } else { "HTTP" };
            let mut words = say(format!(
                "Something accepts connections on port {port}, and does not answer by {speaks}."
            ));
            if let ProbeOutcome::Connected(how) = &probed.outcome {
                words.facts.push(format!("The API server says: {how}."));
            }
            words
        }
        ProbeOutcome::Refused => refused(request),
        ProbeOutcome::Unreachable(why) => {
            say(format!("The API server does not reach the pod either: {why}."))
                .fact("That tells of the way from the control plane, not of the load balancer's.")
        }
        ProbeOutcome::Silent => say(format!(
            "A connection or an answer does not come within {} s, the time of the check itself.",
            request.timeout
        ))
        .fact("The program may be too slow, or the API server's packets are dropped on their way to the pod: which, this does not tell.")
        .next(format!(
            "ask it on its own node, where no security group is in between: {}",
            forwarded(request, manner)
        )),
        ProbeOutcome::NotAsked(failure) => {
            let mut words = say(format!("The pod was not asked: {failure}."));
            words.next.clone_from(&failure.hint);
            return words;
        }
    };
    words.facts.push(format!("Asked: {}, through the API server.", asked(request)));
    words.facts.push(
        "Not proven: the Host header of the load balancer's check, and the way from the load balancer."
            .to_owned(),
    );
    conclude(words, probed, path)
}

/// What asks the same without a way through the network.
fn forwarded(request: &ProbeRequest, manner: &Manner) -> String {
    let (pod, port) = (format!("pod/{}", request.pod.name), request.port.to_string());
    kubectl(manner, (&request.cluster, &request.pod.namespace), &["port-forward", &pod, &port])
}

fn refused(request: &ProbeRequest) -> Explanation {
    let declared: Vec<String> =
        request.declared.iter().filter(|it| **it != request.port).map(ToString::to_string).collect();
    let port = request.port;
    let words = match (declared.is_empty(), request.declared.contains(&port)) {
        (false, false) => {
            say(format!("Connection refused on {port}; the container listens on {}.", declared.join(" and ")))
        }
        _ => say(format!("Connection refused on {port}: nothing listens there.")),
    };
    words.next(format!(
        "let the program listen on {port}, on all addresses; or correct the service's targetPort or the group's health-check port"
    ))
}

/// Whether it is the program or the network.
fn conclude(mut words: Explanation, probed: &Probed, path: Option<&NetworkPath>) -> Explanation {
    let verdict = path.map(NetworkPath::verdict);
    match (probed.passes(), verdict) {
        (Some(true), Some(PathVerdict::Blocked(..))) => {
            words.facts.insert(0, "It is the network: the pod is well, and the load balancer's packets do not arrive.".to_owned());
            let line = path.map(|it| path::verdict(it).text);
            words.facts.extend(line.map(|it| format!("{it}.")));
        }
        (Some(true), Some(PathVerdict::Open)) => words.facts.insert(
            0,
            "The pod is well and no security-group rule is missing: what is left are network ACLs, routes, NetworkPolicies, and the Host header of the check."
                .to_owned(),
        ),
        (Some(true), _) => words.facts.insert(0, "The program is well: if the load balancer says otherwise, it is what lies between.".to_owned()),
        (Some(false), Some(PathVerdict::Blocked(..))) => words.facts.insert(
            0,
            "It is both: the program fails the check, and the load balancer's packets do not arrive.".to_owned(),
        ),
        (Some(false), Some(PathVerdict::Open)) => {
            words.facts.insert(0, "It is the program, not the network: the check fails here as well.".to_owned());
        }
        (Some(false), Some(PathVerdict::Unknown(_)) | None) => {
            words.facts.insert(0, "It is the program: the check fails here as well.".to_owned());
            words.facts.push("Whether the load balancer's packets arrive is not known.".to_owned());
        }
        (None, _) => {}
    }
    if words.next.is_none() && probed.passes() == Some(false) {
        words.next = match &probed.outcome {
            ProbeOutcome::Answered { status: 401 | 403, .. } => Some(
                "let the path of the check answer without a login, or give the check another path".to_owned(),
            ),
            ProbeOutcome::Answered { status: 301 | 302 | 307 | 308, .. } => Some(
                "check the path or protocol that it redirects to, or let the matcher take the code"
                    .to_owned(),
            ),
            ProbeOutcome::Answered { status: 404, .. } => Some(format!(
                "give the check a path that the program has: {} is not one",
                probed.request.path
            )),
            ProbeOutcome::Answered { .. } => {
                Some("see the program's log; or let the matcher take the code, if it means well".to_owned())
            }
            _ => None,
        };
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::failure::ErrorKind;
    use crate::domain::facts::failure::Failure;
    use crate::domain::facts::ids::ObjectName;
    use crate::domain::fixture;

    fn probed(protocol: ProbeProtocol, outcome: ProbeOutcome) -> Probed {
        let request = ProbeRequest {
            cluster: fixture::cluster(),
            pod: ObjectName::new("shop", "web-1"),
            port: 8080,
            protocol,
            path: "/healthz".to_owned(),
            matcher: (protocol != ProbeProtocol::Connect).then(|| "200-299".into()),
            grpc: false,
            timeout: 5,
            declared: [9090].into(),
        };
        Probed { request, at: fixture::BEGIN, took: 3, outcome }
    }

    fn answered(status: u16) -> ProbeOutcome {
        ProbeOutcome::Answered { status, location: None, body: "no".to_owned() }
    }

    #[test]
    fn each_outcome_says_what_it_means_for_the_check() {
        let manner = Manner::default();
        let connected = || ProbeOutcome::Connected("malformed HTTP response".to_owned());
        let denied =
            Failure::new("probe", ErrorKind::Denied, "not permitted").with_hint("needs get pods/proxy");
        for (protocol, outcome, passes, headline, next) in [
            (
                ProbeProtocol::Http,
                answered(204),
                Some(true),
                "The pod answers 204 in 3 ms, and the matcher wants 200-299: the check passes here.",
                None,
            ),
            (
                ProbeProtocol::Http,
                answered(404),
                Some(false),
                "The pod answers 404 in 3 ms; the matcher wants 200-299.",
                Some("give the check a path that the program has: /healthz is not one"),
            ),
            (
                ProbeProtocol::Http,
                answered(301),
                Some(false),
                "The pod answers 301 in 3 ms; the matcher wants 200-299.",
                Some("check the path or protocol that it redirects to, or let the matcher take the code"),
            ),
            (
                ProbeProtocol::Https,
                connected(),
                Some(false),
                "Something accepts connections on port 8080, and does not answer by HTTPS.",
                None,
            ),
            (
                ProbeProtocol::Connect,
                connected(),
                Some(true),
                "Something accepts connections on port 8080, after 3 ms: the check passes here.",
                None,
            ),
            (
                ProbeProtocol::Connect,
                answered(500),
                Some(true),
                "Something accepts connections on port 8080, after 3 ms: the check passes here.",
                None,
            ),
            (
                ProbeProtocol::Http,
                ProbeOutcome::Silent,
                None,
                "A connection or an answer does not come within 5 s, the time of the check itself.",
                Some(
                    "ask it on its own node, where no security group is in between: kubectl --context test -n shop port-forward pod/web-1 8080",
                ),
            ),
            (
                ProbeProtocol::Http,
                ProbeOutcome::Unreachable("no route to host".to_owned()),
                None,
                "The API server does not reach the pod either: no route to host.",
                None,
            ),
            (
                ProbeProtocol::Http,
                ProbeOutcome::NotAsked(denied),
                None,
                "The pod was not asked: probe: not permitted.",
                Some("needs get pods/proxy"),
            ),
        ] {
            let probed = probed(protocol, outcome);
            let words = told(&probed, None, &manner);
            assert_eq!(
                (probed.passes(), words.headline.as_str(), words.next.as_deref()),
                (passes, headline, next)
            );
        }
        let refused = told(&probed(ProbeProtocol::Http, ProbeOutcome::Refused), None, &manner);
        assert_eq!(refused.headline, "Connection refused on 8080; the container listens on 9090.");
        let mut late = probed(ProbeProtocol::Http, answered(200));
        late.took = 5_001;
        assert_eq!(
            (late.passes(), told(&late, None, &manner).headline.as_str()),
            (Some(false), "The pod answers 200 only after 5001 ms; the check waits 5 s.")
        );
        let mut grpc = probed(ProbeProtocol::Connect, ProbeOutcome::Connected(String::new()));
        grpc.request.grpc = true;
        assert_eq!(grpc.passes(), None, "what it answers is not known");
    }

    #[test]
    fn the_network_is_cleared_only_where_its_path_was_read() {
        let manner = Manner::default();
        let facts = told(&probed(ProbeProtocol::Http, answered(404)), None, &manner).facts;
        assert_eq!(facts[0], "It is the program: the check fails here as well.");
        let open = "Whether the load balancer's packets arrive is not known.";
        assert!(facts.iter().any(|it| it == open), "{facts:?}");
        let silent = told(&probed(ProbeProtocol::Http, ProbeOutcome::Silent), None, &manner).facts;
        assert!(!silent.iter().any(|it| it.contains("It is")), "silence accuses nobody: {silent:?}");
    }
}
