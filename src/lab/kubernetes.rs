//! The lab's API server: from a request to the object, list, watch or refusal the real one would give.

mod access;
pub(super) mod answer;
mod columns;
mod defaults;
mod discovery;
mod form;
pub(super) mod kinds;
pub(super) mod pod_spec;
mod proxy;
mod read;
pub(super) mod select;
pub(super) mod store;
mod target;
mod write;

use std::time::Duration;

use self::access::Access;
use self::access::Identity;
use self::answer::Refusal;
use self::kinds::AUTO_MODE;
use self::kinds::BINDINGS;
use self::kinds::CRDS;
use self::kinds::Kind;
use self::target::Target;
use super::engine;
use super::fault::Hit;
use super::fault::Side;
use super::fault::Wrong;
use super::server::Ask;
use super::server::Reply;
use super::shared::Shared;
use super::world::World;

/// Whether a cluster serves a kind: custom ones only where they are installed.
fn served(world: &World, kind: &Kind) -> bool {
    match kind.id {
        BINDINGS | AUTO_MODE => world.kube.get(CRDS, "", kind.id).is_some(),
        _ => true,
    }
}

/// Answers a request.
pub(super) fn answer(shared: &Shared, ask: &Ask) -> Reply {
    engine::within(shared, |world| dispatch(shared, world, ask))
}

fn dispatch(shared: &Shared, world: &mut World, ask: &Ask) -> Reply {
    let (identity, path) = match access::identify(ask) {
        Ok(found) => found,
        Err(refusal) => return refusal.reply(),
    };
    let (target, verb) = match target::parse(path, &ask.method, ask) {
        Some((target, verb)) if served(world, target.kind) => (Some(target), verb),
        _ => (None, "get"),
    };
    let operation = match &target {
        Some(target) => format!("{verb} {}", target.kind.id),
        None => format!("{verb} {path}"),
    };
    let hit = world.faults.hit(Side::Kubernetes, &operation, &identity.user, world.now);
    if let Some(Hit { wrong: Wrong::Slow, latency }) = hit {
        let reply = normal(shared, world, (&identity, path, target.as_ref(), verb), ask);
        return Reply::Late(Duration::from_millis(latency), Box::new(reply));
    }
    let malformed = hit.is_some_and(|it| it.wrong == Wrong::Malformed);
    match (hit.map(|it| it.wrong), &target) {
        (Some(Wrong::Down), _) => Reply::Cut,
        (Some(Wrong::Hang), _) => Reply::Hang,
        (Some(Wrong::Html), _) => {
            Reply::text(500, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>")
        }
        (Some(Wrong::Expired), _) => Refusal::new(401, "Unauthorized", "Unauthorized").reply(),
        (Some(Wrong::Throttled), _) => {
            let message = "the server has received too many requests and has asked us to try again later";
            Refusal::new(429, "TooManyRequests", message).reply()
        }
        (Some(Wrong::Gone), _) => Refusal::too_old(1, world.kube.version()).reply(),
        (Some(Wrong::Denied), Some(target)) => {
            let nobody = Identity { role: access::Role::Nobody, ..identity };
            match nobody.check(target.kind, &access_to(target, verb, &target.resource())) {
                Err(refusal) => refusal.reply(),
                Ok(()) => Reply::Cut,
            }
        }
        (_, Some(target)) if malformed && verb == "list" => {
            read::list(world, target, ask, true).unwrap_or_else(|it| it.reply())
        }
        _ => normal(shared, world, (&identity, path, target.as_ref(), verb), ask),
    }
}

fn normal(
    shared: &Shared,
    world: &mut World,
    (identity, path, target, verb): (&Identity, &str, Option<&Target>, &str),
    ask: &Ask,
) -> Reply {
    match target {
        Some(target) => serve(shared, world, (identity, target, verb), ask).unwrap_or_else(|it| it.reply()),
        None => {
            if let Some(reply) = proxy::answer(world, identity, path) {
                return reply;
            }
            let resource = path
                .strip_prefix("/apis/authorization.k8s.io/v1/")
                .or_else(|| path.strip_prefix("/apis/authentication.k8s.io/v1/"));
            let body = serde_json::from_slice(&ask.body).unwrap_or_default();
            if let Some(review) = resource.and_then(|it| access::review(identity, it, &body)) {
                return Reply::json(201, &review);
            }
            let found = discovery::answer(path, |it| served(world, it));
            found.unwrap_or_else(|| Refusal::no_such_path().reply())
        }
    }
}

fn access_to<'a>(target: &'a Target, verb: &'a str, resource: &'a str) -> Access<'a> {
    Access { verb, group: target.kind.group, resource, namespace: &target.namespace, name: &target.name }
}

fn serve(
    shared: &Shared,
    world: &mut World,
    (identity, target, verb): (&Identity, &Target, &str),
    ask: &Ask,
) -> Result<Reply, Refusal> {
    identity.check(target.kind, &access_to(target, verb, &target.resource()))?;
    match verb {
        "get" => read::get(world, target, ask),
        "list" => read::list(world, target, ask, false),
        "watch" => read::watch(shared, world, target, ask),
        "create" => write::create(world, target, ask),
        "update" => write::replace(world, target, ask),
        "patch" => write::patch(world, target, ask),
        "delete" | "deletecollection" => write::delete(world, target, ask),
        _ => {
            let message = "the server does not allow this method on the requested resource";
            Err(Refusal::new(405, "MethodNotAllowed", message))
        }
    }
}
