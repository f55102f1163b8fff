//! From a scenario to a world: nodes, load balancers, groups, the controller, applications.

use serde_json::Value;
use serde_json::json;

use super::controllers::events;
use super::controllers::events::Record;
use super::controllers::nodes;
use super::controllers::nodes::NewNode;
use super::ec2::model as ec2;
use super::elbv2::describe;
use super::elbv2::model;
use super::elbv2::model::HealthCheck;
use super::elbv2::model::Instance;
use super::engine;
use super::json::put;
use super::json::slot;
use super::kubernetes::kinds::AUTO_MODE;
use super::kubernetes::kinds::BINDINGS;
use super::kubernetes::kinds::DEPLOYMENTS;
use super::kubernetes::kinds::NAMESPACES;
use super::kubernetes::kinds::SERVICES;
use super::kubernetes::pod_spec;
use super::lbc::presence;
use super::lbc::webhook;
use super::queue::Task;
use super::scenario;
use super::scenario::Scenario;
use super::script;
use super::world::World;

/// Makes everything a scenario begins with, and lets it live until `now`.
pub(super) fn build(world: &mut World, now: i64) {
    let scenario = world.scenario.clone();
    for name in ["default", "kube-system", scenario.namespace.as_str()] {
        namespace(world, name, false);
    }
    for image in &scenario.images {
        script::set_image(world, image);
    }
    add_nodes(world, &scenario);
    add_groups(world, &scenario);
    for it in &scenario.load_balancers {
        add_load_balancer(world, it);
    }
    add_security(world, &scenario);
    add_controller(world, &scenario);
    // The controller is up before anything is bound.
    engine::run_until(world, world.now + 10_000);
    for app in &scenario.apps {
        for n in 1..=app.count {
            add_app(world, &scenario, app, n);
        }
    }
    engine::run_until(world, now);
    // Nobody can have watched before.
    world.kube.forget();
    for (index, step) in scenario.steps.iter().enumerate() {
        world.due(now + step.at.0, Task::Script(index));
    }
}

/// A name with the number of the copy in it.
fn numbered(name: &str, n: u64) -> String {
    name.replace("{n}", &n.to_string())
}

fn namespace(world: &mut World, name: &str, gates: bool) {
    if world.kube.get(NAMESPACES, "", name).is_none() {
        world.kube.create(
            NAMESPACES,
            json!({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}),
        );
    }
    if gates {
        world.kube.update(NAMESPACES, ("", name), |it| {
            *slot(it, &["metadata", "labels", "elbv2.k8s.aws/pod-readiness-gate-inject"]) = json!("enabled");
        });
    }
}

fn zone(world: &World, letter: &str) -> String {
    format!("{}{letter}", world.elb.region)
}

fn add_nodes(world: &mut World, scenario: &Scenario) {
    let mut of_zone = std::collections::BTreeMap::<String, u8>::new();
    for node in &scenario.nodes {
        for _ in 0..node.count {
            let n = of_zone.entry(node.zone.clone()).or_default();
            *n += 1;
            let start = match node.zone.as_str() {
                "a" => 0,
                "b" => 64,
                _ => 128,
            };
            let instance = format!("i-{}", world.elb.random.hex(17));
            let zone = zone(world, &node.zone);
            let new = NewNode {
                zone: zone.clone(),
                region: world.elb.region.clone(),
                block: (168, start + *n),
                instance: instance.clone(),
            };
            let name = nodes::add(world, &new);
            world.elb.instances.insert(instance, Instance { node: name, zone, running: true });
        }
    }
}

