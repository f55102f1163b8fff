//! The Kubernetes adapter against a server on the loopback: what goes over the wire, and what becomes of it.

mod lists;
mod login;
mod refusals;
mod watches;

use std::time::Duration;

use futures::Stream;
use futures::StreamExt;
use serde_json::Value;
use serde_json::json;
use tgscope::domain::inventory::Observation;
use tgscope::kubernetes::Access;
use tgscope::kubernetes::Cluster;
use tgscope::kubernetes::Contexts;

use crate::support::Answer;
use crate::support::PATIENCE;
use crate::support::answer;
use crate::support::kubeconfig;

/// Access to a server by a kubeconfig of its own.
fn access(url: &str) -> Access {
    let folder = tempfile::tempdir().unwrap();
    let path = kubeconfig(folder.path(), url, "{token: t}");
    Contexts::load(Some(&path)).unwrap().access(None).unwrap()
}

async fn cluster(url: &str) -> Cluster {
    access(url).connect().await.unwrap()
}

/// A cluster with less patience than a busy server asks for.
async fn hasty(url: &str) -> Cluster {
    access(url).within(Some(Duration::from_millis(900))).connect().await.unwrap()
}

fn pod(name: &str, version: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "shop", "uid": name, "resourceVersion": version.to_string() },
    })
}

/// A pod whose address is no text.
fn broken(name: &str, version: u32) -> Value {
    let mut it = pod(name, version);
    it["status"] = json!({ "podIP": 5 });
    it
}

fn page(items: &[Value], version: u32, next: &str) -> Answer {
    let metadata = json!({ "resourceVersion": version.to_string(), "continue": next });
    let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items });
    answer(200, list.to_string())
}

fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

pub(crate) fn refusal(code: u16, reason: &str, message: &str) -> Answer {
    answer(code, status(code, reason, message).to_string())
}

/// A change in a few words.
fn short(change: &Observation) -> String {
    match change {
        Observation::Listed { objects, .. } => {
            let names: Vec<String> = objects.iter().map(|it| it.key().1.name).collect();
            format!("listed {}", names.join(" "))
        }
        Observation::Applied { object, .. } => format!("applied {}", object.key().1.name),
        Observation::Removed { key, .. } => format!("removed {}", key.1.name),
        Observation::Skipped { name, problem, .. } => format!("skipped {name}: {problem}"),
        Observation::Failed(_, failure) => format!("failed {:?} {failure}", failure.kind),
        other => format!("{other:?}"),
    }
}

/// The next changes of a watch, in a few words each.
async fn next(changes: &mut (impl Stream<Item = Observation> + Unpin), n: usize) -> Vec<String> {
    let taken = changes.take(n).map(|it| short(&it)).collect();
    tokio::time::timeout(PATIENCE, taken).await.unwrap()
}
