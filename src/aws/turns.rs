//! When a call may be made that is made by itself: the one that assumes a role, before the call it is for.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits for turns by account and region; by default nothing is waited for.
#[derive(Clone, Default)]
pub(crate) struct Turns(Option<Arc<dyn Fn(String, String) -> Turn + Send + Sync>>);

impl Turns {
    pub(crate) fn new(take: impl Fn(String, String) -> Turn + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(take)))
    }

    pub(super) async fn take(&self, account: &str, region: &str) {
        if let Some(take) = &self.0 {
            take(account.to_owned(), region.to_owned()).await;
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turns")
    }
}
