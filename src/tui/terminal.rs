//! The terminal, taken and given back: on return, on panic and on signals, whatever happens in between.

use std::io;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use crossterm::cursor;
use crossterm::event;
use crossterm::execute;
use crossterm::terminal;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::process::Signal;
use rustix::process::getpgrp;
use rustix::process::getpid;
use rustix::process::getsid;
use rustix::process::kill_current_process_group;
use rustix::process::kill_process;

/// The terminal while it is ours; dropping it gives it back.
pub(super) struct Guard {
    /// Never dropped: its own end writes to stderr where the terminal is gone already, and would panic.
    pub(super) terminal: ManuallyDrop<Terminal<CrosstermBackend<io::Stdout>>>,
}

impl Guard {
    /// Takes the terminal. Where a crash happens, its report goes into `folder`.
    pub(super) fn take(folder: Option<PathBuf>) -> io::Result<Self> {
        on_panic(folder);
        let taken = enter().and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        match taken {
            Ok(terminal) => Ok(Self { terminal: ManuallyDrop::new(terminal) }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// A paste is told from keys as long as the terminal is ours: what is pasted must never be taken for keys.
fn enter() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    execute!(io::stdout(), terminal::EnterAlternateScreen, event::EnableBracketedPaste, cursor::Hide)
}

/// Gives the terminal back and stops until somebody continues us.
pub(super) fn stop() -> io::Result<()> {
    give_back();
    kill_process(getpid(), Signal::STOP)?;
    enter()
}

/// Takes the terminal anew: whoever had it meanwhile may have left it in any mode.
pub(super) fn retake() -> io::Result<()> {
    give_back();
    enter()
}

/// Whether a shell with job control started us: it gave us a process group of our own in its session, and would
/// continue us. Where there is none, nobody would.
pub(crate) fn job_control() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// Asks every process of our job to stop, as the terminal does on ctrl-z where it is not raw.
pub(super) fn suspend() {
    // A group that may not be signalled goes on, and so do we.
    _ = kill_current_process_group(Signal::TSTP);
}

/// Gives the terminal back. Nothing is left to do where even this fails: the terminal is gone.
fn give_back() {
    _ = execute!(io::stdout(), event::DisableBracketedPaste, terminal::LeaveAlternateScreen, cursor::Show);
    _ = terminal::disable_raw_mode();
    _ = io::stdout().flush();
}

/// On a panic: give the terminal back, so that the message can be read, and keep a report.
fn on_panic(folder: Option<PathBuf>) {
    let before = std::panic::take_hook();
    let owner = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        // Tasks panic on other threads; the loop outlives them and keeps the terminal.
        let ours = std::thread::current().id() == owner;
        if ours {
            give_back();
        }
        if let Some(folder) = &folder {
            let trace = std::backtrace::Backtrace::force_capture();
            let report = format!("tgscope {} panicked\n{panic}\n\n{trace}\n", env!("CARGO_PKG_VERSION"));
            _ = crate::files::replace(&folder.join("crash.txt"), &report);
        }
        if ours {
            before(panic);
        }
    }));
}
