//! The plan that binds a service to a target group: the checks of the controller's webhook done beforehand, with its
//! own words where it would refuse, and those nobody makes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Plan;
use super::Refusal;
use super::counts;
use super::guard::Guard;
use super::manifest::Manifest;
use super::manifest::valid;
use super::owners;
use super::targets::checks;
use super::targets::drains;
use super::targets::live;
use crate::domain::facts::cluster::AddressType;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::GATE;
use crate::domain::facts::cluster::GATED;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::ServiceType;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::elb::GroupType;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::selector::Selector;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::counted;
use crate::domain::plan::act::listed;
use crate::domain::plan::enough;
use crate::domain::plan::known::Known;
use crate::domain::plan::known::report_of;

/// What a person wants to be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub cluster: ClusterId,
    pub service: ObjectName,
    /// `None`: its only port.
    pub port: Option<PortRef>,
    pub group: TargetGroupArn,
    /// Name of the binding; `None`: the service's with `-tgb`.
    pub name: Option<String>,
    pub multi_cluster: bool,
    /// Write `spec.networking` from the load balancer's security groups.
    pub networking: bool,
}

pub fn bind(inventory: &Inventory, wish: &Wish, now: Timestamp) -> Result<Plan, Refusal> {
    let cluster =
        inventory.cluster(&wish.cluster).ok_or_else(|| Refusal::new("the cluster could not be read"))?;
    let service = cluster.services.get(&wish.service);
    let service = service.ok_or_else(|| Refusal::new(format!("there is no service {}", wish.service)))?;
    let group = inventory.groups.get(&wish.group).and_then(|it| it.group.as_ref());
    let group =
        group.ok_or_else(|| Refusal::new(format!("target group {} could not be read", wish.group.name())))?;
    let port = port(service, wish.port.as_ref())?;
    let target_type = target_type(group)?;
    if target_type == TargetType::Instance
        && matches!(service.kind, ServiceType::ClusterIp | ServiceType::ExternalName)
    {
        let name = &service.name;
        return Err(Refusal::new(format!(
            "service type must be either 'NodePort' or 'LoadBalancer': {name}"
        ))
        .instead("the group is of type instance; use a group of type ip, or change the service"));
    }
    let quic = matches!(group.protocol.as_deref(), Some("QUIC" | "TCP_QUIC"));
    if quic && target_type == TargetType::Instance {
        return Err(Refusal::new("QUIC protocol is not supported for Instance target types."));
    }
    let api = api(cluster, inventory, wish)?;
    taken(inventory, wish)?;
    let name = wish.name.clone().unwrap_or_else(|| format!("{}-tgb", service.name.name));
    if !valid(&name) {
        return Err(Refusal::new(format!("{name:?} is no name for an object")).instead(
            "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
        ));
    }
    let name = ObjectName::new(&service.name.namespace, &name);
    if cluster.bindings.contains_key(&(api, name.clone())) {
        return Err(Refusal::new(format!(
            "targetgroupbindings.{} {:?} already exists",
            api.version().split('/').next().unwrap_or_default(),
            name.name
        ))
        .instead("give it another name"));
    }
    let security_groups = match wish.networking {
        true => sources(inventory, group)?,
        false => Vec::new(),
    };
    let manifest = Manifest {
        api,
        name,
        service: service.name.name.clone(),
        port,
        group: wish.group.clone(),
        target_type,
        multi_cluster: wish.multi_cluster,
        ports: Vec::new(),
        protocols: protocols(group),
        security_groups,
    };
    plan(inventory, wish, manifest, now)
}

/// The port a binding names, checked against the service's.
fn port(service: &Service, wanted: Option<&PortRef>) -> Result<PortRef, Refusal> {
    let have = || service.ports.iter().map(|it| it.port.to_string()).collect::<Vec<_>>().join(", ");
    match (wanted, service.ports.as_slice()) {
        (Some(wanted), _) if service.port(wanted).is_some() => Ok(wanted.clone()),
        (Some(wanted), _) => {
            Err(Refusal::new(format!("unable to find port {wanted} on service {}", service.name))
                .instead(format!("the service has {}", have())))
        }
        (None, [only]) => Ok(PortRef::Number(only.port)),
        (None, []) => Err(Refusal::new(format!("service {} has no port", service.name))),
        (None, _) => Err(Refusal::new(format!("service {} has several ports: {}", service.name, have()))
            .instead("choose one")),
    }
}

