//! What a person can do about a change that ended before all of it was done.

use crate::domain::facts::time::age;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::binding;
use crate::domain::plan::progress::Stage;

/// How a change ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) change: ChangeKind,
    /// The last step that was reached.
    pub(crate) stage: &'a Stage,
    /// Something was written that has an inverse.
    pub(crate) undoable: bool,
    /// Seconds since the first step was made.
    pub(crate) since: i64,
}

/// `None`: all of it was done, or it is not over.
pub(crate) fn next_step(outcome: Outcome<'_>) -> Option<String> {
    let text = match (outcome.stage, outcome.change) {
        (Stage::Checking | Stage::Writing | Stage::Awaiting(_) | Stage::Done(_), _) => return None,
        (Stage::Refused(_), _) if outcome.undoable => {
            "this step wrote nothing; what was done before stays: undo it if possible, or plan again"
        }
        (Stage::Refused(_), _) => "this step wrote nothing; look at the board and plan again",
        (Stage::Unverified(_), ChangeKind::Resync) => return Some(trusting(outcome.since)),
        (Stage::Unverified(_), ChangeKind::Unbind) => {
            "the controller never listed the targets that are left; deregister them from the target group"
        }
        (Stage::Unverified(_), _) if outcome.undoable => {
            "what was done before stays: look at the board, and undo it if possible"
        }
        (Stage::Unverified(_), _) => "check the board for the current state",
        (Stage::Failed(_), _) if outcome.undoable => "what was done before stays; undo it if possible",
        (Stage::Failed(_), _) => "what was done before stays; look at the board",
        (Stage::Cancelled, _) if outcome.undoable => "what was written stays; undo it if possible",
        (Stage::Cancelled, _) => "what was written stays",
    };
    Some(text.to_owned())
}

/// The controller looked and changed nothing: it may trust the list of targets it made up to five minutes before.
fn trusting(since: i64) -> String {
    match binding::CACHE - since {
        left @ 1.. => format!(
            "the controller may trust a list of targets it read before, for {} at most: repeat the resync after that, or register what is missing (R) and deregister what is left over (X) now",
            age(left)
        ),
        _ => "the list of targets that the controller trusted has expired: repeat the resync, or register what is missing (R) and deregister what is left over (X)"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(change: ChangeKind, stage: &Stage, since: i64) -> Option<String> {
        next_step(Outcome { change, stage, undoable: false, since })
    }

    #[test]
    fn a_resync_without_effect_waits_for_the_controllers_list_as_long_as_it_can_be_trusted() {
        let unverified = Stage::Unverified("nothing changed".to_owned());
        assert!(said(ChangeKind::Resync, &unverified, 40).unwrap().contains("for 4m20s at most"));
        assert!(said(ChangeKind::Resync, &unverified, 300).unwrap().contains("has expired"));
        assert!(said(ChangeKind::Unbind, &unverified, 40).unwrap().contains("deregister them"));
    }

    #[test]
    fn what_is_done_needs_no_next_step() {
        assert_eq!(said(ChangeKind::Drain, &Stage::Done(String::new()), 0), None);
    }
}
