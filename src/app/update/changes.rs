//! From a key to a plan, from a plan to the effect that carries it out, and what is heard of it.

use std::collections::BTreeSet;

use super::observe;
use crate::app::action::Action;
use crate::app::changes::Asked;
use crate::app::changes::Planned;
use crate::app::dialog::DialogAction;
use crate::app::message::Effect;
use crate::app::offered;
use crate::app::state::Dialog;
use crate::app::state::State;
use crate::app::state::View as Shown;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::inventory::Source;
use crate::domain::inventory::follow::Again;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::standing::Standing;
use crate::domain::plan::Plan;
use crate::domain::plan::Refusal;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::Labelled;
use crate::domain::plan::bind;
use crate::domain::plan::drain::Then;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::make::Basis;
use crate::domain::plan::make::Marks;
use crate::domain::plan::make::Request;
use crate::domain::plan::make::make;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;
use crate::domain::plan::rehearsal::Rehearsed;

/// Seconds for which what was read of a group is good enough to plan a binding by.
const LATELY: i64 = 15;

/// Opens the plan a key asks for, or says why there is none.
pub(super) fn ask(state: &mut State, action: Action) {
    let request = match action {
        Action::Unbind => Ok(Request::Unbind),
        Action::Resync => Ok(Request::Resync),
        Action::Sync => Ok(Request::Sync),
        Action::Deregister => keys(state).map(Request::Deregister),
        Action::Register => keys(state).map(Request::Register),
        Action::Drain => Ok(Request::Drain { rows: rows(state), then: Then::default() }),
        Action::Undo => undoes(state),
        _ => return,
    };
    match (request, action.change()) {
        (Ok(request), _) => request_plan(state, &request),
        (Err(refusal), Some(change)) => refuse(state, change, &refusal),
        (Err(_), None) => {}
    }
}

/// Says why there is no plan.
pub(super) fn refuse(state: &mut State, change: ChangeKind, refusal: &Refusal) {
    state.dialogs.push(Dialog::Refusal { change, text: refusal.to_string(), idle: false });
    state.dirty = true;
}

/// Makes the plan of a request and shows it, or says why there is none.
pub(super) fn request_plan(state: &mut State, request: &Request) {
    let basis = Basis {
        manner: &state.opening.manner,
        inventory: &state.inventory,
        report: state.report(),
        now: state.now,
        protected: &state.opening.protected,
    };
    // The names are taken from the state that the basis borrows from.
    let mut ids = state.changes.ids.clone();
    let made = make(request, &basis, &mut ids);
    state.changes.ids = ids;
    let change = request.change();
    let dialog = match made {
        Ok(plan) if plan.steps.is_empty() => Dialog::Refusal { change, text: plan.effect, idle: true },
        Ok(mut plan) => {
            about_this_screen(state, request, &mut plan);
            let asked = asked(request, &plan);
            Dialog::Plan(Box::new(Planned::new(plan, asked)))
        }
        Err(refusal) => Dialog::Refusal { change, text: refusal.to_string(), idle: false },
    };
    state.dialogs.push(dialog);
    state.dirty = true;
}

/// What there is to choose about a plan that was made.
fn asked(request: &Request, plan: &Plan) -> Asked {
    match request {
        // Only of a pod there is something to choose: what becomes of it.
        Request::Drain { rows, then }
            if plan.steps.iter().any(|it| matches!(it.act, Act::Label { object: Labelled::Pod(..), .. })) =>
        {
            Asked::Drain { rows: rows.clone(), then: *then }
        }
        Request::Bind(wish) => Asked::Bind(wish.clone()),
        _ => Asked::Plainly,
    }
}

/// What only this screen knows: rows that the filter hides, and plans that are still under way.
fn about_this_screen(state: &State, request: &Request, plan: &mut Plan) {
    if matches!(request, Request::Drain { .. } | Request::Deregister(_) | Request::Register(_)) {
        hidden(state, plan);
    }
    if state.changes.running().any(|it| Some(&it.plan.id) == plan.undoes.as_ref()) {
        plan.warnings.insert(0, "The running plan is stopped first.".to_owned());
    }
}

