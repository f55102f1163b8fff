//! The plan that binds a service to a target group: the checks of the controller's webhook done beforehand, with its
//! own words where it would refuse, and those nobody makes.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Act;
use super::Arriving;
use super::Hand;
use super::Plan;
use super::Refusal;
use super::counted;
use super::counts;
use super::guard::Guard;
use super::ownership;
use super::targets::checks;
use super::targets::drains;
use crate::domain::cluster::AddressType;
use crate::domain::cluster::Binding;
use crate::domain::cluster::GATE;
use crate::domain::cluster::PortRef;
use crate::domain::cluster::Service;
use crate::domain::cluster::ServiceType;
use crate::domain::cluster::TargetType;
use crate::domain::controller::Presence;
use crate::domain::desired;
use crate::domain::desired::Backend;
use crate::domain::elb::GroupType;
use crate::domain::elb::HealthState;
use crate::domain::elb::TargetGroup;
use crate::domain::ids::BindingApi;
use crate::domain::ids::BindingRef;
use crate::domain::ids::ClusterId;
use crate::domain::ids::ObjectName;
use crate::domain::ids::TargetGroupArn;
use crate::domain::ids::TargetKey;
use crate::domain::ids::Uid;
use crate::domain::inventory::Inventory;
use crate::domain::matching::View;
use crate::domain::report::Report;
use crate::domain::report::Row;
use crate::domain::report::Subject;
use crate::domain::selector::Selector;
use crate::domain::time::Timestamp;

/// A binding that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub api: BindingApi,
    pub name: ObjectName,
    pub service: String,
    pub port: PortRef,
    pub group: TargetGroupArn,
    /// `ip` or `instance`, as the group has it.
    pub target_type: TargetType,
    pub multi_cluster: bool,
    /// Security groups traffic comes from, for `spec.networking`; empty: none is written.
    pub security_groups: Vec<Arc<str>>,
    /// The port they need, where `spec.networking` is written.
    pub ports: Vec<u16>,
}

impl Manifest {
    pub fn reference(&self, cluster: &ClusterId) -> BindingRef {
        BindingRef::of(cluster, self.api, &self.name)
    }

    /// The object as text, for `kubectl apply -f -` and for a repository. Every value is a quoted string or a
    /// number, so nothing in it can be taken for anything else.
    pub fn yaml(&self) -> String {
        let quoted = |text: &str| format!("{text:?}");
        let port = match &self.port {
            PortRef::Number(number) => number.to_string(),
            PortRef::Name(name) => quoted(name),
        };
        let kind = match self.target_type {
            TargetType::Ip => "ip",
            TargetType::Instance => "instance",
        };
        let mut lines = vec![
            format!("apiVersion: {}", self.api.version()),
            "kind: TargetGroupBinding".to_owned(),
            "metadata:".to_owned(),
            format!("  name: {}", quoted(&self.name.name)),
            format!("  namespace: {}", quoted(&self.name.namespace)),
            "spec:".to_owned(),
            "  serviceRef:".to_owned(),
            format!("    name: {}", quoted(&self.service)),
            format!("    port: {port}"),
            format!("  targetGroupARN: {}", quoted(self.group.as_str())),
            format!("  targetType: {kind}"),
        ];
        if self.multi_cluster {
            lines.push("  multiClusterTargetGroup: true".to_owned());
        }
        if !self.security_groups.is_empty() {
            lines.extend(["  networking:".to_owned(), "    ingress:".to_owned(), "      - from:".to_owned()]);
            for group in &self.security_groups {
                lines.push("          - securityGroup:".to_owned());
                lines.push(format!("              groupID: {}", quoted(group)));
            }
            lines.push("        ports:".to_owned());
            for port in &self.ports {
                lines.push("          - protocol: TCP".to_owned());
                lines.push(format!("            port: {port}"));
            }
        }
        lines.join("\n") + "\n"
    }
}

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
    let api = api(cluster, inventory, wish)?;
    taken(inventory, wish)?;
    let name = wish.name.clone().unwrap_or_else(|| format!("{}-tgb", service.name.name));
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
        .instead("register puts the endpoints there once; nobody will follow them"));
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

/// What the binding would be once it exists, so that the same rules judge it as any other.
fn imagined(manifest: &Manifest, now: Timestamp) -> Binding {
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
        protocol: None,
        multi_cluster: manifest.multi_cluster,
        networking: !manifest.security_groups.is_empty(),
        node_selector: Selector::default(),
        assume_role: None,
        external_id: None,
        failed_cleanup: None,
    }
}

