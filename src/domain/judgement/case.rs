//! One subject with everything its judgement needs, looked up once, and how far each side of it can be judged by.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::Target;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::KnownGroup;
use crate::domain::inventory::Source;
use crate::domain::inventory::routes;
use crate::domain::inventory::routes::Routes;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Resolution;
use crate::domain::judgement::rollout::RolloutState;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::GRACE;
use crate::domain::judgement::row::Subject;

/// Seconds after which facts that fail to renew are too old to judge by.
pub(crate) const TOO_OLD: i64 = 60;

/// Seconds by which the clock of an API server may be ahead of ours.
const CLOCKS_DIFFER: i64 = 300;

/// Whether a source can be judged by: read, and not failing for too long since.
pub(crate) fn usable(inventory: &Inventory, source: &Source, now: Timestamp) -> bool {
    inventory
        .freshness(source)
        .is_some_and(|it| it.read.is_some_and(|read| it.failed.is_none() || now.since(read) < TOO_OLD))
}

/// One subject with everything its judgement needs, looked up once.
pub(crate) struct Case<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) now: Timestamp,
    pub(crate) reference: Option<&'a BindingRef>,
    pub(crate) cluster: Option<&'a Cluster>,
    pub(crate) binding: Option<&'a Binding>,
    pub(crate) service: Option<&'a Service>,
    pub(crate) arn: Option<TargetGroupArn>,
    pub(crate) group: Option<&'a KnownGroup>,
    pub(crate) resolution: Rc<Resolution>,
    pub(crate) routes: Routes,
    /// The pods the service selects; none where there is no service.
    pub(crate) selected: Vec<&'a Pod>,
    // Every row asks these.
    targets_usable: bool,
    endpoints_usable: bool,
    is_gone: bool,
    lost_since: Option<Timestamp>,
    just_written: OnceCell<bool>,
    pub(super) workloads: OnceCell<Vec<RolloutState>>,
}

impl<'a> Case<'a> {
    /// `None`: the binding does not exist.
    pub(crate) fn of(inventory: &'a Inventory, subject: &'a Subject, now: Timestamp) -> Option<Self> {
        Self::with(inventory, subject, now, |reference, binding| {
            Rc::new(desired::resolve(inventory, reference, binding))
        })
    }

    /// The same, with a resolution that may be there already.
    pub(super) fn with(
        inventory: &'a Inventory,
        subject: &'a Subject,
        now: Timestamp,
        resolve: impl FnOnce(&BindingRef, &Binding) -> Rc<Resolution>,
    ) -> Option<Self> {
        let (reference, binding, arn) = match subject {
            Subject::Group(arn) => (None, None, Some(arn.clone())),
            Subject::Binding(reference) => {
                let binding = inventory.binding(reference)?;
                (Some(reference), Some(binding), binding.group.clone())
            }
        };
        let cluster = reference.and_then(|it| inventory.cluster(&it.cluster));
        let service =
            cluster.zip(binding).and_then(|(cluster, binding)| cluster.services.get(&binding.service_name()));
        let resolution = match reference.zip(binding) {
            Some((reference, binding)) => resolve(reference, binding),
            None => Rc::new(Resolution::without(Backend::Found)),
        };
        let mut case = Self {
            inventory,
            now,
            reference,
            cluster,
            binding,
            service,
            group: arn.as_ref().and_then(|arn| inventory.groups.get(arn)),
            routes: arn.as_ref().map_or(Routes::Unread, |arn| routes::routes(inventory, arn)),
            arn,
            resolution,
            selected: cluster.zip(service).map(|(it, of)| it.selected(of).collect()).unwrap_or_default(),
            targets_usable: false,
            endpoints_usable: false,
            is_gone: false,
            lost_since: None,
            just_written: OnceCell::new(),
            workloads: OnceCell::new(),
        };
        case.is_gone = case.arn.as_ref().is_some_and(|it| inventory.is_gone(it));
        case.lost_since = case.needed_kinds().filter_map(|it| case.lost(it)).min();
        let targets = case.arn.clone().filter(|_| case.targets().is_some()).map(Source::Targets);
        case.targets_usable = targets.is_some_and(|it| usable(inventory, &it, now));
        case.endpoints_usable = case.fresh(Kind::Services)
            && case.fresh(case.side())
            && !matches!(case.resolution.backend, Backend::Unread(_));
        Some(case)
    }

