//! The audit log: one line of JSON before and after each step that writes, appended and on disk before the next thing
//! happens. A log that cannot be written forbids the write.

mod backwards;
mod claim;
mod error;
mod file;
mod line;
mod older;
mod read;

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

pub(crate) use self::claim::Claim;
pub(crate) use self::error::LogError;
use self::file::FileLog;
use self::file::LIMIT;
use self::read::Reach;
use self::read::Seen;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::plan::Plan;
use crate::domain::plan::log::Backlog;
use crate::domain::plan::log::Entry;
use crate::domain::plan::log::Excerpt;
use crate::domain::plan::log::LastWritten;
use crate::domain::plan::log::LogStage;
use crate::domain::plan::log::Past;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::undo::Done;

/// Lines that are kept for a person to read, and how many bytes they may have in the log.
const SHOWN: usize = 1_000;
const SHOWN_BYTES: usize = 16 * 1024 * 1024;

/// Where lines go. Copies write to the same place.
#[derive(Clone)]
pub struct Log {
    to: Arc<Mutex<To>>,
}

enum To {
    File(FileLog),
    /// Lines somebody else prints; the last of them are kept for this session.
    Lines(Box<dyn FnMut(&str) -> io::Result<()> + Send>, VecDeque<Entry>),
}

/// What a log says was written last and not undone.
#[derive(Debug, Default)]
pub(crate) struct LastDone {
    pub(crate) done: Option<Done>,
    /// Lines that cannot be read are newer: something may have been written later.
    pub(crate) newer_lost: bool,
    /// What could not be read.
    pub(crate) notes: Vec<String>,
}

impl Log {
    /// A file that somebody named, made when the first line is written. Who may enter its folder is their business.
    pub fn file(path: PathBuf) -> Self {
        Self::at(FileLog::new(path, false, LIMIT))
    }

