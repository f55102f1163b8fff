//! What is left open by the lines of a log, read from its end: of each plan the last line says how it stands, any line
//! that holds the plan says what it was. So a line that is lost costs what it says, not the plan.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::entry::Entry;
use super::entry::LogStage;
use super::past::Detached;
use super::past::Unfinished;
use super::past::places;
use super::past::pod_of;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Plan;

/// Lines of a log as they come, newest first.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    plans: BTreeMap<PlanId, Trace>,
    /// What the last line about a pod says: whose step it was and how many steps were left with it, where the pod is out;
    /// else `None`.
    pods: BTreeMap<Uid, Option<Out>>,
    lines: usize,
}

/// What is known of a plan.
#[derive(Debug)]
struct Trace {
    /// Steps that are not known to be done; 0: it is over.
    left: usize,
    uncertain: bool,
    /// It wrote: with nothing written there is nothing to go on with.
    wrote: bool,
    plan: Option<Box<Plan>>,
    /// Of its oldest line.
    begun: String,
    line: usize,
    /// A pod that it took out is still out: the plan says which target it was.
    holds_pods: bool,
}

#[derive(Debug)]
struct Out {
    subject: Subject,
    plan: PlanId,
    left: usize,
}

impl Backlog {
    /// The next older line.
    pub(crate) fn take(&mut self, entry: &Entry) {
        self.lines += 1;
        let known = self.plans.entry(entry.plan.clone()).or_insert_with(|| last(entry));
        known.wrote |= entry.stage == LogStage::Begin || entry.stage == LogStage::Done;
        known.begun.clone_from(&entry.time);
        known.line = self.lines;
        if entry.stage == LogStage::Done
            && let Some((uid, out)) = pod_of(&entry.request)
            && !self.pods.contains_key(uid)
        {
            known.holds_pods |= out;
            let (subject, plan, left) = (entry.subject.clone(), entry.plan.clone(), entry.left());
            self.pods.insert(uid.clone(), out.then_some(Out { subject, plan, left }));
        }
        let Some(plan) = &entry.accepted else { return };
        // What another session went on with is the end of the plan: it serves where the whole is lost.
        let better = known.plan.as_ref().is_none_or(|it| it.steps.len() < plan.steps.len());
        if (known.left > 0 || known.holds_pods) && better {
            // A log of before has the name beside the plan only.
            known.plan = Some(Box::new(Plan { id: entry.plan.clone(), ..(**plan).clone() }));
        }
    }

    /// Plans that were begun and not ended, oldest first.
    pub(crate) fn unfinished(&self) -> Vec<Unfinished> {
        let mut open: Vec<(usize, Unfinished)> =
            self.plans.values().filter_map(|it| Some((it.line, it.open()?))).collect();
        open.sort_by_key(|it| std::cmp::Reverse(it.0));
        open.into_iter().map(|it| it.1).collect()
    }

    /// Plans that were begun and not ended, and that no line tells any more.
    pub(crate) fn lost(&self) -> impl Iterator<Item = (&PlanId, &str)> {
        let lost = |it: &&Trace| it.left > 0 && it.wrote && it.open().is_none();
        self.plans.iter().filter(move |it| lost(&it.1)).map(|(id, it)| (id, it.begun.as_str()))
    }

    /// Pods that were taken out and not put back.
    pub(crate) fn detached(&self) -> Detached {
        let out = self.pods.iter().filter_map(|(uid, it)| Some((uid, it.as_ref()?)));
        Detached(
            out.map(|(uid, it)| {
                let plan = self.plans.get(&it.plan).and_then(|it| it.plan.as_ref());
                let key = plan.filter(|it| !it.resumed).and_then(|plan| {
                    let index = plan.steps.len().checked_sub(it.left)?;
                    let before = plan.steps.iter().take(index);
                    let taken = before.filter(|it| pod_of(&it.act).is_some_and(|it| it.1)).count();
                    places(plan).nth(taken)
                });
                (uid.clone(), (it.subject.clone(), key))
            })
            .collect(),
        )
    }

    /// Plans that somebody may go on with.
    pub(crate) fn open(&self) -> BTreeSet<PlanId> {
        let open = self.plans.iter().filter(|(_, it)| it.open().is_some());
        open.map(|it| it.0.clone()).collect()
    }

    /// Plans that tell of pods that are out.
    pub(crate) fn holding(&self) -> BTreeSet<PlanId> {
        self.pods.values().flatten().map(|it| it.plan.clone()).collect()
    }
}

/// How a plan stands by its last line.
fn last(entry: &Entry) -> Trace {
    let left = match entry.stage {
        LogStage::Begin | LogStage::Waiting => entry.left(),
        LogStage::Done => entry.left().saturating_sub(1),
        _ => 0,
    };
    Trace {
        left,
        uncertain: matches!(entry.stage, LogStage::Begin | LogStage::Waiting),
        wrote: false,
        plan: None,
        begun: String::new(),
        line: 0,
        holds_pods: false,
    }
}

impl Trace {
    fn open(&self) -> Option<Unfinished> {
        if self.left == 0 || !self.wrote {
            return None;
        }
        let plan = (**self.plan.as_ref()?).clone();
        // What is left is always the end of a plan, however many sessions went on with it.
        let next = plan.steps.len().checked_sub(self.left)?;
        Some(Unfinished { plan, next, uncertain: self.uncertain, begun: self.begun.clone() })
    }
}

/// Pods whose label a log says was taken away and not put back.
pub fn detached(entries: &[Entry]) -> Detached {
    backlog(entries).detached()
}

/// The plans of a log that are still open, oldest first.
pub fn unfinished(entries: &[Entry]) -> Vec<Unfinished> {
    backlog(entries).unfinished()
}

fn backlog(entries: &[Entry]) -> Backlog {
    let mut backlog = Backlog::default();
    entries.iter().rev().for_each(|it| backlog.take(it));
    backlog
}