fn target_type(group: &TargetGroup) -> Result<TargetType, Refusal> {
    match group.kind {
        GroupType::Ip => Ok(TargetType::Ip),
        GroupType::Instance => Ok(TargetType::Instance),
        other => Err(Refusal::new(format!("unsupported TargetType: {}", other.text()))),
    }
}

/// Which of the two kinds the cluster serves.
fn api(
    cluster: &crate::domain::inventory::Cluster,
    inventory: &Inventory,
    wish: &Wish,
) -> Result<BindingApi, Refusal> {
    use crate::domain::inventory::Kind;
    let served = |api| inventory.has_read(&wish.cluster, Kind::Bindings(api));
    if cluster.signs.kind_served == Some(false) {
        return Err(Refusal::new(
            "the cluster has no TargetGroupBinding kind: the controller's custom resources are not installed",
        )
        .instead("register (R) puts the endpoints there once; nobody will follow them"));
    }
    [BindingApi::LoadBalancerController, BindingApi::AutoMode]
        .into_iter()
        .find(|it| served(*it))
        .ok_or_else(|| Refusal::new("bindings could not be read"))
}

/// The webhook's own check: a group belongs to one binding, unless all of them are multi-cluster.
fn taken(inventory: &Inventory, wish: &Wish) -> Result<(), Refusal> {
    let on = |it: &(BindingRef, &Binding)| {
        it.1.group.as_ref() == Some(&wish.group) && it.0.cluster == wish.cluster
    };
    let others: Vec<(BindingRef, &Binding)> = inventory.bindings().filter(on).collect();
    if others.is_empty() || (wish.multi_cluster && others.iter().all(|it| it.1.multi_cluster)) {
        return Ok(());
    }
    let names: Vec<String> = others.iter().map(|it| it.0.to_string()).collect();
    Err(Refusal::new(format!(
        "TargetGroup {} is already bound to following TargetGroupBindings [{}]. Please enable MultiCluster mode on all TargetGroupBindings referencing {} or choose a different Target Group ARN.",
        wish.group,
        names.join(" "),
        wish.group
    )))
}

/// The security groups of the load balancers the group hangs on.
fn sources(inventory: &Inventory, group: &TargetGroup) -> Result<Vec<Arc<str>>, Refusal> {
    let balancers = group.load_balancers.iter().filter_map(|it| inventory.load_balancers.get(it));
    let found: BTreeSet<Arc<str>> = balancers.flat_map(|it| it.security_groups.iter().cloned()).collect();
    match found.is_empty() {
        true => Err(Refusal::new(
            "the group's load balancer has no security group that could be read: spec.networking cannot be filled in",
        )),
        false => Ok(found.into_iter().collect()),
    }
}

/// What the group's traffic and its health checks come by.
fn protocols(group: &TargetGroup) -> Vec<Arc<str>> {
    let of = |it: &[&str]| it.iter().map(|it| Arc::from(*it)).collect();
    match group.protocol.as_deref() {
        // Health checks of these come by TCP all the same.
        Some("UDP" | "TCP_UDP" | "QUIC" | "TCP_QUIC") => of(&["TCP", "UDP"]),
        _ => of(&["TCP"]),
    }
}

/// What the binding would be once it exists, so that the same rules judge it as any other.
fn imagined(manifest: &Manifest, group: &TargetGroup, now: Timestamp) -> Binding {
    Binding {
        api: manifest.api,
        name: manifest.name.clone(),
        uid: Uid::new("not made yet"),
        created: now,
        deleted: None,
        generation: 1,
        observed_generation: None,
        labels: std::collections::BTreeMap::new(),
        kept_by: None,
        finalizers: Vec::new(),
        checkpoint: None,
        checkpoint_at: None,
        group: Some(manifest.group.clone()),
        group_text: None,
        group_name: None,
        service: manifest.service.clone(),
        port: manifest.port.clone(),
        target_type: Some(manifest.target_type),
        address_type: Some(AddressType::Ipv4),
        protocol: group.protocol.clone(),
        multi_cluster: manifest.multi_cluster,
        networking: !manifest.security_groups.is_empty(),
        node_selector: Selector::default(),
        assume_role: None,
        external_id: None,
        failed_cleanup: None,
    }
}

