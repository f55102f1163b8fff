//! What of a step goes to AWS in one call: targets in and out, so many as ELBv2 takes; weights of a rule. What it
//! cannot know beforehand it learns from a refusal, and a batch that fails in the middle says exactly what was done
//! before it.

use std::sync::Arc;

use crate::backend::link::Linked;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::equivalents::BATCH;

/// How many refusals about zones are followed in one call's worth of targets.
pub(super) const ZONES: usize = BATCH;

/// The acts that a step comes down to, each of which is one call.
pub(super) fn parts(act: &Act) -> Vec<Act> {
    let of = |chunk: &[Arriving]| chunk.to_vec();
    match act {
        Act::Register { group, role, targets } => targets
            .chunks(BATCH)
            .map(|it| Act::Register { group: group.clone(), role: role.clone(), targets: of(it) })
            .collect(),
        Act::Deregister { group, role, targets } => targets
            .chunks(BATCH)
            .map(|it| Act::Deregister { group: group.clone(), role: role.clone(), targets: of(it) })
            .collect(),
        other => vec![other.clone()],
    }
}

/// The targets an act registers or deregisters.
pub(super) fn targets(act: &Act) -> &[Arriving] {
    match act {
        Act::Register { targets, .. } | Act::Deregister { targets, .. } => targets,
        _ => &[],
    }
}

/// Waits for the turn of a call in the budget of its account and region; a cluster has none.
pub(super) async fn turn(linked: &Linked, act: &Act) {
    let Some((account, region)) = act.place().filter(|_| act.cluster().is_none()) else { return };
    // Weights are compared by a reading of their own just before they are written.
    let calls = if matches!(act, Act::Shift { .. }) { 2 } else { 1 };
    for _ in 0..calls {
        linked.asker.buckets.take(Some(account), region).await;
    }
}

/// Makes the one call an act comes down to, once.
pub(super) async fn write(linked: &Linked, act: &Act) -> Result<(), Failure> {
    let session = &linked.asker.session;
    match act {
        Act::Register { group, role, targets } | Act::Deregister { group, role, targets } => {
            let role = role.as_ref().map(|(role, external)| (role.as_str(), external.as_deref()));
            let client = session.of(group, role);
            match act {
                Act::Register { .. } => client.register_batch(group, targets).await,
                _ => client.deregister_batch(group, targets).await,
            }
        }
        Act::Shift { place, from, to } => {
            session.client(place.load_balancer.region(), None).shift(place, from, to).await
        }
        _ => Ok(()),
    }
}

/// Sends `all` for the address a refusal asks it for, or for none any more. False: it is about something else, or
/// nothing changed.
pub(super) fn correct(act: &mut Act, message: &str) -> bool {
    let Act::Register { targets, .. } = act else { return false };
    correct_zones(targets, message)
}

fn correct_zones(batch: &mut [Arriving], message: &str) -> bool {
    if !message.contains("Availability Zone") {
        return false;
    }
    let inside = message.contains("within the VPC") || message.contains("overridden");
    let zone = if inside { None } else { Some(Arc::from("all")) };
    let quoted: Vec<&str> = message.split('\'').skip(1).step_by(2).collect();
    let named = |it: &Arriving| quoted.contains(&it.key.id.to_string().as_str());
    let any = batch.iter().any(named);
    let mut changed = false;
    for target in batch.iter_mut().filter(|it| !any || named(it)) {
        changed |= target.zone != zone;
        target.zone.clone_from(&zone);
    }
    changed
}

fn done_by(act: &Act) -> &'static str {
    match act {
        Act::Register { .. } => "registered",
        _ => "deregistered",
    }
}

/// What of several batches was done before one was not even tried.
pub(super) fn refused_in_part(act: &Act, why: &str, done: usize, all: usize) -> String {
    format!("{why} ({done} of {all} were {} before, {} were not)", done_by(act), all - done)
}

/// What of several batches was done before one failed.
pub(super) fn partly(mut failure: Failure, act: &Act, done: usize, all: usize) -> Failure {
    if all > BATCH {
        let this = BATCH.min(all - done);
        let rest = match failure.kind {
            ErrorKind::Unreachable | ErrorKind::Unreadable if all - done > this => {
                format!("{this} got no answer, {} were not asked for", all - done - this)
            }
            ErrorKind::Unreachable | ErrorKind::Unreadable => format!("{this} got no answer"),
            _ => format!("{} were not", all - done),
        };
        failure.message =
            format!("{} ({done} of {all} were {} before, {rest})", failure.message, done_by(act));
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::ids::TargetId;
    use crate::domain::facts::ids::TargetKey;

    fn batch() -> Vec<Arriving> {
        let target =
            |id: &str| Arriving { key: TargetKey::new(TargetId::read(id), 80), zone: None, pod: None };
        vec![target("10.0.0.1"), target("192.168.0.1")]
    }

    fn zones(batch: &[Arriving]) -> Vec<Option<&str>> {
        batch.iter().map(|it| it.zone.as_deref()).collect()
    }

    #[test]
    fn the_zone_is_corrected_by_what_aws_says_of_which_address() {
        for said in [
            "ValidationError: You must specify a valid Availability Zone or select 'all' for the IP address since the IP address '192.168.0.1' is outside the VPC",
            "The Availability Zone is required for IP address '192.168.0.1' because it is not in the VPC",
        ] {
            let mut all = batch();
            assert!(correct_zones(&mut all, said));
            assert_eq!(zones(&all), [None, Some("all")], "{said}");
            assert!(!correct_zones(&mut all, said), "what was sent so is not sent again");
        }
        let mut all = batch();
        all[0].zone = Some("all".into());
        let said = "IP address '10.0.0.1' is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'us-west-2a'";
        assert!(correct_zones(&mut all, said));
        assert_eq!(zones(&all), [None, None]);
        assert!(!correct_zones(&mut all, "TargetGroupNotFound: One or more target groups not found"));
    }
}
