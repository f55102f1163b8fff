//! The rules against what a real API server, the real controller and AWS did, line by line. The recordings
//! hold no services, nodes and workloads: the service appears with the steps that made and deleted it, the two
//! nodes are Ready throughout, as they were.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use tgscope::domain::facts::cluster::Service;
use tgscope::domain::facts::cluster::ServicePort;
use tgscope::domain::facts::cluster::ServiceType;
use tgscope::domain::facts::elb::Health;
use tgscope::domain::facts::elb::HealthState;
use tgscope::domain::facts::elb::Reason;
use tgscope::domain::facts::elb::Target;
use tgscope::domain::facts::elb::Targets;
use tgscope::domain::facts::ids::BindingApi;
use tgscope::domain::facts::ids::BindingRef;
use tgscope::domain::facts::ids::ClusterId;
use tgscope::domain::facts::ids::ObjectName;
use tgscope::domain::facts::ids::TargetGroupArn;
use tgscope::domain::facts::ids::TargetId;
use tgscope::domain::facts::ids::TargetKey;
use tgscope::domain::facts::selector::Labels;
use tgscope::domain::facts::time::Timestamp;
use tgscope::domain::inventory::Inventory;
use tgscope::domain::inventory::Kind;
use tgscope::domain::inventory::Object;
use tgscope::domain::inventory::Observation;
use tgscope::domain::judgement::checkpoint;
use tgscope::domain::judgement::desired;
use tgscope::domain::judgement::history::History;
use tgscope::domain::judgement::report;
use tgscope::domain::judgement::report::Report;
use tgscope::domain::judgement::row::Flag;
use tgscope::domain::judgement::row::Subject;
use tgscope::domain::judgement::standing::Standing;
use tgscope::domain::judgement::standing::VerdictKind;
use tgscope::domain::judgement::unsettled::Unsettled;
use tgscope::kubernetes::read;

const API: BindingApi = BindingApi::LoadBalancerController;

struct Line {
    t: f64,
    source: String,
    kind: String,
    object: Value,
}

fn lines(scene: &str) -> Vec<Line> {
    let path = format!("{}/tests/recordings/{scene}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let line = |text: &str| {
        let it: Value = serde_json::from_str(text).unwrap();
        Line {
            t: it["t"].as_f64().unwrap(),
            source: it["source"].as_str().unwrap().to_owned(),
            kind: it["type"].as_str().unwrap().to_owned(),
            object: it["object"].clone(),
        }
    };
    let mut lines: Vec<Line> = text.lines().map(line).collect();
    lines.sort_by(|a, b| a.t.total_cmp(&b.t));
    lines
}

/// A recording being played.
struct Player {
    namespace: String,
    cluster: ClusterId,
    inventory: Inventory,
    history: History,
    group: Option<TargetGroupArn>,
    early_targets: Vec<Target>,
    now: Timestamp,
}

impl Player {
    fn new(scene: &str) -> Self {
        let mut player = Self {
            namespace: format!("r-{scene}"),
            cluster: ClusterId::new("recorded"),
            inventory: Inventory::default(),
            history: History::default(),
            group: None,
            early_targets: Vec::new(),
            now: Timestamp::default(),
        };
        for kind in [Kind::Pods, Kind::Services, Kind::Slices, Kind::Bindings(API)] {
            let cluster = player.cluster.clone();
            player.change(Observation::Listed { cluster, kind, namespace: None, objects: Vec::new() });
        }
        let node = |n| {
            let text = format!(
                r#"{{"metadata":{{"name":"ip-10-42-{n}-10.us-west-2.compute.internal"}},"status":{{"conditions":[{{"type":"Ready","status":"True"}}]}}}}"#
            );
            read::object(Kind::Nodes, &text).unwrap()
        };
        let cluster = player.cluster.clone();
        let objects = vec![node(11), node(12)];
        player.change(Observation::Listed { cluster, kind: Kind::Nodes, namespace: None, objects });
        player
    }

    fn change(&mut self, change: Observation) {
        self.inventory.apply(change, self.now);
    }

