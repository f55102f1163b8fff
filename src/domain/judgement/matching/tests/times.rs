//! Since when a row stands as it does, and what an address means when its pod changes.

use super::second_binding;
use crate::domain::facts::elb::Attributes;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::Uid;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::fixture::targets_source;
use crate::domain::inventory::Observation;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;

const SERVED: &str = "10.0.0.1 ready | 10.0.0.1 healthy";

#[test]
fn what_was_so_when_first_seen_has_no_beginning() {
    let mut world = World::of(SERVED);
    assert_eq!(world.look().rows[0].since, None);
    world.later(100);
    let row = &world.look().rows[0];
    assert_eq!((row.since, row.state_since), (None, None));
    assert_eq!(world.now.since(row.first_seen), 100);
}

#[test]
fn a_change_that_was_seen_has_its_time() {
    let mut world = World::of(SERVED);
    world.look();
    world.later(10);
    world.answer("10.0.0.1 unhealthy Timeout");
    let changed = world.now;
    world.look();
    world.later(30);
    let row = world.row("10.0.0.1");
    assert_eq!((row.standing, row.since, row.state_since), (Standing::Failing, Some(changed), Some(changed)));
}

#[test]
fn a_row_that_appears_while_watching_has_its_time() {
    let mut world = World::of(SERVED);
    world.look();
    world.later(10);
    world.pod("10.0.0.2 ready");
    assert_eq!(world.row("10.0.0.2").since, Some(world.now));
}

#[test]
fn what_follows_an_unread_side_has_no_beginning() {
    let mut world = World::of(SERVED);
    world.unread(&targets_source());
    world.look();
    world.later(10);
    world.answer("10.0.0.1 healthy");
    assert_eq!(world.look().rows[0].since, None);
}

#[test]
fn an_address_taken_by_another_pod_starts_anew() {
    let mut world = World::of(SERVED);
    world.look();
    world.later(100);
    world.edit_pod("10.0.0.1", |it| it.uid = Uid::new("successor"));
    let row = world.row("10.0.0.1");
    assert_eq!((row.standing, row.since), (Standing::InService, Some(world.now)));
    world.look();
    world.pod("10.0.0.1 unready");
    world.edit_pod("10.0.0.1", |it| it.uid = Uid::new("third"));
    world.answer("");
    assert!(!world.row("10.0.0.1").problem, "the third pod was never in service");
}

#[test]
fn an_endpoint_that_vanished_lingers_for_the_grace_and_is_then_an_orphan() {
    let mut world = World::of(SERVED);
    world.look();
    world.gone("10.0.0.1");
    assert_eq!(world.look().rows[0].standing, Standing::Lingering);
    world.later(10);
    assert_eq!(world.look().rows[0].standing, Standing::Lingering);
    world.later(6);
    let row = &world.look().rows[0];
    assert_eq!((row.standing, row.problem), (Standing::Orphan, false));
    world.later(16);
    assert!(world.look().rows[0].problem);
}

#[test]
fn an_endpoint_that_vanished_before_the_first_look_is_an_orphan_at_once() {
    assert_eq!(World::of("| 10.0.0.1 healthy").look().rows[0].standing, Standing::Orphan);
}

#[test]
fn a_vanished_endpoint_that_a_rival_takes_is_contested_within_the_grace() {
    let mut world = World::of(SERVED);
    world.look();
    world.gone("10.0.0.1");
    second_binding(&mut world, BindingApi::LoadBalancerController, "10.0.0.1");
    assert_eq!(world.look().rows[0].standing, Standing::Contested);
}

#[test]
fn a_pod_that_gets_its_address_becomes_the_row_of_its_target() {
    let mut world = World::of("p1 starting |");
    assert_eq!(world.standings(), "p1 waiting");
    world.edit_pod("p1", |it| it.ips = vec!["10.0.0.1".parse().unwrap()]);
    let pod = world.cluster().pods.values().next().unwrap().clone();
    world.slice("testapp-1", |it| it.endpoints.push(crate::domain::fixture::objects::endpoint(&pod)));
    assert_eq!(world.standings(), "10.0.0.1 waiting");
}

#[test]
fn two_pods_on_one_address_share_a_row_and_the_ready_one_leads() {
    let mut world = World::of("10.0.0.1 unready, p2 ready | 10.0.0.1 healthy");
    world.edit_pod("p2", |it| it.ips = vec!["10.0.0.1".parse().unwrap()]);
    let pod = world.cluster().pods.values().last().unwrap().clone();
    world.slice("testapp-1", |it| it.endpoints.push(crate::domain::fixture::objects::endpoint(&pod)));
    let row = world.row("10.0.0.1");
    assert_eq!((row.standing, row.others.len()), (Standing::InService, 1));
    assert_eq!(row.uid(), Some(&Uid::new("testapp-p2")));
    assert_eq!(world.report().rows.len(), 1);
}

#[test]
fn the_verdict_has_its_time_once_it_was_seen_to_change() {
    let mut world = World::of(SERVED);
    assert_eq!(world.look().verdict_since, None);
    world.answer("10.0.0.1 unhealthy Timeout");
    let changed = world.now;
    assert_eq!(world.look().verdict_since, Some(changed));
    world.later(30);
    assert_eq!(world.look().verdict_since, Some(changed));
}

#[test]
fn a_verdict_that_changes_since_more_was_read_has_no_time() {
    let mut world =
        World::of("10.0.0.1 ready, 10.0.0.2 ready b | 10.0.0.1 healthy, 10.0.0.2 unhealthy Timeout b");
    world.inventory.groups.get_mut(&fixture::arn()).unwrap().attributes = None;
    world.look();
    let per_zone = ("load_balancing.cross_zone.enabled".to_owned(), "false".to_owned());
    world.apply(Observation::Attributes(fixture::arn(), Attributes([per_zone].into())));
    let report = world.look();
    assert_eq!((report.word(), report.verdict_since), (VerdictKind::FailOpen, None));
}
