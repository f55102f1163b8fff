//! What lies on top of a view: the help, made of the action table, and everything known about one row or
//! binding.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Block;
use ratatui::widgets::Clear;
use ratatui::widgets::Widget;
use unicode_width::UnicodeWidthStr;

use super::text;
use crate::app::State;
use crate::app::action::Family;
use crate::app::action::TABLE;
use crate::app::dialog;
use crate::app::foot;
use crate::app::foot::Hint;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::lineage;
use crate::domain::facts::time::age;
use crate::domain::inventory::routes::Route;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::standing::Standing;
use crate::domain::wording::board;
use crate::domain::wording::columns;
use crate::domain::wording::columns::ColumnId;
use crate::domain::wording::columns::NOTHING;
use crate::domain::wording::explanation::Explanation;
use crate::domain::wording::glossary::GLOSSARY;
use crate::domain::wording::health;
use crate::domain::wording::pod;
use crate::domain::wording::words;
use crate::tui::theme::Theme;

pub(super) type Lines = Vec<(String, Style)>;

pub(super) fn help(state: &State, theme: &Theme, scroll: u16, area: Rect, buffer: &mut Buffer) {
    let mut lines: Lines = Vec::new();
    for family in Family::ALL {
        lines.push((family.title().to_owned(), theme.title));
        for row in TABLE.iter().filter(|it| it.family == family) {
            let keys: Vec<String> = row.keys.iter().map(ToString::to_string).collect();
            lines.push((format!("  {:<14} {}", keys.join(" "), row.help), theme.plain));
        }
    }
    lines.push((String::new(), theme.plain));
    lines.push(("Standings".to_owned(), theme.title));
    for standing in Standing::ALL {
        let text = format!("  {} {:<12} {}", standing.glyph(), standing.word(), standing.meaning());
        lines.push((text, theme.standing(standing, false)));
    }
    lines.push((String::new(), theme.plain));
    lines.push(("Words".to_owned(), theme.title));
    lines.extend(GLOSSARY.iter().map(|(word, meaning)| (format!("  {word:<16} {meaning}"), theme.plain)));
    lines.push((String::new(), theme.plain));
    for (title, rows) in dialog::sections() {
        lines.push((title.to_owned(), theme.title));
        lines.extend(rows.into_iter().map(|(keys, help)| (format!("  {keys:<14} {help}"), theme.plain)));
    }
    show(state, "Help", theme, (lines, scroll), (area, buffer));
}

pub(super) fn details(state: &State, theme: &Theme, scroll: u16, area: Rect, buffer: &mut Buffer) {
    let Some(report) = state.report() else {
        return show(
            state,
            "Details",
            theme,
            (vec![("nothing is selected".to_owned(), theme.dim)], scroll),
            (area, buffer),
        );
    };
    let (title, lines) = match state.row() {
        Some(row) => (format!("Details · {}", row.key), row_lines(state, theme, report, row)),
        None => (format!("Details · {}", state.called(&report.subject)), report_lines(state, theme, report)),
    };
    show(state, &title, theme, (lines, scroll), (area, buffer));
}

fn said(theme: &Theme, words: Explanation) -> Lines {
    let next = words.next.map(|it| (format!("next: {it}"), theme.plain));
    let facts = words.facts.into_iter().map(|it| (it, theme.plain));
    std::iter::once((words.headline, theme.title)).chain(facts).chain(next).collect()
}

fn row_lines(state: &State, theme: &Theme, report: &Report, row: &Row) -> Lines {
    let context = state.context(report);
    let mut lines = said(theme, words::of_row(row, &state.around(report)));
    lines.push((String::new(), theme.plain));
    let mut fact = |name: &str, value: String| lines.push((format!("{name:<16} {value}"), theme.plain));
    fact("standing", format!("{} {}", row.standing.glyph(), row.standing.word()));
    let since = row.since.map(|at| age(context.now.since(at)));
    fact("since", since.unwrap_or_else(|| "before we looked".to_owned()));
    for column in &columns::COLUMNS {
        let value = (column.text)(row, &context);
        // The zone is said in whole below.
        let is_said = matches!(column.id, ColumnId::Standing | ColumnId::Zone);
        if value != NOTHING && !value.is_empty() && !is_said {
            fact(&column.title.to_lowercase(), value);
        }
    }
    if let Some(side) = &row.endpoint {
        let yes =
            |value: Option<bool>| value.map_or(NOTHING, |it| if it { "true" } else { "false" }).to_owned();
        fact("slice ready", yes(side.ready));
        fact("slice serving", yes(side.serving));
        fact("terminating", yes(side.terminating));
        if let Some(uid) = &side.uid {
            fact("pod uid", uid.0.to_string());
        }
        if let Some(at) = side.created {
            fact("pod age", age(context.now.since(at)));
        }
        if let Some(message) = side.wait.as_ref().and_then(|it| it.message.clone()) {
            fact("message", message.to_string());
        }
        if !side.pods.is_empty() {
            fact("pods", side.pods.join(" "));
        }
    }
    for (name, value) in pod_of(state, report, row).map(|it| pod::facts(it, context.now)).unwrap_or_default()
    {
        fact(name, value);
    }
    if let Some(it) = node_state(state, report, row) {
        fact("node state", it);
    }
    if let Some(target) = &row.target {
        if let Some(zone) = &target.zone {
            fact("zone", zone.to_string());
        }
        if let Some(port) = &target.health_port {
            fact("checked on port", port.to_string());
        }
    }
    for other in &row.others {
        fact("also", other.pod.clone().unwrap_or_else(|| NOTHING.to_owned()));
    }
    lines
}

