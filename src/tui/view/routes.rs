//! The routes of the board's group: load balancers, listeners, rules, groups.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::scrolled;
use super::text;
use crate::app::Measured;
use crate::app::State;
use crate::domain::wording::routes;
use crate::domain::wording::routes::Weight;
use crate::tui::theme::Theme;

pub(super) fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Measured {
    let group = state.board().and_then(|it| it.group_name()).unwrap_or("no group");
    let title = match state.zoom {
        true => format!("Routes · everything of the load balancers of {group} · z less"),
        false => format!("Routes · to {group} · z everything"),
    };
    let width = usize::from(area.width.saturating_sub(4));
    let lines = routes::lines(&state.tree());
    let lines = lines.into_iter().flat_map(|it| {
        let indent = "  ".repeat(it.depth);
        let style = style(it.weight, theme);
        let room = width.saturating_sub(indent.len() + 2).max(1);
        let line = move |(n, text): (usize, String)| {
            let more = if n > 0 { "    " } else { "" };
            (format!("{indent}{more}{text}"), style)
        };
        text::wrap(&it.text, room.saturating_sub(2)).into_iter().enumerate().map(line).collect::<Vec<_>>()
    });
    let page = scrolled::Page { title, lines: lines.collect(), scroll: state.scroll };
    scrolled::render(&page, theme, area, buffer)
}

fn style(weight: Weight, theme: &Theme) -> Style {
    match weight {
        Weight::Plain => theme.plain,
        Weight::Title => theme.title,
        Weight::Warning => theme.warn,
        Weight::Dim => theme.dim,
    }
}
