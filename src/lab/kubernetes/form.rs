//! The forms an answer comes in: the object itself, its metadata alone, or a table as `kubectl get` prints it.

use serde_json::Value;
use serde_json::json;

use super::columns;
use super::kinds::Kind;
use crate::lab::clock::Millis;
use crate::lab::json::at;
use crate::lab::server::Ask;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Metadata,
    /// With the whole object in each row, its metadata, or nothing.
    Table(Include),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Include {
    Object,
    Metadata,
    None,
}

impl Form {
    /// The first form of the Accept header that is known.
    pub(super) fn of(ask: &Ask) -> Self {
        let accept = ask.header("accept").unwrap_or_default();
        for choice in accept.split(',').map(str::trim) {
            let has = |it: &str| choice.split(';').any(|part| part.trim() == it);
            if has("as=Table") {
                let include = match ask.parameter("includeObject") {
                    Some("Object") => Include::Object,
                    Some("None") => Include::None,
                    _ => Include::Metadata,
                };
                return Self::Table(include);
            }
            if has("as=PartialObjectMetadata") || has("as=PartialObjectMetadataList") {
                return Self::Metadata;
            }
            if choice.starts_with("application/json") || choice.starts_with("*/*") {
                return Self::Whole;
            }
        }
        Self::Whole
    }

    /// One object in this form.
    pub(super) fn one(self, kind: &Kind, object: &Value, now: Millis) -> Value {
        match self {
            Self::Whole => object.clone(),
            Self::Metadata => metadata(object),
            Self::Table(include) => {
                let version = json!({"resourceVersion": at(object, "metadata.resourceVersion")});
                table(kind, std::iter::once(object), (include, &version, now))
            }
        }
    }

    /// A list in this form.
    pub(super) fn list<'a>(
        self,
        kind: &Kind,
        objects: impl Iterator<Item = &'a Value>,
        meta: &Value,
        now: Millis,
    ) -> Value {
        match self {
            Self::Whole => json!({"kind": format!("{}List", kind.name), "apiVersion": kind.api_version(),
                "metadata": meta, "items": objects.map(without_kind).collect::<Vec<_>>()}),
            Self::Metadata => json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": meta, "items": objects.map(metadata).collect::<Vec<_>>()}),
            Self::Table(include) => table(kind, objects, (include, meta, now)),
        }
    }
}

/// Objects of kinds of its own the API server lists without their kind; custom resources keep it.
fn without_kind(object: &Value) -> Value {
    let mut object = object.clone();
    let group = at(&object, "apiVersion").as_str().unwrap_or_default().to_owned();
    let custom = group.starts_with("elbv2.k8s.aws/") || group.starts_with("eks.amazonaws.com/");
    if let (Value::Object(map), false) = (&mut object, custom) {
        map.remove("kind");
        map.remove("apiVersion");
    }
    object
}

fn metadata(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": at(object, "metadata")})
}

fn table<'a>(
    kind: &Kind,
    objects: impl Iterator<Item = &'a Value>,
    (include, meta, now): (Include, &Value, Millis),
) -> Value {
    let columns: Vec<Value> = columns::columns(kind.id)
        .iter()
        .map(|(name, priority)| {
            let format = if *name == "Name" { "name" } else { "" };
            json!({"name": name, "type": "string", "format": format, "description": "", "priority": priority})
        })
        .collect();
    let rows: Vec<Value> = objects
        .map(|it| {
            let mut row = json!({"cells": columns::cells(kind.id, it, now)});
            let object = match include {
                Include::Object => Some(it.clone()),
                Include::Metadata => Some(metadata(it)),
                Include::None => None,
            };
            if let (Value::Object(row), Some(object)) = (&mut row, object) {
                row.insert("object".to_owned(), object);
            }
            row
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "columnDefinitions": columns, "rows": rows})
}
