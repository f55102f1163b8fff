//! One row: an endpoint and a target side by side, how it stands, and what is counted of rows.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::cluster::Phase;
use crate::domain::facts::cluster::Probe;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Target;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::time::Timestamp;
use crate::domain::judgement::desired::Exclusion;
use crate::domain::judgement::standing::Standing;

/// Seconds for which something new is not yet called a problem.
pub(crate) const GRACE: i64 = 15;

/// What a board shows: a binding, or a group that no binding names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    Binding(BindingRef),
    Group(TargetGroupArn),
}

/// Which reason keeps a pod from being ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WaitCode {
    /// It is being deleted.
    Terminating,
    /// It has no node yet, and the scheduler has not said why.
    Pending,
    /// It ran to its end.
    Completed,
    /// Its containers run, and a readiness probe fails.
    ContainersNotReady,
    /// Its containers are ready, and a readiness gate is not True.
    ReadinessGateNotTrue,
    /// We took it out of its service.
    Detached,
    /// A reason that Kubernetes reports: `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`, …
    Reported(Arc<str>),
}

impl WaitCode {
    /// As it is shown, and as `waitingReason` of the JSON output.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Terminating => "Terminating",
            Self::Pending => "Pending",
            Self::Completed => "Completed",
            Self::ContainersNotReady => "ContainersNotReady",
            Self::ReadinessGateNotTrue => "ReadinessGateNotTrue",
            Self::Detached => "detached by us",
            Self::Reported(reason) => reason,
        }
    }
}

impl fmt::Display for WaitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a pod is not ready, the first reason that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaitReason {
    pub(crate) code: WaitCode,
    pub(crate) message: Option<Arc<str>>,
    pub(crate) since: Option<Timestamp>,
    /// Mere starting: nothing is wrong yet.
    pub(crate) starting: bool,
}

/// Who sets a readiness gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GateSetter {
    /// The controller, for another binding of the namespace.
    Binding(String),
    /// The controller would, for a binding that does not exist.
    NoSuchBinding(String),
    /// The controller's first version, which is no more.
    FirstController,
    /// Somebody else.
    Other,
}

/// A readiness gate that is not this binding's and not True.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OtherGate {
    pub(crate) name: Arc<str>,
    pub(crate) status: Status,
    pub(crate) reason: Option<Arc<str>>,
    /// Since when it is so; `None`: it was never set.
    pub(crate) since: Option<Timestamp>,
    pub(crate) setter: GateSetter,
}

impl OtherGate {
    /// Nobody sets it: it never turns True.
    pub(crate) fn is_nobodys(&self) -> bool {
        matches!(self.setter, GateSetter::NoSuchBinding(_) | GateSetter::FirstController)
    }
}

/// How a node says that its pods are to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NodeLeaving {
    /// Somebody has cordoned it: no new pods come.
    Cordoned,
    /// By this taint of those that take nodes away.
    Taint(Arc<str>),
}

/// How the two sides of a row do not fit: what was found against it is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outdated {
    /// Its endpoint has changed since the health was asked for.
    Endpoint,
    /// Another binding on the group has changed since the health was asked for.
    Rival,
    /// Kubernetes was last heard of before the health was asked for.
    Kubernetes,
}

impl Outdated {
    /// Which side is older, as a clause.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Endpoint => "its endpoint changed after the health was asked for",
            Self::Rival => "another binding on the group changed after the health was asked for",
            Self::Kubernetes => "Kubernetes has not been heard from since the health was asked for",
        }
    }

    /// Asking AWS again makes the sides fit.
    pub(crate) fn is_older_health(self) -> bool {
        self != Self::Kubernetes
    }
}

/// The Kubernetes half of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSide {
    /// Name of the pod; `None` where the endpoint is a node or names no pod.
    pub(crate) pod: Option<String>,
    pub(crate) uid: Option<Uid>,
    pub(crate) node: Option<Arc<str>>,
    pub(crate) zone: Option<Arc<str>>,
    /// Instance targets: the service's pods on that node, and how many of them are ready.
    pub(crate) pods: Vec<String>,
    pub(crate) ready_pods: u32,
    pub(crate) ready: Option<bool>,
    pub(crate) serving: Option<bool>,
    pub(crate) terminating: Option<bool>,
    pub(crate) phase: Option<Phase>,
    pub(crate) wait: Option<WaitReason>,
    pub(crate) restarts: u32,
    /// Status of this binding's readiness gate, where the pod declares it.
    pub(crate) gate: Option<Status>,
    /// Since when its containers are ready and this binding's gate is False, which the controller sets once it is registered.
    pub(crate) gate_closed: Option<Timestamp>,
    /// Its other readiness gates that are not True.
    pub(crate) other_gates: Vec<OtherGate>,
    /// How its containers are asked whether they are ready.
    pub(crate) probes: Arc<[Probe]>,
    /// How its node says that it is going away.
    pub(crate) node_leaving: Option<NodeLeaving>,
    /// The Job that made it: it ends by itself.
    pub(crate) job: Option<Arc<str>>,
    /// It is wanted although it is not ready, since the service publishes such addresses.
    pub(crate) published: bool,
    pub(crate) wanted: Option<bool>,
    pub(crate) exclusion: Option<Exclusion>,
    pub(crate) created: Option<Timestamp>,
}

/// What a standing rests on in Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grounds {
    pub(crate) uid: Option<Uid>,
    pub(crate) wanted: Option<bool>,
    /// Instance targets: a ready pod of the service is on the node.
    pub(crate) occupied: bool,
}

