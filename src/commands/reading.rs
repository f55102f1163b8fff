//! How far a look is, shown on standard error while it takes longer than a moment; for people, so only at a terminal.

use std::io::IsTerminal as _;
use std::io::Write as _;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::terminal::is_dumb;
use crate::backend::Reading;

/// After which time somebody wonders.
const MOMENT: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(250);

/// Waits for a look, and says meanwhile how far it is.
pub(super) async fn shown<T>(look: impl Future<Output = T>, reading: &watch::Sender<Reading>) -> T {
    if is_dumb() || !std::io::stderr().is_terminal() {
        return look.await;
    }
    tokio::pin!(look);
    let mut first: Option<(Instant, usize)> = None;
    let mut said = String::new();
    let mut every = tokio::time::interval_at(Instant::now() + MOMENT, EVERY);
    loop {
        tokio::select! {
            done = &mut look => {
                if !said.is_empty() {
                    write("");
                }
                return done;
            }
            at = every.tick() => {
                let now = *reading.borrow();
                if now.groups > 0 {
                    first.get_or_insert((at, now.read));
                }
                let pace = first.map_or((Duration::ZERO, 0), |(since, read)| {
                    (at.saturating_duration_since(since), now.read.saturating_sub(read))
                });
                let text = line(now, pace);
                if text != said {
                    write(&text);
                    said = text;
                }
            }
        }
    }
}

/// One line, over the one before.
fn write(line: &str) {
    _ = write!(std::io::stderr(), "\r\u{1b}[2K{line}");
    _ = std::io::stderr().flush();
}

/// `reading health: 23 of 100 target groups, about 40 s left`. `pace`: how many were read in which time.
fn line(now: Reading, pace: (Duration, usize)) -> String {
    let Reading { read, groups } = now;
    if groups == 0 {
        return "reading Kubernetes".to_owned();
    }
    let left = groups.saturating_sub(read);
    let estimate = match pace {
        (time, done @ 1..) if left > 0 && time >= MOMENT => {
            let each = time / u32::try_from(done).unwrap_or(u32::MAX);
            let seconds = (each * u32::try_from(left).unwrap_or(u32::MAX)).as_secs();
            format!(", about {} s left", seconds.max(1))
        }
        _ => String::new(),
    };
    let what = if groups == 1 { "target group" } else { "target groups" };
    format!("reading health: {read} of {groups} {what}{estimate}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_look_is_is_said_with_what_is_left_at_the_pace_so_far() {
        let none = (Duration::ZERO, 0);
        assert_eq!(line(Reading::default(), none), "reading Kubernetes");
        let some = Reading { read: 23, groups: 100 };
        assert_eq!(line(some, none), "reading health: 23 of 100 target groups");
        assert_eq!(
            line(some, (Duration::from_secs(10), 20)),
            "reading health: 23 of 100 target groups, about 38 s left"
        );
        let all = Reading { read: 1, groups: 1 };
        assert_eq!(line(all, (Duration::from_secs(10), 1)), "reading health: 1 of 1 target group");
    }
}
