//! What each action does to the view, where no dialog takes it.

use super::changes;
use super::form;
use super::navigate;
use super::probe;
use super::shift;
use crate::app::action::Action;
use crate::app::message::Effect;
use crate::app::offered;
use crate::app::state::Dialog;
use crate::app::state::State;
use crate::app::state::Tab;
use crate::app::state::View;

/// Does what an action says to the view, or says why it cannot be done now.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    state.dirty = true;
    match action {
        Action::Quit => return leave(state),
        Action::Suspend if state.opening.job_control => return vec![Effect::Suspend],
        _ => {}
    }
    if let Some(refusal) = offered::refusal(action, state) {
        state.say(refusal.into_owned());
        return Vec::new();
    }
    state.status = None;
    match action {
        Action::Down
        | Action::Up
        | Action::Top
        | Action::Bottom
        | Action::PageDown
        | Action::PageUp
        | Action::HalfDown
        | Action::HalfUp => navigate::step(state, action),
        Action::Pane => navigate::pane(state),
        Action::Bindings => navigate::show(state, View::Bindings),
        Action::Board => navigate::board(state),
        Action::Routes => navigate::tab(state, Tab::Routes),
        Action::Network => navigate::tab(state, Tab::Network),
        Action::Open => navigate::enter(state),
        Action::Back => navigate::back(state),
        Action::Details => state.dialogs.push(Dialog::Details { scroll: 0 }),
        Action::Probe => return probe::ask(state),
        Action::Filter => state.dialogs.push(Dialog::Filter { before: state.filter.clone() }),
        Action::Problems => state.problems_only = !state.problems_only,
        Action::Sort => state.sort = state.sort.next(matches!(state.view, View::Bindings)),
        Action::Reverse => state.reversed = !state.reversed,
        Action::Zoom => state.zoom = !state.zoom,
        Action::Freeze => freeze(state),
        Action::ReadNow => state.hurry += 1,
        Action::Mark => changes::mark(state),
        Action::Bind => form::bind(state),
        Action::Unbind
        | Action::Resync
        | Action::Drain
        | Action::Deregister
        | Action::Register
        | Action::Sync => changes::ask(state, action),
        Action::Shift => shift::places(state),
        Action::Undo => match shift::undo(state) {
            Some(effects) => return effects,
            None => changes::ask(state, action),
        },
        Action::Runs => changes::runs(state),
        Action::Audit => {
            state.dialogs.push(Dialog::Audit { scroll: 0 });
            return vec![Effect::ReadLog];
        }
        Action::Palette => form::palette(state),
        Action::Help => state.dialogs.push(Dialog::Help { scroll: 0 }),
        Action::Quit | Action::Suspend => {}
    }
    Vec::new()
}

/// Leaves; while plans run, only when asked for twice.
fn leave(state: &mut State) -> Vec<Effect> {
    let asked = matches!(state.dialogs.last(), Some(Dialog::Leaving));
    if asked || state.changes.running().next().is_none() {
        return vec![Effect::Quit];
    }
    state.dialogs.push(Dialog::Leaving);
    Vec::new()
}

fn freeze(state: &mut State) {
    state.frozen = match state.frozen {
        None => Some(state.now),
        Some(_) => {
            state.all_stale = true;
            None
        }
    };
}
