//! Everything the screen knows. Views read it; only `update` changes it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use super::aws_side::AwsSide;
use super::changes::Changes;
use super::changes::Planned;
use super::form::Form;
use super::opening::Opening;
use super::seen::Seen;
use super::widths::Widths;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::facts::plan_id::PlanIds;
use crate::domain::facts::probe::ProbeRequest;
use crate::domain::facts::probe::Probed;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::KnownGroup;
use crate::domain::inventory::follow::Again;
use crate::domain::inventory::follow::Follow;
use crate::domain::judgement::history::History;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::judgement::path::of_row;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::judgement::tree;
use crate::domain::judgement::tree::Tree;
use crate::domain::judgement::tree::Wanted;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::permissions;
use crate::domain::wording::around::Around;
use crate::domain::wording::columns;

/// The smallest screen that can be read: columns and lines.
pub(crate) const LEAST: (u16, u16) = (60, 20);

/// Seconds for which the footer says why something was not done.
const STATUS: i64 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Bindings,
    Board(Subject),
}

/// What is shown of the subject of a board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Board,
    /// How requests reach the group.
    Routes,
    /// The network path to the selected row.
    Network,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Endpoints,
    Targets,
}

/// Order of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Worst,
    Name,
    Address,
    Zone,
}

impl Sort {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::Name => "name",
            Self::Address => "address",
            Self::Zone => "zone",
        }
    }

    /// The next order; a list has neither addresses nor zones.
    pub(crate) fn next(self, of_list: bool) -> Self {
        match self {
            Self::Worst => Self::Name,
            Self::Name if of_list => Self::Worst,
            Self::Name => Self::Address,
            Self::Address => Self::Zone,
            Self::Zone => Self::Worst,
        }
    }
}

/// What lies on top of the view; the last one gets the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    Help {
        scroll: u16,
    },
    Details {
        scroll: u16,
    },
    /// A plan that waits to be accepted.
    Plan(Box<Planned>),
    /// How far the plan of this id is.
    Run {
        plan: PlanId,
        scroll: u16,
    },
    /// Why a change cannot do what was asked for.
    Refusal {
        change: ChangeKind,
        text: String,
        /// Everything is as the change would make it.
        idle: bool,
    },
    /// The health check of a row, tried; without an answer while it is waited for.
    Probe {
        row: RowKey,
        request: Box<ProbeRequest>,
        probed: Option<Box<Probed>>,
    },
    /// Something has to be read first.
    Reading {
        change: ChangeKind,
        text: String,
    },
    /// A list to choose from.
    Form(Form),
    /// The audit log.
    Audit {
        scroll: u16,
    },
    /// Plans run; whoever leaves stops watching them.
    Leaving,
    /// Another session began these and did not end them.
    Unfinished(Vec<Unfinished>),
    /// The filter is being typed; holds what it was before.
    Filter {
        before: String,
    },
}

/// A judgement and what was seen before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Board {
    pub(crate) report: Report,
    pub(crate) history: History,
}

impl Board {
    pub(crate) fn group_name(&self) -> Option<&str> {
        self.report.group.as_ref().map(TargetGroupArn::name)
    }
}

