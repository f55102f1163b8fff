//! The only writer: carries out a plan somebody accepted, step by step. Before each step both sides are read again and
//! its guards looked at; after it they are read back. Every step that writes leaves a line in the audit log before and
//! after; without the first line nothing is written.

mod batch;
mod record;

use tokio::sync::mpsc;
use tokio::sync::watch;

use self::record::Record;
use super::Connection;
use super::Linked;
use super::Scope;
use super::snapshot::Extra;
use crate::audit::Log;
use crate::domain::failure::ErrorKind;
use crate::domain::failure::Failure;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::permissions::Verb;
use crate::domain::plan::Act;
use crate::domain::plan::Plan;
use crate::domain::plan::Role;
use crate::domain::plan::Step;
use crate::domain::plan::effect::Effect;
use crate::domain::plan::effect::effect;
use crate::domain::plan::guard::check;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;
use crate::domain::plan::targets::report_of;
use crate::domain::report::Report;
use crate::domain::report::Subject;
use crate::domain::scope::Pointed;
use crate::domain::scope::Thing;

/// Milliseconds between two readings of what followed.
const AGAIN: i64 = 2_000;
/// Seconds after which a write that cannot be read back is called not verified.
const READ_BACK: i64 = 30;

/// A plan with what it takes to carry it out.
pub struct Job {
    pub plan: Plan,
    pub scope: Scope,
    pub log: Log,
}

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

