//! How many calls AWS is asked for: one bucket for each account and region, shared by everything that asks.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use governor::NotUntil;
use governor::Quota;
use governor::RateLimiter;
use governor::clock::Clock;
use governor::clock::DefaultClock;
use governor::state::InMemoryState;
use governor::state::NotKeyed;

use crate::aws::Turns;

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

impl Budget {
    /// As much more as time runs faster.
    #[must_use]
    pub(crate) fn times(self, speed: f64) -> Self {
        let times = |it: u32| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a few thousand at most"
            )]
            let more = (f64::from(it) * speed).clamp(1.0, 1e6) as u32;
            more.max(it)
        };
        Self { per_second: times(self.per_second), burst: times(self.burst) }
    }
}

type Bucket = Arc<RateLimiter<NotKeyed, InMemoryState, DefaultClock>>;

/// One bucket for each account and region: AWS counts by these, and the controller draws from the same.
#[derive(Clone)]
pub struct Buckets {
    budget: Budget,
    by_place: Arc<std::sync::Mutex<std::collections::BTreeMap<(String, String), Bucket>>>,
    taken: Arc<AtomicU64>,
}

impl std::fmt::Debug for Buckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.budget.fmt(f)
    }
}

impl Buckets {
    pub fn new(budget: Budget) -> Self {
        Self { budget, by_place: Arc::default(), taken: Arc::default() }
    }

    /// Waits until a call to this account and region may be made.
    pub(crate) async fn take(&self, account: Option<&str>, region: &str) {
        self.bucket(account, region).until_ready().await;
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Turns taken so far, of all accounts and regions.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a call to this account and region, or gives how long there is none.
    pub(crate) fn try_take(&self, account: Option<&str>, region: &str) -> Result<(), Duration> {
        let spent = |it: NotUntil<_>| it.wait_time_from(DefaultClock::default().now());
        self.bucket(account, region).check().map_err(spent)?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The turns of calls that the AWS side makes by itself: those that assume roles.
    pub(crate) fn turns(&self) -> Turns {
        let buckets = self.clone();
        Turns::new(move |account, region| {
            let buckets = buckets.clone();
            Box::pin(async move { buckets.take(Some(&account), &region).await })
        })
    }

    /// An account that is not known yet (all groups of a region are asked for) is that of the bucket the region has.
    fn bucket(&self, account: Option<&str>, region: &str) -> Bucket {
        let mut buckets = self.by_place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let nobody = (String::new(), region.to_owned());
        let key = match account {
            Some(account) => (account.to_owned(), region.to_owned()),
            None => buckets.keys().find(|it| it.1 == region).cloned().unwrap_or_else(|| nobody.clone()),
        };
        let before = buckets.remove(&nobody).filter(|_| !buckets.contains_key(&key));
        let make = || before.unwrap_or_else(|| Arc::new(RateLimiter::direct(self.quota())));
        buckets.entry(key).or_insert_with(make).clone()
    }

    fn quota(&self) -> Quota {
        let one = std::num::NonZeroU32::MIN;
        let rate = std::num::NonZeroU32::new(self.budget.per_second).unwrap_or(one);
        let burst = std::num::NonZeroU32::new(self.budget.burst).unwrap_or(one);
        Quota::per_second(rate).allow_burst(burst)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn free(buckets: &Buckets, account: Option<&str>, region: &str) -> bool {
        buckets.take(account, region).now_or_never().is_some()
    }

    #[test]
    fn each_account_and_region_has_its_own_budget() {
        let buckets = Buckets::new(Budget { per_second: 1, burst: 3 });
        for _ in 0..3 {
            assert!(free(&buckets, Some("1"), "eu-west-1"));
        }
        assert!(!free(&buckets, Some("1"), "eu-west-1"));
        assert!(free(&buckets, Some("1"), "eu-north-1"));
        assert!(free(&buckets, Some("2"), "eu-west-1"));
    }

    #[test]
    fn a_call_of_unknown_account_draws_from_the_bucket_of_its_region() {
        let buckets = Buckets::new(Budget { per_second: 1, burst: 2 });
        assert!(free(&buckets, None, "eu-west-1"));
        assert!(free(&buckets, Some("1"), "eu-west-1"));
        assert!(!free(&buckets, Some("1"), "eu-west-1"));
        assert!(!free(&buckets, None, "eu-west-1"));
    }
}
