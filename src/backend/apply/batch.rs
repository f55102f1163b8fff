//! Writes to AWS under its budget: weights of a rule; targets in and out, in calls of so many as ELBv2 takes. A batch
//! that fails in the middle says exactly what was done before it; only a call that AWS did not even take in is made
//! again.

use std::sync::Arc;

use crate::aws::LoadBalancing;
use crate::backend::ask::Asker;
use crate::backend::link::Linked;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::act::Role;
use crate::domain::plan::equivalents::BATCH;

/// How often a throttled call is made.
const TRIES: u32 = 5;
/// Milliseconds to leave AWS alone after a throttled call.
const REST: i64 = 2_000;
/// How many refusals about zones are followed in one call's worth of targets.
const ZONES: usize = BATCH;

pub(super) struct Batch<'a> {
    pub(super) linked: &'a Linked,
    pub(super) group: &'a TargetGroupArn,
    pub(super) role: &'a Role,
}

impl Batch<'_> {
    pub(super) async fn register(&self, targets: &[Arriving]) -> Result<(), Failure> {
        for (index, batch) in targets.chunks(BATCH).enumerate() {
            let mut batch = batch.to_vec();
            let mut answer = self.call(|client| client.register(batch.clone())).await;
            let mut tries = 0;
            // AWS refuses the whole call and names an address whose zone has to be sent, or must not be; the controller
            // finds that out beforehand, from the ranges of the VPC, which we may not read.
            while let Err(failure) = &answer
                && tries < ZONES
                && correct(&mut batch, &failure.message)
            {
                tries += 1;
                answer = self.call(|client| client.register(batch.clone())).await;
            }
            answer.map_err(|it| partly(it, "registered", index, targets.len()))?;
        }
        Ok(())
    }

    pub(super) async fn deregister(&self, targets: &[Arriving]) -> Result<(), Failure> {
        for (index, batch) in targets.chunks(BATCH).enumerate() {
            let answer = self.call(|client| client.deregister(batch.to_vec())).await;
            answer.map_err(|it| partly(it, "deregistered", index, targets.len()))?;
        }
        Ok(())
    }

    /// A call under the budget; made again only where it was throttled, which says that nothing was done.
    async fn call<F: Future<Output = Result<(), Failure>>>(
        &self,
        call: impl Fn(Caller) -> F,
    ) -> Result<(), Failure> {
        let asker = &self.linked.asker;
        let role = self.role.as_ref().map(|(role, external)| (role.as_str(), external.as_deref()));
        let client = Caller { client: asker.session.of(self.group, role), group: self.group.clone() };
        budgeted(asker, (self.group.account(), self.group.region()), 1, || call(client.clone())).await
    }
}

/// So many calls under the budget of an account and region; made again only where they were throttled.
async fn budgeted<F: Future<Output = Result<(), Failure>>>(
    asker: &Asker,
    (account, region): (&str, &str),
    calls: u32,
    call: impl Fn() -> F,
) -> Result<(), Failure> {
    let mut tries = 1;
    loop {
        for _ in 0..calls {
            asker.buckets.take(Some(account), region).await;
        }
        match call().await {
            Err(failure) if failure.kind == ErrorKind::Throttled && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(asker.clock.wait(REST)).await;
            }
            answer => return answer,
        }
    }
}

/// Weights of an action; made again only where the call was throttled, after comparing again.
pub(super) async fn shift(
    linked: &Linked,
    place: &Place,
    from: &Rule,
    to: &[Forward],
) -> Result<(), Failure> {
    let asker = &linked.asker;
    let balancer = &place.load_balancer;
    let client = asker.session.client(balancer.region(), None);
    // It is read, and then written.
    budgeted(asker, (balancer.account(), balancer.region()), 2, || client.shift(place, from, to)).await
}

/// A client with the group it is for.
#[derive(Clone)]
struct Caller {
    client: LoadBalancing,
    group: TargetGroupArn,
}

impl Caller {
    async fn register(self, targets: Vec<Arriving>) -> Result<(), Failure> {
        self.client.register_batch(&self.group, &targets).await
    }

    async fn deregister(self, targets: Vec<Arriving>) -> Result<(), Failure> {
        self.client.deregister_batch(&self.group, &targets).await
    }
}

/// Sends `all` for the address a refusal asks it for, or for none any more. False: it is about something else, or
/// nothing changed.
fn correct(batch: &mut [Arriving], message: &str) -> bool {
    if !message.contains("Availability Zone") {
        return false;
    }
    let inside = message.contains("within the VPC") || message.contains("overridden");
    let zone = if inside { None } else { Some(Arc::from("all")) };
    let quoted: Vec<&str> = message.split('\'').skip(1).step_by(2).collect();
    let named = |it: &Arriving| quoted.contains(&it.key.id.to_string().as_str());
    let any = batch.iter().any(named);
    let mut changed = false;
    for target in batch.iter_mut().filter(|it| !any || named(it)) {
        changed |= target.zone != zone;
        target.zone.clone_from(&zone);
    }
    changed
}

/// What of several batches was done before one failed.
fn partly(mut failure: Failure, done: &str, batches: usize, all: usize) -> Failure {
    if all > BATCH {
        let n = batches * BATCH;
        let this = BATCH.min(all - n);
        let rest = match failure.kind {
            ErrorKind::Unreachable | ErrorKind::Unreadable if all - n > this => {
                format!("{this} got no answer, {} were not asked for", all - n - this)
            }
            ErrorKind::Unreachable | ErrorKind::Unreadable => format!("{this} got no answer"),
            _ => format!("{} were not", all - n),
        };
        failure.message = format!("{} ({n} of {all} were {done} before, {rest})", failure.message);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::ids::TargetId;
    use crate::domain::facts::ids::TargetKey;

    fn batch() -> Vec<Arriving> {
        let target =
            |id: &str| Arriving { key: TargetKey::new(TargetId::read(id), 80), zone: None, pod: None };
        vec![target("10.0.0.1"), target("192.168.0.1")]
    }

    fn zones(batch: &[Arriving]) -> Vec<Option<&str>> {
        batch.iter().map(|it| it.zone.as_deref()).collect()
    }

    #[test]
    fn the_zone_is_corrected_by_what_aws_says_of_which_address() {
        for said in [
            "ValidationError: You must specify a valid Availability Zone or select 'all' for the IP address since the IP address '192.168.0.1' is outside the VPC",
            "The Availability Zone is required for IP address '192.168.0.1' because it is not in the VPC",
        ] {
            let mut all = batch();
            assert!(correct(&mut all, said));
            assert_eq!(zones(&all), [None, Some("all")], "{said}");
            assert!(!correct(&mut all, said), "what was sent so is not sent again");
        }
        let mut all = batch();
        all[0].zone = Some("all".into());
        let said = "IP address '10.0.0.1' is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'us-west-2a'";
        assert!(correct(&mut all, said));
        assert_eq!(zones(&all), [None, None]);
        assert!(!correct(&mut all, "TargetGroupNotFound: One or more target groups not found"));
    }
}
