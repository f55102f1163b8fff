//! What becomes of an accepted plan, told step by step, and how it ended.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::plan_id::PlanId;
use crate::domain::facts::time::Timestamp;
use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::undo;

/// How a step stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", content = "said", rename_all = "lowercase")]
pub enum Stage {
    /// Both sides are read and its guards looked at.
    Checking,
    /// A guard does not hold: nothing was written.
    Refused(String),
    /// The call is under way.
    Writing,
    /// The call was answered, or the step only waits; what is awaited.
    Awaiting(String),
    /// Read back: it is so.
    Done(String),
    /// The call failed. What of a batch was done before is in the words.
    Failed(String),
    /// The call was answered, but what was read back does not say so, or somebody else changed it.
    Unverified(String),
    /// Somebody stopped it before it ran, or while it waited.
    Cancelled,
}

impl Stage {
    /// Nothing more comes of this step.
    pub(crate) fn over(&self) -> bool {
        !matches!(self, Self::Checking | Self::Writing | Self::Awaiting(_))
    }

    pub fn word(&self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Refused(_) => "refused",
            Self::Writing => "writing",
            Self::Awaiting(_) => "waiting",
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
            Self::Unverified(_) => "not verified",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn said(&self) -> &str {
        match self {
            Self::Refused(text)
            | Self::Awaiting(text)
            | Self::Done(text)
            | Self::Failed(text)
            | Self::Unverified(text) => text,
            Self::Checking | Self::Writing | Self::Cancelled => "",
        }
    }
}

/// The acts of a plan whose call was made, whatever came of it.
pub(crate) fn called<'a>(
    plan: &'a Plan,
    stages: impl Iterator<Item = (usize, &'a Stage)>,
) -> impl Iterator<Item = &'a Act> {
    let made = |stage: &Stage| !matches!(stage, Stage::Checking | Stage::Refused(_) | Stage::Cancelled);
    let written = stages.filter(move |(_, stage)| made(stage));
    let acts = written.filter_map(|(step, _)| Some(&plan.steps.get(step)?.act));
    acts.filter(|it| !it.only_waits())
}

/// Something was written that has an inverse.
pub(crate) fn undoable<'a>(plan: &'a Plan, stages: impl Iterator<Item = (usize, &'a Stage)>) -> bool {
    // An eviction that was refused took nothing away.
    let gone = |(step, stage): &(usize, &Stage)| {
        let act = plan.steps.get(*step).map(|it| &it.act);
        !(matches!(stage, Stage::Failed(_)) && matches!(act, Some(Act::EvictPod { .. })))
    };
    let written: Vec<Act> = called(plan, stages.filter(gone)).cloned().collect();
    plan.change != ChangeKind::Undo && undo::have_inverse(&written)
}

/// One step of a plan stands differently now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Id of the plan.
    pub(crate) plan: PlanId,
    /// Which step, from 0.
    pub step: usize,
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub stage: Stage,
}