fn add_groups(world: &mut World, scenario: &Scenario) {
    for it in &scenario.groups {
        for n in 1..=it.count {
            let name = numbered(&it.name, n);
            let hash = world.elb.random.hex(16);
            let arn = world.elb.arn(&format!("targetgroup/{name}/{hash}"));
            let network = !matches!(it.protocol.as_str(), "HTTP" | "HTTPS");
            let mut attributes = model::default_attributes(network);
            attributes.insert("deregistration_delay.timeout_seconds".to_owned(), it.delay.to_string());
            attributes.extend(it.attributes.clone());
            let check = HealthCheck {
                protocol: if network { "TCP".to_owned() } else { it.protocol.clone() },
                port: it.check_port.map_or_else(|| "traffic-port".to_owned(), |it| it.to_string()),
                path: it.path.clone(),
                interval: it.interval,
                timeout: it.timeout,
                healthy: it.healthy,
                unhealthy: it.unhealthy,
                matcher: it.matcher.clone(),
            };
            let group = model::Group {
                arn: arn.clone(),
                name,
                protocol: it.protocol.clone(),
                port: it.port,
                target_type: it.target_type.clone(),
                check,
                attributes,
                targets: std::collections::BTreeMap::new(),
            };
            world.elb.groups.insert(arn.clone(), group);
            world.elb.tags.insert(arn, it.tags.clone());
        }
    }
}

fn add_load_balancer(world: &mut World, it: &scenario::LoadBalancer) {
    let network = it.kind == "network";
    let short = if network { "net" } else { "app" };
    let hash = world.elb.random.hex(16);
    let arn = world.elb.arn(&format!("loadbalancer/{short}/{}/{hash}", it.name));
    let zones = it.zones.iter().map(|letter| zone(world, letter)).collect();
    let cross_zone = if network { "false" } else { "true" };
    let attributes =
        [("load_balancing.cross_zone.enabled", cross_zone), ("deletion_protection.enabled", "false")];
    let id = format!("sg-{}", world.elb.random.hex(17));
    let security_groups = if it.no_security_group { Vec::new() } else { vec![id.clone()] };
    if !it.no_security_group {
        world.ec2.add_group(&id, &format!("{}sg", it.name), "Load balancer");
    }
    let load_balancer = model::LoadBalancer {
        arn: arn.clone(),
        name: it.name.clone(),
        kind: it.kind.clone(),
        dual_stack: it.dual_stack,
        zones,
        attributes: attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        security_groups,
        created: world.now,
    };
    world.elb.load_balancers.insert(arn.clone(), load_balancer);
    world.elb.tags.insert(arn.clone(), it.tags.clone());
    for new in &it.listeners {
        let id = world.elb.random.hex(16);
        let listener = world.elb.arn(&format!("listener/{short}/{}/{hash}/{id}", it.name));
        let forward_to = world.elb.forward(&new.forward);
        world.elb.listeners.insert(
            listener.clone(),
            model::Listener {
                arn: listener.clone(),
                load_balancer: arn.clone(),
                protocol: new.protocol.clone(),
                port: new.port,
                forward: forward_to,
            },
        );
        for rule in &new.rules {
            let rule_id = world.elb.random.hex(16);
            let rule_arn = world.elb.arn(&format!("listener-rule/{short}/{}/{hash}/{id}/{rule_id}", it.name));
            let conditions =
                [("path-pattern", &rule.path), ("host-header", &rule.host), (describe::FAMILY, &rule.family)];
            let conditions = conditions
                .into_iter()
                .filter_map(|(field, value)| Some((field.to_owned(), vec![value.clone()?])));
            let forward_to = world.elb.forward(&rule.forward);
            world.elb.rules.insert(
                rule_arn.clone(),
                model::Rule {
                    arn: rule_arn,
                    listener: listener.clone(),
                    priority: rule.priority,
                    conditions: conditions.collect(),
                    forward: forward_to,
                },
            );
        }
    }
}

/// The groups of nodes and pods, and what they let in: everything of the load balancers, unless a group of theirs is
/// closed; then what the document of the workshop opens, port 80.
fn add_security(world: &mut World, scenario: &Scenario) {
    let nodes = ec2::id("sg", "nodes");
    let cluster = scenario.controller.as_ref().map_or("eksworkshop", |it| &it.cluster_name);
    world.ec2.add_group(&nodes, &format!("eks-cluster-sg-{cluster}"), "EKS created security group");
    if let Some(group) = world.ec2.groups.get_mut(&nodes) {
        group.tags.insert(format!("kubernetes.io/cluster/{cluster}"), "owned".to_owned());
    }
    let own = ec2::Peer::Group(nodes.clone());
    world.ec2.allow((&nodes, false), ("-1", (-1, -1)), own, "");
    world.ec2.nodes = nodes;
    if let Some(name) = &scenario.pod_security_group {
        let pods = ec2::id("sg", name);
        world.ec2.add_group(&pods, name, "Pods");
        world.ec2.pods = Some(pods);
    }
    let arns: Vec<String> = world.elb.groups.keys().cloned().collect();
    for arn in arns {
        let name = world.elb.groups.get(&arn).map(|it| it.name.clone()).unwrap_or_default();
        let is_closed = scenario.groups.iter().any(|it| it.closed && it.name == name);
        script::firewall(world, &arn, !is_closed);
    }
}

