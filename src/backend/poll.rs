//! The one task that asks AWS for a screen: it folds what it hears into an inventory of its own, asks `needs` what is
//! missing or old, lets the pace choose, and changes on the answers.
//!
//! Its inventory holds the answers of AWS alone; what bindings say comes with `Follow`. The state's own inventory is not
//! shared: it has one owner, and it is behind by whatever the loop has not taken in yet.

use std::collections::BTreeMap;

use tokio::sync::watch;
use tokio::task::Id;
use tokio::task::JoinError;
use tokio::task::JoinSet;

use super::ask::Answer;
use super::ask::Asker;
use super::ask::Turn;
use super::pace::AnswerKind;
use super::pace::Ask;
use super::pace::Pace;
use super::teller::Teller;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::follow::Follow;
use crate::domain::inventory::needs::needs;

/// The longest time between two looks at what is due.
const LONGEST: i64 = 60_000;

/// Asks until the receiver of changes is gone.
pub(super) async fn poll(asker: Asker, mut follow: watch::Receiver<Follow>, changes: Teller) {
    let mut known = Inventory::default();
    let mut pace = Pace::default();
    let mut calls: JoinSet<Answer> = JoinSet::new();
    let mut asked: BTreeMap<Id, Ask> = BTreeMap::new();
    let mut wish = follow.borrow_and_update().clone();
    let mut wanted = needs(&known, &wish);
    loop {
        let wait = match asker.turn(&pace, &wanted, asker.clock.now()) {
            Turn::Go(ask) => {
                pace.start(&ask, asker.clock.now());
                let (asker, call) = (asker.clone(), ask.clone());
                let task = calls.spawn(async move { asker.perform(&call).await });
                asked.insert(task.id(), ask);
                continue;
            }
            Turn::Wait { millis, budget } => {
                let due = asker.clock.wait(millis.min(LONGEST));
                budget.map_or(due, |it| it.min(due))
            }
        };
        tokio::select! {
            Some(ended) = calls.join_next_with_id() => {
                let (id, answer) = ended.unwrap_or_else(|it| broken(&it));
                let Some(ask) = asked.remove(&id) else { continue };
                let now = asker.clock.now();
                pace.ended(&ask, answer.outcome);
                for change in answer.changes {
                    pace.learnt(&change, now);
                    known.apply(change.clone(), now);
                    if !changes.tell(change).await {
                        return;
                    }
                }
                wanted = needs(&known, &wish);
            }
            changed = follow.changed() => {
                if changed.is_err() {
                    return;
                }
                wish = follow.borrow_and_update().clone();
                pace.heed(&wish);
                wanted = needs(&known, &wish);
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// A task that did not come to its end is a fault of ours, and its call can be made again.
fn broken(error: &JoinError) -> (Id, Answer) {
    tracing::error!(%error, "a call to AWS ended badly");
    let failure = Failure::new("ask AWS", ErrorKind::Other, "an internal error ended this call; see the log");
    let changes = vec![Observation::Failed(Source::Groups, failure)];
    (error.id(), Answer { changes, outcome: AnswerKind::Failed })
}
