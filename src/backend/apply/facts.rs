//! What a step rests on, read just before it: both sides, what of them could not be read, and whether its guards hold.

use crate::backend::Clock;
use crate::backend::connection::Scope;
use crate::backend::link::Linked;
use crate::backend::snapshot::Extra;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Plan;
use crate::domain::plan::Step;
use crate::domain::plan::act::Act;
use crate::domain::plan::check::Unmet;
use crate::domain::plan::check::check;
use crate::domain::plan::guard::Guard;
use crate::domain::plan::known::report_of;

/// What was read in one go.
pub(super) struct Facts {
    pub(super) inventory: Inventory,
    pub(super) report: Option<Report>,
}

/// Both sides, now, as far as the plan is about them: also where it is about what lies outside of the scope.
pub(super) async fn read(linked: &Linked, scope: &Scope, plan: &Plan) -> Facts {
    let subject = &plan.subject;
    if let Some(Act::Shift { place, to, .. }) = plan.steps.first().map(|it| &it.act) {
        // Nothing of a cluster bears on it: requests may be what has to leave a cluster that is lost.
        let arns = to.iter().map(|it| it.group.clone()).collect::<Vec<_>>();
        let inventory = linked.weighs(place, &arns).await;
        return Facts { inventory, report: None };
    }
    let mut groups: Vec<TargetGroupArn> =
        plan.steps.iter().filter_map(|it| it.act.group().cloned()).collect();
    if let Subject::Group(arn) = subject {
        groups.push(arn.clone());
    }
    let wish = Extra { groups, only: Some(subject.into()), lean: true, ..Extra::default() };
    let inventory = linked.read(&scope.of(subject), wish).await;
    let report = report_of(&inventory, subject, linked.clock().now());
    Facts { inventory, report }
}

/// What a plan is about that could not be read just now.
pub(super) fn unread(facts: &Facts, act: &Act, subject: &Subject) -> Option<Failure> {
    if let Act::Shift { place, .. } = act {
        let source = Source::Routes(place.load_balancer.clone());
        return facts.inventory.freshness(&source)?.failed.as_ref().map(|it| it.1.clone());
    }
    let binding = match subject {
        Subject::Binding(it) => facts.inventory.binding(it),
        Subject::Group(_) => None,
    };
    let needed = |source: &Source| match (source, subject) {
        (Source::Kubernetes(cluster, kind), Subject::Binding(it)) => {
            *cluster == it.cluster
                && match kind {
                    Kind::Pods | Kind::Services | Kind::Slices => true,
                    Kind::Nodes => binding.is_some_and(|it| it.target_type == Some(TargetType::Instance)),
                    Kind::Ledgers => binding.is_some_and(|it| it.multi_cluster),
                    Kind::Bindings(api) => *api == it.api,
                    _ => false,
                }
        }
        (Source::Kubernetes(_, Kind::Bindings(_)), Subject::Group(_)) => true,
        (Source::Targets(arn), Subject::Group(group)) => arn == group,
        (Source::Targets(arn), Subject::Binding(_)) => {
            facts.report.as_ref().and_then(|it| it.group.as_ref()) == Some(arn)
        }
        _ => false,
    };
    let mut failed = facts.inventory.sources.iter().filter(|(source, _)| needed(source));
    // A kind that is not served hides nothing.
    failed.find_map(|(_, it)| {
        it.failed.as_ref().map(|it| it.1.clone()).filter(|it| it.kind != ErrorKind::NotFound)
    })
}

/// Whether everything a step rests on still holds. `done`: targets of it that were written by an earlier call; they are
/// not looked at again.
pub(super) fn guards(
    step: &Step,
    facts: &Facts,
    (subject, done): (&Subject, &[TargetKey]),
    clock: &Clock,
) -> Result<(), Unmet> {
    if let Some(failure) = unread(facts, &step.act, subject) {
        return Err(Unmet::Unread(failure));
    }
    // A binding that is about to be made has no board yet: its group has.
    let of_group = match &step.act {
        Act::Create { manifest, .. } => {
            report_of(&facts.inventory, &Subject::Group(manifest.group.clone()), clock.now())
        }
        _ => None,
    };
    let report = of_group.as_ref().or(facts.report.as_ref());
    let open = |guard: &&Guard| guard.target().is_none_or(|it| !done.contains(it));
    step.guards.iter().filter(open).try_for_each(|it| check(it, report, &facts.inventory))
}
