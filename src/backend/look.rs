//! One look at a scope: both sides read until they fit, and every binding and group of it judged.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use tokio::sync::watch;

use super::ask::Reading;
use super::connection::Connection;
use super::connection::Scope;
use super::link::Linked;
use super::snapshot::Extra;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::selector::Selector;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::network::WantedPath;
use crate::domain::judgement::history::History;
use crate::domain::judgement::pass::Pass;
use crate::domain::judgement::path::of_row;
use crate::domain::judgement::report;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::scope::Boards;
use crate::domain::judgement::scope::ScopeKind;
use crate::domain::judgement::scope::ScopeTarget;

/// What was read, what it comes to, worst first, and when that was.
#[derive(Debug)]
pub struct Look {
    pub inventory: Inventory,
    pub reports: Vec<Report>,
    pub at: Timestamp,
    /// Nothing was found, and these clusters say that they have no such namespace.
    pub without_namespace: Vec<ClusterId>,
}

/// What a look is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    pub selector: Option<&'a Selector>,
    pub target: Option<&'a ScopeTarget>,
    /// A plan is made of it: everything a plan tells of is read too.
    pub thorough: bool,
    /// Another group by its name or ARN.
    pub group: Option<&'a str>,
    /// The rows of this name are looked at more closely: their network paths are read too.
    pub row: Option<&'a str>,
    /// The health of every group that a rule sends to is read, whoever keeps it.
    pub siblings: bool,
    /// Where it is told how far the look is.
    pub reading: Option<&'a watch::Sender<Reading>>,
}

/// Reads both sides, once and as often as it takes until they fit. What cannot be read stands in the inventory as a
/// failure of its source.
pub async fn look(connection: Connection, scope: &Scope, question: Question<'_>) -> Look {
    let mut linked = Linked::open(connection).await;
    linked.asker.reading = question.reading.cloned();
    let wish = wish(question);
    let mut inventory = linked.read(scope, wish.clone()).await;
    let Question { selector, target, .. } = question;
    let boards = Boards { namespace: scope.namespace.as_deref(), selector, target };
    let mut seen = Seen::new();
    linked.fit(&mut inventory, (scope, &wish), |inventory, at| note(inventory, &boards, &mut seen, at)).await;
    let at = linked.clock().now();
    let mut reports = reports(&inventory, &boards, &seen, at);
    if question.siblings {
        let rules = inventory.routes.values().flatten().flat_map(|it| &it.rules);
        let groups = rules.flat_map(|it| &it.forwards).map(|it| it.group.clone());
        let unread = |it: &TargetGroupArn| inventory.groups.get(it).is_none_or(|it| it.targets.is_none());
        let groups = groups.filter(unread).collect();
        linked.ask_again(&mut inventory, groups, (scope, &wish)).await;
        linked.marks(&mut inventory).await;
    }
    if let Some(row) = question.row {
        let wanted = paths(&inventory, &reports, row);
        linked.paths(&mut inventory, wanted, (scope, &wish)).await;
        reports = self::reports(&inventory, &boards, &seen, at);
    }
    let without_namespace = match reports.is_empty() {
        true => linked.without_namespace(&inventory, scope, target).await,
        false => Vec::new(),
    };
    Look { inventory, reports, at, without_namespace }
}

impl Linked {
    /// Where nothing was found, the clusters that say that they have no such namespace: none where something lives in it.
    async fn without_namespace(
        &self,
        inventory: &Inventory,
        scope: &Scope,
        target: Option<&ScopeTarget>,
    ) -> Vec<ClusterId> {
        let named = target.and_then(|it| it.namespace.as_deref()).or(scope.namespace.as_deref());
        let Some(name) = named.filter(|_| target.is_none_or(|it| !it.kind.is_of_aws())) else {
            return Vec::new();
        };
        let mut services = inventory.clusters.values().flat_map(|it| it.services.keys());
        if services.any(|it| it.namespace == *name) {
            return Vec::new();
        }
        let mut without = Vec::new();
        for (id, cluster) in &self.clusters {
            if let Ok(cluster) = cluster
                && cluster.has_namespace(name).await.is_ok_and(|it| !it)
            {
                without.push(id.clone());
            }
        }
        without
    }
}

/// The network paths of rows of a name.
fn paths(inventory: &Inventory, reports: &[Report], name: &str) -> BTreeSet<WantedPath> {
    let of = |report: &Report| {
        let rows = report.rows.iter().filter(|it| it.is_called(name));
        let group = report.group.as_ref();
        let found = rows.filter_map(|it| of_row::wanted(inventory, (&report.subject, group?), it));
        found.collect::<Vec<_>>()
    };
    reports.iter().flat_map(of).collect()
}

/// What was seen of each subject while its sides were read.
type Seen = BTreeMap<Subject, History>;

/// Takes in what Kubernetes has said of each subject.
fn note(inventory: &Inventory, boards: &Boards<'_>, seen: &mut Seen, at: Timestamp) {
    let pass = Pass::new(inventory, at);
    for subject in boards.subjects(inventory) {
        let history = seen.entry(subject.clone()).or_insert_with(History::of_one_look);
        if let Some(report) = report::judge_in(&pass, &subject, history) {
            history.note_grounds(&report.rows, at);
        }
    }
}

fn wish(question: Question<'_>) -> Extra {
    let mut extra =
        Extra { thorough: question.thorough, policies: question.row.is_some(), ..target(question.target) };
    match question.group.map(|it| (it, it.parse())) {
        Some((_, Ok(arn))) => extra.groups.push(arn),
        Some((name, Err(_))) => extra.named.push(name.to_owned()),
        None => {}
    }
    extra
}

/// Unbound groups are only looked for where no binding is pointed at.
fn target(target: Option<&ScopeTarget>) -> Extra {
    let only = target.cloned();
    match target.map(|it| &it.kind) {
        None => Extra { discover: true, ..Extra::default() },
        Some(ScopeKind::Arn(arn)) => Extra { groups: vec![arn.clone()], only, ..Extra::default() },
        Some(ScopeKind::Group(name, _)) => Extra { named: vec![name.clone()], only, ..Extra::default() },
        Some(_) => Extra { only, ..Extra::default() },
    }
}

/// Judges every binding of the scope and every group that belongs there, worst first.
fn reports(inventory: &Inventory, boards: &Boards<'_>, seen: &Seen, now: Timestamp) -> Vec<Report> {
    let pass = Pass::new(inventory, now);
    let first = History::of_one_look();
    let judged = boards.subjects(inventory).into_iter().filter_map(|it| {
        let history = seen.get(&it).unwrap_or(&first);
        report::judge_in(&pass, &it, history)
    });
    let target = boards.target;
    let mut reports: Vec<Report> =
        judged.filter(|it| target.is_none_or(|target| target.selects(inventory, it))).collect();
    reports.sort_by(|a, b| (a.severity(), &a.subject).cmp(&(b.severity(), &b.subject)));
    reports
}
