//! The program from outside: what `get` prints, where it says what is wrong, and how it ends.

use std::io::Read;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::support::Answer;
use crate::support::Request;
use crate::support::Server;
use crate::support::kubeconfig;
use crate::support::nowhere;
use crate::support::program;
use crate::support::said;
use crate::world;
use crate::world::GROUP;
use crate::world::health;
use crate::world::refused;

struct Desk {
    folder: tempfile::TempDir,
    server: Server,
}

impl Desk {
    fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(answer);
        kubeconfig(folder.path(), &server.url(), "{token: t}");
        Self { folder, server }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path(), arguments);
        command.env("KUBECONFIG", "kubeconfig.yaml").env("AWS_REGION", "eu-west-1");
        command.env("AWS_ENDPOINT_URL", self.server.url());
        command.env("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT").env("AWS_SECRET_ACCESS_KEY", "s");
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        said(&self.command(arguments).output().unwrap())
    }
}

fn unhealthy(request: &Request) -> Answer {
    world::with_health(request, &health("10.0.0.1", 8080, "unhealthy", "Target.Timeout"))
}

#[test]
fn a_binding_that_serves_is_printed_and_nothing_is_said_beside() {
    let (code, stdout, stderr) = Desk::new(world::whole).run(&["get"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    for word in ["web", "serving", "10.0.0.1", "8080", "healthy"] {
        assert!(stdout.contains(word), "{word} in {stdout}");
    }
}

#[test]
fn no_command_without_a_terminal_is_get() {
    let desk = Desk::new(world::whole);
    let (code, stdout, stderr) = desk.run(&[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout, desk.run(&["get"]).1);
    assert_eq!(desk.run(&["svc/web"]).1, desk.run(&["get", "svc/web"]).1);
}

#[test]
fn each_format_tells_the_same_world() {
    let desk = Desk::new(world::whole);
    let json: Value = serde_json::from_str(&desk.run(&["get", "-o", "json"]).1).unwrap();
    assert_eq!(json["apiVersion"], "tgscope/v1");
    let binding = &json["bindings"][0];
    assert_eq!(
        (&binding["cluster"], &binding["namespace"], &binding["name"]),
        (&"here".into(), &"shop".into(), &"web".into())
    );
    assert_eq!(
        (&binding["verdict"], &binding["wanted"], &binding["inService"]),
        (&"serving".into(), &1.into(), &1.into())
    );
    assert_eq!(binding["targetGroup"]["arn"], GROUP);
    assert_eq!(binding["rows"][0]["endpoint"]["pod"], "web-a");
    assert_eq!(json["failures"], Value::Array(Vec::new()));
    let (code, yaml, _) = desk.run(&["get", "-o", "yaml"]);
    assert!(code == Some(0) && yaml.contains("verdict: serving") && yaml.contains("name: web"), "{yaml}");
    let (_, name, _) = desk.run(&["get", "-o", "name"]);
    assert_eq!(name, "targetgroupbinding.elbv2.k8s.aws/web\n");
    let (table, wide) = (desk.run(&["get"]).1, desk.run(&["get", "-o", "wide"]).1);
    let width = |text: &str| text.lines().map(|it| it.chars().count()).max().unwrap();
    assert!(width(&wide) > width(&table), "{wide}");
    let (code, stdout, stderr) = desk.run(&["get", "-o", "xml"]);
    assert!(code == Some(2) && stdout.is_empty() && stderr.contains("xml"), "{stderr}");
}

#[test]
fn findings_end_with_one_only_where_that_is_asked_for() {
    let desk = Desk::new(unhealthy);
    assert_eq!(desk.run(&["get"]).0, Some(0));
    let (code, stdout, stderr) = desk.run(&["get", "--exit-code"]);
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    assert!(stdout.contains("unhealthy"), "{stdout}");
    let (code, stdout, _) = Desk::new(world::whole).run(&["get", "--exit-code", "-o", "json"]);
    assert_eq!(code, Some(0), "{stdout}");
}

#[test]
fn what_could_be_read_is_printed_and_what_could_not_is_said() {
    let denied = |request: &Request| match request.parameter("Action").as_deref() {
        Some("DescribeTargetHealth") => refused(403, "AccessDenied", "not for you"),
        _ => world::whole(request),
    };
    let desk = Desk::new(denied);
    for arguments in [&["get"][..], &["get", "--exit-code"]] {
        let (code, stdout, stderr) = desk.run(arguments);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stdout.contains("web") && stdout.contains("unknown"), "{stdout}");
        assert!(stderr.contains("not for you"), "{stderr}");
        assert!(stderr.contains("needs elasticloadbalancing:DescribeTargetHealth"), "{stderr}");
    }
    let json: Value = serde_json::from_str(&desk.run(&["get", "-o", "json"]).1).unwrap();
    assert_eq!(json["bindings"][0]["failures"][0]["kind"], "denied");
}

#[test]
fn a_namespace_without_bindings_is_no_error_and_a_name_without_binding_is_one() {
    let desk = Desk::new(world::without_bindings);
    let (code, stdout, stderr) = desk.run(&["get"]);
    assert_eq!(
        (code, stderr.as_str()),
        (Some(0), "no TargetGroupBinding in namespace shop; use -A for all namespaces\n"),
        "{stdout}"
    );
    let (code, _, stderr) = desk.run(&["get", "-A"]);
    assert_eq!((code, stderr.as_str()), (Some(0), "no TargetGroupBinding in any namespace\n"));
    let (code, stdout, stderr) = desk.run(&["get", "tgb/other", "-o", "name"]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (Some(2), "", "no TargetGroupBinding other in namespace shop\n")
    );
}

#[test]
fn a_namespace_that_does_not_exist_is_said() {
    let desk = Desk::new(|request| match request.path() {
        path if path.contains("/namespaces/nosuch/") => world::without_bindings(request),
        "/api/v1/namespaces/nosuch" => crate::kubernetes_wire::refusal(404, "NotFound", "not found"),
        _ => world::without_bindings(request),
    });
    for arguments in
        [&["get", "-n", "nosuch"][..], &["get", "nosuch/tgb/web"], &["get", "-n", "nosuch", "web"]]
    {
        let (code, _, stderr) = desk.run(arguments);
        assert_eq!(
            (code, stderr.as_str()),
            (Some(2), "namespace nosuch does not exist (context here)\n"),
            "{arguments:?}"
        );
    }
}

#[test]
fn what_was_asked_for_is_repeated_and_a_name_like_it_is_told() {
    let desk = Desk::new(world::whole);
    for (arguments, code, words) in [
        (
            &["get", "-l", "app=nope"][..],
            0,
            "no TargetGroupBinding in namespace shop matches -l app=nope; use -A for all namespaces\n",
        ),
        (&["get", "-A", "-l", "app=nope"], 0, "no TargetGroupBinding in any namespace matches -l app=nope\n"),
        (&["get", "wbe"], 2, "no TargetGroupBinding wbe in namespace shop; did you mean web?\n"),
        (&["get", "-A", "webb"], 2, "no TargetGroupBinding webb in any namespace; did you mean shop/web?\n"),
        (
            &["get", "web", "-l", "app=nope"],
            2,
            "no TargetGroupBinding in namespace shop matches -l app=nope\n",
        ),
        (&["get", "other"], 2, "no TargetGroupBinding other in namespace shop\n"),
    ] {
        let (ended, _, stderr) = desk.run(arguments);
        assert_eq!((ended, stderr.as_str()), (Some(code), words), "{arguments:?}");
    }
}

#[test]
fn a_cluster_that_cannot_be_reached_is_said_with_exit_code_two() {
    let desk = Desk::new(world::whole);
    kubeconfig(desk.folder.path(), &nowhere(), "{token: t}");
    let (code, stdout, stderr) = desk.run(&["get", "-o", "json"]);
    assert_eq!(code, Some(2));
    let json: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(json["bindings"], Value::Array(Vec::new()));
    assert!(json["failures"].as_array().unwrap().iter().any(|it| it["kind"] == "unreachable"), "{stdout}");
    assert!(stderr.contains("refused"), "{stderr}");
}

#[test]
fn without_kubeconfig_the_error_says_what_to_set() {
    let desk = Desk::new(world::whole);
    let (code, stdout, stderr) = said(&desk.command(&["get"]).env_remove("KUBECONFIG").output().unwrap());
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert_eq!(
        stderr,
        "tgscope: no kubeconfig was found and this is no pod: set KUBECONFIG or --kubeconfig\n"
    );
    let (code, _, stderr) = said(&desk.command(&["get"]).env("KUBECONFIG", "none.yaml").output().unwrap());
    assert_eq!(code, Some(2));
    assert!(stderr.contains("none.yaml") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let many: String =
        (0..900).map(|n| health(&format!("10.1.{}.{}", n / 250, n % 250), 80, "healthy", "")).collect();
    let desk = Desk::new(move |request| world::with_health(request, &many));
    for format in ["table", "json", "yaml"] {
        let mut command = desk.command(&["get", "-o", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let (code, _, stderr) = said(&child.wait_with_output().unwrap());
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_two_and_says_why() {
    let desk = Desk::new(world::whole);
    for arguments in
        [&["get", "cm/web"][..], &["--request-timeout", "soon"], &["-l", "a in"], &["--as-group", "g"]]
    {
        let (code, stdout, stderr) = desk.run(arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(stderr.starts_with("error: "), "{stderr}");
    }
    assert_eq!(desk.server.seen().len(), 0);
}

#[test]
fn all_namespaces_wins_over_one_as_with_kubectl() {
    let desk = Desk::new(world::whole);
    let (code, stdout, _) = desk.run(&["get", "-n", "elsewhere", "-A"]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("shop"), "{stdout}");
}

#[test]
fn a_disk_that_is_full_is_an_error() {
    let desk = Desk::new(world::whole);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = desk.command(&["get"]).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("cannot write to stdout"));
}

#[test]
fn a_demo_needs_nothing_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut demo = program(home.path(), &["demo", "outage"]);
    // Everything the user has set is wrong here, and none of it matters.
    for (name, value) in [
        ("KUBECONFIG", "/nowhere"),
        ("TGSCOPE_CONFIG", "/nowhere/config.toml"),
        ("TGSCOPE_NAMESPACE", "prod"),
        ("TGSCOPE_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_PROFILE", "nobody"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
    ] {
        demo.env(name, value);
    }
    let (code, out, err) = said(&demo.output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.contains("fail-open") && out.contains("eksworkshoptg") && out.contains("Target.Timeout"),
        "{out}"
    );
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn the_demos_are_listed_a_line_each_and_a_wrong_name_says_which_there_are() {
    let home = tempfile::tempdir().unwrap();
    let (code, out, _) = said(&program(home.path(), &["demo", "--list"]).output().unwrap());
    let names: Vec<&str> = out.lines().map(|it| it.split_once("  ").unwrap().0).collect();
    assert_eq!(code, Some(0));
    assert_eq!(
        names.iter().map(|it| it.trim()).collect::<Vec<_>>(),
        [
            "workshop",
            "rollout",
            "outage",
            "drift",
            "crashloop",
            "throttling",
            "expired-credentials",
            "stuck-finalizer",
            "no-controller",
            "two-writers",
            "wrong-port",
            "wrong-path",
            "ingress-made",
            "nlb",
            "blue-green",
            "instance",
            "large"
        ]
    );
    let (code, _, err) = said(&program(home.path(), &["demo", "nothing"]).output().unwrap());
    assert!(code == Some(2) && err.contains("no scenario \"nothing\"; there are workshop, rollout"), "{err}");
}

#[test]
fn a_served_demo_prints_its_environment_and_goes_with_a_signal() {
    use std::io::BufRead;
    for signal in ["INT", "TERM", "HUP"] {
        let home = tempfile::tempdir().unwrap();
        let mut command = program(home.path(), &["demo", "--serve"]);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let lines: Vec<String> = lines.take_while(|it| it != "# ready").collect();
        let names: Vec<&str> =
            lines.iter().map(|it| it.trim_start_matches("export ").split('=').next().unwrap()).collect();
        assert_eq!(
            names,
            [
                "KUBECONFIG",
                "AWS_ENDPOINT_URL",
                "AWS_REGION",
                "AWS_DEFAULT_REGION",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY"
            ]
        );
        let kubeconfig = lines[0].split('\'').nth(1).unwrap().to_owned();
        assert!(std::path::Path::new(&kubeconfig).exists());
        let kill = std::process::Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(
            !std::path::Path::new(&kubeconfig).parent().unwrap().exists(),
            "{kubeconfig} was left behind"
        );
    }
}

#[test]
fn shells_complete_the_commands_there_are() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, script, _) = said(&program(folder.path(), &["completion", shell]).output().unwrap());
        assert_eq!(code, Some(0), "{shell}");
        for word in ["deregister", "exit-code", "drain"] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let (_, help, _) = said(&program(folder.path(), &["--help"]).output().unwrap());
    let commands = help.lines().skip_while(|it| !it.starts_with("Commands:")).skip(1);
    let commands = commands.take_while(|it| !it.is_empty()).filter_map(|it| it.strip_prefix("  "));
    let commands: Vec<&str> =
        commands.filter_map(|it| it.split(' ').next()).filter(|it| !it.is_empty()).collect();
    assert!(commands.contains(&"get") && commands.len() > 10, "{commands:?}");
    for command in commands.iter().filter(|it| **it != "help") {
        let (code, page, err) = said(&program(folder.path(), &["man", command]).output().unwrap());
        assert_eq!(code, Some(0), "{command}: {err}");
        assert!(page.contains(&format!(".TH tgscope-{command} 1")), "{command}: {page}");
    }
    let (code, page, _) = said(&program(folder.path(), &["man"]).output().unwrap());
    assert!(code == Some(0) && page.contains(".TH tgscope 1"), "{page}");
    let (code, _, err) = said(&program(folder.path(), &["man", "nothing"]).output().unwrap());
    assert!(code == Some(2) && err.contains("there is no command"), "{err}");
}

#[test]
fn the_doctor_names_a_cluster_whose_certificate_is_not_checked() {
    let desk = Desk::new(world::whole);
    let path = desk.folder.path().join("kubeconfig.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let server = nowhere().replace("http://", "https://");
    let text = text.replace(
        &format!("server: \"{}\"", desk.server.url()),
        &format!("server: \"{server}\", insecure-skip-tls-verify: true"),
    );
    std::fs::write(&path, text).unwrap();
    let (code, _, stderr) = said(&desk.command(&["doctor", "--request-timeout", "2s"]).output().unwrap());
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("context here: certificate not checked: whoever stands in between"), "{stderr}");
}