#[derive(Clone, Debug)]
pub struct State {
    pub(crate) now: Timestamp,
    pub(crate) opening: Opening,
    pub(crate) aws: Option<AwsSide>,
    pub(crate) inventory: Inventory,
    pub(crate) boards: BTreeMap<Subject, Board>,
    pub(crate) view: View,
    pub(crate) tab: Tab,
    /// Lines of the tab that are scrolled away.
    pub(crate) scroll: u16,
    /// The most that can be, as the last frame told.
    pub(super) last_scroll: u16,
    pub(crate) pane: Pane,
    pub(crate) zoom: bool,
    /// The selected line of the list.
    pub(crate) listed: Option<Subject>,
    /// The selected row of the board.
    pub(crate) selected: Option<RowKey>,
    pub(crate) dialogs: Vec<Dialog>,
    pub(crate) changes: Changes,
    pub filter: String,
    pub(crate) problems_only: bool,
    /// The list holds what was pointed at when the program was called, where that is several.
    pub(crate) narrowed: bool,
    pub(crate) sort: Sort,
    pub(crate) reversed: bool,
    /// Since when the picture stands still.
    pub(crate) frozen: Option<Timestamp>,
    pub(crate) size: (u16, u16),
    /// The last health check that was tried of each pod.
    pub(crate) probes: BTreeMap<ObjectName, Probed>,
    /// Why the last key did nothing, and until when to say so.
    pub(crate) status: Option<(String, Timestamp)>,
    /// Totals of calls to AWS, one a tick, for the last minute.
    pub(crate) calls: VecDeque<(Timestamp, u64)>,
    /// Counts requests to read everything now.
    pub(crate) hurry: u64,
    /// Counts requests to read these alone now.
    pub(super) again: BTreeMap<Again, u64>,
    /// Something on show changed since the last frame.
    pub(crate) dirty: bool,
    /// The question of the last frame drawn, by the loop that drew it.
    pub(super) seen: Option<Seen>,
    /// What the columns of the frames so far needed.
    pub(crate) widths: Widths,
    pub(super) stale: BTreeSet<Subject>,
    pub(super) all_stale: bool,
    /// The first view was chosen, by what was read or by a key.
    pub(super) opened: bool,
    pub(super) wish: Follow,
    pub(super) judged: Timestamp,
}

impl State {
    /// What was pointed at and was not found.
    pub(crate) fn not_found(&self) -> Option<&ScopeTarget> {
        self.opening.looked_for(&self.inventory).filter(|_| !self.opened)
    }

    pub fn new(opening: Opening, now: Timestamp) -> Self {
        let changes = Changes::new(PlanIds::new(opening.session));
        Self {
            now,
            opening,
            aws: None,
            inventory: Inventory::default(),
            boards: BTreeMap::new(),
            view: View::Bindings,
            tab: Tab::default(),
            scroll: 0,
            last_scroll: u16::MAX,
            pane: Pane::default(),
            zoom: false,
            listed: None,
            selected: None,
            dialogs: Vec::new(),
            changes,
            filter: String::new(),
            problems_only: false,
            narrowed: false,
            sort: Sort::default(),
            reversed: false,
            frozen: None,
            size: (80, 24),
            probes: BTreeMap::new(),
            status: None,
            calls: VecDeque::new(),
            hurry: 0,
            again: BTreeMap::new(),
            dirty: true,
            seen: None,
            widths: Widths::default(),
            stale: BTreeSet::new(),
            all_stale: false,
            opened: false,
            wish: Follow::default(),
            judged: now,
        }
    }

    /// Whose board is on show; `None`: the list is.
    pub(crate) fn shown(&self) -> Option<&Subject> {
        match &self.view {
            View::Board(subject) => Some(subject),
            View::Bindings => None,
        }
    }

    /// The board on show.
    pub(crate) fn board(&self) -> Option<&Board> {
        self.boards.get(self.shown()?)
    }

    /// The board to return to from the list: the selected one, else the only one.
    pub(crate) fn last_board(&self) -> Option<&Subject> {
        let only = self.boards.keys().next().filter(|_| self.boards.len() == 1);
        self.listed.as_ref().filter(|it| self.boards.contains_key(it)).or(only)
    }

    /// The report the Why box is about: the board's, or that of the list's selection.
    pub(crate) fn report(&self) -> Option<&Report> {
        match &self.view {
            View::Board(subject) => self.boards.get(subject),
            View::Bindings => self.listed.as_ref().and_then(|it| self.boards.get(it)),
        }
        .map(|it| &it.report)
    }

    /// The selected row of the board.
    pub(crate) fn row(&self) -> Option<&Row> {
        let key = self.selected.as_ref()?;
        self.board()?.report.row(key)
    }

    /// How requests reach the group of the board; zoomed, everything else its load balancers do.
    pub(crate) fn tree(&self) -> Tree {
        let group = self.report().and_then(|it| it.group.clone());
        let groups = group.into_iter().collect();
        let wanted = match self.zoom {
            true => Wanted::around(&self.inventory, groups),
            false => Wanted { groups, ..Wanted::default() },
        };
        tree::tree(&self.inventory, self.boards.values().map(|it| &it.report), &wanted)
    }

