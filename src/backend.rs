//! Both outsides as one: what to connect to, what to look at, and the tasks that look. The screen and the
//! commands share it.

pub mod clock;
mod follow;
mod observe;
pub mod pace;
mod poll;
mod snapshot;

use std::sync::Arc;

use governor::Quota;
use governor::RateLimiter;
use governor::clock::DefaultClock;
use governor::state::InMemoryState;
use governor::state::NotKeyed;

pub use self::follow::Follow;
pub use self::observe::AwsSide;
pub use self::observe::Observed;
pub use self::observe::observe;
pub use self::snapshot::Wish;
pub use self::snapshot::snapshot;
use crate::aws::Settings;
use crate::kubernetes::Access;

/// What to connect to. Made from flags and files; holds no connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub clusters: Vec<Access>,
    pub aws: Settings,
    pub budget: Budget,
}

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// `None`: all namespaces.
    pub namespace: Option<String>,
}

/// How many calls a second the account can spare for us, and how many at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub per_second: u32,
    pub burst: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { per_second: 2, burst: 10 }
    }
}

type Bucket = Arc<RateLimiter<NotKeyed, InMemoryState, DefaultClock>>;

/// One bucket for each account and region: AWS counts by these, and the controller draws from the same.
#[derive(Clone)]
pub(crate) struct Buckets {
    budget: Budget,
    buckets: Arc<std::sync::Mutex<std::collections::BTreeMap<(String, String), Bucket>>>,
}

impl Buckets {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, buckets: Arc::default() }
    }

    /// Waits until a call to this account and region may be made.
    pub(crate) async fn take(&self, account: &str, region: &str) {
        let bucket = {
            let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let key = (account.to_owned(), region.to_owned());
            buckets.entry(key).or_insert_with(|| Arc::new(RateLimiter::direct(self.quota()))).clone()
        };
        bucket.until_ready().await;
    }

    fn quota(&self) -> Quota {
        let one = std::num::NonZeroU32::MIN;
        let rate = std::num::NonZeroU32::new(self.budget.per_second).unwrap_or(one);
        let burst = std::num::NonZeroU32::new(self.budget.burst).unwrap_or(one);
        Quota::per_second(rate).allow_burst(burst)
    }
}
