//! The changes as commands: what is printed where, and how they end.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use portable_pty::CommandBuilder;
use serde_json::Value;

use crate::lab::Still;
use crate::pty::Terminal;
use crate::support::program;
use crate::support::said;

/// A home with a kubeconfig for the world, and the program in it.
struct Desk {
    home: tempfile::TempDir,
    world: Still,
}

impl Desk {
    async fn new(scenario: &str, seconds: u64) -> Self {
        let world = Still::start(scenario).await;
        world.seconds(seconds);
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("kubeconfig"), world.lab.kubeconfig()).unwrap();
        Self { home, world }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn log(&self) -> PathBuf {
        self.path().join(".local/state/tgscope/audit.jsonl")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.path(), arguments);
        command.env("KUBECONFIG", "kubeconfig").env("AWS_REGION", self.world.lab.region());
        command.env("AWS_ENDPOINT_URL", self.world.lab.aws_url());
        command.env("AWS_ACCESS_KEY_ID", tgscope::lab::ADMIN_KEY);
        command.env("AWS_SECRET_ACCESS_KEY", tgscope::lab::SECRET);
        command
    }

    /// Runs a command that only reads, or is refused; the world stands still.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        said(&self.command(arguments).output().unwrap())
    }
}

const BOARD: &str = "tgb/testapptgb";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_printed_and_nothing_is_done_until_it_is_accepted() {
    let desk = Desk::new("no-controller", 40).await;
    let (code, out, err) = desk.run(&["sync", BOARD, "--dry-run"]);
    assert_eq!(code, Some(1), "drift: {err}");
    assert!(out.starts_with("Registers 1 endpoint in eksworkshoptg, then deregisters 1 target"), "{out}");
    let (code, same, err) = desk.run(&["sync", BOARD]);
    assert_eq!((code, &same), (Some(3), &out));
    assert!(err.contains("not accepted: add --yes"), "{err}");
    let (code, ..) = desk.run(&["sync", BOARD, "--dry-run=server"]);
    assert_eq!(code, Some(0));
    let (code, json, _) = desk.run(&["sync", BOARD, "--dry-run", "-o", "json"]);
    let plan: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &plan["kind"], &plan["change"]), (Some(1), &"Plan".into(), &"sync".into()));
    assert_eq!(plan["steps"][0]["act"], "register");
    let (_, yaml, _) = desk.run(&["sync", BOARD, "--dry-run", "-o", "yaml"]);
    assert!(yaml.contains("kind: Plan") && yaml.contains("act: register"), "{yaml}");
    assert!(!desk.log().exists(), "nothing was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_a_variable_or_the_configuration_forbids_every_write() {
    let desk = Desk::new("no-controller", 40).await;
    let refused = |mut command: Command| {
        let (code, _, err) = said(&command.output().unwrap());
        assert!(code == Some(3) && err.contains("read only"), "{code:?}: {err}");
    };
    refused(desk.command(&["sync", BOARD, "--yes", "--read-only"]));
    let mut command = desk.command(&["sync", BOARD, "--yes"]);
    command.env("TGSCOPE_READ_ONLY", "1");
    refused(command);
    std::fs::write(desk.path().join("config.toml"), "[contexts.demo]\nread-only = true\n").unwrap();
    let mut command = desk.command(&["sync", BOARD, "--yes"]);
    command.env("TGSCOPE_CONFIG", "config.toml");
    refused(command);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_protected_context_needs_its_name() {
    let desk = Desk::new("no-controller", 40).await;
    std::fs::write(desk.path().join("config.toml"), "[contexts.demo]\nprotected = true\n").unwrap();
    let sync = |more: &[&str]| {
        let mut command = desk.command(&[&["sync", BOARD], more].concat());
        command.env("TGSCOPE_CONFIG", "config.toml");
        said(&command.output().unwrap())
    };
    let (code, out, err) = sync(&["--yes"]);
    assert!(code == Some(3) && err.contains("add --confirm demo"), "{code:?}: {out}{err}");
    let (code, _, err) = sync(&["--yes", "--confirm", "other"]);
    assert!(code == Some(3), "{err}");
    // A dry run is the same command; the name accepts nothing by itself.
    for dry in ["--dry-run=client", "--dry-run=server"] {
        let (code, out, err) = sync(&[dry, "--confirm", "demo"]);
        assert!(code.is_some_and(|it| it < 2) && out.contains("type demo to accept"), "{code:?}: {out}{err}");
    }
    let (code, _, err) = sync(&["--confirm", "demo"]);
    assert!(code == Some(3) && err.contains("add --yes"), "{err}");
    assert!(!desk.log().exists(), "nothing was written");
    let (code, out, err) = sync(&["--yes", "--confirm", "demo", "-o", "json"]);
    assert_eq!(code, Some(0), "{err}");
    let result: Value = serde_json::from_str(&out).unwrap();
    let back = format!("tgscope undo {}", result["plan"].as_str().unwrap());
    assert!(err.contains(&back), "{err}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&result["kind"], &result["steps"][1]["stage"]), (&"Result".into(), &"done".into()));
    let log = std::fs::read_to_string(desk.log()).unwrap();
    assert_eq!(log.lines().count(), 4, "two steps, before and after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_time_was_too_short_for_is_in_the_log_and_nothing_is_promised_of_it() {
    let desk = Desk::new("no-controller", 40).await;
    // What is asked before the first step takes longer.
    desk.world.lab.act("fault = { on = \"*\", wrong = \"slow\", latency = 300 }").unwrap();
    let (code, out, err) = desk.run(&["sync", BOARD, "--yes", "--timeout", "1ms"]);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(
        out.starts_with("cancelled: ") && err.contains("stopped before anything was written"),
        "{out}{err}"
    );
    assert!(!err.contains("resume") && !err.contains("undo"), "{err}");
    let log = std::fs::read_to_string(desk.log()).unwrap();
    assert!(log.lines().count() == 1 && log.contains(r#""stage":"cancelled""#), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binding_is_saved_for_a_repository_and_not_made() {
    let desk = Desk::new("no-controller", 40).await;
    let save =
        ["bind", "svc/testapp", "--target-group", "eksworkshoptg", "--multi-cluster", "--save", "b.yaml"];
    let (code, _, err) = desk.run(&save);
    // The group is bound by one that is not multi-cluster: the webhook would refuse, and so do we.
    assert!(code == Some(3) && err.contains("is already bound"), "{code:?}: {err}");
    assert!(!desk.path().join("b.yaml").exists());
    let mut command = desk.command(&["unbind", BOARD, "--yes", "--confirm", "testapptgb"]);
    let (code, _, err) = said(&command.output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    let (code, _, err) = desk.run(&save);
    assert_eq!(code, Some(0), "{err}");
    let saved = std::fs::read_to_string(desk.path().join("b.yaml")).unwrap();
    assert!(saved.contains("multiClusterTargetGroup: true") && saved.contains("port: 80"), "{saved}");
    let (code, out, _) = desk.run(&["get", "-o", "name"]);
    assert_eq!((code, out.contains("testapp-tgb")), (Some(0), false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_wrong_is_told_with_what_to_do() {
    let desk = Desk::new("no-controller", 40).await;
    for (arguments, said) in [
        (&["deregister", BOARD][..], "no rows given: name each by IP:PORT"),
        (&["deregister", BOARD, "10.9.9.9:1"][..], "no row 10.9.9.9:1"),
        (&["drain", "tgb/nothing", "x"][..], "no TargetGroupBinding nothing in namespace workshop"),
        (
            &["bind", "svc/testapp", "--target-group", "nothing"][..],
            "no target group nothing in this account and region",
        ),
        (&["get", "tg/nothing"][..], "no target group nothing in this account and region"),
        (&["get", "gett"][..], "did you mean the command `get`?"),
        (&["undo"][..], "nothing to undo: the audit log"),
        // The log of the whole command line is that of its command.
        (&["--audit-log", "elsewhere.jsonl", "undo"][..], "the audit log elsewhere.jsonl"),
    ] {
        let (code, _, err) = desk.run(arguments);
        assert!(code == Some(2) && err.contains(said), "{arguments:?}: {code:?}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undo_says_what_of_the_log_it_cannot_read_and_does_not_guess_past_it() {
    let desk = Desk::new("no-controller", 40).await;
    let (code, _, err) = said(&desk.command(&["sync", BOARD, "--yes"]).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    let mode = |path: &Path| std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o7777;
    assert_eq!((mode(&desk.log()), mode(desk.log().parent().unwrap())), (0o600, 0o700));
    let log = std::fs::read(desk.log()).unwrap();
    let (first, rest) = log.split_at(log.iter().position(|it| *it == b'\n').unwrap() + 1);
    // In the middle it is said; the change that is undone is the last one all the same.
    std::fs::write(desk.log(), [first, b"\xff\xfe\n", rest].concat()).unwrap();
    let (code, out, err) = desk.run(&["undo", "--dry-run"]);
    let note = format!("1 line of {} cannot be read (at byte {})", desk.log().display(), first.len());
    assert!(code == Some(0) && err.contains(&note) && out.starts_with("Undoes sync"), "{code:?}: {out}{err}");
    // At the end it may be another change.
    std::fs::write(desk.log(), [&log, &b"\xff\xfe\n"[..]].concat()).unwrap();
    let (code, _, err) = desk.run(&["undo", "--yes"]);
    assert!(code == Some(3) && err.contains("the last readable one, cannot be read"), "{code:?}: {err}");
    let (_, named) = err.split_once("name the plan: tgscope undo ").unwrap();
    let (code, out, err) = desk.run(&["undo", named.trim(), "--dry-run"]);
    assert!(code == Some(0) && out.starts_with("Undoes sync"), "{code:?}: {out}{err}");
    // What still runs elsewhere is not undone beside it.
    let claim = tgscope::audit::Log::file(desk.log()).claim(&named.trim().into()).unwrap();
    let (code, _, err) = desk.run(&["undo", named.trim(), "--yes"]);
    assert!(code == Some(3) && err.contains("is running in another session"), "{code:?}: {err}");
    drop(claim);
    // A log that leads elsewhere is not followed.
    let elsewhere = desk.path().join("elsewhere");
    std::fs::rename(desk.log(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, desk.log()).unwrap();
    let (code, _, err) = desk.run(&["undo", "--yes"]);
    assert!(code == Some(2) && err.contains("is a symbolic link"), "{code:?}: {err}");
    let extra = "register = { group = \"eksworkshoptg\", addresses = [\"192.168.9.9:8080\"] }";
    desk.world.lab.act(extra).unwrap();
    let before = std::fs::read(&elsewhere).unwrap();
    let (code, out, err) = desk.run(&["sync", BOARD, "--yes"]);
    assert!(code == Some(3) && out.contains("is a symbolic link"), "{code:?}: {out}{err}");
    assert_eq!(std::fs::read(&elsewhere).unwrap(), before);
}

/// What asks, with its arguments and variables after those words, at a terminal.
fn on_terminal(desk: &Desk, mut command: CommandBuilder, asks: &Command) -> Terminal {
    command.args(asks.get_args());
    command.env_clear();
    for (name, value) in asks.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.cwd(desk.path());
    Terminal::of(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_before_the_question_is_no_answer() {
    let desk = Desk::new("no-controller", 40).await;
    let asks = desk.command(&["sync", BOARD]);
    let mut terminal = on_terminal(&desk, CommandBuilder::new(asks.get_program()), &asks);
    terminal.press("y\r");
    terminal.until(&["Registers 1 endpoint", "Accept? [y/N]"]);
    terminal.press("n\r");
    terminal.until(&["not accepted"]);
    assert_eq!(terminal.ended(), 3);
    assert!(!desk.log().exists(), "nothing was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_asked_sees_the_plan_also_where_stdout_leads_elsewhere() {
    let desk = Desk::new("no-controller", 40).await;
    let asks = desk.command(&["sync", BOARD]);
    let mut command = CommandBuilder::new("/bin/sh");
    command.args(["-c", "exec \"$0\" \"$@\" > plan.txt"]);
    command.arg(asks.get_program());
    let mut terminal = on_terminal(&desk, command, &asks);
    terminal.until(&["Registers 1 endpoint", "1. register", "Accept? [y/N]"]);
    terminal.press("n\r");
    assert_eq!(terminal.ended(), 3);
    assert!(std::fs::read_to_string(desk.path().join("plan.txt")).unwrap().contains("Registers 1 endpoint"));
}
