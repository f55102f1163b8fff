//! The steps of the recordings played against the lab: where a real API server, the real controller and an AWS
//! whose targets live came to rest, and what the controller wrote on the way, the lab comes to and writes the
//! same. Times and addresses differ, and how often the controller looked.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;
use tgscope::aws::Session;
use tgscope::domain::facts::ids::TargetGroupArn;
use tgscope::domain::facts::time::Timestamp;
use tgscope::lab::Scenario;

use super::Still;
use crate::wire::Wire;

/// What was recorded, or what the lab did, between one step and the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Window {
    /// Targets by state at the end, draining ones left out.
    targets: BTreeMap<String, u32>,
    /// What the checkpoint became, repetitions left out.
    checkpoints: Vec<&'static str>,
    /// Reasons of events about the binding, each once.
    events: Vec<String>,
}

impl Window {
    fn checkpoint(&mut self, binding: &Value) {
        let annotation = binding["metadata"]["annotations"]["elbv2.k8s.aws/checkpoint"].as_str();
        let word = match annotation {
            None => return,
            Some("") => "empty",
            Some(it) if it.starts_with("tgscope/") => "marker",
            Some(it) if it.starts_with("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU/") => "of nothing",
            Some(_) => "of endpoints",
        };
        if self.checkpoints.last() == Some(&word) {
            return;
        }
        self.checkpoints.push(word);
        // Where many pods come and go the controller looks some times in between: only the last look counts.
        let n = self.checkpoints.len();
        if n >= 4 && self.checkpoints[n - 4..n - 1] == ["empty", "of endpoints", "empty"] {
            self.checkpoints.drain(n - 4..n - 2);
        }
    }

    fn event(&mut self, event: &Value) {
        let reason = event["reason"].as_str().unwrap_or_default().to_owned();
        if event["involvedObject"]["kind"] == "TargetGroupBinding" && !self.events.contains(&reason) {
            self.events.push(reason);
        }
    }
}

/// A step: when, and what was done.
#[derive(Clone, Debug)]
struct Step {
    at: f64,
    arguments: Vec<String>,
    targets: Vec<(String, u16)>,
}

