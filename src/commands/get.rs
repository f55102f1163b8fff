//! `get`: both sides read once and printed.

use crate::backend;
use crate::backend::Extra;
use crate::backend::Scope;
use crate::cli::Cli;
use crate::cli::Get;
use crate::cli::Output;
use crate::domain::history::History;
use crate::domain::inventory::Inventory;
use crate::domain::report;
use crate::domain::report::Report;
use crate::domain::report::Subject;
use crate::domain::scope::Pointed;
use crate::domain::scope::Thing;
use crate::domain::selector::Selector;
use crate::domain::time::Timestamp;
use crate::domain::unbound;
use crate::domain::verdict::Word;
use crate::report as printed;
use crate::report::Document;
use crate::report::Format;

use super::Exit;
use super::complain;
use super::print;
use super::setup;

pub(super) fn run(cli: &Cli, get: &Get) -> anyhow::Result<Exit> {
    let pointed = get.scope.as_ref().or(cli.scope.as_ref());
    let setup = setup::setup(&cli.options, pointed)?;
    let runtime = setup::runtime()?;
    let ended = runtime.block_on(look(setup, cli, get, pointed));
    // A login command that hangs must not keep the program.
    runtime.shutdown_background();
    ended
}

/// Reads both sides and prints what they come to.
pub(super) async fn look(
    setup: setup::Setup,
    cli: &Cli,
    get: &Get,
    pointed: Option<&Pointed>,
) -> anyhow::Result<Exit> {
    let setup::Setup { connection, scope } = setup;
    let clock = connection.clock.clone();
    let inventory = backend::snapshot(connection, &scope, wish(pointed)).await;
    let now = clock.now();
    let reports = reports(&inventory, &scope, cli.options.selector.as_ref(), pointed, now);
    let document = Document::new(&inventory, &reports, now);
    let text = printed::render(&document, format(get.output)).map_err(|it| anyhow::anyhow!(it))?;
    print(&text)?;
    for line in printed::failure_lines(&document.failures) {
        complain(&line);
    }
    for failures in
        document.bindings.iter().map(|it| &it.failures).chain(document.groups.iter().map(|it| &it.failures))
    {
        for line in printed::failure_lines(failures) {
            complain(&line);
        }
    }
    if reports.is_empty() && !document.partial() {
        complain(&match pointed {
            Some(_) => "nothing found that this points at".to_owned(),
            None => match &scope.namespace {
                Some(namespace) => {
                    format!("no TargetGroupBinding in namespace {namespace}; -A looks at all namespaces")
                }
                None => "no TargetGroupBinding in any namespace".to_owned(),
            },
        });
        return Ok(if pointed.is_some() { Exit::Error } else { Exit::Done });
    }
    let wrong = |it: &Report| {
        it.settled.value == Some(false)
            || !matches!(it.word(), Word::Serving | Word::Empty)
            || it.counts.problems > 0
    };
    Ok(match (document.partial(), get.exit_code && reports.iter().any(wrong)) {
        (true, _) => Exit::Error,
        (false, true) => Exit::Findings,
        (false, false) => Exit::Done,
    })
}

fn format(output: Output) -> Format {
    match output {
        Output::Table => Format::Table,
        Output::Wide => Format::Wide,
        Output::Json => Format::Json,
        Output::Yaml => Format::Yaml,
        Output::Name => Format::Name,
    }
}

/// Unbound groups are only looked for where no binding is pointed at.
fn wish(pointed: Option<&Pointed>) -> Extra {
    let only = pointed.cloned();
    match pointed.map(|it| &it.thing) {
        None => Extra { discover: true, ..Extra::default() },
        Some(Thing::Arn(arn)) => Extra { groups: vec![arn.clone()], only, ..Extra::default() },
        Some(Thing::Group(name, _)) => Extra { named: vec![name.clone()], only, ..Extra::default() },
        Some(_) => Extra { only, ..Extra::default() },
    }
}

/// Judges every binding of the scope and every group that belongs there, worst first.
fn reports(
    inventory: &Inventory,
    scope: &Scope,
    selector: Option<&Selector>,
    pointed: Option<&Pointed>,
    now: Timestamp,
) -> Vec<Report> {
    let inside = inventory.bindings().filter(|(it, binding)| {
        scope.covers(&it.namespace) && selector.is_none_or(|it| it.matches(&binding.labels))
    });
    let mut subjects: Vec<Subject> = inside.map(|(it, _)| Subject::Binding(it)).collect();
    let groups: Vec<Subject> = match pointed {
        None if selector.is_none() => unbound::groups(inventory).map(Subject::Group).collect(),
        None => Vec::new(),
        Some(_) => unbound::unnamed(inventory).map(Subject::Group).collect(),
    };
    subjects.extend(groups);
    let history = History::of_one_look();
    let judged = subjects.iter().filter_map(|it| report::judge(inventory, it, &history, now));
    let mut reports: Vec<Report> =
        judged.filter(|it| pointed.is_none_or(|pointed| pointed.selects(inventory, it))).collect();
    reports.sort_by(|a, b| (a.severity(), &a.subject).cmp(&(b.severity(), &b.subject)));
    reports
}
