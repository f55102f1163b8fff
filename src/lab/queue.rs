//! What is due in the lab, and when: one queue, in which nothing waits twice.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::HashMap;

use super::clock::Millis;
use super::elbv2::model::TargetRef;
use super::kubernetes::store::Name;

/// Something that is due at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Task {
    /// Its controller looks at a Deployment, a ReplicaSet, the slices of a service.
    Deployment(Name),
    ReplicaSet(Name),
    Slices(Name),
    /// The AWS Load Balancer Controller looks at a binding of a kind.
    Binding(&'static str, Name),
    /// A place is sought for a pod of that uid.
    Schedule(Name, String),
    /// The next step in the life of one pod, of that uid and no other.
    Pod(Name, String, PodStep),
    /// A target's health is to be judged anew.
    Health(TargetRef),
    /// The controller looks in full at a binding it skipped.
    Deferred(&'static str, Name),
    /// The controller renews its lease.
    Renew,
    /// Pods of a node that stayed away are evicted.
    Evict(String),
    /// Nobody runs the controller any more.
    ControllerDown,
    /// A step of the scenario.
    Script(usize),
}

/// A step in the life of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PodStep {
    /// The image is pulled.
    Pull,
    /// The containers run.
    Run,
    /// The readiness probe passes or no longer does.
    Probe,
    /// The process ends by itself.
    Exit,
    /// The conditions others set may have made the pod ready, or not.
    Gates,
    /// The process has ended as it was told to.
    Stop,
}

#[derive(Debug)]
struct Due {
    at: Millis,
    order: u64,
    task: Task,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

/// Tasks in the order in which they are due; of those due at once, the one that was asked for first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BinaryHeap<Reverse<Due>>,
    order: u64,
    /// When each thing is due at the earliest, so that nothing is looked at twice for one change.
    pending: HashMap<Task, Millis>,
}

impl Queue {
    /// Makes a task due; one that is due earlier stays as it is.
    pub(super) fn add(&mut self, at: Millis, task: Task) {
        if self.pending.get(&task).is_none_or(|earlier| at < *earlier) {
            self.pending.insert(task.clone(), at);
            self.order += 1;
            self.waiting.push(Reverse(Due { at, order: self.order, task }));
        }
    }

    /// When something is next to be done.
    pub(super) fn next(&self) -> Option<Millis> {
        self.waiting.peek().map(|it| it.0.at)
    }

    /// Takes out what is due first, and its time, if it is due by then.
    pub(super) fn take(&mut self, until: Millis) -> Option<(Millis, Task)> {
        while self.next().is_some_and(|at| at <= until) {
            let Reverse(due) = self.waiting.pop()?;
            // What was moved to an earlier time has been done then.
            if self.pending.get(&due.task) == Some(&due.at) {
                self.pending.remove(&due.task);
                return Some((due.at, due.task));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(queue: &mut Queue, until: Millis) -> Vec<(Millis, Task)> {
        std::iter::from_fn(|| queue.take(until)).collect()
    }

    #[test]
    fn what_is_moved_to_an_earlier_time_is_done_once_and_then() {
        let mut queue = Queue::default();
        for at in [20, 10, 30] {
            queue.add(at, Task::Renew);
        }
        assert_eq!(taken(&mut queue, 100), [(10, Task::Renew)]);
        // What has been done may be asked for again.
        queue.add(40, Task::Renew);
        assert_eq!(taken(&mut queue, 100), [(40, Task::Renew)]);
    }

    #[test]
    fn what_is_due_at_once_is_done_in_the_order_it_was_asked_for() {
        let mut queue = Queue::default();
        for index in [2, 0, 1] {
            queue.add(10, Task::Script(index));
        }
        queue.add(5, Task::Renew);
        queue.add(11, Task::ControllerDown);
        let expected =
            [(5, Task::Renew), (10, Task::Script(2)), (10, Task::Script(0)), (10, Task::Script(1))];
        assert_eq!(taken(&mut queue, 10), expected);
        assert_eq!(queue.next(), Some(11), "what is due later stays");
    }
}
