//! The one entry for every change, for the screen and for commands: a request and what is known become a plan with a name
//! of its own, or the reason why there is none.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Plan;
use super::Refusal;
use super::act::ChangeKind;
use super::bind;
use super::bind::Wish;
use super::binding;
use super::drain;
use super::drain::Then;
use super::known::Known;
use super::log::Unfinished;
use super::manner::Manner;
use super::targets;
use super::unbind;
use super::undo;
use super::undo::Done;
use super::weights;
use super::weights::Tags;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::plan_id::PlanIds;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::routes::Place;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Subject;

/// A change a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Bind(Wish),
    Unbind,
    Resync,
    Drain {
        rows: Vec<RowKey>,
        then: Then,
    },
    Deregister(BTreeSet<TargetKey>),
    Register(BTreeSet<TargetKey>),
    Sync,
    /// New weights, from 0 to `weights::LARGEST`, for some groups of one rule.
    Shift {
        place: Place,
        weights: BTreeMap<TargetGroupArn, u32>,
        marks: Marks,
    },
    Undo {
        done: Done,
        marks: Marks,
    },
    /// What is left to do of a plan that another session began.
    Resume(Box<Unfinished>),
}

impl Request {
    /// The kind of the plan it becomes.
    pub(crate) fn change(&self) -> ChangeKind {
        match self {
            Self::Bind(_) => ChangeKind::Bind,
            Self::Unbind => ChangeKind::Unbind,
            Self::Resync => ChangeKind::Resync,
            Self::Drain { .. } => ChangeKind::Drain,
            Self::Deregister(_) => ChangeKind::Deregister,
            Self::Register(_) => ChangeKind::Register,
            Self::Sync => ChangeKind::Sync,
            Self::Shift { .. } => ChangeKind::Shift,
            Self::Undo { .. } => ChangeKind::Undo,
            Self::Resume(it) => it.plan.change,
        }
    }
}

/// The tags of a rule, its listener and its load balancer, which tell who manages it; or why they could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) tags: Tags,
    pub(crate) unread: Option<String>,
}

/// What a plan is made from.
pub(crate) struct Basis<'a> {
    pub(crate) inventory: &'a Inventory,
    /// The judgement of the board it is about; `None`: a request that needs one is refused.
    pub(crate) report: Option<&'a Report>,
    pub(crate) now: Timestamp,
    /// The connected clusters whose name has to be typed before anything is written.
    pub(crate) protected: &'a BTreeSet<ClusterId>,
    /// Flags for the equivalent commands.
    pub(crate) manner: &'a Manner,
}

/// Makes the plan of a request and gives it an ID. Nothing is written. The error says why there is no plan.
pub(crate) fn make(request: &Request, basis: &Basis<'_>, ids: &mut PlanIds) -> Result<Plan, Refusal> {
    let mut plan = planned(request, basis)?;
    plan.manner = basis.manner.clone();
    if plan.steps.is_empty() {
        // There is nothing to accept.
        plan.typed = None;
    } else if let Some(context) = protected(&plan, basis.protected) {
        plan.protect(&context);
    }
    if let Request::Shift { marks, .. } | Request::Undo { marks, .. } = request
        && let Some(why) = &marks.unread
    {
        plan.warnings.push(format!("Who manages the rule could not be read: {why}."));
    }
    // What goes on keeps the name it has in the log.
    if !plan.resumed {
        plan.id = ids.take(plan.made, plan.change.word());
    }
    Ok(plan)
}

fn planned(request: &Request, basis: &Basis<'_>) -> Result<Plan, Refusal> {
    let Basis { inventory, now, .. } = *basis;
    let known = || {
        let report = basis.report.ok_or_else(|| Refusal::plain("open or select a binding first"))?;
        Ok(Known { inventory, report, now })
    };
    match request {
        Request::Bind(wish) => bind::bind(inventory, wish, now),
        Request::Unbind => unbind::unbind(&known()?),
        Request::Resync => binding::resync(&known()?),
        Request::Drain { rows, then } => drain::drain(&known()?, rows, *then),
        Request::Deregister(keys) => targets::deregister(&known()?, keys),
        Request::Register(keys) => targets::register(&known()?, keys),
        Request::Sync => targets::sync(&known()?),
        Request::Shift { place, weights, marks } => weights::shift(&known()?, place, weights, &marks.tags),
        Request::Undo { done, marks } => undo::undo(inventory, done, now, &marks.tags),
        Request::Resume(unfinished) => {
            unfinished.rest().ok_or_else(|| Refusal::plain("nothing is left to do"))
        }
    }
}

/// The protected context a plan writes to, or is about. A group of no binding may belong to any connected cluster.
fn protected(plan: &Plan, protected: &BTreeSet<ClusterId>) -> Option<String> {
    let of_subject = match &plan.subject {
        Subject::Binding(it) => Some(&it.cluster),
        Subject::Group(_) => protected.first(),
    };
    let touched = plan.steps.iter().filter_map(|it| it.act.cluster()).chain(of_subject);
    touched.into_iter().find(|it| protected.contains(*it)).map(ToString::to_string)
}
