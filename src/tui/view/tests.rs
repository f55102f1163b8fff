//! Frames, with their colours: what is on show is read by people before it is accepted.

mod large;
mod picture;
mod plans;
mod tabs;

use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::style::Style;

use super::render;
use crate::app;
use crate::app::AwsSide;
use crate::app::Message;
use crate::app::State;
use crate::app::action::Action;
use crate::app::key::key;
use crate::app::opening::Opening;
use crate::app::seen::PAUSE;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::needs::TAGGED;
use crate::domain::judgement::controller;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::judgement::standing::Standing;
use crate::tui::theme::Theme;

/// A screen that has seen everything a world holds.
fn screen(world: &World) -> State {
    let opening = Opening {
        contexts: vec![ClusterId::new("arn:aws:eks:us-west-2:123456789012:cluster/prod-eu")],
        namespace: Some("workshop".to_owned()),
        ..Opening::default()
    };
    opened(world, opening)
}

fn opened(world: &World, opening: Opening) -> State {
    let mut state = State::new(opening, fixture::BEGIN);
    app::update(
        &mut state,
        Message::Aws(AwsSide { region: Some("us-west-2".to_owned()), ..AwsSide::default() }),
    );
    for (change, at) in &world.log {
        app::update(&mut state, Message::Tick(*at, 7));
        app::update(&mut state, Message::Observed(*at, Box::new(change.clone())));
        app::settle(&mut state);
    }
    app::update(&mut state, Message::Tick(world.now, 21));
    app::settle(&mut state);
    state
}

fn press(state: &mut State, actions: &[Action]) {
    for action in actions {
        app::update(state, Message::Act(*action));
        app::settle(state);
    }
}

/// The same after a moment on the screen: what it asks can be answered.
fn read(state: &State) -> State {
    let mut state = state.clone();
    app::drawn(&mut state, (80, 24), Duration::ZERO);
    app::rested(&mut state, PAUSE);
    state
}

/// A frame as text, and under it every run of cells that is not plain.
fn frame(state: &State, width: u16, height: u16) -> String {
    themed(state, &Theme::colours(), (width, height))
}

fn themed(state: &State, theme: &Theme, (width, height): (u16, u16)) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    render(&read(state), theme, area, &mut buffer);
    let mut text = String::new();
    let mut runs = String::new();
    for y in 0..height {
        let line: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        writeln!(text, "{}", line.trim_end()).unwrap();
        let mut x = 0;
        while x < width {
            let style = buffer[(x, y)].style();
            let from = x;
            while x < width && buffer[(x, y)].style() == style {
                x += 1;
            }
            let name = styled(style);
            let border =
                |x| buffer[(x, y)].symbol().trim_matches(['│', '─', '┌', '┐', '└', '┘', ' ']).is_empty();
            let blank = (from..x).all(border);
            if !name.is_empty() && (!blank || style.add_modifier.contains(Modifier::REVERSED)) {
                let words: String = (from..x).map(|x| buffer[(x, y)].symbol()).collect();
                writeln!(runs, "{y:>2}: {from}..{x} {name}: {}", words.trim()).unwrap();
            }
        }
    }
    format!("{text}\n{runs}")
}

fn styled(style: Style) -> String {
    let colour = style.fg.map(|it| it.to_string().to_lowercase()).filter(|it| it != "reset");
    let modifiers = [(Modifier::BOLD, "bold"), (Modifier::DIM, "dim"), (Modifier::REVERSED, "reversed")];
    let modifiers = modifiers.iter().filter(|it| style.add_modifier.contains(it.0)).map(|it| it.1.to_owned());
    colour.into_iter().chain(modifiers).collect::<Vec<_>>().join(" ")
}

/// Three pods in service, one in each state a rollout goes through.
fn rollout() -> World {
    let mut world = World::of(
        "10.0.0.1 ready, 10.0.0.2 ready b | 10.0.0.1 healthy, 10.0.0.2 healthy b, 10.0.0.9 healthy b",
    );
    world.pod("10.0.0.9 ready b");
    world.answer("10.0.0.1 healthy, 10.0.0.2 healthy b, 10.0.0.9 healthy b");
    world.pod("10.0.0.9 terminating b");
    world.pod("10.0.0.3 ready");
    world.pod("10.0.0.4 ready b");
    world.pod("p5 pulling b");
    world.answer("10.0.0.1 healthy, 10.0.0.2 healthy b, 10.0.0.9 draining DeregistrationInProgress b, 10.0.0.3 initial RegistrationInProgress");
    world.later(8);
    world
}

