//! A line of the log as text: an object of JSON with a sum of itself, so that a line that was changed by accident is not
//! taken for what it says.

use sha2::Digest;
use sha2::Sha256;

use crate::domain::plan::log::Entry;
use crate::printable;

/// What stands before the sum, and behind it. The sum is of everything before.
const BEFORE: &[u8] = b",\"sum\":\"";
const AFTER: &[u8] = b"\"}";
/// Hexadecimal digits of a sum: the first of the SHA-256.
const DIGITS: usize = 16;

/// The line, with its end.
pub(super) fn encode(entry: &Entry) -> Result<String, serde_json::Error> {
    let mut text = printable::json(&serde_json::to_string(entry)?).into_owned();
    text.pop();
    let sum = sum(text.as_bytes());
    Ok(format!("{text},\"sum\":\"{sum}\"}}\n"))
}

/// What a line says, without its end; `None`: it was damaged, or is of a later version.
pub(super) fn decode(line: &[u8]) -> Option<Entry> {
    let at = line.len().checked_sub(BEFORE.len() + DIGITS + AFTER.len());
    let parts = at.and_then(|at| line.split_at_checked(at));
    let summed = parts.and_then(|(text, rest)| {
        let digits = rest.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
        Some((text, digits))
    });
    let entry: Entry = serde_json::from_slice(line).ok()?;
    match summed {
        Some((text, digits)) => (sum(text).as_bytes() == digits).then_some(entry),
        // A log of before has neither.
        None => entry.sentence.is_none().then_some(entry),
    }
}

fn sum(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    let first = digest.first_chunk().map_or(0, |it| u64::from_be_bytes(*it));
    format!("{first:016x}")
}
