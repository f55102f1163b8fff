//! The two lines on top: who and where we are; the verdict, and how fresh it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Widget;

use super::text;
use crate::app::State;
use crate::app::state;
use crate::app::state::Board;
use crate::app::state::View;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::time::Timestamp;
use crate::domain::facts::time::age;
use crate::domain::inventory::Freshness;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::standing::VerdictKind;
use crate::domain::wording::columns;
use crate::tui::theme::Theme;

pub(super) fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let first = Rect { height: 1, ..area };
    // Where room is short, less is said on the left and on the right in turn: what is open comes last.
    // Which account is written to is said as long as it can be.
    fitting(
        &[0, 1, 2].map(|n| (n, where_we_are(state, theme, n))),
        &[0, 1, 3, 4].map(|n| (n, aws(state, theme, n))),
        (first, buffer),
    );
    let second = Rect { y: area.y + 1, height: 1, ..area };
    let sides = [("k8s ", kubernetes(state, theme)), (" · aws ", targets(state, theme))];
    fitting(
        &[0, 1, 2].map(|n| (n, verdict(state, theme, n))),
        &[0, 1].map(|n| (n, freshness(state, theme, &sides, n))),
        (second, buffer),
    );
}

/// The fullest of some ways to say two things on one line that fits, by how much each leaves out.
fn fitting(lefts: &[(u8, Line<'_>)], rights: &[(u8, Line<'_>)], (area, buffer): (Rect, &mut Buffer)) {
    let room = usize::from(area.width).saturating_sub(1);
    let mut ways: Vec<_> = lefts.iter().flat_map(|left| rights.iter().map(move |it| (left, it))).collect();
    ways.sort_by_key(|((l, _), (r, _))| (l + r, *l));
    let fits = ways.iter().find(|((_, left), (_, right))| left.width() + right.width() <= room);
    if let Some(((_, left), (_, right))) = fits.or(ways.last()) {
        both(left.clone(), right.clone(), area, buffer);
    }
}

/// Two lines on one: the right one keeps its place and the left one is cut, but never to less than half.
pub(super) fn both(left: Line<'_>, right: Line<'_>, area: Rect, buffer: &mut Buffer) {
    let cells = |line: &Line<'_>| u16::try_from(line.width()).unwrap_or(area.width).min(area.width);
    let unneeded = area.width.saturating_sub(cells(&left) + 1);
    let width = cells(&right).min(unneeded.max(area.width / 2));
    let rest = area.width.saturating_sub(width + 1);
    let cut = left.width() > usize::from(rest);
    left.render(Rect { width: rest, ..area }, buffer);
    if cut && let Some(cell) = rest.checked_sub(1).and_then(|at| buffer.cell_mut((area.x + at, area.y))) {
        cell.set_symbol("…");
    }
    right.render(Rect { x: area.x + area.width - width, width, ..area }, buffer);
}

fn where_we_are<'a>(state: &State, theme: &Theme, short: u8) -> Line<'a> {
    // A board is of one cluster, a list of all of them.
    let own = match &state.view {
        View::Board(Subject::Binding(it)) if state.opening.contexts.len() > 1 => Some(&it.cluster),
        _ => None,
    };
    let context = own.or(state.opening.contexts.first()).map_or("in-cluster", ClusterId::short).to_owned();
    let context = if short > 0 { text::middle(&context, 12) } else { context };
    let context = match state.opening.contexts.len() {
        2.. if own.is_none() => format!("{context} +{}", state.opening.contexts.len() - 1),
        _ => context,
    };
    let namespace = state.opening.namespace.clone().unwrap_or_else(|| "all namespaces".to_owned());
    let what = match &state.view {
        View::Bindings => "bindings".to_owned(),
        View::Board(subject) => match subject {
            Subject::Binding(it) if state.opening.namespace.is_some() => it.name.clone(),
            other => state::name(other),
        },
    };
    let place = match short {
        0 | 1 => format!(" {context} · {namespace} · "),
        // Which cluster and which account come last of all.
        _ => format!(" {context} · "),
    };
    let mut spans = vec![Span::styled(" tgscope ", theme.title)];
    if let Some(demo) = &state.opening.demo {
        let demo = if short > 1 { "DEMO".to_owned() } else { format!("DEMO {demo}") };
        spans.push(Span::styled(demo, theme.warn));
        spans.push(Span::raw(" "));
    }
    if state.opening.read_only {
        spans.push(Span::styled("READ ONLY", theme.warn));
        spans.push(Span::raw(" "));
    } else if state.opening.contexts.iter().any(|it| state.opening.protected.contains(it)) {
        spans.push(Span::styled("PROTECTED", theme.warn));
        spans.push(Span::raw(" "));
    }
    spans.extend(exposed(state).map(|it| Span::styled(it, theme.warn)));
    spans.extend([Span::raw(place), Span::styled(what, theme.title)]);
    Line::from(spans)
}

