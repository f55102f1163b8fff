//! Why a binding is not settled: the closed set of codes of `unsettledBecause`.

use std::cmp::Ordering;

use super::standing::Standing;

/// One reason. In order of their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unsettled {
    KubernetesUnread,
    TargetsUnread,
    TargetsOlderThanChange,
    RolloutProgressing,
    RolloutUnknown,
    PodNotInService,
    GateNotTrue,
    /// A pod that terminates still gets requests.
    Leaving,
    Deleting,
    GenerationUnseen,
    /// No endpoint is wanted although replicas are desired.
    Empty,
    /// A row stands so.
    Row(Standing),
}

impl Unsettled {
    /// Those that are no standing.
    const OTHERS: [Self; 11] = [
        Self::KubernetesUnread,
        Self::TargetsUnread,
        Self::TargetsOlderThanChange,
        Self::RolloutProgressing,
        Self::RolloutUnknown,
        Self::PodNotInService,
        Self::GateNotTrue,
        Self::Leaving,
        Self::Deleting,
        Self::GenerationUnseen,
        Self::Empty,
    ];

    /// All of them: first those that are no standing, then the standings that unsettle a binding.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let standings = Standing::ALL.into_iter().filter(|it| it.unsettles()).map(Self::Row);
        Self::OTHERS.into_iter().chain(standings)
    }

    /// As it stands in `unsettledBecause`: part of the contract.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::KubernetesUnread => "kubernetes-unread",
            Self::TargetsUnread => "targets-unread",
            Self::TargetsOlderThanChange => "targets-older-than-change",
            Self::RolloutProgressing => "rollout-progressing",
            Self::RolloutUnknown => "rollout-unknown",
            Self::PodNotInService => "pod-not-in-service",
            Self::GateNotTrue => "gate-not-true",
            Self::Leaving => "leaving",
            Self::Deleting => "deleting",
            Self::GenerationUnseen => "generation-unseen",
            Self::Empty => "empty",
            Self::Row(standing) => standing.word(),
        }
    }
}

impl Ord for Unsettled {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Unsettled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_stands_for_one_reason() {
        let codes: BTreeSet<&str> = Unsettled::all().map(Unsettled::code).collect();
        assert_eq!(codes.len(), Unsettled::all().count());
        assert!(codes.iter().all(|it| it.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{codes:?}");
    }
}
