//! What each action does in each view: one table, action by action.

use std::fmt::Write;

use super::Screen;
use super::three;
use crate::app::Effect;
use crate::app::State;
use crate::app::action::Action;
use crate::app::action::TABLE;
use crate::app::opening::Opening;
use crate::app::state::Dialog;
use crate::domain::fixture;

/// A view, and the actions that lead there.
const VIEWS: [(&str, &[Action]); 7] = [
    ("board", &[]),
    ("board, a row", &[Action::Down]),
    ("list", &[Action::Bindings]),
    (EMPTY, &[]),
    ("help", &[Action::Help]),
    ("filter", &[Action::Filter]),
    ("plan", &[Action::Down, Action::Deregister]),
];

/// The list before anything was read.
const EMPTY: &str = "list, empty";

fn named(dialog: &Dialog) -> String {
    match dialog {
        Dialog::Plan(it) => format!("plan: {}", it.plan.effect),
        Dialog::Form(it) => format!("list: {}", it.title),
        Dialog::Refusal { text, .. } => format!("refusal: {text}"),
        Dialog::Reading { text, .. } => format!("reading: {text}"),
        Dialog::Probe { .. } => "tries the check".to_owned(),
        Dialog::Help { scroll } => format!("help at {scroll}"),
        other => format!("{:?}", other.kind()).to_lowercase(),
    }
}

/// Everything of a state that a person can tell.
fn told(state: &State) -> Vec<(&'static str, String)> {
    let plan_scroll = match state.dialogs.last() {
        Some(Dialog::Plan(it)) => it.scroll,
        _ => 0,
    };
    vec![
        ("view", format!("{:?}", state.view).split(['(', ' ']).next().unwrap().to_owned()),
        ("pane", format!("{:?}", state.pane)),
        ("selected", state.selected.as_ref().map_or("nothing".to_owned(), ToString::to_string)),
        ("listed", state.listed.as_ref().map_or("nothing".to_owned(), crate::app::state::name)),
        ("marked", state.changes.marked.len().to_string()),
        ("zoom", state.zoom.to_string()),
        ("problems only", state.problems_only.to_string()),
        ("sort", format!("{:?}, reversed {}", state.sort, state.reversed)),
        ("frozen", state.frozen.is_some().to_string()),
        ("polls", state.hurry.to_string()),
        ("scroll", plan_scroll.to_string()),
        ("dialogs", state.dialogs.iter().map(named).collect::<Vec<_>>().join(" + ")),
        ("says", state.status.as_ref().map_or_else(String::new, |it| it.0.clone())),
    ]
}

fn answer(action: Action, view: &str, way: &[Action]) -> String {
    let mut screen = Screen::on(&three());
    if view == EMPTY {
        screen.state = State::new(Opening::default(), fixture::BEGIN);
    }
    screen.press(way);
    let before = told(&screen.state);
    let effects = screen.press(&[action]);
    let after = told(&screen.state);
    let changes = before.iter().zip(&after).filter(|(before, after)| before != after);
    let mut said: Vec<String> = changes
        .map(|(_, (what, now))| format!("{what} → {}", if now.is_empty() { "none" } else { now }))
        .collect();
    said.extend(effects.iter().map(|it| match it {
        Effect::Quit => "quits".to_owned(),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap().to_owned(),
    }));
    if said.is_empty() { "nothing".to_owned() } else { said.join("; ") }
}

#[test]
fn each_action_does_in_each_view_what_the_table_says() {
    let mut table = String::new();
    for row in TABLE {
        writeln!(table, "{}", row.name).unwrap();
        for (view, way) in VIEWS {
            writeln!(table, "  {view:<13} {}", answer(row.action, view, way)).unwrap();
        }
    }
    insta::assert_snapshot!("answers", table);
}