    /// The network path to the selected row, as far as it was read.
    pub(crate) fn path(&self) -> Option<NetworkPath> {
        let (subject, report) = self.shown().zip(self.report())?;
        of_row::of_row(&self.inventory, (subject, report.group.as_ref()?), self.row()?)
    }

    pub(crate) fn has_selection(&self) -> bool {
        match &self.view {
            View::Bindings => self.listed.is_some(),
            View::Board(_) => self.selected.is_some(),
        }
    }

    /// Everything read of the group of a report.
    pub(crate) fn known_group(&self, report: &Report) -> Option<&KnownGroup> {
        self.inventory.groups.get(report.group.as_ref()?)
    }

    /// What the words about the rows of a report rest on.
    pub(crate) fn around<'a>(&'a self, report: &'a Report) -> Around<'a> {
        Around::of(report, self.known_group(report), &self.opening.manner)
    }

    /// The group of a report, as far as read.
    pub(crate) fn target_group(&self, report: &Report) -> Option<&TargetGroup> {
        self.known_group(report)?.group.as_ref()
    }

    /// What columns need beside a row.
    pub(crate) fn context(&self, report: &Report) -> columns::Context {
        let group = self.known_group(report);
        columns::Context {
            now: self.shown_now(),
            deregistration_delay: group
                .and_then(|it| it.attributes.as_ref())
                .map(|it| it.deregistration_delay()),
            registration_allowance: group
                .and_then(|it| it.group.as_ref())
                .map(TargetGroup::registration_allowance),
        }
    }

    /// The time of the picture: it stands still with it.
    pub(crate) fn shown_now(&self) -> Timestamp {
        self.frozen.unwrap_or(self.now)
    }

    /// Calls to AWS in the last minute.
    pub(crate) fn calls_a_minute(&self) -> u64 {
        match (self.calls.front(), self.calls.back()) {
            (Some((_, first)), Some((_, last))) => last.saturating_sub(*first),
            _ => 0,
        }
    }

    /// The permission a change lacks here, in words.
    pub(crate) fn lacks(&self, change: ChangeKind) -> Option<String> {
        let subject = match &self.view {
            View::Board(subject) => Some(subject),
            View::Bindings => self.listed.as_ref(),
        };
        let (cluster, namespace) = match subject {
            Some(Subject::Binding(it)) => (Some(&it.cluster), Some(it.namespace.clone())),
            _ => (self.inventory.clusters.keys().next(), self.opening.namespace.clone()),
        };
        let auto = matches!(subject, Some(Subject::Binding(it)) if it.api == BindingApi::AutoMode);
        let permitted = &self.inventory.cluster(cluster?)?.permitted;
        let allowed = permitted.get(&namespace).or_else(|| permitted.get(&self.opening.namespace))?;
        permissions::lacks(change, allowed, auto)
            .map(|it| format!("not permitted: {} needs {it}", change.word()))
    }

    /// Has something read now that a change is about.
    pub(super) fn read_again(&mut self, what: Again) {
        *self.again.entry(what).or_default() += 1;
    }

    /// Says something in the footer for a while.
    pub(crate) fn say(&mut self, text: String) {
        self.status = Some((text, self.now.plus_seconds(STATUS)));
    }

    /// What a subject is called: with its cluster in front where there are several.
    pub(crate) fn called(&self, subject: &Subject) -> String {
        match subject {
            Subject::Binding(it) if self.opening.contexts.len() > 1 => {
                format!("{}: {it}", it.cluster.short())
            }
            _ => name(subject),
        }
    }

    /// The screen shows nothing but that.
    pub(crate) fn too_small(&self) -> bool {
        self.size.0 < LEAST.0 || self.size.1 < LEAST.1
    }

    /// Lines a page holds, for moving.
    pub(crate) fn page(&self) -> usize {
        usize::from(self.size.1).saturating_sub(12).max(3)
    }
}

/// A subject as it is listed: `namespace/name`, or the group's name.
pub(crate) fn name(subject: &Subject) -> String {
    match subject {
        Subject::Binding(it) => it.to_string(),
        Subject::Group(arn) => arn.name().to_owned(),
    }
}
