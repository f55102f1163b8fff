//! Connectivity, identity and permissions of both sides, asked once: what `doctor` prints.

use futures::StreamExt;
use futures::stream;

use super::connection::Connection;
use super::connection::Scope;
use super::link::Linked;
use crate::aws::LoadBalancing;
use crate::domain::facts::access::Allowed;
use crate::domain::facts::access::Verb;
use crate::domain::facts::elb::Caller;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ClusterId;
use crate::domain::plan::permissions;

/// One cluster: who we are there and what we may do.
#[derive(Debug)]
pub struct ClusterSide {
    pub id: ClusterId,
    pub user: Result<String, Failure>,
    pub allowed: Allowed,
}

/// The AWS side: where, who, and what each reading call answered.
#[derive(Debug)]
pub struct CloudSide {
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub profile: Option<String>,
    pub caller: Result<Caller, Failure>,
    /// `None`: not asked, because nothing was there to ask about, or because asking would be doing.
    pub answers: Vec<(&'static str, Option<Result<(), Failure>>)>,
}

#[derive(Debug)]
pub struct Examination {
    pub clusters: Vec<ClusterSide>,
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
    let region = session.region();
    let place = region.clone().unwrap_or_else(|| "us-east-1".to_owned());
    let caller = session.caller(&place).await;
    let client = session.client(&place, None).patient();
    let answers = match &caller {
        Ok(_) => reads(&client).await,
        Err(_) => permissions::AWS.iter().map(|it| (it.name, None)).collect(),
    };
    CloudSide {
        endpoint: session.endpoint().map(str::to_owned),
        region,
        profile: session.profile().map(str::to_owned),
        caller,
        answers,
    }
}

/// Each reading call once, on whatever the first page of groups shows.
async fn reads(client: &LoadBalancing) -> Vec<(&'static str, Option<Result<(), Failure>>)> {
    let page = client.page_of_groups(None).await;
    let groups = page.as_ref().map(|it| it.0.clone()).unwrap_or_default();
    let group = groups.iter().find(|it| !it.load_balancers.is_empty()).or(groups.first());
    let balancer = group.and_then(|it| it.load_balancers.first().cloned());
    let listeners = match &balancer {
        Some(arn) => Some(client.listeners(arn).await),
        None => None,
    };
    let listener = listeners.as_ref().and_then(|it| it.as_ref().ok()?.first().map(|it| it.arn.clone()));
    let ask = |name: &'static str| {
        let (page, listeners) = (page.as_ref().map(|_| ()).map_err(Clone::clone), listeners.clone());
        let (group, balancer, listener) =
            (group.map(|it| it.arn.clone()), balancer.clone(), listener.clone());
        async move {
            let answer = match name {
                "DescribeTargetGroups" => Some(page),
                "DescribeListeners" => listeners.map(|it| it.map(|_| ())),
                "DescribeTargetHealth" => match group {
                    Some(arn) => {
                        Some(client.targets(&arn, crate::domain::facts::time::Timestamp(0)).await.map(|_| ()))
                    }
                    None => None,
                },
                "DescribeTargetGroupAttributes" => match group {
                    Some(arn) => Some(client.attributes(&arn).await.map(|_| ())),
                    None => None,
                },
                "DescribeTags" => match group {
                    Some(arn) => Some(client.tags(&[arn]).await.map(|_| ())),
                    None => None,
                },
                "DescribeLoadBalancers" => match balancer {
                    Some(arn) => Some(client.load_balancers(&[arn]).await.map(|_| ())),
                    None => None,
                },
                "DescribeLoadBalancerAttributes" => match balancer {
                    Some(arn) => Some(client.cross_zone(&arn).await.map(|_| ())),
                    None => None,
                },
                "DescribeRules" => match listener {
                    Some(arn) => Some(client.rules(&arn).await.map(|_| ())),
                    None => None,
                },
                _ => None,
            };
            (name, answer)
        }
    };
    let mut asked = Vec::new();
    for it in permissions::AWS {
        asked.push(ask(it.name));
    }
    stream::iter(asked).buffered(2).collect().await
}
