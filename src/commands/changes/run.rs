//! A plan printed, rehearsed, or carried out with its progress on stderr.

use serde_json::json;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::audit::Log;
use crate::backend::apply;
use crate::backend::apply::Job;
use crate::backend::apply::Signal;
use crate::cli::changes::Accept;
use crate::cli::changes::DryRun;
use crate::cli::changes::PlanOutput;
use crate::domain::plan::Plan;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::progress::Stage;
use crate::domain::plan::rehearsal::Rehearsed;
use crate::report::plan::PlanDocument;
use crate::report::plan::text;
use crate::tui::terminated;

use super::accept;
use super::accept::Decision;
use super::setup::Setup;
use crate::commands::exit::Exit;
use crate::commands::terminal::complain;
use crate::commands::terminal::print;

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
    let sentences: Vec<String> = plan.steps.iter().map(|it| it.act.sentence()).collect();
    let (id, change, output) = (plan.id.clone(), plan.change, accept.output);
    let job = Job { plan, scope: setup.scope, log };
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
                complain(&format!("{}/{} {}{said}", it.step + 1, sentences.len(), it.stage.word()));
            }
            Ok(()) = &mut typed, if early.is_none() => {
                early = Some(Exit::Interrupted);
                cancel.send_replace(Signal::Cancel);
            }
            // Nobody gave it up: the next start of the screen offers to go on.
            () = &mut interrupted, if early.is_none() => {
                early = Some(Exit::Interrupted);
                cancel.send_replace(Signal::Leave);
            }
            () = &mut late, if early.is_none() => {
                early = Some(Exit::TimedOut);
                cancel.send_replace(Signal::Leave);
            }
        }
    };
    let steps: Vec<serde_json::Value> = sentences
        .iter()
        .enumerate()
        .map(|(index, sentence)| {
            let stage = stages.get(index);
            json!({"step": sentence, "stage": stage.map_or("not begun", Stage::word), "said": stage.map_or("", Stage::said)})
        })
        .collect();
    let result =
        json!({"apiVersion": "tgscope/v1", "kind": "Result", "plan": id, "change": change, "steps": steps});
    match output {
        PlanOutput::Json => print(&(serde_json::to_string_pretty(&result)? + "\n"))?,
        PlanOutput::Yaml => print(&crate::report::yaml(&result)?)?,
        PlanOutput::Text => {
            let lines = sentences.iter().enumerate().map(|(index, sentence)| {
                let stage = stages.get(index);
                let said = stage.map_or("", Stage::said);
                let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
                format!("{}: {sentence}{said}\n", stage.map_or("not begun", Stage::word))
            });
            print(&lines.collect::<Vec<_>>().concat())?;
        }
    }
    if let (ChangeKind::Resync, Some(Stage::Unverified(_))) = (change, stages.last()) {
        complain(
            "tgscope: the controller may still trust its own list of targets, for 5 minutes at most: try again then, or register what is missing",
        );
    }
    if let (ChangeKind::Unbind, Some(Stage::Unverified(_))) = (change, stages.last()) {
        complain("tgscope: what is left the controller did not list: deregister tg/NAME takes it out");
    }
    if matches!(early, Some(Exit::TimedOut | Exit::Interrupted)) {
        complain(
            "tgscope: stopped waiting before the end; what was written stays: `tgscope undo` turns it round, and after a timeout the screen offers to go on",
        );
    }
    Ok(match (stages.last(), early) {
        (Some(Stage::Done(_)), _) if stages.len() == sentences.len() => Exit::Done,
        (_, Some(early)) => early,
        (Some(Stage::Refused(_)), _) => Exit::Refused,
        _ => Exit::Error,
    })
}