fn outage() -> World {
    let mut world = World::of(
        "10.0.0.1 ready, 10.0.0.2 ready b, 10.0.0.3 ready b \
         | 10.0.0.1 unhealthy Timeout, 10.0.0.2 unhealthy Timeout b, 10.0.0.3 unhealthy Timeout b",
    );
    world.ask(|targets| {
        for target in targets {
            target.health.description = Some("Request timed out".into());
        }
    });
    world.walled(80);
    world.later(95);
    let now = world.now;
    world.signs(|it| {
        if let Some(Some(lease)) = &mut it.lease {
            lease.renewed = Some(now);
        }
    });
    world
}

#[test]
fn a_board_at_rest() {
    let world = World::of(
        "10.0.0.1 ready, 10.0.0.2 ready b, 10.0.0.3 ready b | 10.0.0.1 healthy, 10.0.0.2 healthy b, 10.0.0.3 healthy b",
    );
    insta::assert_snapshot!("at_rest_80x24", frame(&screen(&world), 80, 24));
}

#[test]
fn a_rollout_at_four_sizes() {
    let mut state = screen(&rollout());
    for (width, height) in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        app::update(&mut state, Message::Resize(width, height));
        insta::assert_snapshot!(format!("rollout_{width}x{height}"), frame(&state, width, height));
    }
}

/// A frame as cells.
fn cells(state: &State, (width, height): (u16, u16)) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    render(&read(state), &Theme::colours(), area, &mut buffer);
    buffer
}

#[test]
fn the_picture_of_the_readme_is_a_frame() {
    let mut state = screen(&rollout());
    app::update(&mut state, Message::Resize(132, 26));
    press(&mut state, &[Action::Down]);
    picture::hold("board.svg", &cells(&state, (132, 26)));
}

#[test]
fn the_picture_of_the_outage_is_a_frame() {
    let mut state = screen(&outage());
    state.opening.demo = Some("outage".to_owned());
    app::update(&mut state, Message::Resize(132, 26));
    press(&mut state, &[Action::Down]);
    picture::hold("outage.svg", &cells(&state, (132, 26)));
}

#[test]
fn an_outage_says_what_to_do() {
    let mut state = screen(&outage());
    press(&mut state, &[Action::Down]);
    insta::assert_snapshot!("outage_120x40", frame(&state, 120, 40));
    insta::assert_snapshot!("outage_without_colours", themed(&state, &Theme::none(), (80, 24)));
}

#[test]
fn a_terminal_of_ascii_gets_nothing_else_and_every_standing_stays_told_apart() {
    let theme = Theme { ascii: true, ..Theme::colours() };
    let mut state = screen(&rollout());
    let text = themed(&state, &theme, (120, 30));
    assert!(text.is_ascii(), "{text}");
    assert!(
        text.contains("| TARGET ") && text.contains("v draining") && text.contains("= in service"),
        "{text}"
    );
    press(&mut state, &[Action::Help]);
    assert!(themed(&state, &theme, (80, 24)).is_ascii());
    let mut glyphs: Vec<&str> = Standing::ALL.iter().map(|it| super::plain(it.glyph())).collect();
    let n = glyphs.len();
    glyphs.sort_unstable();
    glyphs.dedup();
    assert_eq!(glyphs.len(), n, "{glyphs:?}");
}

#[test]
fn what_a_terminal_can_show_is_told_by_its_environment() {
    let of = |set: &'static [(&str, &str)]| {
        Theme::of_environment(|name| set.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()))
    };
    for (set, ascii) in [
        (&[][..], false),
        (&[("LANG", "en_US.UTF-8")][..], false),
        (&[("LANG", "de_DE.utf8"), ("LC_ALL", "")][..], false),
        (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")][..], true),
        (&[("LC_ALL", "C.UTF-8"), ("LANG", "C")][..], false),
        (&[("LC_CTYPE", "POSIX")][..], true),
    ] {
        assert_eq!(of(set).ascii, ascii, "{set:?}");
    }
    assert_eq!(of(&[("NO_COLOR", "1")]), Theme::none());
}

#[test]
fn a_cluster_whose_identity_is_not_made_sure_of_is_named_in_the_header() {
    let cluster = ClusterId::new("prod");
    let exposed = [(cluster.clone(), "certificate not checked")].into();
    let opening = Opening { contexts: vec![cluster], exposed, ..Opening::default() };
    let state = opened(&outage(), opening);
    for (width, height) in [(80, 24), (120, 30)] {
        let text = frame(&state, width, height);
        assert!(text.lines().next().unwrap().contains("CERTIFICATE NOT CHECKED"), "{text}");
    }
}

