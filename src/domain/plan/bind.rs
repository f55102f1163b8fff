//! The plan that binds a service to a target group, with the checks of the controller's webhook done beforehand, in its
//! own words, and with those that nobody else makes.

mod controller;

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
use crate::domain::facts::cluster::Binding;
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
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Backing;
use crate::domain::judgement::desired::Endpoint;
use crate::domain::judgement::desired::Resolution;
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

/// What a person wants to bind, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) cluster: ClusterId,
    pub(crate) service: ObjectName,
    /// `None`: the service's only port.
    pub(crate) port: Option<PortRef>,
    pub(crate) group: TargetGroupArn,
    /// Name of the binding; `None`: the service's name with `-tgb`.
    pub(crate) name: Option<String>,
    pub(crate) multi_cluster: bool,
    /// Fill `spec.networking` from the load balancer's security groups.
    pub(crate) networking: bool,
}

/// Binds a service to a target group. Refused for what the controller's webhook would refuse, in its own words, and for
/// what it lets through although it cannot work.
pub(crate) fn bind(inventory: &Inventory, wish: &Wish, now: Timestamp) -> Result<Plan, Refusal> {
    let cluster =
        inventory.cluster(&wish.cluster).ok_or_else(|| Refusal::new("the cluster could not be read"))?;
    let service = cluster.services.get(&wish.service);
    let service = service.ok_or_else(|| Refusal::new(format!("service {} does not exist", wish.service)))?;
    let group = inventory.groups.get(&wish.group).and_then(|it| it.group.as_ref());
    let group =
        group.ok_or_else(|| Refusal::new(format!("target group {} could not be read", wish.group.name())))?;
    let port = port(service, wish.port.as_ref())?;
    let target_type = target_type(group)?;
    fits(service, group, target_type)?;
    let api = api(cluster, inventory, wish)?;
    controller::tagged(inventory.groups.get(&wish.group), cluster, api)?;
    taken(inventory, wish)?;
    let name = name(cluster, api, service, wish)?;
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

/// The webhook's checks of service type and protocol.
fn fits(service: &Service, group: &TargetGroup, target_type: TargetType) -> Result<(), Refusal> {
    if target_type != TargetType::Instance {
        return Ok(());
    }
    if matches!(service.kind, ServiceType::ClusterIp | ServiceType::ExternalName) {
        return Err(Refusal::new(format!(
            "service type must be either 'NodePort' or 'LoadBalancer': {}",
            service.name
        ))
        .instead("the group is of type instance; use a group of type ip, or change the service"));
    }
    match group.protocol.as_deref() {
        Some("QUIC" | "TCP_QUIC") => {
            Err(Refusal::new("QUIC protocol is not supported for Instance target types."))
        }
        _ => Ok(()),
    }
}

/// The name the binding gets: valid, and not taken.
fn name(cluster: &Cluster, api: BindingApi, service: &Service, wish: &Wish) -> Result<ObjectName, Refusal> {
    let name = wish.name.clone().unwrap_or_else(|| format!("{}-tgb", service.name.name));
    if !valid(&name) {
        return Err(Refusal::new(format!("{name:?} is not a valid object name")).instead(
            "use lower-case letters, digits, '-' and '.', and begin and end with a letter or digit",
        ));
    }
    let name = ObjectName::new(&service.name.namespace, &name);
    match cluster.bindings.contains_key(&(api, name.clone())) {
        true => Err(Refusal::new(format!(
            "targetgroupbindings.{} {:?} already exists",
            api.version().split('/').next().unwrap_or_default(),
            name.name
        ))
        .instead("choose another name")),
        false => Ok(name),
    }
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
            .instead("name one of them")),
    }
}

fn target_type(group: &TargetGroup) -> Result<TargetType, Refusal> {
    match group.kind {
        GroupType::Ip => Ok(TargetType::Ip),
        GroupType::Instance => Ok(TargetType::Instance),
        other => Err(Refusal::new(format!("unsupported TargetType: {}", other.text()))),
    }
}

