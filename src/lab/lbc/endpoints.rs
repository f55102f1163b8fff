//! Which targets the controller wants for a binding, by its own rules.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::lab::clock;
use crate::lab::clock::Millis;
use crate::lab::elbv2::model::Key;
use crate::lab::json::annotation;
use crate::lab::json::at;
use crate::lab::json::condition_status;
use crate::lab::json::label;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::NODES;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::kinds::SERVICES;
use crate::lab::kubernetes::kinds::SLICES;
use crate::lab::kubernetes::select::selector_picks;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::key;
use crate::lab::world::World;

/// A target it wants.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) key: Key,
    /// When its pod or node was made.
    pub(super) created: Millis,
    pub(super) pod: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// No service, or no such port: everything is cleaned up.
    NotFound(String),
    Error(String),
}

pub(super) fn resolve(world: &World, binding: &Value) -> Result<Vec<Endpoint>, Failed> {
    let namespace = text(binding, "metadata.namespace");
    let name = text(binding, "spec.serviceRef.name");
    let missing = || Failed::NotFound(format!("Service {name:?} not found"));
    let service = world.kube.get(SERVICES, namespace, name).ok_or_else(missing)?.clone();
    let wanted = at(binding, "spec.serviceRef.port");
    let shown = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
    // A number in quotes is a name.
    let is = |it: &&Value| match wanted.as_str() {
        Some(name) => text(it, "name") == name,
        None => at(it, "port") == wanted,
    };
    let no_port = || Failed::NotFound(format!("unable to find port {shown} on service {namespace}/{name}"));
    let port = list(&service, "spec.ports").iter().find(is).ok_or_else(no_port)?;
    match text(binding, "spec.targetType") {
        "instance" => instances(world, binding, &service, port),
        _ => Ok(addresses(world, binding, &service, port)),
    }
}

fn addresses(world: &World, binding: &Value, service: &Value, port: &Value) -> Vec<Endpoint> {
    let (namespace, name) = key(service);
    let quic = text(binding, "spec.targetGroupProtocol").ends_with("QUIC");
    let family = if text(binding, "spec.ipAddressType") == "ipv6" { "IPv6" } else { "IPv4" };
    let all: Vec<&Arc<Value>> = world
        .kube
        .objects(SLICES, Some(&namespace))
        .filter(|it| {
            label(it, "kubernetes.io/service-name") == Some(&name) && text(it, "addressType") == family
        })
        .collect();
    let (mut ready, mut doubtful) = (Vec::new(), Vec::new());
    for slice in all {
        let wanted = text(port, "name");
        for slice_port in
            list(slice, "ports").iter().filter(|it| wanted.is_empty() || text(it, "name") == wanted)
        {
            let number = u16::try_from(number(slice_port, "port")).unwrap_or_default();
            for endpoint in list(slice, "endpoints") {
                let Some((pod, certain)) = judge(world, &namespace, endpoint) else { continue };
                let address = list(endpoint, "addresses").first().and_then(Value::as_str).unwrap_or_default();
                let server = quic.then(|| server_id(pod)).flatten();
                let made = Endpoint {
                    key: Key { quic: server, ..Key::new(address, number) },
                    created: clock::parse(text(pod, "metadata.creationTimestamp")).unwrap_or_default(),
                    pod: Some(key(pod)),
                };
                if certain { ready.push(made) } else { doubtful.push(made) }
            }
        }
    }
    // Of nodes nobody hears of anything: only where there is nothing else.
    let mut all = if ready.is_empty() { doubtful } else { ready };
    // A group for QUIC takes nobody without a server id.
    all.retain(|it| !quic || it.key.quic.is_some());
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all.dedup_by(|a, b| a.key == b.key);
    all
}

