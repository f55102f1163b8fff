//! Readiness gates: the health of a pod's target, written into its conditions.

use serde_json::Value;

use super::bindings::GATE;
use super::endpoints::Endpoint;
use crate::lab::clock::stamp;
use crate::lab::elbv2::model::Health;
use crate::lab::elbv2::model::State;
use crate::lab::json::Condition;
use crate::lab::json::condition;
use crate::lab::json::condition_status;
use crate::lab::json::list;
use crate::lab::json::set_condition;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::PODS;
use crate::lab::kubernetes::store::Name;
use crate::lab::world::World;

fn has_gate(pod: &Value, gate: &str) -> bool {
    list(pod, "spec.readinessGates").iter().any(|it| text(it, "conditionType") == gate)
}

/// Whether a pod of the endpoints has the gate of this binding, known and not yet True.
pub(super) fn pending(world: &World, binding: &str, endpoints: &[Endpoint]) -> bool {
    let gate = format!("{GATE}{binding}");
    endpoints.iter().filter_map(|it| it.pod.as_ref()).any(|(namespace, name)| {
        let pod = world.kube.get(PODS, namespace, name);
        pod.is_some_and(|it| {
            has_gate(it, &gate) && condition(it, &gate).is_some() && condition_status(it, &gate) != "True"
        })
    })
}

/// Writes what is known of a target into its pod's gate. Gives whether the gate is not True afterwards.
pub(super) fn write(world: &mut World, binding: &str, pod: &Name, health: &Health) -> bool {
    let gate = format!("{GATE}{binding}");
    let Some(found) = world.kube.get(PODS, &pod.0, &pod.1) else { return false };
    if !has_gate(found, &gate) {
        return false;
    }
    let healthy = health.state == State::Healthy;
    set(
        world,
        pod,
        &Condition { kind: &gate, status: healthy, reason: health.reason, message: &health.description },
    );
    !healthy
}

fn set(world: &mut World, pod: &Name, condition: &Condition) {
    let now = stamp(world.now);
    world.kube.update(PODS, (&pod.0, &pod.1), |it| set_condition(it, condition, &now));
}

/// The binding is gone: nobody must wait for it any more.
pub(super) fn release(world: &mut World, binding: &str, pods: &[Name]) {
    let gate = format!("{GATE}{binding}");
    for pod in pods {
        let known = world.kube.get(PODS, &pod.0, &pod.1).is_some_and(|it| has_gate(it, &gate));
        if known {
            set(
                world,
                pod,
                &Condition {
                    kind: &gate,
                    status: true,
                    reason: "",
                    message: "Target Group Binding is deleted",
                },
            );
        }
    }
}
