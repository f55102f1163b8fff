//! One subject with everything its judgement needs, looked up once, and how far each side of it can be judged by.

use crate::domain::facts::cluster::Binding;
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
use crate::domain::inventory::Group;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::inventory::routes;
use crate::domain::inventory::routes::Routes;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Resolution;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::Subject;

/// Seconds after which facts that fail to renew are too old to judge by.
pub const TOO_OLD: i64 = 60;

/// Whether a source can be judged by: read, and not failing for too long since.
pub fn usable(inventory: &Inventory, source: &Source, now: Timestamp) -> bool {
    inventory
        .freshness(source)
        .is_some_and(|it| it.read.is_some_and(|read| it.failed.is_none() || now.since(read) < TOO_OLD))
}

/// One subject with everything its judgement needs, looked up once.
pub struct Case<'a> {
    pub inventory: &'a Inventory,
    pub now: Timestamp,
    pub reference: Option<&'a BindingRef>,
    pub cluster: Option<&'a Cluster>,
    pub binding: Option<&'a Binding>,
    pub service: Option<&'a Service>,
    pub arn: Option<TargetGroupArn>,
    pub group: Option<&'a Group>,
    pub resolution: Resolution,
    pub routes: Routes,
}

impl<'a> Case<'a> {
    /// `None`: the binding does not exist.
    pub fn of(inventory: &'a Inventory, subject: &'a Subject, now: Timestamp) -> Option<Self> {
        let nothing = Resolution {
            backend: Backend::Found,
            endpoints: Vec::new(),
            loose_pods: Vec::new(),
            nodes_assumed: false,
            rests_on_nodes: false,
            pods_assumed: false,
        };
        let with = |reference: Option<&'a BindingRef>,
                    binding: Option<&'a Binding>,
                    arn: Option<TargetGroupArn>,
                    resolution| {
            let cluster = reference.and_then(|it| inventory.cluster(&it.cluster));
            let service = cluster
                .zip(binding)
                .and_then(|(cluster, binding)| cluster.services.get(&binding.service_name()));
            let group = arn.as_ref().and_then(|arn| inventory.groups.get(arn));
            let routes = arn.as_ref().map_or(Routes::Unread, |arn| routes::routes(inventory, arn));
            Self { inventory, now, reference, cluster, binding, service, arn, group, resolution, routes }
        };
        match subject {
            Subject::Group(arn) => Some(with(None, None, Some(arn.clone()), nothing)),
            Subject::Binding(reference) => {
                let binding = inventory.binding(reference)?;
                let resolution = desired::resolve(inventory, reference, binding);
                Some(with(Some(reference), Some(binding), binding.group.clone(), resolution))
            }
        }
    }

    pub fn targets(&self) -> Option<&'a Targets> {
        self.group.and_then(|it| it.targets.as_ref())
    }

    pub fn target_group(&self) -> Option<&'a TargetGroup> {
        self.group.and_then(|it| it.group.as_ref())
    }

    pub fn attributes(&self) -> Option<&'a Attributes> {
        self.group.and_then(|it| it.attributes.as_ref())
    }

    /// The health can be judged by: read, and not failing for too long.
    pub fn targets_usable(&self) -> bool {
        let Some(arn) = &self.arn else { return false };
        usable(self.inventory, &Source::Targets(arn.clone()), self.now) && self.targets().is_some()
    }

    pub fn has_read(&self, kind: Kind) -> bool {
        self.reference.is_some_and(|it| self.inventory.has_read(&it.cluster, kind))
    }

    /// A kind can be judged by: read, and not failing for too long.
    pub fn fresh(&self, kind: Kind) -> bool {
        let source = self.reference.map(|it| Source::Kubernetes(it.cluster.clone(), kind));
        source.is_some_and(|it| usable(self.inventory, &it, self.now))
    }

    /// A watch of this kind is lost: what it last said may be judged by for a while, but nothing is certain.
    pub fn lost(&self, kind: Kind) -> bool {
        let source = self.reference.map(|it| Source::Kubernetes(it.cluster.clone(), kind));
        source.and_then(|it| self.inventory.freshness(&it)).is_some_and(|it| it.failed.is_some())
    }

    pub fn endpoints_usable(&self) -> bool {
        let side = match self.instances() {
            true => Kind::Nodes,
            false => Kind::Slices,
        };
        self.fresh(Kind::Services)
            && self.fresh(side)
            && !matches!(self.resolution.backend, Backend::Unread(_))
    }

    /// Of every endpoint it is known whether it is wanted.
    pub fn resolved(&self) -> bool {
        self.endpoints_usable() && self.resolution.endpoints.iter().all(|it| it.wanted.is_some())
    }

    pub fn instances(&self) -> bool {
        self.binding.is_some_and(|it| it.target_type == Some(TargetType::Instance))
    }

    /// When something the wanted set hangs on last changed.
    pub fn changed(&self) -> Option<Timestamp> {
        let reference = self.reference?;
        self.cluster?.changed.get(&reference.key()).copied()
    }

    /// Other bindings on the same group, of any cluster and either API group.
    pub fn rivals(&self) -> Vec<(BindingRef, &'a Binding)> {
        let others = self.inventory.bindings().filter(|(it, binding)| {
            self.arn.is_some() && binding.group == self.arn && Some(it) != self.reference
        });
        others.collect()
    }
}

/// What stands behind one key on either side, before it is judged.
pub(super) struct Sides<'a> {
    pub(super) key: RowKey,
    pub(super) endpoint: Option<EndpointSide>,
    pub(super) others: Vec<EndpointSide>,
    pub(super) target: Option<&'a Target>,
}
