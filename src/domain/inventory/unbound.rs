//! Groups that no binding names but that belong here: they carry this cluster's tag, or hang on a load
//! balancer that a bound group hangs on.

use std::collections::BTreeSet;

use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::needs::TAGGED;

/// The tag by which the controller marks what it made for a cluster.
const CLUSTER_TAG: &str = "elbv2.k8s.aws/cluster";

/// Names of the connected clusters as the controller knows them.
pub(crate) fn cluster_names(inventory: &Inventory) -> impl Iterator<Item = &str> {
    inventory.clusters.values().filter_map(|it| {
        let deployment = it.signs.deployment.as_ref().and_then(Option::as_ref);
        deployment.and_then(|it| it.cluster_name.as_deref()).or(it.signs.cluster_name.as_deref())
    })
}

/// Groups seen that no binding names.
pub(crate) fn unnamed(inventory: &Inventory) -> impl Iterator<Item = TargetGroupArn> {
    inventory.groups.keys().filter(|it| !inventory.is_bound(it)).cloned()
}

/// Those of them that belong here.
pub(crate) fn groups(inventory: &Inventory) -> impl Iterator<Item = TargetGroupArn> {
    let names: BTreeSet<&str> = cluster_names(inventory).collect();
    let bound = inventory.groups.iter().filter(|(arn, _)| inventory.is_bound(arn));
    let hangs_on: BTreeSet<&LoadBalancerArn> =
        bound.filter_map(|(_, it)| it.group.as_ref()).flat_map(|it| &it.load_balancers).collect();
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

/// Groups that no binding names and whose tags were not read, so that they may be this cluster's without being said to:
/// none where the tag is not looked for.
pub(crate) fn untagged(inventory: &Inventory) -> usize {
    if cluster_names(inventory).next().is_none() {
        return 0;
    }
    let is_untagged = |arn: &TargetGroupArn| inventory.groups.get(arn).is_some_and(|it| it.tags.is_none());
    unnamed(inventory).filter(is_untagged).count()
}

/// Those of them that stay so, because the tags of as many as are ever asked for were read.
pub(crate) fn unchecked(inventory: &Inventory) -> usize {
    let tagged = inventory.groups.values().filter(|it| it.tags.is_some()).count();
    if tagged < TAGGED { 0 } else { untagged(inventory) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::fixture::World;
    use crate::domain::fixture::objects;
    use crate::domain::inventory::Observation;

    fn arn(name: &str) -> TargetGroupArn {
        format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/{name}/1").parse().unwrap()
    }

    /// A world with two more groups: one beside the bound one on its load balancer, one alone.
    fn world() -> World {
        let mut world = World::new();
        let mut beside = objects::group();
        beside.arn = arn("beside");
        let mut alone = objects::group();
        alone.arn = arn("alone");
        alone.load_balancers.clear();
        world.apply(Observation::Groups(vec![beside, alone]));
        world
    }

    fn found(world: &World) -> Vec<String> {
        groups(&world.inventory).map(|it| it.name().to_owned()).collect()
    }

    #[test]
    fn a_group_on_a_bound_groups_load_balancer_belongs_here_and_another_does_not() {
        assert_eq!(found(&world()), ["beside"]);
    }

    #[test]
    fn a_group_with_the_tag_of_this_cluster_belongs_here_and_of_another_does_not() {
        let mut world = world();
        let tag = |cluster: &str| BTreeMap::from([(CLUSTER_TAG.to_owned(), cluster.to_owned())]);
        world.apply(Observation::Tags(vec![(arn("alone"), tag("another"))]));
        assert_eq!(found(&world), ["beside"]);
        world.apply(Observation::Tags(vec![(arn("alone"), tag("eks-workshop"))]));
        assert_eq!(found(&world), ["alone", "beside"]);
    }

    #[test]
    fn groups_whose_tags_were_not_read_are_counted_where_tags_tell_something() {
        let mut world = world();
        assert_eq!(untagged(&world.inventory), 2);
        world.apply(Observation::Tags(vec![(arn("alone"), BTreeMap::new())]));
        assert_eq!(untagged(&world.inventory), 1);
        world.signs(|it| (it.deployment, it.cluster_name) = (None, None));
        assert_eq!(untagged(&world.inventory), 0);
    }

    #[test]
    fn groups_past_the_last_that_is_checked_are_counted_once_the_others_were() {
        let mut world = world();
        let named = |n: usize| {
            let mut group = objects::group();
            group.arn = arn(&format!("many-{n}"));
            group.load_balancers.clear();
            group
        };
        world.apply(Observation::Groups((0..TAGGED + 5).map(named).collect()));
        assert_eq!(unchecked(&world.inventory), 0, "they are still being read");
        let tags = |n| (arn(&format!("many-{n}")), BTreeMap::new());
        world.apply(Observation::Tags((0..TAGGED).map(tags).collect()));
        assert_eq!(unchecked(&world.inventory), untagged(&world.inventory));
        assert!(unchecked(&world.inventory) >= 5);
    }

    #[test]
    fn the_login_command_names_the_cluster_where_the_deployment_cannot_be_read() {
        let mut world = world();
        world.signs(|it| {
            it.deployment = None;
            it.cluster_name = Some("prod".into());
        });
        assert_eq!(cluster_names(&world.inventory).collect::<Vec<_>>(), ["prod"]);
    }
}
