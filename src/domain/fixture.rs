//! Worlds for tests: one cluster, one binding on one group behind one load balancer, and pods and targets
//! in a short notation. Everything goes through `Inventory::apply`, and can be replayed without a source.

mod names;
pub(crate) mod network;
pub(crate) mod objects;

pub(crate) use self::names::API;
pub(crate) use self::names::BEGIN;
pub(crate) use self::names::GATE_OF_BINDING;
pub(crate) use self::names::NAMESPACE;
pub(crate) use self::names::arn;
pub(crate) use self::names::cluster;
pub(crate) use self::names::key;
pub(crate) use self::names::kubernetes;
pub(crate) use self::names::load_balancer_arn;
pub(crate) use self::names::named;
pub(crate) use self::names::pod_name;
pub(crate) use self::names::reference;
pub(crate) use self::names::targets_source;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::ProptestConfig;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Event;
use crate::domain::facts::cluster::Ledger;
use crate::domain::facts::cluster::Node;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::Slice;
use crate::domain::facts::cluster::SliceEndpoint;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::cluster::Workload;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::controller::ControllerSigns;
use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::GroupType;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::Target;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::judgement::history::History;
use crate::domain::judgement::report;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;

/// So many cases of a property, or as many as `PROPTEST_CASES` asks for.
pub(crate) fn few(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").is_ok();
    let cases = if asked { ProptestConfig::default().cases } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) inventory: Inventory,
    pub(crate) history: History,
    pub(crate) now: Timestamp,
    /// Every change so far, in order.
    pub(crate) log: Vec<(Observation, Timestamp)>,
    /// The Deployment is at rest with the pods there are.
    follows: bool,
}

