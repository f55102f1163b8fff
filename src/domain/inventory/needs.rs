//! What has to be asked of AWS for what is followed, given what is known: pure, the only place that knows what a verdict
//! rests on. Says what, by whose identity, how long an answer is good and how urgent it is; when it is asked, and what
//! goes into one call, is the pace's.

mod network;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use self::network::Side;
use super::Gone;
use super::Inventory;
use super::Source;
use super::follow::Again;
use super::follow::Follow;
use super::follow::Role;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;

/// One thing that can be asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// Who we are.
    Caller,
    /// The targets of a group with their health.
    Health(TargetGroupArn),
    /// A group itself: type, check, the load balancers it hangs on.
    Group(TargetGroupArn),
    Attributes(TargetGroupArn),
    Tags(TargetGroupArn),
    LoadBalancer(LoadBalancerArn),
    /// The own setting of a network load balancer.
    CrossZone(LoadBalancerArn),
    Listeners(LoadBalancerArn),
    Rules(LoadBalancerArn, ListenerArn),
    /// All groups of the configured region.
    Discovery,
    /// What lets packets through on the way to a target.
    Network(NetworkPart),
    /// Tags of a load balancer or rule.
    Marks(Arc<str>),
}

/// By whom and where it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    /// `None`: our own, not known yet.
    pub(crate) account: Option<String>,
    /// `None`: the configured one.
    pub(crate) region: Option<String>,
    pub(crate) role: Option<Role>,
}

/// Why it is asked, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// The health of the open board.
    Board,
    /// What else its verdict rests on.
    BoardSettings,
    /// The first look at a group of a list that is on show, or of which Kubernetes says that something is wrong.
    First,
    /// The first look at any other.
    Listed,
    /// What else the verdicts of a list rest on.
    Settings,
    /// A later look at a group of a list.
    Sweep,
}

/// One thing worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) topic: Topic,
    pub(crate) identity: Identity,
    /// Milliseconds for which an answer is good.
    pub(crate) good_for: i64,
    pub(crate) urgency: Urgency,
}

/// Milliseconds between two looks at the board's group, moving and still.
const MOVING: i64 = 2_000;
const STILL: i64 = 5_000;
/// Milliseconds between two looks at a listed group.
const SWEEP: i64 = 30_000;
/// The same while the Kubernetes side is newer than the health, and for how many groups at a time: the others have to be
/// read too.
const OUTDATED: i64 = 4_000;
const OUTDATED_AT_A_TIME: usize = 4;
/// Milliseconds for which settings and routes are good: of the board's group, and of listed ones.
const SETTINGS: i64 = 60_000;
const LISTED_SETTINGS: i64 = 600_000;
/// The same of what lets packets through, while somebody looks at it.
const NETWORK: i64 = 30_000;
/// Who we are does not change while we look.
const FOR_EVER: i64 = u32::MAX as i64;
/// Most groups whose tags are asked for to find this cluster's.
pub(crate) const TAGGED: usize = 200;

/// Everything worth knowing for what is followed, each thing once, most urgent first.
pub(crate) fn needs(inventory: &Inventory, follow: &Follow) -> Vec<Need> {
    if follow.frozen {
        return Vec::new();
    }
    let mut needs = Needs { inventory, follow, roles: BTreeMap::new(), found: Vec::new() };
    needs.board();
    if !follow.lean {
        needs.add(Topic::Caller, Identity::default(), FOR_EVER, Urgency::BoardSettings);
    }
    needs.list();
    if follow.discover && !follow.lean {
        needs.add(Topic::Discovery, Identity::default(), LISTED_SETTINGS, Urgency::Settings);
    }
    needs.tags();
    needs.paths();
    needs.marks();
    let mut found = needs.found;
    found.sort_by_key(|it| it.urgency);
    let mut seen = BTreeSet::new();
    found.retain(|it| seen.insert(it.topic.clone()));
    found
}

struct Needs<'a> {
    inventory: &'a Inventory,
    follow: &'a Follow,
    /// By which role each load balancer is read: that of a group that hangs on it, none before any.
    roles: BTreeMap<LoadBalancerArn, Option<Role>>,
    found: Vec<Need>,
}

