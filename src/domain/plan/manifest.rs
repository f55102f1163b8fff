//! A binding that is about to be created: its fields, and the object in the API server's schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::cluster::AddressType;
use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::selector::Selector;
use crate::domain::facts::time::Timestamp;

/// The fields of a binding that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub(crate) api: BindingApi,
    pub(crate) name: ObjectName,
    pub(crate) service: String,
    pub(crate) port: PortRef,
    pub(crate) group: TargetGroupArn,
    /// `ip` or `instance`, as the group has it.
    pub(crate) target_type: TargetType,
    pub(crate) multi_cluster: bool,
    /// Security groups that traffic comes from, for `spec.networking`; empty: the field is left out.
    pub(crate) security_groups: Vec<Arc<str>>,
    /// The ports and protocols that they need, where `spec.networking` is written.
    pub(crate) ports: Vec<u16>,
    #[serde(default)]
    pub(crate) protocols: Vec<Arc<str>>,
}

impl Manifest {
    pub(crate) fn reference(&self, cluster: &ClusterId) -> BindingRef {
        BindingRef::of(cluster, self.api, &self.name)
    }

    /// Each protocol on each port.
    pub(crate) fn openings(&self) -> impl Iterator<Item = (&Arc<str>, u16)> {
        self.ports.iter().flat_map(|port| self.protocols.iter().map(move |protocol| (protocol, *port)))
    }

    /// The binding as it would be once it exists, so that it is judged by the same rules as any other.
    pub(super) fn imagined(&self, group: &TargetGroup, now: Timestamp) -> Binding {
        Binding {
            api: self.api,
            name: self.name.clone(),
            uid: Uid::new("not made yet"),
            created: now,
            deleted: None,
            generation: 1,
            observed_generation: None,
            labels: BTreeMap::new(),
            kept_by: None,
            finalizers: Vec::new(),
            checkpoint: None,
            checkpoint_at: None,
            group: Some(self.group.clone()),
            group_text: None,
            group_name: None,
            service: self.service.clone(),
            port: self.port.clone(),
            target_type: Some(self.target_type),
            address_type: Some(if group.ipv6 { AddressType::Ipv6 } else { AddressType::Ipv4 }),
            protocol: group.protocol.clone(),
            multi_cluster: self.multi_cluster,
            networking: !self.security_groups.is_empty(),
            node_selector: Selector::default(),
            assume_role: None,
            external_id: None,
            failed_cleanup: None,
        }
    }

    /// The object to create, as the API server takes it.
    pub(crate) fn object(&self) -> Object<'_> {
        let networking = (!self.security_groups.is_empty()).then(|| Networking {
            ingress: [Ingress {
                from: self
                    .security_groups
                    .iter()
                    .map(|it| Peer { security_group: GroupId { id: it } })
                    .collect(),
                ports: self.openings().map(|(protocol, port)| Opening { protocol, port }).collect(),
            }],
        });
        Object {
            api_version: self.api.version(),
            kind: "TargetGroupBinding",
            metadata: Metadata { name: &self.name.name, namespace: &self.name.namespace },
            spec: Spec {
                service_ref: ServiceRef {
                    name: &self.service,
                    port: match &self.port {
                        PortRef::Number(number) => Port::Number(*number),
                        PortRef::Name(name) => Port::Name(name),
                    },
                },
                target_group_arn: self.group.as_str(),
                target_type: match self.target_type {
                    TargetType::Ip => "ip",
                    TargetType::Instance => "instance",
                },
                multi_cluster_target_group: self.multi_cluster.then_some(true),
                networking,
            },
        }
    }
}

/// A TargetGroupBinding in the API server's schema: what is sent, shown and saved is this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    service_ref: ServiceRef<'a>,
    #[serde(rename = "targetGroupARN")]
    target_group_arn: &'a str,
    target_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_cluster_target_group: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    networking: Option<Networking<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ServiceRef<'a> {
    name: &'a str,
    port: Port<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Port<'a> {
    Number(u16),
    Name(&'a str),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Networking<'a> {
    ingress: [Ingress<'a>; 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Ingress<'a> {
    from: Vec<Peer<'a>>,
    ports: Vec<Opening<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Peer<'a> {
    security_group: GroupId<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct GroupId<'a> {
    #[serde(rename = "groupID")]
    id: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Opening<'a> {
    protocol: &'a str,
    port: u16,
}

/// Whether a name is a DNS subdomain, as the API server requires of names.
pub(super) fn valid(name: &str) -> bool {
    let fits = |it: &str| {
        !it.is_empty()
            && !it.starts_with('-')
            && !it.ends_with('-')
            && it.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(fits)
}
