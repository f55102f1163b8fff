//! What was seen outside: folded into the inventory, and the judgements that hang on it renewed, once for
//! everything taken in together.

use std::collections::BTreeSet;

use super::navigate;
use crate::app::opening::Opening;
use crate::app::state::Board;
use crate::app::state::Dialog;
use crate::app::state::State;
use crate::app::state::Tab;
use crate::app::state::View;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Observation;
use crate::domain::inventory::follow::Again;
use crate::domain::inventory::follow::Follow;
use crate::domain::inventory::network::WantedPath;
use crate::domain::judgement::history::History;
use crate::domain::judgement::pass::Pass;
use crate::domain::judgement::path::of_row;
use crate::domain::judgement::report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::scope::Boards;
use crate::domain::judgement::scope::ScopeKind;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::unsettled::Unsettled;
use crate::domain::plan::act::Act;
use crate::domain::plan::progress::Progress;

/// Seconds between two judgements of boards that are not on show, for what only time changes.
const UNSEEN: i64 = 10;

pub(super) fn observe(state: &mut State, change: Observation, at: Timestamp) {
    state.now = state.now.max(at);
    let touched = state.inventory.apply(change, at);
    state.all_stale |= touched.all;
    state.stale.extend(touched.bindings.into_iter().map(Subject::Binding));
    for group in touched.groups {
        state.stale.extend(state.inventory.on_group(&group).map(|(it, _)| Subject::Binding(it)));
        state.stale.insert(Subject::Group(group));
    }
    state.dirty = true;
}

/// Judgements that time alone may change: of what is on show every second, of the rest now and then.
pub(super) fn age(state: &mut State) {
    let due = state.now.since(state.judged) >= UNSEEN;
    if due {
        state.judged = state.now;
    }
    let moving: Vec<Subject> = state
        .boards
        .iter()
        .filter(|(subject, it)| {
            let shown = matches!(&state.view, View::Board(open) if open == *subject);
            (shown || due) && it.report.settled.value != Some(true)
        })
        .map(|(subject, _)| subject.clone())
        .collect();
    state.stale.extend(moving);
    // Ages on show change with time; without a board there are none.
    state.dirty |= !state.boards.is_empty();
}

/// Renews what is stale. A frozen picture keeps what it shows; everything seen meanwhile is kept too.
pub(super) fn settle(state: &mut State) {
    if state.frozen.is_some() || (!state.all_stale && state.stale.is_empty()) {
        return;
    }
    let before = state.line_at();
    let selected = state.selected.clone();
    let Opening { namespace, selector, target, .. } = &state.opening;
    let boards =
        Boards { namespace: namespace.as_deref(), selector: selector.as_ref(), target: target.as_ref() };
    let wanted = boards.subjects(&state.inventory);
    let stale: Vec<Subject> = match state.all_stale {
        true => wanted.iter().cloned().collect(),
        false => state.stale.iter().filter(|it| wanted.contains(*it)).cloned().collect(),
    };
    state.boards.retain(|subject, _| wanted.contains(subject));
    let pass = Pass::new(&state.inventory, state.now);
    for subject in stale {
        let mut history = state.boards.remove(&subject).map_or_else(History::default, |it| it.history);
        history.set_detached(state.changes.detached(&subject));
        if let Some(report) = report::judge_in(&pass, &subject, &history) {
            history.note(&report.rows, (report.word(), report.whole), state.now);
            state.boards.insert(subject, Board { report, history });
        }
    }
    state.all_stale = false;
    state.stale.clear();
    navigate::follow_pod(state, selected);
    navigate::keep(state, before);
    state.dirty = true;
}

/// What was written is to be seen soon: the targets of the group that the step and its plan are about, or the routes
/// it changed. Everything else is as good as before.
pub(super) fn look_again(state: &mut State, progress: &Progress) {
    let Some(run) = state.changes.runs.iter().find(|it| it.plan.id == progress.plan) else { return };
    let act = run.plan.steps.get(progress.step).map(|it| &it.act);
    let of_subject = match &run.plan.subject {
        Subject::Group(arn) => Some(arn.clone()),
        Subject::Binding(_) => state.boards.get(&run.plan.subject).and_then(|it| it.report.group.clone()),
    };
    let groups: BTreeSet<TargetGroupArn> =
        act.and_then(Act::group).cloned().into_iter().chain(of_subject).collect();
    let routes = match act {
        Some(Act::Shift { place, .. }) => Some(Again::Routes(place.load_balancer.clone())),
        _ => None,
    };
    for it in groups.into_iter().map(Again::Health).chain(routes) {
        state.read_again(it);
    }
}

