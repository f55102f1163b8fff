//! How requests reach target groups, as a tree: load balancers, listeners, rules in order, what they do, the groups they
//! send to; and what is worth a look in it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::lineage;
use crate::domain::facts::lineage::Maker;
use crate::domain::facts::routing::Step;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::routes::healthy;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::routing;
use crate::domain::judgement::standing::VerdictKind;

/// Which part of everything is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Only rules that lead to one of these groups; empty: every rule.
    pub(crate) groups: BTreeSet<TargetGroupArn>,
    /// Only these load balancers; empty: all that are known.
    pub(crate) load_balancers: BTreeSet<LoadBalancerArn>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) load_balancers: Vec<BalancerNode>,
    /// Groups that bindings or this look name and that no rule sends to.
    pub(crate) unused: Vec<GroupNode>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BalancerNode {
    pub(crate) arn: LoadBalancerArn,
    pub(crate) name: String,
    pub(crate) kind: LoadBalancerKind,
    /// `None`: not read.
    pub(crate) known: Option<LoadBalancer>,
    /// `None`: not read.
    pub(crate) listeners: Option<Vec<ListenerNode>>,
    pub(crate) marks: Vec<BalancerMark>,
    pub(crate) maker: Option<Maker>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BalancerMark {
    /// `provisioning`, `active_impaired`, `failed`.
    State(Arc<str>),
    /// Targets are in this zone, and the load balancer has no subnet there.
    ZoneOff(Arc<str>),
    /// A zonal shift keeps new traffic away from it.
    Shifted(Arc<str>),
    /// It has no healthy target of any group.
    ZoneEmpty(Arc<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenerNode {
    pub(crate) arn: ListenerArn,
    pub(crate) maker: Option<Maker>,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) port: Option<u16>,
    pub(crate) rules: Vec<RuleNode>,
    /// Rules left out because they lead elsewhere.
    pub(crate) others: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleNode {
    pub(crate) rule: Rule,
    pub(crate) groups: Vec<GroupNode>,
    pub(crate) marks: Vec<RuleMark>,
    pub(crate) maker: Option<Maker>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RuleMark {
    /// The rule of this priority takes all of its requests first.
    Shadowed(Arc<str>),
    /// No group it sends to has a registered target.
    Empty,
    /// All of its groups have weight 0.
    Weightless,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupNode {
    pub(crate) arn: TargetGroupArn,
    pub(crate) weight: u32,
    /// Of the rule's requests, in hundredths of a percent; `None`: it is alone, or all weights are 0.
    pub(crate) share: Option<u32>,
    /// Healthy targets and registered ones; `None`: not read.
    pub(crate) counts: Option<(u32, u32)>,
    pub(crate) verdict: Option<VerdictKind>,
    /// The binding that keeps it, where one does.
    pub(crate) binding: Option<BindingRef>,
    pub(crate) maker: Option<Maker>,
    /// It gets requests, and nothing of it is in service.
    pub(crate) weight_for_nothing: bool,
}

/// The tree of what was read. `reports`: the boards there are, for the verdicts of groups.
pub(crate) fn tree<'a>(
    inventory: &Inventory,
    reports: impl IntoIterator<Item = &'a Report>,
    wanted: &Wanted,
) -> Tree {
    let verdicts: BTreeMap<&TargetGroupArn, VerdictKind> =
        reports.into_iter().filter_map(|it| Some((it.group.as_ref()?, it.word()))).collect();
    let builder = Builder { inventory, verdicts };
    let load_balancers: Vec<BalancerNode> =
        load_balancers(inventory, wanted).map(|arn| builder.load_balancer(arn, wanted)).collect();
    let used: BTreeSet<&TargetGroupArn> = inventory
        .routes
        .values()
        .flatten()
        .flat_map(|it| &it.rules)
        .flat_map(|it| &it.forwards)
        .map(|it| &it.group)
        .collect();
    // Whether something leads to a group is only known where all of it was read.
    let is_known = |arn: &TargetGroupArn| {
        let group = inventory.groups.get(arn).and_then(|it| it.group.as_ref());
        group.is_some_and(|it| it.load_balancers.iter().all(|it| inventory.routes.contains_key(it)))
    };
    let named = wanted
        .groups
        .iter()
        .filter(|it| wanted.load_balancers.is_empty() && !used.contains(it) && is_known(it));
    let unused = named.map(|arn| builder.group(&Forward { group: arn.clone(), weight: 0 }, (0, 1))).collect();
    Tree { load_balancers, unused }
}

impl Wanted {
    /// Everything of the load balancers that lead to some groups.
    pub(crate) fn around(inventory: &Inventory, groups: BTreeSet<TargetGroupArn>) -> Self {
        let leading = Self { groups, ..Self::default() };
        let load_balancers = load_balancers(inventory, &leading).cloned().collect();
        Self { load_balancers, ..leading }
    }
}

impl Tree {
    /// Load balancers and rules in it, by ARN: their tags say who made them.
    pub(crate) fn tagged(&self) -> impl Iterator<Item = Arc<str>> {
        let listeners = || self.load_balancers.iter().flat_map(|it| it.listeners.iter().flatten());
        let rules =
            listeners().flat_map(|it| &it.rules).filter_map(|it| Some(it.rule.arn.as_ref()?.0.clone()));
        let own = self.load_balancers.iter().map(|it| it.arn.0.clone());
        own.chain(listeners().map(|it| it.arn.0.clone())).chain(rules)
    }

    /// Every group in it.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &TargetGroupArn> {
        let listeners = self.load_balancers.iter().flat_map(|it| it.listeners.iter().flatten());
        let nodes = listeners.flat_map(|it| &it.rules).flat_map(|it| &it.groups);
        nodes.chain(&self.unused).map(|it| &it.arn)
    }
}

struct Builder<'a> {
    inventory: &'a Inventory,
    verdicts: BTreeMap<&'a TargetGroupArn, VerdictKind>,
}

/// Load balancers that lead to what is wanted, and those that may, since their routes were not read.
fn load_balancers<'a>(
    inventory: &'a Inventory,
    wanted: &'a Wanted,
) -> impl Iterator<Item = &'a LoadBalancerArn> {
    let hangs_on = wanted.groups.iter().filter_map(|it| inventory.groups.get(it)?.group.as_ref());
    let hangs_on: BTreeSet<&LoadBalancerArn> = hangs_on.flat_map(|it| &it.load_balancers).collect();
    let leads = move |arn: &LoadBalancerArn| {
        let rules = inventory.routes.get(arn).into_iter().flatten().flat_map(|it| &it.rules);
        let mut groups = rules.flat_map(|it| &it.forwards).map(|it| &it.group);
        groups.any(|it| wanted.groups.contains(it))
            || (hangs_on.contains(arn) && !inventory.routes.contains_key(arn))
    };
    let all: BTreeSet<&LoadBalancerArn> =
        inventory.load_balancers.keys().chain(inventory.routes.keys()).collect();
    all.into_iter().filter(move |arn| match (wanted.load_balancers.is_empty(), wanted.groups.is_empty()) {
        (false, _) => wanted.load_balancers.contains(*arn),
        (true, true) => true,
        (true, false) => leads(arn),
    })
}

