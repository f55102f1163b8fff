//! Which columns fit a width, and how wide each becomes.

use unicode_width::UnicodeWidthStr;

/// A column that may be placed: its least width, share of the rest, priority, and its widest cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) least: u16,
    pub(super) grows: u16,
    pub(super) priority: u8,
    pub(super) widest: u16,
}

/// Cells between two columns.
const GAP: u16 = 1;

/// Widths in the order of the wishes; `None`: no room. The first to go is the least important.
pub(super) fn widths(wishes: &[Wish], width: u16) -> Vec<Option<u16>> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|index| wishes.get(*index).map(|it| it.priority));
    let mut placed: Vec<Option<u16>> = vec![None; wishes.len()];
    let mut left = width;
    for (n, index) in order.iter().enumerate() {
        let Some(wish) = wishes.get(*index) else { continue };
        let gap = if n == 0 { 0 } else { GAP };
        let needed = wish.least.min(wish.widest.max(1));
        // The most important column is shown, cut if it must be.
        let given = if n == 0 { needed.min(width) } else { needed };
        if given + gap <= left {
            left -= given + gap;
            if let Some(slot) = placed.get_mut(*index) {
                *slot = Some(given);
            }
        } else {
            break;
        }
    }
    // What is left goes to the columns that need it, by their shares, the most important first.
    loop {
        let mut grown = false;
        for index in &order {
            let (Some(wish), Some(Some(slot))) = (wishes.get(*index), placed.get_mut(*index)) else {
                continue;
            };
            let more = wish.widest.saturating_sub(*slot).min(wish.grows.max(1)).min(left);
            if more > 0 {
                *slot += more;
                left -= more;
                grown = true;
            }
        }
        if !grown {
            break;
        }
    }
    // Then to those that grow even without need, so that panes are filled.
    placed
}

/// The widest of some texts, in cells.
pub(super) fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> u16 {
    texts.map(UnicodeWidthStr::width).max().and_then(|it| u16::try_from(it).ok()).unwrap_or(0)
}

/// The first line on show so that the selected one is in the middle where that is possible.
pub(super) fn top(n_lines: usize, selected: Option<usize>, height: usize) -> usize {
    let at = selected.unwrap_or(0);
    at.saturating_sub(height / 2).min(n_lines.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(least: u16, priority: u8, widest: u16) -> Wish {
        Wish { least, grows: 1, priority, widest }
    }

    #[test]
    fn the_least_important_column_goes_first() {
        let wishes = [wish(10, 0, 20), wish(8, 2, 8), wish(6, 1, 6)];
        assert_eq!(widths(&wishes, 40), [Some(20), Some(8), Some(6)]);
        assert_eq!(widths(&wishes, 26), [Some(10), Some(8), Some(6)]);
        assert_eq!(widths(&wishes, 25), [Some(18), None, Some(6)]);
        assert_eq!(widths(&wishes, 12), [Some(12), None, None]);
        assert_eq!(widths(&wishes, 5), [Some(5), None, None]);
    }

    #[test]
    fn the_selected_line_is_always_on_show() {
        for n_lines in 0..40 {
            for height in 1..12 {
                for selected in 0..n_lines {
                    let first = top(n_lines, Some(selected), height);
                    assert!((first..first + height).contains(&selected), "{n_lines} {height} {selected}");
                }
            }
        }
    }
}
