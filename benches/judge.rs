//! Figures of the rules and the frame at scale: one binding with thousands of endpoints, thousands of bindings.
//!
//!     cargo bench --bench judge

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures and says so"
)]

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;
use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tgscope::app;
use tgscope::app::Message;
use tgscope::app::State;
use tgscope::app::action::Action;
use tgscope::app::opening::Opening;
use tgscope::domain::facts::elb::Health;
use tgscope::domain::facts::elb::HealthState;
use tgscope::domain::facts::elb::Target;
use tgscope::domain::facts::elb::Targets;
use tgscope::domain::facts::ids::BindingApi;
use tgscope::domain::facts::ids::ClusterId;
use tgscope::domain::facts::ids::TargetGroupArn;
use tgscope::domain::facts::ids::TargetId;
use tgscope::domain::facts::ids::TargetKey;
use tgscope::domain::facts::time::Timestamp;
use tgscope::domain::inventory::Kind;
use tgscope::domain::inventory::Observation;
use tgscope::kubernetes::read;
use tgscope::tui::Theme;
use tgscope::tui::view;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn main() {
    for n in [100_u32, 1_000, 5_000] {
        judging(&format!("{n} endpoints of one binding"), &world(n));
    }
    judging("1600 bindings of one service on one group", &bindings(1_600, 1, 1));
    judging("1000 bindings of 1000 services and groups", &bindings(1_000, 1_000, 1_000));
    for n in [50_u32, 10_000] {
        let state = shown(&world(n));
        drawing(&format!("{n} rows"), &state);
        let mut sorted = state.clone();
        app::update(&mut sorted, Message::Act(Action::Sort));
        drawing(&format!("{n} rows by name"), &sorted);
        let mut filtered = state;
        "WEB-0".clone_into(&mut filtered.filter);
        drawing(&format!("{n} rows, filtered"), &filtered);
    }
    drawing("a list of 1000 bindings", &shown(&bindings(1_000, 1_000, 1_000)));
    judging("1600 bindings of 1600 services, one group", &bindings(1_600, 1_600, 1));
}

/// How long all judgements take, and those that hang on one pod.
fn judging(what: &str, changes: &[Observation]) {
    let mut state = shown(changes);
    let nodes = list(Kind::Nodes, &[]);
    let all = median(|| {
        app::update(&mut state, Message::Observed(NOW, Box::new(nodes.clone())));
        app::settle(&mut state);
    });
    let mut restarts = 0;
    let one = median(|| {
        restarts += 1;
        let object = read::object(Kind::Pods, &pod("web", 0, restarts)).unwrap();
        let change = Observation::Applied { cluster: cluster(), object };
        app::update(&mut state, Message::Observed(NOW, Box::new(change)));
        app::settle(&mut state);
    });
    println!("{what:<44} judged in {all:>9.2} ms, after a change of one pod in {one:>9.2} ms");
}

/// How long a frame takes, and a key with the frame that answers it.
fn drawing(what: &str, state: &State) {
    let area = Rect::new(0, 0, 160, 45);
    let mut buffer = Buffer::empty(area);
    let theme = Theme::colours();
    let frame = median(|| {
        view::render(state, &theme, area, &mut buffer);
    });
    let mut down = state.clone();
    let key = median(|| {
        app::update(&mut down, Message::Act(Action::Down));
        app::settle(&mut down);
        view::render(&down, &theme, area, &mut buffer);
    });
    println!("{what:<44} drawn in  {frame:>9.2} ms, key to frame               {key:>9.2} ms");
}

/// What the screen knows once all of it was seen.
fn shown(changes: &[Observation]) -> State {
    let mut state = State::new(Opening::default(), NOW);
    for change in changes {
        app::update(&mut state, Message::Observed(NOW, Box::new(change.clone())));
    }
    app::settle(&mut state);
    state
}

/// Milliseconds of the middle of many runs.
fn median(mut run: impl FnMut()) -> f64 {
    let until = Instant::now() + Duration::from_millis(700);
    let mut times = Vec::new();
    while Instant::now() < until || times.len() < 3 {
        let from = Instant::now();
        run();
        times.push(from.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn cluster() -> ClusterId {
    ClusterId::new("bench")
}

fn address(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n))
}

fn pod(service: &str, i: u32, restarts: u32) -> String {
    format!(
        r#"{{"metadata":{{"name":"{service}-{i:05}","namespace":"shop","uid":"u{i}","labels":{{"app":"{service}"}},"creationTimestamp":"2026-11-23T00:00:00Z"}},
        "spec":{{"nodeName":"n{}"}},"status":{{"phase":"Running","podIPs":[{{"ip":"{}"}}],
        "containerStatuses":[{{"name":"web","ready":true,"restartCount":{restarts},"state":{{}}}}],
        "conditions":[{{"type":"Ready","status":"True"}},{{"type":"ContainersReady","status":"True"}}]}}}}"#,
        i % 50,
        address(i)
    )
}

