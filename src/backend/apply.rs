//! The only writer: carries out a plan somebody accepted, step by step. Before each step both sides are read again and
//! its guards looked at; after it they are read back. Every step that writes leaves a line in the audit log before and
//! after; without the first line nothing is written.

mod batch;
mod facts;
mod job;
mod record;

use tokio::sync::mpsc;
use tokio::sync::watch;

use self::facts::Facts;
use self::facts::guards;
use self::facts::read;
use self::facts::unread;
pub use self::job::Job;
use self::record::Record;
pub use self::record::written;
use super::connection::Connection;
use super::connection::Scope;
use super::link::Linked;
use super::snapshot::Extra;
use crate::domain::facts::access::Verb;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::inventory::Inventory;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Plan;
use crate::domain::plan::Step;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Role;
use crate::domain::plan::check::check;
use crate::domain::plan::effect::ReadBack;
use crate::domain::plan::effect::effect;
use crate::domain::plan::known::report_of;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;

/// Milliseconds between two readings of what followed.
const AGAIN: i64 = 2_000;
/// Seconds after which a write that cannot be read back is called not verified.
const READ_BACK: i64 = 30;
/// Seconds within which the controller is expected to have acted on a new look.
const IN_STEP: i64 = 30;
/// The longest a group may let targets drain, in seconds (elbv2.md §1.10).
const LONGEST_DELAY: i64 = 3_600;
/// Seconds after which what cannot be read is not waited for any more.
const GIVE_UP: i64 = 1_800;

/// What is wanted of a plan that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signal {
    #[default]
    Go,
    /// Stop before the next step, or in the middle of a wait; the log says so.
    Cancel,
    /// Whoever watches leaves: stop in the same way, and let the log show that it was not ended.
    Leave,
}

/// Carries a plan out. Gives how each step that was reached ended, in order; the first that is not done is the last.
/// `cancel` stops it before the next step, or in the middle of a wait; what was written stays.
pub async fn apply(
    connection: Connection,
    job: Job,
    cancel: watch::Receiver<Signal>,
    tell: mpsc::Sender<Progress>,
) -> Vec<Stage> {
    let read_only = connection.read_only;
    let linked = Linked::open(connection.clone()).await;
    let id = job.plan.id.clone();
    let mut running =
        Running { record: Record::new(&job, &linked).await, connection, linked, job, cancel, tell, id };
    let mut ended = Vec::new();
    for index in 0..running.job.plan.steps.len() {
        let stage = match (read_only, running.record.forbids()) {
            (true, _) => Stage::Refused("read only: nothing is written".to_owned()),
            (false, Some(why)) => Stage::Refused(why),
            (false, None) => running.step(index).await,
        };
        running.tell(index, stage.clone()).await;
        let done = matches!(stage, Stage::Done(_));
        ended.push(stage);
        if !done {
            break;
        }
    }
    ended
}

/// Looks at every guard of a plan and lets the API server check what it would be asked, without changing anything.
/// One answer for each step, in words.
pub async fn rehearse(connection: Connection, plan: Plan, scope: Scope) -> Vec<Result<String, String>> {
    let linked = Linked::open(connection).await;
    let facts = read(&linked, &scope, &plan).await;
    let mut answers = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        // What a later step needs may only be so once an earlier one was done.
        let guarded = if index == 0 { guards(step, &facts, &plan.subject, linked.clock()) } else { Ok(()) };
        let forbidden = forbidden(&linked, &step.act).await;
        answers.push(match (guarded, step.act.cluster()) {
            (Err(why), _) => Err(why),
            (Ok(()), _) if forbidden.is_some() => {
                Err(format!("not permitted: needs {}", forbidden.map_or_else(String::new, |it| it.to_string())))
            }
            (Ok(()), _) if step.act.only_waits() => Ok("only waits".to_owned()),
            (Ok(()), None) if matches!(step.act, Act::Shift { .. }) => Ok(
                "AWS has no dry run. Checked instead: the rule is there and sends as the plan says, its groups have the healthy targets it needs"
                    .to_owned(),
            ),
            (Ok(()), None) => Ok(
                "AWS has no dry run. Checked instead: the group exists, its targets and their pods are as the plan says, enough stay healthy"
                    .to_owned(),
            ),
            (Ok(()), Some(_)) if index > 0 => Ok("asked for when the steps before it are done".to_owned()),
            (Ok(()), Some(id)) => {
                let asked = async { linked.cluster(id)?.carry_out(&step.act, true).await };
                asked.await.map(|()| "the API server would accept it".to_owned()).map_err(|it| it.to_string())
            }
        });
    }
    answers
}

