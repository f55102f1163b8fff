//! Lists and single objects: what is asked for, page by page, and what is read of the answers.

use serde_json::Value;
use serde_json::json;
use tgscope::domain::facts::controller::ControllerSigns;
use tgscope::domain::facts::ids::BindingApi;
use tgscope::domain::facts::ids::ObjectName;
use tgscope::domain::inventory::Kind;
use tgscope::domain::inventory::Observation;

use super::access;
use super::broken;
use super::cluster;
use super::page;
use super::pod;
use super::refusal;
use super::short;
use crate::support::Answer;
use crate::support::PATIENCE;
use crate::support::Request;
use crate::support::Server;
use crate::support::answer;

async fn listed(server: &Server, kind: Kind, namespace: Option<&str>) -> Vec<String> {
    cluster(&server.url()).await.list(kind, namespace).await.unwrap().iter().map(short).collect()
}

#[tokio::test]
async fn a_list_is_read_page_by_page_into_one_change() {
    let server = Server::in_turn([
        page(&[pod("a", 1), pod("b", 2)], 9, "more"),
        page(&[], 9, "even+more"),
        page(&[pod("c", 3)], 9, ""),
    ]);
    assert_eq!(listed(&server, Kind::Pods, Some("shop")).await, ["listed a b c"]);
    let seen = server.seen();
    assert!(seen.iter().all(|it| it.path() == "/api/v1/namespaces/shop/pods" && it.method == "GET"));
    assert!(seen.iter().all(|it| it.parameter("limit").as_deref() == Some("500")));
    let tokens: Vec<_> = seen.iter().map(|it| it.parameter("continue")).collect();
    assert_eq!(tokens, [None, Some("more".to_owned()), Some("even+more".to_owned())]);
}

#[tokio::test]
async fn a_list_that_never_ends_is_a_failure_that_says_so() {
    let again = Server::start(|_| page(&[pod("a", 1)], 9, "more"));
    let list = async { cluster(&again.url()).await.list(Kind::Pods, None).await };
    let failure = tokio::time::timeout(PATIENCE, list).await.expect("it never ends").unwrap_err();
    let said = "list pods: the API server sent the start of a page that was read already, after 2 pages";
    assert_eq!((failure.to_string().as_str(), again.seen().len()), (said, 2));
    assert!(failure.hint.unwrap().contains("proxy"));
}

#[tokio::test]
async fn each_kind_is_asked_for_where_it_lives() {
    let server = Server::start(|_| page(&[], 1, ""));
    let cluster = cluster(&server.url()).await;
    let kinds = [
        Kind::Nodes,
        Kind::Services,
        Kind::Slices,
        Kind::Events,
        Kind::Bindings(BindingApi::LoadBalancerController),
        Kind::Bindings(BindingApi::AutoMode),
    ];
    for kind in kinds {
        cluster.list(kind, Some("shop")).await.unwrap();
    }
    cluster.list(Kind::Pods, None).await.unwrap();
    let paths: Vec<String> = server.seen().iter().map(|it| it.path().to_owned()).collect();
    assert_eq!(
        paths,
        [
            "/api/v1/nodes",
            "/api/v1/namespaces/shop/services",
            "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
            "/api/v1/namespaces/shop/events",
            "/apis/elbv2.k8s.aws/v1beta1/namespaces/shop/targetgroupbindings",
            "/apis/eks.amazonaws.com/v1/namespaces/shop/targetgroupbindings",
            "/api/v1/pods",
        ]
    );
    let selectors: Vec<String> =
        server.seen().iter().filter_map(|it| it.parameter("fieldSelector")).collect();
    assert_eq!(selectors, ["involvedObject.kind=TargetGroupBinding"]);
}

#[tokio::test]
async fn an_object_that_cannot_be_read_costs_itself_alone() {
    let server = Server::in_turn([
        page(&[pod("a", 1), broken("bad", 2)], 9, "more"),
        page(&[broken("worse", 3), pod("b", 4)], 9, ""),
    ]);
    let problem = "status.podIP: invalid type: integer `5`, expected a string at line 1 column";
    let changes = listed(&server, Kind::Pods, None).await;
    assert_eq!(changes[0], "listed a b");
    assert!(changes[1].starts_with(&format!("skipped shop/bad: {problem}")), "{changes:?}");
    assert!(changes[2].starts_with(&format!("skipped shop/worse: {problem}")), "{changes:?}");
    assert_eq!(changes.len(), 3);
}

