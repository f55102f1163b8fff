//! Messages in, state and effects out.

mod acceptance;
mod answers;
mod probes;
mod reads;
mod unfinished;

use std::time::Duration;

use crate::app;
use crate::app::Effect;
use crate::app::Message;
use crate::app::State;
use crate::app::action::Action;
use crate::app::key::Code;
use crate::app::key::key;
use crate::app::key::plain;
use crate::app::opening::Opening;
use crate::app::seen::PAUSE;
use crate::app::state::Dialog;
use crate::app::state::View;
use crate::domain::facts::ids::RowKey;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::fixture::objects;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::inventory::follow::Follow;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;

/// A state that takes in what a world has newly seen, and remembers what it asked for last.
struct Screen {
    state: State,
    seen: usize,
    wish: Follow,
}

impl Screen {
    fn open(world: &World, opening: Opening) -> Self {
        let mut screen =
            Self { state: State::new(opening, fixture::BEGIN), seen: 0, wish: Follow::default() };
        screen.see(world);
        screen
    }

    fn on(world: &World) -> Self {
        Self::open(world, Opening { namespace: Some(fixture::NAMESPACE.to_owned()), ..Opening::default() })
    }

    fn see(&mut self, world: &World) {
        for (change, at) in &world.log[self.seen..] {
            app::update(&mut self.state, Message::Observed(*at, Box::new(change.clone())));
        }
        self.seen = world.log.len();
        app::update(&mut self.state, Message::Tick(world.now, 0));
        self.settle();
    }

    fn settle(&mut self) {
        for effect in app::settle(&mut self.state) {
            if let Effect::Follow(wish) = effect {
                self.wish = *wish;
            }
        }
    }

    fn press(&mut self, actions: &[Action]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for action in actions {
            effects.extend(app::update(&mut self.state, Message::Act(*action)));
            self.settle();
        }
        effects
    }

    /// What is on show was on the screen long enough to be answered.
    fn read(&mut self) {
        app::drawn(&mut self.state, (80, 24), Duration::ZERO);
        app::rested(&mut self.state, PAUSE);
    }

