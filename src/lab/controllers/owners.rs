//! Who owns an object, and what an object owns.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use crate::lab::json::at;
use crate::lab::json::list;
use crate::lab::json::text;
use crate::lab::kubernetes::store::by_owner;
use crate::lab::world::World;

/// The name of the controlling owner of a kind.
pub(in crate::lab) fn owner<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let owners = list(object, "metadata.ownerReferences").iter();
    let mut found =
        owners.filter(|it| text(it, "kind") == kind && at(it, "controller") == &Value::Bool(true));
    found.next().map(|it| text(it, "name"))
}

/// A reference that makes an object the controlling owner of another.
pub(super) fn reference(owner: &Value) -> Value {
    json!({"apiVersion": text(owner, "apiVersion"), "kind": text(owner, "kind"),
        "name": text(owner, "metadata.name"), "uid": text(owner, "metadata.uid"),
        "controller": true, "blockOwnerDeletion": true})
}

/// Objects of a kind a controlling owner has.
pub(super) fn owned(world: &World, kind: &'static str, owner: &Value) -> Vec<Arc<Value>> {
    let key = by_owner(text(owner, "metadata.namespace"), text(owner, "metadata.uid"));
    world.kube.indexed(kind, key).cloned().collect()
}
