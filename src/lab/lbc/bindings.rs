//! The bindings the controller works on: which there are, whether anybody is at work on them, and what is told
//! about them.

use serde_json::Value;

use crate::lab::controllers::events;
use crate::lab::controllers::events::Record;
use crate::lab::json::text;
use crate::lab::kubernetes::kinds::AUTO_MODE;
use crate::lab::kubernetes::kinds::BINDINGS;
use crate::lab::kubernetes::store::Name;
use crate::lab::kubernetes::store::key;
use crate::lab::queue::Task;
use crate::lab::world::World;

/// The readiness gate of a binding begins so.
pub(super) const GATE: &str = "target-health.elbv2.k8s.aws/";

/// Whether the controller of a kind is at work.
pub(super) fn is_running(world: &World, kind: &str) -> bool {
    if kind == AUTO_MODE { world.lbc.auto_mode } else { world.lbc.running }
}

/// It is to look at a binding, if it is at work.
pub(in crate::lab) fn enqueue(world: &mut World, kind: &'static str, name: Name) {
    let delay = world.lbc.slow + 100;
    if is_running(world, kind) {
        world.after(delay, Task::Binding(kind, name));
    }
}

/// Bindings of a namespace, of all kinds, that satisfy something.
pub(super) fn all(
    world: &World,
    namespace: Option<&str>,
    of: impl Fn(&Value) -> bool,
) -> Vec<(&'static str, Name)> {
    let mut found = Vec::new();
    for kind in [BINDINGS, AUTO_MODE] {
        let all = world.kube.objects(kind, namespace).filter(|it| of(it));
        found.extend(all.map(|it| (kind, key(it))));
    }
    found
}

/// Whether the targets of a binding are nodes.
pub(super) fn is_instance(binding: &Value) -> bool {
    text(binding, "spec.targetType") == "instance"
}

/// Records an event about a binding.
pub(super) fn tell(world: &mut World, binding: &Value, warning: bool, reason: &str, message: &str) {
    events::record(world, binding, Record { component: "targetGroupBinding", warning, reason, message });
}