fn plan(inventory: &Inventory, wish: &Wish, mut manifest: Manifest, now: Timestamp) -> Result<Plan, Refusal> {
    let of_group = Subject::Group(wish.group.clone());
    let unread = || Refusal::new("the group could not be read");
    let case = Case::of(inventory, &of_group, now).ok_or_else(unread)?;
    let group = group_of(inventory, wish).ok_or_else(unread)?;
    // What is registered now decides what the controller will remove.
    Known::targets_read(&case)?;
    let reference = manifest.reference(&wish.cluster);
    let mut binding = imagined(&manifest, group, now);
    if group.ipv6 {
        binding.address_type = Some(AddressType::Ipv6);
    }
    let resolution = desired::resolve(inventory, &reference, &binding);
    match &resolution.backend {
        Backend::Found => {}
        Backend::Broken(problem) => return Err(Refusal::new(problem.clone())),
        Backend::Unread(_) => return Err(Refusal::new("the endpoints of the service could not be read")),
        Backend::ServiceMissing | Backend::PortMissing(_) => {
            return Err(Refusal::new(format!(
                "backend not found: {} on service {}",
                manifest.port, wish.service
            )));
        }
    }
    let wanted: BTreeSet<&TargetKey> = resolution.wanted().map(|it| &it.key).collect();
    open_ports(&mut manifest, inventory, wish, &wanted);
    let report = report_of(inventory, &of_group, now).ok_or_else(unread)?;
    let mut plan = Plan::new(ChangeKind::Bind, &Subject::Binding(reference.clone()), now, String::new());
    let foreign = foreign(&report, &wanted, manifest.multi_cluster);
    let presence = presence(inventory, &wish.cluster, manifest.api, now);
    let leaving: BTreeSet<&TargetKey> = foreign.iter().copied().collect();
    let new = resolution.wanted().filter(|it| !live(&report, &it.key));
    let zones: Vec<_> = new.map(|it| it.zone.clone()).collect();
    plan.counts = counts::counts(&report, &leaving, &zones);
    plan.effect = effect(wish, wanted.len(), presence);
    let mut guards = Vec::new();
    if !manifest.multi_cluster {
        guards.push(Guard::Unbound { group: wish.group.clone(), cluster: Some(wish.cluster.clone()) });
        let keys = wanted.iter().chain(&leaving).map(|it| (*it).clone()).collect();
        guards.push(Guard::Only { keys });
    }
    guards.extend(enough::keep_enough(&mut plan, &case, &leaving, wish.group.name()));
    plan.step(Act::Create { cluster: wish.cluster.clone(), manifest: Box::new(manifest.clone()) }, guards);
    if presence == Presence::Absent && !wanted.is_empty() {
        register_once(&mut plan, inventory, (&reference, wish), &resolution);
    } else if presence != Presence::Down {
        plan.step(Act::AwaitInStep { subject: Subject::Binding(reference) }, Vec::new());
    }
    warnings(&mut plan, &case, (&manifest, wanted.len(), &foreign), presence);
    others(&mut plan, inventory, wish);
    if presence != Presence::Absent {
        plan.warnings.extend(gates(inventory, wish, manifest.target_type));
    }
    let zones: BTreeSet<&Arc<str>> = resolution.wanted().filter_map(|it| it.zone.as_ref()).collect();
    disabled(&mut plan, inventory, Some(group), &zones);
    if manifest.target_type == TargetType::Ip && !wanted.is_empty() {
        plan.follows.push(checks(&case));
    }
    if !foreign.is_empty() {
        plan.follows.push(drains(&case));
    }
    owners::warn(&mut plan, &case, &[]);
    Ok(plan)
}

