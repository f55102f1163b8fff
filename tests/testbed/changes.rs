//! The changes against a real API server and an AWS that lives, where no controller is installed: what each did is
//! looked at with plain `kubectl` and `aws`.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::access::kubeconfig;
use super::pty::Terminal;
use super::pty::WIDE;
use super::support::Settings;
use super::support::aws;
use super::support::bed;
use super::support::until;
use super::world::PORT;
use super::world::World;

/// Runs a command that writes; gives exit code, output and complaints.
fn change(world: &World, args: &[&str]) -> (i32, String, String) {
    let all: Vec<&str> = args.iter().copied().chain(["-n", &world.namespace]).collect();
    world.settings.tgscope(&all)
}

fn done(world: &World, args: &[&str]) -> String {
    let (code, out, err) = change(world, args);
    assert_eq!(code, 0, "{args:?}: {out}\n{err}");
    out
}

/// The targets AWS has, by whether they are draining.
fn targets(world: &World, draining: bool) -> BTreeSet<String> {
    let answer = aws(&["describe-target-health", "--target-group-arn", &world.arn]);
    let of = |it: &Value| format!("{}:{}", it["Target"]["Id"].as_str().unwrap(), it["Target"]["Port"]);
    let all = answer["TargetHealthDescriptions"].as_array().unwrap();
    all.iter().filter(|it| (it["TargetHealth"]["State"] == "draining") == draining).map(of).collect()
}

fn endpoints(world: &World) -> BTreeSet<String> {
    world.pods().iter().map(|it| format!("{}:{PORT}", it.ip)).collect()
}

