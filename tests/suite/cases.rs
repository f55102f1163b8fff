//! Situations that people had and asked about in public, rebuilt with made-up names (`tests/cases`): what the program says
//! of each, and what it must not say. Both outsides are answered from the files; nothing lives there.

mod betrayed;
mod causes;
pub(crate) mod fake;
mod frames;
mod hostile;
mod kept;

use std::sync::Arc;

use serde_json::Value;

use self::fake::World;
use crate::support::Answer;
use crate::support::Request;
use crate::support::Server;
use crate::support::kubeconfig;
use crate::support::program;
use crate::support::said;

/// A case: its folder, the arguments, what is to be found in what is said, and what must not be.
type Case = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const LOOK: &[&str] = &["get", "-A", "-o", "json"];

const CASES: &[Case] = &[
    ("baseline", LOOK, &["web: serving, settled true, problems 0"], &["next:"]),
    ("argo-at-rest", LOOK, &["web: serving, settled true, problems 0"], &["rollout-unknown"]),
    (
        "argo-at-rest",
        &["drain", "shop/tgb/web", "web-6b9-aaaaa", "--dry-run=client"],
        &[
            "pod web-6b9-aaaaa belongs to ReplicaSet web-6b9 of an Argo Rollout, which a drain does not follow",
        ],
        &["Deployment"],
    ),
    (
        "argo-selector-flip",
        LOOK,
        &[
            "web: down, settled false, problems 1",
            "no target takes requests, the load balancer answers 503 until the first checks pass (within about",
            "the same pods are healthy in web-canary, which has weight 0 (W shifts there)",
        ],
        &[],
    ),
    (
        "gate-of-v1",
        LOOK,
        &[
            "is a gate of controller v1, which no later version sets.",
            "next: take target-health.alb.ingress.k8s.aws/web_web_80 out of the pod template",
            "problems 2",
        ],
        &["web: rolling"],
    ),
    (
        "gate-of-another-group",
        LOOK,
        &[
            "Not Ready for Kubernetes: the gate of binding web-admin is False (Target.FailedHealthChecks), see shop/tgb/web-admin.",
            "not Ready because of the gate target-health.elbv2.k8s.aws/web-admin",
        ],
        &[],
    ),
    (
        "proxy-protocol-health",
        LOOK,
        &[
            "Proxy protocol v2 is on: the health check on port 10254 starts with its header as well",
            "The pod is Ready by HTTP 10254 /healthz",
            "next: let the program expect the header on port 10254, or check the traffic port by TCP",
        ],
        &["is the container listening"],
    ),
    (
        "nothing-listens",
        LOOK,
        &[
            "Ready only says that HTTP 15021 /healthz/ready answers; nothing that passes the check listens on 8080.",
            "port 8080 opens with the first configuration that names it",
        ],
        &["is the container listening"],
    ),
    (
        "local-healthz",
        LOOK,
        &[
            "web: serving, settled true, problems 0",
            "zone eu-west-1b has no ready pod, so the load balancer takes the zone out of its DNS",
        ],
        &["fail-open"],
    ),
    (
        "udp-health",
        LOOK,
        &[
            "The group is UDP and its health check is TCP: a program that only speaks UDP fails it.",
            "the load balancer fails open, and UDP may work all the same",
            "give the pod a TCP port that answers, and set it as the group's health-check port",
        ],
        &["is the container listening"],
    ),
    ("zone-off", LOOK, &["web: degraded", "Its zone is not enabled for the load balancer."], &[]),
    (
        "service-elsewhere",
        LOOK,
        &["shop/web exists, but a binding names services of its own namespace only"],
        &[],
    ),
    ("controller-elsewhere", LOOK, &["web: serving, settled true", "controller present idle"], &["absent"]),
    (
        "missing-group",
        LOOK,
        &[
            "web-old: down, settled false, problems 1",
            "its target group does not exist any more",
            "next: unbind (B) and bind anew: the ARN of a binding cannot be changed",
            "exit 0",
        ],
        &["could not be read"],
    ),
    (
        "missing-group",
        &["unbind", "shop/tgb/web-old", "--dry-run=client"],
        &["its target group does not exist any more, so nothing is registered and nothing goes"],
        &["type web-old", "The target group itself stays"],
    ),
    (
        "missing-group",
        &["resync", "shop/tgb/web-old", "--dry-run=client"],
        &["its target group does not exist any more", "unbind (B), then bind to another group"],
        &["1. "],
    ),
    (
        "foreign-role",
        LOOK,
        &[
            "role arn:aws:iam::444455556666:role/lbc refused",
            "is not authorized to perform: sts:AssumeRole",
            "use --profile with access to account 444455556666",
            "controller present idle",
            "exit 2",
        ],
        &["HTTPS_PROXY", "unhandled error", "unreachable"],
    ),
    (
        "empty-external-id",
        LOOK,
        &[
            "controller present failing",
            "The controller fails: ValidationError: 1 validation error detected: Value '' at 'externalId'",
        ],
        &["within seconds"],
    ),
    (
        "empty-external-id",
        &["resync", "shop/tgb/web", "--dry-run=client"],
        &[
            "The controller fails to reconcile this binding: ValidationError",
            "While the controller fails, it changes nothing",
        ],
        &["within seconds"],
    ),
    (
        "termination-handler",
        LOOK,
        &[
            "settled true",
            "node-leaving",
            "Its node is going away (taint aws-node-termination-handler/spot-itn), and it stays a target until the node is",
            "next: D takes it out before its node goes",
        ],
        &[],
    ),
    (
        "auto-mode",
        LOOK,
        &[
            "The controller fails: AccessDenied: User: arn:aws:sts::111122223333:assumed-role",
            "controller present failing",
        ],
        &["within seconds"],
    ),
    (
        "auto-mode",
        &["resync", "shop/tgb.eks.amazonaws.com/web", "--dry-run=client"],
        &["The controller fails to reconcile this binding: AccessDenied"],
        &["within seconds"],
    ),
    (
        "type-differs",
        LOOK,
        &[
            "web: down",
            "the binding is for targets of type ip, its target group of type instance: it can never register; the type cannot be changed, bind anew",
        ],
        &["within seconds"],
    ),
    ("type-differs", &["resync", "shop/tgb/web", "--dry-run=client"], &["it can never register"], &["1. "]),
    (
        "type-differs",
        &["register", "shop/tgb/web", "10.0.1.10:8080", "--dry-run=client"],
        &["it can never register"],
        &["1. "],
    ),
    (
        "publish-not-ready",
        LOOK,
        &[
            "Its health checks fail with its pod: the container keeps crashing",
            "CrashLoopBackOff",
            "its service publishes addresses that are not ready (publishNotReadyAddresses)",
            "next: see its last output: kubectl --context here -n shop logs --previous db-1",
        ],
        &["is the container listening"],
    ),
    (
        "publish-not-ready",
        &["get", "-A", "-o", "json", "--as", "ops"],
        &["kubectl --as ops --context here -n shop logs --previous db-1"],
        &[],
    ),
    (
        "nlb-zone-without-pods",
        LOOK,
        &["web: degraded", "zone eu-west-1c has no healthy target"],
        &["fail-open"],
    ),
    ("nodes-by-hand", &["get", "-A"], &["no TargetGroupBinding in any namespace"], &[]),
    (
        "quoted-port",
        LOOK,
        &[
            "\"80\" is written as text and taken for a name: write it without quotes",
            "Not wanted: the binding names a port that its service does not have.",
        ],
        &["in no EndpointSlice"],
    ),
    (
        "controller-crashloops",
        LOOK,
        &[
            "controller down",
            "register it (R): no controller follows this binding",
            "deregister it (X): no controller follows this binding",
        ],
        &["within seconds"],
    ),
    (
        "target-port-as-port",
        LOOK,
        &["its service has no such port, only 443 (https)", "not a target port or node port"],
        &["without quotes: the load balancer"],
    ),
];

