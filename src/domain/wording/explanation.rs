//! The form of every explanation: a sentence, facts under it, and the next step.

/// What to say about a row or a binding: a sentence, facts under it, one to a line, and the next step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) headline: String,
    pub(crate) facts: Vec<String>,
    pub(crate) next: Option<String>,
}

pub(super) fn say(headline: impl Into<String>) -> Explanation {
    Explanation { headline: headline.into(), facts: Vec::new(), next: None }
}

impl Explanation {
    pub(super) fn fact(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}
