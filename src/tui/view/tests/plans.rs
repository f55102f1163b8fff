//! Frames of each plan and of what lies around it, at the smallest usual size.

use super::*;
use crate::app::changes::Run;
use crate::app::key::Code;
use crate::app::key::Key;
use crate::app::key::plain;
use crate::app::state::Dialog;
use crate::app::state::View;
use crate::domain::facts::cluster::Guarding;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::Object;
use crate::domain::inventory::routes;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::log::Entry;
use crate::domain::plan::log::Excerpt;
use crate::domain::plan::log::LogStage;
use crate::domain::plan::log::Past;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;
use crate::domain::plan::weights;
use crate::domain::plan::weights::Weighed;

/// Three in service, one missing, one that nobody knows.
fn drifted() -> World {
    let mut world = World::of(
        "10.0.0.1 ready a, 10.0.0.2 ready a, 10.0.0.3 ready b | 10.0.0.1 healthy a, 10.0.0.2 healthy a, 10.0.0.9 unhealthy Timeout a",
    );
    for kind in [GuardingKind::NetworkPolicy, GuardingKind::DisruptionBudget] {
        world.apply(Observation::Listed {
            cluster: fixture::cluster(),
            kind: Kind::Guarding(kind),
            namespace: None,
            objects: Vec::new(),
        });
    }
    world
}

/// The row with this address.
fn select(state: &mut State, address: &str) {
    let rows = &state.board().unwrap().report.rows;
    let key = rows.iter().find(|it| it.key.to_string().starts_with(address)).unwrap().key.clone();
    state.selected = Some(key);
}

fn typed(state: &mut State, text: &str) {
    for c in text.chars() {
        app::update(state, Message::Key(key(c)));
    }
}

/// Accepts the plan on show, once it was read.
fn accept(state: &mut State) {
    *state = read(state);
    app::update(state, Message::Key(key('y')));
}

fn planned(world: &World, row: &str, action: Action) -> State {
    let mut state = screen(world);
    if !row.is_empty() {
        select(&mut state, row);
    }
    press(&mut state, &[action]);
    state
}

macro_rules! frames {
    ($($name:ident: $world:expr, $row:literal, $action:ident;)*) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), frame(&planned(&$world, $row, Action::$action), 80, 24));
        })*
    };
}

frames! {
    plan_deregister: drifted(), "10.0.0.1", Deregister;
    plan_deregister_orphan: drifted(), "10.0.0.9", Deregister;
    plan_register: drifted(), "10.0.0.3", Register;
    plan_sync: drifted(), "", Sync;
    sync_of_what_matches: World::of("10.0.0.1 ready | 10.0.0.1 healthy"), "", Sync;
    plan_resync: drifted(), "", Resync;
    plan_drain: drifted(), "10.0.0.2", Drain;
    plan_drain_with_policies: guarded(), "10.0.0.2", Drain;
    plan_unbind: drifted(), "", Unbind;
    plan_unbind_of_ingress: made_of_ingress(), "", Unbind;
    refusal_drain_of_stateful_set: stateful(), "10.0.0.2", Drain;
    refusal_resync_without_webhook: unhooked(), "", Resync;
    drain_of_a_node: nodes(), "i-0a", Drain;
    palette: drifted(), "", Palette;
}

fn guarded() -> World {
    let mut world = drifted();
    for (kind, name) in [(GuardingKind::NetworkPolicy, "allow-web"), (GuardingKind::DisruptionBudget, "web")]
    {
        let name = fixture::named(name);
        world.put(Object::Guarding(Guarding { kind, name, selector: "app=testapp".parse().unwrap() }));
    }
    world
}

fn made_of_ingress() -> World {
    let mut world = drifted();
    world.binding(|it| {
        it.labels.insert("ingress.k8s.aws/stack-namespace".to_owned(), "workshop".to_owned());
        it.kept_by = Some("Argo CD".into());
    });
    world
}

fn stateful() -> World {
    let mut world = drifted();
    world.edit_pod("10.0.0.2", |it| it.owner.as_mut().unwrap().kind = "StatefulSet".into());
    world
}

fn unhooked() -> World {
    let mut world = drifted();
    world.signs(|it| it.webhook_endpoints = Some(Some(0)));
    world
}

fn nodes() -> World {
    World::instances("10.0.0.1 ready a, 10.0.0.2 ready b | i-0a healthy a, i-0b healthy b")
}

