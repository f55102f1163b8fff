//! The reads, one function each: domain types in, domain types or a failure out.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::DescribeTargetHealthInputIncludeEnum;

use super::identity::Identity;
use super::read;
use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::operation::Operation;
use crate::domain::facts::time::Timestamp;

/// Groups, load balancers or resources whose tags one call may ask for (ELBv2 refuses more).
pub const AT_ONCE: usize = 20;
/// The largest page ELBv2 gives.
const PAGE: i32 = 400;

/// A part of an answer, and where the next one starts.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

/// Elastic Load Balancing of one region, as one identity.
#[derive(Clone, Debug)]
pub struct LoadBalancing {
    client: Client,
    /// Retries by itself, for callers without a pace of their own.
    patient: Client,
    identity: Arc<Identity>,
    retries: bool,
}

/// Makes a call once there are credentials for it.
macro_rules! ask {
    ($self:ident, $operation:expr, $call:expr) => {{
        $self.identity().ready($operation).await?;
        $call.send().await.map_err(|it| $self.identity().heard($crate::aws::error::failure($operation, &it)))
    }};
}
pub(super) use ask;

impl LoadBalancing {
    pub(super) fn new(client: Client, patient: Client, identity: Arc<Identity>) -> Self {
        Self { client, patient, identity, retries: false }
    }

