//! Whether the two sides of a row fit: nothing is said against anybody by health that is older than the endpoint, or by
//! endpoints that are older than the health.

use crate::domain::facts::elb::HealthState;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::time::Timestamp;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::history::History;
use crate::domain::judgement::history::Seen;
use crate::domain::judgement::row::Grounds;
use crate::domain::judgement::row::Outdated;
use crate::domain::judgement::standing::Standing;

/// How a row whose sides do not fit stood before, if that is known and may still be so; `None`: the sides fit, or the
/// standing says nothing against anybody.
pub(super) fn outdated(
    case: &Case<'_>,
    history: &History,
    (standing, state): (Standing, Option<&HealthState>),
    (key, grounds): (&RowKey, &Grounds),
) -> Option<(Outdated, Option<Seen>)> {
    if !accuses(standing) {
        return None;
    }
    let asked = case.targets()?.asked;
    let changed = history.changed(key, grounds, case.now);
    let stood = history.stood(key, grounds.uid.as_ref());
    let why = if changed.is_some_and(|it| it > asked) {
        Outdated::Endpoint
    } else if rests_on_rivals(standing) && rivals_changed(case).is_some_and(|it| it > asked) {
        Outdated::Rival
    } else if rests_on_kubernetes(standing) && case.lost_since().is_some_and(|it| it < asked) {
        // What was so before it was lost is as true as ever.
        stood.is_none_or(|it| it.standing != standing).then_some(Outdated::Kubernetes)?
    } else {
        return None;
    };
    // That requests are answered is not said of a target that is not healthy any more.
    let may_stand = |it: &&Seen| match it.standing {
        Standing::Unknown => false,
        Standing::InService => state == Some(&HealthState::Healthy),
        _ => true,
    };
    Some((why, stood.filter(may_stand).cloned()))
}

/// A standing that says that something is wrong with a target, its registration or its pod.
fn accuses(standing: Standing) -> bool {
    matches!(
        standing,
        Standing::Contested
            | Standing::Unregistered
            | Standing::Dead
            | Standing::Idle
            | Standing::Failing
            | Standing::Lingering
            | Standing::Orphan
    )
}

/// What AWS says of a wanted target is so whether Kubernetes is heard or not.
fn rests_on_kubernetes(standing: Standing) -> bool {
    !matches!(standing, Standing::Dead | Standing::Idle | Standing::Failing)
}

fn rests_on_rivals(standing: Standing) -> bool {
    matches!(standing, Standing::Contested | Standing::Orphan)
}

/// When something another binding on the group rests on last changed.
fn rivals_changed(case: &Case<'_>) -> Option<Timestamp> {
    case.rivals().filter_map(|(it, _)| case.inventory.changed(&it)).max()
}
