//! A box of lines that scrolls, with how many are left out above and below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Block;
use ratatui::widgets::Widget;

use super::text;
use crate::app::LAST_LINE;
use crate::app::Measured;
use crate::tui::theme::Theme;

pub(super) struct Page {
    pub(super) title: String,
    pub(super) lines: Vec<(String, Style)>,
    /// Lines to leave out above; no more than leaves the last one in its place.
    pub(super) scroll: u16,
}

/// Draws it, and tells how far it can be scrolled.
pub(super) fn render(page: &Page, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Measured {
    let title = text::end(&page.title, usize::from(area.width.saturating_sub(4)));
    let block =
        Block::bordered().title(Span::styled(format!(" {title} "), theme.title)).border_style(theme.dim);
    let inside = block.inner(area);
    block.render(area, buffer);
    let height = usize::from(inside.height);
    let last = page.lines.len().saturating_sub(height);
    let measured = Measured::from([(LAST_LINE, u16::try_from(last).unwrap_or(u16::MAX))]);
    let top = usize::from(page.scroll).min(last);
    let width = usize::from(inside.width.saturating_sub(1));
    for (n, (text, style)) in page.lines.iter().skip(top).take(height).enumerate() {
        let y = inside.y + u16::try_from(n).unwrap_or(0);
        let line = Line::from(Span::styled(text::end(&format!(" {text}"), width), *style));
        line.render(Rect { y, height: 1, ..inside }, buffer);
    }
    let below = page.lines.len().saturating_sub(top + height);
    if top == 0 && below == 0 {
        return measured;
    }
    let text = format!(" ↑{top} ↓{below} PgDn ");
    let width = u16::try_from(text.chars().count()).unwrap_or(0);
    let x = area.x + area.width.saturating_sub(width + 2);
    let corner = Rect { x, y: area.y + area.height.saturating_sub(1), width, height: 1 };
    Line::from(Span::styled(text, theme.dim)).render(corner, buffer);
    measured
}