fn plan(inventory: &Inventory, wish: &Wish, mut manifest: Manifest, now: Timestamp) -> Result<Plan, Refusal> {
    let subject = Subject::Group(wish.group.clone());
    let view =
        View::of(inventory, &subject, now).ok_or_else(|| Refusal::new("the group could not be read"))?;
    let reference = manifest.reference(&wish.cluster);
    let mut binding = imagined(&manifest, now);
    if view.target_group().is_some_and(|it| it.ipv6) {
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
    manifest.ports = wanted.iter().map(|it| it.port).collect::<BTreeSet<_>>().into_iter().collect();
    if manifest.ports.is_empty() {
        let port = wish_port(inventory, wish, &manifest);
        manifest.ports.extend(port);
    }
    let report = super::targets::report_of(inventory, &subject, now)
        .ok_or_else(|| Refusal::new("the group could not be read"))?;
    let mut plan = Plan::new(Hand::Bind, &subject, now, String::new());
    let (present, foreign) = split(&report, &wanted, manifest.multi_cluster);
    let presence = presence(inventory, &wish.cluster, &report);
    let arriving = wanted.len() - present;
    plan.counts = counts::counts(&report, &foreign.iter().copied().collect(), arriving);
    let absent = presence == Presence::Absent;
    let name = wish.group.name();
    let endpoints = counted(wanted.len(), "endpoint");
    let service = &wish.service;
    plan.effect = match presence {
        Presence::Absent => {
            format!("Binds service {service} to {name}; nobody follows it: there is no controller.")
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
    };
    let unbound = Guard::Unbound { group: wish.group.clone() };
    let guards = if manifest.multi_cluster { Vec::new() } else { vec![unbound.clone()] };
    plan.step(Act::Create { cluster: wish.cluster.clone(), manifest: Box::new(manifest.clone()) }, guards);
    if absent && !wanted.is_empty() {
        let targets = wanted.iter().map(|key| Arriving { key: (*key).clone(), zone: None }).collect();
        let subject = Act::Register { group: wish.group.clone(), role: None, targets };
        plan.step(subject, wanted.iter().map(|key| Guard::Absent { key: (*key).clone() }).collect());
    }
    warnings(&mut plan, &view, (&manifest, wanted.len(), &foreign), presence);
    plan.warnings.extend(gates(inventory, wish, manifest.target_type));
    let zones: BTreeSet<&Arc<str>> = resolution.wanted().filter_map(|it| it.zone.as_ref()).collect();
    disabled(&mut plan, inventory, group_of(inventory, wish), &zones);
    if manifest.target_type == TargetType::Ip && !wanted.is_empty() {
        plan.follows.push(checks(&view));
    }
    if !foreign.is_empty() {
        plan.follows.push(drains(&view));
        let enough = plan.counts.first().is_some_and(|it| it.before.healthy > 0 && it.after.healthy == 0);
        if enough {
            plan.ask_for(name, "every healthy target the group has now is removed".to_owned());
        }
    }
    ownership::warn(&mut plan, &view, &[]);
    Ok(plan)
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

/// How many wanted endpoints are registered already, and the registered targets the controller will remove.
fn split<'a>(report: &'a Report, wanted: &BTreeSet<&TargetKey>, multi: bool) -> (usize, Vec<&'a TargetKey>) {
    let live =
        report.rows.iter().filter_map(Row::registered).filter(|it| it.health.state != HealthState::Draining);
    let (present, foreign): (Vec<_>, Vec<_>) = live.map(|it| &it.key).partition(|it| wanted.contains(it));
    (present.len(), if multi { Vec::new() } else { foreign })
}

/// The controller of the cluster, by its own signs and those at other bindings.
fn presence(inventory: &Inventory, cluster: &ClusterId, report: &Report) -> Presence {
    let other =
        inventory.bindings().find(|(it, binding)| it.cluster == *cluster && !binding.finalizers.is_empty());
    let judged = other.and_then(|(it, _)| {
        super::targets::report_of(inventory, &Subject::Binding(it), report.asked.unwrap_or_default())
    });
    if let Some(report) = judged {
        return report.controller.presence;
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
/// a new binding.
fn gates(inventory: &Inventory, wish: &Wish, kind: TargetType) -> Option<String> {
    let cluster = inventory.cluster(&wish.cluster).filter(|_| kind == TargetType::Ip)?;
    let pods = cluster.pods.values().filter(|it| it.name.namespace == wish.service.namespace);
    let gated = pods.flat_map(|it| &it.gates).any(|it| it.starts_with(GATE));
    gated.then(|| {
        "Pods of this namespace get readiness gates when they are made: those that exist have none for this binding until they are restarted.".to_owned()
    })
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
    view: &View<'_>,
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
            super::listed(foreign.iter().copied())
        ));
    }
    if view.routes.none_lead() {
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
