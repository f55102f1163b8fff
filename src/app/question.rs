//! What a single key would decide now, and whether it was on the screen long enough to be read.

use super::seen::Question;
use super::state::Dialog;
use super::state::State;

impl State {
    /// What a single key would decide now.
    pub(crate) fn question(&self) -> Option<Question> {
        match self.dialogs.last()? {
            Dialog::Plan(it) => Some(Question::Plan(it.plan.id.clone())),
            Dialog::Unfinished(open) => Some(Question::Unfinished(open.first()?.plan.id.clone())),
            _ => None,
        }
    }

    /// The question asked now is the one that was read.
    pub(crate) fn was_read(&self) -> bool {
        let read = self.seen.as_ref().filter(|it| it.read).map(|it| &it.question);
        read.is_some() && read == self.question().as_ref()
    }
}
