//! Boards with more rows than a screen holds.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::frame;
use super::press;
use super::render;
use super::screen;
use crate::app;
use crate::app::Measured;
use crate::app::Message;
use crate::app::State;
use crate::app::action::Action;
use crate::domain::fixture::World;
use crate::tui::theme::Theme;

const SIZE: (u16, u16) = (120, 30);

/// Sixty pods in service by name, and these.
fn world(more: &[&str]) -> World {
    let pods: Vec<String> = (10..70).map(|n| format!("10.0.0.{n} ready")).collect();
    let targets: Vec<String> = (10..70).map(|n| format!("10.0.0.{n} healthy")).collect();
    let mut world = World::of(&format!("{} | {}", pods.join(", "), targets.join(", ")));
    for pod in more {
        world.pod(pod);
    }
    world
}

fn by_name(world: &World) -> State {
    let mut state = screen(world);
    app::update(&mut state, Message::Resize(SIZE.0, SIZE.1));
    press(&mut state, &[Action::Sort]);
    state
}

/// The line with the titles of the columns.
fn titles(state: &State) -> String {
    let text = frame(state, SIZE.0, SIZE.1);
    text.lines().find(|it| it.contains("ENDPOINT")).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn rows_that_are_not_seen_do_not_move_the_columns() {
    let plain = titles(&by_name(&world(&[])));
    let mut state = by_name(&world(&["zz-a-name-that-is-longer-than-any-other starting"]));
    assert_eq!(titles(&state), plain);
    // Where it comes into sight it has the room it needs.
    press(&mut state, &[Action::Bottom]);
    let text = frame(&state, SIZE.0, SIZE.1);
    assert!(text.contains("zz-a-name-that-is-longer") && titles(&state) != plain, "{text}");
}

#[test]
fn columns_hold_still_while_one_scrolls() {
    let mut state = by_name(&world(&["1-a-name-that-is-longer-than-any-other starting"]));
    let top = titles(&state);
    for _ in 0..5 {
        press(&mut state, &[Action::PageDown]);
        assert_eq!(titles(&state), top);
    }
    assert_ne!(titles(&by_name(&world(&[]))), top, "the long name makes room for itself");
    let text = frame(&state, SIZE.0, SIZE.1);
    assert!(!text.contains("1-a-name"), "{text}");
}

/// Takes in what happened since, and draws.
fn go_on(state: &mut State, world: &World, from: usize) -> String {
    for (change, at) in world.log.iter().skip(from) {
        app::update(state, Message::Observed(*at, Box::new(change.clone())));
        app::settle(state);
    }
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let measured = render(state, &Theme::colours(), area, &mut Buffer::empty(area));
    app::measured(state, SIZE, measured);
    titles(state)
}

#[test]
fn columns_hold_still_when_what_made_them_wide_goes() {
    let mut world = world(&["1-a-name-that-is-longer-than-any-other starting"]);
    let mut state = by_name(&world);
    let wide = go_on(&mut state, &world, world.log.len());
    let before = world.log.len();
    world.gone("1-a-name-that-is-longer-than-any-other");
    assert_ne!(titles(&by_name(&world)), wide, "a board that never saw it is narrower");
    assert_eq!(go_on(&mut state, &world, before), wide);
    // Elsewhere, and at another size, everything moves anyway.
    app::measured(&mut state, (SIZE.0 - 1, SIZE.1), Measured::default());
    assert_ne!(titles(&state), wide);
}
