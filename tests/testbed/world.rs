//! A small world of a test's own: a namespace with a service and its pods, a target group with a rule that
//! leads to it, a binding between them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;

use super::board;
use super::pty::Frame;
use super::pty::Terminal;
use super::pty::WIDE;
use super::support::Bed;
use super::support::Settings;
use super::support::apply;
use super::support::attempt;
use super::support::aws;
use super::support::control;
use super::support::kubectl;
use super::support::until;

/// The port of the containers and of the targets.
pub(crate) const PORT: u16 = 8080;

/// Rules on the seeded listener, counted: each needs a priority of its own.
static RULES: AtomicU32 = AtomicU32::new(1);

pub(crate) struct World {
    pub(crate) namespace: String,
    pub(crate) arn: String,
    pub(crate) rule: String,
    pub(crate) settings: Settings,
}

/// A pod as the API server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) ip: String,
    pub(crate) uid: String,
}

impl World {
    /// A namespace and a group with a rule that leads to it; nothing in either.
    pub(crate) fn new(bed: &Bed, name: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        kubectl(&["create", "namespace", &name]);
        let (vpc, listener) = (bed.seeded["vpc"].as_str().unwrap(), bed.seeded["listener"].as_str().unwrap());
        let port = PORT.to_string();
        let made = aws(&[
            "create-target-group",
            "--name",
            &name,
            "--protocol",
            "HTTP",
            "--port",
            &port,
            "--vpc-id",
            vpc,
            "--target-type",
            "ip",
            "--health-check-path",
            "/healthz",
            "--health-check-interval-seconds",
            "5",
        ]);
        let arn = made["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap().to_owned();
        let priority = std::process::id() % 400 * 100 + RULES.fetch_add(1, Ordering::Relaxed);
        let made = aws(&[
            "create-rule",
            "--listener-arn",
            listener,
            "--priority",
            &priority.to_string(),
            "--conditions",
            &format!("Field=path-pattern,Values=/{name}/*"),
            "--actions",
            &format!("Type=forward,TargetGroupArn={arn}"),
        ]);
        let rule = made["Rules"][0]["RuleArn"].as_str().unwrap().to_owned();
        until("the namespace is ready for pods", 20, || {
            let found = kubectl(&["-n", &name, "get", "serviceaccount", "-o", "name"]);
            found.contains("default").then_some(())
        });
        Self { namespace: name, arn, rule, settings: Settings::new() }
    }

    /// The same with a binding, a service and this many pods, none of them registered.
    pub(crate) fn with_pods(bed: &Bed, name: &str, replicas: u32) -> Self {
        let world = Self::new(bed, name);
        world.service();
        world.deploy("web", replicas, &json!({}));
        world.bind();
        world.ready(replicas as usize);
        world
    }

    /// The same with every pod registered and in service.
    pub(crate) fn serving(bed: &Bed, name: &str, replicas: u32) -> Self {
        let world = Self::with_pods(bed, name, replicas);
        world.register(&world.pods());
        until("everything is in service", 20, || {
            let (_, document) = world.get();
            (document["bindings"][0]["settled"] == true).then_some(())
        });
        world
    }

    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        let args: Vec<&str> = ["-n", &self.namespace].iter().chain(args).copied().collect();
        kubectl(&args)
    }

