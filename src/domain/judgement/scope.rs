//! What a person points at: `[NAMESPACE/]KIND/NAME`, an ARN, an address, an instance. Resolves to the boards
//! it stands on.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetId;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::selector::Selector;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::unbound;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Backing;
use crate::domain::judgement::desired::Endpoint;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Binding(String, Option<BindingApi>),
    Service(String),
    Pod(String),
    Deployment(String),
    Node(String),
    LoadBalancer(String),
    /// A group by name, or by name and hash as an alarm writes it.
    Group(String, Option<String>),
    Arn(TargetGroupArn),
    Address(IpAddr, Option<u16>),
    Instance(String),
    /// A load balancer by its DNS name.
    Host(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeTarget {
    pub(crate) namespace: Option<String>,
    pub(crate) kind: ScopeKind,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot tell what {0:?} is: give [NAMESPACE/]KIND/NAME with kind tgb, svc, pod, deploy, node, tg or lb, an ARN, an address or an instance id"
)]
pub struct InvalidScope(String);

impl ScopeKind {
    /// Named by what AWS knows it by: the namespace is not part of it.
    pub(crate) fn is_of_aws(&self) -> bool {
        match self {
            Self::LoadBalancer(_)
            | Self::Group(..)
            | Self::Arn(_)
            | Self::Address(..)
            | Self::Instance(_)
            | Self::Host(_) => true,
            Self::Binding(..) | Self::Service(_) | Self::Pod(_) | Self::Deployment(_) | Self::Node(_) => {
                false
            }
        }
    }
}

/// What a board is pointed at by.
impl From<&Subject> for ScopeTarget {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Group(arn) => Self { namespace: None, kind: ScopeKind::Arn(arn.clone()) },
            Subject::Binding(it) => {
                let kind = ScopeKind::Binding(it.name.clone(), Some(it.api));
                Self { namespace: Some(it.namespace.clone()), kind }
            }
        }
    }
}

/// As it is typed.
impl fmt::Display for ScopeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        match &self.kind {
            ScopeKind::Binding(name, _) => write!(f, "tgb/{name}"),
            ScopeKind::Service(name) => write!(f, "svc/{name}"),
            ScopeKind::Pod(name) => write!(f, "pod/{name}"),
            ScopeKind::Deployment(name) => write!(f, "deploy/{name}"),
            ScopeKind::Node(name) => write!(f, "node/{name}"),
            ScopeKind::Group(name, _) => write!(f, "tg/{name}"),
            ScopeKind::LoadBalancer(name) => write!(f, "lb/{name}"),
            ScopeKind::Arn(arn) => write!(f, "{arn}"),
            ScopeKind::Address(ip, Some(port)) => write!(f, "{}", SocketAddr::new(*ip, *port)),
            ScopeKind::Address(ip, None) => write!(f, "{ip}"),
            ScopeKind::Instance(id) => write!(f, "{id}"),
            ScopeKind::Host(name) => write!(f, "{name}"),
        }
    }
}

impl FromStr for ScopeTarget {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let invalid = || InvalidScope(text.to_owned());
        let plain = |kind| Ok(Self { namespace: None, kind });
        if text.starts_with("arn:") {
            return text.parse().map(ScopeKind::Arn).map_err(|_| invalid()).and_then(plain);
        }
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return plain(ScopeKind::Address(socket.ip(), Some(socket.port())));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return plain(ScopeKind::Address(ip, None));
        }
        if text.starts_with("i-") && !text.contains('/') {
            return plain(ScopeKind::Instance(text.to_owned()));
        }
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|it| it.is_empty()) {
            return Err(invalid());
        }
        match parts.as_slice() {
            ["targetgroup", name, hash] => {
                plain(ScopeKind::Group((*name).to_owned(), Some((*hash).to_owned())))
            }
            [namespace, kind, name] => {
                let kind = kind_of(kind, name).ok_or_else(invalid)?;
                Ok(Self { namespace: Some((*namespace).to_owned()), kind })
            }
            [kind, name] => kind_of(kind, name).ok_or_else(invalid).and_then(plain),
            [name] if name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn") => {
                plain(ScopeKind::Host((*name).to_owned()))
            }
            [name] => plain(ScopeKind::Binding((*name).to_owned(), None)),
            _ => Err(invalid()),
        }
    }
}