#[test]
fn the_picture_of_a_plan_is_a_frame() {
    let mut state = planned(&guarded(), "10.0.0.2", Action::Drain);
    app::update(&mut state, Message::Resize(132, 26));
    picture::hold("plan.svg", &cells(&state, (132, 26)));
}

#[test]
fn a_name_is_typed_where_it_is_asked_for() {
    let mut state = planned(&drifted(), "", Action::Unbind);
    state = read(&state);
    typed(&mut state, "testapp");
    state = read(&state);
    app::update(&mut state, Message::Key(plain(Code::Enter)));
    insta::assert_snapshot!("plan_unbind_typed", frame(&state, 80, 24));
}

#[test]
fn a_running_plan_says_how_far_it_is_and_what_is_left() {
    let mut state = planned(&drifted(), "10.0.0.2", Action::Drain);
    accept(&mut state);
    let plan = state.changes.runs[0].plan.id.clone();
    let told = |step, seconds, stage| {
        let at = fixture::BEGIN.plus_seconds(seconds);
        Message::Progress(Progress { plan: plan.clone(), step, at, stage })
    };
    for (step, seconds, stage) in [
        (0, 10, Stage::Done("pod testapp-10-0-0-2 has no label app".to_owned())),
        (1, 12, Stage::Done("10.0.0.2:8080 is out of rotation".to_owned())),
        (2, 12, Stage::Done("2 endpoints in service".to_owned())),
        (3, 12, Stage::Awaiting("10.0.0.2:8080 is draining".to_owned())),
    ] {
        app::update(&mut state, told(step, seconds, stage));
    }
    app::update(&mut state, Message::Tick(fixture::BEGIN.plus_seconds(52), 21));
    app::settle(&mut state);
    insta::assert_snapshot!("run_drain", frame(&state, 80, 24));
    app::update(&mut state, Message::Key(plain(Code::Esc)));
    insta::assert_snapshot!("run_drain_hidden", frame(&state, 120, 30));
    press(&mut state, &[Action::Quit]);
    insta::assert_snapshot!("leaving", frame(&state, 80, 24));
}

#[test]
fn a_resync_without_effect_offers_what_is_left() {
    let mut state = planned(&drifted(), "", Action::Resync);
    accept(&mut state);
    let plan = state.changes.runs[0].plan.id.clone();
    let now = state.now;
    for (step, stage) in [
        (0, Stage::Done("the controller reconciled: it overwrote the marker".to_owned())),
        (1, Stage::Unverified("unregistered: 10.0.0.3:8080; orphan: 10.0.0.9:8080".to_owned())),
    ] {
        app::update(&mut state, Message::Progress(Progress { plan: plan.clone(), step, at: now, stage }));
    }
    app::update(&mut state, Message::Tick(now.plus_seconds(40), 21));
    insta::assert_snapshot!("run_resync_without_effect", frame(&state, 80, 24));
    // By the key it offers what is missing is registered.
    app::update(&mut state, Message::Key(Key { ctrl: false, code: Code::Char('R') }));
    let Some(Dialog::Plan(planned)) = state.dialogs.last() else { panic!("{:?}", state.dialogs.last()) };
    assert_eq!(planned.plan.effect, "Registers 10.0.0.3:8080 in eksworkshoptg.");
}

#[test]
fn what_was_not_ended_is_offered() {
    let mut state = planned(&drifted(), "10.0.0.2", Action::Drain);
    accept(&mut state);
    let Run { plan, .. } = state.changes.runs[0].clone();
    let mut state = screen(&drifted());
    state.opening.contexts = vec![ClusterId::new("test")];
    let begun = "2026-11-18T11:33:20Z".to_owned();
    let open = vec![Unfinished { plan, next: 1, uncertain: true, begun }];
    let notes = vec![
        "2 lines of /home/ops/.local/state/tgscope/audit.jsonl cannot be read (the first at byte 4096)"
            .to_owned(),
    ];
    let past = Past { unfinished: open, notes, ..Past::default() };
    app::update(&mut state, Message::Past(Box::new(past)));
    insta::assert_snapshot!("unfinished", frame(&state, 80, 24));
}

