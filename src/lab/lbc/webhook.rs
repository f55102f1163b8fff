//! The controller's webhooks: what they fill in, what they refuse and in which words, and what happens to
//! writes when nobody answers them.

use serde_json::Value;
use serde_json::json;

use super::bindings::GATE;
use crate::lab::elbv2::model::Group;
use crate::lab::json::at;
use crate::lab::json::default;
use crate::lab::json::flag;
use crate::lab::json::label;
use crate::lab::json::put;
use crate::lab::json::text;
use crate::lab::kubernetes::answer::Refusal;
use crate::lab::kubernetes::kinds::AUTO_MODE;
use crate::lab::kubernetes::kinds::BINDINGS;
use crate::lab::kubernetes::kinds::NAMESPACES;
use crate::lab::kubernetes::kinds::SERVICES;
use crate::lab::kubernetes::kinds::VALIDATING;
use crate::lab::kubernetes::select::picks;
use crate::lab::world::World;

const MUTATING_NAME: &str = "mtargetgroupbinding.elbv2.k8s.aws";
const VALIDATING_NAME: &str = "vtargetgroupbinding.elbv2.k8s.aws";
/// The name of both webhook configurations.
pub(super) const CONFIGURATION: &str = "aws-load-balancer-webhook";

fn denied(webhook: &str, why: &str) -> Refusal {
    Refusal::new(403, "Forbidden", format!("admission webhook {webhook:?} denied the request: {why}"))
}

/// Nobody is behind the webhooks' service: every write fails.
fn unreachable() -> Refusal {
    let message = format!(
        "Internal error occurred: failed calling webhook {MUTATING_NAME:?}: failed to call webhook: Post \"https://aws-load-balancer-webhook-service.kube-system.svc:443/mutate-elbv2-k8s-aws-v1beta1-targetgroupbinding?timeout=10s\": no endpoints available for service \"aws-load-balancer-webhook-service\""
    );
    Refusal::new(500, "InternalError", message)
}

/// A binding is made or changed: it is filled in, or refused.
pub(in crate::lab) fn admit(world: &World, new: &mut Value, old: Option<&Value>) -> Result<(), Refusal> {
    let auto = text(new, "apiVersion").starts_with("eks.");
    let hooked =
        if auto { world.lbc.auto_mode } else { world.kube.get(VALIDATING, "", CONFIGURATION).is_some() };
    if !hooked {
        return Ok(());
    }
    if !auto && !world.lbc.running {
        return Err(unreachable());
    }
    if old.is_none() {
        fill_in(world, new)?;
    }
    validate(world, new, old)
}

fn fill_in(world: &World, new: &mut Value) -> Result<(), Refusal> {
    let (arn, name) =
        (text(new, "spec.targetGroupARN").to_owned(), text(new, "spec.targetGroupName").to_owned());
    let refuse = |why: &str| Err(denied(MUTATING_NAME, why));
    let group = match (arn.as_str(), name.as_str()) {
        ("", "") => return refuse("must provide either TargetGroupARN or TargetGroupName"),
        ("", name) => world.elb.group_named(name),
        (arn, _) => world.elb.groups.get(arn),
    };
    let Some(group) = group else {
        let error = "operation error Elastic Load Balancing v2: DescribeTargetGroups, https response error StatusCode: 400, api error TargetGroupNotFound: One or more target groups not found";
        return match arn.as_str() {
            "" => refuse(&format!("searching TargetGroup with name {name}: {error}")),
            _ => refuse(&format!("couldn't determine TargetType: {error}")),
        };
    };
    put(new, "spec.targetGroupARN", json!(group.arn));
    default(new, "spec.targetType", json!(group.target_type));
    default(new, "spec.ipAddressType", json!("ipv4"));
    default(new, "spec.vpcID", json!(world.elb.vpc));
    default(new, "spec.targetGroupProtocol", json!(group.protocol));
    Ok(())
}

