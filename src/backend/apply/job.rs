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
