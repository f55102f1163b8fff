//! What is expected of an API server: one list of calls and answers, for the real one and for the lab's.

#[path = "writes.rs"]
mod writes;

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::matching::differs;
use crate::wire::Answer;
use crate::wire::Call;
use crate::wire::MERGE;
use crate::wire::Wire;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Admin,
    Viewer,
}

/// A call, what it is expected to answer, and what of the answer is kept for later calls.
struct Fact {
    name: &'static str,
    who: Who,
    method: &'static str,
    /// `{ns}` is the namespace of the contract, other names are what was kept.
    path: &'static str,
    accept: &'static str,
    content: &'static str,
    body: Value,
    status: u16,
    answer: Value,
    keep: &'static [(&'static str, &'static str)],
}

fn fact(name: &'static str, method: &'static str, path: &'static str, status: u16, answer: Value) -> Fact {
    let content = match method {
        "PATCH" => MERGE,
        "GET" | "DELETE" | "WATCH" => "",
        _ => "application/json",
    };
    Fact {
        name,
        who: Who::Admin,
        method,
        path,
        accept: "",
        content,
        body: Value::Null,
        status,
        answer,
        keep: &[],
    }
}

impl Fact {
    fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }

    fn keeping(self, keep: &'static [(&'static str, &'static str)]) -> Self {
        Self { keep, ..self }
    }

    fn by_viewer(self) -> Self {
        Self { who: Who::Viewer, ..self }
    }

    fn accepting(self, accept: &'static str) -> Self {
        Self { accept, ..self }
    }

    fn in_form(self, content: &'static str) -> Self {
        Self { content, ..self }
    }
}

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
const MAPS: &str = "/api/v1/namespaces/{ns}/configmaps";
const BINDINGS: &str = "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings";

fn map(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": {"k": "v"}})
}

fn refusal(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message})
}

/// About the server itself.
fn server() -> Vec<Fact> {
    let verbs = json!({"has": ["get", "list", "watch", "create", "patch", "update", "delete"]});
    let of = |name: &str, kind: &str, short: Value| json!({"name": name, "kind": kind, "namespaced": true, "shortNames": short, "verbs": verbs});
    vec![
        fact("a version", "GET", "/version", 200, json!({"major": "1", "gitVersion": "~v1."})),
        fact("the core versions", "GET", "/api", 200, json!({"kind": "APIVersions", "versions": ["v1"]})),
        fact(
            "core kinds",
            "GET",
            "/api/v1",
            200,
            json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": {"has": [
            of("pods", "Pod", json!(["po"])), of("services", "Service", json!(["svc"])), {"name": "pods/status"}, {"name": "pods/eviction"}]}}),
        ),
        fact(
            "kinds of a group",
            "GET",
            "/apis/apps/v1",
            200,
            json!({"resources": {"has": [
            of("deployments", "Deployment", json!(["deploy"])), {"name": "deployments/scale", "kind": "Scale", "group": "autoscaling"}]}}),
        ),
        fact(
            "groups",
            "GET",
            "/apis",
            200,
            json!({"kind": "APIGroupList", "groups": {"has": [
            {"name": "apps", "preferredVersion": {"groupVersion": "apps/v1"}}, {"name": "elbv2.k8s.aws"}, {"name": "discovery.k8s.io"}]}}),
        ),
        fact(
            "custom kinds",
            "GET",
            "/apis/elbv2.k8s.aws/v1beta1",
            200,
            json!({"resources": {"has": [
            {"name": "targetgroupbindings", "kind": "TargetGroupBinding"}, {"name": "targetgroupbindings/status"}]}}),
        ),
        fact("a group nobody serves", "GET", "/apis/eks.amazonaws.com/v1", 404, Value::Null),
        fact(
            "a kind nobody serves",
            "GET",
            "/api/v1/namespaces/{ns}/unicorns",
            404,
            refusal(404, "NotFound", "the server could not find the requested resource"),
        ),
        fact(
            "that the server validates",
            "GET",
            "/openapi/v3",
            200,
            json!({"paths": {"api/v1": {"serverRelativeURL": "~/openapi/v3/api/v1"}}}),
        ),
        fact(
            "a namespace",
            "POST",
            "/api/v1/namespaces",
            201,
            json!({"kind": "Namespace", "status": {"phase": "Active"},
            "metadata": {"labels": {"kubernetes.io/metadata.name": "{ns}"}}}),
        )
        .with(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{ns}"}})),
    ]
}

