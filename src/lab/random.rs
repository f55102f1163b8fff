//! Names and numbers that look drawn by chance and are the same in every run of a scenario.

use std::fmt::Write;

/// A small generator (SplitMix64): enough for names, and without a dependency that may change its numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

/// The letters Kubernetes draws names from: no vowels, nothing that looks like another.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A suffix of a generated name.
    pub(super) fn suffix(&mut self, length: usize) -> String {
        let letters = u64::try_from(LETTERS.len()).unwrap_or(1);
        let mut letter = || {
            let index = usize::try_from(self.below(letters)).unwrap_or_default();
            char::from(LETTERS.get(index).copied().unwrap_or(b'x'))
        };
        (0..length).map(|_| letter()).collect()
    }

    pub(super) fn uid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        let (high, low) = (a >> 32, (a >> 16) & 0xffff);
        let (third, fourth) = (0x4000 | (a & 0x0fff), 0x8000 | (b >> 50));
        format!("{high:08x}-{low:04x}-{third:04x}-{fourth:04x}-{:012x}", b & 0xffff_ffff_ffff)
    }

    /// Hexadecimal digits, as in ARNs.
    pub(super) fn hex(&mut self, length: usize) -> String {
        let mut text = String::new();
        while text.len() < length {
            _ = write!(text, "{:016x}", self.next());
        }
        text.truncate(length);
        text
    }
}

/// A stable hash of a text, for names that must not change while their content does not.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
