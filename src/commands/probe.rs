//! `probe`: the health check of a row, asked by ourselves through the API server.

use anyhow::bail;

use super::exit::Exit;
use super::one_row;
use super::one_row::Typed;
use super::setup;
use super::setup::Setup;
use super::terminal::print;
use crate::backend::probe;
use crate::cli::Cli;
use crate::cli::OneRow;
use crate::cli::TextOutput;
use crate::domain::facts::probe::ProbeOutcome;
use crate::domain::judgement::path::of_row;
use crate::domain::judgement::probe as judged;
use crate::domain::wording::probe as words;
use crate::printable;
use crate::report::printed;
use crate::report::probe::ProbeDocument;

pub(super) fn run(cli: &Cli, asked: &OneRow) -> anyhow::Result<Exit> {
    let typed = Typed::of(&asked.row)?;
    let setup = setup::setup(&cli.options, Some(&typed.scope))?;
    if setup.connection.read_only && !setup.probes_read_only {
        bail!(
            "read only: a probe asks the program itself; allow it with when-read-only = true under [probe] in the configuration"
        );
    }
    setup::run(show(setup, asked, &typed))
}

async fn show(setup: Setup, asked: &OneRow, typed: &Typed) -> anyhow::Result<Exit> {
    let look = one_row::look(setup.connection.clone(), &setup.scope, typed).await;
    let (report, row) = one_row::find(&look, &setup, typed)?;
    let request = match judged::request(&look.inventory, &report.subject, row) {
        Ok(request) => request,
        Err(why) => bail!("{} cannot be probed: {why}", typed.row),
    };
    let group = report.group.as_ref();
    let path = group.and_then(|it| of_row::of_row(&look.inventory, (&report.subject, it), row));
    let probed = probe::probe(setup.connection, request).await;
    let told = words::told(&probed, path.as_ref(), &setup.manner);
    match asked.output {
        TextOutput::Text => {
            let next = told.next.iter().map(|it| format!("next: {it}"));
            let lines: Vec<String> = std::iter::once(told.headline.clone())
                .chain(told.facts.iter().cloned())
                .chain(next)
                .collect();
            let printed: String = lines.iter().map(|it| printable::line(it).into_owned() + "\n").collect();
            print(&printed)?;
        }
        format => {
            print(&printed(&ProbeDocument::new(&probed, &told), format == TextOutput::Json)?)?;
        }
    }
    Ok(match (&probed.outcome, probed.passes()) {
        (ProbeOutcome::NotAsked(_), _) => Exit::Error,
        (_, Some(false)) if asked.exit_code => Exit::Findings,
        _ => Exit::Done,
    })
}
