//! The state of the controller that follows a binding: is it there, and is it asleep, behind or failing.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::cluster::Event;
use crate::domain::facts::controller::ControllerDeployment;
use crate::domain::facts::controller::ControllerSigns;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ownership::is_controllers;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::checkpoint;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Presence {
    Present,
    Down,
    Absent,
    Unknown,
}

impl Presence {
    pub(crate) const ALL: [Self; 4] = [Self::Present, Self::Down, Self::Absent, Self::Unknown];

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
    /// Its last event about the binding is a warning, and nothing it did since says otherwise.
    Failing { error: String, since: Option<Timestamp> },
    /// It leaves no marks that can be read.
    Unknown,
}

impl Activity {
    /// Each of the words below.
    pub(crate) const WORDS: [&str; 5] = ["idle", "behind", "reconciling", "failing", "unknown"];

    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Asleep { .. } => "idle",
            Self::Behind => "behind",
            Self::Working => "reconciling",
            Self::Failing { .. } => "failing",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Asleep { since } | Self::Failing { since, .. } => *since,
            Self::Behind | Self::Working | Self::Unknown => None,
        }
    }

    /// What it fails with, in whole.
    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Failing { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl Controller {
    /// What nobody can expect of it: it is not there.
    pub(crate) fn is_nobody(&self) -> bool {
        matches!(self.presence, Presence::Absent | Presence::Down)
    }

    /// What it fails with, as far as it is there to fail.
    pub(crate) fn fails_with(&self) -> Option<&str> {
        self.activity.error().filter(|_| !self.is_nobody())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Controller {
    pub(crate) presence: Presence,
    pub(crate) version: Option<Arc<str>>,
    pub(crate) activity: Activity,
    /// What `presence` rests on.
    pub(crate) sign: Cow<'static, str>,
    /// Ready endpoints of its webhook service; 0: every change of a binding is refused. `None`: unread or none.
    pub(crate) webhook_endpoints: Option<u32>,
}

/// The part of an error of the controller that says what is wrong: what its calls to AWS wrap around the answer is left
/// out, and its full stop.
pub(crate) fn controller_error(error: &str) -> &str {
    let cause = error.rsplit_once(", api error ").map_or(error, |it| it.1);
    let cause = cause.trim_start_matches("FailedReconcile: ").trim_start_matches("Failed reconcile due to ");
    cause.trim_end_matches('.')
}

pub(crate) fn controller(case: &Case<'_>) -> Controller {
    let nobody = Controller {
        presence: Presence::Unknown,
        version: None,
        activity: Activity::Unknown,
        sign: "no binding".into(),
        webhook_endpoints: None,
    };
    let (Some(cluster), Some(binding)) = (case.cluster, case.binding) else { return nobody };
    let events_tell = cluster.events_about(&binding.name).next().is_some();
    let read = case.reference.map(|it| Source::Kubernetes(it.cluster.clone(), Kind::Controller));
    let read = read.and_then(|it| case.inventory.freshness(&it)).and_then(|it| it.read);
    let (presence, sign) = presence(cluster, binding, events_tell, (read.unwrap_or(case.now), case.now));
    let version = cluster.signs.follower(&binding.name.namespace).and_then(|it| it.version.clone());
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
) -> (Presence, Cow<'static, str>) {
    let marked = [
        (binding.finalizers.iter().any(|it| is_controllers(it)), "its finalizer"),
        (binding.observed_generation.is_some(), "an observed generation"),
        (binding.checkpoint.is_some(), "a checkpoint"),
        (events, "its events"),
    ];
    let mark = marked.into_iter().find(|(there, _)| *there).map(|(_, sign)| sign);
    if binding.api == BindingApi::AutoMode {
        // It runs outside the cluster: only its marks can tell.
        return mark.map_or((Presence::Unknown, "runs outside the cluster".into()), |sign| {
            (Presence::Present, sign.into())
        });
    }
    if cluster.signs.kind_served == Some(false) {
        return (Presence::Absent, "no TargetGroupBinding kind".into());
    }
    if now.since(read) > UNREAD {
        return (Presence::Unknown, "its objects could not be read lately".into());
    }
    elsewhere(cluster, binding, mark).unwrap_or_else(|| {
        let (presence, sign) = by_signs(&cluster.signs, mark, read);
        (presence, sign.into())
    })
}

/// Where not the one controller with the usual names decides, but which of several follows the namespace.
fn elsewhere(
    cluster: &Cluster,
    binding: &Binding,
    mark: Option<&str>,
) -> Option<(Presence, Cow<'static, str>)> {
    let signs = &cluster.signs;
    let namespace = &binding.name.namespace;
    let following: Vec<&ControllerDeployment> = signs.following(namespace).collect();
    let usual = signs.deployment.as_ref().and_then(Option::as_ref);
    match following.as_slice() {
        [] => {
            let only =
                signs.all().filter_map(|it| Some(format!("{} only {}", it.name, it.watches.as_ref()?)));
            let only: Vec<String> = only.collect();
            let nobody = || format!("no controller watches namespace {namespace}: {}", only.join(", "));
            (!only.is_empty()).then(|| match (&signs.others, mark) {
                (None, _) => (Presence::Unknown, format!("{}; others cannot be listed", nobody()).into()),
                // One of another name may have left it.
                (_, Some(mark)) => (Presence::Unknown, format!("{}; yet there is {mark}", nobody()).into()),
                (Some(_), None) => (Presence::Absent, nobody().into()),
            })
        }
        [one] if usual == Some(*one) => None,
        [one] => {
            let sign = format!("the Deployment {} watches namespace {namespace}", one.name).into();
            Some((if one.available > 0 { Presence::Present } else { Presence::Down }, sign))
        }
        several => {
            let names: Vec<String> = several.iter().map(|it| it.name.to_string()).collect();
            let is_there = several.iter().any(|it| it.available > 0);
            let sign = format!("several watch namespace {namespace}: {}", names.join(", ")).into();
            Some((if is_there { Presence::Present } else { Presence::Down }, sign))
        }
    }
}

/// What the Deployment, lease and webhook say that were read at a time, or else a mark on the binding.
pub(crate) fn by_signs(
    signs: &ControllerSigns,
    mark: Option<&'static str>,
    read: Timestamp,
) -> (Presence, &'static str) {
    if let Some(Some(deployment)) = &signs.deployment
        && deployment.available == 0
    {
        return (Presence::Down, "its Deployment has no replica available");
    }
    if let Some(Some(lease)) = &signs.lease {
        let silent = lease.renewed.filter(|_| lease.held).map(|at| read.since(at));
        // Two signs need less patience than one.
        let (slack, why) = match signs.webhook_endpoints {
            Some(Some(0)) => {
                (WITNESSED_SLACK, "no endpoint behind its webhook, and its lease is not renewed")
            }
            _ => (LEASE_SLACK, "its lease is not renewed"),
        };
        let live = silent.is_some_and(|it| it <= i64::from(lease.duration.max(15)) + slack);
        return if live { (Presence::Present, "its lease") } else { (Presence::Down, why) };
    }
    if signs.webhook_endpoints == Some(Some(0)) {
        return (Presence::Down, "no endpoint behind its webhook");
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
    if matches!(
        (&signs.deployment, &signs.lease, signs.webhook_endpoints),
        (Some(None), Some(None), Some(None))
    ) {
        // What is left of it, on the binding or as webhook configurations, may be of old, or of one installed otherwise.
        return (
            Presence::Unknown,
            "its Deployment, lease and webhook service are not where they usually are",
        );
    }
    mark.map_or((Presence::Unknown, "nothing of it can be read"), |sign| (Presence::Present, sign))
}

/// Seconds after which what was read of the controller says nothing of it any more.
const UNREAD: i64 = 90;

/// Seconds for which a lease may look unrenewed: clocks of machines differ.
const LEASE_SLACK: i64 = 45;

/// The same where the webhook has no endpoint either.
const WITNESSED_SLACK: i64 = 2;

fn activity(case: &Case<'_>, cluster: &Cluster, binding: &Binding) -> Activity {
    if let Some(message) = &binding.failed_cleanup {
        return Activity::Failing { error: format!("FailedCleanup: {message}"), since: None };
    }
    // Every attempt that fails leaves a warning. One that succeeds leaves no event where there were many, but the time of
    // its checkpoint.
    let last = cluster.events_about(&binding.name).max_by_key(|it| it.at);
    let over = |it: &Event| {
        it.at.is_some_and(|at| at < binding.created || binding.checkpoint_at.is_some_and(|done| at < done))
    };
    if let Some(event) = last.filter(|it| it.warning && !over(it)) {
        return Activity::Failing { error: format!("{}: {}", event.reason, event.message), since: event.at };
    }
    let Some(annotation) = binding.checkpoint.as_ref() else { return Activity::Unknown };
    match (checkpoint::half_of(annotation), checkpoint::endpoint_half(&case.resolution)) {
        (Some(written), Some(computed)) if written == computed => {
            Activity::Asleep { since: binding.checkpoint_at }
        }
        (Some(_), Some(_)) => Activity::Behind,
        (None, _) => Activity::Working,
        (Some(_), None) => Activity::Unknown,
    }
}

#[cfg(test)]
mod tests;
