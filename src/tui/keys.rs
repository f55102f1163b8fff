//! Keys as the terminal reports them, turned into ours.

use crossterm::event::Event;
use crossterm::event::KeyCode;
use crossterm::event::KeyEvent;
use crossterm::event::KeyEventKind;
use crossterm::event::KeyModifiers;

use crate::app::key::Code;
use crate::app::key::Key;
use crate::app::key::plain;

/// Modifiers with which a key is another one than it is without.
const OTHERS: KeyModifiers =
    KeyModifiers::ALT.union(KeyModifiers::SUPER).union(KeyModifiers::HYPER).union(KeyModifiers::META);

/// The keys of an event: Esc and a letter that came in one read are told as that letter with alt.
pub(super) fn apart(event: Event) -> (Event, Option<Event>) {
    match event {
        Event::Key(key) if key.modifiers == KeyModifiers::ALT && key.kind == KeyEventKind::Press => {
            let alone = |code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
            (alone(KeyCode::Esc), Some(alone(key.code)))
        }
        other => (other, None),
    }
}

/// `None`: a release, or a key nothing is bound to.
pub(super) fn key(event: KeyEvent) -> Option<Key> {
    if event.kind != KeyEventKind::Press || event.modifiers.intersects(OTHERS) {
        return None;
    }
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let code = match event.code {
        // What Backspace sends on some terminals.
        KeyCode::Char('h') if ctrl => return Some(plain(Code::Backspace)),
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        _ => return None,
    };
    Some(Key { ctrl, code })
}