fn kind_of(kind: &str, name: &str) -> Option<ScopeKind> {
    let name = name.to_owned();
    Some(match kind.to_ascii_lowercase().as_str() {
        "tgb" | "targetgroupbinding" | "targetgroupbindings" => ScopeKind::Binding(name, None),
        "tgb.eks.amazonaws.com" | "targetgroupbinding.eks.amazonaws.com" => {
            ScopeKind::Binding(name, Some(BindingApi::AutoMode))
        }
        "tgb.elbv2.k8s.aws" | "targetgroupbinding.elbv2.k8s.aws" => {
            ScopeKind::Binding(name, Some(BindingApi::LoadBalancerController))
        }
        "svc" | "service" | "services" => ScopeKind::Service(name),
        "po" | "pod" | "pods" => ScopeKind::Pod(name),
        "deploy" | "deployment" | "deployments" => ScopeKind::Deployment(name),
        "no" | "node" | "nodes" => ScopeKind::Node(name),
        "tg" | "targetgroup" => ScopeKind::Group(name, None),
        "lb" | "loadbalancer" => ScopeKind::LoadBalancer(name),
        _ => return None,
    })
}

/// Which boards there are to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Boards<'a> {
    /// `None`: all namespaces.
    pub(crate) namespace: Option<&'a str>,
    pub(crate) selector: Option<&'a Selector>,
    pub(crate) target: Option<&'a ScopeTarget>,
}

impl Boards<'_> {
    /// The bindings of the scope, and groups that no binding names: those that belong here and those that are pointed at.
    pub(crate) fn subjects(&self, inventory: &Inventory) -> BTreeSet<Subject> {
        let inside = inventory.bindings().filter(|(it, binding)| {
            self.namespace.is_none_or(|wanted| *wanted == it.namespace)
                && self.selector.is_none_or(|it| it.matches(&binding.labels))
        });
        let mut subjects: BTreeSet<Subject> = inside.map(|(it, _)| Subject::Binding(it)).collect();
        if self.selector.is_none() {
            subjects.extend(unbound::groups(inventory).map(Subject::Group));
        }
        if let Some(target) = self.target {
            let named = unbound::unnamed(inventory).filter(|it| target.may_be_on_group(inventory, it));
            subjects.extend(named.map(Subject::Group));
        }
        subjects
    }
}

impl ScopeTarget {
    /// The row it names by itself: a pod, a node, an instance, an address.
    pub(crate) fn row(&self) -> Option<String> {
        match &self.kind {
            ScopeKind::Pod(name) | ScopeKind::Node(name) | ScopeKind::Instance(name) => Some(name.clone()),
            ScopeKind::Address(ip, Some(port)) => Some(std::net::SocketAddr::new(*ip, *port).to_string()),
            ScopeKind::Address(ip, None) => Some(ip.to_string()),
            _ => None,
        }
    }

    /// Whether a group that no binding names can be what is pointed at; of targets, by those that were read.
    fn may_be_on_group(&self, inventory: &Inventory, arn: &TargetGroupArn) -> bool {
        let targets = || {
            inventory
                .groups
                .get(arn)
                .and_then(|it| it.targets.as_ref())
                .into_iter()
                .flat_map(|it| &it.targets)
        };
        match &self.kind {
            ScopeKind::Arn(wanted) => wanted == arn,
            ScopeKind::Group(name, hash) => is_group(arn, name, hash.as_deref()),
            ScopeKind::LoadBalancer(name) => on_load_balancer(inventory, Some(arn), |it| it.name == *name),
            ScopeKind::Host(name) => {
                on_load_balancer(inventory, Some(arn), |it| it.dns.as_deref() == Some(name))
            }
            ScopeKind::Address(ip, port) => targets().any(|it| is_at(&it.key, *ip, *port)),
            ScopeKind::Instance(id) => targets().any(|it| is_instance(&it.key, id)),
            ScopeKind::Binding(..)
            | ScopeKind::Service(_)
            | ScopeKind::Pod(_)
            | ScopeKind::Deployment(_)
            | ScopeKind::Node(_) => false,
        }
    }

