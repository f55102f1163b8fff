//! Why there are no credentials: which step of which profile failed, in one sentence, and what to do.

use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::operation::Operation;

/// Credentials that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Unresolved {
    kind: ErrorKind,
    message: String,
    hint: String,
}

impl Unresolved {
    pub(super) fn new(kind: ErrorKind, message: &str, hint: &str) -> Self {
        Self { kind, message: message.to_owned(), hint: hint.to_owned() }
    }

    /// Of a profile that leads to no credentials as it is written.
    pub(super) fn of_profile(profile: &str, message: &str, hint: &str) -> Self {
        Self::new(ErrorKind::NoCredentials, &format!("profile {profile}: {message}"), hint)
    }

    /// The same, of another kind.
    pub(super) fn kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// As the failure of the call that needed the credentials.
    pub(super) fn of(self, operation: Operation) -> Failure {
        Failure::new(operation.name(), self.kind, &self.message).with_hint(&self.hint)
    }
}

/// The flag that names a profile, as a shell reads it.
pub(super) fn flag(profile: &str) -> String {
    let profile = profile.replace('\0', "");
    format!("--profile {}", shlex::try_quote(&profile).unwrap_or_default())
}
