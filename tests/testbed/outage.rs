//! Sources that go away and come back: what is shown meanwhile is kept, marked as old, and recovers by itself.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::board;
use super::pty::Frame;
use super::support::Bed;
use super::support::POLLED;
use super::support::attempt;
use super::support::bed;
use super::support::calls;
use super::support::control;
use super::support::follows;
use super::support::run;
use super::support::until;
use super::world::World;

#[test]
fn throttling_is_said_slows_the_calls_and_passes() {
    let bed = bed();
    let world = World::with_pods(&bed, "slow", 2);
    world.register(&world.pods()[..1]);
    let board = world.board();
    let moving = ["in service", "unregistered"];
    board.until("something moves", 15, |it| board::standings(it) == moving);
    let health = "DescribeTargetHealth";
    let fault = json!({"n": 2, "status": 400, "code": "Throttling", "message": "Rate exceeded"});
    control("reset", Some(&json!({"calls": true})));
    control("fault", Some(&json!({health: fault})));
    let call = |n: u64| until("the next call", 15, || (calls(health) >= n).then(Instant::now));
    let first = call(1);
    let shown = board.shows(" · throttled", 5);
    follows("aws", "throttling", (first, shown), Duration::from_secs(1));
    let second = call(2);
    let frame = board.frame();
    assert_eq!(board::standings(&frame), moving, "the rows are kept: {}", frame.text());
    assert!(frame.said().contains("Rate exceeded"), "{}", frame.text());
    let third = call(3);
    // Two seconds while something moves; twice as long after each refusal.
    let (once, twice) = (second - first, third - second);
    println!("throttled: asked again after {once:?}, then after {twice:?}");
    assert!((3500..5000).contains(&once.as_millis()), "{once:?}");
    assert!((7500..9500).contains(&twice.as_millis()), "{twice:?}");
    board.until("over", 5, |it| !it.has(" · throttled") && board::standings(it) == moving);
}

#[test]
fn expired_credentials_are_said_with_what_renews_them() {
    let bed = bed();
    let world = World::serving(&bed, "login", 1);
    let board = world.settled_board(1);
    let text = "The security token included in the request is expired";
    let fault = json!({"n": 1000, "status": 400, "code": "ExpiredToken", "message": text});
    control("fault", Some(&json!({"DescribeTargetHealth": fault})));
    board.shows("credentials expired", 10);
    board.until("what to do", 5, |it| it.said().contains("AWS_ACCESS_KEY_ID"));
    let frame = board.frame();
    assert_eq!(board::standings(&frame), ["in service"], "the row is kept: {}", frame.text());
    assert!(frame.is_dim("healthy"), "the right pane is grey: {}", frame.text());
    assert!(!frame.is_dim("web-"), "the left one is not: {}", frame.text());
    let (code, document) = world.get();
    assert_eq!(code, 2, "{document:#}");
    let failure = &document["bindings"][0]["failures"][0];
    assert_eq!(
        (&failure["source"], &failure["kind"]),
        (&json!("targets"), &json!("expired")),
        "{document:#}"
    );
    assert!(failure["message"].as_str().unwrap().contains(text), "{failure}");
    assert!(failure["hint"].as_str().unwrap().contains("AWS_ACCESS_KEY_ID"), "{failure}");
    assert_eq!(document["bindings"][0]["settled"], json!(null));

    control("fault", Some(&json!({"DescribeTargetHealth": null})));
    let renewed = Instant::now();
    let shown = board.until("settled again", 10, |it| board::settled(it) && !it.has("expired"));
    follows("aws", "credentials are renewed", (renewed, shown), POLLED + Duration::from_secs(3));
}

/// The API server's process; started again when dropped, whatever happened in between.
struct ApiServer {
    args: Vec<String>,
    folder: PathBuf,
    down: bool,
}

impl ApiServer {
    fn of(bed: &Bed) -> Self {
        let pid = std::fs::read_to_string(bed.folder.join("apiserver.pid")).unwrap();
        let args = std::fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap();
        let args: Vec<String> = args.split_terminator('\0').map(str::to_owned).collect();
        assert!(args[0].ends_with("kube-apiserver"), "{args:?}");
        Self { args, folder: bed.folder.clone(), down: false }
    }

