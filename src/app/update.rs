//! The one place where the state changes: a message in, effects out.

mod act;
mod changes;
mod dialog;
mod form;
mod navigate;
mod observe;
mod probe;
mod seen;
mod shift;

pub(crate) use self::seen::drawn;
pub(crate) use self::seen::measured;
pub(crate) use self::seen::pressed;
pub(crate) use self::seen::readable;
pub(crate) use self::seen::rested;

use super::action::Action;
use super::message::Effect;
use super::message::Message;
use super::state::State;
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
        Message::Act(action) => return acted(state, action),
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
        Message::Probed(it) => probe::answered(state, *it),
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
    navigate::first(state);
    changes::bind_on(state);
    observe::wish(state).map(|it| Effect::Follow(Box::new(it))).into_iter().collect()
}

/// An action: for the dialog on top, where there is one, but for those that leave the program.
fn acted(state: &mut State, action: Action) -> Vec<Effect> {
    state.dirty = true;
    let leaves = match action {
        Action::Quit => true,
        Action::Suspend => state.opening.job_control,
        _ => false,
    };
    match leaves || state.dialogs.is_empty() {
        true => act::act(state, action),
        false => dialog::acted(state, action),
    }
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