    fn selected(&self) -> String {
        self.state.selected.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn standing(&self) -> Option<Standing> {
        self.state.row().map(|row| row.standing)
    }
}

fn three() -> World {
    World::of(
        "10.0.0.1 ready, 10.0.0.2 ready b, 10.0.0.3 ready | 10.0.0.1 healthy, 10.0.0.2 healthy b, 10.0.0.3 healthy",
    )
}

fn second_binding() -> Object {
    let mut other = fixture::objects::binding();
    other.name.name = "othertgb".to_owned();
    other.group =
        Some("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/other/1".parse().unwrap());
    Object::Binding(Box::new(other))
}

#[test]
fn one_binding_in_the_namespace_opens_as_a_board_and_two_as_a_list() {
    let mut world = three();
    let screen = Screen::on(&world);
    assert_eq!(screen.state.view, View::Board(Subject::Binding(fixture::reference())));
    world.put(second_binding());
    let mut log = std::mem::take(&mut world.log);
    // Both are there before anything is judged, as in a list.
    let last = log.pop().unwrap();
    let at = log
        .iter()
        .position(|(change, _)| matches!(change, Observation::Applied { object: Object::Binding(_), .. }))
        .unwrap();
    log.insert(at, last);
    world.log = log;
    let mut state = State::new(Opening::default(), fixture::BEGIN);
    for (change, at) in &world.log {
        app::update(&mut state, Message::Observed(*at, Box::new(change.clone())));
    }
    app::settle(&mut state);
    assert_eq!(state.view, View::Bindings);
    assert_eq!(state.subjects().len(), 2);
}

#[test]
fn a_pod_pointed_at_opens_its_board_on_its_row() {
    let target: ScopeTarget = format!("pod/{}", fixture::pod_name("10.0.0.2")).parse().unwrap();
    let screen = Screen::open(&three(), Opening { target: Some(target), ..Opening::default() });
    assert_eq!(screen.selected(), "10.0.0.2:8080");
}

#[test]
fn the_selection_stays_on_its_row_when_rows_move() {
    let mut world = three();
    let mut screen = Screen::on(&world);
    screen.press(&[Action::Down, Action::Down]);
    assert_eq!(screen.selected(), "10.0.0.2:8080");
    // The third row fails and moves to the top.
    world.answer("10.0.0.1 healthy, 10.0.0.2 healthy b, 10.0.0.3 unhealthy Timeout b");
    screen.see(&world);
    let first = screen.state.rows()[0].key.to_string();
    assert_eq!((first.as_str(), screen.selected().as_str()), ("10.0.0.3:8080", "10.0.0.2:8080"));
}

#[test]
fn a_pod_selected_before_it_had_an_address_is_still_selected_with_one() {
    let mut world = three();
    world.pod("p4 starting");
    let mut screen = Screen::on(&world);
    screen.press(&[Action::Top]);
    assert_eq!(screen.standing(), Some(Standing::Waiting));
    let uid = screen.state.row().and_then(|it| it.uid().cloned()).unwrap();
    assert_eq!(screen.state.selected, Some(RowKey::Pod(uid.clone())));
    // The same pod, by name and uid, now ready at an address.
    let mut pod = fixture::objects::pod("10.0.0.4", "ready", "a", world.now);
    pod.name = fixture::named(&fixture::pod_name("p4"));
    pod.uid = uid.clone();
    let endpoint = fixture::objects::endpoint(&pod);
    world.put(Object::Pod(pod));
    world.slice("testapp-1", |it| it.endpoints.push(endpoint));
    screen.see(&world);
    assert_eq!(screen.selected(), "10.0.0.4:8080");
    assert_eq!(screen.state.row().and_then(|it| it.uid()), Some(&uid));
}

#[test]
fn nothing_is_selected_where_the_selected_row_has_vanished() {
    let mut world = three();
    let mut screen = Screen::on(&world);
    screen.press(&[Action::Bottom]);
    assert_eq!(screen.selected(), "10.0.0.3:8080");
    world.gone("10.0.0.3");
    world.answer("10.0.0.1 healthy, 10.0.0.2 healthy b");
    screen.see(&world);
    assert_eq!(screen.selected(), "", "the next key would be about another target");
}

#[test]
fn the_list_has_its_first_line_selected_and_finds_addresses_and_pods() {
    let mut world = three();
    world.put(second_binding());
    let mut screen = Screen::on(&world);
    screen.press(&[Action::Bindings]);
    assert!(screen.state.listed.is_some());
    for (typed, found) in [("10.0.0.2", true), ("testapp-10-0-0-3", true), ("10.9.9.9", false)] {
        screen.state.filter = typed.to_owned();
        assert_eq!(!screen.state.subjects().is_empty(), found, "{typed}");
    }
}

#[test]
fn a_change_of_kubernetes_accuses_nobody_in_the_list_until_its_group_is_read_again() {
    let mut world = three();
    world.put(second_binding());
    let mut screen = Screen::on(&world);
    screen.press(&[Action::Bindings]);
    world.later(20);
    world.gone("10.0.0.3");
    world.pod("10.0.0.4 ready b");
    screen.see(&world);
    // Long after every grace: the health on show is older than the change.
    world.later(30);
    app::update(&mut screen.state, Message::Tick(world.now, 0));
    screen.state.all_stale = true;
    screen.settle();
    let report = &screen.state.boards[&Subject::Binding(fixture::reference())].report;
    assert_eq!(report.counts.problems, 0, "{:?}", report.rows);
    assert!(report.rows.iter().any(|it| it.outdated.is_some()) && report.settled.value != Some(true));
    assert_eq!(screen.wish.outdated, std::collections::BTreeSet::from([fixture::arn()]), "its group is next");
    world.answer("10.0.0.1 healthy, 10.0.0.2 healthy b, 10.0.0.3 draining b, 10.0.0.4 initial b");
    screen.see(&world);
    let report = &screen.state.boards[&Subject::Binding(fixture::reference())].report;
    assert!(report.rows.iter().all(|it| it.outdated.is_none()));
}

#[test]
fn a_write_is_found_in_the_palette_by_its_name_alone() {
    let first = |typed: &str| {
        let mut screen = Screen::on(&three());
        screen.press(&[Action::Palette]);
        let Some(Dialog::Form(form)) = screen.state.dialogs.last_mut() else { panic!("no palette") };
        form.edit(|it| it.push_str(typed));
        form.shown().iter().map(|it| it.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(first("q")[0], "quit");
    assert_eq!(first("pods")[0], "board");
    assert_eq!(first("dr")[0], "drain");
    for typed in ["pod", "node", "delete"] {
        let shown = first(typed);
        assert!(!shown.iter().any(|it| it == "drain" || it == "unbind"), "{typed}: {shown:?}");
    }
}

#[test]
fn a_frozen_picture_stands_still_asks_nothing_and_catches_up() {
    let mut world = three();
    let mut screen = Screen::on(&world);
    screen.press(&[Action::Freeze]);
    assert!(screen.wish.frozen);
    world.later(3);
    world.answer("10.0.0.1 unhealthy Timeout, 10.0.0.2 unhealthy Timeout b, 10.0.0.3 unhealthy Timeout b");
    screen.see(&world);
    assert_eq!(screen.state.report().map(|it| it.word()), Some(VerdictKind::Serving));
    screen.press(&[Action::Freeze]);
    assert!(!screen.wish.frozen);
    assert_eq!(screen.state.report().map(|it| it.word()), Some(VerdictKind::FailOpen));
}

#[test]
fn the_board_follows_its_group_and_the_list_all_of_them() {
    let mut world = three();
    let mut screen = Screen::on(&world);
    assert_eq!(screen.wish.focus, Some(fixture::arn()));
    assert!(screen.wish.listed.is_empty() && !screen.wish.discover);
    assert_eq!(screen.wish.events.as_deref(), Some(fixture::NAMESPACE));
    assert!(!screen.wish.moving);
    world.pod("10.0.0.4 ready");
    screen.see(&world);
    assert!(screen.wish.moving, "an unregistered endpoint is worth looking more often");
    screen.press(&[Action::Bindings]);
    assert_eq!(screen.wish.focus, None);
    assert!(screen.wish.listed.contains(&fixture::arn()) && screen.wish.discover);
}

#[test]
fn reading_now_asks_once_more() {
    let mut screen = Screen::on(&three());
    let before = screen.wish.hurry;
    screen.press(&[Action::ReadNow]);
    assert_eq!(screen.wish.hurry, before + 1);
}

#[test]
fn a_still_screen_asks_for_nothing_new() {
    let world = three();
    let mut screen = Screen::on(&world);
    app::update(&mut screen.state, Message::Tick(world.now.plus_seconds(1), 0));
    assert_eq!(app::settle(&mut screen.state), []);
}

#[test]
fn a_dialog_takes_every_key_but_the_way_out() {
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Help]);
    screen.press(&[Action::Freeze, Action::Bindings, Action::Zoom]);
    assert!(screen.state.frozen.is_none() && !screen.state.zoom);
    assert!(matches!(screen.state.view, View::Board(_)));
    assert_eq!(screen.press(&[Action::Quit]), [Effect::Quit]);
    screen.press(&[Action::Back]);
    assert!(screen.state.dialogs.is_empty());
}

#[test]
fn what_points_at_several_bindings_lists_them_until_all_are_wanted() {
    let mut world = three();
    for (name, service) in [("again", "testapp"), ("other", "elsewhere")] {
        let mut binding = objects::binding();
        (binding.name, binding.service) = (fixture::named(name), service.to_owned());
        world.put(Object::Binding(Box::new(binding)));
    }
    let target = format!("svc/{}", objects::binding().service).parse().unwrap();
    let mut screen = Screen::open(&world, Opening { target: Some(target), ..Opening::default() });
    let listed = |screen: &Screen| screen.state.subjects().len();
    assert_eq!((listed(&screen), &screen.state.view), (2, &View::Bindings));
    screen.press(&[Action::Back]);
    assert_eq!(listed(&screen), 3);
}

#[test]
fn a_filter_is_typed_kept_undone_and_turned_round() {
    let mut screen = Screen::on(&three());
    let type_in = |screen: &mut Screen, text: &str| {
        for letter in text.chars() {
            app::update(&mut screen.state, Message::Key(key(letter)));
        }
    };
    let shown = |screen: &Screen| screen.state.rows().iter().map(|it| it.key.to_string()).collect::<Vec<_>>();
    screen.press(&[Action::Filter]);
    type_in(&mut screen, "0-0-3");
    assert_eq!(shown(&screen), ["10.0.0.3:8080"]);
    app::update(&mut screen.state, Message::Key(plain(Code::Esc)));
    assert_eq!(shown(&screen).len(), 3);
    screen.press(&[Action::Filter]);
    type_in(&mut screen, "!0-0-3x");
    app::update(&mut screen.state, Message::Key(plain(Code::Backspace)));
    app::update(&mut screen.state, Message::Key(plain(Code::Enter)));
    assert!(screen.state.dialogs.is_empty());
    assert_eq!(shown(&screen), ["10.0.0.1:8080", "10.0.0.2:8080"]);
    screen.press(&[Action::Back]);
    assert_eq!(shown(&screen).len(), 3);
}

#[test]
fn problems_only_hides_what_is_well() {
    let world =
        World::of("10.0.0.1 ready, 10.0.0.2 ready b | 10.0.0.1 healthy, 10.0.0.2 unhealthy Timeout b");
    let mut screen = Screen::on(&world);
    screen.press(&[Action::Problems]);
    assert_eq!(
        screen.state.rows().iter().map(|it| it.key.to_string()).collect::<Vec<_>>(),
        ["10.0.0.2:8080"]
    );
}

#[test]
fn back_undoes_one_thing_at_a_time_down_to_the_list() {
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Down, Action::Zoom, Action::Problems]);
    screen.press(&[Action::Back]);
    assert!(!screen.state.problems_only && screen.state.zoom);
    screen.press(&[Action::Back]);
    assert!(!screen.state.zoom && screen.state.selected.is_some());
    screen.press(&[Action::Back]);
    assert!(screen.state.selected.is_none() && matches!(screen.state.view, View::Board(_)));
    screen.press(&[Action::Back]);
    assert_eq!(screen.state.view, View::Bindings);
    // And Enter leads back to where one came from.
    screen.press(&[Action::Open]);
    assert!(matches!(screen.state.view, View::Board(_)));
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Open]);
    assert_eq!(screen.state.status.as_ref().map(|it| it.0.as_str()), Some("select a line first"));
    assert!(screen.state.dialogs.is_empty());
    screen.press(&[Action::Down, Action::Open]);
    assert_eq!(screen.state.dialogs, [Dialog::Details { scroll: 0 }]);
}

