//! What the rows of a binding come to: in which standings those are that do not serve, what they have in common, and whether
//! all of it is on its way.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::facts::elb::HealthState;
use crate::domain::judgement::row::Counts;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::zones::zone_of;

/// Everything that is missing is only on its way.
pub(super) fn is_moving_only(rows: &[Row], counts: &Counts) -> bool {
    let moves = |row: &Row| match row.standing {
        _ if row.has_older_health() => true,
        // What is wanted and drains was taken out by somebody.
        Standing::Unregistered => row.state() != Some(&HealthState::Draining),
        Standing::InService | Standing::Registering | Standing::Waiting | Standing::Passive => true,
        _ => false,
    };
    counts.problems == 0 && rows.iter().filter(|it| it.wanted == Some(true)).all(moves)
}

/// `2 failing, 1 registering`.
pub(super) fn breakdown(rows: &[Row]) -> String {
    let mut counts = BTreeMap::<u8, (Standing, u32)>::new();
    for row in rows.iter().filter(|row| row.wanted == Some(true) && row.standing != Standing::InService) {
        counts.entry(row.standing.rank()).or_insert((row.standing, 0)).1 += 1;
    }
    let parts: Vec<String> =
        counts.into_values().map(|(standing, n)| format!("{n} {}", standing.word())).collect();
    parts.join(", ")
}

/// What the failing rows have in common and the others do not: a node, a zone, a reason.
pub(super) fn common(rows: &[Row]) -> Option<String> {
    let failing: Vec<&Row> = rows.iter().filter(|row| row.standing == Standing::Failing).collect();
    if failing.len() < 2 {
        return None;
    }
    let all = failing.len();
    let only = |of: &dyn Fn(&Row) -> Option<String>| {
        let values: BTreeSet<Option<String>> = failing.iter().map(|row| of(row)).collect();
        let value = values.first().cloned().flatten().filter(|_| values.len() == 1)?;
        let others = rows.iter().filter(|row| row.standing == Standing::InService);
        let shared = others.into_iter().any(|row| of(row).as_deref() == Some(&value));
        (!shared).then_some(value)
    };
    let node = only(&|row| row.endpoint.as_ref()?.node.as_ref().map(ToString::to_string));
    let zone = only(&|row| zone_of(row).map(ToString::to_string));
    let reason = only(&|row| row.target.as_ref()?.health.reason.as_ref().map(|it| it.text().to_owned()));
    let found = node.map(|it| format!("node {it}")).or(zone.map(|it| format!("zone {it}"))).or(reason);
    found.map(|it| format!("all {all} failing: {it}"))
}

/// The first of what is wrong beside the rows that are wanted: a pod that does not come up.
pub(super) fn wrong_beside(rows: &[Row]) -> Option<String> {
    let waits = |row: &&Row| row.problem && row.standing == Standing::Waiting;
    let row = rows.iter().find(waits)?;
    let side = row.endpoint.as_ref()?;
    let why = side.wait.as_ref().map_or("it is not wanted", |it| it.code.as_str());
    let more = match rows.iter().filter(waits).count() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Some(format!("pod {} does not come up: {why}{more}", side.pod.as_deref()?))
}
