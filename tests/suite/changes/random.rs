//! Random plans against random changes by others in between: our own steps never touch a target the plan did not name,
//! never run where fewer would stay healthy than it says, and never call done what AWS does not have so.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;

use proptest::prelude::*;
use tgscope::audit::Log;
use tgscope::domain::facts::ids::RowKey;
use tgscope::domain::facts::ids::TargetKey;
use tgscope::domain::judgement::report::Report;
use tgscope::domain::plan::act::Act;
use tgscope::domain::plan::log::Entry;
use tgscope::domain::plan::log::LogStage;
use tgscope::domain::plan::progress::Stage;
use tgscope::domain::plan::targets;

use crate::lab::Still;

#[derive(Clone, Copy, Debug)]
enum Outside {
    Nothing,
    DeletePod(usize),
    Deregister(usize),
    Register,
    Scale(u32),
    Close,
}

fn outside() -> impl Strategy<Value = Outside> {
    prop_oneof![
        Just(Outside::Nothing),
        (0..4_usize).prop_map(Outside::DeletePod),
        (0..4_usize).prop_map(Outside::Deregister),
        Just(Outside::Register),
        (0..6_u32).prop_map(Outside::Scale),
        Just(Outside::Close),
    ]
}

fn act(world: &Still, it: Outside) {
    world.lab.act(&step(it)).unwrap();
}

fn step(it: Outside) -> String {
    match it {
        Outside::Nothing => "mend = \"*\"".to_owned(),
        Outside::DeletePod(index) => format!("delete-pod = {{ app = \"testapp\", index = {index} }}"),
        Outside::Deregister(index) => {
            format!("deregister = {{ group = \"eksworkshoptg\", app = \"testapp\", index = {index} }}")
        }
        Outside::Register => {
            "register = { group = \"eksworkshoptg\", addresses = [\"192.168.9.9:8080\"] }".to_owned()
        }
        Outside::Scale(replicas) => format!("scale = {{ app = \"testapp\", replicas = {replicas} }}"),
        Outside::Close => "close = { group = \"eksworkshoptg\" }".to_owned(),
    }
}

/// Targets by whether they are draining.
fn targets_of(report: &Report) -> (BTreeSet<TargetKey>, BTreeSet<TargetKey>) {
    let mut live = BTreeSet::new();
    let mut draining = BTreeSet::new();
    for row in &report.rows {
        let (RowKey::Target(key), Some(state)) = (&row.key, row.state()) else { continue };
        match state.text() {
            "draining" => draining.insert(key.clone()),
            _ => live.insert(key.clone()),
        };
    }
    (live, draining)
}

fn healthy(report: &Report) -> usize {
    report.rows.iter().filter(|it| it.state().is_some_and(|it| it.text() == "healthy")).count()
}

/// One life: changes before the plan, a plan, changes between plan and write. The world's time stands still while
/// we write, so that what changes there is ours alone.
async fn life(before: Vec<Outside>, pick: usize, between: Vec<(Outside, u64)>) {
    let world = Still::start("no-controller").await;
    world.seconds(40);
    for it in before {
        act(&world, it);
        world.seconds(7);
    }
    let rows = world.report().await.rows;
    let keys: Vec<TargetKey> = rows
        .iter()
        .filter_map(|it| match &it.key {
            RowKey::Target(key) => Some(key.clone()),
            RowKey::Pod(_) => None,
        })
        .collect();
    let chosen: BTreeSet<TargetKey> = keys.iter().skip(pick % 3).step_by(1 + pick % 2).cloned().collect();
    let planned = match pick % 4 {
        0 => world.planned(targets::sync).await,
        1 => world.planned(|it| targets::register(it, &chosen)).await,
        _ => world.planned(|it| targets::deregister(it, &chosen)).await,
    };
    let Ok(mut plan) = planned else { return };
    // Waiting is another test's: here time stands still.
    plan.steps.retain(|it| !it.act.only_waits());
    for (it, seconds) in between {
        act(&world, it);
        world.seconds(seconds);
    }
    let first = world.report().await;
    let (live, draining) = targets_of(&first);
    let mut may_leave = BTreeSet::new();
    let mut may_come = BTreeSet::new();
    for step in &plan.steps {
        match &step.act {
            Act::Register { targets, .. } => may_come.extend(targets.iter().map(|it| it.key.clone())),
            Act::Deregister { targets, .. } => may_leave.extend(targets.iter().map(|it| it.key.clone())),
            other => panic!("{other:?}"),
        }
    }
    let promised = plan.steps.iter().flat_map(|it| &it.guards).filter_map(|it| match it {
        tgscope::domain::plan::guard::Guard::Healthy { zone: None, least, .. } => Some(*least as usize),
        _ => None,
    });
    let promised = promised.max();
    let (mut work, signal) = {
        let carried = world.carry_out(plan.clone());
        (carried.work, carried.signal)
    };
    let ended = tokio::time::timeout(crate::support::PATIENCE, &mut work).await;
    let ended = ended.expect("a plan without waits ends by itself").unwrap();
    drop(signal);
    let last = world.report().await;
    let (live_after, draining_after) = targets_of(&last);
    let left: BTreeSet<TargetKey> = live.difference(&live_after).cloned().collect();
    let came: BTreeSet<TargetKey> = live_after.difference(&live).cloned().collect();
    assert!(left.is_subset(&may_leave), "left {left:?}, named {may_leave:?}");
    assert!(came.is_subset(&may_come), "came {came:?}, named {may_come:?}");
    if let (Some(promised), false) = (promised, left.is_empty()) {
        assert!(healthy(&last) >= promised, "{} healthy left, {promised} promised", healthy(&last));
    }
    for (step, stage) in plan.steps.iter().zip(&ended) {
        let done = matches!(stage, Stage::Done(_));
        match &step.act {
            Act::Register { targets, .. } if done => {
                assert!(targets.iter().all(|it| live_after.contains(&it.key)), "{stage:?}");
            }
            Act::Deregister { targets, .. } if done => {
                assert!(targets.iter().all(|it| !live_after.contains(&it.key)), "{stage:?}");
            }
            _ => {}
        }
        if matches!(stage, Stage::Refused(_)) && ended.len() == 1 {
            assert_eq!((&live, &draining), (&live_after, &draining_after), "refused, and yet: {stage:?}");
        }
    }
}

