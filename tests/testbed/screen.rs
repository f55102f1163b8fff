//! The screen as a program in a terminal: it starts without an answer, takes every size, leaves the terminal
//! as it was, stands still when frozen, keeps its selection, helps and filters.

use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::board;
use super::pty::CTRL_C;
use super::pty::ENTER;
use super::pty::ESC;
use super::pty::PAGE_DOWN;
use super::pty::Terminal;
use super::pty::WIDE;
use super::support::Settings;
use super::support::Watch;
use super::support::bed;
use super::support::calls;
use super::support::control;
use super::support::follows;
use super::world::World;

/// Nothing listens on either side.
fn nowhere() -> Settings {
    let settings = Settings::new();
    let closed = "127.0.0.1:1";
    let file = settings.file(
        "closed.kubeconfig",
        &format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: closed\nclusters:\n- name: closed\n  cluster: {{server: 'https://{closed}'}}\nusers:\n- name: closed\n  user: {{token: x}}\ncontexts:\n- name: closed\n  context: {{cluster: closed, user: closed}}\n"
        ),
    );
    settings.with("KUBECONFIG", file).with("AWS_ENDPOINT_URL", format!("http://{closed}"))
}

#[test]
fn the_first_frame_needs_no_answer_and_the_terminal_is_given_back() {
    let _ = bed();
    let settings = nowhere();
    for keys in ["q", CTRL_C] {
        let begun = Instant::now();
        let mut screen = Terminal::start(&settings, &[], WIDE);
        let drawn = screen.shows("tgscope  closed", 5);
        follows("screen", "the first frame", (begun, drawn), Duration::from_secs(2));
        screen.until("what is wrong", 10, |it| it.said().contains("is the API server up"));
        screen.keys(keys);
        let left = screen.left();
        assert_eq!(left.code, 0);
        left.assert_restored();
    }
    for signal in ["TERM", "HUP", "INT"] {
        let screen = Terminal::start(&settings, &[], WIDE);
        screen.until("what is wrong", 10, |it| it.said().contains("is the API server up"));
        screen.signal(signal);
        let left = screen.left();
        assert_eq!(left.code, 0, "{signal}");
        left.assert_restored();
    }
    let (code, document) = settings.get(&[]);
    assert_eq!((code, &document["bindings"]), (2, &json!([])));
    let failures = document["failures"].as_array().unwrap();
    assert!(
        failures.iter().any(|it| it["source"] == "bindings" && it["kind"] == "unreachable"),
        "{document:#}"
    );
}

#[test]
fn every_size_is_taken_and_a_small_one_says_so() {
    let bed = bed();
    let world = World::serving(&bed, "sizes", 3);
    let mut screen = world.settled_board(3);
    for n in 0..40_u16 {
        screen.resize((60 + n * 37 % 241, 20 + n * 23 % 81));
        if n % 5 == 0 {
            screen.keys(["d", ESC, "z", "?", ESC, "z", "j", "0"][usize::from(n / 5)]);
        }
    }
    screen.keys(ESC);
    for size in [(60, 20), (300, 100), (80, 24), (59, 20), (60, 19), (20, 5), (1, 1), (160, 45)] {
        screen.resize(size);
        let text = format!("tgscope needs 60 × 20, this is {} × {}", size.0, size.1);
        let shown: String = text.chars().take(usize::from(size.0)).collect();
        match size {
            (60.., 20..) => screen.until(&format!("{size:?}"), 5, |it| {
                let height = it.lines.iter().filter(|it| !it.trim().is_empty()).count();
                it.lines[0].starts_with(" tgscope  testb")
                    && height == it.lines.len()
                    && it.lines[it.lines.len() - 1].contains("0 list")
            }),
            _ => screen.until(&text, 5, |it| {
                it.lines[0] == format!("{shown:width$}", width = usize::from(size.0))
                    && it.lines[1..].iter().all(|it| it.trim().is_empty())
            }),
        };
    }
    screen.keys("q");
    let left = screen.left();
    assert_eq!(left.code, 0);
    left.assert_restored();
}

#[test]
fn a_frozen_picture_stands_still_asks_nothing_and_catches_up() {
    let bed = bed();
    let world = World::with_pods(&bed, "frozen", 2);
    let mut screen = world.board();
    screen.until("both wait", 15, |it| board::standings(it) == ["unregistered"; 2]);
    screen.keys("f");
    screen.shows("FROZEN", 5);
    let before = screen.frame();
    // A call that was under way has been answered by then.
    screen.until("frozen for a while", 10, |it| {
        ["2s", "3s", "4s"].iter().any(|s| it.has(&format!("FROZEN {s}")))
    });
    control("reset", Some(&json!({"calls": true})));
    let pods = Watch::start(&world.namespace, "pods", "{.status.conditions[?(@.type==\"Ready\")].status}");
    world.kubectl(&["scale", "deployment/web", "--replicas=4"]);
    pods.nth(4, |it| it.contains("True"));
    world.register(&world.pods()[..1]);
    // Several polls would have been made.
    screen.shows("FROZEN 7s", 15);
    // Calls of the CLI are no DescribeTargetHealth.
    assert_eq!(calls("DescribeTargetHealth"), 0);
    let after = screen.frame();
    assert_eq!(before.lines[2..], after.lines[2..], "{}\n{}", before.text(), after.text());
    screen.keys("f");
    let thawed = Instant::now();
    let caught = screen.until("caught up", 5, |it| board::rows(it).len() == 4 && !it.has("FROZEN"));
    follows("kubernetes", "what happened while frozen", (thawed, caught), Duration::from_secs(1));
    let caught = screen.until("caught up", 5, |it| board::standings(it).contains(&"in service".to_owned()));
    follows("aws", "what happened while frozen", (thawed, caught), Duration::from_secs(1));
}

