//! Keys while something lies on top of the view: it takes them all.

use super::changes;
use super::form;
use super::shift;
use crate::app::action::Action;
use crate::app::key::Code;
use crate::app::key::Key;
use crate::app::message::Effect;
use crate::app::state::Dialog;
use crate::app::state::State;

/// Further down than any text reaches; the view shows the last page from there.
const END: u16 = 400;

impl Dialog {
    /// Keys go to it as text, not as actions.
    pub fn reads_text(&self) -> bool {
        match self {
            Self::Filter { .. } | Self::Form(_) => true,
            Self::Plan(it) => it.plan.typed.is_some(),
            _ => false,
        }
    }

    /// It knows keys of its own beside the actions.
    pub fn reads_keys(&self) -> bool {
        self.reads_text()
            || matches!(
                self,
                Self::Reading { .. }
                    | Self::Unfinished(_)
                    | Self::Plan(_)
                    | Self::Run { .. }
                    | Self::Refusal { .. }
                    | Self::Leaving
            )
    }
}

/// A key for the dialog on top.
pub(super) fn typed(state: &mut State, key: Key) -> Vec<Effect> {
    state.dirty = true;
    match state.dialogs.last_mut() {
        Some(Dialog::Filter { .. }) => filter(state, key),
        Some(Dialog::Form(_)) => return choosing(state, key),
        Some(Dialog::Plan(_)) => return planned(state, key),
        Some(Dialog::Run { .. }) => return running(state, key),
        Some(Dialog::Unfinished(_)) => {
            return match key.code {
                Code::Char(c @ ('g' | 'x')) => changes::resume(state, c),
                Code::Enter => changes::resume(state, 'g'),
                Code::Esc => changes::resume(state, ' '),
                _ => Vec::new(),
            };
        }
        // A key meant for the plan that is not there yet must not take the way to it away.
        Some(Dialog::Reading { .. }) if key.code != Code::Esc => {}
        Some(Dialog::Refusal { .. } | Dialog::Leaving | Dialog::Reading { .. }) => drop(state.dialogs.pop()),
        _ => {}
    }
    Vec::new()
}

/// Text goes to the filter while it is being typed.
fn filter(state: &mut State, key: Key) {
    let Some(Dialog::Filter { before }) = state.dialogs.last() else { return };
    match key {
        Key { code: Code::Enter, .. } => drop(state.dialogs.pop()),
        Key { code: Code::Esc, .. } => {
            state.filter.clone_from(before);
            state.dialogs.pop();
        }
        key => edit(&mut state.filter, key),
    }
}

fn edit(text: &mut String, key: Key) {
    match key {
        Key { code: Code::Backspace, .. } => drop(text.pop()),
        Key { code: Code::Char('u'), ctrl: true } => text.clear(),
        Key { code: Code::Char(c), ctrl: false } => text.push(c),
        _ => {}
    }
}

fn choosing(state: &mut State, key: Key) -> Vec<Effect> {
    let page = isize::try_from(state.page()).unwrap_or(isize::MAX);
    let Some(Dialog::Form(form)) = state.dialogs.last_mut() else { return Vec::new() };
    match key.code {
        Code::Enter => return form::chosen(state),
        Code::Esc => drop(state.dialogs.pop()),
        Code::Down => form.step(1),
        Code::Up => form.step(-1),
        Code::PageDown => form.step(page),
        Code::PageUp => form.step(-page),
        _ => {
            form.edit(|text| edit(text, key));
            shift::typed(form);
        }
    }
    Vec::new()
}

/// Keys of a plan. Where a name has to be typed, letters are that name.
fn planned(state: &mut State, key: Key) -> Vec<Effect> {
    let page = u16::try_from(state.page()).unwrap_or(u16::MAX);
    let Some(Dialog::Plan(planned)) = state.dialogs.last_mut() else { return Vec::new() };
    planned.objection = None;
    let typing = planned.plan.typed.is_some();
    match (key.code, key.ctrl) {
        (Code::Esc, _) => drop(state.dialogs.pop()),
        (Code::Down, _) => planned.scroll = planned.scroll.saturating_add(1).min(END),
        (Code::Up, _) => planned.scroll = planned.scroll.saturating_sub(1),
        (Code::PageDown, _) => planned.scroll = planned.scroll.saturating_add(page).min(END),
        (Code::PageUp, _) => planned.scroll = planned.scroll.saturating_sub(page),
        (Code::Enter, _) if typing => return changes::accept(state),
        (Code::Tab, _) => changes::choose(state, 't'),
        (Code::Char('t' | 'w' | 'm' | 's' | 'd'), true) if typing => return chosen(state, key),
        _ if typing => edit(&mut planned.typed, key),
        (Code::Char('y'), false) => return changes::accept(state),
        (Code::Char('n'), false) => drop(state.dialogs.pop()),
        (Code::Char('j'), false) => planned.scroll = planned.scroll.saturating_add(1).min(END),
        (Code::Char('k'), false) => planned.scroll = planned.scroll.saturating_sub(1),
        _ => return chosen(state, key),
    }
    Vec::new()
}

/// The choices a plan has.
fn chosen(state: &mut State, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Char('s') => return changes::save(state),
        Code::Char('d') => return changes::rehearse(state),
        Code::Char(choice @ ('t' | 'w' | 'm')) => changes::choose(state, choice),
        _ => {}
    }
    Vec::new()
}

fn running(state: &mut State, key: Key) -> Vec<Effect> {
    let Some(Dialog::Run { scroll, .. }) = state.dialogs.last_mut() else { return Vec::new() };
    if let Code::Char(again @ ('r' | 'R')) = key.code {
        changes::again(state, again);
        return Vec::new();
    }
    match (key.code, key.ctrl) {
        (Code::Char('c'), false) => {
            state.say("stopping: a call that is under way ends first".to_owned());
            return changes::cancel(state);
        }
        (Code::Down | Code::Char('j'), false) => *scroll = scroll.saturating_add(1).min(END),
        (Code::Up | Code::Char('k'), false) => *scroll = scroll.saturating_sub(1),
        (Code::Char('u'), false) => {
            // Only what is on show: another plan is undone by its own key.
            let shown = match state.dialogs.last() {
                Some(Dialog::Run { plan, .. }) => Some(plan.clone()),
                _ => None,
            };
            if state.changes.last().map(|it| it.id) == shown {
                state.dialogs.pop();
                return super::act(state, Action::Undo);
            }
            state.say("there is nothing of this plan to undo".to_owned());
        }
        (Code::Esc | Code::Enter | Code::Char('p'), _) => drop(state.dialogs.pop()),
        _ => {}
    }
    Vec::new()
}

/// Whether the dialog on top takes an action: all of them, so that no key reaches what lies under it.
pub(super) fn takes(state: &mut State, action: Action) -> bool {
    let page = u16::try_from(state.page()).unwrap_or(u16::MAX);
    let scroll = match state.dialogs.last_mut() {
        None | Some(Dialog::Filter { .. }) => return false,
        Some(Dialog::Help { scroll } | Dialog::Details { scroll } | Dialog::Audit { scroll }) => scroll,
        Some(_) => return true,
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
        Action::Back | Action::Help | Action::Details | Action::Open | Action::Audit => {
            drop(state.dialogs.pop())
        }
        _ => {}
    }
    true
}
