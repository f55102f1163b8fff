//! What the API server or the way to it answered, as a failure a person can act on.

use std::time::Duration;

use kube::core::Status;
use kube::runtime::watcher;
use serde_json::error::Category;

use super::answer;
use super::kinds;
use super::user;
use super::user::Plugin;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::failure::innermost;
use crate::domain::inventory::Kind;

/// A failed call about a kind: `list pods`.
pub(super) fn failure(verb: &str, kind: Kind, error: &kube::Error) -> Failure {
    let name = kinds::rbac_name(kind);
    named(verb, &name, error)
}

pub(super) fn named(verb: &str, resource: &str, error: &kube::Error) -> Failure {
    let operation = format!("{verb} {resource}");
    if let Some(refused) = user::refused(&operation, &Plugin::default(), error) {
        return refused;
    }
    if let Some(told) = answer::told(error) {
        return Failure::new(&operation, ErrorKind::Unreadable, &told).with_hint(BETWEEN);
    }
    match error {
        kube::Error::Api(status) => of_status(&operation, status, verb, resource),
        kube::Error::SerdeError(error) => {
            let failure = Failure::new(&operation, ErrorKind::Unreadable, &unparsed(error));
            if error.is_data() { failure } else { failure.with_hint(BETWEEN) }
        }
        other => Failure::new(&operation, ErrorKind::Unreachable, &innermost(other))
            .with_hint("is the API server up, and reachable from here?"),
    }
}

/// Where an answer comes from that is not the API server's.
pub(super) const BETWEEN: &str = "does a proxy or a login page stand between here and the API server?";

/// Why an answer could not be read, without the place in a text nobody sees.
fn unparsed(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof if error.line() <= 1 && error.column() == 0 => "an empty answer".to_owned(),
        Category::Eof => "an answer that ends too early".to_owned(),
        Category::Syntax => "an answer that is no JSON".to_owned(),
        Category::Data | Category::Io => error.to_string(),
    }
}

/// The library's own words for an answer whose body is no `Status`.
const UNPARSED: &str = "Failed to parse error data";

fn of_status(operation: &str, status: &Status, verb: &str, resource: &str) -> Failure {
    let said = [&status.message, &status.reason].into_iter().find(|it| !it.is_empty());
    // A proxy's page for browsers says nothing to a person at a terminal.
    let said = said.filter(|it| !it.trim_start().starts_with('<') && *it != UNPARSED);
    let message = match (said, status.code) {
        (Some(message), _) => message.clone(),
        (None, 0) => "an answer that is no Kubernetes answer".to_owned(),
        (None, code) => format!("an answer that is no Kubernetes answer (HTTP {code})"),
    };
    let say = |kind| Failure::new(operation, kind, &message);
    match status.code {
        401 => say(ErrorKind::Expired).with_hint("log in to the cluster again"),
        // The controller's own refusals come as this too: no role would change them.
        403 if message.contains("admission webhook") => say(ErrorKind::Other),
        403 => say(ErrorKind::Denied).with_hint(&format!("needs the RBAC verb {verb} on {resource}")),
        404 => say(ErrorKind::NotFound),
        409 => say(ErrorKind::Conflict),
        429 => say(ErrorKind::Throttled)
            .with_hint("the API server asks for patience; it is asked again by itself"),
        _ if said.is_none() => say(ErrorKind::Unreadable),
        _ => say(ErrorKind::Other),
    }
}

/// The same with the address, where nobody answered at it: what is wrong is mostly the address, or a proxy.
pub(super) fn at(place: &str, failure: Failure) -> Failure {
    match failure.kind {
        ErrorKind::Unreachable => {
            let hint = failure.hint.clone().unwrap_or_default();
            failure.with_hint(format!("{hint}; asked at {place}").trim_start_matches("; "))
        }
        ErrorKind::Unreadable if failure.hint.as_deref() == Some(BETWEEN) => {
            failure.with_hint(&format!("{BETWEEN} asked at {place}"))
        }
        _ => failure,
    }
}

/// Nothing came for as long as a person has patience.
pub(super) fn silence(operation: &str, patience: Duration) -> Failure {
    Failure::new(operation, ErrorKind::Unreachable, &format!("no answer within {patience:?}"))
        .with_hint("is the API server up? see --request-timeout")
}

/// A watch that ended. `None`: it only fell behind (410 Gone) and lists anew.
pub(super) fn watch_failure(kind: Kind, error: &watcher::Error) -> Option<Failure> {
    match error {
        watcher::Error::InitialListFailed(error) => Some(failure("list", kind, error)),
        watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
            let gone = matches!(error, kube::Error::Api(status) if status.code == 410);
            (!gone).then(|| failure("watch", kind, error))
        }
        watcher::Error::WatchError(status) => {
            let name = kinds::rbac_name(kind);
            (status.code != 410).then(|| of_status(&format!("watch {name}"), status, "watch", &name))
        }
        watcher::Error::NoResourceVersion => Some(Failure::new(
            &format!("watch {}", kinds::rbac_name(kind)),
            ErrorKind::Unreadable,
            "an object without resourceVersion",
        )),
    }
}

/// Whether the server refused the way of asking rather than the question: another way may work.
pub(super) fn refuses_streaming(error: &watcher::Error) -> bool {
    let code = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code,
        _ => return false,
    };
    (400..500).contains(&code) && ![401, 410, 429].contains(&code)
}
