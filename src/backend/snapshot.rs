//! Both sides read once, for commands that look and leave: lists, no watches; health per group.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::ask::Asker;
use super::ask::Reading;
use super::ask::Roles;
use super::ask::Turn;
use super::clock::Clock;
use super::connection::Scope;
use super::link::Linked;
use super::observe::SCOPED;
use super::pace::Pace;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::follow::Follow;
use crate::domain::inventory::needs::needs;
use crate::domain::inventory::network::WantedPath;
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
    /// Only what guards and effects of a step compare is asked for: endpoints, bindings, the health of targets.
    pub(super) lean: bool,
    /// The NetworkPolicies of the scope are read: a network path tells of them.
    pub(super) policies: bool,
    /// Only what this may point at is asked for.
    pub(super) only: Option<ScopeTarget>,
    /// Kubernetes was read before: only what may have changed meanwhile and moves endpoints is listed.
    pub(super) again: bool,
}

impl Linked {
    /// Reads everything of a scope, now.
    pub(super) async fn read(&self, scope: &Scope, wish: Extra) -> Inventory {
        let mut inventory = Inventory::default();
        for change in self.list(scope, &wish).await {
            inventory.apply(change, self.asker.clock.now());
        }
        aws(&self.asker, &mut inventory, scope, wish).await;
        inventory
    }

    /// What the clusters say, now.
    pub(super) async fn list(&self, scope: &Scope, wish: &Extra) -> Vec<Observation> {
        // Not by closures: a task could not be made of futures that borrow from what they are given.
        let mut clusters = Vec::new();
        for it in &self.clusters {
            clusters.push(cluster(it, scope, wish, &self.asker.clock));
        }
        futures::future::join_all(clusters).await.into_iter().flatten().collect()
    }

    /// The health of the targets of some groups once more, and all about those that were not read yet.
    pub(super) async fn ask_again(
        &self,
        inventory: &mut Inventory,
        groups: BTreeSet<TargetGroupArn>,
        (scope, wish): (&Scope, &Extra),
    ) {
        let (roles, thorough) = (roles_of(&wanted(inventory, scope, wish)), wish.thorough);
        let lean = !groups.iter().any(|it| inventory.groups.get(it).is_none_or(|it| it.targets.is_none()));
        let follow = Follow { listed: groups, roles, lean, thorough, ..Follow::default() };
        read(&self.asker, inventory, follow).await;
    }
}

impl Linked {
    /// Who made the load balancers and rules that were read, and the groups they send to.
    pub(super) async fn marks(&self, inventory: &mut Inventory) {
        let rules = inventory.routes.values().flatten().flat_map(|it| &it.rules);
        let rules = rules.filter_map(|it| it.arn.as_ref().map(|it| it.0.clone()));
        let listeners = inventory.routes.values().flatten().map(|it| it.arn.0.clone());
        let own = inventory.load_balancers.keys().map(|it| it.0.clone());
        let marks = own.chain(listeners).chain(rules).collect();
        read(&self.asker, inventory, Follow { marks, lean: true, ..Follow::default() }).await;
    }

    /// What lets packets through on the way to some targets.
    pub(super) async fn paths(
        &self,
        inventory: &mut Inventory,
        paths: BTreeSet<WantedPath>,
        (scope, wish): (&Scope, &Extra),
    ) {
        let roles = roles_of(&wanted(inventory, scope, wish));
        read(&self.asker, inventory, Follow { paths, roles, lean: true, ..Follow::default() }).await;
    }

    /// The targets of one group alone.
    pub(super) async fn targets(&self, group: &TargetGroupArn, role: &Role) -> Inventory {
        self.told(self.asker.targets(group, &roles(group, role)).await)
    }

    /// Seconds for which targets of a group drain. `None`: that could not be read.
    pub(super) async fn deregistration_delay(&self, group: &TargetGroupArn, role: &Role) -> Option<u32> {
        let inventory = self.told(self.asker.attributes(group, &roles(group, role)).await);
        inventory.groups.get(group)?.attributes.as_ref().map(|it| it.deregistration_delay())
    }

    fn told(&self, changes: Vec<Observation>) -> Inventory {
        let mut inventory = Inventory::default();
        for change in changes {
            inventory.apply(change, self.asker.clock.now());
        }
        inventory
    }
}

fn roles(group: &TargetGroupArn, role: &Role) -> Roles {
    role.iter().map(|it| (group.clone(), it.clone())).collect()
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
    let thorough = wish.thorough && !wish.again;
    let compared = |kind: &Kind| !wish.lean || !matches!(kind, Kind::Workloads(_));
    let kinds = SCOPED.into_iter().filter(compared).map(|kind| (kind, namespace));
    let kinds = kinds.chain([(Kind::Nodes, None)]);
    // What the controller said last of each binding.
    let kinds = kinds.chain((!wish.lean && !wish.again).then_some((Kind::Events, namespace)));
    let tells =
        |it: &(Kind, _)| thorough || (wish.policies && it.0 == Kind::Guarding(GuardingKind::NetworkPolicy));
    let kinds = kinds.chain(guarding.into_iter().filter(tells));
    let lists = kinds.map(|(kind, namespace)| list(cluster, kind, namespace));
    let named = wish.only.as_ref().and_then(|it| it.namespace.as_deref()).or(namespace);
    let gated = async {
        match named.filter(|_| thorough) {
            Some(namespace) => cluster.gated(namespace).await,
            None => None,
        }
    };
    let (lists, bindings, gated) =
        tokio::join!(futures::future::join_all(lists), bindings(cluster, scope, wish, clock), gated);
    lists.into_iter().flatten().chain(bindings).chain(gated).collect()
}

