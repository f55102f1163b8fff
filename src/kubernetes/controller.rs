//! What can be read of the AWS Load Balancer Controller itself: its Deployment, lease, webhook service and
//! webhook configurations. Read now and then, not watched: a lease is renewed every two seconds, and each
//! renewal would wake us.

use std::sync::Arc;

use kube::Api;
use kube::api::ListParams;
use kube::api::ObjectList;

use super::connect::Cluster;
use super::guard::Raw;
use super::kinds;
use super::read;
use super::wire;
use crate::domain::facts::cluster::GATED;
use crate::domain::facts::controller::ControllerDeployment;
use crate::domain::facts::controller::ControllerSigns;
use crate::domain::facts::controller::LeaseState;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::inventory::Observation;

/// Where the Helm chart and the manifests put it.
const NAMESPACE: &str = "kube-system";
const NAME: &str = "aws-load-balancer-controller";
const LEASE: &str = "aws-load-balancer-controller-leader";
const WEBHOOK_SERVICE: &str = "aws-load-balancer-webhook-service";
const WEBHOOK: &str = "aws-load-balancer-webhook";

impl Cluster {
    /// All signs; what may not be read stays `None`.
    pub async fn controller_signs(&self, served: &[BindingApi]) -> Observation {
        let found = self.deployments().await;
        let first = found.as_ref().and_then(|it| it.first.as_ref());
        let namespace = first.map_or(NAMESPACE, |it| &it.deployment.name.namespace).to_owned();
        let lease = first.map_or_else(|| ObjectName::new(NAMESPACE, LEASE), |it| it.lease.clone());
        let (lease, webhook, configured) =
            tokio::join!(self.lease(&lease), self.webhook_endpoints(&namespace), self.webhook_configured());
        let signs = ControllerSigns {
            kind_served: Some(served.contains(&BindingApi::LoadBalancerController)),
            deployment: found.as_ref().map(|it| it.first.as_ref().map(|it| it.deployment.clone())),
            others: found.and_then(|it| it.others).map(|it| it.into_iter().map(|it| it.deployment).collect()),
            lease: lease.ok(),
            webhook_endpoints: webhook.ok(),
            webhook_configured: configured.ok(),
            cluster_name: self.cluster_name().map(Arc::from),
        };
        Observation::Signs { cluster: self.id().clone(), signs }
    }

    /// Whether the controller puts readiness gates into the pods of a namespace, by its label; `None`: it could not be
    /// read.
    pub(crate) async fn gated(&self, namespace: &str) -> Option<Observation> {
        let text = self.namespace(namespace).await.ok()??;
        let read: wire::Workload = read::decode(&text).ok()?;
        let gated = read.metadata.labels.get(GATED).is_some_and(|it| &**it == "enabled");
        Some(Observation::Gated { cluster: self.id().clone(), namespace: namespace.to_owned(), gated })
    }

    /// Whether there is a namespace of this name.
    pub(crate) async fn has_namespace(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.namespace(name).await?.is_some())
    }

    async fn namespace(&self, name: &str) -> Result<Option<Box<str>>, Failure> {
        self.one(&kinds::named("", "v1", "Namespace", "namespaces"), None, name).await
    }

    /// The Deployments of it that may be seen, the one with the usual names first; `None`: none of them may.
    async fn deployments(&self) -> Option<Deployments> {
        let deployments = kinds::named("apps", "v1", "Deployment", "deployments");
        // A release of another name or namespace carries the chart's label. What the server has in its cache will do.
        let api: Api<Raw> = self.api_of(&deployments, None);
        let params = ListParams::default().labels(&format!("app.kubernetes.io/name={NAME}")).match_any();
        let (usual, listed) = tokio::join!(
            self.one(&deployments, Some(NAMESPACE), NAME),
            self.patiently("list deployments", || api.list(&params))
        );
        let usual = usual.map(|it| it.and_then(|text| controller_deployment(&text))).ok().flatten();
        let read = |list: ObjectList<Raw>| -> Vec<Found> {
            list.items.iter().filter_map(|it| controller_deployment(&it.text)).collect()
        };
        let mut others = listed.ok().and_then(Result::ok).map(read);
        let first = match (usual, &mut others) {
            (Some(usual), Some(others)) => {
                others.retain(|it| it.deployment.name != usual.deployment.name);
                Some(usual)
            }
            (None, Some(others)) => (!others.is_empty()).then(|| others.remove(0)),
            (Some(usual), None) => Some(usual),
            (None, None) => return None,
        };
        Some(Deployments { first, others })
    }

    async fn lease(&self, name: &ObjectName) -> Result<Option<LeaseState>, Failure> {
        let leases = kinds::named("coordination.k8s.io", "v1", "Lease", "leases");
        let text = self.one(&leases, Some(&name.namespace), &name.name).await?;
        Ok(text.and_then(|text| read::decode::<wire::Lease>(&text).ok()).map(|it| LeaseState {
            renewed: read::time(it.spec.renew_time.as_deref()),
            held: it.spec.holder_identity.is_some_and(|it| !it.is_empty()),
            duration: it.spec.lease_duration_seconds,
        }))
    }

    async fn webhook_endpoints(&self, namespace: &str) -> Result<Option<u32>, Failure> {
        let services = kinds::named("", "v1", "Service", "services");
        if self.one(&services, Some(namespace), WEBHOOK_SERVICE).await?.is_none() {
            return Ok(None);
        }
        let slices = kinds::named("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
        let api: Api<Raw> = self.api_of(&slices, Some(namespace));
        let params = ListParams::default().labels(&format!("kubernetes.io/service-name={WEBHOOK_SERVICE}"));
        let list = self.patiently("list endpointslices", || api.list(&params)).await?;
        let list = list.map_err(|it| self.failed("list", "endpointslices", &it))?;
        let ready = list
            .items
            .iter()
            .filter_map(|it| read::decode::<wire::EndpointSlice>(&it.text).ok())
            .flat_map(|it| it.endpoints)
            .filter(|it| it.conditions.ready.unwrap_or(true))
            .count();
        Ok(Some(u32::try_from(ready).unwrap_or(u32::MAX)))
    }

    async fn webhook_configured(&self) -> Result<bool, Failure> {
        let validating = kinds::named(
            "admissionregistration.k8s.io",
            "v1",
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
        );
        Ok(self.one(&validating, None, WEBHOOK).await?.is_some())
    }
}

