//! What names a plan among all plans of all sessions.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::time::Timestamp;

/// Names one plan, in progress, in the audit log and for `undo`: `MILLISECONDS-CHANGE-SESSION-COUNT`. No two plans share
/// one, however quickly they are made and in however many sessions. Read from a log it is taken as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanId(Arc<str>);

impl PlanId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for PlanId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a session takes the names of its plans from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanIds {
    session: u32,
    count: u32,
}

impl PlanIds {
    /// `session` is random: it tells this session's plans from those of any other.
    pub(crate) fn new(session: u32) -> Self {
        Self { session, count: 0 }
    }

    /// The next name, for a plan that was made at `made` to do `change`.
    pub(crate) fn take(&mut self, made: Timestamp, change: &str) -> PlanId {
        self.count += 1;
        PlanId(format!("{}-{change}-{:08x}-{}", made.0, self.session, self.count).into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn plans_of_one_millisecond_have_names_of_their_own_in_every_session() {
        let now = Timestamp(1_764_185_412_000);
        let (mut one, mut other) = (PlanIds::new(7), PlanIds::new(8));
        let names: Vec<PlanId> =
            (0..3).flat_map(|_| [one.take(now, "drain"), other.take(now, "drain")]).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 6);
        assert_eq!(names[0].as_str(), "1764185412000-drain-00000007-1");
    }
}
