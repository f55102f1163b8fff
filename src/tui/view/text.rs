//! Text cut to a number of cells, and lines broken at words. However long a text from outside is, what is taken of it
//! is bounded.

use textwrap::Options;
use textwrap::WordSeparator;
use textwrap::WordSplitter;
use textwrap::WrapAlgorithm;
use unicode_truncate::UnicodeTruncateStr;

use crate::limits;
use crate::printable;

/// Bytes of one text that are shown at most; what follows is left out. More than any screen holds.
const SHOWN: usize = limits::TEXT.bytes;

/// The text in at most `width` cells; what is left out is marked by `…` at the end.
pub(super) fn end(text: &str, width: usize) -> String {
    let text = &*printable::line(text.get(..text.floor_char_boundary(2 * SHOWN)).unwrap_or_default());
    let start = start(text);
    if fits(start, width) && start.len() == text.len() {
        return text.to_owned();
    }
    match width.checked_sub(1) {
        Some(width) => format!("{}…", start.unicode_truncate(width).0),
        None => String::new(),
    }
}

/// The same, but the middle is left out: names of pods differ at their end.
pub(super) fn middle(text: &str, width: usize) -> String {
    // Of a text too long for any screen both ends are enough.
    let ends = (text.len() > 4 * SHOWN).then(|| {
        let (first, last) =
            (text.floor_char_boundary(2 * SHOWN), text.ceil_char_boundary(text.len() - 2 * SHOWN));
        [text.get(..first), text.get(last..)].map(Option::unwrap_or_default).concat()
    });
    let text = &*printable::line(ends.as_deref().unwrap_or(text));
    let start = start(text);
    if width < 8 || (fits(start, width) && start.len() == text.len()) {
        return end(text, width);
    }
    let last = text.get(text.ceil_char_boundary(text.len().saturating_sub(SHOWN))..).unwrap_or_default();
    // The last part of a pod's name is five characters and its dash.
    let (tail, taken) = last.unicode_truncate_start((width / 2).min(7));
    let (head, _) = start.unicode_truncate(width - 1 - taken);
    format!("{head}…{tail}")
}

/// Explanation broken into lines of at most `width` cells. A word longer than a line, an ARN for one, is broken
/// anywhere.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let text = &*printable::text(text.get(..text.floor_char_boundary(2 * SHOWN)).unwrap_or_default());
    let start = start(text);
    let mut words: Vec<&str> = start.split_whitespace().collect();
    if start.len() < text.trim_end().len() {
        words.push("…");
    }
    let options = Options::new(width.max(1))
        .break_words(true)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    match words.is_empty() {
        true => Vec::new(),
        false => textwrap::wrap(&words.join(" "), options).into_iter().map(String::from).collect(),
    }
}

/// As much of a text as is ever shown.
fn start(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SHOWN)).unwrap_or_default()
}

fn fits(text: &str, width: usize) -> bool {
    text.unicode_truncate(width).0.len() == text.len()
}

/// A title, with a mark where lines stand in the order of its column.
pub(super) fn sorted(title: &str, is_sorted: bool, reversed: bool) -> String {
    match (is_sorted, reversed) {
        (false, _) => title.to_owned(),
        (true, false) => format!("{title} ↑"),
        (true, true) => format!("{title} ↓"),
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn cut_text_keeps_its_width() {
        assert_eq!(end("eksworkshoptg", 6), "ekswo…");
        assert_eq!(end("web", 6), "web");
        assert_eq!(end("web", 3), "web");
        assert_eq!(end("web", 1), "…");
        assert_eq!(end("web", 0), "");
        assert_eq!(middle("testapp-5887f8fccc-4c7xw", 16), "testapp-…c-4c7xw");
        assert_eq!(middle("testapp-5887f8fccc-4c7xw", 24), "testapp-5887f8fccc-4c7xw");
        assert_eq!(middle("testapp-5887f8fccc-4c7xw", 7), "testap…");
        assert_eq!(middle("日本語日本語日本語", 9).width(), 9);
    }

    #[test]
    fn lines_break_at_words_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one  two\n three ", 20), ["one two three"]);
        assert_eq!(wrap("well-known", 6), ["well-k", "nown"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a bcdefghij k", 4), ["a", "bcde", "fghi", "j k"]);
        assert_eq!(wrap("日本語日本語", 5), ["日本", "語日", "本語"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
        assert_eq!(wrap(" \n ", 4), Vec::<String>::new());
        assert_eq!(wrap("ab", 0), ["a", "b"]);
    }

    #[test]
    fn of_a_word_without_end_only_the_start_is_shown() {
        let endless = "x".repeat(1 << 20);
        let lines = wrap(&endless, 80);
        assert_eq!(lines.concat().matches('x').count(), SHOWN);
        assert!(lines.iter().all(|it| it.width() <= 80), "{lines:?}");
        assert_eq!(lines.last().map(String::as_str).and_then(|it| it.chars().last()), Some('…'));
        assert_eq!(end(&endless, 5), "xxxx…");
        assert_eq!(middle(&endless, 9), "xxxx…xxxx");
        // Text that takes no cells is no exception.
        let unseen = "\u{200b}".repeat(1 << 20);
        assert!(end(&unseen, 5).len() <= SHOWN + "…".len());
        assert!(middle(&unseen, 9).len() <= 2 * SHOWN + "…".len());
        assert!(wrap(&unseen, 80).concat().len() <= SHOWN + " …".len());
    }
}
