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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "camelCase")]
pub enum Guard {
    /// The binding is the one that was looked at, still on this group, and nobody deletes it.
    Binding { binding: BindingRef, uid: Uid, group: Option<TargetGroupArn> },
    /// No binding names the group; in one cluster, or in any.
    Unbound {
        group: TargetGroupArn,
        #[serde(default)]
        cluster: Option<ClusterId>,
    },
    /// Nothing else is registered: what follows removes what it does not know.
    Only { keys: BTreeSet<TargetKey> },
    /// The target is still registered, and the same pod (or none) is behind its address.
    Leaves { key: TargetKey, pod: Option<Uid>, wanted: bool },
    /// The endpoint is still wanted, the same pod is behind it, and AWS has no live target for it.
    Arrives { key: TargetKey, pod: Option<Uid> },
    /// Nobody registered a target again that this puts back.
    Absent { key: TargetKey },
    /// At least so many healthy targets stay, in a zone or in all, beside those that leave.
    Healthy { zone: Option<Arc<str>>, least: u32, leaving: BTreeSet<TargetKey> },
    /// A rule sends as it did when it was read, with all of its actions.
    Action { place: Place, rule: Box<Rule> },
    /// At least so many targets of a group are healthy.
    Serves { group: TargetGroupArn, least: u32 },
    /// The pod is the same, and the label is as it was.
    Label { object: Labelled, cluster: ClusterId, key: String, value: Option<String> },
}

impl Guard {
    /// The one target it is about.
    pub fn target(&self) -> Option<&TargetKey> {
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

    /// What has to be true, in a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Binding { .. } => "same binding and group".to_owned(),
            Self::Unbound { group, .. } => format!("no binding names {}", group.name()),
            Self::Only { .. } => "no other target registered meanwhile".to_owned(),
            Self::Leaves { key, pod: Some(_), wanted: true } => format!("{key} registered, same pod"),
            Self::Leaves { key, pod: Some(_), .. } => format!("{key} registered, same pod or none"),
            // RolloutState a node there are pods, or none: it is not about them.
            Self::Leaves { key, pod: None, .. } if key.ip().is_none() => format!("{key} registered"),
            Self::Leaves { key, pod: None, .. } => format!("{key} registered, no pod"),
            Self::Arrives { key, .. } => format!("{key} wanted, same pod, not registered"),
            Self::Absent { key } => format!("{key} not registered"),
            Self::Healthy { zone: None, least, .. } => format!("{least} or more healthy stay"),
            Self::Healthy { zone: Some(zone), least, .. } => {
                format!("{least} or more healthy stay in {zone}")
            }
            Self::Action { .. } => "its actions are as they were read".to_owned(),
            Self::Serves { group, least } => format!("{least} or more healthy in {}", group.name()),
            Self::Label { object, key, value, .. } => {
                let value =
                    value.as_ref().map_or_else(|| format!("no label {key}"), |it| format!("{key}={it}"));
                match object {
                    Labelled::Pod(..) => format!("same pod, {value}"),
                    Labelled::Node(_) => format!("same node, {value}"),
                }
            }
        }
    }
}
