//! What a screen wants followed, told to whoever looks as one value that replaces the last.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::network::WantedPath;

/// A role to assume, and the external id it asks for.
pub(crate) type Role = (String, Option<String>);

/// What a change has just touched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Again {
    Health(TargetGroupArn),
    Routes(LoadBalancerArn),
}

/// A wish, not a queue: only the newest counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Follow {
    /// The group of the open board.
    pub focus: Option<TargetGroupArn>,
    /// Something moves on the board: look more often.
    pub moving: bool,
    /// Groups of a list, swept slowly.
    pub listed: BTreeSet<TargetGroupArn>,
    /// Those of them to read first, most wanted first: on show, then those of which Kubernetes says that something is
    /// wrong.
    pub first: Vec<TargetGroupArn>,
    /// Those of them whose Kubernetes side has changed since their health was asked for.
    pub outdated: BTreeSet<TargetGroupArn>,
    /// Groups no binding names are looked for.
    pub discover: bool,
    /// Tags of groups are read, to find among them those of this cluster.
    pub tags: bool,
    /// Groups whose tags need no reading for that: a binding names them.
    pub named: BTreeSet<TargetGroupArn>,
    /// Settings and tags of every group that is followed are wanted: a plan is made of them.
    pub thorough: bool,
    /// Of AWS nothing is wanted but the health of targets.
    pub lean: bool,
    /// Load balancers and rules whose tags are wanted.
    pub marks: BTreeSet<Arc<str>>,
    /// Targets to which the network path is wanted.
    pub paths: BTreeSet<WantedPath>,
    /// Roles that bindings ask for, with their external ids.
    pub roles: BTreeMap<TargetGroupArn, Role>,
    /// Namespace whose events about bindings are watched.
    pub events: Option<String>,
    /// Namespace in which is asked what one may do; `None`: everywhere.
    pub permissions: Option<String>,
    /// Multi-cluster bindings whose ConfigMap is watched.
    pub ledgers: BTreeSet<BindingRef>,
    /// Nothing is asked of AWS.
    pub frozen: bool,
    /// Counts requests to read everything now.
    pub hurry: u64,
    /// Counts requests to read these alone now.
    pub again: BTreeMap<Again, u64>,
}