    fn service(&mut self, there: bool) {
        let name = ObjectName::new(&self.namespace, "app");
        let cluster = self.cluster.clone();
        if !there {
            return self.change(Observation::Removed { cluster, key: (Kind::Services, name) });
        }
        let port = ServicePort {
            name: Some("http".into()),
            port: 80,
            target_port: Some("8080".into()),
            node_port: None,
        };
        let service = Service {
            name,
            kind: ServiceType::ClusterIp,
            selector: Labels::from([("app".to_owned(), "app".to_owned())]),
            ports: vec![port],
            publish_not_ready: false,
            local_traffic_only: false,
        };
        self.change(Observation::Applied { cluster, object: Object::Service(service) });
    }

    fn play(&mut self, line: &Line) {
        #[expect(clippy::cast_possible_truncation, reason = "a recording lasts minutes")]
        let millis = (line.t * 1000.0) as i64;
        self.now = Timestamp(1_795_000_000_000 + millis);
        let kind = match line.source.as_str() {
            "pods" => Kind::Pods,
            "endpointslices" => Kind::Slices,
            "targetgroupbindings" => Kind::Bindings(API),
            "events" => Kind::Events,
            "targets" => return self.targets(&line.object),
            "step" => return self.step(line),
            other => panic!("{other}"),
        };
        let object = read::object(kind, &line.object.to_string()).unwrap();
        if let Object::Binding(binding) = &object {
            self.group.clone_from(&binding.group);
        }
        let cluster = self.cluster.clone();
        match line.kind.as_str() {
            "DELETED" => self.change(Observation::Removed { cluster, key: object.key() }),
            _ => self.change(Observation::Applied { cluster, object }),
        }
        if let (Some(group), early) = (self.group.clone(), std::mem::take(&mut self.early_targets))
            && self.inventory.groups.get(&group).is_none_or(|it| it.targets.is_none())
        {
            self.change(Observation::Targets(
                group,
                Targets { targets: early, asked: self.now, unreadable: 0 },
            ));
        }
    }

    fn step(&mut self, line: &Line) {
        let args: Vec<&str> =
            line.object["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        match args.as_slice() {
            // The first thing applied is the service; later ones bring it back or are the binding.
            ["apply", "-f", "-"] => self.service(true),
            ["delete", "service", _] => self.service(false),
            _ => {}
        }
    }

    fn targets(&mut self, answer: &Value) {
        let text = |it: &Value| it.as_str().map(str::to_owned);
        let target = |it: &Value| {
            let id = text(&it["id"]).unwrap();
            let port = u16::try_from(it["port"].as_u64().unwrap()).unwrap();
            Target {
                key: TargetKey::new(TargetId::read(&id), port),
                zone: None,
                health: Health {
                    state: HealthState::read(&text(&it["State"]).unwrap()),
                    reason: text(&it["Reason"]).map(|it| Reason::read(&it)),
                    description: text(&it["Description"]).map(Into::into),
                },
                health_port: None,
                shifted: None,
                anomalous: false,
            }
        };
        let targets: Vec<Target> = answer.as_array().unwrap().iter().map(target).collect();
        match self.group.clone() {
            Some(group) => {
                self.change(Observation::Targets(group, Targets { targets, asked: self.now, unreadable: 0 }));
            }
            None => self.early_targets = targets,
        }
    }

    /// The health is asked for at this moment too: AWS is in the recording wherever its answer changes.
    fn ask(&mut self) {
        let Some(group) = self.group.clone() else { return };
        let known = self.inventory.groups.get(&group).and_then(|it| it.targets.clone());
        if let Some(targets) = known {
            self.change(Observation::Targets(group, Targets { asked: self.now, ..targets }));
        }
    }

    fn reference(&self) -> BindingRef {
        BindingRef {
            cluster: self.cluster.clone(),
            namespace: self.namespace.clone(),
            name: "app".to_owned(),
            api: API,
        }
    }

    fn report(&mut self) -> Option<Report> {
        let subject = Subject::Binding(self.reference());
        let report = report::judge(&self.inventory, &subject, &self.history, self.now)?;
        self.history.note(&report.rows, (report.word(), report.whole), self.now);
        Some(report)
    }

