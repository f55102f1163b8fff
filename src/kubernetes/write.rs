//! The writes: one object at a time, read just before, compared with what the plan saw, and changed under the version
//! that was read, so that nothing can come in between. Called by `backend::apply` alone.

use kube::Api;
use kube::api::DeleteParams;
use kube::api::DynamicObject;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::api::PostParams;
use kube::api::Preconditions;
use kube::core::ApiResource;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::connect::Cluster;
use super::guard::Raw;
use super::kinds;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::Uid;
use crate::domain::inventory::Kind;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Labelled;
use crate::domain::plan::eviction::Eviction;
use crate::domain::plan::manifest::Manifest;

/// Who the API server notes as having written.
const MANAGER: &str = "tgscope";
/// How often a change is tried again whose object changed in between without touching what it is about.
const TRIES: u32 = 3;

/// As much of an object as a precondition needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    metadata: Meta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    uid: String,
    resource_version: String,
    labels: std::collections::BTreeMap<String, String>,
}

/// A change of one object's metadata.
struct MetadataPatch<'a> {
    resource: ApiResource,
    namespace: Option<&'a str>,
    name: &'a str,
    /// The object must be this one; `None`: whichever has the name.
    uid: Option<&'a str>,
    /// A label and the value it must have.
    label: Option<(&'a str, Option<&'a str>)>,
    metadata: Map<String, Value>,
}

impl Cluster {
    /// Does what an act of this cluster says. `dry`: the server checks it and changes nothing.
    #[tracing::instrument(skip_all, fields(call = act.call(), dry), err(level = "warn"))]
    pub(crate) async fn carry_out(&self, act: &Act, dry: bool) -> Result<(), Failure> {
        match act {
            Act::Mark { binding, uid, marker, .. } => {
                let change = MetadataPatch {
                    resource: kinds::resource(Kind::Bindings(binding.api)),
                    namespace: Some(&binding.namespace),
                    name: &binding.name,
                    uid: Some(&uid.0),
                    label: None,
                    metadata: field("annotations", json!({super::read::CHECKPOINT: marker})),
                };
                self.change(&change, dry).await
            }
            Act::Label { object, key, from, to, .. } => {
                let (resource, namespace, name, uid) = match object {
                    Labelled::Pod(name, uid) => (
                        kinds::resource(Kind::Pods),
                        Some(name.namespace.as_str()),
                        &name.name,
                        Some(&*uid.0),
                    ),
                    Labelled::Node(name) => (kinds::resource(Kind::Nodes), None, name, None),
                };
                let change = MetadataPatch {
                    resource,
                    namespace,
                    name,
                    uid,
                    label: Some((key, from.as_deref())),
                    metadata: field("labels", json!({key.as_str(): to})),
                };
                self.change(&change, dry).await
            }
            Act::Create { manifest, .. } => self.create(manifest, dry).await,
            Act::DeleteBinding { binding, uid, .. } => {
                let resource = kinds::resource(Kind::Bindings(binding.api));
                self.delete(&resource, (&binding.namespace, &binding.name), &uid.0, dry).await
            }
            Act::EvictPod { name, uid, .. } => self.evict(name, uid, dry).await,
            Act::Register { .. }
            | Act::Deregister { .. }
            | Act::Shift { .. }
            | Act::AwaitLeaving { .. }
            | Act::AwaitGone { .. }
            | Act::AwaitReplaced { .. }
            | Act::AwaitInStep { .. } => Ok(()),
        }
    }

