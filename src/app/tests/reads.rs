//! What a screen wants read, and when again: what is on show first, and after a change only what it touched.

use super::Screen;
use super::three;
use crate::app;
use crate::app::Message;
use crate::app::action::Action;
use crate::app::key::key;
use crate::app::opening::Opening;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::inventory::Object;
use crate::domain::inventory::follow::Again;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::progress::Stage;

fn group(n: u32) -> TargetGroupArn {
    format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/g{n:03}/1").parse().unwrap()
}

/// A list of bindings that nothing is known of yet, of one service each; that of number `wrong` has a pod that fails.
fn many(n: u32, wrong: u32) -> World {
    let mut world = World::new();
    for at in 0..n {
        let mut binding = fixture::objects::binding();
        binding.name.name = format!("b{at:03}");
        binding.group = Some(group(at));
        if at != wrong {
            binding.service = format!("nothing{at}");
        }
        world.put(Object::Binding(Box::new(binding)));
    }
    world
}

#[test]
fn a_list_wants_what_is_on_show_first_and_then_what_kubernetes_says_is_wrong() {
    let mut world = many(100, 90);
    world.pod("10.0.0.1 crashing");
    let opening = Opening { namespace: Some(fixture::NAMESPACE.to_owned()), ..Opening::default() };
    let mut screen = Screen::open(&world, opening);
    screen.press(&[Action::Bindings, Action::Sort, Action::Top]);
    let page = screen.state.page();
    let lines: Vec<TargetGroupArn> = screen
        .state
        .subjects()
        .into_iter()
        .filter_map(|it| screen.state.boards.get(it)?.report.group.clone())
        .collect();
    assert_eq!(screen.wish.first[..page], lines[..page], "as they stand");
    assert!(!lines[..page].contains(&group(90)));
    assert!(screen.wish.first[page..].contains(&group(90)), "{:?}", &screen.wish.first[page..]);
    assert!(!screen.wish.first.contains(&group(50)), "nothing says that anything is wrong there");
    // Where one scrolls to is on show then.
    screen.press(&[Action::Bottom]);
    assert_eq!(screen.wish.first[..page], lines[lines.len() - page..]);
}

#[test]
fn a_step_that_is_over_has_the_health_of_its_group_read_and_nothing_else() {
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Resync]);
    screen.read();
    app::update(&mut screen.state, Message::Key(key('y')));
    let plan = screen.state.changes.runs[0].plan.id.clone();
    let before = screen.wish.clone();
    let mut tell = |stage| {
        let at = screen.state.now;
        app::update(
            &mut screen.state,
            Message::Progress(Progress { plan: plan.clone(), step: 0, at, stage }),
        );
        screen.settle();
        (screen.wish.hurry, screen.wish.again.clone())
    };
    assert_eq!(tell(Stage::Checking), (before.hurry, before.again.clone()), "nothing was written yet");
    let (hurry, again) = tell(Stage::Done("the marker is there".to_owned()));
    assert_eq!(hurry, before.hurry, "everything would be read again");
    assert_eq!(again.into_iter().collect::<Vec<_>>(), [(Again::Health(fixture::arn()), 1)]);
}
