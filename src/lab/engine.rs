//! What makes the lab live: it does what is due, lets the controllers see what changed, and follows the clock.

use super::clock::Millis;
use super::controllers::deployments;
use super::controllers::kubelet;
use super::controllers::nodes;
use super::controllers::replicas;
use super::controllers::scheduler;
use super::controllers::slices;
use super::elbv2::health;
use super::lbc::presence;
use super::lbc::reconcile;
use super::queue::Task;
use super::reactions;
use super::script;
use super::shared::Shared;
use super::world::World;

/// Does what is due when it is due, until it is dropped.
pub(super) async fn drive(shared: Shared) {
    loop {
        let next = {
            let mut world = shared.lock();
            catch_up(&mut world);
            world.next_due()
        };
        shared.wait(next).await;
    }
}

/// Does something from outside to a world that is up to date, and lets everything see what changed.
pub(super) fn within<T>(shared: &Shared, act: impl FnOnce(&mut World) -> T) -> T {
    let mut world = shared.lock();
    catch_up(&mut world);
    let done = act(&mut world);
    react(&mut world);
    drop(world);
    shared.wake();
    done
}

/// Does everything that is due by now.
pub(super) fn catch_up(world: &mut World) {
    run_until(world, world.clock.now());
}

pub(super) fn run_until(world: &mut World, until: Millis) {
    react(world);
    while let Some(task) = world.take_due(until) {
        perform(world, task);
        react(world);
    }
    world.move_on(until);
}

fn perform(world: &mut World, task: Task) {
    match task {
        Task::Deployment(name) => deployments::sync(world, &name),
        Task::ReplicaSet(name) => replicas::sync(world, &name),
        Task::Slices(name) => slices::sync(world, &name),
        Task::Binding(kind, name) => reconcile::sync(world, kind, &name),
        Task::Schedule(name, uid) => scheduler::place(world, &name, &uid),
        Task::Pod(name, uid, step) => kubelet::perform(world, &name, &uid, step),
        Task::Health(target) => health::judge(world, &target),
        Task::Deferred(kind, name) => reconcile::deferred(world, kind, &name),
        Task::Renew => presence::renew(world),
        Task::Evict(node) => nodes::evict(world, &node),
        Task::ControllerDown => script::controller(world, true),
        Task::Script(index) => script::perform(world, index),
    }
}

/// Lets every controller know what changed, until nothing new comes of it.
fn react(world: &mut World) {
    loop {
        let fresh = world.kube.take_fresh();
        if fresh.is_empty() {
            return;
        }
        for change in &fresh {
            reactions::to(world, change);
        }
    }
}
