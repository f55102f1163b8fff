//! The object that asks for the eviction of a pod, in the API server's schema.

use serde::Serialize;

use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::Uid;

/// As it is sent, and as a line to paste reads it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Eviction<'a> {
    api_version: &'static str,
    delete_options: DeleteOptions<'a>,
    kind: &'static str,
    metadata: Metadata<'a>,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
}

#[derive(Debug, Serialize)]
struct DeleteOptions<'a> {
    preconditions: Preconditions<'a>,
}

#[derive(Debug, Serialize)]
struct Preconditions<'a> {
    uid: &'a Uid,
}

impl<'a> Eviction<'a> {
    /// Of this very pod, not of another that has its name by then.
    pub(crate) fn of(name: &'a ObjectName, uid: &'a Uid) -> Self {
        Self {
            api_version: "policy/v1",
            delete_options: DeleteOptions { preconditions: Preconditions { uid } },
            kind: "Eviction",
            metadata: Metadata { name: &name.name, namespace: &name.namespace },
        }
    }
}
