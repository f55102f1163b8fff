//! Everything seen of the outside, as it was last seen: objects of clusters, groups and routes of AWS, and
//! how fresh each source is. `apply` folds one change in and names the bindings and groups it touches.

mod fold;
mod index;
mod learn;
mod lookup;

pub(crate) mod deployment;
pub mod follow;
pub(crate) mod locate;
pub(crate) mod needs;
pub(crate) mod network;
pub mod routes;
pub(crate) mod unbound;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::access::Allowed;
use crate::domain::facts::access::Verb;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Event;
use crate::domain::facts::cluster::Guarding;
use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::cluster::Ledger;
use crate::domain::facts::cluster::Node;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::Slice;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::controller::ControllerSigns;
use crate::domain::facts::ec2::NetworkAnswer;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::Caller;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::index::Index;
use crate::domain::inventory::network::Network;

/// A kind of Kubernetes object that is watched on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Pods,
    Services,
    Slices,
    Nodes,
    Workloads(WorkloadKind),
    Bindings(BindingApi),
    Ledgers,
    Events,
    Guarding(GuardingKind),
    Controller,
}

/// Where facts come from; each has its own freshness and its own failures.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    Kubernetes(ClusterId, Kind),
    Caller,
    /// All groups of the region.
    Groups,
    /// One group, as it is read for a binding: by the identity that asks for it.
    Group(TargetGroupArn),
    Targets(TargetGroupArn),
    Attributes(TargetGroupArn),
    LoadBalancer(LoadBalancerArn),
    Routes(LoadBalancerArn),
    Tags(TargetGroupArn),
    Network(NetworkPart),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// When it was last read in whole or, for a watch, when its list was complete or first failed to stay so.
    pub(crate) read: Option<Timestamp>,
    /// Its last failure, gone with the next success.
    pub failed: Option<(Timestamp, Failure)>,
    /// Objects that could not be understood, by name; each costs only itself.
    pub skipped: BTreeMap<String, String>,
}

/// One object of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    Pod(Pod),
    Service(Service),
    Slice(Slice),
    Node(Node),
    Workload(Workload),
    Binding(Box<Binding>),
    Event(Event),
    Guarding(Guarding),
}

/// What identifies an object among its kind; nodes have an empty namespace.
pub(crate) type Key = (Kind, ObjectName);

/// Something seen outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observation {
    /// A source that is there and about to be read.
    Awaited(Source),
    /// A whole list: what it does not hold is gone. `namespace: None` covers the cluster.
    Listed {
        cluster: ClusterId,
        kind: Kind,
        namespace: Option<String>,
        objects: Vec<Object>,
    },
    Applied {
        cluster: ClusterId,
        object: Object,
    },
    Removed {
        cluster: ClusterId,
        key: Key,
    },
    /// An object that could not be understood.
    Skipped {
        cluster: ClusterId,
        kind: Kind,
        name: ObjectName,
        problem: String,
    },
    Signs {
        cluster: ClusterId,
        signs: ControllerSigns,
    },
    /// The `ConfigMap` of a multi-cluster binding; `None`: it does not exist.
    Ledger {
        cluster: ClusterId,
        name: ObjectName,
        ledger: Option<Ledger>,
    },
    /// What we may do in a namespace of a cluster.
    Permitted {
        cluster: ClusterId,
        namespace: Option<String>,
        allowed: Vec<(Verb, bool)>,
    },
    /// Whether a namespace has the label for readiness gates.
    Gated {
        cluster: ClusterId,
        namespace: String,
        gated: bool,
    },
    Groups(Vec<TargetGroup>),
    /// Every group of the region.
    AllGroups(Vec<TargetGroup>),
    Attributes(TargetGroupArn, Attributes),
    Tags(Vec<(TargetGroupArn, BTreeMap<String, String>)>),
    Targets(TargetGroupArn, Targets),
    LoadBalancers(Vec<LoadBalancer>),
    /// All listeners of a load balancer with all their rules.
    Routes(LoadBalancerArn, Vec<Listener>),
    /// The listeners of a load balancer, each with its default action as its only rule.
    Listeners(LoadBalancerArn, Vec<Listener>),
    /// All rules of one listener.
    Rules(LoadBalancerArn, ListenerArn, Vec<Rule>),
    /// A load balancer's own cross-zone setting.
    CrossZone(LoadBalancerArn, Option<bool>),
    /// AWS was asked for this alone and says that it does not exist.
    Gone(Gone),
    Caller(Caller),
    Network(NetworkAnswer),
    /// Tags of load balancers and rules, by ARN.
    Marks(Vec<(Arc<str>, BTreeMap<String, String>)>),
    Failed(Source, Failure),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    pub(crate) pods: BTreeMap<ObjectName, Pod>,
    pub(crate) services: BTreeMap<ObjectName, Service>,
    pub(crate) slices: BTreeMap<ObjectName, Slice>,
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) workloads: BTreeMap<(WorkloadKind, ObjectName), Workload>,
    pub(crate) bindings: BTreeMap<(BindingApi, ObjectName), Binding>,
    /// Read `ConfigMaps` of multi-cluster bindings; `None`: read and missing.
    pub(crate) ledgers: BTreeMap<ObjectName, Option<Ledger>>,
    pub(crate) events: BTreeMap<ObjectName, Event>,
    /// What guards pods by their labels, in the namespace of the open board.
    pub(crate) guarding: BTreeMap<(GuardingKind, ObjectName), Guarding>,
    pub signs: ControllerSigns,
    /// What we may do, by namespace, as the API server said.
    pub(crate) permitted: BTreeMap<Option<String>, Allowed>,
    /// Whether the controller puts readiness gates into pods that are made in a namespace, by its label.
    pub(crate) gated: BTreeMap<String, bool>,
    /// Which namespace the list of each kind covers; `None`: all of them.
    pub(crate) covered: BTreeMap<Kind, Option<String>>,
    /// When a slice, pod, service or the binding itself last changed, for each binding.
    pub(crate) changed: BTreeMap<(BindingApi, ObjectName), Timestamp>,
    index: Index,
}

