//! What a screen asks of AWS, seen from the wire: whose a call is, what one bad thing in a batch costs, what waits for
//! what, and that nothing is asked outside of the budget.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use tgscope::aws::Settings;
use tgscope::backend;
use tgscope::backend::Buckets;
use tgscope::backend::Budget;
use tgscope::backend::Clock;
use tgscope::backend::Connection;
use tgscope::backend::Observed;
use tgscope::backend::Scope;
use tgscope::backend::examine::examine;
use tgscope::backend::weigh::weigh;
use tgscope::domain::facts::failure::Failure;
use tgscope::domain::facts::ids::ListenerArn;
use tgscope::domain::facts::ids::LoadBalancerArn;
use tgscope::domain::facts::ids::TargetGroupArn;
use tgscope::domain::inventory::Inventory;
use tgscope::domain::inventory::Observation;
use tgscope::domain::inventory::Source;
use tgscope::domain::inventory::follow::Follow;
use tgscope::domain::inventory::routes::Place;
use tgscope::domain::inventory::routes::Routes;
use tgscope::domain::inventory::routes::routes;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::Answer;
use crate::support::PATIENCE;
use crate::support::Request;
use crate::support::Server;
use crate::world::refused;
use crate::world::xml;

const OTHER_ROLE: &str = "arn:aws:iam::222222222222:role/reader";

const OURS: &str = "111111111111";
const THEIRS: &str = "222222222222";

fn group(account: &str, name: &str) -> TargetGroupArn {
    format!("arn:aws:elasticloadbalancing:eu-west-1:{account}:targetgroup/{name}/1").parse().unwrap()
}

/// So many groups of an account.
fn several(account: &str, n: usize) -> Vec<TargetGroupArn> {
    (0..n).map(|n| group(account, &format!("g{n:02}"))).collect()
}

/// The load balancer of a group, by its name.
fn balancer(of: &TargetGroupArn) -> LoadBalancerArn {
    let (account, name) = (of.account(), of.name());
    let text = format!("arn:aws:elasticloadbalancing:eu-west-1:{account}:loadbalancer/app/{name}/1");
    LoadBalancerArn(text.into())
}

fn connection(server: &Server, budget: Budget) -> Connection {
    let aws = Settings {
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(server.url()),
        keys: Some(("AKIAOWN".to_owned(), "secret".to_owned())),
        ..Settings::default()
    };
    let budget = Buckets::new(budget);
    Connection { clusters: Vec::new(), aws, budget, read_only: true, clock: Clock::wall() }
}

const PLENTY: Budget = Budget { per_second: 1_000, burst: 1_000 };

/// AWS with some groups, each on a load balancer of its own with so many listeners.
#[derive(Clone, Default)]
struct Cloud {
    groups: Vec<TargetGroupArn>,
    n_listeners: usize,
    /// Groups whose load balancer was deleted, and groups that were.
    without_balancer: BTreeSet<TargetGroupArn>,
    gone: BTreeSet<TargetGroupArn>,
}

impl Cloud {
    fn answer(&self, request: &Request) -> Answer {
        let action = request.parameter("Action").unwrap_or_default();
        let named = |what: &str| -> Vec<String> {
            let one = request.parameter(what).into_iter();
            let more = (1..=20).filter_map(|n| request.parameter(&format!("{what}s.member.{n}")));
            one.chain(more).collect()
        };
        if action == "AssumeRole" {
            return assumed();
        }
        if action == "GetCallerIdentity" {
            return xml(&action, "<Account>111111111111</Account><Arn>arn:aws:iam::1:user/jane</Arn>");
        }
        // Whoever asks about another account by his own keys is told that there is no such thing.
        let key = request.header("authorization").unwrap_or_default();
        let account = if key.contains("AKIAOTHER/") { THEIRS } else { OURS };
        let all: Vec<String> =
            ["TargetGroupArn", "LoadBalancerArn", "ResourceArn"].iter().flat_map(|it| named(it)).collect();
        let strange = all.iter().any(|it| !it.contains(account));
        match action.as_str() {
            "DescribeTargetGroups" => self.describe_groups(&named("TargetGroupArn"), strange),
            "DescribeTargetHealth" => xml(&action, "<TargetHealthDescriptions></TargetHealthDescriptions>"),
            "DescribeLoadBalancers" => {
                let asked = named("LoadBalancerArn");
                let gone =
                    self.without_balancer.iter().any(|it| asked.contains(&balancer(it).as_str().to_owned()));
                if strange || gone {
                    return refused(400, "LoadBalancerNotFound", "One or more load balancers not found");
                }
                let of = |it: &String| {
                    format!(
                        "<member><LoadBalancerArn>{it}</LoadBalancerArn><Type>application</Type></member>"
                    )
                };
                let members: String = asked.iter().map(of).collect();
                xml(&action, &format!("<LoadBalancers>{members}</LoadBalancers>"))
            }
            "DescribeListeners" => {
                let asked = named("LoadBalancerArn").join("");
                let gone = self.without_balancer.iter().any(|it| balancer(it).as_str() == asked);
                if strange || gone {
                    return refused(400, "LoadBalancerNotFound", "Load balancers not found");
                }
                let of = |n| format!("<member><ListenerArn>{asked}/listener/{n}</ListenerArn></member>");
                let members: String = (0..self.n_listeners).map(of).collect();
                xml(&action, &format!("<Listeners>{members}</Listeners>"))
            }
            "DescribeRules" => xml(&action, "<Rules></Rules>"),
            "DescribeTags" => {
                let asked = named("ResourceArn");
                if strange || self.gone.iter().any(|it| asked.contains(&it.to_string())) {
                    return refused(400, "TargetGroupNotFound", "One or more target groups not found");
                }
                let of = |it: &String| {
                    format!(
                        "<member><ResourceArn>{it}</ResourceArn><Tags><member><Key>a</Key><Value>b</Value></member></Tags></member>"
                    )
                };
                let members: String = asked.iter().map(of).collect();
                xml(&action, &format!("<TagDescriptions>{members}</TagDescriptions>"))
            }
            _ => xml(&action, ""),
        }
    }

