//! THE tables of the keys of dialogs: what a key does there, its hint at the foot of the dialog and its line in the help.
//! No text about a key of a dialog exists anywhere else.

use std::borrow::Cow;

use super::changes::Asked;
use super::changes::Run;
use super::form::Choice;
use super::key::Code;
use super::key::Key;
use super::key::ctrl;
use super::key::key;
use super::key::plain;
use super::state::Dialog;
use super::state::State;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::drain::Then;

/// What a key of a dialog does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DialogAction {
    Close,
    Down,
    Up,
    PageDown,
    PageUp,
    Top,
    Bottom,
    /// Takes back the last letter of what is typed.
    Erase,
    /// Takes back all of it.
    Clear,
    /// Accepts the plan on show.
    Accept,
    /// Looks at every guard and lets the API server check the plan; nothing is written.
    DryRun,
    /// Another end of a drain: delete the pod, put it back, leave it detached.
    Ending,
    /// `spec.networking`, or none.
    Networking,
    MultiCluster,
    /// Writes the object to a file instead.
    Save,
    /// Stops the plan that runs.
    Stop,
    Undo,
    /// Asks for the resync once more.
    Again,
    /// Registers by ourselves what a resync did not.
    Register,
    Resume,
    Discard,
    Later,
    /// Takes the line that is chosen.
    Select,
    /// Keeps the filter as it was typed.
    Keep,
    /// Puts the filter back as it was.
    Restore,
    Leave,
}

/// One row of a table.
pub struct DialogKey {
    pub keys: &'static [Key],
    pub does: DialogAction,
    /// A few words for the foot of the dialog; empty: not shown there.
    pub hint: &'static str,
    pub help: &'static str,
}

/// The dialogs, by the keys they know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DialogKind {
    Plan,
    /// A plan that asks for a name to be typed.
    TypedPlan,
    Run,
    Unfinished,
    Form,
    Filter,
    Reading,
    Refusal,
    Leaving,
    /// Help, details, audit log.
    Page,
}

macro_rules! keys {
    ($($does:ident [$($key:expr),*] $hint:literal $help:literal;)*) => {
        &[$(DialogKey {
            keys: const { &[$($key),*] },
            does: DialogAction::$does,
            hint: $hint,
            help: $help,
        },)*]
    };
}

const PLAN: &[DialogKey] = keys! {
    Accept       [key('y')]                              "accept"             "Accept the plan that is shown";
    DryRun       [key('d')]                              "dry run"            "Check the guards and let the API server validate it; nothing is written";
    Ending       [key('t'), plain(Code::Tab)]            "another ending"     "Drain: delete the pod, put it back, or leave it detached";
    Networking   [key('w')]                              "networking"         "Bind: write spec.networking, or leave it out";
    MultiCluster [key('m')]                              "multi-cluster"      "Bind: share the group with other clusters, or not";
    Save         [key('s')]                              "save as YAML"       "Bind: write the manifest to a file instead";
    Down         [plain(Code::Down), key('j')]           ""                   "Scroll down";
    Up           [plain(Code::Up), key('k')]             ""                   "Scroll up";
    PageDown     [plain(Code::PageDown)]                 ""                   "Page down";
    PageUp       [plain(Code::PageUp)]                   ""                   "Page up";
    Close        [plain(Code::Esc), key('n')]            "cancel"             "Cancel: nothing is written";
};

