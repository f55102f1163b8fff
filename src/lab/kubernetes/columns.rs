//! The columns the API server prints for each kind, and their cells.

use std::fmt::Display;

use serde_json::Value;
use serde_json::json;

use crate::lab::clock;
use crate::lab::clock::Millis;
use crate::lab::json::at;
use crate::lab::json::condition_status;
use crate::lab::json::flag;
use crate::lab::json::list;
use crate::lab::json::number;
use crate::lab::json::pairs;
use crate::lab::json::text;

/// Name and priority: 0 is always printed, more only in the wide form.
pub(super) type Column = (&'static str, u8);

#[expect(clippy::too_many_lines, reason = "a table: a line for each column")]
pub(super) fn columns(kind: &str) -> &'static [Column] {
    match kind {
        "pods" => &[
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
        "services" => &[
            ("Name", 0),
            ("Type", 0),
            ("Cluster-IP", 0),
            ("External-IP", 0),
            ("Port(s)", 0),
            ("Age", 0),
            ("Selector", 1),
        ],
        "nodes" => &[
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
        "deployments.apps" => &[
            ("Name", 0),
            ("Ready", 0),
            ("Up-to-date", 0),
            ("Available", 0),
            ("Age", 0),
            ("Containers", 1),
            ("Images", 1),
            ("Selector", 1),
        ],
        "replicasets.apps" => &[
            ("Name", 0),
            ("Desired", 0),
            ("Current", 0),
            ("Ready", 0),
            ("Age", 0),
            ("Containers", 1),
            ("Images", 1),
            ("Selector", 1),
        ],
        "statefulsets.apps" => &[("Name", 0), ("Ready", 0), ("Age", 0), ("Containers", 1), ("Images", 1)],
        "daemonsets.apps" => &[
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
        "endpointslices.discovery.k8s.io" => {
            &[("Name", 0), ("AddressType", 0), ("Ports", 0), ("Endpoints", 0), ("Age", 0)]
        }
        "events" => &[
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
        "namespaces" => &[("Name", 0), ("Status", 0), ("Age", 0)],
        "configmaps" => &[("Name", 0), ("Data", 0), ("Age", 0)],
        "leases.coordination.k8s.io" => &[("Name", 0), ("Holder", 0), ("Age", 0)],
        "validatingwebhookconfigurations.admissionregistration.k8s.io"
        | "mutatingwebhookconfigurations.admissionregistration.k8s.io" => {
            &[("Name", 0), ("Webhooks", 0), ("Age", 0)]
        }
        "targetgroupbindings.elbv2.k8s.aws" => &[
            ("Name", 0),
            ("SERVICE-NAME", 0),
            ("SERVICE-PORT", 0),
            ("TARGET-TYPE", 0),
            ("ARN", 1),
            ("NAME", 2),
            ("AGE", 0),
        ],
        "targetgroupbindings.eks.amazonaws.com" => &[
            ("Name", 0),
            ("SERVICE-NAME", 0),
            ("SERVICE-PORT", 0),
            ("TARGET-TYPE", 0),
            ("ARN", 1),
            ("AGE", 0),
        ],
        "customresourcedefinitions.apiextensions.k8s.io" => &[("Name", 0), ("Created At", 0)],
        _ => &[("Name", 0), ("Age", 0)],
    }
}

/// The cells of an object, in the order of its kind's columns.
pub(super) fn cells(kind: &str, it: &Value, now: Millis) -> Vec<Value> {
    let name = text(it, "metadata.name");
    let age = age(text(it, "metadata.creationTimestamp"), now);
    match kind {
        "pods" => pod(it, &age, now),
        "services" => vec![
            json!(name),
            json!(text(it, "spec.type")),
            json!(or_none(text(it, "spec.clusterIP"))),
            json!("<none>"),
            json!(ports(it)),
            json!(age),
            json!(labels(at(it, "spec.selector"))),
        ],
        "nodes" => node(it, &age),
        "deployments.apps" => {
            let ready = format!("{}/{}", number(it, "status.readyReplicas"), number(it, "spec.replicas"));
            let mut cells = vec![
                json!(name),
                json!(ready),
                json!(number(it, "status.updatedReplicas")),
                json!(number(it, "status.availableReplicas")),
                json!(age),
            ];
            cells.extend(containers(it));
            cells.push(json!(labels(at(it, "spec.selector.matchLabels"))));
            cells
        }
        "replicasets.apps" => {
            let mut cells = vec![
                json!(name),
                json!(number(it, "spec.replicas")),
                json!(number(it, "status.replicas")),
                json!(number(it, "status.readyReplicas")),
                json!(age),
            ];
            cells.extend(containers(it));
            cells.push(json!(labels(at(it, "spec.selector.matchLabels"))));
            cells
        }
        "statefulsets.apps" => {
            let ready = format!("{}/{}", number(it, "status.readyReplicas"), number(it, "spec.replicas"));
            let mut cells = vec![json!(name), json!(ready), json!(age)];
            cells.extend(containers(it));
            cells
        }
        "daemonsets.apps" => {
            let mut cells = vec![json!(name)];
            let numbers = [
                "desiredNumberScheduled",
                "currentNumberScheduled",
                "numberReady",
                "updatedNumberScheduled",
                "numberAvailable",
            ];
            cells.extend(numbers.map(|key| json!(number(it, &format!("status.{key}")))));
            cells.extend([json!(labels(at(it, "spec.template.spec.nodeSelector"))), json!(age)]);
            cells.extend(containers(it));
            cells.push(json!(labels(at(it, "spec.selector.matchLabels"))));
            cells
        }
        "endpointslices.discovery.k8s.io" => vec![
            json!(name),
            json!(text(it, "addressType")),
            json!(few(list(it, "ports").iter().map(|it| at(it, "port")))),
            json!(few(list(it, "endpoints").iter().flat_map(|it| list(it, "addresses").iter().take(1)))),
            json!(age),
        ],
        "events" => event(it, now),
        "namespaces" => vec![json!(name), json!(text(it, "status.phase")), json!(age)],
        "configmaps" => {
            let n_entries = at(it, "data").as_object().map_or(0, serde_json::Map::len);
            vec![json!(name), json!(n_entries), json!(age)]
        }
        "leases.coordination.k8s.io" => vec![json!(name), json!(text(it, "spec.holderIdentity")), json!(age)],
        "validatingwebhookconfigurations.admissionregistration.k8s.io"
        | "mutatingwebhookconfigurations.admissionregistration.k8s.io" => {
            vec![json!(name), json!(list(it, "webhooks").len()), json!(age)]
        }
        "targetgroupbindings.elbv2.k8s.aws" | "targetgroupbindings.eks.amazonaws.com" => {
            let mut cells = vec![
                json!(name),
                json!(text(it, "spec.serviceRef.name")),
                json!(plain(at(it, "spec.serviceRef.port"))),
                json!(text(it, "spec.targetType")),
                json!(text(it, "spec.targetGroupARN")),
            ];
            if kind.ends_with("k8s.aws") {
                cells.push(json!(text(it, "spec.targetGroupName")));
            }
            cells.push(json!(age));
            cells
        }
        "customresourcedefinitions.apiextensions.k8s.io" => {
            vec![json!(name), json!(text(it, "metadata.creationTimestamp"))]
        }
        _ => vec![json!(name), json!(age)],
    }
}

fn age(stamp: &str, now: Millis) -> String {
    clock::parse(stamp).map_or_else(|| "<unknown>".to_owned(), |since| clock::age(since, now))
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The first three, and how many more.
fn few<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    let all: Vec<String> = values.map(plain).collect();
    match all.len() {
        0 => "<unset>".to_owned(),
        1..=3 => all.join(","),
        n => format!("{} + {} more...", all.iter().take(3).cloned().collect::<Vec<_>>().join(","), n - 3),
    }
}

fn labels(map: &Value) -> String {
    let pairs: Vec<String> =
        pairs(&json!({"it": map}), "it").map(|(key, it)| format!("{key}={it}")).collect();
    or_none(&pairs.join(",")).to_owned()
}

fn containers(it: &Value) -> [Value; 2] {
    let of = |key: &str| {
        let all: Vec<&str> =
            list(it, "spec.template.spec.containers").iter().map(|it| text(it, key)).collect();
        json!(all.join(","))
    };
    [of("name"), of("image")]
}

fn ports(it: &Value) -> String {
    let port = |it: &Value| {
        let node = number(it, "nodePort");
        let node = if node > 0 { format!(":{node}") } else { String::new() };
        format!("{}{node}/{}", number(it, "port"), text(it, "protocol"))
    };
    or_none(&list(it, "spec.ports").iter().map(port).collect::<Vec<_>>().join(",")).to_owned()
}

fn node(it: &Value, age: &str) -> Vec<Value> {
    let mut status = match condition_status(it, "Ready") {
        "True" => "Ready".to_owned(),
        "" => "Unknown".to_owned(),
        _ => "NotReady".to_owned(),
    };
    if flag(it, "spec.unschedulable") {
        status.push_str(",SchedulingDisabled");
    }
    let address = |kind: &str| {
        let found = list(it, "status.addresses").iter().find(|it| text(it, "type") == kind);
        or_none(found.map_or("", |it| text(it, "address"))).to_owned()
    };
    let info = |key: &str| match text(it, &format!("status.nodeInfo.{key}")) {
        "" => "<unknown>".to_owned(),
        known => known.to_owned(),
    };
    vec![
        json!(text(it, "metadata.name")),
        json!(status),
        json!("<none>"),
        json!(age),
        json!(text(it, "status.nodeInfo.kubeletVersion")),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        json!(info("osImage")),
        json!(info("kernelVersion")),
        json!(info("containerRuntimeVersion")),
    ]
}

fn event(it: &Value, now: Millis) -> Vec<Value> {
    let seen = |key: &str| age(text(it, key), now);
    let object = format!(
        "{}/{}",
        text(it, "involvedObject.kind").to_ascii_lowercase(),
        text(it, "involvedObject.name")
    );
    let source = match text(it, "source.host") {
        "" => text(it, "source.component").to_owned(),
        host => format!("{}, {host}", text(it, "source.component")),
    };
    vec![
        json!(seen("lastTimestamp")),
        json!(text(it, "type")),
        json!(text(it, "reason")),
        json!(object),
        json!(text(it, "involvedObject.fieldPath")),
        json!(source),
        json!(text(it, "message").trim()),
        json!(seen("firstTimestamp")),
        json!(number(it, "count")),
        json!(text(it, "metadata.name")),
    ]
}

/// What kubectl shows as the status of a pod: its phase, unless something says more.
fn pod(it: &Value, pod_age: &str, now: Millis) -> Vec<Value> {
    let statuses = list(it, "status.containerStatuses");
    let ready = statuses.iter().filter(|it| flag(it, "ready")).count();
    let restarts: i64 = statuses.iter().map(|it| number(it, "restartCount")).sum();
    let mut status = or(text(it, "status.reason"), text(it, "status.phase")).to_owned();
    let mut has_running = false;
    for container in statuses.iter().rev() {
        let waiting = text(container, "state.waiting.reason");
        let terminated = text(container, "state.terminated.reason");
        if !waiting.is_empty() {
            waiting.clone_into(&mut status);
        } else if !terminated.is_empty() {
            terminated.clone_into(&mut status);
        } else if flag(container, "ready") && !at(container, "state.running").is_null() {
            has_running = true;
        }
    }
    if status == "Completed" && has_running {
        let word = if condition_status(it, "Ready") == "True" { "Running" } else { "NotReady" };
        word.clone_into(&mut status);
    }
    if !text(it, "metadata.deletionTimestamp").is_empty() {
        let word = if text(it, "status.reason") == "NodeLost" { "Unknown" } else { "Terminating" };
        word.clone_into(&mut status);
    }
    let last =
        statuses.iter().map(|it| text(it, "lastState.terminated.finishedAt")).max().unwrap_or_default();
    let restarts = match last {
        "" => restarts.to_string(),
        last => format!("{restarts} ({} ago)", age(last, now)),
    };
    let gates = list(it, "spec.readinessGates");
    let gates = match gates.len() {
        0 => "<none>".to_owned(),
        n => {
            let passed =
                gates.iter().filter(|gate| condition_status(it, text(gate, "conditionType")) == "True");
            format!("{}/{n}", passed.count())
        }
    };
    let text_of = |path: &str| json!(or_none(text(it, path)));
    vec![
        json!(text(it, "metadata.name")),
        json!(slashed(ready, list(it, "spec.containers").len())),
        json!(status),
        json!(restarts),
        json!(pod_age),
        text_of("status.podIP"),
        text_of("spec.nodeName"),
        text_of("status.nominatedNodeName"),
        json!(gates),
    ]
}

fn or<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.is_empty() { second } else { first }
}

fn slashed(some: impl Display, all: impl Display) -> String {
    format!("{some}/{all}")
}
