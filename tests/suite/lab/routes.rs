//! The routes of every demo as a tree, and the way of requests through it, by the program itself.

use std::process::Command;

use super::Still;
use crate::support::program;
use crate::support::said;

/// A home with a kubeconfig of a world, and what the program needs to look at it without waiting for its budget.
struct Desk {
    world: Still,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn of(scenario: &str) -> Self {
        let world = Still::start(scenario).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig.yaml"), world.lab.kubeconfig()).unwrap();
        std::fs::write(folder.path().join("config.toml"), "[aws]\ncalls-per-second = 1000\nburst = 1000\n")
            .unwrap();
        Self { world, folder }
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command: Command = program(self.folder.path(), arguments);
        command.env("KUBECONFIG", "kubeconfig.yaml").env("TGSCOPE_CONFIG", "config.toml");
        command.env("AWS_ENDPOINT_URL", self.world.lab.aws_url()).env("AWS_REGION", self.world.lab.region());
        command
            .env("AWS_ACCESS_KEY_ID", tgscope::lab::ADMIN_KEY)
            .env("AWS_SECRET_ACCESS_KEY", tgscope::lab::SECRET);
        said(&command.output().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_demo_has_its_tree() {
    for scenario in tgscope::lab::Scenario::all().unwrap() {
        let desk = Desk::of(&scenario.name).await;
        let (code, tree, stderr) = desk.run(&["routes", "-A"]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{}: {tree}", scenario.name);
        insta::assert_snapshot!(format!("routes_{}", scenario.name), tree);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_is_followed_to_its_groups() {
    let desk = Desk::of("blue-green").await;
    for (arguments, code, has, lacks) in [
        (
            &["routes", "http://shop.example/canary/x"][..],
            0,
            &[
                "✓ 10 path /canary/*",
                "green · weight 1 · 50 %",
                "which load balancer shop.example resolves to",
            ][..],
            "default",
        ),
        (
            &["routes", "http://shop.example/Canary/x"],
            0,
            &["✓ default", "green · weight 0 · nothing"],
            "✓ 10",
        ),
        (
            &["routes", "tgb/green", "http://shop.example/old/x"],
            0,
            &["✓ 20 path /old/*", "blue · 3 of 3 healthy"],
            "green",
        ),
        (
            &["routes", "https://shop.example/"],
            1,
            &["no load balancer that was read has a listener on port 443"],
            "✓",
        ),
        (&["routes", "http://shop.example:80/", "--method", "get", "-H", "X-A: 1"], 0, &["✓ default"], "?"),
    ] {
        let (ended, text, stderr) = desk.run(arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {text}{stderr}");
        for it in has {
            assert!(text.contains(it), "{arguments:?}: no {it:?} in {text}");
        }
        assert!(!text.contains(lacks), "{arguments:?}: {lacks:?} in {text}");
    }
    let (code, stdout, stderr) = desk.run(&["routes", "--method", "GET"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("are about a URL"), "{stderr}");
    let (code, json, _) = desk.run(&["routes", "tgb/green", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(code, Some(0));
    let rules = &json["loadBalancers"][0]["listeners"][0]["rules"];
    assert_eq!(rules.as_array().unwrap().len(), 2);
    assert_eq!(rules[0]["groups"][1]["share"], 50.0);
    assert_eq!(rules[0]["groups"][0]["binding"], "workshop/blue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_path_of_a_row_is_told_by_a_command() {
    let desk = Desk::of("outage").await;
    let (code, text, stderr) = desk.run(&["path", "tgb/testapptgb", "192.168.1.21:8080"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{text}");
    for it in [
        "(pods) has no rule for tcp/8080 from sg-",
        "(eksworkshopalbsg).",
        "next: aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-",
        "NetworkPolicies: none selects the pod",
        "        port: 8080",
    ] {
        assert!(text.contains(it), "no {it:?} in {text}");
    }
    // An address is a row by itself; a script may want to know.
    let (code, json, _) = desk.run(&["path", "192.168.1.21", "-o", "json", "--exit-code"]);
    assert_eq!(code, Some(1), "{json}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["verdict"], "blocked");
    assert_eq!(json["loadBalancers"][0]["hops"][2]["port"], 8080);
    let (code, _, stderr) = desk.run(&["path", "tgb/testapptgb", "10.9.9.9"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("no row 10.9.9.9"), "{stderr}");
    let (code, _, stderr) = desk.run(&["path", "tgb/testapptgb"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("names no row"), "{stderr}");
    // Who may not read security groups is told which action it takes.
    desk.world.lab.act("fault = { on = \"DescribeSecurityGroupRules\", wrong = \"denied\" }").unwrap();
    let (code, text, _) = desk.run(&["path", "tgb/testapptgb", "192.168.1.21"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("(needs ec2:DescribeSecurityGroupRules)"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_health_check_is_tried_by_a_command() {
    let desk = Desk::of("wrong-path").await;
    let (code, text, stderr) = desk.run(&["probe", "tgb/testapptgb", "192.168.1.21:8080"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{text}");
    for it in [
        "The pod answers 404 in ",
        "; the matcher wants 200.",
        "It is the program, not the network",
        "Asked: GET /healthz on port 8080 of pod testapp-",
        "Not proven: the Host header",
        "next: give the check a path",
    ] {
        assert!(text.contains(it), "no {it:?} in {text}");
    }
    let (code, json, _) = desk.run(&["probe", "192.168.1.21", "-o", "json", "--exit-code"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (code, &json["outcome"], &json["status"], &json["passes"]),
        (Some(1), &"answered".into(), &404.into(), &false.into())
    );
    // Nothing is asked of a program where nothing may be written, unless the configuration says so.
    let (code, stdout, stderr) = desk.run(&["probe", "192.168.1.21", "--read-only"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("when-read-only = true under [probe]"), "{stderr}");
    let config = "[aws]\ncalls-per-second = 1000\nburst = 1000\n[probe]\nwhen-read-only = true\n";
    std::fs::write(desk.folder.path().join("config.toml"), config).unwrap();
    let (code, text, _) = desk.run(&["probe", "192.168.1.21", "--read-only"]);
    assert_eq!(code, Some(0), "{text}");
    // Who may only look is told what it takes.
    let (code, text, _) = desk.run(&["probe", "192.168.1.21", "--context", "demo-viewer"]);
    assert_eq!(code, Some(2));
    assert!(
        text.contains("not permitted") && text.contains("needs get pods/proxy in namespace workshop"),
        "{text}"
    );
}
