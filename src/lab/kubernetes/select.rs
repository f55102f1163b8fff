//! Label and field selectors, as requests carry them.

use serde_json::Value;

use super::answer::Refusal;
use super::kinds::Kind;
use crate::lab::json::at;
use crate::lab::json::label;
use crate::lab::json::list;
use crate::lab::json::pairs;
use crate::lab::json::text;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// Which objects a request is about.
#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Select {
    labels: Vec<Term>,
    /// Path, value, and whether they must be equal.
    fields: Vec<(String, String, bool)>,
}

impl Select {
    pub(in crate::lab) fn parse(kind: &Kind, labels: &str, fields: &str) -> Result<Self, Refusal> {
        let mut select = Self { labels: parse_labels(labels)?, fields: Vec::new() };
        for part in fields.split(',').filter(|it| !it.is_empty()) {
            let (path, value, equal) = match (part.split_once("!="), part.split_once("==")) {
                (Some((path, value)), _) => (path, value, false),
                (_, Some((path, value))) => (path, value, true),
                _ => {
                    let wrong =
                        || Refusal::bad_request(format!("invalid selector: {part:?}; can't understand"));
                    let (path, value) = part.split_once('=').ok_or_else(wrong)?;
                    (path, value, true)
                }
            };
            if !matches!(path, "metadata.name" | "metadata.namespace") && !kind.fields.contains(&path) {
                let message = match kind.group {
                    "" | "apps" => format!(
                        "{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    ),
                    _ => format!("field label not supported: {path}"),
                };
                return Err(Refusal::bad_request(message));
            }
            select.fields.push((path.to_owned(), value.to_owned(), equal));
        }
        Ok(select)
    }

    pub(in crate::lab) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(in crate::lab) fn matches(&self, object: &Value) -> bool {
        let fields = self.fields.iter().all(|(path, value, equal)| (field(object, path) == *value) == *equal);
        fields && self.labels.iter().all(|it| term_matches(it, object))
    }
}

fn field(object: &Value, path: &str) -> String {
    let path = if path == "source" { "source.component" } else { path };
    match at(object, path) {
        Value::String(text) => text.clone(),
        Value::Null if path == "spec.unschedulable" || path == "spec.hostNetwork" => "false".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn term_matches(term: &Term, object: &Value) -> bool {
    let is =
        |key: &str, values: &[String]| label(object, key).is_some_and(|it| values.iter().any(|v| v == it));
    match term {
        Term::In(key, values) => is(key, values),
        Term::NotIn(key, values) => !is(key, values),
        Term::Exists(key) => label(object, key).is_some(),
        Term::Missing(key) => label(object, key).is_none(),
    }
}

/// Splits at commas that are not within parentheses.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match (c, depth, parts.last_mut()) {
            (',', 0, _) => parts.push(String::new()),
            (c, _, Some(last)) => last.push(c),
            _ => {}
        }
    }
    parts.into_iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

fn parse_labels(text: &str) -> Result<Vec<Term>, Refusal> {
    let mut terms = Vec::new();
    for part in parts(text) {
        let set = |rest: &str| {
            let inner = rest.trim().strip_prefix('(').and_then(|it| it.strip_suffix(')')).unwrap_or_default();
            inner.split(',').map(|it| it.trim().to_owned()).collect::<Vec<_>>()
        };
        let one = |(key, value): (&str, &str)| (key.trim().to_owned(), vec![value.trim().to_owned()]);
        let term = if let Some((key, rest)) = part.split_once(" notin ") {
            Term::NotIn(key.trim().to_owned(), set(rest))
        } else if let Some((key, rest)) = part.split_once(" in ") {
            Term::In(key.trim().to_owned(), set(rest))
        } else if let Some(found) = part.split_once("!=") {
            let (key, values) = one(found);
            Term::NotIn(key, values)
        } else if let Some(found) = part.split_once("==").or_else(|| part.split_once('=')) {
            let (key, values) = one(found);
            Term::In(key, values)
        } else if let Some(key) = part.strip_prefix('!') {
            Term::Missing(key.to_owned())
        } else if part.contains(' ') {
            return Err(Refusal::bad_request(format!("unable to parse requirement: found {part:?}")));
        } else {
            Term::Exists(part)
        };
        terms.push(term);
    }
    Ok(terms)
}

/// Whether the plain selector of a service picks a pod; an empty one picks none.
pub(in crate::lab) fn picks(selector: &Value, pod: &Value) -> bool {
    let mut wanted = selector.as_object().into_iter().flatten().peekable();
    wanted.peek().is_some() && wanted.all(|(key, value)| label(pod, key) == value.as_str())
}

/// Whether the selector of a workload (`matchLabels`, `matchExpressions`) picks an object.
pub(in crate::lab) fn selector_picks(selector: &Value, object: &Value) -> bool {
    let labels = pairs(selector, "matchLabels").all(|(key, value)| label(object, key) == Some(value));
    let expressions = list(selector, "matchExpressions").iter().all(|it| {
        let found = label(object, text(it, "key"));
        let among = list(it, "values").iter().any(|value| value.as_str() == found && found.is_some());
        match text(it, "operator") {
            "In" => among,
            "NotIn" => !among,
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => false,
        }
    });
    labels && expressions
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::kinds;
    use super::*;

    fn select(labels: &str, fields: &str) -> bool {
        let pod = json!({"metadata": {"name": "a", "labels": {"app": "web", "tier": "front"}},
            "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}});
        let kind = kinds::kind("pods").unwrap();
        Select::parse(kind, labels, fields).unwrap().matches(&pod)
    }

    #[test]
    fn selectors_pick_what_the_api_server_would() {
        let table = [
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("app in (web, api),tier", true),
            ("app notin (api)", true),
            ("!app", false),
            ("!gone,app", true),
        ];
        for (labels, expected) in table {
            assert_eq!(select(labels, ""), expected, "{labels}");
        }
        assert!(select("", "spec.nodeName=n1,status.phase!=Failed"));
        assert!(!select("", "metadata.name=b"));
    }

    #[test]
    fn a_field_nobody_indexes_is_refused() {
        let kind = kinds::kind("pods").unwrap();
        assert!(Select::parse(kind, "", "spec.color=red").is_err());
    }
}