    /// Whether a binding can be what is pointed at, by what it says itself; its rows may tell otherwise.
    pub(crate) fn may_select(&self, reference: &BindingRef, binding: &Binding) -> bool {
        let group = binding.group.as_ref();
        self.namespace.as_ref().is_none_or(|it| *it == reference.namespace)
            && match &self.kind {
                ScopeKind::Binding(name, api) => {
                    reference.name == *name && api.is_none_or(|it| it == reference.api)
                }
                ScopeKind::Service(name) => binding.service == *name,
                ScopeKind::Arn(arn) => group == Some(arn),
                ScopeKind::Group(name, _) => group.is_some_and(|it| it.name() == name),
                _ => true,
            }
    }

    /// Whether Kubernetes says that the endpoints of a binding hold what is pointed at; also where it is nothing that
    /// endpoints could hold.
    pub(crate) fn is_held_by(
        &self,
        inventory: &Inventory,
        reference: &BindingRef,
        binding: &Binding,
    ) -> bool {
        let resolution = || desired::resolve(inventory, reference, binding);
        let any = |holds: &dyn Fn(&Endpoint) -> bool| resolution().endpoints.iter().any(holds);
        match &self.kind {
            ScopeKind::Address(ip, port) => any(&|it| is_at(&it.key, *ip, *port)),
            ScopeKind::Pod(name) => {
                let is = |it: &ObjectName| it.name == *name;
                let found = resolution();
                found.endpoints.iter().any(|it| matches!(&it.backing, Backing::Pod(Some(pod)) if is(pod)))
                    || found.loose_pods.iter().any(is)
            }
            ScopeKind::Node(name) => any(&|it| it.node.as_deref().is_some_and(|it| is_node(it, name))),
            ScopeKind::Instance(id) => any(&|it| is_instance(&it.key, id)),
            _ => true,
        }
    }

    /// Whether a board is about what is pointed at.
    pub(crate) fn selects(&self, inventory: &Inventory, report: &Report) -> bool {
        if let (Some(wanted), Subject::Binding(reference)) = (&self.namespace, &report.subject) {
            if *wanted != reference.namespace {
                return false;
            }
        }
        let group = report.group.as_ref();
        match &self.kind {
            ScopeKind::Arn(arn) => group == Some(arn),
            ScopeKind::Group(name, hash) => group.is_some_and(|it| is_group(it, name, hash.as_deref())),
            ScopeKind::LoadBalancer(name) => on_load_balancer(inventory, group, |it| it.name == *name),
            ScopeKind::Host(name) => on_load_balancer(inventory, group, |it| it.dns.as_deref() == Some(name)),
            ScopeKind::Pod(name) => report.rows.iter().any(|row| has_pod(row, name)),
            ScopeKind::Node(name) => report
                .rows
                .iter()
                .filter_map(|it| it.endpoint.as_ref())
                .any(|it| it.node.as_deref().is_some_and(|it| is_node(it, name))),
            ScopeKind::Address(ip, port) => report.rows.iter().any(|row| has_address(row, *ip, *port)),
            ScopeKind::Instance(id) => {
                report.rows.iter().filter_map(|it| it.target.as_ref()).any(|it| is_instance(&it.key, id))
            }
            ScopeKind::Binding(..) | ScopeKind::Service(_) | ScopeKind::Deployment(_) => {
                self.selects_binding(inventory, report)
            }
        }
    }

    /// Whether it is this row of a board that is pointed at; `None`: whole boards are.
    pub(crate) fn points_at(&self, row: &Row) -> Option<bool> {
        let on_node = |name: &str| {
            let mut sides = row.endpoint.iter().chain(&row.others).filter_map(|it| it.node.as_deref());
            sides.any(|it| is_node(it, name))
        };
        match &self.kind {
            ScopeKind::Pod(name) => Some(has_pod(row, name)),
            ScopeKind::Node(name) => Some(on_node(name)),
            ScopeKind::Address(ip, port) => Some(has_address(row, *ip, *port)),
            ScopeKind::Instance(id) => Some(row.key.target().is_some_and(|it| is_instance(it, id))),
            _ => None,
        }
    }