/// What AWS does not have any more though something still names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Gone {
    Group(TargetGroupArn),
    LoadBalancer(LoadBalancerArn),
}

/// A listener with its default action, and its rules as far as they were read: they are asked for one listener at a
/// time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) listener: Listener,
    pub(crate) rules: Option<Vec<Rule>>,
}

/// A target group as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownGroup {
    pub(crate) group: Option<TargetGroup>,
    pub(crate) attributes: Option<Attributes>,
    pub tags: Option<BTreeMap<String, String>>,
    pub targets: Option<Targets>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    pub clusters: BTreeMap<ClusterId, Cluster>,
    pub groups: BTreeMap<TargetGroupArn, KnownGroup>,
    pub load_balancers: BTreeMap<LoadBalancerArn, LoadBalancer>,
    /// Listeners and rules of each load balancer that were read in whole.
    pub(crate) routes: BTreeMap<LoadBalancerArn, Vec<Listener>>,
    /// The same in pieces, as they come.
    pub(crate) heard: BTreeMap<LoadBalancerArn, Vec<Heard>>,
    pub(crate) gone: BTreeSet<Gone>,
    pub(crate) caller: Option<Caller>,
    pub(crate) network: Network,
    /// Tags of load balancers and rules, by ARN.
    pub(crate) marks: BTreeMap<Arc<str>, BTreeMap<String, String>>,
    pub sources: BTreeMap<Source, Freshness>,
}

/// What a change makes stale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub(crate) bindings: BTreeSet<BindingRef>,
    pub(crate) groups: BTreeSet<TargetGroupArn>,
    /// Everything: something all judgements hang on changed.
    pub(crate) all: bool,
}

impl Inventory {
    pub(crate) fn cluster(&self, id: &ClusterId) -> Option<&Cluster> {
        self.clusters.get(id)
    }

    pub fn binding(&self, reference: &BindingRef) -> Option<&Binding> {
        self.cluster(&reference.cluster)?.bindings.get(&reference.key())
    }

