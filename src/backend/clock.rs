//! The one place that asks what time it is; everything else is told.

use crate::domain::time::Timestamp;

/// Wall time.
#[expect(clippy::disallowed_methods, reason = "this is where time enters")]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
