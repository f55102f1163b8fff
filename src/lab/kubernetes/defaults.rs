//! What the API server fills in and demands when an object is made.

use serde_json::Value;
use serde_json::json;

use super::answer::Refusal;
use super::kinds::AUTO_MODE;
use super::kinds::BINDINGS;
use super::kinds::DEPLOYMENTS;
use super::kinds::Kind;
use super::kinds::NAMESPACES;
use super::kinds::PODS;
use super::kinds::SERVICES;
use super::pod_spec;
use super::select;
use crate::lab::json::at;
use crate::lab::json::default;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::put;
use crate::lab::json::slot;
use crate::lab::json::text;
use crate::lab::lbc::webhook;
use crate::lab::world::World;

pub(super) fn apply(world: &mut World, kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    let name = text(object, "metadata.name").to_owned();
    match kind.id {
        PODS => {
            pod_spec::complete(slot(object, &["spec"]));
            put(object, "status", json!({"phase": "Pending", "qosClass": "BestEffort"}));
            webhook::inject(world, object);
        }
        DEPLOYMENTS => {
            default(object, "spec.replicas", json!(1));
            default(object, "spec.strategy.type", json!("RollingUpdate"));
            if text(object, "spec.strategy.type") == "RollingUpdate" {
                default(object, "spec.strategy.rollingUpdate.maxSurge", json!("25%"));
                default(object, "spec.strategy.rollingUpdate.maxUnavailable", json!("25%"));
            }
            default(object, "spec.revisionHistoryLimit", json!(10));
            default(object, "spec.progressDeadlineSeconds", json!(600));
            if !select::selector_picks(at(object, "spec.selector"), at(object, "spec.template")) {
                let labels = at(object, "spec.template.metadata.labels");
                let cause = format!(
                    "spec.template.metadata.labels: Invalid value: {labels}: `selector` does not match template `labels`"
                );
                return Err(Refusal::invalid(kind, &name, &cause));
            }
            pod_spec::complete(slot(object, &["spec", "template", "spec"]));
        }
        SERVICES => service(world, kind, object)?,
        NAMESPACES => {
            default(object, "spec.finalizers", json!(["kubernetes"]));
            put(object, "status.phase", json!("Active"));
            *slot(object, &["metadata", "labels", "kubernetes.io/metadata.name"]) = json!(name);
        }
        BINDINGS | AUTO_MODE => {
            let missing = match (at(object, "spec.serviceRef"), at(object, "spec.serviceRef.port")) {
                (Value::Null, _) => "spec.serviceRef: Required value",
                (it, _) if text(it, "name").is_empty() => "spec.serviceRef.name: Required value",
                (_, Value::Null) => "spec.serviceRef.port: Required value",
                _ => return Ok(()),
            };
            return Err(Refusal::invalid(kind, &name, missing));
        }
        _ => {}
    }
    Ok(())
}

fn service(world: &mut World, kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    let name = text(object, "metadata.name").to_owned();
    default(object, "spec.type", json!("ClusterIP"));
    if list(object, "spec.ports").is_empty() && text(object, "spec.type") != "ExternalName" {
        return Err(Refusal::invalid(kind, &name, "spec.ports: Required value"));
    }
    let draw = world.kube.random.below(65_000);
    default(object, "spec.clusterIP", json!(format!("10.100.{}.{}", draw / 255, 1 + draw % 254)));
    let address = text(object, "spec.clusterIP").to_owned();
    default(object, "spec.clusterIPs", json!([address]));
    default(object, "spec.sessionAffinity", json!("None"));
    default(object, "spec.internalTrafficPolicy", json!("Cluster"));
    default(object, "spec.ipFamilies", json!(["IPv4"]));
    default(object, "spec.ipFamilyPolicy", json!("SingleStack"));
    let outside = matches!(text(object, "spec.type"), "NodePort" | "LoadBalancer");
    if outside {
        default(object, "spec.externalTrafficPolicy", json!("Cluster"));
    }
    if let Value::Array(ports) = slot(object, &["spec", "ports"]) {
        for port in ports {
            default(port, "protocol", json!("TCP"));
            let number = number(port, "port");
            default(port, "targetPort", json!(number));
            if outside {
                default(port, "nodePort", json!(30_000 + world.kube.random.below(2_767)));
            }
        }
    }
    put(object, "status", json!({"loadBalancer": {}}));
    Ok(())
}
