//! What a screen wants followed, told to whoever looks as one value that replaces the last.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::TargetGroupArn;

/// A wish, not a queue: only the newest counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Follow {
    /// The group of the open board.
    pub focus: Option<TargetGroupArn>,
    /// Something moves on the board: look more often.
    pub moving: bool,
    /// Groups of a list on show, swept slowly.
    pub listed: BTreeSet<TargetGroupArn>,
    /// Groups no binding names are looked for.
    pub discover: bool,
    /// Roles that bindings ask for, with their external ids.
    pub roles: BTreeMap<TargetGroupArn, (String, Option<String>)>,
    /// Namespace whose events about bindings are watched.
    pub events: Option<String>,
    /// Namespace in which is asked what one may do; `None`: everywhere.
    pub permissions: Option<String>,
    /// Multi-cluster bindings whose ConfigMap is watched.
    pub ledgers: BTreeSet<BindingRef>,
    /// Nothing is asked of AWS.
    pub frozen: bool,
    /// Counts requests to read now.
    pub hurry: u64,
}
