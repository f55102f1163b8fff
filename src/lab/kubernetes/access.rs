//! Who asks and what they may do: identities by path or by impersonation, roles, and the reviews that tell.

use serde_json::Value;
use serde_json::json;

use super::answer::Refusal;
use super::kinds::Kind;
use crate::lab::json::text;
use crate::lab::server::Ask;

/// A user of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Identity {
    pub(in crate::lab) user: String,
    pub(in crate::lab) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) enum Role {
    Admin,
    Operator,
    Viewer,
    Nobody,
}

impl Role {
    fn of(user: &str) -> Self {
        match user {
            "admin" => Self::Admin,
            "operator" => Self::Operator,
            "viewer" => Self::Viewer,
            _ => Self::Nobody,
        }
    }
}

/// What a verb is applied to.
#[derive(Clone, Copy, Debug)]
pub(in crate::lab) struct Access<'a> {
    pub(in crate::lab) verb: &'a str,
    pub(in crate::lab) group: &'a str,
    /// With its subresource: `deployments/scale`.
    pub(in crate::lab) resource: &'a str,
    pub(in crate::lab) namespace: &'a str,
    pub(in crate::lab) name: &'a str,
}

const READ: &[&str] = &["get", "list", "watch"];

/// Groups, resources and verbs of a rule.
type Rule = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const VIEWER: &[Rule] = &[
    (&[""], &["configmaps", "events", "namespaces", "nodes", "pods", "serviceaccounts", "services"], READ),
    (&["apps"], &["daemonsets", "deployments", "replicasets", "statefulsets"], READ),
    (&["discovery.k8s.io"], &["endpointslices"], READ),
    (&["networking.k8s.io"], &["ingresses", "networkpolicies"], READ),
    (&["gateway.networking.k8s.io"], &["gateways"], READ),
    (&["policy"], &["poddisruptionbudgets"], READ),
    (&["elbv2.k8s.aws", "eks.amazonaws.com"], &["targetgroupbindings"], READ),
];

const OPERATOR: &[Rule] = &[
    (
        &["admissionregistration.k8s.io"],
        &["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
        READ,
    ),
    (&["coordination.k8s.io"], &["leases"], READ),
    (
        &["elbv2.k8s.aws", "eks.amazonaws.com"],
        &["targetgroupbindings"],
        &["create", "delete", "patch", "update"],
    ),
    (&[""], &["pods"], &["delete", "patch"]),
    (&[""], &["pods/eviction"], &["create"]),
    (&[""], &["pods/proxy"], &["get"]),
    (&[""], &["nodes"], &["patch"]),
    (&["apps"], &["deployments", "deployments/scale"], &["get", "patch", "update"]),
];

/// What everybody may do.
const EVERYBODY: &[Rule] = &[
    (&["authorization.k8s.io"], &["selfsubjectaccessreviews", "selfsubjectrulesreviews"], &["create"]),
    (&["authentication.k8s.io"], &["selfsubjectreviews"], &["create"]),
];

const ALL: &[Rule] = &[(&["*"], &["*"], &["*"])];

fn rules(role: Role) -> impl Iterator<Item = &'static Rule> {
    let own: &[&[Rule]] = match role {
        Role::Admin => &[ALL],
        Role::Operator => &[VIEWER, OPERATOR],
        Role::Viewer => &[VIEWER],
        Role::Nobody => &[],
    };
    let own: Vec<&'static Rule> = own.iter().flat_map(|it| it.iter()).collect();
    own.into_iter().chain(EVERYBODY)
}

impl Identity {
    pub(in crate::lab) fn may(&self, access: &Access) -> bool {
        let has = |list: &[&str], it: &str| list.contains(&"*") || list.contains(&it);
        rules(self.role).any(|(groups, resources, verbs)| {
            has(groups, access.group) && has(resources, access.resource) && has(verbs, access.verb)
        })
    }

    /// Refuses in the API server's words what is not permitted.
    pub(in crate::lab) fn check(&self, kind: &Kind, access: &Access) -> Result<(), Refusal> {
        if self.may(access) {
            return Ok(());
        }
        let subject = match access.name {
            "" => format!("{} is forbidden", kind.id),
            name => format!("{} {name:?} is forbidden", kind.id),
        };
        let place = match access.namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        let message = format!(
            "{subject}: User {:?} cannot {} resource {:?} in API group {:?} {place}",
            self.user, access.verb, access.resource, access.group
        );
        let mut details = json!({"kind": kind.plural});
        if let Value::Object(details) = &mut details {
            for (key, value) in [("name", access.name), ("group", access.group)] {
                if !value.is_empty() {
                    details.insert(key.to_owned(), json!(value));
                }
            }
        }
        Err(Refusal { details, ..Refusal::new(403, "Forbidden", message) })
    }
}

/// Who asks: `/as/NAME` in front of the path, else the administrator; then whom they act as. Gives the rest of
/// the path too.
pub(in crate::lab) fn identify(ask: &Ask) -> Result<(Identity, &str), Refusal> {
    let (user, path) = match ask.path.strip_prefix("/as/") {
        Some(rest) => rest.find('/').map_or((rest, "/"), |at| rest.split_at(at)),
        None => ("admin", ask.path.as_str()),
    };
    let identity = Identity { user: user.to_owned(), role: Role::of(user) };
    let Some(other) = ask.header("impersonate-user") else { return Ok((identity, path)) };
    if identity.role != Role::Admin {
        let message = format!(
            "users {other:?} is forbidden: User {user:?} cannot impersonate resource \"users\" in API group \"\" at the cluster scope"
        );
        return Err(Refusal {
            details: json!({"name": other, "kind": "users"}),
            ..Refusal::new(403, "Forbidden", message)
        });
    }
    let masters = ask.headers.iter().any(|(key, it)| key == "impersonate-group" && it == "system:masters");
    let role = if masters { Role::Admin } else { Role::of(other) };
    Ok((Identity { user: other.to_owned(), role }, path))
}

/// Answers what somebody asks about their own rights.
pub(in crate::lab) fn review(identity: &Identity, resource: &str, body: &Value) -> Option<Value> {
    match resource {
        "selfsubjectaccessreviews" => {
            let wanted = |name: &str| text(body, &format!("spec.resourceAttributes.{name}"));
            let resource = match wanted("subresource") {
                "" => wanted("resource").to_owned(),
                sub => format!("{}/{sub}", wanted("resource")),
            };
            let access = Access {
                verb: wanted("verb"),
                group: wanted("group"),
                resource: &resource,
                namespace: wanted("namespace"),
                name: wanted("name"),
            };
            let path = !text(body, "spec.nonResourceAttributes.path").is_empty();
            let allowed = path || identity.may(&access);
            let mut status = json!({"allowed": allowed});
            if allowed {
                status = json!({"allowed": true, "reason": format!("RBAC: allowed to {:?}", identity.user)});
            }
            Some(json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
                "metadata": {}, "spec": body.get("spec"), "status": status}))
        }
        "selfsubjectrulesreviews" => {
            let resources: Vec<Value> = rules(identity.role)
                .map(|(groups, resources, verbs)| json!({"verbs": verbs, "apiGroups": groups, "resources": resources}))
                .collect();
            let paths = json!([{"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/version"]}]);
            Some(
                json!({"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {},
                "spec": {}, "status": {"resourceRules": resources, "nonResourceRules": paths, "incomplete": false}}),
            )
        }
        "selfsubjectreviews" => {
            let user = json!({"username": identity.user, "groups": ["system:authenticated"]});
            Some(
                json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {},
                "status": {"userInfo": user}}),
            )
        }
        _ => None,
    }
}
