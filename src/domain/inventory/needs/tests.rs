//! What is needed in worlds of which more or less is known.

use super::*;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::fixture::objects;
use crate::domain::inventory::Observation;
use crate::domain::inventory::routes::Routes;
use crate::domain::inventory::routes::routes;

fn board() -> Follow {
    Follow { focus: Some(fixture::arn()), ..Follow::default() }
}

fn list() -> Follow {
    Follow { listed: BTreeSet::from([fixture::arn()]), ..Follow::default() }
}

/// What is needed, in short and in order.
fn told(inventory: &Inventory, follow: &Follow) -> Vec<String> {
    let word = |it: &Need| match &it.topic {
        Topic::Caller => "caller",
        Topic::Health(_) => "health",
        Topic::Group(_) => "group",
        Topic::Attributes(_) => "attributes",
        Topic::Tags(_) => "tags",
        Topic::LoadBalancer(_) => "load balancer",
        Topic::CrossZone(_) => "cross zone",
        Topic::Listeners(_) => "listeners",
        Topic::Rules(..) => "rules",
        Topic::Discovery => "discovery",
        Topic::Network(_) => "network",
        Topic::Marks(_) => "marks",
    };
    needs(inventory, follow).iter().map(|it| format!("{} {}", word(it), it.good_for / 1000)).collect()
}

/// The same world with its listener heard of, its rules not yet.
fn heard() -> World {
    let mut world = World::new();
    let mut listener = objects::listener(1);
    listener.load_balancer = fixture::load_balancer_arn();
    world.apply(Observation::Listeners(fixture::load_balancer_arn(), vec![listener]));
    world
}

#[test]
fn a_verdict_rests_on_more_the_more_is_known() {
    let nothing = Inventory::default();
    assert_eq!(told(&nothing, &board())[..3], ["health 5", "group 60", "attributes 60"]);
    let world = heard();
    assert_eq!(
        told(&world.inventory, &board())[..6],
        ["health 5", "group 60", "attributes 60", "load balancer 60", "listeners 60", "rules 60"]
    );
    // A plan may be made on it, which says whose the group is.
    assert!(told(&nothing, &board()).contains(&"tags 600".to_owned()));
    let moving = Follow { moving: true, ..board() };
    assert_eq!(told(&world.inventory, &moving)[0], "health 2");
}

#[test]
fn rules_of_a_network_load_balancer_are_read_where_it_has_both_address_families() {
    let asks = |dual_stack: bool| {
        let mut world = World::new();
        world.load_balancer(|it| (it.kind, it.dual_stack) = (LoadBalancerKind::Network, dual_stack));
        let mut listener = objects::listener(1);
        listener.load_balancer = fixture::load_balancer_arn();
        world.apply(Observation::Listeners(fixture::load_balancer_arn(), vec![listener]));
        told(&world.inventory, &board()).contains(&"rules 60".to_owned())
    };
    assert!(asks(true), "they tell the families apart");
    assert!(!asks(false), "there is nothing but the default action");
}

#[test]
fn a_list_needs_settings_of_groups_only_where_a_target_is_not_healthy() {
    let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    assert!(!told(&world.inventory, &list()).contains(&"attributes 600".to_owned()));
    assert!(told(&world.inventory, &list()).contains(&"group 600".to_owned()), "also without discovery");
    world.answer("10.0.0.1 unhealthy Timeout");
    assert!(told(&world.inventory, &list()).contains(&"attributes 600".to_owned()));
}

#[test]
fn a_listed_group_whose_kubernetes_side_changed_is_read_next() {
    let world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    let urgency = |follow: &Follow| {
        let needs = needs(&world.inventory, follow);
        needs.into_iter().find(|it| matches!(it.topic, Topic::Health(_))).map(|it| (it.good_for, it.urgency))
    };
    assert_eq!(urgency(&list()), Some((30_000, Urgency::Sweep)));
    let outdated = Follow { outdated: BTreeSet::from([fixture::arn()]), ..list() };
    assert_eq!(urgency(&outdated), Some((4_000, Urgency::First)));
}

#[test]
fn a_read_back_needs_health_alone_and_a_plan_settings_and_tags_too() {
    let world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
    assert_eq!(told(&world.inventory, &Follow { lean: true, ..list() }), ["health 30"]);
    let thorough = told(&world.inventory, &Follow { thorough: true, ..list() });
    for wanted in ["attributes 600", "tags 600"] {
        assert!(thorough.contains(&wanted.to_owned()), "{wanted}: {thorough:?}");
    }
}