    /// The same, with the SDK's standard retries.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.retries = true;
        self
    }

    /// The client that never repeats a call.
    pub(super) fn impatient(&self) -> &Client {
        &self.client
    }

    pub(super) fn shared_identity(&self) -> Arc<Identity> {
        self.identity.clone()
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    fn client(&self) -> &Client {
        match self.retries {
            true => &self.patient,
            false => &self.client,
        }
    }

    /// Groups by ARN, at most twenty a call. One that does not exist fails the call.
    #[tracing::instrument(skip_all, fields(n_groups = arns.len()), err(level = "warn"))]
    pub async fn groups(&self, arns: &[TargetGroupArn]) -> Result<Vec<TargetGroup>, Failure> {
        let arns = arns.iter().map(ToString::to_string).collect();
        let call = self.client().describe_target_groups().set_target_group_arns(Some(arns));
        let answer = ask!(self, Operation::DescribeTargetGroups, call)?;
        Ok(answer.target_groups().iter().filter_map(read::group).collect())
    }

    /// A group by its name.
    #[tracing::instrument(skip_all, fields(name), err(level = "warn"))]
    pub async fn group_named(&self, name: &str) -> Result<Option<TargetGroup>, Failure> {
        let answer =
            ask!(self, Operation::DescribeTargetGroups, self.client().describe_target_groups().names(name))?;
        Ok(answer.target_groups().iter().find_map(read::group))
    }

    /// One page of all groups of the region, and where the next one starts.
    #[tracing::instrument(skip_all, err(level = "warn"))]
    pub async fn page_of_groups(&self, from: Option<String>) -> Result<Page<TargetGroup>, Failure> {
        let call = self.client().describe_target_groups().page_size(PAGE).set_marker(from);
        let answer = ask!(self, Operation::DescribeTargetGroups, call)?;
        let next = answer.next_marker().filter(|it| !it.is_empty()).map(str::to_owned);
        Ok((answer.target_groups().iter().filter_map(read::group).collect(), next))
    }

    /// All registered targets with their health, as asked for at `asked`.
    #[tracing::instrument(skip_all, fields(group = arn.name()), err(level = "warn"))]
    pub async fn targets(&self, arn: &TargetGroupArn, asked: Timestamp) -> Result<Targets, Failure> {
        let call = self
            .client()
            .describe_target_health()
            .target_group_arn(arn.as_str())
            .include(DescribeTargetHealthInputIncludeEnum::All);
        let answer = ask!(self, Operation::DescribeTargetHealth, call)?;
        let descriptions = answer.target_health_descriptions();
        let targets: Vec<_> = descriptions.iter().filter_map(read::target).collect();
        let unreadable = u32::try_from(descriptions.len() - targets.len()).unwrap_or(u32::MAX);
        Ok(Targets { targets, asked, unreadable })
    }

    #[tracing::instrument(skip_all, fields(group = arn.name()), err(level = "warn"))]
    pub async fn attributes(&self, arn: &TargetGroupArn) -> Result<Attributes, Failure> {
        let call = self.client().describe_target_group_attributes().target_group_arn(arn.as_str());
        let answer = ask!(self, Operation::DescribeTargetGroupAttributes, call)?;
        let pairs =
            answer.attributes().iter().filter_map(|it| Some((it.key()?.to_owned(), it.value()?.to_owned())));
        Ok(Attributes(pairs.collect()))
    }

    /// Tags of groups, at most twenty a call. One that does not exist fails the call.
    #[tracing::instrument(skip_all, fields(n_groups = arns.len()), err(level = "warn"))]
    pub async fn tags(
        &self,
        arns: &[TargetGroupArn],
    ) -> Result<Vec<(TargetGroupArn, BTreeMap<String, String>)>, Failure> {
        let call = self
            .client()
            .describe_tags()
            .set_resource_arns(Some(arns.iter().map(ToString::to_string).collect()));
        let answer = ask!(self, Operation::DescribeTags, call)?;
        Ok(answer.tag_descriptions().iter().filter_map(read::tags).collect())
    }

    /// Load balancers by ARN, at most twenty a call. One that does not exist fails the call.
    #[tracing::instrument(skip_all, fields(n_load_balancers = arns.len()), err(level = "warn"))]
    pub async fn load_balancers(&self, arns: &[LoadBalancerArn]) -> Result<Vec<LoadBalancer>, Failure> {
        let arns = arns.iter().map(|it| it.as_str().to_owned()).collect();
        let call = self.client().describe_load_balancers().set_load_balancer_arns(Some(arns));
        let answer = ask!(self, Operation::DescribeLoadBalancers, call)?;
        Ok(answer.load_balancers().iter().filter_map(read::load_balancer).collect())
    }

    /// Whether a load balancer's own setting has cross-zone load balancing on.
    #[tracing::instrument(skip_all, err(level = "warn"))]
    pub async fn cross_zone(&self, arn: &LoadBalancerArn) -> Result<Option<bool>, Failure> {
        let call = self.client().describe_load_balancer_attributes().load_balancer_arn(arn.as_str());
        let answer = ask!(self, Operation::DescribeLoadBalancerAttributes, call)?;
        let of = |it: &&aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute| {
            it.key() == Some("load_balancing.cross_zone.enabled")
        };
        Ok(answer.attributes().iter().find(of).and_then(|it| it.value()).map(|it| it == "true"))
    }

    /// One page of the listeners of a load balancer, each with its default action as its only rule, and where the next
    /// page starts.
    #[tracing::instrument(skip_all, err(level = "warn"))]
    pub async fn listeners(
        &self,
        arn: &LoadBalancerArn,
        from: Option<String>,
    ) -> Result<Page<Listener>, Failure> {
        let call = self.client().describe_listeners().load_balancer_arn(arn.as_str());
        let answer = ask!(self, Operation::DescribeListeners, call.set_marker(from))?;
        let listeners = answer.listeners().iter().filter_map(|it| read::listener(arn, it)).collect();
        Ok((listeners, answer.next_marker().filter(|it| !it.is_empty()).map(str::to_owned)))
    }

    /// One page of the rules of a listener of an application load balancer, the default one included.
    #[tracing::instrument(skip_all, err(level = "warn"))]
    pub async fn rules(&self, arn: &ListenerArn, from: Option<String>) -> Result<Page<Rule>, Failure> {
        let call = self.client().describe_rules().listener_arn(arn.as_str()).set_marker(from);
        let answer = ask!(self, Operation::DescribeRules, call)?;
        Ok((
            answer.rules().iter().map(read::rule).collect(),
            answer.next_marker().filter(|it| !it.is_empty()).map(str::to_owned),
        ))
    }
}
