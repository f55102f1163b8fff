//! Who owns what a plan touches, and who may revert it: said as warnings, and where it is someone else's, a name to be
//! typed.

use super::Plan;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::lineage;
use crate::domain::facts::lineage::Maker;
use crate::domain::inventory::Source;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;

/// Who else manages the group, by its tags: a stack, or the controller of another cluster; or why that is not known.
fn tagged(case: &Case<'_>) -> Option<String> {
    let Some(tags) = case.group.and_then(|it| it.tags.as_ref()) else {
        let source = case.arn.clone().map(Source::Tags);
        let failed = source.and_then(|it| case.inventory.freshness(&it)?.failed.as_ref());
        let why = failed.map_or_else(|| "its tags are not read yet".to_owned(), |(_, it)| it.to_string());
        return Some(format!("Who else manages the group is not known: {why}."));
    };
    match lineage::of_tags(tags) {
        Some(Maker::Stack(stack)) => {
            return Some(format!("The group belongs to CloudFormation stack {stack}."));
        }
        Some(it @ Maker::Tool { .. }) => {
            return Some(format!("The group is {}: {}.", it.text(), it.change()));
        }
        _ => {}
    }
    let cluster = tags.get("elbv2.k8s.aws/cluster").or_else(|| tags.get("eks:eks-cluster-name"))?;
    let ours = case.cluster.and_then(|it| it.signs.cluster_name.as_ref()).is_some_and(|it| **it == **cluster)
        || case.cluster.is_some_and(|it| {
            let deployment = it.signs.deployment.as_ref().and_then(|it| it.as_ref());
            deployment.and_then(|it| it.cluster_name.as_ref()).is_some_and(|it| **it == **cluster)
        });
    (!ours).then(|| format!("By its tags, the controller of cluster {cluster} created the group."))
}

/// Warnings about owners and rivals of the rows a plan touches.
pub(super) fn warn(plan: &mut Plan, case: &Case<'_>, rows: &[&Row]) {
    for row in rows.iter().filter(|_| case.binding.is_some()) {
        match (row.standing, &row.note) {
            (Standing::Contested | Standing::Elsewhere, note) => {
                let owner = note.clone().unwrap_or_else(|| "an unknown owner".to_owned());
                plan.warnings.push(format!("{} belongs to {owner}.", row.key));
                if let Some(group) = &case.arn {
                    plan.ask_for(group.name(), format!("{} does not belong to this binding", row.key));
                }
            }
            (Standing::Unknown, note) => {
                let why = note.clone().unwrap_or_default();
                plan.warnings.push(format!("Who owns {} is not known: {why}.", row.key));
                if let Some(group) = &case.arn {
                    plan.ask_for(group.name(), format!("who owns {} is not known", row.key));
                }
            }
            (Standing::Orphan, Some(note)) => plan.warnings.push(format!("{}: {note}.", row.key)),
            _ => {}
        }
    }
    plan.warnings.extend(tagged(case));
    if let Some(binding) = case.binding {
        shared(plan, case, binding);
    }
}

/// Other bindings on the same group.
pub(super) fn shared(plan: &mut Plan, case: &Case<'_>, binding: &Binding) {
    let own = case.reference.map(|it| &it.cluster);
    for (reference, other) in case.rivals() {
        let of = match own == Some(&reference.cluster) {
            true => String::new(),
            false => format!(" of context {}", reference.cluster.short()),
        };
        let said = match binding.multi_cluster && other.multi_cluster {
            true => {
                format!(
                    "Binding {reference}{of} shares the group; each controller manages its own targets only."
                )
            }
            false => format!(
                "Binding {reference}{of} uses the same group, and not both are multi-cluster: each controller deregisters the other's targets."
            ),
        };
        plan.warnings.push(said);
    }
}

/// Who created a binding, where that was the controller.
pub(super) fn made(binding: &Binding) -> Option<String> {
    let Maker::Controller(from) = binding.maker()? else { return None };
    Some(format!(
        "The controller created this binding for {} {}: {}.",
        if from.kind == "Ingress" { "an" } else { "a" },
        from.called(),
        Maker::Controller(from).change()
    ))
}

/// Why the API server would refuse any change of the binding now.
pub(super) fn webhook_down(case: &Case<'_>, presence: Presence, endpoints: Option<u32>) -> Option<String> {
    let binding = case.binding?;
    if binding.api == BindingApi::AutoMode {
        return None;
    }
    if endpoints == Some(0) {
        return Some("the controller's webhook has no ready endpoint, so the API server refuses every change of a binding".to_owned());
    }
    let configured = case.cluster?.signs.webhook_configured != Some(false);
    (presence == Presence::Down && configured).then(|| {
        "the controller is down, and so is its webhook, which validates every change of a binding".to_owned()
    })
}