/// What `get -o json` says, a line for each thing.
fn told(document: &Value) -> String {
    let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    let why = |it: &Value| {
        let facts = it["facts"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join("\n");
        let next = it["next"].as_str().map_or(String::new(), |it| format!("\nnext: {it}"));
        format!("{}\n{facts}{next}\n", text(&it["said"]))
    };
    let mut lines = Vec::new();
    for it in document["bindings"].as_array().unwrap() {
        let controller = &it["controller"];
        lines.push(format!(
            "{}: {}, settled {}, problems {}",
            text(&it["name"]),
            text(&it["verdict"]),
            it["settled"],
            it["problems"],
        ));
        lines.push(format!("{}\n{}", text(&it["summary"]), it["unsettledBecause"]));
        lines.push(format!("controller {} {}", text(&controller["state"]), text(&controller["activity"])));
        lines.push(why(&it["why"]));
        for row in it["rows"].as_array().unwrap() {
            lines.push(format!("{}\n{}", named(row), why(&row["why"])));
        }
        lines.extend(it["failures"].as_array().unwrap().iter().map(Value::to_string));
    }
    lines.push(document["failures"].to_string());
    lines.join("\n")
}

/// A row by its two sides and its standing.
fn named(row: &Value) -> String {
    let (target, endpoint) = (&row["target"], &row["endpoint"]);
    let plain = |it: &Value| it.to_string().replace('"', "");
    let target = match target["id"].as_str() {
        Some(id) => format!("{id}:{}", target["port"]),
        None => "no target".to_owned(),
    };
    let (health, problem) = (&row["health"], if row["problem"] == true { ", a problem" } else { "" });
    format!(
        "{target} of pod {}: {} {}, wanted {}, health {} {}{problem}",
        plain(&endpoint["pod"]),
        plain(&row["standing"]),
        row["flags"],
        row["wanted"],
        plain(&health["state"]),
        plain(&health["reason"]),
    )
}

/// Everything the program says of a case, with its exit code.
fn says(case: &str, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = run(Arc::new(World::read(case)), arguments);
    let shown = serde_json::from_str(&stdout).map_or(stdout, |document| told(&document));
    format!("{shown}\n{stderr}\nexit {}", code.unwrap())
}

/// What the program says of a world: its exit code, stdout and stderr.
fn run(world: Arc<World>, arguments: &[&str]) -> (Option<i32>, String, String) {
    asked(move |request| world.answer(request), arguments)
}

/// The same of whoever answers.
fn asked(
    answers: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    let server = Server::start(answers);
    let folder = tempfile::tempdir().unwrap();
    let config = kubeconfig(folder.path(), &server.url(), "{token: t}");
    let mut command = program(folder.path(), arguments);
    command.env("KUBECONFIG", config).env("AWS_ENDPOINT_URL", server.url()).env("AWS_REGION", "eu-west-1");
    command.env("AWS_ACCESS_KEY_ID", "AKIA").env("AWS_SECRET_ACCESS_KEY", "secret");
    said(&command.output().unwrap())
}

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (case, arguments, found, missing) in cases {
        let said = says(case, arguments);
        for it in found.iter().filter(|it| !said.contains(**it)) {
            wrong.push(format!("{case} {arguments:?} does not say {it:?}:\n{said}"));
        }
        for it in missing.iter().filter(|it| said.contains(**it)) {
            wrong.push(format!("{case} {arguments:?} says {it:?}:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn public_cases_are_told_as_they_are() {
    check(CASES);
}
