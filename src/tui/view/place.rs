//! Which columns fit a width, and how wide each becomes.

use unicode_width::UnicodeWidthStr;

/// A column that may be placed: its least width, share of the rest, priority, and its widest cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) least: u16,
    pub(super) grows: u16,
    pub(super) priority: u8,
    /// What lines are known by: it has its room before anything else grows.
    pub(super) identity: bool,
    /// Only where room is left over once nothing of the others is cut.
    pub(super) spare: bool,
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
    let first = order.iter().filter(|it| wishes.get(**it).is_some_and(|it| !it.spare));
    for (n, index) in first.enumerate() {
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
    // What is left goes to the columns that need it: first to those that lines are known by.
    for identity in [true, false] {
        let these: Vec<usize> = order
            .iter()
            .copied()
            .filter(|it| wishes.get(*it).is_some_and(|it| it.identity == identity))
            .collect();
        left = grow(wishes, &these, &mut placed, left);
    }
    for index in order {
        let Some(wish) = wishes.get(index).filter(|it| it.spare) else { continue };
        let Some(room) = left.checked_sub(GAP).filter(|it| *it >= wish.least.min(wish.widest)) else { break };
        if let Some(slot) = placed.get_mut(index) {
            *slot = Some(wish.widest.min(room));
            left = room - wish.widest.min(room);
        }
    }
    placed
}

/// Gives these columns what they need, by their shares, the most important first. The rest that nobody needs.
fn grow(wishes: &[Wish], these: &[usize], placed: &mut [Option<u16>], mut left: u16) -> u16 {
    loop {
        let before = left;
        for index in these {
            let (Some(wish), Some(Some(slot))) = (wishes.get(*index), placed.get_mut(*index)) else {
                continue;
            };
            let more = wish.widest.saturating_sub(*slot).min(wish.grows.max(1)).min(left);
            *slot += more;
            left -= more;
        }
        if left == before {
            return left;
        }
    }
}

/// Cells that columns need in which nothing is cut.
pub(super) fn needed(wishes: &[Wish]) -> u16 {
    let these = || wishes.iter().filter(|it| !it.spare);
    let gaps = u16::try_from(these().count()).unwrap_or(u16::MAX).saturating_sub(1).saturating_mul(GAP);
    these().map(|it| it.widest).fold(gaps, u16::saturating_add)
}

/// The left one's share of a width, where two need these: half, or more or less where only one of them has too little
/// with half.
pub(super) fn share(width: u16, left: u16, right: u16) -> u16 {
    let half = width / 2;
    match (left > half, right > width - half) {
        (true, false) => left.min(width - right),
        (false, true) => (width - right.min(width)).max(left),
        _ => half,
    }
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
        Wish { least, grows: 1, priority, identity: false, spare: false, widest }
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
    fn what_lines_are_known_by_is_cut_last() {
        let identity = Wish { identity: true, ..wish(10, 0, 20) };
        let wishes = [identity, wish(5, 1, 20)];
        assert_eq!(widths(&wishes, 26), [Some(20), Some(5)]);
        assert_eq!(widths(&wishes, 31), [Some(20), Some(10)]);
        assert_eq!(widths(&wishes, 20), [Some(14), Some(5)]);
    }

    #[test]
    fn spare_columns_come_where_room_is_left_over() {
        let spare = |least, priority, widest| Wish { spare: true, ..wish(least, priority, widest) };
        let wishes = [wish(10, 0, 20), spare(14, 1, 30), spare(8, 2, 8)];
        assert_eq!(widths(&wishes, 20), [Some(20), None, None]);
        assert_eq!(widths(&wishes, 34), [Some(20), None, None]);
        assert_eq!(widths(&wishes, 36), [Some(20), Some(15), None]);
        assert_eq!(widths(&wishes, 60), [Some(20), Some(30), Some(8)]);
    }

    #[test]
    fn a_pane_takes_only_what_the_other_does_not_need() {
        for (width, left, right, share_of_left) in [
            (100, 40, 40, 50),
            (100, 55, 40, 55),
            (100, 70, 40, 60),
            (100, 40, 55, 45),
            (100, 40, 90, 40),
            (100, 70, 70, 50),
            (101, 51, 40, 51),
            (10, 4, 200, 4),
        ] {
            assert_eq!(share(width, left, right), share_of_left, "{width} {left} {right}");
        }
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
