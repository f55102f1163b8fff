//! Patterns for answers: what has to be there, whatever else is.

use serde_json::Value;

/// Where an answer is not what a pattern says; `None`: it is. An object needs the pattern's keys, a list its
/// elements in order; `*` stands for anything that is there, `~text` for a text that contains one, `-` for
/// nothing, and `{"has": [...]}` for a list with such elements somewhere.
pub(crate) fn differs(pattern: &Value, answer: &Value) -> Option<String> {
    at("", pattern, answer)
}

fn at(path: &str, pattern: &Value, answer: &Value) -> Option<String> {
    let wrong = || Some(format!("{path}: {answer} is not {pattern}"));
    match (pattern, answer) {
        (Value::String(it), answer) if it == "*" => answer.is_null().then(wrong)?,
        (Value::String(it), answer) if it == "-" => (!answer.is_null()).then(wrong)?,
        (Value::String(it), Value::String(answer)) if it.starts_with('~') => {
            (!answer.contains(it.trim_start_matches('~'))).then(wrong)?
        }
        (Value::Object(keys), Value::Null) if keys.values().all(|it| it == "-") => None,
        (Value::Object(pattern), Value::Array(answers)) if pattern.contains_key("has") => {
            let wanted = pattern["has"].as_array().unwrap();
            wanted.iter().find_map(|it| match answers.iter().any(|answer| at(path, it, answer).is_none()) {
                true => None,
                false => Some(format!("{path}: nothing is like {it}")),
            })
        }
        (Value::Object(pattern), Value::Object(answer)) => pattern
            .iter()
            .find_map(|(key, it)| at(&format!("{path}.{key}"), it, answer.get(key).unwrap_or(&Value::Null))),
        (Value::Array(pattern), Value::Array(answer)) => match pattern.len() == answer.len() {
            true => pattern
                .iter()
                .zip(answer)
                .enumerate()
                .find_map(|(n, (it, answer))| at(&format!("{path}[{n}]"), it, answer)),
            false => Some(format!(
                "{path}: {} elements instead of {}: {}",
                answer.len(),
                pattern.len(),
                Value::from(answer.clone())
            )),
        },
        (pattern, answer) => (pattern != answer).then(wrong)?,
    }
}
