//! What comes where an answer should: each kind is told as what it is, by whose side it came, and accuses nobody.

use std::sync::Arc;

use super::asked;
use super::fake::World;
use crate::support::Answer;
use crate::support::Request;
use crate::support::answer;

/// What one side answers instead, by what it would have answered.
type Instead = fn(&str) -> Answer;

fn with(status: u16, name: &'static str, value: &str, body: &str) -> Answer {
    Answer::Whole { status, headers: vec![(name, value.to_owned())], body: body.to_owned() }
}

/// Every text between two marks becomes another.
fn between(text: &str, marks: (&str, &str), other: &str) -> String {
    let mut parts = text.split(marks.0);
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|it| {
        let after = it.split_once(marks.1).map_or("", |it| it.1);
        format!("{}{other}{}{after}", marks.0, marks.1)
    });
    rest.fold(first, |all, it| all + &it)
}

const PAGE: &str = "<html><body>Sign in</body></html>";

/// What the API server's list of pods is instead, and what is said of it.
const OF_KUBERNETES: &[(Instead, &str)] = &[
    (
        |_| with(302, "location", "https://me:secret@login.example/?next=1", ""),
        "pods: a redirect to https://me:***@login.example/?next=1 instead of an answer",
    ),
    (|_| with(302, "x", "", ""), "pods: a redirect to nowhere instead of an answer"),
    (|_| answer(204, ""), "pods: an empty answer (HTTP 204)"),
    (|_| answer(200, ""), "pods: an empty answer"),
    (
        |_| with(200, "content-type", "text/html", PAGE),
        "pods: a page for browsers (HTTP 200) instead of an answer of Kubernetes",
    ),
    (|_| answer(200, PAGE), "pods: an answer that is no JSON"),
    (|it| answer(200, &it[..it.len() / 2]), "pods: an answer that ends too early"),
    (
        |_| answer(200, r#"{"kind": "ServiceList", "apiVersion": "v1", "metadata": {}, "items": []}"#),
        "pods: an answer of kind ServiceList, not PodList",
    ),
    (|it| answer(200, it.to_owned() + &" ".repeat(65 << 20)), "pods: an answer of more than 64 MiB"),
];

/// What the health of the targets is instead.
const OF_AWS: &[(Instead, &str)] = &[
    (
        |_| with(302, "location", "http://127.0.0.1:1/", ""),
        "targets: a redirect instead of an answer (HTTP 302)",
    ),
    (|_| answer(204, ""), "targets: an empty answer"),
    (|_| answer(200, PAGE), "targets: an answer that is no AWS answer"),
    (|it| answer(200, &it[..it.len() / 2]), "targets: an answer that ends too early"),
    (
        |it| answer(200, between(it, ("<Id>", "</Id>"), "")),
        "targets: 2 targets in the answer of AWS could not be read",
    ),
    (
        |it| answer(200, between(it, ("<Port>", "</Port>"), "70000")),
        "targets: 2 targets in the answer of AWS could not be read",
    ),
    (
        |it| answer(200, between(it, ("<Port>", "</Port>"), "-1")),
        "targets: 2 targets in the answer of AWS could not be read",
    ),
];

/// What is said where those requests get this instead.
fn says(is_meant: fn(&Request) -> bool, instead: Instead) -> (Option<i32>, String) {
    let world = Arc::new(World::read("baseline"));
    let answers = move |request: &Request| match (world.answer(request), is_meant(request)) {
        (Answer::Whole { body, .. }, true) => instead(&body),
        (other, _) => other,
    };
    let (code, stdout, stderr) = asked(answers, &["get", "-A"]);
    (code, stdout + &stderr)
}

#[test]
fn what_is_no_answer_is_told_as_what_it_is_and_accuses_nobody() {
    let pods = |it: &Request| it.path() == "/api/v1/pods";
    let health = |it: &Request| it.body.contains("Action=DescribeTargetHealth");
    let kubernetes = OF_KUBERNETES.iter().map(|it| (pods as fn(&Request) -> bool, it));
    let aws = OF_AWS.iter().map(|it| (health as fn(&Request) -> bool, it));
    for (is_meant, (instead, expected)) in kubernetes.chain(aws) {
        let (code, said) = says(is_meant, *instead);
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
        assert_eq!(code, Some(2), "{expected}:\n{said}");
        for wrong in ["unregistered", "orphan", "lingering", "empty  ", "line 1", "interceptor", "secret"] {
            assert!(!said.contains(wrong), "{expected}: {wrong} in:\n{said}");
        }
    }
}

#[test]
fn who_points_at_an_address_a_pod_or_a_node_is_shown_its_row_alone() {
    let world = Arc::new(World::read("nothing-listens"));
    for scope in ["10.0.1.10", "pod/web-5f7c9-aaaaa", "node/node-a"] {
        let world = world.clone();
        let (_, said, _) = asked(move |it: &Request| world.answer(it), &["get", "-n", "shop", scope]);
        assert!(said.contains("10.0.1.10:8080") && !said.contains("10.0.2.10"), "{scope}:\n{said}");
    }
}
