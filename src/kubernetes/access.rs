//! Who we are for a cluster, and what we may do there: the reviews every user may ask for.

use futures::StreamExt;
use futures::stream;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReviewSpec;
use kube::Api;
use kube::api::PostParams;

use super::connect::Cluster;
use crate::domain::facts::access::Verb;
use crate::domain::facts::failure::Failure;

/// Questions under way at once.
const AT_A_TIME: usize = 6;

impl Cluster {
    /// The name the API server knows us by.
    pub(crate) async fn user(&self) -> Result<String, Failure> {
        let api: Api<SelfSubjectReview> = Api::all(self.client().clone());
        let (params, review) = (PostParams::default(), SelfSubjectReview::default());
        let answer = self.once("create selfsubjectreviews", api.create(&params, &review)).await?;
        let answer = answer.map_err(|it| self.failed("create", "selfsubjectreviews", &it))?;
        Ok(answer.status.and_then(|it| it.user_info).and_then(|it| it.username).unwrap_or_default())
    }

    /// Which of these one may do, each in its namespace or (`None`) for the whole cluster, to one object or to all.
    /// What is not answered is left out.
    pub(crate) async fn allowed(
        &self,
        verbs: Vec<(Verb, Option<String>, Option<String>)>,
    ) -> Vec<(Verb, bool)> {
        let mut asked = Vec::new();
        for (verb, namespace, name) in verbs {
            asked.push(self.may(verb, namespace, name));
        }
        let answers: Vec<Option<(Verb, bool)>> =
            stream::iter(asked).buffer_unordered(AT_A_TIME).collect().await;
        answers.into_iter().flatten().collect()
    }

    async fn may(&self, verb: Verb, namespace: Option<String>, name: Option<String>) -> Option<(Verb, bool)> {
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client().clone());
        let (resource, subresource) = match verb.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (verb.resource.as_str(), None),
        };
        let attributes = ResourceAttributes {
            verb: Some(verb.name.clone()),
            group: Some(verb.group.clone()),
            resource: Some(resource.to_owned()),
            subresource,
            namespace,
            name,
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let params = PostParams::default();
        let answer = self.once("create selfsubjectaccessreviews", api.create(&params, &review)).await;
        let status = answer.ok()?.ok()?.status?;
        Some((verb, status.allowed))
    }
}