fn validate(world: &World, new: &Value, old: Option<&Value>) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(denied(VALIDATING_NAME, why));
    let arn = text(new, "spec.targetGroupARN");
    let mut missing = Vec::new();
    if arn.is_empty() && text(new, "spec.targetGroupName").is_empty() {
        missing.push("either TargetGroupARN or TargetGroupName");
    }
    if text(new, "spec.targetType").is_empty() {
        missing.push("spec.targetType");
    }
    if !missing.is_empty() {
        return refuse(&format!("TargetGroupBinding must specify these fields: {}", missing.join(",")));
    }
    if let Some(old) = old {
        let fixed = ["targetGroupARN", "targetType", "ipAddressType", "vpcID"];
        let changed: Vec<String> = fixed
            .iter()
            .map(|it| format!("spec.{it}"))
            .filter(|path| {
                at(old, path) != at(new, path) && !(path == "spec.vpcID" && at(old, path).is_null())
            })
            .collect();
        if !changed.is_empty() {
            let fields = changed.join(",");
            return refuse(&format!(
                "TargetGroupBinding update may not change these immutable fields: {fields}"
            ));
        }
    }
    if !at(new, "spec.nodeSelector").is_null() && text(new, "spec.targetType") == "ip" {
        return refuse("TargetGroupBinding cannot set NodeSelector when TargetType is ip");
    }
    if let Some(others) = others(world, new) {
        return refuse(&format!(
            "TargetGroup {arn} is already bound to following TargetGroupBindings {others}. Please enable MultiCluster mode on all TargetGroupBindings referencing {arn} or choose a different Target Group ARN."
        ));
    }
    match world.elb.groups.get(arn) {
        Some(group) if old.is_none() => against_group(world, new, group),
        _ => Ok(()),
    }
}

/// The other bindings of the same group, where they do not all share it.
fn others(world: &World, new: &Value) -> Option<String> {
    let arn = text(new, "spec.targetGroupARN");
    let mut shared = flag(new, "spec.multiClusterTargetGroup");
    let mut names = Vec::new();
    for kind in [BINDINGS, AUTO_MODE] {
        for other in world.kube.objects(kind, None) {
            let itself = text(other, "metadata.name") == text(new, "metadata.name")
                && text(other, "metadata.namespace") == text(new, "metadata.namespace");
            if !itself && text(other, "spec.targetGroupARN") == arn {
                shared &= flag(other, "spec.multiClusterTargetGroup");
                names.push(format!("{}/{}", text(other, "metadata.namespace"), text(other, "metadata.name")));
            }
        }
    }
    (!names.is_empty() && !shared).then(|| format!("[{}]", names.join(" ")))
}

fn against_group(world: &World, new: &Value, group: &Group) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(denied(VALIDATING_NAME, why));
    let arn = &group.arn;
    if text(new, "spec.ipAddressType") == "ipv6" {
        return refuse(&format!("invalid IP address type ipv6 for TargetGroup {arn}"));
    }
    let vpc = text(new, "spec.vpcID");
    if !vpc.starts_with("vpc-") {
        return refuse(&format!(
            "ValidationError: vpcID {vpc} failed to satisfy constraint: VPC Id must begin with 'vpc-' followed by 8 or 17 lowercase letters (a-f) or numbers."
        ));
    }
    if vpc != world.elb.vpc {
        return refuse(&format!("invalid VpcID {vpc} doesnt match VpcID from TargetGroup {arn}"));
    }
    if !text(new, "spec.iamRoleArnToAssume").is_empty() && text(new, "spec.targetType") == "instance" {
        return refuse("Unable to use instance target type while using assume role");
    }
    let protocol = text(new, "spec.targetGroupProtocol");
    match protocol == group.protocol {
        true => Ok(()),
        false => refuse(&format!(
            "TargetGroup {arn} protocol differs (got {protocol}, expected {})",
            group.protocol
        )),
    }
}

/// Gives a new pod a gate for each binding that would register it, where its namespace asks for that.
pub(in crate::lab) fn inject(world: &World, pod: &mut Value) {
    let namespace = text(pod, "metadata.namespace").to_owned();
    let asked = world.kube.get(NAMESPACES, "", &namespace);
    let asked =
        asked.is_some_and(|it| label(it, "elbv2.k8s.aws/pod-readiness-gate-inject") == Some("enabled"));
    // When nobody answers, pods come up without a gate.
    if !asked || !world.lbc.running {
        return;
    }
    let mut gates = Vec::new();
    for binding in world.kube.objects(BINDINGS, Some(&namespace)) {
        let service = world.kube.get(SERVICES, &namespace, text(binding, "spec.serviceRef.name"));
        let picked = service.is_some_and(|it| picks(at(it, "spec.selector"), pod));
        if picked && text(binding, "spec.targetType") == "ip" {
            gates.push(json!({"conditionType": format!("{GATE}{}", text(binding, "metadata.name"))}));
        }
    }
    if !gates.is_empty() {
        put(pod, "spec.readinessGates", json!(gates));
    }
}
