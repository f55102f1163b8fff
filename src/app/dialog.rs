//! THE tables of the keys of dialogs: a row is the keys, the hint at the foot, the help line and what it does. No text
//! about a key of a dialog exists anywhere else.

use super::key::Code;
use super::key::Key;
use super::key::ctrl;
use super::key::key;
use super::key::plain;
use super::state::Dialog;

/// What a key of a dialog does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DialogAction {
    /// Accept the plan that was read.
    Accept,
    /// Close it; nothing else happens.
    Close,
    DryRun,
    /// What becomes of a pod once it has drained.
    Then,
    Networking,
    MultiCluster,
    Save,
    /// Stop the plan that runs.
    Stop,
    Undo,
    /// Make the plan of a resync again.
    Resync,
    /// Plan to register what a resync left out.
    Register,
    Resume,
    Discard,
    Later,
    /// Ask the pod once more.
    Try,
    /// Take the selected line.
    Select,
    KeepFilter,
    RestoreFilter,
    Leave,
    Down,
    Up,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    Top,
    Bottom,
}

impl DialogAction {
    /// It decides the question of the dialog for good: only somebody who has read it may.
    pub(crate) fn decides(self) -> bool {
        matches!(self, Self::Accept | Self::Discard)
    }
}

/// One row of a table.
pub(crate) struct DialogKey {
    pub(crate) keys: &'static [Key],
    pub(crate) action: DialogAction,
    /// One or two words for the foot of the dialog; empty: not shown there.
    pub(crate) hint: &'static str,
    pub(crate) help: &'static str,
}

/// The dialogs, as far as their keys differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DialogKind {
    Plan,
    /// A plan that is accepted by typing a name.
    TypedPlan,
    Run,
    Unfinished,
    Form,
    Filter,
    Reading,
    Refusal,
    Probe,
    Leaving,
    Help,
    Details,
    Audit,
}

impl DialogKind {
    pub(crate) const ALL: [Self; 13] = [
        Self::Plan,
        Self::TypedPlan,
        Self::Run,
        Self::Unfinished,
        Self::Form,
        Self::Filter,
        Self::Reading,
        Self::Refusal,
        Self::Probe,
        Self::Leaving,
        Self::Help,
        Self::Details,
        Self::Audit,
    ];

    /// Its heading in the help.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Plan => "In a plan",
            Self::TypedPlan => "In a plan that asks for a name",
            Self::Run => "In an accepted plan",
            Self::Unfinished => "In an unfinished change",
            Self::Form => "In a list to choose from",
            Self::Filter => "In the filter",
            Self::Reading => "While something is read for a plan",
            Self::Refusal => "In a refusal",
            Self::Probe => "In a health check that was tried",
            Self::Leaving => "When asked whether to leave",
            Self::Help => "In the help",
            Self::Details => "In the details",
            Self::Audit => "In the audit log",
        }
    }

    /// Characters, Backspace and `ctrl-u` edit its text field.
    pub(crate) fn has_text(self) -> bool {
        matches!(self, Self::TypedPlan | Self::Form | Self::Filter)
    }

    /// The rows that are its own.
    pub(crate) fn rows(self) -> &'static [DialogKey] {
        match self {
            Self::Plan => PLAN,
            Self::TypedPlan => TYPED_PLAN,
            Self::Run => RUN,
            Self::Unfinished => UNFINISHED,
            Self::Form => FORM,
            Self::Filter => FILTER,
            Self::Reading => READING,
            Self::Refusal => REFUSAL,
            Self::Probe => PROBE,
            Self::Leaving => LEAVING,
            Self::Help => HELP,
            Self::Details => DETAILS,
            Self::Audit => AUDIT,
        }
    }

    /// The rows it scrolls or moves by.
    pub(crate) fn scrolling(self) -> &'static [DialogKey] {
        match self {
            Self::Plan | Self::Run | Self::Help | Self::Details | Self::Audit => SCROLLING,
            // Letters are text there.
            Self::TypedPlan | Self::Form => ARROWS,
            Self::Unfinished | Self::Filter | Self::Reading | Self::Refusal | Self::Probe | Self::Leaving => {
                &[]
            }
        }
    }

    /// The row of a key.
    pub(crate) fn row(self, key: Key) -> Option<&'static DialogKey> {
        self.rows().iter().chain(self.scrolling()).find(|it| it.keys.contains(&key))
    }
}