    fn describe_groups(&self, asked: &[String], strange: bool) -> Answer {
        let there = |it: &&TargetGroupArn| asked.is_empty() || asked.contains(&it.to_string());
        if strange || self.gone.iter().any(|it| asked.contains(&it.to_string())) {
            return refused(400, "TargetGroupNotFound", "One or more target groups not found");
        }
        let of = |it: &TargetGroupArn| {
            format!(
                "<member><TargetGroupArn>{it}</TargetGroupArn><Protocol>HTTP</Protocol><TargetType>ip</TargetType>\
                 <LoadBalancerArns><member>{}</member></LoadBalancerArns></member>",
                balancer(it).as_str()
            )
        };
        let own = |it: &&TargetGroupArn| !asked.is_empty() || it.account() == OURS;
        let members: String = self.groups.iter().filter(there).filter(own).map(of).collect();
        xml("DescribeTargetGroups", &format!("<TargetGroups>{members}</TargetGroups>"))
    }

    fn start(self) -> Server {
        Server::start(move |request| self.answer(request))
    }
}

fn assumed() -> Answer {
    xml(
        "AssumeRole",
        "<Credentials><AccessKeyId>AKIAOTHER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>",
    )
}

/// A screen without a screen: what it follows, and what it was told.
struct Looking {
    follow: watch::Sender<Follow>,
    changes: mpsc::Receiver<Observed>,
    inventory: Inventory,
    _tasks: JoinSet<()>,
}

impl Looking {
    fn start(connection: Connection, wish: Follow) -> Self {
        let (follow, followed) = watch::channel(wish);
        let (tell, changes) = mpsc::channel(64);
        let (side, _) = oneshot::channel();
        let tasks = backend::observe(connection, &Scope::default(), &followed, &tell, side);
        Self { follow, changes, inventory: Inventory::default(), _tasks: tasks }
    }

    /// Takes in what is told until something is so.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Inventory) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(&self.inventory) {
            let told = tokio::time::timeout_at(end, self.changes.recv()).await;
            let told = told.unwrap_or_else(|_| panic!("never came: {what}; {:?}", self.inventory.sources));
            let Observed { at, change } = told.unwrap();
            self.inventory.apply(change, at);
        }
    }
}

fn actions(server: &Server, name: &str) -> Vec<Request> {
    server.seen().into_iter().filter(|it| it.parameter("Action").as_deref() == Some(name)).collect()
}

