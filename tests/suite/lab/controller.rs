//! The stand-in for the AWS Load Balancer Controller in every condition it can be in, as its own documentation and
//! code have it (the numbers are those of its version 3.5).

use serde_json::Value;
use serde_json::json;
use tgscope::domain::facts::controller::ControllerSigns;
use tgscope::lab::Scenario;

use super::Still;
use crate::contract_of_aws::tag;
use crate::wire::Wire;

pub(super) const REST: &str = r#"
[[node]]
zone = "a"
[[node]]
zone = "b"
[[group]]
name = "tg"
[[load-balancer]]
name = "lb"
zones = ["a", "b"]
[[load-balancer.listener]]
port = 80
forward = { tg = 1 }
[[app]]
name = "web"
image = "web:1"
replicas = 2
binding = { name = "web", group = "tg" }
"#;

/// A world with such a controller, as somebody who calls sees it.
pub(super) struct Place {
    pub(super) world: Still,
    pub(super) wire: Wire,
    pub(super) aws: Wire,
}

pub(super) const BINDING: &str = "/apis/elbv2.k8s.aws/v1beta1/namespaces/workshop/targetgroupbindings/web";

impl Place {
    pub(super) async fn with(controller: &str) -> Self {
        Self::of(&format!("{controller}\n{REST}")).await
    }

    pub(super) async fn of(text: &str) -> Self {
        let text = format!("summary = \"a controller in some condition\"\n{text}");
        let world = Still::of(Scenario::parse("test", &text).unwrap()).await;
        let wire = Wire::of(&world.lab.kubeconfig()).await;
        let aws = Wire::plain(&world.lab.aws_url());
        Self { world, wire, aws }
    }

    pub(super) async fn binding(&self) -> Value {
        self.wire.get(BINDING).await.body
    }

    /// `id state` of each target.
    async fn targets(&self) -> Vec<String> {
        let group = tag(&self.aws.query("Action=DescribeTargetGroups").await.1, "TargetGroupArn");
        let health = self.aws.query(&format!("Action=DescribeTargetHealth&TargetGroupArn={group}")).await.1;
        health.split("<member>").skip(1).map(|it| format!("{} {}", tag(it, "Id"), tag(it, "State"))).collect()
    }

    async fn live(&self) -> usize {
        self.targets().await.iter().filter(|it| !it.ends_with("draining")).count()
    }

    /// Reasons and messages of the events about bindings.
    async fn events(&self) -> Vec<String> {
        let list = self.wire.get("/api/v1/namespaces/workshop/events").await.body;
        let all = list["items"].as_array().unwrap().iter();
        let mine = all.filter(|it| it["involvedObject"]["kind"] == "TargetGroupBinding");
        mine.map(|it| format!("{}: {}", it["reason"].as_str().unwrap(), it["message"].as_str().unwrap()))
            .collect()
    }

    async fn signs(&self) -> ControllerSigns {
        let look = self.world.look().await;
        look.inventory.clusters.values().next().unwrap().signs.clone()
    }

    pub(super) fn act(&self, step: &str) {
        self.world.lab.act(step).unwrap();
    }
}

