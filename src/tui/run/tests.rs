//! The loop as it runs, with keys, pastes and news at any moment: what it asks to be carried out was on the screen.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crossterm::event::Event;
use crossterm::event::KeyCode;
use crossterm::event::KeyEvent;
use crossterm::event::KeyModifiers;
use futures::stream;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::backend::ClearType;
use ratatui::backend::TestBackend;
use ratatui::backend::WindowSize;
use ratatui::buffer::Cell;
use ratatui::layout::Position;
use ratatui::layout::Size;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::app::opening::Opening;
use crate::app::seen::PAUSE;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::plan::Plan;

/// What was on the screen, and from when on; and the key that was read last.
#[derive(Default)]
struct Seen {
    frames: Vec<(Instant, String)>,
    key: Option<(Instant, Event)>,
}

type Shared = Rc<RefCell<Seen>>;

/// A terminal that keeps every frame.
struct Kept {
    inner: TestBackend,
    seen: Shared,
}

impl Backend for Kept {
    type Error = <TestBackend as Backend>::Error;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.inner.draw(content)?;
        let frame = self.inner.buffer();
        let lines = frame.content.chunks(usize::from(frame.area.width));
        let text = lines.map(|line| line.iter().map(Cell::symbol).collect::<String>()).collect::<Vec<_>>();
        self.seen.borrow_mut().frames.push((Instant::now(), text.join("\n")));
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Self::Error> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), Self::Error> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, Self::Error> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Self::Error> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), Self::Error> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Self::Error> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> Result<Size, Self::Error> {
        self.inner.size()
    }

    fn window_size(&mut self) -> Result<WindowSize, Self::Error> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.inner.flush()
    }
}

/// A key, a paste or a change outside, so many milliseconds after the one before.
#[derive(Clone, Debug)]
enum Step {
    Key(KeyCode),
    Paste(&'static str),
    Outside(bool),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let letters = "jkXDrSBuypgxcfW:".chars().map(KeyCode::Char);
    let keys: Vec<KeyCode> = letters.chain([KeyCode::Enter, KeyCode::Esc, KeyCode::Tab]).collect();
    let one = prop_oneof![
        8 => proptest::sample::select(keys).prop_map(Step::Key),
        4 => Just(Step::Key(KeyCode::Char('y'))),
        1 => proptest::sample::select(vec!["y", "Dy\r", "testapptgb\r"]).prop_map(Step::Paste),
        2 => any::<bool>().prop_map(Step::Outside),
    ];
    let waits = proptest::sample::select(vec![0, 0, 0, 10, 40, 249, 260, 400]);
    proptest::collection::vec((waits, one), 1..60)
}

/// What was asked for, with what was seen of it.
async fn played(steps: Vec<(u64, Step)>) -> Vec<Plan> {
    let mut world = World::of(
        "10.0.0.1 ready, 10.0.0.2 ready b, 10.0.0.3 ready b | 10.0.0.1 healthy, 10.0.0.2 healthy b",
    );
    let opening = Opening { namespace: Some(fixture::NAMESPACE.to_owned()), ..Opening::default() };
    let mut state = State::new(opening, fixture::BEGIN);
    for (change, at) in &world.log {
        app::update(&mut state, Message::Observed(*at, Box::new(change.clone())));
    }
    app::settle(&mut state);
    let seen = Shared::default();
    let mut terminal = Terminal::new(Kept { inner: TestBackend::new(120, 40), seen: seen.clone() }).unwrap();
    let (tell, mut messages) = mpsc::channel(64);
    let typed = seen.clone();
    let keys = stream::unfold((steps.into_iter(), tell), move |(mut steps, tell)| {
        let (typed, mut world_now) = (typed.clone(), world.clone());
        let event = loop {
            // Everything before the first key that comes is waited for by itself.
            match steps.next() {
                Some((wait, Step::Key(code))) => break Some((wait, key(code))),
                Some((wait, Step::Paste(text))) => break Some((wait, Event::Paste(text.to_owned()))),
                Some((_, Step::Outside(well))) => {
                    let health = if well { "healthy" } else { "unhealthy Timeout" };
                    let before = world_now.log.len();
                    world_now.answer(&format!("10.0.0.1 {health}, 10.0.0.2 healthy b"));
                    for (change, at) in world_now.log.split_off(before) {
                        _ = tell.try_send(Message::Observed(at, Box::new(change)));
                    }
                }
                None => break None,
            }
        };
        world = world_now;
        async move {
            let (wait, event) = event?;
            tokio::time::sleep(Duration::from_millis(wait)).await;
            typed.borrow_mut().key = Some((Instant::now(), event.clone()));
            Some((Ok::<_, io::Error>(event), (steps, tell)))
        }
    });
    let mut applied = Vec::new();
    let perform = |effect| {
        if let Effect::Apply(plan) = effect {
            was_read(&plan, &seen.borrow());
            applied.push(*plan);
        }
    };
    let outside = Outside {
        keys: Box::pin(keys),
        messages: &mut messages,
        perform,
        terminal: Switch::NONE,
        theme: Theme::colours(),
    };
    run(&mut terminal, &mut state, outside).await.unwrap();
    applied
}

fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// The plan was on the frame before the key, for a while in which nothing was typed; and the key is one that accepts.
fn was_read(plan: &Plan, seen: &Seen) {
    let (pressed, event) = seen.key.as_ref().unwrap();
    let accepts = [key(KeyCode::Char('y')), key(KeyCode::Enter)];
    assert!(accepts.contains(event), "{event:?} accepts nothing");
    let shows = |text: &str| {
        let words: Vec<&str> =
            text.split_whitespace().filter(|it| !it.starts_with(['│', '┌', '└'])).collect();
        let told = words.join(" ");
        let effect: Vec<&str> = plan.effect.split_whitespace().take(4).collect();
        told.contains(&effect.join(" ")) && told.contains(&format!("Plan · {}", plan.change.word()))
    };
    let before = seen.frames.iter().rev().filter(|it| it.0 <= *pressed);
    let shown: Vec<Instant> = before.take_while(|it| shows(&it.1)).map(|it| it.0).collect();
    let since = shown.last().unwrap_or_else(|| panic!("{} was not on the last frame", plan.effect));
    assert!(*pressed - *since >= PAUSE, "{} was there for {:?}", plan.effect, *pressed - *since);
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(crate::domain::fixture::few(150))]

    #[test]
    fn what_the_loop_carries_out_was_on_the_frame_before_its_key(steps in steps()) {
        paused().block_on(played(steps));
    }
}

#[test]
fn a_plan_that_was_read_is_carried_out_and_one_that_was_not_is_not() {
    let keys = |pause| {
        let typed = [KeyCode::Char('j'), KeyCode::Char('D'), KeyCode::Char('y')].map(Step::Key);
        typed.into_iter().zip([50, 50, pause]).map(|(step, wait)| (wait, step)).collect::<Vec<_>>()
    };
    assert_eq!(paused().block_on(played(keys(400))).len(), 1);
    assert_eq!(paused().block_on(played(keys(100))).len(), 0);
}
