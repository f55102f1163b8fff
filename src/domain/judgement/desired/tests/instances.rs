//! Which nodes are wanted as instance targets.

use super::Fact;
use super::check;
use super::resolution;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::cluster::Taint;
use crate::domain::facts::selector::Requirement;
use crate::domain::fixture::World;
use crate::domain::inventory::Kind;
use crate::domain::judgement::desired::Exclusion;

const BOTH: &str = "i-0a:30080, i-0b:30080";
const ONLY_B: &str = "i-0b:30080";

fn instances(edit: impl FnOnce(&mut World)) -> World {
    let mut world = World::instances("");
    edit(&mut world);
    world
}

fn labelled(label: &str, value: &str) -> World {
    instances(|w| w.node("a", |it| _ = it.labels.insert(label.to_owned(), value.to_owned())))
}

fn tainted(key: &str, effect: &str) -> World {
    instances(|w| {
        w.node("a", |it| it.taints.push(Taint { key: key.into(), effect: effect.into() }));
    })
}

fn selecting(requirement: Requirement) -> World {
    instances(|w| {
        w.node("b", |it| _ = it.labels.insert("pool".to_owned(), "web".to_owned()));
        w.binding(|it| it.node_selector.0.push(requirement));
    })
}

fn statuses(a: Option<Status>, b: Option<Status>) -> World {
    instances(|w| {
        w.node("a", |it| it.ready = a);
        w.node("b", |it| it.ready = b);
    })
}

fn provider(a: Option<&str>, edit: impl FnOnce(&mut World)) -> World {
    instances(|w| {
        w.node("a", |it| it.provider_id = a.map(Into::into));
        edit(w);
    })
}

/// Node a leaves by Karpenter's taint, under a controller of this version.
fn disrupted(version: &str) -> World {
    let mut world = tainted("karpenter.sh/disrupted", "NoSchedule");
    let version = version.to_owned();
    world.signs(|it| it.deployment.as_mut().unwrap().as_mut().unwrap().version = Some(version.into()));
    world
}

fn closed(edit: impl FnOnce(&mut World)) -> World {
    instances(|w| {
        w.signs(|it| it.deployment.as_mut().unwrap().as_mut().unwrap().fails_open = false);
        edit(w);
    })
}