#[test]
fn the_audit_log_says_which_plan_where_and_what_of_it_cannot_be_read() {
    let mut state = planned(&drifted(), "10.0.0.2", Action::Drain);
    accept(&mut state);
    let Run { plan, .. } = state.changes.runs[0].clone();
    app::update(&mut state, Message::Key(plain(Code::Esc)));
    press(&mut state, &[Action::Audit]);
    assert!(frame(&state, 80, 24).contains("reading the audit log"));
    let lines = [(LogStage::Begin, None), (LogStage::Done, Some("no longer selected".to_owned()))];
    let entries = lines.map(|(stage, after)| Entry {
        after,
        aws_identity: Some("arn:aws:sts::702463714165:assumed-role/ops/mia".to_owned()),
        ..Entry::new(&plan, 0, stage, "2026-01-15T09:00:00Z".to_owned()).unwrap()
    });
    let notes = vec!["3 lines of /home/ops/audit.jsonl cannot be read (the first at byte 4096)".to_owned()];
    app::update(&mut state, Message::Log(Excerpt { entries: entries.to_vec(), notes: notes.clone() }));
    insta::assert_snapshot!("audit", frame(&state, 120, 24));
    app::update(&mut state, Message::Log(Excerpt { entries: Vec::new(), notes }));
    assert!(!frame(&state, 80, 24).contains("nothing was written"));
    app::update(&mut state, Message::Log(Excerpt::default()));
    assert!(frame(&state, 80, 24).contains("nothing was written"));
}

#[test]
fn marked_rows_carry_a_star() {
    let mut state = screen(&drifted());
    press(&mut state, &[Action::Mark, Action::Mark]);
    insta::assert_snapshot!("marked", frame(&state, 120, 30));
}

#[test]
fn a_bind_goes_from_list_to_list_to_its_plan() {
    let mut world = drifted();
    world.binding(|it| it.name.name = "other".to_owned());
    let mut state = screen(&world);
    press(&mut state, &[Action::Bind]);
    insta::assert_snapshot!("bind_service", frame(&state, 80, 24));
    app::update(&mut state, Message::Key(plain(Code::Enter)));
    insta::assert_snapshot!("bind_group", frame(&state, 80, 24));
}

#[test]
fn a_bind_of_a_group_nobody_binds_shows_its_object() {
    let mut world = drifted();
    world.remove(Kind::Bindings(fixture::API), "testapptgb");
    let mut state = screen(&world);
    state.view = View::Board(Subject::Group(fixture::arn()));
    press(&mut state, &[Action::Bind]);
    insta::assert_snapshot!("bind_service_to_group", frame(&state, 80, 24));
    app::update(&mut state, Message::Key(plain(Code::Enter)));
    insta::assert_snapshot!("plan_bind", frame(&state, 80, 24));
}

#[test]
fn a_bind_reads_anew_what_the_group_has_where_it_was_read_long_ago() {
    let mut world = drifted();
    world.remove(Kind::Bindings(fixture::API), "testapptgb");
    let mut state = screen(&world);
    state.view = View::Board(Subject::Group(fixture::arn()));
    world.later(60);
    app::update(&mut state, Message::Tick(world.now, 0));
    press(&mut state, &[Action::Bind]);
    app::update(&mut state, Message::Key(plain(Code::Enter)));
    app::settle(&mut state);
    assert!(matches!(state.dialogs.last(), Some(Dialog::Reading { .. })), "{:?}", state.dialogs);
    // Whoever is quick with the next key does not lose the way to the plan.
    accept(&mut state);
    let seen = world.log.len();
    world.answer("10.0.0.1 draining DeregistrationInProgress a");
    for (change, at) in world.log.split_off(seen) {
        app::update(&mut state, Message::Observed(at, Box::new(change)));
    }
    app::settle(&mut state);
    let Some(Dialog::Plan(it)) = state.dialogs.last() else { panic!("{:?}", state.dialogs) };
    let before = it.plan.counts[0].before;
    assert_eq!((before.healthy, before.registered), (0, 0));
}

#[test]
fn the_header_says_read_only_and_protected() {
    let names = |it: &str| Opening {
        contexts: vec![ClusterId::new("prod")],
        namespace: Some("workshop".to_owned()),
        read_only: it == "read only",
        protected: std::collections::BTreeSet::from([ClusterId::new("prod")]),
        ..Opening::default()
    };
    for (opening, word) in [("read only", "READ ONLY"), ("protected", "PROTECTED")] {
        let shown = frame(&opened(&drifted(), names(opening)), 80, 24);
        assert!(shown.lines().next().unwrap().contains(word), "{shown}");
    }
}

