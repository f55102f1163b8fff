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
use crate::app::Measured;
use crate::app::State;
use crate::app::opening::Opening;
use crate::app::state;
use crate::app::state::Sort;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::ids::BindingApi;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::inventory::unbound;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Subject;
use crate::domain::wording::scope::not_found;
use crate::domain::wording::scope::nothing as nothing_matches;
use crate::domain::wording::scope::unchecked;
use crate::tui::theme::Theme;

/// One line of the list.
struct Listed<'a> {
    state: &'a State,
    subject: &'a Subject,
    report: &'a Report,
    binding: Option<&'a Binding>,
}

/// What the colour of a cell says.
#[derive(Clone, Copy)]
enum Tone {
    Plain,
    Verdict,
    Problem,
    Remark,
}

struct Column {
    title: &'static str,
    /// Cells it needs to be of use, its share of what is left over, and its rank where room is short: 0 goes last.
    least: u16,
    grows: u16,
    priority: u8,
    /// What a line is known by: cut only where everything else has been.
    identity: bool,
    tone: Tone,
    text: fn(&Listed<'_>) -> String,
}

const COLUMNS: [Column; 9] = [
    Column {
        title: "VERDICT",
        least: 10,
        grows: 0,
        priority: 1,
        identity: false,
        tone: Tone::Verdict,
        text: verdict,
    },
    Column {
        title: "BINDING",
        least: 16,
        grows: 3,
        priority: 0,
        identity: true,
        tone: Tone::Plain,
        text: name,
    },
    Column {
        title: "SERVICE",
        least: 12,
        grows: 2,
        priority: 4,
        identity: false,
        tone: Tone::Plain,
        text: service,
    },
    Column {
        title: "TARGET GROUP",
        least: 13,
        grows: 2,
        priority: 3,
        identity: true,
        tone: Tone::Plain,
        text: group,
    },
    Column {
        title: "IN SERVICE",
        least: 10,
        grows: 0,
        priority: 2,
        identity: false,
        tone: Tone::Plain,
        text: in_service,
    },
    Column {
        title: "TRAFFIC",
        least: 7,
        grows: 0,
        priority: 6,
        identity: false,
        tone: Tone::Plain,
        text: traffic,
    },
    Column {
        title: "SETTLED",
        least: 7,
        grows: 0,
        priority: 5,
        identity: false,
        tone: Tone::Plain,
        text: settled,
    },
    Column {
        title: "PROBLEMS",
        least: 8,
        grows: 0,
        priority: 7,
        identity: false,
        tone: Tone::Problem,
        text: problems,
    },
    Column { title: "WHY", least: 20, grows: 5, priority: 8, identity: false, tone: Tone::Remark, text: why },
];

/// That nothing is what was pointed at.
pub(super) fn missing(state: &State) -> Option<String> {
    let Opening { namespace, command, .. } = &state.opening;
    Some(not_found(state.not_found()?, namespace.as_deref(), command.as_deref()))
}

/// What the list cannot show.
fn notice(state: &State) -> Option<String> {
    if let Some(missing) = missing(state) {
        return Some(missing);
    }
    let groups = unbound::unchecked(&state.inventory);
    (groups > 0 && state.opening.selector.is_none()).then(|| unchecked(groups))
}

/// Why there are no lines.
fn explain(lines: &[String], theme: &Theme, inside: Rect, buffer: &mut Buffer) {
    let width = usize::from(inside.width.saturating_sub(2));
    let rows = (inside.y + 1)..(inside.y + inside.height);
    for (y, line) in rows.zip(lines.iter().flat_map(|it| text::wrap(it, width))) {
        buffer.set_string(inside.x + 1, y, line, theme.plain);
    }
}

pub(super) fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Measured {
    let subjects = state.subjects();
    let title = match (&state.filter, state.problems_only) {
        (filter, _) if !filter.is_empty() => {
            format!(" Bindings · {} of {} ", subjects.len(), state.boards.len())
        }
        (_, true) => format!(" Bindings · {} of {} with problems ", subjects.len(), state.boards.len()),
        _ if let Some(target) = state.opening.target.as_ref().filter(|_| state.narrowed) => {
            format!(" Bindings · {} of {} for {target} · Esc all ", subjects.len(), state.boards.len())
        }
        _ => format!(" Bindings · {} ", subjects.len()),
    };
    let mut block = Block::bordered().title(Span::styled(title, theme.title));
    if let Some(notice) = notice(state) {
        let room = usize::from(area.width.saturating_sub(4));
        block = block.title_bottom(Span::styled(format!(" {} ", text::end(&notice, room)), theme.warn));
    }
    let inside = block.inner(area);
    block.render(area, buffer);
    if subjects.is_empty() {
        explain(&nothing(state), theme, inside, buffer);
        return Measured::default();
    }
    let height = usize::from(inside.height.saturating_sub(1));
    let selected = state.listed.as_ref().and_then(|it| subjects.iter().position(|subject| *subject == it));
    let top = place::top(subjects.len(), selected, height);
    let lines: Vec<Listed<'_>> = subjects
        .iter()
        .skip(top)
        .take(height)
        .filter_map(|it| Some(Listed::of(state, it, &state.boards.get(*it)?.report)))
        .collect();
    let cells: Vec<Vec<String>> =
        COLUMNS.iter().map(|column| lines.iter().map(column.text).collect()).collect();
    let wish = |(column, cells): (&Column, &Vec<String>)| Wish {
        least: column.least,
        grows: column.grows,
        priority: column.priority,
        identity: column.identity,
        spare: false,
        widest: place::widest(cells.iter().map(String::as_str).chain([titled(state, column).as_str()]))
            .max(state.widths.held(state.shown(), column.title)),
    };
    let wishes: Vec<Wish> = COLUMNS.iter().zip(&cells).map(wish).collect();
    let measured = COLUMNS.iter().zip(&wishes).map(|(column, it)| (column.title, it.widest)).collect();
    let widths = place::widths(&wishes, inside.width.saturating_sub(2));
    let mut x = inside.x + 1;
    for ((column, cells), width) in COLUMNS.iter().zip(&cells).zip(widths) {
        let Some(width) = width else { continue };
        let room = usize::from(width);
        buffer.set_stringn(x, inside.y, titled(state, column), room, theme.dim);
        for (y, (line, cell)) in (inside.y + 1..).zip(lines.iter().zip(cells)) {
            buffer.set_stringn(x, y, text::end(cell, room), room, style(theme, column.tone, line.report));
        }
        x += width + 1;
    }
    if let Some(at) = selected.and_then(|it| it.checked_sub(top)).filter(|it| *it < height) {
        let y = inside.y + 1 + u16::try_from(at).unwrap_or(0);
        buffer.set_style(Rect { y, height: 1, ..inside }, theme.selected);
        buffer.set_string(inside.x, y, ">", theme.selected);
    }
    measured
}

/// The title of a column, with a mark where lines stand in its order; worst first is the verdict's.
fn titled(state: &State, column: &Column) -> String {
    let of = match state.sort {
        Sort::Worst => "VERDICT",
        Sort::Name | Sort::Zone => "BINDING",
        Sort::Address => "TARGET GROUP",
    };
    let is_default = state.sort == Sort::Worst && !state.reversed;
    text::sorted(column.title, column.title == of && !is_default, state.reversed)
}

impl<'a> Listed<'a> {
    fn of(state: &'a State, subject: &'a Subject, report: &'a Report) -> Self {
        let binding = match subject {
            Subject::Binding(it) => state.inventory.binding(it),
            Subject::Group(_) => None,
        };
        Self { state, subject, report, binding }
    }
}

fn verdict(it: &Listed<'_>) -> String {
    // While it goes, that is what counts of it; its board says both.
    let word = if it.report.deleting.is_some() { "deleting" } else { it.report.verdict.word.text() };
    word.to_owned()
}

fn name(line: &Listed<'_>) -> String {
    let Subject::Binding(it) = line.subject else { return "– no binding".to_owned() };
    let opening = &line.state.opening;
    let name = match (&opening.namespace, it.api) {
        (Some(_), BindingApi::LoadBalancerController) => it.name.clone(),
        (None, BindingApi::LoadBalancerController) => state::name(line.subject),
        (_, BindingApi::AutoMode) => format!("{} (Auto Mode)", state::name(line.subject)),
    };
    match opening.contexts.len() {
        0 | 1 => name,
        _ => format!("{}: {name}", it.cluster.short()),
    }
}

fn service(it: &Listed<'_>) -> String {
    it.binding.map_or_else(String::new, |it| format!("{}:{}", it.service, it.port))
}

fn group(it: &Listed<'_>) -> String {
    it.report.group.as_ref().map_or_else(|| "–".to_owned(), |it| it.name().to_owned())
}

fn in_service(it: &Listed<'_>) -> String {
    let counts = &it.report.counts;
    if it.report.is_unread() {
        return format!("?/{}", if it.binding.is_some() { counts.wanted } else { counts.registered });
    }
    match it.binding {
        Some(_) => format!("{}/{}", counts.in_service, counts.wanted),
        None => format!("{}/{}", counts.healthy, counts.registered),
    }
}

/// The share of the requests of the rules that lead there.
fn traffic(it: &Listed<'_>) -> String {
    it.report.routes.share()
}

fn settled(it: &Listed<'_>) -> String {
    match it.report.settled.value {
        _ if it.binding.is_none() => "",
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    }
    .to_owned()
}

fn problems(it: &Listed<'_>) -> String {
    match it.report.counts.problems {
        0 => String::new(),
        n => n.to_string(),
    }
}

fn why(it: &Listed<'_>) -> String {
    it.report.verdict.sentence.clone()
}

fn style(theme: &Theme, tone: Tone, report: &Report) -> Style {
    match tone {
        Tone::Verdict if report.deleting.is_some() => theme.bad,
        Tone::Verdict => theme.verdict(report.verdict.word, report.verdict.neutral),
        Tone::Problem => theme.bad,
        Tone::Remark => theme.dim,
        Tone::Plain => theme.plain,
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
    if let Some(selector) = &state.opening.selector {
        return vec![nothing_matches(state.opening.namespace.as_deref(), Some(selector))];
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