const TYPED_PLAN: &[DialogKey] = keys! {
    Accept       [plain(Code::Enter)]                    "accept"             "Accept, once the name is typed";
    DryRun       [ctrl('d')]                             "dry run"            "As d above";
    Ending       [plain(Code::Tab)]                      "another ending"     "As t above";
    Networking   [ctrl('n')]                             "networking"         "As w above";
    MultiCluster [ctrl('x')]                             "multi-cluster"      "As m above";
    Save         [ctrl('s')]                             "save as YAML"       "As s above";
    Down         [plain(Code::Down)]                     ""                   "Scroll down";
    Up           [plain(Code::Up)]                       ""                   "Scroll up";
    PageDown     [plain(Code::PageDown)]                 ""                   "Page down";
    PageUp       [plain(Code::PageUp)]                   ""                   "Page up";
    Erase        [plain(Code::Backspace)]                ""                   "Erase the last letter";
    Clear        [ctrl('u')]                             ""                   "Erase what was typed";
    Close        [plain(Code::Esc)]                      "cancel"             "Cancel: nothing is written";
};

const RUN: &[DialogKey] = keys! {
    Stop         [key('c')]                              "stop"               "Stop it: a call that is under way ends first";
    Undo         [key('u')]                              "undo"               "Undo it, if possible";
    Again        [key('r')]                              "resync again"       "After a resync without effect: resync again";
    Register     [key('R')]                              "register now"       "After a resync without effect: register what is missing";
    Down         [plain(Code::Down), key('j')]           ""                   "Scroll down";
    Up           [plain(Code::Up), key('k')]             ""                   "Scroll up";
    PageDown     [plain(Code::PageDown)]                 ""                   "Page down";
    PageUp       [plain(Code::PageUp)]                   ""                   "Page up";
    Close        [plain(Code::Esc), plain(Code::Enter), key('p')] "close"     "Close; what runs goes on";
};

const UNFINISHED: &[DialogKey] = keys! {
    Resume       [key('g'), plain(Code::Enter)]          "resume"             "Show what is left as a plan to accept";
    Discard      [key('x')]                              "discard"            "Never offer it again";
    Later        [plain(Code::Esc)]                      "later"              "Leave it; p offers it again";
};

const FORM: &[DialogKey] = keys! {
    Select       [plain(Code::Enter)]                    "select"             "Select the line";
    Down         [plain(Code::Down)]                     ""                   "Next line";
    Up           [plain(Code::Up)]                       ""                   "Previous line";
    PageDown     [plain(Code::PageDown)]                 ""                   "Page down";
    PageUp       [plain(Code::PageUp)]                   ""                   "Page up";
    Erase        [plain(Code::Backspace)]                ""                   "Erase the last letter";
    Clear        [ctrl('u')]                             ""                   "Erase what was typed";
    Close        [plain(Code::Esc)]                      "cancel"             "Cancel";
};

const FILTER: &[DialogKey] = keys! {
    Keep         [plain(Code::Enter)]                    "keep"               "Keep the filter; a leading ! inverts it";
    Erase        [plain(Code::Backspace)]                ""                   "Erase the last letter";
    Clear        [ctrl('u')]                             ""                   "Erase what was typed";
    Restore      [plain(Code::Esc)]                      "cancel"             "Filter as before";
};

const READING: &[DialogKey] = keys! {
    Close        [plain(Code::Esc)]                      "cancel"             "Stop waiting for what is being read";
};

const REFUSAL: &[DialogKey] = keys! {
    Close        [plain(Code::Esc), plain(Code::Enter)]  "close"              "Close";
};

const LEAVING: &[DialogKey] = keys! {
    Leave        [key('q')]                              "leave"              "Leave; the next start offers to resume what is unfinished";
    Close        [plain(Code::Esc), plain(Code::Enter)]  "stay"               "Stay";
};

const PAGE: &[DialogKey] = keys! {
    Down         [plain(Code::Down), key('j')]           ""                   "Scroll down";
    Up           [plain(Code::Up), key('k')]             ""                   "Scroll up";
    PageDown     [plain(Code::PageDown), ctrl('d')]      ""                   "Page down";
    PageUp       [plain(Code::PageUp), ctrl('u')]        ""                   "Page up";
    Top          [key('g'), plain(Code::Home)]           ""                   "First line";
    Bottom       [key('G'), plain(Code::End)]            ""                   "Last line";
    Close        [plain(Code::Esc), plain(Code::Enter), key('?'), key('d'), key('A')] "close" "Close";
};

