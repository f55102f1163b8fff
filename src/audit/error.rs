//! Why the audit log is not written or read.

use std::io;
use std::path::PathBuf;

use crate::domain::facts::plan_id::PlanId;
use crate::files::FileError;

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{0}")]
    File(#[from] FileError),
    #[error(
        "a line of {bytes} bytes is longer than the {most} that a line may have: change fewer targets at once"
    )]
    TooLong { bytes: usize, most: usize },
    #[error("another process has kept {} locked for {seconds} s: end it, or name another log with --audit-log", .path.display())]
    Locked { path: PathBuf, seconds: u64 },
    #[error("plan {0} is running in another session")]
    Running(PlanId),
    /// The plan could not be claimed; why.
    #[error("{0}")]
    Unclaimed(String),
    #[error("{0}")]
    Line(#[from] serde_json::Error),
    #[error("{0}")]
    Printed(io::Error),
    /// What has to be kept does not leave room for more.
    #[error("unfinished changes alone take {bytes} bytes of {}", .path.display())]
    Full { path: PathBuf, bytes: usize },
}