/// How the node a row is on, or is, stands, as it says itself.
fn node_state(state: &State, report: &Report, row: &Row) -> Option<String> {
    let Subject::Binding(reference) = &report.subject else { return None };
    let name = row.endpoint.as_ref()?.node.as_ref()?;
    let node = state.inventory.cluster(&reference.cluster)?.nodes.get(&**name)?;
    let ready = match node.ready {
        Some(Status::True) => "Ready",
        Some(Status::False) => "not Ready",
        Some(Status::Unknown) | None => "Ready unknown: it does not report",
    };
    Some(format!("{ready}{}", if node.unschedulable { ", cordoned" } else { "" }))
}

/// The pod a row is about, as it was read.
fn pod_of<'a>(state: &'a State, report: &Report, row: &Row) -> Option<&'a Pod> {
    let Subject::Binding(reference) = &report.subject else { return None };
    let (name, uid) = (row.endpoint.as_ref()?.pod.as_ref()?, row.uid()?);
    let cluster = state.inventory.cluster(&reference.cluster)?;
    cluster.pods.get(&ObjectName::new(&reference.namespace, name)).filter(|it| it.uid == *uid)
}

fn report_lines(state: &State, theme: &Theme, report: &Report) -> Lines {
    let now = state.shown_now();
    let mut lines =
        said(theme, board::of_report(report, (state.known_group(report), &state.opening.manner), now));
    lines.push((String::new(), theme.plain));
    lines.push((board::of_controller(&report.controller, now), theme.plain));
    let facts = [group_facts(state, report), binding_facts(state, report), route_facts(report)];
    let caller = state.inventory.caller.as_ref().map(|it| ("as", it.arn.clone()));
    let profile = state.aws.as_ref().and_then(|it| Some(("profile", it.profile.clone()?)));
    let facts = facts.into_iter().flatten().chain(caller).chain(profile);
    lines.extend(facts.map(|(name, value)| (format!("{name:<16} {value}"), theme.plain)));
    lines
}

/// Names of facts with what is known of them.
type Facts = Vec<(&'static str, String)>;

fn group_facts(state: &State, report: &Report) -> Facts {
    let Some(arn) = &report.group else { return Vec::new() };
    let mut facts = vec![("target group", arn.to_string())];
    if let Some(group) = state.target_group(report) {
        facts.push(("health check", health::describe_check(&group.check)));
        facts.extend(group.control_port.map(|it| ("control port", it.to_string())));
        facts.extend(group.vpc.iter().map(|it| ("vpc", it.to_string())));
    }
    let tags = state.known_group(report).and_then(|it| it.tags.as_ref());
    let maker = tags.map(|it| {
        lineage::of_tags(it)
            .map_or_else(|| "a person, or a tool that leaves no tag".to_owned(), |it| it.text())
    });
    facts.extend(maker.map(|it| ("group made by", it.trim_start_matches("made by ").to_owned())));
    let attributes = state.known_group(report).and_then(|it| it.attributes.as_ref());
    facts.extend(attributes.map(|it| ("deregistration", format!("{} s", it.deregistration_delay()))));
    facts
}

fn binding_facts(state: &State, report: &Report) -> Facts {
    let Subject::Binding(reference) = &report.subject else { return Vec::new() };
    let Some(binding) = state.inventory.binding(reference) else { return Vec::new() };
    let networking = match binding.networking {
        true => "kept by the controller",
        false => "none: the controller adds no security-group rule",
    };
    let mut facts = vec![
        ("binding", format!("{} {}", binding.api.version(), binding.name)),
        (
            "made by",
            binding.maker().map_or_else(
                || "a person, or a tool that leaves no label".to_owned(),
                |it| it.text().trim_start_matches("made by ").to_owned(),
            ),
        ),
        ("multi-cluster", binding.multi_cluster.to_string()),
        ("networking", networking.to_owned()),
    ];
    if let Some((role, _)) = binding.role().filter(|_| !state.opening.manner.stays_itself) {
        facts.push(("read as", format!("{role}, which it names (--no-assume-role reads as yourself)")));
    }
    let now = state.shown_now();
    facts.extend(binding.checkpoint_at.map(|at| ("checkpoint", format!("{} ago", age(now.since(at))))));
    facts
}

fn route_facts(report: &Report) -> Facts {
    let line = |route: &Route| {
        let protocol = route.protocol.as_deref().unwrap_or("?");
        let port = route.port.map_or_else(String::new, |it| it.to_string());
        let Route { load_balancer, rule, weight, .. } = route;
        format!("{load_balancer} ▸ {protocol}:{port} ▸ {rule} · weight {weight} ({} %)", route.percent())
    };
    report.routes.list().iter().map(|it| ("route", line(it))).collect()
}

/// Keys and their hints, one after the other.
pub(super) fn joined<'a>(hints: impl IntoIterator<Item = &'a Hint>) -> String {
    let parts: Vec<String> = hints.into_iter().map(|it| format!("{} {}", it.key, it.text)).collect();
    parts.join(" · ")
}

