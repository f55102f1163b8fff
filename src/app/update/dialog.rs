//! Keys, pastes and actions while something lies on top of the view: the dialog takes them all, by its table.

use super::act;
use super::changes;
use super::form;
use super::probe;
use super::shift;
use crate::app::action::Action;
use crate::app::dialog::DialogAction;
use crate::app::dialog::DialogKey;
use crate::app::foot;
use crate::app::form::Choice;
use crate::app::key::Code;
use crate::app::key::Key;
use crate::app::message::Effect;
use crate::app::offered;
use crate::app::state::Dialog;
use crate::app::state::State;

/// Further down than any text reaches; the view shows the last page from there.
const END: u16 = 400;

/// Characters of a paste that a text field takes: more than any name or filter has.
const PASTED: usize = 512;

/// A key for the dialog on top: a row of its table, else text for its field.
pub(super) fn typed(state: &mut State, key: Key) -> Vec<Effect> {
    state.dirty = true;
    let Some(kind) = state.dialogs.last().map(Dialog::kind) else { return Vec::new() };
    match kind.row(key) {
        Some(row) => return taken(state, row, key),
        None if kind.has_text() => text(state, |it| edit(it, key)),
        None => {}
    }
    Vec::new()
}

/// An action while a dialog is on top is the row of its key there, if there is one.
pub(super) fn acted(state: &mut State, action: Action) -> Vec<Effect> {
    let Some(kind) = state.dialogs.last().map(Dialog::kind) else { return Vec::new() };
    let keys = action.row().map_or(&[][..], |it| it.keys);
    let row = keys.iter().find_map(|key| Some((kind.row(*key)?, *key)));
    row.map_or_else(Vec::new, |(row, key)| taken(state, row, key))
}

/// A paste: text for the field of the dialog on top. Line breaks and control characters in it are no keys.
pub(super) fn pasted(state: &mut State, pasted: &str) {
    state.dirty = true;
    if !state.dialogs.last().is_some_and(|it| it.kind().has_text()) {
        return state.say("Paste ignored: there is no text field here".to_owned());
    }
    let line: String = pasted.chars().take(PASTED).map(|it| if it.is_control() { ' ' } else { it }).collect();
    text(state, |it| it.push_str(line.trim()));
}

/// Changes the text of the field there is.
fn text(state: &mut State, edit: impl FnOnce(&mut String)) {
    match state.dialogs.last_mut() {
        Some(Dialog::Filter { .. }) => edit(&mut state.filter),
        Some(Dialog::Form(form)) => {
            form.edit(edit);
            shift::typed(form);
        }
        Some(Dialog::Plan(planned)) => {
            planned.objection = None;
            edit(&mut planned.typed);
        }
        _ => {}
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

/// Does what a row of the dialog's table says, if the dialog offers it now.
fn taken(state: &mut State, row: &DialogKey, key: Key) -> Vec<Effect> {
    let Some(dialog) = state.dialogs.last() else { return Vec::new() };
    if foot::offered(state, dialog, row).is_none() {
        if row.action == DialogAction::Undo {
            state.say("There is nothing of this change to undo".to_owned());
        }
        return Vec::new();
    }
    if row.action.decides() && !state.was_read() {
        state.say(format!("Read it first, then press {key}"));
        return Vec::new();
    }
    state.status = None;
    match row.action {
        DialogAction::Accept => return changes::accept(state),
        DialogAction::DryRun => return changes::rehearse(state),
        DialogAction::Save => return changes::save(state),
        DialogAction::Then | DialogAction::Networking | DialogAction::MultiCluster => {
            changes::choose(state, row.action);
        }
        DialogAction::Stop => {
            state.say("Stopping: a call that is under way ends first".to_owned());
            return changes::cancel(state);
        }
        DialogAction::Undo => return undo(state),
        DialogAction::Resync => return again(state, Action::Resync),
        DialogAction::Register => return again(state, Action::Register),
        DialogAction::Resume => changes::resume(state),
        DialogAction::Discard => return changes::discard(state),
        DialogAction::Later => changes::later(state),
        DialogAction::Try => {
            state.dialogs.pop();
            return probe::ask(state);
        }
        DialogAction::Select => return chosen(state),
        DialogAction::RestoreFilter => restore(state),
        DialogAction::Close | DialogAction::KeepFilter => drop(state.dialogs.pop()),
        DialogAction::Leave => return vec![Effect::Quit],
        DialogAction::Down
        | DialogAction::Up
        | DialogAction::PageDown
        | DialogAction::PageUp
        | DialogAction::HalfDown
        | DialogAction::HalfUp
        | DialogAction::Top
        | DialogAction::Bottom => scroll(state, row.action),
    }
    Vec::new()
}

/// A line was chosen: the next list, the plan, or the action.
fn chosen(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Form(form)) = state.dialogs.last() else { return Vec::new() };
    let (Some(choice), mut all) = (form.choice(), form.chosen.clone()) else { return Vec::new() };
    state.dialogs.pop();
    match choice {
        Choice::Action(action) => return act::act(state, action),
        Choice::Place(place, now) => {
            let group = state.report().and_then(|it| it.group.clone());
            state.dialogs.push(Dialog::Form(shift::numbers(&place, &now, group.as_ref())));
            return Vec::new();
        }
        Choice::Weights(to) => {
            let place = all.into_iter().find_map(|it| match it {
                Choice::Place(place, _) => Some(*place),
                _ => None,
            });
            return place.map_or_else(Vec::new, |place| shift::chosen(state, place, to));
        }
        Choice::Service(..) | Choice::Group(_) | Choice::Port(_) => {}
    }
    all.push(choice);
    form::next(state, all);
    Vec::new()
}

/// As if its key had been pressed on the board: what forbids it there forbids it here.
fn again(state: &mut State, action: Action) -> Vec<Effect> {
    if let Some(refusal) = offered::no_writing(state) {
        state.say(refusal.into_owned());
        return Vec::new();
    }
    changes::again(state, action);
    act::act(state, action)
}

/// Only what is on show: another plan is undone by its own key.
fn undo(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Run { plan, .. }) = state.dialogs.last() else { return Vec::new() };
    if state.changes.last().is_none_or(|it| it.id != *plan) {
        state.say("There is nothing of this change to undo".to_owned());
        return Vec::new();
    }
    state.dialogs.pop();
    act::act(state, Action::Undo)
}

fn restore(state: &mut State) {
    if let Some(Dialog::Filter { before }) = state.dialogs.pop() {
        state.filter = before;
    }
}

fn scroll(state: &mut State, action: DialogAction) {
    let page = i16::try_from(state.page()).unwrap_or(i16::MAX);
    let by = match action {
        DialogAction::Down => 1,
        DialogAction::Up => -1,
        DialogAction::PageDown => page,
        DialogAction::PageUp => -page,
        DialogAction::HalfDown => page / 2,
        DialogAction::HalfUp => -(page / 2),
        DialogAction::Bottom => i16::MAX,
        _ => i16::MIN,
    };
    match state.dialogs.last_mut() {
        Some(Dialog::Form(form)) => form.step(by.into()),
        Some(Dialog::Plan(it)) => it.scroll = it.scroll.saturating_add_signed(by).min(END),
        Some(
            Dialog::Run { scroll, .. }
            | Dialog::Help { scroll }
            | Dialog::Details { scroll }
            | Dialog::Audit { scroll },
        ) => *scroll = scroll.saturating_add_signed(by).min(END),
        _ => {}
    }
}