/// Which of the two API groups of bindings the cluster serves.
fn api(cluster: &Cluster, inventory: &Inventory, wish: &Wish) -> Result<BindingApi, Refusal> {
    let served = |api| inventory.has_read(&wish.cluster, Kind::Bindings(api));
    if cluster.signs.kind_served == Some(false) {
        return Err(Refusal::new(
            "the cluster has no TargetGroupBinding kind: the controller's CRDs are not installed",
        )
        .instead("register (R) registers the endpoints once; nothing will follow them"));
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

/// The security groups of the group's load balancers.
fn sources(inventory: &Inventory, group: &TargetGroup) -> Result<Vec<Arc<str>>, Refusal> {
    let balancers = group.load_balancers.iter().filter_map(|it| inventory.load_balancers.get(it));
    let found: BTreeSet<Arc<str>> = balancers.flat_map(|it| it.security_groups.iter().cloned()).collect();
    match found.is_empty() {
        true => Err(Refusal::new(
            "no security group of the group's load balancer could be read, so spec.networking cannot be filled in",
        )),
        false => Ok(found.into_iter().collect()),
    }
}

/// The protocols of the group's traffic and health checks, as `spec.networking` names them.
fn protocols(group: &TargetGroup) -> Vec<Arc<str>> {
    let of = |it: &[&str]| it.iter().map(|it| Arc::from(*it)).collect();
    match group.protocol.as_deref() {
        // Their health checks use TCP all the same.
        Some("UDP" | "TCP_UDP" | "QUIC" | "TCP_QUIC") => of(&["TCP", "UDP"]),
        _ => of(&["TCP"]),
    }
}

/// A binding about to be created, judged as if it existed.
struct Imagined<'a> {
    inventory: &'a Inventory,
    wish: &'a Wish,
    manifest: Manifest,
    reference: BindingRef,
    group: &'a TargetGroup,
    /// The judgement of the group as it is now.
    case: Case<'a>,
    report: Report,
    /// The endpoints that the controller would register.
    resolution: Resolution,
    presence: Presence,
}

fn plan(inventory: &Inventory, wish: &Wish, manifest: Manifest, now: Timestamp) -> Result<Plan, Refusal> {
    let of_group = Subject::Group(wish.group.clone());
    let unread = || Refusal::new("the target group could not be read");
    let case = Case::of(inventory, &of_group, now).ok_or_else(unread)?;
    let group = group_of(inventory, wish).ok_or_else(unread)?;
    // What is registered now decides what the controller will deregister.
    Known::targets_read(&case)?;
    let reference = manifest.reference(&wish.cluster);
    let resolution = resolved(inventory, wish, &manifest, group, now)?;
    let report = report_of(inventory, &of_group, now).ok_or_else(unread)?;
    let presence = controller::presence(inventory, &wish.cluster, manifest.api, now);
    let mut it = Imagined { inventory, wish, manifest, reference, group, case, report, resolution, presence };
    it.open_ports();
    let mut plan = Plan::new(ChangeKind::Bind, &Subject::Binding(it.reference.clone()), now, it.effect());
    it.steps(&mut plan);
    it.warn(&mut plan);
    it.follow(&mut plan);
    owners::warn(&mut plan, &it.case, &[]);
    Ok(plan)
}

/// The endpoints that the controller would register for the binding.
fn resolved(
    inventory: &Inventory,
    wish: &Wish,
    manifest: &Manifest,
    group: &TargetGroup,
    now: Timestamp,
) -> Result<Resolution, Refusal> {
    let binding = manifest.imagined(group, now);
    let resolution = desired::resolve(inventory, &manifest.reference(&wish.cluster), &binding);
    match &resolution.backend {
        Backend::Found => Ok(resolution),
        Backend::Broken(problem) => Err(Refusal::new(problem.clone())),
        Backend::Unread(_) => Err(Refusal::new("the endpoints of the service could not be read")),
        Backend::ServiceMissing | Backend::PortMissing(_) => {
            Err(Refusal::new(format!("backend not found: {} on service {}", manifest.port, wish.service)))
        }
    }
}

impl Imagined<'_> {
    fn wanted(&self) -> BTreeSet<&TargetKey> {
        self.resolution.wanted().map(|it| &it.key).collect()
    }

    /// The registered targets that the controller will deregister: those that are no endpoint of the service.
    fn foreign(&self) -> BTreeSet<&TargetKey> {
        if self.manifest.multi_cluster {
            return BTreeSet::new();
        }
        let wanted = self.wanted();
        let live = self.report.rows.iter().filter(|it| it.live()).filter_map(Row::registered);
        live.map(|it| &it.key).filter(|it| !wanted.contains(it)).collect()
    }

    /// What it does, by who is there to do it.
    fn effect(&self) -> String {
        let (service, name) = (&self.wish.service, self.wish.group.name());
        let n = self.wanted().len();
        let (endpoints, it, is) = match n {
            1 => ("1 endpoint".to_owned(), "it", "is"),
            n => (counted(n, "endpoint"), "them", "are"),
        };
        match self.presence {
            Presence::Absent => format!(
                "Binds service {service} to {name} and registers {endpoints} once: no controller follows {it}."
            ),
            Presence::Down => format!(
                "Binds service {service} to {name}; {endpoints} {is} registered when the controller is back."
            ),
            Presence::Present | Presence::Unknown => format!(
                "Binds service {service} to {name}: the controller registers {endpoints} and follows {it}."
            ),
        }
    }

    fn steps(&self, plan: &mut Plan) {
        let (wanted, foreign) = (self.wanted(), self.foreign());
        let new = self.resolution.wanted().filter(|it| !live(&self.report, &it.key));
        let zones: Vec<_> = new.map(|it| it.zone.clone()).collect();
        plan.counts = counts::counts(&self.report, &foreign, &zones);
        let mut guards = Vec::new();
        let (group, cluster) = (&self.wish.group, &self.wish.cluster);
        if !self.manifest.multi_cluster {
            guards.push(Guard::Unbound { group: group.clone(), cluster: Some(cluster.clone()) });
            let keys = wanted.iter().chain(&foreign).map(|it| (*it).clone()).collect();
            guards.push(Guard::Only { keys });
        }
        guards.extend(enough::keep_enough(plan, &self.case, &foreign, group.name()));
        let manifest = Box::new(self.manifest.clone());
        plan.step(Act::Create { cluster: cluster.clone(), manifest }, guards);
        if self.presence == Presence::Absent && !wanted.is_empty() {
            self.register_once(plan);
        } else if self.presence != Presence::Down {
            plan.step(Act::AwaitInStep { subject: Subject::Binding(self.reference.clone()) }, Vec::new());
        }
    }

    /// Without a controller the endpoints are registered once, like any others.
    fn register_once(&self, plan: &mut Plan) {
        let pods = self.inventory.cluster(&self.wish.cluster).map(|it| &it.pods);
        let uid = |endpoint: &Endpoint| match &endpoint.backing {
            Backing::Pod(Some(name)) => pods?.get(name).map(|it| it.uid.clone()),
            _ => None,
        };
        let arriving = |it: &Endpoint| Arriving { key: it.key.clone(), zone: None, pod: uid(it) };
        let targets: Vec<Arriving> = self.resolution.wanted().map(arriving).collect();
        let arrives = |it: &Arriving| Guard::Arrives { key: it.key.clone(), pod: it.pod.clone() };
        let guards = targets.iter().map(arrives).collect();
        plan.step(Act::Register { group: self.wish.group.clone(), role: None, targets }, guards);
    }

    fn follow(&self, plan: &mut Plan) {
        // That nothing forwards to the group is a warning already.
        let checked = self.manifest.target_type == TargetType::Ip && !self.case.routes.none_lead();
        if checked && self.resolution.wanted().next().is_some() {
            plan.follows.push(checks(&self.case));
        }
        if !self.foreign().is_empty() {
            plan.follows.push(drains(&self.case));
        }
    }

    fn warn(&self, plan: &mut Plan) {
        self.warn_of_targets(plan);
        self.warn_of_controller(plan);
        others(plan, self.inventory, self.wish);
        if self.presence != Presence::Absent {
            plan.warnings.extend(self.gates());
        }
        self.warn_of_zones(plan);
    }

    fn gates(&self) -> Option<String> {
        let cluster = self.inventory.cluster(&self.wish.cluster);
        let cluster = cluster.filter(|_| self.manifest.target_type == TargetType::Ip)?;
        controller::gates(cluster, &self.wish.service.namespace)
    }

    fn warn_of_targets(&self, plan: &mut Plan) {
        if self.resolution.wanted().next().is_none() {
            plan.warnings.push(
                "The service has no ready endpoint now: nothing is registered until a pod is ready."
                    .to_owned(),
            );
        }
        let foreign = self.foreign();
        if !foreign.is_empty() {
            plan.warnings.push(format!(
                "The controller deregisters {} that {} not of this service: {}.",
                counted(foreign.len(), "target"),
                if foreign.len() == 1 { "is" } else { "are" },
                listed(foreign)
            ));
        }
        if self.case.routes.none_lead() {
            plan.warnings.push("No listener or rule forwards to the group: its targets stay unused, and readiness gates on it never turn True.".to_owned());
        }
        if self.manifest.security_groups.is_empty() && self.manifest.target_type == TargetType::Ip {
            plan.warnings.push("Without spec.networking the controller adds no security-group rule: the load balancer must already reach the pods.".to_owned());
        }
    }

    fn warn_of_controller(&self, plan: &mut Plan) {
        match self.presence {
            Presence::Down => plan.warnings.push(
                "The controller is down: the API server refuses the new binding, or nothing follows it."
                    .to_owned(),
            ),
            Presence::Unknown => {
                plan.warnings.push("Whether a controller follows the binding is not known.".to_owned());
            }
            Presence::Present | Presence::Absent => {}
        }
        if self.manifest.multi_cluster {
            plan.warnings.push("Multi-cluster: the first reconcile only records what is registered; later ones deregister only what is recorded.".to_owned());
        }
    }

    /// Zones with endpoints that the load balancer is not enabled in.
    fn warn_of_zones(&self, plan: &mut Plan) {
        let zones: BTreeSet<&Arc<str>> = self.resolution.wanted().filter_map(|it| it.zone.as_ref()).collect();
        let balancers = self.group.load_balancers.iter();
        let balancers = balancers.filter_map(|it| self.inventory.load_balancers.get(it));
        for balancer in balancers.filter(|it| !it.zones.is_empty()) {
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

    /// The ports that `spec.networking` opens: those of the targets, and that of the health check where it has its own.
    fn open_ports(&mut self) {
        let mut ports: BTreeSet<u16> = self.resolution.wanted().map(|it| it.key.port).collect();
        if ports.is_empty() {
            ports.extend(wish_port(self.inventory, self.wish, &self.manifest));
        }
        ports.extend(self.group.check.port.as_ref().and_then(|it| it.parse::<u16>().ok()));
        self.manifest.ports = ports.into_iter().collect();
    }
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
            "Cluster {cluster} binds the group too ({reference}), and not both are multi-cluster: each controller deregisters the other's targets."
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

fn group_of<'a>(inventory: &'a Inventory, wish: &Wish) -> Option<&'a TargetGroup> {
    inventory.groups.get(&wish.group)?.group.as_ref()
}
