//! Keys and pastes while something lies on top of the view: it takes them all, by its table.

use super::changes;
use super::form;
use super::shift;
use crate::app::action::Action;
use crate::app::dialog_keys::DialogAction;
use crate::app::dialog_keys::DialogKind;
use crate::app::dialog_keys::is_offered;
use crate::app::key::Code;
use crate::app::key::Key;
use crate::app::message::Effect;
use crate::app::state::Dialog;
use crate::app::state::State;

/// Further down than any text reaches; the view shows the last page from there.
const END: u16 = 400;
/// The most letters that are taken of a paste.
const PASTED: usize = 253;

/// A key for the dialog on top.
pub(super) fn key(state: &mut State, key: Key) -> Vec<Effect> {
    let Some(kind) = state.dialogs.last().map(DialogKind::of) else { return Vec::new() };
    state.dirty = true;
    if let Some(Dialog::Plan(planned)) = state.dialogs.last_mut() {
        planned.objection = None;
    }
    match (kind.action(key), key) {
        (Some(does), _) if is_offered(does, state) => return act(state, does),
        (None, Key { code: Code::Char(letter), ctrl: false }) if kind.reads_text() => {
            edit(state, |text| text.push(letter));
        }
        _ => {}
    }
    Vec::new()
}

/// Pasted text goes where text is typed, and nowhere else: line breaks and other control characters in it do nothing.
pub(super) fn paste(state: &mut State, text: &str) {
    state.dirty = true;
    if !state.dialogs.last().map(DialogKind::of).is_some_and(DialogKind::reads_text) {
        return state.say("pasted text is ignored here: it is only taken where text is typed".to_owned());
    }
    let letters: String = text.chars().filter(|it| !it.is_control()).take(PASTED).collect();
    edit(state, |text| text.push_str(&letters));
}

fn act(state: &mut State, does: DialogAction) -> Vec<Effect> {
    match does {
        DialogAction::Close | DialogAction::Keep => drop(state.dialogs.pop()),
        DialogAction::Down => step(state, Step::Lines(1)),
        DialogAction::Up => step(state, Step::Lines(-1)),
        DialogAction::PageDown => step(state, Step::Pages(1)),
        DialogAction::PageUp => step(state, Step::Pages(-1)),
        DialogAction::Top => step(state, Step::Top),
        DialogAction::Bottom => step(state, Step::Bottom),
        DialogAction::Erase => edit(state, |text| _ = text.pop()),
        DialogAction::Clear => edit(state, String::clear),
        DialogAction::Accept => return changes::accept(state),
        DialogAction::DryRun => return changes::rehearse(state),
        DialogAction::Ending | DialogAction::Networking | DialogAction::MultiCluster => {
            changes::choose(state, does);
        }
        DialogAction::Save => return changes::save(state),
        DialogAction::Stop => {
            state.say("stopping: a call that is under way ends first".to_owned());
            return changes::cancel(state);
        }
        DialogAction::Undo => return undo(state),
        DialogAction::Again | DialogAction::Register => changes::again(state, does),
        DialogAction::Resume | DialogAction::Discard | DialogAction::Later => {
            return changes::resume(state, does);
        }
        DialogAction::Select => return form::chosen(state),
        DialogAction::Restore => {
            if let Some(Dialog::Filter { before }) = state.dialogs.pop() {
                state.filter = before;
            }
        }
        DialogAction::Leave => return vec![Effect::Quit],
    }
    Vec::new()
}

/// Undoes the plan on show, and no other: another plan is undone by its own key.
fn undo(state: &mut State) -> Vec<Effect> {
    let shown = match state.dialogs.last() {
        Some(Dialog::Run { plan, .. }) => Some(plan.clone()),
        _ => None,
    };
    if state.changes.last().map(|it| it.id) == shown {
        state.dialogs.pop();
        return super::act(state, Action::Undo);
    }
    state.say("there is nothing of this plan to undo".to_owned());
    Vec::new()
}

/// Changes what is being typed in the dialog on top.
fn edit(state: &mut State, change: impl FnOnce(&mut String)) {
    match state.dialogs.last_mut() {
        Some(Dialog::Filter { .. }) => change(&mut state.filter),
        Some(Dialog::Form(form)) => {
            form.edit(change);
            shift::typed(form);
        }
        Some(Dialog::Plan(planned)) => change(&mut planned.typed),
        _ => {}
    }
}

/// How far to move in a list or a text.
#[derive(Clone, Copy)]
enum Step {
    Lines(i16),
    Pages(i16),
    Top,
    Bottom,
}

fn step(state: &mut State, step: Step) {
    let page = i16::try_from(state.page()).unwrap_or(i16::MAX);
    let by = match step {
        Step::Lines(lines) => lines,
        Step::Pages(pages) => pages.saturating_mul(page),
        Step::Top => i16::MIN,
        Step::Bottom => i16::MAX,
    };
    let scroll = match state.dialogs.last_mut() {
        Some(Dialog::Form(form)) => return form.step(isize::from(by)),
        Some(Dialog::Plan(it)) => &mut it.scroll,
        Some(
            Dialog::Run { scroll, .. }
            | Dialog::Help { scroll }
            | Dialog::Details { scroll }
            | Dialog::Audit { scroll },
        ) => scroll,
        _ => return,
    };
    *scroll = scroll.saturating_add_signed(by).min(END);
}
