//! What a plan of weights says, asks and refuses.

use std::collections::BTreeMap;

use super::plan;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::fixture::objects;
use crate::domain::inventory::Observation;
use crate::domain::inventory::routes;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::Plan;
use crate::domain::plan::Refusal;
use crate::domain::plan::act::Act;
use crate::domain::plan::check::check;
use crate::domain::plan::guard::Guard;
use crate::domain::plan::undo;
use crate::domain::plan::undo::Done;
use crate::domain::plan::weights;
use crate::domain::plan::weights::Tags;

fn other() -> TargetGroupArn {
    "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/green/aaaaaaaaaaaaaaaa".parse().unwrap()
}

/// A listener whose default action sends to our group and to another.
fn listener(ours: u32, theirs: u32) -> Listener {
    let mut listener = objects::listener(ours);
    listener.rules[0].forwards.push(Forward { group: other(), weight: theirs });
    listener
}

/// Two healthy targets in our group; the other group has so many healthy ones, or was not read.
fn world(weights: (u32, u32), healthy: Option<usize>) -> World {
    let mut world = World::of("10.0.0.1 ready a, 10.0.0.2 ready b | 10.0.0.1 healthy a, 10.0.0.2 healthy b");
    world.routes(vec![listener(weights.0, weights.1)]);
    if let Some(n) = healthy {
        let mut targets = world.inventory.groups[&fixture::arn()].targets.clone().unwrap();
        targets.targets.truncate(n);
        world.apply(Observation::Targets(other(), targets));
    }
    world
}

fn place(world: &World) -> Place {
    routes::places(&world.inventory, &fixture::arn())[0].0.clone()
}

fn shift(world: &World, wanted: &[(TargetGroupArn, u32)], tags: &Tags) -> Result<Plan, Refusal> {
    let wanted: BTreeMap<_, _> = wanted.iter().cloned().collect();
    plan(world, |it| weights::shift(it, &place(world), &wanted, tags))
}

fn given(world: &World, ours: u32, theirs: u32) -> Result<Plan, Refusal> {
    shift(world, &[(fixture::arn(), ours), (other(), theirs)], &Tags::new())
}

fn why(refused: Result<Plan, Refusal>) -> String {
    refused.unwrap_err().to_string()
}

#[test]
fn weights_that_make_no_sense_are_refused() {
    let world = world((100, 0), Some(2));
    assert!(why(given(&world, 0, 0)).starts_with("every group would have weight 0"), "all zero");
    assert!(why(given(&world, 100, 0)).contains("are already eksworkshoptg 100, green 0"));
    assert!(why(given(&world, 1000, 0)).contains("1000 for eksworkshoptg is above the maximum of 999"));
    let third: TargetGroupArn = other().as_str().replace("green", "red").parse().unwrap();
    assert!(why(shift(&world, &[(third, 1)], &Tags::new())).contains("does not forward to red"));
    // Zero for the only one that has any, the other untouched, is zero for all.
    assert!(why(shift(&world, &[(fixture::arn(), 0)], &Tags::new())).starts_with("every group"));
    let mut alone = World::of("10.0.0.1 ready a | 10.0.0.1 healthy a");
    alone.routes(vec![objects::listener(1)]);
    assert!(why(shift(&alone, &[(fixture::arn(), 5)], &Tags::new())).contains("one group only"));
}

#[test]
fn a_group_without_a_healthy_target_is_typed_before_it_receives_more() {
    assert_eq!(given(&world((100, 0), Some(1)), 90, 10).unwrap().typed, None);
    let typed = |healthy| given(&world((100, 0), healthy), 90, 10).unwrap().typed.unwrap();
    assert_eq!(
        (typed(Some(0)).name.as_str(), &*typed(Some(0)).because[0]),
        ("green", "green has no healthy target")
    );
    assert_eq!(typed(None).because, ["whether green has healthy targets is not known"]);
    // Less than before is no danger: that is how one gets out of it.
    assert_eq!(given(&world((50, 50), Some(0)), 90, 10).unwrap().typed, None);
}

