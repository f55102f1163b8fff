//! What a scenario's steps do to the world.

use serde_json::json;

use super::controllers::image::Answers;
use super::controllers::image::Image;
use super::controllers::image::answers;
use super::controllers::kubelet;
use super::controllers::nodes;
use super::ec2::model::Peer;
use super::ec2::model::subnet;
use super::elbv2::health;
use super::elbv2::model::Key;
use super::fault::Fault;
use super::json::annotate;
use super::json::at;
use super::json::put;
use super::json::slot;
use super::json::text;
use super::kubernetes::kinds::AUTO_MODE;
use super::kubernetes::kinds::BINDINGS;
use super::kubernetes::kinds::DEPLOYMENTS;
use super::kubernetes::kinds::NODES;
use super::kubernetes::kinds::PODS;
use super::kubernetes::kinds::SERVICES;
use super::kubernetes::select::picks;
use super::kubernetes::store::Name;
use super::kubernetes::store::key;
use super::lbc::presence;
use super::queue::Task;
use super::scenario;
use super::scenario::Step;
use super::scenario::Targets;
use super::world::World;

/// A step of the scenario is due.
pub(super) fn perform(world: &mut World, index: usize) {
    let scenario = world.scenario.clone();
    let Some(step) = scenario.steps.get(index) else { return };
    act(world, step);
    if let Some(every) = step.every {
        world.after(every.0.max(1), Task::Script(index));
    }
}

/// `NAMESPACE/NAME`, or a name in the scenario's namespace.
fn place(world: &World, name: &str) -> Name {
    match name.split_once('/') {
        Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
        None => (world.scenario.namespace.clone(), name.to_owned()),
    }
}

/// Pods of an app that are not leaving, in the order of their names.
fn pods(world: &World, app: &str) -> Vec<Name> {
    let (namespace, name) = place(world, app);
    let selector = json!({"app": name});
    let all = world.kube.objects(PODS, Some(&namespace)).filter(|it| {
        picks(&selector, it)
            && text(it, "metadata.deletionTimestamp").is_empty()
            && text(it, "status.phase") != "Failed"
    });
    all.map(|it| key(it)).collect()
}

/// Does everything a step says.
pub(super) fn act(world: &mut World, step: &Step) {
    kubernetes(world, step);
    aws(world, step);
    if let Some(it) = &step.fault {
        let until = it.lasts.map(|lasts| world.now + lasts.0);
        world.faults.add(Fault {
            on: it.on.clone(),
            wrong: it.wrong,
            latency: it.latency,
            who: it.who.clone(),
            until,
            skip: it.skip.unwrap_or(0),
            left: it.times,
        });
        world.kube.ring();
    }
    if let Some(on) = &step.mend {
        world.faults.clear(if on == "*" { None } else { Some(on) });
        world.kube.ring();
    }
    if step.forget == Some(true) {
        world.kube.forget();
    }
}