    /// `audit.jsonl` in a folder of the program's own.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self::at(FileLog::new(folder.join("audit.jsonl"), true, LIMIT))
    }

    fn at(file: FileLog) -> Self {
        Self { to: Arc::new(Mutex::new(To::File(file))) }
    }

    /// Lines handed to `print`, as they come; they last as long as the session.
    pub fn words(print: impl FnMut(&str) -> io::Result<()> + Send + 'static) -> Self {
        Self { to: Arc::new(Mutex::new(To::Lines(Box::new(print), VecDeque::new()))) }
    }

    /// A log that only lasts as long as the session: a demo's.
    pub fn forgotten() -> Self {
        Self::words(|_| Ok(()))
    }

    /// Appends a line, and returns once it is on disk.
    pub(crate) fn write(&self, entry: &Entry) -> Result<(), LogError> {
        let line = line::encode(entry)?;
        match &mut *self.to.lock().unwrap_or_else(PoisonError::into_inner) {
            To::File(file) => file.append(line.as_bytes()),
            To::Lines(print, kept) => {
                print(&line).map_err(LogError::Printed)?;
                if kept.len() >= SHOWN {
                    kept.pop_front();
                }
                kept.push_back(entry.clone());
                Ok(())
            }
        }
    }

    /// The last lines, oldest first, with the plans they hold.
    pub fn entries(&self) -> Result<Vec<Entry>, LogError> {
        Ok(self.last_lines(|it| it)?.entries)
    }

    /// The last lines for a person to read. Where the log cannot be read, it says so.
    pub(crate) fn excerpt(&self) -> Excerpt {
        let read = self.last_lines(|it| Entry { accepted: None, ..it });
        read.unwrap_or_else(|error| Excerpt { entries: Vec::new(), notes: vec![self.unread(&error)] })
    }

    fn last_lines(&self, keep: impl Fn(Entry) -> Entry) -> Result<Excerpt, LogError> {
        let mut entries = Vec::new();
        let (mut bytes, mut more) = (0, false);
        let mut notes = self.each(Reach::All, &mut |seen| {
            let Seen::Entry(entry, line) = seen else { return ControlFlow::Continue(()) };
            let held = entry.accepted.as_ref().map_or(0, |it| size_of(it));
            let entry = keep(*entry);
            bytes += if entry.accepted.is_some() { line.len() } else { line.len().saturating_sub(held) };
            more = entries.len() >= SHOWN || bytes > SHOWN_BYTES && !entries.is_empty();
            if more {
                return ControlFlow::Break(());
            }
            entries.push(entry);
            ControlFlow::Continue(())
        })?;
        entries.reverse();
        notes.extend(self.trouble());
        if more {
            notes.push(format!(
                "only the last {} lines are shown, all are in {}",
                entries.len(),
                self.place()
            ));
        }
        Ok(Excerpt { entries, notes })
    }

    /// What earlier sessions left: what no live session carries out any more, and what cannot be told.
    pub fn past(&self) -> Past {
        let mut backlog = Backlog::default();
        let read = self.each(Reach::Newest, &mut |seen| {
            if let Seen::Entry(entry, _) = seen {
                backlog.take(&entry);
            }
            ControlFlow::Continue(())
        });
        let mut notes = read.unwrap_or_else(|error| vec![self.unread(&error)]);
        for (plan, begun) in backlog.lost() {
            notes.push(format!(
                "plan {plan}, begun at {begun}, is unfinished, but its lines in the log are damaged: check its board"
            ));
        }
        let mut unfinished = backlog.unfinished();
        unfinished.retain(|it| match self.is_running(&it.plan.id) {
            Ok(running) => {
                if running {
                    notes.push(format!("running in another session: {}", it.plan.effect));
                }
                !running
            }
            Err(error) => {
                notes.push(error.to_string());
                true
            }
        });
        if let Some(path) = self.path() {
            claim::sweep(&path);
        }
        Past { unfinished, detached: backlog.detached(), notes }
    }

    /// The plan of this name, or the last one that wrote something and was not undone.
    pub(crate) fn last_done(&self, wanted: Option<&str>) -> Result<LastDone, LogError> {
        let mut last = LastWritten::new(wanted);
        let mut newer_lost = false;
        let notes = self.each(Reach::All, &mut |seen| match seen {
            Seen::Entry(entry, _) => last.take(&entry),
            Seen::Unreadable => {
                newer_lost |= !last.is_found();
                ControlFlow::Continue(())
            }
        })?;
        Ok(LastDone { done: last.done(), newer_lost, notes })
    }

    /// How many steps of a plan are left to be resumed; 0: it is over, or nothing tells of it.
    pub(crate) fn left_of(&self, plan: &PlanId) -> Result<usize, LogError> {
        let mut backlog = Backlog::default();
        self.each(Reach::Newest, &mut |seen| {
            match seen {
                Seen::Entry(entry, _) if entry.plan == *plan => backlog.take(&entry),
                _ => {}
            }
            ControlFlow::Continue(())
        })?;
        let open = backlog.unfinished().into_iter().next();
        Ok(open.and_then(|it| it.rest()).map_or(0, |it| it.steps.len()))
    }

    /// Takes a plan for this session; no other carries it out while the claim lives.
    pub fn claim(&self, plan: &PlanId) -> Result<Claim, LogError> {
        self.path().map_or_else(|| Ok(Claim::of_nobody()), |path| Claim::new(&path, plan))
    }

    /// Whether a live session carries a plan out.
    pub(crate) fn is_running(&self, plan: &PlanId) -> Result<bool, LogError> {
        self.path().map_or(Ok(false), |path| claim::is_running(&path, plan))
    }

    /// Notes that a plan another session began is not to be gone on with. `time` as in every line.
    pub(crate) fn forget(&self, open: &Unfinished, time: String) -> Result<(), LogError> {
        let _claim = self.claim(&open.plan.id)?;
        let entry = Entry::new(&open.plan, open.next, LogStage::Cancelled, time);
        let after = Some("discarded by the user".to_owned());
        entry.map_or(Ok(()), |it| self.write(&Entry { after, ..it }))
    }

    /// Where it is, for words.
    pub(crate) fn place(&self) -> String {
        self.path().map_or_else(|| "this session's audit log".to_owned(), |it| it.display().to_string())
    }

    fn path(&self) -> Option<PathBuf> {
        match &*self.to.lock().unwrap_or_else(PoisonError::into_inner) {
            To::File(file) => Some(file.path().to_owned()),
            To::Lines(..) => None,
        }
    }

    fn trouble(&self) -> Option<String> {
        match &*self.to.lock().unwrap_or_else(PoisonError::into_inner) {
            To::File(file) => file.trouble(),
            To::Lines(..) => None,
        }
    }

    fn unread(&self, error: &LogError) -> String {
        format!("the audit log {} cannot be read: {error}", self.place())
    }

    /// The lines, newest first, until `visit` has enough. Gives what could not be read, in words.
    fn each(
        &self,
        reach: Reach,
        visit: &mut dyn FnMut(Seen<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<String>, LogError> {
        if let Some(path) = self.path() {
            return read::log(&path, reach, visit);
        }
        let kept = match &*self.to.lock().unwrap_or_else(PoisonError::into_inner) {
            To::Lines(_, kept) => kept.clone(),
            To::File(_) => VecDeque::new(),
        };
        for entry in kept.into_iter().rev() {
            if visit(Seen::Entry(Box::new(entry), &[])).is_break() {
                break;
            }
        }
        Ok(Vec::new())
    }
}

/// The bytes a plan takes in a line.
pub(crate) fn size_of(plan: &Plan) -> usize {
    serde_json::to_string(plan).map_or(usize::MAX, |it| it.len())
}

#[cfg(test)]
mod tests;
