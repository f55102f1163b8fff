//! A change as a value that a person can read and accept: its exact steps, what must still be true when each runs, what
//! it changes, what follows. Making a plan writes nothing; `backend::apply` carries it out.

pub mod act;
pub(crate) mod eviction;
pub mod guard;
pub(crate) mod manifest;
pub mod manner;

pub(crate) mod counts;
mod enough;
pub mod known;
mod owners;
pub mod permissions;

pub(crate) mod bind;
pub mod binding;
mod detaching;
pub mod drain;
pub mod targets;
pub mod unbind;
pub mod undo;
pub mod weights;

pub(crate) mod make;

pub(crate) mod check;
pub(crate) mod effect;
pub(crate) mod equivalents;
pub mod log;
pub mod progress;
pub(crate) mod rehearsal;

use serde::Deserialize;
use serde::Serialize;

use self::counts::Count;
use self::guard::Guard;
use self::manner::Manner;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::facts::time::Timestamp;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;

/// One write or wait of a plan, and when it may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    #[serde(flatten)]
    pub act: Act,
    /// All of these are checked just before the step runs; one that is not met ends the plan.
    pub guards: Vec<Guard>,
}

/// A name that has to be typed to accept a plan, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    pub(crate) name: String,
    pub(crate) because: Vec<String>,
}

/// A change that can be accepted: everything that will be written, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name in the audit log; given by `make`.
    #[serde(default)]
    pub id: PlanId,
    // Logs of before call it by its old name.
    #[serde(alias = "hand")]
    pub change: ChangeKind,
    pub subject: Subject,
    pub(crate) made: Timestamp,
    /// What it does, in one sentence.
    pub effect: String,
    /// Targets before and after, in total and by zone; empty where nothing is counted.
    pub(crate) counts: Vec<Count>,
    pub steps: Vec<Step>,
    /// What happens afterwards without us, one sentence each.
    pub(crate) follows: Vec<String>,
    /// What may surprise, one sentence each.
    pub warnings: Vec<String>,
    /// What cannot be undone, to be read after "Cannot be undone:".
    pub(crate) lasting: Vec<String>,
    /// `None`: a single key accepts it.
    pub typed: Option<Typed>,
    /// The plan that this one undoes.
    #[serde(default)]
    pub(crate) undoes: Option<PlanId>,
    /// It continues a plan that another session began: a step may already have taken effect.
    #[serde(default)]
    pub(crate) resumed: bool,
    /// Flags for the equivalent commands.
    #[serde(default, skip_serializing_if = "Manner::is_plain")]
    pub(crate) manner: Manner,
}

impl Plan {
    pub(super) fn new(change: ChangeKind, subject: &Subject, made: Timestamp, effect: String) -> Self {
        Self {
            id: PlanId::default(),
            change,
            subject: subject.clone(),
            made,
            effect,
            counts: Vec::new(),
            steps: Vec::new(),
            follows: Vec::new(),
            warnings: Vec::new(),
            lasting: Vec::new(),
            typed: None,
            undoes: None,
            resumed: false,
            manner: Manner::default(),
        }
    }

    pub(super) fn step(&mut self, act: Act, guards: Vec<Guard>) {
        self.steps.push(Step { act, guards });
    }

    /// Makes a name have to be typed. The first name stays; reasons add up.
    pub(crate) fn ask_for(&mut self, name: &str, because: String) {
        let typed = self.typed.get_or_insert_with(|| Typed { name: name.to_owned(), because: Vec::new() });
        typed.because.push(because);
    }

    /// Makes the name of a protected context have to be typed.
    pub(crate) fn protect(&mut self, context: &str) {
        let because = self.typed.take().map_or_else(Vec::new, |it| it.because);
        let first = format!("the context {context} is protected");
        let because = std::iter::once(first).chain(because).collect();
        self.typed = Some(Typed { name: context.to_owned(), because });
    }
}

/// Why there is no plan for a request, and what can be done instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}{}", .instead.as_ref().map_or(String::new(), |it| format!("; {it}")))]
pub struct Refusal {
    pub(crate) why: String,
    pub(crate) instead: Option<String>,
}

impl Refusal {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), instead: None }
    }

    /// A reason without an alternative, for callers outside of the planners.
    pub(crate) fn plain(why: &str) -> Self {
        Self::new(why)
    }

    #[must_use]
    pub(crate) fn instead(mut self, text: impl Into<String>) -> Self {
        self.instead = Some(text.into());
        self
    }
}

#[cfg(test)]
mod tests;