impl Grounds {
    pub(crate) fn of(endpoint: Option<&EndpointSide>, wanted: Option<bool>) -> Self {
        Self {
            uid: endpoint.and_then(|it| it.uid.clone()),
            wanted,
            occupied: endpoint.is_some_and(|it| it.ready_pods > 0),
        }
    }

    /// Nothing stands there.
    pub(crate) fn is_nothing(&self) -> bool {
        self.uid.is_none() && self.wanted != Some(true)
    }
}

/// What else is true of a row that is wanted, most of it of one in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// Every rule that leads to the group gives it weight 0.
    WeightZero,
    /// A zonal shift takes the target's zone out of rotation.
    ZonalShift,
    /// Anomaly detection finds it unlike the others.
    Anomaly,
    /// The readiness gate of this binding is not True although the target is healthy.
    GateNotTrue,
    /// No load balancer uses the group.
    NoLoadBalancer,
    /// A readiness gate that is not this binding's is not True: Kubernetes does not count the pod as ready.
    OtherGate,
    /// Its node is cordoned or going away, and it still is a target.
    NodeLeaving,
}

impl Flag {
    pub(crate) const ALL: [Self; 7] = [
        Self::WeightZero,
        Self::ZonalShift,
        Self::Anomaly,
        Self::GateNotTrue,
        Self::NoLoadBalancer,
        Self::OtherGate,
        Self::NodeLeaving,
    ];

    /// As it stands in the JSON output: part of the contract.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::WeightZero => "weight-zero",
            Self::ZonalShift => "zonal-shift",
            Self::Anomaly => "anomaly",
            Self::GateNotTrue => "gate-not-true",
            Self::NoLoadBalancer => "no-load-balancer",
            Self::OtherGate => "other-gate",
            Self::NodeLeaving => "node-leaving",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub key: RowKey,
    pub endpoint: Option<EndpointSide>,
    /// Other endpoints on the same key: a reused address, host network.
    pub(crate) others: Vec<EndpointSide>,
    pub(crate) target: Option<Target>,
    /// The pod that was behind the target, where its endpoint is gone.
    pub(crate) former_pod: Option<String>,
    /// Would the controller register it? `None`: what it depends on could not be read.
    pub(crate) wanted: Option<bool>,
    pub standing: Standing,
    /// Unknown: what is missing. Orphan: whose pod has the address now. Contested, Elsewhere: whose it is.
    pub(crate) note: Option<String>,
    pub flags: Vec<Flag>,
    /// Since when it stands so, if that was seen.
    pub(crate) since: Option<Timestamp>,
    /// When it was first seen to stand so.
    pub(crate) first_seen: Timestamp,
    /// Since when the target is in its state, if that was seen.
    pub(crate) state_since: Option<Timestamp>,
    pub(crate) problem: bool,
    /// Its sides do not fit: it stands as it stood before, or nothing is known.
    pub(crate) outdated: Option<Outdated>,
}

impl Row {
    /// Whether a person means this row: by its target or the target's id, by its pod, by the node of an instance.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        let of_key = match &self.key {
            RowKey::Target(key) => key.to_string() == text || key.id.to_string() == text,
            RowKey::Pod(uid) => *uid.0 == *text,
        };
        let endpoint = self.endpoint.as_ref();
        of_key
            || endpoint.is_some_and(|it| it.pod.as_deref() == Some(text))
            || endpoint.is_some_and(|it| it.pod.is_none() && it.node.as_deref() == Some(text))
    }

    /// What its standing rests on in Kubernetes.
    pub(crate) fn grounds(&self) -> Grounds {
        Grounds::of(self.endpoint.as_ref(), self.wanted)
    }

    /// The uid of the pod the row is about.
    pub(crate) fn uid(&self) -> Option<&Uid> {
        self.endpoint.as_ref().and_then(|it| it.uid.as_ref())
    }

    pub fn state(&self) -> Option<&HealthState> {
        self.registered().map(|it| &it.health.state)
    }

    /// Its target, if AWS has it.
    pub(crate) fn registered(&self) -> Option<&Target> {
        self.target.as_ref().filter(|it| !it.health.not_registered())
    }

    /// Registered, and not on its way out.
    pub fn live(&self) -> bool {
        self.state().is_some_and(|it| *it != HealthState::Draining)
    }

    /// Its pod was taken out of the service by us.
    pub(crate) fn detached(&self) -> bool {
        let wait = self.endpoint.as_ref().and_then(|it| it.wait.as_ref());
        wait.is_some_and(|it| it.code == WaitCode::Detached)
    }

    /// Its pod terminates, and it still takes traffic.
    pub(crate) fn is_leaving(&self) -> bool {
        self.terminating() && self.standing == Standing::InService
    }

    pub(crate) fn terminating(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|it| it.terminating == Some(true))
    }

    /// Readiness gates of others that keep its pod from being Ready, where the pod is to stay.
    pub(crate) fn held_by(&self) -> &[OtherGate] {
        let stays = self.endpoint.as_ref().filter(|_| !self.terminating() && !self.detached());
        stays.map_or(&[], |it| &it.other_gates)
    }

    /// The health on show is older than what its standing rests on.
    pub(crate) fn has_older_health(&self) -> bool {
        self.outdated.is_some_and(Outdated::is_older_health)
    }
}

/// How many rows there are of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) wanted: u32,
    /// Wanted and in service.
    pub(crate) in_service: u32,
    /// Registered targets that are not draining.
    pub(crate) registered: u32,
    pub(crate) healthy: u32,
    pub(crate) draining: u32,
    pub(crate) problems: u32,
}

/// One zone of the group: how much is wanted there, and of that in service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneCount {
    pub(crate) zone: Arc<str>,
    pub(crate) wanted: u32,
    pub(crate) serving: u32,
}
