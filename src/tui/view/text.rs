//! Text cut to a number of cells, and lines broken at words.

use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

/// The text in at most `width` cells; what is left out is marked by `…` at the end.
pub(super) fn end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    take(text.chars(), width.saturating_sub(1)) + if width > 0 { "…" } else { "" }
}

/// The same, but the middle is left out: names of pods differ at their end.
pub(super) fn middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    if width < 8 {
        return end(text, width);
    }
    // The last part of a pod's name is five characters and its dash.
    let tail: String = take(text.chars().rev(), (width / 2).min(7)).chars().rev().collect();
    let head = take(text.chars(), width - 1 - tail.width());
    format!("{head}…{tail}")
}

fn take(letters: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    letters
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// Explanation broken into lines of at most `width` cells.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let needed = if line.is_empty() { word.width() } else { line.width() + 1 + word.width() };
        if needed > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
        // A word longer than a line, an ARN for one, is broken anywhere.
        while line.width() > width && width > 0 {
            let part = take(line.chars(), width);
            let rest = line.split_off(part.len());
            lines.push(std::mem::replace(&mut line, rest));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_text_keeps_its_width() {
        assert_eq!(end("eksworkshoptg", 6), "ekswo…");
        assert_eq!(end("web", 6), "web");
        assert_eq!(end("web", 0), "");
        assert_eq!(middle("testapp-5887f8fccc-4c7xw", 16), "testapp-…c-4c7xw");
        assert_eq!(middle("日本語日本語日本語", 9).width(), 9);
    }

    #[test]
    fn lines_break_at_words_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
    }
}
