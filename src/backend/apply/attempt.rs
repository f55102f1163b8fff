//! Writing one step. For each call: its turn in the budget first, then both sides read, the guards looked at, the call;
//! nothing comes between the reading and the call. What it came to is read back.

use super::batch;
use super::batch::partly;
use super::batch::refused_in_part;
use super::facts::Facts;
use super::facts::guards;
use super::running::Ended;
use super::running::Running;
use crate::backend::apply::job::Signal;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::TargetKey;
use crate::domain::plan::Step;
use crate::domain::plan::act::Act;
use crate::domain::plan::check::Unmet;
use crate::domain::plan::effect::ReadBack;
use crate::domain::plan::effect::effect;
use crate::domain::plan::progress::Stage;

/// How often a throttled call is made.
const TRIES: u32 = 5;
/// Milliseconds to leave AWS alone after a throttled call.
const REST: i64 = 2_000;

/// Why a step came to no answer.
enum Stop {
    /// What it rests on does not hold any more.
    Guard(Unmet),
    Failed(Failure),
    /// Somebody stopped it, or left, before the call.
    Signal,
}

impl Running {
    /// Makes the calls of a step and reads back what came of them, also where no answer came.
    pub(super) async fn attempt(&mut self, index: usize, step: &Step) -> Ended {
        let parts = batch::parts(&step.act);
        let all = batch::targets(&step.act).len();
        let mut done = Vec::new();
        for part in parts {
            if let Err(stop) = self.call(index, step, (part.clone(), &done)).await {
                return self.stopped_by(index, step, (stop, done.len(), all)).await;
            }
            done.extend(batch::targets(&part).iter().map(|it| it.key.clone()));
        }
        self.verify(index, step).await
    }

    async fn stopped_by(
        &mut self,
        index: usize,
        step: &Step,
        (stop, done, all): (Stop, usize, usize),
    ) -> Ended {
        let part_of_it = |why: &str| refused_in_part(&step.act, why, done, all);
        match stop {
            Stop::Guard(why) if done == 0 => Ended::As(Stage::Refused(why.to_string())),
            Stop::Guard(why) => Ended::As(Stage::Failed(part_of_it(&why.to_string()))),
            Stop::Signal if done == 0 => Ended::Stopped(Stage::Cancelled),
            Stop::Signal => Ended::Stopped(Stage::Unverified(part_of_it("stopped"))),
            Stop::Failed(failure) if failure.kind == ErrorKind::Conflict => {
                Ended::As(Stage::Refused(failure.to_string()))
            }
            // Whether it was heard is not known until it is looked at.
            Stop::Failed(failure) if unheard(&failure, &step.act) => {
                let failure = partly(failure, &step.act, done, all);
                match self.verify(index, step).await {
                    Ended::As(Stage::Done(text)) => {
                        Ended::As(Stage::Done(format!("{text}, though the answer was: {failure}")))
                    }
                    Ended::As(Stage::Unverified(text)) => {
                        Ended::As(Stage::Unverified(format!("{failure}; read back: {text}")))
                    }
                    other => other,
                }
            }
            Stop::Failed(failure) => {
                let failure = partly(failure, &step.act, done, all);
                Ended::As(Stage::Failed(match &failure.hint {
                    Some(hint) => format!("{failure} ({hint})"),
                    None => failure.to_string(),
                }))
            }
        }
    }

    /// One call, made again only where it was throttled, which says that nothing was done, and where AWS asks for the
    /// zone of a target.
    async fn call(
        &mut self,
        index: usize,
        step: &Step,
        (mut part, done): (Act, &[TargetKey]),
    ) -> Result<(), Stop> {
        let (mut tries, mut corrected) = (1, 0);
        loop {
            batch::turn(&self.linked, &part).await;
            if self.signal() != Signal::Go {
                return Err(Stop::Signal);
            }
            let facts = self.facts().await;
            guards(step, &facts, (&self.job.plan.subject, done), self.linked.clock()).map_err(Stop::Guard)?;
            self.record.before(now(&part, &facts));
            self.tell(index, Stage::Writing).await;
            // Looking took its time: whoever stopped it meanwhile must find nothing written.
            if self.signal() != Signal::Go {
                return Err(Stop::Signal);
            }
            match self.write(&part).await {
                Ok(()) => return Ok(()),
                Err(failure) if failure.kind == ErrorKind::Throttled && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(self.linked.clock().wait(REST)).await;
                }
                Err(failure) if corrected < batch::ZONES && batch::correct(&mut part, &failure.message) => {
                    corrected += 1;
                }
                Err(failure) => return Err(Stop::Failed(failure)),
            }
        }
    }

    async fn write(&self, act: &Act) -> Result<(), Failure> {
        match act.cluster() {
            Some(id) => self.linked.cluster(id)?.carry_out(act, false).await,
            None => batch::write(&self.linked, act).await,
        }
    }
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
        ErrorKind::NotFound => matches!(act, Act::EvictPod { .. } | Act::DeleteBinding { .. }),
        _ => false,
    }
}
