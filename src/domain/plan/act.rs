//! The vocabulary of changes: what can be asked for, and the single acts that plans are made of, as values.

use std::sync::Arc;

use crate::domain::facts::access::Verb;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::inventory::routes::Place;
use crate::domain::inventory::routes::told;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::manifest::Manifest;
use serde::Deserialize;
use serde::Serialize;

/// What a person can ask to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Bind,
    Unbind,
    Resync,
    Drain,
    Deregister,
    Register,
    Sync,
    Shift,
    Undo,
}

impl ChangeKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Unbind => "unbind",
            Self::Resync => "resync",
            Self::Drain => "drain",
            Self::Deregister => "deregister",
            Self::Register => "register",
            Self::Sync => "sync",
            Self::Shift => "shift",
            Self::Undo => "undo",
        }
    }
}

/// The role a binding's controller assumes for its group, with its external id.
pub type Role = Option<(String, Option<String>)>;

/// A target to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arriving {
    pub key: TargetKey,
    /// `all` where it is outside of the group's VPC; else AWS chooses.
    pub zone: Option<Arc<str>>,
    /// The pod that is behind it, or was when it left.
    #[serde(default)]
    pub pod: Option<Uid>,
}

/// A pod or a node whose labels are changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Labelled {
    Pod(ObjectName, Uid),
    Node(String),
}

/// One change outside, or a wait for what follows from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "camelCase")]
pub enum Act {
    Register {
        group: TargetGroupArn,
        role: Role,
        targets: Vec<Arriving>,
    },
    Deregister {
        group: TargetGroupArn,
        role: Role,
        targets: Vec<Arriving>,
    },
    /// Overwrites the annotation the controller compares, so that it looks again.
    Mark {
        binding: BindingRef,
        uid: Uid,
        marker: String,
        /// The controller keeps a checkpoint: it will overwrite the marker.
        answered: bool,
    },
    Create {
        cluster: ClusterId,
        manifest: Box<Manifest>,
    },
    DeleteBinding {
        binding: BindingRef,
        uid: Uid,
        /// Nobody is there to remove its finalizer: the mark is all that can be done.
        #[serde(default)]
        held: bool,
    },
    DeletePod {
        cluster: ClusterId,
        name: ObjectName,
        uid: Uid,
    },
    /// Takes a label away, or puts one there.
    Label {
        cluster: ClusterId,
        object: Labelled,
        key: String,
        from: Option<String>,
        to: Option<String>,
    },
    /// Divides the requests of a rule otherwise.
    Shift {
        place: Place,
        /// The action as it was read.
        from: Box<Rule>,
        to: Vec<Forward>,
    },
    /// Waits until none of these targets takes new connections: draining or gone.
    AwaitLeaving {
        group: TargetGroupArn,
        targets: Vec<TargetKey>,
    },
    /// Waits until none of these targets is in the group any more.
    AwaitGone {
        group: TargetGroupArn,
        targets: Vec<TargetKey>,
    },
    /// Waits until every wanted endpoint is registered and nothing registered is unexplained.
    AwaitInStep {
        subject: Subject,
    },
}

impl Act {
    /// Changes nothing outside.
    pub fn only_waits(&self) -> bool {
        matches!(self, Self::AwaitLeaving { .. } | Self::AwaitGone { .. } | Self::AwaitInStep { .. })
    }

