//! From the command line to what it asks for, and how that ended.

pub mod changes;
mod demo;
pub mod doctor;
mod exit;
mod get;
mod one_row;
mod path;
mod probe;
mod reading;
mod routes;
mod screen;
mod setup;
mod terminal;

use std::io;
use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::Parser;

use self::changes::Wanted;
pub(crate) use self::exit::Exit;
use self::terminal::complain;
use self::terminal::on_terminal;
use self::terminal::print;
use crate::cli::Cli;
use crate::cli::Command;
use crate::cli::Get;
use crate::login;

/// Runs the program.
pub fn main() -> ExitCode {
    if let Some(ran) = login::as_runner(std::env::args_os().skip(1)) {
        // What it says is for the client library alone, and has to arrive as it was said.
        let printed = io::stdout().write_all(ran.printed.as_bytes());
        if printed.and_then(|()| io::stderr().write_all(ran.complained.as_bytes())).is_err() {
            return Exit::Error.into();
        }
        return ExitCode::from(u8::try_from(ran.code).unwrap_or(1));
    }
    let cli = Cli::parse();
    let ended = match &cli.command {
        Some(Command::Get(get)) => get::run(&cli, get),
        Some(Command::Demo(demo)) => demo::run(&cli, demo),
        Some(Command::Routes(it)) => routes::run(&cli, it),
        Some(Command::Probe(it)) => probe::run(&cli, it),
        Some(Command::Path(it)) => path::run(&cli, it),
        Some(Command::Doctor(doctor)) => doctor::run(&cli, doctor),
        Some(Command::Completion(it)) => completion(it.shell),
        Some(Command::Man(it)) => manual(it.command.as_deref()),
        Some(command) => match Wanted::of(command) {
            Some(wanted) => changes::run(&cli, wanted),
            None => Err(anyhow::anyhow!("no command given")),
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

/// The manual page of the program or of one of its commands.
fn manual(command: Option<&str>) -> anyhow::Result<Exit> {
    let mut whole = Cli::command();
    whole.build();
    let page = match command {
        None => whole,
        Some(name) => match whole.find_subcommand(name) {
            Some(it) => it.clone(),
            None => anyhow::bail!("there is no command {name:?}; tgscope --help lists them"),
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

/// What a shell completes commands and flags by.
fn completion(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tgscope", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
