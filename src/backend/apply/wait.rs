//! Waiting for what a step is to bring about: reading back what was written, and steps that only wait.

use crate::backend::apply::facts::Facts;
use crate::backend::apply::facts::unread;
use crate::backend::apply::job::Signal;
use crate::backend::apply::running::Ended;
use crate::backend::apply::running::Running;
use crate::backend::connection::Scope;
use crate::backend::snapshot::Extra;
use crate::domain::facts::cluster::Binding;
use crate::domain::inventory::Inventory;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Step;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Role;
use crate::domain::plan::check::check;
use crate::domain::plan::effect::ReadBack;
use crate::domain::plan::effect::effect;
use crate::domain::plan::known::report_of;
use crate::domain::plan::progress::Stage;

/// Milliseconds between two readings of what followed.
const AGAIN: i64 = 2_000;
/// Seconds after which a write that cannot be read back is called not verified.
const READ_BACK: i64 = 30;
/// Seconds within which the controller is expected to have acted on a new look.
const IN_STEP: i64 = 30;
/// Seconds within which a pod is expected to be replaced by one in service: the deadline a Deployment gives itself
/// (`progressDeadlineSeconds`, 600 by default).
const REPLACED: i64 = 600;
/// The longest a group may let targets drain, in seconds (target group attribute
/// `deregistration_delay.timeout_seconds`).
const LONGEST_DELAY: i64 = 3_600;
/// Seconds after which what cannot be read is not waited for any more.
const GIVE_UP: i64 = 1_800;

impl Running {
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

    /// Reads back until the step has had its effect, or for as long as that may take.
    pub(super) async fn verify(&mut self, index: usize, step: &Step) -> Ended {
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
            Err(ended) => ended,
            Ok(text) => Ended::As(Stage::Done(text)),
        }
    }

    /// A step that only waits.
    pub(super) async fn wait(&mut self, index: usize, step: &Step, facts: Facts) -> Stage {
        let missing = unread(&facts, &step.act, &self.job.plan.subject);
        let broken = step
            .guards
            .iter()
            .find_map(|guard| check(guard, facts.report.as_ref(), &facts.inventory).err())
            .filter(|_| missing.is_none());
        if let Some(why) = broken {
            return Stage::Refused(why.to_string());
        }
        let role = step.act.group().and_then(|group| {
            let on = |it: &Binding| it.group.as_ref() == Some(group);
            facts.inventory.bindings().find(|(_, it)| on(it))?.1.role()
        });
        let patience = match &step.act {
            Act::AwaitGone { group, .. } => {
                let known = self.linked.deregistration_delay(group, &role).await;
                known.map_or(LONGEST_DELAY, i64::from) + 60
            }
            Act::AwaitInStep { .. } => IN_STEP,
            Act::AwaitReplaced { .. } => REPLACED,
            // The binding is gone, and with it whoever would take more out.
            Act::AwaitLeaving { .. } if self.unbinds() => READ_BACK,
            _ => 120,
        };
        // Of a group only its own targets tell; the plan's board may be of another.
        let facts = match step.act.group() {
            Some(_) => self.back(&step.act, &role).await,
            None => facts,
        };
        match self.until(index, (&step.act, &role), facts, patience).await {
            Err(Ended::As(stage) | Ended::Stopped(stage)) => stage,
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
    ) -> Result<String, Ended> {
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
                        let text = format!("could not be read for half an hour: {failure}");
                        return Err(Ended::As(Stage::Unverified(text)));
                    }
                    end = end.max(clock.now().plus_seconds(patience));
                    self.reconnect().await;
                    format!("cannot be read: {failure}; it is read again")
                }
                None => {
                    blind = None;
                    match effect(act, facts.report.as_ref(), &facts.inventory) {
                        ReadBack::There(text) => return Ok(text),
                        ReadBack::Overtaken(text) => return Err(Ended::As(Stage::Unverified(text))),
                        ReadBack::Awaited(text) if clock.now() >= end => {
                            return Err(Ended::As(Stage::Unverified(text)));
                        }
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
                    // Who waits may stop waiting; what was written is not undone by that, and may have had its effect.
                    return Err(Ended::Stopped(match act.only_waits() {
                        true => Stage::Cancelled,
                        false => Stage::Unverified(format!(
                            "written; stopped before it was seen to have its effect, last: {said}"
                        )),
                    }));
                }
                () = tokio::time::sleep(clock.wait(AGAIN)) => {}
            }
            facts = self.back(act, role).await;
        }
    }
}
