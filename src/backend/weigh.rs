//! What a rule's weights rest on, read when somebody is about to change them: the action as it is, how healthy the
//! groups are that it sends to, and by whose tags it is kept.

use std::collections::BTreeMap;

use super::connection::Connection;
use super::link::Linked;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::weights::Weighed;

/// Reads the routes of a place's load balancer, its groups with targets and settings, and the tags of what it is.
pub async fn weigh(connection: Connection, place: &Place, groups: &[TargetGroupArn]) -> Weighed {
    let linked = Linked::open_aws(connection).await;
    let asker = &linked.asker;
    let balancer = &place.load_balancer;
    let roles = BTreeMap::new();
    let mut changes = vec![asker.routes(balancer).await];
    for group in groups {
        changes.extend(asker.targets(group, &roles).await);
        changes.extend(asker.attributes(group, &roles).await);
    }
    asker.buckets.take(Some(balancer.account()), balancer.region()).await;
    let tags = asker.session.client(balancer.region(), None).patient().marks(&place.arns()).await;
    let untagged = tags.as_ref().err().map(ToString::to_string);
    Weighed { place: place.clone(), changes, tags: tags.unwrap_or_default(), untagged }
}

impl Linked {
    /// One action as it is now, as the only one of its load balancer.
    pub(super) async fn action(&self, place: &Place) -> Observation {
        let balancer = &place.load_balancer;
        self.asker.buckets.take(Some(balancer.account()), balancer.region()).await;
        let answer = self.asker.session.client(balancer.region(), None).action(place).await;
        answer.map_or_else(
            |failure| Observation::Failed(Source::Routes(balancer.clone()), failure),
            |listener| Observation::Routes(balancer.clone(), vec![listener]),
        )
    }

    /// That action, and the targets of the groups it sends to.
    pub(super) async fn weighs(&self, place: &Place, groups: &[TargetGroupArn]) -> Inventory {
        let mut inventory = Inventory::default();
        let roles = BTreeMap::new();
        let mut changes = vec![self.action(place).await];
        for group in groups {
            changes.extend(self.asker.targets(group, &roles).await);
        }
        for change in changes {
            inventory.apply(change, self.clock().now());
        }
        inventory
    }
}