/// A slice of a service with the pods of these numbers.
fn slice(service: &str, pods: Range<u32>) -> String {
    let endpoint = |i: u32| {
        format!(
            r#"{{"addresses":["{}"],"conditions":{{"ready":true}},"targetRef":{{"kind":"Pod","name":"{service}-{i:05}","uid":"u{i}"}}}}"#,
            address(i)
        )
    };
    let first = pods.start;
    let endpoints: Vec<String> = pods.map(endpoint).collect();
    format!(
        r#"{{"metadata":{{"name":"{service}-s{first}","namespace":"shop","labels":{{"kubernetes.io/service-name":"{service}"}}}},
        "addressType":"IPv4","ports":[{{"name":"http","port":8080}}],"endpoints":[{}]}}"#,
        endpoints.join(",")
    )
}

fn service(name: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"shop"}},"spec":{{"selector":{{"app":"{name}"}},"ports":[{{"name":"http","port":80}}]}}}}"#
    )
}

fn binding(name: &str, service: &str, group: &TargetGroupArn) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"shop","uid":"{name}"}},"spec":{{"targetGroupARN":"{group}","targetType":"ip","serviceRef":{{"name":"{service}","port":80}}}}}}"#
    )
}

fn group(name: &str) -> TargetGroupArn {
    let text =
        format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/{name}/0123456789abcdef");
    text.parse().unwrap()
}

/// Targets of the pods of these numbers; every tenth unhealthy.
fn targets(group: &TargetGroupArn, pods: Range<u32>) -> Observation {
    let target = |i: u32| Target {
        key: TargetKey::new(TargetId::Ip(address(i)), 8080),
        zone: Some(if i.is_multiple_of(2) { "us-west-2a" } else { "us-west-2b" }.into()),
        health: Health {
            state: if i.is_multiple_of(10) { HealthState::Unhealthy } else { HealthState::Healthy },
            reason: None,
            description: None,
        },
        health_port: None,
        shifted: None,
        anomalous: false,
    };
    let targets = Targets { targets: pods.map(target).collect(), asked: NOW, unreadable: 0 };
    Observation::Targets(group.clone(), targets)
}

fn list(kind: Kind, texts: &[String]) -> Observation {
    Observation::Listed {
        cluster: cluster(),
        kind,
        namespace: None,
        objects: texts.iter().map(|it| read::object(kind, it).unwrap()).collect(),
    }
}

const BINDINGS: Kind = Kind::Bindings(BindingApi::LoadBalancerController);

/// One binding with its pods, one slice for each hundred of them, and their targets.
fn world(n: u32) -> Vec<Observation> {
    let slices: Vec<String> =
        (0..n).step_by(100).map(|first| slice("web", first..(first + 100).min(n))).collect();
    let pods: Vec<String> = (0..n).map(|i| pod("web", i, 0)).collect();
    vec![
        list(BINDINGS, &[binding("web", "web", &group("web"))]),
        list(Kind::Services, &[service("web")]),
        list(Kind::Pods, &pods),
        list(Kind::Nodes, &[]),
        list(Kind::Slices, &slices),
        targets(&group("web"), 0..n),
    ]
}

/// Bindings dealt out to services of five pods each and to groups; in each group are the pods of one service.
fn bindings(n: u32, services: u32, groups: u32) -> Vec<Observation> {
    const PODS: u32 = 5;
    let name = |i: u32| if i == 0 { "web".to_owned() } else { format!("web{i:04}") };
    let of_each = |n: u32, make: &dyn Fn(u32) -> String| -> Vec<String> { (0..n).map(make).collect() };
    let pod_of = |i: u32| pod(&name(i / PODS), i, 0);
    let group = |i: u32| group(&name(i));
    let bound = |i: u32| binding(&name(i), &name(i % services), &group(i % groups));
    let mut changes = vec![
        list(BINDINGS, &of_each(n, &bound)),
        list(Kind::Services, &of_each(services, &|i| service(&name(i)))),
        list(Kind::Pods, &of_each(services * PODS, &pod_of)),
        list(Kind::Nodes, &[]),
        list(Kind::Slices, &of_each(services, &|i| slice(&name(i), i * PODS..(i + 1) * PODS))),
    ];
    changes.extend((0..groups).map(|i| targets(&group(i), i * PODS..(i + 1) * PODS)));
    changes
}
