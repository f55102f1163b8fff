//! The lab served to programs that were not made for it: plain kubectl, the plain AWS CLI, botocore.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use super::support::attempt;
use super::support::bed;
use super::support::until;

/// A demo that serves, and the environment it printed.
struct Served {
    child: Child,
    environment: BTreeMap<String, String>,
    home: tempfile::TempDir,
}

impl Served {
    fn start(scenario: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tgscope"));
        let mut child = command.args(["demo", scenario, "--serve"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut environment = BTreeMap::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line == "# ready" {
                break;
            }
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            environment.insert(name.to_owned(), value.trim_matches('\'').to_owned());
        }
        assert_eq!(environment.len(), 6, "{environment:?}");
        Self { child, environment, home: tempfile::tempdir().unwrap() }
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path());
        command.envs(&self.environment).env("AWS_PAGER", "");
        command
    }

    /// What a program prints; it must succeed.
    fn run(&self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let (code, out, err) = attempt(&mut self.command(words[0], &words[1..]), None);
        assert!(code == 0, "{line}: {code}: {out}{err}");
        out
    }

    /// What a program complains of; it must not succeed.
    fn refused(&self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let (code, out, err) = attempt(&mut self.command(words[0], &words[1..]), None);
        assert!(code != 0, "{line} was done: {out}");
        err
    }

    fn has(&self, line: &str, texts: &[&str]) -> String {
        let out = self.run(line);
        for text in texts {
            assert!(out.contains(text), "{line}: no {text:?} in\n{out}");
        }
        out
    }

