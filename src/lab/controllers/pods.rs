//! How pods are made from templates, by controllers and by the scenario.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use crate::lab::json::at;
use crate::lab::json::put;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::lbc::webhook;
use crate::lab::world::World;

/// Makes a pod of a template; its name begins with that of its owner.
pub(super) fn create(
    world: &mut World,
    template: &Value,
    owner: &str,
    reference: &Value,
    namespace: &str,
) -> Arc<Value> {
    let mut pod = json!({
        "metadata": {"generateName": format!("{owner}-"), "namespace": namespace,
            "labels": at(template, "metadata.labels"), "ownerReferences": [reference]},
        "spec": at(template, "spec"),
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    });
    let annotations = at(template, "metadata.annotations");
    if !annotations.is_null() {
        put(&mut pod, "metadata.annotations", annotations.clone());
    }
    webhook::inject(world, &mut pod);
    world.kube.create(PODS, pod)
}
