//! What a person has had before their eyes long enough to answer it: nothing else can be accepted or thrown away.

use std::time::Duration;

use crate::domain::facts::plan_id::PlanId;

/// What a single key can decide for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// A plan, to be accepted.
    Plan(PlanId),
    /// An unfinished plan of another session, to be discarded.
    Unfinished(PlanId),
}

/// A question on the last frame drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) question: Question,
    /// When it was drawn first, or when the last key came before it could be answered; counted from the start of the loop.
    pub(crate) since: Duration,
    /// It was on the screen for `PAUSE` without a key in between: from the next key on it can be answered.
    pub(crate) read: bool,
}

/// How long a question stands on the screen, with no key in between, before a key can answer it. What was typed or
/// pasted before the frame arrives within this time; nobody reads a plan and reacts in less.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);