const FACTS: &[Fact] = &[
    ("Karpenter's taint counts from version 2.12 on", || disrupted("2.12.0"), ONLY_B),
    ("before, it did not", || disrupted("2.11.3"), BOTH),
    ("a version that is not known is taken as new", || disrupted("main"), ONLY_B),
    (
        "without the feature gate EndpointsFailOpen nodes in state Unknown never count",
        || {
            closed(|w| {
                w.node("a", |it| it.ready = Some(Status::Unknown));
                w.node("b", |it| it.ready = Some(Status::Unknown));
            })
        },
        "",
    ),
    (
        "a node goes while its binding is being deleted",
        || instances(|w| w.binding(|it| it.deleted = Some(it.created))),
        "",
    ),
    ("every ready node of a NodePort service is wanted", || instances(|_| {}), BOTH),
    (
        "a LoadBalancer service has node ports too",
        || instances(|w| w.service(|it| it.kind = ServiceType::LoadBalancer)),
        BOTH,
    ),
    (
        "a ClusterIP service breaks the binding",
        || instances(|w| w.service(|it| it.kind = ServiceType::ClusterIp)),
        "Broken(\"service type must be either 'NodePort' or 'LoadBalancer': workshop/testapp\")",
    ),
    (
        "an ExternalName service breaks the binding",
        || instances(|w| w.service(|it| it.kind = ServiceType::ExternalName)),
        "Broken(\"service type must be either 'NodePort' or 'LoadBalancer': workshop/testapp\")",
    ),
    (
        "a missing service wants no node",
        || instances(|w| w.remove(Kind::Services, "testapp")),
        "ServiceMissing",
    ),
    (
        "nodes are wanted without any pod or slice",
        || instances(|w| w.remove(Kind::Slices, "testapp-1")),
        BOTH,
    ),
    ("In selects by label", || selecting(Requirement::In("pool".into(), vec!["web".into()])), ONLY_B),
    ("Exists selects by label", || selecting(Requirement::Exists("pool".into())), ONLY_B),
    (
        "NotIn takes nodes without the label",
        || selecting(Requirement::NotIn("pool".into(), vec!["web".into()])),
        "i-0a:30080",
    ),
    (
        "DoesNotExist takes nodes without the label",
        || selecting(Requirement::Absent("pool".into())),
        "i-0a:30080",
    ),
    (
        "a selector that nothing matches wants nothing",
        || selecting(Requirement::In("pool".into(), vec!["db".into()])),
        "",
    ),
    (
        "requirements add up",
        || {
            let mut world = selecting(Requirement::Exists("pool".into()));
            world.binding(|it| it.node_selector.0.push(Requirement::Absent("pool".into())));
            world
        },
        "",
    ),
    (
        "a node selector does not undo an excluding label",
        || {
            let mut world = selecting(Requirement::Exists("pool".into()));
            let label = "node.kubernetes.io/exclude-from-external-load-balancers";
            world.node("b", |it| _ = it.labels.insert(label.to_owned(), String::new()));
            world
        },
        "",
    ),
    ("a master is left out", || labelled("node-role.kubernetes.io/master", ""), ONLY_B),
    (
        "a node excluded from load balancers is left out",
        || labelled("node.kubernetes.io/exclude-from-external-load-balancers", "true"),
        ONLY_B,
    ),
    (
        "the excluding label counts whatever its value",
        || labelled("node.kubernetes.io/exclude-from-external-load-balancers", "false"),
        ONLY_B,
    ),
    (
        "the old excluding label counts",
        || labelled("alpha.service-controller.kubernetes.io/exclude-balancer", ""),
        ONLY_B,
    ),
    (
        "a control plane without the master label is not left out",
        || labelled("node-role.kubernetes.io/control-plane", ""),
        BOTH,
    ),
    ("a fargate node is left out", || labelled("eks.amazonaws.com/compute-type", "fargate"), ONLY_B),
    ("another compute type is not left out", || labelled("eks.amazonaws.com/compute-type", "auto"), BOTH),
    (
        "a node that the autoscaler is about to delete is left out",
        || tainted("ToBeDeletedByClusterAutoscaler", "NoSchedule"),
        ONLY_B,
    ),
    (
        "the autoscaler's taint counts with any effect",
        || tainted("ToBeDeletedByClusterAutoscaler", "PreferNoSchedule"),
        ONLY_B,
    ),
    (
        "a node that karpenter disrupts is left out",
        || tainted("karpenter.sh/disrupted", "NoSchedule"),
        ONLY_B,
    ),
    (
        "karpenter's taint with another effect is no reason",
        || tainted("karpenter.sh/disrupted", "NoExecute"),
        BOTH,
    ),
    ("other taints are no reason", || tainted("dedicated", "NoSchedule"), BOTH),
    ("a cordoned node is still wanted", || instances(|w| w.node("a", |it| it.unschedulable = true)), BOTH),
    ("a node that is not ready is left out", || statuses(Some(Status::False), Some(Status::True)), ONLY_B),
    ("a node without a Ready condition is left out", || statuses(None, Some(Status::True)), ONLY_B),
    (
        "a silent node is left out beside a ready one",
        || statuses(Some(Status::Unknown), Some(Status::True)),
        ONLY_B,
    ),
    (
        "silent nodes count when none is ready",
        || statuses(Some(Status::Unknown), Some(Status::False)),
        "i-0a:30080",
    ),
    ("all silent nodes count together", || statuses(Some(Status::Unknown), Some(Status::Unknown)), BOTH),
    ("nodes that are not ready never count", || statuses(Some(Status::False), None), ""),
    (
        "an excluded ready node does not keep silent ones out",
        || {
            let mut world = statuses(Some(Status::True), Some(Status::Unknown));
            let label = "node-role.kubernetes.io/master".to_owned();
            world.node("a", |it| _ = it.labels.insert(label, String::new()));
            world
        },
        ONLY_B,
    ),
    (
        "a wanted node without a provider id breaks the binding",
        || provider(None, |_| {}),
        "Broken(\"providerID is not specified for node: node-a\")",
    ),
    (
        "an empty provider id is none",
        || provider(Some(""), |_| {}),
        "Broken(\"providerID is not specified for node: node-a\")",
    ),
    (
        "a wanted node of another cloud breaks the binding",
        || provider(Some("kind://docker/kind/worker"), |_| {}),
        "Broken(\"providerID kind://docker/kind/worker is invalid for EC2 instances, node: node-a\")",
    ),
    (
        "a provider id that ends in a slash breaks the binding",
        || provider(Some("aws:///us-west-2a/i-0a/"), |_| {}),
        "Broken(\"providerID aws:///us-west-2a/i-0a/ is invalid for EC2 instances, node: node-a\")",
    ),
    (
        "an unwanted node without a provider id does no harm",
        || provider(None, |w| w.node("a", |it| it.ready = Some(Status::False))),
        ONLY_B,
    ),
    (
        "an unwanted node of another cloud does no harm",
        || provider(Some("kind://worker"), |w| w.node("a", |it| it.ready = Some(Status::Unknown))),
        ONLY_B,
    ),
    (
        "an excluded node without a provider id does no harm",
        || {
            let mut world = labelled("eks.amazonaws.com/compute-type", "fargate");
            world.node("a", |it| it.provider_id = None);
            world
        },
        ONLY_B,
    ),
];

#[test]
fn nodes_are_wanted_as_the_controller_chooses_them() {
    check(FACTS);
}

#[test]
fn each_node_left_out_says_why() {
    let table = [
        (labelled("node-role.kubernetes.io/master", ""), Exclusion::NodeExcluded),
        (statuses(Some(Status::False), Some(Status::True)), Exclusion::NodeNotReady),
        (statuses(None, Some(Status::True)), Exclusion::NodeNotReady),
        (statuses(Some(Status::Unknown), Some(Status::True)), Exclusion::NodeUnknown),
    ];
    for (world, exclusion) in table {
        assert_eq!(resolution(&world).endpoints[0].exclusion, Some(exclusion));
    }
}

#[test]
fn a_service_without_a_node_port_yet_wants_nothing_and_breaks() {
    let world = instances(|w| w.service(|it| it.ports[0].node_port = None));
    assert_eq!(resolution(&world).wanted().count(), 0);
}