    pub(crate) fn targets(&self) -> Option<&'a Targets> {
        self.group.and_then(|it| it.targets.as_ref())
    }

    /// Targets in the answer of AWS that could not be read.
    pub(crate) fn unreadable(&self) -> u32 {
        self.targets().map_or(0, |it| it.unreadable)
    }

    pub(crate) fn target_group(&self) -> Option<&'a TargetGroup> {
        self.group.and_then(|it| it.group.as_ref())
    }

    pub(crate) fn attributes(&self) -> Option<&'a Attributes> {
        self.group.and_then(|it| it.attributes.as_ref())
    }

    /// AWS says that the group does not exist.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// The health can be judged by: read, and not failing for too long.
    pub(crate) fn targets_usable(&self) -> bool {
        self.targets_usable
    }

    pub(crate) fn has_read(&self, kind: Kind) -> bool {
        self.reference.is_some_and(|it| self.inventory.has_read(&it.cluster, kind))
    }

    /// A kind can be judged by: read, and not failing for too long.
    pub(crate) fn fresh(&self, kind: Kind) -> bool {
        let source = self.reference.map(|it| Source::Kubernetes(it.cluster.clone(), kind));
        source.is_some_and(|it| usable(self.inventory, &it, self.now))
    }

    /// What endpoints are made of: slices, or nodes for instance targets.
    fn side(&self) -> Kind {
        if self.instances() { Kind::Nodes } else { Kind::Slices }
    }

    /// The kinds that have to be read for a binding to be judged.
    pub(crate) fn needed_kinds(&self) -> impl Iterator<Item = Kind> + use<> {
        let of_binding = [Kind::Services, self.side(), Kind::Pods];
        self.reference.map(|it| of_binding.into_iter().chain([Kind::Bindings(it.api)])).into_iter().flatten()
    }

    /// Since when a watch of this kind is lost: what it last said may be judged by for a while, but nothing is certain.
    fn lost(&self, kind: Kind) -> Option<Timestamp> {
        let source = Source::Kubernetes(self.reference?.cluster.clone(), kind);
        let freshness = self.inventory.freshness(&source)?;
        freshness.failed.as_ref().and(freshness.read)
    }

    /// The binding or an EndpointSlice of its service was written a moment ago, as the API server says: whoever follows
    /// them needs some seconds too.
    pub(crate) fn just_written(&self) -> bool {
        *self.just_written.get_or_init(|| self.is_written_now())
    }

    fn is_written_now(&self) -> bool {
        let slices = self.cluster.zip(self.service).into_iter().flat_map(|(it, of)| it.slices_of(&of.name));
        let created = self.binding.map(|it| it.created);
        let last = slices.filter_map(|it| it.written).chain(created).max();
        // The clocks of two machines differ.
        last.is_some_and(|it| (-CLOCKS_DIFFER..GRACE).contains(&self.now.since(it)))
    }

    /// Since when something that endpoints are made of is not heard of any more.
    pub(crate) fn lost_since(&self) -> Option<Timestamp> {
        self.lost_since
    }

    pub(crate) fn endpoints_usable(&self) -> bool {
        self.endpoints_usable
    }

    /// Of every endpoint it is known whether it is wanted.
    pub(crate) fn resolved(&self) -> bool {
        self.endpoints_usable() && self.resolution.endpoints.iter().all(|it| it.wanted.is_some())
    }

    pub(crate) fn instances(&self) -> bool {
        self.binding.is_some_and(|it| it.target_type == Some(TargetType::Instance))
    }

    /// When something the wanted set hangs on last changed.
    pub(crate) fn changed(&self) -> Option<Timestamp> {
        self.inventory.changed(self.reference?)
    }

    /// Other bindings on the same group, of any cluster and either API group.
    pub(crate) fn rivals(&self) -> impl Iterator<Item = (BindingRef, &'a Binding)> {
        let inventory = self.inventory;
        let all = self.arn.as_ref().into_iter().flat_map(|arn| inventory.on_group(arn));
        all.filter(|(it, _)| Some(it) != self.reference)
    }
}

/// What stands behind one key on either side, before it is judged.
pub(super) struct Sides<'a> {
    pub(super) key: RowKey,
    pub(super) endpoint: Option<EndpointSide>,
    pub(super) others: Vec<EndpointSide>,
    pub(super) target: Option<&'a Target>,
}