struct Running {
    connection: Connection,
    linked: Linked,
    job: Job,
    record: Record,
    cancel: watch::Receiver<Signal>,
    tell: mpsc::Sender<Progress>,
    id: PlanId,
}

impl Running {
    async fn tell(&self, step: usize, stage: Stage) {
        let at = self.linked.clock().now();
        // Nobody may listen any more; what was begun is carried on all the same.
        _ = self.tell.send(Progress { plan: self.id.clone(), step, at, stage }).await;
    }

    fn unbinds(&self) -> bool {
        self.job.plan.steps.iter().any(|it| matches!(it.act, Act::DeleteBinding { .. }))
    }

    fn signal(&self) -> Signal {
        *self.cancel.borrow()
    }

    async fn facts(&self) -> Facts {
        read(&self.linked, &self.job.scope, &self.job.plan).await
    }

    /// A cluster that could not be reached at the start may be there by now.
    async fn reconnect(&mut self) {
        if self.linked.clusters.iter().any(|it| it.1.is_err()) {
            self.linked = Linked::open(self.connection.clone()).await;
        }
    }

    /// As much as tells whether an act has had its effect: little, since it is read again and again.
    async fn back(&self, act: &Act, role: &Role) -> Facts {
        let subject = &self.job.plan.subject;
        let now = || self.linked.clock().now();
        if let Act::Shift { place, .. } = act {
            let mut inventory = Inventory::default();
            inventory.apply(self.linked.action(place).await, now());
            return Facts { inventory, report: None };
        }
        if let (Some(group), None) = (act.group(), act.cluster()) {
            let inventory = self.linked.targets(group, role).await;
            let report = report_of(&inventory, &Subject::Group(group.clone()), now());
            return Facts { inventory, report };
        }
        let namespace = match (act, subject) {
            (Act::Create { manifest, .. }, _) => Some(manifest.name.namespace.clone()),
            (_, Subject::Binding(it)) => Some(it.namespace.clone()),
            (_, Subject::Group(_)) => self.job.scope.namespace.clone(),
        };
        let wish = Extra { lean: true, only: Some(subject.into()), ..Extra::default() };
        let inventory = self.linked.read(&Scope { namespace }, wish).await;
        let report = report_of(&inventory, subject, now());
        Facts { inventory, report }
    }

    async fn step(&mut self, index: usize) -> Stage {
        let Some(step) = self.job.plan.steps.get(index).cloned() else { return Stage::Cancelled };
        if let Some(stage) = self.stopped(index) {
            return stage;
        }
        self.tell(index, Stage::Checking).await;
        let facts = self.facts().await;
        if step.act.only_waits() {
            let stage = self.wait(index, &step, facts).await;
            if self.signal() != Signal::Leave {
                self.record.wait(&self.job, index, &stage, self.linked.clock().now());
            }
            return stage;
        }
        if let Some(text) = self.so_already(&step, &facts) {
            let stage = Stage::Done(format!("it was so already: {text}"));
            self.record.wait(&self.job, index, &stage, self.linked.clock().now());
            return stage;
        }
        if let Err(why) = self.allowed(index, &step, &facts).await {
            self.record.refused(&self.job, index, &why, self.linked.clock().now());
            return Stage::Refused(why);
        }
        // Looking took its time: whoever stopped it meanwhile must find nothing written.
        if let Some(stage) = self.stopped(index) {
            return stage;
        }
        let before = now(&step.act, &facts);
        if let Err(error) = self.record.begin(&self.job, index, &before, self.linked.clock().now()) {
            let place = self.job.log.place();
            return Stage::Refused(format!("the audit log {place} cannot be written: {error}"));
        }
        self.tell(index, Stage::Writing).await;
        let stage = self.written(index, &step).await;
        if self.signal() == Signal::Leave && stage == Stage::Cancelled {
            // It was written and not read back: the next start finds out.
            return stage;
        }
        let now = self.linked.clock().now();
        match self.record.end(&self.job, index, &stage, now) {
            Ok(()) => stage,
            // It was done; saying less than that would be a lie, and so would going on without a log.
            Err(error) => {
                Stage::Unverified(format!("{}; the audit log cannot be written: {error}", stage.said()))
            }
        }
    }