impl Builder<'_> {
    fn load_balancer(&self, arn: &LoadBalancerArn, wanted: &Wanted) -> BalancerNode {
        let known = self.inventory.load_balancers.get(arn).cloned();
        let listeners = self.inventory.routes.get(arn).map(|all| {
            let mut all: Vec<_> = all.iter().collect();
            all.sort_by_key(|it| (it.port, it.arn.clone()));
            all.into_iter().map(|it| self.listener(it, wanted)).filter(|it| !it.rules.is_empty()).collect()
        });
        BalancerNode {
            arn: arn.clone(),
            name: self.inventory.name_of(arn).to_owned(),
            kind: self.inventory.kind_of(arn),
            maker: self.maker(arn.as_str()),
            marks: known.as_ref().map(|it| self.marks(it)).unwrap_or_default(),
            known,
            listeners,
        }
    }

    fn marks(&self, it: &LoadBalancer) -> Vec<BalancerMark> {
        let mut marks = Vec::new();
        marks.extend(it.state.clone().filter(|it| &**it != "active").map(BalancerMark::State));
        let rules = self.inventory.routes.get(&it.arn).into_iter().flatten().flat_map(|it| &it.rules);
        let groups: BTreeSet<&TargetGroupArn> =
            rules.flat_map(|it| &it.forwards).map(|it| &it.group).collect();
        let targets = |arn: &&TargetGroupArn| self.inventory.groups.get(*arn)?.targets.as_ref();
        let read: Vec<_> = groups.iter().filter_map(targets).collect();
        let all = || read.iter().flat_map(|it| &it.targets);
        let zones: BTreeSet<&Arc<str>> = all().filter_map(|it| it.zone.as_ref()).collect();
        for zone in zones.into_iter().filter(|zone| &***zone != "all") {
            if !it.zones.contains(zone) && !it.zones.is_empty() {
                marks.push(BalancerMark::ZoneOff(zone.clone()));
            }
            if all().any(|it| it.zone.as_ref() == Some(zone) && it.shifted.is_some()) {
                marks.push(BalancerMark::Shifted(zone.clone()));
            }
        }
        // Only where all of it was read, and something is healthy elsewhere.
        let is_whole = read.len() == groups.len() && all().any(|it| it.serves());
        for zone in it.zones.iter().filter(|_| is_whole) {
            if !all().any(|it| it.zone.as_ref() == Some(zone) && it.serves()) {
                marks.push(BalancerMark::ZoneEmpty(zone.clone()));
            }
        }
        marks
    }

    fn listener(&self, it: &Listener, wanted: &Wanted) -> ListenerNode {
        let order = routing::in_order(&it.rules);
        let leads = |rule: &Rule| {
            let all = wanted.groups.is_empty() || !wanted.load_balancers.is_empty();
            all || rule.forwards.iter().any(|it| wanted.groups.contains(&it.group))
        };
        let rules: Vec<RuleNode> = order
            .iter()
            .filter(|it| leads(it))
            .map(|rule| {
                let shadow = routing::shadow(&order, rule).map(|it| RuleMark::Shadowed(it.priority.clone()));
                self.rule(rule, shadow)
            })
            .collect();
        let others = order.len() - rules.len();
        let maker = self.maker(it.arn.as_str());
        ListenerNode {
            arn: it.arn.clone(),
            maker,
            protocol: it.protocol.clone(),
            port: it.port,
            rules,
            others,
        }
    }

    fn rule(&self, rule: &Rule, shadow: Option<RuleMark>) -> RuleNode {
        let total = rule.forwards.iter().map(|it| it.weight).sum();
        let groups: Vec<GroupNode> =
            rule.forwards.iter().map(|it| self.group(it, (total, rule.forwards.len()))).collect();
        let sends = rule.steps.contains(&Step::Forward) && !groups.is_empty();
        let empty = sends && groups.iter().all(|it| it.counts.is_some_and(|(_, registered)| registered == 0));
        let marks = shadow.into_iter();
        let marks = marks.chain((sends && total == 0).then_some(RuleMark::Weightless));
        let marks = marks.chain(empty.then_some(RuleMark::Empty)).collect();
        let maker = rule.arn.as_ref().and_then(|it| self.maker(it.as_str()));
        RuleNode { rule: rule.clone(), groups, marks, maker }
    }

    /// Who made a load balancer, listener or rule, where its tags were read.
    fn maker(&self, arn: &str) -> Option<Maker> {
        lineage::of_tags(self.inventory.marks.get(arn)?)
    }

    /// `all`: the sum of the weights of the rule, and how many groups share it.
    fn group(&self, forward: &Forward, all: (u32, usize)) -> GroupNode {
        let (total, groups) = all;
        let arn = &forward.group;
        let counts = healthy(self.inventory, arn);
        let share = u64::from(forward.weight) * 10_000 / u64::from(total.max(1));
        let share = Some(share).filter(|_| total > 0 && (groups > 1 || forward.weight == 0));
        GroupNode {
            arn: arn.clone(),
            weight: forward.weight,
            share: share.and_then(|it| u32::try_from(it).ok()),
            counts,
            verdict: self.verdicts.get(arn).copied(),
            maker: self.inventory.groups.get(arn).and_then(|it| lineage::of_tags(it.tags.as_ref()?)),
            binding: self.inventory.on_group(arn).next().map(|it| it.0),
            weight_for_nothing: forward.weight > 0 && counts.is_some_and(|(healthy, _)| healthy == 0),
        }
    }
}
