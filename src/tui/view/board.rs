//! The board: pods and endpoints on the left, targets on the right, what they come to in between, one row a
//! line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Block;
use ratatui::widgets::Widget;
use unicode_width::UnicodeWidthStr;

use super::header;
use super::place;
use super::place::Wish;
use super::text;
use crate::app::Measured;
use crate::app::State;
use crate::app::state::Pane;
use crate::app::state::Sort;
use crate::domain::facts::cluster::TargetType;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::wording::columns;
use crate::domain::wording::columns::Column;
use crate::domain::wording::columns::ColumnId;
use crate::domain::wording::columns::Context;
use crate::domain::wording::columns::Cut;
use crate::domain::wording::columns::Side;
use crate::domain::wording::columns::Tone;
use crate::domain::wording::health;
use crate::tui::theme::Theme;

/// Cells of the link column: marker, glyph, the longest standing, a flag.
const LINK: u16 = 17;
/// The same where the screen is narrow, and the glyph alone where it is the narrowest; the word then stands
/// in the Why box.
const NARROW_LINK: u16 = 15;
const GLYPH_LINK: u16 = 4;

/// A pane: where it is, what it shows, whether its source has failed.
struct Shown<'a> {
    area: Rect,
    side: Side,
    title: String,
    badge: Option<(String, Style)>,
    columns: Vec<Drawn>,
    /// The endpoints are nodes.
    nodes: bool,
    rows: &'a [&'a Row],
}

/// A column with its width and one cell for each row on show.
struct Drawn {
    column: &'static Column,
    width: u16,
    cells: Vec<String>,
}

/// What a pane might show: each column with one cell for each row on show, and what it needs.
#[derive(Default)]
struct Candidates {
    cells: Vec<(&'static Column, Vec<String>)>,
    wishes: Vec<Wish>,
}

/// Cells of a pane that no column has: borders and margins.
const FRAME: u16 = 4;

/// The rows that cells are made of.
#[derive(Clone, Copy)]
struct Rows<'a> {
    visible: &'a [&'a Row],
    /// As much of the first screenful as is scrolled away. It is measured too, so that columns hold still while one
    /// scrolls; measuring every row would be felt in large groups.
    first: &'a [&'a Row],
}

pub(super) fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Measured {
    let Some(board) = state.board() else {
        Line::raw(" this binding does not exist any more; Esc goes back to the list").render(area, buffer);
        return Measured::default();
    };
    let report = &board.report;
    let rows = state.rows();
    let context = state.context(report);
    let link = match area.width {
        ..72 => GLYPH_LINK,
        72..100 => NARROW_LINK,
        _ => LINK,
    };
    let height = usize::from(area.height.saturating_sub(3));
    let selected = state.selected.as_ref().and_then(|key| rows.iter().position(|row| row.key == *key));
    let top = place::top(rows.len(), selected, height);
    let visible = rows.get(top..rows.len().min(top + height)).unwrap_or_default();
    let measured = Rows { visible, first: rows.get(..top.min(height)).unwrap_or_default() };
    let [left, right] =
        [Side::Endpoint, Side::Target].map(|side| candidates(state, side, (report, measured, &context)));
    let needed = left.measured().chain(right.measured()).collect();
    let panes = areas(state, area, link, (place::needed(&left.wishes), place::needed(&right.wishes)));
    for ((side, area), candidates) in panes.into_iter().zip([left, Candidates::default(), right]) {
        let Some(area) = area else { continue };
        match side {
            Side::Link => links(theme, area, (visible, state.selected.as_ref()), buffer),
            side => {
                pane(&shown(state, theme, (side, area), (report, visible), candidates), theme, state, buffer)
            }
        }
    }
    if let Some(at) = selected.and_then(|it| it.checked_sub(top)).filter(|it| *it < height) {
        // One bar through both panes and what is between them.
        let y = area.y + 2 + u16::try_from(at).unwrap_or(0);
        let (left, right) = match (state.zoom, state.pane) {
            (false, _) => (1, 1),
            (true, Pane::Endpoints) => (1, 0),
            (true, Pane::Targets) => (0, 1),
        };
        let bar = Rect { x: area.x + left, y, width: area.width.saturating_sub(left + right), height: 1 };
        buffer.set_style(bar, theme.selected);
    }
    let below = rows.len().saturating_sub(top + visible.len());
    let text = match (top, below) {
        (0, 0) => String::new(),
        (above, below) => format!(" ↑{above} ↓{below} "),
    };
    let width = u16::try_from(text.chars().count()).unwrap_or(0);
    let corner = Rect {
        x: area.x + area.width.saturating_sub(width + 2),
        y: area.y + area.height - 1,
        width,
        height: 1,
    };
    Line::from(Span::styled(text, theme.dim)).render(corner, buffer);
    needed
}

