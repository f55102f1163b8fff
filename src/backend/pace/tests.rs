//! A screen that is followed for a while against an AWS made of values: what is asked, and when.

use std::collections::BTreeMap;

use super::*;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::fixture::objects;
use crate::domain::inventory::Gone;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Source;
use crate::domain::inventory::needs::needs;
use crate::domain::inventory::routes::Routes;
use crate::domain::inventory::routes::routes;

fn arn(n: u32) -> TargetGroupArn {
    format!("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/tg{n:02}/{n}").parse().unwrap()
}

fn balancer(n: u32) -> LoadBalancerArn {
    LoadBalancerArn(format!("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/lb{n:02}/{n}").into())
}

/// What AWS has, and how it fails.
#[derive(Default)]
struct Cloud {
    /// Load balancers by group; a group that is not here hangs on none.
    hangs_on: BTreeMap<TargetGroupArn, LoadBalancerArn>,
    /// Listeners of every load balancer.
    n_listeners: u32,
    gone: BTreeSet<LoadBalancerArn>,
    denied: BTreeSet<TargetGroupArn>,
}

impl Cloud {
    /// Groups from 0 on, each on a load balancer of its own.
    fn with_balancers(n: u32) -> Self {
        Self { hangs_on: (0..n).map(|n| (arn(n), balancer(n))).collect(), ..Self::default() }
    }

    fn group(&self, arn: &TargetGroupArn) -> TargetGroup {
        let load_balancers = self.hangs_on.get(arn).cloned().into_iter().collect();
        TargetGroup { arn: arn.clone(), load_balancers, ..objects::group() }
    }

    fn answer(&self, ask: &Ask, now: Timestamp) -> (Vec<Observation>, AnswerKind) {
        let answered = |change| (vec![change], AnswerKind::Answered);
        let Some(first) = ask.topics.first() else { return (Vec::new(), AnswerKind::Answered) };
        match first {
            Topic::Health(arn) if self.denied.contains(arn) => {
                let failure = Failure::new("DescribeTargetHealth", ErrorKind::Denied, "no");
                (vec![Observation::Failed(Source::Targets(arn.clone()), failure)], AnswerKind::Refused)
            }
            Topic::Health(arn) => {
                let targets = Targets { targets: Vec::new(), asked: now, unreadable: 0 };
                answered(Observation::Targets(arn.clone(), targets))
            }
            Topic::Group(_) => {
                let of = |it: &Topic| if let Topic::Group(arn) = it { Some(self.group(arn)) } else { None };
                answered(Observation::Groups(ask.topics.iter().filter_map(of).collect()))
            }
            Topic::LoadBalancer(_) => {
                let of =
                    |it: &Topic| if let Topic::LoadBalancer(arn) = it { Some(arn.clone()) } else { None };
                let arns: Vec<LoadBalancerArn> = ask.topics.iter().filter_map(of).collect();
                match (arns.iter().find(|it| self.gone.contains(*it)), arns.len()) {
                    (None, _) => answered(Observation::LoadBalancers(arns.iter().map(described).collect())),
                    (Some(it), 1) => {
                        (vec![Observation::Gone(Gone::LoadBalancer(it.clone()))], AnswerKind::Refused)
                    }
                    (Some(_), _) => (Vec::new(), AnswerKind::Spoiled),
                }
            }
            Topic::Listeners(arn) => {
                let listeners = (0..self.n_listeners).map(|n| listener(arn, n)).collect();
                answered(Observation::Listeners(arn.clone(), listeners))
            }
            Topic::Rules(arn, listener) => {
                answered(Observation::Rules(arn.clone(), listener.clone(), Vec::new()))
            }
            _ => (Vec::new(), AnswerKind::Answered),
        }
    }
}

fn described(arn: &LoadBalancerArn) -> LoadBalancer {
    LoadBalancer {
        arn: arn.clone(),
        name: "lb".to_owned(),
        kind: LoadBalancerKind::Application,
        scheme: None,
        dns: None,
        state: None,
        zones: Vec::new(),
        subnets: Vec::new(),
        vpc: None,
        security_groups: Vec::new(),
        dual_stack: false,
        cross_zone: Some(true),
    }
}

