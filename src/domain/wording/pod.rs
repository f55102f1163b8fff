//! What is known of a pod, fact by fact: whose it is, what it runs, how its containers are, and its conditions.

use crate::domain::facts::cluster::Condition;
use crate::domain::facts::cluster::Container;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Status;
use crate::domain::facts::time::Timestamp;
use crate::domain::facts::time::age;

/// Names of facts with what is known of them, in the order in which one asks for them.
pub(crate) fn facts(pod: &Pod, now: Timestamp) -> Vec<(&'static str, String)> {
    let owner = pod.owner.iter().map(|it| ("owner", format!("{} {}", it.kind, it.name)));
    let containers = pod.containers.iter().map(|it| ("container", container(it, now)));
    let conditions: Vec<String> = pod.conditions.iter().map(|it| condition(it, now)).collect();
    let labels: Vec<String> = pod.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let lists = [("conditions", conditions.join(" · ")), ("labels", labels.join(" "))];
    owner.chain(containers).chain(lists.into_iter().filter(|it| !it.1.is_empty())).collect()
}

/// `app registry/app:1.2, waiting: CrashLoopBackOff, 5 restarts, before: Error (exit code 1) 2m ago`
fn container(it: &Container, now: Timestamp) -> String {
    let mut parts =
        vec![it.image.as_ref().map_or_else(|| it.name.to_string(), |image| format!("{} {image}", it.name))];
    parts.push(match (&it.waiting, &it.terminated) {
        (Some(reason), _) => format!("waiting: {reason}"),
        (None, Some(reason)) => format!("ended: {reason}"),
        (None, None) if it.ready => "running, ready".to_owned(),
        (None, None) => "not ready".to_owned(),
    });
    match it.restarts {
        0 => {}
        1 => parts.push("1 restart".to_owned()),
        n => parts.push(format!("{n} restarts")),
    }
    if let Some(reason) = &it.last_terminated {
        let code = it.last_exit_code.map_or(String::new(), |it| format!(" (exit code {it})"));
        let ago = it.last_terminated_at.map_or(String::new(), |at| format!(" {} ago", age(now.since(at))));
        parts.push(format!("before: {reason}{code}{ago}"));
    }
    parts.join(", ")
}

/// `Ready False ContainersNotReady 2m`
fn condition(it: &Condition, now: Timestamp) -> String {
    let status = match it.status {
        Status::True => "True",
        Status::False => "False",
        Status::Unknown => "Unknown",
    };
    let reason = it.reason.as_ref().map_or(String::new(), |it| format!(" {it}"));
    let since = it.since.map_or(String::new(), |at| format!(" {}", age(now.since(at))));
    format!("{} {status}{reason}{since}", it.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture::BEGIN;
    use crate::domain::fixture::objects;

    fn told(condition: &str) -> Vec<String> {
        let mut pod = objects::pod("10.0.0.1", condition, "a", BEGIN);
        for it in &mut pod.containers {
            it.last_terminated_at = it.last_terminated.as_ref().map(|_| BEGIN);
        }
        facts(&pod, BEGIN.plus_seconds(120)).into_iter().map(|(name, it)| format!("{name}: {it}")).collect()
    }

    #[test]
    fn a_pod_is_told_with_owner_image_last_state_conditions_and_labels() {
        let crashing = told("crashing");
        for fact in [
            "owner: ReplicaSet testapp-6964c9d8b5",
            "container: app registry.example/testapp:1.4.2, waiting: CrashLoopBackOff, 5 restarts, before: Error (exit code 1) 2m ago",
            "labels: app=testapp pod-template-hash=6964c9d8b5",
        ] {
            assert!(crashing.iter().any(|it| it == fact), "{fact:?} is not in {crashing:?}");
        }
        let ready = told("ready");
        assert!(ready.iter().any(|it| it.contains("running, ready")), "{ready:?}");
        assert!(
            ready.iter().any(|it| it.starts_with("conditions: ") && it.contains("Ready True")),
            "{ready:?}"
        );
    }
}