#[test]
fn every_change_without_a_controller() {
    let bed = bed();
    let world = World::new(&bed, "changes");
    world.service();
    world.deploy("web", 3, &json!({}));
    world.ready(3);
    let board = "tgb/web-tgb";

    // Bind: the object is made, and since nobody follows it its endpoints are registered once.
    let (code, out, _) =
        change(&world, &["bind", "svc/web", "--target-group", &world.arn, "--dry-run=server"]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(world.kubectl(&["get", "targetgroupbindings.elbv2.k8s.aws", "-o", "name"]), "");
    done(&world, &["bind", "svc/web", "--target-group", &world.arn, "--yes"]);
    let spec =
        world.kubectl(&["get", "targetgroupbindings.elbv2.k8s.aws", "web-tgb", "-o", "jsonpath={.spec}"]);
    let spec: Value = serde_json::from_str(&spec).unwrap();
    assert_eq!(
        spec,
        json!({"serviceRef": {"name": "web", "port": 80}, "targetGroupARN": world.arn, "targetType": "ip"})
    );
    assert_eq!(targets(&world, false), endpoints(&world));

    // Deregister and register one.
    let one = endpoints(&world).first().unwrap().clone();
    // It is followed until it has drained, which is not what is looked at here.
    let (code, ..) = change(&world, &["deregister", board, &one, "--yes", "--timeout", "2s"]);
    assert!(code == 0 || code == 4, "{code}");
    assert!(!targets(&world, false).contains(&one));
    done(&world, &["register", board, &one, "--yes"]);
    assert_eq!(targets(&world, false), endpoints(&world));
    let (code, _, err) = change(&world, &["register", board, &one, "--yes"]);
    assert!(code == 3 && err.contains("already registered"), "{code}: {err}");

    // Scale up and down, and bring the group in step.
    for replicas in [5, 2] {
        world.kubectl(&["scale", "deployment", "web", &format!("--replicas={replicas}")]);
        world.ready(replicas);
        until("the pods are as many", 30, || (world.pods().len() == replicas).then_some(()));
        let (code, out, err) = change(&world, &["sync", board, "--dry-run"]);
        assert_eq!(code, 1, "{out}\n{err}");
        let (code, _, err) = change(&world, &["sync", board]);
        assert!(code == 3 && err.contains("add --yes"), "{code}: {err}");
        done(&world, &["sync", board, "--yes"]);
        assert_eq!(targets(&world, false), endpoints(&world));
        let (code, out, _) = change(&world, &["sync", board, "--dry-run"]);
        assert!(code == 0 && out.contains("Nothing to do"), "{code}: {out}");
    }
    until("both are healthy", 20, || (world.binding()["inService"] == 2).then_some(()));

    // Drain a pod: without a controller its target is deregistered, and the pod keeps its labels.
    let pod = world.pods()[0].clone();
    let drain = |more: &[&str]| {
        change(&world, &[&["drain", board, &pod.name, "--yes", "--timeout", "3s"], more].concat())
    };
    let (code, out, err) = match drain(&[]) {
        // The pod is the only one of its zone, whose name has to be given.
        (3, _, err) => {
            let zone = err.split_once("--confirm ").map(|it| it.1.trim().to_owned()).unwrap_or_default();
            assert!(zone.starts_with("us-west-2"), "{err}");
            drain(&["--confirm", &zone])
        }
        other => other,
    };
    assert!(code == 0 || code == 4, "{out}\n{err}");
    assert!(!targets(&world, false).contains(&format!("{}:{PORT}", pod.ip)));
    assert!(world.pods().contains(&pod));

    // Unbind takes the last healthy target, so its name has to be given.
    let (code, _, err) = change(&world, &["unbind", board, "--yes"]);
    assert!(code == 3 && err.contains("--confirm web-tgb"), "{code}: {err}");
    done(&world, &["unbind", board, "--yes", "--confirm", "web-tgb"]);
    assert_eq!(world.kubectl(&["get", "targetgroupbindings.elbv2.k8s.aws", "-o", "name"]), "");
    assert_eq!(targets(&world, false), BTreeSet::new());

    let log = std::fs::read_to_string(world.settings.home().join("state/tgscope/audit.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let begun = lines.iter().filter(|it| it["stage"] == "begin").count();
    assert!(begun >= 8, "{begun} writes in the log");
    assert!(
        lines.iter().all(|it| it["kubernetes_user"].is_string() && it["aws_identity"].is_string()),
        "{log}"
    );
}

#[test]
fn a_drained_pod_leaves_by_its_label_on_a_real_api_server() {
    let bed = bed();
    let world = World::new(&bed, "label");
    world.service();
    // The service selects by what the Deployment selects by too.
    // Two in each zone: none is emptied.
    world.deploy("web", 6, &json!({}));
    world.ready(6);
    let selector = json!({"spec": {"selector": {"of": "web"}}}).to_string();
    world.kubectl(&["patch", "service", "web", "-p", &selector]);
    world.bind();
    world.register(&world.pods());
    until("all are healthy", 20, || (world.binding()["inService"] == 6).then_some(()));
    let pod = world.pods()[0].clone();
    // A binding whose marks are left and whose controller is gone: down. The target is deregistered directly.
    let (code, out, err) = change(&world, &["drain", "tgb/web", &pod.name, "--yes", "--then", "keep"]);
    assert_eq!(code, 0, "{out}\n{err}");
    let labels = world.kubectl(&["get", "pod", &pod.name, "-o", "jsonpath={.metadata.labels}"]);
    assert!(!labels.contains("\"of\":") || !labels.contains("\"app\":"), "{labels}");
    assert!(!targets(&world, false).contains(&format!("{}:{PORT}", pod.ip)));
    let out = done(&world, &["undo", "--yes"]);
    assert!(out.contains("add label"), "{out}");
    let after =
        world.kubectl(&["get", "pod", &pod.name, "-o", "jsonpath={.metadata.labels}", "--ignore-not-found"]);
    assert!(after.is_empty() || after.contains("\"app\":\"web\""), "{after}");
    // The last step evicts it, which the API server answers as it does `kubectl drain`.
    let pod = world.pods()[0].clone();
    done(&world, &["drain", "tgb/web", &pod.name, "--yes"]);
    let gone =
        ["get", "pod", &pod.name, "-o", "jsonpath={.metadata.deletionTimestamp}", "--ignore-not-found"];
    let of = |it: &str| world.kubectl(&["get", "pod", it, "--ignore-not-found", "-o", "name"]);
    assert!(of(&pod.name).is_empty() || !world.kubectl(&gone).is_empty(), "it was not evicted");
}

#[test]
fn a_viewer_is_told_what_each_change_needs_and_writes_nothing() {
    let bed = bed();
    let mut world = World::serving(&bed, "viewers", 2);
    let version = |world: &World| {
        let path = "jsonpath={.items[*].metadata.resourceVersion}";
        world.kubectl(&["get", "pods,targetgroupbindings.elbv2.k8s.aws", "-o", path])
    };
    let before = version(&world);
    world.settings = Settings::new().with("KUBECONFIG", kubeconfig(&bed, "viewer"));
    let mut board = Terminal::start(&world.settings, &["-n", &world.namespace], WIDE);
    board.shows("2 of 2", 15);
    board.keys("j");
    for (key, needs) in [
        ("b", "bind needs create targetgroupbindings"),
        ("B", "unbind needs delete targetgroupbindings"),
        ("r", "resync needs patch targetgroupbindings"),
        ("D", "drain needs patch pods"),
    ] {
        // What may be done is asked after the first frame: a key that is faster than the answer opens a plan.
        until(needs, 20, || {
            board.keys(key);
            std::thread::sleep(std::time::Duration::from_millis(200));
            if board.frame().has(needs) {
                return Some(());
            }
            board.keys("\x1b");
            None
        });
    }
    let (code, _, err) = change(&world, &["resync", "tgb/web", "--yes"]);
    assert!(code == 3, "{code}: {err}");
    let (code, out, _) = world.settings.tgscope(&["doctor", "-n", &world.namespace]);
    assert!(code == 0 && out.contains("NO       patch pods"), "{out}");
    assert_eq!(version(&world), before);
}

/// The weights of actions as the AWS CLI prints them: `blue 90, green 10`, by the names of the groups.
fn weights(action: &Value) -> String {
    let groups = action["ForwardConfig"]["TargetGroups"].as_array().unwrap();
    let one = |it: &Value| {
        let name = it["TargetGroupArn"].as_str().unwrap().split('/').nth(1).unwrap();
        format!("{name} {}", it["Weight"])
    };
    groups.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn weights_of_a_rule_and_of_a_default_action() {
    let bed = bed();
    let world = World::serving(&bed, "blue", 2);
    let (blue, green) = (world.namespace.clone(), format!("g{}", world.namespace));
    let vpc = bed.seeded["vpc"].as_str().unwrap();
    let kind = ["--protocol", "HTTP", "--port", "80", "--vpc-id", vpc, "--target-type", "ip"];
    let made = aws(&[&["create-target-group", "--name", &green], &kind[..]].concat());
    let other = made["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap();
    let sticky = "TargetGroupStickinessConfig={Enabled=true,DurationSeconds=600}";
    let forward = |blue: u32, green: u32| {
        format!(
            "Type=forward,ForwardConfig={{TargetGroups=[{{TargetGroupArn={},Weight={blue}}},{{TargetGroupArn={other},Weight={green}}}],{sticky}}}",
            world.arn
        )
    };
    aws(&["modify-rule", "--rule-arn", &world.rule, "--actions", &forward(100, 0)]);
    let seeded = aws(&["describe-listeners", "--listener-arns", bed.seeded["listener"].as_str().unwrap()]);
    let balancer = seeded["Listeners"][0]["LoadBalancerArn"].as_str().unwrap();
    let port = (20_000 + std::process::id() % 20_000).to_string();
    let make = ["create-listener", "--load-balancer-arn", balancer, "--protocol", "HTTP", "--port", &port];
    let made = aws(&[&make[..], &["--default-actions", &forward(1, 1)]].concat());
    let listener = made["Listeners"][0]["ListenerArn"].as_str().unwrap();
    let rule = || aws(&["describe-rules", "--rule-arns", &world.rule])["Rules"][0]["Actions"][0].clone();
    let default = || {
        aws(&["describe-listeners", "--listener-arns", listener])["Listeners"][0]["DefaultActions"][0].clone()
    };

    let (ten, short) = (format!("{green}=10"), format!("{port}:default"));
    let (code, _, err) = change(&world, &["shift", "tgb/web", &ten]);
    assert!(code == 2 && err.contains("name one with --rule") && err.contains(&short), "{code}: {err}");
    // The other group has no target: it is asked for by name before it receives anything.
    let of_rule = ["shift", "tgb/web", &ten, "--rule", &world.rule];
    let (code, out, err) = change(&world, &[&of_rule[..], &["--yes"]].concat());
    assert!(code == 3 && err.contains(&format!("--confirm {green}")), "{code}: {out}\n{err}");
    assert_eq!(weights(&rule()), format!("{blue} 100, {green} 0"));
    let out = done(&world, &[&of_rule[..], &["--yes", "--confirm", &green]].concat());
    assert!(out.contains("the weights are"), "{out}");
    assert_eq!(weights(&rule()), format!("{blue} 100, {green} 10"));
    // What is no weight is as it was.
    let kept = rule()["ForwardConfig"]["TargetGroupStickinessConfig"].clone();
    assert_eq!(kept, json!({"Enabled": true, "DurationSeconds": 600}));

    // The default action, and the line a person would type instead.
    let fewer = format!("{green}=0");
    let of_default = ["shift", "tgb/web", &fewer, "--rule", &short];
    done(&world, &[&of_default[..], &["--yes"]].concat());
    assert_eq!(weights(&default()), format!("{blue} 1, {green} 0"));
    let (_, out, _) = change(&world, &["undo"]);
    let typed = out.lines().find_map(|it| it.strip_prefix("$ aws elbv2 ")).unwrap().replace('\'', "");
    aws(&typed.split(' ').collect::<Vec<_>>());
    assert_eq!(weights(&default()), format!("{blue} 1, {green} 1"));
    let (code, _, err) = change(&world, &["undo", "--yes"]);
    assert!(code == 3 && err.contains("were changed since"), "{code}: {err}");
    aws(&["delete-listener", "--listener-arn", listener]);
}
