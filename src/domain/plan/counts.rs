//! Targets before and after a plan, in total and by zone.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::elb::HealthState;
use crate::domain::facts::ids::TargetKey;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;

/// How many targets are registered and not draining, and how many of them are healthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Number {
    pub(crate) registered: u32,
    pub(crate) healthy: u32,
}

/// Targets of one zone, or of all, before and after a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// `None`: all zones.
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) before: Number,
    pub(crate) after: Number,
}

/// The zone of a target to be registered, where its node or its endpoint tells.
pub(super) type Zone = Option<Arc<str>>;

/// The zone a row's target will be in.
pub(super) fn zone(row: &Row) -> Zone {
    let of_target = row.registered().and_then(|it| it.zone.clone());
    of_target.or_else(|| row.endpoint.as_ref()?.zone.clone())
}

/// Counts what is registered, before and after: without `leaving`, with one target more for each zone in `arriving`.
pub(super) fn counts(report: &Report, leaving: &BTreeSet<&TargetKey>, arriving: &[Zone]) -> Vec<Count> {
    let mut zones = BTreeMap::<Arc<str>, Count>::new();
    let mut all = Count { zone: None, before: Number::default(), after: Number::default() };
    for target in report.rows.iter().filter_map(Row::registered) {
        if target.health.state == HealthState::Draining {
            continue;
        }
        let healthy = u32::from(target.serves());
        let stays = u32::from(!leaving.contains(&target.key));
        let add = |count: &mut Count| {
            count.before.registered += 1;
            count.before.healthy += healthy;
            count.after.registered += stays;
            count.after.healthy += stays * healthy;
        };
        add(&mut all);
        if let Some(zone) = &target.zone {
            add(of(&mut zones, zone));
        }
    }
    for zone in arriving {
        all.after.registered += 1;
        if let Some(zone) = zone {
            of(&mut zones, zone).after.registered += 1;
        }
    }
    std::iter::once(all).chain(zones.into_values()).collect()
}

fn of<'a>(zones: &'a mut BTreeMap<Arc<str>, Count>, zone: &Arc<str>) -> &'a mut Count {
    let none = Number::default();
    zones.entry(zone.clone()).or_insert_with(|| Count { zone: Some(zone.clone()), before: none, after: none })
}
