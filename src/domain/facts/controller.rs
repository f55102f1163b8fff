//! What can be seen of the AWS Load Balancer Controller itself: its Deployments with the flags that decide what it does,
//! its lease, its webhooks.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::time::Timestamp;

/// What could be read of the controller itself. `None` in a field: not permitted or not asked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerSigns {
    /// The cluster serves the kind.
    pub kind_served: Option<bool>,
    /// Its Deployment; the outer `None`: unread, the inner: there is none.
    pub deployment: Option<Option<ControllerDeployment>>,
    /// Further Deployments of the same program: each may follow a namespace of its own. `None`: they cannot be listed.
    pub others: Option<Vec<ControllerDeployment>>,
    /// Time of the last renewal of its lease; the inner `None`: there is no lease.
    pub lease: Option<Option<LeaseState>>,
    /// Ready endpoints of its webhook service; the inner `None`: no such service.
    pub webhook_endpoints: Option<Option<u32>>,
    /// Its webhook configurations exist.
    pub webhook_configured: Option<bool>,
    /// The cluster's name as the kubeconfig's login command has it, for where the Deployment cannot be read.
    pub cluster_name: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerDeployment {
    pub name: ObjectName,
    pub desired: u32,
    pub available: u32,
    /// From its labels or the tag of its image, without the leading `v`.
    pub version: Option<Arc<str>>,
    /// From its `--cluster-name`.
    pub cluster_name: Option<Arc<str>>,
    /// From its `--watch-namespace`: the only namespace whose bindings it follows; `None`: all.
    #[serde(default)]
    pub watches: Option<Arc<str>>,
    /// Feature gate `EndpointsFailOpen`: endpoints on nodes in state Unknown count where there are no others.
    #[serde(default = "yes")]
    pub fails_open: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseState {
    pub renewed: Option<Timestamp>,
    pub held: bool,
    /// Seconds for which a renewal is good.
    pub duration: u32,
}

/// The first version that leaves out nodes with the taint `karpenter.sh/disrupted`.
const HEEDS_KARPENTER: (u32, u32, u32) = (2, 12, 0);

impl ControllerSigns {
    /// The Deployments that follow the bindings of a namespace.
    pub(crate) fn following<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a ControllerDeployment> {
        let follows =
            move |it: &&ControllerDeployment| it.watches.as_deref().is_none_or(|it| it == namespace);
        self.all().filter(follows)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &ControllerDeployment> {
        self.deployment.iter().flatten().chain(self.others.iter().flatten())
    }

    /// The only one known to follow a namespace; `None`: nobody, several, or unread.
    pub(crate) fn follower<'a>(&'a self, namespace: &'a str) -> Option<&'a ControllerDeployment> {
        let mut following = self.following(namespace);
        following.next().filter(|_| following.next().is_none())
    }
}

impl ControllerDeployment {
    /// Whether it is older than a version. Where its version is not known it is taken as new.
    pub(crate) fn is_before(&self, wanted: (u32, u32, u32)) -> bool {
        self.version.as_deref().and_then(version).is_some_and(|it| it < wanted)
    }

    pub(crate) fn heeds_karpenter(&self) -> bool {
        !self.is_before(HEEDS_KARPENTER)
    }
}

/// `3.5.0`, `v2.10.1-rc.1`, `2.8` as numbers.
pub(crate) fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.trim_start_matches('v').split(['.', '-', '+']).map(str::parse::<u32>);
    Some((parts.next()?.ok()?, parts.next()?.ok()?, parts.next().and_then(Result::ok).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(version("3.5.0"), Some((3, 5, 0)));
        assert_eq!(version("v2.10.1-rc.1"), Some((2, 10, 1)));
        assert!(version("2.8.2") < Some((2, 9, 1)) && version("2.10.0") > Some((2, 9, 1)));
        assert_eq!(version("main"), None);
    }
}
