//! Anything from outside, whatever it is: read, or refused with a sentence, and never a panic. `PROPTEST_CASES=100000` makes
//! a long run of each.

use std::sync::Arc;
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::sample::Index;
use tgscope::domain::facts::selector::Selector;
use tgscope::domain::facts::time::Timestamp;
use tgscope::domain::inventory::Kind;
use tgscope::domain::inventory::Observation;
use tgscope::domain::judgement::scope::ScopeTarget;
use tgscope::kubernetes::Contexts;

use crate::cases::fake::World;
use crate::support::After;
use crate::support::Answer;
use crate::support::Server;
use crate::support::answer;
use crate::support::runs_elsewhere;

/// How a text is damaged: something put at a place instead of so many of its bytes.
type Damage = (Index, usize, String);

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let put = prop_oneof![
        Just(String::new()),
        ".{0,8}",
        "[-+]?[0-9]{1,25}",
        Just("null".to_owned()),
        Just("{}".to_owned()),
        Just("[".to_owned()),
        Just("\u{0}\u{1b}]0;\u{7}".to_owned()),
        Just("</member>".to_owned()),
        Just("&#0;&amp;&lt".to_owned()),
        Just("9999-12-31T23:59:60Z".to_owned()),
    ];
    prop::collection::vec((any::<Index>(), 0..12_usize, put), 1..4)
}

fn damaged(text: &str, damage: &[Damage]) -> String {
    let mut text = text.to_owned();
    for (at, length, put) in damage {
        let from = text.floor_char_boundary(at.index(text.len() + 1));
        let to = text.floor_char_boundary((from + length).min(text.len())).max(from);
        text.replace_range(from..to, put);
    }
    text
}

