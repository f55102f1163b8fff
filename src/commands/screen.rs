//! No command and a terminal: the live screen.

use std::io::IsTerminal;
use std::io::Write;

use super::exit::Exit;
use super::setup;
use crate::app::opening::Opening;
use crate::audit::Log;
use crate::cli::Cli;
use crate::config;
use crate::telemetry;
use crate::tui;
use crate::tui::Screen;

pub(super) fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let setup::Setup { connection, scope, protected, probes_read_only, manner, exposed } =
        setup::setup(&cli.options, cli.scope.as_ref())?;
    let folder = config::state_folder().ok();
    // A log that cannot be written must not keep anybody from looking.
    let log = folder.as_deref().and_then(|it| telemetry::start(it).ok());
    let opening = Opening {
        contexts: connection.clusters.iter().map(|it| it.id.clone()).collect(),
        namespace: scope.namespace.clone(),
        selector: cli.options.selector.clone(),
        target: cli.scope.clone(),
        command: cli.scope.as_ref().and_then(setup::command_like),
        demo: None,
        read_only: connection.read_only,
        probes_read_only,
        protected,
        manner,
        exposed,
        session: setup::session(),
        job_control: tui::job_control(),
    };
    let runtime = setup::runtime()?;
    let written = match (&cli.audit_log, &folder) {
        (Some(path), _) if path.as_os_str() == "stderr" => match std::io::stderr().is_terminal() {
            true => anyhow::bail!(
                "stderr is the terminal that the screen is on: redirect it (2>FILE), or give --audit-log a file"
            ),
            false => Log::words(|line| std::io::stderr().write_all(line.as_bytes())),
        },
        (Some(path), _) => Log::file(path.clone()),
        (None, Some(folder)) => Log::in_folder(folder),
        (None, None) => Log::words(|_| {
            Err(std::io::Error::other(
                "no state folder for the audit log: set HOME, or name a file with --audit-log",
            ))
        }),
    };
    let folder = folder.filter(|_| log.is_some());
    let screen = Screen { connection, scope, opening, log: written, folder };
    let ended = runtime.block_on(screen.show());
    runtime.shutdown_background();
    ended?;
    Ok(Exit::Done)
}
