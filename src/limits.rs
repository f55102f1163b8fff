//! How much is taken of what comes from outside, in one table: whoever sends more is told so, and nobody runs out of
//! memory.

/// One limit: of what, how many bytes, and what happens beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub of: &'static str,
    pub bytes: usize,
    pub beyond: &'static str,
}

/// One answer of an API server or of AWS, unpacked. A page of 500 pods is a few MiB.
pub(crate) const ANSWER: Limit = Limit {
    of: "an answer of an API server or of AWS, unpacked",
    bytes: 64 << 20,
    beyond: "an error that says so; what was read before stays",
};

/// One event of a watch, which is a line. API servers take no request above 3 MiB, so that no object is larger
/// (`MaxRequestBodyBytes` of k8s.io/apiserver).
pub(crate) const EVENT: Limit = Limit {
    of: "an event of a watch, with its object",
    bytes: 4 << 20,
    beyond: "an error that says so; it is listed again, more and more slowly",
};

/// What a login command prints; the longest tokens have some thousand bytes.
pub(crate) const LOGIN: Limit =
    Limit { of: "what a login command prints", bytes: 1 << 20, beyond: "an error that names the command" };

/// One text of others where it is shown; more than any screen holds. JSON and YAML have all of it.
pub(crate) const TEXT: Limit =
    Limit { of: "one text that is shown or printed", bytes: 4 << 10, beyond: "the rest is left out" };

/// The audit log before it is rotated.
pub(crate) const AUDIT_LOG: Limit =
    Limit { of: "the audit log", bytes: 16 << 20, beyond: "it is rotated; no unfinished change is lost" };

/// One line of the audit log; the plan of a drain of 190 pods has 2.4 MB.
pub(crate) const AUDIT_LINE: Limit = Limit {
    of: "a line of the audit log",
    bytes: 8 << 20,
    beyond: "it is counted among those that cannot be read",
};

/// All of them, as the README lists them.
pub const LIMITS: [Limit; 6] = [ANSWER, EVENT, LOGIN, TEXT, AUDIT_LOG, AUDIT_LINE];

impl Limit {
    /// `64 MiB`
    pub fn size(&self) -> String {
        match self.bytes.checked_ilog2() {
            Some(20..) => format!("{} MiB", self.bytes >> 20),
            _ => format!("{} KiB", self.bytes >> 10),
        }
    }
}
