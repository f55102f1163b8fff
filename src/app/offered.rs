//! When an action is offered: what it needs is there, nothing forbids it.

use std::borrow::Cow;

use super::action::Action;
use super::action::Needs;
use super::action::Safety;
use super::state::State;
use super::state::View;

/// Why it cannot be done now; `None`: it can.
pub(crate) fn refusal(action: Action, state: &State) -> Option<Cow<'static, str>> {
    let row = action.row()?;
    if row.safety == Safety::Writes
        && let Some(refusal) = no_writing(state)
    {
        return Some(refusal);
    }
    if action == Action::Probe && state.opening.read_only && !state.opening.probes_read_only {
        return Some("read only: a probe asks the program itself; see [probe] in the configuration".into());
    }
    if action == Action::ReadNow && state.frozen.is_some() {
        return Some(format!("the screen is frozen: {} resumes", Action::Freeze.key()).into());
    }
    if action == Action::Suspend && !state.opening.job_control {
        return Some("no shell with job control to suspend to".into());
    }
    let needed = action.change().and_then(|it| state.lacks(it));
    needed.map(Cow::from).or_else(|| missing(row.needs, state).map(Cow::from))
}

/// Why nothing may be written now, whatever it is; `None`: it may.
pub(crate) fn no_writing(state: &State) -> Option<Cow<'static, str>> {
    if state.opening.read_only {
        return Some("read only: nothing is written".into());
    }
    let frozen = || format!("the screen is frozen: resume it with {} first", Action::Freeze.key());
    state.frozen.map(|_| frozen().into())
}

/// What is not there that it needs.
fn missing(needs: Needs, state: &State) -> Option<&'static str> {
    match needs {
        Needs::Nothing => None,
        Needs::Rows => (!state.has_lines()).then_some("nothing to move through"),
        Needs::Selection => (!state.has_selection()).then_some("select a line first"),
        Needs::Row => match &state.view {
            View::Board(_) if state.selected.is_some() || !state.changes.marked.is_empty() => None,
            View::Board(_) => Some("select a row first"),
            View::Bindings => Some("open a binding first"),
        },
        Needs::Subject => state.report().is_none().then_some("select a binding first"),
        Needs::Done => state.changes.last_run().is_none().then_some(match state.changes.runs.is_empty() {
            true => "nothing was changed in this session",
            false => "nothing of this session is left to undo",
        }),
        Needs::OpenBoard => matches!(state.view, View::Bindings).then_some("open a binding first"),
        Needs::Board => match &state.view {
            View::Board(_) => None,
            View::Bindings => (state.last_board().is_none()).then_some("open a binding first"),
        },
    }
}
