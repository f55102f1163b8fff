//! The only loop: keys, what was seen, time → update → draw. It never waits for a network.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use crossterm::event::Event;
use futures::FutureExt;
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
use crate::app::dialog_keys::DialogKind;

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
            let shown = state.plan_on_show().cloned();
            terminal.draw(|frame| view::render(state, &theme, frame.area(), frame.buffer_mut()))?;
            state.dirty = false;
            pressed = false;
            drawn = Some(Instant::now());
            // Keys that wait by now were typed before anybody could read the plan: they do not accept it.
            if shown.is_some() && shown != state.drawn {
                while let Some(event) = keys.next().now_or_never() {
                    let Some(Ok(event)) = event else { return Ok(()) };
                    pressed = true;
                    let waiting = message(state, &event);
                    if waiting.is_some_and(|it| take(state, it, &mut perform).is_break()) {
                        return Ok(());
                    }
                }
            }
            if shown != state.drawn {
                app::update(state, Message::Drawn(shown));
            }
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
            if take(state, message, &mut perform).is_break() {
                return Ok(());
            }
            next = messages.try_recv().ok();
        }
        for effect in app::settle(state) {
            perform(effect);
        }
    }
}

/// Takes a message in and does what it asks for; `Break`: somebody leaves.
fn take(state: &mut State, message: Message, perform: &mut impl FnMut(Effect)) -> ControlFlow<()> {
    for effect in app::update(state, message) {
        match effect {
            Effect::Quit => return ControlFlow::Break(()),
            other => perform(other),
        }
    }
    ControlFlow::Continue(())
}

/// What an event of the terminal means now.
fn message(state: &State, event: &Event) -> Option<Message> {
    match event {
        Event::Key(event) => {
            let key = keys::key(*event)?;
            let action = Action::of(key);
            let dialog = state.dialogs.last().map(DialogKind::of);
            match (action, dialog) {
                // The way out works everywhere.
                (Some(Action::Quit), dialog) if key.ctrl || !dialog.is_some_and(DialogKind::reads_text) => {
                    Some(Message::Act(Action::Quit))
                }
                (_, Some(_)) => Some(Message::Key(key)),
                (action, None) => action.map(Message::Act),
            }
        }
        Event::Paste(text) => Some(Message::Paste(text.clone())),
        Event::Resize(width, height) => Some(Message::Resize(*width, *height)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
