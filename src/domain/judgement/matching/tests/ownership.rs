//! Whose a target is: multi-cluster bindings, other clusters, second bindings, and what cannot be seen.

use super::Fact;
use super::check;
use super::one_namespace_only;
use super::other_cluster;
use super::other_service;
use super::second_binding;
use super::world;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::selector::Requirement;
use crate::domain::fixture::World;
use crate::domain::fixture::arn;
use crate::domain::fixture::cluster;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::named;
use crate::domain::fixture::objects;
use crate::domain::fixture::reference;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::standing::Standing;

const LBC: BindingApi = BindingApi::LoadBalancerController;
const STRANGER: &str = "| 10.0.0.9 healthy";

/// A multi-cluster binding whose `ConfigMap` lists these; `None`: it is missing.
fn shared(text: &str, ledger: Option<&[&str]>) -> World {
    world(text, |w| {
        w.binding(|it| it.multi_cluster = true);
        w.ledger(ledger);
    })
}

/// Two instance bindings of one service share the group: node a is ours, node b the other's.
fn split_by_nodes() -> World {
    let mut world = World::instances("| i-0a healthy, i-0b healthy");
    for letter in ["a", "b"] {
        world.node(letter, |it| _ = it.labels.insert("pool".to_owned(), letter.to_owned()));
    }
    let pool = |it: &str| Requirement::In("pool".into(), vec![it.into()]);
    world.binding(|it| it.node_selector.0.push(pool("a")));
    let mut second = world.inventory.binding(&reference()).unwrap().clone();
    second.name = named("second");
    second.node_selector.0 = vec![pool("b")];
    world.put(Object::Binding(Box::new(second)));
    world
}