#[test]
fn each_thing_is_asked_about_in_its_account_and_region_by_the_role_of_its_binding() {
    let world = heard();
    let role = ("arn:aws:iam::1:role/r".to_owned(), Some("external".to_owned()));
    let follow = Follow { roles: BTreeMap::from([(fixture::arn(), role.clone())]), thorough: true, ..list() };
    for it in needs(&world.inventory, &follow).iter().filter(|it| it.topic != Topic::Caller) {
        let Identity { account, region, role: by } = &it.identity;
        assert_eq!(account.as_deref(), Some("123456789012"), "{:?}", it.topic);
        assert_eq!(region.as_deref(), Some("us-west-2"), "{:?}", it.topic);
        assert_eq!(by.as_ref(), Some(&role), "{:?}", it.topic);
    }
}

#[test]
fn a_load_balancer_that_is_gone_leads_nowhere_and_is_asked_about_no_further() {
    let mut world = heard();
    let gone = Gone::LoadBalancer(fixture::load_balancer_arn());
    world.apply(Observation::Gone(gone));
    assert_eq!(routes(&world.inventory, &fixture::arn()), Routes::Known(Vec::new()));
    let told = told(&world.inventory, &board());
    assert!(told.contains(&"load balancer 60".to_owned()), "it may come back");
    assert!(!told.iter().any(|it| it.starts_with("listeners") || it.starts_with("rules")), "{told:?}");
    world.apply(Observation::LoadBalancers(vec![objects::load_balancer()]));
    assert!(world.inventory.gone.is_empty());
    assert_eq!(routes(&world.inventory, &fixture::arn()), Routes::Unread);
}

#[test]
fn routes_are_known_once_the_rules_of_every_listener_are() {
    let mut world = World::new();
    world.inventory.routes.clear();
    world.inventory.heard.clear();
    let balancer = fixture::load_balancer_arn();
    let listeners = ["a", "b"].map(|it| {
        let mut listener = objects::listener(1);
        listener.arn = ListenerArn(it.into());
        listener
    });
    let rules = listeners[0].rules.clone();
    world.apply(Observation::Listeners(balancer.clone(), listeners.to_vec()));
    assert_eq!(routes(&world.inventory, &fixture::arn()), Routes::Unread);
    world.apply(Observation::Rules(balancer.clone(), ListenerArn("a".into()), rules.clone()));
    assert_eq!(routes(&world.inventory, &fixture::arn()), Routes::Unread);
    world.apply(Observation::Rules(balancer.clone(), ListenerArn("b".into()), rules));
    assert_eq!(routes(&world.inventory, &fixture::arn()).list().len(), 2);
    // A listener that is deleted takes its routes along, and what is known of the other stays.
    world.apply(Observation::Listeners(balancer, vec![listeners[0].clone()]));
    assert_eq!(routes(&world.inventory, &fixture::arn()).list().len(), 1);
}

#[test]
fn a_board_without_a_healthy_target_reads_the_groups_that_requests_could_go_to_instead() {
    let canary: TargetGroupArn =
        "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/canary/1".parse().unwrap();
    let asks = |health: &str| {
        let mut world = World::of(&format!("10.0.0.1 ready | 10.0.0.1 {health}"));
        let mut listener = objects::listener(1);
        listener.load_balancer = fixture::load_balancer_arn();
        let mut other = listener.rules[0].forwards[0].clone();
        (other.group, other.weight) = (canary.clone(), 0);
        listener.rules[0].forwards.push(other);
        let (arn, rules) = (listener.arn.clone(), listener.rules.clone());
        world.apply(Observation::Listeners(fixture::load_balancer_arn(), vec![listener]));
        world.apply(Observation::Rules(fixture::load_balancer_arn(), arn, rules));
        let found = needs(&world.inventory, &board());
        found.iter().any(|it| it.topic == Topic::Health(canary.clone()))
    };
    assert!(asks("initial RegistrationInProgress"));
    assert!(!asks("healthy"));
}

#[test]
fn the_tags_of_two_hundred_groups_are_read_those_first_that_may_have_to_be_listed() {
    let group = |n: u32| -> TargetGroupArn {
        format!("arn:aws:elasticloadbalancing:us-west-2:1:targetgroup/g{n:03}/1").parse().unwrap()
    };
    let mut inventory = Inventory::default();
    let all = (0..300).map(|n| crate::domain::facts::elb::TargetGroup { arn: group(n), ..objects::group() });
    inventory.apply(Observation::Groups(all.collect()), fixture::BEGIN);
    let follow = Follow {
        listed: BTreeSet::from([group(0), group(1)]),
        named: BTreeSet::from([group(2), group(3)]),
        tags: true,
        ..Follow::default()
    };
    let tags = |follow: &Follow| -> Vec<TargetGroupArn> {
        let of = |it: Need| if let Topic::Tags(arn) = it.topic { Some(arn) } else { None };
        needs(&inventory, follow).into_iter().filter_map(of).collect()
    };
    let found = tags(&follow);
    assert_eq!((found.len(), &found[0]), (TAGGED, &group(4)));
    assert_eq!(tags(&Follow { tags: false, ..follow }), []);
}
