//! The tasks that look: watches of Kubernetes, the pace of AWS. They own nothing but their connections; all
//! they learn goes down one channel.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::Stream;
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ask::Asker;
use super::connection::Connection;
use super::connection::Scope;
use super::poll;
use super::teller::Observed;
use super::teller::Teller;
use crate::aws::Meter;
use crate::aws::Session;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::follow::Follow;
use crate::domain::plan::permissions;
use crate::kubernetes::Access;
use crate::kubernetes::Cluster;

/// What the AWS side turned out to be, once its configuration was read.
#[derive(Clone, Debug)]
pub struct AwsSide {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub(super) meter: Meter,
}

impl AwsSide {
    /// Calls sent so far, attempts included.
    pub(crate) fn calls(&self) -> u64 {
        self.meter.total()
    }
}

/// Milliseconds between two looks for the kind of binding, while the cluster serves none.
const DISCOVERY: i64 = 30_000;
/// Milliseconds between two looks at the controller's own objects.
const SIGNS: i64 = 10_000;

/// How long an answer about permissions is good.
const PERMISSIONS: Duration = Duration::from_mins(5);

/// Seconds between two questions whether the server is still there.
const HEARTBEAT: Duration = Duration::from_secs(8);

/// Kinds watched in the namespaces of the scope.
pub(super) const SCOPED: [Kind; 7] = [
    Kind::Services,
    Kind::Slices,
    Kind::Pods,
    Kind::Workloads(WorkloadKind::Deployment),
    Kind::Workloads(WorkloadKind::StatefulSet),
    Kind::Workloads(WorkloadKind::DaemonSet),
    Kind::Workloads(WorkloadKind::Rollout),
];

/// Kinds watched in the namespace of the open board.
const ON_BOARDS: [Kind; 3] = [
    Kind::Events,
    Kind::Guarding(GuardingKind::NetworkPolicy),
    Kind::Guarding(GuardingKind::DisruptionBudget),
];

/// Starts looking. Dropping the returned set ends all of it.
pub fn observe(
    connection: Connection,
    scope: &Scope,
    follow: &watch::Receiver<Follow>,
    changes: &mpsc::Sender<Observed>,
    aws: tokio::sync::oneshot::Sender<AwsSide>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let changes = Teller::new(changes.clone(), connection.clock);
    for access in connection.clusters {
        tasks.spawn(cluster(access, scope.clone(), follow.clone(), changes.clone()));
    }
    let follow = follow.clone();
    let (settings, budget) = (connection.aws, connection.budget);
    tasks.spawn(async move {
        let session = Session::open(settings).await.taking(budget.turns());
        let side = AwsSide {
            endpoint: session.endpoint(),
            region: session.region(),
            profile: session.profile().map(str::to_owned),
            meter: session.meter().clone(),
        };
        // Nobody may be interested; that ends nothing.
        _ = aws.send(side);
        let asker =
            Asker { session, buckets: budget, patient: false, clock: changes.clock.clone(), reading: None };
        poll::poll(asker, follow, changes).await;
    });
    tasks
}

