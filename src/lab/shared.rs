//! The world behind its lock, and the bell that wakes who drives it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Notify;

use super::clock::Clock;
use super::clock::Millis;
use super::world::World;

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

    /// Waits until a time of the lab has come, or somebody wakes it; without a time, only for that.
    pub(super) async fn wait(&self, next: Option<Millis>) {
        let wait = next.and_then(|at| self.clock.until(at));
        tokio::select! {
            () = self.bell.notified() => {}
            () = tokio::time::sleep(wait.unwrap_or_default().max(Duration::from_millis(1))), if wait.is_some() => {}
        }
    }
}
