//! What goes with what it belonged to.

use serde_json::Value;

use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::KINDS;
use crate::lab::kubernetes::kinds::NAMESPACES;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::kinds::REPLICA_SETS;
use crate::lab::kubernetes::kinds::SLICES;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::key;
use crate::lab::world::World;

/// Deletes what an object that is gone owned.
pub(in crate::lab) fn collect(world: &mut World, owner: &Value) {
    let uid = text(owner, "metadata.uid");
    let namespace = text(owner, "metadata.namespace");
    for kind in [REPLICA_SETS, PODS, SLICES] {
        let owned = |it: &Value| list(it, "metadata.ownerReferences").iter().any(|it| text(it, "uid") == uid);
        let gone: Vec<(Name, i64)> = world
            .kube
            .objects(kind, Some(namespace))
            .filter(|it| owned(it))
            .map(|it| (key(it), grace(kind, it)))
            .collect();
        for ((namespace, name), grace) in gone {
            world.kube.delete(kind, (&namespace, &name), grace);
        }
    }
}

/// The grace a controller gives what it deletes.
pub(super) fn grace(kind: &str, object: &Value) -> i64 {
    let scheduled = !text(object, "spec.nodeName").is_empty();
    if kind == PODS && scheduled { number(object, "spec.terminationGracePeriodSeconds") } else { 0 }
}

/// Deletes an object as a client would: what is in a namespace goes with it.
pub(in crate::lab) fn delete(
    world: &mut World,
    kind: &'static str,
    (namespace, name): (&str, &str),
    grace: i64,
) {
    world.kube.delete(kind, (namespace, name), grace);
    if kind == NAMESPACES {
        empty_namespace(world, name);
    }
}

/// Deletes everything in a namespace that is gone.
fn empty_namespace(world: &mut World, namespace: &str) {
    for kind in KINDS.iter().filter(|it| it.namespaced) {
        let all: Vec<Name> = world.kube.objects(kind.id, Some(namespace)).map(|it| key(it)).collect();
        for (namespace, name) in all {
            world.kube.delete(kind.id, (&namespace, &name), 0);
        }
    }
}
