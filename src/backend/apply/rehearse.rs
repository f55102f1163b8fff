//! A plan looked at as it would be carried out, without changing anything.

use crate::backend::apply::facts::guards;
use crate::backend::apply::facts::read;
use crate::backend::apply::running::forbidden;
use crate::backend::connection::Connection;
use crate::backend::connection::Scope;
use crate::backend::link::Linked;
use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;
use crate::domain::plan::rehearsal::Rehearsed;

/// Checks every guard of a plan and lets the API server validate what it would be asked, without changing anything.
/// One answer for each step.
pub(crate) async fn rehearse(connection: Connection, plan: Plan, scope: Scope) -> Vec<Rehearsed> {
    let linked = Linked::open(connection).await;
    let facts = read(&linked, &scope, &plan).await;
    let mut answers = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        // What a later step needs may only be so once an earlier one was done.
        let guarded =
            if index == 0 { guards(step, &facts, (&plan.subject, &[]), linked.clock()) } else { Ok(()) };
        answers.push(match guarded {
            Err(why) => Rehearsed::Refused(why.to_string()),
            Ok(()) => asked(&linked, index, &step.act).await,
        });
    }
    answers
}

/// The answer for a step whose guards are met.
async fn asked(linked: &Linked, index: usize, act: &Act) -> Rehearsed {
    if let Some(verb) = forbidden(linked, act).await {
        return Rehearsed::Refused(format!("not permitted: needs {verb}"));
    }
    if act.only_waits() {
        return Rehearsed::Accepted("only waits".to_owned());
    }
    let Some(cluster) = act.cluster() else {
        let checked = match act {
            Act::Shift { .. } => {
                "the rule exists and is unchanged, and its groups have enough healthy targets"
            }
            _ => {
                "the group exists, its targets and their pods are unchanged, and enough targets stay healthy"
            }
        };
        return Rehearsed::Accepted(format!("AWS has no dry run for this. Checked instead: {checked}"));
    };
    if index > 0 {
        return Rehearsed::Accepted("checked once the steps before it are done".to_owned());
    }
    let asked = async { linked.cluster(cluster)?.carry_out(act, true).await };
    match asked.await {
        Ok(()) => Rehearsed::Accepted("the API server would accept it".to_owned()),
        Err(failure) => Rehearsed::Refused(failure.to_string()),
    }
}