/// The windows of a recording and the steps that begin them, and when it ends.
fn recording(scene: &str) -> (Vec<(Step, Window)>, f64) {
    let path = format!("{}/tests/recordings/{scene}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let mut steps: Vec<Step> = Vec::new();
    for line in lines.iter().filter(|it| it["source"] == "step") {
        let object = &line["object"];
        let arguments: Vec<String> = object["args"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect();
        let target = |it: &Value| {
            (it["Id"].as_str().unwrap().to_owned(), u16::try_from(it["Port"].as_u64().unwrap()).unwrap())
        };
        let targets = object["Targets"].as_array().into_iter().flatten().map(target).collect();
        let looks = ["get", "status"].iter().any(|it| arguments.iter().take(2).any(|word| word == it));
        // What makes kwok's pod fail is three steps; the last one does it.
        let prepares = arguments.first().is_some_and(|it| it == "annotate") && arguments[1] == "pod";
        if !looks && !prepares {
            // What a program did is written down when it has ended; a call to AWS took no time.
            let took = if arguments.is_empty() { 0.0 } else { 0.15 };
            steps.push(Step { at: line["t"].as_f64().unwrap() - took, arguments, targets });
        }
    }
    let mut windows: Vec<(Step, Window)> = steps.into_iter().map(|it| (it, Window::default())).collect();
    for line in &lines {
        let t = line["t"].as_f64().unwrap();
        let Some(index) = windows.iter().rposition(|(step, _)| step.at <= t) else { continue };
        let window = &mut windows[index].1;
        match line["source"].as_str().unwrap() {
            "targetgroupbindings" => window.checkpoint(&line["object"]),
            "events" => window.event(&line["object"]),
            "targets" => {
                window.targets.clear();
                for it in line["object"].as_array().unwrap() {
                    count(&mut window.targets, it["State"].as_str().unwrap());
                }
            }
            _ => {}
        }
    }
    // Targets are only written down when they change.
    for index in 1..windows.len() {
        let begins = windows[index].0.at;
        let ends = windows.get(index + 1).map_or(f64::MAX, |it| it.0.at);
        let seen = lines
            .iter()
            .any(|it| it["source"] == "targets" && (begins..ends).contains(&it["t"].as_f64().unwrap()));
        if !seen {
            windows[index].1.targets = windows[index - 1].1.targets.clone();
        }
    }
    let ends = lines.iter().filter_map(|it| it["t"].as_f64()).fold(0.0, f64::max);
    (windows, ends)
}

/// Counts a target, but for draining ones: kwok gives an address to the next pod within seconds, and what
/// drains there is registered again.
fn count(targets: &mut BTreeMap<String, u32>, state: &str) {
    if state != "draining" {
        *targets.entry(state.to_owned()).or_default() += 1;
    }
}

const WORLD: &str = r#"
summary = "the world of the recordings"
[controller]
[[node]]
zone = "a"
[[node]]
zone = "b"
[[image]]
name = "nginx"
start = "0s"
ready = "0s"
stop = "0s"
[[app]]
name = "other"
namespace = "elsewhere"
image = "nginx"
replicas = 1
[[group]]
name = "tg"
interval = 1
delay = 6
[[load-balancer]]
name = "lb"
zones = ["a", "b"]
[[load-balancer.listener]]
port = 80
forward = { tg = 1 }
"#;

struct Player {
    world: Still,
    wire: Wire,
    session: Session,
    group: TargetGroupArn,
    space: String,
    /// Applied manifests come in this order.
    to_apply: Vec<Value>,
    /// How many pods' targets were taken out by hand: each time another one's.
    deregistered: usize,
}

impl Player {
    async fn new(scene: &str) -> Self {
        let space = format!("r-{scene}");
        let scenario = Scenario::parse(scene, &format!("namespace = \"{space}\"\n{WORLD}")).unwrap();
        let world = Still::of(scenario).await;
        let wire = Wire::of(&world.lab.kubeconfig()).await;
        let session = Session::open(world.connection().aws).await;
        let region = world.lab.region();
        let group = session.client(&region, None).group_named("tg").await.unwrap().unwrap().arn;
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"},
            "spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 8080}]}});
        let binding = json!({"apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding",
            "metadata": {"name": "app"},
            "spec": {"serviceRef": {"name": "app", "port": 80}, "targetGroupARN": group.to_string()}});
        if scene == "gates" {
            let label =
                json!({"metadata": {"labels": {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}}});
            assert_eq!(wire.patch(&format!("/api/v1/namespaces/{space}"), &label).await.status, 200);
        }
        let to_apply = vec![service.clone(), binding, service];
        Self { world, wire, session, group, space, to_apply, deregistered: 0 }
    }

    fn path(&self, rest: &str) -> String {
        match rest.split_once('/') {
            Some(("core", plural)) => format!("/api/v1/namespaces/{}/{plural}", self.space),
            Some(("apps", plural)) => format!("/apis/apps/v1/namespaces/{}/{plural}", self.space),
            _ => format!("/apis/elbv2.k8s.aws/v1beta1/namespaces/{}/{rest}", self.space),
        }
    }

    async fn pods(&self) -> Vec<Value> {
        let answer = self.wire.get(&self.path("core/pods")).await;
        answer.body["items"].as_array().unwrap().clone()
    }

    /// Does what was done then, by the same requests.
    async fn play(&mut self, step: &Step) {
        let words: Vec<&str> = step.arguments.iter().map(String::as_str).collect();
        let answer = match words.as_slice() {
            ["create", "deploy", ..] => {
                let labels = json!({"app": "app"});
                let container =
                    json!({"name": "nginx", "image": "nginx", "ports": [{"containerPort": 8080}]});
                let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
                    "metadata": {"name": "app", "labels": labels}, "spec": {"replicas": 3,
                        "selector": {"matchLabels": labels},
                        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}});
                self.wire.post(&self.path("apps/deployments"), &deployment).await
            }
            ["apply", ..] => {
                let object = self.to_apply.remove(0);
                let plural =
                    if object["kind"] == "Service" { "core/services" } else { "targetgroupbindings" };
                self.wire.post(&self.path(plural), &object).await
            }
            ["scale", _, replicas] => {
                let replicas: u32 = replicas.trim_start_matches("--replicas=").parse().unwrap();
                let path = self.path("apps/deployments/app/scale");
                self.wire.patch(&path, &json!({"spec": {"replicas": replicas}})).await
            }
            ["rollout", "restart", ..] => {
                let annotation = json!({"kubectl.kubernetes.io/restartedAt": "now"});
                let template = json!({"spec": {"template": {"metadata": {"annotations": annotation}}}});
                self.wire.patch(&self.path("apps/deployments/app"), &template).await
            }
            ["delete", "pod", "--all", ..] => self.wire.delete(&self.path("core/pods")).await,
            ["delete", "pod", _] => {
                // In that scene it is the one that failed, else any.
                let pods = self.pods().await;
                let failed =
                    pods.iter().find(|it| it["status"]["phase"] == "Failed").or(pods.last()).unwrap();
                let name = failed["metadata"]["name"].as_str().unwrap();
                self.wire.delete(&self.path(&format!("core/pods/{name}"))).await
            }
            ["delete", "service", name] => {
                self.wire.delete(&self.path(&format!("core/services/{name}"))).await
            }
            ["delete", "targetgroupbinding", name] => {
                self.wire.delete(&self.path(&format!("targetgroupbindings/{name}"))).await
            }
            ["annotate", "targetgroupbinding", name, pair, ..] => {
                let (key, value) = pair.split_once('=').unwrap();
                let patch = json!({"metadata": {"annotations": {key: value}}});
                self.wire.patch(&self.path(&format!("targetgroupbindings/{name}")), &patch).await
            }
            ["patch", "targetgroupbinding", name, _, _, patch] => {
                let patch = serde_json::from_str(patch).unwrap();
                self.wire.patch(&self.path(&format!("targetgroupbindings/{name}")), &patch).await
            }
            ["label", "pod", _, "app-", ..] => {
                let name = self.pods().await[0]["metadata"]["name"].as_str().unwrap().to_owned();
                let patch = json!({"metadata": {"labels": {"app": null}}});
                self.wire.patch(&self.path(&format!("core/pods/{name}")), &patch).await
            }
            ["label", "pod", _, failing] if failing.contains("failed") => {
                return self.world.lab.act("evict = { app = \"app\" }").unwrap();
            }
            [cordon @ ("cordon" | "uncordon"), _] => {
                let nodes = self.wire.get("/api/v1/nodes").await;
                let name = nodes.body["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
                let patch = json!({"spec": {"unschedulable": *cordon == "cordon"}});
                self.wire.patch(&format!("/api/v1/nodes/{name}"), &patch).await
            }
            [] => return self.by_change(&step.targets),
            other => panic!("a step nobody knows: {other:?}"),
        };
        assert!(answer.status < 300, "{words:?}: {}", answer.body);
    }

    /// A target registered that is no pod of the service, or one deregistered that is.
    fn by_change(&mut self, targets: &[(String, u16)]) {
        let foreign = targets.iter().any(|(id, _)| id == "10.42.99.99");
        let step = match foreign {
            true => "register = { group = \"tg\", app = \"elsewhere/other\" }".to_owned(),
            false => {
                self.deregistered += 1;
                format!("deregister = {{ group = \"tg\", app = \"app\", index = {} }}", self.deregistered - 1)
            }
        };
        self.world.lab.act(&step).unwrap();
    }

    async fn targets(&self) -> BTreeMap<String, u32> {
        let client = self.session.of(&self.group, None);
        let mut states = BTreeMap::new();
        for it in client.targets(&self.group, Timestamp(0)).await.unwrap().targets {
            count(&mut states, &format!("{:?}", it.health.state).to_lowercase());
        }
        states
    }

    async fn version(&self) -> u64 {
        let answer = self.wire.get(&self.path("core/configmaps")).await;
        answer.body["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
    }

    /// Everything a kind went through since a version, with the version of each change.
    async fn changes(&self, plural: &str, since: u64) -> Vec<(u64, Value)> {
        let path = self.path(plural);
        let events =
            self.wire.watch(&format!("{path}?watch=true&timeoutSeconds=1&resourceVersion={since}")).await;
        let version =
            |it: &Value| it["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        events.iter().map(|it| (version(it), it["object"].clone())).collect()
    }
}

async fn plays_alike(scene: &str) {
    let (recorded, over) = recording(scene);
    let mut player = Player::new(scene).await;
    let first = player.version().await;
    let mut begins = Vec::new();
    let mut played: Vec<Window> = Vec::new();
    let mut passed = 0.0;
    for (index, (step, _)) in recorded.iter().enumerate() {
        player.world.lab.advance(std::time::Duration::from_secs_f64(step.at - passed));
        passed = step.at;
        begins.push(player.version().await);
        player.play(step).await;
        let ends = recorded.get(index + 1).map_or(over + 3.0, |it| it.0.at);
        // Just before the next step.
        player.world.lab.advance(std::time::Duration::from_secs_f64((ends - passed - 0.01).max(0.0)));
        passed = ends - 0.01;
        played.push(Window { targets: player.targets().await, ..Window::default() });
    }
    let window = |version: u64| begins.iter().rposition(|it| *it < version);
    for (version, binding) in player.changes("targetgroupbindings", first).await {
        played[window(version).unwrap()].checkpoint(&binding);
    }
    for (version, event) in player.changes("core/events", first).await {
        if let Some(index) = window(version) {
            played[index].event(&event);
        }
    }
    for ((step, recorded), played) in recorded.iter().zip(&played) {
        assert_eq!(
            recorded, played,
            "{scene}, after the step at {:.1} s: {:?} {:?}",
            step.at, step.arguments, step.targets
        );
    }
}

macro_rules! scenes {
    ($($scene:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $scene() {
            plays_alike(stringify!($scene)).await;
        })*
    };
}

scenes! { workshop drift crash gates }
