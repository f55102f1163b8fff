//! `get`: both sides read once and printed.

use tokio::sync::watch;

use super::exit::Exit;
use super::reading;
use super::setup;
use super::terminal::complain;
use super::terminal::print;
use crate::backend;
use crate::backend::Look;
use crate::backend::Question;
use crate::backend::Reading;
use crate::cli::Cli;
use crate::cli::Get;
use crate::cli::Output;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::selector::Selector;
use crate::domain::inventory::Freshness;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::unbound;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::judgement::standing::VerdictKind;
use crate::domain::wording::scope::no_namespace;
use crate::domain::wording::scope::not_found;
use crate::domain::wording::scope::nothing;
use crate::domain::wording::scope::unchecked;
use crate::report as printed;
use crate::report::Document;
use crate::report::Format;

pub(super) fn run(cli: &Cli, get: &Get) -> anyhow::Result<Exit> {
    let target = get.scope.as_ref().or(cli.scope.as_ref());
    let setup = setup::setup(&cli.options, target)?;
    setup::run(look(setup, cli, get, target))
}

/// Reads both sides and prints what they come to.
pub(super) async fn look(
    setup: setup::Setup,
    cli: &Cli,
    get: &Get,
    target: Option<&ScopeTarget>,
) -> anyhow::Result<Exit> {
    let setup::Setup { connection, scope, manner, .. } = setup;
    let selector = cli.options.selector.as_ref();
    let (told, _) = watch::channel(Reading::default());
    let question = Question { selector, target, reading: Some(&told), ..Question::default() };
    let look = Box::pin(backend::look(connection, &scope, question));
    let Look { inventory, reports, at, without_namespace } = reading::shown(look, &told).await;
    let document = Document::new(&inventory, &reports, (&manner, target, at));
    let text = printed::render(&document, format(get.output))?;
    print(&text)?;
    // Only a look at everything reads the tags of groups that no binding names.
    let untagged = if target.is_none() { unbound::untagged(&inventory) } else { 0 };
    if untagged > 0 && document.failures.is_empty() {
        complain(&unchecked(untagged));
    }
    let of_bindings = document.bindings.iter().flat_map(|it| &it.failures);
    let of_groups = document.groups.iter().flat_map(|it| &it.failures);
    for line in printed::failure_lines(document.failures.iter().chain(of_bindings).chain(of_groups)) {
        complain(&line);
    }
    let missing = |it: &Freshness| it.failed.as_ref().is_none_or(|(_, it)| it.kind == ErrorKind::NotFound);
    let read = !document.partial() || inventory.sources.values().all(missing);
    if reports.is_empty() && read {
        let namespace = scope.namespace.as_deref();
        if !without_namespace.is_empty() && without_namespace.len() == inventory.clusters.len() {
            let named = target.and_then(|it| it.namespace.as_deref()).or(namespace);
            complain(&no_namespace(named.unwrap_or_default(), &without_namespace));
            return Ok(Exit::Error);
        }
        complain(&none_found(target, namespace, (selector, &inventory)));
        return Ok(if target.is_some() || document.partial() { Exit::Error } else { Exit::Done });
    }
    // What only moves is not wrong yet.
    let wrong = |it: &Report| {
        !matches!(it.word(), VerdictKind::Serving | VerdictKind::Rolling | VerdictKind::Empty)
            || it.counts.problems > 0
            || it.settled.because.iter().any(|it| !it.is_moving())
    };
    Ok(match (document.partial(), get.exit_code && reports.iter().any(wrong)) {
        (true, _) => Exit::Error,
        (false, true) => Exit::Findings,
        (false, false) => Exit::Done,
    })
}

/// That nothing was found, with what may have been meant.
fn none_found(
    target: Option<&ScopeTarget>,
    namespace: Option<&str>,
    (selector, inventory): (Option<&Selector>, &Inventory),
) -> String {
    let Some(target) = target else {
        let elsewhere = if namespace.is_some() { "; use -A for all namespaces" } else { "" };
        return nothing(namespace, selector) + elsewhere;
    };
    let command = setup::command_like(target);
    let missing = not_found(target, namespace, command.as_deref());
    match (setup::named_like(target, namespace, inventory), selector) {
        (Some((_, true)), Some(selector)) => nothing(namespace, Some(selector)),
        (Some((name, false)), _) if command.is_none() => format!("{missing}; did you mean {name}?"),
        _ => missing,
    }
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
