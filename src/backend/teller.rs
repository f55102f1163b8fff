//! The one way from the tasks that look to whoever owns the state: what was learnt, with the time it was learnt at.

use tokio::sync::mpsc;

use super::clock::Clock;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Observation;

/// Something learnt, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    pub at: Timestamp,
    pub change: Observation,
}

/// Where what was learnt goes, with the time it was learnt at.
#[derive(Clone)]
pub(super) struct Teller {
    changes: mpsc::Sender<Observed>,
    pub(super) clock: Clock,
}

impl Teller {
    pub(super) fn new(changes: mpsc::Sender<Observed>, clock: Clock) -> Self {
        Self { changes, clock }
    }

    /// Tells what was learnt just now. False: nobody listens any more.
    pub(super) async fn tell(&self, change: Observation) -> bool {
        self.changes.send(Observed { at: self.clock.now(), change }).await.is_ok()
    }
}
