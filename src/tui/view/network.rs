//! The network path to the selected row: its verdict and what to do, then hop by hop, then what is not looked at.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;
use super::why;
use crate::app::Measured;
use crate::app::State;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::wording::path;
use crate::domain::wording::path::Mark;
use crate::domain::wording::path::PathLine;
use crate::domain::wording::path::Piece;
use crate::tui::theme::Theme;
use crate::tui::view::scrolled;

pub(super) fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Measured {
    let width = usize::from(area.width.saturating_sub(4));
    let (title, lines) = match (state.row(), state.path()) {
        (Some(row), Some(path)) => {
            (format!("Network · {}", why::label(row)), told(state, theme, &path, width))
        }
        (Some(row), None) => {
            let text = "There is no network path to show: the target group was not read, or the pod has no address yet.";
            (format!("Network · {}", why::label(row)), plain(text, width, theme.plain))
        }
        (None, _) => {
            ("Network".to_owned(), plain("There is no row to show the path of.", width, theme.plain))
        }
    };
    scrolled::render(&scrolled::Page { title, lines, scroll: state.scroll }, theme, area, buffer)
}

fn plain(text: &str, width: usize, style: Style) -> Vec<(String, Style)> {
    text::wrap(text, width).into_iter().map(|it| (it, style)).collect()
}

fn glyph(mark: Mark) -> &'static str {
    match mark {
        Mark::Place => "",
        Mark::Open => "✓ ",
        Mark::Blocked => "✗ ",
        Mark::Unknown => "? ",
        Mark::Note => "· ",
    }
}

fn style(mark: Mark, theme: &Theme) -> Style {
    match mark {
        Mark::Place => theme.title,
        Mark::Open => theme.good,
        Mark::Blocked => theme.bad,
        Mark::Unknown => theme.warn,
        Mark::Note => theme.dim,
    }
}

fn hop(it: &PathLine, theme: &Theme, width: usize) -> Vec<(String, Style)> {
    let indent = if it.mark == Mark::Place { "" } else { "  " };
    let wrapped = text::wrap(&format!("{}{}", glyph(it.mark), it.text), width.saturating_sub(4));
    let style = style(it.mark, theme);
    let line = |(n, text): (usize, String)| {
        let more = if n > 0 { "  " } else { "" };
        (format!("{indent}{more}{text}"), style)
    };
    wrapped.into_iter().enumerate().map(line).collect()
}

fn told(state: &State, theme: &Theme, it: &NetworkPath, width: usize) -> Vec<(String, Style)> {
    let piece = |it| match it {
        Piece::Verdict(it) => {
            let style = style(it.mark, theme).patch(theme.title);
            plain(&format!("{}{}.", glyph(it.mark), it.text), width, style)
        }
        Piece::Line(it) => hop(&it, theme, width),
        Piece::Fact(text) => plain(&text, width, theme.plain),
        Piece::Next(text) => plain(&text, width, theme.title),
        Piece::Aside(text) => plain(&text, width, theme.dim),
        Piece::Block(text) => vec![(text, theme.plain)],
        Piece::Gap => vec![(String::new(), theme.plain)],
    };
    path::page(it, &state.opening.manner).into_iter().flat_map(piece).collect()
}
