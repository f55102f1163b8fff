//! Changing objects as requests ask for: create, replace, patch, scale, evict, delete.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::answer;
use super::answer::Refusal;
use super::defaults;
use super::form::Form;
use super::kinds::AUTO_MODE;
use super::kinds::BINDINGS;
use super::kinds::NAMESPACES;
use super::kinds::PODS;
use super::read;
use super::select::Select;
use super::store::key;
use super::target::Target;
use crate::lab::controllers::garbage;
use crate::lab::json::at;
use crate::lab::json::list;
use crate::lab::json::merge;
use crate::lab::json::number;
use crate::lab::json::put;
use crate::lab::json::remove;
use crate::lab::json::strategic;
use crate::lab::json::text;
use crate::lab::lbc::webhook;
use crate::lab::server::Ask;
use crate::lab::server::Reply;
use crate::lab::world::World;

fn body(ask: &Ask) -> Result<Value, Refusal> {
    if ask.body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&ask.body).map_err(|error| {
        let message = format!("the object provided is unrecognized (must be of type JSON): {error}");
        Refusal::bad_request(message)
    })
}

/// Whether nothing is to be changed; the answer is what it would be.
fn is_dry(ask: &Ask) -> bool {
    ask.parameter("dryRun").is_some_and(|it| it == "All")
}

pub(super) fn create(world: &mut World, target: &Target, ask: &Ask) -> Result<Reply, Refusal> {
    let kind = target.kind;
    let mut object = body(ask)?;
    if target.sub == "eviction" {
        let options = at(&object, "deleteOptions").clone();
        return delete_one(world, target, &options, is_dry(ask));
    }
    if text(&object, "kind") != kind.name {
        let message = format!(
            "the object provided is unrecognized (must be of type {}): {:?}",
            kind.name,
            text(&object, "kind")
        );
        return Err(Refusal::bad_request(message));
    }
    if kind.namespaced {
        if world.kube.get(NAMESPACES, "", &target.namespace).is_none() {
            return Err(Refusal {
                details: json!({"name": target.namespace, "kind": "namespaces"}),
                ..Refusal::new(404, "NotFound", format!("namespaces {:?} not found", target.namespace))
            });
        }
        put(&mut object, "metadata.namespace", json!(target.namespace));
    }
    remove(&mut object, "status");
    let name = text(&object, "metadata.name").to_owned();
    if name.is_empty() && text(&object, "metadata.generateName").is_empty() {
        return Err(Refusal::invalid(
            kind,
            "",
            "metadata.name: Required value: name or generateName is required",
        ));
    }
    if !name.is_empty() && world.kube.get(kind.id, &target.namespace, &name).is_some() {
        return Err(Refusal::exists(kind, &name));
    }
    defaults::apply(world, kind, &mut object)?;
    if kind.id == BINDINGS || kind.id == AUTO_MODE {
        webhook::admit(world, &mut object, None)?;
    }
    let made = match is_dry(ask) {
        true => Arc::new(object),
        false => world.kube.create(kind.id, object),
    };
    Ok(Reply::json(201, &Form::of(ask).one(kind, &made, world.now)))
}

/// The object a request would change, if its version is the one expected.
fn current(world: &World, target: &Target, expected: &str) -> Result<Arc<Value>, Refusal> {
    let found = world.kube.get(target.kind.id, &target.namespace, &target.name);
    let object = found.ok_or_else(|| Refusal::not_found(target.kind, &target.name))?;
    let other = !expected.is_empty() && text(object, "metadata.resourceVersion") != expected;
    match other {
        true => Err(Refusal::conflict(target.kind, &target.name)),
        false => Ok(object.clone()),
    }
}

pub(super) fn replace(world: &mut World, target: &Target, ask: &Ask) -> Result<Reply, Refusal> {
    let new = body(ask)?;
    let old = current(world, target, text(&new, "metadata.resourceVersion"))?;
    if target.sub == "scale" {
        return rescale(world, target, &new, is_dry(ask));
    }
    save(world, target, &old, new, ask)
}

pub(super) fn patch(world: &mut World, target: &Target, ask: &Ask) -> Result<Reply, Refusal> {
    let patch = body(ask)?;
    let how = ask.header("content-type").unwrap_or_default();
    let applied = how.split(';').next() == Some("application/apply-patch+yaml");
    if applied && ask.parameter("fieldManager").is_none_or(|it| it.is_empty()) {
        let cause = "fieldManager: Required value: is required for apply patch";
        return Err(Refusal::new(
            422,
            "Invalid",
            format!("PatchOptions.meta.k8s.io \"\" is invalid: {cause}"),
        ));
    }
    if applied && world.kube.get(target.kind.id, &target.namespace, &target.name).is_none() {
        return create(world, target, ask);
    }
    let apply: fn(&mut Value, &Value) = match how.split(';').next().unwrap_or_default() {
        // Who applied which field is not remembered: there are no conflicts, and nothing that is left out is removed.
        "application/merge-patch+json" | "application/apply-patch+yaml" => merge,
        "application/strategic-merge-patch+json" if is_custom(target) => {
            return Err(Refusal::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor",
            ));
        }
        "application/strategic-merge-patch+json" => strategic,
        other => {
            return Err(Refusal::new(
                415,
                "UnsupportedMediaType",
                format!(
                    "the lab does not know this kind of patch: {other:?}; it takes merge, strategic merge and apply patches"
                ),
            ));
        }
    };
    let old = current(world, target, text(&patch, "metadata.resourceVersion"))?;
    let wanted = text(&patch, "metadata.uid");
    if !wanted.is_empty() && wanted != text(&old, "metadata.uid") {
        let cause = format!("metadata.uid: Invalid value: {wanted:?}: field is immutable");
        return Err(Refusal::invalid(target.kind, &target.name, &cause));
    }
    if target.sub == "scale" {
        let mut scale = read::scale(&old);
        apply(&mut scale, &patch);
        return rescale(world, target, &scale, is_dry(ask));
    }
    let mut new = (*old).clone();
    apply(&mut new, &patch);
    save(world, target, &old, new, ask)
}

