//! The order in which a step is taken, as it is seen on the wire and in the log.

use std::io::Read;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;

use tgscope::audit::Log;
use tgscope::backend::Buckets;
use tgscope::backend::Connection;
use tgscope::domain::facts::ids::RowKey;
use tgscope::domain::plan::targets;
use tgscope::kubernetes::Contexts;

use super::words;
use crate::lab::Still;
use crate::support::Answer;
use crate::support::Request;
use crate::support::Server;

/// What happened, in order, each with the turns of the budget that were taken by then.
type Happened = Arc<Mutex<Vec<(String, u64)>>>;

/// A wire that notes what goes over it on its way to the lab.
fn recorded(to: &str, happened: &Happened, budget: &Buckets) -> Server {
    let to = to.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (happened, budget) = (happened.clone(), budget.clone());
    Server::start(move |request| {
        happened.lock().unwrap().push((name(request), budget.taken()));
        forward(&to, request)
    })
}

/// The call as its owner names it.
fn name(request: &Request) -> String {
    match request.parameter("Action") {
        Some(action) => action,
        None => format!("{} {}", request.method, request.path().rsplit('/').next().unwrap_or_default()),
    }
}

fn forward(to: &str, request: &Request) -> Answer {
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    write!(stream, "{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.target).unwrap();
    for (name, value) in request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("connection")) {
        write!(stream, "{name}: {value}\r\n").unwrap();
    }
    stream.write_all(b"\r\n").unwrap();
    stream.write_all(request.body.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer::Whole { status, headers: Vec::new(), body: body.to_owned() }
}

/// The connection of a world, over wires that are noted.
fn over(world: &Still, happened: &Happened) -> (Connection, [Server; 2]) {
    let mut connection = world.connection();
    let kubeconfig = world.lab.kubeconfig();
    let server = kubeconfig.split("server: \"").nth(1).and_then(|it| it.split('"').next()).unwrap();
    let kubernetes = recorded(server, happened, &connection.budget);
    let aws = recorded(&world.lab.aws_url(), happened, &connection.budget);
    let contexts = Contexts::from_text(&kubeconfig.replace(server, &kubernetes.url())).unwrap();
    connection.clusters = vec![contexts.access(Some("demo")).unwrap()];
    connection.aws.endpoint = Some(aws.url());
    (connection, [kubernetes, aws])
}

fn log(happened: &Happened, budget: &Buckets) -> Log {
    let (happened, budget) = (happened.clone(), budget.clone());
    Log::words(move |line| {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let stage = entry["stage"].as_str().unwrap();
        happened.lock().unwrap().push((format!("log {stage}"), budget.taken()));
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_log_comes_the_turn_in_the_budget_then_a_last_look_and_then_the_call() {
    let world = Still::of(super::at_rest()).await;
    let report = world.report().await;
    let first = report.rows.iter().find(|it| it.live()).unwrap();
    let RowKey::Target(key) = first.key.clone() else { panic!("a row without an address") };
    let plan = world.plan(|it| targets::deregister(it, &[key].into())).await;
    let happened = Happened::default();
    let (connection, _wires) = over(&world, &happened);
    let budget = connection.budget.clone();
    let carried = world.carry_out_with(plan, log(&happened, &budget), connection);
    let ended = carried.end(&world).await;
    assert_eq!(words(&ended), ["done", "done"], "{ended:?}");
    let happened = happened.lock().unwrap().clone();
    let at = |what: &str| {
        let found = happened.iter().position(|it| it.0 == what);
        found.unwrap_or_else(|| panic!("{what} did not happen: {happened:?}"))
    };
    let call = at("DeregisterTargets");
    let looks = ["GET pods", "GET endpointslices", "GET targetgroupbindings", "DescribeTargetHealth"];
    for look in looks {
        let last = happened[..call].iter().rposition(|it| it.0 == look);
        assert!(last.is_some_and(|it| it > at("log begin")), "{look} between log and call: {happened:?}");
    }
    // No more is read for it than what its guards compare.
    let unneeded = ["deployments", "statefulsets", "daemonsets", "aws-load-balancer-controller", "events"];
    let asked = |it: &&(String, u64)| unneeded.iter().any(|kind| it.0.ends_with(kind));
    assert_eq!(happened.iter().find(asked), None, "{happened:?}");
    // The turn of the call was taken before it was looked: between look and call nothing is waited for.
    let last_look = happened[..call].iter().rposition(|it| it.0 == "DescribeTargetHealth").unwrap();
    assert_eq!(happened[last_look].1, happened[call].1, "{happened:?}");
    assert_eq!(happened.iter().filter(|it| it.0 == "GetCallerIdentity").count(), 1, "one login for a plan");
    let login = at("GetCallerIdentity");
    assert!(happened[login].1 > 0, "who we are takes a turn too: {happened:?}");
    assert!(at("log done") > call);
    // How long it may drain is asked before it is waited for.
    assert!(at("DescribeTargetGroupAttributes") > call);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_may_do_is_asked_before_anything_is_noted_or_looked_at() {
    let world = Still::start("drift").await;
    let plan = world.plan(tgscope::domain::plan::binding::resync).await;
    let happened = Happened::default();
    let (connection, _wires) = over(&world, &happened);
    let budget = connection.budget.clone();
    let carried = world.carry_out_with(plan, log(&happened, &budget), connection);
    let ended = carried.end(&world).await;
    assert_eq!(ended.first().map(|it| it.word()), Some("done"), "{ended:?}");
    let happened = happened.lock().unwrap().clone();
    let order: Vec<&str> = happened
        .iter()
        .map(|it| it.0.as_str())
        .filter(|it| it.contains("accessreview") || it.starts_with("log") || it.starts_with("PATCH"))
        .take(3)
        .collect();
    assert_eq!(order, ["POST selfsubjectaccessreviews", "log begin", "PATCH testapptgb"], "{happened:?}");
}
