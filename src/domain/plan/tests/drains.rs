//! Drains of pods: one after the other, each replaced before the next, and no zone emptied unasked.

use super::drained;
use super::edited;
use super::plan;
use super::says;
use crate::domain::facts::ids::RowKey;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::plan::Step;
use crate::domain::plan::act::Act;
use crate::domain::plan::drain;
use crate::domain::plan::drain::Then;
use crate::domain::plan::effect::ReadBack;
use crate::domain::plan::effect::effect;
use crate::domain::plan::guard::Guard;
use crate::domain::plan::progress;
use crate::domain::plan::progress::Stage;

#[test]
fn a_drain_never_empties_a_zone_without_its_name() {
    let world = edited(|it| it.attribute("load_balancing.cross_zone.enabled", "true"));
    says(
        drained(&world, "10.0.0.2"),
        &["type us-west-2b: no healthy target would be left in zone us-west-2b"],
    );
    let two = World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 healthy");
    assert_eq!(drained(&two, "10.0.0.1").unwrap().typed, None);
    let one = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    says(drained(&one, "10.0.0.1"), &["type eksworkshoptg: no healthy target would be left"]);
}

#[test]
fn several_pods_are_drained_one_after_the_other() {
    let world = World::of(
        "10.0.0.1 ready, 10.0.0.2 ready, 10.0.0.3 ready | 10.0.0.1 healthy, 10.0.0.2 healthy, 10.0.0.3 healthy",
    );
    let keys = ["10.0.0.1", "10.0.0.2"].map(|it| RowKey::Target(fixture::key(it)));
    let made = plan(&world, |it| drain::drain(it, &keys, Then::Delete)).unwrap();
    let steps: Vec<String> = made.steps.iter().map(|it| it.act.sentence()).collect();
    assert_eq!(
        steps,
        [
            "remove label app=testapp from pod testapp-10-0-0-1",
            "wait for the controller to deregister 10.0.0.1:8080",
            "wait until 3 endpoints are in service again",
            "remove label app=testapp from pod testapp-10-0-0-2",
            "wait for the controller to deregister 10.0.0.2:8080",
            "wait until 3 endpoints are in service again",
            "wait until 10.0.0.1:8080, 10.0.0.2:8080 have drained",
            "evict pod testapp-10-0-0-1",
            "evict pod testapp-10-0-0-2",
        ]
    );
    assert_eq!(made.typed, None, "two of three are never gone at once");
    let remain =
        |step: &Step| step.guards.iter().find(|it| matches!(it, Guard::Healthy { .. })).map(Guard::words);
    let remains: Vec<String> = made.steps.iter().filter_map(remain).collect();
    assert_eq!(remains, ["at least 2 healthy targets remain"; 2]);
}

#[test]
fn a_drain_waits_until_as_many_are_in_service_as_before() {
    let act = |world: &World| {
        let plan = drained(world, "10.0.0.1").unwrap();
        plan.steps.into_iter().map(|it| it.act).find(|it| matches!(it, Act::AwaitReplaced { .. }))
    };
    let mut world = World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 healthy");
    let act = act(&world).unwrap();
    let now = |world: &World| effect(&act, Some(&world.report()), &world.inventory);
    assert_eq!(
        now(&world),
        ReadBack::Awaited("1 of 2 endpoints in service".to_owned()),
        "itself does not count"
    );
    world.pod("10.0.0.3 pulling");
    let said = "1 of 2 endpoints in service; testapp-10-0-0-3 is waiting (ImagePullBackOff)";
    assert_eq!(now(&world), ReadBack::Awaited(said.to_owned()));
    world.pod("10.0.0.3 ready");
    world.answer("10.0.0.1 draining, 10.0.0.2 healthy, 10.0.0.3 initial");
    let said = "1 of 2 endpoints in service; testapp-10-0-0-3 is registering";
    assert_eq!(now(&world), ReadBack::Awaited(said.to_owned()));
    world.answer("10.0.0.1 draining, 10.0.0.2 healthy, 10.0.0.3 healthy");
    assert_eq!(now(&world), ReadBack::There("2 endpoints in service".to_owned()));
    let none = World::of("10.0.0.1 ready | 10.0.0.1 unhealthy Timeout");
    assert!(
        drained(&none, "10.0.0.1")
            .unwrap()
            .steps
            .iter()
            .all(|it| !matches!(it.act, Act::AwaitReplaced { .. }))
    );
}

fn both(world: &World) -> crate::domain::plan::Plan {
    let keys = ["10.0.0.1", "10.0.0.2"].map(|it| RowKey::Target(fixture::key(it)));
    plan(world, |it| drain::drain(it, &keys, Then::Delete)).unwrap()
}

#[test]
fn where_nothing_is_in_service_all_leave_together_and_that_is_asked() {
    let world =
        World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 unhealthy Timeout, 10.0.0.2 unhealthy Timeout");
    let made = both(&world);
    let all = made.counts.first().unwrap();
    assert_eq!((all.before.registered, all.after.registered), (2, 0));
    let because = made.typed.unwrap().because.join("; ");
    assert!(because.contains("none would be left"), "{because}");
}

#[test]
fn what_is_desired_by_now_is_what_a_drain_waits_for() {
    let mut world = World::of(
        "10.0.0.1 ready, 10.0.0.2 ready, 10.0.0.3 ready | 10.0.0.1 healthy, 10.0.0.2 healthy, 10.0.0.3 healthy",
    );
    let made = drained(&world, "10.0.0.1").unwrap();
    let act =
        made.steps.into_iter().map(|it| it.act).find(|it| matches!(it, Act::AwaitReplaced { .. })).unwrap();
    world.gone("10.0.0.1");
    world.deployment(|it| (it.desired, it.updated, it.available) = (2, 2, 2));
    world.answer("10.0.0.1 draining, 10.0.0.2 healthy, 10.0.0.3 healthy");
    let now = effect(&act, Some(&world.report()), &world.inventory);
    assert_eq!(now, ReadBack::There("2 endpoints in service".to_owned()), "it was scaled down meanwhile");
}

#[test]
fn an_eviction_that_was_refused_leaves_something_to_undo() {
    let world = World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 healthy");
    let made = drained(&world, "10.0.0.1").unwrap();
    let last = made.steps.len() - 1;
    let done = Stage::Done(String::new());
    let stages = |end: Stage| -> Vec<Stage> { (0..last).map(|_| done.clone()).chain([end]).collect() };
    let undoable = |end: Stage| progress::undoable(&made, stages(end).iter().enumerate());
    assert!(undoable(Stage::Failed("a PodDisruptionBudget does not let pod web go".to_owned())));
    assert!(!undoable(done.clone()), "the pod is gone");
}
