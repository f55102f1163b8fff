//! Commands about one row of a board: which one is meant, and what was read of it.

use anyhow::bail;
use tokio::sync::watch;

use super::changes::choose;
use super::reading;
use super::setup::Setup;
use crate::backend;
use crate::backend::Connection;
use crate::backend::Look;
use crate::backend::Question;
use crate::backend::Reading;
use crate::backend::Scope;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::scope::ScopeTarget;

/// What was typed: a board, and the name of one of its rows.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) scope: ScopeTarget,
    pub(super) row: String,
}

impl Typed {
    /// From a scope and a row, or from something that is both: a pod, an address, an instance.
    pub(super) fn of(words: &[String]) -> anyhow::Result<Self> {
        match words {
            [scope, row] => Ok(Self { scope: scope.parse()?, row: row.clone() }),
            [one] => {
                let named = |it: ScopeTarget| it.row().map(|row| Self { scope: it, row });
                let as_scope = one.parse().ok().and_then(named);
                // A bare name is a pod's: nothing else is a row by its name.
                let as_pod = || format!("pod/{one}").parse().ok().and_then(named);
                match as_scope.or_else(as_pod) {
                    Some(typed) => Ok(typed),
                    None => bail!("{one} names no row: add IP:PORT, an instance id or a pod"),
                }
            }
            _ => bail!("no row given: name it by IP:PORT, instance id, or pod"),
        }
    }
}

/// Reads both sides, and the network path of the row.
pub(super) async fn look(connection: Connection, scope: &Scope, typed: &Typed) -> Look {
    let (told, _) = watch::channel(Reading::default());
    let question = Question {
        target: Some(&typed.scope),
        row: Some(&typed.row),
        reading: Some(&told),
        ..Question::default()
    };
    let look = Box::pin(backend::look(connection, scope, question));
    reading::shown(look, &told).await
}

/// The row on its board; of several boards that have it, the first that is not fine.
pub(super) fn find<'a>(
    look: &'a Look,
    setup: &Setup,
    typed: &Typed,
) -> anyhow::Result<(&'a Report, &'a Row)> {
    let of = |report: &'a Report| {
        report.rows.iter().filter(|it| it.is_called(&typed.row)).map(move |row| (report, row))
    };
    let mut found: Vec<(&Report, &Row)> = look.reports.iter().flat_map(of).collect();
    found.sort_by_key(|(_, row)| !row.problem);
    match found.first() {
        Some(found) => Ok(*found),
        None => {
            let report = choose::report(look, &setup.scope, Some(&typed.scope))?;
            bail!("no row {} among the {} of {}", typed.row, report.rows.len(), typed.scope)
        }
    }
}
