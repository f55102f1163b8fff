//! The only loop: keys, what was seen, time → update → draw. It never waits for a network.

use std::io;
use std::time::Duration;

use crossterm::event::Event;
use futures::Stream;
use futures::StreamExt;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::keys;
use super::theme::Theme;
use super::view;
use crate::app;
use crate::app::Effect;
use crate::app::Measured;
use crate::app::Message;
use crate::app::State;
use crate::app::action::Action;

/// Frames are at least this far apart.
const FRAME: Duration = Duration::from_millis(33);

/// What the loop needs from outside.
pub(crate) struct Outside<'a, K, P> {
    pub(crate) keys: K,
    pub(crate) messages: &'a mut mpsc::Receiver<Message>,
    /// Does what an effect asks for, without waiting.
    pub(crate) perform: P,
    /// Gives the terminal back and stops, or takes it anew.
    pub(crate) terminal: Switch,
    pub(crate) theme: Theme,
}

/// How the terminal is given back and taken, where it is a real one.
#[derive(Clone, Copy)]
pub(crate) struct Switch {
    pub(crate) stop: fn() -> io::Result<()>,
    pub(crate) retake: fn() -> io::Result<()>,
}

impl Switch {
    /// Where there is no terminal to give back.
    pub(crate) const NONE: Self = Self { stop: || Ok(()), retake: || Ok(()) };
}

/// Runs until somebody leaves, or the keys or the terminal are gone.
pub(crate) async fn run<B, K, P>(
    terminal: &mut Terminal<B>,
    state: &mut State,
    outside: Outside<'_, K, P>,
) -> Result<(), B::Error>
where
    B: Backend,
    K: Stream<Item = io::Result<Event>> + Unpin,
    P: FnMut(Effect),
{
    let Outside { mut keys, messages, mut perform, terminal: switch, theme } = outside;
    let began = Instant::now();
    let mut drawn: Option<Instant> = None;
    // A person who pressed a key is answered at once; what happens outside can wait for the next frame.
    let mut pressed = false;
    // The second of two keys that came as one.
    let mut second: Option<Event> = None;
    loop {
        let due = pressed || drawn.is_none_or(|at| at.elapsed() >= FRAME);
        if state.dirty && due {
            let mut measured = Measured::default();
            let frame = terminal.draw(|frame| {
                measured = view::render(state, &theme, frame.area(), frame.buffer_mut());
            })?;
            let size = (frame.area.width, frame.area.height);
            app::measured(state, size, measured);
            state.dirty = false;
            pressed = false;
            drawn = Some(Instant::now());
            app::drawn(state, size, began.elapsed());
        }
        let next_frame = drawn.map_or_else(Instant::now, |at| at + FRAME);
        let readable = app::readable(state).map_or(next_frame, |at| began + at);
        let first = tokio::select! {
            // Keys first: what waits in the terminal was typed before the question on the screen could be answered.
            biased;
            event = async { match second.take() {
                Some(event) => Some(Ok(event)),
                None => keys.next().await,
            } } => match event {
                Some(Ok(event)) => {
                    let (event, other) = keys::apart(event);
                    second = other;
                    pressed = true;
                    if matches!(event, Event::Key(_) | Event::Paste(_)) {
                        app::pressed(state, began.elapsed());
                    }
                    message(state, event)
                }
                // The terminal is gone: so are we.
                Some(Err(_)) | None => return Ok(()),
            },
            () = tokio::time::sleep_until(readable), if app::readable(state).is_some() => {
                app::rested(state, began.elapsed());
                None
            }
            message = messages.recv() => match message {
                Some(message) => Some(message),
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(next_frame), if state.dirty => None,
        };
        let Some(first) = first else { continue };
        let mut waiting = std::iter::once(first).chain(std::iter::from_fn(|| messages.try_recv().ok()));
        if !take_in(terminal, state, &mut waiting, (&mut perform, switch))? {
            return Ok(());
        }
        for effect in app::settle(state) {
            perform(effect);
        }
    }
}

/// Takes in everything that waits, before anything is drawn. `false`: we leave.
fn take_in<B: Backend>(
    terminal: &mut Terminal<B>,
    state: &mut State,
    messages: &mut dyn Iterator<Item = Message>,
    (perform, switch): (&mut dyn FnMut(Effect), Switch),
) -> Result<bool, B::Error> {
    for message in messages {
        for effect in app::update(state, message) {
            let switched = match effect {
                Effect::Quit => return Ok(false),
                Effect::Stop => (switch.stop)(),
                Effect::Retake => (switch.retake)(),
                other => {
                    perform(other);
                    continue;
                }
            };
            // The terminal is gone: so are we.
            if switched.is_err() {
                return Ok(false);
            }
            // Not `clear` of the terminal: it asks where the cursor is, and its answer would be read as keys.
            terminal.backend_mut().clear()?;
            terminal.swap_buffers();
            let size = terminal.size()?;
            app::update(state, Message::Resize(size.width, size.height));
        }
    }
    Ok(true)
}

/// What an event of the terminal means now.
fn message(state: &State, event: Event) -> Option<Message> {
    match event {
        Event::Key(event) => {
            let key = keys::key(event)?;
            match Action::of(key) {
                // The ways out work everywhere.
                Some(action @ (Action::Quit | Action::Suspend)) if key.ctrl => Some(Message::Act(action)),
                _ if !state.dialogs.is_empty() => Some(Message::Key(key)),
                action => action.map(Message::Act),
            }
        }
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(width, height) => Some(Message::Resize(width, height)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
