//! A length of time on the command line.

use std::time::Duration;

/// `30s`, `2m` or `1h30m`, as jiff reads them; longer than nothing.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("not a duration: {text:?} (for example 30s or 2m)");
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).ok().filter(|it| !it.is_zero()).ok_or_else(wrong)
}