fn listener(arn: &LoadBalancerArn, n: u32) -> Listener {
    Listener {
        arn: ListenerArn(format!("{}/listener/{n}", arn.as_str()).into()),
        load_balancer: arn.clone(),
        protocol: None,
        port: None,
        rules: Vec::new(),
    }
}

/// One screen with what it knows.
#[derive(Default)]
struct Player {
    pace: Pace,
    known: Inventory,
    cloud: Cloud,
    /// Calls a second that the budget gives; `None`: as many as are wanted.
    budget: Option<i64>,
}

impl Player {
    fn on(cloud: Cloud) -> Self {
        Self { cloud, ..Self::default() }
    }

    /// Plays for some seconds, every answer immediate, and gives what was asked with its second.
    fn play(&mut self, follow: &Follow, (from, until): (i64, i64)) -> Vec<(i64, Ask)> {
        let (mut now, end) = (Timestamp::from_seconds(from), Timestamp::from_seconds(until));
        let mut asked = Vec::new();
        self.pace.heed(follow);
        while now < end {
            match self.pace.next(&needs(&self.known, follow), now, &BTreeSet::new()) {
                Next::Ask(ask) => {
                    self.make(&ask, now);
                    asked.push((now.0 / 1000, ask));
                    if let Some(per_second) = self.budget {
                        now = now.plus_millis(1000 / per_second);
                    }
                }
                Next::Wait(millis) => now = now.plus_millis(millis.min(60_000)),
            }
        }
        asked
    }

    fn make(&mut self, ask: &Ask, now: Timestamp) {
        self.pace.start(ask, now);
        let (changes, outcome) = self.cloud.answer(ask, now);
        self.pace.ended(ask, outcome);
        for change in changes {
            self.pace.learnt(&change, now);
            self.known.apply(change, now);
        }
    }

    /// An ask that ends in a way of its own.
    fn ends(&mut self, topic: Topic, identity: Identity, (at, outcome): (i64, AnswerKind)) {
        let ask = Ask { topics: vec![topic], identity, urgency: Urgency::Board };
        self.pace.start(&ask, Timestamp::from_seconds(at));
        self.pace.ended(&ask, outcome);
    }
}

fn on_board(n: u32) -> Follow {
    Follow { focus: Some(arn(n)), ..Follow::default() }
}

fn list(n: u32) -> Follow {
    Follow { listed: (0..n).map(arn).collect(), ..Follow::default() }
}

fn times(asked: &[(i64, Ask)], of: &Topic) -> Vec<i64> {
    asked.iter().filter(|(_, ask)| ask.topics.contains(of)).map(|it| it.0).collect()
}

fn looks(asked: &[(i64, Ask)], of: u32) -> Vec<i64> {
    times(asked, &Topic::Health(arn(of)))
}

fn is_health(ask: &Ask) -> bool {
    matches!(ask.topics.as_slice(), [Topic::Health(_)])
}

#[test]
fn the_board_is_looked_at_every_two_seconds_while_moving_and_every_five_otherwise() {
    let follow = on_board(1);
    let mut player = Player::default();
    assert_eq!(looks(&player.play(&follow, (100, 121)), 1), [100, 105, 110, 115, 120]);
    let moving = Follow { moving: true, ..follow };
    assert_eq!(looks(&player.play(&moving, (121, 128)), 1), [122, 124, 126]);
}

#[test]
fn a_frozen_screen_asks_nothing() {
    let follow = Follow { frozen: true, ..on_board(1) };
    assert_eq!(Player::default().play(&follow, (0, 600)), []);
}

#[test]
fn a_board_never_looks_at_other_groups() {
    let asked = Player::default().play(&on_board(1), (0, 60));
    let others = |ask: &Ask| is_health(ask) && !ask.topics.contains(&Topic::Health(arn(1)));
    assert!(!asked.iter().any(|(_, ask)| others(ask)), "{asked:?}");
}

#[test]
fn a_list_is_read_once_and_then_swept_slowly() {
    let follow = list(40);
    let mut player = Player::default();
    let first = player.play(&follow, (100, 101));
    for n in 0..40 {
        assert_eq!(looks(&first, n), [100], "group {n}");
    }
    let minute = player.play(&follow, (160, 220));
    let looked = minute.iter().filter(|(_, ask)| is_health(ask)).count();
    assert!((50..=61).contains(&looked), "{looked} looks a minute");
}

