//! The frame: what goes where. Views read the state and write cells; they change nothing.

mod bindings;
mod board;
mod changes;
mod footer;
mod header;
mod network;
mod overlay;
mod place;
mod routes;
mod scrolled;
mod text;
mod why;

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint;
use ratatui::layout::Layout;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;

use super::theme::Theme;
use crate::app::Measured;
use crate::app::State;
use crate::app::state::Dialog;
use crate::app::state::LEAST;
use crate::app::state::Tab;
use crate::app::state::View;
use crate::printable;

/// Draws the whole screen, and tells what its columns needed: the next frame gives them no less.
pub fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Measured {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text =
            format!("tgscope needs {} × {}, this is {} × {}", LEAST.0, LEAST.1, area.width, area.height);
        Line::raw(text).render(area, buffer);
        return Measured::default();
    }
    // What a tab tells is all there is to tell.
    let why = match state.shown().is_some() && state.tab != Tab::Board {
        true => 0,
        false => (area.height * 2 / 7).clamp(6, 12),
    };
    let rows = Layout::vertical([
        Constraint::Length(2),
        Constraint::Fill(1),
        Constraint::Length(why),
        Constraint::Length(1),
        Constraint::Length(1),
    ]);
    let [head, body, below, routes, foot] = rows.areas(area);
    header::render(state, theme, head, buffer);
    let measured = match &state.view {
        View::Bindings => bindings::render(state, theme, body, buffer),
        View::Board(_) if state.tab == Tab::Routes => routes::render(state, theme, body, buffer),
        View::Board(_) if state.tab == Tab::Network => network::render(state, theme, body, buffer),
        View::Board(_) => board::render(state, theme, body, buffer),
    };
    if why > 0 {
        why::render(state, theme, below, buffer);
    }
    footer::routes(state, theme, routes, buffer);
    footer::hints(state, theme, foot, buffer);
    match state.dialogs.last() {
        Some(Dialog::Help { scroll }) => overlay::help(state, theme, *scroll, area, buffer),
        Some(Dialog::Details { scroll }) => overlay::details(state, theme, *scroll, area, buffer),
        Some(Dialog::Plan(it)) => changes::planned(state, it, theme, area, buffer),
        Some(Dialog::Run { plan, scroll }) => changes::run(state, theme, (plan, *scroll), area, buffer),
        Some(Dialog::Refusal { change, text, idle }) => {
            changes::refusal(state, theme, (*change, text, *idle), area, buffer)
        }
        Some(Dialog::Reading { change, text }) => {
            changes::reading(state, theme, (*change, text), area, buffer)
        }
        Some(Dialog::Probe { row, probed, .. }) => {
            changes::probe(state, theme, (row, probed.as_deref()), area, buffer);
        }
        Some(Dialog::Form(it)) => changes::form(state, it, theme, area, buffer),
        Some(Dialog::Audit { scroll }) => changes::audit(state, theme, *scroll, area, buffer),
        Some(Dialog::Unfinished(open)) => changes::unfinished(state, theme, open, area, buffer),
        Some(Dialog::Leaving) => changes::leaving(state, theme, area, buffer),
        Some(Dialog::Filter { .. }) | None => {}
    }
    clean(area, buffer);
    if theme.ascii {
        spell(area, buffer);
    }
    measured
}

/// Whatever came onto the screen, no cell steers the terminal or hides something.
fn clean(area: Rect, buffer: &mut Buffer) {
    for at in area.positions() {
        let Some(cell) = buffer.cell_mut(at) else { continue };
        if !cell.symbol().is_ascii() && cell.symbol().chars().any(printable::is_unsafe) {
            cell.set_symbol("\u{fffd}");
        }
    }
}

/// Everything on the screen in ASCII.
fn spell(area: Rect, buffer: &mut Buffer) {
    for at in area.positions() {
        let Some(cell) = buffer.cell_mut(at) else { continue };
        if !cell.symbol().is_ascii() {
            cell.set_symbol(plain(cell.symbol()));
        }
    }
}

/// Lines, marks and glyphs by what looks like them, letters of others as `?`.
fn plain(symbol: &str) -> &'static str {
    match symbol {
        "│" | "▏" => "|",
        "─" | "–" | "-" => "-",
        "┌" | "┐" | "└" | "┘" | "+" => "+",
        "→" | "▸" => ">",
        "←" | "≤" => "<",
        "↑" => "^",
        "↓" => "v",
        "×" | "✗" => "x",
        "✓" | "═" => "=",
        "·" => ".",
        // No name has one.
        "…" => "_",
        "⚔" => "#",
        "◦" => "o",
        "○" => "0",
        "†" => "%",
        "~" => "~",
        "!" => "!",
        _ => "?",
    }
}

#[cfg(test)]
mod tests;
