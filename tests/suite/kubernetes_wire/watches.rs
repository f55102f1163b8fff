//! Watches: the list first, each change, and what is on show while a watch is lost and found again.

use futures::StreamExt;
use serde_json::Value;
use serde_json::json;
use tgscope::domain::facts::failure::ErrorKind;
use tgscope::domain::facts::ids::ObjectName;
use tgscope::domain::inventory::Kind;
use tgscope::domain::inventory::Observation;

use super::broken;
use super::cluster;
use super::hasty;
use super::next;
use super::page;
use super::pod;
use super::refusal;
use super::status;
use crate::support::After;
use crate::support::Answer;
use crate::support::PATIENCE;
use crate::support::Request;
use crate::support::Server;
use crate::support::answer;
use crate::support::nowhere;

/// As API servers write it: the type first.
fn event(kind: &str, object: &Value) -> String {
    format!(r#"{{"type":"{kind}","object":{object}}}"#)
}

/// The bookmark that ends a streamed list.
fn end_of_list(version: u32) -> String {
    let annotations = json!({ "k8s.io/initial-events-end": "true" });
    bookmark(version, &annotations)
}

fn bookmark(version: u32, annotations: &Value) -> String {
    let metadata = json!({ "resourceVersion": version.to_string(), "annotations": annotations });
    event("BOOKMARK", &json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata }))
}

fn stream<const N: usize>(lines: [String; N], after: After) -> Answer {
    Answer::Stream(lines.into(), after)
}

fn no_streaming() -> Answer {
    refusal(
        422,
        "Invalid",
        "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
    )
}

/// What each request asked for: a list, a list as a stream, or a watch from a version on.
fn asked(seen: &[Request]) -> Vec<String> {
    let one = |it: &Request| match (it.parameter("watch"), it.parameter("sendInitialEvents")) {
        (None, _) => "list".to_owned(),
        (_, Some(_)) => "stream".to_owned(),
        _ => format!("watch {}", it.parameter("resourceVersion").unwrap_or_default()),
    };
    seen.iter().map(one).collect()
}

#[tokio::test]
async fn a_stream_that_ends_before_the_list_is_whole_is_told_and_asked_for_in_pages() {
    let server = Server::start(|it| match (it.parameter("watch"), it.parameter("sendInitialEvents")) {
        (Some(_), Some(_)) => stream([event("ADDED", &pod("a", 1))], After::End),
        (Some(_), None) => stream([], After::End),
        _ => page(&[pod("a", 1)], 9, ""),
    });
    let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, Some("shop".to_owned())));
    let seen = next(&mut changes, 2).await;
    assert!(seen[0].contains("the answer ended before the list was whole"), "{seen:?}");
    assert_eq!(seen[1], "listed a");
    // A watch that ends at once is not begun anew at once.
    let asked = asked(&server.seen());
    assert!(asked.iter().filter(|it| *it == "stream").count() == 3 && asked.len() <= 6, "{asked:?}");
}

#[tokio::test]
async fn a_list_comes_as_a_stream_and_is_told_when_it_is_whole() {
    let server = Server::in_turn([stream(
        [
            event("ADDED", &pod("a", 1)),
            event("ADDED", &broken("bad", 2)),
            bookmark(2, &json!({})),
            event("ADDED", &pod("b", 3)),
            end_of_list(3),
            event("MODIFIED", &pod("a", 4)),
            bookmark(5, &json!({})),
            event("MODIFIED", &broken("b", 6)),
            event("DELETED", &pod("a", 7)),
            event("ADDED", &pod("c", 8)),
        ],
        After::Hold,
    )]);
    let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, Some("shop".to_owned())));
    let seen = next(&mut changes, 6).await;
    assert_eq!(seen[0], "listed a b");
    assert!(seen[1].starts_with("skipped shop/bad: status.podIP: "), "{seen:?}");
    assert_eq!(seen[2], "applied a");
    assert!(seen[3].starts_with("skipped shop/b: status.podIP: "), "{seen:?}");
    assert_eq!(seen[4..], ["removed a", "applied c"]);
    let requests = server.seen();
    assert_eq!(asked(&requests), ["stream"]);
    assert_eq!(requests[0].path(), "/api/v1/namespaces/shop/pods");
    assert_eq!(requests[0].parameter("resourceVersionMatch").as_deref(), Some("NotOlderThan"));
}

