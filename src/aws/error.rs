//! What AWS or the way to it answered, as a failure a person can act on.

use aws_sdk_elasticloadbalancingv2::config::http::HttpResponse;
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata;
use aws_sdk_elasticloadbalancingv2::error::SdkError;

use http_body_util::LengthLimitError;

use super::unresolved::Unresolved;
use super::whole::Cut;
use crate::domain::facts::failure;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::operation::Operation;
use crate::limits::ANSWER;

/// Codes by kind. Many of these are in no service model and arrive as "unhandled".
const CODES: [(ErrorKind, &[&str]); 4] = [
    (
        ErrorKind::Denied,
        &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess"],
    ),
    (
        ErrorKind::Expired,
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId",
            "AuthFailure",
            "RequestExpired",
            "ExpiredIdentityToken",
            "InvalidIdentityToken",
        ],
    ),
    (
        ErrorKind::Throttled,
        &[
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "TooManyRequestsException",
            "PriorRequestNotComplete",
        ],
    ),
    (
        ErrorKind::NotFound,
        &[
            "TargetGroupNotFound",
            "LoadBalancerNotFound",
            "ListenerNotFound",
            "RuleNotFound",
            "InvalidPrefixListID.NotFound",
            "InvalidPrefixListId.NotFound",
        ],
    ),
];

/// Where an answer comes from that is none of AWS.
const BETWEEN: &str = "does a proxy stand between here and AWS? see --endpoint-url";

/// What a code means; `None`: nothing that is told apart.
pub(super) fn kind(code: &str) -> Option<ErrorKind> {
    CODES.iter().find(|(_, codes)| codes.contains(&code)).map(|it| it.0)
}

pub(super) fn failure<E>(called: Operation, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let operation = called.name();
    let unreachable = |text: &str| {
        Failure::new(operation, ErrorKind::Unreachable, text)
            .with_hint("is AWS reachable from here? see HTTPS_PROXY and --endpoint-url")
    };
    match error {
        SdkError::TimeoutError(_) => unreachable("no answer in time"),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => match unresolved(error) {
            Some(it) => it.clone().of(called),
            None => unreachable(&causes(error)),
        },
        SdkError::ServiceError(answer) => {
            let code = error.code().unwrap_or_default();
            let message = error.message().unwrap_or(code);
            let status = answer.raw().status().as_u16();
            match kind(code) {
                Some(ErrorKind::Denied) => Failure::new(operation, ErrorKind::Denied, message)
                    .with_hint(&format!("needs {}", called.iam_action())),
                Some(ErrorKind::Expired) => Failure::new(operation, ErrorKind::Expired, message).with_hint("aws sso login, or set AWS_PROFILE or --profile"),
                Some(ErrorKind::Throttled) => Failure::new(operation, ErrorKind::Throttled, message)
                    .with_hint("the account's budget is shared with the controller and others; asked again more slowly"),
                Some(kind) => Failure::new(operation, kind, message),
                None if code.is_empty() => {
                    let what = match status {
                        300..400 => "a redirect instead of an answer",
                        _ => "an answer that is no AWS answer",
                    };
                    let text = format!("{what} (HTTP {status})");
                    Failure::new(operation, ErrorKind::Unreadable, &text).with_hint(BETWEEN)
                }
                None => Failure::new(operation, ErrorKind::Other, &format!("{code}: {message}")),
            }
        }
        other => match no_answer(other) {
            Some(what) => Failure::new(operation, ErrorKind::Unreadable, &what).with_hint(BETWEEN),
            None => Failure::new(operation, ErrorKind::Unreadable, &causes(other)),
        },
    }
}

/// What came instead of a whole answer, or that it was too much.
fn no_answer(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    failure::causes(error).find_map(|it| {
        let cut = it.downcast_ref::<Cut>().map(ToString::to_string);
        let long = it.downcast_ref::<LengthLimitError>();
        cut.or_else(|| long.map(|_| format!("an answer of more than {}", ANSWER.size())))
    })
}

/// Credentials that could not be had, in what carries requests.
fn unresolved<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Unresolved> {
    failure::causes(error).find_map(|it| it.downcast_ref())
}

/// The causes of an error from the inside out, at most two, without repeating themselves.
fn causes(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        texts.push(inner.to_string());
        cause = inner.source();
    }
    let last = texts.len().saturating_sub(2);
    let mut said: Vec<String> = texts.split_off(last);
    said.dedup();
    said.join(": ")
}