impl DialogKind {
    pub const ALL: [Self; 10] = [
        Self::Plan,
        Self::TypedPlan,
        Self::Run,
        Self::Unfinished,
        Self::Form,
        Self::Filter,
        Self::Reading,
        Self::Refusal,
        Self::Leaving,
        Self::Page,
    ];

    pub fn of(dialog: &Dialog) -> Self {
        match dialog {
            Dialog::Plan(it) if it.plan.typed.is_some() => Self::TypedPlan,
            Dialog::Plan(_) => Self::Plan,
            Dialog::Run { .. } => Self::Run,
            Dialog::Unfinished(_) => Self::Unfinished,
            Dialog::Form(_) => Self::Form,
            Dialog::Filter { .. } => Self::Filter,
            Dialog::Reading { .. } => Self::Reading,
            Dialog::Refusal { .. } => Self::Refusal,
            Dialog::Leaving => Self::Leaving,
            Dialog::Help { .. } | Dialog::Details { .. } | Dialog::Audit { .. } => Self::Page,
        }
    }

    /// Its title in the help and in the README.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plan => "Plan",
            Self::TypedPlan => "Plan that asks for a name",
            Self::Run => "Progress of a plan",
            Self::Unfinished => "Unfinished change",
            Self::Form => "List to choose from",
            Self::Filter => "Filter",
            Self::Reading => "Waiting for data",
            Self::Refusal => "Refusal",
            Self::Leaving => "Leave?",
            Self::Page => "Help, details, audit log",
        }
    }

    pub fn table(self) -> &'static [DialogKey] {
        match self {
            Self::Plan => PLAN,
            Self::TypedPlan => TYPED_PLAN,
            Self::Run => RUN,
            Self::Unfinished => UNFINISHED,
            Self::Form => FORM,
            Self::Filter => FILTER,
            Self::Reading => READING,
            Self::Refusal => REFUSAL,
            Self::Leaving => LEAVING,
            Self::Page => PAGE,
        }
    }

    /// Letters are text there.
    pub fn reads_text(self) -> bool {
        matches!(self, Self::TypedPlan | Self::Form | Self::Filter)
    }

    /// What a key does there.
    pub fn action(self, key: Key) -> Option<DialogAction> {
        self.table().iter().find(|it| it.keys.contains(&key)).map(|it| it.does)
    }
}

/// Whether what a key does can be done in the dialog on top just now.
pub fn is_offered(does: DialogAction, state: &State) -> bool {
    match (does, state.dialogs.last()) {
        (DialogAction::Ending, Some(Dialog::Plan(it))) => matches!(it.asked, Asked::Drain { .. }),
        (
            DialogAction::Networking | DialogAction::MultiCluster | DialogAction::Save,
            Some(Dialog::Plan(it)),
        ) => matches!(it.asked, Asked::Bind(_)),
        (DialogAction::Stop, Some(Dialog::Run { .. })) => run(state).is_some_and(|it| it.ended.is_none()),
        (DialogAction::Undo, Some(Dialog::Run { .. })) => run(state).is_some_and(Run::turns_round),
        (DialogAction::Again | DialogAction::Register, Some(Dialog::Run { .. })) => run(state)
            .is_some_and(|it| it.plan.change == ChangeKind::Resync && it.ended.is_some() && !it.succeeded()),
        _ => true,
    }
}

/// The plan whose progress is on show.
fn run(state: &State) -> Option<&Run> {
    let Some(Dialog::Run { plan, .. }) = state.dialogs.last() else { return None };
    state.changes.runs.iter().find(|it| it.plan.id == *plan)
}

