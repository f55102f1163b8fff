//! The action of one rule, read as it is just now: in domain types, and as AWS gave it, to be sent again with other
//! weights. Tags of whatever it belongs to.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::Action;
use aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum;
use aws_sdk_elasticloadbalancingv2::types::TargetGroupTuple;

use super::calls::AT_ONCE;
use super::calls::LoadBalancing;
use super::calls::ask;
use super::read;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::operation::Operation;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::weights::Tags;

impl LoadBalancing {
    /// The listener of a place with that one rule of it.
    #[tracing::instrument(skip_all, fields(place = place.short), err(level = "warn"))]
    pub async fn action(&self, place: &Place) -> Result<Listener, Failure> {
        let (rule, _) = self.actions(place).await?;
        Ok(Listener {
            arn: place.listener.clone(),
            load_balancer: place.load_balancer.clone(),
            protocol: None,
            port: None,
            rules: vec![rule],
        })
    }

    /// The rule of a place, and its actions as AWS gave them.
    pub(super) async fn actions(&self, place: &Place) -> Result<(Rule, Vec<Action>), Failure> {
        let gone = |operation: Operation| {
            Failure::new(operation.name(), ErrorKind::NotFound, &format!("{} is not there", place.name))
        };
        if let Some(arn) = &place.rule {
            let call = self.impatient().describe_rules().rule_arns(arn.as_str());
            let answer = ask!(self, Operation::DescribeRules, call)?;
            let found = answer.rules().first().ok_or_else(|| gone(Operation::DescribeRules))?;
            return Ok((read::rule(found), found.actions().to_vec()));
        }
        let call = self.impatient().describe_listeners().listener_arns(place.listener.as_str());
        let answer = ask!(self, Operation::DescribeListeners, call)?;
        let found = answer.listeners().first();
        let listener = found.and_then(|it| read::listener(&place.load_balancer, it));
        let rule = listener.and_then(|it| it.rules.into_iter().next());
        match (rule, found) {
            (Some(rule), Some(found)) => Ok((rule, found.default_actions().to_vec())),
            _ => Err(gone(Operation::DescribeListeners)),
        }
    }

    /// Tags of load balancers, listeners and rules.
    #[tracing::instrument(skip_all, fields(n_resources = arns.len()), err(level = "warn"))]
    pub(crate) async fn marks(&self, arns: &[String]) -> Result<Tags, Failure> {
        let mut tags = Tags::new();
        for batch in arns.chunks(AT_ONCE) {
            let call = self.impatient().describe_tags().set_resource_arns(Some(batch.to_vec()));
            let answer = ask!(self, Operation::DescribeTags, call)?;
            for it in answer.tag_descriptions() {
                let pairs = it.tags().iter();
                let pairs = pairs
                    .filter_map(|it| Some((it.key()?.to_owned(), it.value().unwrap_or_default().to_owned())));
                tags.extend(it.resource_arn().map(|arn| (arn.to_owned(), pairs.collect::<BTreeMap<_, _>>())));
            }
        }
        Ok(tags)
    }
}

/// The same actions with other weights. What AWS does not give back (the secret of a login) it keeps.
pub(super) fn weighed(actions: Vec<Action>, to: &[Forward]) -> Vec<Action> {
    actions
        .into_iter()
        .map(|mut action| {
            if let Some(login) = action.authenticate_oidc_config.as_mut() {
                login.client_secret = None;
                login.use_existing_client_secret = Some(true);
            }
            if action.r#type() == Some(&ActionTypeEnum::Forward) {
                let groups = to.iter().map(|it| {
                    TargetGroupTuple::builder()
                        .target_group_arn(it.group.as_str())
                        .weight(i32::try_from(it.weight).unwrap_or(i32::MAX))
                        .build()
                });
                let mut config = action.forward_config.take().unwrap_or_else(|| {
                    aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig::builder().build()
                });
                config.target_groups = Some(groups.collect());
                action.forward_config = Some(config);
                // Beside several groups AWS takes no single one.
                action.target_group_arn = None;
            }
            action
        })
        .collect()
}
