//! A binding that is about to be made: its fields, and the object as text.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;

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
    /// The ports they need, where `spec.networking` is written, and by which protocols.
    pub ports: Vec<u16>,
    #[serde(default)]
    pub protocols: Vec<Arc<str>>,
}

impl Manifest {
    pub fn reference(&self, cluster: &ClusterId) -> BindingRef {
        BindingRef::of(cluster, self.api, &self.name)
    }

    /// Every protocol on every port.
    pub fn openings(&self) -> impl Iterator<Item = (&Arc<str>, u16)> {
        self.ports.iter().flat_map(|port| self.protocols.iter().map(move |protocol| (protocol, *port)))
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
            for (protocol, port) in self.openings() {
                lines.push(format!("          - protocol: {protocol}"));
                lines.push(format!("            port: {port}"));
            }
        }
        lines.join("\n") + "\n"
    }
}

/// A DNS subdomain, as the API server asks of names.
pub(super) fn valid(name: &str) -> bool {
    let fits = |it: &str| {
        !it.is_empty()
            && !it.starts_with('-')
            && !it.ends_with('-')
            && it.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(fits)
}
