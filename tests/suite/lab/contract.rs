//! The lab held to what is expected of the real servers. The same lists are held against those in the test bed.

use tgscope::lab::Scenario;

use super::Still;
use crate::contract_of_aws as aws;
use crate::contract_of_kubernetes as kubernetes;
use crate::contract_of_network as network;
use crate::wire::Wire;

/// No controller: nothing fills in or refuses what the API server itself would take.
const WORLD: &str = r#"
summary = "a world without a controller"
[[node]]
zone = "a"
[[group]]
name = "used"
[[group]]
name = "idle"
[[load-balancer]]
name = "lb"
zones = ["a", "b"]
[[load-balancer.listener]]
port = 80
forward = { used = 1 }
"#;

async fn world() -> Still {
    Still::of(Scenario::parse("contract", WORLD).unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_api_server_keeps_the_contract() {
    let world = world().await;
    let kubeconfig = world.lab.kubeconfig();
    let admin = Wire::of(&kubeconfig).await;
    let viewer = Wire::of(&kubeconfig.replace("current-context: demo", "current-context: demo-viewer")).await;
    let broken = kubernetes::broken(&admin, &viewer, "contract").await;
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_aws_keeps_the_contract() {
    let world = world().await;
    let wire = Wire::plain(&world.lab.aws_url());
    let names = aws::names(&wire, ("used", "idle", "lb"), ("192.168.1.200", "192.168.1.201")).await;
    let (broken, _) = aws::broken(&wire, &names, false).await;
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_network_keeps_the_contract() {
    let world = world().await;
    let wire = Wire::plain(&world.lab.aws_url());
    let id = |name: &str| {
        let call = format!(
            "Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1={name}&Version=2016-11-15"
        );
        let wire = &wire;
        async move { aws::tag(&wire.query(&call).await.1, "groupId") }
    };
    let (one, other) = (id("eks-cluster-sg-eksworkshop").await, id("lbsg").await);
    let broken = network::broken(&wire, (&one, &other), false).await;
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