/// Left, link and right; zoomed, one pane and the link. The panes are of one width unless one of them needs more.
fn areas(state: &State, area: Rect, link: u16, needed: (u16, u16)) -> [(Side, Option<Rect>); 3] {
    let at = |x: u16, width: u16| Some(Rect { x: area.x + x, width, ..area });
    let rest = area.width - link;
    let left = place::share(rest, needed.0 + FRAME, needed.1 + FRAME);
    match (state.zoom, state.pane) {
        (false, _) => [
            (Side::Endpoint, at(0, left)),
            (Side::Link, at(left, link)),
            (Side::Target, at(left + link, rest - left)),
        ],
        (true, Pane::Endpoints) => {
            [(Side::Endpoint, at(0, rest)), (Side::Link, at(rest, link)), (Side::Target, None)]
        }
        (true, Pane::Targets) => {
            [(Side::Endpoint, None), (Side::Link, at(0, link)), (Side::Target, at(link, rest))]
        }
    }
}

fn shown<'a>(
    state: &State,
    theme: &Theme,
    (side, area): (Side, Rect),
    (report, rows): (&Report, &'a [&'a Row]),
    candidates: Candidates,
) -> Shown<'a> {
    let title = match side {
        Side::Endpoint => endpoint_title(state, report),
        _ => target_title(state, report),
    };
    let badge = match side {
        Side::Endpoint => kubernetes_badge(state, theme, report),
        _ => targets_badge(state, theme, report),
    };
    let widths = place::widths(&candidates.wishes, area.width.saturating_sub(FRAME));
    let columns = candidates
        .cells
        .into_iter()
        .zip(widths)
        .filter_map(|((column, cells), width)| Some(Drawn { column, width: width?, cells }))
        .collect();
    Shown { area, side, title, badge, columns, nodes: is_of_nodes(state, report), rows }
}