    /// Sends a signal and waits for the end; everything it made has to be gone.
    fn end(mut self, signal: &str) {
        let kubeconfig = self.environment["KUBECONFIG"].clone();
        assert!(Path::new(&kubeconfig).exists());
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "after {signal}");
        assert!(!Path::new(&kubeconfig).parent().unwrap().exists(), "{kubeconfig} was left behind");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn kubectl_works_against_it() {
    let _bed = bed();
    let served = Served::start("crashloop");
    served.has("kubectl version", &["Server Version: v1."]);
    let header = |line: &str, columns: &str| {
        let out = served.run(line);
        let first = out.lines().next().unwrap_or_default();
        assert_eq!(first.split_whitespace().collect::<Vec<_>>().join(" "), columns, "{line}");
    };
    header("kubectl get pods", "NAME READY STATUS RESTARTS AGE");
    header(
        "kubectl get pods -o wide",
        "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES",
    );
    header("kubectl get pods -A", "NAMESPACE NAME READY STATUS RESTARTS AGE");
    header("kubectl get svc", "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE");
    header("kubectl get deploy", "NAME READY UP-TO-DATE AVAILABLE AGE");
    header("kubectl get rs", "NAME DESIRED CURRENT READY AGE");
    header("kubectl get nodes", "NAME STATUS ROLES AGE VERSION");
    header("kubectl get events", "LAST SEEN TYPE REASON OBJECT MESSAGE");
    header("kubectl get endpointslices", "NAME ADDRESSTYPE PORTS ENDPOINTS AGE");
    header("kubectl get targetgroupbindings", "NAME SERVICE-NAME SERVICE-PORT TARGET-TYPE AGE");
    header(
        "kubectl get targetgroupbindings -o wide",
        "NAME SERVICE-NAME SERVICE-PORT TARGET-TYPE ARN NAME AGE",
    );
    served.has(
        "kubectl get all",
        &["pod/testapp-", "service/testapp", "deployment.apps/testapp", "replicaset.apps/testapp-"],
    );
    served.has(
        "kubectl get targetgroupbinding testapptgb -o yaml",
        &["kind: TargetGroupBinding", "elbv2.k8s.aws/checkpoint:", "observedGeneration: 1"],
    );
    served.has("kubectl get pods -l app=testapp -o name", &["pod/testapp-"]);
    served.has(
        "kubectl get pods --field-selector status.phase=Running -o jsonpath={.items[*].status.podIP}",
        &["192.168."],
    );
    served.has(
        "kubectl get pods --chunk-size=1 -o custom-columns=N:.metadata.name,IP:.status.podIP",
        &["N ", "192.168."],
    );
    served.has("kubectl get --raw /readyz", &["ok"]);
    served.has("kubectl api-resources", &["targetgroupbindings", "po ", "deploy "]);
    let pod = served.run("kubectl get pods -o name").lines().next().unwrap().to_owned();
    served.has(
        &format!("kubectl describe {pod}"),
        &["Controlled By:", "ReplicaSet/testapp-", "ContainersReady", "Scheduled", "Started container"],
    );
    served.has("kubectl describe service testapp", &["Selector:", "app=testapp", "Endpoints:", "192.168."]);
    served.has(
        "kubectl describe deployment testapp",
        &["RollingUpdate", "NewReplicaSet:", "ScalingReplicaSet"],
    );
    served.has(
        "kubectl describe node",
        &["ProviderID:", "Non-terminated Pods:", "topology.kubernetes.io/zone"],
    );
    served.has(
        "kubectl describe targetgroupbinding testapptgb",
        &["SuccessfullyReconciled", "Target Group Arn:"],
    );
    served.has(&format!("kubectl label {pod} colour=red"), &["labeled"]);
    served.has("kubectl get pods -l colour=red -o name", &[&pod]);
    served.has("kubectl scale deployment testapp --replicas=4", &["scaled"]);
    served.has("kubectl auth can-i delete pods", &["yes"]);
    assert_eq!(served.refused("kubectl --context demo-viewer auth can-i delete pods"), "");
    let refusal = served.refused("kubectl --context demo-viewer delete deployment testapp");
    assert!(
        refusal.contains("User \"viewer\" cannot delete resource \"deployments\" in API group \"apps\""),
        "{refusal}"
    );
    let refusal = served.refused("kubectl --as viewer delete deployment testapp");
    assert!(refusal.contains("User \"viewer\" cannot delete"), "{refusal}");
    served.has(
        "kubectl --context demo-operator auth can-i --list",
        &["targetgroupbindings.elbv2.k8s.aws", "pods/eviction"],
    );
    // Ends when the pod is gone, which it sees by a watch.
    served.has(&format!("kubectl delete {pod} --timeout=60s"), &["deleted"]);
    served.end("TERM");
}

#[test]
fn kubectl_follows_applies_and_is_refused_by_the_webhook() {
    let _bed = bed();
    let served = Served::start("drift");
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("other.yaml");
    std::fs::write(&manifest, include_str!("workshop.yaml").replace("testapp", "other")).unwrap();
    let apply = format!("kubectl apply -f {}", manifest.display());
    served.has(&apply, &["deployment.apps/other created", "service/other created"]);
    served.has(&apply, &["deployment.apps/other unchanged", "service/other unchanged"]);
    served.has("kubectl rollout status deployment other --timeout=60s", &["successfully rolled out"]);
    served.has("kubectl set image deployment other nginx=nginx:2", &["image updated"]);
    served.has("kubectl rollout restart deployment other", &["restarted"]);
    let binding = folder.path().join("binding.yaml");
    let text = "apiVersion: elbv2.k8s.aws/v1beta1\nkind: TargetGroupBinding\nmetadata: {name: other}\nspec:\n  serviceRef: {name: other, port: 80}\n  targetGroupName: eksworkshoptg\n";
    std::fs::write(&binding, text).unwrap();
    let refusal = served.refused(&format!("kubectl apply -f {}", binding.display()));
    assert!(
        refusal.contains("is already bound to following TargetGroupBindings [workshop/testapptgb]"),
        "{refusal}"
    );
    served.has("kubectl delete targetgroupbinding testapptgb --timeout=60s", &["deleted"]);
    served.has(&format!("kubectl apply -f {}", binding.display()), &["created"]);
    served.has(
        "kubectl get targetgroupbinding other -o jsonpath={.spec.targetType}/{.spec.targetGroupProtocol}",
        &["ip/HTTP"],
    );
    until("three targets of the other service", 60, || {
        let arn = served.run("kubectl get targetgroupbinding other -o jsonpath={.spec.targetGroupARN}");
        let health =
            served.run(&format!("aws elbv2 describe-target-health --target-group-arn {arn} --output json"));
        let health: Value = serde_json::from_str(&health).unwrap();
        let new = health["TargetHealthDescriptions"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["TargetHealth"]["State"] != "draining");
        (new.count() == 3).then_some(())
    });
    // With nobody behind the webhooks every change of a binding fails.
    served.run("kubectl -n kube-system scale deployment aws-load-balancer-controller --replicas=0");
    let refusal = until("the webhooks without endpoints", 60, || {
        let (code, _, err) = attempt(
            &mut served
                .command("kubectl", &["annotate", "targetgroupbinding", "other", "a=b", "--overwrite"]),
            None,
        );
        (code != 0).then_some(err)
    });
    assert!(
        refusal.contains("no endpoints available for service \"aws-load-balancer-webhook-service\""),
        "{refusal}"
    );
    served.end("INT");
}

#[test]
fn the_aws_cli_works_against_it() {
    let _bed = bed();
    let served = Served::start("workshop");
    let group = served.run("aws elbv2 describe-target-groups --names eksworkshoptg --query TargetGroups[0].TargetGroupArn --output text");
    let (group, lb) = (
        group.trim(),
        served
            .run("aws elbv2 describe-load-balancers --query LoadBalancers[0].LoadBalancerArn --output text"),
    );
    let lb = lb.trim();
    let listener = served.run(&format!(
        "aws elbv2 describe-listeners --load-balancer-arn {lb} --query Listeners[0].ListenerArn --output text"
    ));
    served.has(
        &format!("aws elbv2 describe-target-health --target-group-arn {group}"),
        &["\"healthy\"", "\"8080\"", "eu-west-1a"],
    );
    served.has(
        &format!("aws elbv2 describe-target-group-attributes --target-group-arn {group}"),
        &["deregistration_delay.timeout_seconds"],
    );
    served.has(
        &format!("aws elbv2 describe-rules --listener-arn {}", listener.trim()),
        &["\"default\"", group],
    );
    served.has(
        &format!("aws elbv2 describe-tags --resource-arns {group} {lb}"),
        &["aws:cloudformation:stack-name"],
    );
    served.run(&format!(
        "aws elbv2 register-targets --target-group-arn {group} --targets Id=192.168.2.200,Port=8080"
    ));
    served.has(
        &format!(
            "aws elbv2 describe-target-health --target-group-arn {group} --targets Id=192.168.2.200,Port=8080"
        ),
        &["\"initial\""],
    );
    served.run(&format!(
        "aws elbv2 deregister-targets --target-group-arn {group} --targets Id=192.168.2.200,Port=8080"
    ));
    served.has(
        &format!(
            "aws elbv2 describe-target-health --target-group-arn {group} --targets Id=192.168.2.200,Port=8080"
        ),
        &["Target.DeregistrationInProgress"],
    );
    served.has(&format!("aws elbv2 modify-target-group-attributes --target-group-arn {group} --attributes Key=deregistration_delay.timeout_seconds,Value=20"), &["\"20\""]);
    served.has("aws sts get-caller-identity", &["702463714165"]);
    let refusal = served.refused("aws elbv2 describe-target-groups --names nobody");
    assert!(
        refusal.contains("(TargetGroupNotFound) when calling the DescribeTargetGroups operation"),
        "{refusal}"
    );
    served.end("HUP");
}

#[test]
fn botocore_knows_every_word_of_its_answers() {
    let bed = bed();
    let served = Served::start("instance");
    let python = std::env::var("TGSCOPE_TESTBED_PYTHON").unwrap();
    let script = format!("{}/tests/testbed/strict.py", env!("CARGO_MANIFEST_DIR"));
    let (code, out, err) = attempt(&mut served.command(&python, &[&script]), None);
    assert!(code == 0, "{out}{err}");
    assert!(out.contains("answers were read word by word"), "{out}");
    drop(bed);
    served.end("TERM");
}

/// What is to be pasted of a plan: its lines for a shell, and the objects that follow them.
fn to_paste(plan: &str) -> String {
    let mut script = String::from("set -e\n");
    let mut inside = false;
    for line in plan.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => {
                inside = command.ends_with("<<'END'");
                script += command;
            }
            None if inside => {
                inside = line != "END";
                script += line;
            }
            None => continue,
        }
        script.push('\n');
    }
    script
}

