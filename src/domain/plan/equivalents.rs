//! The `kubectl` and `aws` commands equivalent to a plan, and the fields that it sends.

use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::act::Labelled;

/// ELBv2 takes at most this many targets in one call (its documentation leaves it open; the controller sends so many).
pub(crate) const BATCH: usize = 200;

/// The commands equivalent to one step; several where it takes several calls.
pub(crate) fn lines(act: &Act) -> Vec<String> {
    match act {
        Act::Register { group, targets, .. } => {
            targets.chunks(BATCH).map(|it| elbv2("register-targets", group, it)).collect()
        }
        Act::Deregister { group, targets, .. } => {
            targets.chunks(BATCH).map(|it| elbv2("deregister-targets", group, it)).collect()
        }
        Act::Mark { binding, marker, .. } => vec![format!(
            "{} annotate {} {} elbv2.k8s.aws/checkpoint={marker} --overwrite",
            kubectl(&binding.cluster, &binding.namespace),
            resource(binding.api),
            binding.name
        )],
        Act::Create { cluster, manifest } => {
            vec![format!("{} create -f -", kubectl(cluster, &manifest.name.namespace))]
        }
        Act::DeleteBinding { binding, .. } => vec![format!(
            "{} delete {} {}",
            kubectl(&binding.cluster, &binding.namespace),
            resource(binding.api),
            binding.name
        )],
        Act::DeletePod { cluster, name, .. } => {
            vec![format!("{} delete pod {}", kubectl(cluster, &name.namespace), name.name)]
        }
        Act::Label { cluster, object, key, to, .. } => {
            let (namespace, object) = match object {
                Labelled::Pod(name, _) => (name.namespace.as_str(), format!("pod {}", name.name)),
                Labelled::Node(name) => ("", format!("node {name}")),
            };
            let change = to.as_ref().map_or_else(|| format!("{key}-"), |to| format!("{key}={to}"));
            vec![format!("{} label {object} {change}", kubectl(cluster, namespace))]
        }
        Act::AwaitGone { group, targets } => {
            let few = targets.iter().take(BATCH).map(target).collect::<Vec<_>>().join(" ");
            vec![format!(
                "aws elbv2 wait target-deregistered --region {} --target-group-arn {group} --targets {few}",
                group.region()
            )]
        }
        Act::Shift { place, from, to } => vec![modify(place, from, to)],
        Act::AwaitLeaving { .. } | Act::AwaitInStep { .. } => Vec::new(),
    }
}

/// The fields a step sends to the API server, where it patches an object or deletes it under a precondition.
pub(crate) fn fields(act: &Act) -> Option<String> {
    let sent = match act {
        Act::Mark { marker, .. } => format!("metadata.annotations[elbv2.k8s.aws/checkpoint]: {marker:?}"),
        Act::Label { key, to, .. } => {
            let value = to.as_ref().map_or_else(|| "null".to_owned(), |it| format!("{it:?}"));
            format!("metadata.labels[{key}]: {value}")
        }
        Act::DeleteBinding { uid, .. } | Act::DeletePod { uid, .. } => {
            return Some(format!("preconditions.uid: {}", uid.0));
        }
        _ => return None,
    };
    Some(format!("{sent}, with the resourceVersion read just before"))
}

pub(crate) fn kubectl(cluster: &ClusterId, namespace: &str) -> String {
    match namespace {
        "" => format!("kubectl --context {}", cluster.0),
        namespace => format!("kubectl --context {} -n {namespace}", cluster.0),
    }
}

fn resource(api: BindingApi) -> &'static str {
    match api {
        BindingApi::LoadBalancerController => "targetgroupbindings.elbv2.k8s.aws",
        BindingApi::AutoMode => "targetgroupbindings.eks.amazonaws.com",
    }
}

fn elbv2(call: &str, group: &TargetGroupArn, targets: &[Arriving]) -> String {
    let targets: Vec<String> = targets
        .iter()
        .map(|it| {
            let zone = it.zone.as_ref().map_or_else(String::new, |it| format!(",AvailabilityZone={it}"));
            format!("{}{zone}", target(&it.key))
        })
        .collect();
    format!(
        "aws elbv2 {call} --region {} --target-group-arn {group} --targets {}",
        group.region(),
        targets.join(" ")
    )
}

/// Only the groups and weights: other actions of the rule have to be sent with them.
fn modify(place: &Place, from: &Rule, to: &[Forward]) -> String {
    let groups: Vec<String> =
        to.iter().map(|it| format!("{{TargetGroupArn={},Weight={}}}", it.group, it.weight)).collect();
    let sticky = from.sticky.map_or_else(String::new, |it| {
        format!(",TargetGroupStickinessConfig={{Enabled=true,DurationSeconds={it}}}")
    });
    let action = format!("Type=forward,ForwardConfig={{TargetGroups=[{}]{sticky}}}", groups.join(","));
    let region = place.load_balancer.region();
    match &place.rule {
        None => format!(
            "aws elbv2 modify-listener --region {region} --listener-arn {} --default-actions '{action}'",
            place.listener.as_str()
        ),
        Some(rule) => format!(
            "aws elbv2 modify-rule --region {region} --rule-arn {} --actions '{action}'",
            rule.as_str()
        ),
    }
}

fn target(key: &TargetKey) -> String {
    let server = key.quic_server_id.as_ref().map_or_else(String::new, |it| format!(",QuicServerId={it}"));
    format!("Id={},Port={}{server}", key.id, key.port)
}
