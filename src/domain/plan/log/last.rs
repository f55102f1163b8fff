//! What a log says was written last and not undone, read from its end.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::entry::Entry;
use super::entry::LogStage;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::undo::Done;

/// Looks for a plan to undo among lines as they come, newest first.
#[derive(Debug)]
pub struct LastWritten<'a> {
    wanted: Option<&'a str>,
    undone: BTreeSet<PlanId>,
    /// Steps that were begun and ended before their call, as their session counts them.
    uncalled: BTreeSet<(PlanId, usize, usize)>,
    found: Option<Done>,
}

impl<'a> LastWritten<'a> {
    /// The plan of this name; `None`: the last one.
    pub fn new(wanted: Option<&'a str>) -> Self {
        Self { wanted, undone: BTreeSet::new(), uncalled: BTreeSet::new(), found: None }
    }

    /// The next older line. Breaks off where nothing more can be learnt.
    pub fn take(&mut self, entry: &Entry) -> ControlFlow<()> {
        let undo = entry.change == ChangeKind::Undo;
        if undo && entry.stage == LogStage::Done && entry.step == entry.of {
            self.undone.extend(entry.undoes.clone());
        }
        // A step is begun before what it rests on is looked at: it may end there. In logs of before it may have been
        // written all the same.
        let step = (entry.plan.clone(), entry.step, entry.of);
        match entry.stage {
            // A line that followed no `begin` of its own says nothing of what another session began.
            LogStage::Refused | LogStage::Cancelled
                if entry.sentence.is_some() && entry.duration_ms.is_some() =>
            {
                self.uncalled.insert(step);
            }
            LogStage::Begin if self.uncalled.remove(&step) => return ControlFlow::Continue(()),
            _ => {}
        }
        // The line before the call may be lost, and the one after it still be there.
        let called = matches!(entry.stage, LogStage::Begin | LogStage::Done | LogStage::NotVerified);
        if undo || !called || entry.request.only_waits() {
            return ControlFlow::Continue(());
        }
        if self.found.is_none() {
            let wanted = self.wanted.is_none_or(|it| entry.plan.as_str() == it);
            if wanted && !self.undone.contains(&entry.plan) {
                let (id, subject) = (entry.plan.clone(), entry.subject.clone());
                self.found = Some(Done { id, change: entry.change, subject, acts: Vec::new() });
            }
        }
        let Some(done) = self.found.as_mut().filter(|it| it.id == entry.plan) else {
            return ControlFlow::Continue(());
        };
        // A step that another session went on with was begun twice.
        if !done.acts.contains(&entry.request) {
            done.acts.push(entry.request.clone());
        }
        let first = entry.step == 1 && entry.accepted.as_ref().is_some_and(|it| !it.resumed);
        if first { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    pub(crate) fn is_found(&self) -> bool {
        self.found.is_some()
    }

    /// Every step whose call was made, oldest first.
    pub fn done(self) -> Option<Done> {
        let mut done = self.found?;
        done.acts.reverse();
        Some(done)
    }
}
