//! Both sides of one look made to fit: after AWS has answered, Kubernetes is listed again, and where it has changed AWS is
//! asked again, until nothing has changed in between. AWS has no moment to ask for, and reading many groups takes seconds.

use std::collections::BTreeSet;

use super::connection::Scope;
use super::link::Linked;
use super::snapshot::Extra;
use super::snapshot::wanted;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Observation;

/// How often Kubernetes is listed again. What has not come to rest by then is not judged.
const ROUNDS: usize = 4;

impl Linked {
    /// Reads until both sides fit. `note` is told the inventory after each list, and the time it is of.
    pub(super) async fn fit(
        &self,
        inventory: &mut Inventory,
        (scope, wish): (&Scope, &Extra),
        mut note: impl FnMut(&Inventory, Timestamp),
    ) {
        let again = Extra { again: true, ..wish.clone() };
        let mut listed = self.clock().now();
        note(inventory, listed);
        for round in 1.. {
            let began = self.clock().now();
            for change in self.list(scope, &again).await {
                // What could not be listed now is as old as the last list.
                let at = if matches!(change, Observation::Failed(..)) { listed } else { began };
                inventory.apply(change, at);
            }
            listed = began;
            note(inventory, listed);
            let groups = unfit(inventory, scope, wish);
            if groups.is_empty() || round == ROUNDS {
                return;
            }
            tracing::debug!(round, groups = groups.len(), "Kubernetes changed while AWS was read");
            self.ask_again(inventory, groups, (scope, wish)).await;
        }
    }
}

/// Groups of the scope whose health is older than their Kubernetes side, or was never asked for.
fn unfit(inventory: &Inventory, scope: &Scope, wish: &Extra) -> BTreeSet<TargetGroupArn> {
    let wanted = wanted(inventory, scope, wish).into_iter();
    let groups: BTreeSet<&TargetGroupArn> =
        wanted.filter_map(|(_, it)| it.group.as_ref()).chain(&wish.groups).collect();
    let unread = |it: &TargetGroupArn| !inventory.groups.contains_key(it);
    groups.into_iter().filter(|it| inventory.is_outdated(it) || unread(it)).cloned().collect()
}
