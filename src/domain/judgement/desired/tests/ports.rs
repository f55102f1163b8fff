//! Which slices and ports of a service make endpoints.

use super::Fact;
use super::check;
use super::resolution;
use super::world;
use crate::domain::facts::cluster::AddressType;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::ServicePort;
use crate::domain::facts::cluster::SlicePort;
use crate::domain::facts::cluster::TargetType;
use crate::domain::fixture::World;
use crate::domain::fixture::objects::slice_port;
use crate::domain::inventory::Kind;

const READY: &str = "10.0.0.1 ready";

fn admin() -> ServicePort {
    ServicePort { name: Some("admin".into()), port: 81, target_port: Some("9090".into()), node_port: None }
}

/// A second slice with the first one's endpoints.
fn copied(world: &mut World, name: &str) {
    let endpoints = world.cluster().slices[&crate::domain::fixture::named("testapp-1")].endpoints.clone();
    world.slice(name, |it| it.endpoints = endpoints);
}

const FACTS: &[Fact] = &[
    ("a ready endpoint is wanted at the port of its slice", || world(READY, |_| {}), "10.0.0.1:8080"),
    (
        "a named service port takes the slice port of that name only",
        || world(READY, |w| w.slice("testapp-1", |it| it.ports.push(slice_port("admin", 9090)))),
        "10.0.0.1:8080",
    ),
    (
        "a named service port takes no slice port of another name",
        || world(READY, |w| w.slice("testapp-1", |it| it.ports = vec![slice_port("admin", 9090)])),
        "",
    ),
    (
        "a named service port takes no slice port without a name",
        || world(READY, |w| w.slice("testapp-1", |it| it.ports[0].name = None)),
        "",
    ),
    (
        "an unnamed service port takes every slice port",
        || {
            world(READY, |w| {
                w.service(|it| it.ports[0].name = None);
                w.slice("testapp-1", |it| it.ports.push(slice_port("admin", 9090)));
            })
        },
        "10.0.0.1:8080, 10.0.0.1:9090",
    ),
    (
        "an empty text finds the port without a name",
        || {
            world(READY, |w| {
                w.service(|it| it.ports[0].name = None);
                w.slice("testapp-1", |it| it.ports[0].name = None);
                w.binding(|it| it.port = PortRef::Name("".into()));
            })
        },
        "10.0.0.1:8080",
    ),
    (
        "an empty text finds no port with a name",
        || world(READY, |w| w.binding(|it| it.port = PortRef::Name("".into()))),
        "PortMissing([\"80 (http)\"])",
    ),
    (
        "an empty name is no name",
        || {
            world(READY, |w| {
                w.service(|it| it.ports[0].name = Some("".into()));
                w.slice("testapp-1", |it| it.ports[0].name = None);
            })
        },
        "10.0.0.1:8080",
    ),
    (
        "a binding finds its port by name",
        || world(READY, |w| w.binding(|it| it.port = PortRef::Name("http".into()))),
        "10.0.0.1:8080",
    ),
    (
        "a binding finds the second port by number",
        || {
            world(READY, |w| {
                w.service(|it| it.ports.push(admin()));
                w.slice("testapp-1", |it| it.ports.push(slice_port("admin", 9090)));
                w.binding(|it| it.port = PortRef::Number(81));
            })
        },
        "10.0.0.1:9090",
    ),
    (
        "a binding finds the second port by name",
        || {
            world(READY, |w| {
                w.service(|it| it.ports.push(admin()));
                w.slice("testapp-1", |it| it.ports.push(slice_port("admin", 9090)));
                w.binding(|it| it.port = PortRef::Name("admin".into()));
            })
        },
        "10.0.0.1:9090",
    ),
    (
        "a target port is not a service port",
        || world(READY, |w| w.binding(|it| it.port = PortRef::Number(8080))),
        "PortMissing([\"80 (http)\"])",
    ),
    (
        "a number written as text is a name",
        || world(READY, |w| w.binding(|it| it.port = PortRef::Name("80".into()))),
        "PortMissing([\"80 (http)\"])",
    ),
    (
        "a missing port names the ports there are",
        || {
            world(READY, |w| {
                w.service(|it| {
                    it.ports.push(admin());
                    it.ports[0].name = None;
                });
                w.binding(|it| it.port = PortRef::Number(443));
            })
        },
        "PortMissing([\"80\", \"81 (admin)\"])",
    ),
    (
        "a missing service wants nothing",
        || world(READY, |w| w.remove(Kind::Services, "testapp")),
        "ServiceMissing",
    ),
    (
        "a service of another name is not it",
        || world(READY, |w| w.binding(|it| it.service = "web".to_owned())),
        "ServiceMissing",
    ),
    ("no slices at all are an empty list", || world(READY, |w| w.remove(Kind::Slices, "testapp-1")), ""),
    ("a slice without endpoints wants nothing", || world("", |_| {}), ""),
    (
        "a slice of another service does not count",
        || world(READY, |w| w.slice("testapp-1", |it| it.service = Some("web".to_owned()))),
        "",
    ),
    (
        "a slice without a service does not count",
        || world(READY, |w| w.slice("testapp-1", |it| it.service = None)),
        "",
    ),
    (
        "a slice port without a number makes no endpoint",
        || {
            world(READY, |w| {
                w.slice("testapp-1", |it| {
                    it.ports = vec![SlicePort { name: Some("http".into()), port: None }];
                });
            })
        },
        "",
    ),
    (
        "pods may resolve a named target port to different numbers, a slice for each",
        || {
            world("10.0.0.1 ready, 10.0.0.2 ready", |w| {
                let mut moved = None;
                w.slice("testapp-1", |it| moved = it.endpoints.pop());
                w.slice("testapp-2", |it| {
                    it.ports = vec![slice_port("http", 9090)];
                    it.endpoints.extend(moved);
                });
            })
        },
        "10.0.0.1:8080, 10.0.0.2:9090",
    ),
    (
        "several slices add up",
        || {
            world("10.0.0.1 ready, 10.0.0.2 ready, 10.0.0.3 ready", |w| {
                let mut moved = None;
                w.slice("testapp-1", |it| moved = it.endpoints.pop());
                w.slice("testapp-2", |it| it.endpoints.extend(moved));
            })
        },
        "10.0.0.1:8080, 10.0.0.2:8080, 10.0.0.3:8080",
    ),
    (
        "only the first address of an endpoint counts",
        || world(READY, |w| w.endpoint("10.0.0.1", |it| it.addresses.push("10.0.0.9".parse().unwrap()))),
        "10.0.0.1:8080",
    ),
    (
        "an endpoint without an address is skipped",
        || world(READY, |w| w.endpoint("10.0.0.1", |it| it.addresses.clear())),
        "",
    ),
    (
        "an ipv4 binding ignores ipv6 slices",
        || world("fd00::1 ready", |w| w.slice("testapp-1", |it| it.address_type = AddressType::Ipv6)),
        "",
    ),
    (
        "an ipv6 binding ignores ipv4 slices",
        || world(READY, |w| w.binding(|it| it.address_type = Some(AddressType::Ipv6))),
        "",
    ),
    (
        "an ipv6 binding takes ipv6 slices",
        || {
            world("fd00::1 ready", |w| {
                w.slice("testapp-1", |it| it.address_type = AddressType::Ipv6);
                w.binding(|it| it.address_type = Some(AddressType::Ipv6));
            })
        },
        "[fd00::1]:8080",
    ),
    (
        "a dual-stack service gives an ipv4 binding its ipv4 slice only",
        || {
            world(READY, |w| {
                copied(w, "testapp-6");
                w.slice("testapp-6", |it| {
                    it.address_type = AddressType::Ipv6;
                    it.endpoints[0].addresses = vec!["fd00::1".parse().unwrap()];
                });
            })
        },
        "10.0.0.1:8080",
    ),
    (
        "a slice of host names makes no endpoints",
        || world(READY, |w| w.slice("testapp-1", |it| it.address_type = AddressType::Other)),
        "",
    ),
    (
        "a binding that says no address family is ipv4",
        || world(READY, |w| w.binding(|it| it.address_type = None)),
        "10.0.0.1:8080",
    ),
    (
        "a binding that says no target type is ip",
        || world(READY, |w| w.binding(|it| it.target_type = None)),
        "10.0.0.1:8080",
    ),
    (
        "an ip binding takes a service of any type",
        || {
            world(READY, |w| {
                w.service(|it| it.kind = crate::domain::facts::cluster::ServiceType::LoadBalancer)
            })
        },
        "10.0.0.1:8080",
    ),
    (
        "an ip binding ignores its node selector",
        || {
            world(READY, |w| {
                w.binding(|it| {
                    it.target_type = Some(TargetType::Ip);
                    let none = crate::domain::facts::selector::Requirement::Exists("nowhere".into());
                    it.node_selector.0.push(none);
                });
            })
        },
        "10.0.0.1:8080",
    ),
];

