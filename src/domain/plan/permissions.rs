//! Every permission the program uses, on both sides, and what for: it is asked for before an action is offered.
//! `assets/rbac.yaml` and `assets/iam-policy.json` say the same; a test compares them.

use crate::domain::facts::access::Allowed;
use crate::domain::facts::access::Verb;
use crate::domain::facts::operation::Operation;
use crate::domain::plan::act::ChangeKind;

/// Verbs on resources of a Kubernetes API group, in a namespace or in the whole cluster.
pub struct Need {
    pub(crate) verbs: &'static [&'static str],
    pub(crate) group: &'static str,
    pub(crate) resources: &'static [&'static str],
    /// Needed in the whole cluster, without a namespace.
    pub(crate) cluster: bool,
    /// Changes that need it; empty: reading does.
    pub(crate) changes: &'static [ChangeKind],
    /// What is missing without it.
    pub(crate) without: &'static str,
}

const LOOK: &[&str] = &["get", "list", "watch"];

const fn looks(group: &'static str, resources: &'static [&'static str], without: &'static str) -> Need {
    Need { verbs: LOOK, group, resources, cluster: false, changes: &[], without }
}

/// What Kubernetes is asked for.
pub const KUBERNETES: &[Need] = &[
    looks("", &["pods", "services"], "rows become unknown"),
    looks("", &["events"], "the controller's errors are not shown"),
    looks("", &["configmaps"], "who owns a target of a multi-cluster binding stays unknown"),
    Need {
        cluster: true,
        ..looks("", &["nodes"], "every node is assumed to be ready; instance targets stay unknown")
    },
    looks("discovery.k8s.io", &["endpointslices"], "rows become unknown"),
    looks(
        "apps",
        &["deployments", "statefulsets", "daemonsets"],
        "rollouts are unknown, pods cannot be drained",
    ),
    looks("argoproj.io", &["rollouts"], "whether Rollouts of Argo are at rest is unknown"),
    looks("elbv2.k8s.aws", &["targetgroupbindings"], "there is nothing to show"),
    looks(
        "networking.k8s.io",
        &["networkpolicies"],
        "a drain does not say which NetworkPolicies stop selecting the pod",
    ),
    looks(
        "policy",
        &["poddisruptionbudgets"],
        "a drain does not say which PodDisruptionBudgets stop selecting the pod",
    ),
    Need {
        verbs: &["get"],
        cluster: true,
        ..looks(
            "admissionregistration.k8s.io",
            &["validatingwebhookconfigurations"],
            "whether a controller is there is less certain",
        )
    },
    Need {
        verbs: &["get"],
        ..looks("", &["namespaces"], "a bind does not say whether pods get readiness gates")
    },
    Need {
        verbs: &["get"],
        ..looks("coordination.k8s.io", &["leases"], "whether a controller is alive is less certain")
    },
    Need { verbs: &["get"], ..looks("", &["pods/proxy"], "t cannot try a row's health check") },
    Need {
        verbs: &["patch"],
        group: "elbv2.k8s.aws",
        resources: &["targetgroupbindings"],
        cluster: false,
        changes: &[ChangeKind::Resync],
        without: "r resync",
    },
    Need {
        verbs: &["create"],
        group: "elbv2.k8s.aws",
        resources: &["targetgroupbindings"],
        cluster: false,
        changes: &[ChangeKind::Bind],
        without: "b bind",
    },
    Need {
        verbs: &["delete"],
        group: "elbv2.k8s.aws",
        resources: &["targetgroupbindings"],
        cluster: false,
        changes: &[ChangeKind::Unbind],
        without: "B unbind, undo of a bind",
    },
    Need {
        verbs: &["patch"],
        group: "",
        resources: &["pods"],
        cluster: false,
        changes: &[ChangeKind::Drain],
        without: "D drain",
    },
    Need {
        verbs: &["create"],
        group: "",
        resources: &["pods/eviction"],
        cluster: false,
        changes: &[],
        without: "D drain that evicts the pod",
    },
    Need {
        verbs: &["patch"],
        group: "",
        resources: &["nodes"],
        cluster: true,
        changes: &[],
        without: "D drain of instance targets",
    },
];

/// An IAM action, and the changes that need it.
pub struct AwsPermission {
    pub operation: Operation,
    pub(crate) changes: &'static [ChangeKind],
    pub(crate) without: &'static str,
}

const fn describes(operation: Operation, without: &'static str) -> AwsPermission {
    AwsPermission { operation, changes: &[], without }
}

/// What Elastic Load Balancing is asked for.
pub const AWS: &[AwsPermission] = &[
    describes(Operation::DescribeTargetHealth, "rows become unknown"),
    describes(Operation::DescribeTargetGroups, "type and health check of groups are unknown"),
    describes(
        Operation::DescribeTargetGroupAttributes,
        "the default deregistration delay and minimum of healthy targets are assumed",
    ),
    describes(Operation::DescribeLoadBalancers, "the load balancers of a group are unknown"),
    describes(
        Operation::DescribeLoadBalancerAttributes,
        "whether network load balancers balance across zones is unknown",
    ),
    describes(Operation::DescribeListeners, "routes are unknown"),
    describes(Operation::DescribeRules, "routes are unknown"),
    describes(Operation::DescribeTags, "groups without a binding are not found, stacks are not named"),
    describes(Operation::DescribeInstances, "network paths: the interfaces of nodes are unknown"),
    describes(
        Operation::DescribeNetworkInterfaces,
        "network paths: the interfaces of pods and of network load balancers are unknown",
    ),
    describes(Operation::DescribeSubnets, "network paths: the addresses of load balancers are unknown"),
    describes(Operation::DescribeSecurityGroups, "network paths: security groups have no names"),
    describes(Operation::DescribeSecurityGroupRules, "network paths are unknown"),
    describes(Operation::GetManagedPrefixListEntries, "network paths by prefix lists are unknown"),
    AwsPermission {
        operation: Operation::RegisterTargets,
        changes: &[ChangeKind::Register, ChangeKind::Sync],
        without: "R register, S sync, undo",
    },
    AwsPermission {
        operation: Operation::DeregisterTargets,
        changes: &[ChangeKind::Deregister, ChangeKind::Sync],
        without: "X deregister, S sync",
    },
    AwsPermission {
        operation: Operation::ModifyListener,
        changes: &[ChangeKind::Shift],
        without: "W shift of a default action",
    },
    AwsPermission {
        operation: Operation::ModifyRule,
        changes: &[ChangeKind::Shift],
        without: "W shift of a rule",
    },
];

impl Need {
    /// Each verb on each resource.
    pub fn verbs(&self) -> impl Iterator<Item = Verb> {
        self.resources
            .iter()
            .flat_map(|resource| self.verbs.iter().map(|verb| Verb::new(verb, self.group, resource)))
    }
}

/// The API group of bindings, and the one they have in EKS Auto Mode.
const BINDINGS: &str = "elbv2.k8s.aws";
const AUTO_MODE: &str = "eks.amazonaws.com";

/// The same verb on a binding of Auto Mode, where it is about bindings.
fn of_auto_mode(verb: &Verb) -> Option<Verb> {
    (verb.group == BINDINGS).then(|| Verb::new(&verb.name, AUTO_MODE, &verb.resource))
}

/// The verbs that changes need, on both kinds of binding.
pub(crate) fn of_changes() -> impl Iterator<Item = (&'static Need, Verb)> {
    KUBERNETES
        .iter()
        .filter(|it| it.verbs != LOOK && it.verbs != ["get"])
        .flat_map(|it| it.verbs().map(move |verb| (it, verb)))
        .flat_map(|(it, verb)| of_auto_mode(&verb).into_iter().chain([verb]).map(move |verb| (it, verb)))
}

/// The first permission a change lacks; `auto`: on a binding of Auto Mode.
pub(crate) fn lacks(change: ChangeKind, allowed: &Allowed, auto: bool) -> Option<Verb> {
    let needs = KUBERNETES.iter().filter(|it| it.changes.contains(&change)).flat_map(Need::verbs);
    let needs = needs.map(|it| of_auto_mode(&it).filter(|_| auto).unwrap_or(it));
    needs.into_iter().find(|it| allowed.get(it) == Some(&false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_says_what_it_needs() {
        let kubernetes = KUBERNETES.iter().flat_map(|it| it.changes);
        let named: Vec<&ChangeKind> = kubernetes.chain(AWS.iter().flat_map(|it| it.changes)).collect();
        // An undo needs what it undoes needs.
        for change in ChangeKind::ALL.iter().filter(|it| **it != ChangeKind::Undo) {
            assert!(named.contains(&change), "{}", change.word());
        }
    }

    #[test]
    fn a_change_lacks_what_was_refused_and_nothing_that_is_unknown() {
        let verb = |text: &str| Verb::new(text, "", "pods");
        let evict = Verb::new("create", "", "pods/eviction");
        assert_eq!(lacks(ChangeKind::Drain, &Allowed::new(), false), None);
        let allowed = Allowed::from([(verb("patch"), false), (evict.clone(), true)]);
        assert_eq!(
            lacks(ChangeKind::Drain, &allowed, false).map(|it| it.to_string()).as_deref(),
            Some("patch pods")
        );
        assert_eq!(
            lacks(ChangeKind::Drain, &Allowed::from([(evict, false)]), false),
            None,
            "it can be put back"
        );
        assert_eq!(lacks(ChangeKind::Resync, &allowed, false), None);
        let of = |group| Allowed::from([(Verb::new("patch", group, "targetgroupbindings"), false)]);
        assert_eq!(lacks(ChangeKind::Resync, &of(AUTO_MODE), false), None);
        let needs =
            |group| lacks(ChangeKind::Resync, &of(group), group == AUTO_MODE).map(|it| it.to_string());
        assert_eq!(needs(AUTO_MODE).as_deref(), Some("patch targetgroupbindings.eks.amazonaws.com"));
        assert_eq!(needs(BINDINGS).as_deref(), Some("patch targetgroupbindings.elbv2.k8s.aws"));
    }
}