/// Objects made, changed and deleted.
fn objects() -> Vec<Fact> {
    let held = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/f"]}});
    vec![
        fact("an empty list", "GET", MAPS, 200, json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": "*"}}))
            .keeping(&[("begin", "metadata.resourceVersion")]),
        fact("a new object", "POST", MAPS, 201, json!({"kind": "ConfigMap", "metadata": {"name": "a", "namespace": "{ns}",
            "uid": "*", "resourceVersion": "*", "creationTimestamp": "*", "labels": {"app": "web"}}, "data": {"k": "v"}}))
            .with(map("a", &json!({"app": "web"}))).keeping(&[("first", "metadata.resourceVersion")]),
        fact("one that is there already", "POST", MAPS, 409, refusal(409, "AlreadyExists", "configmaps \"a\" already exists"))
            .with(map("a", &json!({}))),
        fact("one nowhere", "POST", "/api/v1/namespaces/no-such-place/configmaps", 404,
            refusal(404, "NotFound", "namespaces \"no-such-place\" not found")).with(map("a", &json!({}))),
        fact("one without a name", "POST", MAPS, 422, json!({"reason": "Invalid", "message": "~name or generateName is required"}))
            .with(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})),
        fact("one with a drawn name", "POST", MAPS, 201, json!({"metadata": {"name": "~drawn-"}}))
            .with(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "drawn-", "labels": {"app": "api"}}})),
        fact("a trial", "POST", "/api/v1/namespaces/{ns}/configmaps?dryRun=All", 201, json!({"metadata": {"name": "trial"}}))
            .with(map("trial", &json!({}))),
        fact("that a trial left nothing", "GET", "/api/v1/namespaces/{ns}/configmaps/trial", 404,
            json!({"reason": "NotFound", "message": "configmaps \"trial\" not found", "details": {"name": "trial", "kind": "configmaps"}})),
        fact("a merge patch", "PATCH", "/api/v1/namespaces/{ns}/configmaps/a", 200, json!({"metadata": {"labels": {"app": "web", "tier": "front"}}}))
            .with(json!({"metadata": {"labels": {"tier": "front"}}})),
        fact("a patch that removes", "PATCH", "/api/v1/namespaces/{ns}/configmaps/a", 200, json!({"metadata": {"labels": {"tier": "-"}}}))
            .with(json!({"metadata": {"labels": {"tier": null}}})),
        fact("a patch of an older version", "PATCH", "/api/v1/namespaces/{ns}/configmaps/a", 409,
            json!({"reason": "Conflict", "message": "~Operation cannot be fulfilled on configmaps \"a\": the object has been modified"}))
            .with(json!({"metadata": {"resourceVersion": "{first}", "labels": {"x": "y"}}})),
        fact("a strategic patch", "PATCH", "/api/v1/namespaces/{ns}/configmaps/a", 200, json!({"data": {"k": "v", "l": "w"}}))
            .with(json!({"data": {"l": "w"}})).in_form("application/strategic-merge-patch+json"),
        fact("a patch of something that is not there", "PATCH", "/api/v1/namespaces/{ns}/configmaps/zz", 404, json!({"reason": "NotFound"}))
            .with(json!({"data": {}})),
        fact("objects by label", "GET", "/api/v1/namespaces/{ns}/configmaps?labelSelector=app%20in%20(web),!tier", 200, json!({"items": [{"metadata": {"name": "a"}}]})),
        fact("objects by name", "GET", "/api/v1/namespaces/{ns}/configmaps?fieldSelector=metadata.name%3Da", 200, json!({"items": [{"metadata": {"name": "a"}}]})),
        fact("pods by node", "GET", "/api/v1/namespaces/{ns}/pods?fieldSelector=spec.nodeName%3Dn1,status.phase!%3DFailed", 200, json!({"items": []})),
        fact("a field nobody indexes", "GET", "/api/v1/namespaces/{ns}/pods?fieldSelector=spec.color%3Dred", 400, json!({"reason": "BadRequest"})),
        fact("a page", "GET", "/api/v1/namespaces/{ns}/configmaps?limit=1&labelSelector=app", 200, json!({"metadata": {"continue": "*"}, "items": ["*"]}))
            .keeping(&[("next", "metadata.continue")]),
        fact("the next page", "GET", "/api/v1/namespaces/{ns}/configmaps?limit=1&labelSelector=app&continue={next}", 200,
            json!({"items": [{"metadata": {"name": "~drawn-"}}]})),
        fact("metadata alone", "GET", "/api/v1/namespaces/{ns}/configmaps?labelSelector=app%3Dweb", 200,
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": [{"metadata": {"name": "a"}, "data": "-"}]})).accepting(METADATA),
        fact("a deletion", "DELETE", "/api/v1/namespaces/{ns}/configmaps/a", 200,
            json!({"kind": "Status", "status": "Success", "details": {"name": "a", "kind": "configmaps", "uid": "*"}})),
        fact("a second deletion", "DELETE", "/api/v1/namespaces/{ns}/configmaps/a", 404, refusal(404, "NotFound", "configmaps \"a\" not found")),
        fact("one with a finalizer", "POST", MAPS, 201, json!({"metadata": {"finalizers": ["example.com/f"]}})).with(held),
        fact("that a finalizer holds it", "DELETE", "/api/v1/namespaces/{ns}/configmaps/held", 200,
            json!({"kind": "ConfigMap", "metadata": {"deletionTimestamp": "*", "finalizers": ["example.com/f"]}})),
        fact("that it is still there", "GET", "/api/v1/namespaces/{ns}/configmaps/held", 200, json!({"metadata": {"deletionTimestamp": "*"}})),
        fact("that nothing holds it", "PATCH", "/api/v1/namespaces/{ns}/configmaps/held", 200, json!({"metadata": {"name": "held"}}))
            .with(json!({"metadata": {"finalizers": null}})),
        fact("that it is gone", "GET", "/api/v1/namespaces/{ns}/configmaps/held", 404, json!({"reason": "NotFound"})),
        fact("a method nobody serves", "PUT", MAPS, 405, json!({"reason": "MethodNotAllowed"})).with(json!({})),
        fact("what happened to one", "WATCH", "/api/v1/namespaces/{ns}/configmaps?watch=true&timeoutSeconds=1&resourceVersion={begin}&fieldSelector=metadata.name%3Da", 200,
            json!([{"type": "ADDED"}, {"type": "MODIFIED"}, {"type": "MODIFIED"}, {"type": "MODIFIED"}, {"type": "DELETED", "object": {"metadata": {"name": "a"}}}])),
        fact("that losing a label is leaving", "WATCH", "/api/v1/namespaces/{ns}/configmaps?watch=true&timeoutSeconds=1&resourceVersion={begin}&labelSelector=tier%3Dfront", 200,
            json!([{"type": "ADDED", "object": {"metadata": {"labels": {"tier": "front"}}}}, {"type": "DELETED"}])),
        fact("a list as a stream", "WATCH", "/api/v1/namespaces/{ns}/configmaps?watch=true&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=app", 200,
            json!([{"type": "ADDED", "object": {"kind": "ConfigMap", "apiVersion": "v1"}},
                {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "*", "annotations": {"k8s.io/initial-events-end": "true"}}}}])),
        fact("a stream that does not say from when", "GET", "/api/v1/namespaces/{ns}/configmaps?watch=true&sendInitialEvents=true", 422,
            json!({"reason": "Invalid", "message": "~sendInitialEvents"})),
    ]
}

