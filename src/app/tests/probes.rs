//! A health check that is tried: whose answer is shown where, and which path is read beside it.

use super::Screen;
use super::three;
use crate::app;
use crate::app::Effect;
use crate::app::Message;
use crate::app::action::Action;
use crate::app::key::Code;
use crate::app::key::plain;
use crate::app::state::Dialog;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::probe::ProbeOutcome;
use crate::domain::facts::probe::ProbeRequest;
use crate::domain::facts::probe::Probed;
use crate::domain::fixture;

fn asked(screen: &mut Screen) -> ProbeRequest {
    match screen.press(&[Action::Probe]).as_slice() {
        [Effect::Probe(request)] => (**request).clone(),
        other => panic!("nothing was asked: {other:?}"),
    }
}

fn answer(screen: &mut Screen, request: &ProbeRequest, status: u16) {
    let outcome = ProbeOutcome::Answered { status, location: None, body: String::new() };
    let probed = Probed { request: request.clone(), at: fixture::BEGIN, took: 3, outcome };
    app::update(&mut screen.state, Message::Probed(Box::new(probed)));
}

/// The row of the dialog on top, and the pod and status it shows.
fn shown(screen: &Screen) -> (&RowKey, Option<(&str, u16)>) {
    match screen.state.dialogs.last() {
        Some(Dialog::Probe { row, probed, .. }) => {
            let told = probed.as_ref().map(|it| match &it.outcome {
                ProbeOutcome::Answered { status, .. } => (it.request.pod.name.as_str(), *status),
                other => panic!("{other:?}"),
            });
            (row, told)
        }
        other => panic!("no health check on show: {other:?}"),
    }
}

#[test]
fn an_answer_that_comes_late_is_not_shown_of_another_pod() {
    let mut screen = Screen::on(&three());
    screen.press(&[Action::Top]);
    let first = asked(&mut screen);
    app::update(&mut screen.state, Message::Key(plain(Code::Esc)));
    screen.press(&[Action::Down]);
    let second = asked(&mut screen);
    assert_ne!(first.pod, second.pod);
    answer(&mut screen, &first, 404);
    assert_eq!(shown(&screen).1, None, "what the first pod said is nothing of the second's");
    answer(&mut screen, &second, 200);
    let (row, told) = shown(&screen);
    assert_eq!((Some(row), told), (screen.state.selected.as_ref(), Some((second.pod.name.as_str(), 200))));
    assert_eq!(screen.state.probes.len(), 2, "Why tells of both");
}

#[test]
fn an_answer_finds_its_dialog_under_another() {
    let mut screen = Screen::on(&three());
    let request = asked(&mut screen);
    screen.state.dialogs.push(Dialog::Details { scroll: 0 });
    answer(&mut screen, &request, 200);
    screen.state.dialogs.pop();
    assert_eq!(shown(&screen).1, Some((request.pod.name.as_str(), 200)));
}
