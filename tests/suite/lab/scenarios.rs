//! Every scenario at named moments of its own clock, as `get -o json` tells it through the ordinary clients.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;
use tgscope::domain::plan::manner::Manner;
use tgscope::report::Document;

use super::Still;

/// A scenario and the moments it is looked at: seconds after the beginning, and what is to be seen then.
type Story = (&'static str, &'static [(u64, &'static str)]);

const STORIES: &[Story] = &[
    (
        "workshop",
        &[
            (0, "three pods in service, settled"),
            (18, "scaled to five: two pods start"),
            (25, "the new targets pass their first checks"),
            (65, "restarted: new pods register while old ones drain"),
            (122, "a pod is deleted and replaced"),
        ],
    ),
    (
        "rollout",
        &[
            (0, "four pods of the first version, their gates passed"),
            (20, "the first new pod has ready containers and a gate that is not"),
            (60, "one by one"),
            (170, "the new version everywhere"),
        ],
    ),
    (
        "outage",
        &[(0, "every health check times out: fail-open"), (160, "nobody opens the way, and it stays so")],
    ),
    ("wrong-port", &[(0, "ready at one port, checked at another: refused")]),
    ("wrong-path", &[(0, "the check asks for a path that is not there")]),
    (
        "drift",
        &[
            (0, "at rest"),
            (20, "one deregistered by hand; the controller sleeps"),
            (70, "an address that nobody has"),
            (125, "told to look, the controller believes what it listed before"),
            (390, "it lists anew, and everything is as wanted"),
        ],
    ),
    (
        "crashloop",
        &[
            (0, "at rest"),
            (30, "the new version crashes"),
            (170, "the correction cannot be pulled"),
            (300, "back to the old version"),
        ],
    ),
    (
        "throttling",
        &[(0, "at rest"), (40, "the health of the targets cannot be read"), (130, "and again it can")],
    ),
    ("expired-credentials", &[(0, "at rest"), (40, "AWS refuses everything"), (110, "renewed")]),
    (
        "stuck-finalizer",
        &[(0, "at rest"), (15, "deleted, and hanging"), (120, "still"), (1500, "the clean-up went through")],
    ),
    (
        "no-controller",
        &[(0, "nothing is registered yet"), (30, "two of three, and an orphan"), (90, "a pod was replaced")],
    ),
    (
        "two-writers",
        &[
            (0, "at rest"),
            (15, "one of ours was taken out"),
            (25, "two of theirs were put in"),
            (70, "the controller looked"),
        ],
    ),
    ("blue-green", &[(0, "every request goes to blue"), (60, "green has three as well")]),
    (
        "ingress-made",
        &[
            (0, "made from an Ingress: the check's path is not there"),
            (60, "and it stays so while a rule cannot be made"),
        ],
    ),
    ("nlb", &[(0, "two pods in one zone, behind a load balancer of two"), (200, "the same at rest")]),
    (
        "instance",
        &[
            (0, "a node without a pod of its own is unhealthy by design"),
            (40, "an instance was stopped"),
            (100, "its node is away: the controller lets it go"),
            (260, "it is back"),
        ],
    ),
];

async fn told((scenario, moments): &Story) -> String {
    let world = Still::start(scenario).await;
    let mut told = String::new();
    let mut passed = 0;
    for (at, what) in *moments {
        world.seconds(at - passed);
        passed = *at;
        let look = world.look().await;
        let document = serde_json::to_value(Document::new(
            &look.inventory,
            &look.reports,
            (&Manner::default(), None, look.at),
        ))
        .unwrap();
        _ = writeln!(told, "=== {at} s: {what}\n{}", shown(&document, 0));
    }
    told
}

/// Ten thousand rows are not read one by one: what each binding comes to, in the words of the same document.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_large_world_tells_its_story_in_short() {
    let world = Still::start("large").await;
    let mut told = String::new();
    for (pass, what) in
        [(0, "a hundred bindings of a hundred pods"), (120, "one of them has a version that fails")]
    {
        world.seconds(pass);
        let look = world.look().await;
        let document = serde_json::to_value(Document::new(
            &look.inventory,
            &look.reports,
            (&Manner::default(), None, look.at),
        ))
        .unwrap();
        _ = writeln!(told, "=== {what}");
        let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for it in document["bindings"].as_array().unwrap() {
            let rows = it["rows"].as_array().unwrap().len();
            let line = format!(
                "{} {}, settled {}, {} of {} in {rows} rows: {}",
                it["verdict"],
                it["summary"],
                it["settled"],
                it["inService"],
                it["wanted"],
                it["unsettledBecause"]
            );
            alike.entry(line).or_default().push(it["name"].as_str().unwrap());
        }
        for (line, names) in alike {
            let names = if names.len() > 3 { format!("{} bindings", names.len()) } else { names.join(" ") };
            _ = writeln!(told, "{names}: {line}");
        }
    }
    insta::assert_snapshot!("story_large", told);
}

/// JSON with a line for each row: what lies deeper is written in one line.
fn shown(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let inside = |parts: Vec<String>, open: &str, close: &str| match parts.is_empty() {
        true => format!("{open}{close}"),
        false => {
            format!("{open}\n{indent}{}\n{}{close}", parts.join(&format!(",\n{indent}")), "  ".repeat(depth))
        }
    };
    match value {
        Value::Object(map) if depth < 3 => {
            let parts = map.iter().map(|(key, it)| format!("{key:?}: {}", shown(it, depth + 1))).collect();
            inside(parts, "{", "}")
        }
        Value::Array(all) if depth < 4 && all.iter().any(Value::is_object) => {
            inside(all.iter().map(|it| shown(it, depth + 1)).collect(), "[", "]")
        }
        other => other.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_tells_its_story() {
    let told_of: Vec<&str> = STORIES.iter().map(|it| it.0).chain(["large"]).collect();
    let all = tgscope::lab::Scenario::all().unwrap();
    let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), told_of.len(), "a scenario without a story: {names:?}");
    for story in STORIES {
        let told = told(story).await;
        insta::assert_snapshot!(format!("story_{}", story.0), told);
    }
}
