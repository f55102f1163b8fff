//! The vocabulary of changes: what can be asked for, and the single acts that plans are made of, as values.

use std::fmt::Display;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

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

macro_rules! change_kinds {
    ($($kind:ident $word:literal,)*) => {
        /// The kinds of change a person can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum ChangeKind { $($kind,)* }

        impl ChangeKind {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];

            pub fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }
        }
    };
}

change_kinds! {
    Bind "bind",
    Unbind "unbind",
    Resync "resync",
    Drain "drain",
    Deregister "deregister",
    Register "register",
    Sync "sync",
    Shift "shift",
    Undo "undo",
}

/// The role a binding's controller assumes to reach its group, with its external ID.
pub(crate) type Role = Option<(String, Option<String>)>;

/// A target to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arriving {
    pub key: TargetKey,
    /// `all` for an address outside the group's VPC; `None`: AWS chooses.
    pub zone: Option<Arc<str>>,
    /// The pod behind the address, or the one that was when it was deregistered.
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

impl Labelled {
    /// `pod web-1`, `node ip-10-0-3-7`.
    pub(crate) fn called(&self) -> String {
        match self {
            Self::Pod(name, _) => format!("pod {}", name.name),
            Self::Node(name) => format!("node {name}"),
        }
    }
}

/// One write to AWS or Kubernetes, or a wait for the result of one.
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
    /// Overwrites the checkpoint annotation, which makes the controller reconcile.
    Mark {
        binding: BindingRef,
        uid: Uid,
        marker: String,
        /// The controller writes checkpoints, so it will overwrite the marker.
        answered: bool,
    },
    Create {
        cluster: ClusterId,
        manifest: Box<Manifest>,
    },
    DeleteBinding {
        binding: BindingRef,
        uid: Uid,
        /// No controller is there to remove the finalizer: the object can only be marked for deletion.
        #[serde(default)]
        held: bool,
    },
    /// By the eviction API, which holds to disruption budgets.
    #[serde(alias = "deletePod")]
    EvictPod {
        cluster: ClusterId,
        name: ObjectName,
        uid: Uid,
    },
    /// Removes a label, or adds one.
    Label {
        cluster: ClusterId,
        object: Labelled,
        key: String,
        from: Option<String>,
        to: Option<String>,
    },
    /// Changes the weights of a rule's target groups.
    Shift {
        place: Place,
        /// The rule as it was read.
        from: Box<Rule>,
        to: Vec<Forward>,
    },
    /// Waits until the controller has deregistered these targets: they are draining or gone.
    AwaitLeaving {
        group: TargetGroupArn,
        targets: Vec<TargetKey>,
    },
    /// Waits until none of these targets is in the group: they have drained.
    AwaitGone {
        group: TargetGroupArn,
        targets: Vec<TargetKey>,
    },
    /// Waits until as many endpoints are in service as were before, beside those that leave.
    AwaitReplaced {
        subject: Subject,
        least: u32,
        leaving: Vec<TargetKey>,
    },
    /// Waits until every wanted endpoint is registered and every registered target has an endpoint.
    AwaitInStep {
        subject: Subject,
    },
}

impl Act {
    /// Writes nothing.
    pub fn only_waits(&self) -> bool {
        matches!(
            self,
            Self::AwaitLeaving { .. }
                | Self::AwaitGone { .. }
                | Self::AwaitReplaced { .. }
                | Self::AwaitInStep { .. }
        )
    }

