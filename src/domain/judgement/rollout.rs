//! How far a workload behind a binding is.

use crate::domain::facts::cluster::Workload;

/// One workload behind the selected pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RolloutState {
    /// At rest with this many replicas desired.
    Quiet(u32),
    /// On the way to this many.
    Moving(u32),
    /// It does not get on, with why.
    Stuck(u32, String),
    /// Of this it is not known.
    Unread(String),
}

impl RolloutState {
    /// How many replicas are desired; `None`: that is not known.
    pub(crate) fn desired(&self) -> Option<u32> {
        match self {
            Self::Quiet(n) | Self::Moving(n) | Self::Stuck(n, _) => Some(*n),
            Self::Unread(_) => None,
        }
    }

    pub(super) fn of(it: &Workload) -> Self {
        match &it.stuck {
            _ if it.quiet() => Self::Quiet(it.desired),
            Some(why) => Self::Stuck(it.desired, format!("{} {}: {why}", it.kind.word(), it.name.name)),
            None => Self::Moving(it.desired),
        }
    }
}