/// The hints at the foot of the dialog on top: each key that does something there now, and what.
pub fn hints(state: &State) -> Vec<(Key, Cow<'static, str>)> {
    let Some(dialog) = state.dialogs.last() else { return Vec::new() };
    let table = DialogKind::of(dialog).table().iter();
    table
        .filter(|it| !it.hint.is_empty() && is_offered(it.does, state))
        .filter_map(|it| Some((*it.keys.first()?, hint(it, dialog, state))))
        .collect()
}

/// A hint, where what the key would do now says more than the table can.
fn hint(row: &DialogKey, dialog: &Dialog, state: &State) -> Cow<'static, str> {
    let text = match (row.does, dialog) {
        (DialogAction::Ending, Dialog::Plan(it)) => match &it.asked {
            Asked::Drain { then: Then::Delete, .. } => "put it back instead",
            Asked::Drain { then: Then::PutBack, .. } => "leave it detached instead",
            Asked::Drain { then: Then::Keep, .. } => "delete it instead",
            _ => row.hint,
        },
        (DialogAction::Networking, Dialog::Plan(it)) => match &it.asked {
            Asked::Bind(wish) if wish.networking => "without spec.networking",
            Asked::Bind(_) => "with spec.networking",
            _ => row.hint,
        },
        (DialogAction::MultiCluster, Dialog::Plan(it)) => match &it.asked {
            Asked::Bind(wish) if wish.multi_cluster => "not multi-cluster",
            Asked::Bind(_) => "multi-cluster",
            _ => row.hint,
        },
        (DialogAction::Close, Dialog::Run { .. }) if is_offered(DialogAction::Stop, state) => {
            "hide, it goes on"
        }
        (DialogAction::Select, Dialog::Form(form))
            if matches!(form.chosen.first(), Some(Choice::Place(..))) =>
        {
            return Cow::Borrowed("select · or type weights, as 95 5");
        }
        (DialogAction::Select, Dialog::Form(_)) => "select · type to filter",
        _ => row.hint,
    };
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Control characters that a terminal sends for other keys, or that are the program's everywhere: ctrl-i is Tab,
    /// ctrl-m and ctrl-j are Enter, ctrl-h is Backspace, ctrl-[ is Esc, ctrl-c leaves, ctrl-z suspends.
    const DISGUISES: [char; 7] = ['i', 'm', 'j', 'h', '[', 'c', 'z'];

    #[test]
    fn no_key_of_a_dialog_is_another_in_disguise_or_stands_twice() {
        for kind in DialogKind::ALL {
            let mut seen = BTreeSet::new();
            for row in kind.table() {
                assert!(!row.help.is_empty() && !row.keys.is_empty(), "{kind:?} {:?}", row.does);
                for key in row.keys {
                    assert!(seen.insert(*key), "{kind:?}: {key} stands twice");
                    let Code::Char(letter) = key.code else { continue };
                    assert!(!key.ctrl || !DISGUISES.contains(&letter), "{kind:?}: {key} is another key");
                    assert!(key.ctrl || !kind.reads_text(), "{kind:?}: {key} is text there");
                }
            }
            let way_out = [DialogAction::Close, DialogAction::Later, DialogAction::Restore];
            assert!(
                kind.action(plain(Code::Esc)).is_some_and(|it| way_out.contains(&it)),
                "{kind:?}: Esc leads out"
            );
        }
    }

    #[test]
    fn nothing_is_accepted_by_a_key_that_leads_out_elsewhere() {
        let accepting: Vec<(DialogKind, Key)> = DialogKind::ALL
            .into_iter()
            .flat_map(|kind| kind.table().iter().map(move |row| (kind, row)))
            .filter(|(_, row)| row.does == DialogAction::Accept)
            .flat_map(|(kind, row)| row.keys.iter().map(move |key| (kind, *key)))
            .collect();
        assert_eq!(
            accepting,
            [(DialogKind::Plan, key('y')), (DialogKind::TypedPlan, plain(Code::Enter))],
            "one key each"
        );
    }
}