fn kubernetes(world: &mut World, step: &Step) {
    if let Some(it) = &step.scale {
        let (namespace, name) = place(world, &it.app);
        world.kube.update(DEPLOYMENTS, (&namespace, &name), |object| {
            put(object, "spec.replicas", json!(it.replicas))
        });
    }
    if let Some(it) = &step.set_image {
        let (namespace, name) = place(world, &it.app);
        world.kube.update(DEPLOYMENTS, (&namespace, &name), |object| {
            let containers = slot(object, &["spec", "template", "spec", "containers"]);
            for container in containers.as_array_mut().into_iter().flatten() {
                put(container, "image", json!(it.image));
            }
        });
    }
    if let Some(it) = &step.restart {
        let (namespace, name) = place(world, &it.app);
        let now = super::clock::stamp(world.now);
        world.kube.update(DEPLOYMENTS, (&namespace, &name), |object| {
            let path = ["spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"];
            *slot(object, &path) = json!(now);
        });
    }
    if let Some(it) = &step.delete_pod
        && let Some((namespace, name)) = pods(world, &it.app).into_iter().nth(it.index)
    {
        world.kube.delete(PODS, (&namespace, &name), 30);
    }
    if let Some(it) = &step.evict
        && let Some(name) = pods(world, &it.app).into_iter().nth(it.index)
    {
        kubelet::fail(world, &name, "Evicted", "The node was low on resource: memory.");
    }
    if let Some(it) = &step.label_pod
        && let Some((namespace, name)) = pods(world, &it.app).into_iter().nth(it.index)
    {
        world.kube.update(PODS, (&namespace, &name), |pod| {
            let labels = slot(pod, &["metadata", "labels"]);
            match &it.value {
                Some(value) => *slot(labels, &[&it.label]) = json!(value),
                None => drop(labels.as_object_mut().and_then(|labels| labels.remove(&it.label))),
            }
        });
    }
    if let Some(it) = &step.image {
        set_image(world, it);
    }
    for (it, alive) in [(&step.node_down, false), (&step.node_up, true)] {
        let name = it.as_ref().and_then(|it| world.kube.objects(NODES, None).nth(it.node));
        if let Some(name) = name.map(|it| text(it, "metadata.name").to_owned()) {
            nodes::set_alive(world, &name, alive);
        }
    }
    if let Some(down) = step.controller_down {
        controller(world, down);
    }
    bindings(world, step);
}

/// How an image behaves from now on.
pub(super) fn set_image(world: &mut World, new: &scenario::Image) {
    let known = Image::default();
    let image = Image {
        start: new.start.map_or(known.start, |it| it.0),
        ready: new.ready.map_or(known.ready, |it| it.0),
        stop: new.stop.map_or(known.stop, |it| it.0),
        never_ready: new.never_ready,
        pull_error: new.pull_error.clone(),
        crash_after: new.crash_after.map(|it| it.0),
        exit_code: new.exit_code.unwrap_or(known.exit_code),
        out_of_memory: new.out_of_memory,
        answers: new.answers.as_deref().and_then(answers).unwrap_or(Answers::Status(200)),
        paths: new.paths.clone(),
    };
    world.images.set(&new.name, image);
    kubelet::image_changed(world, &new.name);
    health::all_changed(world, |_| true);
}

/// Takes the controller's pods away, or gives them back.
pub(super) fn controller(world: &mut World, down: bool) {
    let replicas = if down { 0 } else { 2 };
    world
        .kube
        .update(DEPLOYMENTS, ("kube-system", presence::NAME), |it| put(it, "spec.replicas", json!(replicas)));
}

fn bindings(world: &mut World, step: &Step) {
    let kind = if world.lbc.auto_mode { AUTO_MODE } else { BINDINGS };
    if let Some(it) = &step.checkpoint {
        let (namespace, name) = place(world, &it.binding);
        world.kube.update(kind, (&namespace, &name), |object| {
            annotate(object, "elbv2.k8s.aws/checkpoint", &it.value)
        });
    }
    if let Some(it) = &step.service_port {
        let (namespace, name) = place(world, &it.binding);
        world
            .kube
            .update(kind, (&namespace, &name), |object| put(object, "spec.serviceRef.port", json!(it.port)));
    }
    if let Some(it) = &step.delete_binding {
        let (namespace, name) = place(world, &it.binding);
        world.kube.delete(kind, (&namespace, &name), 0);
    }
    if let Some(it) = &step.delete_service {
        let (namespace, name) = place(world, &it.app);
        world.kube.delete(SERVICES, (&namespace, &name), 0);
    }
}

