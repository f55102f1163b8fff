//! A length of time on the command line.

use std::time::Duration;

/// What is waited for longer is no wait; clocks of machines end before the longest that can be written.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// `30s`, `2m` or `1h30m`, as jiff reads them; longer than nothing, and at most a year.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("not a duration: {text:?} (for example 30s or 2m)");
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from(parsed).ok().filter(|it| !it.is_zero()).ok_or_else(wrong)?;
    match duration <= LONGEST {
        true => Ok(duration),
        false => Err(format!("{text} is too long: at most {}h", LONGEST.as_secs() / 3600)),
    }
}
