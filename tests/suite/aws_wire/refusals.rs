//! What AWS or the way to it may answer instead, and the failure it becomes.

use tgscope::domain::facts::failure::ErrorKind;
use tgscope::domain::facts::failure::Failure;
use tgscope::domain::facts::time::Timestamp;

use super::arn;
use super::client;
use super::session;
use crate::support::After;
use crate::support::Answer;
use crate::support::Server;
use crate::support::answer;
use crate::support::nowhere;
use crate::support::runs_elsewhere;
use crate::world::refused;
use crate::world::xml;

async fn failure_of(given: Answer) -> Failure {
    let server = Server::in_turn([given]);
    let failure = client(&server).await.targets(&arn(), Timestamp(5)).await.unwrap_err();
    assert_eq!(failure.operation, "DescribeTargetHealth");
    assert!(!failure.message.contains('\n') && failure.message.len() < 300, "{}", failure.message);
    assert_eq!(server.seen().len(), 1);
    failure
}

#[tokio::test]
async fn each_refusal_is_of_its_kind_with_the_words_of_aws() {
    if runs_elsewhere("aws_wire::refusals::each_refusal_is_of_its_kind_with_the_words_of_aws") {
        return;
    }
    let denied = "User: arn:aws:iam::1:user/jane is not authorized\n to perform: elasticloadbalancing:DescribeTargetHealth";
    let table = [
        (400, "Throttling", "Rate exceeded", ErrorKind::Throttled, "asked again more slowly"),
        (400, "ThrottlingException", "Rate exceeded", ErrorKind::Throttled, "asked again more slowly"),
        (429, "PriorRequestNotComplete", "wait", ErrorKind::Throttled, "asked again more slowly"),
        (403, "AccessDenied", denied, ErrorKind::Denied, "needs elasticloadbalancing:DescribeTargetHealth"),
        (
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
            ErrorKind::Expired,
            "AWS_ACCESS_KEY_ID",
        ),
        (
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            ErrorKind::Expired,
            "AWS_ACCESS_KEY_ID",
        ),
        (403, "SignatureDoesNotMatch", "Signature expired", ErrorKind::Expired, "AWS_ACCESS_KEY_ID"),
        (400, "TargetGroupNotFound", "One or more target groups not found", ErrorKind::NotFound, ""),
    ];
    for (status, code, message, kind, hint) in table {
        let failure = failure_of(refused(status, code, message)).await;
        assert_eq!(failure.kind, kind, "{code}");
        assert_eq!(failure.message, message.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(failure.hint.as_deref().unwrap_or_default().contains(hint), "{code}: {:?}", failure.hint);
    }
}

#[tokio::test]
async fn a_code_nobody_knows_is_told_with_its_words() {
    if runs_elsewhere("aws_wire::refusals::a_code_nobody_knows_is_told_with_its_words") {
        return;
    }
    for (status, code) in [
        (500, "InternalFailure"),
        (500, "HealthUnavailable"),
        (400, "ValidationError"),
        (503, "ServiceUnavailable"),
    ] {
        let failure = failure_of(refused(status, code, "something is wrong")).await;
        assert_eq!(
            (failure.kind, failure.message),
            (ErrorKind::Other, format!("{code}: something is wrong"))
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_of_aws_is_unreadable() {
    if runs_elsewhere("aws_wire::refusals::what_is_no_answer_of_aws_is_unreadable") {
        return;
    }
    let page = format!("<html>\n<body>{}</body></html>", "<p>Bad gateway</p>\n".repeat(100));
    for (status, body) in
        [(500, page.as_str()), (502, ""), (403, "Forbidden by proxy"), (400, "<ErrorResponse><Error>")]
    {
        let failure = failure_of(answer(status, body)).await;
        let expected = format!("an answer that is no AWS answer (HTTP {status})");
        assert_eq!((failure.kind, failure.message), (ErrorKind::Unreadable, expected), "{body}");
    }
    let Answer::Whole { body, .. } =
        xml("DescribeTargetHealth", "<TargetHealthDescriptions><member></member></TargetHealthDescriptions>")
    else {
        panic!("no body")
    };
    for given in [&body[..body.len() / 2], "", "{}", "<html/>", page.as_str()] {
        let failure = failure_of(answer(200, given)).await;
        assert_eq!(failure.kind, ErrorKind::Unreadable, "{given:?}: {failure}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_told_and_not_kept() {
    if runs_elsewhere("aws_wire::refusals::an_answer_without_end_is_told_and_not_kept") {
        return;
    }
    let failure = failure_of(Answer::Stream(vec!["<a>".to_owned()], After::Endless)).await;
    let expected = "an answer of more than 64 MiB".to_owned();
    assert_eq!((failure.kind, failure.message), (ErrorKind::Unreadable, expected));
}

#[tokio::test]
async fn a_clock_that_cannot_be_harms_nobody() {
    if runs_elsewhere("aws_wire::refusals::a_clock_that_cannot_be_harms_nobody") {
        return;
    }
    for (code, kind) in
        [("RequestTimeTooSkewed", ErrorKind::Other), ("SignatureDoesNotMatch", ErrorKind::Expired)]
    {
        let Answer::Whole { status, body, .. } = refused(403, code, "too skewed") else { panic!("no body") };
        let date = ("date", "Fri, 31 Dec 9999 23:59:59 GMT".to_owned());
        let failure = failure_of(Answer::Whole { status, headers: vec![date], body }).await;
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.message.contains("too skewed"), "{failure}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_unreachable() {
    if runs_elsewhere("aws_wire::refusals::a_server_that_cannot_be_reached_is_unreachable") {
        return;
    }
    let client = session(&nowhere()).await.of(&arn(), None);
    let failure = client.targets(&arn(), Timestamp(5)).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unreachable, "{failure}");
    assert!(failure.message.to_ascii_lowercase().contains("refused"), "{failure}");
    assert!(failure.hint.unwrap().contains("--endpoint-url"));
    let failure = failure_of(Answer::Stream(vec!["<a>".to_owned()], After::Cut)).await;
    assert!(matches!(failure.kind, ErrorKind::Unreachable | ErrorKind::Unreadable), "{failure:?}");
}