/// Lets the packets of a group's load balancers through to its targets, or on port 80 alone: what has no targets yet is
/// opened whole.
pub(super) fn firewall(world: &mut World, arn: &str, open: bool) {
    let Some(group) = world.elb.groups.get(arn) else { return };
    let into = match group.target_type.as_str() {
        "instance" => world.ec2.nodes.clone(),
        _ => world.ec2.of_pods().to_owned(),
    };
    let mut ports: Vec<i32> = group.targets.keys().map(|it| i32::from(it.port)).collect();
    ports.extend(group.check.port.parse::<i32>());
    ports.sort_unstable();
    ports.dedup();
    let from = world.elb.load_balancers_of(arn);
    for balancer in from.iter().filter_map(|it| world.elb.load_balancers.get(it)) {
        let peers: Vec<Peer> = match balancer.security_groups.first() {
            Some(id) => vec![Peer::Group(id.clone())],
            None => balancer.zones.iter().map(|it| Peer::Block(subnet(it).1)).collect(),
        };
        for peer in peers {
            if !open {
                world.ec2.rules.retain(|it| it.group != into || it.egress || it.peer != peer);
                world.ec2.allow((&into, false), ("tcp", (80, 80)), peer, DOCUMENTED);
                continue;
            }
            let whole = if ports.is_empty() { vec![(0, 65_535)] } else { Vec::new() };
            for ports in whole.into_iter().chain(ports.iter().map(|it| (*it, *it))) {
                world.ec2.allow((&into, false), ("tcp", ports), peer.clone(), "");
            }
        }
    }
}

/// As the workshop's template describes its rule.
const DOCUMENTED: &str = "Rule to allow traffic from ALB to the TestApp Pods";

fn aws(world: &mut World, step: &Step) {
    for (it, closed) in [(&step.close, true), (&step.open, false)] {
        let Some(it) = it else { continue };
        let arn = world.elb.group_arn(&it.group);
        firewall(world, &arn, !closed);
        health::all_changed(world, |_| true);
    }
    if let Some(it) = &step.register {
        let arn = world.elb.group_arn(&it.group);
        for key in keys(world, it) {
            let zone = world.elb.zone_of(&key.id).unwrap_or_else(|| "all".to_owned());
            health::register(world, &arn, &key, &zone);
        }
    }
    if let Some(it) = &step.deregister {
        let arn = world.elb.group_arn(&it.group);
        for key in keys(world, it) {
            health::deregister(world, &arn, &key);
        }
    }
    if let Some(it) = &step.weights {
        let forward = world.elb.forward(&it.forward);
        let of = |arn: &str| world.elb.load_balancers.get(arn).is_some_and(|lb| lb.name == it.load_balancer);
        let listener = world
            .elb
            .listeners
            .values()
            .find(|listener| listener.port == it.port && of(&listener.load_balancer));
        let listener = listener.map(|it| it.arn.clone()).unwrap_or_default();
        match it.priority {
            None => {
                if let Some(listener) = world.elb.listeners.get_mut(&listener) {
                    listener.forward = forward;
                }
            }
            Some(priority) => {
                let mut rules = world.elb.rules.values_mut();
                if let Some(rule) = rules.find(|it| it.listener == listener && it.priority == priority) {
                    rule.forward = forward;
                }
            }
        }
        health::all_changed(world, |_| true);
    }
    if let Some(it) = &step.instance {
        let node =
            world.kube.objects(NODES, None).nth(it.node).map(|it| text(it, "metadata.name").to_owned());
        for instance in world.elb.instances.values_mut().filter(|it| Some(&it.node) == node.as_ref()) {
            instance.running = it.running;
        }
        health::all_changed(world, |_| true);
    }
}

fn keys(world: &World, it: &Targets) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for target in &it.addresses {
        let (id, port) = target.rsplit_once(':').unwrap_or((target, "80"));
        keys.push(Key::new(id, port.parse().unwrap_or(80)));
    }
    if let Some(app) = &it.app
        && let Some((namespace, name)) = pods(world, app).into_iter().nth(it.index)
        && let Some(pod) = world.kube.get(PODS, &namespace, &name)
    {
        let ports =
            super::json::list(pod, "spec.containers").iter().flat_map(|it| super::json::list(it, "ports"));
        let port = ports.map(|it| at(it, "containerPort")).find_map(serde_json::Value::as_u64).unwrap_or(80);
        keys.push(Key::new(text(pod, "status.podIP"), u16::try_from(port).unwrap_or(80)));
    }
    keys
}