/// One change by others exactly between the last look and the call: what we then say of it must be so.
async fn ambush(pick: usize, others: Outside) {
    let world = Arc::new(Still::start("no-controller").await);
    world.seconds(40);
    let rows = world.report().await.rows;
    let orphan = rows.iter().find(|it| it.endpoint.is_none()).unwrap().key.clone();
    let RowKey::Target(orphan) = orphan else { panic!("{orphan}") };
    let serving = rows.iter().find(|it| it.standing.word() == "in service").unwrap().key.clone();
    let RowKey::Target(serving) = serving else { panic!("{serving}") };
    let mut plan = match pick {
        0 => world.plan(targets::sync).await,
        1 => world.plan(|it| targets::deregister(it, &[orphan.clone()].into())).await,
        _ => world.plan(|it| targets::deregister(it, &[serving.clone(), orphan.clone()].into())).await,
    };
    plan.steps.retain(|it| !it.act.only_waits());
    let hidden = world.clone();
    let log = Log::words(move |line| {
        if line.contains("\"stage\":\"begin\"") {
            act(&hidden, others);
        }
        Ok(())
    });
    let ended = world.carry_out_by(plan.clone(), log).end(&world).await;
    let (live, _) = targets_of(&world.report().await);
    let last = ended.len().saturating_sub(1);
    for (index, (step, stage)) in plan.steps.iter().zip(&ended).enumerate() {
        let done = matches!(stage, Stage::Done(_));
        match &step.act {
            // Of an earlier step only the last can still be looked at: others went on meanwhile.
            Act::Deregister { targets, .. } if done && index == last => {
                assert!(targets.iter().all(|it| !live.contains(&it.key)), "{others:?}: {stage:?}, {live:?}");
            }
            Act::Register { targets, .. } if done && index == last => {
                assert!(targets.iter().all(|it| live.contains(&it.key)), "{others:?}: {stage:?}, {live:?}");
            }
            _ => {}
        }
    }
}

/// A log that takes only some of its lines: whatever is written outside stands in a line that it took.
async fn unreliable(taken: Vec<bool>, pick: usize) {
    let world = Still::start("no-controller").await;
    world.seconds(40);
    let mut plan = match pick {
        0 => world.plan(targets::sync).await,
        _ => {
            let live = targets_of(&world.report().await).0;
            world.plan(|it| targets::deregister(it, &live)).await
        }
    };
    plan.steps.retain(|it| !it.act.only_waits());
    let before = targets_of(&world.report().await).0;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (kept, mut taken) = (lines.clone(), taken.into_iter());
    let log = Log::words(move |line| match taken.next() {
        Some(false) => Err(std::io::Error::other("no space left on device")),
        _ => {
            kept.lock().unwrap().push(serde_json::from_str::<Entry>(line).unwrap());
            Ok(())
        }
    });
    let ended = world.carry_out_by(plan.clone(), log).end(&world).await;
    let after = targets_of(&world.report().await).0;
    let mut begun = BTreeSet::new();
    for entry in lines.lock().unwrap().iter().filter(|it| it.stage == LogStage::Begin) {
        match &entry.request {
            Act::Register { targets, .. } | Act::Deregister { targets, .. } => {
                begun.extend(targets.iter().map(|it| it.key.clone()));
            }
            other => panic!("{other:?}"),
        }
    }
    let written: BTreeSet<TargetKey> = before.symmetric_difference(&after).cloned().collect();
    assert!(written.is_subset(&begun), "written {written:?}, in the log {begun:?}");
    // And what was done is not called done where the log could not be told, nor is anything done after it.
    let lines = lines.lock().unwrap();
    for (index, stage) in ended.iter().enumerate() {
        let told = lines.iter().any(|it| it.step == index + 1 && it.stage == LogStage::Done);
        assert_eq!(matches!(stage, Stage::Done(_)), told, "{ended:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 40, ..crate::fuzz::few(48) })]

    #[test]
    fn our_steps_do_what_the_plan_said_or_nothing(
        before in proptest::collection::vec(outside(), 0..3),
        pick in 0..24_usize,
        between in proptest::collection::vec((outside(), 0..15_u64), 0..3),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(life(before, pick, between));
    }

    #[test]
    fn what_others_do_between_the_look_and_the_call_is_never_called_done(
        pick in 0..3_usize,
        others in outside(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(ambush(pick, others));
    }

    #[test]
    fn nothing_is_written_that_is_not_in_the_log(
        taken in proptest::collection::vec(any::<bool>(), 0..5),
        pick in 0..2_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(unreliable(taken, pick));
    }
}
