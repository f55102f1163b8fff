//! What the API server says about itself: health, version, groups, kinds, and as much of its OpenAPI
//! description as lets kubectl leave validation to the server.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::kinds::KINDS;
use super::kinds::Kind;
use crate::lab::server::Reply;

/// The version the lab claims.
const VERSION: &str = "1.35.4";

const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Answers a path that is about the server; `None`: it is about objects.
pub(super) fn answer(path: &str, served: impl Fn(&Kind) -> bool + Copy) -> Option<Reply> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    Some(match parts.as_slice() {
        ["healthz" | "readyz" | "livez", ..] => Reply::text(200, "text/plain; charset=utf-8", "ok"),
        ["version"] => Reply::json(200, &version()),
        [""] => Reply::json(
            200,
            &json!({"paths": ["/api", "/api/v1", "/apis", "/healthz", "/openapi/v3", "/readyz", "/version"]}),
        ),
        ["api"] => Reply::json(
            200,
            &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        ),
        ["api", "v1"] => Reply::json(200, &resources("", "v1", served)),
        ["apis"] => Reply::json(200, &groups(served)),
        ["apis", name] => {
            let group = group_list(served).into_iter().find(|it| it["name"] == *name)?;
            let mut group = group;
            if let Value::Object(group) = &mut group {
                group.insert("kind".to_owned(), json!("APIGroup"));
                group.insert("apiVersion".to_owned(), json!("v1"));
            }
            Reply::json(200, &group)
        }
        ["apis", group, version] if known(served).contains(&(*group, *version)) => {
            Reply::json(200, &resources(group, version, served))
        }
        ["openapi", "v3"] => Reply::json(200, &openapi_index(served)),
        ["openapi", "v3", "api", "v1"] => Reply::json(200, &openapi("", "v1", served)),
        ["openapi", "v3", "apis", group, version] => Reply::json(200, &openapi(group, version, served)),
        _ => return None,
    })
}

fn version() -> Value {
    json!({"major": "1", "minor": "35", "gitVersion": format!("v{VERSION}"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64"})
}

/// Groups and versions that are served; those of reviews have no kinds that are stored.
fn known(served: impl Fn(&Kind) -> bool) -> BTreeSet<(&'static str, &'static str)> {
    let of_kinds =
        KINDS.iter().filter(|it| served(it) && !it.group.is_empty()).map(|it| (it.group, it.version));
    of_kinds.chain([("authentication.k8s.io", "v1"), ("authorization.k8s.io", "v1")]).collect()
}

fn group_list(served: impl Fn(&Kind) -> bool) -> Vec<Value> {
    let group = |(group, version): &(&str, &str)| {
        let of = json!({"groupVersion": format!("{group}/{version}"), "version": version});
        json!({"name": group, "versions": [of], "preferredVersion": of})
    };
    known(served).iter().map(group).collect()
}

fn groups(served: impl Fn(&Kind) -> bool) -> Value {
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": group_list(served)})
}

fn resources(group: &str, version: &str, served: impl Fn(&Kind) -> bool) -> Value {
    let mut resources = Vec::new();
    for it in KINDS.iter().filter(|it| it.group == group && it.version == version && served(it)) {
        let mut row = json!({"name": it.plural, "singularName": it.singular(), "namespaced": it.namespaced,
            "kind": it.name, "verbs": VERBS});
        if let Value::Object(row) = &mut row {
            if !it.short.is_empty() {
                row.insert("shortNames".to_owned(), json!(it.short));
            }
            if it.in_all {
                row.insert("categories".to_owned(), json!(["all"]));
            }
        }
        resources.push(row);
        for sub in it.subresources {
            let (kind, verbs) = match *sub {
                "eviction" => ("Eviction", &["create"][..]),
                "scale" => ("Scale", &["get", "patch", "update"][..]),
                _ => (it.name, &["get", "patch", "update"][..]),
            };
            let mut row = json!({"name": format!("{}/{sub}", it.plural), "singularName": "", "namespaced": it.namespaced,
                "kind": kind, "verbs": verbs});
            if let (Value::Object(row), "scale" | "eviction") = (&mut row, *sub) {
                let of = if *sub == "scale" { "autoscaling" } else { "policy" };
                row.insert("group".to_owned(), json!(of));
                row.insert("version".to_owned(), json!("v1"));
            }
            resources.push(row);
        }
    }
    if group == "authorization.k8s.io" {
        for (kind, plural) in [
            ("SelfSubjectAccessReview", "selfsubjectaccessreviews"),
            ("SelfSubjectRulesReview", "selfsubjectrulesreviews"),
        ] {
            resources
                .push(json!({"name": plural, "singularName": kind.to_ascii_lowercase(), "namespaced": false,
                "kind": kind, "verbs": ["create"]}));
        }
    }
    if group == "authentication.k8s.io" {
        resources.push(
            json!({"name": "selfsubjectreviews", "singularName": "selfsubjectreview", "namespaced": false,
            "kind": "SelfSubjectReview", "verbs": ["create"]}),
        );
    }
    let of = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": of, "resources": resources})
}

fn openapi_index(served: impl Fn(&Kind) -> bool) -> Value {
    let mut paths = json!({"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=1"}});
    if let Value::Object(paths) = &mut paths {
        for (group, version) in known(served) {
            let path = format!("apis/{group}/{version}");
            paths.insert(path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash=1")}));
        }
    }
    json!({"paths": paths})
}

/// Only the patch operation of each kind, with the parameter that says: the server validates.
fn openapi(group: &str, version: &str, served: impl Fn(&Kind) -> bool) -> Value {
    let mut paths = serde_json::Map::new();
    for it in KINDS.iter().filter(|it| it.group == group && it.version == version && served(it)) {
        let start =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let middle = if it.namespaced { "/namespaces/{namespace}" } else { "" };
        let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
        let patch = json!({
            "operationId": format!("patch{}", it.name),
            "parameters": [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")],
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": it.group, "version": it.version, "kind": it.name},
        });
        paths.insert(format!("{start}{middle}/{}/{{name}}", it.plural), json!({"patch": patch}));
    }
    json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": format!("v{VERSION}")}, "paths": paths, "components": {}})
}
