//! Text of others made safe to print: what would steer a terminal, turn a line round or hide in it becomes visible. The one
//! place for every output: tables, words, JSON, YAML, logs and the screen.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Characters without a width of their own that may follow one another: accents. Longer runs pile up over other lines.
const STACKED: usize = 4;

/// One line: line breaks and tabs are made visible as well.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    cleaned(text, |_| false, escaped)
}

/// Text of several lines.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    cleaned(text, |it| it == '\n', escaped)
}

/// JSON as it was written: the same value, with everything unsafe in its strings as JSON escapes it.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    cleaned(
        text,
        |it| it == '\n',
        |it, into| {
            for unit in it.encode_utf16(&mut [0; 2]) {
                _ = write!(into, "\\u{unit:04x}");
            }
        },
    )
}

/// JSON as YAML in the flow style: the same values, with everything unsafe in its strings as YAML escapes it.
pub(crate) fn yaml(json: &str) -> Cow<'_, str> {
    cleaned(json, |it| it == '\n', |it, into| _ = write!(into, "\\U{:08x}", u32::from(it)))
}

/// A URL without the password that may stand in it, or the token in its place.
pub(crate) fn url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    match host.rsplit_once('@') {
        Some((user, host)) => {
            // A user alone is no name: tokens are given so.
            let name = user.split_once(':').map_or("", |it| it.0);
            format!("{scheme}://{name}:***@{host}{path}")
        }
        None => url.to_owned(),
    }
}

/// `\u{202e}`
fn escaped(it: char, into: &mut String) {
    _ = write!(into, "\\u{{{:x}}}", u32::from(it));
}

fn cleaned(text: &str, keeps: impl Fn(char) -> bool, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    // Nearly everything is plain.
    if text.bytes().all(|it| (b' '..=b'~').contains(&it) || keeps(char::from(it))) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut stacked = 0;
    for it in text.chars() {
        stacked = if it.width() == Some(0) { stacked + 1 } else { 0 };
        match !keeps(it) && (is_unsafe(it) || stacked > STACKED) {
            true => escape(it, &mut clean),
            false => clean.push(it),
        }
    }
    match clean == text {
        true => Cow::Borrowed(text),
        false => Cow::Owned(clean),
    }
}

/// Controls (C0, DEL, C1), what changes the direction of text, and what is there without being seen.
pub(crate) fn is_unsafe(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_or_hides_is_made_visible() {
        assert_eq!(line("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(line("one\ntwo\tthree"), "one\\u{a}two\\u{9}three");
        assert_eq!(text("one\ntwo\r"), "one\ntwo\\u{d}");
        assert_eq!(line("adm\u{202e}nimda\u{2069}"), "adm\\u{202e}nimda\\u{2069}");
        assert_eq!(line("web\u{200b}\u{e0041}"), "web\\u{200b}\\u{e0041}");
        assert_eq!(line("\u{9b}31m\u{7f}"), "\\u{9b}31m\\u{7f}");
        assert_eq!(line("web\u{3164}\u{fe0f}"), "web\\u{3164}\\u{fe0f}");
    }

    #[test]
    fn a_password_in_a_url_is_hidden() {
        assert_eq!(url("https://me:secret@proxy:8080/a@b"), "https://me:***@proxy:8080/a@b");
        assert_eq!(url("https://token@host"), "https://:***@host");
        for plain in ["https://host/a@b", "host", "http://[::1]:4566"] {
            assert_eq!(url(plain), plain);
        }
    }

    #[test]
    fn other_languages_and_single_accents_stay() {
        for plain in ["日本語 web", "é e\u{301}", "→ ═ ✗", "שלום"] {
            assert!(matches!(line(plain), Cow::Borrowed(it) if it == plain), "{plain}");
        }
        let piled = format!("a{}", "\u{301}".repeat(30));
        assert_eq!(line(&piled).matches('\u{301}').count(), STACKED);
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(any in "\\PC*|(?s).*") {
            prop_assert!(!line(&any).chars().any(is_unsafe));
            prop_assert!(!text(&any).chars().any(|it| it != '\n' && is_unsafe(it)));
        }

        #[test]
        fn json_keeps_its_value(any in "(?s).*") {
            let written = serde_json::to_string(&any).unwrap();
            let safe = json(&written);
            prop_assert!(!safe.chars().any(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), any);
        }
    }
}