#[tokio::test]
async fn even_metadata_that_is_no_metadata_costs_its_object_alone() {
    let strange = [
        json!({ "metadata": "none" }),
        json!({ "metadata": { "name": 5, "namespace": "shop" } }),
        json!({ "metadata": { "name": "odd", "namespace": "shop", "labels": { "a": 1 } } }),
        json!("a text"),
        json!(7),
    ];
    let mut items = vec![pod("a", 1)];
    items.extend(strange);
    items.push(pod("b", 2));
    let server = Server::start(move |_| page(&items, 9, ""));
    let changes = listed(&server, Kind::Pods, None).await;
    assert_eq!(changes[0], "listed a b");
    let names: Vec<&str> = changes[1..].iter().map(|it| it.split(": ").next().unwrap()).collect();
    assert_eq!(names, ["skipped /", "skipped shop/", "skipped shop/odd", "skipped /", "skipped /"]);
}

#[tokio::test]
async fn impersonation_goes_with_every_request() {
    let server = Server::start(|_| page(&[], 1, ""));
    let groups = vec!["ops".to_owned(), "system:masters".to_owned()];
    let access = access(&server.url()).impersonating(Some("jane".to_owned()), groups);
    access.connect().await.unwrap().list(Kind::Pods, None).await.unwrap();
    let request = &server.seen()[0];
    assert_eq!(request.header("impersonate-user"), Some("jane"));
    assert_eq!(request.header("authorization"), Some("Bearer t"));
    let sent: Vec<&str> = request
        .headers
        .iter()
        .filter(|it| it.0.eq_ignore_ascii_case("impersonate-group"))
        .map(|it| it.1.as_str())
        .collect();
    assert_eq!(sent, ["ops", "system:masters"]);
}

fn resources(names: &[&str]) -> Answer {
    let resource = |name: &&str| {
        json!({
            "name": name, "singularName": "", "namespaced": true, "kind": "X", "verbs": ["list"],
        })
    };
    let resources: Vec<Value> = names.iter().map(resource).collect();
    let list = json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "x/v1", "resources": resources });
    answer(200, list.to_string())
}

#[tokio::test]
async fn the_kinds_of_binding_are_those_the_cluster_serves() {
    let kind = || resources(&["targetgroupbindings/status", "targetgroupbindings", "ingressclassparams"]);
    let missing = || answer(404, "404 page not found\n");
    let (controller, auto) = (BindingApi::LoadBalancerController, BindingApi::AutoMode);
    let table = [
        (kind(), kind(), vec![controller, auto]),
        (kind(), missing(), vec![controller]),
        (missing(), kind(), vec![auto]),
        (resources(&["ingressclassparams"]), missing(), vec![]),
    ];
    for (first, second, expected) in table {
        let server = Server::in_turn([first, second]);
        assert_eq!(cluster(&server.url()).await.served_bindings().await, Ok(expected));
        let paths: Vec<String> = server.seen().iter().map(|it| it.path().to_owned()).collect();
        assert_eq!(paths, ["/apis/elbv2.k8s.aws/v1beta1", "/apis/eks.amazonaws.com/v1"]);
    }
}

#[tokio::test]
async fn a_ledger_is_there_missing_or_unreadable() {
    let name = ObjectName::new("shop", "aws-lbc-targets-web");
    let map = |targets: Value| {
        let metadata = json!({ "name": "aws-lbc-targets-web", "namespace": "shop" });
        answer(200, json!({ "metadata": metadata, "data": { "targets": targets } }).to_string())
    };
    let server = Server::in_turn([
        map(json!("10.0.0.1:80,10.0.0.2:80")),
        refusal(404, "NotFound", "configmaps \"aws-lbc-targets-web\" not found"),
        map(json!(5)),
    ]);
    let cluster = cluster(&server.url()).await;
    let Ok(Observation::Ledger { ledger: Some(ledger), .. }) = cluster.ledger(&name).await else {
        panic!("no ledger")
    };
    assert_eq!(ledger.targets, ["10.0.0.1:80", "10.0.0.2:80"]);
    assert!(matches!(cluster.ledger(&name).await, Ok(Observation::Ledger { ledger: None, .. })));
    let failure = cluster.ledger(&name).await.unwrap_err();
    assert!(failure.to_string().starts_with("get configmaps: data.targets: "), "{failure}");
    assert_eq!(server.seen()[0].path(), "/api/v1/namespaces/shop/configmaps/aws-lbc-targets-web");
}

