//! From the command line to what it asks for, and how that ended.

mod demo;
pub mod doctor;
mod get;
pub mod hands;
mod screen;
mod setup;

use std::io::IsTerminal;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::cli::Cli;
use crate::cli::Command;
use crate::cli::Get;

use self::hands::Wanted;

/// How a command ended; scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// Findings, where they were asked for.
    Findings,
    /// An error, or read only in part.
    Error,
    /// Nobody accepted the plan, or it may not or can not be carried out.
    Refused,
    TimedOut,
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::Error => Self::from(2),
            Exit::Refused => Self::from(3),
            Exit::TimedOut => Self::from(4),
            Exit::Interrupted => Self::from(130),
        }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match &cli.command {
        Some(Command::Get(get)) => get::run(&cli, get),
        Some(Command::Demo(demo)) => demo::run(&cli, demo),
        Some(Command::Doctor(doctor)) => doctor::run(&cli, doctor),
        Some(command) => match Wanted::of(command) {
            Some(wanted) => hands::run(&cli, wanted),
            None => Err(anyhow::anyhow!("this command does nothing")),
        },
        None if on_terminal() => screen::run(&cli),
        None => get::run(&cli, &Get { scope: cli.scope.clone(), ..Get::default() }),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(&format!("tgscope: {error:#}"));
            Exit::Error.into()
        }
    }
}

/// Whether somebody sits there to look and to type.
fn on_terminal() -> bool {
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// Writes data to stdout. A reader that left (`| head`) is no error; a full disk is.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Writes words to stderr.
fn complain(text: &str) {
    _ = writeln!(std::io::stderr(), "{text}");
}