fn add_controller(world: &mut World, scenario: &Scenario) {
    let Some(it) = &scenario.controller else {
        // The kind may be there without anybody who acts on it.
        presence::add_kind(world, BINDINGS, "elbv2.k8s.aws", "v1beta1");
        return;
    };
    let mut numbers = it.version.trim_start_matches('v').split('.').map(|it| it.parse().unwrap_or(0));
    let mut number = || numbers.next().unwrap_or(0);
    world.lbc.version = (number(), number(), number());
    world.lbc.cluster_name.clone_from(&it.cluster_name);
    world.lbc.slow = it.slow.0;
    world.lbc.network_error.clone_from(&it.network_error);
    if it.auto_mode {
        world.lbc.auto_mode = true;
        presence::add_kind(world, AUTO_MODE, "eks.amazonaws.com", "v1");
        return;
    }
    presence::add_kind(world, BINDINGS, "elbv2.k8s.aws", "v1beta1");
    presence::install(world);
    if it.down {
        world.due(world.now + scenario.warm_up.0 / 2, Task::ControllerDown);
    }
}

fn add_app(world: &mut World, scenario: &Scenario, app: &scenario::App, n: u64) {
    let name = numbered(&app.name, n);
    let space = app.namespace.clone().unwrap_or_else(|| scenario.namespace.clone());
    namespace(world, &space, app.gates);
    let labels = json!({"app": name});
    let mut template = json!({"metadata": {"labels": labels}, "spec": {"containers": [{
        "name": name, "image": app.image,
        "ports": [{"name": "http", "containerPort": app.container_port}],
        "readinessProbe": {"httpGet": {"path": "/", "port": app.container_port}, "periodSeconds": 5}}]}});
    pod_spec::complete(slot(&mut template, &["spec"]));
    let share = |it: Option<u32>| it.map_or(json!("25%"), |it| json!(it));
    world.kube.create(
        DEPLOYMENTS,
        json!({
            "metadata": {"namespace": space, "name": name, "labels": labels},
            "spec": {"replicas": app.replicas, "selector": {"matchLabels": labels}, "template": template,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {
                    "maxSurge": share(app.max_surge), "maxUnavailable": share(app.max_unavailable)}},
                "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10},
        }),
    );
    let mut port = json!({"name": "http", "port": app.port, "targetPort": app.target_port.unwrap_or(app.container_port), "protocol": "TCP"});
    if app.service_type != "ClusterIP" {
        put(&mut port, "nodePort", json!(30_000 + world.kube.random.below(2_767)));
    }
    let draw = world.kube.random.below(65_000);
    let address = format!("10.100.{}.{}", draw / 255, 1 + draw % 254);
    let mut service = json!({
        "metadata": {"namespace": space, "name": name, "labels": labels},
        "spec": {"type": app.service_type, "clusterIP": address, "clusterIPs": [address], "selector": labels, "ports": [port],
            "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"},
        "status": {"loadBalancer": {}},
    });
    if let Some(policy) = &app.traffic_policy {
        put(&mut service, "spec.externalTrafficPolicy", json!(policy));
    }
    world.kube.create(SERVICES, service);
    // The service's slices are there before anything is bound, as when somebody types it.
    engine::run_until(world, world.now + 1_000);
    if let Some(binding) = &app.binding {
        bind(world, &space, (&name, app.port), binding, n);
    }
}