#[tokio::test]
async fn a_server_that_refuses_to_stream_is_asked_for_pages() {
    for refused in [no_streaming(), refusal(400, "BadRequest", "no"), refusal(403, "Forbidden", "no")] {
        let server = Server::in_turn([
            refused,
            page(&[pod("a", 1)], 9, "more"),
            page(&[pod("b", 2), broken("bad", 3)], 10, ""),
            stream([event("ADDED", &pod("c", 11))], After::Hold),
        ]);
        let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, None));
        let seen = next(&mut changes, 3).await;
        assert_eq!(seen[0], "listed a b");
        assert!(seen[1].starts_with("skipped shop/bad: "), "{seen:?}");
        assert_eq!(seen[2], "applied c");
        assert_eq!(asked(&server.seen()), ["stream", "list", "list", "watch 10"]);
    }
}

#[tokio::test]
async fn a_watch_that_ends_or_is_cut_goes_on_where_it_was() {
    for after in [After::End, After::Cut] {
        let server = Server::in_turn([
            stream([event("ADDED", &pod("a", 1)), end_of_list(3), event("MODIFIED", &pod("a", 4))], after),
            stream([bookmark(8, &json!({}))], after),
            stream([event("DELETED", &pod("a", 9))], After::Hold),
        ]);
        let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, None));
        assert_eq!(next(&mut changes, 3).await, ["listed a", "applied a", "removed a"], "{after:?}");
        assert_eq!(asked(&server.seen()), ["stream", "watch 4", "watch 8"], "{after:?}");
    }
}

#[tokio::test]
async fn a_watch_that_fell_behind_lists_anew_without_a_failure_and_nothing_vanishes_meanwhile() {
    let gone = status(410, "Expired", "too old resource version: 3 (9)");
    let first = || [event("ADDED", &pod("a", 1)), event("ADDED", &pod("b", 2)), end_of_list(3)];
    let again =
        || stream([event("ADDED", &pod("b", 2)), event("ADDED", &pod("c", 8)), end_of_list(9)], After::Hold);
    let table = [
        vec![stream(first(), After::End), answer(410, gone.to_string()), again()],
        vec![Answer::Stream([&first()[..], &[event("ERROR", &gone)]].concat(), After::End), again()],
    ];
    for answers in table {
        let server = Server::in_turn(answers);
        let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, None));
        assert_eq!(next(&mut changes, 2).await, ["listed a b", "listed b c"]);
        assert_eq!(asked(&server.seen()).last().map(String::as_str), Some("stream"));
    }
}

#[tokio::test]
async fn a_list_that_is_cut_before_its_end_is_read_again_from_its_beginning() {
    let server = Server::in_turn([
        stream([event("ADDED", &pod("a", 1))], After::Cut),
        stream([event("ADDED", &pod("b", 2)), end_of_list(3)], After::Hold),
    ]);
    let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, None));
    assert_eq!(next(&mut changes, 1).await, ["listed b"]);
}

#[tokio::test]
async fn a_watch_that_is_lost_says_so_and_lists_again_after_a_while() {
    let server = Server::in_turn([
        stream([event("ADDED", &pod("a", 1)), end_of_list(3)], After::Cut),
        refusal(500, "InternalError", "etcdserver: leader changed"),
        stream([event("ADDED", &pod("a", 1)), event("ADDED", &pod("b", 9)), end_of_list(9)], After::Hold),
    ]);
    let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, None));
    assert_eq!(
        next(&mut changes, 3).await,
        ["listed a", "failed Other watch pods: etcdserver: leader changed", "listed a b"]
    );
    assert_eq!(asked(&server.seen()), ["stream", "watch 3", "stream"]);
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_watch_is_a_failure_with_its_words() {
    let error = event("ERROR", &status(500, "InternalError", "storage is\nrestarting"));
    let server = Server::in_turn([
        stream([event("ADDED", &pod("a", 1)), end_of_list(3), error], After::Hold),
        stream([event("ADDED", &pod("a", 1)), end_of_list(9)], After::Hold),
    ]);
    let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, None));
    assert_eq!(
        next(&mut changes, 3).await,
        ["listed a", "failed Other watch pods: storage is restarting", "listed a"]
    );
}