#[test]
fn of_several_clusters_a_board_and_its_details_name_their_own() {
    let own = fixture::cluster();
    let contexts = vec![ClusterId::new("arn:aws:eks:us-west-2:1:cluster/first"), own.clone()];
    let mut state = opened(&outage(), Opening { contexts, ..Opening::default() });
    app::update(&mut state, Message::Resize(120, 30));
    press(&mut state, &[Action::Bindings]);
    assert!(frame(&state, 120, 30).lines().next().unwrap().contains(" first +1 "));
    press(&mut state, &[Action::Board]);
    let text = frame(&state, 120, 30);
    assert!(text.lines().next().unwrap().contains(&format!(" {} · ", own.short())), "{text}");
    assert!(text.contains(&format!("Why · {}: workshop/testapptgb", own.short())), "{text}");
}

#[test]
fn a_failed_source_greys_its_own_pane_and_keeps_its_rows() {
    let mut world = rollout();
    let throttled = Failure::new("DescribeTargetHealth", ErrorKind::Throttled, "Rate exceeded")
        .with_hint("asked again more slowly");
    world.apply(Observation::Failed(Source::Targets(fixture::arn()), throttled));
    world.later(14);
    insta::assert_snapshot!("aws_throttled", frame(&screen(&world), 120, 30));
    // In the end nothing is known of them any more: that is not none.
    world.later(120);
    let text = frame(&screen(&world), 120, 30);
    assert!(text.contains("UNKNOWN  ? of "), "{text}");
    let mut world = rollout();
    for kind in [Kind::Pods, Kind::Services, Kind::Slices] {
        world.failed(fixture::kubernetes(kind));
    }
    world.later(30);
    insta::assert_snapshot!("kubernetes_gone", frame(&screen(&world), 120, 30));
}

#[test]
fn help_and_details_lie_on_top() {
    let mut state = screen(&outage());
    press(&mut state, &[Action::Help]);
    insta::assert_snapshot!("help", frame(&state, 120, 60));
    press(&mut state, &[Action::Back, Action::Details]);
    insta::assert_snapshot!("details_of_a_binding", frame(&state, 120, 30));
    press(&mut state, &[Action::Back, Action::Down, Action::Details]);
    insta::assert_snapshot!("details_of_a_row", frame(&state, 80, 24));
}

#[test]
fn a_filter_is_typed_where_the_hints_were() {
    let mut state = screen(&rollout());
    press(&mut state, &[Action::Filter]);
    for letter in "drain".chars() {
        app::update(&mut state, Message::Key(key(letter)));
    }
    insta::assert_snapshot!("filter", frame(&state, 80, 24));
}

#[test]
fn one_pane_alone_shows_all_its_columns() {
    let mut state = screen(&rollout());
    press(&mut state, &[Action::Pane, Action::Zoom, Action::Bottom]);
    insta::assert_snapshot!("zoomed_targets", frame(&state, 120, 24));
}

#[test]
fn a_frozen_picture_says_so() {
    let mut state = screen(&rollout());
    press(&mut state, &[Action::Freeze]);
    let later = state.now.plus_seconds(20);
    app::update(&mut state, Message::Tick(later, 21));
    app::settle(&mut state);
    insta::assert_snapshot!("frozen", frame(&state, 100, 24));
}

#[test]
fn the_list_puts_the_worst_first() {
    let mut world = outage();
    let mut other = fixture::objects::binding();
    other.name.name = "quiettgb".to_owned();
    other.group =
        Some("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/quiet/1".parse().unwrap());
    world.put(crate::domain::inventory::Object::Binding(Box::new(other)));
    let mut state = screen(&world);
    press(&mut state, &[Action::Bindings, Action::Down]);
    insta::assert_snapshot!("list_80x24", frame(&state, 80, 24));
    insta::assert_snapshot!("list_160x30", frame(&state, 160, 30));
}

#[test]
fn a_list_shows_a_deletion_that_is_held_and_a_board_its_cluster_among_several() {
    let mut world = World::of("10.0.0.1 ready, 10.0.0.2 ready b | 10.0.0.1 healthy, 10.0.0.2 healthy b");
    let deleted = world.now;
    world.binding(|it| it.deleted = Some(deleted));
    world.later(300);
    world.answer("10.0.0.1 healthy, 10.0.0.2 healthy b");
    let opening = Opening {
        contexts: [fixture::cluster().0.as_ref(), "staging"].map(ClusterId::new).to_vec(),
        ..Opening::default()
    };
    let mut state = opened(&world, opening);
    insta::assert_snapshot!("several_clusters_120x30", frame(&state, 120, 30));
    press(&mut state, &[Action::Bindings]);
    insta::assert_snapshot!("held_deletion_120x30", frame(&state, 120, 30));
}