/// The marked rows that are still there, else the selected one.
fn rows(state: &State) -> Vec<RowKey> {
    let there = |key: &&RowKey| state.board().is_some_and(|it| it.report.row(key).is_some());
    let marked: Vec<RowKey> = state.changes.marked.iter().filter(there).cloned().collect();
    match marked.is_empty() {
        true => state.selected.iter().cloned().collect(),
        false => marked,
    }
}

fn keys(state: &State) -> Result<BTreeSet<TargetKey>, Refusal> {
    let of = |row: RowKey| match row {
        RowKey::Target(key) => Ok(key),
        RowKey::Pod(_) => Err(Refusal::plain("a pod without an address is no target")),
    };
    rows(state).into_iter().map(of).collect()
}

/// Makes the plan of a bind form, once what the group has was read: it decides what the controller will remove.
pub(super) fn binds(state: &mut State, wish: bind::Wish) {
    let source = Source::Targets(wish.group.clone());
    let read = state.inventory.freshness(&source).and_then(|it| it.read);
    // A group that is on no board is not read again by itself.
    let lately = read.is_some_and(|it| state.now.since(it) <= LATELY);
    if !lately && state.changes.binding.is_none() {
        let text = format!("reading the targets of {}", wish.group.name());
        state.read_again(Again::Health(wish.group.clone()));
        state.changes.binding = Some((wish, state.now));
        state.dialogs.push(Dialog::Reading { change: ChangeKind::Bind, text });
        return;
    }
    request_plan(state, &Request::Bind(wish));
}

/// Says which marked rows cannot be seen: a change is laid on them all the same.
fn hidden(state: &State, plan: &mut Plan) {
    let on_show = state.rows();
    let shown = |key: &RowKey| on_show.iter().any(|it| it.key == *key);
    let marked = rows(state).into_iter().filter(|it| state.changes.marked.contains(it) && !shown(it)).count();
    if marked > 0 {
        plan.warnings.insert(0, format!("Marked rows that the filter hides: {marked}."));
    }
}

fn undoes(state: &State) -> Result<Request, Refusal> {
    let done = state.changes.last().ok_or_else(|| Refusal::plain("nothing was changed in this session"))?;
    Ok(Request::Undo { done, marks: Marks::default() })
}

/// Goes on with a bind whose group was read meanwhile.
pub(super) fn bind_on(state: &mut State) {
    let waits = matches!(state.dialogs.last(), Some(Dialog::Reading { change: ChangeKind::Bind, .. }));
    let Some((wish, since)) = state.changes.binding.clone() else { return };
    if !waits {
        state.changes.binding = None;
        return;
    }
    let source = Source::Targets(wish.group.clone());
    let read = state.inventory.freshness(&source).is_some_and(|it| {
        it.read.is_some_and(|it| it >= since) || it.failed.as_ref().is_some_and(|it| it.0 >= since)
    });
    if read {
        state.dialogs.pop();
        binds(state, wish);
        state.changes.binding = None;
    }
}

/// The same plan with another choice.
pub(super) fn choose(state: &mut State, choice: DialogAction) {
    let Some(Dialog::Plan(planned)) = state.dialogs.last() else { return };
    match planned.asked.clone() {
        Asked::Drain { rows, then } => {
            state.dialogs.pop();
            request_plan(state, &Request::Drain { rows, then: then.next() });
        }
        Asked::Bind(mut wish) => {
            match choice {
                DialogAction::Networking => wish.networking = !wish.networking,
                _ => wish.multi_cluster = !wish.multi_cluster,
            }
            let plan = state.dialogs.pop();
            binds(state, wish);
            // A choice that cannot be made leaves the plan as it was, under the reason.
            if let (Some(Dialog::Refusal { .. }), Some(plan)) = (state.dialogs.last(), plan) {
                let at = state.dialogs.len() - 1;
                state.dialogs.insert(at, plan);
            }
        }
        Asked::Plainly => {}
    }
}