    /// The call it makes: an operation of ELBv2, or a verb and a resource of Kubernetes.
    pub(crate) fn call(&self) -> &'static str {
        match self {
            Self::Register { .. } => "RegisterTargets",
            Self::Deregister { .. } => "DeregisterTargets",
            Self::Mark { .. } => "patch targetgroupbindings",
            Self::Create { .. } => "create targetgroupbindings",
            Self::DeleteBinding { .. } => "delete targetgroupbindings",
            Self::EvictPod { .. } => "create pods/eviction",
            Self::Label { object: Labelled::Pod(..), .. } => "patch pods",
            Self::Label { object: Labelled::Node(_), .. } => "patch nodes",
            Self::Shift { place: Place { rule: None, .. }, .. } => "ModifyListener",
            Self::Shift { .. } => "ModifyRule",
            Self::AwaitLeaving { .. }
            | Self::AwaitGone { .. }
            | Self::AwaitReplaced { .. }
            | Self::AwaitInStep { .. } => "wait",
        }
    }

    /// The Kubernetes permission it needs, and the namespace; `None`: it needs none.
    pub(crate) fn verb(&self) -> Option<(Verb, Option<String>)> {
        let bindings = |verb: &str, api: BindingApi, namespace: &str| {
            let group = api.version().split('/').next().unwrap_or_default();
            Some((Verb::new(verb, group, "targetgroupbindings"), Some(namespace.to_owned())))
        };
        match self {
            Self::Mark { binding, .. } => bindings("patch", binding.api, &binding.namespace),
            Self::Create { manifest, .. } => bindings("create", manifest.api, &manifest.name.namespace),
            Self::DeleteBinding { binding, .. } => bindings("delete", binding.api, &binding.namespace),
            Self::EvictPod { name, .. } => {
                Some((Verb::new("create", "", "pods/eviction"), Some(name.namespace.clone())))
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
            | Self::AwaitReplaced { .. }
            | Self::AwaitInStep { .. } => None,
        }
    }

    /// The name of the Kubernetes object it changes; `None`: there is none yet, or it writes to AWS.
    pub(crate) fn object(&self) -> Option<String> {
        match self {
            Self::Mark { binding, .. } | Self::DeleteBinding { binding, .. } => Some(binding.name.clone()),
            Self::EvictPod { name, .. } | Self::Label { object: Labelled::Pod(name, _), .. } => {
                Some(name.name.clone())
            }
            Self::Label { object: Labelled::Node(name), .. } => Some(name.clone()),
            _ => None,
        }
    }

    /// The cluster it writes to; `None`: it writes to AWS, or nowhere.
    pub(crate) fn cluster(&self) -> Option<&ClusterId> {
        match self {
            Self::Mark { binding, .. } | Self::DeleteBinding { binding, .. } => Some(&binding.cluster),
            Self::Create { cluster, .. } | Self::EvictPod { cluster, .. } | Self::Label { cluster, .. } => {
                Some(cluster)
            }
            Self::Register { .. }
            | Self::Deregister { .. }
            | Self::Shift { .. }
            | Self::AwaitLeaving { .. }
            | Self::AwaitGone { .. }
            | Self::AwaitReplaced { .. }
            | Self::AwaitInStep { .. } => None,
        }
    }

    /// The target group it is about.
    pub(crate) fn group(&self) -> Option<&TargetGroupArn> {
        match self {
            Self::Register { group, .. }
            | Self::Deregister { group, .. }
            | Self::AwaitLeaving { group, .. }
            | Self::AwaitGone { group, .. } => Some(group),
            Self::Create { manifest, .. } => Some(&manifest.group),
            Self::Mark { .. }
            | Self::DeleteBinding { .. }
            | Self::EvictPod { .. }
            | Self::Label { .. }
            | Self::Shift { .. }
            | Self::AwaitReplaced { .. }
            | Self::AwaitInStep { .. } => None,
        }
    }

    /// The account and region of what it changes in AWS.
    pub(crate) fn place(&self) -> Option<(&str, &str)> {
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
                format!("set the checkpoint annotation of {binding} to {marker:?}")
            }
            Self::Create { manifest, .. } => format!("create TargetGroupBinding {}", manifest.name),
            Self::DeleteBinding { binding, held: true, .. } => {
                format!("mark TargetGroupBinding {binding} for deletion")
            }
            Self::DeleteBinding { binding, .. } => format!("delete TargetGroupBinding {binding}"),
            Self::EvictPod { name, .. } => format!("evict pod {}", name.name),
            Self::Label { object, key, from, to, .. } => {
                let object = object.called();
                match (from, to) {
                    (Some(from), None) => format!("remove label {key}={from} from {object}"),
                    (None, Some(to)) => format!("add label {key}={to} to {object}"),
                    (Some(from), Some(to)) => format!("change label {key} of {object} from {from} to {to}"),
                    (None, None) => format!("leave label {key} of {object} unset"),
                }
            }
            Self::Shift { place, from, to } => {
                format!("set the weights of {} from {} to {}", place.name, told(&from.forwards), told(to))
            }
            Self::AwaitLeaving { targets, .. } => {
                format!("wait for the controller to deregister {}", listed(targets))
            }
            Self::AwaitGone { targets, .. } => {
                let verb = if targets.len() == 1 { "has" } else { "have" };
                format!("wait until {} {verb} drained", listed(targets))
            }
            Self::AwaitReplaced { least, .. } => {
                let verb = if *least == 1 { "is" } else { "are" };
                format!("wait until {} {verb} in service again", counted(*least, "endpoint"))
            }
            Self::AwaitInStep { .. } => "wait until the registered targets match the endpoints".to_owned(),
        }
    }
}

/// Up to three names, and how many more.
pub(in crate::domain) fn listed<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = names.into_iter().map(|it| it.to_string()).collect();
    match all.len() {
        0..=3 => all.join(", "),
        n => format!("{} and {} more", all.iter().take(2).cloned().collect::<Vec<_>>().join(", "), n - 2),
    }
}

/// `3 targets`, `1 target`.
pub(super) fn counted<N: Copy + Display + PartialEq + From<u8>>(n: N, what: &str) -> String {
    match n == N::from(1) {
        true => format!("1 {what}"),
        false => format!("{n} {what}s"),
    }
}
