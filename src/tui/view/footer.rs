//! The two lines at the bottom: how requests reach the group and what the controller does; the keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Widget;

use super::header;
use super::text;
use crate::app::State;
use crate::app::action::TABLE;
use crate::app::state::Dialog;
use crate::app::state::Sort;
use crate::app::state::View;
use crate::domain::controller::Doing;
use crate::domain::controller::Presence;
use crate::domain::inventory::Source;
use crate::domain::report::Report;
use crate::domain::routes::Routes;
use crate::domain::words;
use crate::tui::theme::Theme;

pub(super) fn routes(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(report) = state.report() else { return };
    let left = match &report.routes {
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
                let more = if rest.is_empty() { String::new() } else { format!(" (+{} more)", rest.len()) };
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
    let line = words::of_controller(controller, state.shown_now());
    let style = match (controller.presence, &controller.doing) {
        (Presence::Down, _) | (_, Doing::Failing(_)) => theme.bad,
        (Presence::Absent, _) | (_, Doing::Behind) => theme.warn,
        _ => theme.plain,
    };
    let room = usize::from(area.width).saturating_sub(left.width().min(usize::from(area.width) / 2) + 2);
    let right = match &report.subject {
        crate::domain::report::Subject::Binding(_) => {
            Line::from(Span::styled(text::end(&line, room) + " ", style))
        }
        crate::domain::report::Subject::Group(_) => Line::default(),
    };
    header::both(Line::from(left), right, area, buffer);
}

/// Why the routes could not be read.
fn unread(state: &State, report: &Report) -> Option<&'static str> {
    let hangs_on = state.target_group(report).into_iter().flat_map(|it| it.load_balancers.iter().cloned());
    let sources = [Source::Groups, Source::LoadBalancers].into_iter().chain(hangs_on.map(Source::Routes));
    let failed = |source: Source| Some(state.inventory.freshness(&source)?.failed.as_ref()?.1.kind.word());
    sources.into_iter().find_map(failed)
}

pub(super) fn hints(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(Dialog::Filter { .. }) = state.dialogs.last() {
        let line = Line::from(vec![
            Span::styled(" / ", theme.title),
            Span::raw(state.filter.clone()),
            Span::styled("▏", theme.title),
            Span::styled("  Enter keep · Esc undo · a leading ! turns it round", theme.dim),
        ]);
        line.render(area, buffer);
        return;
    }
    if let Some((text, _)) = &state.status {
        Line::from(Span::styled(format!(" {text}"), theme.warn)).render(area, buffer);
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    for row in TABLE.iter().filter(|it| !it.hint.is_empty()) {
        let Some(key) = row.keys.first() else { continue };
        let (key_style, style) = match row.action.refusal(state) {
            None => (theme.title, theme.plain),
            Some(_) => (theme.dim, theme.dim),
        };
        if spans.len() > 1 {
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled(key.to_string(), key_style));
        spans.push(Span::styled(format!(" {}", row.hint), style));
    }
    let mut shown = Vec::new();
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
    header::both(Line::from(spans), right, area, buffer);
}
