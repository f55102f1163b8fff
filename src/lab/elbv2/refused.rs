//! What AWS says when it does not do what it is asked for: a status, a code and a message.

/// An error as AWS writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Refused {
    pub(in crate::lab) status: u16,
    pub(in crate::lab) code: &'static str,
    pub(in crate::lab) message: String,
}

impl Refused {
    pub(in crate::lab) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    pub(in crate::lab) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("ValidationError", message)
    }

    pub(super) fn no_group() -> Self {
        Self::new("TargetGroupNotFound", "One or more target groups not found")
    }
}
