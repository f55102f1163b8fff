//! The network path of a row of a board: what it is looked for by, and when it is worth a look without being asked for.

use super::NetworkPath;
use super::evaluate::Sought;
use super::evaluate::path;
use crate::domain::facts::elb::Reason;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetId;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::locate::locate;
use crate::domain::inventory::network::WantedPath;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::standing::Standing;

/// Most rows of a board whose path is looked at by itself: more say nothing new.
const ROWS: usize = 20;

/// Whether packets may not arrive: the checks time out, or on a network load balancer fail in any way, since that tells
/// the two apart less often.
fn may_be_blocked(inventory: &Inventory, group: &TargetGroupArn, row: &Row) -> bool {
    let known = inventory.groups.get(group).and_then(|it| it.group.as_ref());
    let reason = row.target.as_ref().and_then(|it| it.health.reason.as_ref());
    row.standing == Standing::Failing
        && match reason {
            Some(Reason::Timeout) => true,
            Some(Reason::FailedHealthChecks) => known.is_some_and(|it| !it.of_application_lb()),
            _ => false,
        }
}

/// Rows of a board whose path answers why they fail.
pub(crate) fn telling<'a>(
    inventory: &Inventory,
    group: &TargetGroupArn,
    rows: &'a [Row],
) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(|row| may_be_blocked(inventory, group, row)).take(ROWS)
}

/// A row with what its path is looked for by.
struct Place<'a> {
    inventory: &'a Inventory,
    subject: &'a Subject,
    row: &'a Row,
}

impl<'a> Place<'a> {
    fn pod(&self) -> Option<ObjectName> {
        let Subject::Binding(reference) = self.subject else { return None };
        let pod = self.row.endpoint.as_ref()?.pod.as_deref()?;
        Some(ObjectName::new(&reference.namespace, pod))
    }

    fn cluster(&self) -> Option<&'a Cluster> {
        let Subject::Binding(reference) = self.subject else { return None };
        self.inventory.cluster(&reference.cluster)
    }

    fn node(&self) -> Option<&'a str> {
        self.row.endpoint.as_ref()?.node.as_deref()
    }
}

/// What has to be read for the path of a row; `None`: it has none.
pub(crate) fn wanted(
    inventory: &Inventory,
    (subject, group): (&Subject, &TargetGroupArn),
    row: &Row,
) -> Option<WantedPath> {
    let key = row.key.target()?;
    let place = Place { inventory, subject, row };
    let known = inventory.groups.get(group)?.group.as_ref()?;
    let (pod, node) = (place.pod(), place.node());
    let locator = locate(place.cluster(), (pod.as_ref(), node), &key.id, known.vpc.as_ref()).ok()?;
    Some(WantedPath { group: group.clone(), locator, address: key.ip() })
}

/// The path of a row, as far as it was read; `None`: its group was not read, or it is no target of a network.
pub(crate) fn of_row(
    inventory: &Inventory,
    (subject, group): (&Subject, &TargetGroupArn),
    row: &Row,
) -> Option<NetworkPath> {
    let key = row.key.target()?;
    if matches!(key.id, TargetId::Other(_)) {
        return None;
    }
    let known = inventory.groups.get(group)?;
    let place = Place { inventory, subject, row };
    let pod = place.pod();
    let (group, target) = (known.group.as_ref()?, row.target.as_ref());
    let sought = Sought {
        cluster: place.cluster(),
        pod: pod.as_ref(),
        node: place.node(),
        group,
        attributes: known.attributes.as_ref(),
        key,
        zone: target.and_then(|it| it.zone.as_ref()),
        checked: group.check.port_of(target, key.port),
    };
    Some(path(inventory, &sought))
}
