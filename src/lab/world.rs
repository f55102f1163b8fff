//! The state of the lab: both sides, what the controllers remember, what goes wrong, and what is due when.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::clock::Clock;
use super::clock::Millis;
use super::controllers::image::Images;
use super::ec2::model::Ec2;
use super::elbv2::model::Elb;
use super::fault::Faults;
use super::kubernetes::kinds::PODS;
use super::kubernetes::store::Name;
use super::kubernetes::store::Store;
use super::lbc::memory::Lbc;
use super::queue::Queue;
use super::queue::Task;
use super::random::Random;
use super::scenario::Scenario;

/// The whole outside.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Millis,
    pub(super) clock: Clock,
    pub(super) kube: Store,
    pub(super) elb: Elb,
    pub(super) ec2: Ec2,
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
    queue: Queue,
}

impl World {
    pub(super) fn new(scenario: Arc<Scenario>, clock: Clock, begin: Millis) -> Self {
        let seed = scenario.seed;
        Self {
            now: begin,
            clock,
            kube: Store::new(begin, Random::new(seed)),
            elb: Elb::new(Random::new(seed ^ 0x5eed)),
            ec2: Ec2::default(),
            lbc: Lbc::default(),
            faults: Faults::default(),
            images: Images::default(),
            scenario,
            began: begin,
            addresses: BTreeMap::new(),
            loads: BTreeMap::new(),
            queue: Queue::default(),
        }
    }

    /// Makes a task due after a delay in milliseconds; one that is due earlier stays as it is.
    pub(super) fn after(&mut self, delay: Millis, task: Task) {
        self.queue.add(self.now + delay.max(0), task);
    }

    pub(super) fn due(&mut self, at: Millis, task: Task) {
        self.queue.add(at, task);
    }

    /// When something is next to be done.
    pub(super) fn next_due(&self) -> Option<Millis> {
        self.queue.next()
    }

    /// Takes out what is due first, if it is due by then, and moves the time on to it.
    pub(super) fn take_due(&mut self, until: Millis) -> Option<Task> {
        let (at, task) = self.queue.take(until)?;
        self.move_on(at);
        Some(task)
    }

    /// Moves the time on; it never goes back.
    pub(super) fn move_on(&mut self, until: Millis) {
        self.now = self.now.max(until);
        self.kube.now = self.now;
    }

    /// The pod that has an address now.
    pub(super) fn pod_at(&self, address: &str) -> Option<&Arc<Value>> {
        let (namespace, name) = self.addresses.get(address)?;
        self.kube.get(PODS, namespace, name)
    }
}
