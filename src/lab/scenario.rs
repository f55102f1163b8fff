//! Scenarios: worlds written down as TOML, with what happens in them and when.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Deserializer;

use super::clock::Millis;
use super::fault::Wrong;

/// The scenarios that come with the program, in the order they are listed.
const BUILT_IN: &[(&str, &str)] = &[
    ("workshop", include_str!("../../assets/scenarios/workshop.toml")),
    ("rollout", include_str!("../../assets/scenarios/rollout.toml")),
    ("outage", include_str!("../../assets/scenarios/outage.toml")),
    ("drift", include_str!("../../assets/scenarios/drift.toml")),
    ("crashloop", include_str!("../../assets/scenarios/crashloop.toml")),
    ("throttling", include_str!("../../assets/scenarios/throttling.toml")),
    ("expired-credentials", include_str!("../../assets/scenarios/expired-credentials.toml")),
    ("stuck-finalizer", include_str!("../../assets/scenarios/stuck-finalizer.toml")),
    ("no-controller", include_str!("../../assets/scenarios/no-controller.toml")),
    ("two-writers", include_str!("../../assets/scenarios/two-writers.toml")),
    ("wrong-port", include_str!("../../assets/scenarios/wrong-port.toml")),
    ("wrong-path", include_str!("../../assets/scenarios/wrong-path.toml")),
    ("ingress-made", include_str!("../../assets/scenarios/ingress-made.toml")),
    ("nlb", include_str!("../../assets/scenarios/nlb.toml")),
    ("blue-green", include_str!("../../assets/scenarios/blue-green.toml")),
    ("instance", include_str!("../../assets/scenarios/instance.toml")),
    ("large", include_str!("../../assets/scenarios/large.toml")),
];

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("no scenario {name:?}; there are {}", .known.join(", "))]
    Unknown { name: String, known: Vec<&'static str> },
    #[error("scenario {name}: {error}")]
    Wrong { name: String, error: Box<toml::de::Error> },
}

/// A span of time, written like `1m30s`; in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span(pub(crate) Millis);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let span: jiff::SignedDuration = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// Tables of a scenario, every key checked.
macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Deserialize)]
            #[serde(rename_all = "kebab-case", deny_unknown_fields)]
            pub struct $name {
                $($(#[$attr])* pub $field: $type,)*
            }
        )*
    };
}

type Map = BTreeMap<String, String>;

