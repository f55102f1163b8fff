//! Everything in the lab behind one lock: both sides, the controllers between them, and what is due when.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Notify;

use super::clock::Clock;
use super::clock::Millis;
use super::controllers;
use super::controllers::Sync;
use super::controllers::image::Images;
use super::controllers::kubelet;
use super::elbv2;
use super::elbv2::model::Elb;
use super::elbv2::model::TargetRef;
use super::fault::Faults;
use super::kubernetes::kinds::PODS;
use super::kubernetes::store::Name;
use super::kubernetes::store::Store;
use super::lbc::Lbc;
use super::random::Random;
use super::scenario::Scenario;
use super::script;

/// Something that is due at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Task {
    /// A controller looks at one object.
    Sync(Sync, Name),
    /// The next step in the life of one pod, of that uid and no other.
    Pod(Name, String, kubelet::Step),
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

/// The whole outside.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Millis,
    pub(super) clock: Clock,
    pub(super) kube: Store,
    pub(super) elb: Elb,
    pub(super) lbc: Lbc,
    pub(super) faults: Faults,
    pub(super) images: Images,
    pub(super) scenario: Arc<Scenario>,
    /// When the scenario's own time began.
    pub(super) began: Millis,
    /// The running pod of an address.
    pub(super) addresses: BTreeMap<String, Name>,
    /// How many pods each node has.
    pub(super) loads: BTreeMap<String, i64>,
    queue: BinaryHeap<Reverse<Due>>,
    order: u64,
    /// When each thing is due at the earliest, so that nothing is looked at twice for one change.
    pending: HashMap<Task, Millis>,
}

impl World {
    pub(super) fn new(scenario: Arc<Scenario>, clock: Clock, begin: Millis) -> Self {
        let seed = scenario.seed;
        Self {
            now: begin,
            clock,
            kube: Store::new(begin, Random::new(seed)),
            elb: Elb::new(Random::new(seed ^ 0x5eed)),
            lbc: Lbc::default(),
            faults: Faults::default(),
            images: Images::default(),
            scenario,
            began: begin,
            addresses: BTreeMap::new(),
            loads: BTreeMap::new(),
            queue: BinaryHeap::new(),
            order: 0,
            pending: HashMap::new(),
        }
    }

    /// Makes a task due after a delay in milliseconds; one that is due earlier stays as it is.
    pub(super) fn after(&mut self, delay: Millis, task: Task) {
        self.due(self.now + delay.max(0), task);
    }

    pub(super) fn due(&mut self, at: Millis, task: Task) {
        if self.pending.get(&task).is_none_or(|earlier| at < *earlier) {
            self.pending.insert(task.clone(), at);
            self.order += 1;
            self.queue.push(Reverse(Due { at, order: self.order, task }));
        }
    }

    /// When something is next to be done.
    fn next_due(&self) -> Option<Millis> {
        self.queue.peek().map(|it| it.0.at)
    }

    /// Does everything that is due by now.
    pub(super) fn catch_up(&mut self) {
        self.run_until(self.clock.now());
    }

    pub(super) fn run_until(&mut self, until: Millis) {
        self.react();
        while self.next_due().is_some_and(|at| at <= until) {
            let Some(Reverse(due)) = self.queue.pop() else { return };
            // What was moved to an earlier time has been done then.
            if self.pending.get(&due.task) != Some(&due.at) {
                continue;
            }
            self.set_now(due.at);
            self.pending.remove(&due.task);
            self.perform(due.task);
            self.react();
        }
        self.set_now(until);
    }

    fn set_now(&mut self, at: Millis) {
        self.now = self.now.max(at);
        self.kube.now = self.now;
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Sync(controller, name) => controllers::sync(self, controller, &name),
            Task::Pod(name, uid, step) => kubelet::perform(self, &name, &uid, step),
            Task::Health(target) => elbv2::health::judge(self, &target),
            Task::Deferred(kind, name) => super::lbc::reconcile::deferred(self, kind, &name),
            Task::Renew => super::lbc::presence::renew(self),
            Task::Evict(node) => controllers::nodes::evict(self, &node),
            Task::ControllerDown => script::controller(self, true),
            Task::Script(index) => script::perform(self, index),
        }
    }

    /// Lets every controller know what changed.
    pub(super) fn react(&mut self) {
        loop {
            let fresh = self.kube.take_fresh();
            if fresh.is_empty() {
                return;
            }
            for change in &fresh {
                controllers::react(self, change);
            }
        }
    }

    /// Deletes an object as a client would.
    pub(super) fn delete(&mut self, kind: &'static str, (namespace, name): (&str, &str), grace: i64) {
        self.kube.delete(kind, (namespace, name), grace);
        if kind == super::kubernetes::kinds::NAMESPACES {
            controllers::garbage::empty_namespace(self, name);
        }
    }

    /// The pod that has an address now.
    pub(super) fn pod_at(&self, address: &str) -> Option<&Arc<serde_json::Value>> {
        let (namespace, name) = self.addresses.get(address)?;
        self.kube.get(PODS, namespace, name)
    }
}

/// The world with its lock and the bell that wakes who drives it.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    world: Arc<Mutex<World>>,
    bell: Arc<Notify>,
    clock: Clock,
}

impl Shared {
    pub(super) fn new(world: World) -> Self {
        let clock = world.clock.clone();
        Self { world: Arc::new(Mutex::new(world)), bell: Arc::default(), clock }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something may be due earlier than was thought.
    pub(super) fn wake(&self) {
        self.bell.notify_one();
    }

    /// Does what is due when it is due, until it is dropped.
    pub(super) async fn drive(self) {
        loop {
            let next = {
                let mut world = self.lock();
                world.catch_up();
                world.next_due()
            };
            let wait = next.and_then(|at| self.clock.until(at));
            tokio::select! {
                () = self.bell.notified() => {}
                () = tokio::time::sleep(wait.unwrap_or_default().max(Duration::from_millis(1))), if wait.is_some() => {}
            }
        }
    }
}