pub(crate) fn few(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").is_ok();
    let cases = if asked { ProptestConfig::default().cases } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
    contexts:\n- {name: here, context: {cluster: c, user: u, namespace: shop}}\n\
    clusters:\n- {name: c, cluster: {server: \"https://host:6443\", tls-server-name: a, proxy-url: \"http://p:1\", \
    insecure-skip-tls-verify: true}}\n\
    users:\n- {name: u, user: {token: t, username: me, password: p, tokenFile: /nowhere, \
    auth-provider: {name: oidc, config: {id-token: x}}}}\n";

proptest! {
    #![proptest_config(few(500))]

    #[test]
    fn what_is_pointed_at_is_read_or_refused_and_prints_as_it_was_typed(text in ".{0,60}") {
        if let Ok(target) = text.parse::<ScopeTarget>() {
            prop_assert_eq!(target.to_string().parse::<ScopeTarget>(), Ok(target));
        }
    }

    #[test]
    fn near_misses_of_what_is_pointed_at_too(text in "(shop/)?(tgb|svc|pod|node|tg|lb|deploy)?/?[a-z0-9./:-]{0,20}") {
        if let Ok(target) = text.parse::<ScopeTarget>() {
            prop_assert_eq!(target.to_string().parse::<ScopeTarget>(), Ok(target));
        }
    }

    #[test]
    fn selectors_are_read_or_refused(text in ".{0,40}|[a-z=!,() ]{0,40}(in|notin)?[a-z=!,() ]{0,20}") {
        _ = text.parse::<Selector>();
    }
}

proptest! {
    #![proptest_config(few(200))]

    #[test]
    fn kubeconfigs_are_read_or_refused(damage in damage()) {
        // A damage that makes a login command of something would run it.
        let text = damaged(KUBECONFIG, &damage);
        if text.contains("exec") {
            return Ok(());
        }
        let Ok(contexts) = Contexts::from_text(&text) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for name in contexts.names().iter().map(|it| Some(it.as_str())).chain([None]) {
            if let Ok(access) = contexts.access(name) {
                // Connecting asks nobody anything yet.
                drop(runtime.block_on(access.connect()));
            }
        }
    }
}

#[test]
fn answers_of_aws_are_read_or_refused() {
    if runs_elsewhere("fuzz::answers_of_aws_are_read_or_refused") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let damages = Arc::new(Mutex::new(Vec::<Damage>::new()));
    let (told, world) = (damages.clone(), World::read("nlb-timeout-clientip"));
    let server = Server::start(move |request| match world.answer(request) {
        Answer::Whole { status, headers, body } => {
            Answer::Whole { status, headers, body: damaged(&body, &told.lock().unwrap()) }
        }
        other => other,
    });
    let settings = tgscope::aws::Settings {
        endpoint: Some(server.url()),
        region: Some("eu-west-1".to_owned()),
        ..tgscope::aws::Settings::default()
    };
    let session = runtime.block_on(tgscope::aws::Session::open(settings));
    let client = session.client("eu-west-1", None);
    let groups = runtime.block_on(client.page_of_groups(None)).unwrap().0;
    let (group, balancer) = (groups[0].arn.clone(), groups[0].load_balancers[0].clone());
    let listener = runtime.block_on(client.listeners(&balancer, None)).unwrap().0.remove(0).arn;
    proptest!(few(120), |(damage in damage())| {
        *damages.lock().unwrap() = damage;
        let failures = runtime.block_on(async {
            [
                client.targets(&group, Timestamp(5)).await.err(),
                client.groups(std::slice::from_ref(&group)).await.err(),
                client.page_of_groups(None).await.err(),
                client.attributes(&group).await.err(),
                client.tags(std::slice::from_ref(&group)).await.err(),
                client.load_balancers(std::slice::from_ref(&balancer)).await.err(),
                client.cross_zone(&balancer).await.err(),
                client.listeners(&balancer, None).await.err(),
                client.rules(&listener, None).await.err(),
                session.caller("eu-west-1").await.err(),
            ]
        });
        for failure in failures.into_iter().flatten() {
            prop_assert!(!failure.message.is_empty());
            prop_assert!(!failure.message.contains('\n'));
        }
    });
}

#[test]
fn lists_of_the_api_server_are_read_or_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let texts = Arc::new(Mutex::new(String::new()));
    let told = texts.clone();
    let server = Server::start(move |_| answer(200, told.lock().unwrap().clone()));
    let config = KUBECONFIG.replace("https://host:6443", &server.url());
    let config =
        config.replace("tls-server-name: a, proxy-url: \"http://p:1\", insecure-skip-tls-verify: true", "");
    let access = Contexts::from_text(&config).unwrap().access(None).unwrap();
    let cluster = runtime.block_on(access.within(Some(std::time::Duration::from_secs(2))).connect());
    let Ok(cluster) = cluster else { panic!("the kubeconfig is whole") };
    let list = "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"metadata\":{\"name\":\"a\",\
         \"namespace\":\"shop\",\"uid\":\"u\",\"creationTimestamp\":\"2026-11-23T10:00:00Z\"},\"spec\":{\"nodeName\":\"n\"},\
         \"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\"}}]}";
    proptest!(few(150), |(damage in damage())| {
        *texts.lock().unwrap() = damaged(list, &damage);
        if let Err(failure) = runtime.block_on(cluster.list(Kind::Pods, Some("shop"))) {
            prop_assert!(!failure.message.is_empty());
        }
    });
}

const POD: &str = "{\"metadata\":{\"name\":\"a\",\"namespace\":\"shop\",\"uid\":\"u\",\"resourceVersion\":\"7\",\
     \"creationTimestamp\":\"2026-11-23T10:00:00Z\"},\"spec\":{\"nodeName\":\"n\"},\
     \"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\"}}";

/// What a watch of pods says first where these are its lines.
async fn watched(lines: Vec<String>) -> Option<Observation> {
    use futures::StreamExt;
    let server = Server::start(move |request| match request.parameter("watch") {
        Some(_) => Answer::Stream(lines.clone(), After::End),
        None => answer(200, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}"),
    });
    let config = KUBECONFIG.replace("https://host:6443", &server.url());
    let config =
        config.replace("tls-server-name: a, proxy-url: \"http://p:1\", insecure-skip-tls-verify: true", "");
    let access = Contexts::from_text(&config).unwrap().access(None).unwrap();
    let cluster = access.within(Some(std::time::Duration::from_secs(2))).connect().await.unwrap();
    let changes = cluster.watch(Kind::Pods, Some("shop".to_owned()));
    tokio::pin!(changes);
    tokio::time::timeout(crate::support::PATIENCE, changes.next()).await.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_watch_that_says_anything_is_lost_or_goes_on() {
    let lines = [
        "{}",
        "{\"type\":\"ADDED\"}",
        "{\"type\":\"ADDED\",\"object\":null}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":5}}",
        "{\"type\":\"NEW\",\"object\":{\"metadata\":{\"name\":\"a\"}}}",
        "{\"type\":\"BOOKMARK\",\"object\":{}}",
        "{\"type\":\"ERROR\",\"object\":{\"code\":\"x\"}}",
        "\u{0}\u{1b}[2J",
        "[[[[",
        "",
        // A streamed list that never says that it is whole.
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"shop\",\"uid\":\"u\",\"resourceVersion\":\"7\"}}}",
    ];
    for line in lines {
        assert!(watched(vec![line.to_owned()]).await.is_some(), "{line:?}: nothing was said of it");
    }
}

#[test]
fn damaged_lines_of_a_watch_are_lost_or_go_on() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let end = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\",\
         \"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}";
    proptest!(few(60), |(which in 0..3_usize, damage in damage())| {
        let event = |kind: &str| format!("{{\"type\":\"{kind}\",\"object\":{POD}}}");
        let mut lines = vec![event("ADDED"), event("MODIFIED"), end.to_owned()];
        // A line end in the middle makes two lines of one.
        lines[which] = damaged(&lines[which], &damage);
        prop_assert!(runtime.block_on(watched(lines)).is_some());
    });
}
