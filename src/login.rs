//! Runs a person's login command: away from the terminal, one answer of bounded size, ended when it takes too long.

use std::borrow::Cow;
use std::io;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;

use crate::limits;

/// The first argument that makes the program run a login command and do nothing else.
const ARGUMENT: &str = "__login";

/// How long a login command may take: a person may have to touch a key or answer a window.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Characters of what a login command complains of that are shown.
const SHOWN: usize = 300;

/// Bytes of it that are kept: its last line is shown.
const END: usize = 8_192;

/// What a run that did not come to the command's own end exits with, as `timeout` and the shell have it.
pub(crate) const ENDLESS: i32 = 124;
pub(crate) const TOO_MUCH: i32 = 125;
const NOT_STARTED: i32 = 126;
pub(crate) const NOT_FOUND: i32 = 127;

/// A command and what makes it run in a session of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runner {
    /// This program. `None`: commands run in a process group of their own, but in this session.
    program: Option<PathBuf>,
}

/// How a login command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It printed this.
    Well(String),
    NotFound,
    NotStarted(String),
    Endless,
    /// It printed more than is taken.
    TooMuch,
    /// Its exit code, and the last line it said.
    Badly(i32, String),
}

impl Runner {
    /// Runs login commands by this program itself, which alone can give them a session of their own.
    pub(crate) fn own() -> Self {
        Self { program: std::env::current_exe().ok() }
    }

    /// The words of a command line that runs a command in a session of its own and ends it at the limit. `None`: as it is.
    pub(crate) fn words(&self, limit: Duration) -> Option<[String; 3]> {
        let program = self.program.as_ref()?.to_str()?.to_owned();
        Some([program, ARGUMENT.to_owned(), limit.as_secs().max(1).to_string()])
    }

    /// Runs a line of a shell to its end. Blocks.
    pub(crate) fn shell(&self, line: &str, limit: Duration) -> Ended {
        match self.words(limit) {
            Some([program, argument, seconds]) => {
                let mut command = Command::new(program);
                command.args([&argument, &seconds, "sh", "-c", line]);
                // It keeps the limit itself; this one is for when it cannot.
                ended(&mut command, limit + Duration::from_secs(1))
            }
            None => ended(Command::new("sh").args(["-c", line]).process_group(0), limit),
        }
    }
}

/// What a runner leaves for whoever called it: an exit code, and what is to be printed of what was not printed already.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) printed: String,
    /// The last line it complained of, where it failed.
    pub(crate) complained: String,
}

/// What the program does as a runner: its own session, the command, its end. `None`: these are no arguments of a runner.
pub(crate) fn as_runner(mut args: impl Iterator<Item = std::ffi::OsString>) -> Option<Ran> {
    args.next().filter(|it| it == ARGUMENT)?;
    let limit = args.next()?.to_str()?.parse().map(Duration::from_secs).ok()?;
    let command = args.next()?;
    // It fails where this is the first of a session, and that is as good.
    _ = rustix::process::setsid();
    let mut command = Command::new(command);
    command.args(args).stdin(Stdio::null()).process_group(0);
    // What logs in to Kubernetes is told so.
    let is_of_kubernetes = std::env::var_os("KUBERNETES_EXEC_INFO").is_some();
    if is_of_kubernetes {
        // The client library would keep whatever it says, however much it is.
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let ended = |code| Some(Ran { code, ..Ran::default() });
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return ended(NOT_FOUND),
        Err(_) => return ended(NOT_STARTED),
    };
    let (printed, errors) = (child.stdout.take().map(text), child.stderr.take().map(end));
    let Some(status) = within(child, limit) else { return ended(ENDLESS) };
    let (printed, code) = (said(printed), code(status));
    let complained = if code == 0 { String::new() } else { last_line(&said(errors).0) };
    match printed.is_whole() {
        true => Some(Ran { code, printed: without_far_end(&printed.0).into_owned(), complained }),
        false => ended(TOO_MUCH),
    }
}

/// What a pipe gave. Something the command left behind may hold it open.
fn said(from: Option<mpsc::Receiver<Said>>) -> Said {
    from.and_then(|it| it.recv_timeout(Duration::from_secs(1)).ok()).unwrap_or_default()
}

/// The last line that says something, short and without what steers a terminal.
pub(crate) fn last_line(text: &str) -> String {
    let last = text.lines().rev().map(str::trim).find(|it| !it.is_empty()).unwrap_or_default();
    last.chars().filter(|it| !it.is_control()).take(SHOWN).collect()
}