#[test]
fn at_most_twenty_groups_are_asked_for_at_once() {
    let asked = Player::default().play(&list(41), (100, 130));
    let sizes: Vec<usize> = asked
        .iter()
        .filter(|(_, ask)| matches!(ask.topics.first(), Some(Topic::Group(_))))
        .map(|(_, ask)| ask.topics.len())
        .collect();
    assert_eq!(sizes, [20, 20, 1]);
}

#[test]
fn throttling_doubles_the_interval_at_most_twice_and_success_brings_it_back() {
    let follow = on_board(1);
    let mut player = Player::default();
    player.play(&follow, (0, 4));
    let identity = needs(&player.known, &follow)[0].identity.clone();
    for _ in 0..5 {
        player.ends(Topic::Health(arn(1)), identity.clone(), (5, AnswerKind::Throttled));
    }
    assert_eq!(looks(&player.play(&follow, (6, 41)), 1), [25, 30, 35, 40]);
}

#[test]
fn throttling_in_one_account_slows_no_other_down() {
    let mut player = Player::default();
    player.play(&on_board(1), (0, 4));
    let other = Identity { account: Some("2".to_owned()), ..Identity::default() };
    player.ends(Topic::Health(arn(7)), other, (4, AnswerKind::Throttled));
    assert_eq!(looks(&player.play(&on_board(1), (4, 16)), 1), [5, 10, 15]);
}

#[test]
fn what_could_not_be_read_is_asked_for_again_soon() {
    let follow = on_board(1);
    let mut player = Player::default();
    player.play(&follow, (100, 101));
    player.ends(Topic::Caller, Identity::default(), (101, AnswerKind::Failed));
    let asked = player.play(&follow, (101, 130));
    assert_eq!(times(&asked, &Topic::Caller), [111], "once more, and then no more once it is known");
}

#[test]
fn reading_now_asks_at_once() {
    let mut follow = on_board(1);
    let mut player = Player::default();
    player.play(&follow, (100, 102));
    follow.hurry += 1;
    assert_eq!(looks(&player.play(&follow, (102, 103)), 1), [102]);
}

#[test]
fn thirty_groups_that_are_denied_are_asked_for_less_and_less() {
    let follow = list(40);
    let mut player = Player::on(Cloud { denied: (0..30).map(arn).collect(), ..Cloud::default() });
    player.budget = Some(2);
    player.play(&follow, (0, 60));
    let calls = |asked: &[(i64, Ask)], groups: std::ops::Range<u32>| {
        asked
            .iter()
            .filter(|(_, ask)| groups.clone().any(|n| ask.topics.contains(&Topic::Health(arn(n)))))
            .count()
    };
    let minutes: Vec<Vec<(i64, Ask)>> =
        (1..15).map(|n| player.play(&follow, (n * 60, n * 60 + 60))).collect();
    let denied: Vec<usize> = minutes.iter().map(|it| calls(it, 0..30)).collect();
    let healthy: Vec<usize> = minutes.iter().map(|it| calls(it, 30..40)).collect();
    let kept: usize = healthy.iter().skip(4).sum();
    assert!(kept >= 180, "ten healthy groups in ten minutes, every thirty seconds each: {healthy:?}");
    // Per group never more often than a healthy one, and in the end once in ten minutes.
    assert!(denied.iter().all(|it| *it <= 60), "{denied:?}");
    let late: usize = denied.iter().skip(4).sum();
    assert!(late <= 60, "thirty denied groups in ten minutes: {denied:?}");
}

#[test]
fn every_one_of_forty_five_load_balancers_is_read_again_in_batches() {
    let follow = list(45);
    let mut player = Player::on(Cloud::with_balancers(45));
    player.play(&follow, (0, 60));
    let later = player.play(&follow, (600, 780));
    for n in 0..45 {
        assert_eq!(times(&later, &Topic::LoadBalancer(balancer(n))).len(), 1, "load balancer {n}");
        assert_eq!(times(&later, &Topic::Listeners(balancer(n))).len(), 1, "listeners of {n}");
    }
    let batches = later.iter().filter(|it| matches!(it.1.topics.first(), Some(Topic::LoadBalancer(_))));
    assert_eq!(batches.map(|it| it.1.topics.len()).collect::<Vec<_>>(), [20, 20, 5]);
}

