//! The loop's news of frames and keys: what is on the screen, and since when nobody typed.

use std::time::Duration;

use crate::app::seen::PAUSE;
use crate::app::seen::Seen;
use crate::app::state::LEAST;
use crate::app::state::State;
use crate::app::widths::LAST_LINE;
use crate::app::widths::Measured;

/// A frame of this size was drawn of the state as it is.
pub(crate) fn drawn(state: &mut State, size: (u16, u16), at: Duration) {
    let fits = size.0 >= LEAST.0 && size.1 >= LEAST.1;
    let question = state.question().filter(|_| fits);
    if question.as_ref() != state.seen.as_ref().map(|it| &it.question) {
        state.seen = question.map(|question| Seen { question, since: at, read: false });
    }
}

/// What the columns of a frame of this size needed.
pub(crate) fn measured(state: &mut State, size: (u16, u16), mut measured: Measured) {
    state.last_scroll = measured.remove(LAST_LINE).unwrap_or(u16::MAX);
    let board = state.shown().cloned();
    state.widths.note(board.as_ref(), size, measured);
}

/// A key or a paste was read from the terminal: what cannot be answered yet starts to wait anew.
pub(crate) fn pressed(state: &mut State, at: Duration) {
    if let Some(seen) = state.seen.as_mut().filter(|it| !it.read) {
        seen.since = at;
    }
}

/// When the question on the screen can be answered, if nothing is typed until then.
pub(crate) fn readable(state: &State) -> Option<Duration> {
    state.seen.as_ref().filter(|it| !it.read).map(|it| it.since + PAUSE)
}

/// No key waits in the terminal: a question that stood there long enough can be answered.
pub(crate) fn rested(state: &mut State, at: Duration) {
    if let Some(seen) = state.seen.as_mut().filter(|it| !it.read && it.since + PAUSE <= at) {
        seen.read = true;
        state.dirty = true;
    }
}
