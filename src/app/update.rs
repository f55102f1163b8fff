//! The one place where the state changes: a message in, effects out.

mod changes;
mod dialog;
mod form;
mod navigate;
mod observe;
mod seen;
mod shift;

pub(crate) use self::seen::drawn;
pub(crate) use self::seen::pressed;
pub(crate) use self::seen::readable;
pub(crate) use self::seen::rested;

use super::action::Action;
use super::message::Effect;
use super::message::Message;
use super::state::Dialog;
use super::state::State;
use super::state::View;
use crate::app::offered;
use crate::domain::facts::time::Timestamp;

/// Seconds for which calls are counted.
const MINUTE: i64 = 60;

/// Takes one message in.
pub fn update(state: &mut State, message: Message) -> Vec<Effect> {
    // What cannot be read cannot be accepted.
    let typed = matches!(message, Message::Key(_) | Message::Act(_) | Message::Paste(_));
    let leaves = matches!(message, Message::Act(Action::Quit | Action::Suspend));
    if state.too_small() && typed && !leaves {
        return Vec::new();
    }
    match message {
        Message::Key(key) => return dialog::typed(state, key),
        Message::Paste(text) => dialog::pasted(state, &text),
        Message::Act(action) => return act(state, action),
        Message::Observed(at, change) => observe::observe(state, *change, at),
        Message::Aws(side) => {
            state.aws = Some(side);
            state.dirty = true;
        }
        Message::Tick(now, calls) => tick(state, now, calls),
        Message::Leave => return vec![Effect::Quit],
        Message::Stop => return vec![Effect::Stop],
        Message::Continued => return vec![Effect::Retake],
        Message::Progress(progress) => return changes::progress(state, &progress),
        Message::Log(excerpt) => {
            state.changes.log = Some(excerpt);
            state.dirty = true;
        }
        Message::Rehearsed(plan, answers) => changes::rehearsed(state, &plan, answers),
        Message::Weighed(read) => shift::weighed(state, *read),
        Message::Past(past) => {
            state.changes.before = past.detached;
            state.all_stale = true;
            changes::unfinished(state, past.unfinished, past.notes);
        }
        Message::NotForgotten(why) => {
            state.say(format!("not discarded: {why}"));
            state.dirty = true;
        }
        Message::Saved(said) => {
            state.say(match said {
                Ok(place) => format!("written to {}; nothing was created", place.display()),
                Err(why) => format!("not saved: {why}"),
            });
            state.dirty = true;
        }
        Message::Resize(width, height) => {
            state.size = (width, height);
            // Everything stands elsewhere: it is read anew.
            state.seen = None;
            state.dirty = true;
        }
    }
    Vec::new()
}

/// Brings what is derived up to date, once for all messages taken in together.
pub fn settle(state: &mut State) -> Vec<Effect> {
    observe::settle(state);
    navigate::open(state);
    navigate::follow_made(state);
    changes::bind_on(state);
    observe::wish(state).map(Effect::Follow).into_iter().collect()
}

fn act(state: &mut State, action: Action) -> Vec<Effect> {
    state.dirty = true;
    match action {
        Action::Quit => return leave(state),
        Action::Suspend if state.opening.job_control => return vec![Effect::Suspend],
        _ if !state.dialogs.is_empty() => return dialog::acted(state, action),
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
        Action::Open => navigate::enter(state),
        Action::Back => navigate::back(state),
        Action::Details => state.dialogs.push(Dialog::Details { scroll: 0 }),
        Action::Filter => state.dialogs.push(Dialog::Filter { before: state.filter.clone() }),
        Action::Problems => state.problems_only = !state.problems_only,
        Action::Sort => state.sort = state.sort.next(),
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

fn tick(state: &mut State, now: Timestamp, calls: u64) {
    state.now = now;
    state.calls.push_back((now, calls));
    while state.calls.front().is_some_and(|(at, _)| now.since(*at) > MINUTE) {
        state.calls.pop_front();
    }
    if state.status.as_ref().is_some_and(|(_, until)| *until <= now) {
        state.status = None;
        state.dirty = true;
    }
    match state.frozen {
        None => observe::age(state),
        // The picture stands still; for how long it does runs on.
        Some(_) => state.dirty = true,
    }
}
