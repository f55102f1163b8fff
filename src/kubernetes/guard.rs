//! An object of a list or a watch that is kept as text until its kind reads it, so that one object that
//! cannot be understood costs that object and never the whole list.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::ApiResource;
use kube::core::DynamicResourceScope;
use serde::Deserialize;
use serde::Deserializer;
use serde_json::Value;
use serde_json::value::RawValue;

/// The text of an object and as much of its metadata as a watch needs.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    meta: ObjectMeta,
    pub(super) text: Box<str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    metadata: HeadMeta,
}

/// Any value is accepted: what is no text is as good as missing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HeadMeta {
    name: Value,
    namespace: Value,
    resource_version: Value,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        let text = |it: &Value| it.as_str().map(str::to_owned);
        // Even metadata that is no metadata must not fail the list.
        let Head { metadata } = serde_json::from_str(raw.get()).unwrap_or_default();
        let meta = ObjectMeta {
            name: text(&metadata.name),
            namespace: text(&metadata.namespace),
            resource_version: text(&metadata.resource_version),
            ..ObjectMeta::default()
        };
        let text: Box<str> = raw.into();
        Ok(Self { meta, text })
    }
}

impl Resource for Raw {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(kind: &ApiResource) -> Cow<'_, str> {
        kind.kind.as_str().into()
    }

    fn group(kind: &ApiResource) -> Cow<'_, str> {
        kind.group.as_str().into()
    }

    fn version(kind: &ApiResource) -> Cow<'_, str> {
        kind.version.as_str().into()
    }

    fn api_version(kind: &ApiResource) -> Cow<'_, str> {
        kind.api_version.as_str().into()
    }

    fn plural(kind: &ApiResource) -> Cow<'_, str> {
        kind.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}
