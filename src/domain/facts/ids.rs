//! Identities as types, parsed once at the edge, so that two of them cannot be mixed up.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

/// A connected cluster, named by its kubeconfig context. Names may hold `:` and `/` (an EKS context is an ARN).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClusterId(pub Arc<str>);

/// The uid of a Kubernetes object: the same name with another uid is another object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Uid(pub Arc<str>);

/// Namespace and name inside one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectName {
    pub(crate) namespace: String,
    pub name: String,
}

/// Which of the two API groups a binding belongs to; both may exist in one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BindingApi {
    /// `elbv2.k8s.aws/v1beta1`, the AWS Load Balancer Controller in the cluster.
    LoadBalancerController,
    /// `eks.amazonaws.com/v1`, EKS Auto Mode, whose controller runs outside the cluster.
    AutoMode,
}

/// One TargetGroupBinding of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BindingRef {
    pub cluster: ClusterId,
    pub namespace: String,
    pub name: String,
    pub api: BindingApi,
}

/// Amazon Resource Name of a target group: `arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/HASH`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetGroupArn(Arc<str>);

/// Amazon Resource Name of a load balancer, a listener or a rule; told apart by their own types below.
macro_rules! arn {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

arn!(
    /// `…:loadbalancer/app/NAME/HASH`
    LoadBalancerArn
);
arn!(
    /// `…:listener/app/NAME/HASH/HASH`
    ListenerArn
);
arn!(
    /// `…:listener-rule/app/NAME/HASH/HASH/HASH`
    RuleArn
);

impl LoadBalancerArn {
    /// `…:loadbalancer/app/NAME/HASH`
    pub(crate) fn name(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// The region the load balancer lives in.
    pub(crate) fn region(&self) -> &str {
        region(&self.0)
    }

    /// The account the load balancer belongs to: twelve digits.
    pub(crate) fn account(&self) -> &str {
        account(&self.0)
    }
}

/// The region in any ARN: its fourth part.
fn region(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// The account in any ARN: its fifth part.
fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// A text that is no target group ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a target group ARN: {0:?} (expected arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/HASH)"
)]
pub struct InvalidArn(pub String);

impl TargetGroupArn {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the group.
    pub fn name(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or_default()
    }

    /// What was typed is its name or itself.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        self.name() == text || self.as_str() == text
    }

    pub(crate) fn region(&self) -> &str {
        region(&self.0)
    }

    /// The account the group belongs to: twelve digits.
    pub fn account(&self) -> &str {
        account(&self.0)
    }
}

impl FromStr for TargetGroupArn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "elasticloadbalancing", region, account, resource] = parts.as_slice() else {
            return Err(InvalidArn(text.to_owned()));
        };
        let path: Vec<&str> = resource.split('/').collect();
        let ["targetgroup", name, hash] = path.as_slice() else {
            return Err(InvalidArn(text.to_owned()));
        };
        match [partition, region, account, name, hash].iter().any(|part| part.is_empty()) {
            true => Err(InvalidArn(text.to_owned())),
            false => Ok(Self(text.into())),
        }
    }
}

impl TryFrom<String> for TargetGroupArn {
    type Error = InvalidArn;

    fn try_from(text: String) -> Result<Self, InvalidArn> {
        text.parse()
    }
}

impl From<TargetGroupArn> for String {
    fn from(arn: TargetGroupArn) -> Self {
        arn.0.to_string()
    }
}

/// What AWS calls the id of a target. Lambda functions and load balancers are targets too, of groups
/// that no binding can name; they are shown as they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TargetId {
    Ip(IpAddr),
    Instance(Arc<str>),
    Other(Arc<str>),
}

/// What identifies a target in its group and an endpoint in its service: id and port, and for QUIC the
/// server id. A target without a port (a Lambda function) has port 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetKey {
    pub id: TargetId,
    pub port: u16,
    pub quic_server_id: Option<Arc<str>>,
}

impl TargetKey {
    pub fn new(id: TargetId, port: u16) -> Self {
        Self { id, port, quic_server_id: None }
    }

    /// As the controller writes it in its `ConfigMap` and checkpoint: `id:port`, for QUIC with the server id
    /// behind; IPv6 without brackets.
    pub(crate) fn identifier(&self) -> String {
        let Self { id, port, quic_server_id } = self;
        match quic_server_id {
            Some(server) => format!("{id}:{port}:{server}"),
            None => format!("{id}:{port}"),
        }
    }

