//! Reading and changing objects as JSON: paths, labels, conditions, and the patches of Kubernetes.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

static NULL: Value = Value::Null;

/// The value at a dotted path, `null` where there is none.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').try_fold(value, |it, key| it.get(key)).unwrap_or(&NULL)
}

/// The text at a dotted path, empty where there is none.
pub(super) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

pub(super) fn number(value: &Value, path: &str) -> i64 {
    at(value, path).as_i64().unwrap_or_default()
}

pub(super) fn flag(value: &Value, path: &str) -> bool {
    at(value, path).as_bool().unwrap_or_default()
}

/// The elements at a dotted path.
pub(super) fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).as_array().map_or(&[], Vec::as_slice)
}

/// The names and texts of a map at a dotted path.
pub(super) fn pairs<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let map = at(value, path).as_object();
    map.into_iter().flatten().filter_map(|(key, it)| Some((key.as_str(), it.as_str()?)))
}

pub(super) fn label<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    at(value, "metadata.labels").get(name)?.as_str()
}

pub(super) fn annotation<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    at(value, "metadata.annotations").get(name)?.as_str()
}

/// The place at a path, made where it is missing.
pub(super) fn slot<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Value {
    let mut here = value;
    for key in path {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        let Value::Object(map) = here else { unreachable!("it was just made one") };
        here = map.entry(*key).or_insert(Value::Null);
    }
    here
}

/// Puts a value at a dotted path.
pub(super) fn put(value: &mut Value, path: &str, new: Value) {
    let path: Vec<&str> = path.split('.').collect();
    *slot(value, &path) = new;
}

/// Puts a value where there is none yet.
pub(super) fn default(value: &mut Value, path: &str, new: Value) {
    if at(value, path).is_null() {
        put(value, path, new);
    }
}

pub(super) fn annotate(value: &mut Value, name: &str, to: &str) {
    *slot(value, &["metadata", "annotations", name]) = json!(to);
}

/// Takes away what is at a dotted path.
pub(super) fn remove(value: &mut Value, path: &str) -> Option<Value> {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut here = value;
    for key in above.split('.').filter(|it| !it.is_empty()) {
        here = here.get_mut(key)?;
    }
    here.as_object_mut()?.remove(last)
}

pub(super) fn condition<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    list(value, "status.conditions").iter().find(|it| text(it, "type") == kind)
}

/// Status of a condition, empty where it is not there.
pub(super) fn condition_status<'a>(value: &'a Value, kind: &str) -> &'a str {
    condition(value, kind).map_or("", |it| text(it, "status"))
}

/// What a condition is to say.
pub(super) struct Condition<'a> {
    pub(super) kind: &'a str,
    pub(super) status: bool,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

/// Sets a condition; its time moves only when its status does.
pub(super) fn set_condition(value: &mut Value, new: &Condition, now: &str) {
    let status = if new.status { "True" } else { "False" };
    let before = condition(value, new.kind);
    let same = before.is_some_and(|it| text(it, "status") == status);
    let since = before.filter(|_| same).map_or(now, |it| text(it, "lastTransitionTime")).to_owned();
    let mut made = json!({"type": new.kind, "status": status, "lastTransitionTime": since});
    for (key, text) in [("reason", new.reason), ("message", new.message)] {
        if !text.is_empty() {
            put(&mut made, key, json!(text));
        }
    }
    let conditions = slot(value, &["status", "conditions"]);
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    if let Value::Array(conditions) = conditions {
        match conditions.iter_mut().find(|it| text(it, "type") == new.kind) {
            Some(it) => *it = made,
            None => conditions.push(made),
        }
    }
}

/// A merge patch (RFC 7386): `null` removes, maps are merged, everything else replaces.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, new) in patch {
        match new {
            Value::Null => drop(target.remove(key)),
            new => merge(target.entry(key.clone()).or_insert(Value::Null), new),
        }
    }
}

/// By what the elements of a list are told apart in a strategic merge patch; `None`: the list is replaced.
fn merge_key(list: &str) -> Option<&'static str> {
    Some(match list {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => "name",
        "conditions" => "type",
        "ports" => "containerPort",
        "volumeMounts" => "mountPath",
        "ownerReferences" => "uid",
        "readinessGates" => "conditionType",
        _ => return None,
    })
}

/// A strategic merge patch: like a merge patch, but lists with a key are merged element by element.
pub(super) fn strategic(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if patch.get("$patch").and_then(Value::as_str) == Some("replace") {
        let kept = patch.iter().filter(|(key, _)| !key.starts_with('$'));
        *target = Value::Object(kept.map(|(key, it)| (key.clone(), it.clone())).collect());
        return;
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, new) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
        match (new, merge_key(key)) {
            (Value::Null, _) => drop(target.remove(key)),
            (Value::Array(new), Some(by)) => {
                let slot = target.entry(key.clone()).or_insert_with(|| json!([]));
                strategic_list(slot, new, key_of(key, by, new));
            }
            (new, _) => strategic(target.entry(key.clone()).or_insert(Value::Null), new),
        }
    }
}

/// Ports of a service are told apart by `port`, those of a container by `containerPort`.
fn key_of<'a>(list: &str, by: &'a str, elements: &[Value]) -> &'a str {
    match list == "ports" && elements.iter().any(|it| it.get("port").is_some()) {
        true => "port",
        false => by,
    }
}

fn strategic_list(target: &mut Value, new: &[Value], by: &str) {
    if !target.is_array() {
        *target = json!([]);
    }
    let Value::Array(target) = target else { return };
    for element in new {
        let key = at(element, by);
        let found = target.iter().position(|it| at(it, by) == key);
        let gone = text(element, "$patch") == "delete";
        match found {
            Some(index) if gone => drop(target.remove(index)),
            Some(index) => {
                if let Some(it) = target.get_mut(index) {
                    strategic(it, element);
                }
            }
            None if gone => {}
            None => target.push(element.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_removes_by_null_and_replaces_lists() {
        let mut it = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        merge(&mut it, &json!({"a": {"b": null, "c": [3]}, "e": {"f": null, "g": 1}}));
        assert_eq!(it, json!({"a": {"c": [3]}, "d": 1, "e": {"g": 1}}));
    }

    #[test]
    fn a_strategic_patch_merges_conditions_and_containers_by_their_key() {
        let mut it = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]},
            "containers": [{"name": "a", "image": "1"}, {"name": "b"}], "args": [1, 2]});
        strategic(
            &mut it,
            &json!({"status": {"conditions": [{"type": "Gate", "status": "False"}, {"type": "Ready", "status": "False"}]},
                "containers": [{"name": "a", "image": "2"}, {"name": "b", "$patch": "delete"}], "args": [3]}),
        );
        let expected = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Gate", "status": "False"}]},
            "containers": [{"name": "a", "image": "2"}], "args": [3]});
        assert_eq!(it, expected);
    }

    #[test]
    fn a_condition_keeps_its_time_while_its_status_stays() {
        let mut it = json!({});
        let ready = |status, message| Condition { kind: "Ready", status, reason: "", message };
        set_condition(&mut it, &ready(false, "one"), "t1");
        set_condition(&mut it, &ready(false, "two"), "t2");
        let found = condition(&it, "Ready").unwrap();
        assert_eq!((text(found, "message"), text(found, "lastTransitionTime")), ("two", "t1"));
        set_condition(&mut it, &ready(true, ""), "t3");
        assert_eq!(text(condition(&it, "Ready").unwrap(), "lastTransitionTime"), "t3");
    }
}