#[test]
fn the_list_says_how_many_groups_were_not_checked_and_what_was_not_found() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    let arn = |n: usize| -> TargetGroupArn {
        format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/many-{n}/1").parse().unwrap()
    };
    let mut many: Vec<_> =
        (0..TAGGED + 3).map(|n| TargetGroup { arn: arn(n), ..fixture::objects::group() }).collect();
    for it in &mut many {
        it.load_balancers.clear();
    }
    world.apply(Observation::Groups(many));
    let tags = (0..TAGGED).map(|n| (arn(n), std::collections::BTreeMap::new()));
    world.apply(Observation::Tags(tags.collect()));
    let mut state = screen(&world);
    press(&mut state, &[Action::Bindings, Action::Back]);
    let shown = frame(&state, 160, 30);
    assert!(shown.contains("3 more target groups without a binding were not checked"), "{shown}");
    let opening = Opening {
        namespace: Some("workshop".to_owned()),
        target: Some(ScopeTarget::from_str("gett").unwrap()),
        command: Some("get".to_owned()),
        ..Opening::default()
    };
    let shown = frame(&opened(&world, opening), 160, 30);
    let said = "no TargetGroupBinding gett in namespace workshop; did you mean the command `get`?";
    assert!(shown.contains(said), "{shown}");
}

#[test]
fn a_group_nobody_binds_is_a_board_too() {
    let mut world = World::of("| 10.0.0.7 healthy, 10.0.0.8 unhealthy Timeout b");
    world.log.retain(|(change, _)| {
        !matches!(change, Observation::Applied { object: crate::domain::inventory::Object::Binding(_), .. })
    });
    let opening = Opening {
        contexts: vec![ClusterId::new("prod")],
        namespace: Some("workshop".to_owned()),
        target: Some(ScopeTarget::from_str("tg/eksworkshoptg").unwrap()),
        ..Opening::default()
    };
    insta::assert_snapshot!("unbound_group", frame(&opened(&world, opening), 120, 24));
}

#[test]
fn before_anything_is_read_the_screen_says_what_it_waits_for() {
    let opening = Opening {
        contexts: vec![ClusterId::new("prod")],
        namespace: Some("workshop".to_owned()),
        ..Opening::default()
    };
    let mut state = State::new(opening, fixture::BEGIN);
    insta::assert_snapshot!("connecting", frame(&state, 80, 24));
    let denied = Failure::new(
        "list targetgroupbindings.elbv2.k8s.aws",
        ErrorKind::Denied,
        "User \"viewer\" cannot list resource",
    )
    .with_hint("needs the RBAC verb list on targetgroupbindings.elbv2.k8s.aws");
    let failed = Observation::Failed(fixture::kubernetes(Kind::Bindings(fixture::API)), denied);
    app::update(&mut state, Message::Observed(fixture::BEGIN, Box::new(failed)));
    app::settle(&mut state);
    insta::assert_snapshot!("denied", frame(&state, 80, 24));
}

#[test]
fn a_screen_that_is_too_small_says_the_size_needed() {
    let state = screen(&rollout());
    assert!(frame(&state, 59, 24).starts_with("tgscope needs 60 × 20, this is 59 × 24"));
    assert!(frame(&state, 80, 19).starts_with("tgscope needs 60 × 20, this is 80 × 19"));
}

#[test]
fn every_size_draws() {
    let mut state = screen(&rollout());
    for actions in [
        &[][..],
        &[Action::Help],
        &[Action::Back, Action::Details],
        &[Action::Back, Action::Zoom],
        &[Action::Bindings],
    ] {
        press(&mut state, actions);
        for (width, height) in
            [(1, 1), (60, 20), (61, 21), (79, 25), (100, 20), (300, 100), (60, 100), (300, 20), (65_535, 20)]
        {
            app::update(&mut state, Message::Resize(width, height));
            frame(&state, width, height);
        }
    }
}

#[test]
fn every_standing_has_a_word_and_a_glyph_of_one_cell() {
    for standing in Standing::ALL {
        assert_eq!(unicode_width::UnicodeWidthStr::width(standing.glyph()), 1, "{}", standing.word());
    }
    // The controller's presence is said in words too.
    assert_eq!(controller::Presence::Down.word(), "down");
}