#[test]
fn the_plan_rests_on_the_whole_action_and_on_healthy_targets() {
    let mut world = world((100, 0), Some(2));
    let step = given(&world, 90, 10).unwrap().steps.remove(0);
    let holds = |world: &World| step.guards.iter().try_for_each(|it| check(it, None, &world.inventory));
    assert_eq!(holds(&world), Ok(()));
    let mut targets = world.inventory.groups[&other()].targets.clone().unwrap();
    targets.targets.clear();
    world.apply(Observation::Targets(other(), targets));
    assert_eq!(holds(&world).unwrap_err().to_string(), "green has 0 healthy targets; the plan requires 1");
    // Everything of an action counts, not only its weights.
    for change in 0..3 {
        let mut listener = listener(100, 0);
        let rule = &mut listener.rules[0];
        match change {
            0 => rule.forwards[1].weight = 1,
            1 => rule.sticky = Some(60),
            _ => rule.kinds.insert(0, "authenticate-oidc".into()),
        }
        let mut changed = world.clone();
        changed.routes(vec![listener]);
        let Guard::Action { .. } = &step.guards[0] else { panic!("{:?}", step.guards) };
        let why = check(&step.guards[0], None, &changed.inventory).unwrap_err();
        assert!(why.to_string().contains("was changed in the meantime"), "{change}: {why}");
    }
}

#[test]
fn who_will_write_its_own_weights_again_is_named() {
    let world = world((100, 0), Some(2));
    let place = place(&world);
    let warned = |arn: &str, key: &str, value: &str| {
        let tags = Tags::from([(arn.to_owned(), BTreeMap::from([(key.to_owned(), value.to_owned())]))]);
        let plan = shift(&world, &[(other(), 5)], &tags).unwrap();
        plan.warnings.join(" ")
    };
    let balancer = place.load_balancer.as_str();
    let said = warned(balancer, "elbv2.k8s.aws/cluster", "prod");
    assert!(said.starts_with("The load balancer is made by the controller of cluster prod"), "{said}");
    let said = warned(balancer, "ingress.k8s.aws/stack", "shop/web");
    assert!(said.contains("its next reconcile: change it there, or the controller puts back"), "{said}");
    let said = warned(place.listener.as_str(), "aws:cloudformation:stack-name", "alb");
    assert!(said.starts_with("The listener belongs to CloudFormation stack alb"), "{said}");
    for (key, value, tool) in [
        ("crossplane-name", "x", "Crossplane"),
        ("managed-by", "terraform", "Terraform"),
        ("ManagedBy", "Pulumi", "Pulumi"),
        ("services.k8s.aws/namespace", "x", "an ACK controller"),
    ] {
        assert!(
            warned(balancer, key, value).contains(&format!("{tool} manages the load balancer")),
            "{key}={value}"
        );
    }
    assert_eq!(warned(balancer, "Name", "alb"), "");
}

#[test]
fn what_was_shifted_goes_back_unless_somebody_shifted_it_again() {
    let plan = given(&world((100, 0), Some(2)), 90, 10).unwrap();
    let done = Done {
        id: plan.id.clone(),
        change: plan.change,
        subject: plan.subject.clone(),
        acts: vec![plan.steps[0].act.clone()],
    };
    let undone = |world: &World| undo::undo(&world.inventory, &done, world.now, &Tags::new());
    let back = undone(&world((90, 10), Some(2))).unwrap();
    let Act::Shift { to, .. } = &back.steps[0].act else { panic!("{back:?}") };
    assert_eq!(routes::told(to), "eksworkshoptg 100, green 0");
    assert!(
        why(undone(&world((50, 50), Some(2)))).contains("were changed since, to eksworkshoptg 50, green 50")
    );
}

#[test]
fn shares_are_told_as_they_are() {
    let told = |weights: &[u32]| {
        let all: Vec<_> = weights.iter().map(|it| Forward { group: other(), weight: *it }).collect();
        routes::shares(&all)
    };
    assert_eq!(told(&[100, 0]), "100 % to green, nothing to green");
    assert_eq!(told(&[1, 2]), "33 % to green, 67 % to green");
    assert_eq!(told(&[999, 1]), "more than 99 % to green, less than 1 % to green");
}
