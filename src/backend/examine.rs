//! Connectivity, identity and permissions of both sides, asked once: what `doctor` prints.

use futures::StreamExt;
use futures::stream;

use super::ask::Asker;
use super::connection::Connection;
use super::connection::Scope;
use super::link::Linked;
use crate::domain::facts::access::Allowed;
use crate::domain::facts::access::Verb;
use crate::domain::facts::ec2::Locator;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::elb::Caller;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::operation::Operation;
use crate::domain::plan::permissions;

/// One cluster: who we are there and what we may do.
#[derive(Debug)]
pub(crate) struct ClusterSide {
    pub(crate) id: ClusterId,
    pub(crate) user: Result<String, Failure>,
    pub(crate) allowed: Allowed,
}

/// What a call answered; `None`: it was not made, because nothing was there to ask about, or because asking would be
/// doing.
pub(crate) type Answered = Option<Result<(), Failure>>;

/// The AWS side: where, who, and what each reading call answered.
#[derive(Debug)]
pub struct CloudSide {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub caller: Result<Caller, Failure>,
    pub(crate) answers: Vec<(Operation, Answered)>,
}

#[derive(Debug)]
pub struct Examination {
    pub(crate) clusters: Vec<ClusterSide>,
    pub aws: CloudSide,
}

/// Asks both sides. Nothing is written: what a write would need of AWS is only found out by writing.
pub async fn examine(connection: Connection, scope: &Scope) -> Examination {
    let linked = Linked::open(connection).await;
    let mut clusters = Vec::new();
    for (id, connected) in &linked.clusters {
        let side = match connected {
            Err(failure) => {
                ClusterSide { id: id.clone(), user: Err(failure.clone()), allowed: Allowed::new() }
            }
            Ok(cluster) => {
                let of = |need: &permissions::Need, verb: Verb| {
                    (verb, scope.namespace.clone().filter(|_| !need.cluster), None)
                };
                let verbs =
                    permissions::KUBERNETES.iter().flat_map(|it| it.verbs().map(move |verb| of(it, verb)));
                let verbs: Vec<(Verb, Option<String>, Option<String>)> = verbs.collect();
                let user = match cluster.user().await {
                    // Before 1.28 nobody can be asked; whoever answers that knows us all the same.
                    Err(failure) if failure.kind == ErrorKind::NotFound => {
                        Ok("a user this server does not name".to_owned())
                    }
                    other => other,
                };
                let allowed = cluster.allowed(verbs).await.into_iter().collect();
                ClusterSide { id: id.clone(), user, allowed }
            }
        };
        clusters.push(side);
    }
    Examination { clusters, aws: cloud(&linked).await }
}

async fn cloud(linked: &Linked) -> CloudSide {
    let session = &linked.asker.session;
    let caller = linked.asker.caller().await;
    let answers = match &caller {
        Ok(_) => reads(&linked.asker).await,
        Err(_) => permissions::AWS.iter().map(|it| (it.operation, None)).collect(),
    };
    CloudSide {
        endpoint: session.endpoint(),
        region: session.region(),
        profile: session.profile().map(str::to_owned),
        caller,
        answers,
    }
}

/// Each reading call once, on whatever the first page of groups shows.
async fn reads(asker: &Asker) -> Vec<(Operation, Answered)> {
    let page = asker.own_client().await.page_of_groups(None).await.map(|it| it.0);
    let groups = page.as_deref().unwrap_or_default();
    let group = groups.iter().find(|it| !it.load_balancers.is_empty()).or(groups.first());
    let balancer = group.and_then(|it| it.load_balancers.first());
    let listeners = match balancer {
        Some(arn) => Some(asker.own_client().await.listeners(arn, None).await.map(|it| it.0)),
        None => None,
    };
    let listener = listeners.as_ref().and_then(|it| it.as_ref().ok()?.first());
    let seen = Seen {
        group: group.map(|it| &it.arn),
        balancer,
        listener: listener.map(|it| &it.arn),
        groups: page.as_ref().map(|_| ()).map_err(Clone::clone),
        listeners: listeners.as_ref().map(|it| it.as_ref().map(|_| ()).map_err(Clone::clone)),
    };
    let mut asked = Vec::new();
    for it in permissions::AWS {
        asked.push(seen.ask(asker, it.operation));
    }
    stream::iter(asked).buffered(2).collect().await
}

/// Something of the network that nobody has: whoever may ask for it is told that there is none.
fn part(operation: Operation) -> Option<NetworkPart> {
    const NOBODYS: &str = "0000000000000000f";
    let id = |kind: &str| format!("{kind}-{NOBODYS}").into();
    Some(match operation {
        Operation::DescribeInstances => NetworkPart::Interfaces(Locator::Instance(id("i"))),
        Operation::DescribeNetworkInterfaces => NetworkPart::Interfaces(Locator::Interface(id("eni"))),
        Operation::DescribeSubnets => NetworkPart::Subnet(id("subnet")),
        Operation::DescribeSecurityGroups => NetworkPart::SecurityGroup(id("sg")),
        Operation::DescribeSecurityGroupRules => NetworkPart::Rules(id("sg")),
        Operation::GetManagedPrefixListEntries => NetworkPart::PrefixList(id("pl")),
        _ => return None,
    })
}

/// What there is to ask about, and what was asked to find it.
struct Seen<'a> {
    group: Option<&'a TargetGroupArn>,
    balancer: Option<&'a LoadBalancerArn>,
    listener: Option<&'a ListenerArn>,
    groups: Result<(), Failure>,
    listeners: Answered,
}

impl Seen<'_> {
    async fn ask(&self, asker: &Asker, operation: Operation) -> (Operation, Answered) {
        let answer = match (operation, self.group, self.balancer, self.listener) {
            (Operation::DescribeTargetGroups, ..) => Some(self.groups.clone()),
            (Operation::DescribeListeners, ..) => self.listeners.clone(),
            (Operation::DescribeTargetHealth, Some(arn), ..) => {
                let client = asker.own_client().await;
                Some(client.targets(arn, asker.clock.now()).await.map(|_| ()))
            }
            (Operation::DescribeTargetGroupAttributes, Some(arn), ..) => {
                Some(asker.own_client().await.attributes(arn).await.map(|_| ()))
            }
            (Operation::DescribeTags, Some(arn), ..) => {
                Some(asker.own_client().await.tags(std::slice::from_ref(arn)).await.map(|_| ()))
            }
            (Operation::DescribeLoadBalancers, _, Some(arn), _) => {
                Some(asker.own_client().await.load_balancers(std::slice::from_ref(arn)).await.map(|_| ()))
            }
            (Operation::DescribeLoadBalancerAttributes, _, Some(arn), _) => {
                Some(asker.own_client().await.cross_zone(arn).await.map(|_| ()))
            }
            (Operation::DescribeRules, _, _, Some(arn)) => {
                Some(asker.own_client().await.rules(arn, None).await.map(|_| ()))
            }
            (operation, ..) => match part(operation) {
                Some(part) => Some(asker.try_network(part).await),
                None => None,
            },
        };
        (operation, answer)
    }
}
