//! The controller as an application of the cluster: its Deployment, lease, webhooks and kinds. It is at work
//! while a pod of it is ready.

use serde_json::Value;
use serde_json::json;

use super::bindings;
use super::bindings::enqueue;
use super::memory::Version;
use super::webhook::CONFIGURATION;
use crate::lab::clock::stamp_micros;
use crate::lab::json::number;
use crate::lab::json::put;
use crate::lab::json::slot;
use crate::lab::kubernetes::kinds::BINDINGS;
use crate::lab::kubernetes::kinds::CRDS;
use crate::lab::kubernetes::kinds::DEPLOYMENTS;
use crate::lab::kubernetes::kinds::LEASES;
use crate::lab::kubernetes::kinds::MUTATING;
use crate::lab::kubernetes::kinds::SERVICES;
use crate::lab::kubernetes::kinds::VALIDATING;
use crate::lab::kubernetes::pod_spec;
use crate::lab::kubernetes::store::Name;
use crate::lab::queue::Task;
use crate::lab::world::World;

const NAMESPACE: &str = "kube-system";
pub(in crate::lab) const NAME: &str = "aws-load-balancer-controller";
const LEASE: &str = "aws-load-balancer-controller-leader";
const WEBHOOK_SERVICE: &str = "aws-load-balancer-webhook-service";
/// Milliseconds between two renewals of the lease.
const RENEW: i64 = 2_000;

/// The image of a version.
pub(in crate::lab) fn image((major, minor, patch): Version) -> String {
    format!("public.ecr.aws/eks/aws-load-balancer-controller:v{major}.{minor}.{patch}")
}

/// Adds one of the kinds of binding.
pub(in crate::lab) fn add_kind(world: &mut World, kind: &str, group: &str, version: &str) {
    let names = json!({"kind": "TargetGroupBinding", "listKind": "TargetGroupBindingList",
        "plural": "targetgroupbindings", "singular": "targetgroupbinding"});
    world.kube.create(
        CRDS,
        json!({
            "metadata": {"name": kind},
            "spec": {"group": group, "scope": "Namespaced", "names": names,
                "versions": [{"name": version, "served": true, "storage": true}]},
            "status": {"acceptedNames": names, "storedVersions": [version],
                "conditions": [{"type": "Established", "status": "True"}]},
        }),
    );
}

/// Installs it as its Helm chart does.
pub(in crate::lab) fn install(world: &mut World) {
    let version = world.lbc.version;
    world.lbc.installed = true;
    let labels = json!({"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME,
        "app.kubernetes.io/version": format!("v{}.{}.{}", version.0, version.1, version.2)});
    let selector = json!({"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME});
    let arguments = json!([
        format!("--cluster-name={}", world.lbc.cluster_name),
        "--ingress-class=alb",
        format!("--aws-region={}", world.elb.region)
    ]);
    let mut template = json!({"metadata": {"labels": selector}, "spec": {"containers": [{
        "name": NAME, "image": image(version), "args": arguments,
        "ports": [{"name": "webhook-server", "containerPort": 9443}]}]}});
    pod_spec::complete(slot(&mut template, &["spec"]));
    world.kube.create(DEPLOYMENTS, json!({
        "metadata": {"namespace": NAMESPACE, "name": NAME, "labels": labels},
        "spec": {"replicas": 2, "selector": {"matchLabels": selector}, "template": template,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10},
    }));
    world.kube.create(SERVICES, json!({
        "metadata": {"namespace": NAMESPACE, "name": WEBHOOK_SERVICE},
        "spec": {"type": "ClusterIP", "clusterIP": "10.100.0.90", "selector": selector,
            "ports": [{"name": "webhook-server", "port": 443, "targetPort": "webhook-server", "protocol": "TCP"}]},
    }));
    for (kind, start) in [(MUTATING, "m"), (VALIDATING, "v")] {
        let hook = json!({"name": format!("{start}targetgroupbinding.elbv2.k8s.aws"), "failurePolicy": "Fail",
            "sideEffects": "None", "admissionReviewVersions": ["v1beta1"],
            "clientConfig": {"service": {"namespace": NAMESPACE, "name": WEBHOOK_SERVICE}},
            "rules": [{"apiGroups": ["elbv2.k8s.aws"], "apiVersions": ["v1beta1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["targetgroupbindings"]}]});
        world.kube.create(kind, json!({"metadata": {"name": CONFIGURATION}, "webhooks": [hook]}));
    }
}

/// Its Deployment changed: it may have started or ended.
pub(in crate::lab) fn deployment_changed(world: &mut World, name: &Name) {
    if name.0 != NAMESPACE || name.1 != NAME {
        return;
    }
    let deployment = world.kube.get(DEPLOYMENTS, NAMESPACE, NAME);
    let running = deployment.is_some_and(|it| number(it, "status.availableReplicas") > 0);
    if running == world.lbc.running {
        return;
    }
    world.lbc.running = running;
    if !running {
        return;
    }
    // A start anew: nothing is remembered, everything is looked at.
    let bindings = bindings::all(world, None, |_| true);
    world.lbc.start(&bindings);
    renew(world);
    for (kind, name) in bindings {
        if kind == BINDINGS {
            enqueue(world, kind, name);
        }
    }
}

/// Renews the lease, as long as it is at work.
pub(in crate::lab) fn renew(world: &mut World) {
    if !world.lbc.running {
        return;
    }
    let now = stamp_micros(world.now);
    let renewed = world.kube.update(LEASES, (NAMESPACE, LEASE), |it| put(it, "spec.renewTime", json!(now)));
    if renewed.is_none() {
        let spec: Value = json!({"holderIdentity": format!("{NAME}-0_lab"), "leaseDurationSeconds": 15,
            "acquireTime": now, "renewTime": now, "leaseTransitions": 0});
        world.kube.create(LEASES, json!({"metadata": {"namespace": NAMESPACE, "name": LEASE}, "spec": spec}));
    }
    world.after(RENEW, Task::Renew);
}