    fn kill(&mut self) {
        let pid = std::fs::read_to_string(self.folder.join("apiserver.pid")).unwrap();
        self.down = true;
        run("kill", &["-KILL", pid.trim()]);
    }

    fn start(&mut self) {
        self.down = false;
        let log = OpenOptions::new().append(true).open(self.folder.join("log/apiserver.log")).unwrap();
        let mut command = Command::new(&self.args[0]);
        command.args(&self.args[1..]).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let pid = command.spawn().unwrap().id();
        std::fs::write(self.folder.join("apiserver.pid"), format!("{pid}\n")).unwrap();
        until("the API server answers", 30, || {
            let (code, ..) = attempt(Command::new("kubectl").args(["get", "--raw=/readyz"]), None);
            (code == 0).then_some(())
        });
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if self.down {
            self.start();
        }
    }
}

/// Seconds for which the left pane has been stale.
fn stale(frame: &Frame) -> Option<u64> {
    let text = frame.line("k8s ").split_once("k8s stale ")?.1;
    text.split_once('s')?.0.parse().ok()
}

#[test]
fn a_lost_api_server_leaves_the_rows_grey_and_is_followed_again_when_it_is_back() {
    let bed = bed();
    let world = World::serving(&bed, "api", 2);
    let board = world.settled_board(2);
    // Long enough for an age that is counted from the wrong moment to be seen.
    board.shows("aws 4s", 10);
    let rows = board::rows(&board.frame());
    let mut server = ApiServer::of(&bed);
    server.kill();
    let killed = Instant::now();
    let shown = board.until("stale", 10, |it| stale(it).is_some());
    follows("kubernetes", "the API server is gone", (killed, shown), Duration::from_secs(2));
    let frame = board.frame();
    let age = stale(&frame).unwrap();
    assert!(age <= killed.elapsed().as_secs() + 1, "stale for {age} s: {}", frame.text());
    for row in rows {
        assert!(frame.is_dim(&row.pod), "{} is kept and grey: {}", row.pod, frame.text());
    }
    assert!(!frame.is_dim("healthy"), "the right pane is not: {}", frame.text());
    assert_eq!(board::standings(&frame), ["in service"; 2]);
    board.until("what is wrong", 5, |it| it.said().contains("is the API server up"));

    server.start();
    let back = Instant::now();
    world.kubectl(&["scale", "deployment/web", "--replicas=3"]);
    let shown = board.until("live", 20, |it| it.has("k8s live"));
    follows("kubernetes", "the API server is back", (back, shown), Duration::from_secs(10));
    board.until("what changed since", 10, |it| {
        board::standings(it) == ["in service", "in service", "unregistered"]
    });
    // In the left pane: the box below names pods and addresses too.
    let frame = board.frame();
    for row in board::rows(&frame) {
        let left = format!("{} {}", row.pod, row.endpoint);
        assert!(frame.has(&left) && !frame.is_dim(&left), "{left} is not grey any more: {}", frame.text());
    }
}

/// A stopped process goes on when the test ends, however it ends.
struct Stopped(String);

impl Drop for Stopped {
    fn drop(&mut self) {
        run("kill", &["-CONT", &self.0]);
    }
}

#[test]
fn an_api_server_that_hangs_is_noticed_and_followed_again() {
    let bed = bed();
    let world = World::serving(&bed, "hangs", 2);
    let board = world.settled_board(2);
    let pid = std::fs::read_to_string(bed.folder.join("apiserver.pid")).unwrap().trim().to_owned();
    run("kill", &["-STOP", &pid]);
    let stopped = Stopped(pid);
    let begun = Instant::now();
    // Nothing is refused and no connection ends: only that nobody answers.
    let shown = board.until("stale", 60, |it| stale(it).is_some());
    follows("kubernetes", "the API server hangs", (begun, shown), Duration::from_secs(40));
    let frame = board.frame();
    assert_eq!(board::standings(&frame), ["in service"; 2], "{}", frame.text());
    assert!(frame.has("· settled?"), "{}", frame.text());
    drop(stopped);
    let back = Instant::now();
    let shown = board.until("live", 60, |it| it.has("k8s live") && !it.has("· settled?"));
    follows("kubernetes", "the API server goes on", (back, shown), Duration::from_secs(20));
}