/// The columns of a side, with their cells. No column needs less than in the frames before.
fn candidates(
    state: &State,
    side: Side,
    (report, rows, context): (&Report, Rows<'_>, &Context),
) -> Candidates {
    // Where nodes are the endpoints, the first column names them.
    let of_nodes = is_of_nodes(state, report);
    let shown = columns::of(side, true).filter(|it| !(of_nodes && it.id == ColumnId::Node));
    let (wishes, cells) = shown
        .map(|column| {
            let texts = |rows: &[&Row]| rows.iter().map(|row| (column.text)(row, context)).collect();
            let (cells, first): (Vec<String>, Vec<String>) = (texts(rows.visible), texts(rows.first));
            let title = titled(state, column.title, column.id);
            let all = cells.iter().chain(&first).map(String::as_str).chain([title.as_str()]);
            let wish = Wish {
                least: column.least,
                grows: column.grows,
                priority: column.priority,
                identity: column.identity,
                spare: column.wide && !state.zoom,
                widest: place::widest(all).max(state.widths.held(state.shown(), column.title)),
            };
            (wish, (column, cells))
        })
        .unzip();
    Candidates { cells, wishes }
}

impl Candidates {
    fn measured(&self) -> impl Iterator<Item = (&'static str, u16)> {
        self.cells.iter().zip(&self.wishes).map(|((column, _), wish)| (column.title, wish.widest))
    }
}

fn pane(shown: &Shown<'_>, theme: &Theme, state: &State, buffer: &mut Buffer) {
    let active =
        matches!((shown.side, state.pane), (Side::Endpoint, Pane::Endpoints) | (Side::Target, Pane::Targets));
    let border = if active { theme.plain } else { theme.dim };
    let room = usize::from(shown.area.width)
        .saturating_sub(4 + shown.badge.as_ref().map_or(0, |it| it.0.chars().count() + 3));
    let mut block = Block::bordered()
        .border_style(border)
        .title(Span::styled(format!(" {} ", text::end(&shown.title, room)), theme.title));
    if let Some((badge, style)) = &shown.badge {
        block = block.title(Line::from(Span::styled(format!(" {badge} "), *style)).right_aligned());
    }
    let inside = block.inner(shown.area);
    block.render(shown.area, buffer);
    let rows = shown.rows;
    let mut x = inside.x + 1;
    for Drawn { column, width, cells } in &shown.columns {
        let room = usize::from(*width);
        let title = if shown.nodes && column.id == ColumnId::Pod { "NODE" } else { column.title };
        let title = titled(state, title, column.id);
        buffer.set_stringn(x, inside.y, text::end(&title, room), room, theme.dim);
        for (y, (row, cell)) in (inside.y + 1..).zip(rows.iter().zip(cells)) {
            let style = style(theme, column.tone, row, shown.badge.is_some());
            buffer.set_stringn(x, y, cut(cell, column.cut, room), room, style);
        }
        x += width + 1;
    }
    for (n, _) in rows.iter().enumerate().filter(|(_, row)| state.changes.marked.contains(&row.key)) {
        let y = inside.y + 1 + u16::try_from(n).unwrap_or(0);
        buffer.set_stringn(inside.x, y, "*", 1, theme.title);
    }
    if rows.is_empty() {
        let text = nothing(state, shown.side);
        for (n, line) in
            text::wrap(&text, usize::from(inside.width.saturating_sub(2))).into_iter().enumerate()
        {
            let y = inside.y + 1 + u16::try_from(n).unwrap_or(0);
            if y < inside.y + inside.height {
                buffer.set_string(inside.x + 1, y, line, theme.dim);
            }
        }
    }
}

/// The title of a column, with a mark where rows stand in its order.
fn titled(state: &State, title: &str, column: ColumnId) -> String {
    let is_sorted = match state.sort {
        Sort::Worst => false,
        Sort::Name => column == ColumnId::Pod,
        Sort::Address => matches!(column, ColumnId::Endpoint | ColumnId::Target),
        Sort::Zone => column == ColumnId::Zone,
    };
    text::sorted(title, is_sorted, state.reversed)
}

/// A cell in its width.
fn cut(cell: &str, cut: Cut, width: usize) -> String {
    match cut {
        Cut::End => text::end(cell, width),
        Cut::Middle if cell.starts_with("ip-") && cell.width() > width => {
            text::middle(cell.split('.').next().unwrap_or_default(), width)
        }
        Cut::Middle => text::middle(cell, width),
    }
}

fn style(theme: &Theme, tone: Tone, row: &Row, failed: bool) -> Style {
    if failed {
        return theme.dim;
    }
    match (tone, &row.target, &row.endpoint) {
        (Tone::Standing, ..) if row.outdated.is_some() => theme.dim,
        (Tone::Standing, ..) => theme.standing(row.standing, row.problem),
        (Tone::Health, Some(target), _) => theme.health(&target.health.state),
        (Tone::Readiness, _, Some(side)) => match (&side.wait, side.ready) {
            (Some(wait), _) if !wait.starting => theme.bad,
            (Some(_), _) => theme.moving,
            (None, Some(false)) => theme.warn,
            (None, _) => theme.plain,
        },
        (Tone::Plain | Tone::Readiness | Tone::Health, ..) => theme.plain,
    }
}

/// The standings between the panes, and which row is selected.
fn links(
    theme: &Theme,
    area: Rect,
    (rows, selected): (&[&Row], Option<&crate::domain::facts::ids::RowKey>),
    buffer: &mut Buffer,
) {
    let none = Context::default();
    for (n, row) in rows.iter().enumerate() {
        let y = area.y + 2 + u16::try_from(n).unwrap_or(0);
        let chosen = selected == Some(&row.key);
        let style = style(theme, Tone::Standing, row, false);
        let texts: String = columns::of(Side::Link, false).map(|it| (it.text)(row, &none)).collect();
        let marker = if chosen { '>' } else { ' ' };
        let width = usize::from(area.width);
        let line = match area.width {
            GLYPH_LINK => {
                format!("{marker}{}{}", row.standing.glyph(), if row.flags.is_empty() { ' ' } else { '*' })
            }
            _ => format!("{marker}{}", text::end(&texts, width.saturating_sub(1))),
        };
        buffer.set_stringn(area.x, y, format!("{line:width$}"), width, style);
    }
}

fn endpoint_title(state: &State, report: &Report) -> String {
    let Subject::Binding(reference) = &report.subject else { return "no binding".to_owned() };
    let Some(binding) = state.inventory.binding(reference) else { return "Pods".to_owned() };
    let service =
        state.inventory.cluster(&reference.cluster).and_then(|it| it.services.get(&binding.service_name()));
    let port = service.and_then(|it| it.port(&binding.port)).and_then(|it| it.target_port.clone());
    let target = port.map_or(String::new(), |it| format!(" → {it}"));
    let what = if is_of_nodes(state, report) { "Nodes" } else { "Pods" };
    format!("{what} · {}:{}{target}", binding.service, binding.port)
}

/// Nodes are registered, not pods.
fn is_of_nodes(state: &State, report: &Report) -> bool {
    let Subject::Binding(reference) = &report.subject else { return false };
    let binding = state.inventory.binding(reference);
    binding.is_some_and(|it| it.target_type == Some(TargetType::Instance))
}

fn target_title(state: &State, report: &Report) -> String {
    let name = report.group.as_ref().map_or_else(|| "no target group".to_owned(), |it| it.name().to_owned());
    let Some(group) = state.target_group(report) else { return format!("Targets · {name}") };
    let protocol = match (&group.protocol, group.port) {
        (Some(protocol), Some(port)) => format!(" {protocol}:{port}"),
        (Some(protocol), None) => format!(" {protocol}"),
        _ => String::new(),
    };
    format!("Targets · {name} · {}{protocol} · {}", group.kind.text(), health::describe_check(&group.check))
}

/// Why the left pane cannot be trusted, if so.
fn kubernetes_badge(state: &State, theme: &Theme, report: &Report) -> Option<(String, Style)> {
    let Subject::Binding(reference) = &report.subject else { return None };
    let kinds = [Kind::Services, Kind::Slices, Kind::Pods, Kind::Bindings(reference.api)];
    let failed = kinds.into_iter().find_map(|kind| {
        let source = Source::Kubernetes(reference.cluster.clone(), kind);
        state.inventory.freshness(&source).filter(|it| it.failed.is_some())
    });
    failed.map(|it| header::failed(it, state.shown_now(), theme))
}

fn targets_badge(state: &State, theme: &Theme, report: &Report) -> Option<(String, Style)> {
    let source = Source::Targets(report.group.clone()?);
    let freshness = state.inventory.freshness(&source).filter(|it| it.failed.is_some())?;
    Some(header::failed(freshness, state.shown_now(), theme))
}

/// What to say where there is no row.
fn nothing(state: &State, side: Side) -> String {
    if !state.filter.is_empty() || state.problems_only {
        return "nothing matches; Esc shows everything".to_owned();
    }
    let Some(report) = state.report() else { return String::new() };
    match (side, &report.subject, &report.backend) {
        (Side::Endpoint, Subject::Group(_), _) => "no binding names this group".to_owned(),
        (Side::Endpoint, _, Backend::ServiceMissing) => "the service does not exist".to_owned(),
        (Side::Endpoint, _, Backend::PortMissing(have)) => {
            format!("the service has no such port; it has {}", have.join(", "))
        }
        (Side::Endpoint, _, Backend::Broken(problem)) => problem.clone(),
        (Side::Endpoint, _, Backend::Unread(_)) => "reading…".to_owned(),
        (Side::Endpoint, _, Backend::Found) => "the service selects no pod".to_owned(),
        (_, _, _) if report.asked.is_none() => "reading…".to_owned(),
        (..) => "no target is registered".to_owned(),
    }
}
