//! Pods asked through the API server: `…/pods/[https:]NAME:PORT/proxy/PATH`, answered as their program would.

use std::time::Duration;

use serde_json::Value;

use super::access::Access;
use super::access::Identity;
use super::answer::Refusal;
use super::kinds;
use super::kinds::PODS;
use crate::lab::controllers::image::Answers;
use crate::lab::controllers::liveness::is_alive;
use crate::lab::elbv2::health::listens;
use crate::lab::json::text;
use crate::lab::server::Reply;
use crate::lab::world::World;

/// How long a program that is slow takes.
const SLOW: Duration = Duration::from_mins(2);

/// What a path names.
struct Asked<'a> {
    namespace: &'a str,
    pod: &'a str,
    port: i64,
    tls: bool,
    path: &'a str,
}

fn parse(path: &str) -> Option<Asked<'_>> {
    let (namespace, rest) = path.strip_prefix("/api/v1/namespaces/")?.split_once("/pods/")?;
    let (named, path) = rest.split_once("/proxy")?;
    let (tls, named) = named.strip_prefix("https:").map_or((false, named), |it| (true, it));
    let (pod, port) = named.split_once(':').unwrap_or((named, "80"));
    Some(Asked {
        namespace,
        pod,
        port: port.parse().ok()?,
        tls,
        path: if path.is_empty() { "/" } else { path },
    })
}

/// The answer to a request through a pod's proxy; `None`: it is none.
pub(super) fn answer(world: &World, identity: &Identity, path: &str) -> Option<Reply> {
    let asked = parse(path)?;
    let kind = kinds::named("", "v1", "pods")?;
    let access = Access {
        verb: "get",
        group: "",
        resource: "pods/proxy",
        namespace: asked.namespace,
        name: asked.pod,
    };
    if let Err(refusal) = identity.check(kind, &access) {
        return Some(refusal.reply());
    }
    Some(match world.kube.get(PODS, asked.namespace, asked.pod) {
        Some(pod) => of_pod(world, pod, &asked),
        None => Refusal::new(404, "NotFound", format!("pods {:?} not found", asked.pod)).reply(),
    })
}

fn unreached(pod: &Value, asked: &Asked<'_>, why: &str) -> Reply {
    let address = text(pod, "status.podIP");
    let message =
        format!("error trying to reach service: {}", why.replace("{}", &format!("{address}:{}", asked.port)));
    Refusal::new(503, "ServiceUnavailable", message).reply()
}

fn of_pod(world: &World, pod: &Value, asked: &Asked<'_>) -> Reply {
    if !is_alive(world, text(pod, "spec.nodeName")) {
        return unreached(pod, asked, "dial tcp {}: i/o timeout");
    }
    match world.images.of(pod).answer(asked.path) {
        _ if !listens(pod, asked.port) => unreached(pod, asked, "dial tcp {}: connect: connection refused"),
        Answers::Refused => unreached(pod, asked, "dial tcp {}: connect: connection refused"),
        _ if asked.tls => unreached(pod, asked, "http: server gave HTTP response to HTTPS client"),
        Answers::Slow => Reply::Late(SLOW, Box::new(Reply::text(200, "text/plain", "late\n"))),
        Answers::Status(code) => {
            let body =
                if code == 404 { "404 page not found\n".to_owned() } else { format!("{}\n", asked.pod) };
            Reply::text(code, "text/plain", body)
        }
    }
}
