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
    /// A workload is past its deadline, or its pods cannot be made.
    RolloutStuck,
    RolloutUnknown,
    PodNotInService,
    GateNotTrue,
    /// A readiness gate that is not this binding's is not True.
    OtherGate,
    /// A pod that terminates still gets requests.
    Leaving,
    Deleting,
    GenerationUnseen,
    /// Its target group does not exist.
    GroupGone,
    /// Another binding on the group deregisters what this one wants.
    GroupContested,
    /// No endpoint is wanted although replicas are desired.
    Empty,
    /// A row stands so.
    Row(Standing),
}

impl Unsettled {
    /// Those that are no standing.
    const OTHERS: [Self; 15] = [
        Self::KubernetesUnread,
        Self::TargetsUnread,
        Self::TargetsOlderThanChange,
        Self::RolloutProgressing,
        Self::RolloutStuck,
        Self::RolloutUnknown,
        Self::PodNotInService,
        Self::GateNotTrue,
        Self::OtherGate,
        Self::Leaving,
        Self::Deleting,
        Self::GenerationUnseen,
        Self::GroupGone,
        Self::GroupContested,
        Self::Empty,
    ];

    /// All of them: first those that are no standing, then the standings that unsettle a binding.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let standings = Standing::ALL.into_iter().filter(|it| it.unsettles()).map(Self::Row);
        Self::OTHERS.into_iter().chain(standings)
    }

    /// It passes by itself, or has a problem of its own where it does not.
    pub(crate) fn is_moving(self) -> bool {
        matches!(
            self,
            Self::TargetsOlderThanChange
                | Self::RolloutProgressing
                | Self::PodNotInService
                | Self::GateNotTrue
                | Self::OtherGate
                | Self::Leaving
                | Self::GenerationUnseen
                | Self::Row(
                    Standing::Registering
                        | Standing::Waiting
                        | Standing::Unregistered
                        | Standing::Lingering
                        | Standing::Orphan
                )
        )
    }

    /// As it stands in `unsettledBecause`: part of the contract.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::KubernetesUnread => "kubernetes-unread",
            Self::TargetsUnread => "targets-unread",
            Self::TargetsOlderThanChange => "targets-older-than-change",
            Self::RolloutProgressing => "rollout-progressing",
            Self::RolloutStuck => "rollout-stuck",
            Self::RolloutUnknown => "rollout-unknown",
            Self::PodNotInService => "pod-not-in-service",
            Self::GateNotTrue => "gate-not-true",
            Self::OtherGate => "other-gate-not-true",
            Self::Leaving => "leaving",
            Self::Deleting => "deleting",
            Self::GenerationUnseen => "generation-unseen",
            Self::GroupGone => "group-gone",
            Self::GroupContested => "group-contested",
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
