//! The box under the panes: why the selected row, or the binding, is as it is, and what to do next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Block;
use ratatui::widgets::Widget;

use super::bindings;
use super::text;
use crate::app::State;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::time::age;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::inventory::routes::Routes;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::wording::board;
use crate::domain::wording::explanation::Explanation;
use crate::domain::wording::probe;
use crate::domain::wording::words;
use crate::tui::theme::Theme;

pub(super) fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let (title, words) = content(state);
    let block =
        Block::bordered().title(Span::styled(format!(" {title} "), theme.title)).border_style(theme.dim);
    let inside = block.inner(area);
    block.render(area, buffer);
    let width = usize::from(inside.width.saturating_sub(1));
    let height = usize::from(inside.height);
    let mut lines: Vec<(String, bool)> =
        text::wrap(&words.headline, width).into_iter().map(|it| (it, true)).collect();
    let next: Vec<String> =
        words.next.iter().flat_map(|it| text::wrap(&format!("next: {it}"), width)).collect();
    // The next step is worth more than another fact.
    let room = height.saturating_sub(lines.len() + next.len());
    // One to a line; where that is too much, what is known counts more than its form.
    let mut facts: Vec<String> = words.facts.iter().flat_map(|it| text::wrap(it, width)).collect();
    if facts.len() > room {
        facts = text::wrap(&words.facts.join(" "), width);
    }
    let cut = facts.len() > room;
    for (n, fact) in facts.into_iter().take(room).enumerate() {
        let last = cut && n + 1 == room;
        lines.push((if last { text::end(&format!("{fact} …"), width) } else { fact }, false));
    }
    lines.extend(next.into_iter().map(|it| (it, true)));
    for (n, (text, strong)) in lines.into_iter().take(height).enumerate() {
        let y = inside.y + u16::try_from(n).unwrap_or(0);
        let style = if strong { theme.title } else { theme.plain };
        Line::from(Span::styled(format!(" {text}"), style)).render(Rect { y, height: 1, ..inside }, buffer);
    }
}

fn content(state: &State) -> (String, Explanation) {
    if let (Some(row), Some(report)) = (state.row(), state.report()) {
        let mut words = words::of_row(row, &state.around(report));
        words.facts.splice(0..0, tried(state, report, row));
        return (format!("Why · {} · {}", label(row), row.standing.word()), words);
    }
    match state.report() {
        Some(report) => {
            let group = (state.known_group(report), &state.opening.manner);
            let mut words = board::of_report(report, group, state.shown_now());
            // What is on show may be old: why, and how to change that, comes before everything else.
            if let Some(failure) = failure(state, report) {
                if !words.headline.contains(&failure.message) && !report.group_is_gone {
                    words.facts.insert(0, format!("{failure}."));
                }
                words.next = failure.hint.clone().or(words.next);
            }
            words.facts.extend(skipped(state));
            (format!("Why · {}", state.called(&report.subject)), words)
        }
        None => ("Why".to_owned(), troubles(state)),
    }
}

/// What the row's health check said when it was tried last.
fn tried(state: &State, report: &Report, row: &Row) -> Option<String> {
    let Subject::Binding(reference) = &report.subject else { return None };
    let pod = row.endpoint.as_ref()?.pod.as_deref()?;
    let probed = state.probes.get(&ObjectName::new(&reference.namespace, pod))?;
    let since = state.shown_now().since(probed.at);
    let said = probe::told(probed, None, &state.opening.manner).headline;
    (since < TRIED && probed.request.cluster == reference.cluster)
        .then(|| format!("Tried {} ago: {said}", age(since)))
}

/// Seconds for which a health check that was tried says something of now.
const TRIED: i64 = 300;

/// A row as people call it: its pod, else its address.
pub(super) fn label(row: &Row) -> String {
    let pod = row.endpoint.as_ref().and_then(|it| it.pod.clone());
    match (&row.key, pod) {
        (crate::domain::facts::ids::RowKey::Target(key), Some(pod)) => format!("{pod} {key}"),
        (_, Some(pod)) => pod,
        (key, None) => key.to_string(),
    }
}

/// What keeps one of the two sides of a report from being read anew.
fn failure<'a>(state: &'a State, report: &Report) -> Option<&'a Failure> {
    let cluster = match &report.subject {
        Subject::Binding(it) => Some((&it.cluster, it.api)),
        Subject::Group(_) => None,
    };
    let kinds = |(cluster, api): (&ClusterId, BindingApi)| {
        let kinds = [Kind::Services, Kind::Slices, Kind::Pods, Kind::Bindings(api)];
        kinds.map(|kind| Source::Kubernetes(cluster.clone(), kind))
    };
    let balancers =
        || state.target_group(report).into_iter().flat_map(|it| it.load_balancers.iter().cloned());
    let hangs_on = balancers().map(Source::Routes);
    let of_group =
        report.group.iter().flat_map(|it| [Source::Targets(it.clone()), Source::Attributes(it.clone())]);
    let others = report.group.iter().cloned().map(Source::Group).chain(balancers().map(Source::LoadBalancer));
    let others = others.filter(|_| report.routes == Routes::Unread);
    let sources = cluster.into_iter().flat_map(kinds).chain(of_group).chain(hangs_on).chain(others);
    let failed = |source: Source| Some(&state.inventory.freshness(&source)?.failed.as_ref()?.1);
    sources.into_iter().find_map(failed)
}

/// The first object that could not be understood, and how many more there are.
fn skipped(state: &State) -> Option<String> {
    let mut skipped = state.inventory.sources.values().flat_map(|it| &it.skipped);
    let (name, problem) = skipped.next()?;
    let more = match skipped.count() {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    Some(format!("Left out, because it cannot be read: {name}{more}: {problem}."))
}

/// Failures beside the first one that the box may have room for.
const MORE: usize = 100;

/// Without a selection: what keeps us from reading, if anything does.
fn troubles(state: &State) -> Explanation {
    let mut failures = state.inventory.sources.iter().filter_map(|(source, it)| {
        let (_, failure) = it.failed.as_ref()?;
        (!matches!(source, Source::Kubernetes(_, Kind::Events | Kind::Guarding(_)))).then_some(failure)
    });
    match failures.next() {
        Some(first) => {
            let headline = first.to_string();
            let mut more: Vec<String> = Vec::new();
            for text in failures.take(MORE).map(ToString::to_string) {
                if text != headline && more.last() != Some(&text) {
                    more.push(text);
                }
            }
            Explanation { headline, facts: more, next: first.hint.clone() }
        }
        None if state.boards.is_empty() => Explanation::default(),
        None if let Some(missing) = bindings::missing(state) => Explanation {
            headline: missing,
            facts: vec!["The list shows all bindings; the board opens as soon as there is one.".to_owned()],
            next: None,
        },
        None => Explanation {
            headline: "Select a binding with j and k; Enter opens its board.".to_owned(),
            facts: skipped(state).into_iter().collect(),
            next: None,
        },
    }
}
