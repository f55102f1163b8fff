//! What a request is about: from a path to a kind, a namespace, a name and a subresource.

use super::kinds;
use super::kinds::Kind;
use crate::lab::server::Ask;

/// What a path names. Empty parts are not there.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) kind: &'static Kind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) sub: String,
}

impl Target {
    /// The namespace a list is of; `None`: all of them.
    pub(super) fn within(&self) -> Option<&str> {
        (!self.namespace.is_empty()).then_some(self.namespace.as_str())
    }

    /// What RBAC knows it by: with its subresource.
    pub(super) fn resource(&self) -> String {
        match self.sub.as_str() {
            "" => self.kind.plural.to_owned(),
            sub => format!("{}/{sub}", self.kind.plural),
        }
    }
}

/// From a path and a method to what is asked for and the verb RBAC knows it by.
pub(super) fn parse(path: &str, method: &str, ask: &Ask) -> Option<(Target, &'static str)> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let find = |plural: &str| kinds::named(group, version, plural);
    let (kind, namespace, rest) = match rest {
        // A namespace is an object too.
        ["namespaces"] | ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => {
            (find("namespaces")?, "", rest.get(1..)?)
        }
        ["namespaces", namespace, plural, rest @ ..] => (find(plural)?, *namespace, rest),
        [plural, rest @ ..] => (find(plural)?, "", rest),
        [] => return None,
    };
    let (name, sub) = match rest {
        [] => ("", ""),
        [name] => (*name, ""),
        [name, sub] if kind.subresources.contains(sub) => (*name, *sub),
        _ => return None,
    };
    let verb = match (method, name.is_empty()) {
        ("GET" | "HEAD", true) if ask.says("watch") => "watch",
        ("GET" | "HEAD", true) => "list",
        ("GET" | "HEAD", false) => "get",
        ("POST", _) => "create",
        ("PUT", false) => "update",
        ("PATCH", false) => "patch",
        ("DELETE", false) => "delete",
        ("DELETE", true) => "deletecollection",
        _ => "",
    };
    let target = Target { kind, namespace: namespace.to_owned(), name: name.to_owned(), sub: sub.to_owned() };
    Some((target, verb))
}
