//! Keys as the action table, the configuration and the README write them.

use std::fmt;

/// A key press: with ctrl or not. Shift is in the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub(crate) ctrl: bool,
    pub(crate) code: Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

/// Names of the keys that are no characters.
const NAMES: [(Code, &str); 13] = [
    (Code::Enter, "Enter"),
    (Code::Esc, "Esc"),
    (Code::Tab, "Tab"),
    (Code::BackTab, "S-Tab"),
    (Code::Backspace, "Backspace"),
    (Code::Up, "↑"),
    (Code::Down, "↓"),
    (Code::Left, "←"),
    (Code::Right, "→"),
    (Code::Home, "Home"),
    (Code::End, "End"),
    (Code::PageUp, "PgUp"),
    (Code::PageDown, "PgDn"),
];

pub(crate) const fn key(code: char) -> Key {
    Key { ctrl: false, code: Code::Char(code) }
}

pub(crate) const fn ctrl(code: char) -> Key {
    Key { ctrl: true, code: Code::Char(code) }
}

pub(crate) const fn plain(code: Code) -> Key {
    Key { ctrl: false, code }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        match self.code {
            Code::Char(' ') => f.write_str("space"),
            Code::Char(c) => write!(f, "{c}"),
            other => f.write_str(NAMES.iter().find(|it| it.0 == other).map_or("?", |it| it.1)),
        }
    }
}
