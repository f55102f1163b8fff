//! Points in time as values. There is no clock here: whoever has one passes it in.

use serde::Deserialize;
use serde::Serialize;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Seconds from `earlier` to this; 0 when `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).max(0) / 1000
    }

    pub(crate) fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    pub(crate) fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// An age as an operator reads it: `8s`, `2m`, `3h`, `5d`; the largest unit only, but `1m20s` below ten minutes.
pub(crate) fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{}s", seconds.max(0)),
        60..600 if seconds % 60 != 0 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        60..3600 => format!("{}m", seconds / 60),
        3600..36_000 if seconds % 3600 >= 60 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_an_operator_says_them() {
        let table = [
            (-3, "0s"),
            (8, "8s"),
            (60, "1m"),
            (80, "1m20s"),
            (600, "10m"),
            (3600, "1h"),
            (5400, "1h30m"),
            (40_000, "11h"),
            (200_000, "2d"),
        ];
        for (seconds, text) in table {
            assert_eq!(age(seconds), text);
        }
    }
}
