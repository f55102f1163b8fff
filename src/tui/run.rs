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
use crate::app::Message;
use crate::app::State;
use crate::app::action::Action;
use crate::app::state::Dialog;

/// Frames are at least this far apart.
const FRAME: Duration = Duration::from_millis(33);

/// What the loop needs from outside.
pub struct Outside<'a, K, P> {
    pub keys: K,
    pub messages: &'a mut mpsc::Receiver<Message>,
    /// Does what an effect asks for, without waiting.
    pub perform: P,
    pub theme: Theme,
}

/// Runs until somebody leaves, or the keys or the terminal are gone.
pub async fn run<B, K, P>(
    terminal: &mut Terminal<B>,
    state: &mut State,
    outside: Outside<'_, K, P>,
) -> Result<(), B::Error>
where
    B: Backend,
    K: Stream<Item = io::Result<Event>> + Unpin,
    P: FnMut(Effect),
{
    let Outside { mut keys, messages, mut perform, theme } = outside;
    let mut drawn: Option<Instant> = None;
    // A person who pressed a key is answered at once; what happens outside can wait for the next frame.
    let mut pressed = false;
    loop {
        let due = pressed || drawn.is_none_or(|at| at.elapsed() >= FRAME);
        if state.dirty && due {
            terminal.draw(|frame| view::render(state, &theme, frame.area(), frame.buffer_mut()))?;
            state.dirty = false;
            pressed = false;
            drawn = Some(Instant::now());
        }
        let next_frame = drawn.map_or_else(Instant::now, |at| at + FRAME);
        let first = tokio::select! {
            biased;
            event = keys.next() => match event {
                Some(Ok(event)) => {
                    pressed = true;
                    message(state, &event)
                }
                // The terminal is gone: so are we.
                Some(Err(_)) | None => return Ok(()),
            },
            message = messages.recv() => match message {
                Some(message) => Some(message),
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(next_frame), if state.dirty => None,
        };
        let Some(first) = first else { continue };
        // Everything that waits is taken in before anything is drawn.
        let mut next = Some(first);
        while let Some(message) = next {
            for effect in app::update(state, message) {
                match effect {
                    Effect::Quit => return Ok(()),
                    other => perform(other),
                }
            }
            next = messages.try_recv().ok();
        }
        for effect in app::settle(state) {
            perform(effect);
        }
    }
}

/// What an event of the terminal means now.
fn message(state: &State, event: &Event) -> Option<Message> {
    match event {
        Event::Key(event) => {
            let key = keys::key(*event)?;
            let action = Action::of(key);
            let typing = state.dialogs.last().is_some_and(Dialog::reads_text);
            match action {
                // The way out works everywhere.
                Some(Action::Quit) if key.ctrl || !typing => Some(Message::Act(Action::Quit)),
                _ if state.dialogs.last().is_some_and(Dialog::reads_keys) => Some(Message::Key(key)),
                action => action.map(Message::Act),
            }
        }
        Event::Resize(width, height) => Some(Message::Resize(*width, *height)),
        _ => None,
    }
}
