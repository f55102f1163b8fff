//! What the controller wants in worlds that are rare: both it and the board say the same of each. Each row of the table was
//! measured at the real controller.

use serde_json::Value;
use serde_json::json;

use super::controller::BINDING;
use super::controller::Place;
use super::controller::REST;
use crate::contract_of_aws::tag;

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/workshop/endpointslices";
const PODS: &str = "/api/v1/namespaces/workshop/pods";
const SERVICE: &str = "/api/v1/namespaces/workshop/services/web";

impl Place {
    /// `id:port[:server id]` of each target that is not draining.
    async fn keys(&self) -> Vec<String> {
        let group = tag(&self.aws.query("Action=DescribeTargetGroups").await.1, "TargetGroupArn");
        let health = self.aws.query(&format!("Action=DescribeTargetHealth&TargetGroupArn={group}")).await.1;
        let all = health.split("<Target>").skip(1).filter(|it| tag(it, "State") != "draining");
        let server = |it: &str| {
            let inside = it.split("</Target>").next().unwrap();
            if inside.contains("QuicServerId") {
                format!(":{}", tag(inside, "QuicServerId"))
            } else {
                String::new()
            }
        };
        let mut keys: Vec<String> =
            all.map(|it| format!("{}:{}{}", tag(it, "Id"), tag(it, "Port"), server(it))).collect();
        keys.sort();
        keys
    }

    /// Standing of each row as `get` has it, with its key.
    async fn rows(&self) -> Vec<String> {
        let document = self.document().await;
        let rows = document["bindings"][0]["rows"].as_array().unwrap().clone();
        let key = |it: &Value| match it["target"]["id"].as_str() {
            Some(id) => format!("{id}:{}", it["target"]["port"]),
            None => it["endpoint"]["pod"].as_str().unwrap_or("nobody").to_owned(),
        };
        rows.iter()
            .map(|it| format!("{} {} wanted {}", key(it), it["standing"].as_str().unwrap(), it["wanted"]))
            .collect()
    }

    async fn document(&self) -> Value {
        let look = self.world.look().await;
        let manner = tgscope::domain::plan::manner::Manner::default();
        let about = (&manner, None, look.at);
        serde_json::to_value(tgscope::report::Document::new(&look.inventory, &look.reports, about)).unwrap()
    }

    /// A pod beside those of the Deployment, once it runs; its address.
    async fn pod(&self, path: &str, pod: &Value) -> String {
        let mut pod = pod.clone();
        (pod["apiVersion"], pod["kind"]) = (json!("v1"), json!("Pod"));
        let made = self.wire.post(path, &pod).await;
        assert_eq!(made.status, 201, "{}", made.body);
        self.world.seconds(20);
        let it = self.wire.get(&format!("{path}/{}", pod["metadata"]["name"].as_str().unwrap())).await.body;
        it["status"]["podIP"].as_str().unwrap_or_else(|| panic!("it does not run: {it}")).to_owned()
    }
}

