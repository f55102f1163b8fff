//! What plans are made from: the inventory, and its judgement.

use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::history::History;
use crate::domain::judgement::report;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::verdict;
use crate::domain::plan::Refusal;
use crate::domain::plan::act::Role;
use crate::domain::plan::guard::Guard;

/// The inventory, and the judgement of the binding or group that a plan is about.
pub struct Known<'a> {
    pub inventory: &'a Inventory,
    pub report: &'a Report,
    pub now: Timestamp,
}

impl<'a> Known<'a> {
    pub(super) fn case(&self) -> Result<Case<'a>, Refusal> {
        Case::of(self.inventory, &self.report.subject, self.now)
            .ok_or_else(|| Refusal::new("the binding is gone"))
    }

    pub(super) fn group(&self) -> Result<TargetGroupArn, Refusal> {
        self.report
            .group
            .clone()
            .ok_or_else(|| Refusal::new("the binding names no target group that could be read"))
    }

    /// The binding is not being deleted: what is registered for one that is goes with it.
    pub(super) fn stays(case: &Case<'_>) -> Result<(), Refusal> {
        match case.binding.is_some_and(|it| it.deleted.is_some()) {
            true => Err(Refusal::new("the binding is being deleted: the controller only cleans up")
                .instead("deregister (X) removes a target")),
            false => Ok(()),
        }
    }

    /// Registering can work at all: the group exists, and is of the binding's type.
    pub(super) fn fits(case: &Case<'_>) -> Result<(), Refusal> {
        if case.is_gone() {
            return Err(Refusal::new("its target group does not exist any more")
                .instead("unbind (B), then bind to another group: the ARN of a binding cannot be changed"));
        }
        match verdict::misfit(case) {
            Some(never) => {
                Err(Refusal::new(never.to_string()).instead("unbind (B), then bind to a group of that type"))
            }
            None => Ok(()),
        }
    }

    /// The targets were read recently.
    pub(super) fn targets_read(case: &Case<'_>) -> Result<(), Refusal> {
        match case.targets_usable() {
            true => Ok(()),
            false => Err(Refusal::new("the group's targets could not be read recently")
                .instead("nothing is written on the basis of old data")),
        }
    }

    pub(super) fn role(case: &Case<'_>) -> Role {
        case.binding?.role()
    }

    /// The guard that the binding is the same, or that there still is none. A binding that is being deleted may go at
    /// any time, so nothing is made to depend on it.
    pub(super) fn same(case: &Case<'_>) -> Option<Guard> {
        match (case.reference, case.binding.filter(|it| it.deleted.is_none()), &case.arn) {
            (Some(reference), Some(binding), group) => Some(Guard::Binding {
                binding: reference.clone(),
                uid: binding.uid.clone(),
                group: group.clone(),
            }),
            (None, None, Some(group)) => Some(Guard::Unbound { group: group.clone(), cluster: None }),
            _ => None,
        }
    }
}

/// The judgement of what was just read, without history: for guards and for reading back.
pub(crate) fn report_of(inventory: &Inventory, subject: &Subject, now: Timestamp) -> Option<Report> {
    report::judge(inventory, subject, &History::of_one_look(), now)
}
