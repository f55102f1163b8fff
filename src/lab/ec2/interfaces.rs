//! The interfaces there are: each node has one with the addresses of its pods, pods may have their own, and a load
//! balancer has one in each of its zones.

use serde_json::Value;

use super::model::branch;
use super::model::id;
use super::model::of_load_balancer;
use crate::lab::json::list;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::NODES;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::world::World;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Interface {
    pub(in crate::lab) id: String,
    /// `interface`, `branch`, `network_load_balancer`.
    pub(in crate::lab) kind: &'static str,
    pub(in crate::lab) zone: String,
    pub(in crate::lab) description: String,
    pub(in crate::lab) instance: Option<String>,
    pub(in crate::lab) groups: Vec<String>,
    /// The primary one first.
    pub(in crate::lab) addresses: Vec<String>,
}

fn pods<'a>(world: &'a World, node: &'a str) -> impl Iterator<Item = &'a str> {
    let alive = move |it: &&Value| {
        text(it, "spec.nodeName") == node && !matches!(text(it, "status.phase"), "Succeeded" | "Failed")
    };
    let all = world.kube.objects(PODS, None).map(AsRef::as_ref).filter(alive);
    all.map(|it| text(it, "status.podIP")).filter(|it| !it.is_empty())
}

/// The interfaces of an instance.
pub(in crate::lab) fn of_instance(world: &World, instance: &str) -> Vec<Interface> {
    let Some(known) = world.elb.instances.get(instance) else { return Vec::new() };
    let node = world.kube.get(NODES, "", &known.node);
    let own =
        node.and_then(|it| list(it, "status.addresses").first().map(|it| text(it, "address").to_owned()));
    let mut addresses: Vec<String> = own.into_iter().collect();
    let mut all = Vec::new();
    match &world.ec2.pods {
        None => addresses.extend(pods(world, &known.node).map(str::to_owned)),
        Some(group) => all.extend(pods(world, &known.node).map(|it| Interface {
            id: branch(it),
            kind: "branch",
            zone: known.zone.clone(),
            description: "aws-k8s-branch-eni".to_owned(),
            instance: None,
            groups: vec![group.clone()],
            addresses: vec![it.to_owned()],
        })),
    }
    all.insert(
        0,
        Interface {
            id: id("eni", instance),
            kind: "interface",
            zone: known.zone.clone(),
            description: String::new(),
            instance: Some(instance.to_owned()),
            groups: vec![world.ec2.nodes.clone()],
            addresses,
        },
    );
    all
}

/// Every interface there is.
pub(in crate::lab) fn all(world: &World) -> Vec<Interface> {
    let nodes = world.elb.instances.keys().flat_map(|it| of_instance(world, it));
    let balancers = world.elb.load_balancers.values().flat_map(|it| {
        it.zones.iter().map(|zone| {
            let name = it.arn.split_once(":loadbalancer/").map_or("", |it| it.1);
            Interface {
                id: id("eni", &format!("{}{zone}", it.arn)),
                kind: if it.kind == "network" { "network_load_balancer" } else { "interface" },
                zone: zone.clone(),
                description: format!("ELB {name}"),
                instance: None,
                groups: it.security_groups.clone(),
                addresses: vec![of_load_balancer(zone)],
            }
        })
    });
    nodes.chain(balancers).collect()
}
