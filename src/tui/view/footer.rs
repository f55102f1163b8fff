//! The two lines at the bottom: how requests reach the group and what the controller does; the keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Widget;
use unicode_width::UnicodeWidthStr;

use super::header;
use super::overlay;
use super::text;
use crate::app::State;
use crate::app::action::Action;
use crate::app::action::ActionRow;
use crate::app::action::Family;
use crate::app::action::TABLE;
use crate::app::changes::Run;
use crate::app::foot;
use crate::app::offered;
use crate::app::state::Dialog;
use crate::app::state::Sort;
use crate::app::state::View;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::time::age;
use crate::domain::inventory::Source;
use crate::domain::inventory::routes::Routes;
use crate::domain::judgement::controller::Activity;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::report::Report;
use crate::domain::wording::board;
use crate::tui::theme::Theme;

pub(super) fn routes(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(report) = state.report() else { return };
    let left = match &report.routes {
        Routes::Unread if report.group_is_gone => {
            Span::styled(" no route: the target group is gone", theme.warn)
        }
        Routes::Unread => match unread(state, report) {
            Some(why) => Span::styled(format!(" routes: {why}"), theme.warn),
            None => Span::styled(" routes: not read yet", theme.dim),
        },
        Routes::Known(routes) => match routes.as_slice() {
            [] => Span::styled(" no listener or rule leads here", theme.warn),
            [first, rest @ ..] => {
                let listener = match (&first.protocol, first.port) {
                    (Some(protocol), Some(port)) => format!("{protocol}:{port}"),
                    _ => "listener".to_owned(),
                };
                let group = report.group.as_ref().map(|it| it.name().to_owned()).unwrap_or_default();
                // Shares that differ are told: the rule on show need not be the one most requests match.
                let other = rest.iter().find(|it| it.percent() != first.percent());
                let more = match (other, rest.len()) {
                    (_, 0) => String::new(),
                    (None, n) => format!(" (+{n} more)"),
                    (Some(it), 1) => format!(" · {} {} %", it.rule, it.percent()),
                    (Some(it), n) => format!(" · {} {} % (+{} more)", it.rule, it.percent(), n - 1),
                };
                Span::raw(format!(
                    " {} ▸ {listener} ▸ {} ▸ {group} {} %{more}",
                    first.load_balancer,
                    first.rule,
                    first.percent()
                ))
            }
        },
    };
    let controller = &report.controller;
    let line = board::of_controller(controller, state.shown_now());
    let style = match (controller.presence, &controller.activity) {
        (Presence::Down, _) | (_, Activity::Failing { .. }) => theme.bad,
        (Presence::Absent, _) | (_, Activity::Behind) => theme.warn,
        _ => theme.plain,
    };
    let room = usize::from(area.width).saturating_sub(left.width().min(usize::from(area.width) / 2) + 2);
    let right = match &report.subject {
        crate::domain::judgement::row::Subject::Binding(_) => {
            Line::from(Span::styled(text::end(&line, room) + " ", style))
        }
        crate::domain::judgement::row::Subject::Group(_) => Line::default(),
    };
    header::both(Line::from(left), right, area, buffer);
}

/// Why the routes could not be read.
fn unread(state: &State, report: &Report) -> Option<&'static str> {
    let hangs_on = state.target_group(report).into_iter().flat_map(|it| it.load_balancers.iter().cloned());
    let of = |it: LoadBalancerArn| [Source::LoadBalancer(it.clone()), Source::Routes(it)];
    let sources = report.group.iter().cloned().map(Source::Group).chain(hangs_on.flat_map(of));
    let failed = |source: Source| Some(state.inventory.freshness(&source)?.failed.as_ref()?.1.kind.word());
    sources.into_iter().find_map(failed)
}

/// A plan that runs, in a few words: what, which step, what is awaited.
fn under_way(state: &State, run: &Run) -> String {
    let (change, key) = (run.plan.change.word(), Action::Runs.key());
    match run.at() {
        None => format!("{change} begins ({key})"),
        Some((step, stage, since)) => format!(
            "{change} {}/{} {} {} ({key})",
            step + 1,
            run.plan.steps.len(),
            stage.word(),
            age(state.now.since(since))
        ),
    }
}

pub(super) fn hints(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(dialog @ Dialog::Filter { .. }) = state.dialogs.last() {
        let keys = overlay::foot(foot::typing(dialog), &foot::hints(state));
        let line = Line::from(vec![
            Span::styled(" / ", theme.title),
            Span::raw(state.filter.clone()),
            Span::styled("▏", theme.title),
            Span::styled(format!(" {keys}"), theme.dim),
        ]);
        line.render(area, buffer);
        return;
    }
    if let Some((text, _)) = &state.status {
        Line::from(Span::styled(format!(" {text}"), theme.warn)).render(area, buffer);
        return;
    }
    let mut shown: Vec<String> = state.changes.running().map(|it| under_way(state, it)).collect();
    if !state.changes.marked.is_empty() {
        shown.push(format!("{} marked", state.changes.marked.len()));
    }
    if !state.filter.is_empty() {
        shown.push(format!("filter {}", state.filter));
    }
    if state.problems_only {
        shown.push("problems only".to_owned());
    }
    if state.sort != Sort::Worst || state.reversed {
        let order = if state.reversed { ", reversed" } else { "" };
        shown.push(format!("by {}{order}", state.sort.word()));
    }
    if matches!(state.view, View::Board(_)) && state.zoom {
        shown.push("zoomed".to_owned());
    }
    let right = match shown.is_empty() {
        true => Line::default(),
        false => Line::from(Span::styled(shown.join(" · ") + " ", theme.warn)),
    };
    let room = usize::from(area.width).saturating_sub(2 + right.width());
    // A dialog takes the keys of the view: its own stand at its foot.
    let left = match state.dialogs.is_empty() {
        true => keys(state, theme, room),
        false => Vec::new(),
    };
    header::both(Line::from(left), right, area, buffer);
}

/// The actions of the footer with their keys, as many as fit: what cannot be done now is left out first, then what
/// only looks.
fn keys<'a>(state: &State, theme: &Theme, room: usize) -> Vec<Span<'a>> {
    let worth = |row: &ActionRow, refused: bool| match (refused, row.family) {
        (_, Family::Program) => 0,
        (true, _) => 4,
        (false, Family::Changes) => 1,
        (false, Family::Views) => 2,
        (false, Family::Looking | Family::Moving) => 3,
    };
    let mut hints: Vec<(u8, String, &str, bool)> = TABLE
        .iter()
        .filter(|it| !it.hint.is_empty())
        .filter_map(|row| {
            let refused = offered::refusal(row.action, state).is_some();
            Some((worth(row, refused), row.keys.first()?.to_string(), row.hint, refused))
        })
        .collect();
    let width = |it: &[(u8, String, &str, bool)]| {
        it.iter().map(|(_, key, hint, _)| key.width() + hint.width() + 3).sum::<usize>()
    };
    while width(&hints) > room {
        let worst = hints.iter().map(|it| it.0).max().unwrap_or(0);
        let Some(at) = hints.iter().rposition(|it| it.0 == worst) else { break };
        hints.remove(at);
    }
    let mut spans = vec![Span::raw(" ")];
    for (_, key, hint, refused) in hints {
        let (key_style, style) = if refused { (theme.dim, theme.dim) } else { (theme.title, theme.plain) };
        if spans.len() > 1 {
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled(key, key_style));
        spans.push(Span::styled(format!(" {hint}"), style));
    }
    spans
}
