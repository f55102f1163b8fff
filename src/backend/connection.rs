//! What to connect to and what to look at, as values.

use super::budget::Buckets;
use super::clock::Clock;
use crate::aws::Settings;
use crate::domain::judgement::row::Subject;
use crate::kubernetes::Access;

/// What to connect to. Made from flags and files; holds no connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub clusters: Vec<Access>,
    pub aws: Settings,
    pub budget: Buckets,
    /// Nothing may be written through it.
    pub read_only: bool,
    pub clock: Clock,
}

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// `None`: all namespaces.
    pub namespace: Option<String>,
}

impl Scope {
    /// The same, or the namespace of a subject where it lies outside.
    #[must_use]
    pub(crate) fn of(&self, subject: &Subject) -> Self {
        match subject {
            Subject::Binding(it) if !self.covers(&it.namespace) => {
                Self { namespace: Some(it.namespace.clone()) }
            }
            _ => self.clone(),
        }
    }

    pub(crate) fn covers(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|it| it == namespace)
    }
}