#[test]
fn the_selection_stays_on_its_pod_when_rows_move() {
    let bed = bed();
    let world = World::serving(&bed, "moves", 3);
    let mut screen = world.settled_board(3);
    let order: Vec<String> = board::rows(&screen.frame()).into_iter().map(|it| it.pod).collect();
    screen.keys("jj");
    let selected = |frame: &super::pty::Frame| {
        board::rows(frame).into_iter().enumerate().find(|it| it.1.selected).map(|it| (it.0, it.1.pod))
    };
    screen.until("the middle one", 5, |it| selected(it) == Some((1, order[1].clone())));
    let last = world.pods().into_iter().find(|it| it.name == order[2]).unwrap();
    let pods = [last];
    world.health(&pods, &json!({"State": "unhealthy", "Reason": "Target.ResponseCodeMismatch"}));
    screen.until("the last one comes first", 10, |it| {
        board::rows(it).first().is_some_and(|it| it.pod == order[2] && it.standing == "failing")
            && selected(it) == Some((2, order[1].clone()))
    });
    let chosen = world.pods().into_iter().find(|it| it.name == order[1]).unwrap();
    screen.keys("d");
    screen.until("the details are its own", 5, |it| it.has("Details · ") && it.has(&chosen.uid));
    screen.keys(ESC);
    // The next key must not be about another target than the one that was selected.
    world.kubectl(&["delete", "pod", &chosen.name, "--wait=false"]);
    world.deregister(std::slice::from_ref(&chosen));
    screen.until("nothing is selected", 20, |it| {
        selected(it).is_none() && !it.has(&format!("{}:8080", chosen.ip))
    });
    screen.keys("j");
    screen.until("a line again", 5, |it| selected(it).is_some());
}

/// Keys and what they do, as the README's table will have them.
const HELP: [&str; 36] = [
    "Next line",
    "Previous line",
    "First line",
    "Last line",
    "A page down",
    "A page up",
    "Half a page down",
    "Half a page up",
    "The other pane",
    "List the bindings of the scope",
    "Show the board of the selected",
    "Open the selected binding",
    "Go back: clear filter",
    "Show everything known about",
    "Filter; prefix ! to invert",
    "Show only problems",
    "Sort by the next column",
    "Reverse the order",
    "Show one pane with all columns",
    "Freeze or resume the screen",
    "Poll AWS now",
    "Mark or unmark the row",
    "Bind a service",
    "Delete the binding",
    "Force the controller to reconcile",
    "Take the pod (or, for",
    "Deregister the target",
    "Register the endpoint if",
    "Register missing endpoints",
    "Change the weights",
    "Undo the last change",
    "Show the audit log",
    "Find an action",
    "Show this page",
    "Suspend to the shell",
    "Quit",
];

#[test]
fn help_lists_every_action_and_a_filter_leaves_what_contains_it() {
    let bed = bed();
    let world = World::serving(&bed, "help", 3);
    let mut screen = world.settled_board(3);
    screen.keys("?");
    // Its foot is drawn last: what was seen up to there is the whole page.
    screen.until("the first page", 5, |it| it.has(HELP[0]) && it.has("Esc close"));
    let first = screen.frame();
    screen.keys(PAGE_DOWN);
    screen.until("the words, and every action", 5, |it| {
        it.has("Standings") && HELP.iter().all(|text| it.has(text) || first.has(text))
    });
    screen.keys(ESC);
    screen.until("closed", 5, |it| !it.has(" Help "));
    screen.keys("d");
    let named = format!("elbv2.k8s.aws/v1beta1 {}/web", world.namespace);
    screen.until("the binding's details", 5, |it| {
        ["health check", "deregistration", &named, &world.arn, "weight 1 (100 %)"]
            .iter()
            .all(|text| it.has(text))
    });
    screen.keys(ESC);
    screen.until("closed", 5, |it| board::rows(it).len() == 3);
    let chosen = board::rows(&screen.frame())[1].pod.clone();
    let tail = &chosen[chosen.len() - 5..];
    // Letters that are keys elsewhere are text here.
    screen.keys("/quit");
    screen.shows("nothing matches", 5);
    screen.keys(&format!("\x7f\x7f\x7f\x7f{tail}"));
    let only = |frame: &super::pty::Frame| {
        board::rows(frame).into_iter().map(|it| it.pod).collect::<Vec<_>>() == [chosen.clone()]
    };
    screen.until("only it", 5, only);
    screen.keys(ENTER);
    screen.until("kept", 5, |it| only(it) && it.has(&format!("filter {tail}")));
    screen.keys(&format!("/\x15!{tail}{ENTER}"));
    screen.until("all but it", 5, |it| board::rows(it).len() == 2 && !it.has(&chosen));
    screen.keys(ESC);
    screen.until("everything", 5, |it| board::rows(it).len() == 3);
}
