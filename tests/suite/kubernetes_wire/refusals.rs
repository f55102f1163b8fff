//! What the API server or the way to it may answer instead, and the failure it becomes.

use std::io::Write;
use std::time::Duration;

use tgscope::domain::facts::failure::ErrorKind;
use tgscope::domain::facts::failure::Failure;
use tgscope::domain::facts::ids::BindingApi;
use tgscope::domain::inventory::Kind;

use super::access;
use super::cluster;
use super::hasty;
use super::page;
use super::pod;
use super::refusal;
use super::short;
use crate::support::After;
use crate::support::Answer;
use crate::support::Server;
use crate::support::answer;
use crate::support::nowhere;

async fn failure_of(given: Answer, kind: Kind) -> Failure {
    let server = Server::start(move |_| given.clone());
    let failure = hasty(&server.url()).await.list(kind, None).await.unwrap_err();
    assert!(!failure.message.contains('\n') && failure.message.len() < 300, "{}", failure.message);
    assert_eq!(failure.operation, format!("list {}", if kind == Kind::Pods { "pods" } else { BINDINGS }));
    failure
}

/// The proxy of pods has that word in its paths too, and what it answers is not looked at.
#[tokio::test]
async fn a_namespace_called_proxy_is_looked_at_like_any_other() {
    let headers = vec![("location", "https://login.example/".to_owned())];
    let server =
        Server::start(move |_| Answer::Whole { status: 302, headers: headers.clone(), body: String::new() });
    let failure = hasty(&server.url()).await.list(Kind::Pods, Some("proxy")).await.unwrap_err();
    assert_eq!(failure.message, "a redirect to https://login.example/ instead of an answer");
}

const BINDINGS: &str = "targetgroupbindings.elbv2.k8s.aws";

#[tokio::test]
async fn each_refusal_is_of_its_kind_with_the_words_of_the_server() {
    let forbidden = "pods is forbidden: User \"jane\" cannot list resource \"pods\"\nin API group \"\"";
    let table = [
        (refusal(401, "Unauthorized", "Unauthorized"), ErrorKind::Expired, "Unauthorized"),
        (
            refusal(403, "Forbidden", forbidden),
            ErrorKind::Denied,
            "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\"",
        ),
        (
            refusal(404, "NotFound", "the server could not find it"),
            ErrorKind::NotFound,
            "the server could not find it",
        ),
        (refusal(409, "Conflict", ""), ErrorKind::Conflict, "Conflict"),
        (refusal(429, "TooManyRequests", "slow down"), ErrorKind::Throttled, "slow down"),
        (
            answer(429, "Too many requests, please try again later.\n"),
            ErrorKind::Throttled,
            "Too many requests, please try again later.",
        ),
        (
            refusal(500, "InternalError", "etcdserver: leader changed"),
            ErrorKind::Other,
            "etcdserver: leader changed",
        ),
    ];
    for (given, kind, message) in table {
        let failure = failure_of(given, Kind::Pods).await;
        assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
    }
}

#[tokio::test]
async fn hints_name_the_verb_and_the_resource() {
    let hint = |failure: Failure| failure.hint.unwrap_or_default();
    let denied =
        failure_of(refusal(403, "Forbidden", "no"), Kind::Bindings(BindingApi::LoadBalancerController)).await;
    assert_eq!(hint(denied), format!("needs the RBAC verb list on {BINDINGS}"));
    let denied = failure_of(refusal(403, "Forbidden", "no"), Kind::Pods).await;
    assert_eq!(hint(denied), "needs the RBAC verb list on pods");
    let expired = failure_of(refusal(401, "Unauthorized", "no"), Kind::Pods).await;
    assert_eq!(hint(expired), "log in to the cluster again");
}

#[tokio::test]
async fn a_page_for_people_is_not_repeated_word_for_word() {
    let html =
        format!("<html>\n<body>\n<h1>502 Bad Gateway</h1>\n{}</body></html>", "<p>nginx</p>\n".repeat(200));
    for (code, kind) in [(500, ErrorKind::Unreadable), (502, ErrorKind::Unreadable), (403, ErrorKind::Denied)]
    {
        let failure = failure_of(answer(code, html.clone()), Kind::Pods).await;
        let expected = format!("an answer that is no Kubernetes answer (HTTP {code})");
        assert_eq!((failure.kind, failure.message), (kind, expected));
    }
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_unreadable() {
    for body in ["", "{\"items\": 5}", "[]", "not json", "<html>hello</html>"] {
        let failure = failure_of(answer(200, body), Kind::Pods).await;
        assert_eq!(failure.kind, ErrorKind::Unreadable, "{body:?} {failure}");
    }
}

#[tokio::test]
async fn an_answer_is_measured_as_it_is_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..(1 << 10) {
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 8 << 20, "{}", packed.len());
    let failure = failure_of(Answer::Packed(packed), Kind::Pods).await;
    assert_eq!(failure.to_string(), "list pods: an answer of more than 64 MiB");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_unreachable() {
    let failure = cluster(&nowhere()).await.list(Kind::Pods, None).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unreachable);
    assert!(failure.message.contains("refused"), "{failure}");
    assert!(failure.hint.unwrap().contains("reachable"));
    let failure = failure_of(Answer::Stream(vec!["{".to_owned()], After::Cut), Kind::Pods).await;
    assert_eq!(failure.kind, ErrorKind::Unreachable, "{failure}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_after_the_request_timeout() {
    let failure = failure_of(Answer::Never, Kind::Pods).await;
    assert_eq!((failure.kind, failure.message.as_str()), (ErrorKind::Unreachable, "no answer within 900ms"));
    assert!(failure.hint.unwrap().contains("--request-timeout"));
}

#[tokio::test]
async fn a_server_that_asks_for_patience_is_asked_again() {
    let busy = Answer::Whole {
        status: 429,
        headers: vec![("retry-after", "1".to_owned())],
        body: "busy".to_owned(),
    };
    let server = Server::in_turn([busy, page(&[pod("a", 1)], 1, "")]);
    let cluster = access(&server.url()).within(Some(Duration::from_secs(20))).connect().await.unwrap();
    let changes = cluster.list(Kind::Pods, None).await.unwrap();
    assert_eq!(changes.iter().map(short).collect::<Vec<_>>(), ["listed a"]);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn discovery_that_is_not_permitted_is_a_failure_of_its_own() {
    let server = Server::start(|_| refusal(403, "Forbidden", "no"));
    let failure = cluster(&server.url()).await.served_bindings().await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.operation.as_str()),
        (ErrorKind::Denied, "discover elbv2.k8s.aws/v1beta1")
    );
}