#[test]
fn an_undo_is_a_plan_like_any_other() {
    let mut world = drifted();
    let mut state = planned(&world, "10.0.0.2", Action::Drain);
    accept(&mut state);
    let plan = state.changes.runs[0].plan.id.clone();
    for (step, stage) in
        [(0, Stage::Done("pod testapp-10-0-0-2 has no label app".to_owned())), (1, Stage::Cancelled)]
    {
        let at = state.now;
        app::update(&mut state, Message::Progress(Progress { plan: plan.clone(), step, at, stage }));
    }
    let seen = world.log.len();
    world.edit_pod("10.0.0.2", |it| it.labels.retain(|key, _| key != "app"));
    world.slice("testapp-1", |it| it.endpoints.retain(|it| it.addresses[0].to_string() != "10.0.0.2"));
    for (change, at) in world.log.split_off(seen) {
        app::update(&mut state, Message::Observed(at, Box::new(change)));
    }
    app::settle(&mut state);
    press(&mut state, &[Action::Back]);
    app::update(&mut state, Message::Key(plain(Code::Esc)));
    press(&mut state, &[Action::Undo]);
    insta::assert_snapshot!("plan_undo", frame(&state, 80, 24));
}

/// Half of what comes in goes to another group, of which nothing healthy is known.
fn divided() -> (World, TargetGroupArn) {
    let mut world = drifted();
    let other: TargetGroupArn =
        "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/green/aaaaaaaaaaaaaaaa"
            .parse()
            .unwrap();
    let mut listener = fixture::objects::listener(90);
    listener.rules[0].forwards.push(Forward { group: other.clone(), weight: 10 });
    world.routes(vec![listener]);
    (world, other)
}

/// What was read of its rule: nothing new.
fn weighed(world: &World) -> Weighed {
    let (place, _) = routes::places(&world.inventory, &fixture::arn()).remove(0);
    Weighed { place, changes: Vec::new(), tags: weights::Tags::new(), untagged: None }
}

#[test]
fn weights_are_chosen_and_a_group_without_health_is_typed() {
    let (world, other) = divided();
    let mut state = planned(&world, "", Action::Shift);
    typed(&mut state, "60");
    insta::assert_snapshot!("choose_weights", frame(&state, 80, 24));
    let effects = app::update(&mut state, Message::Key(plain(Code::Enter)));
    assert!(
        matches!(effects.as_slice(), [app::Effect::Weigh(place, groups)]
        if place.rule.is_none() && *groups == [fixture::arn(), other.clone()]),
        "{effects:?}"
    );
    insta::assert_snapshot!("reading_weights", frame(&state, 80, 24));
    let mut none = world.inventory.groups[&fixture::arn()].targets.clone().unwrap();
    none.targets.clear();
    let untagged = Some("DescribeTags: not permitted".to_owned());
    let read = Weighed { changes: vec![Observation::Targets(other, none)], untagged, ..weighed(&world) };
    app::update(&mut state, Message::Weighed(Box::new(read)));
    insta::assert_snapshot!("plan_shift_typed", frame(&state, 80, 24));
}

#[test]
fn weights_that_were_typed_stand_first_also_where_another_line_has_their_digits() {
    let (world, _) = divided();
    let mut state = planned(&world, "", Action::Shift);
    typed(&mut state, "0 100");
    let effects = app::update(&mut state, Message::Key(plain(Code::Enter)));
    assert!(matches!(effects.as_slice(), [app::Effect::Weigh(..)]), "{effects:?}");
    let to = state.changes.weighing.as_ref().and_then(|it| it.to.clone()).unwrap();
    assert_eq!(to.iter().map(|it| it.weight).collect::<Vec<_>>(), [0, 100]);
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_opens_nothing() {
    let (world, _) = divided();
    let mut state = planned(&world, "", Action::Shift);
    typed(&mut state, "60");
    app::update(&mut state, Message::Key(plain(Code::Enter)));
    app::update(&mut state, Message::Key(plain(Code::Esc)));
    app::update(&mut state, Message::Weighed(Box::new(weighed(&world))));
    assert!(state.dialogs.is_empty(), "{:?}", state.dialogs);
    // Nor does it once another plan is open.
    press(&mut state, &[Action::Sync]);
    app::update(&mut state, Message::Weighed(Box::new(weighed(&world))));
    assert_eq!(state.dialogs.len(), 1);
}
