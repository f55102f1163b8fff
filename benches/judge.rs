//! Figures of the rules and the frame at scale: one binding with thousands of endpoints and targets.
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
use std::time::Duration;
use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tgscope::app;
use tgscope::app::Message;
use tgscope::app::State;
use tgscope::app::action::Action;
use tgscope::app::state::Opening;
use tgscope::domain::facts::elb::Health;
use tgscope::domain::facts::elb::HealthState;
use tgscope::domain::facts::elb::Target;
use tgscope::domain::facts::elb::Targets;
use tgscope::domain::facts::ids::BindingApi;
use tgscope::domain::facts::ids::ClusterId;
use tgscope::domain::facts::ids::TargetId;
use tgscope::domain::facts::ids::TargetKey;
use tgscope::domain::facts::time::Timestamp;
use tgscope::domain::inventory::Inventory;
use tgscope::domain::inventory::Kind;
use tgscope::domain::inventory::Observation;
use tgscope::domain::judgement::history::History;
use tgscope::domain::judgement::report;
use tgscope::domain::judgement::row::Subject;
use tgscope::kubernetes::read;
use tgscope::tui::Theme;
use tgscope::tui::view;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const ARN: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef";

fn main() {
    for n in [100_u32, 1_000, 5_000] {
        let changes = world(n);
        let mut inventory = Inventory::default();
        for change in &changes {
            inventory.apply(change.clone(), NOW);
        }
        let (reference, _) = inventory.bindings().next().unwrap();
        let subject = Subject::Binding(reference);
        let history = History::default();
        let judge = median(|| drop(report::judge(&inventory, &subject, &history, NOW).unwrap()));

        let mut state = State::new(Opening::default(), NOW);
        for change in changes {
            app::update(&mut state, Message::Observed(NOW, Box::new(change)));
        }
        app::settle(&mut state);
        let area = Rect::new(0, 0, 160, 45);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::colours();
        let frame = median(|| view::render(&state, &theme, area, &mut buffer));
        let mut down = state.clone();
        let key = median(|| {
            app::update(&mut down, Message::Act(Action::Down));
            app::settle(&mut down);
            view::render(&down, &theme, area, &mut buffer);
        });
        println!(
            "{n:>5} endpoints: judged in {judge:>7.2} ms, drawn in {frame:>6.2} ms, key to frame {key:>6.2} ms"
        );
    }
}

/// Milliseconds of the middle of many runs.
fn median(mut run: impl FnMut()) -> f64 {
    let until = Instant::now() + Duration::from_millis(700);
    let mut times = Vec::new();
    while Instant::now() < until || times.len() < 5 {
        let from = Instant::now();
        run();
        times.push(from.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn address(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n))
}

/// Pods, one slice for each hundred of them, and their targets; every tenth unhealthy.
fn world(n: u32) -> Vec<Observation> {
    let cluster = ClusterId::new("bench");
    let pod = |i: u32| {
        format!(
            r#"{{"metadata":{{"name":"web-{i:05}","namespace":"shop","uid":"u{i}","labels":{{"app":"web"}},"creationTimestamp":"2026-11-23T00:00:00Z"}},
            "spec":{{"nodeName":"n{}"}},"status":{{"phase":"Running","podIPs":[{{"ip":"{}"}}],
            "conditions":[{{"type":"Ready","status":"True"}},{{"type":"ContainersReady","status":"True"}}]}}}}"#,
            i % 50,
            address(i)
        )
    };
    let endpoint = |i: u32| {
        format!(
            r#"{{"addresses":["{}"],"conditions":{{"ready":true}},"targetRef":{{"kind":"Pod","name":"web-{i:05}","uid":"u{i}"}}}}"#,
            address(i)
        )
    };
    let slice = |first: u32| {
        let endpoints: Vec<String> = (first..(first + 100).min(n)).map(endpoint).collect();
        format!(
            r#"{{"metadata":{{"name":"web-s{first}","namespace":"shop","labels":{{"kubernetes.io/service-name":"web"}}}},
            "addressType":"IPv4","ports":[{{"name":"http","port":8080}}],"endpoints":[{}]}}"#,
            endpoints.join(",")
        )
    };
    let service = r#"{"metadata":{"name":"web","namespace":"shop"},"spec":{"selector":{"app":"web"},"ports":[{"name":"http","port":80}]}}"#;
    let binding = format!(
        r#"{{"metadata":{{"name":"web","namespace":"shop","uid":"b"}},"spec":{{"targetGroupARN":"{ARN}","targetType":"ip","serviceRef":{{"name":"web","port":80}}}}}}"#
    );
    let api = Kind::Bindings(BindingApi::LoadBalancerController);
    let list = |kind, texts: Vec<String>| Observation::Listed {
        cluster: cluster.clone(),
        kind,
        namespace: None,
        objects: texts.iter().map(|it| read::object(kind, it).unwrap()).collect(),
    };
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
    let targets = Targets { targets: (0..n).map(target).collect(), asked: NOW, unreadable: 0 };
    vec![
        list(api, vec![binding]),
        list(Kind::Services, vec![service.to_owned()]),
        list(Kind::Pods, (0..n).map(pod).collect()),
        list(Kind::Nodes, Vec::new()),
        list(Kind::Slices, (0..n).step_by(100).map(slice).collect()),
        Observation::Targets(ARN.parse().unwrap(), targets),
    ]
}
