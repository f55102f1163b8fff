//! Moving through lines and between views. Lines are found again by what they are, not by where they were.

use crate::app::action::Action;
use crate::app::lines::Line;
use crate::app::state::Dialog;
use crate::app::state::Pane;
use crate::app::state::State;
use crate::app::state::Tab;
use crate::app::state::View;
use crate::domain::facts::ids::RowKey;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::path::of_row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::scope::ScopeKind;

pub(super) fn step(state: &mut State, action: Action) {
    if scrolls(state, action) {
        return;
    }
    let lines = state.lines();
    let Some(last) = lines.len().checked_sub(1) else { return };
    let at = lines.selected(state);
    let page = state.page();
    let to = match (action, at) {
        (Action::Top, _) | (Action::Down | Action::PageDown | Action::HalfDown, None) => 0,
        (Action::Bottom, _) | (Action::Up | Action::PageUp | Action::HalfUp, None) => last,
        (Action::Down, Some(at)) => at + 1,
        (Action::Up, Some(at)) => at.saturating_sub(1),
        (Action::PageDown, Some(at)) => at + page,
        (Action::PageUp, Some(at)) => at.saturating_sub(page),
        (Action::HalfDown, Some(at)) => at + page / 2,
        (Action::HalfUp, Some(at)) => at.saturating_sub(page / 2),
        (_, Some(at)) => at,
        (_, None) => return,
    };
    let line = lines.get(to.min(last));
    select(state, line);
}

/// Lines of a tab scroll by pages; line by line one goes from row to row. Nothing scrolls past its end.
fn scrolls(state: &mut State, action: Action) -> bool {
    let page = u16::try_from(state.page()).unwrap_or(u16::MAX);
    if state.shown().is_none() || state.tab == Tab::Board {
        return false;
    }
    let is_tree = state.tab == Tab::Routes;
    let at = state.scroll.min(state.last_scroll);
    state.scroll = match action {
        Action::PageDown => at.saturating_add(page),
        Action::PageUp => at.saturating_sub(page),
        Action::HalfDown => at.saturating_add(page / 2),
        Action::HalfUp => at.saturating_sub(page / 2),
        // A tree has no rows to go through.
        Action::Down if is_tree => at.saturating_add(1),
        Action::Up if is_tree => at.saturating_sub(1),
        Action::Top if is_tree => 0,
        Action::Bottom if is_tree => u16::MAX,
        _ => {
            state.scroll = 0;
            return false;
        }
    };
    true
}

/// Shows something else of the board's subject, or of the selected line's; the path of a row that tells something where
/// none is selected.
pub(super) fn tab(state: &mut State, tab: Tab) {
    if let (View::Bindings, Some(subject)) = (&state.view, state.listed.clone()) {
        show(state, View::Board(subject));
    }
    (state.tab, state.scroll) = (tab, 0);
    if tab == Tab::Routes {
        state.zoom = false;
    }
    if tab != Tab::Network || state.selected.is_some() {
        return;
    }
    let Some(report) = state.report() else { return };
    let telling =
        report.group.as_ref().and_then(|it| of_row::telling(&state.inventory, it, &report.rows).next());
    let first = || state.rows().into_iter().find(|it| it.key.target().is_some()).map(|it| it.key.clone());
    state.selected = telling.map(|it| it.key.clone()).or_else(first);
}

fn select(state: &mut State, line: Option<Line>) {
    match line {
        Some(Line::Subject(subject)) => state.listed = Some(subject),
        Some(Line::Row(key)) => state.selected = Some(key),
        None => {}
    }
}

/// After lines changed: in the list a selected line that is gone changes on to the one that took its place. On a board
/// nothing is selected then: the next key would be about another target. `before`: where it was.
pub(super) fn keep(state: &mut State, before: Option<usize>) {
    if !state.has_selection() || state.line_at().is_some() {
        return;
    }
    if matches!(state.view, View::Board(_)) {
        state.selected = None;
        return;
    }
    let lines = state.lines();
    let at = before.unwrap_or(0);
    match lines.get(at.min(lines.len().saturating_sub(1))) {
        Some(other) => select(state, Some(other)),
        None => state.listed = None,
    }
}

/// A list has a line selected as soon as it has lines.
pub(super) fn first(state: &mut State) {
    if state.opened && matches!(state.view, View::Bindings) && state.listed.is_none() {
        let first = state.lines().get(0);
        state.dirty |= first.is_some();
        select(state, first);
    }
}

