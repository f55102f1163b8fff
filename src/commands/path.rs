//! `path`: the network path from the load balancers to one target.

use anyhow::bail;

use super::changes::choose;
use super::exit::Exit;
use super::one_row;
use super::one_row::Typed;
use super::setup;
use super::setup::Setup;
use super::terminal::complain;
use super::terminal::print;
use crate::cli::Cli;
use crate::cli::OneRow;
use crate::cli::TextOutput;
use crate::domain::judgement::path::PathVerdict;
use crate::domain::judgement::path::of_row;
use crate::report::path::PathDocument;
use crate::report::path::text;
use crate::report::printed;

pub(super) fn run(cli: &Cli, asked: &OneRow) -> anyhow::Result<Exit> {
    let typed = Typed::of(&asked.row)?;
    let setup = setup::setup(&cli.options, Some(&typed.scope))?;
    setup::run(show(setup, asked, &typed))
}

async fn show(setup: Setup, asked: &OneRow, typed: &Typed) -> anyhow::Result<Exit> {
    let look = one_row::look(setup.connection.clone(), &setup.scope, typed).await;
    let (report, row) = one_row::find(&look, &setup, typed)?;
    let group = report.group.as_ref();
    let Some(path) = group.and_then(|it| of_row::of_row(&look.inventory, (&report.subject, it), row)) else {
        for line in choose::failures(&look) {
            complain(&line);
        }
        bail!("{} has no network path: its target group was not read, or it has no address", typed.row)
    };
    match asked.output {
        TextOutput::Text => print(&text(&path, &setup.manner))?,
        format => print(&printed(&PathDocument::new(&path, &setup.manner), format == TextOutput::Json)?)?,
    }
    Ok(match path.verdict() {
        PathVerdict::Unknown(_) => Exit::Error,
        PathVerdict::Blocked(..) if asked.exit_code => Exit::Findings,
        PathVerdict::Blocked(..) | PathVerdict::Open => Exit::Done,
    })
}
