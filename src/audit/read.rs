//! Reads the log: from its end, across the files it was turned over into, past what cannot be read, which is counted.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::fs::TryLockError;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use super::backwards::Backwards;
use super::error::LogError;
use super::line;
use super::older::KEPT;
use super::older::older;
use crate::domain::plan::log::Entry;
use crate::files;
use crate::files::Access;
use crate::files::cannot;

/// So often, and after so long, it is tried again to read while nobody writes.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// What stands in a line.
pub(super) enum Seen<'a> {
    /// With the line it was read from.
    Entry(Box<Entry>, &'a [u8]),
    Unreadable,
}

/// Lines of one file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    path: PathBuf,
    lines: u64,
    /// Where the first of them begins, in bytes from the start of the file.
    first: u64,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, lines, first } = self;
        match lines {
            1 => write!(f, "1 line of {} cannot be read (at byte {first})", path.display()),
            n => write!(f, "{n} lines of {} cannot be read (the first at byte {first})", path.display()),
        }
    }
}

type Visit<'a> = dyn FnMut(Seen<'_>) -> ControlFlow<()> + 'a;

/// The lines of the first `length` bytes of an open file, newest first, until `visit` has enough. Gives what could not
/// be read of those.
pub(super) fn lines(
    path: &Path,
    (file, length): (&File, u64),
    visit: &mut Visit<'_>,
) -> Result<Option<Unreadable>, LogError> {
    let mut backwards = Backwards::new(file, length);
    let mut unreadable: Option<Unreadable> = None;
    while let Some(line) = backwards.next().map_err(cannot("read", path))? {
        let bytes = line.bytes.unwrap_or_default();
        let seen = match line::decode(&bytes) {
            Some(entry) => Seen::Entry(Box::new(entry), &bytes),
            None => {
                let found =
                    unreadable.get_or_insert(Unreadable { path: path.to_owned(), lines: 0, first: 0 });
                found.lines += 1;
                found.first = line.at;
                Seen::Unreadable
            }
        };
        if visit(seen).is_break() {
            break;
        }
    }
    Ok(unreadable)
}

/// Which files of a log are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The one that is written; everything unfinished stands there.
    Newest,
    /// And those it was before.
    All,
}

/// The lines of a log, newest first, until `visit` has enough; those that were carried over come once. A log that is not
/// there has none.
///
/// Gives in words what could not be read; an older file that cannot be opened hides nothing of the newest.
pub(super) fn log(path: &Path, reach: Reach, visit: &mut Visit<'_>) -> Result<Vec<String>, LogError> {
    let mut notes = Vec::new();
    let mut files_read = BTreeSet::new();
    // Of the newer files.
    let mut known: BTreeSet<u64> = BTreeSet::new();
    let mut enough = false;
    let last = if reach == Reach::All { KEPT } else { 0 };
    for n in 0..=last {
        let place = if n == 0 { path.to_owned() } else { older(path, n) };
        let file = match files::open(&place, Access::Read) {
            Err(error) if error.is_missing() => continue,
            Err(error) if n > 0 => {
                notes.push(error.to_string());
                continue;
            }
            other => other?,
        };
        // It was turned over between the two looks.
        if !files_read.insert(identity(&file)) {
            continue;
        }
        let length = whole(&file).map_err(cannot("look at", &place))?;
        let mut here = Vec::new();
        let unreadable = lines(&place, (&file, length), &mut |seen| {
            if let Seen::Entry(_, line) = &seen
                && reach == Reach::All
            {
                let mut hasher = DefaultHasher::new();
                line.hash(&mut hasher);
                let hash = hasher.finish();
                here.push(hash);
                if known.contains(&hash) {
                    return ControlFlow::Continue(());
                }
            }
            let flow = visit(seen);
            enough = flow.is_break();
            flow
        })?;
        notes.extend(unreadable.map(|it| it.to_string()));
        if enough {
            break;
        }
        known.extend(here);
    }
    Ok(notes)
}

/// The length of a file while nobody writes: a line that is being written is no torn one. Where it cannot be locked, it may
/// look like one.
fn whole(file: &File) -> io::Result<u64> {
    for _ in 0..TRIES {
        match file.try_lock_shared() {
            Ok(()) => {
                let length = file.metadata();
                _ = file.unlock();
                return Ok(length?.len());
            }
            Err(TryLockError::Error(_)) => break,
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
    Ok(file.metadata()?.len())
}

/// Which file it is, whatever its name.
fn identity(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|it| (it.dev(), it.ino()))
}
