//! Both sides read once, for commands that look and leave: lists, no watches; health per group.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream;

use super::clock::Clock;
use super::connection::Connection;
use super::connection::Scope;
use super::link::Linked;
use super::observe::SCOPED;
use super::pace::Ask;
use super::pace::TAGGED;
use super::poll::AT_A_TIME;
use super::poll::Asker;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::unbound;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::plan::act::Role;
use crate::kubernetes::Cluster;

/// What is wanted beside the bindings of the scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extra {
    /// Groups no binding names are looked for.
    pub(super) discover: bool,
    /// Groups to read whether a binding names them or not.
    pub(super) groups: Vec<TargetGroupArn>,
    /// Groups to find by name first.
    pub(super) named: Vec<String>,
    /// Everything a plan tells of is read: settings, tags, what guards pods.
    pub(super) thorough: bool,
    /// Of AWS only the health of targets is asked for: something is read back.
    pub(super) lean: bool,
    /// Only what this may point at is asked for.
    pub(super) only: Option<ScopeTarget>,
}

/// Reads everything of a scope. What cannot be read stands in the inventory as a failure of its source.
pub(super) async fn snapshot(connection: Connection, scope: &Scope, wish: Extra) -> Inventory {
    Linked::open(connection).await.read(scope, wish).await
}

impl Linked {
    /// Reads everything of a scope, now.
    pub(super) async fn read(&self, scope: &Scope, wish: Extra) -> Inventory {
        let mut inventory = Inventory::default();
        // Not by closures: a task could not be made of futures that borrow from what they are given.
        let mut clusters = Vec::new();
        for it in &self.clusters {
            clusters.push(cluster(it, scope, &wish, &self.asker.clock));
        }
        for change in futures::future::join_all(clusters).await.into_iter().flatten() {
            inventory.apply(change, self.asker.clock.now());
        }
        aws(&self.asker, &mut inventory, scope, wish).await;
        inventory
    }
}

impl Linked {
    /// The targets of one group alone.
    pub(super) async fn targets(&self, group: &TargetGroupArn, role: &Role) -> Inventory {
        let mut inventory = Inventory::default();
        let roles = role.iter().map(|it| (group.clone(), it.clone())).collect();
        let change = self.asker.targets(group, &roles).await;
        inventory.apply(change, self.asker.clock.now());
        inventory
    }
}

async fn cluster(
    (id, connected): &(ClusterId, Result<Cluster, Failure>),
    scope: &Scope,
    wish: &Extra,
    clock: &Clock,
) -> Vec<Observation> {
    let cluster = match connected {
        Ok(cluster) => cluster,
        Err(failure) => {
            let kinds = [
                Kind::Services,
                Kind::Slices,
                Kind::Pods,
                Kind::Bindings(BindingApi::LoadBalancerController),
            ];
            return kinds
                .map(|kind| Observation::Failed(Source::Kubernetes(id.clone(), kind), failure.clone()))
                .into();
        }
    };
    let namespace = scope.namespace.as_deref();
    let guarding = [GuardingKind::NetworkPolicy, GuardingKind::DisruptionBudget]
        .map(|it| (Kind::Guarding(it), namespace));
    let kinds = SCOPED.into_iter().map(|kind| (kind, namespace)).chain([(Kind::Nodes, None)]);
    let kinds = kinds.chain(guarding.into_iter().filter(|_| wish.thorough));
    let lists = kinds.map(|(kind, namespace)| list(cluster, kind, namespace));
    let named = wish.only.as_ref().and_then(|it| it.namespace.as_deref()).or(namespace);
    let gated = async {
        match named.filter(|_| wish.thorough) {
            Some(namespace) => cluster.gated(namespace).await,
            None => None,
        }
    };
    let (lists, bindings, gated) =
        tokio::join!(futures::future::join_all(lists), bindings(cluster, scope, clock), gated);
    lists.into_iter().flatten().chain(bindings).chain(gated).collect()
}

async fn list(cluster: &Cluster, kind: Kind, namespace: Option<&str>) -> Vec<Observation> {
    match cluster.list(kind, namespace).await {
        Ok(changes) => changes,
        Err(failure) => vec![Observation::Failed(Source::Kubernetes(cluster.id().clone(), kind), failure)],
    }
}

