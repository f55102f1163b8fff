//! The files a log was before it was turned over: how many there are, and where.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

/// Older files that are kept: `audit.jsonl.1` is the newest of them.
pub(super) const KEPT: u32 = 4;

/// `audit.jsonl.1` of `audit.jsonl`.
pub(super) fn older(path: &Path, suffix: impl std::fmt::Display) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{suffix}"));
    name.into()
}
