//! Targets in and out, in calls of so many as ELBv2 takes. A batch that fails in the middle says exactly what was done
//! before it; only a call that AWS did not even take in is made again.

use crate::aws::LoadBalancing;
use crate::backend::Linked;
use crate::domain::failure::ErrorKind;
use crate::domain::failure::Failure;
use crate::domain::ids::TargetGroupArn;
use crate::domain::plan::Arriving;
use crate::domain::plan::Role;
use crate::domain::plan::equivalents::BATCH;

/// How often a throttled call is made.
const TRIES: u32 = 5;
/// Milliseconds to leave AWS alone after a throttled call.
const REST: i64 = 2_000;

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
            // AWS says so where an address is outside of the group's VPC; the controller sends `all` then too.
            if let Err(failure) = &answer
                && failure.message.contains("Availability Zone of 'all'")
            {
                for target in &mut batch {
                    target.zone = Some("all".into());
                }
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
        let mut tries = 1;
        loop {
            asker.buckets.take(Some(self.group.account()), self.group.region()).await;
            match call(client.clone()).await {
                Err(failure) if failure.kind == ErrorKind::Throttled && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(asker.clock.wait(REST)).await;
                }
                answer => return answer,
            }
        }
    }
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

/// What of several batches was done before one failed.
fn partly(mut failure: Failure, done: &str, batches: usize, all: usize) -> Failure {
    if all > BATCH {
        let n = batches * BATCH;
        failure.message =
            format!("{} ({n} of {all} were {done} before, {} were not)", failure.message, all - n);
    }
    failure
}
