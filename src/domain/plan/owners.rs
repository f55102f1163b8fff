//! Whose the things are that a plan touches, and which rivals may undo it: said as warnings, and where the answer
//! is "not yours", a name to be typed.

use super::Plan;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::ids::BindingApi;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;

/// Who else has a say over the group: a stack, or a controller's tag.
fn tagged(case: &Case<'_>) -> Option<String> {
    let tags = case.group?.tags.as_ref()?;
    if let Some(stack) = tags.get("aws:cloudformation:stack-name") {
        return Some(format!("The group belongs to the CloudFormation stack {stack}."));
    }
    let cluster = tags.get("elbv2.k8s.aws/cluster").or_else(|| tags.get("eks:eks-cluster-name"))?;
    let ours = case.cluster.and_then(|it| it.signs.cluster_name.as_ref()).is_some_and(|it| **it == **cluster)
        || case.cluster.is_some_and(|it| {
            let deployment = it.signs.deployment.as_ref().and_then(|it| it.as_ref());
            deployment.and_then(|it| it.cluster_name.as_ref()).is_some_and(|it| **it == **cluster)
        });
    (!ours).then(|| format!("The group is tagged as made by the controller of cluster {cluster}."))
}

/// Warnings about owners and rivals of the rows a plan touches.
pub(super) fn warn(plan: &mut Plan, case: &Case<'_>, rows: &[&Row]) {
    for row in rows.iter().filter(|_| case.binding.is_some()) {
        match (row.standing, &row.note) {
            (Standing::Contested | Standing::Elsewhere, note) => {
                let owner = note.clone().unwrap_or_else(|| "an owner nobody here knows".to_owned());
                plan.warnings.push(format!("{} belongs to {owner}.", row.key));
                if let Some(group) = &case.arn {
                    plan.ask_for(group.name(), format!("{} is not this binding's", row.key));
                }
            }
            (Standing::Unknown, note) => {
                let why = note.clone().unwrap_or_default();
                plan.warnings.push(format!("Whose {} is cannot be told: {why}.", row.key));
                if let Some(group) = &case.arn {
                    plan.ask_for(group.name(), format!("whose {} is is not known", row.key));
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
    for (reference, other) in case.rivals() {
        let said = match binding.multi_cluster && other.multi_cluster {
            true => {
                format!("Binding {reference} shares the group; each controller keeps to its own targets.")
            }
            false => format!(
                "Binding {reference} is on the same group and not multi-cluster on both sides: each controller removes the other's targets."
            ),
        };
        plan.warnings.push(said);
    }
}

/// Who made a binding, where it was not a person.
pub(super) fn made(binding: &Binding) -> Option<String> {
    let from = binding.made_from()?;
    Some(format!(
        "The controller made this binding from {} {from}.",
        if from == "Ingress" { "an" } else { "a" }
    ))
}

/// Whether a binding can be changed at all just now.
pub(super) fn webhook_down(case: &Case<'_>, presence: Presence, endpoints: Option<u32>) -> Option<String> {
    let binding = case.binding?;
    if binding.api == BindingApi::AutoMode {
        return None;
    }
    if endpoints == Some(0) {
        return Some("the controller's webhook has no ready endpoint: the API server refuses every change of a binding".to_owned());
    }
    let configured = case.cluster?.signs.webhook_configured != Some(false);
    (presence == Presence::Down && configured).then(|| {
        "the controller is down, and with it the webhook that every change of a binding goes through"
            .to_owned()
    })
}
