//! The addresses a node gives its pods.

use crate::lab::json::list;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::NODES;
use crate::lab::world::World;

/// A free address in the node's block; those just given back are the last to be given again.
pub(super) fn free(world: &mut World, node: &str) -> String {
    let found = world.kube.get(NODES, "", node).and_then(|it| list(it, "status.addresses").first().cloned());
    let host = found.as_ref().map_or("192.168.255.10", |it| text(it, "address")).to_owned();
    let block = host.rsplit_once('.').map_or("192.168.255", |it| it.0);
    let first = u64::from(world.elb.next_host(block));
    let all = 0..230;
    let mut candidates = all.map(|n| format!("{block}.{}", 20 + (first + n) % 230));
    let free = candidates.find(|it| !world.addresses.contains_key(it));
    free.unwrap_or_else(|| format!("{block}.250"))
}
