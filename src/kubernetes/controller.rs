//! What can be read of the AWS Load Balancer Controller itself: its Deployment, lease, webhook service and
//! webhook configurations. Read now and then, not watched: a lease is renewed every two seconds, and each
//! renewal would wake us.

use std::sync::Arc;

use kube::Api;
use kube::api::ListParams;

use super::connect::Cluster;
use super::error;
use super::guard::Raw;
use super::kinds;
use super::read;
use super::wire;
use crate::domain::facts::cluster::ControllerDeployment;
use crate::domain::facts::cluster::ControllerSigns;
use crate::domain::facts::cluster::GATED;
use crate::domain::facts::cluster::LeaseState;
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
        let deployment = self.deployment().await;
        let namespace = match &deployment {
            Ok(Some(found)) => found.name.namespace.clone(),
            _ => NAMESPACE.to_owned(),
        };
        let (lease, webhook, configured) = tokio::join!(
            self.lease(&namespace),
            self.webhook_endpoints(&namespace),
            self.webhook_configured()
        );
        let signs = ControllerSigns {
            kind_served: Some(served.contains(&BindingApi::LoadBalancerController)),
            deployment: deployment.ok(),
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
        let namespaces = kinds::named("", "v1", "Namespace", "namespaces");
        let text = self.one(&namespaces, None, namespace).await.ok()??;
        let read: wire::Workload = read::decode(&text).ok()?;
        let gated = read.metadata.labels.get(GATED).is_some_and(|it| &**it == "enabled");
        Some(Observation::Gated { cluster: self.id().clone(), namespace: namespace.to_owned(), gated })
    }

    async fn deployment(&self) -> Result<Option<ControllerDeployment>, Failure> {
        let deployments = kinds::named("apps", "v1", "Deployment", "deployments");
        if let Ok(Some(text)) = self.one(&deployments, Some(NAMESPACE), NAME).await {
            return Ok(controller_deployment(&text));
        }
        // A release of another name or namespace carries the chart's label.
        let api: Api<Raw> = self.api_of(&deployments, None);
        let params = ListParams::default().labels(&format!("app.kubernetes.io/name={NAME}"));
        let list = self.patiently("list deployments", || api.list(&params)).await?;
        let list = list.map_err(|it| error::named("list", "deployments", &it))?;
        Ok(list.items.first().and_then(|it| controller_deployment(&it.text)))
    }

    async fn lease(&self, namespace: &str) -> Result<Option<LeaseState>, Failure> {
        let leases = kinds::named("coordination.k8s.io", "v1", "Lease", "leases");
        let text = self.one(&leases, Some(namespace), LEASE).await?;
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
        let list = list.map_err(|it| error::named("list", "endpointslices", &it))?;
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

fn controller_deployment(json: &str) -> Option<ControllerDeployment> {
    let it: wire::Workload = read::decode(json).ok()?;
    let label = it.metadata.labels.get("app.kubernetes.io/version").cloned();
    let containers = &it.spec.template.spec.containers;
    let tag = containers.iter().filter_map(|it| it.image.as_ref()).find_map(|image| {
        let (path, tag) = image.split('@').next()?.rsplit_once(':')?;
        path.contains(NAME).then(|| tag.to_owned())
    });
    let version = label.or(tag).map(|it| Arc::from(it.trim_start_matches('v')));
    let flags = containers.iter().flat_map(|it| it.args.iter().chain(&it.command));
    let cluster_name = flags.into_iter().find_map(|it| it.strip_prefix("--cluster-name=").map(Arc::from));
    Some(ControllerDeployment {
        name: ObjectName::new(&it.metadata.namespace, &it.metadata.name),
        desired: it.spec.replicas.unwrap_or(1),
        available: it.status.available_replicas,
        version,
        cluster_name,
    })
}