    /// Every binding of every cluster.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = (BindingRef, &Binding)> {
        self.clusters.iter().flat_map(|(cluster, it)| {
            it.bindings.iter().map(|((api, name), binding)| (BindingRef::of(cluster, *api, name), binding))
        })
    }

    pub(crate) fn freshness(&self, source: &Source) -> Option<&Freshness> {
        self.sources.get(source)
    }

    /// Whether a kind of a cluster was read at least once.
    pub(crate) fn has_read(&self, cluster: &ClusterId, kind: Kind) -> bool {
        self.freshness(&Source::Kubernetes(cluster.clone(), kind)).is_some_and(|it| it.read.is_some())
    }

    /// Something of the network was asked for: no source sorts after those.
    pub(crate) fn asks_network(&self) -> bool {
        self.sources.last_key_value().is_some_and(|(it, _)| matches!(it, Source::Network(_)))
    }

    /// Whether an object is there that could not be understood.
    pub(crate) fn has_skipped(&self, cluster: &ClusterId, kind: Kind, name: &ObjectName) -> bool {
        let freshness = self.freshness(&Source::Kubernetes(cluster.clone(), kind));
        freshness.is_some_and(|it| !it.skipped.is_empty() && it.skipped.contains_key(&name.to_string()))
    }

    /// Folds one change in, as seen at `at`.
    pub fn apply(&mut self, change: Observation, at: Timestamp) -> Touched {
        match change {
            Observation::Listed { cluster, kind, namespace, objects } => {
                self.listed(&cluster, (kind, namespace), objects, at)
            }
            Observation::Applied { cluster, object } => {
                let (kind, name) = object.key();
                let freshness = self.watched(Source::Kubernetes(cluster.clone(), kind));
                let all = freshness.skipped.remove(&name.to_string()).is_some();
                let mut touched = Touched { all, ..Touched::default() };
                self.clusters.entry(cluster.clone()).or_default().put(&cluster, object, at, &mut touched);
                touched
            }
            Observation::Removed { cluster, key } => {
                let freshness = self.watched(Source::Kubernetes(cluster.clone(), key.0));
                let all = freshness.skipped.remove(&key.1.to_string()).is_some();
                let mut touched = Touched { all, ..Touched::default() };
                self.clusters.entry(cluster.clone()).or_default().remove(&cluster, &key, at, &mut touched);
                touched
            }
            Observation::Skipped { cluster, kind, name, problem } => {
                let freshness = self.watched(Source::Kubernetes(cluster, kind));
                let all = freshness.skipped.insert(name.to_string(), problem).is_none();
                Touched { all, ..Touched::default() }
            }
            Observation::Signs { cluster, signs } => {
                self.read(Source::Kubernetes(cluster.clone(), Kind::Controller), at);
                let known = self.clusters.entry(cluster).or_default();
                let all = known.signs != signs;
                known.signs = signs;
                Touched { all, ..Touched::default() }
            }
            Observation::Ledger { cluster, name, ledger } => {
                self.read(Source::Kubernetes(cluster.clone(), Kind::Ledgers), at);
                let known = self.clusters.entry(cluster.clone()).or_default();
                let mut touched = Touched::default();
                if known.ledgers.insert(name.clone(), ledger.clone()) != Some(ledger) {
                    known.touch_namespace(&cluster, &name.namespace, &mut touched);
                }
                touched
            }
            Observation::Permitted { cluster, namespace, allowed } => {
                self.clusters
                    .entry(cluster)
                    .or_default()
                    .permitted
                    .insert(namespace, allowed.into_iter().collect());
                Touched::default()
            }
            Observation::Gated { cluster, namespace, gated } => {
                self.clusters.entry(cluster).or_default().gated.insert(namespace, gated);
                Touched::default()
            }
            Observation::Failed(source, failure) => self.failed(source, failure, at),
            Observation::Awaited(source) => {
                self.sources.entry(source).or_default();
                Touched::default()
            }
            aws => self.learn(aws, at),
        }
    }

    /// All objects of a kind in a namespace, or everywhere: what is not among them is gone.
    fn listed(
        &mut self,
        cluster: &ClusterId,
        (kind, namespace): (Kind, Option<String>),
        objects: Vec<Object>,
        at: Timestamp,
    ) -> Touched {
        let freshness = self.read(Source::Kubernetes(cluster.clone(), kind), at);
        freshness.skipped.clear();
        let known = self.clusters.entry(cluster.clone()).or_default();
        known.covered.insert(kind, namespace.clone());
        let gone = known.keys(kind, namespace.as_deref());
        let mut touched = Touched::default();
        let mut kept = BTreeSet::new();
        for object in objects {
            kept.insert(object.key());
            known.put(cluster, object, at, &mut touched);
        }
        for key in gone.difference(&kept) {
            known.remove(cluster, key, at, &mut touched);
        }
        // The first list of a kind makes judgements possible, even an empty one.
        touched.all = true;
        touched
    }

    fn failed(&mut self, source: Source, failure: Failure, at: Timestamp) -> Touched {
        let mut touched = Touched::default();
        match &source {
            Source::Targets(arn) | Source::Attributes(arn) => {
                self.groups.entry(arn.clone()).or_default();
                touched.groups.insert(arn.clone());
            }
            _ => touched.all = true,
        }
        let watched = match &source {
            Source::Kubernetes(_, kind) => !matches!(kind, Kind::Ledgers | Kind::Controller),
            _ => false,
        };
        let freshness = self.sources.entry(source).or_default();
        if watched && freshness.failed.is_none() && freshness.read.is_some() {
            // A watch was up to date until it first failed.
            freshness.read = Some(at);
        }
        freshness.failed = Some((at, failure));
        touched
    }

    fn read(&mut self, source: Source, at: Timestamp) -> &mut Freshness {
        let freshness = self.sources.entry(source).or_default();
        freshness.read = Some(at);
        freshness.failed = None;
        freshness
    }

    /// A watch that delivers is alive again.
    fn watched(&mut self, source: Source) -> &mut Freshness {
        let freshness = self.sources.entry(source).or_default();
        if freshness.read.is_some() {
            freshness.failed = None;
        }
        freshness
    }
}

impl Object {
    pub fn key(&self) -> Key {
        match self {
            Self::Pod(it) => (Kind::Pods, it.name.clone()),
            Self::Service(it) => (Kind::Services, it.name.clone()),
            Self::Slice(it) => (Kind::Slices, it.name.clone()),
            Self::Node(it) => (Kind::Nodes, ObjectName::new("", &it.name)),
            Self::Workload(it) => (Kind::Workloads(it.kind), it.name.clone()),
            Self::Binding(it) => (Kind::Bindings(it.api), it.name.clone()),
            Self::Event(it) => (Kind::Events, it.name.clone()),
            Self::Guarding(it) => (Kind::Guarding(it.kind), it.name.clone()),
        }
    }
}
