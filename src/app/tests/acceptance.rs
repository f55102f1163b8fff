//! Nothing is accepted that was not drawn: any keys, pastes and changes outside, with frames at any moment between them.

use std::time::Duration;

use proptest::prelude::*;

use super::Screen;
use super::three;
use super::unfinished::left;
use crate::app;
use crate::app::Effect;
use crate::app::Message;
use crate::app::State;
use crate::app::action::Action;
use crate::app::key::Code;
use crate::app::key::Key;
use crate::app::key::ctrl;
use crate::app::key::key;
use crate::app::key::plain;
use crate::app::seen::PAUSE;
use crate::app::state::Dialog;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::fixture::World;
use crate::domain::plan::log::Past;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;

#[derive(Clone, Copy, Debug)]
enum Step {
    Key(Key),
    Paste(&'static str),
    /// A pod fails its checks, or is well again: judged anew, rows move.
    Outside(bool),
    /// The next step of the last accepted plan begins, or ends: done, or failed.
    Progress(u8),
    /// What an earlier session left open is told.
    Past,
    Tick,
    Resize(u16, u16),
    /// The loop draws, if there is something new.
    Draw,
    /// Nothing is typed for so many milliseconds.
    Rest(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let letters = "jkXDrSBuypnytdwmgxcf/bWq:".chars().map(key).collect::<Vec<_>>();
    let others = [Code::Enter, Code::Esc, Code::Tab, Code::Down, Code::Backspace].map(plain);
    let keys = letters.into_iter().chain(others).chain([ctrl('d'), ctrl('x')]).collect::<Vec<_>>();
    let one = prop_oneof![
        8 => proptest::sample::select(keys).prop_map(Step::Key),
        3 => Just(Step::Key(key('y'))),
        1 => proptest::sample::select(vec!["y", "\r", "Dy\r", "testapptgb", "testapptgb\r"]).prop_map(Step::Paste),
        1 => any::<bool>().prop_map(Step::Outside),
        2 => (0..3_u8).prop_map(Step::Progress),
        1 => Just(Step::Past),
        1 => Just(Step::Tick),
        1 => proptest::sample::select(vec![(80, 24), (120, 40), (50, 10)]).prop_map(|it| Step::Resize(it.0, it.1)),
        6 => Just(Step::Draw),
        4 => proptest::sample::select(vec![1, 100, 249, 250, 400]).prop_map(Step::Rest),
    ];
    proptest::collection::vec(one, 0..80)
}

/// The loop as it is, but with frames and rests whenever a test wants them; and what was on the frames.
struct Loop {
    screen: Screen,
    world: World,
    now: Duration,
    /// The plan of the last frame, and since when every frame shows it.
    frame: Option<(PlanId, Duration)>,
    key: Duration,
    /// The longest time without a key that the plan of the last frame was on the screen.
    rest: Duration,
    accepted: usize,
    /// A plan of an earlier session.
    left: Unfinished,
}

fn on_top(state: &State) -> Option<PlanId> {
    match state.dialogs.last() {
        Some(Dialog::Plan(it)) if !state.too_small() => Some(it.plan.id.clone()),
        _ => None,
    }
}

impl Loop {
    fn new() -> Self {
        let world = three();
        let screen = Screen::on(&world);
        let zero = Duration::ZERO;
        Self { screen, world, now: zero, frame: None, key: zero, rest: zero, accepted: 0, left: left() }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Key(key) => {
                self.pressed();
                let message = match Action::of(key) {
                    _ if !self.screen.state.dialogs.is_empty() => Some(Message::Key(key)),
                    action => action.map(Message::Act),
                };
                self.feed(message, matches!(key.code, Code::Enter | Code::Char('y')));
            }
            Step::Paste(text) => {
                self.pressed();
                self.feed(Some(Message::Paste(text.to_owned())), false);
            }
            Step::Outside(well) => {
                let health = if well { "healthy" } else { "unhealthy Timeout" };
                self.world.answer(&format!("10.0.0.1 {health}, 10.0.0.2 healthy b, 10.0.0.3 healthy b"));
                let seen = self.screen.seen;
                let news = self.world.log[seen..].to_vec();
                for (change, at) in news {
                    self.feed(Some(Message::Observed(at, Box::new(change))), false);
                }
                self.screen.seen = self.world.log.len();
            }
            Step::Progress(how) => {
                let Some(run) = self.screen.state.changes.runs.last() else { return };
                let done = |it: &usize| matches!(run.stages.get(it), Some((Stage::Done(_), _)));
                let Some(step) = (0..run.plan.steps.len()).find(|it| !done(it)) else { return };
                let stage = match how {
                    0 => Stage::Checking,
                    1 => Stage::Done("so it is".to_owned()),
                    _ => Stage::Failed("no answer".to_owned()),
                };
                let progress = Progress { plan: run.plan.id.clone(), step, at: self.world.now, stage };
                self.feed(Some(Message::Progress(progress)), false);
            }
            Step::Past => {
                let past = Past { unfinished: vec![self.left.clone()], ..Past::default() };
                self.feed(Some(Message::Past(Box::new(past))), false);
            }
            Step::Tick => self.feed(Some(Message::Tick(self.world.now, 0)), false),
            Step::Resize(width, height) => self.feed(Some(Message::Resize(width, height)), false),
            Step::Draw => self.draw(),
            Step::Rest(milliseconds) => {
                self.now += Duration::from_millis(milliseconds);
                if let Some((_, since)) = &self.frame {
                    self.rest = self.rest.max(self.now.saturating_sub(self.key.max(*since)));
                }
                app::rested(&mut self.screen.state, self.now);
            }
        }
    }

    fn pressed(&mut self) {
        self.key = self.now;
        app::pressed(&mut self.screen.state, self.now);
    }

    fn draw(&mut self) {
        let state = &mut self.screen.state;
        if !std::mem::take(&mut state.dirty) {
            return;
        }
        let shown = on_top(state);
        if self.frame.as_ref().map(|it| &it.0) != shown.as_ref() {
            self.frame = shown.map(|it| (it, self.now));
            self.rest = Duration::ZERO;
        }
        let size = state.size;
        app::drawn(state, size, self.now);
    }

    fn feed(&mut self, message: Option<Message>, accepts: bool) {
        let Some(message) = message else { return };
        for effect in app::update(&mut self.screen.state, message) {
            if let Effect::Apply(plan) = effect {
                let frame = self.frame.as_ref().expect("no plan was on the last frame");
                assert_eq!(frame.0, plan.id, "another plan was on the last frame");
                assert!(self.rest >= PAUSE, "nobody had the time to read it");
                assert!(accepts, "by something that accepts nothing");
                self.accepted += 1;
            }
        }
        self.screen.settle();
    }
}

proptest! {
    #![proptest_config(crate::domain::fixture::few(400))]

    #[test]
    fn what_is_carried_out_was_on_the_last_frame_when_its_key_was_read(steps in steps()) {
        let mut it = Loop::new();
        for step in steps {
            it.take(step);
        }
    }
}

fn keys(keys: &str) -> Vec<Step> {
    keys.chars().map(|it| Step::Key(key(it))).collect()
}

#[test]
fn a_plan_is_accepted_by_a_key_after_a_moment_on_the_screen_and_not_before() {
    let rest = || vec![Step::Draw, Step::Rest(250)];
    for (steps, accepted) in [
        ([keys("jXy"), rest()].concat(), 0),
        ([keys("jX"), vec![Step::Draw], keys("y")].concat(), 0),
        ([keys("jX"), rest(), keys("y")].concat(), 1),
        // Each key before starts the wait anew.
        (
            [keys("jX"), vec![Step::Draw, Step::Rest(249)], keys("y"), vec![Step::Rest(249)], keys("y")]
                .concat(),
            0,
        ),
        // Another choice is another plan.
        ([keys("jD"), rest(), keys("ty")].concat(), 0),
        ([keys("jD"), rest(), keys("t"), rest(), keys("y")].concat(), 1),
        // Drawn, but on a screen of another size.
        ([keys("jX"), rest(), vec![Step::Resize(70, 22)], keys("y")].concat(), 0),
        ([keys("jX"), rest(), vec![Step::Paste("y\r"), Step::Draw]].concat(), 0),
    ] {
        let mut it = Loop::new();
        for step in steps.clone() {
            it.take(step);
        }
        assert_eq!(it.accepted, accepted, "{steps:?}");
    }
}
