//! A plan somebody accepted, with what it takes to carry it out.

use crate::audit::Log;
use crate::backend::connection::Scope;
use crate::domain::plan::Plan;

/// A plan with what it takes to carry it out.
pub struct Job {
    pub plan: Plan,
    pub scope: Scope,
    pub log: Log,
}

/// What is wanted of a plan that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signal {
    #[default]
    Go,
    /// Stop before the next step, or in the middle of a wait; the log says so.
    Cancel,
    /// Whoever watches leaves: stop in the same way, and let the log show that it was not ended.
    Leave,
}
