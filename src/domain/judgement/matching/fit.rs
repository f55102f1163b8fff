//! Whether the two sides of a row fit: nothing is said against anybody by health that is older than the endpoint, or by
//! endpoints that are older than the health.

use crate::domain::facts::ids::RowKey;
use crate::domain::facts::time::Timestamp;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::history::History;
use crate::domain::judgement::history::Seen;
use crate::domain::judgement::row::Grounds;
use crate::domain::judgement::standing::Standing;

/// What is to be done with a standing whose sides do not fit.
pub(super) enum Misfit {
    /// It stands as it stood before.
    Keeps(Seen),
    /// Nothing is known of how it stood.
    Unknown(&'static str),
}

const OLDER_HEALTH: &str = "its endpoint has changed since the health was asked for; it is asked for again";
const OLDER_RIVAL: &str = "another binding on the group has changed since the health was asked for";
const LOST: &str = "Kubernetes was last heard of before the health was asked for";

/// `None`: the sides fit, or the standing says nothing against anybody.
pub(super) fn misfit(
    case: &Case<'_>,
    history: &History,
    standing: Standing,
    (key, grounds): (&RowKey, &Grounds),
) -> Option<Misfit> {
    if !accuses(standing) {
        return None;
    }
    let asked = case.targets()?.asked;
    let changed = history.changed(key, grounds, case.now);
    let stood = history.stood(key, grounds.uid.as_ref());
    let why = if changed.is_some_and(|it| it > asked) {
        OLDER_HEALTH
    } else if rests_on_rivals(standing) && rivals_changed(case).is_some_and(|it| it > asked) {
        OLDER_RIVAL
    } else if rests_on_kubernetes(standing) && case.lost_since().is_some_and(|it| it < asked) {
        // What was so before it was lost is as true as ever.
        stood.is_none_or(|it| it.standing != standing).then_some(LOST)?
    } else {
        return None;
    };
    Some(match stood.filter(|it| it.standing != Standing::Unknown) {
        Some(seen) => Misfit::Keeps(seen.clone()),
        None => Misfit::Unknown(why),
    })
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
