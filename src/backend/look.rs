//! One look at a scope: both sides read once, and every binding and group of it judged.

use super::connection::Connection;
use super::connection::Scope;
use super::snapshot::Extra;
use super::snapshot::snapshot;
use crate::domain::facts::selector::Selector;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::judgement::history::History;
use crate::domain::judgement::pass::Pass;
use crate::domain::judgement::report;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::scope::Boards;
use crate::domain::judgement::scope::ScopeKind;
use crate::domain::judgement::scope::ScopeTarget;

/// What was read, what it comes to, worst first, and when that was.
#[derive(Debug)]
pub struct Look {
    pub inventory: Inventory,
    pub reports: Vec<Report>,
    pub at: Timestamp,
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
}

/// Reads both sides once. What cannot be read stands in the inventory as a failure of its source.
pub async fn look(connection: Connection, scope: &Scope, question: Question<'_>) -> Look {
    let clock = connection.clock.clone();
    let inventory = snapshot(connection, scope, wish(question)).await;
    let at = clock.now();
    let reports = reports(&inventory, scope, question.selector, question.target, at);
    Look { inventory, reports, at }
}

fn wish(question: Question<'_>) -> Extra {
    let mut extra = Extra { thorough: question.thorough, ..target(question.target) };
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
fn reports(
    inventory: &Inventory,
    scope: &Scope,
    selector: Option<&Selector>,
    target: Option<&ScopeTarget>,
    now: Timestamp,
) -> Vec<Report> {
    let boards = Boards { namespace: scope.namespace.as_deref(), selector, target };
    let history = History::of_one_look();
    let pass = Pass::new(inventory, now);
    let subjects = boards.subjects(inventory);
    let judged = subjects.iter().filter_map(|it| report::judge_in(&pass, it, &history));
    let mut reports: Vec<Report> =
        judged.filter(|it| target.is_none_or(|target| target.selects(inventory, it))).collect();
    reports.sort_by(|a, b| (a.severity(), &a.subject).cmp(&(b.severity(), &b.subject)));
    reports
}
