//! The writes: targets in and out of a group, never without their port, so many at once as one call takes; weights of a
//! rule. Called by `backend::apply` alone.

use aws_sdk_elasticloadbalancingv2::types::TargetDescription;

use super::calls::LoadBalancing;
use super::calls::ask;
use super::weights::weighed;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::operation::Operation;
use crate::domain::inventory::routes::Place;
use crate::domain::inventory::routes::told;
use crate::domain::plan::act::Arriving;

impl LoadBalancing {
    /// Registers at most `plan::equivalents::BATCH` targets. Asked once: whether it was heard is read back.
    #[tracing::instrument(skip_all, fields(group = arn.name(), n_targets = targets.len()), err(level = "warn"))]
    pub async fn register_batch(&self, arn: &TargetGroupArn, targets: &[Arriving]) -> Result<(), Failure> {
        let call = self
            .impatient()
            .register_targets()
            .target_group_arn(arn.as_str())
            .set_targets(Some(targets.iter().map(|it| description(it, true)).collect()));
        ask!(self, Operation::RegisterTargets, call).map(drop)
    }

    /// Deregisters at most `plan::equivalents::BATCH` targets.
    #[tracing::instrument(skip_all, fields(group = arn.name(), n_targets = targets.len()), err(level = "warn"))]
    pub async fn deregister_batch(&self, arn: &TargetGroupArn, targets: &[Arriving]) -> Result<(), Failure> {
        let call = self
            .impatient()
            .deregister_targets()
            .target_group_arn(arn.as_str())
            .set_targets(Some(targets.iter().map(|it| description(it, false)).collect()));
        ask!(self, Operation::DeregisterTargets, call).map(drop)
    }

    /// Gives the groups of an action other weights, if it still is as `from` says: everything of it is read again just
    /// before, and sent again as it was read.
    #[tracing::instrument(skip_all, fields(place = place.short), err(level = "warn"))]
    pub async fn shift(&self, place: &Place, from: &Rule, to: &[Forward]) -> Result<(), Failure> {
        let (rule, actions) = self.actions(place).await?;
        if !rule.sends_as(from) {
            let said = format!("{} was changed meanwhile: it sends {}", place.name, told(&rule.forwards));
            return Err(Failure::new("compare the actions", ErrorKind::Conflict, &said));
        }
        let actions = Some(weighed(actions, to));
        match &place.rule {
            None => {
                let call = self.impatient().modify_listener().listener_arn(place.listener.as_str());
                ask!(self, Operation::ModifyListener, call.set_default_actions(actions)).map(drop)
            }
            Some(arn) => {
                let call = self.impatient().modify_rule().rule_arn(arn.as_str());
                ask!(self, Operation::ModifyRule, call.set_actions(actions)).map(drop)
            }
        }
    }
}

/// A target as ELBv2 takes it. Without its port a target that was registered with one of its own is not found, and
/// the call succeeds without effect (API reference, DeregisterTargets and TargetDescription).
fn description(target: &Arriving, with_zone: bool) -> TargetDescription {
    let key = &target.key;
    let zone = target.zone.as_ref().filter(|_| with_zone).map(ToString::to_string);
    TargetDescription::builder()
        .id(key.id.to_string())
        .set_port((key.port > 0).then(|| i32::from(key.port)))
        .set_availability_zone(zone)
        .set_quic_server_id(key.quic_server_id.as_ref().map(ToString::to_string))
        .build()
}
