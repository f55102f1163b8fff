//! Who carries a plan out: a lock on a small file beside the log, which the system takes back when its process ends,
//! however it ends. What the file holds, and that it is there, mean nothing.

use std::ffi::OsString;
use std::fs::File;
use std::fs::TryLockError;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use super::error::LogError;
use crate::domain::facts::plan_id::PlanId;
use crate::files;
use crate::files::Access;
use crate::files::cannot;

/// Whoever only looks holds a lock for a moment: so often it is tried again, after so long.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(30);
const GLANCE: Duration = Duration::from_millis(3);
/// The longest name of a plan that is taken as it is.
const NAME: usize = 120;

/// A plan is this session's as long as this lives.
#[derive(Debug)]
pub struct Claim {
    held: Option<(File, PathBuf)>,
}

impl Claim {
    /// Of a log that no other session has.
    pub(super) fn of_nobody() -> Self {
        Self { held: None }
    }

    pub(super) fn new(log: &Path, plan: &PlanId) -> Result<Self, LogError> {
        let folder = folder(log);
        files::own_folder(&folder)?;
        let path = folder.join(name(plan));
        for _ in 0..TRIES {
            let file = files::open(&path, Access::Append)?;
            match file.try_lock() {
                // Else somebody gave it up, and took the file away, between the two.
                Ok(()) if files::is_at(&file, &path) => return Ok(Self { held: Some((file, path)) }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(cannot("lock", &path)(error).into()),
            }
        }
        Err(LogError::Running(plan.clone()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((file, path)) = self.held.take() {
            give_up(&file, &path);
        }
    }
}

/// Whether a live session carries a plan out.
pub(super) fn is_running(log: &Path, plan: &PlanId) -> Result<bool, LogError> {
    let path = folder(log).join(name(plan));
    match files::open(&path, Access::Read) {
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error.into()),
        Ok(file) => {
            // Whoever sweeps holds it for a moment.
            for _ in 0..TRIES {
                match file.try_lock_shared() {
                    Ok(()) => return Ok(false),
                    Err(TryLockError::WouldBlock) => std::thread::sleep(GLANCE),
                    Err(TryLockError::Error(error)) => return Err(cannot("lock", &path)(error).into()),
                }
            }
            Ok(true)
        }
    }
}

/// Takes away what sessions left behind that did not end by themselves.
pub(super) fn sweep(log: &Path) {
    for entry in std::fs::read_dir(folder(log)).into_iter().flatten().flatten() {
        let path = entry.path();
        if let Ok(file) = files::open(&path, Access::Read)
            && file.try_lock().is_ok()
        {
            give_up(&file, &path);
        }
    }
}

/// The file goes while it is locked, so that nobody has locked what is no longer there.
fn give_up(file: &File, path: &Path) {
    if files::is_at(file, path) {
        _ = std::fs::remove_file(path);
    }
}

fn folder(log: &Path) -> PathBuf {
    let mut name = OsString::from(log);
    name.push(".running");
    name.into()
}

/// A plan's name as that of a file: what came from a damaged log leads nowhere else.
fn name(plan: &PlanId) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    plan.as_str().chars().take(NAME).map(safe).chain(".lock".chars()).collect()
}