impl World {
    /// Everything read, nothing running: a service without pods, a group without targets.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            inventory: Inventory::default(),
            history: History::default(),
            now: BEGIN,
            log: Vec::new(),
            follows: true,
        };
        let workloads = WorkloadKind::ALL;
        let kinds =
            [Kind::Pods, Kind::Services, Kind::Slices, Kind::Nodes, Kind::Events, Kind::Bindings(API)];
        for kind in kinds.into_iter().chain(workloads.map(Kind::Workloads)) {
            world.apply(Observation::Listed {
                cluster: cluster(),
                kind,
                namespace: None,
                objects: Vec::new(),
            });
        }
        world.put(Object::Binding(Box::new(objects::binding())));
        world.put(Object::Service(objects::service()));
        world.put(Object::Slice(objects::slice("testapp-1")));
        world.put(Object::Workload(objects::deployment(0)));
        world.put(Object::Node(objects::node("a")));
        world.put(Object::Node(objects::node("b")));
        world.apply(Observation::Signs { cluster: cluster(), signs: objects::signs() });
        world.apply(Observation::AllGroups(vec![objects::group()]));
        world.apply(Observation::Attributes(arn(), Attributes::default()));
        world.apply(Observation::Tags(vec![(arn(), BTreeMap::new())]));
        world.apply(Observation::LoadBalancers(vec![objects::load_balancer()]));
        world.apply(Observation::Routes(load_balancer_arn(), vec![objects::listener(1)]));
        world.targets("")
    }

    /// `PODS | TARGETS`, each separated by commas: `10.0.0.1 ready b, p1 unscheduled | 10.0.0.1 unhealthy Timeout b`.
    pub(crate) fn of(text: &str) -> Self {
        Self::new().with(text)
    }

    /// The same with instance targets: node port 30080, instances `i-0a` and `i-0b`.
    pub(crate) fn instances(text: &str) -> Self {
        let mut world = Self::new();
        world.service(|it| {
            it.kind = ServiceType::NodePort;
            it.ports[0].node_port = Some(30080);
        });
        world.binding(|it| it.target_type = Some(TargetType::Instance));
        world.group(|it| it.kind = GroupType::Instance);
        world.with(text)
    }

    fn with(mut self, text: &str) -> Self {
        let (pods, targets) = text.split_once('|').unwrap_or((text, ""));
        for pod in pods.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            self.pod(pod);
        }
        self.targets(targets)
    }

    pub(crate) fn apply(&mut self, change: Observation) {
        self.log.push((change.clone(), self.now));
        self.inventory.apply(change, self.now);
    }

    pub(crate) fn put(&mut self, object: Object) {
        self.apply(Observation::Applied { cluster: cluster(), object });
    }

    pub(crate) fn remove(&mut self, kind: Kind, name: &str) {
        let namespace = if kind == Kind::Nodes { "" } else { NAMESPACE };
        let key = (kind, ObjectName::new(namespace, name));
        self.apply(Observation::Removed { cluster: cluster(), key });
    }

    pub(crate) fn later(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    /// `ADDRESS CONDITION [NODE]`, where a pod without an address has a plain name. Its endpoint goes into
    /// the first slice. Conditions: ready, unready, terminating, pulling, crashing, starting, unscheduled,
    /// gated, finished.
    pub(crate) fn pod(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        let (word, condition) = (words.next().unwrap(), words.next().unwrap());
        let pod = objects::pod(word, condition, words.next().unwrap_or("a"), self.now);
        let endpoint = (!pod.ips.is_empty() && !pod.finished()).then(|| objects::endpoint(&pod));
        let name: Arc<str> = pod.name.name.as_str().into();
        self.put(Object::Pod(pod));
        self.slice("testapp-1", |it| {
            it.endpoints.retain(|old| old.pod.as_ref().is_none_or(|(of, _)| *of != name));
            it.endpoints.extend(endpoint);
        });
        self.follow();
    }

    /// The pod is gone, and with it its endpoint.
    pub(crate) fn gone(&mut self, word: &str) {
        let name = pod_name(word);
        self.remove(Kind::Pods, &name);
        self.slice("testapp-1", |it| {
            it.endpoints.retain(|old| old.pod.as_ref().is_none_or(|(of, _)| **of != *name));
        });
        self.follow();
    }

    fn follow(&mut self) {
        let pods = self.cluster().pods.values();
        let live =
            pods.filter(|it| objects::service().selects(it) && !it.finished() && !it.terminating()).count();
        if self.follows {
            self.put(Object::Workload(objects::deployment(u32::try_from(live).unwrap())));
        }
    }

    /// The answer to a question asked a second from now: `ADDRESS STATE [REASON] [ZONE]`, separated by commas.
    pub(crate) fn targets(mut self, text: &str) -> Self {
        self.answer(text);
        self
    }

    pub(crate) fn answer(&mut self, text: &str) {
        self.later(1);
        let targets =
            text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(objects::target).collect();
        let answer = Targets { targets, asked: self.now, unreadable: 0 };
        self.apply(Observation::Targets(arn(), answer));
    }

    /// The health is asked for again and comes back `edit`ed.
    pub(crate) fn ask(&mut self, edit: impl FnOnce(&mut Vec<Target>)) {
        self.later(1);
        let mut targets = self.inventory.groups[&arn()].targets.clone().unwrap().targets;
        edit(&mut targets);
        self.apply(Observation::Targets(arn(), Targets { targets, asked: self.now, unreadable: 0 }));
    }

    pub(crate) fn binding(&mut self, edit: impl FnOnce(&mut Binding)) {
        let mut it = self.inventory.binding(&reference()).unwrap().clone();
        edit(&mut it);
        self.put(Object::Binding(Box::new(it)));
    }

    pub(crate) fn service(&mut self, edit: impl FnOnce(&mut Service)) {
        let mut it = self.cluster().services[&named("testapp")].clone();
        edit(&mut it);
        self.put(Object::Service(it));
    }

    pub(crate) fn slice(&mut self, name: &str, edit: impl FnOnce(&mut Slice)) {
        let mut it = self.cluster().slices.get(&named(name)).cloned().unwrap_or_else(|| objects::slice(name));
        edit(&mut it);
        self.put(Object::Slice(it));
    }

    /// Edits the endpoint of an address in the first slice.
    pub(crate) fn endpoint(&mut self, address: &str, edit: impl FnOnce(&mut SliceEndpoint)) {
        let address: IpAddr = address.parse().unwrap();
        self.slice("testapp-1", |it| {
            edit(it.endpoints.iter_mut().find(|it| it.addresses.contains(&address)).unwrap());
        });
    }

    pub(crate) fn edit_pod(&mut self, word: &str, edit: impl FnOnce(&mut Pod)) {
        let mut it = self.cluster().pods[&named(&pod_name(word))].clone();
        edit(&mut it);
        self.put(Object::Pod(it));
    }

    pub(crate) fn node(&mut self, letter: &str, edit: impl FnOnce(&mut Node)) {
        let known = self.cluster().nodes.get(&format!("node-{letter}")).cloned();
        let mut it = known.unwrap_or_else(|| objects::node(letter));
        edit(&mut it);
        self.put(Object::Node(it));
    }

    /// Edits the Deployment, which from now on stays as it is.
    pub(crate) fn deployment(&mut self, edit: impl FnOnce(&mut Workload)) {
        let mut it = self.cluster().workloads[&(WorkloadKind::Deployment, named("testapp"))].clone();
        edit(&mut it);
        self.follows = false;
        self.put(Object::Workload(it));
    }

    pub(crate) fn signs(&mut self, edit: impl FnOnce(&mut ControllerSigns)) {
        let mut signs = self.cluster().signs.clone();
        edit(&mut signs);
        self.apply(Observation::Signs { cluster: cluster(), signs });
    }

    /// What the `ConfigMap` of the multi-cluster binding lists; `None`: it is missing.
    pub(crate) fn ledger(&mut self, targets: Option<&[&str]>) {
        let name = reference().ledger();
        let listed = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
        let ledger = targets.map(|it| Ledger { name: name.clone(), targets: listed(it) });
        self.apply(Observation::Ledger { cluster: cluster(), name, ledger });
    }

    pub(crate) fn event(&mut self, reason: &str, message: &str) {
        self.put(Object::Event(Event {
            name: named(&format!("testapptgb.{reason}")),
            about: "testapptgb".to_owned(),
            warning: reason != "SuccessfullyReconciled",
            reason: reason.into(),
            message: message.into(),
            at: Some(self.now),
            count: 1,
        }));
    }

    pub(crate) fn group(&mut self, edit: impl FnOnce(&mut TargetGroup)) {
        let mut it = self.inventory.groups[&arn()].group.clone().unwrap();
        edit(&mut it);
        self.apply(Observation::Groups(vec![it]));
    }

    pub(crate) fn attribute(&mut self, name: &str, value: &str) {
        let mut it = self.inventory.groups[&arn()].attributes.clone().unwrap();
        it.0.insert(name.to_owned(), value.to_owned());
        self.apply(Observation::Attributes(arn(), it));
    }

    pub(crate) fn load_balancer(&mut self, edit: impl FnOnce(&mut LoadBalancer)) {
        let mut it = self.inventory.load_balancers[&load_balancer_arn()].clone();
        edit(&mut it);
        self.apply(Observation::LoadBalancers(vec![it]));
    }

    pub(crate) fn routes(&mut self, listeners: Vec<Listener>) {
        self.apply(Observation::Routes(load_balancer_arn(), listeners));
    }

    /// As if a source had never been read: everything else, once more.
    pub(crate) fn unread(&mut self, source: &Source) {
        self.log.retain(|(change, _)| objects::source_of(change) != *source);
        self.inventory = Inventory::default();
        for (change, at) in &self.log {
            self.inventory.apply(change.clone(), *at);
        }
    }

    pub(crate) fn failed(&mut self, source: Source) {
        self.fails(source, ErrorKind::Denied);
    }

    pub(crate) fn with_failure(mut self, source: Source, kind: ErrorKind) -> Self {
        self.fails(source, kind);
        self
    }

    fn fails(&mut self, source: Source, kind: ErrorKind) {
        let failure = Failure::new("read", kind, "not permitted to read");
        self.apply(Observation::Failed(source, failure));
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.inventory.clusters[&cluster()]
    }

    pub(crate) fn report(&self) -> Report {
        self.report_on(&Subject::Binding(reference()))
    }

    pub(crate) fn report_on(&self, subject: &Subject) -> Report {
        report::judge(&self.inventory, subject, &self.history, self.now).unwrap()
    }

    /// Judges and remembers the judgement, as the program does at every tick.
    pub(crate) fn look(&mut self) -> Report {
        let report = self.report();
        self.history.note(&report.rows, (report.word(), report.whole), self.now);
        report
    }

    /// The row of an address, an instance or a pod without either.
    pub(crate) fn row(&self, word: &str) -> Row {
        let report = self.report();
        let uid = Uid::new(&pod_name(word));
        let row = report.row(&RowKey::Target(key(word))).or_else(|| report.row(&RowKey::Pod(uid)));
        row.unwrap_or_else(|| panic!("no row {word} in {:?}", report.rows)).clone()
    }

    /// `10.0.0.1 in service, p1 waiting`: all rows in the order of their keys.
    pub(crate) fn standings(&self) -> String {
        let mut rows = self.report().rows;
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        let text = |row: &Row| {
            let key = row.key.to_string();
            let short =
                key.trim_end_matches(":8080").trim_end_matches(":30080").trim_start_matches("testapp-");
            format!("{short} {}", row.standing.word())
        };
        rows.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}
