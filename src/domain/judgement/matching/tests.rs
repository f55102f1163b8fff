//! The fourteen standings and what follows from them.

mod fit;
mod ownership;
mod problems;
mod standings;
mod times;

use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ClusterId;
use crate::domain::fixture::World;
use crate::domain::fixture::cluster;
use crate::domain::fixture::named;
use crate::domain::fixture::objects;
use crate::domain::fixture::pod_name;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;

/// A fact, the world it is about, and all standings in it.
type Fact = (&'static str, fn() -> World, &'static str);

fn check(facts: &[Fact]) {
    let wrong: Vec<String> = facts
        .iter()
        .map(|(fact, world, expected)| (fact, world().standings(), expected))
        .filter(|(_, found, expected)| found != **expected)
        .map(|(fact, found, expected)| format!("{fact}: {found:?}, expected {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), facts.len(), wrong.join("\n"));
}

fn world(text: &str, edit: impl FnOnce(&mut World)) -> World {
    let mut world = World::of(text);
    edit(&mut world);
    world
}

/// A second connected cluster with a binding on the same group and these pods; the answer about the
/// targets is as old as before.
fn other_cluster(world: &mut World, pods: &str) {
    let other = || ClusterId::new("other");
    for (change, _) in World::of(pods).log {
        match change {
            Observation::Listed { kind, namespace, objects, .. } => {
                world.apply(Observation::Listed { cluster: other(), kind, namespace, objects });
            }
            Observation::Applied { object, .. } => {
                world.apply(Observation::Applied { cluster: other(), object })
            }
            _ => {}
        }
    }
}

/// A second binding of this cluster on the same group, with a service and one ready pod of its own.
fn second_binding(world: &mut World, api: BindingApi, address: &str) {
    other_service(world, address);
    let mut binding = objects::binding();
    (binding.api, binding.name, binding.service) = (api, named("second"), "second".to_owned());
    world.put(Object::Binding(Box::new(binding)));
}

/// A service "second" with a ready pod that the first service does not select.
fn other_service(world: &mut World, address: &str) {
    let mut pod = objects::pod(address, "ready", "a", world.now);
    pod.name = named(&pod_name(address).replace("testapp", "second"));
    pod.uid = crate::domain::facts::ids::Uid::new(&pod.name.name);
    pod.labels = objects::labels(&[("app", "second")]);
    pod.owner = None;
    let mut service = objects::service();
    (service.name, service.selector) = (named("second"), pod.labels.clone());
    let mut slice = objects::slice("second-1");
    slice.service = Some("second".to_owned());
    slice.endpoints.push(objects::endpoint(&pod));
    world.put(Object::Service(service));
    world.put(Object::Pod(pod));
    world.put(Object::Slice(slice));
}

/// The list of bindings covers one namespace only.
fn one_namespace_only(world: &mut World) {
    let bindings = world.cluster().bindings.values().cloned().map(|it| Object::Binding(Box::new(it)));
    world.apply(Observation::Listed {
        cluster: cluster(),
        kind: crate::domain::inventory::Kind::Bindings(BindingApi::LoadBalancerController),
        namespace: Some("workshop".to_owned()),
        objects: bindings.collect(),
    });
}
