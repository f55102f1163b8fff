//! How wide the columns of the view on show have become: they grow with what they show, and hold still when it goes.

use std::collections::BTreeMap;

use crate::domain::judgement::row::Subject;

/// Cells that the widest content of each column has needed, by the column's title.
pub type Measured = BTreeMap<&'static str, u16>;

/// Under this a page that scrolls tells how many lines can be scrolled away.
pub(crate) const LAST_LINE: &str = "\u{0}last line";

/// What the columns needed in the frames so far of one view at one size. A cell that gets shorter moves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Widths {
    /// The open board; `None`: the list.
    board: Option<Subject>,
    size: (u16, u16),
    needed: Measured,
}

impl Widths {
    /// Takes in what a frame needed. Another view or another size starts anew: there everything moves anyway.
    pub(super) fn note(&mut self, board: Option<&Subject>, size: (u16, u16), measured: Measured) {
        if self.board.as_ref() != board || self.size != size {
            *self = Self { board: board.cloned(), size, needed: measured };
            return;
        }
        for (title, width) in measured {
            let needed = self.needed.entry(title).or_default();
            *needed = width.max(*needed);
        }
    }

    /// Cells that a column needs at least, for it not to be narrower than before.
    pub(crate) fn held(&self, board: Option<&Subject>, title: &str) -> u16 {
        match self.board.as_ref() == board {
            true => self.needed.get(title).copied().unwrap_or(0),
            false => 0,
        }
    }
}
