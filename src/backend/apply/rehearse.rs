//! A plan looked at as it would be carried out, without changing anything.

use crate::backend::apply::facts::guards;
use crate::backend::apply::facts::read;
use crate::backend::apply::running::forbidden;
use crate::backend::connection::Connection;
use crate::backend::connection::Scope;
use crate::backend::link::Linked;
use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;

/// Looks at every guard of a plan and lets the API server check what it would be asked, without changing anything.
/// One answer for each step, in words.
pub async fn rehearse(connection: Connection, plan: Plan, scope: Scope) -> Vec<Result<String, String>> {
    let linked = Linked::open(connection).await;
    let facts = read(&linked, &scope, &plan).await;
    let mut answers = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        // What a later step needs may only be so once an earlier one was done.
        let guarded =
            if index == 0 { guards(step, &facts, (&plan.subject, &[]), linked.clock()) } else { Ok(()) };
        let forbidden = forbidden(&linked, &step.act).await;
        answers.push(match (guarded, step.act.cluster()) {
            (Err(why), _) => Err(why),
            (Ok(()), _) if forbidden.is_some() => {
                Err(format!("not permitted: needs {}", forbidden.map_or_else(String::new, |it| it.to_string())))
            }
            (Ok(()), _) if step.act.only_waits() => Ok("only waits".to_owned()),
            (Ok(()), None) if matches!(step.act, Act::Shift { .. }) => Ok(
                "AWS has no dry run. Checked instead: the rule is there and sends as the plan says, its groups have the healthy targets it needs"
                    .to_owned(),
            ),
            (Ok(()), None) => Ok(
                "AWS has no dry run. Checked instead: the group exists, its targets and their pods are as the plan says, enough stay healthy"
                    .to_owned(),
            ),
            (Ok(()), Some(_)) if index > 0 => Ok("asked for when the steps before it are done".to_owned()),
            (Ok(()), Some(id)) => {
                let asked = async { linked.cluster(id)?.carry_out(&step.act, true).await };
                asked.await.map(|()| "the API server would accept it".to_owned()).map_err(|it| it.to_string())
            }
        });
    }
    answers
}
