//! The state of the controller that follows a binding: is it there, and is it asleep, behind or failing.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::checkpoint;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Presence {
    Present,
    Down,
    Absent,
    Unknown,
}

impl Presence {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Down => "down",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }
}

/// What the controller does about this binding, as far as its marks tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Activity {
    /// Its checkpoint equals the endpoints: it will not look again until they change.
    Asleep { since: Option<Timestamp> },
    /// Its checkpoint is of other endpoints.
    Behind,
    /// Its checkpoint is empty: a reconcile is under way or keeps being repeated.
    Working,
    /// Its last event about the binding is a warning.
    Failing(String),
    /// It leaves no marks that can be read.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Controller {
    pub(crate) presence: Presence,
    pub(crate) version: Option<Arc<str>>,
    pub(crate) activity: Activity,
    /// What `presence` rests on.
    pub(crate) sign: &'static str,
    /// Ready endpoints of its webhook service; 0: every change of a binding is refused. `None`: unread or none.
    pub(crate) webhook_endpoints: Option<u32>,
}

pub(crate) fn controller(case: &Case<'_>) -> Controller {
    let nobody = Controller {
        presence: Presence::Unknown,
        version: None,
        activity: Activity::Unknown,
        sign: "no binding",
        webhook_endpoints: None,
    };
    let (Some(cluster), Some(binding)) = (case.cluster, case.binding) else { return nobody };
    let events_tell = cluster.events_about(&binding.name).next().is_some();
    let read = case.reference.map(|it| Source::Kubernetes(it.cluster.clone(), Kind::Controller));
    let read = read.and_then(|it| case.inventory.freshness(&it)).and_then(|it| it.read);
    let (presence, sign) = presence(cluster, binding, events_tell, (read.unwrap_or(case.now), case.now));
    let version =
        cluster.signs.deployment.as_ref().and_then(|it| it.as_ref()).and_then(|it| it.version.clone());
    let in_cluster = binding.api == BindingApi::LoadBalancerController;
    Controller {
        presence,
        version: version.filter(|_| in_cluster),
        activity: activity(case, cluster, binding),
        sign,
        webhook_endpoints: cluster.signs.webhook_endpoints.flatten().filter(|_| in_cluster),
    }
}

fn presence(
    cluster: &Cluster,
    binding: &Binding,
    events: bool,
    (read, now): (Timestamp, Timestamp),
) -> (Presence, &'static str) {
    let signs = &cluster.signs;
    let marked = [
        (binding.finalizers.iter().any(|it| it.ends_with("/resources")), "its finalizer"),
        (binding.observed_generation.is_some(), "an observed generation"),
        (binding.checkpoint.is_some(), "a checkpoint"),
        (events, "its events"),
    ];
    let mark = marked.into_iter().find(|(there, _)| *there).map(|(_, sign)| sign);
    if binding.api == BindingApi::AutoMode {
        // It runs outside the cluster: only its marks can tell.
        return mark
            .map_or((Presence::Unknown, "runs outside the cluster"), |sign| (Presence::Present, sign));
    }
    if signs.kind_served == Some(false) {
        return (Presence::Absent, "no TargetGroupBinding kind");
    }
    if now.since(read) > UNREAD {
        return (Presence::Unknown, "its objects could not be read lately");
    }
    if let Some(Some(deployment)) = &signs.deployment
        && deployment.available == 0
    {
        return (Presence::Down, "its Deployment has no replica available");
    }
    if let Some(Some(lease)) = &signs.lease {
        let live = lease.held
            && lease
                .renewed
                .is_some_and(|at| read.since(at) <= i64::from(lease.duration.max(15)) + LEASE_SLACK);
        return match live {
            true => (Presence::Present, "its lease"),
            false => (Presence::Down, "its lease is not renewed"),
        };
    }
    if let Some(Some(_)) = &signs.deployment {
        return (Presence::Present, "its Deployment");
    }
    if signs.webhook_configured == Some(false) && signs.lease == Some(None) {
        // Marks of old do not bring it back, but they forbid to call it never there.
        return match mark {
            Some(_) => (Presence::Down, "it left marks, but neither lease nor webhooks"),
            None => (Presence::Absent, "neither lease nor webhooks"),
        };
    }
    mark.map_or((Presence::Unknown, "nothing of it can be read"), |sign| (Presence::Present, sign))
}

/// Seconds after which what was read of the controller says nothing of it any more.
const UNREAD: i64 = 90;

/// Seconds for which a lease may look unrenewed: clocks of machines differ.
const LEASE_SLACK: i64 = 45;

fn activity(case: &Case<'_>, cluster: &Cluster, binding: &Binding) -> Activity {
    let last = cluster.events_about(&binding.name).max_by_key(|it| it.at);
    let failing =
        || last.filter(|it| it.warning).map(|it| Activity::Failing(format!("{}: {}", it.reason, it.message)));
    if let Some(message) = &binding.failed_cleanup {
        return Activity::Failing(format!("FailedCleanup: {message}"));
    }
    let Some(annotation) = &binding.checkpoint else {
        return failing().unwrap_or(Activity::Unknown);
    };
    if annotation.is_empty() {
        return failing().unwrap_or(Activity::Working);
    }
    match (checkpoint::half_of(annotation), checkpoint::endpoint_half(&case.resolution)) {
        (Some(written), Some(computed)) if written == computed => match last {
            // A reconcile that succeeded in part sleeps too; its warning is the news.
            Some(event) if event.warning && event.at >= binding.checkpoint_at => {
                Activity::Failing(format!("{}: {}", event.reason, event.message))
            }
            _ => Activity::Asleep { since: binding.checkpoint_at },
        },
        (Some(_), Some(_)) => failing().unwrap_or(Activity::Behind),
        (None, _) => Activity::Working,
        (Some(_), None) => Activity::Unknown,
    }
}

#[cfg(test)]
mod tests;