/// As in `ControllerSigns`.
struct Deployments {
    first: Option<Found>,
    others: Option<Vec<Found>>,
}

/// A Deployment of the controller, and which lease its replicas hold in turn.
struct Found {
    deployment: ControllerDeployment,
    lease: ObjectName,
}

fn controller_deployment(json: &str) -> Option<Found> {
    let it: wire::Workload = read::decode(json).ok()?;
    let label = it.metadata.labels.get("app.kubernetes.io/version").cloned();
    let containers = &it.spec.template.spec.containers;
    let tag = containers.iter().filter_map(|it| it.image.as_ref()).find_map(|image| {
        let (path, tag) = image.split('@').next()?.rsplit_once(':')?;
        path.contains(NAME).then(|| tag.to_owned())
    });
    let version = label.or(tag).map(|it| Arc::from(it.trim_start_matches('v')));
    let words: Vec<&String> = containers.iter().flat_map(|it| it.command.iter().chain(&it.args)).collect();
    let gates = flag(&words, "feature-gates").unwrap_or_default();
    let namespace = flag(&words, "leader-election-namespace").unwrap_or(&it.metadata.namespace);
    let lease = ObjectName::new(namespace, flag(&words, "leader-election-id").unwrap_or(LEASE));
    let deployment = ControllerDeployment {
        name: ObjectName::new(&it.metadata.namespace, &it.metadata.name),
        desired: it.spec.replicas.unwrap_or(1),
        available: it.status.available_replicas,
        version,
        cluster_name: flag(&words, "cluster-name").filter(|it| !it.is_empty()).map(Arc::from),
        watches: flag(&words, "watch-namespace").filter(|it| !it.is_empty()).map(Arc::from),
        fails_open: !gates.split(',').any(|it| it.trim() == "EndpointsFailOpen=false"),
    };
    Some(Found { deployment, lease })
}

/// The value of a flag, in either form: `--name=value`, or `--name value` as two words. One dash counts as two.
fn flag<'a>(words: &[&'a String], name: &str) -> Option<&'a str> {
    let named =
        |word: &'a str| word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?.strip_prefix(name);
    words.iter().enumerate().find_map(|(at, word)| match named(word)? {
        "" => words.get(at + 1).map(|it| it.as_str()),
        rest => rest.strip_prefix('='),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_the_controller_count_in_both_forms() {
        let words = [
            "/controller",
            "--cluster-name",
            "prod",
            "--watch-namespace=shop",
            "--feature-gates=A=true,B=false",
        ];
        let words: Vec<String> = words.map(str::to_owned).to_vec();
        let words: Vec<&String> = words.iter().collect();
        assert_eq!(flag(&words, "cluster-name"), Some("prod"));
        assert_eq!(flag(&words, "watch-namespace"), Some("shop"));
        assert_eq!(flag(&words, "feature-gates"), Some("A=true,B=false"));
        assert_eq!(flag(&words, "cluster"), None);
    }
}
