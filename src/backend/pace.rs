//! When AWS is asked, and what goes into one call: pure, the clock passed in. Of what is needed the most urgent that is
//! due goes first; what failed waits longer each time. Knows nothing of why something is needed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem::discriminant;

use crate::aws::AT_ONCE;
use crate::domain::facts::ec2::Locator;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Observation;
use crate::domain::inventory::follow::Again;
use crate::domain::inventory::follow::Follow;
use crate::domain::inventory::needs::Identity;
use crate::domain::inventory::needs::Need;
use crate::domain::inventory::needs::Topic;
use crate::domain::inventory::needs::Urgency;

/// One call: what it asks about, all of one kind, and by whose identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) topics: Vec<Topic>,
    pub(crate) identity: Identity,
    pub(crate) urgency: Urgency,
}

/// Account and region: what AWS counts calls by.
pub(crate) type Place = (Option<String>, Option<String>);

/// How an ask ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    Answered,
    /// It may go better soon.
    Failed,
    /// Not permitted, or not there: it stays so until somebody changes it.
    Refused,
    /// One of those asked for spoils the answer for all: each half is asked for alone.
    Spoiled,
    Throttled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Ask(Ask),
    /// Milliseconds until something is due, if nothing else happens.
    Wait(i64),
}

/// Calls under way at once. One of them is kept for the health of the open board.
pub(crate) const AT_A_TIME: usize = 4;
/// Milliseconds between two groups of the sweep.
const SWEEP_STEP: i64 = 1_000;
/// Most times an interval is doubled after throttling: health that is never read becomes too old to judge by.
const SLOWEST: u32 = 2;
/// Milliseconds after which something that could not be read is asked for again, the first time.
const AGAIN: i64 = 10_000;
/// The longest wait for what may go better soon, and for what was refused.
const LONGEST: i64 = 60_000;
const LONGEST_REFUSED: i64 = 600_000;
/// Nothing is due by itself.
const NEVER: i64 = u32::MAX as i64;

/// What was asked, and how that went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    asked: BTreeMap<Topic, Timestamp>,
    failed: BTreeMap<Topic, Failed>,
    /// How many things may be asked for together with one that spoiled an answer, or was in it.
    apart: BTreeMap<Topic, usize>,
    running: BTreeSet<Topic>,
    calls: usize,
    /// Those of them that are not about the health of the open board.
    others: usize,
    slow: BTreeMap<Place, u32>,
    swept: Timestamp,
    hurried: u64,
    again: BTreeMap<Again, u64>,
}

/// Failures of one topic in a row.
#[derive(Clone, Debug)]
struct Failed {
    times: u32,
    refused: bool,
    /// By whom it was asked: somebody else may know better.
    by: Identity,
}

impl Need {
    fn place(&self) -> Place {
        (self.identity.account.clone(), self.identity.region.clone())
    }
}

impl Ask {
    pub(crate) fn place(&self) -> Place {
        (self.identity.account.clone(), self.identity.region.clone())
    }
}

/// Several of these go into one call.
fn joins(topic: &Topic) -> bool {
    match topic {
        Topic::Group(_) | Topic::LoadBalancer(_) | Topic::Tags(_) | Topic::Marks(_) => true,
        // Interfaces of a load balancer do not say whose they are, and a list is asked for by itself.
        Topic::Network(part) => !matches!(
            part,
            NetworkPart::PrefixList(_)
                | NetworkPart::Interfaces(Locator::LoadBalancer(_) | Locator::Address(..))
        ),
        _ => false,
    }
}

fn same_kind(one: &Topic, other: &Topic) -> bool {
    let same = |one: &NetworkPart, other: &NetworkPart| match (one, other) {
        (NetworkPart::Interfaces(one), NetworkPart::Interfaces(other)) => {
            discriminant(one) == discriminant(other)
        }
        _ => discriminant(one) == discriminant(other),
    };
    match (one, other) {
        (Topic::Network(one), Topic::Network(other)) => same(one, other),
        _ => discriminant(one) == discriminant(other),
    }
}

impl Pace {
    /// Takes in what is to be read now whatever was read before: everything, or what a change has touched.
    pub(crate) fn heed(&mut self, follow: &Follow) {
        if follow.hurry != self.hurried {
            self.hurried = follow.hurry;
            self.asked.clear();
            self.failed.clear();
            self.swept = Timestamp::default();
        }
        for (again, n) in &follow.again {
            if self.again.insert(again.clone(), *n) != Some(*n) {
                match again {
                    Again::Health(arn) => self.forget(&Topic::Health(arn.clone())),
                    Again::Routes(arn) => self.forget_routes(arn),
                }
            }
        }
    }

    fn forget(&mut self, topic: &Topic) {
        self.asked.remove(topic);
        self.failed.remove(topic);
    }

    fn forget_routes(&mut self, arn: &LoadBalancerArn) {
        let keeps = |topic: &Topic| match topic {
            Topic::Listeners(it) | Topic::Rules(it, _) => it != arn,
            _ => true,
        };
        self.asked.retain(|topic, _| keeps(topic));
        self.failed.retain(|topic, _| keeps(topic));
    }

