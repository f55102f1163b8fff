//! THE table of actions: everything a person can ask for. A row is the key, the help line, the footer hint,
//! the README row and the rule when it is offered; no text about an action exists anywhere else.

use super::key::Code;
use super::key::Key;
use super::key::ctrl;
use super::key::key;
use super::key::plain;
use crate::domain::plan::act::ChangeKind;

/// What must be there for an action to be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// A list or rows on show.
    Rows,
    /// A selected line.
    Selection,
    /// An open board, or one to return to.
    Board,
    /// An open board.
    OpenBoard,
    /// An open board with a selected or marked row.
    Row,
    /// A board or a selected line of the list.
    Subject,
    /// Something that was changed in this session.
    Done,
}

/// Whether an action changes anything outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safety {
    Reads,
    Writes,
}

/// Where an action stands in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Moving,
    Views,
    Looking,
    Changes,
    Program,
}

impl Family {
    pub const ALL: [Self; 5] = [Self::Moving, Self::Views, Self::Looking, Self::Changes, Self::Program];

    pub fn title(self) -> &'static str {
        match self {
            Self::Moving => "Moving",
            Self::Views => "Views",
            Self::Looking => "Looking",
            Self::Changes => "Changes",
            Self::Program => "Program",
        }
    }
}

/// One row of the table.
pub struct ActionRow {
    pub(crate) action: Action,
    /// Name in the configuration.
    pub(crate) name: &'static str,
    pub keys: &'static [Key],
    pub(crate) needs: Needs,
    pub(crate) safety: Safety,
    pub family: Family,
    /// One or two words for the footer; empty: not shown there.
    pub(crate) hint: &'static str,
    pub help: &'static str,
}

macro_rules! actions {
    ($($action:ident $name:literal [$($key:expr),*] $needs:ident $safety:ident $family:ident $hint:literal $help:literal;)*) => {
        /// What a person can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $($action,)* }

        pub const TABLE: &[ActionRow] = &[$(ActionRow {
            action: Action::$action,
            name: $name,
            keys: const { &[$($key),*] },
            needs: Needs::$needs,
            safety: Safety::$safety,
            family: Family::$family,
            hint: $hint,
            help: $help,
        },)*];
    };
}

actions! {
    // variant   name          keys                                        needs     safety family  hint      help
    Down         "down"        [key('j'), plain(Code::Down)]               Rows      Reads  Moving  ""        "Next line";
    Up           "up"          [key('k'), plain(Code::Up)]                 Rows      Reads  Moving  ""        "Previous line";
    Top          "top"         [key('g'), plain(Code::Home)]               Rows      Reads  Moving  ""        "First line";
    Bottom       "bottom"      [key('G'), plain(Code::End)]                Rows      Reads  Moving  ""        "Last line";
    PageDown     "page-down"   [plain(Code::PageDown)]                     Rows      Reads  Moving  ""        "A page down";
    PageUp       "page-up"     [plain(Code::PageUp)]                       Rows      Reads  Moving  ""        "A page up";
    HalfDown     "half-down"   [ctrl('d')]                                 Rows      Reads  Moving  ""        "Half a page down";
    HalfUp       "half-up"     [ctrl('u')]                                 Rows      Reads  Moving  ""        "Half a page up";
    Pane         "pane"        [plain(Code::Tab), plain(Code::BackTab)]    OpenBoard Reads  Moving  ""        "The other pane";
    Bindings     "bindings"    [key('0')]                                  Nothing   Reads  Views   "list"    "List the bindings of the scope, worst first";
    Board        "board"       [key('1')]                                  Board     Reads  Views   ""        "Show the board of the selected or last binding";
    Routes       "routes"      [key('2')]                                  Subject   Reads  Views   "routes" "Show the listeners and rules that lead to the group; z shows everything of their load balancers";
    Network      "network"     [key('3')]                                  Subject   Reads  Views   "network" "Show the network path from the load balancer to the selected row, hop by hop";
    Open         "open"        [plain(Code::Enter)]                        Selection Reads  Views   "open"    "Open the selected binding, or the details of the selected row";
    Back         "back"        [plain(Code::Esc)]                          Nothing   Reads  Views   ""        "Go back: clear filter, marks and selection, then to the list";
    Details      "details"     [key('d')]                                  Nothing   Reads  Looking "details" "Show everything known about the selected row or the binding";
    Probe        "probe"       [key('t')]                                  OpenBoard Reads  Looking "try"     "Try the row's health check: ask its pod through the API server what the group's check asks";
    Filter       "filter"      [key('/')]                                  Nothing   Reads  Looking "filter"  "Filter; prefix ! to invert";
    Problems     "problems"    [key('!')]                                  Nothing   Reads  Looking "problems" "Show only problems, or everything";
    Sort         "sort"        [key('o')]                                  Nothing   Reads  Looking ""        "Sort by the next column";
    Reverse      "reverse"     [key('O')]                                  Nothing   Reads  Looking ""        "Reverse the order";
    Zoom         "zoom"        [key('z')]                                  OpenBoard Reads  Looking ""        "Show one pane with all columns, or both";
    Freeze       "freeze"      [key('f')]                                  Nothing   Reads  Looking "freeze"  "Freeze or resume the screen and AWS polling";
    ReadNow      "read-now"    [ctrl('r')]                                 Nothing   Reads  Looking ""        "Poll AWS now";
    Mark         "mark"        [key(' ')]                                  OpenBoard Reads  Changes   ""        "Mark or unmark the row";
    Bind         "bind"        [key('b')]                                  Nothing   Writes Changes   "bind"    "Bind a service to a target group";
    Unbind       "unbind"      [key('B')]                                  Subject   Writes Changes   ""        "Delete the binding; its targets are deregistered";
    Resync       "resync"      [key('r')]                                  Subject   Writes Changes   "resync"  "Force the controller to reconcile the binding";
    Drain        "drain"       [key('D')]                                  Row       Writes Changes   "drain"   "Take the pod (or, for instance targets, its node) out of rotation and let it drain";
    Deregister   "deregister"  [key('X')]                                  Row       Writes Changes   "deregister" "Deregister the target from this group only";
    Register     "register"    [key('R')]                                  Row       Writes Changes   ""        "Register the endpoint if it should be a target and is not";
    Sync         "sync"        [key('S')]                                  Subject   Writes Changes   ""        "Register missing endpoints and deregister targets without an endpoint, once";
    Shift        "shift"       [key('W')]                                  Subject   Writes Changes   ""        "Change the weights of a rule's target groups";
    Undo         "undo"        [key('u')]                                  Done      Writes Changes   "undo"    "Undo the last change, if possible";
    Runs         "runs"        [key('p')]                                  Nothing   Reads  Changes   ""        "Show the progress of the last accepted plan";
    Audit        "audit"       [key('A')]                                  Nothing   Reads  Changes   ""        "Show the audit log";
    Palette      "palette"     [key(':')]                                  Nothing   Reads  Program ""        "Find an action by name";
    Help         "help"        [key('?')]                                  Nothing   Reads  Program "help"    "Show this page";
    Suspend      "suspend"     [ctrl('z')]                                 Nothing   Reads  Program ""        "Suspend to the shell";
    Quit         "quit"        [key('q'), ctrl('c')]                       Nothing   Reads  Program "quit"    "Quit";
}

