//! What a row shows, column by column: one table for the panes of the board, for `get` and for `get -o wide`.

use crate::domain::facts::cluster::Status;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::time::Timestamp;
use crate::domain::facts::time::age;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::Flag;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::standing::Standing;

/// Which pane a column belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Endpoint,
    Link,
    Target,
}

/// What a column may need beside the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) now: Timestamp,
    /// Seconds a deregistered target drains.
    pub(crate) deregistration_delay: Option<u32>,
    /// Seconds registration and first health checks may take.
    pub(crate) registration_allowance: Option<i64>,
}

/// Which column it is, whatever its title says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnId {
    Pod,
    Endpoint,
    Ready,
    Node,
    Restarts,
    Gate,
    Standing,
    Wanted,
    Target,
    Zone,
    State,
    Reason,
    Description,
}

/// What the colour of a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// Whether the pod is ready, or why not.
    Readiness,
    /// How the row stands, and whether that is a problem.
    Standing,
    /// The state of the target.
    Health,
}

/// Which part of a cell is left out where it is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    End,
    /// Names of pods differ at their end; of names of nodes, which are addresses, only the first part counts.
    Middle,
}

pub(crate) struct Column {
    pub(crate) id: ColumnId,
    pub(crate) title: &'static str,
    pub(crate) side: Side,
    /// Cells it needs to be of use.
    pub(crate) least: u16,
    /// Its share of what is left over; 0: it never grows.
    pub(crate) grows: u16,
    /// 0 is the last to go where room is short.
    pub(crate) priority: u8,
    /// What a row is known and joined by: cut only where everything else has been.
    pub(crate) identity: bool,
    /// Only in a pane alone, and in `-o wide`.
    pub(crate) wide: bool,
    pub(crate) tone: Tone,
    pub(crate) cut: Cut,
    pub(crate) text: fn(&Row, &Context) -> String,
}

/// Nothing to show.
pub(crate) const NOTHING: &str = "–";

/// Cells of the longest IPv4 address with its port: what two sides are joined by is not cut while anything else can be.
const ADDRESS: u16 = 21;

/// Cells of the longest reason why a pod is not ready that has a short form; since when may be cut.
const READINESS: u16 = 9;

pub(crate) const COLUMNS: [Column; 13] = [
    Column {
        id: ColumnId::Pod,
        title: "POD",
        side: Side::Endpoint,
        least: 14,
        grows: 3,
        priority: 0,
        identity: true,
        wide: false,
        tone: Tone::Plain,
        cut: Cut::Middle,
        text: pod,
    },
    Column {
        id: ColumnId::Endpoint,
        title: "ENDPOINT",
        side: Side::Endpoint,
        least: ADDRESS,
        grows: 1,
        priority: 2,
        identity: true,
        wide: false,
        tone: Tone::Plain,
        cut: Cut::Middle,
        text: address,
    },
    Column {
        id: ColumnId::Ready,
        title: "READY",
        side: Side::Endpoint,
        least: READINESS,
        grows: 1,
        priority: 1,
        identity: false,
        wide: false,
        tone: Tone::Readiness,
        cut: Cut::End,
        text: ready,
    },
    Column {
        id: ColumnId::Node,
        title: "NODE",
        side: Side::Endpoint,
        least: 14,
        grows: 2,
        priority: 3,
        identity: false,
        wide: true,
        tone: Tone::Plain,
        cut: Cut::Middle,
        text: node,
    },
    Column {
        id: ColumnId::Restarts,
        title: "RESTARTS",
        side: Side::Endpoint,
        least: 8,
        grows: 0,
        priority: 4,
        identity: false,
        wide: true,
        tone: Tone::Plain,
        cut: Cut::End,
        text: restarts,
    },
    Column {
        id: ColumnId::Gate,
        title: "GATE",
        side: Side::Endpoint,
        least: 7,
        grows: 0,
        priority: 5,
        identity: false,
        wide: true,
        tone: Tone::Plain,
        cut: Cut::End,
        text: gate,
    },
    Column {
        id: ColumnId::Standing,
        title: "STANDING",
        side: Side::Link,
        least: 14,
        grows: 0,
        priority: 0,
        identity: false,
        wide: false,
        tone: Tone::Standing,
        cut: Cut::End,
        text: standing,
    },
    Column {
        id: ColumnId::Wanted,
        title: "WANTED",
        side: Side::Link,
        least: 6,
        grows: 0,
        priority: 1,
        identity: false,
        wide: true,
        tone: Tone::Plain,
        cut: Cut::End,
        text: wanted,
    },
    Column {
        id: ColumnId::Target,
        title: "TARGET",
        side: Side::Target,
        least: ADDRESS,
        grows: 1,
        priority: 0,
        identity: true,
        wide: false,
        tone: Tone::Plain,
        cut: Cut::Middle,
        text: target,
    },
    Column {
        id: ColumnId::Zone,
        title: "ZONE",
        side: Side::Target,
        least: 4,
        grows: 0,
        priority: 3,
        identity: false,
        wide: false,
        tone: Tone::Plain,
        cut: Cut::End,
        text: zone,
    },
    Column {
        id: ColumnId::State,
        title: "STATE",
        side: Side::Target,
        least: 9,
        grows: 0,
        priority: 1,
        identity: false,
        wide: false,
        tone: Tone::Health,
        cut: Cut::End,
        text: state,
    },
    Column {
        id: ColumnId::Reason,
        title: "REASON / SINCE",
        side: Side::Target,
        least: 14,
        grows: 2,
        priority: 2,
        identity: false,
        wide: false,
        tone: Tone::Health,
        cut: Cut::End,
        text: reason,
    },
    Column {
        id: ColumnId::Description,
        title: "DESCRIPTION",
        side: Side::Target,
        least: 20,
        grows: 3,
        priority: 4,
        identity: false,
        wide: true,
        tone: Tone::Plain,
        cut: Cut::End,
        text: description,
    },
];

