//! The closed sets a judgement comes to: the fourteen standings of a row, in the order in which they are tried (the
//! first that matches is it), and the kinds of verdict of a binding.

use serde::Deserialize;
use serde::Serialize;

/// What a row comes to, Kubernetes and AWS taken together. A closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A side needed for the judgement is unread or too old, or AWS says something we do not know.
    Unknown,
    /// Not ours, yet our controller would deregister it.
    Contested,
    /// Not ours, and our controller leaves it alone.
    Elsewhere,
    /// Wanted, and no target takes new traffic for it.
    Unregistered,
    /// Unhealthy by design: an instance target without a ready pod under `externalTrafficPolicy: Local`.
    Passive,
    /// A target that cannot ever serve: its instance is stopped or its address is a load balancer's.
    Dead,
    /// Wanted, but no load balancer uses it.
    Idle,
    /// Wanted, but the health checks fail.
    Failing,
    /// Wanted; registration or first health checks are under way.
    Registering,
    /// Wanted and healthy.
    InService,
    /// Not wanted any more; finishing its connections.
    Draining,
    /// Not wanted, still registered, its endpoint known or just gone.
    Lingering,
    /// A registered target of ours that no endpoint explains.
    Orphan,
    /// A selected pod that is not wanted yet and has no target.
    Waiting,
}

impl Standing {
    pub const ALL: [Self; 14] = [
        Self::Unknown,
        Self::Contested,
        Self::Elsewhere,
        Self::Unregistered,
        Self::Passive,
        Self::Dead,
        Self::Idle,
        Self::Failing,
        Self::Registering,
        Self::InService,
        Self::Draining,
        Self::Lingering,
        Self::Orphan,
        Self::Waiting,
    ];

    /// The word on the screen and in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Contested => "contested",
            Self::Elsewhere => "elsewhere",
            Self::Unregistered => "unregistered",
            Self::Passive => "passive",
            Self::Dead => "dead",
            Self::Idle => "idle",
            Self::Failing => "failing",
            Self::Registering => "registering",
            Self::InService => "in service",
            Self::Draining => "draining",
            Self::Lingering => "lingering",
            Self::Orphan => "orphan",
            Self::Waiting => "waiting",
        }
    }

    /// As it stands in the JSON output: part of the contract.
    pub(crate) fn code(self) -> String {
        self.word().replace(' ', "-")
    }

    /// One cell that stands for the word beside it; never the only sign.
    pub fn glyph(self) -> &'static str {
        match self {
            Self::Unknown => "?",
            Self::Contested => "⚔",
            Self::Elsewhere => "◦",
            Self::Unregistered => "+",
            Self::Passive => "-",
            Self::Dead => "†",
            Self::Idle => "○",
            Self::Failing => "✗",
            Self::Registering => "…",
            Self::InService => "═",
            Self::Draining => "↓",
            Self::Lingering => "~",
            Self::Orphan => "!",
            Self::Waiting => "·",
        }
    }

    /// A row that stands so keeps a binding from being settled.
    pub(crate) fn unsettles(self) -> bool {
        !matches!(self, Self::InService | Self::Draining | Self::Passive | Self::Elsewhere)
    }

    /// How far up a row belongs when the worst comes first: 0 is worst.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Contested => 0,
            Self::Orphan => 1,
            Self::Dead => 2,
            Self::Failing => 3,
            Self::Idle => 4,
            Self::Unregistered => 5,
            Self::Lingering => 6,
            Self::Waiting => 7,
            Self::Unknown => 8,
            Self::Registering => 9,
            Self::InService => 10,
            Self::Passive => 11,
            Self::Draining => 12,
            Self::Elsewhere => 13,
        }
    }

    /// What the standing means, for help and for the README.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unknown => {
                "a side needed for the judgement is unread or too old, or AWS reports a state that cannot be judged"
            }
            Self::Contested => {
                "not ours, yet our controller would deregister it: it belongs to another cluster or another binding"
            }
            Self::Elsewhere => "not ours, and our controller leaves it alone",
            Self::Unregistered => "wanted, but no target takes new traffic for it",
            Self::Passive => {
                "unhealthy by design: no ready pod on that node under externalTrafficPolicy Local"
            }
            Self::Dead => {
                "registered, but it can never serve: instance stopped, or the address is a load balancer's"
            }
            Self::Idle => "wanted and registered, but no load balancer uses it",
            Self::Failing => "wanted and registered, but the health checks fail",
            Self::Registering => "wanted; registration or first health checks are under way",
            Self::InService => "wanted and healthy: it takes traffic",
            Self::Draining => "not wanted any more, finishing its connections",
            Self::Lingering => {
                "not wanted but still registered, while its endpoint is known or only just gone"
            }
            Self::Orphan => "a registered target of ours that no endpoint explains",
            Self::Waiting => "a selected pod that is not wanted yet and has no target",
        }
    }
}

/// What the verdict of a binding comes to, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    Serving,
    /// A workload moves, or first checks run, and nothing else is wrong.
    Rolling,
    /// Rows are wanted, traffic is routed here, and none is in service.
    Down,
    Degraded,
    FailOpen,
    Empty,
    NotRouted,
    Unknown,
}

impl VerdictKind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Serving,
        Self::Rolling,
        Self::Degraded,
        Self::FailOpen,
        Self::Down,
        Self::Empty,
        Self::NotRouted,
        Self::Unknown,
    ];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Rolling => "rolling",
            Self::Down => "down",
            Self::Degraded => "degraded",
            Self::FailOpen => "fail-open",
            Self::Empty => "empty",
            Self::NotRouted => "not routed",
            Self::Unknown => "unknown",
        }
    }

    /// As it stands in the JSON output: part of the contract.
    pub(crate) fn code(self) -> String {
        self.text().replace(' ', "-")
    }

    /// 0 is worst.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Down => 0,
            Self::Empty => 1,
            Self::FailOpen => 2,
            Self::Degraded => 3,
            Self::NotRouted => 4,
            Self::Rolling => 5,
            Self::Serving => 6,
            // What is not known yet is no fault: it comes when it is read.
            Self::Unknown => 7,
        }
    }
}
