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
