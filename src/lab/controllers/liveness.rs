//! Whether a node is there: what runs on one that is away neither does anything nor answers.

use crate::lab::json::condition_status;
use crate::lab::kubernetes::kinds::NODES;
use crate::lab::world::World;

pub(in crate::lab) fn is_alive(world: &World, name: &str) -> bool {
    world.kube.get(NODES, "", name).is_some_and(|it| condition_status(it, "Ready") == "True")
}
