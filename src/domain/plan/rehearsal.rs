//! What a server-side dry run says of each step of a plan.

/// Whether a step would be accepted as things are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    /// It would; with what was checked.
    Accepted(String),
    /// It would not; with the reason.
    Refused(String),
}