/// What it comes to, by who is there to follow.
fn effect(wish: &Wish, wanted: usize, presence: Presence) -> String {
    let (service, name, endpoints) = (&wish.service, wish.group.name(), counted(wanted, "endpoint"));
    match presence {
        Presence::Absent => {
            format!(
                "Binds service {service} to {name} and registers {endpoints} once: no controller follows them."
            )
        }
        Presence::Down => {
            format!(
                "Binds service {service} to {name}; {endpoints} are registered when the controller is back."
            )
        }
        Presence::Present | Presence::Unknown => {
            format!(
                "Binds service {service} to {name}: the controller registers {endpoints} and follows them."
            )
        }
    }
}

/// The ports that `spec.networking` opens: those of the targets, and that of the health check where it has its own.
fn open_ports(manifest: &mut Manifest, inventory: &Inventory, wish: &Wish, wanted: &BTreeSet<&TargetKey>) {
    let mut ports: BTreeSet<u16> = wanted.iter().map(|it| it.port).collect();
    if ports.is_empty() {
        ports.extend(wish_port(inventory, wish, manifest));
    }
    let check = group_of(inventory, wish).and_then(|it| it.check.port.as_ref()?.parse::<u16>().ok());
    ports.extend(check);
    manifest.ports = ports.into_iter().collect();
}

/// Without a controller the endpoints are registered once, as any others.
fn register_once(
    plan: &mut Plan,
    inventory: &Inventory,
    (reference, wish): (&BindingRef, &Wish),
    resolution: &desired::Resolution,
) {
    let uid = |endpoint: &desired::Endpoint| match &endpoint.backing {
        desired::Backing::Pod(Some(name)) => {
            inventory.cluster(&reference.cluster)?.pods.get(name).map(|it| it.uid.clone())
        }
        _ => None,
    };
    let new: Vec<Arriving> =
        resolution.wanted().map(|it| Arriving { key: it.key.clone(), zone: None, pod: uid(it) }).collect();
    let guards = new.iter().map(|it| Guard::Arrives { key: it.key.clone(), pod: it.pod.clone() }).collect();
    plan.step(Act::Register { group: wish.group.clone(), role: None, targets: new }, guards);
}

/// Bindings of other clusters on the group.
fn others(plan: &mut Plan, inventory: &Inventory, wish: &Wish) {
    let on = |it: &(BindingRef, &Binding)| {
        it.1.group.as_ref() == Some(&wish.group) && it.0.cluster != wish.cluster
    };
    for (reference, binding) in inventory.bindings().filter(on) {
        if binding.multi_cluster && wish.multi_cluster {
            continue;
        }
        let cluster = &reference.cluster;
        plan.warnings.push(format!(
            "Cluster {cluster} binds the group too ({reference}), and not both are multi-cluster: each controller removes the other's targets."
        ));
        plan.ask_for(wish.group.name(), format!("cluster {cluster} binds it too"));
    }
}

/// The port the service's pods listen on, where it is a number.
fn wish_port(inventory: &Inventory, wish: &Wish, manifest: &Manifest) -> Option<u16> {
    let service = inventory.cluster(&wish.cluster)?.services.get(&wish.service)?;
    let port = service.port(&manifest.port)?;
    match manifest.target_type {
        TargetType::Instance => port.node_port,
        TargetType::Ip => match &port.target_port {
            Some(text) => text.parse().ok(),
            None => Some(port.port),
        },
    }
}

/// The registered targets the controller will remove.
fn foreign<'a>(report: &'a Report, wanted: &BTreeSet<&TargetKey>, multi: bool) -> Vec<&'a TargetKey> {
    let live = report.rows.iter().filter(|it| it.live()).filter_map(Row::registered);
    live.map(|it| &it.key).filter(|it| !multi && !wanted.contains(it)).collect()
}

