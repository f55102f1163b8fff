//! What to ask AWS next, and when: pure, the clock passed in. The board's group comes first, what a verdict
//! needs next, then a slow sweep over listed groups; nothing else is ever asked.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::follow::Follow;

/// One thing to ask.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    Caller,
    Targets(TargetGroupArn),
    /// At most twenty.
    Groups(Vec<TargetGroupArn>),
    Attributes(TargetGroupArn),
    LoadBalancers(Vec<LoadBalancerArn>),
    Routes(LoadBalancerArn),
    Discover,
    Tags(Vec<TargetGroupArn>),
}

/// How an ask ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    Failed,
    Throttled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Ask(Ask),
    /// Milliseconds until something is due, if nothing else happens.
    Wait(i64),
}

/// Milliseconds between two looks at the board's group, moving and still.
const MOVING: i64 = 2_000;
const STILL: i64 = 5_000;
/// Milliseconds between two looks at a listed group, and between two groups of the sweep.
const SWEEP: i64 = 30_000;
const SWEEP_STEP: i64 = 1_000;
/// Milliseconds for which settings and routes are good: of the board's group, and of listed ones.
const SETTINGS: i64 = 60_000;
const LISTED_SETTINGS: i64 = 600_000;
/// Most times an interval is doubled after throttling: health that is never read becomes too old to judge by.
const SLOWEST: u32 = 2;
/// Milliseconds after which something that could not be read is asked for again.
const AGAIN: i64 = 10_000;
/// Most groups whose tags are asked for to find this cluster's.
pub const TAGGED: usize = 200;

/// What is known of a group or load balancer that decides what to ask.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    asked: BTreeMap<Ask, Timestamp>,
    failed: BTreeSet<Ask>,
    groups: BTreeMap<TargetGroupArn, Timestamp>,
    hangs_on: BTreeMap<TargetGroupArn, Vec<LoadBalancerArn>>,
    load_balancers: BTreeMap<LoadBalancerArn, Timestamp>,
    untagged: BTreeSet<TargetGroupArn>,
    unhealthy: BTreeSet<TargetGroupArn>,
    swept: Timestamp,
    running: BTreeSet<Ask>,
    slow: u32,
    hurried: u64,
}

impl Pace {
    pub fn next(&mut self, follow: &Follow, now: Timestamp) -> Next {
        if follow.frozen {
            return Next::Wait(i64::from(u32::MAX));
        }
        if follow.hurry != self.hurried {
            self.hurried = follow.hurry;
            self.asked.clear();
            self.groups.clear();
            self.load_balancers.clear();
            self.swept = Timestamp::default();
        }
        let mut soonest = i64::from(u32::MAX);
        for (ask, every) in self.wishes(follow) {
            if self.running.contains(&ask) {
                continue;
            }
            let due = self.due(&ask, every);
            match due.0 - now.0 {
                ..=0 => {
                    self.start(&ask, now);
                    return Next::Ask(ask);
                }
                later => soonest = soonest.min(later),
            }
        }
        Next::Wait(soonest)
    }

    /// Everything worth knowing, most wanted first, with the milliseconds it stays good for.
    fn wishes(&self, follow: &Follow) -> Vec<(Ask, i64)> {
        let mut wishes = Vec::new();
        let factor = 1_i64 << self.slow;
        if let Some(focus) = &follow.focus {
            let every = if follow.moving { MOVING } else { STILL };
            wishes.push((Ask::Targets(focus.clone()), every * factor));
        }
        let groups: Vec<TargetGroupArn> = follow.focus.iter().chain(&follow.listed).cloned().collect();
        let unknown: Vec<TargetGroupArn> =
            groups.iter().filter(|it| !self.groups.contains_key(*it)).take(20).cloned().collect();
        if !unknown.is_empty() {
            wishes.push((Ask::Groups(unknown), 10_000 * factor));
        }
        for arn in &follow.listed {
            let ask = Ask::Targets(arn.clone());
            if !self.asked.contains_key(&ask) {
                wishes.push((ask, 0));
            }
        }
        if let Some(focus) = &follow.focus {
            let settings = SETTINGS * factor;
            wishes.push((Ask::Groups(vec![focus.clone()]), settings));
            self.wish_routes(std::iter::once(focus), settings, &mut wishes);
            wishes.push((Ask::Attributes(focus.clone()), settings));
        }
        wishes.push((Ask::Caller, i64::from(u32::MAX)));
        let settings = LISTED_SETTINGS * factor;
        self.wish_routes(follow.listed.iter(), settings, &mut wishes);
        for arn in follow.listed.intersection(&self.unhealthy) {
            wishes.push((Ask::Attributes(arn.clone()), settings));
        }
        if follow.discover {
            wishes.push((Ask::Discover, settings));
            let untagged: Vec<TargetGroupArn> = self.untagged.iter().take(20).cloned().collect();
            if !untagged.is_empty() {
                wishes.push((Ask::Tags(untagged), 10_000 * factor));
            }
        }
        let mut sweep: Vec<&TargetGroupArn> = follow.listed.iter().collect();
        sweep.sort_by_key(|it| self.asked.get(&Ask::Targets((*it).clone())).copied().unwrap_or_default());
        wishes.extend(sweep.into_iter().map(|arn| (Ask::Targets(arn.clone()), SWEEP * factor)));
        wishes
    }

