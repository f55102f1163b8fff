//! What time it is, and how long to wait: by the wall, or by an outside that has a time of its own. Everything
//! else is told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::facts::time::Timestamp;

/// A clock; copies show the same time.
#[derive(Clone, Default)]
pub struct Clock {
    other: Option<Other>,
}

#[derive(Clone)]
struct Other {
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
    speed: f64,
}

/// The shortest wait where time runs fast, and the wait where it stands still.
const FAST: Duration = Duration::from_millis(100);
const STILL: Duration = Duration::from_millis(20);

impl Clock {
    /// Wall time.
    pub fn wall() -> Self {
        Self::default()
    }

    /// The time of an outside of our own, in milliseconds since the Unix epoch, and how fast it runs; at speed 0
    /// somebody else moves it.
    pub fn told(now: impl Fn() -> i64 + Send + Sync + 'static, speed: f64) -> Self {
        Self { other: Some(Other { now: Arc::new(now), speed }) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match &self.other {
            Some(other) => Timestamp((other.now)()),
            None => wall(),
        }
    }

    /// How long to wait on the wall for so many milliseconds of this clock.
    pub(crate) fn wait(&self, millis: i64) -> Duration {
        let whole = Duration::from_millis(u64::try_from(millis).unwrap_or(1));
        match &self.other {
            None => whole,
            Some(other) if other.speed > 0.0 => whole.div_f64(other.speed).max(FAST.min(whole)),
            Some(_) => STILL,
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("speed", &self.other.as_ref().map_or(1.0, |it| it.speed)).finish()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where time enters")]
fn wall() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
