//! What a verdict does not claim: that what is unknown moves, and that pods of another network are these.

use super::check;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::fixture::World;
use crate::domain::fixture::arn;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::objects;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Observation;
use crate::domain::judgement::standing::VerdictKind;

#[test]
fn what_stays_unknown_is_not_on_its_way() {
    check(&[
        (
            || World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 unavailable"),
            "unknown: 1 of 2 in service: 1 unknown",
        ),
        (
            || {
                let mut world =
                    World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 healthy");
                world.look();
                world.failed(kubernetes(Kind::Slices));
                world.answer("10.0.0.1 healthy, 10.0.0.2 draining");
                world
            },
            "unknown: 1 of 2 in service: 1 unknown",
        ),
    ]);
}

/// Another group in which the same pods are healthy: of a VPC, and with weight 0 in a rule that leads to both or not.
fn elsewhere(vpc: &str, weightless: bool, shared: bool) -> String {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 initial");
    let other: TargetGroupArn = arn().as_str().replace("/eksworkshoptg", "/other").parse().unwrap();
    let mut group = objects::group();
    (group.arn, group.vpc) = (other.clone(), Some(vpc.into()));
    world.group(|it| it.vpc = Some("vpc-1".into()));
    world.apply(Observation::Groups(vec![group]));
    let targets = vec![objects::target("10.0.0.1 healthy")];
    world.apply(Observation::Targets(other.clone(), Targets { targets, asked: world.now, unreadable: 0 }));
    let mut listener = objects::listener(1);
    if weightless {
        let forward = Forward { group: other, weight: 0 };
        let rule = listener.rules[0].clone();
        match shared {
            true => listener.rules[0].forwards.push(forward),
            false => listener.rules.push(Rule { forwards: vec![forward], ..rule }),
        }
    }
    world.routes(vec![listener]);
    world.report().verdict.sentence
}

#[test]
fn where_the_same_pods_are_healthy_is_said_of_groups_of_the_same_network_alone() {
    let said = elsewhere("vpc-1", false, false);
    assert!(said.ends_with("; the same pods are healthy in other"), "{said}");
    let said = elsewhere("vpc-1", true, true);
    assert!(said.ends_with("healthy in other, which has weight 0 (W shifts there)"), "{said}");
    let said = elsewhere("vpc-1", true, false);
    assert!(
        said.ends_with("healthy in other, which has weight 0"),
        "no rule shifts from here to there: {said}"
    );
    let said = elsewhere("vpc-2", true, true);
    assert!(!said.contains("same pods"), "an address of another network is another pod: {said}");
}

#[test]
fn a_zone_that_fails_over_in_dns_is_said_where_zones_stand_alone() {
    let said = |edit: fn(&mut World)| {
        let mut world = World::of(
            "10.0.0.1 ready a, 10.0.0.2 ready b, 10.0.0.3 ready b | 10.0.0.1 healthy a, 10.0.0.2 healthy b, 10.0.0.3 healthy b",
        );
        world.attribute("target_group_health.dns_failover.minimum_healthy_targets.count", "2");
        world.attribute("load_balancing.cross_zone.enabled", "false");
        edit(&mut world);
        let verdict = world.report().verdict;
        format!("{}: {}", verdict.word.text(), verdict.sentence)
    };
    assert_eq!(
        said(|_| {}),
        "degraded: 3 of 3 in service; zone us-west-2a: 1 of 1 targets healthy, fewer than its DNS fail-over asks for (2), so the load balancer takes the zone out of its DNS"
    );
    let cross = said(|w| w.attribute("load_balancing.cross_zone.enabled", "true"));
    assert_eq!(cross, "serving: 3 of 3 in service");
    let off = said(|w| {
        w.attribute("target_group_health.dns_failover.minimum_healthy_targets.count", "off");
    });
    assert_eq!(off, "serving: 3 of 3 in service");
}

#[test]
fn nothing_is_promised_by_a_load_balancer_that_is_not_in_order() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 initial");
    world.load_balancer(|it| it.state = Some("provisioning".into()));
    let said = world.report().verdict.sentence;
    assert!(said.contains("answers 503; load balancer eksworkshopalb is provisioning"), "{said}");
    assert!(!said.contains("first checks pass"), "{said}");
}

#[test]
fn a_pod_that_does_not_come_up_is_told_though_everything_wanted_serves() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    world.pod("p2 crashing");
    let verdict = world.report().verdict;
    assert_eq!(verdict.sentence, "1 of 1 in service; pod testapp-p2 does not come up: CrashLoopBackOff");
}

#[test]
fn an_outage_is_not_made_of_health_that_is_older_than_the_pods() {
    let mut world = World::of("10.0.0.1 ready, 10.0.0.2 ready | 10.0.0.1 healthy, 10.0.0.2 healthy");
    world.look();
    world.later(5);
    for (before, now) in [("10.0.0.1", "10.0.0.3"), ("10.0.0.2", "10.0.0.4")] {
        world.pod(&format!("{now} ready"));
        world.gone(before);
    }
    for _ in 0..2 {
        let verdict = world.look().verdict;
        assert_eq!(verdict.word, VerdictKind::Unknown, "{}", verdict.sentence);
        assert!(
            verdict.sentence.starts_with("how many of 2 are in service is not known; "),
            "{}",
            verdict.sentence
        );
        assert!(
            verdict
                .sentence
                .ends_with("; the health on show is older than the last change of these endpoints")
        );
        world.later(20);
    }
    world.answer("10.0.0.1 draining, 10.0.0.2 draining");
    assert_eq!(world.look().verdict.word, VerdictKind::Empty);
}