#[test]
fn ports_and_slices_make_the_endpoints() {
    check(FACTS);
}

#[test]
fn an_endpoint_in_two_slices_is_one_key_twice() {
    let world = world(READY, |w| copied(w, "testapp-2"));
    let keys: Vec<String> = resolution(&world).wanted().map(|it| it.key.to_string()).collect();
    assert_eq!(keys, ["10.0.0.1:8080", "10.0.0.1:8080"]);
    assert_eq!(world.report().rows.len(), 1);
    assert_eq!(world.report().counts.wanted, 1);
}

#[test]
fn an_endpoint_ready_in_one_of_two_slices_is_wanted() {
    let world = world("10.0.0.1 unready", |w| {
        copied(w, "testapp-2");
        w.slice("testapp-2", |it| it.endpoints[0].ready = Some(true));
    });
    assert_eq!(world.row("10.0.0.1").wanted, Some(true));
    assert_eq!(world.report().counts.wanted, 1);
}

#[test]
fn pods_that_no_slice_names_are_loose_unless_finished() {
    let world = World::of("10.0.0.1 ready, p1 unscheduled, p2 pulling, p3 starting, p4 finished");
    let names: Vec<String> = resolution(&world).loose_pods.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["testapp-p1", "testapp-p2", "testapp-p3"]);
}

#[test]
fn a_pod_that_the_service_does_not_select_is_not_loose() {
    let world = world("p1 unscheduled", |w| w.edit_pod("p1", |it| it.labels.clear()));
    assert!(resolution(&world).loose_pods.is_empty());
}

#[test]
fn every_selected_pod_is_loose_when_the_port_is_missing() {
    let world =
        world("10.0.0.1 ready, p1 pulling", |w| w.binding(|it| it.port = PortRef::Name("https".into())));
    assert_eq!(resolution(&world).loose_pods.len(), 2);
}
