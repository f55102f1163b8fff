//! Why a pod is not ready: the first reason that holds, in the words Kubernetes uses.

use std::sync::Arc;

use crate::domain::facts::cluster::Condition;
use crate::domain::facts::cluster::Container;
use crate::domain::facts::cluster::Phase;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::time::Timestamp;
use crate::domain::judgement::row::WaitCode;
use crate::domain::judgement::row::WaitReason;

/// Reasons of a waiting container that are part of every start.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// `None`: the pod is ready, or on its way out.
pub(crate) fn reason(pod: &Pod, now: Timestamp) -> Option<WaitReason> {
    if pod.terminating() {
        return Some(plain(WaitCode::Terminating, pod.deleted, true));
    }
    if pod.ready() {
        return None;
    }
    unscheduled(pod, now)
        .or_else(|| finished(pod))
        .or_else(|| container(pod, now))
        .or_else(|| not_ready(pod, now))
}

fn plain(code: WaitCode, since: Option<Timestamp>, starting: bool) -> WaitReason {
    WaitReason { code, message: None, since, starting }
}

fn unscheduled(pod: &Pod, now: Timestamp) -> Option<WaitReason> {
    let condition = pod.condition("PodScheduled").filter(|it| it.status == Status::False);
    match condition {
        Some(it) => Some(WaitReason {
            code: WaitCode::Reported(it.reason.clone().unwrap_or_else(|| "Unschedulable".into())),
            message: it.message.clone(),
            since: it.since.or(Some(pod.created)),
            starting: false,
        }),
        None if pod.node.is_none() && pod.phase == Phase::Pending => {
            Some(plain(WaitCode::Pending, Some(pod.created), now.since(pod.created) < START))
        }
        None => None,
    }
}

/// Seconds within which an unscheduled or address-less pod is mere starting.
const START: i64 = 30;

fn finished(pod: &Pod) -> Option<WaitReason> {
    match pod.phase {
        Phase::Failed => {
            let reason = pod.reason.clone().unwrap_or_else(|| "Failed".into());
            Some(plain(WaitCode::Reported(reason), None, false))
        }
        Phase::Succeeded => Some(plain(WaitCode::Completed, None, false)),
        Phase::Pending | Phase::Running | Phase::Unknown => None,
    }
}

/// Seconds after a crash within which a container still counts as crashing: the kubelet forgets its back-off after ten
/// minutes.
const LATELY: i64 = 600;

fn container(pod: &Pod, now: Timestamp) -> Option<WaitReason> {
    let since = pod.condition("ContainersReady").and_then(|it| it.since).or(Some(pod.created));
    let waiting = |it: &&Container| it.waiting.as_ref().is_some_and(|code| !STARTING.contains(&&**code));
    if let Some(it) = pod.containers.iter().find(waiting) {
        let died_of = it.last_terminated.as_ref().filter(|code| &***code == "OOMKilled");
        let code = died_of.or(it.waiting.as_ref())?;
        let exit = it
            .last_exit_code
            .map(|code| Arc::from(format!("last exit code {code}, {} restarts", it.restarts)));
        let message = match &*it.waiting.clone()? {
            "CrashLoopBackOff" => exit.or_else(|| it.waiting_message.clone()),
            _ => it.waiting_message.clone().or(exit),
        };
        let code = WaitCode::Reported(code.clone());
        return Some(WaitReason { code, message, since, starting: false });
    }
    if let Some(it) = pod.containers.iter().find(|it| it.terminated.is_some()) {
        return Some(plain(WaitCode::Reported(it.terminated.clone()?), since, false));
    }
    // Between two crashes it runs, and is as broken as a moment before.
    let crashing = |it: &&Container| {
        let failed = it.last_exit_code.is_some_and(|code| code != 0)
            || it.last_terminated.as_deref() == Some("OOMKilled");
        let lately = it.last_terminated_at.is_none_or(|at| now.since(at) < LATELY);
        !it.ready && it.restarts > 0 && failed && lately
    };
    if let Some(it) = pod.containers.iter().find(crashing) {
        let code = it.last_terminated.clone().unwrap_or_else(|| "Error".into());
        let exit = it.last_exit_code.map_or(String::new(), |code| format!("last exit code {code}, "));
        let message = Some(format!("{exit}{} restarts; it runs again for the moment", it.restarts).into());
        return Some(WaitReason { code: WaitCode::Reported(code), message, since, starting: false });
    }
    let code = pod.containers.iter().find_map(|it| it.waiting.clone())?;
    let starting = now.since(pod.created) <= i64::from(pod.start_allowance) + START;
    Some(plain(WaitCode::Reported(code), Some(pod.created), starting))
}

fn not_ready(pod: &Pod, now: Timestamp) -> Option<WaitReason> {
    let since = |it: Option<&Condition>| it.and_then(|it| it.since).or(Some(pod.created));
    if !pod.containers_ready() {
        let since = since(pod.condition("ContainersReady"));
        let seconds = since.map_or(0, |it| now.since(it));
        let starting = seconds <= i64::from(pod.start_allowance) + START;
        return Some(plain(WaitCode::ContainersNotReady, since, starting));
    }
    let open = |gate: &&Arc<str>| !pod.is_true(gate);
    let gate = pod.gates.iter().find(open)?;
    let condition = pod.condition(gate);
    Some(WaitReason {
        code: WaitCode::ReadinessGateNotTrue,
        message: Some(
            format!(
                "{gate}{}",
                condition.and_then(|it| it.reason.clone()).map_or(String::new(), |it| format!(" ({it})"))
            )
            .into(),
        ),
        since: since(condition.or(pod.condition("Ready"))),
        starting: now.since(since(condition).unwrap_or(now)) <= START,
    })
}
