//! What goes wrong with the lab's servers: which answers, for whom, from when to when, how often.

use serde::Deserialize;

use super::clock::Millis;

/// How an answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It comes `latency` milliseconds late.
    Slow,
    /// 403: not permitted.
    Denied,
    /// 401 from Kubernetes, `ExpiredToken` from AWS.
    Expired,
    /// 410 from Kubernetes: what a client knows is too old.
    Gone,
    /// Watches end in the middle.
    Cut,
    /// Connections break without an answer.
    Down,
    /// Connections stay and nothing comes.
    Hang,
    /// `Throttling` from AWS, 429 from Kubernetes.
    Throttled,
    /// An HTML page with status 500.
    Html,
    /// AWS reports a state nobody knows.
    UnknownState,
    /// The first object of a list cannot be decoded.
    Malformed,
}

/// A fault that is on.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// `*`, `kubernetes`, `aws`, an action of AWS, a kind (`pods`), or a verb and a kind (`list pods`).
    pub(super) on: String,
    pub(super) wrong: Wrong,
    pub(super) latency: u64,
    /// Only of this identity.
    pub(super) who: Option<String>,
    pub(super) until: Option<Millis>,
    /// How many answers stay right before.
    pub(super) skip: u32,
    /// How many answers are left to go wrong.
    pub(super) left: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Kubernetes,
    Aws,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    on: Vec<Fault>,
    /// How often watches were cut: one that began before the last cut ends.
    pub(super) cuts: u64,
}

/// What happens to one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) wrong: Wrong,
    pub(super) latency: u64,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        if fault.wrong == Wrong::Cut {
            self.cuts += 1;
            return;
        }
        self.on.push(fault);
    }

    pub(super) fn clear(&mut self, on: Option<&str>) {
        self.on.retain(|it| on.is_some_and(|on| it.on != on));
    }

    /// What goes wrong with an operation now, if anything; counts it.
    pub(super) fn hit(&mut self, side: Side, operation: &str, who: &str, now: Millis) -> Option<Hit> {
        self.on.retain(|it| it.until.is_none_or(|until| now < until) && it.left != Some(0));
        let fault = self
            .on
            .iter_mut()
            .find(|it| matches(&it.on, side, operation) && it.who.as_deref().is_none_or(|it| it == who))?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        if let Some(left) = &mut fault.left {
            *left -= 1;
        }
        Some(Hit { wrong: fault.wrong, latency: fault.latency })
    }

    /// Whether a watch of a kind that is under way breaks now, or falls silent.
    pub(super) fn of_watch(&self, kind: &str, now: Millis) -> Option<Wrong> {
        let operation = format!("watch {kind}");
        let alive =
            self.on.iter().filter(|it| it.until.is_none_or(|until| now < until) && it.left != Some(0));
        let mut found = alive.filter(|it| matches(&it.on, Side::Kubernetes, &operation));
        found.find(|it| matches!(it.wrong, Wrong::Down | Wrong::Hang)).map(|it| it.wrong)
    }
}

fn matches(on: &str, side: Side, operation: &str) -> bool {
    match on {
        "*" => true,
        "kubernetes" => side == Side::Kubernetes,
        "aws" => side == Side::Aws,
        on => on == operation || operation.split_once(' ').is_some_and(|(_, kind)| kind == on),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(on: &str, left: Option<u32>, until: Option<Millis>) -> Faults {
        let mut faults = Faults::default();
        faults.add(Fault {
            on: on.to_owned(),
            wrong: Wrong::Denied,
            latency: 0,
            who: None,
            until,
            skip: 0,
            left,
        });
        faults
    }

    #[test]
    fn a_fault_hits_what_it_names() {
        let table = [
            ("*", Side::Aws, "DescribeTags", true),
            ("aws", Side::Aws, "DescribeTags", true),
            ("aws", Side::Kubernetes, "list pods", false),
            ("pods", Side::Kubernetes, "list pods", true),
            ("list pods", Side::Kubernetes, "watch pods", false),
            ("DescribeTags", Side::Aws, "DescribeRules", false),
        ];
        for (on, side, operation, expected) in table {
            assert_eq!(
                fault(on, None, None).hit(side, operation, "admin", 0).is_some(),
                expected,
                "{on} {operation}"
            );
        }
    }

    #[test]
    fn a_fault_ends_by_count_and_by_time() {
        let mut counted = fault("*", Some(2), None);
        let hits = (0..3).filter(|_| counted.hit(Side::Aws, "X", "", 0).is_some()).count();
        assert_eq!(hits, 2);
        let mut timed = fault("*", None, Some(10));
        assert!(timed.hit(Side::Aws, "X", "", 9).is_some());
        assert!(timed.hit(Side::Aws, "X", "", 10).is_none());
    }
}