/// Credentials for Kubernetes that are to hold for ever say so by the last year there is, which the client library cannot
/// read; without an end they hold as long.
fn without_far_end(printed: &str) -> Cow<'_, str> {
    let read = || -> Option<String> {
        let mut credential: serde_json::Value = serde_json::from_str(printed).ok()?;
        let status = credential.get_mut("status")?.as_object_mut()?;
        let is_far = status.get("expirationTimestamp")?.as_str()?.starts_with("9999-");
        is_far.then(|| status.remove("expirationTimestamp"))?;
        Some(credential.to_string())
    };
    read().map_or(Cow::Borrowed(printed), Cow::Owned)
}

/// Runs a command, at most as long as the limit, and takes what it says.
fn ended(command: &mut Command, limit: Duration) -> Ended {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ended::NotFound,
        Err(error) => return Ended::NotStarted(error.to_string()),
    };
    let (printed, errors) = (child.stdout.take().map(text), child.stderr.take().map(end));
    let Some(status) = within(child, limit) else { return Ended::Endless };
    match code(status) {
        0 => {
            let printed = said(printed);
            if printed.is_whole() { Ended::Well(printed.0) } else { Ended::TooMuch }
        }
        ENDLESS => Ended::Endless,
        NOT_FOUND => Ended::NotFound,
        code => Ended::Badly(code, last_line(&said(errors).0)),
    }
}

/// Waits for the first of a process group; at the limit, all of it is killed. `None`: it was.
fn within(mut child: Child, limit: Duration) -> Option<ExitStatus> {
    let group = Pid::from_child(&child);
    let (done, waits) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let is_over = waits.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        if is_over {
            _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        is_over
    });
    let status = child.wait();
    drop(done);
    let was_ended = guard.join().unwrap_or_default();
    status.ok().filter(|_| !was_ended)
}

/// As a shell tells it: a signal is 128 and its number.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// What a pipe gave, up to one byte more than the limit.
#[derive(Default)]
struct Said(String);

impl Said {
    fn is_whole(&self) -> bool {
        self.0.len() <= limits::LOGIN.bytes
    }
}

/// What a pipe gives until it is closed; what is beyond the limit is read and dropped, so that nobody waits for it to be
/// read.
fn text(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Said> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        _ = from.by_ref().take(limits::LOGIN.bytes as u64 + 1).read_to_end(&mut bytes);
        _ = io::copy(&mut from, &mut io::sink());
        // Nobody may be waiting any more.
        _ = tell.send(Said(String::from_utf8_lossy(&bytes).into_owned()));
    });
    told
}

/// The end of what a pipe gives.
fn end(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Said> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 8_192]);
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            bytes.extend_from_slice(chunk.get(..n).unwrap_or_default());
            let beyond = bytes.len().saturating_sub(END);
            bytes.drain(..beyond);
        }
        // Nobody may be waiting any more.
        _ = tell.send(Said(String::from_utf8_lossy(&bytes).into_owned()));
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str, seconds: u64) -> Ended {
        Runner::default().shell(line, Duration::from_secs(seconds))
    }

    #[test]
    fn how_a_command_ended_is_told_apart() {
        assert_eq!(run("echo yes; echo aside >&2", 20), Ended::Well("yes\n".to_owned()));
        assert_eq!(run("no-such-command-here", 20), Ended::NotFound);
        let badly = run("echo first >&2; echo the last line >&2; echo >&2; exit 3", 20);
        assert_eq!(badly, Ended::Badly(3, "the last line".to_owned()));
        assert_eq!(run("kill -TERM $$", 20), Ended::Badly(143, String::new()));
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let line = format!("sleep 600 & echo $! > {}; wait", pid.display());
        assert_eq!(run(&line, 1), Ended::Endless);
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        let alive = || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        while alive() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_a_command_complains_of_is_a_short_line_that_moves_no_cursor() {
        let Ended::Badly(1, said) = run("printf '\\033[2J%0500d' 7 >&2; exit 1", 20) else {
            panic!("it fails")
        };
        assert_eq!((said.chars().count(), said.starts_with("[2J000")), (300, true), "{said:?}");
    }

    #[test]
    fn an_answer_that_is_too_long_is_told_and_holds_nobody_up() {
        let Ended::Well(printed) = run("yes | head -c 1048576", 20) else { panic!("it ends well") };
        assert_eq!(printed.len(), 1 << 20);
        assert_eq!(run("yes | head -c 1048577", 20), Ended::TooMuch);
        assert_eq!(run("yes | head -c 30000000", 20), Ended::TooMuch);
        // What it complains of has no part in the answer.
        assert_eq!(run("yes | head -c 3000000 >&2", 20), Ended::Well(String::new()));
    }
}
