//! A plan that is being carried out: where it is, who watches it, and the order in which a step is taken: what is
//! permitted, the line in the log, the turn in the budget, what it rests on read, its guards, the call.

use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::backend::apply::facts::Facts;
use crate::backend::apply::facts::read;
use crate::backend::apply::facts::unread;
use crate::backend::apply::job::Job;
use crate::backend::apply::job::Signal;
use crate::backend::apply::record::Record;
use crate::backend::connection::Connection;
use crate::backend::link::Linked;
use crate::domain::facts::access::Verb;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::plan::Step;
use crate::domain::plan::act::Act;
use crate::domain::plan::effect::ReadBack;
use crate::domain::plan::effect::effect;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;

pub(super) struct Running {
    pub(super) connection: Connection,
    pub(super) linked: Linked,
    pub(super) job: Job,
    pub(super) record: Record,
    pub(super) cancel: watch::Receiver<Signal>,
    pub(super) tell: mpsc::Sender<Progress>,
    pub(super) id: PlanId,
}

/// How far a step came.
pub(super) enum Ended {
    As(Stage),
    /// Somebody stopped it, or left, while it was under way; as far as is known.
    Stopped(Stage),
}

impl Running {
    pub(super) async fn tell(&self, step: usize, stage: Stage) {
        let at = self.linked.clock().now();
        // Nobody may listen any more; what was begun is carried on all the same.
        _ = self.tell.send(Progress { plan: self.id.clone(), step, at, stage }).await;
    }

    pub(super) fn unbinds(&self) -> bool {
        self.job.plan.steps.iter().any(|it| matches!(it.act, Act::DeleteBinding { .. }))
    }

    pub(super) fn signal(&self) -> Signal {
        *self.cancel.borrow()
    }

    pub(super) async fn facts(&self) -> Facts {
        read(&self.linked, &self.job.scope, &self.job.plan).await
    }

    /// A cluster that could not be reached at the start may be there by now.
    pub(super) async fn reconnect(&mut self) {
        if self.linked.clusters.iter().any(|it| it.1.is_err()) {
            self.linked = Linked::open(self.connection.clone()).await;
        }
    }

    pub(super) async fn step(&mut self, index: usize) -> Stage {
        let Some(step) = self.job.plan.steps.get(index).cloned() else { return Stage::Cancelled };
        if let Some(stage) = self.stopped(index) {
            return stage;
        }
        self.tell(index, Stage::Checking).await;
        if step.act.only_waits() {
            let facts = self.facts().await;
            let stage = self.wait(index, &step, facts).await;
            if self.signal() != Signal::Leave {
                self.record.wait(&self.job, index, &stage, self.linked.clock().now());
            }
            return stage;
        }
        if let Some(text) = self.so_already(&step).await {
            let stage = Stage::Done(format!("already done: {text}"));
            self.record.wait(&self.job, index, &stage, self.linked.clock().now());
            return stage;
        }
        if let Err(why) = self.permitted(index, &step).await {
            let why = why.to_string();
            self.record.refused(&self.job, index, &why, self.linked.clock().now());
            return Stage::Refused(why);
        }
        // Asking took its time: whoever stopped it meanwhile must find nothing written.
        if let Some(stage) = self.stopped(index) {
            return stage;
        }
        if let Err(error) = self.record.begin(&self.job, index, self.linked.clock().now()) {
            let place = self.job.log.place();
            return Stage::Refused(format!("the audit log {place} cannot be written: {error}"));
        }
        let stage = match self.attempt(index, &step).await {
            // What was written and not read back the next start finds out, unless somebody gave it up.
            Ended::Stopped(stage) if self.signal() == Signal::Leave => return stage,
            Ended::As(stage) | Ended::Stopped(stage) => stage,
        };
        match self.record.end(&self.job, index, &stage, self.linked.clock().now()) {
            Ok(()) => stage,
            // It was done; saying less than that would be a lie, and so would going on without a log.
            Err(error) => {
                Stage::Unverified(format!("{}; the audit log cannot be written: {error}", stage.said()))
            }
        }
    }

    /// Somebody stopped the plan, or leaves.
    pub(super) fn stopped(&mut self, index: usize) -> Option<Stage> {
        match self.signal() {
            Signal::Go => return None,
            Signal::Cancel => {
                self.record.wait(&self.job, index, &Stage::Cancelled, self.linked.clock().now());
            }
            // Nothing of the plan was begun that anybody could go on with.
            Signal::Leave if index == 0 && !self.job.plan.resumed => {
                self.record.wait(&self.job, index, &Stage::Cancelled, self.linked.clock().now());
            }
            Signal::Leave => {}
        }
        Some(Stage::Cancelled)
    }

    /// What another session began may be done: it did not live to note it.
    async fn so_already(&self, step: &Step) -> Option<String> {
        let tells = self.job.plan.resumed && !matches!(step.act, Act::Mark { .. });
        if !tells {
            return None;
        }
        let facts = self.facts().await;
        if unread(&facts, &step.act, &self.job.plan.subject).is_some() {
            return None;
        }
        match effect(&step.act, facts.report.as_ref(), &facts.inventory) {
            ReadBack::There(text) => Some(text),
            _ => None,
        }
    }

    /// Whether nothing that the plan still has to do is forbidden.
    async fn permitted(&self, index: usize, step: &Step) -> Result<(), NotPermitted> {
        // A plan that could not come to its end is better not begun.
        let ahead = self.job.plan.steps.get(index..).unwrap_or_default();
        let asked = if index == 0 { ahead } else { std::slice::from_ref(step) };
        for step in asked {
            if let Some(verb) = forbidden(&self.linked, &step.act).await {
                return Err(NotPermitted(verb));
            }
        }
        Ok(())
    }
}

/// The API server says that we may not.
#[derive(Debug, thiserror::Error)]
#[error("not permitted: needs {0}")]
struct NotPermitted(Verb);

/// What the API server says we may not do, asked before it is tried.
pub(super) async fn forbidden(linked: &Linked, act: &Act) -> Option<Verb> {
    let (verb, namespace) = act.verb()?;
    let asked = vec![(verb, namespace, act.object())];
    let answers = linked.cluster(act.cluster()?).ok()?.allowed(asked).await;
    answers.into_iter().find(|it| !it.1).map(|it| it.0)
}