/// The controller of the cluster, by its own signs and those at other bindings.
fn presence(inventory: &Inventory, cluster: &ClusterId, api: BindingApi, now: Timestamp) -> Presence {
    let of_kind = |it: &(BindingRef, &Binding)| it.0.cluster == *cluster && it.0.api == api;
    let other = inventory.bindings().filter(of_kind).find(|(_, binding)| !binding.finalizers.is_empty());
    let judged = other.and_then(|(it, _)| report_of(inventory, &Subject::Binding(it), now));
    if let Some(report) = judged {
        return report.controller.presence;
    }
    if api == BindingApi::AutoMode {
        // It runs outside of the cluster, and nothing it did is there to tell.
        return Presence::Unknown;
    }
    let signs = inventory.cluster(cluster).map(|it| &it.signs);
    match signs {
        Some(it)
            if it.deployment.as_ref().is_some_and(|it| it.as_ref().is_some_and(|it| it.available > 0)) =>
        {
            Presence::Present
        }
        Some(it) if it.webhook_endpoints == Some(Some(0)) => Presence::Down,
        Some(it) if it.webhook_configured == Some(false) && it.lease == Some(None) => Presence::Absent,
        _ => Presence::Unknown,
    }
}

/// Pods get readiness gates when they are made, where their namespace is labelled so: those that exist have none for
/// a new binding. Where the label could not be read, pods that have gates tell.
fn gates(inventory: &Inventory, wish: &Wish, kind: TargetType) -> Option<String> {
    let cluster = inventory.cluster(&wish.cluster).filter(|_| kind == TargetType::Ip)?;
    let pods = cluster.pods.values().filter(|it| it.name.namespace == wish.service.namespace);
    let seen = pods.flat_map(|it| &it.gates).any(|it| it.starts_with(GATE));
    match (cluster.gated.get(&wish.service.namespace), seen) {
        (Some(true), _) | (None, true) => Some("Pods of this namespace get readiness gates when they are made: those that exist have none for this binding until they are restarted.".to_owned()),
        (Some(false), _) => Some(format!("The namespace has no label {GATED}=enabled: its pods get no readiness gate, and a rollout does not wait for its targets.")),
        (None, false) => None,
    }
}

fn group_of<'a>(inventory: &'a Inventory, wish: &Wish) -> Option<&'a TargetGroup> {
    inventory.groups.get(&wish.group)?.group.as_ref()
}

/// Zones with endpoints where the load balancer has none.
fn disabled(
    plan: &mut Plan,
    inventory: &Inventory,
    group: Option<&TargetGroup>,
    zones: &BTreeSet<&Arc<str>>,
) {
    let arns = group.into_iter().flat_map(|it| &it.load_balancers);
    let balancers: Vec<_> = arns.filter_map(|it| inventory.load_balancers.get(it)).collect();
    for balancer in balancers.iter().filter(|it| !it.zones.is_empty()) {
        let missing: Vec<&str> =
            zones.iter().filter(|it| !balancer.zones.contains(**it)).map(|it| &***it).collect();
        if !missing.is_empty() {
            plan.warnings.push(format!(
                "{} is not enabled in {}: targets there stay unused.",
                balancer.name,
                missing.join(", ")
            ));
        }
    }
}

fn warnings(
    plan: &mut Plan,
    case: &Case<'_>,
    (manifest, wanted, foreign): (&Manifest, usize, &[&TargetKey]),
    presence: Presence,
) {
    if wanted == 0 {
        plan.warnings.push(
            "No endpoint of the service is wanted now: nothing is registered until a pod is ready."
                .to_owned(),
        );
    }
    if !foreign.is_empty() {
        plan.warnings.push(format!(
            "The controller removes {} that {} not of this service: {}.",
            counted(foreign.len(), "target"),
            if foreign.len() == 1 { "is" } else { "are" },
            listed(foreign.iter().copied())
        ));
    }
    if case.routes.none_lead() {
        plan.warnings.push("No listener or rule leads to the group: its targets stay unused, and a readiness gate on it never becomes True.".to_owned());
    }
    if manifest.security_groups.is_empty() && manifest.target_type == TargetType::Ip {
        plan.warnings.push("Without spec.networking the controller adds no security-group rule: the load balancer must reach the pods already.".to_owned());
    }
    if presence == Presence::Down {
        plan.warnings.push(
            "The controller is down: the API server refuses a new binding, or nobody follows it.".to_owned(),
        );
    }
    if presence == Presence::Unknown {
        plan.warnings.push("Whether a controller follows the binding is not known.".to_owned());
    }
    if manifest.multi_cluster {
        plan.warnings.push("Multi-cluster: the first look only notes what is registered; it deregisters nothing that is not in its list.".to_owned());
    }
}
