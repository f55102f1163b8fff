//! Frames of what else a board has beside its two panes: routes and the network path.

use super::frame;
use super::outage;
use super::press;
use super::screen;
use super::themed;
use crate::app;
use crate::app::Message;
use crate::app::action::Action;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::routing::Condition;
use crate::domain::facts::routing::Patterns;
use crate::domain::facts::routing::Redirect;
use crate::domain::facts::routing::Step;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::inventory::Observation;
use crate::tui::theme::Theme;

/// Two groups share a rule, and more rules lead elsewhere or nowhere.
fn routed() -> World {
    let mut world = World::of("10.0.0.1 ready, 10.0.0.2 ready b | 10.0.0.1 healthy, 10.0.0.2 healthy b");
    let other: TargetGroupArn = fixture::arn().as_str().replace("eksworkshoptg", "green").parse().unwrap();
    let path = |it: &str| Condition::Path(Patterns { values: vec![it.to_owned()], ..Patterns::default() });
    let mut listener = fixture::objects::listener(3);
    let default = listener.rules.remove(0);
    let forward = |group: &TargetGroupArn, weight| Forward { group: group.clone(), weight };
    let rule = |priority: &str, condition: Condition, forwards: Vec<Forward>| Rule {
        priority: priority.into(),
        conditions: vec![condition.text()],
        matches: vec![condition],
        forwards,
        ..default.clone()
    };
    let away =
        Redirect { status: Some("HTTP_301".into()), protocol: Some("HTTPS".into()), ..Redirect::default() };
    let redirects = Rule { steps: vec![Step::Redirect(away)], ..rule("5", path("/old/*"), Vec::new()) };
    listener.rules = vec![
        rule("20", path("/api/v1/*"), vec![forward(&fixture::arn(), 1)]),
        rule("10", path("/api/*"), vec![forward(&fixture::arn(), 90), forward(&other, 10)]),
        redirects,
        default,
    ];
    world.routes(vec![listener]);
    world
        .apply(Observation::Targets(other, Targets { targets: Vec::new(), asked: world.now, unreadable: 0 }));
    world
}

#[test]
fn the_routes_of_a_group_at_three_sizes() {
    let mut state = screen(&routed());
    press(&mut state, &[Action::Routes]);
    for (width, height) in [(80, 24), (120, 35), (160, 45)] {
        app::update(&mut state, Message::Resize(width, height));
        insta::assert_snapshot!(format!("routes_{width}x{height}"), frame(&state, width, height));
    }
    insta::assert_snapshot!("routes_without_colours", themed(&state, &Theme::none(), (80, 24)));
    press(&mut state, &[Action::Zoom]);
    assert!(
        frame(&state, 120, 35)
            .contains("5 path /old/* → redirect 301 to https://#{host}:#{port}/#{path}?#{query}")
    );
    press(&mut state, &[Action::Zoom, Action::Back]);
    assert!(frame(&state, 120, 35).contains("Why · "));
}

#[test]
fn the_network_of_a_row_at_three_sizes() {
    let mut state = screen(&outage());
    press(&mut state, &[Action::Network]);
    for (width, height) in [(80, 24), (120, 35), (160, 45)] {
        app::update(&mut state, Message::Resize(width, height));
        insta::assert_snapshot!(format!("network_{width}x{height}"), frame(&state, width, height));
    }
    insta::assert_snapshot!("network_without_colours", themed(&state, &Theme::none(), (80, 24)));
    // The last line is reached, and no further.
    press(&mut state, &[Action::PageDown, Action::PageDown, Action::PageDown, Action::PageDown]);
    assert!(themed(&state, &Theme::none(), (80, 24)).contains("port: 8080"));
    press(&mut state, &[Action::Back]);
    assert!(frame(&state, 80, 24).contains("Why · testapp"));
}
