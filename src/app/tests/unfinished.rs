//! What another session left open, what runs, and what is queued behind it: offered until it is decided, stoppable, once.

use super::Screen;
use super::three;
use crate::app;
use crate::app::Effect;
use crate::app::Message;
use crate::app::action::Action;
use crate::app::dialog::DialogKind;
use crate::app::key::Code;
use crate::app::key::key;
use crate::app::key::plain;
use crate::app::opening::Opening;
use crate::app::state::Dialog;
use crate::domain::fixture;
use crate::domain::plan::Plan;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::log::Past;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;

/// The plan on show, if one is.
fn planned(screen: &Screen) -> Option<&Plan> {
    match screen.state.dialogs.last() {
        Some(Dialog::Plan(it)) => Some(&it.plan),
        _ => None,
    }
}

fn on_top(screen: &Screen) -> Option<DialogKind> {
    screen.state.dialogs.last().map(Dialog::kind)
}

fn typed(screen: &mut Screen, c: char) -> Vec<Effect> {
    screen.read();
    let effects = app::update(&mut screen.state, Message::Key(key(c)));
    screen.settle();
    effects
}

fn escape(screen: &mut Screen) {
    app::update(&mut screen.state, Message::Key(plain(Code::Esc)));
}

/// A drain whose first step is done, as an earlier session left it.
pub(super) fn left() -> Unfinished {
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Down, Action::Drain]);
    let plan = planned(&screen).unwrap().clone();
    Unfinished { plan, next: 1, uncertain: false, begun: "2026-01-15T09:00:00Z".to_owned() }
}

fn offered() -> Screen {
    let contexts = vec![fixture::cluster()];
    let mut screen = Screen::open(&three(), Opening { contexts, ..Opening::default() });
    let past = Past { unfinished: vec![left()], ..Past::default() };
    app::update(&mut screen.state, Message::Past(Box::new(past)));
    screen
}

#[test]
fn what_was_not_accepted_after_all_is_offered_again() {
    let mut screen = offered();
    typed(&mut screen, 'g');
    assert!(planned(&screen).unwrap().resumed);
    escape(&mut screen);
    screen.press(&[Action::Runs]);
    assert_eq!(on_top(&screen), Some(DialogKind::Unfinished));
    // Accepted, it is no longer left over.
    typed(&mut screen, 'g');
    let effects = typed(&mut screen, 'y');
    assert!(matches!(effects.as_slice(), [Effect::Apply(plan)] if plan.resumed), "{effects:?}");
    assert!(screen.state.changes.later.is_empty());
}

#[test]
fn what_runs_is_shown_and_can_be_stopped_whatever_was_left_for_later() {
    let mut screen = offered();
    escape(&mut screen);
    screen.press(&[Action::Resync]);
    assert!(matches!(typed(&mut screen, 'y').as_slice(), [Effect::Apply(_)]));
    escape(&mut screen);
    screen.press(&[Action::Runs]);
    assert_eq!(on_top(&screen), Some(DialogKind::Run));
    let effects = typed(&mut screen, 'c');
    assert!(matches!(effects.as_slice(), [Effect::Cancel(_)]), "{effects:?}");
}

#[test]
fn nothing_is_resumed_or_repeated_on_a_frozen_screen() {
    let mut screen = offered();
    escape(&mut screen);
    screen.press(&[Action::Freeze, Action::Runs]);
    typed(&mut screen, 'g');
    assert_eq!((planned(&screen), on_top(&screen)), (None, Some(DialogKind::Unfinished)));
    assert!(screen.state.status.as_ref().unwrap().0.contains("frozen"));
    // A resync without effect offers to register what is missing.
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Resync]);
    let Some(Effect::Apply(plan)) = typed(&mut screen, 'y').pop() else { panic!("not accepted") };
    let stage = Stage::Unverified("nothing changed".to_owned());
    let progress = Progress { plan: plan.id.clone(), step: 1, at: screen.state.now, stage };
    app::update(&mut screen.state, Message::Progress(progress));
    escape(&mut screen);
    screen.press(&[Action::Freeze, Action::Runs]);
    for again in ['r', 'R'] {
        typed(&mut screen, again);
        assert_eq!(planned(&screen), None, "{again} on a frozen screen");
        assert_eq!(on_top(&screen), Some(DialogKind::Run), "{again} changes nothing");
        assert!(screen.state.changes.marked.is_empty());
    }
}

#[test]
fn a_plan_that_runs_is_undone_once() {
    let mut world = three();
    let mut screen = Screen::on(&world);
    screen.press(&[Action::Down, Action::Drain]);
    let Some(Effect::Apply(plan)) = typed(&mut screen, 'y').pop() else { panic!("not accepted") };
    world.edit_pod("10.0.0.1", |it| it.labels.retain(|key, _| key != "app"));
    screen.see(&world);
    let done = Stage::Done("so it is".to_owned());
    let progress = Progress { plan: plan.id.clone(), step: 0, at: screen.state.now, stage: done };
    app::update(&mut screen.state, Message::Progress(progress));
    escape(&mut screen);
    screen.press(&[Action::Undo]);
    assert_eq!(planned(&screen).unwrap().change, ChangeKind::Undo);
    assert!(matches!(typed(&mut screen, 'y').as_slice(), [Effect::Cancel(id)] if *id == plan.id));
    escape(&mut screen);
    // It has not stopped yet.
    screen.press(&[Action::Undo]);
    assert_eq!(typed(&mut screen, 'y').len(), 0);
    assert_eq!(screen.state.changes.queued.len(), 1);
    let progress = Progress { plan: plan.id.clone(), step: 1, at: screen.state.now, stage: Stage::Cancelled };
    let effects = app::update(&mut screen.state, Message::Progress(progress));
    assert!(matches!(effects.as_slice(), [Effect::Apply(it)] if it.undoes.as_ref() == Some(&plan.id)));
}
