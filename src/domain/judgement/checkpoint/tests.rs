//! The endpoint half as the controller computes it.

use sha2::Digest;
use sha2::Sha256;

use super::*;
use crate::domain::facts::time::Timestamp;
use crate::domain::fixture::World;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::reference;
use crate::domain::inventory::Kind;
use crate::domain::judgement::desired;

const NOTHING: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

fn half(world: &World) -> Option<String> {
    let binding = world.inventory.binding(&reference()).unwrap();
    endpoint_half(&desired::resolve(&world.inventory, &reference(), binding))
}

fn hash(csv: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(csv.as_bytes()))
}

/// A world whose pods were made at these milliseconds.
fn made(text: &str, times: &[(&str, i64)]) -> World {
    let mut world = World::of(text);
    for (pod, at) in times {
        world.edit_pod(pod, |it| it.created = Timestamp(*at));
    }
    world
}

#[test]
fn the_empty_set_has_the_hash_of_the_empty_text() {
    assert_eq!(half(&World::of("|")).as_deref(), Some(NOTHING));
    assert_eq!(half(&World::of("10.0.0.1 unready |")).as_deref(), Some(NOTHING));
    let mut missing = World::of("10.0.0.1 ready |");
    missing.remove(Kind::Services, "testapp");
    assert_eq!(half(&missing).as_deref(), Some(NOTHING));
}

#[test]
fn endpoints_are_address_port_and_creation_time_in_the_order_of_their_text() {
    let world = made("10.0.0.9 ready, 10.0.0.10 ready", &[("10.0.0.9", 2000), ("10.0.0.10", 1000)]);
    assert_eq!(half(&world), Some(hash("10.0.0.10:8080:1000,10.0.0.9:8080:2000")));
}

#[test]
fn only_wanted_endpoints_count_and_targets_do_not() {
    let world = made("10.0.0.1 ready, 10.0.0.2 unready | 10.0.0.9 healthy", &[("10.0.0.1", 1000)]);
    assert_eq!(half(&world), Some(hash("10.0.0.1:8080:1000")));
}

#[test]
fn a_pod_that_was_made_again_with_its_address_changes_it() {
    let world = |at| made("10.0.0.1 ready |", &[("10.0.0.1", at)]);
    assert_ne!(half(&world(1000)), half(&world(2000)));
}

#[test]
fn quic_endpoints_carry_their_server_id_before_the_time() {
    let mut world = made("10.0.0.1 ready", &[("10.0.0.1", 1000)]);
    world.binding(|it| it.protocol = Some("QUIC".into()));
    world.edit_pod("10.0.0.1", |it| it.quic_server_id = Some("0xa1".into()));
    assert_eq!(half(&world), Some(hash("10.0.0.1:8080:0xa1:1000")));
}

#[test]
fn ipv6_endpoints_have_no_brackets() {
    let mut world = made("fd00::1 ready", &[("fd00::1", 1000)]);
    world.slice("testapp-1", |it| it.address_type = crate::domain::facts::cluster::AddressType::Ipv6);
    world.binding(|it| it.address_type = Some(crate::domain::facts::cluster::AddressType::Ipv6));
    assert_eq!(half(&world), Some(hash("fd00::1:8080:1000")));
}

#[test]
fn instances_are_instance_id_node_port_and_the_nodes_creation_time() {
    let mut world = World::instances("|");
    world.node("a", |it| it.created = Timestamp(1000));
    world.node("b", |it| it.created = Timestamp(2000));
    assert_eq!(half(&world), Some(hash("i-0a:30080:1000,i-0b:30080:2000")));
}

#[test]
fn what_could_not_be_read_has_no_hash() {
    for kind in [Kind::Slices, Kind::Services, Kind::Pods] {
        let mut world = World::of("10.0.0.1 ready, 10.0.0.2 unready");
        world.unread(&kubernetes(kind));
        assert_eq!(half(&world), None, "{kind:?}");
    }
}

#[test]
fn what_the_controller_cannot_resolve_has_no_hash() {
    let mut world = World::instances("|");
    world.node("a", |it| it.provider_id = None);
    assert_eq!(half(&world), None);
}

#[test]
fn the_half_of_an_annotation_is_what_stands_before_the_slash() {
    assert_eq!(half_of(&format!("{NOTHING}/{NOTHING}")), Some(NOTHING));
    assert_eq!(half_of(""), None);
    assert_eq!(half_of("tgscope/1795400000"), None);
    assert_eq!(half_of(NOTHING), None);
}