#[test]
fn nothing_is_changed_from_a_frozen_screen_or_from_one_too_small_to_be_read() {
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Freeze, Action::Sync]);
    assert!(screen.state.status.as_ref().is_some_and(|it| it.0.contains("frozen")));
    screen.press(&[Action::Freeze, Action::Down, Action::Deregister]);
    assert!(matches!(screen.state.dialogs.as_slice(), [Dialog::Plan(_)]), "{:?}", screen.state.dialogs);
    screen.read();
    app::update(&mut screen.state, Message::Resize(60, 15));
    assert_eq!(app::update(&mut screen.state, Message::Key(key('y'))), []);
    assert!(screen.state.changes.runs.is_empty());
    assert_eq!(app::update(&mut screen.state, Message::Act(Action::Quit)), [Effect::Quit]);
}

#[test]
fn marks_that_a_filter_hides_are_said_in_the_plan() {
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Down, Action::Mark, Action::Filter]);
    for letter in "0-0-3".chars() {
        app::update(&mut screen.state, Message::Key(key(letter)));
    }
    app::update(&mut screen.state, Message::Key(plain(Code::Enter)));
    screen.press(&[Action::Deregister]);
    let Some(Dialog::Plan(it)) = screen.state.dialogs.last() else { panic!("{:?}", screen.state.dialogs) };
    assert_eq!(it.plan.warnings.first().map(String::as_str), Some("Marked rows that the filter hides: 1."));
}

#[test]
fn calls_are_counted_over_the_last_minute() {
    let mut state = State::new(Opening::default(), fixture::BEGIN);
    for second in 0..200 {
        let calls = u64::try_from(second / 2).unwrap();
        app::update(&mut state, Message::Tick(fixture::BEGIN.plus_seconds(second), calls));
    }
    assert_eq!(state.calls_a_minute(), 30);
}

#[test]
fn the_order_of_messages_does_not_matter_for_what_is_shown() {
    let world = three();
    let forward = Screen::on(&world);
    let mut state = State::new(
        Opening { namespace: Some(fixture::NAMESPACE.to_owned()), ..Opening::default() },
        fixture::BEGIN,
    );
    // All at once, judged once, as after a burst.
    for (change, at) in &world.log {
        app::update(&mut state, Message::Observed(*at, Box::new(change.clone())));
    }
    app::update(&mut state, Message::Tick(world.now, 0));
    app::settle(&mut state);
    let keys =
        |state: &State| state.rows().iter().map(|it| (it.key.clone(), it.standing)).collect::<Vec<_>>();
    assert_eq!(keys(&forward.state), keys(&state));
}