#[test]
fn listed_groups_are_read_again_where_no_others_are_looked_for() {
    // As with a selector.
    let follow = list(3);
    let mut player = Player::default();
    player.play(&follow, (0, 60));
    let later = player.play(&follow, (60, 1300));
    assert_eq!(times(&later, &Topic::Group(arn(1))), [600, 1200]);
}

#[test]
fn a_page_of_all_groups_spares_asking_for_each() {
    let follow = list(3);
    let mut player = Player::default();
    player.play(&follow, (0, 500));
    let all = Observation::Groups((0..3).map(|n| player.cloud.group(&arn(n))).collect());
    player.pace.learnt(&all, Timestamp::from_seconds(500));
    assert_eq!(times(&player.play(&follow, (500, 1110)), &Topic::Group(arn(1))), [1100]);
}

#[test]
fn a_listed_group_of_another_region_is_read_again_there_whatever_the_configured_region_tells() {
    let far: TargetGroupArn = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/far/9".parse().unwrap();
    let mut follow = list(2);
    follow.listed.insert(far.clone());
    let mut player = Player::default();
    player.play(&follow, (0, 500));
    let all = Observation::Groups((0..2).map(|n| player.cloud.group(&arn(n))).collect());
    player.pace.learnt(&all, Timestamp::from_seconds(500));
    let later = player.play(&follow, (500, 1110));
    let topic = Topic::Group(far);
    let asked: Vec<&Ask> = later.iter().map(|it| &it.1).filter(|it| it.topics.contains(&topic)).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].identity.region.as_deref(), Some("us-east-1"));
    assert_eq!(times(&later, &Topic::Group(arn(1))), [1100]);
}

#[test]
fn one_deleted_load_balancer_leaves_no_routes_of_others_unread() {
    let follow = list(20);
    let mut player = Player::on(Cloud { n_listeners: 1, ..Cloud::with_balancers(20) });
    player.cloud.gone.insert(balancer(13));
    let first = player.play(&follow, (0, 10));
    for n in 0..20 {
        assert!(matches!(routes(&player.known, &arn(n)), Routes::Known(_)), "routes of group {n}");
        assert_eq!(player.known.load_balancers.contains_key(&balancer(n)), n != 13);
    }
    let sizes: Vec<usize> = first
        .iter()
        .filter(|it| matches!(it.1.topics.first(), Some(Topic::LoadBalancer(_))))
        .map(|it| it.1.topics.len())
        .collect();
    assert_eq!(sizes.first(), Some(&20));
    assert!(sizes.len() <= 11, "halves of halves: {sizes:?}");
    let later = player.play(&follow, (10, 600));
    assert_eq!(
        times(&later, &Topic::LoadBalancer(balancer(13))),
        Vec::<i64>::new(),
        "gone is no reason to ask"
    );
}

#[test]
fn the_boards_health_keeps_its_interval_while_sixty_listeners_are_read() {
    let follow = Follow { moving: true, ..on_board(0) };
    let mut player = Player::on(Cloud { n_listeners: 60, ..Cloud::with_balancers(1) });
    player.budget = Some(2);
    let asked = player.play(&follow, (0, 60));
    let rules = asked.iter().filter(|it| matches!(it.1.topics.first(), Some(Topic::Rules(..)))).count();
    assert_eq!(rules, 60);
    let looked = looks(&asked, 0);
    assert!(looked.windows(2).all(|it| it[1] - it[0] <= 3), "{looked:?}");
    assert!(looked.len() >= 23, "{looked:?}");
}

