//! The lab's time: it starts where it is told, runs at a speed, or stands still until it is moved.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Milliseconds since the Unix epoch, in the lab's time.
pub(crate) type Millis = i64;

/// The lab's clock; copies show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    start: Millis,
    began: Instant,
    speed: f64,
    moved: AtomicI64,
}

impl Clock {
    /// Runs `speed` times as fast as the wall clock, from `start`; at speed 0 it only moves by [`Clock::advance`].
    #[expect(clippy::disallowed_methods, reason = "the lab is an outside of its own, with its own time")]
    pub fn new(start: Millis, speed: f64) -> Self {
        let inner = Inner { start, began: Instant::now(), speed: speed.max(0.0), moved: AtomicI64::new(0) };
        Self { inner: Arc::new(inner) }
    }

    pub fn now(&self) -> Millis {
        let run = self.inner.began.elapsed().as_secs_f64() * 1000.0 * self.inner.speed;
        self.inner.start + whole(run) + self.inner.moved.load(Ordering::SeqCst)
    }

    /// Moves the time on at once.
    pub(super) fn advance(&self, by: Duration) {
        self.inner.moved.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    pub(crate) fn speed(&self) -> f64 {
        self.inner.speed
    }

    /// How long it takes on the wall until `at`; `None` where time stands still.
    pub(super) fn until(&self, at: Millis) -> Option<Duration> {
        let left = (at - self.now()).max(0);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
        (self.inner.speed > 0.0).then(|| left.div_f64(self.inner.speed))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of a program's life fit")]
fn whole(millis: f64) -> i64 {
    millis as i64
}

/// The time as Kubernetes writes it: to the second.
pub(super) fn stamp(at: Millis) -> String {
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time as leases have it: to the microsecond.
pub(super) fn stamp_micros(at: Millis) -> String {
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// What Kubernetes wrote, in milliseconds.
pub(super) fn parse(stamp: &str) -> Option<Millis> {
    stamp.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// An age as kubectl prints it: two units while they are small, one when they are not.
pub(super) fn age(since: Millis, now: Millis) -> String {
    let seconds = ((now - since) / 1000).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |big: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{big}{unit}"),
        small => format!("{big}{unit}{small}{small_unit}"),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        _ => two(days / 365, "y", days % 365, "d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_still_moves_when_it_is_told() {
        let clock = Clock::new(1_000, 0.0);
        assert_eq!((clock.now(), clock.until(5_000)), (1_000, None));
        clock.advance(Duration::from_secs(3));
        assert_eq!(clock.now(), 4_000);
    }

    #[test]
    fn ages_are_written_as_kubectl_does() {
        let table = [
            (5, "5s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (600, "10m"),
            (3_600, "60m"),
            (10_800, "3h"),
            (11_000, "3h3m"),
            (40_000, "11h"),
            (200_000, "2d7h"),
        ];
        for (seconds, expected) in table {
            assert_eq!(age(0, seconds * 1000), expected, "{seconds}");
        }
    }
}