    /// What our rule wants, and what is registered and not draining.
    fn sides(&self) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
        let reference = self.reference();
        let binding = self.inventory.binding(&reference)?;
        let resolution = desired::resolve(&self.inventory, &reference, binding);
        let wanted = resolution.wanted().map(|it| it.key.to_string()).collect();
        let targets = self.inventory.groups.get(self.group.as_ref()?)?.targets.as_ref()?;
        let live = targets.targets.iter().filter(|it| it.health.state != HealthState::Draining);
        Some((wanted, live.map(|it| it.key.to_string()).collect()))
    }
}

/// Seconds without a line after which the controller is at rest: it acts within 0.3 s.
const REST: f64 = 1.0;

#[test]
fn wanted_is_what_the_controller_had_registered_whenever_it_was_at_rest() {
    let mut rests = 0;
    for scene in ["workshop", "crash", "gates"] {
        let lines = lines(scene);
        let mut player = Player::new(scene);
        for (index, line) in lines.iter().enumerate() {
            player.play(line);
            let next = lines.get(index + 1).map_or(f64::INFINITY, |it| it.t);
            if next - line.t < REST {
                continue;
            }
            let Some((wanted, registered)) = player.sides() else { continue };
            assert_eq!(wanted, registered, "{scene} at rest from {}", line.t);
            rests += 1;
        }
    }
    assert!(rests >= 30, "only {rests} rests were compared");
}

#[test]
fn the_checkpoint_recomputed_equals_the_annotation_at_each_of_its_writes() {
    let mut writes = BTreeMap::new();
    for scene in ["workshop", "crash", "gates", "drift"] {
        let mut player = Player::new(scene);
        let mut last = String::new();
        // The controller computes first and writes a moment later: a change may come in between.
        let mut recent: Vec<(f64, String)> = Vec::new();
        for line in lines(scene) {
            player.play(&line);
            let reference = player.reference();
            let Some(binding) = player.inventory.binding(&reference) else { continue };
            let resolution = desired::resolve(&player.inventory, &reference, binding);
            let Some(half) = checkpoint::endpoint_half(&resolution) else { continue };
            recent.retain(|(t, _)| line.t - t < 0.5);
            recent.push((line.t, half));
            let annotation = binding.checkpoint.clone().unwrap_or_default();
            let Some(written) = checkpoint::half_of(&annotation) else {
                last.clear();
                continue;
            };
            if line.source == "targetgroupbindings" && annotation != last {
                let known = recent.iter().any(|(_, half)| half == written);
                assert!(known, "{scene} at {}: {written} is none of {recent:?}", line.t);
                *writes.entry(scene).or_insert(0) += 1;
                last = annotation;
            }
        }
    }
    assert_eq!(writes, BTreeMap::from([("crash", 5), ("drift", 10), ("gates", 8), ("workshop", 16)]));
}

/// The standings of all rows at a moment, by key.
fn standings(scene: &str, until: f64) -> (Report, BTreeMap<String, Standing>) {
    let mut player = Player::new(scene);
    let mut report = None;
    for line in lines(scene).iter().take_while(|line| line.t <= until) {
        player.play(line);
        player.ask();
        report = player.report();
    }
    let report = report.unwrap();
    let standings = report.rows.iter().map(|row| (row.key.to_string(), row.standing)).collect();
    (report, standings)
}