fn signs_of(change: Observation) -> ControllerSigns {
    let Observation::Signs { signs, .. } = change else { panic!("no signs") };
    signs
}

fn deployment(namespace: &str) -> Value {
    json!({
        "metadata": { "name": "aws-load-balancer-controller", "namespace": namespace },
        "spec": { "replicas": 2, "template": { "spec": { "containers": [{
            "image": "public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0",
            "args": ["--cluster-name=prod", "--ingress-class=alb"],
        }] } } },
        "status": { "availableReplicas": 1 },
    })
}

#[tokio::test]
async fn the_signs_of_the_controller_are_read_in_its_namespace() {
    let lease = json!({
        "metadata": { "name": "aws-load-balancer-controller-leader" },
        "spec": { "holderIdentity": "a_b", "leaseDurationSeconds": 15, "renewTime": "2026-11-23T10:00:00.250000Z" },
    });
    let slices = json!({ "metadata": {}, "items": [
        { "metadata": { "name": "s" }, "endpoints": [{ "conditions": { "ready": true } }, { "conditions": {} }, { "conditions": { "ready": false } }] },
    ] });
    let server = Server::start(move |it: &Request| match it.path() {
        "/apis/apps/v1/deployments" => {
            answer(200, json!({ "metadata": {}, "items": [deployment("infra")] }).to_string())
        }
        "/apis/coordination.k8s.io/v1/namespaces/infra/leases/aws-load-balancer-controller-leader" => {
            answer(200, lease.to_string())
        }
        "/api/v1/namespaces/infra/services/aws-load-balancer-webhook-service" => {
            answer(200, json!({ "metadata": { "name": "s" } }).to_string())
        }
        "/apis/discovery.k8s.io/v1/namespaces/infra/endpointslices" => answer(200, slices.to_string()),
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/aws-load-balancer-webhook" => {
            answer(200, json!({ "metadata": { "name": "w" } }).to_string())
        }
        _ => refusal(404, "NotFound", "not found"),
    });
    let served = [BindingApi::LoadBalancerController];
    let signs = signs_of(cluster(&server.url()).await.controller_signs(&served).await);
    let found = signs.deployment.unwrap().unwrap();
    assert_eq!(
        (found.name, found.desired, found.available),
        (ObjectName::new("infra", "aws-load-balancer-controller"), 2, 1)
    );
    assert_eq!((found.version.as_deref(), found.cluster_name.as_deref()), (Some("3.5.0"), Some("prod")));
    let lease = signs.lease.unwrap().unwrap();
    assert_eq!(
        (lease.held, lease.duration, lease.renewed.map(|it| it.0)),
        (true, 15, Some(1_795_428_000_250))
    );
    assert_eq!((signs.webhook_endpoints, signs.webhook_configured), (Some(Some(2)), Some(true)));
    assert_eq!(signs.kind_served, Some(true));
}

#[tokio::test]
async fn a_controller_that_is_not_there_is_told_from_one_that_may_not_be_read() {
    let missing = Server::start(|it: &Request| match it.path() {
        "/apis/apps/v1/deployments" => page(&[], 1, ""),
        _ => refusal(404, "NotFound", "not found"),
    });
    let expected = ControllerSigns {
        kind_served: Some(false),
        deployment: Some(None),
        others: Some(Vec::new()),
        lease: Some(None),
        webhook_endpoints: Some(None),
        webhook_configured: Some(false),
        cluster_name: None,
    };
    assert_eq!(signs_of(cluster(&missing.url()).await.controller_signs(&[]).await), expected);
    let denied = Server::start(|_| refusal(403, "Forbidden", "forbidden"));
    let expected = ControllerSigns { kind_served: Some(false), ..ControllerSigns::default() };
    assert_eq!(signs_of(cluster(&denied.url()).await.controller_signs(&[]).await), expected);
}