/// What one column says of a row.
pub(crate) fn cell(id: ColumnId, row: &Row, context: &Context) -> String {
    COLUMNS.iter().find(|it| it.id == id).map_or_else(String::new, |it| (it.text)(row, context))
}

/// The columns of a side, the wide ones too if wished.
pub(crate) fn of(side: Side, wide: bool) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |it| it.side == side && (wide || !it.wide))
}

fn or_nothing(text: Option<String>) -> String {
    text.filter(|it| !it.is_empty()).unwrap_or_else(|| NOTHING.to_owned())
}

fn endpoint(row: &Row) -> Option<&EndpointSide> {
    row.endpoint.as_ref()
}

fn pod(row: &Row, _: &Context) -> String {
    let name = endpoint(row).map(|it| match (&it.pod, &it.node) {
        (Some(pod), _) => pod.clone(),
        // An instance target: the node is the endpoint.
        (None, Some(node)) => node.to_string(),
        (None, None) => String::new(),
    });
    let more = row.others.len();
    // What is gone is still what people know it by.
    let former = || row.former_pod.as_ref().map(|it| format!("({it})"));
    let text = or_nothing(name.or_else(former));
    if more > 0 { format!("{text} +{more}") } else { text }
}

fn address(row: &Row, _: &Context) -> String {
    match (&row.key, endpoint(row)) {
        (RowKey::Target(key), Some(_)) => key.to_string(),
        _ => NOTHING.to_owned(),
    }
}

fn ready(row: &Row, context: &Context) -> String {
    let Some(side) = endpoint(row) else { return NOTHING.to_owned() };
    if !side.pods.is_empty() || (side.pod.is_none() && side.node.is_some()) {
        return format!("{}/{} pods ready", side.ready_pods, side.pods.len());
    }
    let since =
        |at: Option<Timestamp>| at.map_or(String::new(), |at| format!(" {}", age(context.now.since(at))));
    match (&side.wait, side.ready) {
        (Some(wait), _) => format!("{}{}", short(wait.code.as_str()), since(wait.since)),
        (None, Some(true) | None) if side.phase.is_some() || side.ready.is_some() => "ready".to_owned(),
        (None, Some(false)) => "not ready".to_owned(),
        (None, _) => NOTHING.to_owned(),
    }
}

/// The reasons that are too long for a narrow pane, shortened so that they stay unmistakable.
fn short(code: &str) -> &str {
    match code {
        "ImagePullBackOff" | "ErrImagePull" => "ImagePull",
        "CrashLoopBackOff" => "CrashLoop",
        "ContainersNotReady" => "not ready",
        "ReadinessGateNotTrue" => "gate",
        "ContainerCreating" => "creating",
        "PodInitializing" => "initializing",
        "Terminating" => "terminating",
        other => other,
    }
}

fn node(row: &Row, _: &Context) -> String {
    or_nothing(endpoint(row).and_then(|it| it.node.as_ref()).map(ToString::to_string))
}

fn restarts(row: &Row, _: &Context) -> String {
    or_nothing(endpoint(row).filter(|it| it.pod.is_some()).map(|it| it.restarts.to_string()))
}