/// Workloads, services, bindings.
fn kinds() -> Vec<Fact> {
    let template = json!({"metadata": {"labels": {"app": "c"}}, "spec": {"containers": [{"name": "c", "image": "c:1", "ports": [{"containerPort": 80}]}]}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "c"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "c"}}, "template": template}});
    let mut wrong = deployment.clone();
    wrong["metadata"]["name"] = json!("wrong");
    wrong["spec"]["selector"] = json!({"matchLabels": {"app": "other"}});
    let binding = json!({"apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding", "metadata": {"name": "b"},
        "spec": {"serviceRef": {"name": "c", "port": 80}, "targetGroupARN": "arn:aws:elasticloadbalancing:us-west-2:1:targetgroup/nowhere/1", "targetType": "ip"}});
    let mut without = binding.clone();
    without["metadata"]["name"] = json!("without");
    without["spec"] = json!({"targetType": "ip"});
    vec![
        fact("a deployment", "POST", "/apis/apps/v1/namespaces/{ns}/deployments", 201, json!({"metadata": {"generation": 1},
            "spec": {"replicas": 0, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                "template": {"spec": {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                    "containers": [{"imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}}}})).with(deployment),
        fact("one whose selector picks nothing", "POST", "/apis/apps/v1/namespaces/{ns}/deployments", 422,
            json!({"reason": "Invalid", "message": "~`selector` does not match template `labels`"})).with(wrong),
        fact("its scale", "GET", "/apis/apps/v1/namespaces/{ns}/deployments/c/scale", 200, json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
            "metadata": {"name": "c"}, "spec": "*", "status": {"selector": "app=c"}})),
        fact("another scale", "PATCH", "/apis/apps/v1/namespaces/{ns}/deployments/c/scale", 200, json!({"kind": "Scale", "spec": {"replicas": 1}}))
            .with(json!({"spec": {"replicas": 1}})),
        fact("a scale below nothing", "PATCH", "/apis/apps/v1/namespaces/{ns}/deployments/c/scale", 422,
            json!({"reason": "Invalid", "message": "~must be greater than or equal to 0"})).with(json!({"spec": {"replicas": -1}})),
        fact("a new generation for a new spec", "GET", "/apis/apps/v1/namespaces/{ns}/deployments/c", 200, json!({"metadata": {"generation": 2}, "spec": {"replicas": 1}})),
        fact("a service", "POST", "/api/v1/namespaces/{ns}/services", 201, json!({"spec": {"type": "ClusterIP", "clusterIP": "*", "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}]}}))
            .with(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "c"}, "spec": {"selector": {"app": "c"}, "ports": [{"port": 80}]}})),
        fact("a service without ports", "POST", "/api/v1/namespaces/{ns}/services", 422, json!({"reason": "Invalid", "message": "~spec.ports: Required value"}))
            .with(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "d"}, "spec": {"selector": {"app": "c"}}})),
        fact("a binding", "POST", BINDINGS, 201, json!({"metadata": {"generation": 1}, "spec": {"targetType": "ip"}})).with(binding),
        fact("a binding without a service", "POST", BINDINGS, 422,
            json!({"reason": "Invalid", "message": "~TargetGroupBinding.elbv2.k8s.aws \"without\" is invalid: spec.serviceRef: Required value"})).with(without),
        fact("a strategic patch of a custom kind", "PATCH", "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/b", 415,
            json!({"reason": "UnsupportedMediaType"})).with(json!({})).in_form("application/strategic-merge-patch+json"),
        fact("an annotation, which is no new generation", "PATCH", "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/b", 200,
            json!({"metadata": {"generation": 1, "annotations": {"elbv2.k8s.aws/checkpoint": "x"}}}))
            .with(json!({"metadata": {"annotations": {"elbv2.k8s.aws/checkpoint": "x"}}, "status": {"observedGeneration": 7}})),
        fact("that the status is not the object's to set", "GET", "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/b", 200,
            json!({"status": {"observedGeneration": "-"}})),
        fact("the status by its own path", "PATCH", "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/b/status", 200,
            json!({"status": {"observedGeneration": 7}, "spec": {"targetType": "ip"}})).with(json!({"status": {"observedGeneration": 7}, "spec": {"targetType": "instance"}})),
        fact("kinds of custom objects in a list", "GET", BINDINGS, 200, json!({"kind": "TargetGroupBindingList", "items": [{"kind": "TargetGroupBinding"}]})),
    ]
}

/// The columns `kubectl get` prints, with their priority.
#[expect(clippy::too_many_lines, reason = "a table: a line for each column")]
fn columns() -> Vec<Fact> {
    let table = |name: &'static str, path: &'static str, columns: &[(&str, u8)]| {
        let columns: Vec<Value> =
            columns.iter().map(|(name, priority)| json!({"name": name, "priority": priority})).collect();
        fact(
            name,
            "GET",
            path,
            200,
            json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": columns}),
        )
        .accepting(TABLE)
    };
    vec![
        table(
            "columns of pods",
            "/api/v1/namespaces/{ns}/pods",
            &[
                ("Name", 0),
                ("Ready", 0),
                ("Status", 0),
                ("Restarts", 0),
                ("Age", 0),
                ("IP", 1),
                ("Node", 1),
                ("Nominated Node", 1),
                ("Readiness Gates", 1),
            ],
        ),
        table(
            "columns of services",
            "/api/v1/namespaces/{ns}/services",
            &[
                ("Name", 0),
                ("Type", 0),
                ("Cluster-IP", 0),
                ("External-IP", 0),
                ("Port(s)", 0),
                ("Age", 0),
                ("Selector", 1),
            ],
        ),
        table(
            "columns of nodes",
            "/api/v1/nodes",
            &[
                ("Name", 0),
                ("Status", 0),
                ("Roles", 0),
                ("Age", 0),
                ("Version", 0),
                ("Internal-IP", 1),
                ("External-IP", 1),
                ("OS-Image", 1),
                ("Kernel-Version", 1),
                ("Container-Runtime", 1),
            ],
        ),
        table(
            "columns of deployments",
            "/apis/apps/v1/namespaces/{ns}/deployments",
            &[
                ("Name", 0),
                ("Ready", 0),
                ("Up-to-date", 0),
                ("Available", 0),
                ("Age", 0),
                ("Containers", 1),
                ("Images", 1),
                ("Selector", 1),
            ],
        ),
        table(
            "columns of replica sets",
            "/apis/apps/v1/namespaces/{ns}/replicasets",
            &[
                ("Name", 0),
                ("Desired", 0),
                ("Current", 0),
                ("Ready", 0),
                ("Age", 0),
                ("Containers", 1),
                ("Images", 1),
                ("Selector", 1),
            ],
        ),
        table(
            "columns of stateful sets",
            "/apis/apps/v1/namespaces/{ns}/statefulsets",
            &[("Name", 0), ("Ready", 0), ("Age", 0), ("Containers", 1), ("Images", 1)],
        ),
        table(
            "columns of daemon sets",
            "/apis/apps/v1/namespaces/{ns}/daemonsets",
            &[
                ("Name", 0),
                ("Desired", 0),
                ("Current", 0),
                ("Ready", 0),
                ("Up-to-date", 0),
                ("Available", 0),
                ("Node Selector", 0),
                ("Age", 0),
                ("Containers", 1),
                ("Images", 1),
                ("Selector", 1),
            ],
        ),
        table(
            "columns of slices",
            "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices",
            &[("Name", 0), ("AddressType", 0), ("Ports", 0), ("Endpoints", 0), ("Age", 0)],
        ),
        table(
            "columns of events",
            "/api/v1/namespaces/{ns}/events",
            &[
                ("Last Seen", 0),
                ("Type", 0),
                ("Reason", 0),
                ("Object", 0),
                ("Subobject", 1),
                ("Source", 1),
                ("Message", 0),
                ("First Seen", 1),
                ("Count", 1),
                ("Name", 1),
            ],
        ),
        table("columns of namespaces", "/api/v1/namespaces", &[("Name", 0), ("Status", 0), ("Age", 0)]),
        table("columns of config maps", MAPS, &[("Name", 0), ("Data", 0), ("Age", 0)]),
        table(
            "columns of service accounts",
            "/api/v1/namespaces/{ns}/serviceaccounts",
            &[("Name", 0), ("Age", 0)],
        ),
        table(
            "columns of leases",
            "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases",
            &[("Name", 0), ("Holder", 0), ("Age", 0)],
        ),
        table(
            "columns of webhooks",
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
            &[("Name", 0), ("Webhooks", 0), ("Age", 0)],
        ),
        table(
            "columns of bindings",
            BINDINGS,
            &[
                ("Name", 0),
                ("SERVICE-NAME", 0),
                ("SERVICE-PORT", 0),
                ("TARGET-TYPE", 0),
                ("ARN", 1),
                ("NAME", 2),
                ("AGE", 0),
            ],
        ),
    ]
}

/// What an API server does otherwise, each with the call it was.
pub(crate) async fn broken(admin: &Wire, viewer: &Wire, namespace: &str) -> Vec<String> {
    let mut kept = BTreeMap::from([("ns".to_owned(), namespace.to_owned())]);
    let fill = |text: &str, kept: &BTreeMap<String, String>| {
        kept.iter().fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
    };
    let mut broken = Vec::new();
    let all = [server(), objects(), kinds(), writes::rights(), writes::preconditions(), columns()];
    for fact in all.into_iter().flatten() {
        let wire = if fact.who == Who::Viewer { viewer } else { admin };
        let path = fill(fact.path, &kept);
        let body = if fact.body.is_null() { String::new() } else { fill(&fact.body.to_string(), &kept) };
        let answer = match fact.method {
            "WATCH" => Answer { status: 200, body: Value::Array(wire.watch(&path).await) },
            method => {
                wire.call(Call {
                    method,
                    path: &path,
                    accept: fact.accept,
                    content: fact.content,
                    body: &body,
                })
                .await
            }
        };
        let pattern: Value = serde_json::from_str(&fill(&fact.answer.to_string(), &kept)).unwrap();
        let wrong = match answer.status == fact.status {
            false => Some(format!("status {}: {}", answer.status, answer.body)),
            true if pattern.is_null() => None,
            true => differs(&pattern, &answer.body),
        };
        if let Some(wrong) = wrong {
            broken.push(format!("{}: {} {path}: {wrong}", fact.name, fact.method));
        }
        for (name, path) in fact.keep {
            let value = path.split('.').fold(&answer.body, |it, key| &it[key]);
            kept.insert((*name).to_owned(), value.as_str().unwrap_or_default().to_owned());
        }
    }
    broken
}