fn checkpoint(binding: &Value) -> &str {
    binding["metadata"]["annotations"]["elbv2.k8s.aws/checkpoint"].as_str().unwrap_or("none")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_controller_nothing_follows_the_endpoints() {
    let place = Place::with("").await;
    let binding = place.binding().await;
    assert_eq!((&binding["metadata"]["finalizers"], &binding["status"]), (&Value::Null, &Value::Null));
    assert_eq!(place.targets().await, Vec::<String>::new());
    let signs = place.signs().await;
    assert_eq!((signs.deployment, signs.webhook_configured), (Some(None), Some(false)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_is_down_leaves_its_objects_and_refuses_every_write() {
    let place = Place::with("[controller]").await;
    assert_eq!(place.live().await, 2);
    place.act("controller-down = true");
    place.world.seconds(30);
    let signs = place.signs().await;
    assert_eq!(signs.webhook_endpoints, Some(Some(0)));
    let refused = place.wire.patch(BINDING, &json!({"metadata": {"annotations": {"a": "b"}}})).await;
    let message = refused.body["message"].as_str().unwrap();
    assert!(
        refused.status == 500
            && message.contains("failed calling webhook \"mtargetgroupbinding.elbv2.k8s.aws\""),
        "{message}"
    );
    // Nobody registers the new pods, nobody lets go of the binding.
    place.act("scale = { app = \"web\", replicas = 4 }");
    assert_eq!(place.wire.delete(BINDING).await.status, 200);
    place.world.seconds(60);
    assert_eq!(place.live().await, 2);
    assert_eq!(place.binding().await["metadata"]["finalizers"], json!(["elbv2.k8s.aws/resources"]));
    place.act("controller-down = false");
    place.world.seconds(30);
    assert_eq!(place.wire.get(BINDING).await.status, 404);
    assert_eq!(place.live().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_versions_have_no_checkpoint_and_say_nothing_of_failures() {
    let place = Place::with("[controller]\nversion = \"2.8.2\"").await;
    assert_eq!(checkpoint(&place.binding().await), "none");
    assert_eq!(place.live().await, 2);
    place.act("fault = { on = \"DescribeTargetHealth\", wrong = \"denied\", who = \"controller\" }");
    place.world.seconds(301);
    place.act("scale = { app = \"web\", replicas = 3 }");
    place.world.seconds(30);
    let events = place.events().await;
    assert!(events.iter().all(|it| !it.starts_with("FailedReconcile")), "{events:?}");
    assert_eq!(place.live().await, 2);
    let signs = place.signs().await;
    assert_eq!(signs.deployment.unwrap().unwrap().version.as_deref(), Some("2.8.2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_controller_comes_late() {
    let place = Place::with("[controller]\nslow = \"20s\"").await;
    place.act("scale = { app = \"web\", replicas = 3 }");
    place.world.seconds(15);
    assert_eq!(place.live().await, 2);
    place.world.seconds(30);
    assert_eq!(place.live().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_call_is_an_event_and_is_tried_again() {
    let place = Place::with("[controller]").await;
    place.act("fault = { on = \"RegisterTargets\", wrong = \"denied\", who = \"controller\" }");
    place.act("scale = { app = \"web\", replicas = 3 }");
    place.world.seconds(20);
    let events = place.events().await;
    let failed = events.iter().find(|it| it.starts_with("FailedReconcile")).unwrap();
    assert!(
        failed.contains("api error AccessDenied") && failed.contains("elasticloadbalancing:RegisterTargets"),
        "{failed}"
    );
    assert_eq!(checkpoint(&place.binding().await), "", "a look that failed is not taken for done");
    place.act("mend = \"RegisterTargets\"");
    place.world.seconds(60);
    assert_eq!(place.live().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cleanup_that_fails_keeps_the_finalizer_and_says_why() {
    let place = Place::with("[controller]").await;
    place.act("fault = { on = \"DeregisterTargets\", wrong = \"denied\", who = \"controller\" }");
    place.wire.delete(BINDING).await;
    place.world.seconds(5);
    let binding = place.binding().await;
    assert_eq!(binding["status"]["conditions"][0]["reason"], "FailedCleanup", "{binding}");
    assert!(place.events().await.iter().any(|it| it.starts_with("FailedCleanup")));
    place.act("mend = \"DeregisterTargets\"");
    place.world.seconds(60);
    assert_eq!(place.wire.get(BINDING).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_healed_thirty_to_forty_five_minutes_after_a_start() {
    let place = Place::with("[controller]").await;
    place.act("deregister = { group = \"tg\", app = \"web\" }");
    place.act("controller-down = true");
    place.world.seconds(30);
    place.act("controller-down = false");
    place.world.seconds(29 * 60);
    assert_eq!(place.live().await, 1, "it sleeps: its checkpoint matches");
    place.world.seconds(17 * 60);
    assert_eq!(place.live().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_group_is_only_touched_where_the_ledger_says_so() {
    let rest = REST.replace("group = \"tg\" }", "group = \"tg\", multi-cluster = true }");
    let place = Place::of(&format!("[controller]\n{rest}")).await;
    place.act("register = { group = \"tg\", addresses = [\"192.168.130.7:8080\"] }");
    place.world.seconds(400);
    place.act("scale = { app = \"web\", replicas = 1 }");
    place.world.seconds(90);
    let ledger = "/api/v1/namespaces/workshop/configmaps/aws-lbc-targets-web";
    let mine = place.wire.get(ledger).await.body["data"]["targets"].as_str().unwrap().to_owned();
    assert_eq!(mine.split(',').count(), 1, "{mine}");
    let targets = place.targets().await;
    assert!(targets.len() == 2 && targets.iter().any(|it| it.starts_with("192.168.130.7 ")), "{targets:?}");
    place.wire.delete(BINDING).await;
    place.world.seconds(5);
    assert_eq!(place.wire.get(ledger).await.status, 404);
    assert_eq!(place.live().await, 1, "the other cluster's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auto_mode_has_a_kind_of_its_own_and_no_deployment() {
    let place = Place::with("[controller]\nauto-mode = true").await;
    let path = BINDING.replace("elbv2.k8s.aws/v1beta1", "eks.amazonaws.com/v1");
    assert_eq!(place.wire.get(&path).await.body["apiVersion"], "eks.amazonaws.com/v1");
    assert_eq!(place.wire.get(BINDING).await.status, 404);
    assert_eq!(place.live().await, 2);
    assert_eq!(place.signs().await.deployment, Some(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_a_load_balancer_is_no_target() {
    let place = Place::with("[controller]").await;
    place.act("register = { group = \"tg\", addresses = [\"192.168.0.4:80\"] }");
    place.world.seconds(5);
    let targets = place.targets().await;
    assert!(targets.contains(&"192.168.0.4 unused".to_owned()), "{targets:?}");
}