    pub(crate) fn service(&self) {
        apply(&json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": self.namespace},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": PORT}]},
        }));
    }

    /// A Deployment whose pods the service selects; `template` is laid over the pods' metadata.
    pub(crate) fn deploy(&self, name: &str, replicas: u32, template: &Value) {
        let mut labels = json!({"app": "web", "of": name});
        if let Some(more) = template["labels"].as_object() {
            labels.as_object_mut().unwrap().extend(more.clone());
        }
        apply(&json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"of": name}},
                "template": {
                    "metadata": {"labels": labels, "annotations": template["annotations"]},
                    "spec": {"containers": [{
                        "name": "web", "image": "nginx", "ports": [{"name": "http", "containerPort": PORT}],
                    }]},
                },
            },
        }));
    }

    /// A binding that its controller has seen.
    pub(crate) fn bind(&self) {
        self.bind_as("elbv2.k8s.aws/v1beta1", "web", &json!({"app": "web"}));
    }

    pub(crate) fn bind_as(&self, version: &str, name: &str, labels: &Value) {
        apply(&json!({
            "apiVersion": version, "kind": "TargetGroupBinding",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            "spec": {
                "serviceRef": {"name": "web", "port": 80}, "targetGroupARN": self.arn, "targetType": "ip",
            },
        }));
        let kind = format!("targetgroupbindings.{}", version.split('/').next().unwrap());
        let seen = json!({"status": {"observedGeneration": 1}}).to_string();
        self.kubectl(&["patch", &kind, name, "--subresource=status", "--type=merge", "-p", &seen]);
    }

    /// Pods that are not on their way out, by name.
    pub(crate) fn pods(&self) -> Vec<Pod> {
        let found: Value = serde_json::from_str(&self.kubectl(&["get", "pods", "-o", "json"])).unwrap();
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let staying = |it: &&Value| it["metadata"]["deletionTimestamp"].is_null();
        let pod = |it: &Value| Pod {
            name: text(&it["metadata"]["name"]),
            ip: text(&it["status"]["podIP"]),
            uid: text(&it["metadata"]["uid"]),
        };
        let mut pods: Vec<Pod> = found["items"].as_array().unwrap().iter().filter(staying).map(pod).collect();
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        pods
    }

    /// Waits until exactly this many endpoints are ready.
    pub(crate) fn ready(&self, n: usize) {
        let path = "jsonpath={.items[*].endpoints[*].conditions.ready}";
        until("the endpoints are ready", 30, || {
            let found = self.kubectl(&["get", "endpointslices", "-o", path]);
            (found.split(' ').filter(|it| *it == "true").count() == n).then_some(())
        });
    }

    fn targets(pods: &[Pod]) -> Vec<String> {
        pods.iter().map(|it| format!("Id={},Port={PORT}", it.ip)).collect()
    }

    pub(crate) fn register(&self, pods: &[Pod]) {
        let targets = Self::targets(pods);
        let args = ["register-targets", "--target-group-arn", &self.arn, "--targets"];
        aws(&args.into_iter().chain(targets.iter().map(String::as_str)).collect::<Vec<_>>());
    }

    pub(crate) fn deregister(&self, pods: &[Pod]) {
        let targets = Self::targets(pods);
        let args = ["deregister-targets", "--target-group-arn", &self.arn, "--targets"];
        aws(&args.into_iter().chain(targets.iter().map(String::as_str)).collect::<Vec<_>>());
    }

    /// Scripts the health of pods' targets; `null` lets them live by themselves again.
    pub(crate) fn health(&self, pods: &[Pod], health: &Value) {
        let said: BTreeMap<String, &Value> =
            pods.iter().map(|it| (format!("{}:{PORT}", it.ip), health)).collect();
        control("health", Some(&json!({&self.arn: said})));
    }

    /// Keeps targets from becoming healthy.
    pub(crate) fn hold(&self, pods: &[Pod]) {
        self.health(
            pods,
            &json!({
                "State": "initial", "Reason": "Elb.RegistrationInProgress",
                "Description": "Target registration is in progress",
            }),
        );
    }

    /// The board of the only binding.
    pub(crate) fn board(&self) -> Terminal {
        Terminal::start(&self.settings, &["-n", &self.namespace], WIDE)
    }

    /// The board, once everything on it is in service and settled.
    pub(crate) fn settled_board(&self, n: usize) -> Terminal {
        let board = self.board();
        board.until("settled", 15, |it| board::settled(it) && board::rows(it).len() == n);
        board
    }

    /// `get -o json` of the namespace: exit code and document.
    pub(crate) fn get(&self) -> (i32, Value) {
        self.settings.get(&["-n", &self.namespace])
    }

    /// The only binding as `get -o json` has it; it must have been read in whole.
    pub(crate) fn binding(&self) -> Value {
        let (code, document) = self.get();
        assert_eq!(code, 0, "{document:#}");
        assert_eq!(document["bindings"].as_array().map(Vec::len), Some(1), "{document:#}");
        document["bindings"][0].clone()
    }

    /// Waits until the board is so, and asserts that `get -o json` says the same.
    pub(crate) fn stage(&self, board: &Terminal, stage: &Stage<'_>) -> std::time::Instant {
        let mut standings: Vec<&str> = stage.standings.to_vec();
        standings.sort_unstable();
        let words: Vec<&str> = stage.verdict.split('|').collect();
        let is_said = |frame: &Frame| {
            let said = board::verdict(frame);
            words.iter().any(|it| said.starts_with(&it.to_uppercase().replace("NOT-ROUTED", "NOT ROUTED")))
        };
        let holds = |frame: &Frame| {
            board::standings(frame) == standings
                && is_said(frame)
                && board::settled(frame) == (stage.because.is_some_and(<[_]>::is_empty))
        };
        let at = board.until(&format!("{stage:?}"), 20, holds);
        let binding = self.binding();
        assert!(words.iter().any(|it| binding["verdict"] == **it), "{words:?}: {binding:#}");
        if let Some(because) = stage.because {
            assert_eq!(binding["unsettledBecause"], json!(because), "{binding:#}");
            assert_eq!(binding["settled"], json!(because.is_empty()), "{binding:#}");
        }
        let frame = board.frame();
        assert_eq!(board::drawn(&frame), board::told(&binding), "{}", frame.text());
        at
    }
}

/// What the board and `get` are to say.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// A word, or several with `|` between them: what a grace has not passed for is still rolling.
    pub(crate) verdict: &'a str,
    pub(crate) standings: &'a [&'a str],
    /// `Some(&[])`: settled.
    pub(crate) because: Option<&'a [&'a str]>,
}

impl Drop for World {
    fn drop(&mut self) {
        // What is left would be another test's neighbour on the load balancer. A test that failed must say
        // why it did, not that this failed too.
        let end = |program: &str, args: &[&str]| drop(attempt(Command::new(program).args(args), None));
        end("kubectl", &["-n", &self.namespace, "delete", "targetgroupbindings.elbv2.k8s.aws", "--all"]);
        end("aws", &["elbv2", "delete-rule", "--rule-arn", &self.rule]);
        end("aws", &["elbv2", "delete-target-group", "--target-group-arn", &self.arn]);
        end("kubectl", &["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}