/// Connects, for as long as it takes, and watches.
async fn cluster(access: Access, scope: Scope, follow: watch::Receiver<Follow>, changes: Teller) {
    let id = access.id.clone();
    let mut wait = Duration::from_secs(1);
    let cluster = loop {
        match access.clone().connect().await {
            Ok(cluster) => break cluster,
            Err(failure) => {
                tracing::warn!(%failure, "not connected");
                if !fail(&changes, &id, &failure).await {
                    return;
                }
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(30));
    };
    loop {
        let mut tasks = JoinSet::new();
        for kind in SCOPED {
            tasks.spawn(forward(cluster.watch(kind, scope.namespace.clone()), changes.clone()));
        }
        tasks.spawn(forward(cluster.watch(Kind::Nodes, None), changes.clone()));
        tasks.spawn(bindings(cluster.clone(), scope.clone(), changes.clone()));
        tasks.spawn(on_demand(cluster.clone(), follow.clone(), changes.clone()));
        let failure = tokio::select! {
            silence = silence(&cluster) => silence,
            error = broken(&mut tasks) => error,
        };
        tracing::warn!(%failure, "the watches are started anew");
        if !fail(&changes, &id, &failure).await {
            return;
        }
        drop(tasks);
        // Started anew once the server answers again: each list then tells that its side is alive.
        while cluster.ping().await.is_err() {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

/// Ends when the server has not answered twice in a row: a watch alone says nothing for minutes where the
/// server hangs or the way to it is gone.
async fn silence(cluster: &Cluster) -> Failure {
    let mut missed = 0;
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match cluster.ping().await {
            Ok(()) => missed = 0,
            Err(failure) if missed > 0 => return failure,
            Err(_) => missed += 1,
        }
    }
}

/// Ends when a task ended badly; where they all end well, nobody listens any more.
async fn broken(tasks: &mut JoinSet<()>) -> Failure {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a watch ended badly");
            break;
        }
    }
    Failure::new("watch", ErrorKind::Other, "an internal error ended a watch; see the log")
}

/// Tells that a whole cluster cannot be read. False: nobody listens any more.
async fn fail(changes: &Teller, id: &ClusterId, failure: &Failure) -> bool {
    let more = [Kind::Nodes, Kind::Controller, Kind::Bindings(BindingApi::LoadBalancerController)];
    for kind in SCOPED.into_iter().chain(more) {
        let change = Observation::Failed(Source::Kubernetes(id.clone(), kind), failure.clone());
        if !changes.tell(change).await {
            return false;
        }
    }
    true
}

/// Changes a stream of changes on until either end is gone.
async fn forward(stream: impl Stream<Item = Observation>, changes: Teller) {
    let mut stream = std::pin::pin!(stream);
    while let Some(change) = stream.next().await {
        if !changes.tell(change).await {
            return;
        }
    }
}

/// Both kinds of binding, once the cluster serves them, and the controller's own objects now and then.
async fn bindings(cluster: Cluster, scope: Scope, changes: Teller) {
    let mut tasks = JoinSet::new();
    let mut watched: Vec<BindingApi> = Vec::new();
    loop {
        let mut wait = SIGNS;
        match cluster.served_bindings().await {
            Ok(served) => {
                let new: Vec<BindingApi> =
                    served.iter().filter(|it| !watched.contains(it)).copied().collect();
                for api in &new {
                    let source = Source::Kubernetes(cluster.id().clone(), Kind::Bindings(*api));
                    let change = Observation::Awaited(source);
                    if !changes.tell(change).await {
                        return;
                    }
                }
                for api in &new {
                    tasks.spawn(bindings_of(cluster.clone(), *api, scope.clone(), changes.clone()));
                }
                if served.is_empty() && watched.is_empty() {
                    // An empty list says that there are none; the signs say that there is no such kind.
                    let kind = Kind::Bindings(BindingApi::LoadBalancerController);
                    let change = Observation::Listed {
                        cluster: cluster.id().clone(),
                        kind,
                        namespace: None,
                        objects: Vec::new(),
                    };
                    if !changes.tell(change).await {
                        return;
                    }
                    wait = DISCOVERY;
                }
                watched.extend(new);
                let change = cluster.controller_signs(&served).await;
                if !changes.tell(change).await {
                    return;
                }
            }
            Err(failure) => {
                tracing::warn!(%failure, "bindings cannot be discovered");
                if watched.is_empty() {
                    let kind = Kind::Bindings(BindingApi::LoadBalancerController);
                    let change = Observation::Failed(Source::Kubernetes(cluster.id().clone(), kind), failure);
                    if !changes.tell(change).await {
                        return;
                    }
                    wait = 5_000;
                }
            }
        }
        tokio::time::sleep(changes.clock.wait(wait)).await;
    }
}

/// Bindings of all namespaces, so that none can hide on a group; where that is not permitted, the scope's.
async fn bindings_of(cluster: Cluster, api: BindingApi, scope: Scope, changes: Teller) {
    let kind = Kind::Bindings(api);
    let mut all = std::pin::pin!(cluster.watch(kind, None));
    while let Some(change) = all.next().await {
        let denied = matches!(&change, Observation::Failed(_, failure) if failure.kind == ErrorKind::Denied);
        if let (true, Some(namespace)) = (denied, &scope.namespace) {
            return forward(cluster.watch(kind, Some(namespace.clone())), changes).await;
        }
        if !changes.tell(change).await {
            return;
        }
    }
}

/// What we may do in a namespace, and whether its pods get readiness gates, asked now and every few minutes.
async fn permissions(cluster: Cluster, namespace: Option<String>, changes: Teller) {
    loop {
        let verbs = permissions::of_changes()
            .map(|(need, verb)| (verb, namespace.clone().filter(|_| !need.cluster), None));
        let allowed = cluster.allowed(verbs.collect()).await;
        let change =
            Observation::Permitted { cluster: cluster.id().clone(), namespace: namespace.clone(), allowed };
        if !changes.tell(change).await {
            return;
        }
        let gated = match &namespace {
            Some(namespace) => cluster.gated(namespace).await,
            None => None,
        };
        if let Some(change) = gated
            && !changes.tell(change).await
        {
            return;
        }
        tokio::time::sleep(PERMISSIONS).await;
    }
}

/// What only some boards need: events of their namespace, ConfigMaps of multi-cluster bindings.
async fn on_demand(cluster: Cluster, mut follow: watch::Receiver<Follow>, changes: Teller) {
    let mut events: Option<(String, JoinSet<()>)> = None;
    let mut permitted: Option<(Option<String>, JoinSet<()>)> = None;
    let mut ledgers: BTreeMap<BindingRef, JoinSet<()>> = BTreeMap::new();
    loop {
        let wish = follow.borrow_and_update().clone();
        if events.as_ref().map(|it| &it.0) != wish.events.as_ref() {
            events = wish.events.map(|namespace| {
                let mut task = JoinSet::new();
                for kind in ON_BOARDS {
                    task.spawn(forward(cluster.watch(kind, Some(namespace.clone())), changes.clone()));
                }
                (namespace, task)
            });
        }
        if permitted.as_ref().map(|it| &it.0) != Some(&wish.permissions) {
            let mut task = JoinSet::new();
            task.spawn(permissions(cluster.clone(), wish.permissions.clone(), changes.clone()));
            permitted = Some((wish.permissions.clone(), task));
        }
        let ours = |it: &BindingRef| it.cluster == *cluster.id();
        ledgers.retain(|reference, _| wish.ledgers.contains(reference));
        for reference in wish.ledgers.into_iter().filter(ours) {
            ledgers.entry(reference.clone()).or_insert_with(|| {
                let mut task = JoinSet::new();
                task.spawn(forward(cluster.watch_ledger(reference.ledger()), changes.clone()));
                task
            });
        }
        if follow.changed().await.is_err() {
            return;
        }
    }
}
