//! What is expected of an API server about rights and about changes under a precondition: what the program's own
//! writes rest on.

use serde_json::Value;
use serde_json::json;

use super::BINDINGS;
use super::Fact;
use super::MAPS;
use super::fact;
use super::map;
use super::refusal;

/// Server-side apply.
const APPLY: &str = "application/apply-patch+yaml";
const MAP: &str = "/api/v1/namespaces/{ns}/configmaps/guarded";

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Rights.
pub(super) fn rights() -> Vec<Fact> {
    let review = |verb: &str, resource: &str| {
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": "{ns}"}}})
    };
    vec![
        fact("that the administrator may", "POST", REVIEWS, 201, json!({"status": {"allowed": true}})).with(review("delete", "pods")),
        fact("that the viewer may look", "POST", REVIEWS, 201, json!({"status": {"allowed": true}})).with(review("list", "pods")).by_viewer(),
        fact("that the viewer may not delete", "POST", REVIEWS, 201, json!({"status": {"allowed": false}})).with(review("delete", "pods")).by_viewer(),
        fact("all that one may", "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", 201,
            json!({"status": {"resourceRules": {"has": [{"resources": {"has": ["pods"]}, "verbs": {"has": ["list"]}}]}, "incomplete": false}}))
            .with(json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "{ns}"}})).by_viewer(),
        fact("who one is", "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", 201,
            json!({"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "viewer"}}}))
            .with(json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})).by_viewer(),
        fact("a look of the viewer's", "GET", "/api/v1/namespaces/{ns}/pods", 200, json!({"kind": "PodList"})).by_viewer(),
        fact("a deletion of the viewer's", "DELETE", "/api/v1/namespaces/{ns}/pods/x", 403,
            refusal(403, "Forbidden", "~pods \"x\" is forbidden: User \"viewer\" cannot delete resource \"pods\" in API group \"\" in the namespace")).by_viewer(),
        fact("a list the viewer may not see", "GET", "/apis/coordination.k8s.io/v1/leases", 403,
            refusal(403, "Forbidden", "~leases.coordination.k8s.io is forbidden: User \"viewer\" cannot list resource \"leases\" in API group \"coordination.k8s.io\" at the cluster scope")).by_viewer(),
        fact("a binding the viewer may not change", "PATCH", "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/b", 403,
            refusal(403, "Forbidden", "~targetgroupbindings.elbv2.k8s.aws \"b\" is forbidden")).with(json!({})).by_viewer(),
    ]
}

/// Changes that only happen to the object and the version they mean, and those that only seem to.
#[expect(clippy::too_many_lines, reason = "a table: a row for each call")]
pub(super) fn preconditions() -> Vec<Fact> {
    let patched = |more: Value| {
        let mut metadata = json!({"labels": {"app": Value::Null}});
        metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"metadata": metadata})
    };
    let conflict = |message: &str| refusal(409, "Conflict", message);
    let options = |more: Value| json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": more});
    let binding = json!({"apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding", "metadata": {"name": "dry"},
        "spec": {"serviceRef": {"name": "web", "port": 80}, "targetType": "ip", "targetGroupARN":
            "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/dry/0123456789abcdef"}});
    let delete = |name, status, answer, body| {
        fact(name, "DELETE", MAP, status, answer).with(body).in_form("application/json")
    };
    vec![
        fact("an object to be changed", "POST", MAPS, 201, json!({"kind": "ConfigMap"}))
            .with(map("guarded", &json!({"app": "web"})))
            .keeping(&[("uid", "metadata.uid"), ("version", "metadata.resourceVersion")]),
        fact(
            "a change of another object of that name",
            "PATCH",
            MAP,
            422,
            refusal(422, "Invalid", "~metadata.uid: Invalid value"),
        )
        .with(patched(json!({"uid": "11111111-1111-1111-1111-111111111111"}))),
        fact("a change of another version", "PATCH", MAP, 409, conflict("~the object has been modified"))
            .with(patched(json!({"resourceVersion": "1"}))),
        fact(
            "a change that only seems to be",
            "PATCH",
            "/api/v1/namespaces/{ns}/configmaps/guarded?dryRun=All",
            200,
            json!({"metadata": {"resourceVersion": "{version}"}}),
        )
        .with(patched(json!({"uid": "{uid}", "resourceVersion": "{version}"}))),
        fact(
            "that it only seemed to be",
            "GET",
            MAP,
            200,
            json!({"metadata": {"labels": {"app": "web"}, "resourceVersion": "{version}"}}),
        ),
        fact(
            "a change of this version of this object",
            "PATCH",
            MAP,
            200,
            json!({"metadata": {"uid": "{uid}"}}),
        )
        .with(patched(json!({"uid": "{uid}", "resourceVersion": "{version}"}))),
        fact("the same once more", "PATCH", MAP, 409, conflict("~the object has been modified"))
            .with(patched(json!({"uid": "{uid}", "resourceVersion": "{version}"}))),
        delete(
            "a deletion of another object of that name",
            409,
            conflict(
                "~the UID in the precondition (11111111-1111-1111-1111-111111111111) does not match the UID in record ({uid})",
            ),
            options(json!({"uid": "11111111-1111-1111-1111-111111111111"})),
        ),
        delete("a deletion of this one", 200, Value::Null, options(json!({"uid": "{uid}"}))),
        fact(
            "a binding that only seems to be made",
            "POST",
            "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings?dryRun=All",
            201,
            json!({"kind": "TargetGroupBinding"}),
        )
        .with(binding.clone()),
        fact(
            "that it was not",
            "GET",
            "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/dry",
            404,
            Value::Null,
        ),
        fact(
            "an object that is applied",
            "PATCH",
            "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/dry?fieldManager=tgscope",
            201,
            json!({"metadata": {"name": "dry"}, "spec": {"targetType": "ip"}}),
        )
        .with(binding.clone())
        .in_form(APPLY),
        fact(
            "the same applied once more",
            "PATCH",
            "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/dry?fieldManager=tgscope",
            200,
            json!({"metadata": {"name": "dry"}}),
        )
        .with(binding.clone())
        .in_form(APPLY),
        fact(
            "an object that nobody applies",
            "PATCH",
            "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/dry",
            422,
            Value::Null,
        )
        .with(binding)
        .in_form(APPLY),
        fact(
            "policies",
            "GET",
            "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies",
            200,
            json!({"kind": "NetworkPolicyList"}),
        ),
        fact(
            "budgets",
            "GET",
            "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets",
            200,
            json!({"kind": "PodDisruptionBudgetList"}),
        ),
        fact(
            "that it goes",
            "DELETE",
            "/apis/elbv2.k8s.aws/v1beta1/namespaces/{ns}/targetgroupbindings/dry",
            200,
            Value::Null,
        ),
        fact("that it is gone", "GET", BINDINGS, 200, json!({"kind": "TargetGroupBindingList"})),
    ]
}