impl Action {
    pub(crate) fn row(self) -> Option<&'static ActionRow> {
        TABLE.iter().find(|it| it.action == self)
    }

    /// Names that people who come from other tools type.
    pub(crate) fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Bindings => &["tgb", "targetgroupbindings", "svc", "services", "ls"],
            Self::Board => &["pods", "po", "endpoints", "targets", "tg"],
            Self::Details => &["describe", "yaml"],
            Self::Routes => &["lb", "listeners", "rules", "tree"],
            Self::Probe => &["curl", "check", "healthcheck"],
            Self::Network => &["path", "sg", "security-groups"],
            Self::Audit => &["log", "history"],
            Self::Help => &["h", "keys"],
            Self::Quit => &["q", "q!", "exit"],
            Self::Shift => &["weights"],
            _ => &[],
        }
    }

    /// The action of a key.
    pub(crate) fn of(key: Key) -> Option<Self> {
        TABLE.iter().find(|it| it.keys.contains(&key)).map(|it| it.action)
    }

    /// Its first key, for texts that name it.
    pub(crate) fn key(self) -> String {
        self.row().and_then(|it| it.keys.first()).map(ToString::to_string).unwrap_or_default()
    }

    /// The change it is, which has its name.
    pub(crate) fn change(self) -> Option<ChangeKind> {
        let row = self.row()?;
        ChangeKind::ALL.iter().find(|it| it.word() == row.name).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn no_two_actions_share_a_key_or_a_name() {
        let mut keys = BTreeMap::new();
        let mut names = BTreeMap::new();
        for row in TABLE {
            assert_eq!(names.insert(row.name, row.action), None, "{}", row.name);
            for key in row.keys {
                assert_eq!(keys.insert(*key, row.action), None, "{key}");
            }
            assert!(!row.help.is_empty() && !row.keys.is_empty());
        }
    }

    #[test]
    fn all_changes_write_and_nothing_else_does() {
        let looks = [Action::Mark, Action::Runs, Action::Audit];
        for row in TABLE {
            let change = row.family == Family::Changes && !looks.contains(&row.action);
            assert_eq!(row.safety == Safety::Writes, change, "{}", row.name);
            assert_eq!(row.action.change().is_some(), change, "{}", row.name);
        }
        for change in ChangeKind::ALL {
            let asks = TABLE.iter().filter(|it| it.action.change() == Some(*change));
            assert_eq!(asks.count(), 1, "{}", change.word());
        }
    }
}