const FACTS: &[Fact] = &[
    (
        "another cluster wants it",
        || world(STRANGER, |w| other_cluster(w, "10.0.0.9 ready")),
        "10.0.0.9 contested",
    ),
    (
        "another cluster has the binding but does not want it",
        || world(STRANGER, |w| other_cluster(w, "10.0.0.9 unready")),
        "10.0.0.9 orphan",
    ),
    (
        "another cluster wants another port",
        || world("| 10.0.0.9:9090 healthy", |w| other_cluster(w, "10.0.0.9 ready")),
        "10.0.0.9:9090 orphan",
    ),
    (
        "a second binding of the same API group wants it",
        || world(STRANGER, |w| second_binding(w, LBC, "10.0.0.9")),
        "10.0.0.9 contested",
    ),
    (
        "a second binding of the other API group wants it",
        || world(STRANGER, |w| second_binding(w, BindingApi::AutoMode, "10.0.0.9")),
        "10.0.0.9 contested",
    ),
    (
        "a second binding on another group is no rival",
        || {
            world(STRANGER, |w| {
                second_binding(w, LBC, "10.0.0.9");
                let mut second = w.cluster().bindings[&(LBC, named("second"))].clone();
                second.group = arn().as_str().replace("eksworkshoptg", "othertg").parse().ok();
                w.put(Object::Binding(Box::new(second)));
            })
        },
        "10.0.0.9 orphan",
    ),
    (
        "an endpoint we want is ours whoever else wants it",
        || world("10.0.0.9 ready | 10.0.0.9 healthy", |w| other_cluster(w, "10.0.0.9 ready")),
        "10.0.0.9 in service",
    ),
    (
        "a node that only a second binding wants is contested",
        split_by_nodes,
        "i-0a in service, i-0b contested",
    ),
    (
        "an unready pod of ours that a second binding wants is contested",
        || {
            world("10.0.0.9 unready | 10.0.0.9 healthy", |w| {
                let mut copy = objects::service();
                copy.name = named("second");
                w.put(Object::Service(copy));
                let mut slice = w.cluster().slices[&named("testapp-1")].clone();
                (slice.name, slice.service) = (named("second-1"), Some("second".to_owned()));
                slice.endpoints[0].ready = Some(true);
                w.put(Object::Slice(slice));
                let mut binding = objects::binding();
                (binding.name, binding.service) = (named("second"), "second".to_owned());
                w.put(Object::Binding(Box::new(binding)));
            })
        },
        "10.0.0.9 contested",
    ),
    (
        "contested comes before dead",
        || world("| 10.0.0.9 unused IpUnusable", |w| other_cluster(w, "10.0.0.9 ready")),
        "10.0.0.9 contested",
    ),
    (
        "an unknown state comes before contested",
        || world("| 10.0.0.9 unavailable", |w| other_cluster(w, "10.0.0.9 ready")),
        "10.0.0.9 unknown",
    ),
    ("the ConfigMap does not list it", || shared(STRANGER, Some(&["10.0.0.1:8080"])), "10.0.0.9 elsewhere"),
    ("the ConfigMap is empty", || shared(STRANGER, Some(&[])), "10.0.0.9 elsewhere"),
    ("the ConfigMap is missing", || shared(STRANGER, None), "10.0.0.9 elsewhere"),
    (
        "the ConfigMap lists it",
        || shared(STRANGER, Some(&["10.0.0.1:8080", "10.0.0.9:8080"])),
        "10.0.0.9 orphan",
    ),
    ("the ConfigMap lists another port", || shared(STRANGER, Some(&["10.0.0.9:80"])), "10.0.0.9 elsewhere"),
    (
        "the ConfigMap was not read",
        || world(STRANGER, |w| w.binding(|it| it.multi_cluster = true)),
        "10.0.0.9 unknown",
    ),
    (
        "the ConfigMap of another binding says nothing",
        || {
            world(STRANGER, |w| {
                w.binding(|it| it.multi_cluster = true);
                let name = named("aws-lbc-targets-second");
                w.apply(Observation::Ledger { cluster: cluster(), name, ledger: None });
            })
        },
        "10.0.0.9 unknown",
    ),
    (
        "the ConfigMap writes ipv6 without brackets",
        || shared("| fd00::9 healthy", Some(&["fd00::9:8080"])),
        "[fd00::9] orphan",
    ),
    ("the ConfigMap lists an instance", || shared("| i-0c healthy", Some(&["i-0c:30080"])), "i-0c orphan"),
    (
        "an endpoint we want is ours before the ConfigMap lists it",
        || shared("10.0.0.1 ready | 10.0.0.1 initial", Some(&[])),
        "10.0.0.1 registering",
    ),
    (
        "a multi-cluster binding contests nothing",
        || {
            let mut world = shared(STRANGER, Some(&[]));
            other_cluster(&mut world, "10.0.0.9 ready");
            world
        },
        "10.0.0.9 elsewhere",
    ),
    (
        "elsewhere comes before dead",
        || shared("| 10.0.0.9 unused IpUnusable", Some(&[])),
        "10.0.0.9 elsewhere",
    ),
    (
        "a node left out by our selector and not in the ConfigMap is elsewhere",
        || {
            let mut world = split_by_nodes();
            for name in ["testapptgb", "second"] {
                let mut it = world.cluster().bindings[&(LBC, named(name))].clone();
                it.multi_cluster = true;
                world.put(Object::Binding(Box::new(it)));
            }
            world.ledger(Some(&["i-0a:30080"]));
            world
        },
        "i-0a in service, i-0b elsewhere",
    ),
    (
        "a terminating pod that the ConfigMap lists lingers",
        || shared("10.0.0.1 terminating | 10.0.0.1 healthy", Some(&["10.0.0.1:8080"])),
        "10.0.0.1 lingering",
    ),
    (
        "a terminating pod that drains and has left the ConfigMap is draining",
        || shared("10.0.0.1 terminating | 10.0.0.1 draining", Some(&[])),
        "10.0.0.1 draining",
    ),
    (
        "bindings of other namespaces cannot be seen",
        || world(STRANGER, one_namespace_only),
        "10.0.0.9 unknown",
    ),
    (
        "bindings of the other API group cannot be read",
        || world(STRANGER, |w| w.failed(kubernetes(Kind::Bindings(BindingApi::AutoMode)))),
        "10.0.0.9 unknown",
    ),
    (
        "the other API group is not served",
        || {
            world(STRANGER, |w| {
                let failure = Failure::new("list", ErrorKind::NotFound, "no such resource");
                w.apply(Observation::Failed(kubernetes(Kind::Bindings(BindingApi::AutoMode)), failure));
            })
        },
        "10.0.0.9 orphan",
    ),
    (
        "bindings of another connected cluster were not read",
        || {
            world(STRANGER, |w| {
                other_cluster(w, "");
                let kind = Kind::Bindings(LBC);
                w.unread(&Source::Kubernetes(ClusterId::new("other"), kind));
            })
        },
        "10.0.0.9 unknown",
    ),
    (
        "endpoints of another connected cluster's binding were not read",
        || {
            world(STRANGER, |w| {
                other_cluster(w, "10.0.0.9 ready");
                w.unread(&Source::Kubernetes(ClusterId::new("other"), Kind::Slices));
            })
        },
        "10.0.0.9 unknown",
    ),
    (
        "what the ConfigMap lists is ours though another cluster's endpoints were not read",
        || {
            let mut world = shared(STRANGER, Some(&["10.0.0.9:8080"]));
            other_cluster(&mut world, "10.0.0.8 ready");
            world.unread(&Source::Kubernetes(ClusterId::new("other"), Kind::Slices));
            world
        },
        "10.0.0.9 orphan",
    ),
    (
        "a connected cluster without the kind hides nothing",
        || {
            world(STRANGER, |w| {
                let signs = crate::domain::facts::controller::ControllerSigns {
                    kind_served: Some(false),
                    ..Default::default()
                };
                w.apply(Observation::Signs { cluster: ClusterId::new("other"), signs });
            })
        },
        "10.0.0.9 orphan",
    ),
    (
        "what lingers lingers, whoever may hide",
        || world("10.0.0.1 unready | 10.0.0.1 healthy", one_namespace_only),
        "10.0.0.1 lingering",
    ),
    (
        "a slice of the service that could not be understood may hold it",
        || {
            world(STRANGER, |w| {
                let (name, problem) = (named("testapp-2"), "bad address".to_owned());
                w.apply(Observation::Skipped { cluster: cluster(), kind: Kind::Slices, name, problem });
            })
        },
        "10.0.0.9 unknown",
    ),
    (
        "a node that could not be understood may be it",
        || {
            let mut world = World::instances("| i-0a healthy, i-0b healthy");
            world.remove(Kind::Nodes, "node-a");
            let (name, problem) = (ObjectName::new("", "node-a"), "bad taint".to_owned());
            world.apply(Observation::Skipped { cluster: cluster(), kind: Kind::Nodes, name, problem });
            world
        },
        "i-0a unknown, i-0b in service",
    ),
];

