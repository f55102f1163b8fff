//! What is expected of an API server and of Elastic Load Balancing, held against the real one and moto: the lists
//! the lab is held against in `cargo test`.

use std::process::Command;

use super::contract_of_aws as aws;
use super::contract_of_kubernetes as kubernetes;
use super::contract_of_network as network;
use super::support::bed;
use super::support::run;
use super::wire::Wire;

fn wait<T>(it: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(it)
}

#[test]
fn the_real_api_server_keeps_the_contract() {
    let bed = bed();
    let kubeconfig =
        |user: &str| std::fs::read_to_string(bed.folder.join(format!("{user}.kubeconfig"))).unwrap();
    let broken = wait(async {
        let admin = Wire::of(&kubeconfig("admin")).await;
        let viewer = Wire::of(&kubeconfig("viewer")).await;
        kubernetes::broken(&admin, &viewer, "contract").await
    });
    run("kubectl", &["delete", "namespace", "contract", "--wait=false"]);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// A load balancer and two groups of its own, so that nobody else's are changed.
fn made() -> Vec<String> {
    let aws = |args: &[&str]| run("aws", args).trim().to_owned();
    let subnets = aws(&["ec2", "describe-subnets", "--query", "Subnets[0:2].SubnetId", "--output", "text"]);
    let vpc = aws(&["ec2", "describe-subnets", "--query", "Subnets[0].VpcId", "--output", "text"]);
    let group = |name: &str| {
        aws(&[
            "elbv2",
            "create-target-group",
            "--name",
            name,
            "--protocol",
            "HTTP",
            "--port",
            "80",
            "--vpc-id",
            &vpc,
            "--target-type",
            "ip",
            "--health-check-path",
            "/",
            "--query",
            "TargetGroups[0].TargetGroupArn",
            "--output",
            "text",
        ])
    };
    let (used, idle) = (group("contract-used"), group("contract-idle"));
    let mut create = vec!["elbv2", "create-load-balancer", "--name", "contract", "--subnets"];
    create.extend(subnets.split_whitespace());
    create.extend(["--query", "LoadBalancers[0].LoadBalancerArn", "--output", "text"]);
    let lb = aws(&create);
    let forward = format!("Type=forward,TargetGroupArn={used}");
    aws(&[
        "elbv2",
        "create-listener",
        "--load-balancer-arn",
        &lb,
        "--protocol",
        "HTTP",
        "--port",
        "80",
        "--default-actions",
        &forward,
    ]);
    vec![lb, used, idle]
}

#[test]
fn moto_keeps_the_contract_but_for_what_is_known_of_it() {
    let _bed = bed();
    let made = made();
    let url = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let (broken, excused) = wait(async {
        let wire = Wire::plain(&url);
        let names = ("contract-used", "contract-idle", "contract");
        let names = aws::names(&wire, names, ("10.42.64.200", "10.42.64.201")).await;
        aws::broken(&wire, &names, true).await
    });
    // Whatever came of it, what was made is taken away again.
    _ = Command::new("aws").args(["elbv2", "delete-load-balancer", "--load-balancer-arn", &made[0]]).output();
    for group in &made[1..] {
        _ = Command::new("aws").args(["elbv2", "delete-target-group", "--target-group-arn", group]).output();
    }
    for it in &excused {
        println!("moto differs: {it}");
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_network_of_moto_keeps_the_contract() {
    let _bed = bed();
    let aws = |args: &[&str]| run("aws", args).trim().to_owned();
    let vpc = aws(&["ec2", "describe-subnets", "--query", "Subnets[0].VpcId", "--output", "text"]);
    let make = |name: &str| {
        let args =
            ["ec2", "create-security-group", "--group-name", name, "--description", name, "--vpc-id", &vpc];
        aws(&[&args[..], &["--query", "GroupId", "--output", "text"]].concat())
    };
    let (one, other) = (make("contract-one"), make("contract-other"));
    let url = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let broken = wait(async { network::broken(&Wire::plain(&url), (&one, &other), true).await });
    for id in [&one, &other] {
        _ = Command::new("aws").args(["ec2", "delete-security-group", "--group-id", id]).output();
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