    /// Somebody stopped the plan, or leaves.
    fn stopped(&mut self, index: usize) -> Option<Stage> {
        match self.signal() {
            Signal::Go => return None,
            Signal::Cancel => {
                self.record.wait(&self.job, index, &Stage::Cancelled, self.linked.clock().now());
            }
            Signal::Leave => {}
        }
        Some(Stage::Cancelled)
    }

    /// What another session began may be done: it did not live to note it.
    fn so_already(&self, step: &Step, facts: &Facts) -> Option<String> {
        let tells = self.job.plan.resumed && !matches!(step.act, Act::Mark { .. });
        if !tells || unread(facts, &step.act, &self.job.plan.subject).is_some() {
            return None;
        }
        match effect(&step.act, facts.report.as_ref(), &facts.inventory) {
            ReadBack::There(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a step may run: its guards hold, and nothing that the plan still has to do is forbidden.
    async fn allowed(&self, index: usize, step: &Step, facts: &Facts) -> Result<(), String> {
        guards(step, facts, &self.job.plan.subject, self.linked.clock())?;
        // A plan that could not come to its end is better not begun.
        let ahead = self.job.plan.steps.get(index..).unwrap_or_default();
        let asked = if index == 0 { ahead } else { std::slice::from_ref(step) };
        for step in asked {
            if let Some(verb) = forbidden(&self.linked, &step.act).await {
                return Err(format!("not permitted: needs {verb}"));
            }
        }
        Ok(())
    }

    /// Makes the call and reads back what came of it, also where no answer came.
    async fn written(&mut self, index: usize, step: &Step) -> Stage {
        match self.write(&step.act).await {
            Ok(()) => self.verify(index, step).await,
            Err(failure) if failure.kind == ErrorKind::Conflict => Stage::Refused(failure.to_string()),
            // Whether it was heard is not known until it is looked at.
            Err(failure) if unheard(&failure, &step.act) => match self.verify(index, step).await {
                Stage::Done(text) => Stage::Done(format!("{text}, though the answer was: {failure}")),
                Stage::Unverified(text) => Stage::Unverified(format!("{failure}; read back: {text}")),
                other => other,
            },
            Err(failure) => Stage::Failed(match &failure.hint {
                Some(hint) => format!("{failure} ({hint})"),
                None => failure.to_string(),
            }),
        }
    }

    async fn write(&self, act: &Act) -> Result<(), Failure> {
        match (act.cluster(), act) {
            (Some(id), _) => self.linked.cluster(id)?.carry_out(act, false).await,
            (None, Act::Register { group, role, targets }) => {
                batch::Batch { linked: &self.linked, group, role }.register(targets).await
            }
            (None, Act::Deregister { group, role, targets }) => {
                batch::Batch { linked: &self.linked, group, role }.deregister(targets).await
            }
            (None, Act::Shift { place, from, to }) => batch::shift(&self.linked, place, from, to).await,
            (None, _) => Ok(()),
        }
    }

    /// Reads back until the step has had its effect, or for as long as that may take.
    async fn verify(&mut self, index: usize, step: &Step) -> Stage {
        let patience = match &step.act {
            Act::Mark { .. } => 60,
            Act::DeleteBinding { .. } => 120,
            _ => READ_BACK,
        };
        let role = match &step.act {
            Act::Register { role, .. } | Act::Deregister { role, .. } => role.clone(),
            _ => None,
        };
        let facts = self.back(&step.act, &role).await;
        match self.until(index, (&step.act, &role), facts, patience).await {
            Err(stage) => stage,
            Ok(text) => Stage::Done(text),
        }
    }

    /// A step that only waits.
    async fn wait(&mut self, index: usize, step: &Step, facts: Facts) -> Stage {
        let missing = unread(&facts, &step.act, &self.job.plan.subject);
        let broken = step
            .guards
            .iter()
            .find_map(|guard| check(guard, facts.report.as_ref(), &facts.inventory).err())
            .filter(|_| missing.is_none());
        if let Some(why) = broken {
            return Stage::Refused(why);
        }
        let patience = match &step.act {
            Act::AwaitGone { group, .. } => {
                let known = facts.inventory.groups.get(group).and_then(|it| it.attributes.as_ref());
                known.map_or(LONGEST_DELAY, |it| i64::from(it.deregistration_delay())) + 60
            }
            Act::AwaitInStep { .. } => IN_STEP,
            // The binding is gone, and with it whoever would take more out.
            Act::AwaitLeaving { .. } if self.unbinds() => READ_BACK,
            _ => 120,
        };
        let role = step.act.group().and_then(|group| {
            let on = |it: &Binding| it.group.as_ref() == Some(group);
            let binding = facts.inventory.bindings().find(|(_, it)| on(it))?.1;
            Some((binding.assume_role.clone()?, binding.external_id.clone()))
        });
        // Of a group only its own targets tell; the plan's board may be of another.
        let facts = match step.act.group() {
            Some(_) => self.back(&step.act, &role).await,
            None => facts,
        };
        match self.until(index, (&step.act, &role), facts, patience).await {
            Err(stage) => stage,
            Ok(text) => Stage::Done(text),
        }
    }

    /// Reads again and again until an act has had its effect. What cannot be read is waited for; that does not use
    /// up the patience, but not for ever.
    async fn until(
        &mut self,
        index: usize,
        (act, role): (&Act, &Role),
        facts: Facts,
        patience: i64,
    ) -> Result<String, Stage> {
        let clock = self.linked.clock().clone();
        let mut end = clock.now().plus_seconds(patience);
        let mut blind = None;
        let mut facts = facts;
        let mut said = String::new();
        let mut cancel = self.cancel.clone();
        loop {
            let text = match unread(&facts, act, &self.job.plan.subject) {
                Some(failure) => {
                    let since = *blind.get_or_insert(clock.now());
                    if clock.now().since(since) > GIVE_UP {
                        return Err(Stage::Unverified(format!(
                            "could not be read for half an hour: {failure}"
                        )));
                    }
                    end = end.max(clock.now().plus_seconds(patience));
                    self.reconnect().await;
                    format!("cannot be read: {failure}; it is read again")
                }
                None => {
                    blind = None;
                    match effect(act, facts.report.as_ref(), &facts.inventory) {
                        ReadBack::There(text) => return Ok(text),
                        ReadBack::Overtaken(text) => return Err(Stage::Unverified(text)),
                        ReadBack::Awaited(text) if clock.now() >= end => return Err(Stage::Unverified(text)),
                        ReadBack::Awaited(text) => text,
                    }
                }
            };
            if text != said {
                said.clone_from(&text);
                self.tell(index, Stage::Awaiting(text)).await;
            }
            tokio::select! {
                _ = cancel.wait_for(|it| *it != Signal::Go) => {
                    // Who waits for it may stop waiting; what was written is not undone by that.
                    return Err(Stage::Cancelled);
                }
                () = tokio::time::sleep(clock.wait(AGAIN)) => {}
            }
            facts = self.back(act, role).await;
        }
    }
}

/// What the API server says we may not do, asked before it is tried.
async fn forbidden(linked: &Linked, act: &Act) -> Option<Verb> {
    let (verb, namespace) = act.verb()?;
    let asked = vec![(verb, namespace, act.object())];
    let answers = linked.cluster(act.cluster()?).ok()?.allowed(asked).await;
    answers.into_iter().find(|it| !it.1).map(|it| it.0)
}

/// What a step is about, as it is now.
fn now(act: &Act, facts: &Facts) -> String {
    match effect(act, facts.report.as_ref(), &facts.inventory) {
        ReadBack::There(text) | ReadBack::Awaited(text) | ReadBack::Overtaken(text) => text,
    }
}

/// A call that may have been heard though its answer is missing, or found nothing left to do.
fn unheard(failure: &Failure, act: &Act) -> bool {
    match failure.kind {
        ErrorKind::Unreachable | ErrorKind::Unreadable => true,
        ErrorKind::NotFound => matches!(act, Act::DeletePod { .. } | Act::DeleteBinding { .. }),
        _ => false,
    }
}
