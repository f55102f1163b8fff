//! What the screen knows of changes: the plan on show, what runs and how far it is, what was done last.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::facts::elb::Forward;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::facts::plan_id::PlanIds;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::routes::Place;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::bind::Wish;
use crate::domain::plan::drain::Then;
use crate::domain::plan::log::Detached;
use crate::domain::plan::log::Excerpt;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::log::places;
use crate::domain::plan::progress;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;
use crate::domain::plan::rehearsal::Rehearsed;
use crate::domain::plan::undo::Done;

/// How a plan was asked for, so that it can be made again with another choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Drain {
        rows: Vec<RowKey>,
        then: Then,
    },
    Bind(Wish),
    /// There is nothing to choose.
    Plainly,
}

/// A plan that waits to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) asked: Asked,
    /// What was typed so far, where a name has to be.
    pub(crate) typed: String,
    pub(crate) scroll: u16,
    /// What the API server says of each step, asked without doing it; empty: it was not asked.
    pub(crate) rehearsed: Vec<Rehearsed>,
    /// The last key that would have accepted did not, and why.
    pub(crate) objection: Option<String>,
}

impl Planned {
    pub(crate) fn new(plan: Plan, asked: Asked) -> Self {
        Self { plan, asked, typed: String::new(), scroll: 0, rehearsed: Vec::new(), objection: None }
    }
}

/// An accepted plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) plan: Plan,
    /// How each step stands that was reached, and since when.
    pub(crate) stages: BTreeMap<usize, (Stage, Timestamp)>,
    /// When the last thing was heard of it after which nothing more comes.
    pub(crate) ended: Option<Timestamp>,
}

impl Run {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, stages: BTreeMap::new(), ended: None }
    }

    /// The step it is at, and how that stands.
    pub(crate) fn at(&self) -> Option<(usize, &Stage, Timestamp)> {
        self.stages.last_key_value().map(|(step, (stage, at))| (*step, stage, *at))
    }

    /// Every step whose call was made, whatever came of it: what is so now decides what can be turned round.
    pub(crate) fn written(&self) -> Vec<Act> {
        self.calls().cloned().collect()
    }

    /// A call was made.
    fn wrote(&self) -> bool {
        self.calls().next().is_some()
    }

    fn calls(&self) -> impl Iterator<Item = &Act> {
        progress::called(&self.plan, self.stages.iter().map(|(step, (stage, _))| (*step, stage)))
    }

    /// What had its effect.
    pub(crate) fn done(&self) -> Vec<Act> {
        let done = self.stages.iter().filter(|(_, (stage, _))| matches!(stage, Stage::Done(_)));
        done.filter_map(|(step, _)| Some(self.plan.steps.get(*step)?.act.clone())).collect()
    }

    /// Something was written that has an inverse.
    pub(crate) fn is_undoable(&self) -> bool {
        progress::undoable(&self.plan, self.stages.iter().map(|(step, (stage, _))| (*step, stage)))
    }

    /// All of it was done.
    pub(crate) fn succeeded(&self) -> bool {
        let done = self.stages.values().filter(|(stage, _)| matches!(stage, Stage::Done(_)));
        self.ended.is_some() && done.count() == self.plan.steps.len()
    }

    fn take(&mut self, progress: &Progress) {
        self.stages.insert(progress.step, (progress.stage.clone(), progress.at));
        let last = progress.step + 1 >= self.plan.steps.len();
        if progress.stage.over() && (last || !matches!(progress.stage, Stage::Done(_))) {
            self.ended = Some(progress.at);
        }
    }
}

/// Weights for a rule; `None`: those it had before the last plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weighing {
    pub(crate) place: Place,
    pub(crate) to: Option<Vec<Forward>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Names the plans of this session.
    pub(crate) ids: PlanIds,
    /// Rows a change is to be laid on.
    pub(crate) marked: BTreeSet<RowKey>,
    /// Accepted plans of this session, oldest first.
    pub(crate) runs: Vec<Run>,
    /// The audit log, as read when it was asked for; `None`: it is still being read.
    pub(crate) log: Option<Excerpt>,
    /// What is to be known of what earlier sessions left, beside the plans: lines that cannot be read, plans that run
    /// elsewhere.
    pub(crate) notes: Vec<String>,
    /// What is to be bound once its group was read, later than this.
    pub(crate) binding: Option<(Wish, Timestamp)>,
    /// What another session began, left for later.
    pub(crate) later: Vec<Unfinished>,
    /// Pods other sessions took out of rotation and did not put back.
    pub(crate) before: Detached,
    /// Weights that are to be given once what they rest on was read.
    pub(crate) weighing: Option<Weighing>,
    /// A binding that was just made: its board is opened once it is there.
    pub(crate) made: Option<BindingRef>,
    /// An accepted plan that waits until the one it turns round has stopped.
    pub(crate) queued: Vec<Plan>,
}

/// Accepted plans that are remembered.
const KEPT: usize = 50;

impl Changes {
    pub(crate) fn new(ids: PlanIds) -> Self {
        Self {
            ids,
            marked: BTreeSet::new(),
            runs: Vec::new(),
            log: None,
            notes: Vec::new(),
            binding: None,
            later: Vec::new(),
            before: Detached::default(),
            weighing: None,
            made: None,
            queued: Vec::new(),
        }
    }

    /// A plan was accepted.
    pub(crate) fn accept(&mut self, plan: Plan) {
        self.marked.clear();
        if self.runs.len() >= KEPT
            && let Some(oldest) = self.runs.iter().position(|it| it.ended.is_some())
        {
            self.runs.remove(oldest);
        }
        self.runs.push(Run::new(plan));
    }

    pub(crate) fn take(&mut self, progress: &Progress) {
        if let Some(run) = self.runs.iter_mut().find(|it| it.plan.id == progress.plan) {
            run.take(progress);
        }
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|it| it.ended.is_none())
    }

    /// The last plan that changed something and was not undone.
    pub(crate) fn last(&self) -> Option<Done> {
        let run = self.last_run()?;
        let (id, change, subject) = (run.plan.id.clone(), run.plan.change, run.plan.subject.clone());
        Some(Done { id, change, subject, acts: run.written() })
    }

    /// Its run: every frame asks whether there is one.
    pub(crate) fn last_run(&self) -> Option<&Run> {
        let undoable = |run: &&Run| run.plan.change != ChangeKind::Undo && run.wrote();
        self.runs.iter().rev().filter(undoable).find(|run| !self.undone(&run.plan.id))
    }

    /// A plan of this session turned it round.
    fn undone(&self, id: &PlanId) -> bool {
        self.runs.iter().any(|it| it.plan.undoes.as_ref() == Some(id) && it.succeeded())
    }

    /// Pods whose label we took away and did not put back, with the target they were; for one board.
    pub(crate) fn detached(&self, subject: &Subject) -> BTreeMap<Uid, Option<TargetKey>> {
        let mut detached = self.before.clone();
        for run in self.runs.iter().filter(|it| it.plan.subject == *subject) {
            // What is left of a plan may begin at any of its pods.
            let mut places = places(&run.plan).filter(|_| !run.plan.resumed);
            for act in run.done() {
                detached.note(subject, &act, &mut places);
            }
        }
        detached.of(subject)
    }
}
