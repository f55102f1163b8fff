//! What the API server fills in of the spec of a pod, in a pod and in a template.

use serde_json::Value;
use serde_json::json;

use crate::lab::json::default;
use crate::lab::json::slot;
use crate::lab::json::text;

/// Puts in what nobody said.
pub(in crate::lab) fn complete(spec: &mut Value) {
    for (path, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
    ] {
        default(spec, path, value);
    }
    if let Value::Array(containers) = slot(spec, &["containers"]) {
        for container in containers {
            let pull = if text(container, "image").contains(':') { "IfNotPresent" } else { "Always" };
            default(container, "imagePullPolicy", json!(pull));
            default(container, "resources", json!({}));
            if let Some(Value::Array(ports)) = container.get_mut("ports") {
                for port in ports {
                    default(port, "protocol", json!("TCP"));
                }
            }
        }
    }
}
