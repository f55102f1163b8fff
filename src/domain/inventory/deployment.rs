//! The Deployment or Rollout behind a pod, told from the pod alone: ReplicaSets are not watched.

use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::ObjectName;
use crate::domain::inventory::Cluster;

/// The label with the hash of the pod template, which also ends the name of a Deployment's ReplicaSet.
const HASH: &str = "pod-template-hash";
/// The same of a ReplicaSet that Argo Rollouts made: no Deployment is behind it.
const ROLLOUTS_HASH: &str = "rollouts-pod-template-hash";

/// The name of the Deployment whose ReplicaSet owns a pod; it may not have been read. `None`: the pod is of something
/// else, or nothing tells.
///
/// A Deployment's ReplicaSet is named after it with the template hash behind it, and its pods carry the hash as a
/// label. Only where that label is missing is the name taken apart, and then the Deployment must exist and select the
/// pod: it adopts every ReplicaSet it selects.
pub(crate) fn deployment_of(cluster: &Cluster, pod: &Pod) -> Option<ObjectName> {
    let set = pod.owner.as_ref().filter(|it| &*it.kind == "ReplicaSet")?;
    let named = |name: &str| ObjectName::new(&pod.name.namespace, name);
    if let Some(hash) = pod.labels.get(HASH) {
        return set.name.strip_suffix(hash.as_str())?.strip_suffix('-').map(named);
    }
    if pod.labels.contains_key(ROLLOUTS_HASH) {
        return None;
    }
    let name = named(set.name.rsplit_once('-')?.0);
    let deployment = cluster.workloads.get(&(WorkloadKind::Deployment, name.clone()))?;
    let selects = |(key, value): (&String, &String)| pod.labels.get(key) == Some(value);
    (!deployment.selector.is_empty() && deployment.selector.iter().all(selects)).then_some(name)
}

/// The name of the Rollout of Argo Rollouts whose ReplicaSet owns a pod; it may not have been read.
pub(crate) fn rollout_of(pod: &Pod) -> Option<ObjectName> {
    let set = pod.owner.as_ref().filter(|it| &*it.kind == "ReplicaSet")?;
    let name = set.name.strip_suffix(pod.labels.get(ROLLOUTS_HASH)?.as_str())?.strip_suffix('-')?;
    Some(ObjectName::new(&pod.name.namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::cluster::Owner;
    use crate::domain::fixture;
    use crate::domain::fixture::named;
    use crate::domain::fixture::objects;

    /// Deployments `web` and `web-api`, each with the label `app` of its name.
    fn cluster() -> Cluster {
        let mut cluster = Cluster::default();
        for name in ["web", "web-api"] {
            let mut it = objects::deployment(1);
            it.name = named(name);
            it.selector = objects::labels(&[("app", name)]);
            cluster.workloads.insert((WorkloadKind::Deployment, it.name.clone()), it);
        }
        cluster
    }

    const WEB: (&str, &str) = ("app", "web");
    const API: (&str, &str) = ("app", "web-api");
    const HASHED: (&str, &str) = (HASH, "6964c9d8b5");

    /// What a pod is owned by, its labels, and the Deployment behind it.
    type Told = (
        &'static str,
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
        Option<&'static str>,
    );

    const TABLE: &[Told] = &[
        ("a Deployment", "ReplicaSet", "web-6964c9d8b5", &[WEB, HASHED], Some("web")),
        (
            "a Deployment with a dash in its name",
            "ReplicaSet",
            "web-api-6964c9d8b5",
            &[API, HASHED],
            Some("web-api"),
        ),
        ("a Deployment that was not read", "ReplicaSet", "shop-6964c9d8b5", &[WEB, HASHED], Some("shop")),
        ("a hash label that does not end the name", "ReplicaSet", "web-5b8d9c4696", &[WEB, HASHED], None),
        ("a name that ends in the hash without a dash", "ReplicaSet", "web6964c9d8b5", &[WEB, HASHED], None),
        ("no hash label", "ReplicaSet", "web-6964c9d8b5", &[WEB], Some("web")),
        ("no hash label, a dash in the name", "ReplicaSet", "web-api-6964c9d8b5", &[API], Some("web-api")),
        ("no hash label, a Deployment that was not read", "ReplicaSet", "shop-6964c9d8b5", &[WEB], None),
        (
            "a bare ReplicaSet named like a Deployment's",
            "ReplicaSet",
            "web-mirror",
            &[("app", "mirror")],
            None,
        ),
        ("a bare ReplicaSet without a dash", "ReplicaSet", "web", &[WEB], None),
        (
            "a ReplicaSet of an Argo Rollout",
            "ReplicaSet",
            "web-5b8d9c4696",
            &[WEB, (ROLLOUTS_HASH, "5b8d9c4696")],
            None,
        ),
        ("a StatefulSet", "StatefulSet", "web-6964c9d8b5", &[WEB, HASHED], None),
    ];

    #[test]
    fn the_deployment_behind_a_pod_is_told_by_its_hash_label_before_its_name() {
        for (what, kind, owner, labels, deployment) in TABLE {
            let mut pod = objects::pod("10.0.0.1", "ready", "a", fixture::BEGIN);
            pod.owner = Some(Owner { kind: (*kind).into(), name: (*owner).into() });
            pod.labels = objects::labels(labels);
            assert_eq!(deployment_of(&cluster(), &pod), deployment.map(named), "{what}");
        }
        let mut pod = objects::pod("10.0.0.1", "ready", "a", fixture::BEGIN);
        pod.owner = None;
        assert_eq!(deployment_of(&cluster(), &pod), None, "no owner");
    }
}
