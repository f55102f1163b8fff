//! What AWS or the way to it answered, as a failure a person can act on.

use aws_sdk_elasticloadbalancingv2::config::http::HttpResponse;
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata;
use aws_sdk_elasticloadbalancingv2::error::SdkError;

use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::operation::Operation;

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
        &["TargetGroupNotFound", "LoadBalancerNotFound", "ListenerNotFound", "RuleNotFound"],
    ),
];

pub(super) fn failure<E>(
    called: Operation,
    profile: Option<&str>,
    error: &SdkError<E, HttpResponse>,
) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let operation = called.name();
    let login = match profile {
        Some(profile) => format!("aws sso login --profile {profile}, or renew that profile's credentials"),
        None => "aws sso login, or set AWS_PROFILE or --profile".to_owned(),
    };
    match error {
        SdkError::TimeoutError(_) => Failure::new(operation, ErrorKind::Unreachable, "no answer in time")
            .with_hint("is AWS reachable from here? see HTTPS_PROXY and --endpoint-url"),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
            let text = causes(error);
            // Why each of the chain's many providers has nothing helps nobody.
            let text = text.split(" Attempted:").next().unwrap_or_default().trim_end_matches('.').to_owned();
            match text.to_ascii_lowercase().contains("credential")
                || text.contains("token")
                || text.contains("profile")
            {
                true => Failure::new(operation, ErrorKind::Expired, &format!("no AWS credentials: {text}"))
                    .with_hint(&login),
                false => Failure::new(operation, ErrorKind::Unreachable, &text)
                    .with_hint("is AWS reachable from here? see HTTPS_PROXY and --endpoint-url"),
            }
        }
        SdkError::ServiceError(answer) => {
            let code = error.code().unwrap_or_default();
            let message = error.message().unwrap_or(code);
            let status = answer.raw().status().as_u16();
            let kind = CODES.iter().find(|(_, codes)| codes.contains(&code)).map(|it| it.0);
            match kind {
                Some(ErrorKind::Denied) => Failure::new(operation, ErrorKind::Denied, message)
                    .with_hint(&format!("needs {}", called.iam_action())),
                Some(ErrorKind::Expired) => Failure::new(operation, ErrorKind::Expired, message).with_hint(&login),
                Some(ErrorKind::Throttled) => Failure::new(operation, ErrorKind::Throttled, message)
                    .with_hint("the account's budget is shared with the controller and others; asked again more slowly"),
                Some(kind) => Failure::new(operation, kind, message),
                None if code.is_empty() => {
                    Failure::new(operation, ErrorKind::Unreadable, &format!("an answer that is no AWS answer (HTTP {status})"))
                }
                None => Failure::new(operation, ErrorKind::Other, &format!("{code}: {message}")),
            }
        }
        other => Failure::new(operation, ErrorKind::Unreadable, &causes(other)),
    }
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
