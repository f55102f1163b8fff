//! Whether a pod is ready: its containers, and the gates others set.

use serde_json::Value;

use crate::lab::json::Condition;
use crate::lab::json::condition;
use crate::lab::json::condition_status;
use crate::lab::json::flag;
use crate::lab::json::list;
use crate::lab::json::set_condition;
use crate::lab::json::text;

/// Sets ContainersReady and Ready from the containers and the gates.
pub(super) fn judge(pod: &mut Value, now: &str) {
    let statuses = list(pod, "status.containerStatuses");
    let unready: Vec<&str> =
        statuses.iter().filter(|it| !flag(it, "ready")).map(|it| text(it, "name")).collect();
    let containers = !statuses.is_empty() && unready.is_empty();
    let message = format!("containers with unready status: [{}]", unready.join(" "));
    let gates = list(pod, "spec.readinessGates").iter().map(|it| text(it, "conditionType").to_owned());
    let pending: Vec<String> = gates.filter(|it| condition_status(pod, it) != "True").collect();
    let (reason, why) = if containers { ("", "") } else { ("ContainersNotReady", message.as_str()) };
    let ready = |kind, status, reason, message| Condition { kind, status, reason, message };
    set_condition(pod, &ready("ContainersReady", containers, reason, why), now);
    match (containers, pending.first()) {
        (true, Some(gate)) => {
            let known = condition(pod, gate).is_some();
            let message = match known {
                true => {
                    "the status of pod readiness gate ".to_owned()
                        + &format!("{gate:?} is not \"True\", but False")
                }
                false => format!("corresponding condition of pod readiness gate {gate:?} does not exist."),
            };
            set_condition(pod, &ready("Ready", false, "ReadinessGatesNotReady", &message), now);
        }
        (all, _) => set_condition(pod, &ready("Ready", all, reason, why), now),
    }
}
