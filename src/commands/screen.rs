//! No command and a terminal: the live screen.

use crate::app::state::Opening;
use crate::cli::Cli;
use crate::config;
use crate::telemetry;
use crate::tui::Screen;

use super::Exit;
use super::setup;

pub(super) fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let setup::Setup { connection, scope, .. } = setup::setup(&cli.options, cli.scope.as_ref())?;
    let folder = config::state_folder().ok();
    // A log that cannot be written must not keep anybody from looking.
    let log = folder.as_deref().and_then(|it| telemetry::start(it).ok());
    let opening = Opening {
        contexts: connection.clusters.iter().map(|it| it.id.to_string()).collect(),
        namespace: scope.namespace.clone(),
        selector: cli.options.selector.clone(),
        pointed: cli.scope.clone(),
        demo: None,
    };
    let runtime = setup::runtime()?;
    let screen = Screen { connection, scope, opening, folder: folder.filter(|_| log.is_some()) };
    let ended = runtime.block_on(screen.show());
    runtime.shutdown_background();
    ended?;
    Ok(Exit::Done)
}