/// Clusters whose identity is not made sure of; which of them, where there are several.
fn exposed(state: &State) -> impl Iterator<Item = String> {
    let several = state.opening.contexts.len() > 1;
    state.opening.exposed.iter().map(move |(cluster, how)| match several {
        true => format!("{}: {} ", text::middle(&cluster.0, 12), how.to_uppercase()),
        false => format!("{} ", how.to_uppercase()),
    })
}

fn aws<'a>(state: &State, theme: &Theme, short: u8) -> Line<'a> {
    let mut spans = Vec::new();
    let arn = state.report().and_then(|it| it.group.clone());
    let account = arn.as_ref().map(|it| it.account().to_owned());
    let account = account.or_else(|| state.inventory.caller.as_ref().map(|it| it.account.clone()));
    let region = arn.as_ref().map(|it| it.region().to_owned());
    let region = region.or_else(|| state.aws.as_ref().and_then(|it| it.region.clone()));
    let place: Vec<String> = match short {
        0 | 1 => [account, region].into_iter().flatten().collect(),
        3 => region.into_iter().collect(),
        _ => Vec::new(),
    };
    spans.push(Span::raw(place.join(" ")));
    // Never left out: calls that go elsewhere than to AWS must be seen to. A demo says so by itself.
    let endpoint = state.aws.as_ref().and_then(|it| it.endpoint.as_ref());
    if let Some(endpoint) = endpoint.filter(|_| state.opening.demo.is_none()) {
        let host = endpoint.split("://").last().unwrap_or_default().to_owned();
        // Without TLS the whole of it is said.
        let endpoint = if short > 0 && !endpoint.starts_with("http:") { host } else { endpoint.clone() };
        spans.push(Span::styled(format!(" {endpoint}"), theme.warn));
    }
    spans.push(Span::raw(" "));
    Line::from(spans)
}

fn verdict<'a>(state: &State, theme: &Theme, short: u8) -> Line<'a> {
    let Some(report) = state.report().filter(|_| matches!(state.view, View::Board(_))) else {
        return summary(state, theme);
    };
    let verdict = &report.verdict;
    let style = theme.verdict(verdict.word, verdict.neutral);
    let mut spans =
        vec![Span::styled(format!(" {} ", verdict.word.text().to_uppercase()), style.patch(theme.title))];
    let counts = &report.counts;
    let unread = report.is_unread();
    spans.push(Span::raw(match counts.wanted {
        0 => format!(" {} healthy", counts.healthy),
        wanted if unread => format!(" ? of {wanted}"),
        wanted => format!(" {} of {wanted}", counts.in_service),
    }));
    for zone in report.zones.iter().filter(|_| short < 2 && !unread) {
        let is_whole = zone.serving == zone.wanted;
        let style = match zone.wanted {
            0 => theme.dim,
            _ if is_whole => theme.plain,
            _ => theme.warn,
        };
        let name = columns::short_zone(&zone.zone);
        spans.push(Span::styled(format!(" · {name} {}/{}", zone.serving, zone.wanted), style));
    }
    if matches!(report.subject, Subject::Group(_)) {
        return Line::from(spans);
    }
    if let Some(deleting) = &report.deleting {
        let since = age(state.shown_now().since(deleting.since));
        spans.insert(0, Span::styled(format!(" DELETING {since} "), theme.bad));
    }
    spans.push(match (report.settled.value, short) {
        (Some(true), _) => Span::styled(" · settled", theme.good),
        (Some(false), 0) => Span::raw(" · not settled"),
        (Some(false), _) => Span::raw(" · unsettled"),
        (None, _) => Span::raw(" · settled?"),
    });
    Line::from(spans)
}