#[tokio::test]
async fn a_deleted_load_balancer_and_one_of_another_account_leave_no_routes_unread() {
    let (ours, deleted, foreign) = (group(OURS, "x"), group(OURS, "y"), group(THEIRS, "x"));
    let groups = vec![ours.clone(), deleted.clone(), foreign.clone()];
    let cloud = Cloud {
        groups: groups.clone(),
        n_listeners: 1,
        without_balancer: BTreeSet::from([deleted.clone()]),
        ..Cloud::default()
    };
    let server = cloud.start();
    let role = (OTHER_ROLE.to_owned(), Some("external".to_owned()));
    let wish = Follow {
        listed: groups.iter().cloned().collect(),
        roles: BTreeMap::from([(foreign.clone(), role)]),
        ..Follow::default()
    };
    let mut looking = Looking::start(connection(&server, PLENTY), wish);
    let known = |it: &Inventory| groups.iter().all(|arn| matches!(routes(it, arn), Routes::Known(_)));
    looking.until("routes of all three groups", known).await;
    let described = |it: &Inventory| {
        it.load_balancers.contains_key(&balancer(&ours))
            && it.load_balancers.contains_key(&balancer(&foreign))
    };
    looking.until("the load balancers that are there", described).await;
    // The one of the other account was asked about by the role of its binding.
    let of_foreign =
        |it: &Request| it.parameter("LoadBalancerArn").as_deref() == Some(balancer(&foreign).as_str());
    let asked: Vec<Request> = actions(&server, "DescribeListeners").into_iter().filter(of_foreign).collect();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|it| it.header("authorization").unwrap().contains("AKIAOTHER/")));
}

#[tokio::test]
async fn a_deleted_group_costs_the_tags_of_no_other() {
    let groups = several(OURS, 20);
    let gone = groups[11].clone();
    let cloud = Cloud { groups: groups.clone(), gone: BTreeSet::from([gone.clone()]), ..Cloud::default() };
    let server = cloud.start();
    let wish = Follow { discover: true, tags: true, ..Follow::default() };
    let mut looking = Looking::start(connection(&server, PLENTY), wish);
    let tagged = |it: &Inventory| {
        let has = |arn: &TargetGroupArn| it.groups.get(arn).is_some_and(|it| it.tags.is_some());
        groups.iter().all(|arn| *arn == gone || has(arn))
    };
    looking.until("the tags of the groups that are there", tagged).await;
}

#[tokio::test]
async fn the_tags_of_a_group_of_another_account_are_read_by_its_role() {
    let (ours, foreign) = (group(OURS, "x"), group(THEIRS, "x"));
    let groups = vec![ours, foreign.clone()];
    let server = Cloud { groups: groups.clone(), ..Cloud::default() }.start();
    let wish = Follow {
        listed: groups.iter().cloned().collect(),
        roles: BTreeMap::from([(foreign, (OTHER_ROLE.to_owned(), None))]),
        discover: true,
        tags: true,
        ..Follow::default()
    };
    let mut looking = Looking::start(connection(&server, PLENTY), wish);
    let tagged =
        |it: &Inventory| groups.iter().all(|arn| it.groups.get(arn).is_some_and(|it| it.tags.is_some()));
    looking.until("the tags of both groups", tagged).await;
}