/// The id that a pod speaks QUIC by, where its annotation says that it does: injected in base64, registered in hexadecimal.
fn server_id(pod: &Value) -> Option<String> {
    annotation(pod, "service.beta.kubernetes.io/aws-load-balancer-quic-enabled-containers")?;
    let sidecars = list(pod, "spec.initContainers").iter().filter(|it| text(it, "restartPolicy") == "Always");
    let mut variables = list(pod, "spec.containers").iter().chain(sidecars).flat_map(|it| list(it, "env"));
    let injected = variables.find(|it| text(it, "name") == "AWS_LBC_QUIC_SERVER_ID")?;
    let bytes = STANDARD.decode(text(injected, "value")).ok()?;
    Some(bytes.iter().fold("0x".to_owned(), |hex, it| format!("{hex}{it:02x}")))
}

/// The pod of an endpoint that counts, and whether it does without doubt.
fn judge<'a>(world: &'a World, namespace: &str, endpoint: &Value) -> Option<(&'a Arc<Value>, bool)> {
    if text(endpoint, "targetRef.kind") != "Pod" {
        return None;
    }
    // The reference's own namespace counts.
    let namespace =
        Some(text(endpoint, "targetRef.namespace")).filter(|it| !it.is_empty()).unwrap_or(namespace);
    let pod = world.kube.get(PODS, namespace, text(endpoint, "targetRef.name"))?;
    if at(endpoint, "conditions.ready").as_bool().unwrap_or(true) {
        return Some((pod, true));
    }
    if condition_status(pod, "ContainersReady") != "True"
        || at(endpoint, "conditions.terminating") == &Value::Bool(true)
    {
        return None;
    }
    let node = world.kube.get(NODES, "", text(pod, "spec.nodeName"))?;
    match condition_status(node, "Ready") {
        "True" => Some((pod, true)),
        "Unknown" => Some((pod, false)),
        _ => None,
    }
}

const EXCLUDING: [&str; 3] = [
    "node-role.kubernetes.io/master",
    "node.kubernetes.io/exclude-from-external-load-balancers",
    "alpha.service-controller.kubernetes.io/exclude-balancer",
];

fn instances(world: &World, binding: &Value, service: &Value, port: &Value) -> Result<Vec<Endpoint>, Failed> {
    if !matches!(text(service, "spec.type"), "NodePort" | "LoadBalancer") {
        let (namespace, name) = key(service);
        return Err(Failed::Error(format!(
            "service type must be either 'NodePort' or 'LoadBalancer': {namespace}/{name}"
        )));
    }
    let selector = at(binding, "spec.nodeSelector");
    let number = u16::try_from(number(port, "nodePort")).unwrap_or_default();
    let (mut ready, mut doubtful) = (Vec::new(), Vec::new());
    for node in world.kube.objects(NODES, None) {
        let excluded = EXCLUDING.iter().any(|it| label(node, it).is_some())
            || label(node, "eks.amazonaws.com/compute-type") == Some("fargate");
        let leaving = list(node, "spec.taints").iter().any(|it| {
            text(it, "key") == "ToBeDeletedByClusterAutoscaler"
                || (text(it, "key") == "karpenter.sh/disrupted" && text(it, "effect") == "NoSchedule")
        });
        if excluded || leaving || !(selector.is_null() || selector_picks(selector, node)) {
            continue;
        }
        let (name, provider) = (text(node, "metadata.name"), text(node, "spec.providerID"));
        if provider.is_empty() {
            return Err(Failed::Error(format!("providerID is not specified for node: {name}")));
        }
        let id = provider.rsplit('/').next().filter(|it| it.starts_with("i-"));
        let Some(id) = id else {
            return Err(Failed::Error(format!(
                "providerID {provider} is invalid for EC2 instances, node: {name}"
            )));
        };
        let endpoint = Endpoint {
            key: Key::new(id, number),
            created: clock::parse(text(node, "metadata.creationTimestamp")).unwrap_or_default(),
            pod: None,
        };
        match condition_status(node, "Ready") {
            "True" => ready.push(endpoint),
            "Unknown" => doubtful.push(endpoint),
            _ => {}
        }
    }
    Ok(if ready.is_empty() { doubtful } else { ready })
}