    fn selects_binding(&self, inventory: &Inventory, report: &Report) -> bool {
        let Subject::Binding(reference) = &report.subject else { return false };
        let Some(binding) = inventory.binding(reference) else { return false };
        match &self.kind {
            ScopeKind::Binding(..) | ScopeKind::Service(_) => self.may_select(reference, binding),
            ScopeKind::Deployment(name) => inventory.cluster(&reference.cluster).is_some_and(|cluster| {
                let id = (WorkloadKind::Deployment, ObjectName::new(&reference.namespace, name));
                let service = cluster.services.get(&binding.service_name());
                cluster
                    .workloads
                    .get(&id)
                    .zip(service)
                    .is_some_and(|(it, service)| service.selects_labels(&it.template_labels))
            }),
            _ => false,
        }
    }
}

fn has_pod(row: &Row, name: &str) -> bool {
    let sides = row.endpoint.iter().chain(&row.others);
    sides.into_iter().any(|it| it.pod.as_deref() == Some(name) || it.pods.iter().any(|it| it == name))
}

fn has_address(row: &Row, ip: IpAddr, port: Option<u16>) -> bool {
    row.key.target().is_some_and(|it| is_at(it, ip, port))
}

fn is_at(key: &TargetKey, ip: IpAddr, port: Option<u16>) -> bool {
    key.ip() == Some(ip) && port.is_none_or(|it| it == key.port)
}

fn is_instance(key: &TargetKey, id: &str) -> bool {
    matches!(&key.id, TargetId::Instance(found) if **found == *id)
}

/// By name, or by name and hash as an alarm writes it.
fn is_group(arn: &TargetGroupArn, name: &str, hash: Option<&str>) -> bool {
    arn.name() == name && hash.is_none_or(|hash| arn.as_str().ends_with(&format!("/{hash}")))
}

fn on_load_balancer(
    inventory: &Inventory,
    group: Option<&TargetGroupArn>,
    matches: impl Fn(&LoadBalancer) -> bool,
) -> bool {
    let group = group.and_then(|it| inventory.groups.get(it)).and_then(|it| it.group.as_ref());
    let arns = group.into_iter().flat_map(|it| &it.load_balancers);
    arns.filter_map(|it| inventory.load_balancers.get(it)).any(matches)
}

/// A node is called by its name, or by its first part: that is what narrow columns show.
fn is_node(node: &str, name: &str) -> bool {
    node == name || node.split_once('.').is_some_and(|(first, _)| first == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_point_in_many_ways() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/abc";
        let table: [(&str, Option<&str>, ScopeKind); 13] = [
            ("testapptgb", None, ScopeKind::Binding("testapptgb".to_owned(), None)),
            ("tgb/web", None, ScopeKind::Binding("web".to_owned(), None)),
            (
                "tgb.eks.amazonaws.com/web",
                None,
                ScopeKind::Binding("web".to_owned(), Some(BindingApi::AutoMode)),
            ),
            ("shop/svc/web", Some("shop"), ScopeKind::Service("web".to_owned())),
            ("pod/web-1", None, ScopeKind::Pod("web-1".to_owned())),
            ("deploy/web", None, ScopeKind::Deployment("web".to_owned())),
            ("node/ip-10-0-0-1", None, ScopeKind::Node("ip-10-0-0-1".to_owned())),
            ("tg/web", None, ScopeKind::Group("web".to_owned(), None)),
            ("targetgroup/web/abc", None, ScopeKind::Group("web".to_owned(), Some("abc".to_owned()))),
            ("lb/web", None, ScopeKind::LoadBalancer("web".to_owned())),
            ("10.0.0.1:8080", None, ScopeKind::Address("10.0.0.1".parse().unwrap(), Some(8080))),
            ("i-0abc", None, ScopeKind::Instance("i-0abc".to_owned())),
            (arn, None, ScopeKind::Arn(arn.parse().unwrap())),
        ];
        for (text, namespace, kind) in table {
            let expected = ScopeTarget { namespace: namespace.map(str::to_owned), kind };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["", "tgb/", "cm/web", "a/b/c/d", "arn:aws:s3:::bucket"] {
            assert_eq!(text.parse::<ScopeTarget>(), Err(InvalidScope(text.to_owned())));
        }
    }
}