#[tokio::test]
async fn a_board_that_is_opened_is_read_before_the_routes_of_the_list() {
    let arns = several(OURS, 5);
    let cloud = Cloud { groups: arns.clone(), n_listeners: 60, ..Cloud::default() };
    let server = cloud.start();
    let wish = Follow { listed: arns[..4].iter().cloned().collect(), ..Follow::default() };
    let mut looking = Looking::start(connection(&server, Budget { per_second: 40, burst: 20 }), wish);
    // The list is being read: load balancers with sixty listeners each.
    let begun = tokio::time::timeout(PATIENCE, async {
        while actions(&server, "DescribeRules").len() < 8 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    begun.await.unwrap();
    looking.follow.send_replace(Follow { focus: Some(arns[4].clone()), moving: true, ..Follow::default() });
    let before = server.seen().len();
    looking
        .until("the health of the board", |it| it.groups.get(&arns[4]).is_some_and(|it| it.targets.is_some()))
        .await;
    let between = server.seen().len() - before;
    assert!(between <= 12, "{between} calls came before it");
}

/// No more calls were made than the budget gives in that time, whatever they were for.
fn within(budget: Budget, server: &Server, since: Instant) {
    let n = server.seen().len();
    let given = f64::from(budget.burst) + since.elapsed().as_secs_f64() * f64::from(budget.per_second);
    let names: Vec<_> = server.seen().iter().filter_map(|it| it.parameter("Action")).collect();
    assert!(f64::from(u32::try_from(n).unwrap()) <= given + 1.0, "{n} calls, {given:.1} given: {names:?}");
}

const SLOW: Budget = Budget { per_second: 10, burst: 1 };

fn place(balancer: &LoadBalancerArn) -> Place {
    Place {
        load_balancer: balancer.clone(),
        listener: ListenerArn(format!("{}/listener/0", balancer.as_str()).into()),
        rule: None,
        name: "lb ▸ HTTP:80 ▸ default".to_owned(),
        short: "80:default".to_owned(),
    }
}

fn ours() -> TargetGroupArn {
    group(OURS, "x")
}

/// Listeners on pages of one each.
fn paged(n_pages: usize) -> Server {
    let cloud = Cloud { groups: vec![ours()], n_listeners: 1, ..Cloud::default() };
    Server::start(move |request| match request.parameter("Action").as_deref() {
        Some("DescribeListeners") => {
            let n: usize = request.parameter("Marker").and_then(|it| it.parse().ok()).unwrap_or(1);
            let next = if n < n_pages { (n + 1).to_string() } else { String::new() };
            let one = format!("<Listeners><member><ListenerArn>l/{n}</ListenerArn></member></Listeners>");
            xml("DescribeListeners", &format!("{one}<NextMarker>{next}</NextMarker>"))
        }
        _ => cloud.answer(request),
    })
}

#[tokio::test]
async fn every_page_and_the_rules_of_every_listener_come_out_of_the_budget() {
    let server = paged(6);
    let since = Instant::now();
    let weighed = weigh(connection(&server, SLOW), &place(&balancer(&ours())), &[ours()]).await;
    assert!(weighed.changes.iter().any(|it| matches!(it, Observation::Routes(_, some) if some.len() == 6)));
    assert_eq!(actions(&server, "DescribeListeners").len(), 6);
    within(SLOW, &server, since);
}

#[tokio::test]
async fn who_we_are_and_a_role_come_out_of_the_budget() {
    let server = Cloud { groups: vec![ours()], n_listeners: 1, ..Cloud::default() }.start();
    let since = Instant::now();
    let examined = examine(connection(&server, SLOW), &Scope::default()).await;
    assert_eq!(examined.aws.caller.map(|it| it.account).as_deref(), Ok(OURS));
    within(SLOW, &server, since);

    let roles = several(THEIRS, 6);
    let server = Cloud { groups: roles.clone(), ..Cloud::default() }.start();
    let since = Instant::now();
    let of = |(n, arn): (usize, &TargetGroupArn)| (arn.clone(), (format!("{OTHER_ROLE}-{n}"), None));
    let wish = Follow {
        listed: roles.iter().cloned().collect(),
        roles: roles.iter().enumerate().map(of).collect(),
        ..Follow::default()
    };
    let mut looking = Looking::start(connection(&server, SLOW), wish);
    let read =
        |it: &Inventory| roles.iter().all(|arn| it.groups.get(arn).is_some_and(|it| it.targets.is_some()));
    looking.until("the targets of all six", read).await;
    assert_eq!(actions(&server, "AssumeRole").len(), 6);
    // One bucket for the account of the roles, and one for ours.
    within(Budget { per_second: 20, burst: 2 }, &server, since);
}

async fn failure_of_routes(server: &Server) -> Failure {
    let place = place(&balancer(&ours()));
    let read = weigh(connection(server, PLENTY), &place, &[]);
    let weighed = tokio::time::timeout(PATIENCE, read).await.expect("it never ends");
    let failed = weighed.changes.into_iter().find_map(|it| match it {
        Observation::Failed(Source::Routes(_), failure) => Some(failure),
        _ => None,
    });
    failed.expect("no failure")
}

#[tokio::test]
async fn a_page_that_comes_again_ends_the_reading_and_is_said() {
    for action in ["DescribeListeners", "DescribeRules"] {
        let cloud = Cloud { groups: vec![ours()], n_listeners: 1, ..Cloud::default() };
        let server = Server::start(move |request| match request.parameter("Action") {
            Some(it) if it == action && it == "DescribeListeners" => xml(
                action,
                "<Listeners><member><ListenerArn>l/1</ListenerArn></member></Listeners><NextMarker>x</NextMarker>",
            ),
            Some(it) if it == action => xml(action, "<Rules></Rules><NextMarker>x</NextMarker>"),
            _ => cloud.answer(request),
        });
        let failure = failure_of_routes(&server).await;
        let said = format!("{action}: AWS sent the start of a page that was read already, after 2 pages");
        assert_eq!(failure.to_string(), said);
        assert!(failure.hint.unwrap().contains("proxy"));
        assert_eq!(actions(&server, action).len(), 2);
    }
}

#[tokio::test]
async fn more_pages_than_there_can_be_end_the_reading_and_are_said() {
    let server = paged(usize::MAX);
    let failure = failure_of_routes(&server).await;
    assert_eq!(failure.to_string(), "DescribeListeners: AWS sent 100 pages and more are to come");
    assert_eq!(actions(&server, "DescribeListeners").len(), 100);
}