    fn wish_routes<'a>(
        &self,
        groups: impl Iterator<Item = &'a TargetGroupArn>,
        every: i64,
        wishes: &mut Vec<(Ask, i64)>,
    ) {
        let hangs_on: BTreeSet<&LoadBalancerArn> =
            groups.filter_map(|it| self.hangs_on.get(it)).flatten().collect();
        let (known, unknown): (Vec<&LoadBalancerArn>, Vec<_>) =
            hangs_on.into_iter().partition(|it| self.load_balancers.contains_key(*it));
        for (some, every) in [(&known, every), (&unknown, 10_000)] {
            if !some.is_empty() {
                let batch = some.iter().take(20).map(|it| (*it).clone()).collect();
                wishes.push((Ask::LoadBalancers(batch), every));
            }
        }
        wishes.extend(known.into_iter().map(|it| (Ask::Routes(it.clone()), every)));
    }

    fn due(&self, ask: &Ask, every: i64) -> Timestamp {
        let last = match ask {
            // A group just learnt with others need not be asked again at once.
            Ask::Groups(arns) => match arns.as_slice() {
                [one] => self.groups.get(one).copied().max(self.asked.get(ask).copied()),
                _ => self.asked.get(ask).copied(),
            },
            other => self.asked.get(other).copied(),
        };
        let every = match self.failed.contains(ask) {
            true => every.min(AGAIN << self.slow),
            false => every,
        };
        let due = last.map_or(Timestamp::default(), |it| it.plus_millis(every));
        match ask {
            Ask::Targets(_) if every >= SWEEP && last.is_some() => {
                due.max(self.swept.plus_millis(SWEEP_STEP))
            }
            _ => due,
        }
    }

    fn start(&mut self, ask: &Ask, now: Timestamp) {
        self.running.insert(ask.clone());
        self.asked.insert(ask.clone(), now);
        if matches!(ask, Ask::Targets(_)) {
            self.swept = now;
        }
    }

    /// An ask has ended, well or not.
    pub fn ended(&mut self, ask: &Ask, outcome: Outcome) {
        self.running.remove(ask);
        match outcome {
            Outcome::Answered => {
                self.failed.remove(ask);
                if matches!(ask, Ask::Targets(_)) {
                    self.slow = 0;
                }
            }
            Outcome::Failed => _ = self.failed.insert(ask.clone()),
            Outcome::Throttled => {
                self.failed.insert(ask.clone());
                self.slow = (self.slow + 1).min(SLOWEST);
            }
        }
    }

    /// Groups were read, with the load balancers they hang on.
    pub fn learnt_group(&mut self, arn: &TargetGroupArn, load_balancers: &[LoadBalancerArn], now: Timestamp) {
        self.groups.insert(arn.clone(), now);
        self.hangs_on.insert(arn.clone(), load_balancers.to_vec());
    }

    /// A group cannot be read with others (one that is gone fails them all): do not ask for it again soon.
    pub fn unreadable_group(&mut self, arn: &TargetGroupArn, now: Timestamp) {
        self.groups.insert(arn.clone(), now);
    }

    pub fn learnt_load_balancer(&mut self, arn: &LoadBalancerArn, now: Timestamp) {
        self.load_balancers.insert(arn.clone(), now);
    }

    /// Whether all targets of a group are healthy; if not, its fail-open setting matters.
    pub fn learnt_health(&mut self, arn: &TargetGroupArn, all_healthy: bool) {
        match all_healthy {
            true => self.unhealthy.remove(arn),
            false => self.unhealthy.insert(arn.clone()),
        };
    }

    /// Groups of the region whose tags may name this cluster.
    pub fn candidates(&mut self, arns: impl Iterator<Item = TargetGroupArn>) {
        self.untagged = arns.take(TAGGED).collect();
    }

    pub fn learnt_tags(&mut self, arns: &[TargetGroupArn]) {
        for arn in arns {
            self.untagged.remove(arn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(n: u32) -> TargetGroupArn {
        format!("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/tg{n:02}/{n}").parse().unwrap()
    }

    /// Plays a pace for some seconds, every answer immediate, and gives what was asked with its second.
    fn play(pace: &mut Pace, follow: &Follow, (from, until): (i64, i64)) -> Vec<(i64, Ask)> {
        let mut now = Timestamp::from_seconds(from);
        let mut asked = Vec::new();
        while now < Timestamp::from_seconds(until) {
            match pace.next(follow, now) {
                Next::Ask(ask) => {
                    pace.ended(&ask, Outcome::Answered);
                    if let Ask::Groups(arns) = &ask {
                        for it in arns {
                            pace.learnt_group(it, &[], now);
                        }
                    }
                    asked.push((now.0 / 1000, ask));
                }
                Next::Wait(millis) => now = now.plus_millis(millis.min(60_000)),
            }
        }
        asked
    }

    fn looks(asked: &[(i64, Ask)], of: u32) -> Vec<i64> {
        asked.iter().filter(|(_, ask)| *ask == Ask::Targets(arn(of))).map(|it| it.0).collect()
    }

    #[test]
    fn the_board_is_looked_at_every_two_seconds_while_moving_and_every_five_otherwise() {
        let follow = Follow { focus: Some(arn(1)), ..Follow::default() };
        let mut pace = Pace::default();
        assert_eq!(looks(&play(&mut pace, &follow, (100, 121)), 1), [100, 105, 110, 115, 120]);
        let moving = Follow { moving: true, ..follow };
        assert_eq!(looks(&play(&mut pace, &moving, (121, 128)), 1), [122, 124, 126]);
    }

    #[test]
    fn a_frozen_screen_asks_nothing() {
        let follow = Follow { focus: Some(arn(1)), frozen: true, ..Follow::default() };
        assert_eq!(play(&mut Pace::default(), &follow, (0, 600)), []);
    }

    #[test]
    fn a_board_never_looks_at_other_groups() {
        let follow = Follow { focus: Some(arn(1)), ..Follow::default() };
        let asked = play(&mut Pace::default(), &follow, (0, 60));
        assert!(asked.iter().all(|(_, ask)| !matches!(ask, Ask::Targets(it) if *it != arn(1))), "{asked:?}");
    }

    #[test]
    fn a_list_is_read_once_and_then_swept_slowly() {
        let follow = Follow { listed: (0..40).map(arn).collect(), ..Follow::default() };
        let mut pace = Pace::default();
        let first = play(&mut pace, &follow, (100, 101));
        for n in 0..40 {
            assert_eq!(looks(&first, n), [100], "group {n}");
        }
        let minute = play(&mut pace, &follow, (160, 220));
        let looked = minute.iter().filter(|(_, ask)| matches!(ask, Ask::Targets(_))).count();
        assert!((50..=61).contains(&looked), "{looked} looks a minute");
    }

    #[test]
    fn at_most_twenty_groups_are_asked_for_at_once() {
        let follow = Follow { listed: (0..41).map(arn).collect(), ..Follow::default() };
        let asked = play(&mut Pace::default(), &follow, (100, 130));
        let sizes: Vec<usize> = asked
            .iter()
            .filter_map(|(_, ask)| if let Ask::Groups(it) = ask { Some(it.len()) } else { None })
            .collect();
        assert_eq!(sizes, [20, 20, 1]);
    }

    #[test]
    fn throttling_doubles_the_interval_at_most_twice_and_success_brings_it_back() {
        let follow = Follow { focus: Some(arn(1)), ..Follow::default() };
        let mut pace = Pace::default();
        play(&mut pace, &follow, (0, 4));
        let ask = Ask::Targets(arn(1));
        for _ in 0..5 {
            pace.start(&ask, Timestamp::from_seconds(5));
            pace.ended(&ask, Outcome::Throttled);
        }
        assert_eq!(looks(&play(&mut pace, &follow, (6, 41)), 1), [25, 30, 35, 40]);
    }

    #[test]
    fn what_could_not_be_read_is_asked_for_again_soon() {
        let follow = Follow { focus: Some(arn(1)), ..Follow::default() };
        let mut pace = Pace::default();
        play(&mut pace, &follow, (100, 101));
        pace.start(&Ask::Caller, Timestamp::from_seconds(101));
        pace.ended(&Ask::Caller, Outcome::Failed);
        let asked = play(&mut pace, &follow, (101, 130));
        let callers: Vec<i64> = asked.iter().filter(|(_, ask)| *ask == Ask::Caller).map(|it| it.0).collect();
        assert_eq!(callers, [111], "once more, and then no more once it is known");
    }

    #[test]
    fn reading_now_asks_at_once() {
        let mut follow = Follow { focus: Some(arn(1)), ..Follow::default() };
        let mut pace = Pace::default();
        play(&mut pace, &follow, (100, 102));
        follow.hurry += 1;
        assert_eq!(looks(&play(&mut pace, &follow, (102, 103)), 1), [102]);
    }
}
