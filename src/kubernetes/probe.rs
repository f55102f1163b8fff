//! A pod asked over HTTP through the API server's proxy, as a health check would ask it.

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::Instant;

use super::answer::OfPod;
use super::connect::Cluster;
use crate::domain::facts::access::Verb;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::failure::causes;
use crate::domain::facts::probe::ProbeOutcome;
use crate::domain::facts::probe::ProbeRequest;
use crate::domain::facts::probe::Probed;
use crate::domain::facts::time::Timestamp;

/// Characters of a body that are shown.
const SHOWN: usize = 200;
/// Bytes of a body that are read for them.
const READ: usize = 4_096;
/// As an application load balancer names itself: some programs answer nobody else.
const CHECKER: &str = "ELB-HealthChecker/2.0";
/// How the API server begins when it does not reach a pod; everything else is the pod's own.
const UNREACHED: &str = "error trying to reach service";

impl Cluster {
    /// Tries a health check. Whether that is permitted is asked first, so that a refusal of the API server is not taken for
    /// one of the pod.
    pub(crate) async fn probe(&self, request: ProbeRequest, at: Timestamp) -> Probed {
        let namespace = request.pod.namespace.clone();
        let verb = Verb::new("get", "", "pods/proxy");
        let asked = vec![(verb.clone(), Some(namespace.clone()), Some(request.pod.name.clone()))];
        if let [(_, false)] = self.allowed(asked).await.as_slice() {
            let failure = Failure::new("probe", ErrorKind::Denied, "not permitted")
                .with_hint(&format!("needs {verb} in namespace {namespace}"));
            return Probed { request, at, took: 0, outcome: ProbeOutcome::NotAsked(failure) };
        }
        let begun = Instant::now();
        // The way through the API server takes its own time.
        let patience = Duration::from_secs(u64::from(request.timeout) + 2);
        let outcome = match tokio::time::timeout(patience, self.asked(&request)).await {
            Ok(outcome) => outcome,
            Err(_) => ProbeOutcome::Silent,
        };
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Probed { request, at, took, outcome }
    }

    async fn asked(&self, request: &ProbeRequest) -> ProbeOutcome {
        let unsent = |why: &str| ProbeOutcome::NotAsked(Failure::new("probe", ErrorKind::Unreachable, why));
        let sent = Request::get(request.url()).extension(OfPod);
        let sent = sent.header("user-agent", CHECKER).header("accept", "*/*");
        let sent = match sent.body(Body::empty()) {
            Ok(sent) => sent,
            Err(error) => return unsent(&error.to_string()),
        };
        let answer = match self.client().clone().send(sent).await {
            Ok(answer) => answer,
            Err(error) => {
                let cause = causes(&error).last().map(ToString::to_string).unwrap_or_default();
                return unsent(&cause);
            }
        };
        let status = answer.status().as_u16();
        let location = answer.headers().get("location").and_then(|it| it.to_str().ok()).map(str::to_owned);
        let text = beginning(answer.into_body()).await;
        match text.find(UNREACHED).filter(|_| matches!(status, 500 | 502 | 503 | 504)) {
            Some(at) => unreached(text.get(at + UNREACHED.len()..).unwrap_or_default()),
            None => ProbeOutcome::Answered { status, location, body: line(&text) },
        }
    }
}

/// As much of a body as is shown.
async fn beginning(mut body: Body) -> String {
    let mut read = Vec::new();
    while read.len() < READ {
        match body.frame().await {
            Some(Ok(frame)) => {
                read.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default())
            }
            Some(Err(_)) | None => break,
        }
    }
    read.truncate(READ);
    String::from_utf8_lossy(&read).into_owned()
}

/// The first words of a body, on one line.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(SHOWN).collect()
}

/// What the API server says of a pod it could not speak with.
fn unreached(why: &str) -> ProbeOutcome {
    let why =
        why.split(['"', '\n']).next().unwrap_or_default().trim_matches([':', ' ', '\'', '\\']).to_owned();
    if why.contains("connection refused") {
        return ProbeOutcome::Refused;
    }
    let spoke = [
        "malformed HTTP",
        "EOF",
        "server gave HTTP response to HTTPS client",
        "tls:",
        "connection reset",
        "first record",
    ];
    match spoke.iter().any(|it| why.contains(it)) {
        true => ProbeOutcome::Connected(why),
        false => ProbeOutcome::Unreachable(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_says_tells_the_reasons_apart() {
        for (text, expected) in [
            (": dial tcp 10.0.0.1:8080: connect: connection refused", ProbeOutcome::Refused),
            (
                ": net/http: HTTP/1.x transport connection broken: malformed HTTP response \"x\"",
                ProbeOutcome::Connected(
                    "net/http: HTTP/1.x transport connection broken: malformed HTTP response".to_owned(),
                ),
            ),
            (": EOF", ProbeOutcome::Connected("EOF".to_owned())),
            (
                ": http: server gave HTTP response to HTTPS client",
                ProbeOutcome::Connected("http: server gave HTTP response to HTTPS client".to_owned()),
            ),
            (
                ": dial tcp 10.0.0.1:8080: i/o timeout",
                ProbeOutcome::Unreachable("dial tcp 10.0.0.1:8080: i/o timeout".to_owned()),
            ),
            (
                ": dial tcp 10.0.0.1:8080: connect: no route to host\",\"reason\":\"ServiceUnavailable\"",
                ProbeOutcome::Unreachable("dial tcp 10.0.0.1:8080: connect: no route to host".to_owned()),
            ),
        ] {
            assert_eq!(unreached(text), expected);
        }
    }
}
