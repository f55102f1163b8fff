//! The audit log: one line of JSON before and after each step that writes, appended and on disk before the next thing
//! happens. A log that cannot be written forbids the write.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::domain::plan::log::Entry;
use crate::domain::plan::log::Unfinished;

/// Where lines go. Copies write to the same place.
#[derive(Clone)]
pub struct Log {
    to: Arc<Mutex<To>>,
}

enum To {
    File(PathBuf, Option<File>),
    /// Lines somebody else prints, kept for this session.
    Lines(Box<dyn FnMut(&str) -> io::Result<()> + Send>, Vec<Entry>),
}

impl Log {
    /// A file that is made when the first line is written, for its owner alone.
    pub fn file(path: PathBuf) -> Self {
        Self { to: Arc::new(Mutex::new(To::File(path, None))) }
    }

    /// Lines handed to `print`, as they come; they last as long as the session.
    pub fn words(print: impl FnMut(&str) -> io::Result<()> + Send + 'static) -> Self {
        Self { to: Arc::new(Mutex::new(To::Lines(Box::new(print), Vec::new()))) }
    }

    /// A log that only lasts as long as the session: a demo's.
    pub fn forgotten() -> Self {
        Self::words(|_| Ok(()))
    }

    /// Appends a line, and returns once it is on disk.
    pub fn write(&self, entry: &Entry) -> io::Result<()> {
        let line = serde_json::to_string(entry)? + "\n";
        match &mut *self.to.lock().unwrap_or_else(PoisonError::into_inner) {
            To::Lines(print, kept) => {
                print(&line)?;
                kept.push(entry.clone());
                Ok(())
            }
            To::File(path, open) => {
                let file = match open {
                    Some(file) => file,
                    None => open.insert(append(path)?),
                };
                file.write_all(line.as_bytes())?;
                file.sync_data()
            }
        }
    }

    /// The lines so far, oldest first. One that cannot be understood (of another version) is passed over.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        match &*self.to.lock().unwrap_or_else(PoisonError::into_inner) {
            To::Lines(_, kept) => Ok(kept.clone()),
            To::File(path, _) => {
                let mut text = String::new();
                match File::open(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                    Err(error) => return Err(error),
                    Ok(mut file) => file.read_to_string(&mut text)?,
                };
                Ok(text.lines().filter_map(|it| serde_json::from_str(it).ok()).collect())
            }
        }
    }

    /// Notes that a plan another session began is not to be gone on with.
    pub fn forget(&self, open: &Unfinished) -> io::Result<()> {
        let entries = self.entries()?;
        let last = entries.iter().rev().find(|it| it.plan == open.plan.id.clone());
        match last {
            None => Ok(()),
            Some(last) => {
                self.write(&Entry { stage: "cancelled".to_owned(), accepted: None, ..last.clone() })
            }
        }
    }

    /// Where it is, for words.
    pub fn place(&self) -> String {
        match &*self.to.lock().unwrap_or_else(PoisonError::into_inner) {
            To::File(path, _) => path.display().to_string(),
            To::Lines(..) => "this session's audit log".to_owned(),
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // What it says names clusters, accounts and pods.
    let mut file = OpenOptions::new().read(true).create(true).append(true).mode(0o600).open(path)?;
    // A line that was cut off (a full disk, a power cut) must not take the next one with it.
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
    }
    if last != [b'\n'] {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::domain::facts::ids::TargetGroupArn;
    use crate::domain::judgement::row::Subject;
    use crate::domain::plan::act::Act;
    use crate::domain::plan::act::ChangeKind;

    fn entry(stage: &str) -> Entry {
        let group: TargetGroupArn =
            "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/1".parse().unwrap();
        Entry {
            time: "2026-01-15T09:00:00Z".to_owned(),
            plan: "1-deregister".into(),
            change: ChangeKind::Deregister,
            undoes: None,
            subject: Subject::Group(group.clone()),
            step: 1,
            of: 1,
            stage: stage.to_owned(),
            context: None,
            account: Some("1".to_owned()),
            region: None,
            kubernetes_user: None,
            aws_identity: None,
            call: "DeregisterTargets".to_owned(),
            request: Act::Deregister { group, role: None, targets: Vec::new() },
            before: None,
            after: None,
            duration_ms: None,
            accepted: None,
        }
    }

    #[test]
    fn lines_are_appended_for_their_owner_alone_and_read_back() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/audit.jsonl");
        Log::file(path.clone()).write(&entry("begin")).unwrap();
        let log = Log::file(path.clone());
        log.write(&entry("done")).unwrap();
        assert_eq!(log.entries().unwrap(), [entry("begin"), entry("done")]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "a line that was cut o").unwrap();
        Log::file(path.clone()).write(&entry("begin")).unwrap();
        assert_eq!(log.entries().unwrap(), [entry("begin")]);
    }

    #[test]
    fn a_log_that_cannot_be_written_says_so() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("file"), "").unwrap();
        assert!(Log::file(home.path().join("file/audit.jsonl")).write(&entry("begin")).is_err());
        let full = Log::words(|_| Err(io::Error::other("full")));
        assert!(full.write(&entry("begin")).is_err());
        assert_eq!(full.entries().unwrap(), []);
    }
}
