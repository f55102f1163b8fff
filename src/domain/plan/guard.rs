//! What must still be true when a step runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::act::Labelled;
use crate::domain::plan::act::counted;

/// One condition of a step, checked against what is read just before the step runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "camelCase")]
pub enum Guard {
    /// The binding is the same object, still names this group, and is not being deleted.
    Binding { binding: BindingRef, uid: Uid, group: Option<TargetGroupArn> },
    /// No binding names the group; in this cluster, or in any connected one.
    Unbound {
        group: TargetGroupArn,
        #[serde(default)]
        cluster: Option<ClusterId>,
    },
    /// No other target is registered: the controller would deregister it.
    Only { keys: BTreeSet<TargetKey> },
    /// The target is still registered, and the same pod (or none) has its address.
    Leaves { key: TargetKey, pod: Option<Uid>, wanted: bool },
    /// The endpoint is still wanted, the same pod has its address, and AWS has no live target for it.
    Arrives { key: TargetKey, pod: Option<Uid> },
    /// The target that the step registers again is not registered.
    Absent { key: TargetKey },
    /// At least this many healthy targets remain, in one zone or in all, beside those that leave.
    Healthy { zone: Option<Arc<str>>, least: u32, leaving: BTreeSet<TargetKey> },
    /// The rule has the same actions and weights as when it was read.
    Action { place: Place, rule: Box<Rule> },
    /// At least this many targets of the group are healthy.
    Serves { group: TargetGroupArn, least: u32 },
    /// The pod or node is the same, and its label has this value; `None`: it has no such label.
    Label { object: Labelled, cluster: ClusterId, key: String, value: Option<String> },
}

impl Guard {
    /// The target it is about, where it is about one.
    pub(crate) fn target(&self) -> Option<&TargetKey> {
        match self {
            Self::Leaves { key, .. } | Self::Arrives { key, .. } | Self::Absent { key } => Some(key),
            Self::Binding { .. }
            | Self::Unbound { .. }
            | Self::Only { .. }
            | Self::Healthy { .. }
            | Self::Action { .. }
            | Self::Serves { .. }
            | Self::Label { .. } => None,
        }
    }

    /// The condition in a few words, to be read after "only if".
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Binding { .. } => "binding and group unchanged".to_owned(),
            Self::Unbound { group, .. } => format!("no binding names {}", group.name()),
            Self::Only { .. } => "no other target registered since".to_owned(),
            Self::Leaves { key, pod: Some(_), wanted: true } => format!("{key} registered, same pod"),
            Self::Leaves { key, pod: Some(_), .. } => format!("{key} registered, same pod or none"),
            // Pods may or may not be on a node: its target is not about them.
            Self::Leaves { key, pod: None, .. } if key.ip().is_none() => format!("{key} registered"),
            Self::Leaves { key, pod: None, .. } => format!("{key} registered, no pod"),
            Self::Arrives { key, .. } => format!("{key} wanted, same pod, not registered"),
            Self::Absent { key } => format!("{key} not registered"),
            Self::Healthy { zone, least, .. } => {
                let verb = if *least == 1 { "remains" } else { "remain" };
                let zone = zone.as_ref().map_or_else(String::new, |it| format!(" in {it}"));
                format!("at least {} {verb}{zone}", counted(*least, "healthy target"))
            }
            Self::Action { .. } => "rule unchanged".to_owned(),
            Self::Serves { group, least } => {
                format!("at least {} in {}", counted(*least, "healthy target"), group.name())
            }
            Self::Label { object, key, value, .. } => {
                let kind = match object {
                    Labelled::Pod(..) => "pod",
                    Labelled::Node(_) => "node",
                };
                match value {
                    Some(value) => format!("same {kind}, label {key}={value}"),
                    None => format!("same {kind}, no label {key}"),
                }
            }
        }
    }
}
