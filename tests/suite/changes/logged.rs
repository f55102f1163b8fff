//! What the log holds of a change, and what forbids a change before it is tried.

use tgscope::audit::Log;
use tgscope::backend::Connection;
use tgscope::backend::apply::Signal;
use tgscope::domain::facts::ids::RowKey;
use tgscope::domain::plan::binding;
use tgscope::domain::plan::drain;
use tgscope::domain::plan::drain::Then;
use tgscope::domain::plan::log::LogStage;
use tgscope::domain::plan::progress::Stage;
use tgscope::domain::plan::targets;
use tgscope::domain::plan::unbind;

use super::at_rest;
use super::races::keys;
use super::races::live;
use super::words;
use crate::lab::Still;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_closed_in_the_middle_of_a_drain_leaves_it_open_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = || Log::file(folder.path().join("audit.jsonl"));
    let world = Still::start("drift").await;
    let first = keys(&world.report().await)[0].clone();
    let plan = world.plan(|it| drain::drain(it, &[RowKey::Target(first.clone())], Then::Delete)).await;
    let mut carried = world.carry_out_by(plan, log());
    carried.until(0, "done").await;
    let waits = carried.reach(&world, 3, "waiting").await;
    assert!(waits.said().contains("is draining"), "{waits:?}");
    carried.signal.send_replace(Signal::Leave);
    let ended = carried.end(&world).await;
    assert_eq!(words(&ended), ["done", "done", "done", "cancelled"]);
    let entries = log().entries().unwrap();
    let last = entries.last().unwrap();
    assert_eq!((last.step, last.stage), (3, LogStage::Done));
    let open = tgscope::domain::plan::log::unfinished(&entries);
    assert_eq!(open.len(), 1);
    // Its pod is on the board of the next start, in the place it had.
    let detached = tgscope::domain::plan::log::detached(&entries);
    assert_eq!(detached.of(&open[0].plan.subject).into_values().collect::<Vec<_>>(), [Some(first)]);
    // The next start goes on with what is left: the wait, and the pod.
    let rest = open[0].rest().unwrap();
    assert_eq!(rest.steps.len(), 2);
    let ended = world.carry_out_by(rest.clone(), log()).end(&world).await;
    assert_eq!(words(&ended), ["done", "done"]);
    // Another session that was offered it at its start, and accepts it now.
    let late = world.carry_out_by(rest, log()).end(&world).await;
    let [Stage::Refused(why)] = late.as_slice() else { panic!("{late:?}") };
    assert_eq!(why, "it was finished or discarded in another session");
    let entries = log().entries().unwrap();
    assert_eq!(tgscope::domain::plan::log::unfinished(&entries), []);
    assert_eq!(
        tgscope::domain::plan::log::detached(&entries),
        tgscope::domain::plan::log::Detached::default()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_another_session_carries_out_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = || Log::file(folder.path().join("audit.jsonl"));
    let world = Still::start("drift").await;
    let first = keys(&world.report().await)[0].clone();
    let plan = world.plan(|it| drain::drain(it, &[RowKey::Target(first)], Then::Delete)).await;
    let mut theirs = world.carry_out_by(plan.clone(), log());
    theirs.until(0, "done").await;
    let before = log().entries().unwrap();
    assert_eq!(log().past().unfinished, [], "it is not offered");
    // Somebody looked before it was begun there, or at another log of the same plan.
    let rest = tgscope::domain::plan::log::unfinished(&before)[0].rest().unwrap();
    let ours = world.carry_out_by(rest, log()).end(&world).await;
    let [Stage::Refused(why)] = ours.as_slice() else { panic!("{ours:?}") };
    assert_eq!(*why, format!("plan {} is running in another session", plan.id));
    // A line of ours would have ended it for everybody.
    assert!(log().entries().unwrap().iter().all(|it| it.stage != LogStage::Refused));
    assert_eq!(words(&theirs.end(&world).await), ["done"; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_the_log_says_where_and_every_line_before_a_call_holds_the_plan() {
    let world = Still::start("drift").await;
    let first = keys(&world.report().await)[0].clone();
    let drain = world.plan(|it| drain::drain(it, &[RowKey::Target(first)], Then::Delete)).await;
    // Its steps name no group.
    let resync = world.plan(binding::resync).await;
    let log = Log::forgotten();
    for plan in [drain, resync] {
        world.carry_out_by(plan, log.clone()).end(&world).await;
    }
    let entries = log.entries().unwrap();
    assert_eq!(entries.iter().filter(|it| it.stage == LogStage::Begin).count(), 3);
    for entry in entries {
        let place = (entry.account.as_deref(), entry.region.as_deref(), entry.context.as_deref());
        assert_eq!(place, (Some("702463714165"), Some("eu-west-1"), Some("demo")), "{}", entry.call);
        assert_eq!(entry.sentence, Some(entry.request.sentence()));
        assert_eq!(entry.accepted.is_some(), entry.stage == LogStage::Begin, "{}", entry.call);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_written_forbids_the_write() {
    let world = Still::start("drift").await;
    let first = keys(&world.report().await)[0].clone();
    let plan = world.plan(|it| targets::deregister(it, &[first.clone()].into())).await;
    let full = Log::words(|_| Err(std::io::Error::other("no space left on device")));
    let ended = world.carry_out_by(plan, full).end(&world).await;
    let [Stage::Refused(why)] = ended.as_slice() else { panic!("{ended:?}") };
    assert!(why.contains("no space left"), "{why}");
    assert!(live(&world).await.contains(&first.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_is_held_where_it_is_written() {
    let world = Still::of(at_rest()).await;
    let first = keys(&world.report().await)[0].clone();
    let row = RowKey::Target(first.clone());
    let plans = [
        world.plan(|it| targets::deregister(it, &[first.clone()].into())).await,
        world.plan(binding::resync).await,
        world.plan(unbind::unbind).await,
        world.plan(|it| drain::drain(it, &[row], Then::Delete)).await,
    ];
    // A world that lets nothing be written: it would be noticed if something was tried.
    for what in ["patch", "create", "delete", "update"] {
        for kind in ["pods", "targetgroupbindings.elbv2.k8s.aws", "nodes"] {
            world.lab.act(&format!("fault = {{ on = \"{what} {kind}\", wrong = \"denied\" }}")).unwrap();
        }
    }
    for what in ["RegisterTargets", "DeregisterTargets"] {
        world.lab.act(&format!("fault = {{ on = \"{what}\", wrong = \"denied\" }}")).unwrap();
    }
    for plan in plans {
        let tried = world.carry_out(plan.clone()).end(&world).await;
        assert_eq!(words(&tried), ["failed"], "the fake fails on any write: {:?}: {tried:?}", plan.change);
        let read_only = Connection { read_only: true, ..world.connection() };
        let log = Log::forgotten();
        let ended = world.carry_out_with(plan, log.clone(), read_only).end(&world).await;
        assert_eq!(ended, [Stage::Refused("read only: nothing is written".to_owned())]);
        assert_eq!(log.entries().unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_api_server_does_not_permit_is_not_even_tried() {
    let world = Still::of(at_rest()).await;
    let first = keys(&world.report().await)[0].clone();
    let row = RowKey::Target(first);
    let viewer = || world.connection_by("demo-viewer", tgscope::lab::VIEWER_KEY);
    for plan in [
        world.planned_by(viewer(), binding::resync).await,
        world.planned_by(viewer(), unbind::unbind).await,
        world.planned_by(viewer(), |it| drain::drain(it, &[row], Then::Delete)).await,
    ] {
        let log = Log::forgotten();
        let ended = world.carry_out_with(plan.unwrap(), log.clone(), viewer()).end(&world).await;
        let [Stage::Refused(why)] = ended.as_slice() else { panic!("{ended:?}") };
        assert!(why.starts_with("not permitted: needs "), "{why}");
        assert!(log.entries().unwrap().iter().all(|it| it.stage == LogStage::Refused));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_and_refused_is_nothing_to_undo() {
    let world = Still::of(super::at_rest()).await;
    let all = keys(&world.report().await);
    let plan = world.plan(|it| targets::deregister(it, &[all[0].clone()].into())).await;
    let other = format!("deregister = {{ group = \"eksworkshoptg\", addresses = [\"{}\"] }}", all[1]);
    world.lab.act(&other).unwrap();
    let carried = world.carry_out(plan);
    let log = carried.log.clone();
    assert_eq!(words(&carried.end(&world).await), ["refused"]);
    let entries = log.entries().unwrap();
    let stages: Vec<LogStage> = entries.iter().map(|it| it.stage).collect();
    assert_eq!(stages, [LogStage::Begin, LogStage::Refused]);
    let mut last = tgscope::domain::plan::log::LastWritten::new(None);
    for entry in entries.iter().rev() {
        _ = last.take(entry);
    }
    assert_eq!(last.done(), None);
}