/// The foot of a dialog: what is typed, then the keys.
pub(super) fn foot<'a>(typing: Option<&str>, hints: impl IntoIterator<Item = &'a Hint>) -> String {
    let hints = joined(hints);
    let parts: Vec<&str> = typing.into_iter().chain([hints.as_str()]).filter(|it| !it.is_empty()).collect();
    format!(" {} ", parts.join(" · "))
}

/// A box over everything, with what fits of the lines from `scroll` on.
fn show(
    state: &State,
    title: &str,
    theme: &Theme,
    (lines, scroll): (Lines, u16),
    (area, buffer): (Rect, &mut Buffer),
) {
    framed(title, theme, (lines, scroll), &foot(None, &foot::hints(state)), (area, buffer));
}

/// Cells of a line in such a box.
pub(super) fn room(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(4).min(110).saturating_sub(4))
}

/// The same, with other keys at its foot.
pub(super) fn framed(
    title: &str,
    theme: &Theme,
    (lines, scroll): (Lines, u16),
    keys: &str,
    (area, buffer): (Rect, &mut Buffer),
) {
    let width = area.width.saturating_sub(4).min(110);
    let room = usize::from(width.saturating_sub(4));
    let broken: Lines = lines
        .into_iter()
        .flat_map(|(line, style)| hanging(&line, room).into_iter().map(move |it| (it, style)))
        .collect();
    // No larger than what it says: what lies under it goes on living.
    let needed = u16::try_from(broken.len() + 2).unwrap_or(u16::MAX);
    let height = area.height.saturating_sub(2).min(needed);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + 1, width, height };
    Clear.render(place, buffer);
    let shown = usize::from(height.saturating_sub(2));
    let first = usize::from(scroll).min(broken.len().saturating_sub(shown));
    let more = broken.len().saturating_sub(first + shown);
    let bottom = match (first, more) {
        (0, 0) => keys.to_owned(),
        (_, 0) => format!(" ↑ ·{keys}"),
        (_, more) => format!(" ↓{more} ·{keys}"),
    };
    let block = Block::bordered()
        .title(Span::styled(format!(" {} ", text::end(title, room)), theme.title))
        .title_bottom(Line::from(Span::styled(bottom, theme.dim)).right_aligned());
    let inside = block.inner(place);
    block.render(place, buffer);
    for (n, (line, style)) in broken.into_iter().skip(first).take(shown).enumerate() {
        let y = inside.y + u16::try_from(n).unwrap_or(0);
        buffer.set_stringn(inside.x + 1, y, line, room, style);
    }
}

/// Cells a long word is indented by.
const SHALLOW: usize = 2;

/// A line broken so that what follows hangs under its text, not under the name before it.
fn hanging(line: &str, room: usize) -> Vec<String> {
    if line.width() <= room {
        return vec![line.to_owned()];
    }
    let text_at = line.trim_start().find("  ").map_or(0, |gap| {
        let start = line.len() - line.trim_start().len() + gap;
        start + line.get(start..).map_or(0, |rest| rest.len() - rest.trim_start().len())
    });
    let short = line.width() - line.trim_start().width();
    let (head, text) = line.split_at(text_at);
    let indent = if text_at == 0 { short } else { head.width() };
    let longest = text.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or(0);
    if text_at > 0 && longest > room.saturating_sub(indent) && longest + SHALLOW <= room {
        // Better on a line of its own than broken where nobody can copy it: an ARN.
        let pad = " ".repeat(SHALLOW);
        let rest = text::wrap(text, room - SHALLOW).into_iter().map(|it| format!("{pad}{it}"));
        return std::iter::once(head.trim_end().to_owned()).chain(rest).collect();
    }
    let broken = text::wrap(text, room.saturating_sub(indent));
    let pad = " ".repeat(indent);
    broken
        .into_iter()
        .enumerate()
        .map(|(n, it)| if n == 0 && text_at > 0 { format!("{head}{it}") } else { format!("{pad}{it}") })
        .collect()
}