/// What is claimed of a moment: scene, seconds, what happens, verdict, `address standing` of the rows that matter.
const MOMENTS: [(&str, f64, &str, VerdictKind, &str); 17] = [
    (
        "workshop",
        5.33,
        "bound, not registered yet",
        VerdictKind::Empty,
        "10.42.11.3 unregistered, 10.42.12.2 unregistered",
    ),
    (
        "workshop",
        5.50,
        "just registered",
        VerdictKind::Down,
        "10.42.11.3 registering, 10.42.11.4 registering",
    ),
    ("workshop", 9.00, "at rest", VerdictKind::Serving, "10.42.11.3 in service, 10.42.12.2 in service"),
    (
        "workshop",
        10.70,
        "scaled to five",
        VerdictKind::Rolling,
        "10.42.11.5 registering, 10.42.12.3 registering, 10.42.11.3 in service",
    ),
    (
        "workshop",
        14.63,
        "rolling: the old pod has gone, its target has not",
        VerdictKind::Rolling,
        "10.42.11.5 lingering, 10.42.11.6 unregistered",
    ),
    (
        "workshop",
        14.73,
        "rolling: a new pod took the address before the target went",
        VerdictKind::Rolling,
        "10.42.11.5 in service, 10.42.11.4 lingering",
    ),
    (
        "workshop",
        14.865,
        "rolling: a new pod has the address of a draining target",
        VerdictKind::Degraded,
        "10.42.11.4 unregistered, 10.42.11.3 draining",
    ),
    ("workshop", 24.40, "scaled to zero", VerdictKind::Empty, "10.42.11.4 draining, 10.42.12.5 draining"),
    (
        "workshop",
        33.20,
        "service deleted",
        VerdictKind::Degraded,
        "10.42.11.4 lingering, 10.42.12.3 lingering",
    ),
    (
        "crash",
        11.565,
        "a pod failed, its target is still healthy",
        VerdictKind::Serving,
        "10.42.12.5 lingering, 10.42.11.8 in service",
    ),
    (
        "crash",
        11.66,
        "its replacement registers",
        VerdictKind::Rolling,
        "10.42.12.7 registering, 10.42.12.5 draining",
    ),
    ("gates", 9.00, "healthy, the gate not yet True", VerdictKind::Serving, "10.42.11.8 in service"),
    (
        "drift",
        12.00,
        "a target deregistered by hand",
        VerdictKind::Degraded,
        "10.42.11.3 unregistered, 10.42.11.6 in service",
    ),
    (
        "drift",
        26.00,
        "a foreign target registered by hand",
        VerdictKind::Serving,
        "10.42.99.99 orphan, 10.42.11.3 in service",
    ),
    (
        "drift",
        46.00,
        "scaled, the drift not healed",
        VerdictKind::Degraded,
        "10.42.11.6 unregistered, 10.42.12.4 registering",
    ),
    (
        "drift",
        50.00,
        "a pod detached from its selector",
        VerdictKind::Degraded,
        "10.42.11.3 draining, 10.42.11.7 registering",
    ),
    (
        "drift",
        54.00,
        "a port the service does not have",
        VerdictKind::Degraded,
        "10.42.99.99 orphan, 10.42.12.2 draining",
    ),
];

#[test]
fn the_standings_of_named_moments_are_what_really_happened() {
    for (scene, at, what, word, rows) in MOMENTS {
        let (report, standings) = standings(scene, at);
        assert_eq!(report.word(), word, "{scene} {at} {what}: {}", report.verdict.sentence);
        for claim in rows.split(", ") {
            let (address, standing) = claim.split_once(' ').unwrap();
            let found = standings.get(&format!("{address}:8080")).map(|it| it.word());
            assert_eq!(found, Some(standing), "{scene} {at} {what}: {address}");
        }
    }
}

#[test]
fn a_healthy_target_whose_gate_is_not_true_yet_is_flagged_and_unsettled() {
    let (report, _) = standings("gates", 9.0);
    assert!(report.rows.iter().all(|row| row.flags.contains(&Flag::GateNotTrue)));
    assert!(report.settled.because.contains(&Unsettled::GateNotTrue));
    let (report, _) = standings("gates", 23.0);
    assert!(report.rows.iter().all(|row| row.flags.is_empty()));
    assert!(!report.settled.because.contains(&Unsettled::GateNotTrue));
}

#[test]
fn at_rest_only_what_the_recording_does_not_hold_keeps_a_binding_from_being_settled() {
    // Workloads are in no recording, so the rollout stays unknown.
    for (scene, at) in [("workshop", 9.0), ("workshop", 23.5), ("crash", 19.0), ("gates", 61.5)] {
        let (report, _) = standings(scene, at);
        let because: Vec<_> =
            report.settled.because.iter().filter(|it| **it != Unsettled::GateNotTrue).collect();
        assert_eq!(because, [&Unsettled::RolloutUnknown], "{scene} {at}");
    }
}
