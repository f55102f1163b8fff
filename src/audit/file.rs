//! The audit log as a file: each line whole or not there, on disk before it counts as written, whoever else writes;
//! turned over at a stated size without losing what is unfinished.

use std::collections::BTreeSet;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use super::backwards::LONGEST;
use super::error::LogError;
use super::older::KEPT;
use super::older::older;
use super::read;
use super::read::Seen;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::plan::log::Backlog;
use crate::files;
use crate::files::Access;
use crate::files::cannot;
use crate::limits;

/// Bytes after which a log is turned over.
pub(super) const LIMIT: u64 = limits::AUDIT_LOG.bytes as u64;
/// A line is written in less; whoever has a log locked for longer hangs.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

pub(super) struct FileLog {
    path: PathBuf,
    /// Its folder is the program's own.
    own: bool,
    limit: u64,
    open: Option<File>,
    /// It was not turned over at this size; why.
    kept: Option<(u64, LogError)>,
}

impl FileLog {
    pub(super) fn new(path: PathBuf, own: bool, limit: u64) -> Self {
        Self { path, own, limit, open: None, kept: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Why it grows beyond its size.
    pub(super) fn trouble(&self) -> Option<String> {
        self.kept.as_ref().map(|it| format!("{} could not be rotated: {}", self.path.display(), it.1))
    }

    /// Appends a line, which ends with its end, and returns once it is on disk.
    pub(super) fn append(&mut self, line: &[u8]) -> Result<(), LogError> {
        if line.len() > LONGEST {
            return Err(LogError::TooLong { bytes: line.len(), most: LONGEST });
        }
        let mut file = self.locked()?;
        let path = self.path.clone();
        let mut size = file.metadata().map_err(cannot("look at", &path))?.len();
        // A size at which it could not be turned over is passed by a quarter before that is tried again.
        let limit = self.kept.as_ref().map_or(self.limit, |it| it.0 + self.limit / 4);
        if size > 0 && size + line.len() as u64 > limit {
            match turn_over(&path, &file, self.limit) {
                Ok(new) => {
                    self.kept = None;
                    file = new;
                    size = file.metadata().map_err(cannot("look at", &path))?.len();
                }
                // The line matters more.
                Err(why) => self.kept = Some((size, why)),
            }
        }
        let written = append_whole(&mut file, size, line);
        // Dropped where that fails: the lock goes with it.
        let unlocked = file.unlock();
        self.open = (written.is_ok() && unlocked.is_ok()).then_some(file);
        written.map_err(|error| cannot("write", &path)(error).into())
    }

    /// The file at the path, open and locked for writing.
    fn locked(&mut self) -> Result<File, LogError> {
        let path = self.path.clone();
        let mut waited = Duration::ZERO;
        loop {
            // One that was turned over meanwhile is not the log any more.
            let open = self.open.take().filter(|it| files::is_at(it, &path));
            let file = match open {
                Some(file) => file,
                None => self.opened()?,
            };
            match file.try_lock() {
                Ok(()) if files::is_at(&file, &path) => return Ok(file),
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(cannot("lock", &path)(error).into()),
                Err(TryLockError::WouldBlock) if waited < PATIENCE => {
                    self.open = Some(file);
                    waited += PAUSE;
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(LogError::Locked { path, seconds: PATIENCE.as_secs() });
                }
            }
        }
    }

    fn opened(&self) -> Result<File, LogError> {
        let folder = folder_of(&self.path);
        match self.own {
            true => files::own_folder(folder)?,
            false => files::make_folder(folder)?,
        }
        let there = self.path.symlink_metadata().is_ok();
        let file = files::open(&self.path, Access::Append)?;
        if !there {
            keep_names(folder)?;
        }
        Ok(file)
    }
}

/// What a line is written to; a file, but for tests.
pub(super) trait Disk: Write {
    fn last_byte(&self, size: u64) -> io::Result<u8>;
    fn sync(&self) -> io::Result<()>;
    fn cut(&self, size: u64) -> io::Result<()>;
}

impl Disk for File {
    fn last_byte(&self, size: u64) -> io::Result<u8> {
        let mut last = [0];
        self.read_exact_at(&mut last, size - 1)?;
        Ok(last[0])
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.set_len(size)?;
        self.sync_data()
    }
}

/// Appends a line to a file of this size: all of it, or nothing. What was torn before it (by a power cut, or a process
/// that was ended) is ended as a line of its own, so that it costs only itself.
pub(super) fn append_whole(file: &mut impl Disk, size: u64, line: &[u8]) -> io::Result<()> {
    let torn = size > 0 && file.last_byte(size)? != b'\n';
    let ended = if torn { [b"\n", line].concat() } else { line.to_vec() };
    let written = file.write_all(&ended).and_then(|()| file.sync());
    if written.is_err() {
        // What was not written must not be read. Where even that fails, the next line ends it.
        _ = file.cut(size);
    }
    written
}

/// Starts a new file with the lines of what is unfinished, and keeps the old one as `.1`. At each moment one of the two
/// is at the path. Gives the new one, locked.
fn turn_over(path: &Path, old: &File, limit: u64) -> Result<File, LogError> {
    let size = old.metadata().map_err(cannot("look at", path))?.len();
    let carried = carried(path, (old, size), limit / 2)?;
    let fresh = older(path, "new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(cannot("remove", &fresh)(error).into());
        }
        _ => {}
    }
    let mut file = files::open(&fresh, Access::New)?;
    file.try_lock().map_err(|it| cannot("lock", &fresh)(it.into()))?;
    file.write_all(&carried).and_then(|()| file.sync_all()).map_err(cannot("write", &fresh))?;
    let first = older(path, 1);
    // Else a process ended right here the last time.
    if !files::is_at(old, &first) {
        for n in (1..KEPT).rev() {
            let (from, to) = (older(path, n), older(path, n + 1));
            match std::fs::rename(&from, &to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(cannot("rename", &from)(error).into());
                }
                _ => {}
            }
        }
        std::fs::hard_link(path, &first).map_err(cannot("make", &first))?;
    }
    std::fs::rename(&fresh, path).map_err(cannot("rename", &fresh))?;
    keep_names(folder_of(path))?;
    Ok(file)
}