fn gate(row: &Row, _: &Context) -> String {
    let text = endpoint(row).and_then(|it| it.gate).map(|it| match it {
        Status::True => "True",
        Status::False => "False",
        Status::Unknown => "Unknown",
    });
    or_nothing(text.map(str::to_owned))
}

fn standing(row: &Row, _: &Context) -> String {
    let flagged = if row.flags.is_empty() { "" } else { " *" };
    let old = if row.outdated.is_some() && row.standing != Standing::Unknown { "?" } else { "" };
    format!("{} {}{old}{flagged}", row.standing.glyph(), row.standing.word())
}

fn wanted(row: &Row, _: &Context) -> String {
    match row.wanted {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    }
    .to_owned()
}

fn target(row: &Row, _: &Context) -> String {
    or_nothing(row.target.as_ref().map(|it| it.key.to_string()))
}

fn zone(row: &Row, _: &Context) -> String {
    or_nothing(row.target.as_ref().and_then(|it| it.zone.as_deref()).map(|it| short_zone(it).to_owned()))
}

/// `eu-west-1a` → `1a`: the region stands in the header.
pub(crate) fn short_zone(zone: &str) -> &str {
    let digits =
        zone.rfind(|c: char| c.is_ascii_digit()).filter(|at| *at > 0 && zone.get(at - 1..*at) == Some("-"));
    digits.and_then(|at| zone.get(at..)).unwrap_or(zone)
}

fn state(row: &Row, _: &Context) -> String {
    or_nothing(row.target.as_ref().map(|it| it.health.state.text().to_owned()))
}

fn reason(row: &Row, context: &Context) -> String {
    let Some(target) = &row.target else { return NOTHING.to_owned() };
    let seen = row.state_since.map(|at| context.now.since(at));
    match (&target.health.state, seen) {
        (HealthState::Draining, seen) => draining(context.deregistration_delay, seen),
        (HealthState::Initial, seen) => {
            let expected = context.registration_allowance.map_or(String::new(), |it| format!(" of ~{it}s"));
            seen.map_or_else(|| "registering".to_owned(), |seconds| format!("{}{expected}", age(seconds)))
        }
        (HealthState::Healthy, seen) => {
            let flags: Vec<&str> = row.flags.iter().map(|it| flag(*it)).collect();
            let since = seen.map(age).unwrap_or_default();
            match flags.is_empty() {
                true => since,
                false => format!("{} {since}", flags.join(", ")).trim_end().to_owned(),
            }
        }
        (_, seen) => {
            let reason = target.health.reason.as_ref().map(|it| it.text().to_owned()).unwrap_or_default();
            seen.map_or(reason.clone(), |seconds| format!("{reason} {}", age(seconds)))
        }
    }
}

/// Time left while draining: exact when its start was seen, else at most the whole delay.
fn draining(delay: Option<u32>, seen: Option<i64>) -> String {
    match (delay.map(i64::from), seen) {
        (Some(delay), Some(seconds)) => format!("{}s left", (delay - seconds).max(0)),
        (Some(delay), None) => format!("≤ {delay}s left"),
        (None, Some(seconds)) => age(seconds),
        (None, None) => String::new(),
    }
}

/// A flag in a word or two.
pub(crate) fn flag(flag: Flag) -> &'static str {
    match flag {
        Flag::WeightZero => "weight 0",
        Flag::ZonalShift => "zonal shift",
        Flag::Anomaly => "anomaly",
        Flag::GateNotTrue => "gate not True",
        Flag::NoLoadBalancer => "no load balancer",
        Flag::OtherGate => "other gate not True",
        Flag::NodeLeaving => "node leaving",
    }
}

fn description(row: &Row, _: &Context) -> String {
    or_nothing(row.target.as_ref().and_then(|it| it.health.description.as_deref()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_in_the_table_once() {
        let mut ids: Vec<String> = COLUMNS.iter().map(|it| format!("{:?}", it.id)).collect();
        let n = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), n);
        // The last one of the enum: none before it is missing.
        assert_eq!(ColumnId::Description as usize + 1, n);
    }

    #[test]
    fn zones_lose_their_region_and_nothing_else() {
        for (zone, text) in
            [("eu-west-1a", "1a"), ("us-west-2-lax-1a", "1a"), ("all", "all"), ("euw1-az2", "euw1-az2")]
        {
            assert_eq!(short_zone(zone), text);
        }
    }

    #[test]
    fn the_time_left_is_exact_only_when_the_start_was_seen() {
        assert_eq!(draining(Some(300), Some(88)), "212s left");
        assert_eq!(draining(Some(300), None), "≤ 300s left");
        assert_eq!(draining(Some(300), Some(400)), "0s left");
        assert_eq!(draining(None, None), "");
    }
}