/// The object a binding is made from, with the marks that the controller leaves on the binding, its group, and the load
/// balancers, listeners and rules that lead there.
fn made_from(world: &mut World, space: &str, group: &str, it: &scenario::Maker, binding: &mut Value) {
    let (id, version, prefix) = match it.kind.as_str() {
        "Gateway" => {
            ("gateways.gateway.networking.k8s.io", "gateway.networking.k8s.io/v1", "gateway.k8s.aws.alb")
        }
        _ => ("ingresses.networking.k8s.io", "networking.k8s.io/v1", "ingress.k8s.aws"),
    };
    if world.kube.get(id, space, &it.name).is_none() {
        let class = if it.kind == "Gateway" {
            json!({"gatewayClassName": "alb"})
        } else {
            json!({"ingressClassName": "alb"})
        };
        let object = json!({"apiVersion": version, "kind": it.kind,
            "metadata": {"namespace": space, "name": it.name}, "spec": class});
        world.kube.create(id, object);
    }
    for (name, value) in [("stack-namespace", space), ("stack-name", it.name.as_str())] {
        *slot(binding, &["metadata", "labels", &format!("{prefix}/{name}")]) = json!(value);
    }
    let cluster = world.lbc.cluster_name.clone();
    let tags = [
        ("elbv2.k8s.aws/cluster".to_owned(), cluster),
        (format!("{prefix}/stack"), format!("{space}/{}", it.name)),
    ];
    let balancers = world.elb.load_balancers_of(group);
    let listeners: Vec<String> = world
        .elb
        .listeners
        .values()
        .filter(|it| balancers.contains(&it.load_balancer))
        .map(|it| it.arn.clone())
        .collect();
    let rules =
        world.elb.rules.values().filter(|it| listeners.contains(&it.listener)).map(|it| it.arn.clone());
    let all: Vec<String> =
        std::iter::once(group.to_owned()).chain(rules).chain(listeners.clone()).chain(balancers).collect();
    for arn in all {
        world.elb.tags.entry(arn).or_default().extend(tags.clone());
    }
    if let Some(message) = &it.failed
        && let Some(object) = world.kube.get(id, space, &it.name).cloned()
    {
        let component = if it.kind == "Gateway" { "gateway.k8s.aws/alb" } else { "ingress" };
        let record = Record { component, warning: true, reason: "FailedDeployModel", message };
        events::record(world, &object, record);
    }
}

fn bind(world: &mut World, space: &str, (service, port): (&str, u16), it: &scenario::Binding, n: u64) {
    let arn = world.elb.group_arn(&numbered(&it.group, n));
    let kind = if world.lbc.auto_mode { AUTO_MODE } else { BINDINGS };
    let version = if world.lbc.auto_mode { "eks.amazonaws.com/v1" } else { "elbv2.k8s.aws/v1beta1" };
    let mut binding = json!({"apiVersion": version, "kind": "TargetGroupBinding",
        "metadata": {"namespace": space, "name": numbered(&it.name, n)},
        "spec": {"serviceRef": {"name": service, "port": port}, "targetGroupARN": arn}});
    if let Some(maker) = &it.made_from {
        made_from(world, space, &arn, maker, &mut binding);
    }
    if it.multi_cluster {
        put(&mut binding, "spec.multiClusterTargetGroup", json!(true));
    }
    if it.networking {
        let from = json!([{"securityGroup": {"groupID": "sg-0123456789abcdef0"}}]);
        put(
            &mut binding,
            "spec.networking",
            json!({"ingress": [{"from": from, "ports": [{"protocol": "TCP"}]}]}),
        );
    }
    // As a client would: a world whose controller refuses its own scenario is a mistake of the scenario.
    let admitted = webhook::admit(world, &mut binding, None);
    debug_assert!(admitted.is_ok(), "{admitted:?}");
    if world.scenario.controller.is_none()
        && let Some(group) = world.elb.groups.get(&arn)
    {
        for (path, value) in [
            ("spec.targetType", json!(group.target_type)),
            ("spec.ipAddressType", json!("ipv4")),
            ("spec.vpcID", json!(world.elb.vpc)),
        ] {
            put(&mut binding, path, value);
        }
    }
    world.kube.create(kind, binding);
}