async fn list(cluster: &Cluster, kind: Kind, namespace: Option<&str>) -> Vec<Observation> {
    match cluster.list(kind, namespace).await {
        Ok(changes) => changes,
        Err(failure) => vec![Observation::Failed(Source::Kubernetes(cluster.id().clone(), kind), failure)],
    }
}

async fn bindings(cluster: &Cluster, scope: &Scope, wish: &Extra, clock: &Clock) -> Vec<Observation> {
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
    if !wish.lean && !wish.again {
        changes.push(cluster.controller_signs(&served).await);
    }
    changes
}

/// The bindings whose groups are to be read. Where an address, a pod or a node is looked for and Kubernetes says whose it
/// is, only those; where it does not, it may be registered anywhere.
pub(super) fn wanted<'a>(
    inventory: &'a Inventory,
    scope: &Scope,
    wish: &Extra,
) -> Vec<(BindingRef, &'a Binding)> {
    let covered = inventory.bindings().filter(|(it, binding)| {
        scope.covers(&it.namespace) && wish.only.as_ref().is_none_or(|only| only.may_select(it, binding))
    });
    let covered: Vec<(BindingRef, &Binding)> = covered.collect();
    let Some(only) = &wish.only else { return covered };
    let holding: Vec<(BindingRef, &Binding)> =
        covered.iter().filter(|(it, binding)| only.is_held_by(inventory, it, binding)).cloned().collect();
    if holding.is_empty() { covered } else { holding }
}

/// The roles that their groups are asked for with.
fn roles_of(wanted: &[(BindingRef, &Binding)]) -> Roles {
    wanted.iter().filter_map(|(_, it)| it.group.clone().zip(it.role())).collect()
}

/// Everything of AWS that is wanted beside what the clusters say.
async fn aws(asker: &Asker, inventory: &mut Inventory, scope: &Scope, wish: Extra) {
    let mut follow = Follow {
        listed: wish.groups.iter().cloned().collect(),
        discover: wish.discover,
        thorough: wish.thorough,
        lean: wish.lean,
        named: inventory.bindings().filter_map(|(_, it)| it.group.clone()).collect(),
        ..Follow::default()
    };
    let wanted = wanted(inventory, scope, &wish);
    follow.roles = roles_of(&wanted);
    for (reference, binding) in wanted {
        let Some(group) = &binding.group else { continue };
        follow.listed.insert(group.clone());
        tracing::debug!(binding = %reference, %group, "in scope");
    }
    for name in &wish.named {
        match asker.named(name).await {
            Ok(found) => follow.listed.extend(found.map(|it| it.arn)),
            Err(failure) => {
                _ = inventory.apply(Observation::Failed(Source::Groups, failure), asker.clock.now())
            }
        }
    }
    read(asker, inventory, follow).await;
}

/// How far it is, where somebody wants to know.
fn tell(asker: &Asker, inventory: &Inventory, follow: &Follow) {
    let Some(reading) = &asker.reading else { return };
    let asked = |it: &&TargetGroupArn| inventory.freshness(&Source::Targets((*it).clone())).is_some();
    reading.send_replace(Reading {
        read: follow.listed.iter().filter(asked).count(),
        groups: follow.listed.len(),
    });
}

/// Asks until nothing is needed that was not asked for. The whole of it is one moment, so that nothing is asked twice.
async fn read(asker: &Asker, inventory: &mut Inventory, mut follow: Follow) {
    let moment = asker.clock.now();
    let mut pace = Pace::default();
    let mut calls = FuturesUnordered::new();
    loop {
        if follow.discover {
            // Whose they are is only told by what is read meanwhile.
            follow.tags = unbound::cluster_names(inventory).next().is_some();
            follow.listed.extend(unbound::groups(inventory));
        }
        tell(asker, inventory, &follow);
        let wanted = needs(inventory, &follow);
        let budget = loop {
            match asker.turn(&pace, &wanted, moment) {
                Turn::Wait { budget, .. } => break budget,
                Turn::Go(ask) => {
                    pace.start(&ask, moment);
                    calls.push(async move {
                        let answer = asker.perform(&ask).await;
                        (ask, answer)
                    });
                }
            }
        };
        let pause = async {
            match budget {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((ask, answer)) = calls.next() => {
                pace.ended(&ask, answer.outcome);
                for change in answer.changes {
                    pace.learnt(&change, moment);
                    inventory.apply(change, asker.clock.now());
                }
            }
            () = pause, if budget.is_some() => {}
            else => return,
        }
    }
}