/// Of a list: how many of what.
fn summary<'a>(state: &State, theme: &Theme) -> Line<'a> {
    let mut spans = vec![Span::raw(" ")];
    let is_going = |it: &&Board| it.report.deleting.is_some();
    let n_going = state.boards.values().filter(is_going).count();
    if n_going > 0 {
        spans.push(Span::styled(format!("{n_going} deleting  "), theme.bad));
    }
    for word in VerdictKind::ALL {
        let found =
            || state.boards.values().filter(|it| it.report.word() == word && it.report.deleting.is_none());
        let n = found().count();
        if n > 0 {
            let neutral = found().all(|it| it.report.verdict.neutral);
            spans.push(Span::styled(format!("{n} {}  ", word.text()), theme.verdict(word, neutral)));
        }
    }
    Line::from(spans)
}

fn freshness<'a>(state: &State, theme: &Theme, sides: &[(&str, (String, Style)); 2], short: u8) -> Line<'a> {
    let mut spans = Vec::new();
    if let Some(since) = state.frozen {
        spans.push(Span::styled(
            format!("FROZEN {} ", age(state.now.since(since))),
            theme.warn.patch(theme.title),
        ));
    }
    spans.extend(sides.iter().map(|(side, (text, style))| Span::styled(format!("{side}{text}"), *style)));
    let calls = if short > 0 { String::new() } else { format!(" · {}/min", state.calls_a_minute()) };
    spans.push(Span::raw(calls + " "));
    Line::from(spans)
}

/// The worst of the kinds a judgement needs.
fn kubernetes(state: &State, theme: &Theme) -> (String, Style) {
    let needed = |kind: Kind| matches!(kind, Kind::Pods | Kind::Services | Kind::Slices | Kind::Bindings(_));
    let of_kind = state
        .inventory
        .sources
        .iter()
        .filter(|(source, _)| matches!(source, Source::Kubernetes(_, kind) if needed(*kind)));
    let mut n_read = 0;
    for (_, freshness) in of_kind {
        if freshness.failed.is_some() {
            return failed(freshness, state.shown_now(), theme);
        }
        n_read += u32::from(freshness.read.is_some());
    }
    match n_read {
        0..4 => ("reading…".to_owned(), theme.dim),
        _ => ("live".to_owned(), theme.good),
    }
}

/// How a failed source stands: since when, and why.
pub(super) fn failed(freshness: &Freshness, now: Timestamp, theme: &Theme) -> (String, Style) {
    let word = freshness.failed.as_ref().map_or("", |(_, it)| it.kind.word());
    match freshness.read {
        Some(read) => (format!("stale {} · {word}", age(now.since(read))), theme.bad),
        None => (word.to_owned(), theme.bad),
    }
}

fn targets(state: &State, theme: &Theme) -> (String, Style) {
    let arns: Vec<_> = match &state.view {
        View::Board(_) => state.report().and_then(|it| it.group.as_ref()).into_iter().collect(),
        View::Bindings => state.boards.values().filter_map(|it| it.report.group.as_ref()).collect(),
    };
    let (mut oldest, mut unread) = (None, 0);
    let all = arns.len();
    for arn in arns {
        match state.inventory.freshness(&Source::Targets(arn.clone())) {
            Some(freshness) if freshness.failed.is_some() && unread == 0 => {
                return failed(freshness, state.shown_now(), theme);
            }
            Some(freshness) => oldest = [oldest, freshness.read].into_iter().flatten().min(),
            None => unread += 1,
        }
    }
    match oldest {
        _ if unread > 0 && all > 1 => (format!("{} of {all} read", all - unread), theme.dim),
        _ if unread > 0 => ("reading…".to_owned(), theme.dim),
        Some(read) => (age(state.shown_now().since(read)), theme.plain),
        None => (text::end("–", 1), theme.dim),
    }
}