fn container() -> Value {
    json!({"name": "app", "image": "web:1", "ports": [{"containerPort": 8080}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_names_a_pod_of_another_namespace_is_registered_as_that_pod() {
    let place = Place::with("[controller]").await;
    let made = place
        .wire
        .post(
            "/api/v1/namespaces",
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}),
        )
        .await;
    assert!([201, 409].contains(&made.status), "{}", made.body);
    let pod = json!({"metadata": {"name": "far"}, "spec": {"containers": [container()]}});
    let address = place.pod("/api/v1/namespaces/other/pods", &pod).await;
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web-far", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": true},
            "targetRef": {"kind": "Pod", "name": "far", "namespace": "other"}}],
    });
    let made = place.wire.post(SLICES, &slice).await;
    assert_eq!(made.status, 201, "{}", made.body);
    place.world.seconds(90);
    let key = format!("{address}:8080");
    assert!(place.keys().await.contains(&key), "{key} in {:?}", place.keys().await);
    let rows = place.rows().await;
    // A look at one namespace does not read that pod: the word of its slice is taken.
    let row = rows.iter().find(|it| it.starts_with(&key)).unwrap();
    assert!(row.ends_with("in-service wanted true"), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_port_name_is_the_port_without_a_name() {
    let place = Place::with("[controller]").await;
    let was = place.keys().await;
    let ports = json!({"spec": {"ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]}});
    assert_eq!(place.wire.patch(SERVICE, &ports).await.status, 200);
    let port = json!({"spec": {"serviceRef": {"name": "web", "port": ""}}});
    let patched = place.wire.patch(BINDING, &port).await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    place.world.seconds(90);
    assert_eq!(place.keys().await, was);
    let rows = place.rows().await;
    assert!(rows.len() == 2 && rows.iter().all(|it| it.ends_with("in-service wanted true")), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_binding_that_a_foreign_finalizer_holds_nothing_more_is_wanted() {
    let place = Place::with("[controller]").await;
    let finalizers = json!({"metadata": {"finalizers": ["elbv2.k8s.aws/resources", "example.com/keep"]}});
    assert_eq!(place.wire.patch(BINDING, &finalizers).await.status, 200);
    assert_eq!(place.wire.delete(BINDING).await.status, 200);
    place.world.seconds(5);
    place.act("scale = { app = \"web\", replicas = 4 }");
    place.world.seconds(90);
    assert_eq!(place.binding().await["metadata"]["finalizers"], json!(["example.com/keep"]));
    assert_eq!(place.keys().await, Vec::<String>::new());
    let document = place.document().await;
    let rows = document["bindings"][0]["rows"].as_array().unwrap();
    assert!(
        !rows.is_empty() && rows.iter().all(|it| it["wanted"] == false && it["problem"] == false),
        "{rows:#?}"
    );
    let (binding, why) = (&document["bindings"][0], &document["bindings"][0]["why"]);
    assert_eq!(binding["problems"], 1, "it is held for longer than a clean-up takes");
    assert!(why["said"].as_str().unwrap().contains("it waits for its finalizer example.com/keep"), "{why}");
    assert_eq!(
        why["next"],
        "the controller is done with it: whoever set example.com/keep has to take it off"
    );
}

/// A group for QUIC with its binding.
fn quic() -> String {
    let rest = REST
        .replace("name = \"tg\"\n", "name = \"tg\"\nprotocol = \"QUIC\"\n")
        .replace("name = \"lb\"\n", "name = \"lb\"\ntype = \"network\"\n")
        .replace("port = 80\n", "protocol = \"QUIC\"\nport = 80\n");
    format!("[controller]\n{rest}")
}

const SPEAKS: &str = "service.beta.kubernetes.io/aws-load-balancer-quic-enabled-containers";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quic_target_is_known_by_the_server_id_of_its_pod() {
    let place = Place::of(&quic()).await;
    place.world.seconds(30);
    assert_eq!(place.keys().await, Vec::<String>::new(), "pods without a server id are left out");
    let labels = place.wire.get(SERVICE).await.body["spec"]["selector"].clone();
    let variable = |id: &str| json!([{"name": "AWS_LBC_QUIC_SERVER_ID", "value": id}]);
    let with = |mut container: Value, id: &str| {
        container["env"] = variable(id);
        container
    };
    // The id in the container, in a sidecar, and without the annotation, which decides.
    let own = json!({"metadata": {"name": "own", "labels": labels, "annotations": {SPEAKS: "app"}},
        "spec": {"containers": [with(container(), "AQIDBAUGBwg=")]}});
    let sidecar = json!({"name": "side", "image": "web:1", "restartPolicy": "Always"});
    let beside = json!({"metadata": {"name": "beside", "labels": labels, "annotations": {SPEAKS: "side"}},
        "spec": {"initContainers": [with(sidecar, "//8AAQ==")], "containers": [container()]}});
    let without = json!({"metadata": {"name": "without", "labels": labels},
        "spec": {"containers": [with(container(), "AQIDBAUGBwg=")]}});
    let (own, beside) = (place.pod(PODS, &own).await, place.pod(PODS, &beside).await);
    place.pod(PODS, &without).await;
    place.world.seconds(90);
    let mut expected = vec![format!("{own}:8080:0x0102030405060708"), format!("{beside}:8080:0xffff0001")];
    expected.sort();
    assert_eq!(place.keys().await, expected);
    let rows = place.rows().await;
    for address in [own, beside] {
        let row = format!("{address}:8080 in-service wanted true");
        assert!(rows.contains(&row), "{row} is not in {rows:?}");
    }
    assert!(rows.iter().all(|it| !it.contains("orphan") && !it.contains("unregistered")), "{rows:?}");
    // What is right is not taken out.
    let look = place.world.look().await;
    let known = tgscope::domain::plan::known::Known {
        inventory: &look.inventory,
        report: look.reports.first().unwrap(),
        now: look.at,
    };
    let plan = tgscope::domain::plan::targets::sync(&known);
    assert_eq!(plan.unwrap().effect, "Nothing to do: the targets of tg match the endpoints.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_unsettles_until_it_drains() {
    let rest = REST.replace("replicas = 2\n", "replicas = 8\n");
    let place = Place::of(&format!("[controller]\nslow = \"20s\"\n{rest}")).await;
    place.world.seconds(60);
    assert_eq!(place.document().await["bindings"][0]["settled"], true);
    place.act("scale = { app = \"web\", replicas = 2 }");
    // The pods terminate, their targets still take requests: the controller has not come yet.
    place.world.seconds(10);
    assert_eq!(place.keys().await.len(), 8);
    let binding = place.document().await["bindings"][0].clone();
    assert_eq!((&binding["settled"], &binding["wanted"]), (&json!(false), &json!(2)), "{binding:#}");
    place.world.seconds(90);
    assert_eq!(place.keys().await.len(), 2);
    assert_eq!(place.document().await["bindings"][0]["settled"], true);
}