#[test]
fn one_call_at_a_time_is_kept_for_the_boards_health() {
    let mut follow = on_board(0);
    let mut player = Player::on(Cloud { n_listeners: 9, ..Cloud::with_balancers(1) });
    player.play(&follow, (0, 1));
    follow.again.insert(Again::Routes(balancer(0)), 1);
    player.pace.heed(&follow);
    let needs = needs(&player.known, &follow);
    let now = Timestamp::from_seconds(2);
    let mut n_under_way = 0;
    while let Next::Ask(ask) = player.pace.next(&needs, now, &BTreeSet::new()) {
        assert!(!is_health(&ask), "it was read just now");
        player.pace.start(&ask, now);
        n_under_way += 1;
    }
    assert_eq!(n_under_way, AT_A_TIME - 1);
    // None of them is answered, and the health is due.
    let Next::Ask(ask) = player.pace.next(&needs, Timestamp::from_seconds(6), &BTreeSet::new()) else {
        panic!("it is kept waiting")
    };
    assert!(is_health(&ask), "{ask:?}");
}

#[test]
fn a_step_of_a_drain_reads_the_health_of_its_group_and_nothing_else() {
    let mut follow = on_board(0);
    let mut player = Player::on(Cloud { n_listeners: 3, ..Cloud::with_balancers(1) });
    player.play(&follow, (0, 2));
    let mut asked = Vec::new();
    // Ten pods, four steps each, one a second.
    for step in 0..40 {
        *follow.again.entry(Again::Health(arn(0))).or_default() += 1;
        asked.extend(player.play(&follow, (2 + step, 3 + step)));
    }
    assert_eq!(looks(&asked, 0).len(), 40, "each step is seen at once");
    let others: Vec<&(i64, Ask)> = asked.iter().filter(|it| !is_health(&it.1)).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_shift_reads_the_routes_of_its_load_balancer_again() {
    let mut follow = on_board(0);
    let mut player = Player::on(Cloud { n_listeners: 2, ..Cloud::with_balancers(1) });
    player.play(&follow, (0, 2));
    follow.again.insert(Again::Routes(balancer(0)), 1);
    let asked = player.play(&follow, (2, 4));
    let kinds: Vec<bool> =
        asked.iter().map(|it| matches!(it.1.topics[0], Topic::Listeners(_) | Topic::Rules(..))).collect();
    assert_eq!(kinds, [true, true, true], "{asked:?}");
}

#[test]
fn what_is_on_show_is_read_first_then_what_is_wrong_then_the_rest() {
    let follow = Follow { first: vec![arn(7), arn(3)], ..list(9) };
    let asked = Player::default().play(&follow, (0, 1));
    let order: Vec<u32> =
        asked.iter().filter_map(|it| (0..9).find(|n| it.1.topics == [Topic::Health(arn(*n))])).collect();
    assert_eq!(order, [7, 3, 0, 1, 2, 4, 5, 6, 8]);
}

#[test]
fn a_spent_budget_of_one_account_holds_up_no_other() {
    let other: TargetGroupArn =
        "arn:aws:elasticloadbalancing:eu-west-1:2:targetgroup/other/1".parse().unwrap();
    let follow = Follow { listed: BTreeSet::from([arn(1), other.clone()]), ..Follow::default() };
    let spent = BTreeSet::from([(Some("1".to_owned()), Some("eu-west-1".to_owned())), (None, None)]);
    let next =
        Pace::default().next(&needs(&Inventory::default(), &follow), Timestamp::from_seconds(1), &spent);
    let Next::Ask(ask) = next else { panic!("nothing is asked") };
    assert_eq!(ask.identity.account.as_deref(), Some("2"));
}

#[test]
fn a_role_that_a_binding_gets_later_is_tried_at_once() {
    let follow = list(1);
    let mut player = Player::on(Cloud { denied: BTreeSet::from([arn(0)]), ..Cloud::default() });
    player.play(&follow, (0, 300));
    let role = ("arn:aws:iam::1:role/reader".to_owned(), None);
    let with_role = Follow { roles: BTreeMap::from([(arn(0), role)]), ..follow };
    assert_eq!(looks(&player.play(&with_role, (300, 302)), 0), [300]);
}

#[test]
fn no_group_of_a_long_list_is_forgotten() {
    let follow = list(100);
    let mut player = Player::default();
    let asked = player.play(&follow, (100, 1_000));
    for n in 0..100 {
        let at = looks(&asked, n);
        let longest = at.windows(2).map(|it| it[1] - it[0]).chain([1_000 - at[at.len() - 1]]).max().unwrap();
        assert!(longest <= 130, "group {n} was left alone for {longest} s: {at:?}");
    }
}
