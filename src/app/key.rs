//! Keys as the action table, the configuration and the README write them.

use std::fmt;
use std::str::FromStr;

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

/// A text that names no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKey(pub String);

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let (ctrl, rest) = text.strip_prefix("ctrl-").map_or((false, text), |it| (true, it));
        let named = NAMES.iter().find(|it| it.1.eq_ignore_ascii_case(rest)).map(|it| it.0);
        let mut letters = rest.chars();
        let single = letters.next().filter(|_| letters.next().is_none()).map(Code::Char);
        let code = named.or(single).or((rest == "space").then_some(Code::Char(' ')));
        code.map(|code| Self { ctrl, code }).ok_or_else(|| InvalidKey(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_as_they_are_written() {
        for it in [
            key('q'),
            key(' '),
            ctrl('c'),
            plain(Code::PageDown),
            plain(Code::Up),
            key('?'),
            plain(Code::BackTab),
        ] {
            assert_eq!(it.to_string().parse(), Ok(it));
        }
        assert_eq!("hyper-x".parse::<Key>(), Err(InvalidKey("hyper-x".to_owned())));
    }
}