    /// The call it comes down to, as its owner names it.
    pub fn call(&self) -> &'static str {
        match self {
            Self::Register { .. } => "RegisterTargets",
            Self::Deregister { .. } => "DeregisterTargets",
            Self::Mark { .. } => "patch targetgroupbindings",
            Self::Create { .. } => "create targetgroupbindings",
            Self::DeleteBinding { .. } => "delete targetgroupbindings",
            Self::DeletePod { .. } => "delete pods",
            Self::Label { object: Labelled::Pod(..), .. } => "patch pods",
            Self::Label { object: Labelled::Node(_), .. } => "patch nodes",
            Self::Shift { place: Place { rule: None, .. }, .. } => "ModifyListener",
            Self::Shift { .. } => "ModifyRule",
            Self::AwaitLeaving { .. } | Self::AwaitGone { .. } | Self::AwaitInStep { .. } => "wait",
        }
    }

    /// What one must be permitted for it in its cluster, and in which namespace.
    pub fn verb(&self) -> Option<(Verb, Option<String>)> {
        let bindings = |verb: &str, api: BindingApi, namespace: &str| {
            let group = api.version().split('/').next().unwrap_or_default();
            Some((Verb::new(verb, group, "targetgroupbindings"), Some(namespace.to_owned())))
        };
        match self {
            Self::Mark { binding, .. } => bindings("patch", binding.api, &binding.namespace),
            Self::Create { manifest, .. } => bindings("create", manifest.api, &manifest.name.namespace),
            Self::DeleteBinding { binding, .. } => bindings("delete", binding.api, &binding.namespace),
            Self::DeletePod { name, .. } => {
                Some((Verb::new("delete", "", "pods"), Some(name.namespace.clone())))
            }
            Self::Label { object: Labelled::Pod(name, _), .. } => {
                Some((Verb::new("patch", "", "pods"), Some(name.namespace.clone())))
            }
            Self::Label { object: Labelled::Node(_), .. } => Some((Verb::new("patch", "", "nodes"), None)),
            Self::Register { .. }
            | Self::Deregister { .. }
            | Self::Shift { .. }
            | Self::AwaitLeaving { .. }
            | Self::AwaitGone { .. }
            | Self::AwaitInStep { .. } => None,
        }
    }

    /// The name of the object it changes; `None`: there is none yet, or it writes to AWS.
    pub fn object(&self) -> Option<String> {
        match self {
            Self::Mark { binding, .. } | Self::DeleteBinding { binding, .. } => Some(binding.name.clone()),
            Self::DeletePod { name, .. } | Self::Label { object: Labelled::Pod(name, _), .. } => {
                Some(name.name.clone())
            }
            Self::Label { object: Labelled::Node(name), .. } => Some(name.clone()),
            _ => None,
        }
    }

    /// The cluster it writes to; `None`: it writes to AWS, or nowhere.
    pub fn cluster(&self) -> Option<&ClusterId> {
        match self {
            Self::Mark { binding, .. } | Self::DeleteBinding { binding, .. } => Some(&binding.cluster),
            Self::Create { cluster, .. } | Self::DeletePod { cluster, .. } | Self::Label { cluster, .. } => {
                Some(cluster)
            }
            Self::Register { .. }
            | Self::Deregister { .. }
            | Self::Shift { .. }
            | Self::AwaitLeaving { .. }
            | Self::AwaitGone { .. }
            | Self::AwaitInStep { .. } => None,
        }
    }

    /// The group it is about.
    pub fn group(&self) -> Option<&TargetGroupArn> {
        match self {
            Self::Register { group, .. }
            | Self::Deregister { group, .. }
            | Self::AwaitLeaving { group, .. }
            | Self::AwaitGone { group, .. } => Some(group),
            Self::Create { manifest, .. } => Some(&manifest.group),
            Self::Mark { .. }
            | Self::DeleteBinding { .. }
            | Self::DeletePod { .. }
            | Self::Label { .. }
            | Self::Shift { .. }
            | Self::AwaitInStep { .. } => None,
        }
    }

    /// The account and region of what it is about in AWS.
    pub fn place(&self) -> Option<(&str, &str)> {
        match self {
            Self::Shift { place, .. } => Some((place.load_balancer.account(), place.load_balancer.region())),
            other => other.group().map(|it| (it.account(), it.region())),
        }
    }

    /// What it does, in one line.
    pub fn sentence(&self) -> String {
        match self {
            Self::Register { group, targets, .. } => {
                format!("register {} in {}", listed(targets.iter().map(|it| &it.key)), group.name())
            }
            Self::Deregister { group, targets, .. } => {
                format!("deregister {} from {}", listed(targets.iter().map(|it| &it.key)), group.name())
            }
            Self::Mark { binding, marker, .. } => {
                format!("write {marker:?} into the checkpoint annotation of {binding}")
            }
            Self::Create { manifest, .. } => format!("create TargetGroupBinding {}", manifest.name),
            Self::DeleteBinding { binding, held: true, .. } => {
                format!("mark TargetGroupBinding {binding} for deletion")
            }
            Self::DeleteBinding { binding, .. } => format!("delete TargetGroupBinding {binding}"),
            Self::DeletePod { name, .. } => format!("delete pod {}", name.name),
            Self::Label { object, key, from, to, .. } => {
                let object = match object {
                    Labelled::Pod(name, _) => format!("pod {}", name.name),
                    Labelled::Node(name) => format!("node {name}"),
                };
                match (from, to) {
                    (Some(from), None) => format!("take label {key}={from} from {object}"),
                    (_, Some(to)) => format!("put label {key}={to} on {object}"),
                    (None, None) => format!("leave the label {key} of {object} as it is"),
                }
            }
            Self::Shift { place, from, to } => {
                format!("give {} the weights {}, instead of {}", place.name, told(to), told(&from.forwards))
            }
            Self::AwaitLeaving { targets, .. } => {
                let verb = if targets.len() == 1 { "takes" } else { "take" };
                format!("wait until {} no longer {verb} new connections", listed(targets))
            }
            Self::AwaitGone { targets, .. } => {
                let verb = if targets.len() == 1 { "has" } else { "have" };
                format!("wait until {} {verb} drained", listed(targets))
            }
            Self::AwaitInStep { .. } => {
                "read AWS until every wanted endpoint is registered and nothing unexplained is left"
                    .to_owned()
            }
        }
    }
}

/// Up to three names, and how many more.
pub(super) fn listed<'a>(targets: impl IntoIterator<Item = &'a TargetKey>) -> String {
    let all: Vec<String> = targets.into_iter().map(ToString::to_string).collect();
    match all.len() {
        0..=3 => all.join(", "),
        n => format!("{} and {} more", all.iter().take(2).cloned().collect::<Vec<_>>().join(", "), n - 2),
    }
}

/// `3 targets`, `1 target`.
pub(super) fn counted(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