    /// The address, when the target is one.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        match &self.id {
            TargetId::Ip(ip) => Some(*ip),
            TargetId::Instance(_) | TargetId::Other(_) => None,
        }
    }
}

/// Identity of a row. A selected pod that has no address yet is a row by its uid.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RowKey {
    Target(TargetKey),
    Pod(Uid),
}

impl RowKey {
    pub(crate) fn target(&self) -> Option<&TargetKey> {
        match self {
            Self::Target(key) => Some(key),
            Self::Pod(_) => None,
        }
    }
}

impl TargetId {
    /// Reads an id as AWS writes it.
    pub fn read(text: &str) -> Self {
        match text.parse() {
            Ok(ip) => Self::Ip(ip),
            Err(_) if text.starts_with("i-") => Self::Instance(text.into()),
            Err(_) => Self::Other(text.into()),
        }
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Instance(text) | Self::Other(text) => text.fmt(f),
        }
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.id, self.port) {
            (TargetId::Ip(IpAddr::V6(ip)), port) => write!(f, "[{ip}]:{port}"),
            (id, 0) => id.fmt(f),
            (id, port) => write!(f, "{id}:{port}"),
        }
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(key) => key.fmt(f),
            Self::Pod(uid) => uid.0.fmt(f),
        }
    }
}

impl fmt::Display for TargetGroupArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for BindingRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl BindingApi {
    /// API version as `kubectl` writes it.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::LoadBalancerController => "elbv2.k8s.aws/v1beta1",
            Self::AutoMode => "eks.amazonaws.com/v1",
        }
    }

    /// Start of the name of the `ConfigMap` that lists what a multi-cluster binding's controller owns.
    pub(crate) fn ledger_prefix(self) -> &'static str {
        match self {
            Self::LoadBalancerController => "aws-lbc-targets-",
            Self::AutoMode => "eks-lbc-targets-",
        }
    }
}

impl BindingRef {
    pub(crate) fn of(cluster: &ClusterId, api: BindingApi, name: &ObjectName) -> Self {
        let ObjectName { namespace, name } = name.clone();
        Self { cluster: cluster.clone(), namespace, name, api }
    }

    /// Its key inside its cluster.
    pub(crate) fn key(&self) -> (BindingApi, ObjectName) {
        (self.api, ObjectName::new(&self.namespace, &self.name))
    }

    /// Name of the `ConfigMap` that lists what the controller of a multi-cluster binding owns.
    pub(crate) fn ledger(&self) -> ObjectName {
        let name = format!("{}{}", self.api.ledger_prefix(), self.name);
        ObjectName { namespace: self.namespace.clone(), name }
    }
}

impl ClusterId {
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// An EKS context is an ARN: its last part names the cluster.
    pub(crate) fn short(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl Uid {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }
}

impl ObjectName {
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_gives_region_account_and_name() {
        let arn: TargetGroupArn =
            "arn:aws-cn:elasticloadbalancing:cn-north-1:702463714165:targetgroup/eksworkshoptg/0123456789abcdef"
                .parse()
                .unwrap();
        assert_eq!(
            (arn.region(), arn.account(), arn.name()),
            ("cn-north-1", "702463714165", "eksworkshoptg")
        );
    }

    #[test]
    fn what_is_no_target_group_arn_is_refused() {
        for text in [
            "",
            "eksworkshoptg",
            "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/web/1",
            "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web",
            "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/",
            "arn:aws:elasticloadbalancing::1:targetgroup/web/1",
            "arn:aws:ec2:eu-west-1:1:targetgroup/web/1",
        ] {
            assert_eq!(text.parse::<TargetGroupArn>(), Err(InvalidArn(text.to_owned())));
        }
    }

    #[test]
    fn targets_print_as_people_type_them() {
        let print = |id: &str, port| TargetKey::new(TargetId::read(id), port).to_string();
        assert_eq!(print("10.0.0.1", 8080), "10.0.0.1:8080");
        assert_eq!(print("fd00::1", 80), "[fd00::1]:80");
        assert_eq!(print("i-0abc", 30080), "i-0abc:30080");
        assert_eq!(
            print("arn:aws:lambda:eu-west-1:1:function:web", 0),
            "arn:aws:lambda:eu-west-1:1:function:web"
        );
    }
}
