//! Keys while something lies on top of the view: it takes them all.

use crate::app::action::Action;
use crate::app::key::Code;
use crate::app::key::Key;
use crate::app::state::Dialog;
use crate::app::state::State;

/// Further down than any text reaches; the view shows the last page from there.
const END: u16 = 120;

/// Text goes to the filter while it is being typed.
pub(super) fn typed(state: &mut State, key: Key) {
    let Some(Dialog::Filter { before }) = state.dialogs.last() else { return };
    state.dirty = true;
    match key {
        Key { code: Code::Enter, .. } => drop(state.dialogs.pop()),
        Key { code: Code::Esc, .. } => {
            state.filter.clone_from(before);
            state.dialogs.pop();
        }
        Key { code: Code::Backspace, .. } => drop(state.filter.pop()),
        Key { code: Code::Char('u'), ctrl: true } => state.filter.clear(),
        Key { code: Code::Char(c), ctrl: false } => state.filter.push(c),
        _ => {}
    }
}

/// Whether the dialog on top takes an action: all of them, so that no key reaches what lies under it.
pub(super) fn takes(state: &mut State, action: Action) -> bool {
    let page = u16::try_from(state.page()).unwrap_or(u16::MAX);
    let scroll = match state.dialogs.last_mut() {
        None | Some(Dialog::Filter { .. }) => return false,
        Some(Dialog::Help { scroll } | Dialog::Details { scroll }) => scroll,
    };
    match action {
        Action::Down => *scroll = scroll.saturating_add(1).min(END),
        Action::Up => *scroll = scroll.saturating_sub(1),
        Action::PageDown => *scroll = scroll.saturating_add(page).min(END),
        Action::PageUp => *scroll = scroll.saturating_sub(page),
        Action::HalfDown => *scroll = scroll.saturating_add(page / 2),
        Action::HalfUp => *scroll = scroll.saturating_sub(page / 2),
        Action::Top => *scroll = 0,
        Action::Bottom => *scroll = END,
        Action::Back | Action::Help | Action::Details | Action::Open => drop(state.dialogs.pop()),
        _ => {}
    }
    true
}
