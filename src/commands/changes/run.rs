//! A plan printed, rehearsed, or carried out with its progress on stderr.

use serde_json::json;
use tokio::sync::mpsc;
use tokio::sync::watch;

use super::accept;
use super::accept::Decision;
use crate::audit::Log;
use crate::backend::apply;
use crate::backend::apply::Job;
use crate::backend::apply::Signal;
use crate::cli::changes::Accept;
use crate::cli::changes::DryRun;
use crate::cli::changes::PlanOutput;
use crate::commands::exit::Exit;
use crate::commands::setup::Setup;
use crate::commands::terminal::complain;
use crate::commands::terminal::print;
use crate::domain::plan::Plan;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::progress::Stage;
use crate::domain::plan::progress::undoable;
use crate::domain::plan::rehearsal::Rehearsed;
use crate::domain::wording::outcome::Outcome;
use crate::domain::wording::outcome::next_step;
use crate::report::plan::PlanDocument;
use crate::report::plan::text;
use crate::tui::terminated;

pub(super) async fn plan(setup: Setup, plan: Plan, accept: &Accept, log: Log) -> anyhow::Result<Exit> {
    let nothing = plan.steps.is_empty();
    if let Some(place) = accept.dry_run {
        print(&formatted(&plan, accept.output)?)?;
        if place == DryRun::Server {
            return rehearse(setup, plan).await;
        }
        return Ok(if plan.change == ChangeKind::Sync && !nothing { Exit::Findings } else { Exit::Done });
    }
    if nothing {
        print(&formatted(&plan, accept.output)?)?;
        return Ok(Exit::Done);
    }
    if setup.connection.read_only {
        print(&formatted(&plan, accept.output)?)?;
        complain("tgscope: refused: read only");
        return Ok(Exit::Refused);
    }
    // Somebody who accepts by flag gets the result on stdout; whoever is asked reads the plan first.
    match accept.yes {
        true => complain(text(&plan).trim_end()),
        false => print(&formatted(&plan, accept.output)?)?,
    }
    if let Decision::No(why) = accept::decide(&plan, accept)? {
        complain(&format!("tgscope: refused: {why}"));
        return Ok(Exit::Refused);
    }
    Box::pin(carry_out(setup, plan, accept, log)).await
}

fn formatted(plan: &Plan, output: PlanOutput) -> anyhow::Result<String> {
    let document = PlanDocument::new(plan);
    Ok(match output {
        PlanOutput::Text => text(plan),
        PlanOutput::Json => document.json()?,
        PlanOutput::Yaml => document.yaml()?,
    })
}

async fn rehearse(setup: Setup, plan: Plan) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let answers = apply::rehearse(setup.connection, plan, setup.scope).await;
    for (index, answer) in answers.iter().enumerate() {
        match answer {
            Rehearsed::Accepted(said) => complain(&format!("{}. {said}", index + 1)),
            Rehearsed::Refused(why) => {
                complain(&format!("{}. refused: {why}", index + 1));
                exit = Exit::Refused;
            }
        }
    }
    Ok(exit)
}

async fn carry_out(setup: Setup, plan: Plan, accept: &Accept, log: Log) -> anyhow::Result<Exit> {
    let interrupted = terminated();
    let (cancel, cancelled) = watch::channel(Signal::Go);
    let (tell, mut told) = mpsc::channel(64);
    let job = Job { plan: plan.clone(), scope: setup.scope, log };
    let begun = tokio::time::Instant::now();
    let mut work = std::pin::pin!(apply::apply(setup.connection, job, cancelled, tell));
    let mut interrupted = std::pin::pin!(interrupted);
    let mut typed = std::pin::pin!(tokio::signal::ctrl_c());
    let timeout = accept.timeout.unwrap_or(std::time::Duration::from_secs(u64::from(u32::MAX)));
    let mut late = std::pin::pin!(tokio::time::sleep(timeout));
    let mut early = None;
    let stages = loop {
        tokio::select! {
            biased;
            stages = &mut work => break stages,
            Some(it) = told.recv() => {
                let said = if it.stage.said().is_empty() { String::new() } else { format!(": {}", it.stage.said()) };
                complain(&format!("{}/{} {}{said}", it.step + 1, plan.steps.len(), it.stage.word()));
            }
            Ok(()) = &mut typed, if early.is_none() => {
                early = Some((Exit::Interrupted, Signal::Cancel));
                cancel.send_replace(Signal::Cancel);
            }
            // Nobody gave it up: the next start of the screen offers to resume it.
            () = &mut interrupted, if early.is_none() => {
                early = Some((Exit::Interrupted, Signal::Leave));
                cancel.send_replace(Signal::Leave);
            }
            () = &mut late, if early.is_none() => {
                early = Some((Exit::TimedOut, Signal::Leave));
                cancel.send_replace(Signal::Leave);
            }
        }
    };
    print(&result(&plan, &stages, accept.output)?)?;
    if let Some(stage) = stages.last() {
        let undoable = undoable(&plan, stages.iter().enumerate());
        let since = i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX);
        let outcome = Outcome { change: plan.change, stage, undoable, since };
        if let Some(next) = next_step(outcome) {
            complain(&format!("tgscope: next: {next}"));
        }
        if undoable {
            complain(&format!(
                "tgscope: this was plan {id}; to take it back: tgscope undo {id}",
                id = plan.id
            ));
        }
    }
    if let Some((_, Signal::Leave)) = early {
        complain(match stages.first() {
            Some(Stage::Cancelled) if !plan.resumed => "tgscope: stopped before anything was written",
            _ => "tgscope: stopped waiting; the screen offers to resume the change at its next start",
        });
    }
    Ok(match (stages.last(), early) {
        (Some(Stage::Done(_)), _) if stages.len() == plan.steps.len() => Exit::Done,
        (_, Some((exit, _))) => exit,
        (Some(Stage::Refused(_)), _) => Exit::Refused,
        _ => Exit::Error,
    })
}

/// How each step ended.
fn result(plan: &Plan, stages: &[Stage], output: PlanOutput) -> anyhow::Result<String> {
    let stage = |index| {
        let stage = stages.get(index);
        (stage.map_or("not begun", Stage::word), stage.map_or("", Stage::said))
    };
    let steps = plan.steps.iter().enumerate().map(|(index, step)| (step.act.sentence(), stage(index)));
    if output == PlanOutput::Text {
        let lines = steps.map(|(sentence, (word, said))| match said {
            "" => format!("{word}: {sentence}\n"),
            said => format!("{word}: {sentence} ({said})\n"),
        });
        return Ok(lines.collect());
    }
    let steps = steps.map(|(step, (stage, said))| json!({"step": step, "stage": stage, "said": said}));
    let result = json!({
        "apiVersion": "tgscope/v1",
        "kind": "Result",
        "plan": plan.id,
        "change": plan.change,
        "steps": steps.collect::<Vec<_>>(),
    });
    Ok(match output {
        PlanOutput::Json => serde_json::to_string_pretty(&result)? + "\n",
        _ => crate::report::yaml(&result)?,
    })
}