    /// What to ask now, or how long to wait. Places whose budget is spent are left out.
    pub(crate) fn next(&self, needs: &[Need], now: Timestamp, spent: &BTreeSet<Place>) -> Next {
        if self.calls >= AT_A_TIME {
            return Next::Wait(NEVER);
        }
        let has_board = needs.first().is_some_and(|it| it.urgency == Urgency::Board);
        let board_only = has_board && self.others + 1 >= AT_A_TIME;
        let mut soonest = NEVER;
        let mut best: Option<(&Need, Timestamp)> = None;
        for need in needs {
            let kept_out = board_only && need.urgency != Urgency::Board;
            if kept_out
                || self.running.contains(&need.topic)
                || (!spent.is_empty() && spent.contains(&need.place()))
            {
                continue;
            }
            let due = self.due(need);
            let begins = match need.urgency {
                Urgency::Sweep => due.max(self.swept.plus_millis(SWEEP_STEP)),
                _ => due,
            };
            match begins.0 - now.0 {
                // Who has waited longest goes first: with one step for all, the last in line would never be asked for.
                ..=0 => {
                    if best.is_none_or(|(it, at)| (need.urgency, due) < (it.urgency, at)) {
                        best = Some((need, due));
                    }
                }
                later => soonest = soonest.min(later),
            }
        }
        best.map_or(Next::Wait(soonest), |(need, _)| Next::Ask(self.ask(need, needs, now)))
    }

    /// The call for a need, with whatever else can go into it: what is due as well, or past half of its time.
    fn ask(&self, first: &Need, needs: &[Need], now: Timestamp) -> Ask {
        let mut topics = vec![first.topic.clone()];
        let most = self.together(&first.topic);
        let soon = |need: &Need| {
            let early = if self.failed.contains_key(&need.topic) { 0 } else { need.good_for / 2 };
            self.due(need).0 - early <= now.0
        };
        let fits = |need: &&Need| {
            same_kind(&need.topic, &first.topic)
                && need.topic != first.topic
                && need.identity == first.identity
                && self.together(&need.topic) == most
                && !self.running.contains(&need.topic)
                && soon(need)
        };
        if joins(&first.topic) {
            topics.extend(needs.iter().filter(fits).take(most.saturating_sub(1)).map(|it| it.topic.clone()));
        }
        Ask { topics, identity: first.identity.clone(), urgency: first.urgency }
    }

    fn together(&self, topic: &Topic) -> usize {
        self.apart.get(topic).copied().unwrap_or(AT_ONCE)
    }

    fn due(&self, need: &Need) -> Timestamp {
        let Some(last) = self.asked.get(&need.topic) else { return Timestamp::default() };
        let slow = if self.slow.is_empty() { 0 } else { self.slow.get(&need.place()).copied().unwrap_or(0) };
        let failed = self.failed.get(&need.topic);
        if failed.is_some_and(|it| it.by != need.identity) {
            return Timestamp::default();
        }
        let wait = failed.map_or(need.good_for, |it| it.wait(need));
        last.plus_millis(wait << slow)
    }

    /// A call is made.
    pub(crate) fn start(&mut self, ask: &Ask, now: Timestamp) {
        self.calls += 1;
        self.others += usize::from(ask.urgency != Urgency::Board);
        for topic in &ask.topics {
            self.running.insert(topic.clone());
            self.asked.insert(topic.clone(), now);
            if matches!(topic, Topic::Health(_)) {
                self.swept = now;
            }
        }
    }

    /// A call has ended, well or not.
    pub(crate) fn ended(&mut self, ask: &Ask, outcome: AnswerKind) {
        self.calls = self.calls.saturating_sub(1);
        self.others = self.others.saturating_sub(usize::from(ask.urgency != Urgency::Board));
        for topic in &ask.topics {
            self.running.remove(topic);
            match outcome {
                AnswerKind::Answered => {
                    self.failed.remove(topic);
                    self.apart.remove(topic);
                    if matches!(topic, Topic::Health(_)) {
                        self.slow.remove(&ask.place());
                    }
                }
                AnswerKind::Spoiled => {
                    self.asked.remove(topic);
                    self.apart.insert(topic.clone(), ask.topics.len().div_ceil(2));
                }
                AnswerKind::Throttled => {
                    self.failed
                        .insert(topic.clone(), Failed { times: 1, refused: false, by: ask.identity.clone() });
                }
                AnswerKind::Failed | AnswerKind::Refused => {
                    let times = self.failed.get(topic).map_or(0, |it| it.times).saturating_add(1);
                    let refused = outcome == AnswerKind::Refused;
                    let by = ask.identity.clone();
                    self.failed.insert(topic.clone(), Failed { times, refused, by });
                    // A listener that is gone is gone from the list of its load balancer.
                    if let Topic::Rules(arn, _) = topic {
                        if refused && times == 1 {
                            self.asked.remove(&Topic::Listeners(arn.clone()));
                        }
                    }
                }
            }
        }
        if outcome == AnswerKind::Throttled {
            let slow = self.slow.entry(ask.place()).or_default();
            *slow = (*slow + 1).min(SLOWEST);
        }
    }

    /// An answer may tell of more than was asked about: a page of all groups need not be asked for group by group.
    pub(crate) fn learnt(&mut self, answer: &Observation, now: Timestamp) {
        if let Observation::Groups(groups) | Observation::AllGroups(groups) = answer {
            for it in groups {
                let topic = Topic::Group(it.arn.clone());
                self.failed.remove(&topic);
                self.asked.insert(topic, now);
            }
        }
    }
}

impl Failed {
    /// Milliseconds until something that failed is asked for again: more each time, and never sooner than if its health
    /// had been read; on the board nobody waits longer than a minute.
    fn wait(&self, need: &Need) -> i64 {
        let healthy = need.good_for.min(LONGEST_REFUSED);
        let first = match (self.refused, &need.topic) {
            (false, Topic::Health(_)) => healthy,
            (false, _) => healthy.min(AGAIN),
            (true, _) => healthy.max(AGAIN),
        };
        let is_on_board = need.urgency <= Urgency::BoardSettings;
        let longest = if self.refused && !is_on_board { LONGEST_REFUSED } else { LONGEST };
        (first << (self.times.saturating_sub(1)).min(10)).min(longest.max(first))
    }
}

#[cfg(test)]
mod tests;