impl Dialog {
    pub(crate) fn kind(&self) -> DialogKind {
        match self {
            Self::Plan(it) if it.plan.typed.is_some() => DialogKind::TypedPlan,
            Self::Plan(_) => DialogKind::Plan,
            Self::Run { .. } => DialogKind::Run,
            Self::Unfinished(_) => DialogKind::Unfinished,
            Self::Form(_) => DialogKind::Form,
            Self::Filter { .. } => DialogKind::Filter,
            Self::Reading { .. } => DialogKind::Reading,
            Self::Refusal { .. } => DialogKind::Refusal,
            Self::Probe { .. } => DialogKind::Probe,
            Self::Leaving => DialogKind::Leaving,
            Self::Help { .. } => DialogKind::Help,
            Self::Details { .. } => DialogKind::Details,
            Self::Audit { .. } => DialogKind::Audit,
        }
    }
}

macro_rules! dialogs {
    ($($table:ident { $($action:ident [$($key:expr),*] $hint:literal $help:literal;)* })*) => {
        $(const $table: &[DialogKey] = &[$(DialogKey {
            keys: const { &[$($key),*] },
            action: DialogAction::$action,
            hint: $hint,
            help: $help,
        },)*];)*
    };
}

const ESC: Key = plain(Code::Esc);
const ENTER: Key = plain(Code::Enter);
const TAB: Key = plain(Code::Tab);

dialogs! {
    // action       keys                               hint               help
    PLAN {
        Accept       [key('y')]                        "accept"           "Accept the plan, once it has been on the screen for a moment";
        DryRun       [key('d')]                        "dry run"          "Have the API server check it, without doing it";
        Then         [key('t'), TAB]                   "after draining"   "Drain: delete the pod at the end, put it back, or leave it detached";
        Networking   [key('w')]                        "networking"       "Bind: let the controller manage security-group rules, or not";
        MultiCluster [key('m')]                        "multi-cluster"    "Bind: share the target group with other clusters, or not";
        Save         [key('s')]                        "save"             "Bind: save the manifest to a file instead of creating it";
        Close        [ESC, key('n'), key('q')]         "cancel"           "Close the plan; nothing is written";
    }
    TYPED_PLAN {
        Accept       [ENTER]                           "accept"           "Accept the plan, if the name was typed in full";
        DryRun       [ctrl('d')]                       "dry run"          "Have the API server check it, without doing it";
        Then         [TAB]                             "after draining"   "Drain: delete the pod at the end, put it back, or leave it detached";
        Networking   [ctrl('n')]                       "networking"       "Bind: let the controller manage security-group rules, or not";
        MultiCluster [ctrl('x')]                       "multi-cluster"    "Bind: share the target group with other clusters, or not";
        Save         [ctrl('s')]                       "save"             "Bind: save the manifest to a file instead of creating it";
        Close        [ESC]                             "cancel"           "Close the plan; nothing is written";
    }
    RUN {
        Stop         [key('c')]                        "stop"             "Stop it before its next step, or in the middle of a wait";
        Undo         [key('u')]                        "undo"             "Undo it, if possible";
        Resync       [key('r')]                        "resync again"     "After a resync without effect: plan it again";
        Register     [key('R')]                        "register"         "After a resync without effect: plan to register what is missing";
        Close        [ESC, ENTER, key('p'), key('q')]  "close"            "Close it; a plan under way goes on";
    }
    UNFINISHED {
        Resume       [key('g'), ENTER]                 "resume"           "Show the plan of what is left of it";
        Discard      [key('x')]                        "discard"          "Never offer it again; what was written stays";
        Later        [ESC, key('q')]                   "later"            "Decide later";
    }
    FORM {
        Select       [ENTER]                           "select"           "Select the line";
        Close        [ESC]                             "cancel"           "Close the list";
    }
    FILTER {
        KeepFilter    [ENTER]                          "keep"             "Keep the filter";
        RestoreFilter [ESC]                            "cancel"           "Back to the filter there was before";
    }
    READING {
        Close        [ESC, key('q')]                   "cancel"           "Give up waiting";
    }
    REFUSAL {
        Close        [ESC, ENTER, key('n'), key('q')]  "close"            "Close it";
    }
    PROBE {
        Try          [key('t')]                        "try again"        "Ask once more";
        Close        [ESC, ENTER, key('q')]            "close"            "Close it; Why keeps what was said";
    }
    LEAVING {
        Leave        [key('q'), key('y')]              "leave"            "Leave; what is under way stops before its next step";
        Close        [ESC, ENTER, key('n')]            "stay"             "Stay";
    }
    HELP {
        Close        [ESC, key('?'), ENTER, key('q')]  "close"            "Close it";
    }
    DETAILS {
        Close        [ESC, key('d'), ENTER, key('q')]  "close"            "Close them";
    }
    AUDIT {
        Close        [ESC, key('A'), ENTER, key('q')]  "close"            "Close it";
    }
    SCROLLING {
        Down         [key('j'), plain(Code::Down)]     ""                 "A line down";
        Up           [key('k'), plain(Code::Up)]       ""                 "A line up";
        PageDown     [plain(Code::PageDown), key(' ')] ""                 "A page down";
        PageUp       [plain(Code::PageUp)]             ""                 "A page up";
        HalfDown     [ctrl('d')]                       ""                 "Half a page down";
        HalfUp       [ctrl('u')]                       ""                 "Half a page up";
        Top          [key('g'), plain(Code::Home)]     ""                 "To the top";
        Bottom       [key('G'), plain(Code::End)]      ""                 "To the end";
    }
    ARROWS {
        Down         [plain(Code::Down)]               ""                 "A line down";
        Up           [plain(Code::Up)]                 ""                 "A line up";
        PageDown     [plain(Code::PageDown)]           ""                 "A page down";
        PageUp       [plain(Code::PageUp)]             ""                 "A page up";
    }
}