impl Served {
    /// Has a change planned, and pastes its lines into a shell instead of accepting it.
    fn pasted(&self, change: &str) -> String {
        let words: Vec<&str> = change.split(' ').chain(["--dry-run=client"]).collect();
        let (code, plan, err) = attempt(&mut self.command(env!("CARGO_BIN_EXE_tgscope"), &words), None);
        assert!(code < 2, "{change}: {code}: {plan}{err}");
        let script = to_paste(&plan);
        assert!(script.lines().count() > 1, "{change} has no lines to paste:\n{plan}");
        let (code, out, err) = attempt(&mut self.command("sh", &["-c", &script]), None);
        assert_eq!(code, 0, "{change}:\n{script}{out}{err}");
        script
    }

    fn health(&self) -> BTreeMap<String, String> {
        let groups: Value =
            serde_json::from_str(&self.run("aws elbv2 describe-target-groups --output json")).unwrap();
        let arn = groups["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap();
        let line = format!("aws elbv2 describe-target-health --output json --target-group-arn {arn}");
        let answer: Value = serde_json::from_str(&self.run(&line)).unwrap();
        let of = |it: &Value| {
            let (id, port) = (it["Target"]["Id"].as_str().unwrap(), &it["Target"]["Port"]);
            (format!("{id}:{port}"), it["TargetHealth"]["State"].as_str().unwrap().to_owned())
        };
        answer["TargetHealthDescriptions"].as_array().unwrap().iter().map(of).collect()
    }
}

#[test]
fn the_lines_of_a_plan_do_what_the_plan_says() {
    let _bed = bed();
    // Nobody else writes here.
    let served = Served::start("no-controller");
    let missed = || {
        let (_, board, _) = attempt(
            &mut served.command(env!("CARGO_BIN_EXE_tgscope"), &["get", "tgb/testapptgb", "-o", "json"]),
            None,
        );
        let board: Value = serde_json::from_str(&board).ok()?;
        let row = board["bindings"][0]["rows"]
            .as_array()?
            .iter()
            .find(|it| it["standing"] == "unregistered")?
            .clone();
        let pod = row["endpoint"]["pod"].as_str()?;
        let address = served.run(&format!("kubectl get pod {pod} -o jsonpath={{.status.podIP}}"));
        Some(format!("{address}:8080"))
    };
    let target = until("a pod that nobody registers", 90, missed);
    assert_eq!(served.health().get(&target), None);
    served.pasted(&format!("register tgb/testapptgb {target}"));
    assert!(served.health().contains_key(&target), "{:?}", served.health());
    served.pasted(&format!("deregister tgb/testapptgb {target}"));
    // The plan waits until it has drained, and so do its lines.
    assert_eq!(served.health().get(&target), None);
    served.end("TERM");

    let served = Served::start("blue-green");
    served.pasted("shift tgb/blue green=10 --rule 80:default");
    let balancers: Value =
        serde_json::from_str(&served.run("aws elbv2 describe-load-balancers --output json")).unwrap();
    let arn = balancers["LoadBalancers"][0]["LoadBalancerArn"].as_str().unwrap();
    let listeners =
        served.run(&format!("aws elbv2 describe-listeners --output json --load-balancer-arn {arn}"));
    let listeners: Value = serde_json::from_str(&listeners).unwrap();
    let forward = &listeners["Listeners"][0]["DefaultActions"][0]["ForwardConfig"]["TargetGroups"];
    let mut weights: Vec<i64> =
        forward.as_array().unwrap().iter().map(|it| it["Weight"].as_i64().unwrap()).collect();
    weights.sort_unstable();
    assert_eq!(weights, [10, 100]);
    served.end("TERM");

    // With a controller that answers.
    let served = Served::start("drift");
    served.pasted("resync tgb/testapptgb");
    let pod = served.run("kubectl get pods -o name").lines().next().unwrap().to_owned();
    let address = served.run(&format!("kubectl get {pod} -o jsonpath={{.status.podIP}}"));
    let script = served.pasted(&format!("drain tgb/testapptgb {address}:8080"));
    assert!(script.contains(" label pod ") && script.contains("/eviction"), "{script}");
    let gone = || served.run("kubectl get pods -o name").lines().all(|it| it != pod).then_some(());
    until("the pod gone", 60, gone);
    let script = served.pasted("unbind tgb/testapptgb");
    assert!(script.contains(" delete targetgroupbindings"), "{script}");
    assert_eq!(served.run("kubectl get targetgroupbindings -o name"), "");
    served.end("TERM");
}

#[test]
fn the_line_that_is_printed_heals_the_outage() {
    let _bed = bed();
    let served = Served::start("outage");
    let path = format!("{} path tgb/testapptgb 192.168.1.21:8080", env!("CARGO_BIN_EXE_tgscope"));
    let told = served.has(&path, &["(pods) has no rule for tcp/8080 from sg-", "(eksworkshopalbsg)"]);
    let line = told.lines().find_map(|it| it.strip_prefix("next: ")).unwrap();
    served.has(line, &["\"SecurityGroupRuleId\": \"sgr-", "\"FromPort\": 8080"]);
    served.has(&path, &["The security groups let the load balancer's packets through"]);
    until("the targets pass their checks", 90, || {
        let out = served
            .run("aws elbv2 describe-target-groups --query TargetGroups[0].TargetGroupArn --output text");
        let health =
            format!("aws elbv2 describe-target-health --target-group-arn {} --output text", out.trim());
        (served.run(&health).matches("healthy").count() == 3 && !served.run(&health).contains("unhealthy"))
            .then_some(())
    });
    let refused = served.refused(line);
    assert!(refused.contains("InvalidPermission.Duplicate"), "{refused}");
    served.end("TERM");
}