tables! {
    /// A whole world and its story.
    Scenario {
        /// One line for `demo --list`.
        summary: String,
        /// The name it was asked for by.
        #[serde(skip)]
        name: String,
        #[serde(default = "one")]
        seed: u64,
        /// The namespace the program opens.
        #[serde(default = "workshop")]
        namespace: String,
        /// What the program opens, in its own words.
        open: Option<String>,
        /// How much past the world has when it is first seen.
        #[serde(default = "ten_minutes")]
        warm_up: Span,
        /// No events are recorded of the time before it is first seen.
        #[serde(default)]
        quiet: bool,
        controller: Option<Controller>,
        /// Pods have interfaces of their own, with a security group of this name.
        pod_security_group: Option<String>,
        #[serde(default, rename = "node")]
        nodes: Vec<Node>,
        #[serde(default, rename = "image")]
        images: Vec<Image>,
        #[serde(default, rename = "group")]
        groups: Vec<Group>,
        #[serde(default, rename = "load-balancer")]
        load_balancers: Vec<LoadBalancer>,
        #[serde(default, rename = "app")]
        apps: Vec<App>,
        #[serde(default, rename = "step")]
        steps: Vec<Step>,
    }
    /// The AWS Load Balancer Controller.
    Controller {
        #[serde(default = "newest")]
        version: String,
        #[serde(default = "cluster")]
        cluster_name: String,
        /// Bindings of EKS Auto Mode instead, by a controller outside the cluster.
        #[serde(default)]
        auto_mode: bool,
        /// How much longer it takes than it should.
        #[serde(default)]
        slow: Span,
        /// It is installed, but none of its pods runs.
        #[serde(default)]
        down: bool,
        /// What its security-group step ends with, for bindings that have `networking`.
        network_error: Option<String>,
    }
    Node {
        /// The zone's letter.
        zone: String,
        #[serde(default = "one")]
        count: u64,
    }
    /// How an image behaves; a step changes it with the same table.
    Image {
        name: String,
        start: Option<Span>,
        ready: Option<Span>,
        stop: Option<Span>,
        #[serde(default)]
        never_ready: bool,
        pull_error: Option<String>,
        crash_after: Option<Span>,
        exit_code: Option<i64>,
        #[serde(default)]
        out_of_memory: bool,
        /// A status code, `slow` or `refused`.
        answers: Option<String>,
        /// The paths there are; everything else is 404.
        #[serde(default)]
        paths: Vec<String>,
    }
    Group {
        name: String,
        #[serde(default = "one")]
        count: u64,
        #[serde(default = "http")]
        protocol: String,
        #[serde(default = "eighty")]
        port: u16,
        /// `ip` or `instance`.
        #[serde(default = "ip", rename = "type")]
        target_type: String,
        #[serde(default = "slash")]
        path: String,
        #[serde(default = "matcher")]
        matcher: String,
        check_port: Option<u16>,
        #[serde(default = "ten")]
        interval: i64,
        #[serde(default = "five")]
        timeout: i64,
        #[serde(default = "five")]
        healthy: i64,
        #[serde(default = "two")]
        unhealthy: i64,
        /// Seconds a target drains.
        #[serde(default = "delay")]
        delay: i64,
        /// The load balancer's packets are let through on port 80 alone.
        #[serde(default)]
        closed: bool,
        #[serde(default)]
        attributes: Map,
        #[serde(default)]
        tags: Map,
    }
    LoadBalancer {
        name: String,
        /// `application` or `network`.
        #[serde(default = "application", rename = "type")]
        kind: String,
        zones: Vec<String>,
        /// It has addresses of both families.
        #[serde(default)]
        dual_stack: bool,
        /// A network load balancer that was made without one.
        #[serde(default)]
        no_security_group: bool,
        #[serde(default)]
        tags: Map,
        #[serde(default, rename = "listener")]
        listeners: Vec<Listener>,
    }
    Listener {
        #[serde(default = "http")]
        protocol: String,
        port: u16,
        /// Groups with their weights.
        forward: BTreeMap<String, i64>,
        #[serde(default, rename = "rule")]
        rules: Vec<Rule>,
    }
    Rule {
        priority: u32,
        path: Option<String>,
        host: Option<String>,
        /// `ipv4` or `ipv6`, of dual-stack network load balancers.
        family: Option<String>,
        forward: BTreeMap<String, i64>,
    }
    /// A Deployment with its service, and the binding that puts it behind a group.
    App {
        name: String,
        #[serde(default = "one")]
        count: u64,
        namespace: Option<String>,
        image: String,
        replicas: i64,
        /// The service's port and the container's.
        #[serde(default = "eighty")]
        port: u16,
        #[serde(default = "container_port")]
        container_port: u16,
        /// What the service sends to, if that is another.
        target_port: Option<u16>,
        #[serde(default = "cluster_ip")]
        service_type: String,
        traffic_policy: Option<String>,
        /// Readiness gates for this namespace's pods.
        #[serde(default)]
        gates: bool,
        max_surge: Option<u32>,
        max_unavailable: Option<u32>,
        binding: Option<Binding>,
    }
    Binding {
        name: String,
        group: String,
        #[serde(default)]
        multi_cluster: bool,
        /// The controller made it, and its group, from this.
        made_from: Option<Maker>,
        /// Has a `networking` part.
        #[serde(default)]
        networking: bool,
    }
    /// An object the controller makes load balancers, groups and bindings from.
    Maker {
        /// `Ingress` or `Gateway`.
        kind: String,
        name: String,
        /// What its last deployment failed with.
        failed: Option<String>,
    }
    /// What happens at a time after the beginning; one or more of the acts below.
    Step {
        at: Span,
        /// Again and again.
        every: Option<Span>,
        scale: Option<Scale>,
        set_image: Option<SetImage>,
        restart: Option<OfApp>,
        delete_pod: Option<OfPod>,
        evict: Option<OfPod>,
        label_pod: Option<LabelPod>,
        image: Option<Image>,
        close: Option<OfGroup>,
        open: Option<OfGroup>,
        register: Option<Targets>,
        deregister: Option<Targets>,
        weights: Option<Weights>,
        instance: Option<InstanceState>,
        node_down: Option<OfNode>,
        node_up: Option<OfNode>,
        controller_down: Option<bool>,
        checkpoint: Option<Checkpoint>,
        service_port: Option<ServicePort>,
        delete_service: Option<OfApp>,
        delete_binding: Option<OfBinding>,
        fault: Option<Fault>,
        /// The fault on this is over.
        mend: Option<String>,
        /// The API server forgets its history.
        forget: Option<bool>,
    }
    Scale { app: String, replicas: i64, }
    SetImage { app: String, image: String, }
    OfApp { app: String, }
    /// The pod of an app at a place in the order of names.
    OfPod { app: String, #[serde(default)] index: usize, }
    LabelPod { app: String, #[serde(default)] index: usize, label: String, value: Option<String>, }
    OfGroup { group: String, }
    /// Addresses with ports, or pods of an app.
    Targets { group: String, #[serde(default)] addresses: Vec<String>, app: Option<String>, #[serde(default)] index: usize, }
    Weights { load_balancer: String, port: u16, priority: Option<u32>, forward: BTreeMap<String, i64>, }
    InstanceState { node: usize, running: bool, }
    OfNode { node: usize, }
    Checkpoint { binding: String, value: String, }
    ServicePort { binding: String, port: u16, }
    OfBinding { binding: String, }
    Fault {
        on: String,
        wrong: Wrong,
        #[serde(default)]
        latency: u64,
        who: Option<String>,
        #[serde(rename = "for")]
        lasts: Option<Span>,
        times: Option<u32>,
        skip: Option<u32>,
    }
}

fn one() -> u64 {
    1
}
fn workshop() -> String {
    "workshop".to_owned()
}
fn ten_minutes() -> Span {
    Span(600_000)
}
fn newest() -> String {
    "3.5.0".to_owned()
}
fn cluster() -> String {
    "eksworkshop".to_owned()
}
fn http() -> String {
    "HTTP".to_owned()
}
fn ip() -> String {
    "ip".to_owned()
}
fn slash() -> String {
    "/".to_owned()
}
fn matcher() -> String {
    "200".to_owned()
}
fn application() -> String {
    "application".to_owned()
}
fn cluster_ip() -> String {
    "ClusterIP".to_owned()
}
fn eighty() -> u16 {
    80
}
fn container_port() -> u16 {
    8080
}
fn two() -> i64 {
    2
}
fn five() -> i64 {
    5
}
fn ten() -> i64 {
    10
}
fn delay() -> i64 {
    60
}

impl Scenario {
    /// One of the scenarios that come with the program.
    pub fn built_in(name: &str) -> Result<Self, ScenarioError> {
        let known = || BUILT_IN.iter().map(|it| it.0).collect();
        let found = BUILT_IN.iter().find(|it| it.0 == name);
        let (name, text) =
            found.ok_or_else(|| ScenarioError::Unknown { name: name.to_owned(), known: known() })?;
        Self::parse(name, text)
    }

    /// Every scenario that comes with the program.
    pub fn all() -> Result<Vec<Self>, ScenarioError> {
        BUILT_IN.iter().map(|(name, text)| Self::parse(name, text)).collect()
    }

    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let wrong = |error| ScenarioError::Wrong { name: name.to_owned(), error: Box::new(error) };
        let mut scenario: Self = toml::from_str(text).map_err(wrong)?;
        name.clone_into(&mut scenario.name);
        Ok(scenario)
    }
}

impl Step {
    /// A step alone, for whoever directs a lab by hand.
    pub(crate) fn parse(text: &str) -> Result<Self, ScenarioError> {
        let wrong = |error| ScenarioError::Wrong { name: "step".to_owned(), error: Box::new(error) };
        toml::from_str(&format!("at = \"0s\"\n{text}")).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_read_and_says_what_it_is_in_a_line() {
        for scenario in Scenario::all().unwrap() {
            let n = scenario.summary.chars().count();
            assert!((20..=90).contains(&n), "{}: {}", scenario.name, scenario.summary);
        }
    }

    #[test]
    fn a_wrong_key_is_named() {
        let error = Scenario::parse("x", "summary = \"a\"\nwarm = \"1s\"").unwrap_err().to_string();
        assert!(error.contains("unknown field `warm`"), "{error}");
        let error = Scenario::built_in("nothing").unwrap_err().to_string();
        assert!(error.contains("workshop, rollout"), "{error}");
    }
}