/// A heading of the help, and its lines: keys and text.
pub(crate) type Section = (&'static str, Vec<(String, &'static str)>);

/// All tables as the help page and the README show them. How text is edited and how one scrolls is said once.
pub fn sections() -> Vec<Section> {
    let line = |row: &DialogKey| {
        let keys: Vec<String> = row.keys.iter().map(ToString::to_string).collect();
        (keys.join(" "), row.help)
    };
    let own = DialogKind::ALL.iter().map(|it| (it.title(), it.rows().iter().map(line).collect()));
    let scrolling =
        ("To scroll a dialog (with text to type: ↑ ↓ PgUp PgDn)", SCROLLING.iter().map(line).collect());
    let text = vec![
        ("Backspace".to_owned(), "Delete the last character"),
        ("ctrl-u".to_owned(), "Delete everything"),
    ];
    own.chain([scrolling, ("In a text field", text)]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::app::action::TABLE;

    /// A terminal sends the same byte for these letters with ctrl as for another key.
    const DISGUISES: [(char, &str); 7] = [
        ('i', "Tab"),
        ('m', "Enter"),
        ('j', "the Enter of a pasted line"),
        ('h', "Backspace"),
        ('[', "Esc"),
        ('?', "Backspace"),
        ('@', "ctrl-space"),
    ];

    #[test]
    fn no_key_is_tab_enter_esc_or_backspace_in_disguise() {
        let dialogs = DialogKind::ALL.iter().flat_map(|it| it.rows().iter().chain(it.scrolling()));
        let keys = dialogs.flat_map(|it| it.keys).chain(TABLE.iter().flat_map(|it| it.keys));
        for key in keys.filter(|it| it.ctrl) {
            for (letter, is) in DISGUISES {
                assert_ne!(key.code, Code::Char(letter), "{key} is {is}");
            }
        }
    }

    #[test]
    fn no_two_rows_of_a_dialog_share_a_key_or_an_action() {
        for kind in DialogKind::ALL {
            let (mut keys, mut actions) = (BTreeSet::new(), BTreeSet::new());
            for row in kind.rows().iter().chain(kind.scrolling()) {
                assert!(actions.insert(row.action), "{kind:?}: {:?}", row.action);
                assert!(!row.keys.is_empty() && !row.help.is_empty());
                for key in row.keys {
                    assert!(keys.insert(*key), "{kind:?}: {key}");
                    assert!(![ctrl('c'), ctrl('z')].contains(key), "{key} works everywhere");
                }
            }
        }
    }

    #[test]
    fn a_text_field_loses_no_key_to_its_dialog() {
        for kind in DialogKind::ALL.iter().filter(|it| it.has_text()) {
            for key in kind.rows().iter().chain(kind.scrolling()).flat_map(|it| it.keys) {
                let text = !key.ctrl && matches!(key.code, Code::Char(_) | Code::Backspace);
                assert!(!text && *key != ctrl('u'), "{kind:?} needs {key} for its text");
            }
        }
    }

    #[test]
    fn every_dialog_is_left_by_esc_without_doing_anything() {
        for kind in DialogKind::ALL {
            let row = kind.row(ESC).unwrap();
            let harmless = [DialogAction::Close, DialogAction::Later, DialogAction::RestoreFilter];
            assert!(harmless.contains(&row.action), "{kind:?}: {:?}", row.action);
        }
    }
}
