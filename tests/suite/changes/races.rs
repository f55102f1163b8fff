//! What happens between a plan and its writing, by name: nothing is written that the plan did not mean, and what
//! others did is said.

use std::collections::BTreeSet;

use tgscope::backend::apply::Signal;
use tgscope::domain::facts::ids::RowKey;
use tgscope::domain::facts::ids::TargetKey;
use tgscope::domain::inventory::routes;
use tgscope::domain::judgement::report::Report;
use tgscope::domain::plan::binding;
use tgscope::domain::plan::drain;
use tgscope::domain::plan::drain::Then;
use tgscope::domain::plan::known::Known;
use tgscope::domain::plan::log::LogStage;
use tgscope::domain::plan::progress::Stage;
use tgscope::domain::plan::targets;
use tgscope::domain::plan::unbind;
use tgscope::domain::plan::weights;

use super::words;
use crate::lab::Still;

pub(super) fn keys(report: &Report) -> Vec<TargetKey> {
    report
        .rows
        .iter()
        .filter_map(|it| match &it.key {
            RowKey::Target(key) => Some(key.clone()),
            RowKey::Pod(_) => None,
        })
        .collect()
}

/// The targets AWS has that are not draining.
pub(super) async fn live(world: &Still) -> BTreeSet<String> {
    let report = world.report().await;
    let live = report.rows.iter().filter(|it| it.state().is_some_and(|it| it.text() != "draining"));
    live.map(|it| it.key.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_replaced_between_plan_and_write_is_left_alone() {
    let world = Still::start("workshop").await;
    let first = keys(&world.report().await)[0].clone();
    let deregister = world.plan(|it| targets::deregister(it, &[first.clone()].into())).await;
    let drained = world.plan(|it| drain::drain(it, &[RowKey::Target(first.clone())], Then::Delete)).await;
    world.lab.act("delete-pod = { app = \"testapp\" }").unwrap();
    world.seconds(1);
    let before = live(&world).await;
    for plan in [deregister, drained] {
        let ended = world.carry_out(plan).end(&world).await;
        assert_eq!(words(&ended), ["refused"], "{ended:?}");
    }
    assert!(live(&world).await.is_superset(&before) || !before.contains(&first.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_binding_ends_every_plan_about_it() {
    let world = Still::start("drift").await;
    let first = keys(&world.report().await)[0].clone();
    let plans = [
        world.plan(|it| targets::deregister(it, &[first.clone()].into())).await,
        world.plan(binding::resync).await,
        world.plan(unbind::unbind).await,
        world.plan(|it| drain::drain(it, &[RowKey::Target(first.clone())], Then::Keep)).await,
    ];
    world.lab.act("delete-binding = { binding = \"testapptgb\" }").unwrap();
    world.seconds(10);
    for plan in plans {
        let ended = world.carry_out(plan).end(&world).await;
        let [Stage::Refused(why)] = ended.as_slice() else { panic!("{ended:?}") };
        assert!(why.contains("gone") || why.contains("deleted"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_registers_again_is_named_and_nothing_is_repeated() {
    let world = Still::start("drift").await;
    let first = keys(&world.report().await)[0].clone();
    let plan = world.plan(|it| targets::deregister(it, &[first.clone()].into())).await;
    let mut carried = world.carry_out(plan);
    carried.until(1, "waiting").await;
    let address = format!("register = {{ group = \"eksworkshoptg\", addresses = [\"{first}\"] }}");
    world.lab.act(&address).unwrap();
    let log = carried.log.clone();
    let ended = carried.end(&world).await;
    assert_eq!(words(&ended), ["done", "not verified"]);
    assert!(ended[1].said().contains("registered again"), "{ended:?}");
    let calls = log.entries().unwrap();
    assert_eq!(
        calls.iter().filter(|it| it.call == "DeregisterTargets" && it.stage == LogStage::Begin).count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_operator_who_was_faster_leaves_nothing_to_do() {
    let world = Still::start("drift").await;
    let all = keys(&world.report().await);
    let ours = world.plan(|it| targets::deregister(it, &[all[0].clone()].into())).await;
    let theirs = world.plan(|it| targets::deregister(it, &[all[0].clone(), all[1].clone()].into())).await;
    let mut theirs = world.carry_out(theirs);
    theirs.until(1, "waiting").await;
    let ended = world.carry_out(ours).end(&world).await;
    // One of the plan's targets is draining, and fewer healthy ones would stay than it said.
    assert_eq!(words(&ended), ["refused"], "{ended:?}");
    theirs.end(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fewer_healthy_than_the_plan_said_is_reason_enough_to_stop() {
    let world = Still::start("drift").await;
    let all = keys(&world.report().await);
    let plan = world.plan(|it| targets::deregister(it, &[all[0].clone()].into())).await;
    let other = format!("deregister = {{ group = \"eksworkshoptg\", addresses = [\"{}\"] }}", all[1]);
    world.lab.act(&other).unwrap();
    let ended = world.carry_out(plan).end(&world).await;
    let [Stage::Refused(why)] = ended.as_slice() else { panic!("{ended:?}") };
    assert_eq!(why, "only 1 healthy target would be left; the plan requires 2");
    assert!(live(&world).await.contains(&all[0].to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_in_the_middle_stop_a_plan_where_it_is() {
    let world = Still::start("drift").await;
    let first = keys(&world.report().await)[0].clone();
    let plan = world.plan(|it| targets::deregister(it, &[first.clone()].into())).await;
    world.lab.act("fault = { on = \"DeregisterTargets\", wrong = \"expired\" }").unwrap();
    let carried = world.carry_out(plan);
    let log = carried.log.clone();
    let ended = carried.end(&world).await;
    assert_eq!(words(&ended), ["failed"]);
    assert!(live(&world).await.contains(&first.to_string()));
    let stages: Vec<LogStage> = log.entries().unwrap().into_iter().map(|it| it.stage).collect();
    assert_eq!(stages, [LogStage::Begin, LogStage::Failed]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_lives_through_the_loss_of_either_api() {
    for side in ["aws", "kubernetes"] {
        let world = Still::start("drift").await;
        let first = keys(&world.report().await)[0].clone();
        let plan = world.plan(|it| drain::drain(it, &[RowKey::Target(first.clone())], Then::Delete)).await;
        let mut carried = world.carry_out(plan);
        carried.until(0, "done").await;
        world.lab.act(&format!("fault = {{ on = \"{side}\", wrong = \"down\" }}")).unwrap();
        if side == "aws" {
            let said = carried.until(1, "waiting").await;
            assert!(said.said().contains("cannot be read"), "{said:?}");
        }
        world.lab.act(&format!("mend = \"{side}\"")).unwrap();
        let ended = carried.end(&world).await;
        assert_eq!(words(&ended), ["done"; 5], "{side}: {ended:?}");
    }
}

/// More targets than one call takes, in a group that nobody follows.
async fn crowded() -> (Still, BTreeSet<TargetKey>) {
    let world = Still::start("no-controller").await;
    world.seconds(40);
    let many: Vec<String> =
        (0..450).map(|it| format!("\"192.168.{}.{}:8080\"", 100 + it / 200, 1 + it % 200)).collect();
    let step = format!("register = {{ group = \"eksworkshoptg\", addresses = [{}] }}", many.join(", "));
    world.lab.act(&step).unwrap();
    let report = world.report().await;
    let orphans = report.rows.iter().filter(|it| it.endpoint.is_none());
    let keys = orphans.filter_map(|it| match &it.key {
        RowKey::Target(key) => Some(key.clone()),
        RowKey::Pod(_) => None,
    });
    let keys = keys.collect();
    (world, keys)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_lost_after_the_first_of_three_batches_leaves_an_exact_account() {
    let (world, keys) = crowded().await;
    let plan = world.plan(|it| targets::deregister(it, &keys)).await;
    world.lab.act("fault = { on = \"DeregisterTargets\", wrong = \"down\", skip = 1 }").unwrap();
    let ended = world.carry_out(plan).end(&world).await;
    // Whether the second call was heard is not known by its missing answer: it is read back.
    let [Stage::Unverified(why)] = ended.as_slice() else { panic!("{ended:?}") };
    assert!(
        why.contains("200 of 451 were deregistered before, 200 got no answer, 51 were not asked for"),
        "{why}"
    );
    assert!(why.contains("read back: 200 of 451 targets out of rotation"), "{why}");
    assert_eq!(live(&world).await.len(), 451 + 2 - 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_batch_is_made_again_because_nothing_was_done() {
    let (world, keys) = crowded().await;
    let mut plan = world.plan(|it| targets::deregister(it, &keys)).await;
    plan.steps.truncate(1);
    world
        .lab
        .act("fault = { on = \"DeregisterTargets\", wrong = \"throttled\", skip = 1, times = 2 }")
        .unwrap();
    let ended = world.carry_out(plan).end(&world).await;
    assert_eq!(words(&ended), ["done"], "{ended:?}");
    assert_eq!(live(&world).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_full_says_so_and_nothing_is_registered() {
    let world = Still::start("no-controller").await;
    world.seconds(40);
    let many: Vec<String> =
        (0..998).map(|it| format!("\"192.168.{}.{}:8080\"", 100 + it / 200, 1 + it % 200)).collect();
    let step = format!("register = {{ group = \"eksworkshoptg\", addresses = [{}] }}", many.join(", "));
    world.lab.act(&step).unwrap();
    let report = world.report().await;
    let missing = report.rows.iter().find(|it| it.standing.word() == "unregistered").unwrap();
    let RowKey::Target(missing) = missing.key.clone() else { panic!("no address") };
    let plan = world.plan(|it| targets::register(it, &[missing.clone()].into())).await;
    let ended = world.carry_out(plan).end(&world).await;
    let [Stage::Failed(why)] = ended.as_slice() else { panic!("{ended:?}") };
    assert!(why.contains("TooManyTargets"), "{why}");
    assert!(!live(&world).await.contains(&missing.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_pods_are_drained_one_after_the_other() {
    let world = Still::of(super::at_rest()).await;
    let rows: Vec<RowKey> = world.report().await.rows.iter().take(2).map(|it| it.key.clone()).collect();
    let plan = world.plan(|it| drain::drain(it, &rows, Then::Delete)).await;
    assert_eq!(plan.steps.len(), 9, "of each: label, leave, replaced, deleted; and one wait to be gone");
    let mut carried = world.carry_out(plan);
    // Before the second leaves, the first is replaced: never are two out at once.
    carried.reach(&world, 3, "checking").await;
    assert_eq!(world.report().await.verdict.sentence, "3 of 3 in service");
    let ended = carried.end(&world).await;
    assert_eq!(words(&ended), ["done"; 9], "{ended:?}");
    for row in rows {
        assert!(!live(&world).await.contains(&row.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_is_lost_after_the_first_of_two_pods_leaves_an_exact_account() {
    let world = Still::of(super::at_rest()).await;
    let rows: Vec<RowKey> = world.report().await.rows.iter().take(2).map(|it| it.key.clone()).collect();
    let plan = world.plan(|it| drain::drain(it, &rows, Then::Delete)).await;
    let (change, subject) = (plan.change, plan.subject.clone());
    let acts: Vec<_> = plan.steps.iter().take(4).map(|it| it.act.clone()).collect();
    world.lab.act("fault = { on = \"patch pods\", wrong = \"down\", skip = 1 }").unwrap();
    let ended = world.carry_out(plan.clone()).end(&world).await;
    assert_eq!(
        words(&ended),
        ["done", "done", "done", "not verified"],
        "nothing after it is begun: {ended:?}"
    );
    let why = ended[3].said();
    assert!(why.contains("read back: the label") || why.contains("label"), "{why}");
    world.lab.act("mend = \"*\"").unwrap();
    // What was done goes back; what was not is left alone.
    let done = tgscope::domain::plan::undo::Done { id: plan.id.clone(), change, subject, acts };
    let tags = weights::Tags::new();
    let plan = world.plan(|it| tgscope::domain::plan::undo::undo(it.inventory, &done, it.now, &tags)).await;
    assert_eq!(plan.steps.len(), 1, "{plan:?}");
    assert!(plan.warnings.iter().any(|it| it.starts_with("Left as it is")), "{:?}", plan.warnings);
    let ended = world.carry_out(plan).end(&world).await;
    assert_eq!(words(&ended), ["done"], "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_heard_without_an_answer_is_found_out_by_reading_back() {
    let world = Still::of(super::at_rest()).await;
    let first = keys(&world.report().await)[0].clone();
    let plan = world.plan(|it| targets::deregister(it, &[first.clone()].into())).await;
    // The answer is lost, and what was asked for is so: as if it had been heard.
    world.lab.act("fault = { on = \"DeregisterTargets\", wrong = \"down\", times = 1 }").unwrap();
    let mut carried = world.carry_out(plan);
    carried.until(0, "writing").await;
    let done = format!("deregister = {{ group = \"eksworkshoptg\", addresses = [\"{first}\"] }}");
    world.lab.act(&done).unwrap();
    let ended = carried.end(&world).await;
    assert_eq!(words(&ended), ["done", "done"], "{ended:?}");
    assert!(ended[0].said().contains("though the answer was"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stopped_while_it_is_checked_is_not_written() {
    let world = Still::start("drift").await;
    let first = keys(&world.report().await)[0].clone();
    let plan = world.plan(|it| targets::deregister(it, &[first.clone()].into())).await;
    // Lists take their time: long enough for somebody to think better of it.
    world.lab.act("fault = { on = \"list pods\", wrong = \"slow\", latency = 300 }").unwrap();
    let mut carried = world.carry_out(plan);
    carried.until(0, "checking").await;
    carried.signal.send_replace(Signal::Cancel);
    let log = carried.log.clone();
    let ended = carried.end(&world).await;
    assert_eq!(words(&ended), ["cancelled"]);
    assert!(live(&world).await.contains(&first.to_string()));
    // That it was about to be done may be noted by then: so must be that it was not.
    let stages: Vec<LogStage> = log.entries().unwrap().into_iter().map(|it| it.stage).collect();
    let noted = [LogStage::Begin, LogStage::Cancelled];
    assert!(stages == noted || stages == noted[1..], "{stages:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_of_a_group_nobody_binds_is_deregistered() {
    let mut world = Still::of(super::at_rest()).await;
    world.lab.act("delete-binding = { binding = \"testapptgb\" }").unwrap();
    world.seconds(10);
    world.lab.act("register = { group = \"eksworkshoptg\", addresses = [\"192.168.9.9:8080\"] }").unwrap();
    world.open = Some("tg/eksworkshoptg".parse().unwrap());
    let first: TargetKey =
        keys(&world.report().await).into_iter().find(|it| it.to_string() == "192.168.9.9:8080").unwrap();
    let mut plan = world.plan(|it| targets::deregister(it, &[first.clone()].into())).await;
    // The last one, in a group that a rule leads to: said, and typed.
    assert!(plan.typed.is_some() && plan.warnings.iter().any(|it| it.contains("503")), "{plan:?}");
    plan.steps.truncate(1);
    let ended = world.carry_out(plan).end(&world).await;
    assert_eq!(words(&ended), ["done"], "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_kept_out_of_load_balancers_and_let_in_again() {
    let world = Still::start("instance").await;
    let row =
        world.report().await.rows.iter().find(|it| it.standing.word() == "in service").unwrap().key.clone();
    let plan = world.plan(|it| drain::drain(it, std::slice::from_ref(&row), Then::Delete)).await;
    assert!(plan.effect.starts_with("Excludes node "), "{}", plan.effect);
    let undone = {
        let mut plan = plan.clone();
        plan.steps.truncate(2);
        let ended = world.carry_out(plan.clone()).end(&world).await;
        assert_eq!(words(&ended), ["done", "done"], "{ended:?}");
        assert!(!live(&world).await.contains(&row.to_string()));
        tgscope::domain::plan::undo::Done {
            id: plan.id.clone(),
            change: plan.change,
            subject: plan.subject.clone(),
            acts: vec![plan.steps[0].act.clone()],
        }
    };
    let plan = world
        .plan(|it| tgscope::domain::plan::undo::undo(it.inventory, &undone, it.now, &weights::Tags::new()))
        .await;
    let ended = world.carry_out(plan).end(&world).await;
    assert_eq!(words(&ended), ["done"], "{ended:?}");
    for _ in 0..100 {
        if live(&world).await.contains(&row.to_string()) {
            return;
        }
        world.seconds(5);
    }
    panic!("the controller never registered the node again");
}

/// The weights of the default action, as AWS has them.
async fn weights(world: &Still) -> String {
    let look = world.look().await;
    let group = look.reports.first().unwrap().group.clone().unwrap();
    let places = routes::places(&look.inventory, &group);
    routes::told(&places.iter().find(|it| it.0.rule.is_none()).unwrap().1.forwards)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_shifts_weights_between_plan_and_write() {
    let world = Still::start("blue-green").await;
    let make = |it: &Known<'_>| {
        let group = it.report.group.clone().unwrap();
        let (place, _) =
            routes::places(it.inventory, &group).into_iter().find(|it| it.0.rule.is_none()).unwrap();
        weights::shift(it, &place, &[(group, 10)].into(), &weights::Tags::new())
    };
    let plan = world.plan(make).await;
    let theirs = "weights = { load-balancer = \"shop\", port = 80, forward = { blue = 50, green = 50 } }";
    world.lab.act(theirs).unwrap();
    let ended = world.carry_out(plan.clone()).end(&world).await;
    let Some(Stage::Refused(why)) = ended.first() else { panic!("{ended:?}") };
    assert!(why.contains("was changed in the meantime: its weights are blue 50, green 50"), "{why}");
    assert_eq!(weights(&world).await, "blue 50, green 50");

    // The cluster may be what requests have to leave: nothing of it is asked.
    let back = "weights = { load-balancer = \"shop\", port = 80, forward = { blue = 100, green = 0 } }";
    world.lab.act(back).unwrap();
    world.lab.act("fault = { on = \"kubernetes\", wrong = \"down\" }").unwrap();
    let ended = world.carry_out(plan).end(&world).await;
    assert_eq!(words(&ended), ["done"], "{ended:?}");
    world.lab.act("mend = \"*\"").unwrap();
    assert_eq!(weights(&world).await, "blue 100, green 10");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_and_not_read_back_is_not_verified_however_it_is_stopped() {
    let begun = [LogStage::Begin, LogStage::NotVerified];
    for (signal, in_log) in [(Signal::Cancel, &begun[..]), (Signal::Leave, &begun[..1])] {
        let world = Still::start("drift").await;
        let plan = world.plan(binding::resync).await;
        let mut carried = world.carry_out(plan);
        // Time stands still: the controller never answers the marker that was written.
        carried.until(0, "waiting").await;
        carried.signal.send_replace(signal);
        let ended = carried.work.await.unwrap();
        let [Stage::Unverified(said)] = ended.as_slice() else { panic!("{ended:?}") };
        assert!(said.contains("the marker is still there"), "what was seen last: {said}");
        let stages: Vec<LogStage> = carried.log.entries().unwrap().into_iter().map(|it| it.stage).collect();
        assert_eq!(stages, in_log, "whoever leaves without giving it up is offered to go on");
    }
}
