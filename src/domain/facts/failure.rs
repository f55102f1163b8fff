//! What went wrong outside, as the screen and the scripts need it: what was asked, what kind of failure,
//! and what to do about it.

use std::error::Error;

use serde::Deserialize;
use serde::Serialize;

use crate::limits::TEXT;

/// An error and what it comes from, the outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |it: &&'a (dyn Error + 'static)| (*it).source())
}

/// The deepest cause says what happened; the layers above only say where.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ErrorKind {
    Denied,
    /// Nobody is logged in, or a profile leads to no credentials.
    NoCredentials,
    Expired,
    Throttled,
    NotFound,
    Conflict,
    Unreachable,
    /// One object or answer could not be understood.
    Unreadable,
    Other,
}

impl ErrorKind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Denied,
        Self::NoCredentials,
        Self::Expired,
        Self::Throttled,
        Self::NotFound,
        Self::Conflict,
        Self::Unreachable,
        Self::Unreadable,
        Self::Other,
    ];

    /// As it stands in the JSON output: part of the contract.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NoCredentials => "no-credentials",
            Self::Expired => "expired",
            Self::Throttled => "throttled",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
            Self::Other => "other",
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Denied => "not permitted",
            Self::NoCredentials => "no credentials",
            Self::Expired => "credentials expired",
            Self::Throttled => "throttled",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
            Self::Other => "failed",
        }
    }
}

/// A call to the outside that did not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct Failure {
    /// The call as its owner names it: `DescribeTargetHealth`, `list pods`.
    pub operation: String,
    pub kind: ErrorKind,
    /// What the other side said, on one line.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(operation: &str, kind: ErrorKind, message: &str) -> Self {
        let message = one_line(message);
        Self { operation: operation.to_owned(), kind, message, hint: None }
    }

    /// Asked about several things at once, the other side may have meant a single one of them: one that is not there
    /// (`TargetGroupNotFound`), or that it does not take for one of its own.
    pub(crate) fn may_be_one_of_many(&self) -> bool {
        let is_refused = self.kind == ErrorKind::Other && self.message.starts_with("ValidationError");
        self.kind == ErrorKind::NotFound || is_refused
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.hint = Some(one_line(hint));
        self
    }
}

/// Nobody's words begin a line of their own, or are without end.
fn one_line(text: &str) -> String {
    let start = text.get(..text.floor_char_boundary(TEXT.bytes)).unwrap_or_default();
    let line = start.split_whitespace().collect::<Vec<_>>().join(" ");
    if start.len() < text.len() { line + "…" } else { line }
}