#[tokio::test]
async fn a_watch_that_is_not_permitted_names_what_is_missing() {
    let server = Server::start(|_| refusal(403, "Forbidden", "pods is forbidden"));
    let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, None));
    let Some(Observation::Failed(_, failure)) = changes.next().await else { panic!("no failure") };
    assert_eq!(failure.to_string(), "list pods: pods is forbidden");
    assert_eq!(failure.hint.as_deref(), Some("needs the RBAC verb list on pods"));
    assert_eq!(asked(&server.seen()), ["stream", "list"]);
}

#[tokio::test]
async fn a_watch_fails_at_once_where_a_server_is_busy_gone_or_silent() {
    let busy = Server::start(|_| refusal(429, "TooManyRequests", "slow down"));
    let silent = Server::start(|_| Answer::Never);
    let table = [
        (busy.url(), "failed Throttled watch pods: slow down"),
        (silent.url(), "failed Unreachable watch pods: no answer within 900ms"),
        (nowhere(), "failed Unreachable watch pods: "),
    ];
    for (url, expected) in table {
        let mut changes = Box::pin(hasty(&url).await.watch(Kind::Pods, None));
        let seen = next(&mut changes, 1).await;
        assert!(seen[0].starts_with(expected), "{seen:?}");
    }
}

#[tokio::test]
async fn a_whole_list_may_be_followed_by_any_silence() {
    let server = Server::in_turn([stream([event("ADDED", &pod("a", 1)), end_of_list(3)], After::Hold)]);
    let mut changes = Box::pin(hasty(&server.url()).await.watch(Kind::Pods, None));
    assert_eq!(next(&mut changes, 1).await, ["listed a"]);
    let silence = tokio::time::timeout(std::time::Duration::from_millis(1_800), changes.next()).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test]
async fn an_event_without_end_is_told_and_not_kept() {
    let long = "x".repeat(3 << 20);
    let mut large = pod("b", 4);
    large["metadata"]["annotations"] = json!({ "long": long });
    let server = Server::in_turn([
        stream([event("ADDED", &pod("a", 1)), end_of_list(3), event("ADDED", &large)], After::Endless),
        stream([event("ADDED", &pod("a", 1)), end_of_list(9)], After::Hold),
        stream([event("ADDED", &pod("a", 1)), end_of_list(9)], After::Hold),
    ]);
    let mut changes = Box::pin(cluster(&server.url()).await.watch(Kind::Pods, None));
    assert_eq!(
        next(&mut changes, 4).await,
        ["listed a", "applied b", "failed Unreadable watch pods: an event of more than 4 MiB", "listed a"]
    );
}

#[tokio::test]
async fn a_ledger_is_watched_by_its_name() {
    let map = |version: u32, targets: &str| {
        let metadata = json!({ "name": "l", "namespace": "shop", "resourceVersion": version.to_string() });
        json!({ "metadata": metadata, "data": { "targets": targets } })
    };
    let mut unreadable = map(6, "");
    unreadable["data"] = json!("none");
    let events = [
        end_of_list(3),
        event("ADDED", &map(4, "10.0.0.1:80")),
        event("MODIFIED", &map(5, "10.0.0.1:80,10.0.0.2:80")),
        event("MODIFIED", &unreadable),
        event("DELETED", &map(7, "10.0.0.1:80,10.0.0.2:80")),
    ];
    let server = Server::in_turn([stream(events, After::Hold)]);
    let changes = cluster(&server.url()).await.watch_ledger(ObjectName::new("shop", "l"));
    let sizes = changes.take(5).map(|it| match it {
        Observation::Ledger { ledger, .. } => Ok(ledger.map(|it| it.targets.len())),
        Observation::Failed(_, failure) => Err(failure.kind),
        other => panic!("{other:?}"),
    });
    let sizes: Vec<_> = tokio::time::timeout(PATIENCE, sizes.collect()).await.unwrap();
    assert_eq!(sizes, [Ok(None), Ok(Some(1)), Ok(Some(2)), Err(ErrorKind::Unreadable), Ok(None)]);
    assert_eq!(server.seen()[0].parameter("fieldSelector").as_deref(), Some("metadata.name=l"));
}
