//! The health check of a row, tried by ourselves.

use crate::app::message::Effect;
use crate::app::state::Dialog;
use crate::app::state::State;
use crate::domain::facts::probe::Probed;
use crate::domain::judgement::probe::request;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;

/// Asks the pod of the selected row what the check of its group asks; of the worst row that has a pod where none is selected.
pub(super) fn ask(state: &mut State) -> Vec<Effect> {
    if state.selected.is_none() {
        let has_pod = |row: &&Row| row.endpoint.as_ref().is_some_and(|it| it.pod.is_some());
        let rows = state.rows();
        let worst = rows.iter().copied().filter(has_pod).max_by_key(|it| it.problem);
        let first = rows.iter().copied().find(|it| it.standing == Standing::Failing && has_pod(it));
        state.selected = first.or(worst).map(|it| it.key.clone());
    }
    let asked = state
        .row()
        .zip(state.shown())
        .map(|(row, subject)| (row.key.clone(), request(&state.inventory, subject, row)));
    match asked {
        Some((row, Ok(request))) => {
            let request = Box::new(request);
            state.dialogs.push(Dialog::Probe { row, request: request.clone(), probed: None });
            vec![Effect::Probe(request)]
        }
        Some((_, Err(why))) => {
            state.say(format!("Cannot be tried: {why}"));
            Vec::new()
        }
        None => {
            state.say("Cannot be tried: no row has a pod".to_owned());
            Vec::new()
        }
    }
}

/// The answer is there. Who has left the dialog meanwhile finds it in Why; who asks another pod by now waits for that one.
pub(super) fn answered(state: &mut State, answer: Probed) {
    for dialog in &mut state.dialogs {
        if let Dialog::Probe { request, probed, .. } = dialog
            && **request == answer.request
        {
            *probed = Some(Box::new(answer.clone()));
        }
    }
    state.probes.insert(answer.request.pod.clone(), answer);
    state.dirty = true;
}