/// The plan on show is accepted, if nothing more is asked for.
pub(super) fn accept(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Plan(planned)) = state.dialogs.last_mut() else { return Vec::new() };
    if let Some(typed) = &planned.plan.typed
        && typed.name != planned.typed
    {
        planned.objection = Some(format!("that is not {}", typed.name));
        return Vec::new();
    }
    let plan = planned.plan.clone();
    if state.changes.queued.iter().any(|it| it.undoes == plan.undoes) {
        planned.objection =
            Some("an undo of that plan is accepted already: it waits for it to stop".to_owned());
        return Vec::new();
    }
    state.dialogs.pop();
    state.changes.later.retain(|it| it.plan.id != plan.id);
    state.changes.accept(plan.clone());
    state.dialogs.push(Dialog::Run { plan: plan.id.clone(), scroll: 0 });
    // What is still under way must not go on beside its own undoing: that begins once it has stopped.
    let running = state.changes.running().find(|it| Some(&it.plan.id.clone()) == plan.undoes.as_ref());
    match running.map(|it| it.plan.id.clone()) {
        Some(id) => {
            state.changes.queued.push(plan);
            vec![Effect::Cancel(id)]
        }
        None => vec![Effect::Apply(Box::new(plan))],
    }
}

/// Asks the API server what it would say of the plan on show.
pub(super) fn rehearse(state: &State) -> Vec<Effect> {
    match state.dialogs.last() {
        Some(Dialog::Plan(it)) => vec![Effect::Rehearse(Box::new(it.plan.clone()))],
        _ => Vec::new(),
    }
}

pub(super) fn rehearsed(state: &mut State, plan: &PlanId, answers: Vec<Rehearsed>) {
    let of = state.dialogs.iter_mut().find_map(|it| match it {
        Dialog::Plan(it) if it.plan.id == *plan => Some(it),
        _ => None,
    });
    if let Some(planned) = of {
        planned.rehearsed = answers;
        state.dirty = true;
    }
}

/// Writes the object of the plan on show to a file, for a repository.
pub(super) fn save(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Plan(planned)) = state.dialogs.last() else { return Vec::new() };
    let manifest = planned.plan.steps.iter().find_map(|it| match &it.act {
        Act::Create { manifest, .. } => Some(manifest.clone()),
        _ => None,
    });
    manifest.into_iter().map(Effect::Save).collect()
}

/// What is heard of a running plan. News of one that is not on show stands in the status line.
pub(super) fn progress(state: &mut State, progress: &Progress) -> Vec<Effect> {
    state.changes.take(progress);
    if progress.stage.over() {
        observe::look_again(state, progress);
    }
    state.dirty = true;
    let Some(run) = state.changes.runs.iter().find(|it| it.plan.id == progress.plan) else {
        return Vec::new();
    };
    if let (Stage::Done(_), Some(Act::Create { cluster, manifest })) =
        (&progress.stage, run.plan.steps.get(progress.step).map(|it| &it.act))
    {
        state.changes.made = Some(manifest.reference(cluster));
    }
    state.all_stale = true;
    let ended = run.ended.is_some();
    let shown =
        state.dialogs.iter().any(|it| matches!(it, Dialog::Run { plan, .. } if *plan == progress.plan));
    if run.ended.is_some() && !shown {
        let word = if run.succeeded() { "done" } else { progress.stage.word() };
        let said = progress.stage.said();
        let text =
            format!("{} {word}{}{said}", run.plan.change.word(), if said.is_empty() { "" } else { ": " });
        state.say(text);
    }
    if !ended {
        return Vec::new();
    }
    let waits = |it: &mut Plan| it.undoes.as_ref() == Some(&progress.plan);
    state.changes.queued.extract_if(.., waits).map(|it| Effect::Apply(Box::new(it))).collect()
}