#[test]
fn a_target_is_ours_by_the_rule_of_its_binding() {
    check(FACTS);
}

#[test]
fn a_contested_row_names_the_rival() {
    let world_of = |edit: fn(&mut World)| world(STRANGER, edit).row("10.0.0.9").note.unwrap();
    assert_eq!(
        world_of(|w| other_cluster(w, "10.0.0.9 ready")),
        "cluster other, binding workshop/testapptgb"
    );
    assert_eq!(world_of(|w| second_binding(w, LBC, "10.0.0.9")), "binding workshop/second");
}

#[test]
fn an_orphan_names_the_pod_of_another_service_that_has_its_address() {
    let world = world(STRANGER, |w| other_service(w, "10.0.0.9"));
    let row = world.row("10.0.0.9");
    assert_eq!(row.note.as_deref(), Some("its address now belongs to pod workshop/second-10-0-0-9"));
    assert_eq!(world.standings(), "10.0.0.9 orphan");
}

#[test]
fn a_target_at_an_old_port_of_our_own_pod_lingers() {
    let seen = World::of("10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.1:9090 healthy");
    let row = seen.row("10.0.0.1:9090");
    assert_eq!(row.standing, Standing::Lingering);
    assert_eq!(row.note.as_deref(), Some("pod testapp-10-0-0-1 is there, but not at this port"));
    // A binding that cannot be seen may want that port.
    let blind = world("10.0.0.1 ready | 10.0.0.1 healthy, 10.0.0.1:9090 healthy", one_namespace_only);
    assert_eq!(blind.row("10.0.0.1:9090").standing, Standing::Unknown);
}

#[test]
fn an_orphan_whose_address_only_a_finished_pod_had_belongs_to_nobody() {
    let world = world(STRANGER, |w| {
        other_service(w, "10.0.0.9");
        let mut pod = w.cluster().pods[&named("second-10-0-0-9")].clone();
        pod.phase = crate::domain::facts::cluster::Phase::Succeeded;
        w.put(Object::Pod(pod));
    });
    assert_eq!(world.row("10.0.0.9").note, None);
}

#[test]
fn a_missing_config_map_is_said() {
    let world = shared(STRANGER, None);
    assert!(world.row("10.0.0.9").note.unwrap().contains("missing"));
}

#[test]
fn the_config_map_of_auto_mode_has_another_name() {
    let name =
        |api| crate::domain::facts::ids::BindingRef::of(&cluster(), api, &named("testapptgb")).ledger();
    assert_eq!(name(LBC), named("aws-lbc-targets-testapptgb"));
    assert_eq!(name(BindingApi::AutoMode), named("eks-lbc-targets-testapptgb"));
}

#[test]
fn targets_of_a_group_without_a_binding_are_elsewhere() {
    let world = world(STRANGER, |w| w.remove(Kind::Bindings(LBC), "testapptgb"));
    let report = world.report_on(&Subject::Group(arn()));
    assert_eq!(report.backend, Backend::Found);
    assert_eq!(report.rows[0].standing, crate::domain::judgement::standing::Standing::Elsewhere);
}

#[test]
fn a_pod_that_is_still_at_its_address_has_left_no_orphan() {
    let standing = |edit: fn(&mut World)| {
        let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
        let now = world.now;
        world.binding(|it| it.checkpoint_at = Some(now));
        world.later(300);
        edit(&mut world);
        world.answer("10.0.0.1 healthy");
        let row = world.row("10.0.0.1");
        format!("{}: {}", row.standing.word(), row.note.unwrap_or_default())
    };
    // The selector has changed, while the controller was down.
    let moved = |w: &mut World| {
        w.service(|it| it.selector = [("app".into(), "other".into())].into());
        w.slice("testapp-1", |it| it.endpoints.clear());
    };
    assert_eq!(standing(moved), "lingering: service testapp does not select pod testapp-10-0-0-1");
    // A pod that has come since is another one.
    let newer = standing(|w| {
        w.service(|it| it.selector = [("app".into(), "other".into())].into());
        w.slice("testapp-1", |it| it.endpoints.clear());
        let now = w.now;
        w.edit_pod("10.0.0.1", |it| it.created = now);
    });
    assert_eq!(newer, "orphan: its address now belongs to pod workshop/testapp-10-0-0-1");
}