fn is_custom(target: &Target) -> bool {
    target.kind.id == BINDINGS || target.kind.id == AUTO_MODE
}

fn rescale(world: &mut World, target: &Target, scale: &Value, dry: bool) -> Result<Reply, Refusal> {
    let replicas = number(scale, "spec.replicas");
    if replicas < 0 {
        let cause = format!("spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0");
        return Err(Refusal::invalid(target.kind, &target.name, &cause));
    }
    let change = |it: &mut Value| put(it, "spec.replicas", json!(replicas));
    let changed = match dry {
        true => {
            let mut it = (*current(world, target, "")?).clone();
            change(&mut it);
            Arc::new(it)
        }
        false => world
            .kube
            .update(target.kind.id, (&target.namespace, &target.name), change)
            .ok_or_else(|| Refusal::not_found(target.kind, &target.name))?,
    };
    Ok(Reply::json(200, &read::scale(&changed)))
}

/// Keeps what a request may not change: identity, and status or everything else but status.
fn save(
    world: &mut World,
    target: &Target,
    old: &Value,
    mut new: Value,
    ask: &Ask,
) -> Result<Reply, Refusal> {
    let kind = target.kind;
    for fixed in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        let path = format!("metadata.{fixed}");
        match at(old, &path) {
            serde_json::Value::Null => drop(remove(&mut new, &path)),
            value => put(&mut new, &path, value.clone()),
        }
    }
    put(&mut new, "apiVersion", json!(kind.api_version()));
    put(&mut new, "kind", json!(kind.name));
    if target.sub == "status" {
        let status = at(&new, "status").clone();
        let mut kept = old.clone();
        put(&mut kept, "status", status);
        new = kept;
    } else if kind.subresources.contains(&"status") {
        match at(old, "status") {
            Value::Null => drop(remove(&mut new, "status")),
            status => put(&mut new, "status", status.clone()),
        }
    }
    if is_custom(target) && target.sub.is_empty() {
        webhook::admit(world, &mut new, Some(old))?;
    }
    let saved = match is_dry(ask) {
        true => Arc::new(new),
        false => world
            .kube
            .update(kind.id, (&target.namespace, &target.name), |it| *it = new)
            .ok_or_else(|| Refusal::not_found(kind, &target.name))?,
    };
    Ok(Reply::json(200, &Form::of(ask).one(kind, &saved, world.now)))
}

pub(super) fn delete(world: &mut World, target: &Target, ask: &Ask) -> Result<Reply, Refusal> {
    let options = body(ask)?;
    let grace = ask.parameter("gracePeriodSeconds").and_then(|it| it.parse::<i64>().ok());
    let mut options = options;
    if let Some(grace) = grace {
        put(&mut options, "gracePeriodSeconds", json!(grace));
    }
    let dry = is_dry(ask) || list(&options, "dryRun").iter().any(|it| it == "All");
    if !target.name.is_empty() {
        return delete_one(world, target, &options, dry);
    }
    let of = |name| ask.parameter(name).unwrap_or_default();
    let select = Select::parse(target.kind, of("labelSelector"), of("fieldSelector"))?;
    let all = world.kube.objects(target.kind.id, target.within()).filter(|it| select.matches(it));
    let all: Vec<Arc<Value>> = all.cloned().collect();
    for it in &all {
        let (namespace, name) = key(it);
        delete_one(world, &Target { namespace, name, ..target.clone() }, &options, dry)?;
    }
    let meta = json!({"resourceVersion": world.kube.version().to_string()});
    Ok(Reply::json(200, &Form::Whole.list(target.kind, all.iter().map(|it| &**it), &meta, world.now)))
}

fn delete_one(world: &mut World, target: &Target, options: &Value, dry: bool) -> Result<Reply, Refusal> {
    let kind = target.kind;
    let object = current(world, target, text(options, "preconditions.resourceVersion"))?;
    let uid = text(&object, "metadata.uid").to_owned();
    let wanted = text(options, "preconditions.uid");
    if !wanted.is_empty() && wanted != uid {
        let message = format!(
            "Operation cannot be fulfilled on {} {:?}: the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated",
            kind.name, target.name
        );
        return Err(Refusal { message, ..Refusal::conflict(kind, &target.name) });
    }
    let asked = at(options, "gracePeriodSeconds").as_i64();
    let own = at(&object, "spec.terminationGracePeriodSeconds").as_i64().unwrap_or(30);
    // A pod no node has is nobody's to end.
    let nowhere = kind.id == PODS && text(&object, "spec.nodeName").is_empty();
    let grace = if nowhere { 0 } else { asked.unwrap_or(own) };
    let eviction = target.sub == "eviction";
    if dry {
        return Ok(Reply::json(200, &object));
    }
    garbage::delete(world, kind.id, (&target.namespace, &target.name), grace);
    if eviction {
        let done =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        return Ok(Reply::json(201, &done));
    }
    match world.kube.get(kind.id, &target.namespace, &target.name) {
        Some(held) => Ok(Reply::json(200, held)),
        None if kind.id == PODS => Ok(Reply::json(200, &object)),
        None => Ok(Reply::json(200, &answer::deleted(kind, &target.name, &uid))),
    }
}