/// What to follow from now on; `None`: the same as before.
pub(super) fn wish(state: &mut State) -> Option<Follow> {
    let mut wish = Follow {
        frozen: state.frozen.is_some(),
        hurry: state.hurry,
        again: state.again.clone(),
        permissions: state.opening.namespace.clone(),
        ..Follow::default()
    };
    match &state.view {
        View::Board(subject) => {
            let board = state.boards.get(subject);
            wish.focus = board.and_then(|it| it.report.group.clone());
            wish.moving = board.is_some_and(moving);
            wish.paths = paths(state);
            if state.tab == Tab::Routes {
                let tree = state.tree();
                wish.listed = tree.groups().cloned().collect();
                wish.marks = tree.tagged().collect();
                wish.first = wish.listed.iter().cloned().collect();
            }
            if let Subject::Binding(reference) = subject {
                wish.permissions = Some(reference.namespace.clone());
                wish.events = Some(reference.namespace.clone());
            }
        }
        View::Bindings => {
            wish.listed = state.boards.values().filter_map(|it| it.report.group.clone()).collect();
            wish.first = first(state);
            let outdated = state.boards.values().filter(|it| is_outdated(it));
            wish.outdated = outdated.filter_map(|it| it.report.group.clone()).collect();
            wish.discover = state.opening.selector.is_none();
        }
    }
    if let Some((bind, _)) = &state.changes.binding {
        wish.listed.insert(bind.group.clone());
        wish.first.insert(0, bind.group.clone());
    }
    // Whoever binds chooses among all groups.
    wish.discover |= state.dialogs.iter().any(|it| matches!(it, Dialog::Form(_)));
    if let Some(ScopeKind::Arn(arn)) = state.opening.target.as_ref().map(|it| &it.kind) {
        if wish.focus.is_none() {
            wish.listed.insert(arn.clone());
        }
    }
    if wish.discover {
        wish.tags = true;
        // The tags of what is listed tell a plan whose it is; those of other bindings' groups tell nobody anything.
        let bindings = state.inventory.clusters.values().flat_map(|it| it.bindings.values());
        let bound = bindings.filter_map(|it| it.group.as_ref());
        wish.named = bound.filter(|it| !wish.listed.contains(*it)).cloned().collect();
    }
    for subject in state.boards.keys() {
        let Subject::Binding(reference) = subject else { continue };
        let Some(binding) = state.inventory.binding(reference) else { continue };
        if binding.multi_cluster {
            wish.ledgers.insert(reference.clone());
        }
        wish.roles.extend(binding.group.clone().zip(binding.role()));
    }
    if wish == state.wish {
        return None;
    }
    state.wish = wish.clone();
    Some(wish)
}

/// The network paths that the open board tells of: of rows whose checks may not arrive, and of the selected one where the
/// path itself is on show.
fn paths(state: &State) -> BTreeSet<WantedPath> {
    let Some((subject, report)) = state.shown().zip(state.report()) else { return BTreeSet::new() };
    let Some(group) = &report.group else { return BTreeSet::new() };
    let telling = of_row::telling(&state.inventory, group, &report.rows);
    let tries = matches!(state.dialogs.last(), Some(Dialog::Probe { .. }));
    let selected = state.row().filter(|_| state.tab == Tab::Network || tries);
    let wanted = |row| of_row::wanted(&state.inventory, (subject, group), row);
    telling.chain(selected).filter_map(wanted).collect()
}

/// Groups of the list to read first: those about the selected line, as many as a page shows, and then those of which
/// Kubernetes alone says that something is wrong.
fn first(state: &State) -> Vec<TargetGroupArn> {
    let lines = state.subjects();
    let page = state.page();
    let at = state.listed.as_ref().and_then(|it| lines.iter().position(|line| *line == it)).unwrap_or(0);
    let top = at.saturating_sub(page / 2).min(lines.len().saturating_sub(page));
    let on_show = lines.iter().skip(top).take(page);
    let wrong = lines.iter().filter(|it| state.boards.get(**it).is_some_and(is_wrong));
    let group = |it: &&Subject| state.boards.get(*it)?.report.group.clone();
    let mut seen = BTreeSet::new();
    on_show.chain(wrong).filter_map(group).filter(|it| seen.insert(it.clone())).collect()
}

/// Its health is older than the last change of its Kubernetes side.
fn is_outdated(board: &Board) -> bool {
    board.report.settled.because.contains(&Unsettled::TargetsOlderThanChange)
}

/// Something is wrong whatever AWS says: a pod that should be ready is not, or the binding is being deleted.
fn is_wrong(board: &Board) -> bool {
    let is_waiting = |row: &Row| {
        let wait = row.endpoint.as_ref().and_then(|it| it.wait.as_ref());
        wait.is_some_and(|it| !it.starting) && !row.terminating()
    };
    board.report.deleting.is_some() || board.report.rows.iter().any(is_waiting)
}

/// Something is on its way: worth looking more often.
fn moving(board: &Board) -> bool {
    let reason = |it: &Unsettled| {
        matches!(
            it,
            Unsettled::TargetsOlderThanChange
                | Unsettled::RolloutProgressing
                | Unsettled::Deleting
                | Unsettled::GateNotTrue
                | Unsettled::Leaving
        )
    };
    let standing = |it: Standing| {
        matches!(
            it,
            Standing::Registering
                | Standing::Draining
                | Standing::Unregistered
                | Standing::Lingering
                | Standing::Waiting
        )
    };
    board.report.settled.because.iter().any(reason)
        || board.report.rows.iter().any(|row| standing(row.standing))
}