impl Needs<'_> {
    fn add(&mut self, topic: Topic, identity: Identity, good_for: i64, urgency: Urgency) {
        self.found.push(Need { topic, identity, good_for, urgency });
    }

    fn of_group(&self, arn: &TargetGroupArn) -> Identity {
        Identity {
            account: Some(arn.account().to_owned()),
            region: Some(arn.region().to_owned()),
            role: self.follow.roles.get(arn).cloned(),
        }
    }

    fn of_load_balancer(&self, arn: &LoadBalancerArn) -> Identity {
        Identity {
            account: Some(arn.account().to_owned()),
            region: Some(arn.region().to_owned()),
            role: self.roles.get(arn).cloned().flatten(),
        }
    }

    fn board(&mut self) {
        let Some(focus) = &self.follow.focus else { return };
        let every = if self.follow.moving { MOVING } else { STILL };
        self.add(Topic::Health(focus.clone()), self.of_group(focus), every, Urgency::Board);
        if self.follow.lean {
            return;
        }
        self.add(Topic::Group(focus.clone()), self.of_group(focus), SETTINGS, Urgency::BoardSettings);
        // A plan asks how many healthy targets the group wants; routes may be long.
        if !self.is_gone(focus) {
            let topic = Topic::Attributes(focus.clone());
            self.add(topic, self.of_group(focus), SETTINGS, Urgency::BoardSettings);
        }
        self.routes(&[focus], SETTINGS, Urgency::BoardSettings);
        self.siblings(&[focus], Urgency::BoardSettings);
    }

    /// Of groups of which nothing is healthy: the groups that requests could go to instead.
    fn siblings(&mut self, groups: &[&TargetGroupArn], urgency: Urgency) {
        let serves = |it: &Targets| it.targets.iter().any(|it| it.health.state == HealthState::Healthy);
        let targets = |arn: &TargetGroupArn| self.inventory.groups.get(arn)?.targets.as_ref();
        let down: BTreeSet<&TargetGroupArn> =
            groups.iter().copied().filter(|it| !targets(it).is_none_or(serves)).collect();
        if down.is_empty() {
            return;
        }
        let rules = self.inventory.routes.values().flatten().flat_map(|it| &it.rules);
        let shared =
            rules.filter(|it| it.forwards.len() > 1 && it.forwards.iter().any(|it| down.contains(&it.group)));
        // Those of the list are read anyway, each in its turn.
        let is_read = |it: &TargetGroupArn| {
            down.contains(it) || (urgency == Urgency::Settings && self.follow.listed.contains(it))
        };
        let others = shared.flat_map(|it| &it.forwards).map(|it| &it.group).filter(|it| !is_read(it));
        let others: BTreeSet<TargetGroupArn> = others.cloned().collect();
        for it in others {
            let identity = self.of_group(&it);
            self.add(Topic::Group(it.clone()), identity.clone(), LISTED_SETTINGS, urgency);
            self.add(Topic::Health(it), identity, SWEEP, urgency);
        }
    }

    /// Groups of the list, most wanted first, each with the urgency of its first look.
    fn order(&self) -> Vec<(&TargetGroupArn, Urgency)> {
        let listed = &self.follow.listed;
        let first: Vec<&TargetGroupArn> = self.follow.first.iter().filter_map(|it| listed.get(it)).collect();
        let is_first: BTreeSet<&TargetGroupArn> = first.iter().copied().collect();
        let rest = listed.iter().filter(|it| !is_first.contains(it)).map(|it| (it, Urgency::Listed));
        first.into_iter().map(|it| (it, Urgency::First)).chain(rest).collect()
    }

    fn list(&mut self) {
        let order: Vec<(TargetGroupArn, Urgency)> =
            self.order().into_iter().map(|(arn, urgency)| (arn.clone(), urgency)).collect();
        let outdated = order.iter().map(|it| &it.0).filter(|it| self.follow.outdated.contains(it));
        let outdated: BTreeSet<&TargetGroupArn> = outdated.take(OUTDATED_AT_A_TIME).collect();
        for (arn, urgency) in &order {
            let identity = self.of_group(arn);
            if !self.follow.lean {
                self.add(Topic::Group(arn.clone()), identity.clone(), LISTED_SETTINGS, *urgency);
            }
            let (every, urgency) = match outdated.contains(arn) {
                true => (OUTDATED, Urgency::First),
                false => (SWEEP, self.of_look(arn, *urgency)),
            };
            self.add(Topic::Health(arn.clone()), identity, every, urgency);
        }
        if self.follow.lean {
            return;
        }
        let arns: Vec<&TargetGroupArn> = order.iter().map(|it| &it.0).collect();
        self.routes(&arns, LISTED_SETTINGS, Urgency::Settings);
        self.siblings(&arns, Urgency::Settings);
        // Settings of a listed group decide about fail-open alone, and that about nothing while all is healthy.
        for arn in arns {
            if !self.is_gone(arn) && (self.follow.thorough || self.has_unhealthy(arn)) {
                let topic = Topic::Attributes(arn.clone());
                self.add(topic, self.of_group(arn), LISTED_SETTINGS, Urgency::Settings);
            }
        }
    }

    /// The first look at a group is more urgent than those after it, and so is one that was asked for by name.
    fn of_look(&self, arn: &TargetGroupArn, first: Urgency) -> Urgency {
        let again = self.follow.again.contains_key(&Again::Health(arn.clone()));
        match self.inventory.freshness(&Source::Targets(arn.clone())) {
            Some(_) if again => Urgency::First,
            Some(_) => Urgency::Sweep,
            None => first,
        }
    }

    fn is_gone(&self, arn: &TargetGroupArn) -> bool {
        self.inventory.is_gone(arn)
    }

    fn has_unhealthy(&self, arn: &TargetGroupArn) -> bool {
        let targets = self.inventory.groups.get(arn).and_then(|it| it.targets.as_ref());
        targets.is_some_and(|it| it.targets.iter().any(|it| it.health.state != HealthState::Healthy))
    }

    /// The load balancers that some groups hang on, and everything that leads from there.
    fn routes(&mut self, groups: &[&TargetGroupArn], good_for: i64, urgency: Urgency) {
        let mut hangs_on: Vec<LoadBalancerArn> = Vec::new();
        let mut seen = BTreeSet::new();
        for arn in groups {
            let group = self.inventory.groups.get(*arn).and_then(|it| it.group.as_ref());
            let role = self.follow.roles.get(*arn).cloned();
            for it in group.into_iter().flat_map(|it| &it.load_balancers) {
                let known = self.roles.entry(it.clone()).or_insert_with(|| role.clone());
                if role < *known {
                    known.clone_from(&role);
                }
                if seen.insert(it) {
                    hangs_on.push(it.clone());
                }
            }
        }
        let is_gone = |it: &LoadBalancerArn| self.inventory.gone.contains(&Gone::LoadBalancer(it.clone()));
        let (gone, hangs_on): (Vec<_>, Vec<_>) = hangs_on.into_iter().partition(is_gone);
        // What is gone is asked for now and then, and nothing about it.
        for arn in hangs_on.iter().chain(&gone) {
            let topic = Topic::LoadBalancer(arn.clone());
            self.add(topic, self.of_load_balancer(arn), good_for, urgency);
        }
        for arn in hangs_on {
            let (identity, kind) = (self.of_load_balancer(&arn), self.inventory.kind_of(&arn));
            if kind == LoadBalancerKind::Network && self.inventory.load_balancers.contains_key(&arn) {
                self.add(Topic::CrossZone(arn.clone()), identity.clone(), good_for, urgency);
            }
            self.add(Topic::Listeners(arn.clone()), identity.clone(), good_for, urgency);
            let listeners = self.inventory.heard.get(&arn).filter(|_| self.inventory.has_rules(&arn));
            for it in listeners.into_iter().flatten() {
                let topic = Topic::Rules(arn.clone(), it.listener.arn.clone());
                self.add(topic, identity.clone(), good_for, urgency);
            }
        }
    }

    /// Tags of load balancers and rules that somebody looks at.
    fn marks(&mut self) {
        for arn in &self.follow.marks {
            let part = |n: usize| arn.split(':').nth(n).map(str::to_owned);
            // The load balancer of a rule is whose both are.
            let of = self.roles.iter().find(|(it, _)| {
                let path = it.as_str().split_once(":loadbalancer/").map_or("", |it| it.1);
                !path.is_empty() && arn.contains(path)
            });
            let role = of.and_then(|it| it.1.clone());
            let identity = Identity { account: part(4), region: part(3), role };
            self.add(Topic::Marks(arn.clone()), identity, LISTED_SETTINGS, Urgency::Settings);
        }
    }

    /// What lets packets through on the way to targets that somebody looks at.
    fn paths(&mut self) {
        for path in &self.follow.paths {
            let group = self.inventory.groups.get(&path.group).and_then(|it| it.group.as_ref());
            let hangs_on = group.into_iter().flat_map(|it| &it.load_balancers);
            let load_balancers: Vec<_> =
                hangs_on.filter_map(|it| self.inventory.load_balancers.get(it)).collect();
            for (part, side) in network::parts(&self.inventory.network, path, &load_balancers) {
                let identity = match side {
                    Side::Target => {
                        Identity { region: Some(path.group.region().to_owned()), ..Identity::default() }
                    }
                    Side::LoadBalancer(arn) => Identity {
                        account: Some(arn.account().to_owned()),
                        region: Some(arn.region().to_owned()),
                        role: self.follow.roles.get(&path.group).cloned(),
                    },
                };
                self.add(Topic::Network(part), identity, NETWORK, Urgency::BoardSettings);
            }
        }
    }

    /// Tags of the groups a plan may be made about, and of groups that may be this cluster's.
    fn tags(&mut self) {
        let mut wanted: Vec<TargetGroupArn> = Vec::new();
        if !self.follow.lean {
            wanted.extend(self.follow.focus.clone());
        }
        if self.follow.thorough && !self.follow.lean {
            wanted.extend(self.follow.listed.iter().cloned());
        }
        if self.follow.tags && !self.follow.lean {
            let candidates = self.inventory.groups.keys().filter(|it| !self.follow.named.contains(it));
            // Those that are listed already are read for the sake of plans, after those that may have to be listed.
            let (listed, others): (Vec<_>, Vec<_>) =
                candidates.partition(|it| self.follow.listed.contains(it));
            wanted.extend(others.into_iter().chain(listed).take(TAGGED).cloned());
        }
        for arn in wanted {
            if !self.is_gone(&arn) {
                self.add(Topic::Tags(arn.clone()), self.of_group(&arn), LISTED_SETTINGS, Urgency::Settings);
            }
        }
    }
}

#[cfg(test)]
mod tests;
