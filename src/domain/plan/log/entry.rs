//! A line of the audit log as a value: which step of which plan, what was asked for, who asked, how it stood.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::plan_id::PlanId;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::guard::Guard;
use crate::domain::plan::progress::Stage;

/// What a line says of its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStage {
    /// Its call is about to be made.
    Begin,
    /// It is awaited.
    Waiting,
    Done,
    Refused,
    Failed,
    #[serde(rename = "not verified")]
    NotVerified,
    Cancelled,
}

impl LogStage {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::NotVerified => "not verified",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<&Stage> for LogStage {
    fn from(stage: &Stage) -> Self {
        match stage {
            Stage::Checking | Stage::Awaiting(_) => Self::Waiting,
            Stage::Writing => Self::Begin,
            Stage::Done(_) => Self::Done,
            Stage::Refused(_) => Self::Refused,
            Stage::Failed(_) => Self::Failed,
            Stage::Unverified(_) => Self::NotVerified,
            Stage::Cancelled => Self::Cancelled,
        }
    }
}

impl fmt::Display for LogStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// RFC 3339, UTC.
    pub(crate) time: String,
    pub(crate) plan: PlanId,
    // Logs of before call it by its old name.
    #[serde(alias = "hand")]
    pub(crate) change: ChangeKind,
    /// The plan it turns round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undoes: Option<PlanId>,
    pub(crate) subject: Subject,
    /// Which step of how many, from 1. A plan that is gone on with counts what was left of it.
    pub step: usize,
    pub(crate) of: usize,
    /// `begin` before the call; then how it ended.
    pub stage: LogStage,
    /// What the step does, as a person reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    pub context: Option<String>,
    /// Of the target group it is about, in every line of its plan.
    pub account: Option<String>,
    pub region: Option<String>,
    /// Who we are on either side, as far as that could be read.
    pub(crate) kubernetes_user: Option<String>,
    pub(crate) aws_identity: Option<String>,
    pub call: String,
    pub request: Act,
    /// What was read before and after, in words.
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    /// Since its `begin`; `None`: it had none.
    pub(crate) duration_ms: Option<i64>,
    /// The whole plan, in more than one of its lines: so that another session can go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Box<Plan>>,
}

impl Entry {
    /// What a plan tells of itself in a line about one of its steps, from 0; `None`: it has no such step.
    pub(crate) fn new(plan: &Plan, index: usize, stage: LogStage, time: String) -> Option<Self> {
        let step = plan.steps.get(index)?;
        let own = step.act.place().map(|it| (it.0.to_owned(), it.1.to_owned()));
        let (account, region) = own.or_else(|| place_of(plan)).unzip();
        Some(Self {
            time,
            plan: plan.id.clone(),
            change: plan.change,
            undoes: plan.undoes.clone(),
            subject: plan.subject.clone(),
            step: index + 1,
            of: plan.steps.len(),
            stage,
            sentence: Some(step.act.sentence()),
            context: step.act.cluster().map(ToString::to_string).or_else(|| context_of(plan)),
            account,
            region,
            kubernetes_user: None,
            aws_identity: None,
            call: step.act.call().to_owned(),
            request: step.act.clone(),
            before: None,
            after: None,
            duration_ms: None,
            accepted: None,
        })
    }

    /// Steps that were left with this one.
    pub(super) fn left(&self) -> usize {
        (self.of + 1).saturating_sub(self.step)
    }
}

/// The account and region a plan is about, where it names a group or a load balancer.
pub(crate) fn place_of(plan: &Plan) -> Option<(String, String)> {
    let of_steps = plan.steps.iter().find_map(|it| it.act.place());
    let of_subject = || match &plan.subject {
        Subject::Group(arn) => Some((arn.account(), arn.region())),
        Subject::Binding(_) => None,
    };
    let of_guards = || {
        plan.steps.iter().flat_map(|it| &it.guards).find_map(|it| match it {
            Guard::Binding { group: Some(arn), .. } => Some((arn.account(), arn.region())),
            _ => None,
        })
    };
    let place = of_steps.or_else(of_subject).or_else(of_guards);
    place.map(|(account, region)| (account.to_owned(), region.to_owned()))
}

/// The context a plan writes to, or is about.
pub(crate) fn context_of(plan: &Plan) -> Option<String> {
    let of_steps = plan.steps.iter().find_map(|it| it.act.cluster());
    let of_subject = match &plan.subject {
        Subject::Binding(it) => Some(&it.cluster),
        Subject::Group(_) => None,
    };
    of_steps.or(of_subject).map(ToString::to_string)
}

/// Lines of the log to be read by a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Oldest first, without the plans they hold.
    pub(crate) entries: Vec<Entry>,
    /// What is to be known about them: what could not be read, that there are more.
    pub(crate) notes: Vec<String>,
}