    async fn change(&self, change: &MetadataPatch<'_>, dry: bool) -> Result<(), Failure> {
        let operation = format!("patch {}", rbac(&change.resource));
        let mut last = None;
        for _ in 0..TRIES {
            let found = self.one(&change.resource, change.namespace, change.name).await?;
            let found = found.ok_or_else(|| gone(&operation, change.name))?;
            let Head { metadata } = serde_json::from_str(&found)
                .map_err(|it| Failure::new(&operation, ErrorKind::Unreadable, &it.to_string()))?;
            compare(&operation, change, &metadata)?;
            let mut patch = change.metadata.clone();
            patch.insert("resourceVersion".to_owned(), json!(metadata.resource_version));
            let params = PatchParams {
                dry_run: dry,
                field_manager: Some(MANAGER.to_owned()),
                ..PatchParams::default()
            };
            let api: Api<Raw> = self.api_of(&change.resource, change.namespace);
            let patch = Patch::Merge(json!({"metadata": patch}));
            match self.once(&operation, api.patch(change.name, &params, &patch)).await? {
                Ok(_) => return Ok(()),
                Err(it) => match self.failed("patch", &rbac(&change.resource), &it) {
                    failure if failure.kind == ErrorKind::Conflict => last = Some(failure),
                    failure => return Err(failure),
                },
            }
        }
        Err(last.unwrap_or_else(|| Failure::new(&operation, ErrorKind::Conflict, "it keeps changing")))
    }

    async fn create(&self, manifest: &Manifest, dry: bool) -> Result<(), Failure> {
        let resource = kinds::resource(Kind::Bindings(manifest.api));
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client().clone(), &manifest.name.namespace, &resource);
        let object: DynamicObject = serde_json::to_value(manifest.object())
            .and_then(serde_json::from_value)
            .map_err(|it| Failure::new("create targetgroupbindings", ErrorKind::Other, &it.to_string()))?;
        let params = PostParams { dry_run: dry, field_manager: Some(MANAGER.to_owned()) };
        let answer = self.once("create targetgroupbindings", api.create(&params, &object)).await?;
        answer.map(|_| ()).map_err(|it| self.failed("create", &rbac(&resource), &it))
    }

    /// Refused (429) where a disruption budget does not let the pod go.
    async fn evict(&self, pod: &ObjectName, uid: &Uid, dry: bool) -> Result<(), Failure> {
        let api: Api<Raw> = self.api_of(&kinds::resource(Kind::Pods), Some(&pod.namespace));
        let (name, eviction) = (&pod.name, Eviction::of(pod, uid));
        let params = PostParams { dry_run: dry, field_manager: None };
        let call = api.create_subresource::<_, Value>("eviction", name, &params, &eviction);
        let answer = self.once("create pods/eviction", call).await?;
        answer.map(|_| ()).map_err(|it| match self.failed("create", "pods/eviction", &it) {
            // It does not pass within seconds: who waits for it is a person.
            refused if refused.kind == ErrorKind::Throttled => {
                let text = format!("a PodDisruptionBudget does not let pod {name} go: {}", refused.message);
                Failure::new("create pods/eviction", ErrorKind::Other, &text)
            }
            other => other,
        })
    }

    async fn delete(
        &self,
        resource: &ApiResource,
        (namespace, name): (&str, &str),
        uid: &str,
        dry: bool,
    ) -> Result<(), Failure> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let params =
            DeleteParams { dry_run: dry, preconditions: Some(preconditions), ..DeleteParams::default() };
        let api: Api<Raw> = self.api_of(resource, Some(namespace));
        let operation = format!("delete {}", rbac(resource));
        let answer = self.once(&operation, api.delete(name, &params)).await?;
        answer.map(|_| ()).map_err(|it| self.failed("delete", &rbac(resource), &it))
    }
}

fn field(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}

fn rbac(resource: &ApiResource) -> String {
    match resource.group.as_str() {
        "" => resource.plural.clone(),
        group => format!("{}.{group}", resource.plural),
    }
}

fn gone(operation: &str, name: &str) -> Failure {
    Failure::new(operation, ErrorKind::NotFound, &format!("{name} is gone"))
}

/// Whether the object is still what the plan saw.
fn compare(operation: &str, change: &MetadataPatch<'_>, found: &Meta) -> Result<(), Failure> {
    let conflict = |text: &str| Err(Failure::new(operation, ErrorKind::Conflict, text));
    if change.uid.is_some_and(|it| it != found.uid) {
        return conflict(&format!("{} was replaced by another of its name", change.name));
    }
    match change.label {
        Some((key, value)) if found.labels.get(key).map(String::as_str) != value => {
            conflict(&format!("the label {key} of {} was changed meanwhile", change.name))
        }
        _ => Ok(()),
    }
}
