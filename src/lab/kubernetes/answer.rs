//! What the API server says when it does not do what it is asked for: `Status` objects in its own words.

use serde_json::Value;
use serde_json::json;

use super::kinds::Kind;
use crate::lab::server::Reply;

/// A refusal, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Refusal {
    pub(in crate::lab) code: u16,
    pub(in crate::lab) reason: &'static str,
    pub(in crate::lab) message: String,
    pub(in crate::lab) details: Value,
}

impl Refusal {
    pub(in crate::lab) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        let mut details = json!({"kind": kind.plural});
        if let Value::Object(details) = &mut details {
            for (key, value) in [("name", name), ("group", kind.group)] {
                if !value.is_empty() {
                    details.insert(key.to_owned(), json!(value));
                }
            }
        }
        self.details = details;
        self
    }

    pub(in crate::lab) fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", kind.id)).about(kind, name)
    }

    /// A path nothing is served at.
    pub(in crate::lab) fn no_such_path() -> Self {
        Self {
            details: json!({}),
            ..Self::new(404, "NotFound", "the server could not find the requested resource")
        }
    }

    pub(in crate::lab) fn exists(kind: &Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} {name:?} already exists", kind.id)).about(kind, name)
    }

    pub(in crate::lab) fn conflict(kind: &Kind, name: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: the object has been modified; please apply your changes to the latest version and try again",
            kind.id
        );
        Self::new(409, "Conflict", message).about(kind, name)
    }

    pub(in crate::lab) fn invalid(kind: &Kind, name: &str, cause: &str) -> Self {
        let of = match kind.group {
            "" => kind.name.to_owned(),
            group => format!("{}.{group}", kind.name),
        };
        let mut it = Self::new(422, "Invalid", format!("{of} {name:?} is invalid: {cause}"));
        it.details = json!({"name": name, "group": kind.group, "kind": kind.name});
        it
    }

    /// The range of versions a client may resume from does not reach back that far.
    pub(in crate::lab) fn too_old(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    pub(in crate::lab) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(in crate::lab) fn object(&self) -> Value {
        let mut it = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if let (Value::Object(it), false) = (&mut it, self.details.is_null()) {
            it.insert("details".to_owned(), self.details.clone());
        }
        it
    }

    pub(in crate::lab) fn reply(&self) -> Reply {
        Reply::json(self.code, &self.object())
    }
}

/// What a delete says when the object went at once.
pub(in crate::lab) fn deleted(kind: &Kind, name: &str, uid: &str) -> Value {
    let mut details = json!({"name": name, "kind": kind.plural, "uid": uid});
    if let (Value::Object(details), false) = (&mut details, kind.group.is_empty()) {
        details.insert("group".to_owned(), json!(kind.group));
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