/// What was read in one go.
struct Facts {
    inventory: Inventory,
    report: Option<Report>,
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
    let linked = Linked::open(connection).await;
    let id = job.plan.id();
    let mut running = Running { record: Record::new(&job, &linked).await, linked, job, cancel, tell, id };
    let mut ended = Vec::new();
    for index in 0..running.job.plan.steps.len() {
        let stage = match read_only {
            true => Stage::Refused("read only: nothing is written".to_owned()),
            false => running.step(index).await,
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
    let facts = read(&linked, &scope, &plan.subject).await;
    let mut answers = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        // What a later step needs may only be so once an earlier one was done.
        let guarded = if index == 0 { guards(step, &facts, &plan.subject) } else { Ok(()) };
        let forbidden = forbidden(&linked, &step.act).await;
        answers.push(match (guarded, step.act.cluster()) {
            (Err(why), _) => Err(why),
            (Ok(()), _) if forbidden.is_some() => {
                Err(format!("not permitted: needs {}", forbidden.map_or_else(String::new, |it| it.to_string())))
            }
            (Ok(()), _) if step.act.only_waits() => Ok("only waits".to_owned()),
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
    linked: Linked,
    job: Job,
    record: Record,
    cancel: watch::Receiver<Signal>,
    tell: mpsc::Sender<Progress>,
    id: String,
}

impl Running {
    async fn tell(&self, step: usize, stage: Stage) {
        let at = self.linked.clock().now();
        // Nobody may listen any more; what was begun is carried on all the same.
        _ = self.tell.send(Progress { plan: self.id.clone(), step, at, stage }).await;
    }

    fn signal(&self) -> Signal {
        *self.cancel.borrow()
    }

    async fn facts(&self) -> Facts {
        read(&self.linked, &self.job.scope, &self.job.plan.subject).await
    }

    /// As much as tells whether an act has had its effect: little, since it is read again and again.
    async fn back(&self, act: &Act, role: &Role) -> Facts {
        let subject = &self.job.plan.subject;
        let now = || self.linked.clock().now();
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
        let wish = Extra { lean: true, only: Some(pointed(subject)), ..Extra::default() };
        let inventory = self.linked.read(&Scope { namespace }, wish).await;
        let report = report_of(&inventory, subject, now());
        Facts { inventory, report }
    }

    async fn step(&mut self, index: usize) -> Stage {
        let Some(step) = self.job.plan.steps.get(index).cloned() else { return Stage::Cancelled };
        match self.signal() {
            Signal::Go => {}
            Signal::Cancel => {
                self.record.wait(&self.job, index, &Stage::Cancelled);
                return Stage::Cancelled;
            }
            Signal::Leave => return Stage::Cancelled,
        }
        self.tell(index, Stage::Checking).await;
        let facts = self.facts().await;
        if step.act.only_waits() {
            let stage = self.wait(index, &step, facts).await;
            if self.signal() != Signal::Leave {
                self.record.wait(&self.job, index, &stage);
            }
            return stage;
        }
        if self.job.plan.resumed
            && let Effect::There(text) = effect(&step.act, facts.report.as_ref(), &facts.inventory)
        {
            // The session that began it did not live to note that it was done.
            let stage = Stage::Done(format!("it was so already: {text}"));
            self.record.wait(&self.job, index, &stage);
            return stage;
        }
        if let Err(why) = guards(&step, &facts, &self.job.plan.subject) {
            self.record.refused(&self.job, index, &why);
            return Stage::Refused(why);
        }
        if let Some(verb) = forbidden(&self.linked, &step.act).await {
            let why = format!("not permitted: needs {verb}");
            self.record.refused(&self.job, index, &why);
            return Stage::Refused(why);
        }
        let before = now(&step.act, &facts);
        if let Err(error) = self.record.begin(&self.job, index, &before, self.linked.clock().now()) {
            let place = self.job.log.place();
            return Stage::Refused(format!("the audit log {place} cannot be written: {error}"));
        }
        self.tell(index, Stage::Writing).await;
        let stage = match self.write(&step.act).await {
            Err(failure) if failure.kind == ErrorKind::Conflict => Stage::Refused(failure.to_string()),
            Err(failure) => Stage::Failed(match &failure.hint {
                Some(hint) => format!("{failure} ({hint})"),
                None => failure.to_string(),
            }),
            Ok(()) => self.verify(index, &step).await,
        };
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

    async fn write(&self, act: &Act) -> Result<(), Failure> {
        match (act.cluster(), act) {
            (Some(id), _) => self.linked.cluster(id)?.carry_out(act, false).await,
            (None, Act::Register { group, role, targets }) => {
                batch::Batch { linked: &self.linked, group, role }.register(targets).await
            }
            (None, Act::Deregister { group, role, targets }) => {
                batch::Batch { linked: &self.linked, group, role }.deregister(targets).await
            }
            (None, _) => Ok(()),
        }
    }

    /// Reads back until the step has had its effect, or for as long as that may take.
    async fn verify(&self, index: usize, step: &Step) -> Stage {
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
    async fn wait(&self, index: usize, step: &Step, facts: Facts) -> Stage {
        if let Some(why) = step
            .guards
            .iter()
            .find_map(|guard| check(guard, &step.act, facts.report.as_ref(), &facts.inventory).err())
        {
            if unread(&facts, &self.job.plan.subject).is_none() {
                return Stage::Refused(why);
            }
        }
        let delay = facts.inventory.groups.values().filter_map(|it| it.attributes.as_ref());
        let delay = delay.map(|it| i64::from(it.deregistration_delay())).max().unwrap_or(300);
        let patience = match &step.act {
            Act::AwaitGone { .. } => delay + 60,
            Act::AwaitInStep { .. } => 20,
            _ => 120,
        };
        let binding = match &self.job.plan.subject {
            Subject::Binding(it) => facts.inventory.binding(it),
            Subject::Group(_) => None,
        };
        let role = binding.and_then(|it| Some((it.assume_role.clone()?, it.external_id.clone())));
        match self.until(index, (&step.act, &role), facts, patience).await {
            Err(stage) => stage,
            Ok(text) => Stage::Done(text),
        }
    }

    /// Reads again and again until an act has had its effect. What cannot be read is waited for; that does not use
    /// up the patience.
    async fn until(
        &self,
        index: usize,
        (act, role): (&Act, &Role),
        facts: Facts,
        patience: i64,
    ) -> Result<String, Stage> {
        let clock = self.linked.clock();
        let mut end = clock.now().plus_seconds(patience);
        let mut facts = facts;
        let mut said = String::new();
        let mut cancel = self.cancel.clone();
        loop {
            let text = match unread(&facts, &self.job.plan.subject) {
                Some(failure) => {
                    end = end.max(clock.now().plus_seconds(patience));
                    format!("cannot be read: {failure}; it is read again")
                }
                None => match effect(act, facts.report.as_ref(), &facts.inventory) {
                    Effect::There(text) => return Ok(text),
                    Effect::Overtaken(text) => return Err(Stage::Unverified(text)),
                    Effect::Awaited(text) if clock.now() >= end => return Err(Stage::Unverified(text)),
                    Effect::Awaited(text) => text,
                },
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
    let asked = act.verb()?;
    let answers = linked.cluster(act.cluster()?).ok()?.allowed(vec![asked]).await;
    answers.into_iter().find(|it| !it.1).map(|it| it.0)
}

/// What a step is about, as it is now.
fn now(act: &Act, facts: &Facts) -> String {
    match effect(act, facts.report.as_ref(), &facts.inventory) {
        Effect::There(text) | Effect::Awaited(text) | Effect::Overtaken(text) => text,
    }
}

/// Both sides, now, as far as the plan is about them.
async fn read(linked: &Linked, scope: &Scope, subject: &Subject) -> Facts {
    let groups = match subject {
        Subject::Group(arn) => vec![arn.clone()],
        Subject::Binding(_) => Vec::new(),
    };
    let wish = Extra { groups, only: Some(pointed(subject)), thorough: true, ..Extra::default() };
    let inventory = linked.read(scope, wish).await;
    let report = report_of(&inventory, subject, linked.clock().now());
    Facts { inventory, report }
}

fn pointed(subject: &Subject) -> Pointed {
    match subject {
        Subject::Group(arn) => Pointed { namespace: None, thing: Thing::Arn(arn.clone()) },
        Subject::Binding(it) => {
            let thing = Thing::Binding(it.name.clone(), Some(it.api));
            Pointed { namespace: Some(it.namespace.clone()), thing }
        }
    }
}

/// What a plan is about that could not be read just now.
fn unread(facts: &Facts, subject: &Subject) -> Option<Failure> {
    let needed = |source: &Source| match (source, subject) {
        (Source::Kubernetes(cluster, kind), Subject::Binding(it)) => {
            *cluster == it.cluster
                && match kind {
                    Kind::Pods | Kind::Services | Kind::Slices => true,
                    Kind::Bindings(api) => *api == it.api,
                    _ => false,
                }
        }
        (Source::Kubernetes(_, Kind::Bindings(_)), Subject::Group(_)) => true,
        (Source::Targets(arn), Subject::Group(group)) => arn == group,
        (Source::Targets(arn), Subject::Binding(_)) => {
            facts.report.as_ref().and_then(|it| it.group.as_ref()) == Some(arn)
        }
        _ => false,
    };
    let mut failed = facts.inventory.sources.iter().filter(|(source, _)| needed(source));
    // A kind that is not served hides nothing.
    failed.find_map(|(_, it)| {
        it.failed.as_ref().map(|it| it.1.clone()).filter(|it| it.kind != ErrorKind::NotFound)
    })
}

/// Whether everything a step rests on still holds.
fn guards(step: &Step, facts: &Facts, subject: &Subject) -> Result<(), String> {
    if let Some(failure) = unread(facts, subject) {
        return Err(format!("what it rests on cannot be read: {failure}"));
    }
    step.guards.iter().try_for_each(|guard| check(guard, &step.act, facts.report.as_ref(), &facts.inventory))
}
