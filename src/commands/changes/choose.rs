//! From what was typed to what it means: which board, which of its rows, which plan of the log.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use anyhow::bail;

use crate::audit::Log;
use crate::backend::Look;
use crate::backend::Scope;
use crate::cli::changes::RowSelection;
use crate::commands::exit::Exit;
use crate::commands::terminal::complain;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::plan::Plan;
use crate::domain::plan::Refusal;
use crate::domain::plan::undo::Done;
use crate::domain::wording::scope::not_found;
use crate::report::plan::manifest;
use crate::report::plan::object_yaml;

/// The one board that was pointed at.
pub(in crate::commands) fn report<'a>(
    look: &'a Look,
    scope: &Scope,
    target: Option<&ScopeTarget>,
) -> anyhow::Result<&'a Report> {
    let Some(target) = target else { bail!("no binding or group given") };
    match look.reports.as_slice() {
        [one] => Ok(one),
        [] => {
            let why = match failures(look).is_empty() {
                true => "see `tgscope get -A`",
                false => "it may be in what could not be read: see the lines above and `tgscope doctor`",
            };
            for failure in failures(look) {
                complain(&failure);
            }
            bail!("{}; {why}", not_found(target, scope.namespace.as_deref(), None))
        }
        several => {
            let names: Vec<String> = several.iter().map(|it| name(&it.subject)).collect();
            bail!("{target} matches several, name one: {}", names.join(", "))
        }
    }
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Binding(it) => format!("{}/tgb/{}", it.namespace, it.name),
        Subject::Group(arn) => arn.to_string(),
    }
}

/// What was read with a failure, one line each.
pub(in crate::commands) fn failures(look: &Look) -> BTreeSet<String> {
    let failed = look.inventory.sources.values().filter_map(|it| it.failed.as_ref());
    failed
        .map(|(_, it)| {
            let hint = it.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
            format!("tgscope: {it}{hint}")
        })
        .collect()
}

/// The rows that were typed; where a pod or an address was pointed at and none typed, its row.
pub(super) fn rows(report: &Report, typed: &RowSelection) -> anyhow::Result<Vec<RowKey>> {
    let named: Vec<String> = match (typed.rows.as_slice(), typed.scope.row()) {
        ([], Some(row)) => vec![row],
        ([], None) => bail!("no rows given: name each by IP:PORT, instance id, or pod"),
        (some, _) => some.to_vec(),
    };
    let mut found = Vec::new();
    for text in &named {
        let matching: Vec<&Row> = report.rows.iter().filter(|row| row.is_called(text)).collect();
        match matching.as_slice() {
            [] => bail!("no row {text} on the board of {}", name(&report.subject)),
            [one] => found.push(one.key.clone()),
            _ => bail!("several rows match {text}: give IP:PORT"),
        }
    }
    Ok(found)
}

pub(super) fn keys(report: &Report, typed: &RowSelection) -> anyhow::Result<BTreeSet<TargetKey>> {
    let rows = rows(report, typed)?;
    rows.into_iter()
        .map(|it| match it {
            RowKey::Target(key) => Ok(key),
            RowKey::Pod(uid) => bail!("pod {} has no address yet", uid.0),
        })
        .collect()
}

/// The plan with this id, or the last one that was not undone; every step whose call was made. What of the log cannot be
/// read is said.
pub(super) fn done(log: &Log, id: Option<&str>) -> anyhow::Result<Result<Done, Refusal>> {
    let place = log.place();
    let last = log.last_done(id).with_context(|| format!("cannot read the audit log {place}"))?;
    for note in &last.notes {
        complain(&format!("tgscope: {note}"));
    }
    let Some(done) = last.done else {
        let named = id.map_or_else(String::new, |it| format!(" of plan {it}"));
        let readable = if last.notes.is_empty() { "" } else { " in the lines that can be read" };
        bail!(
            "nothing to undo{named}: the audit log {place} has no plan that wrote something and is not undone{readable}"
        );
    };
    if id.is_none() && last.newer_lost {
        let why = format!(
            "lines of the log newer than plan {}, the last readable one, cannot be read: a later plan may be among them",
            done.id
        );
        return Ok(Err(Refusal::plain(&why).instead(format!("name the plan: tgscope undo {}", done.id))));
    }
    if log.is_running(&done.id)? {
        let why = format!("plan {} is running in another session", done.id);
        return Ok(Err(Refusal::plain(&why).instead("stop it there, or wait until it has ended")));
    }
    Ok(Ok(done))
}

/// Writes the object of a plan to a file, for a repository.
pub(super) fn save(plan: &Plan, path: &Path) -> anyhow::Result<Exit> {
    let Some(manifest) = manifest(plan) else { bail!("this plan makes no object") };
    std::fs::write(path, object_yaml(manifest))
        .with_context(|| format!("cannot write {}", path.display()))?;
    complain(&format!("written to {}; nothing was created", path.display()));
    Ok(Exit::Done)
}
