//! Groups that no binding names but that belong here: they carry this cluster's tag, or hang on a load
//! balancer that a bound group hangs on.

use std::collections::BTreeSet;

use super::ids::LoadBalancerArn;
use super::ids::TargetGroupArn;
use super::inventory::Inventory;

/// The tag by which the controller marks what it made for a cluster.
const CLUSTER_TAG: &str = "elbv2.k8s.aws/cluster";

/// Names of the connected clusters as the controller knows them.
pub fn cluster_names(inventory: &Inventory) -> impl Iterator<Item = &str> {
    inventory
        .clusters
        .values()
        .filter_map(|it| it.signs.deployment.as_ref()?.as_ref()?.cluster_name.as_deref())
}

/// Groups seen that no binding names.
pub fn unnamed(inventory: &Inventory) -> impl Iterator<Item = TargetGroupArn> {
    let bound: BTreeSet<&TargetGroupArn> =
        inventory.bindings().filter_map(|(_, it)| it.group.as_ref()).collect();
    inventory.groups.keys().filter(move |it| !bound.contains(it)).cloned()
}

/// Those of them that belong here.
pub fn groups(inventory: &Inventory) -> impl Iterator<Item = TargetGroupArn> {
    let names: BTreeSet<&str> = cluster_names(inventory).collect();
    let bound: BTreeSet<&TargetGroupArn> =
        inventory.bindings().filter_map(|(_, it)| it.group.as_ref()).collect();
    let hangs_on: BTreeSet<&LoadBalancerArn> = bound
        .iter()
        .filter_map(|it| inventory.groups.get(*it)?.group.as_ref())
        .flat_map(|it| &it.load_balancers)
        .collect();
    unnamed(inventory).filter(move |arn| {
        let Some(group) = inventory.groups.get(arn) else { return false };
        let tagged = group
            .tags
            .as_ref()
            .and_then(|it| it.get(CLUSTER_TAG))
            .is_some_and(|it| names.contains(it.as_str()));
        let beside = group.group.iter().flat_map(|it| &it.load_balancers).any(|it| hangs_on.contains(it));
        tagged || beside
    })
}