/// A pod that was selected before it had an address is the same line once it has one.
pub(super) fn follow_pod(state: &mut State, uid_before: Option<RowKey>) {
    let Some(RowKey::Pod(uid)) = uid_before else { return };
    let found = state.board().and_then(|it| it.report.rows.iter().find(|row| row.uid() == Some(&uid)));
    if let Some(key) = found.map(|row| row.key.clone()) {
        state.selected = Some(key);
    }
}

pub(super) fn pane(state: &mut State) {
    state.pane = match state.pane {
        Pane::Endpoints => Pane::Targets,
        Pane::Targets => Pane::Endpoints,
    };
}

pub(super) fn show(state: &mut State, view: View) {
    state.opened = true;
    state.dirty = true;
    if state.view != view {
        if let View::Board(subject) = &state.view {
            state.listed = Some(subject.clone());
        }
        state.view = view;
        (state.tab, state.scroll) = (Tab::Board, 0);
        state.selected = None;
        state.changes.marked.clear();
        state.filter.clear();
        state.problems_only = false;
    }
}

pub(super) fn board(state: &mut State) {
    (state.tab, state.scroll) = (Tab::Board, 0);
    if let (View::Bindings, Some(subject)) = (&state.view, state.last_board().cloned()) {
        show(state, View::Board(subject));
    }
}

pub(super) fn enter(state: &mut State) {
    match (&state.view, state.listed.clone()) {
        (View::Bindings, Some(subject)) => show(state, View::Board(subject)),
        (View::Bindings, None) => {}
        (View::Board(_), _) => state.dialogs.push(Dialog::Details { scroll: 0 }),
    }
}

pub(super) fn back(state: &mut State) {
    if !state.filter.is_empty() || state.problems_only {
        state.filter.clear();
        state.problems_only = false;
    } else if state.narrowed && state.view == View::Bindings {
        state.narrowed = false;
    } else if state.shown().is_some() && state.tab != Tab::Board {
        (state.tab, state.scroll) = (Tab::Board, 0);
    } else if !state.changes.marked.is_empty() {
        state.changes.marked.clear();
    } else if state.zoom {
        state.zoom = false;
    } else if matches!(state.view, View::Board(_)) && state.selected.is_some() {
        state.selected = None;
    } else {
        show(state, View::Bindings);
    }
}

/// Opens the board of a binding that was just made, once it is there.
pub(super) fn follow_made(state: &mut State) {
    let made = state.changes.made.clone().map(Subject::Binding);
    if let Some(subject) = made.filter(|it| state.boards.contains_key(it)) {
        state.changes.made = None;
        show(state, View::Board(subject));
    }
}

/// Chooses the first view, as soon as enough was read: the board where the scope names one thing or holds
/// one binding, else the list.
pub(super) fn open(state: &mut State) {
    if state.opened || state.frozen.is_some() {
        return;
    }
    let listed = state.inventory.sources.keys().any(|it| {
        matches!(it, Source::Kubernetes(cluster, Kind::Bindings(_)) if state.inventory.clusters.contains_key(cluster))
    });
    // Where both kinds of binding are served, one list alone does not tell how many there are.
    let awaited = state.inventory.sources.iter().any(|(source, it)| {
        matches!(source, Source::Kubernetes(_, Kind::Bindings(_))) && it.read.is_none() && it.failed.is_none()
    });
    if !listed || awaited {
        return;
    }
    let found: Vec<&Subject> = match &state.opening.target {
        None => state.boards.keys().filter(|it| matches!(it, Subject::Binding(_))).collect(),
        Some(target) => state
            .boards
            .iter()
            .filter(|(_, it)| target.selects(&state.inventory, &it.report))
            .map(|(subject, _)| subject)
            .collect(),
    };
    match (found.as_slice(), &state.opening.target) {
        ([one], target) => {
            let subject = (*one).clone();
            let pod = match target.as_ref().map(|it| &it.kind) {
                Some(ScopeKind::Pod(name)) => Some(name.clone()),
                _ => None,
            };
            show(state, View::Board(subject));
            let row = pod.and_then(|name| {
                let rows = &state.board()?.report.rows;
                rows.iter()
                    .find(|row| row.endpoint.as_ref().is_some_and(|it| it.pod.as_ref() == Some(&name)))
                    .map(|it| it.key.clone())
            });
            state.selected = row;
        }
        // Nothing yet: what it is about may still be read, or come to be.
        ([], _) => {}
        (_, target) => {
            state.narrowed = target.is_some();
            state.opened = true;
            state.dirty = true;
        }
    }
}