async fn bindings(cluster: &Cluster, scope: &Scope, clock: &Clock) -> Vec<Observation> {
    let fallback = Kind::Bindings(BindingApi::LoadBalancerController);
    let served = match cluster.served_bindings().await {
        Ok(served) => served,
        Err(failure) => {
            return vec![Observation::Failed(Source::Kubernetes(cluster.id().clone(), fallback), failure)];
        }
    };
    if served.is_empty() {
        let failure =
            Failure::new("discover TargetGroupBinding", ErrorKind::NotFound, "the cluster has no such kind")
                .with_hint("the AWS Load Balancer Controller's custom resources are not installed");
        return vec![
            Observation::Failed(Source::Kubernetes(cluster.id().clone(), fallback), failure),
            cluster.controller_signs(&served).await,
        ];
    }
    let mut changes = Vec::new();
    for api in &served {
        let kind = Kind::Bindings(*api);
        let all = list(cluster, kind, None).await;
        let denied = |it: &Observation| matches!(it, Observation::Failed(_, failure) if failure.kind == ErrorKind::Denied);
        match (&scope.namespace, all.iter().any(denied)) {
            (Some(namespace), true) => changes.extend(list(cluster, kind, Some(namespace)).await),
            _ => changes.extend(all),
        }
    }
    let mut known = Inventory::default();
    for change in &changes {
        known.apply(change.clone(), clock.now());
    }
    for (reference, _) in
        known.bindings().filter(|(it, binding)| binding.multi_cluster && scope.covers(&it.namespace))
    {
        changes.push(cluster.ledger(&reference.ledger()).await.unwrap_or_else(|failure| {
            Observation::Failed(Source::Kubernetes(cluster.id().clone(), Kind::Ledgers), failure)
        }));
    }
    changes.push(cluster.controller_signs(&served).await);
    changes
}

/// Groups, health, what verdicts need of settings and routes, and who we are.
async fn aws(asker: &Asker, inventory: &mut Inventory, scope: &Scope, wish: Extra) {
    let mut groups: BTreeSet<TargetGroupArn> = wish.groups.iter().cloned().collect();
    let mut roles = BTreeMap::new();
    let wanted = |reference: &BindingRef, binding: &Binding| {
        scope.covers(&reference.namespace)
            && wish.only.as_ref().is_none_or(|it| it.may_select(reference, binding))
    };
    for (reference, binding) in inventory.bindings().filter(|(it, binding)| wanted(it, binding)) {
        let Some(group) = &binding.group else { continue };
        groups.insert(group.clone());
        if let Some(role) = &binding.assume_role {
            roles.insert(group.clone(), (role.clone(), binding.external_id.clone()));
        }
        tracing::debug!(binding = %reference, %group, "in scope");
    }
    for name in &wish.named {
        match asker.named(name).await {
            Ok(found) => groups.extend(found.map(|it| it.arn)),
            Err(failure) => {
                _ = inventory.apply(Observation::Failed(Source::Groups, failure), asker.clock.now())
            }
        }
    }
    if wish.lean {
        let targets = groups.into_iter().map(Ask::Targets).collect();
        return ask(asker, inventory, targets, &roles).await;
    }
    let mut first = vec![Ask::Caller];
    let all: Vec<TargetGroupArn> = groups.iter().cloned().collect();
    first.extend(all.chunks(crate::aws::AT_ONCE).map(|it| Ask::Groups(it.to_vec())));
    first.extend(groups.iter().cloned().map(Ask::Targets));
    if wish.discover {
        first.push(Ask::Discover);
    }
    ask(asker, inventory, first, &roles).await;
    let unhealthy = |arn: &&TargetGroupArn| {
        let targets = inventory.groups.get(*arn).and_then(|it| it.targets.as_ref());
        targets.is_some_and(|it| it.targets.iter().any(|it| it.health.state != HealthState::Healthy))
    };
    let mut second: Vec<Ask> =
        groups.iter().filter(|it| wish.thorough || unhealthy(it)).cloned().map(Ask::Attributes).collect();
    if wish.thorough {
        second.extend(all.chunks(TAGGED).map(|it| Ask::Tags(it.to_vec())));
    }
    let hangs_on: BTreeSet<LoadBalancerArn> = groups
        .iter()
        .filter_map(|it| inventory.groups.get(it)?.group.as_ref())
        .flat_map(|it| it.load_balancers.iter().cloned())
        .collect();
    let hangs_on: Vec<LoadBalancerArn> = hangs_on.into_iter().collect();
    second.extend(hangs_on.chunks(crate::aws::AT_ONCE).map(|it| Ask::LoadBalancers(it.to_vec())));
    if wish.discover && unbound::cluster_names(inventory).next().is_some() {
        let candidates: Vec<TargetGroupArn> = unbound::unnamed(inventory).take(TAGGED).collect();
        second.extend(candidates.chunks(crate::aws::AT_ONCE).map(|it| Ask::Tags(it.to_vec())));
    }
    ask(asker, inventory, second, &roles).await;
    let mut third: Vec<Ask> = hangs_on.into_iter().map(Ask::Routes).collect();
    let found: Vec<TargetGroupArn> = unbound::groups(inventory).filter(|it| !groups.contains(it)).collect();
    third.extend(found.into_iter().map(Ask::Targets));
    ask(asker, inventory, third, &roles).await;
}

async fn ask(
    asker: &Asker,
    inventory: &mut Inventory,
    asks: Vec<Ask>,
    roles: &BTreeMap<TargetGroupArn, (String, Option<String>)>,
) {
    let kinds: BTreeMap<_, _> =
        inventory.load_balancers.values().map(|it| (it.arn.clone(), it.kind)).collect();
    let mut calls = Vec::new();
    for it in &asks {
        calls.push(asker.perform(it, roles, &kinds));
    }
    let answers: Vec<Vec<Observation>> = stream::iter(calls).buffer_unordered(AT_A_TIME).collect().await;
    for change in answers.into_iter().flatten() {
        inventory.apply(change, asker.clock.now());
    }
}
