//! Label selectors as Kubernetes defines them.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::cluster::Labels;

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
    pub fn matches(&self, labels: &Labels) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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
