//! What the dialog on top offers at this moment: which rows of its table, and their hints as they are now.

use std::borrow::Cow;

use super::changes::Asked;
use super::changes::Run;
use super::dialog::DialogAction;
use super::dialog::DialogKey;
use super::form::Choice;
use super::state::Dialog;
use super::state::State;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::drain::Then;

/// A key and its hint; with what kind of row it is.
pub(crate) struct Hint {
    pub(crate) key: String,
    pub(crate) text: Cow<'static, str>,
    /// It does not end the dialog: another choice for a plan, or a trial of it.
    pub(crate) choice: bool,
}

/// The hints of the dialog on top, in the order of its table.
pub(crate) fn hints(state: &State) -> Vec<Hint> {
    let Some(dialog) = state.dialogs.last() else { return Vec::new() };
    let shown = |row: &DialogKey| {
        // The hint of a key that decides is a promise: it stands there from when the key counts.
        let promised = !row.action.decides() || state.was_read();
        let text = offered(state, dialog, row)?;
        // Beside the name to type there is room for no more than what ends the dialog.
        let beside = row.action == DialogAction::DryRun && dialog.kind().has_text();
        let choice = beside || choice(row.action);
        let key = row.keys.first()?.to_string();
        (promised && !text.is_empty()).then_some(Hint { key, text, choice })
    };
    dialog.kind().rows().iter().filter_map(shown).collect()
}

/// What typing does, where there is text to type.
pub(crate) fn typing(dialog: &Dialog) -> Option<&'static str> {
    match dialog {
        Dialog::Filter { .. } => Some("prefix ! to invert"),
        Dialog::Form(it) if matches!(it.chosen.first(), Some(Choice::Place(..))) => {
            Some("type other weights, such as 95 5")
        }
        Dialog::Form(_) => Some("type to filter"),
        _ => None,
    }
}

/// The hint of a row; `None`: the dialog does not offer that now.
pub(super) fn offered(state: &State, dialog: &Dialog, row: &DialogKey) -> Option<Cow<'static, str>> {
    match (dialog, row.action) {
        (Dialog::Plan(planned), action) => match (action, &planned.asked) {
            (DialogAction::Then, Asked::Drain { then, .. }) => Some(other(*then).into()),
            (DialogAction::Networking, Asked::Bind(wish)) => Some(turn(row.hint, wish.networking).into()),
            (DialogAction::MultiCluster, Asked::Bind(wish)) => {
                Some(turn(row.hint, wish.multi_cluster).into())
            }
            (DialogAction::Save, Asked::Bind(_)) => Some(row.hint.into()),
            (it, _) if choice(it) => None,
            _ => Some(row.hint.into()),
        },
        (Dialog::Run { plan, .. }, action) => {
            let run = state.changes.runs.iter().find(|it| it.plan.id == *plan)?;
            let ended = run.ended.is_some();
            match action {
                DialogAction::Close if !ended => Some("close, it goes on".into()),
                DialogAction::Stop => (!ended).then(|| row.hint.into()),
                DialogAction::Undo => run.is_undoable().then(|| row.hint.into()),
                DialogAction::Resync | DialogAction::Register => without_effect(run).then(|| row.hint.into()),
                _ => Some(row.hint.into()),
            }
        }
        _ => Some(row.hint.into()),
    }
}

/// A resync that came to its end and changed nothing.
pub(super) fn without_effect(run: &Run) -> bool {
    run.plan.change == ChangeKind::Resync && run.ended.is_some() && !run.succeeded()
}

fn choice(action: DialogAction) -> bool {
    matches!(
        action,
        DialogAction::Then | DialogAction::Networking | DialogAction::MultiCluster | DialogAction::Save
    )
}

/// What the key makes of it instead.
fn other(then: Then) -> &'static str {
    match then.next() {
        Then::Delete => "delete it",
        Then::PutBack => "put it back",
        Then::Keep => "leave it detached",
    }
}

fn turn(what: &str, on: bool) -> String {
    format!("turn {what} {}", if on { "off" } else { "on" })
}
