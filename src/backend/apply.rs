//! The only writer: carries out a plan somebody accepted, step by step. Before each call both sides are read again and
//! its guards looked at; after the step they are read back. Every step that writes leaves a line in the audit log before
//! and after; without the first line nothing is written.

mod attempt;
mod batch;
mod facts;
mod job;
mod record;
mod rehearse;
mod running;
mod wait;

use tokio::sync::mpsc;
use tokio::sync::watch;

pub use self::job::Job;
pub use self::job::Signal;
use self::record::Record;
pub(crate) use self::record::written;
pub(crate) use self::rehearse::rehearse;
use self::running::Running;
use super::connection::Connection;
use super::link::Linked;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;

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
