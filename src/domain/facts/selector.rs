//! Labels, and label selectors as Kubernetes defines them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

/// Labels, or annotations, of an object.
pub type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Requirement {
    In(Arc<str>, Vec<Arc<str>>),
    NotIn(Arc<str>, Vec<Arc<str>>),
    Exists(Arc<str>),
    Absent(Arc<str>),
}

/// All requirements must hold; an empty selector selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector(pub Vec<Requirement>);

impl Selector {
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        let value = |key: &str| labels.get(key).map(String::as_str);
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => {
                value(key).is_some_and(|it| values.iter().any(|other| &**other == it))
            }
            Requirement::NotIn(key, values) => {
                value(key).is_none_or(|it| values.iter().all(|other| &**other != it))
            }
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
        })
    }
}

impl std::fmt::Display for Selector {
    /// As `kubectl -l` takes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<String> = self.0.iter().map(Requirement::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::In(key, values) => match &**values {
                [value] => write!(f, "{key}={value}"),
                several => write!(f, "{key} in ({})", several.join(",")),
            },
            Self::NotIn(key, values) => match &**values {
                [value] => write!(f, "{key}!={value}"),
                several => write!(f, "{key} notin ({})", several.join(",")),
            },
            Self::Exists(key) => write!(f, "{key}"),
            Self::Absent(key) => write!(f, "!{key}"),
        }
    }
}

/// A text that is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a label selector: {0:?} (for example app=web,tier!=db,zone in (a,b),!canary)")]
pub struct InvalidSelector(String);

impl std::str::FromStr for Selector {
    type Err = InvalidSelector;

    /// The forms `kubectl -l` takes.
    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let invalid = || InvalidSelector(text.to_owned());
        split_outside_parentheses(text)
            .into_iter()
            .map(|it| requirement(it.trim()).ok_or_else(invalid))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    })
    .collect()
}

fn requirement(text: &str) -> Option<Requirement> {
    let key = |text: &str| {
        let text = text.trim();
        let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c));
        valid.then(|| Arc::from(text))
    };
    let one = |text: &str| vec![Arc::from(text.trim())];
    if let Some((name, list)) = text.strip_suffix(')').and_then(|it| it.split_once('(')) {
        let values = list.split(',').map(|it| Arc::from(it.trim())).collect();
        let mut words = name.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(name), Some("in"), None) => Some(Requirement::In(key(name)?, values)),
            (Some(name), Some("notin"), None) => Some(Requirement::NotIn(key(name)?, values)),
            _ => None,
        };
    }
    match (text.split_once("!="), text.split_once("=="), text.split_once('=')) {
        (Some((name, value)), ..) => Some(Requirement::NotIn(key(name)?, one(value))),
        (_, Some((name, value)), _) | (_, _, Some((name, value))) => {
            Some(Requirement::In(key(name)?, one(value)))
        }
        _ => match text.strip_prefix('!') {
            Some(name) => key(name).map(Requirement::Absent),
            None => key(text).map(Requirement::Exists),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_read_as_kubectl_reads_them() {
        let one = |requirement: Requirement| Ok(Selector(vec![requirement]));
        assert_eq!("app=web".parse(), one(Requirement::In("app".into(), vec!["web".into()])));
        assert_eq!("app == web".parse(), one(Requirement::In("app".into(), vec!["web".into()])));
        assert_eq!("app!=web".parse(), one(Requirement::NotIn("app".into(), vec!["web".into()])));
        assert_eq!(
            "zone in (a, b)".parse(),
            one(Requirement::In("zone".into(), vec!["a".into(), "b".into()]))
        );
        assert_eq!("zone notin (a)".parse(), one(Requirement::NotIn("zone".into(), vec!["a".into()])));
        assert_eq!("!canary".parse(), one(Requirement::Absent("canary".into())));
        assert_eq!("k8s.io/team".parse(), one(Requirement::Exists("k8s.io/team".into())));
        assert_eq!("a=1,b in (x,y),!c".parse::<Selector>().map(|it| it.0.len()), Ok(3));
        for text in ["", "a=1,", "a b", "a in x", "=1"] {
            assert!(text.parse::<Selector>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_selector_is_written_as_it_is_typed() {
        for text in ["app=web", "app!=web", "zone in (a,b)", "zone notin (a,b)", "k8s.io/team", "a=1,!c"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn each_requirement_selects_as_kubernetes_does() {
        let labels: Labels = [("zone".to_owned(), "a".to_owned())].into();
        let table = [
            (Requirement::In("zone".into(), vec!["a".into(), "b".into()]), true),
            (Requirement::In("zone".into(), vec!["b".into()]), false),
            (Requirement::In("disk".into(), vec!["b".into()]), false),
            (Requirement::NotIn("zone".into(), vec!["a".into()]), false),
            (Requirement::NotIn("disk".into(), vec!["a".into()]), true),
            (Requirement::Exists("zone".into()), true),
            (Requirement::Exists("disk".into()), false),
            (Requirement::Absent("zone".into()), false),
            (Requirement::Absent("disk".into()), true),
        ];
        for (requirement, expected) in table {
            assert_eq!(Selector(vec![requirement.clone()]).matches(&labels), expected, "{requirement:?}");
        }
        assert!(Selector::default().matches(&labels));
    }
}
