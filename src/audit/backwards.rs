//! The lines of a file from its end, in blocks: what is needed of a log stands there, however long the log is.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::limits;

/// Bytes read at once.
const BLOCK: u64 = 64 * 1024;
/// The longest line that is written and read, in bytes. A drain of 190 pods takes 2.4 MB, since each of its steps names
/// all that leave. What is longer is passed over.
pub(super) const LONGEST: usize = limits::AUDIT_LINE.bytes;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins, in bytes from the start of the file.
    pub(super) at: u64,
    /// `None`: it is too long to be read.
    pub(super) bytes: Option<Vec<u8>>,
}

/// Never holds more than the longest line and a block.
pub(super) struct Backwards<'a> {
    file: &'a File,
    /// Where what is held begins; 0 and nothing held: the end.
    at: u64,
    held: Vec<u8>,
    /// The first bytes of what is held, in which no line end was looked for yet.
    fresh: usize,
    /// What follows what is held belongs to the same line and was let go.
    long: bool,
}

impl<'a> Backwards<'a> {
    /// The lines of the first `length` bytes.
    pub(super) fn new(file: &'a File, length: u64) -> Self {
        Self { file, at: length, held: Vec::new(), fresh: 0, long: false }
    }

    /// The next earlier line that is not empty.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let end = self.held.get(..self.fresh).and_then(|it| it.iter().rposition(|it| *it == b'\n'));
            if let Some(end) = end {
                let bytes = self.held.split_off(end + 1);
                self.held.truncate(end);
                self.fresh = end;
                let at = self.at + end as u64 + 1;
                if let Some(line) = self.line(at, bytes) {
                    return Ok(Some(line));
                }
                continue;
            }
            if self.held.len() > LONGEST {
                self.long = true;
                self.held.clear();
            }
            if self.at == 0 {
                self.fresh = 0;
                let bytes = std::mem::take(&mut self.held);
                return Ok(self.line(0, bytes));
            }
            let size = self.at.min(BLOCK);
            self.at -= size;
            let mut block = vec![0; usize::try_from(size).unwrap_or_default()];
            self.file.read_exact_at(&mut block, self.at)?;
            self.fresh = block.len();
            block.append(&mut self.held);
            self.held = block;
        }
    }

    fn line(&mut self, at: u64, bytes: Vec<u8>) -> Option<Line> {
        let long = std::mem::take(&mut self.long) || bytes.len() > LONGEST;
        match long {
            true => Some(Line { at, bytes: None }),
            false => (!bytes.is_empty()).then_some(Line { at, bytes: Some(bytes) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(text: &[u8]) -> Vec<Line> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let mut backwards = Backwards::new(&file, text.len() as u64);
        std::iter::from_fn(|| backwards.next().unwrap()).collect()
    }

    #[test]
    fn lines_come_from_the_end_with_where_they_begin_whatever_block_they_are_in() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n\n"), []);
        for width in [1, 1000, 65_535, 65_536, 70_000, 200_000] {
            let parts: Vec<Vec<u8>> = (0..5_u8).map(|it| vec![b'a' + it; width + usize::from(it)]).collect();
            for end in ["", "\n", "\n\n"] {
                let text = [parts.join(&b'\n'), end.as_bytes().to_vec()].concat();
                let mut at = 0;
                let mut expected: Vec<Line> = Vec::new();
                for part in &parts {
                    expected.insert(0, Line { at, bytes: Some(part.clone()) });
                    at += part.len() as u64 + 1;
                }
                assert!(lines(&text) == expected, "{width} {end:?}");
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_costs_only_itself() {
        let long = vec![b'x'; 3 * LONGEST];
        let text = [b"first\n".to_vec(), long.clone(), b"\nlast".to_vec()].concat();
        let [last, none, first] = lines(&text).try_into().unwrap();
        assert_eq!(
            (last.bytes.as_deref(), first.bytes.as_deref()),
            (Some(&b"last"[..]), Some(&b"first"[..]))
        );
        assert_eq!(none, Line { at: 6, bytes: None });
        assert_eq!(lines(&long), [Line { at: 0, bytes: None }]);
    }
}
