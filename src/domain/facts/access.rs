//! What one may do in a cluster: verbs on resources, as RBAC has them, and what the API server said of each.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

/// A verb on a resource, as RBAC has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Verb {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) resource: String,
}

impl Verb {
    pub(crate) fn new(verb: &str, group: &str, resource: &str) -> Self {
        Self { name: verb.to_owned(), group: group.to_owned(), resource: resource.to_owned() }
    }
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.group.as_str() {
            "" => write!(f, "{} {}", self.name, self.resource),
            group => write!(f, "{} {}.{group}", self.name, self.resource),
        }
    }
}

/// What the API server said one may do; what it was not asked, or did not say, is missing.
pub(crate) type Allowed = BTreeMap<Verb, bool>;