/// Offers to go on with what another session began, where it is about what is on show here.
pub(super) fn unfinished(state: &mut State, mut open: Vec<Unfinished>, notes: Vec<String>) {
    open.retain(|it| match &it.plan.subject {
        Subject::Binding(it) => state.opening.contexts.contains(&it.cluster),
        Subject::Group(_) => true,
    });
    state.dirty |= !open.is_empty() || !notes.is_empty();
    // The dialog says them too.
    if let (true, Some(first)) = (open.is_empty(), notes.first()) {
        let more = if notes.len() > 1 { format!(", and {} more", notes.len() - 1) } else { String::new() };
        state.say(format!("{first}{more}"));
    }
    state.changes.notes = notes;
    if !open.is_empty() {
        state.dialogs.push(Dialog::Unfinished(open));
    }
}

/// What runs; else what another session began and was left for later, else the last accepted plan.
pub(super) fn runs(state: &mut State) {
    let running = state.changes.running().last().map(|it| it.plan.id.clone());
    if let Some(plan) = running {
        return state.dialogs.push(Dialog::Run { plan, scroll: 0 });
    }
    let later = std::mem::take(&mut state.changes.later);
    if !later.is_empty() {
        return state.dialogs.push(Dialog::Unfinished(later));
    }
    match state.changes.runs.last().map(|it| it.plan.id.clone()) {
        Some(plan) => state.dialogs.push(Dialog::Run { plan, scroll: 0 }),
        None => state.say("no plan was accepted in this session".to_owned()),
    }
}

/// Takes the first of the unfinished plans off the list that is on show.
fn first(state: &mut State) -> Option<Unfinished> {
    let Some(Dialog::Unfinished(open)) = state.dialogs.last_mut() else { return None };
    let first = (!open.is_empty()).then(|| open.remove(0));
    if open.is_empty() {
        state.dialogs.pop();
    }
    first
}

/// Goes on with the first of them, as a plan to accept; where it is not accepted, it is left for later.
pub(super) fn resume(state: &mut State) {
    if let Some(refusal) = offered::no_writing(state) {
        return state.say(refusal.into_owned());
    }
    let first = first(state);
    state.changes.later.extend(first.clone());
    if let Some(first) = first.filter(|it| it.rest().is_some()) {
        request_plan(state, &Request::Resume(Box::new(first)));
    }
}

/// Discards the first of them: it is not offered again.
pub(super) fn discard(state: &mut State) -> Vec<Effect> {
    first(state).map(|it| Effect::Forget(Box::new(it))).into_iter().collect()
}

/// Leaves the first of them for later.
pub(super) fn later(state: &mut State) {
    let first = first(state);
    state.changes.later.extend(first);
    state.say(format!("{} offers it again", Action::Runs.key()));
}

/// After a resync without effect: shows its board, with what is missing marked where that is to be registered.
pub(super) fn again(state: &mut State, action: Action) {
    let Some(Dialog::Run { plan, .. }) = state.dialogs.last() else { return };
    let Some(run) = state.changes.runs.iter().find(|it| it.plan.id == *plan) else { return };
    let subject = run.plan.subject.clone();
    state.dialogs.pop();
    super::navigate::show(state, Shown::Board(subject));
    if action == Action::Register {
        let missing = state.report().into_iter().flat_map(|it| &it.rows);
        let missing = missing.filter(|it| it.standing == Standing::Unregistered).map(|it| it.key.clone());
        state.changes.marked = missing.collect();
    }
}

/// Stops a plan that runs: before its next step, or in the middle of a wait.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    match state.dialogs.last() {
        Some(Dialog::Run { plan, .. }) => vec![Effect::Cancel(plan.clone())],
        _ => Vec::new(),
    }
}

/// Marks the selected row, or takes its mark away, and goes on to the next; without a selection the first.
pub(super) fn mark(state: &mut State) {
    let first = || state.rows().first().map(|it| it.key.clone());
    let selected = state.selected.clone().or_else(first);
    let Some(key) = selected else { return };
    if !state.changes.marked.remove(&key) {
        state.changes.marked.insert(key.clone());
    }
    state.selected = Some(key);
    super::navigate::step(state, Action::Down);
}
