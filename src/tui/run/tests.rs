//! What a sequence of keys, pastes and changes outside can bring about: nothing is carried out that was not on the screen
//! when it was accepted.

use crossterm::event::KeyCode;
use crossterm::event::KeyEvent;
use crossterm::event::KeyModifiers;
use proptest::prelude::*;

use super::*;
use crate::app::state::Opening;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::plan::Plan;

/// Something that happens to the loop.
#[derive(Clone, Debug)]
enum Happens {
    Key(KeyCode, bool),
    Paste(String),
    /// The targets stand otherwise.
    Health(&'static str),
    Tick,
    Resize(u16, u16),
    /// A frame is drawn, and no key waits.
    Drawn,
}

fn happens() -> impl Strategy<Value = Happens> {
    let letter = prop::sample::select("yyyjkDXrRSBbutwmsdnpgx:/!fA?".chars().collect::<Vec<_>>());
    let other = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::Backspace,
        KeyCode::Down,
    ]);
    prop_oneof![
        8 => letter.prop_map(|it| Happens::Key(KeyCode::Char(it), false)),
        1 => prop::sample::select(vec!['d', 'm', 'i', 'u', 'x']).prop_map(|it| Happens::Key(KeyCode::Char(it), true)),
        4 => other.prop_map(|it| Happens::Key(it, false)),
        1 => prop::sample::select(vec!["y", "y\r", "testapptgb\r\ny", "Dy", "\u{1b}y"]).prop_map(|it| Happens::Paste(it.to_owned())),
        1 => prop::sample::select(vec![
            "10.0.0.1 healthy, 10.0.0.2 healthy",
            "10.0.0.1 healthy, 10.0.0.2 unhealthy Timeout",
            "10.0.0.1 draining, 10.0.0.2 healthy, 10.0.0.9 healthy",
        ]).prop_map(Happens::Health),
        1 => Just(Happens::Tick),
        1 => prop::sample::select(vec![(50, 10), (120, 35)]).prop_map(|(w, h)| Happens::Resize(w, h)),
        5 => Just(Happens::Drawn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn each_plan_that_is_carried_out_was_on_the_last_frame_when_its_key_was_read(
        all in prop::collection::vec(happens(), 1..60)
    ) {
        let mut world = World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 healthy, 10.0.0.9 healthy");
        let opening = Opening { namespace: Some(fixture::NAMESPACE.to_owned()), ..Opening::default() };
        let mut state = State::new(opening, fixture::BEGIN);
        let mut seen = 0;
        let mut on_the_frame: Option<(PlanId, Plan)> = None;
        let mut carried_out = 0;
        for it in all {
            for (change, at) in &world.log[seen..] {
                app::update(&mut state, Message::Observed(*at, Box::new(change.clone())));
            }
            seen = world.log.len();
            app::settle(&mut state);
            let message = match it {
                Happens::Key(code, ctrl) => {
                    let modifiers = if ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
                    message(&state, &Event::Key(KeyEvent::new(code, modifiers)))
                }
                Happens::Paste(text) => message(&state, &Event::Paste(text)),
                Happens::Health(text) => {
                    world.answer(text);
                    None
                }
                Happens::Tick => Some(Message::Tick(world.now, 0)),
                Happens::Resize(width, height) => message(&state, &Event::Resize(width, height)),
                Happens::Drawn => {
                    on_the_frame = match state.dialogs.last() {
                        Some(crate::app::state::Dialog::Plan(it)) if !state.too_small() => {
                            Some((it.plan.id.clone(), it.plan.clone()))
                        }
                        _ => None,
                    };
                    Some(Message::Drawn(state.plan_on_show().cloned()))
                }
            };
            for effect in message.map_or_else(Vec::new, |it| app::update(&mut state, it)) {
                if let Effect::Apply(plan) = effect {
                    carried_out += 1;
                    let shown = on_the_frame.as_ref().map(|it| &it.1);
                    prop_assert_eq!(Some(&*plan), shown, "a plan that was not on the screen");
                }
            }
        }
        // Plans that wait for another to stop were accepted by the same rule.
        prop_assert!(state.changes.runs.len() >= carried_out);
    }
}

#[test]
fn a_paste_is_text_where_text_is_typed_and_nothing_anywhere_else() {
    let world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    let opening = Opening { namespace: Some(fixture::NAMESPACE.to_owned()), ..Opening::default() };
    let mut state = State::new(opening, fixture::BEGIN);
    for (change, at) in &world.log {
        app::update(&mut state, Message::Observed(*at, Box::new(change.clone())));
    }
    app::settle(&mut state);
    let paste = |state: &mut State, text: &str| {
        let effects = message(state, &Event::Paste(text.to_owned())).map(|it| app::update(state, it));
        assert_eq!(effects, Some(Vec::new()));
    };
    paste(&mut state, "q");
    assert!(state.status.as_ref().is_some_and(|it| it.0.contains("pasted text is ignored")));
    app::update(&mut state, Message::Act(Action::Filter));
    paste(&mut state, "10.0\r\n.0.1\u{1b}[A");
    assert_eq!(state.filter, "10.0.0.1[A", "control characters are dropped, and nothing of it is a key");
    assert_eq!(state.dialogs.len(), 1, "the filter is still being typed");
}
