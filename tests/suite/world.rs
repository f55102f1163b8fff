//! A small world as both outsides answer it: the binding `shop/web`, one ready pod, one target, one load
//! balancer.

use serde_json::Value;
use serde_json::json;

use crate::support::Answer;
use crate::support::Request;
use crate::support::answer;

pub(crate) const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";
const LOAD_BALANCER: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0123456789abcdef";
const LISTENER: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/0123456789abcdef/1";

/// Answers of both sides: forms are for AWS, everything else for Kubernetes.
pub(crate) fn whole(request: &Request) -> Answer {
    match request.method.as_str() {
        "POST" => aws(request, &health("10.0.0.1", 8080, "healthy", "")),
        _ => kubernetes(request),
    }
}

/// The same, but the only target stands otherwise.
pub(crate) fn with_health(request: &Request, health: &str) -> Answer {
    match request.method.as_str() {
        "POST" => aws(request, health),
        _ => kubernetes(request),
    }
}

/// A cluster of nothing at all; AWS as ever.
pub(crate) fn without_bindings(request: &Request) -> Answer {
    match (request.method.as_str(), request.path()) {
        ("GET", "/apis/elbv2.k8s.aws/v1beta1") => kubernetes(request),
        ("GET", path) if path.starts_with("/apis/eks") => answer(404, "404 page not found"),
        ("GET", _) => list(&[]),
        _ => aws(request, ""),
    }
}

/// The answer to one action, as AWS wraps it.
pub(crate) fn xml(action: &str, inside: &str) -> Answer {
    answer(
        200,
        format!(
            "<{action}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><{action}Result>{inside}</{action}Result>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
        ),
    )
}

/// A refusal, as AWS wraps it.
pub(crate) fn refused(status: u16, code: &str, message: &str) -> Answer {
    answer(
        status,
        format!(
            "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

/// One described target.
pub(crate) fn health(id: &str, port: u16, state: &str, reason: &str) -> String {
    let reason = if reason.is_empty() { String::new() } else { format!("<Reason>{reason}</Reason>") };
    format!(
        "<member><Target><Id>{id}</Id><Port>{port}</Port></Target>\
         <TargetHealth><State>{state}</State>{reason}</TargetHealth></member>"
    )
}

pub(crate) fn group(arn: &str) -> String {
    format!(
        "<member><TargetGroupArn>{arn}</TargetGroupArn><Protocol>HTTP</Protocol><Port>80</Port><TargetType>ip</TargetType>\
         <HealthCheckIntervalSeconds>10</HealthCheckIntervalSeconds>\
         <LoadBalancerArns><member>{LOAD_BALANCER}</member></LoadBalancerArns></member>"
    )
}

fn aws(request: &Request, health: &str) -> Answer {
    let action = request.parameter("Action").unwrap_or_default();
    let inside = match action.as_str() {
        "GetCallerIdentity" => {
            "<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/jane</Arn>".to_owned()
        }
        "DescribeTargetGroups" => format!("<TargetGroups>{}</TargetGroups>", group(GROUP)),
        "DescribeTargetHealth" => {
            format!("<TargetHealthDescriptions>{health}</TargetHealthDescriptions>")
        }
        "DescribeLoadBalancers" => format!(
            "<LoadBalancers><member><LoadBalancerArn>{LOAD_BALANCER}</LoadBalancerArn><Type>application</Type>\
             <LoadBalancerName>web</LoadBalancerName></member></LoadBalancers>"
        ),
        "DescribeListeners" => format!(
            "<Listeners><member><ListenerArn>{LISTENER}</ListenerArn><Port>80</Port><Protocol>HTTP</Protocol></member></Listeners>"
        ),
        "DescribeRules" => format!(
            "<Rules><member><RuleArn>r</RuleArn><Priority>default</Priority><IsDefault>true</IsDefault><Actions><member>\
             <Type>forward</Type><TargetGroupArn>{GROUP}</TargetGroupArn></member></Actions></member></Rules>"
        ),
        _ => String::new(),
    };
    xml(&action, &inside)
}

fn list(items: &[Value]) -> Answer {
    answer(200, json!({ "metadata": { "resourceVersion": "9" }, "items": items }).to_string())
}

fn metadata(name: &str) -> Value {
    json!({ "name": name, "namespace": "shop", "uid": name, "resourceVersion": "1", "creationTimestamp": "2026-11-23T10:00:00Z" })
}

fn kubernetes(request: &Request) -> Answer {
    let kind = request.path().rsplit('/').next().unwrap_or_default();
    match (request.path(), kind) {
        ("/apis/elbv2.k8s.aws/v1beta1", _) => answer(200, json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "elbv2.k8s.aws/v1beta1",
            "resources": [{ "name": "targetgroupbindings", "singularName": "", "namespaced": true, "kind": "TargetGroupBinding", "verbs": ["list"] }],
        }).to_string()),
        (_, "targetgroupbindings") => {
            let mut bound = metadata("web");
            bound["generation"] = json!(1);
            bound["finalizers"] = json!(["elbv2.k8s.aws/resources"]);
            list(&[json!({
            "metadata": bound,
            "status": { "observedGeneration": 1 },
            "spec": { "targetGroupARN": GROUP, "targetType": "ip", "serviceRef": { "name": "web", "port": 80 } },
        })])}
        (_, "services") => list(&[json!({
            "metadata": metadata("web"),
            "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] },
        })]),
        (_, "endpointslices") => {
            let mut slice = metadata("web-1");
            slice["labels"] = json!({ "kubernetes.io/service-name": "web" });
            list(&[json!({
                "metadata": slice, "addressType": "IPv4", "ports": [{ "name": "http", "port": 8080 }],
                "endpoints": [{
                    "addresses": ["10.0.0.1"], "conditions": { "ready": true, "serving": true, "terminating": false },
                    "nodeName": "n1", "targetRef": { "kind": "Pod", "name": "web-a", "uid": "web-a" },
                }],
            })])
        }
        (_, "pods") => {
            let mut pod = metadata("web-a");
            pod["labels"] = json!({ "app": "web" });
            let condition = |kind: &str| json!({ "type": kind, "status": "True", "lastTransitionTime": "2026-11-23T10:00:10Z" });
            list(&[json!({
                "metadata": pod, "spec": { "nodeName": "n1" },
                "status": {
                    "phase": "Running", "podIP": "10.0.0.1",
                    "conditions": [condition("Ready"), condition("ContainersReady")],
                    "containerStatuses": [{ "name": "web", "ready": true, "restartCount": 0 }],
                },
            })])
        }
        (path, _) if path.starts_with("/apis/eks") => answer(404, "404 page not found"),
        (_, "nodes" | "deployments" | "statefulsets" | "daemonsets" | "events") => list(&[]),
        _ => answer(404, json!({ "kind": "Status", "status": "Failure", "message": "not found", "reason": "NotFound", "code": 404 }).to_string()),
    }
}
