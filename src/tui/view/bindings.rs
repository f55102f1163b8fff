//! The list: every binding of the scope and the groups nobody binds, worst first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::Block;
use ratatui::widgets::Widget;

use super::place;
use super::place::Wish;
use super::text;
use crate::app::State;
use crate::app::state;
use crate::domain::facts::ids::BindingApi;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Subject;
use crate::tui::theme::Theme;

/// Title, least width, growth, priority.
const COLUMNS: [(&str, u16, u16, u8); 8] = [
    ("VERDICT", 10, 0, 1),
    ("BINDING", 16, 3, 0),
    ("SERVICE", 12, 2, 4),
    ("TARGET GROUP", 13, 2, 3),
    ("IN SERVICE", 10, 0, 2),
    ("SETTLED", 7, 0, 5),
    ("PROBLEMS", 8, 0, 6),
    ("WHY", 20, 5, 7),
];

pub(super) fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let subjects = state.subjects();
    let title = match (&state.filter, state.problems_only) {
        (filter, _) if !filter.is_empty() => {
            format!(" Bindings · {} of {} ", subjects.len(), state.boards.len())
        }
        (_, true) => format!(" Bindings · {} of {} with problems ", subjects.len(), state.boards.len()),
        _ => format!(" Bindings · {} ", subjects.len()),
    };
    let block = Block::bordered().title(Span::styled(title, theme.title));
    let inside = block.inner(area);
    block.render(area, buffer);
    if subjects.is_empty() {
        let lines = nothing(state);
        for (n, line) in lines
            .iter()
            .flat_map(|it| text::wrap(it, usize::from(inside.width.saturating_sub(2))))
            .enumerate()
        {
            let y = inside.y + 1 + u16::try_from(n).unwrap_or(0);
            if y < inside.y + inside.height {
                buffer.set_string(inside.x + 1, y, line, theme.plain);
            }
        }
        return;
    }
    let height = usize::from(inside.height.saturating_sub(1));
    let selected = state.listed.as_ref().and_then(|it| subjects.iter().position(|subject| *subject == it));
    let top = place::top(subjects.len(), selected, height);
    let reports: Vec<(&Subject, &Report)> = subjects
        .iter()
        .skip(top)
        .take(height)
        .filter_map(|it| Some((*it, &state.boards.get(*it)?.report)))
        .collect();
    let cells: Vec<[String; 8]> =
        reports.iter().map(|(subject, report)| line(state, subject, report)).collect();
    let wishes: Vec<Wish> = COLUMNS
        .iter()
        .enumerate()
        .map(|(n, (title, least, grows, priority))| {
            let widest =
                place::widest(cells.iter().filter_map(|it| it.get(n)).map(String::as_str).chain([*title]));
            Wish { least: *least, grows: *grows, priority: *priority, widest }
        })
        .collect();
    let widths = place::widths(&wishes, inside.width.saturating_sub(2));
    let mut x = inside.x + 1;
    for (n, ((title, ..), width)) in COLUMNS.iter().zip(widths).enumerate() {
        let Some(width) = width else { continue };
        buffer.set_stringn(x, inside.y, title, usize::from(width), theme.dim);
        for (line, (cells, (_, report))) in cells.iter().zip(&reports).enumerate() {
            let y = inside.y + 1 + u16::try_from(line).unwrap_or(0);
            let cell = cells.get(n).map(|it| text::end(it, usize::from(width))).unwrap_or_default();
            buffer.set_stringn(x, y, cell, usize::from(width), style(theme, title, report));
        }
        x += width + 1;
    }
    if let Some(at) = selected.and_then(|it| it.checked_sub(top)).filter(|it| *it < height) {
        let y = inside.y + 1 + u16::try_from(at).unwrap_or(0);
        buffer.set_style(Rect { y, height: 1, ..inside }, theme.selected);
        buffer.set_string(inside.x, y, ">", theme.selected);
    }
}

fn line(state: &State, subject: &Subject, report: &Report) -> [String; 8] {
    let (binding, name) = match subject {
        Subject::Binding(it) => {
            let name = match (&state.opening.namespace, it.api) {
                (Some(_), BindingApi::LoadBalancerController) => it.name.clone(),
                (None, BindingApi::LoadBalancerController) => state::name(subject),
                (_, BindingApi::AutoMode) => format!("{} (Auto Mode)", state::name(subject)),
            };
            let name = match state.opening.contexts.len() {
                0 | 1 => name,
                _ => format!("{}: {name}", it.cluster.0.rsplit('/').next().unwrap_or_default()),
            };
            (state.inventory.binding(it), name)
        }
        Subject::Group(_) => (None, "– no binding".to_owned()),
    };
    let counts = &report.counts;
    [
        report.verdict.word.text().to_owned(),
        name,
        binding.map_or_else(String::new, |it| format!("{}:{}", it.service, it.port)),
        report.group.as_ref().map_or_else(|| "–".to_owned(), |it| it.name().to_owned()),
        match binding {
            Some(_) => format!("{}/{}", counts.in_service, counts.wanted),
            None => format!("{}/{}", counts.healthy, counts.registered),
        },
        match report.settled.value {
            _ if binding.is_none() => "",
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        }
        .to_owned(),
        if counts.problems == 0 { String::new() } else { counts.problems.to_string() },
        report.verdict.sentence.clone(),
    ]
}

fn style(theme: &Theme, title: &str, report: &Report) -> Style {
    match title {
        "VERDICT" => theme.verdict(report.verdict.word, report.verdict.neutral),
        "PROBLEMS" => theme.bad,
        "WHY" => theme.dim,
        _ => theme.plain,
    }
}

/// What to say where there is nothing to list: what is awaited, what failed, or what is not there.
fn nothing(state: &State) -> Vec<String> {
    if !state.filter.is_empty() || state.problems_only {
        return vec!["nothing matches; Esc shows everything".to_owned()];
    }
    let bindings = state
        .inventory
        .sources
        .iter()
        .filter(|(it, _)| matches!(it, Source::Kubernetes(_, Kind::Bindings(_))));
    let bindings: Vec<_> = bindings.map(|it| it.1).collect();
    if let Some((_, failure)) = bindings.iter().find_map(|it| it.failed.as_ref()) {
        let hint = failure.hint.iter().map(|it| format!("→ {it}"));
        return [failure.to_string()]
            .into_iter()
            .chain(hint)
            .chain(["It is tried again by itself.".to_owned()])
            .collect();
    }
    if !bindings.iter().any(|it| it.read.is_some()) {
        let context = state.opening.contexts.first().map_or("", |it| &*it.0);
        return vec![format!("connecting to {context}…")];
    }
    if state.inventory.clusters.values().all(|it| it.signs.kind_served == Some(false)) {
        return vec![
            "This cluster has no TargetGroupBinding kind.".to_owned(),
            "→ the AWS Load Balancer Controller's custom resources are not installed".to_owned(),
        ];
    }
    match &state.opening.namespace {
        Some(namespace) => vec![
            format!("No TargetGroupBinding in namespace {namespace}."),
            "→ b binds a service to a group; -A looks at all namespaces; a group that".to_owned(),
            "  nobody binds is opened by tgscope tg/NAME".to_owned(),
        ],
        None => vec!["No TargetGroupBinding in any namespace.".to_owned()],
    }
}