/// The lines that must not go with an old file, as they are.
fn carried(path: &Path, file: (&File, u64), most: u64) -> Result<Vec<u8>, LogError> {
    let mut backlog = Backlog::default();
    read::lines(path, file, &mut |seen| {
        if let Seen::Entry(entry, _) = seen {
            backlog.take(&entry);
        }
        ControlFlow::Continue(())
    })?;
    let all = lines_of(path, file, &backlog.open().union(&backlog.holding()).cloned().collect())?;
    if all.len() as u64 <= most {
        return Ok(all);
    }
    // Which pod was taken out long ago is worth less than what may still be gone on with.
    let open = lines_of(path, file, &backlog.open())?;
    match open.len() as u64 <= most {
        true => Ok(open),
        false => Err(LogError::Full { path: path.to_owned(), bytes: open.len() }),
    }
}

fn lines_of(path: &Path, file: (&File, u64), plans: &BTreeSet<PlanId>) -> Result<Vec<u8>, LogError> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    read::lines(path, file, &mut |seen| {
        if let Seen::Entry(entry, line) = seen
            && plans.contains(&entry.plan)
        {
            lines.push([line, b"\n"].concat());
        }
        ControlFlow::Continue(())
    })?;
    lines.reverse();
    Ok(lines.concat())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The names in a folder are on disk.
fn keep_names(folder: &Path) -> Result<(), LogError> {
    let synced = File::open(folder).and_then(|it| it.sync_all());
    Ok(synced.map_err(cannot("write", folder))?)
}
