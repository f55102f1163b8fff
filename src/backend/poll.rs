//! The one task that asks AWS: it does what `pace` says, a few calls at a time, and changes on the answers.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::budget::Buckets;
use super::clock::Clock;
use super::pace::Ask;
use super::pace::Next;
use super::pace::Outcome;
use super::pace::Pace;
use super::teller::Teller;
use crate::aws::AT_ONCE;
use crate::aws::LoadBalancing;
use crate::aws::Session;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::follow::Follow;

/// Calls under way at once.
pub(super) const AT_A_TIME: usize = 4;

/// Everything a call needs, cheap to clone.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) session: Session,
    pub(super) buckets: Buckets,
    /// Lets the SDK retry, for a caller that looks once.
    pub(super) patient: bool,
    pub(super) clock: Clock,
}

/// Asks until the receiver of changes is gone.
pub(super) async fn poll(asker: Asker, mut follow: watch::Receiver<Follow>, changes: Teller) {
    let mut pace = Pace::default();
    let mut calls: JoinSet<Vec<Observation>> = JoinSet::new();
    let mut asked = BTreeMap::new();
    let mut kinds = BTreeMap::new();
    loop {
        let wish = follow.borrow_and_update().clone();
        let wait = match calls.len() < AT_A_TIME {
            true => pace.next(&wish, asker.clock.now()),
            false => Next::Wait(60_000),
        };
        let millis = match wait {
            Next::Ask(ask) => {
                let (asker, roles, known) = (asker.clone(), wish.roles.clone(), kinds.clone());
                let call = ask.clone();
                let task = calls.spawn(async move { asker.perform(&call, &roles, &known).await });
                asked.insert(task.id(), ask);
                continue;
            }
            Next::Wait(millis) => millis,
        };
        tokio::select! {
            Some(ended) = calls.join_next_with_id() => {
                let (id, answers) = match ended {
                    Ok(ended) => ended,
                    Err(error) => {
                        tracing::error!(%error, "a call to AWS ended badly");
                        let failure = Failure::new("ask AWS", ErrorKind::Other, "an internal error ended this call; see the log");
                        (error.id(), vec![Observation::Failed(Source::Groups, failure)])
                    }
                };
                let Some(ask) = asked.remove(&id) else { continue };
                learn(&mut pace, &mut kinds, (&ask, &answers), asker.clock.now());
                for change in answers {
                    if !changes.tell(change).await {
                        return;
                    }
                }
            }
            changed = follow.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(asker.clock.wait(millis.min(60_000))) => {}
        }
    }
}

fn learn(
    pace: &mut Pace,
    kinds: &mut BTreeMap<LoadBalancerArn, LoadBalancerKind>,
    (ask, answers): (&Ask, &[Observation]),
    now: Timestamp,
) {
    let failure = |it: &Observation| match it {
        Observation::Failed(_, failure) => Some(failure.kind),
        _ => None,
    };
    let kinds_of_failure: Vec<ErrorKind> = answers.iter().filter_map(failure).collect();
    let outcome = match kinds_of_failure.as_slice() {
        [] => Outcome::Answered,
        some if some.contains(&ErrorKind::Throttled) => Outcome::Throttled,
        _ => Outcome::Failed,
    };
    pace.ended(ask, outcome);
    if let (Ask::Groups(arns), Outcome::Answered) = (ask, outcome) {
        for arn in arns {
            pace.unreadable_group(arn, now);
        }
    }
    for change in answers {
        match change {
            Observation::Groups(groups) => {
                for it in groups {
                    pace.learnt_group(&it.arn, &it.load_balancers, now);
                }
                if *ask == Ask::Discover {
                    pace.candidates(groups.iter().map(|it| it.arn.clone()));
                }
            }
            Observation::LoadBalancers(found) => {
                for it in found {
                    kinds.insert(it.arn.clone(), it.kind);
                    pace.learnt_load_balancer(&it.arn, now);
                }
            }
            Observation::Targets(arn, targets) => {
                let healthy = targets.targets.iter().all(|it| it.health.state == HealthState::Healthy);
                pace.learnt_health(arn, healthy);
            }
            _ => {}
        }
    }
    if let (Ask::Tags(arns), Outcome::Answered) = (ask, outcome) {
        pace.learnt_tags(arns);
    }
}

type Roles = BTreeMap<TargetGroupArn, (String, Option<String>)>;

impl Asker {
    /// The client for a group, under the role its binding names.
    async fn client(&self, arn: &TargetGroupArn, roles: &Roles) -> LoadBalancing {
        self.buckets.take(Some(arn.account()), arn.region()).await;
        let role = roles.get(arn).map(|(role, external)| (role.as_str(), external.as_deref()));
        self.tempered(self.session.of(arn, role))
    }

    /// The client for a load balancer: its region and account stand in its ARN as in any other.
    async fn client_of(&self, arn: &LoadBalancerArn) -> LoadBalancing {
        self.buckets.take(Some(arn.account()), arn.region()).await;
        self.tempered(self.session.client(arn.region(), None))
    }

    /// The client for what is asked of a region without an ARN.
    async fn client_in(&self, region: &str) -> LoadBalancing {
        self.buckets.take(None, region).await;
        self.tempered(self.session.client(region, None))
    }

    fn tempered(&self, client: LoadBalancing) -> LoadBalancing {
        if self.patient { client.patient() } else { client }
    }

    /// Asks, and gives what was learnt or why not.
    pub(super) async fn perform(
        &self,
        ask: &Ask,
        roles: &Roles,
        kinds: &BTreeMap<LoadBalancerArn, LoadBalancerKind>,
    ) -> Vec<Observation> {
        match ask {
            Ask::Caller => vec![self.caller().await],
            Ask::Targets(arn) => vec![self.targets(arn, roles).await],
            Ask::Groups(arns) => self.groups(arns, roles).await,
            Ask::Attributes(arn) => vec![self.attributes(arn, roles).await],
            Ask::LoadBalancers(arns) => vec![self.load_balancers(arns).await],
            Ask::Routes(arn) => vec![self.routes(arn, kinds.get(arn).copied()).await],
            Ask::Discover => vec![self.discover().await],
            Ask::Tags(arns) => self.tags(arns, roles).await,
        }
    }

    async fn caller(&self) -> Observation {
        let region = self.session.region().unwrap_or_else(|| "us-east-1".to_owned());
        let answer = self.session.caller(&region).await;
        answer.map_or_else(|failure| Observation::Failed(Source::Caller, failure), Observation::Caller)
    }

    pub(super) async fn targets(&self, arn: &TargetGroupArn, roles: &Roles) -> Observation {
        let client = self.client(arn, roles).await;
        let answer = client.targets(arn, self.clock.now()).await;
        answer.map_or_else(
            |failure| Observation::Failed(Source::Targets(arn.clone()), failure),
            |targets| Observation::Targets(arn.clone(), targets),
        )
    }

    pub(super) async fn attributes(&self, arn: &TargetGroupArn, roles: &Roles) -> Observation {
        let answer = self.client(arn, roles).await.attributes(arn).await;
        answer.map_or_else(
            |failure| Observation::Failed(Source::Attributes(arn.clone()), failure),
            |attributes| Observation::Attributes(arn.clone(), attributes),
        )
    }

    /// Groups of several regions or roles, each asked for where it lives; a group that is gone costs itself.
    async fn groups(&self, arns: &[TargetGroupArn], roles: &Roles) -> Vec<Observation> {
        let mut places = BTreeMap::<(String, Option<&(String, Option<String>)>), Vec<TargetGroupArn>>::new();
        for arn in arns {
            places.entry((arn.region().to_owned(), roles.get(arn))).or_default().push(arn.clone());
        }
        let mut changes = Vec::new();
        for batch in places.into_values() {
            for batch in batch.chunks(AT_ONCE) {
                let Some(first) = batch.first() else { continue };
                match self.client(first, roles).await.groups(batch).await {
                    Ok(groups) => changes.push(Observation::Groups(groups)),
                    Err(failure) if failure.kind == ErrorKind::NotFound && batch.len() > 1 => {
                        for one in batch {
                            let answer =
                                self.client(one, roles).await.groups(std::slice::from_ref(one)).await;
                            changes.extend(answer.map(Observation::Groups));
                        }
                    }
                    Err(failure) if failure.kind == ErrorKind::NotFound => {
                        tracing::info!(group = %first, "the group is gone");
                    }
                    Err(failure) => changes.push(Observation::Failed(Source::Groups, failure)),
                }
            }
        }
        changes
    }

    async fn load_balancers(&self, arns: &[LoadBalancerArn]) -> Observation {
        let mut places = BTreeMap::<String, Vec<LoadBalancerArn>>::new();
        for arn in arns {
            places.entry(arn.region().to_owned()).or_default().push(arn.clone());
        }
        let mut found = Vec::new();
        for batch in places.values().flat_map(|it| it.chunks(AT_ONCE)) {
            let Some(first) = batch.first() else { continue };
            match self.client_of(first).await.load_balancers(batch).await {
                Ok(mut some) => {
                    for it in some.iter_mut().filter(|it| it.kind == LoadBalancerKind::Network) {
                        it.cross_zone =
                            self.client_of(&it.arn).await.cross_zone(&it.arn).await.ok().flatten();
                    }
                    found.extend(some);
                }
                Err(failure) => return Observation::Failed(Source::LoadBalancers, failure),
            }
        }
        Observation::LoadBalancers(found)
    }

    /// Listeners with their rules. Only application load balancers have rules beside the default action.
    pub(super) async fn routes(&self, arn: &LoadBalancerArn, kind: Option<LoadBalancerKind>) -> Observation {
        let answer = async {
            let mut listeners: Vec<Listener> = self.client_of(arn).await.listeners(arn).await?;
            if kind.unwrap_or(LoadBalancerKind::Application) == LoadBalancerKind::Application {
                for listener in &mut listeners {
                    listener.rules = self.client_of(arn).await.rules(&listener.arn).await?;
                }
            }
            Ok::<_, Failure>(listeners)
        };
        match answer.await {
            Ok(listeners) => Observation::Routes(arn.clone(), listeners),
            Err(failure) => Observation::Failed(Source::Routes(arn.clone()), failure),
        }
    }

    /// All groups of the region, as `DescribeTargetGroups` pages them: never their health.
    pub(super) async fn discover(&self) -> Observation {
        let Some(region) = self.session.region() else {
            let failure =
                Failure::new("DescribeTargetGroups", ErrorKind::Other, "no AWS region is configured");
            return Observation::Failed(Source::Groups, failure.with_hint("set --region or AWS_REGION"));
        };
        let mut found: Vec<TargetGroup> = Vec::new();
        let mut from = None;
        loop {
            match self.client_in(&region).await.page_of_groups(from).await {
                Ok((page, next)) => {
                    found.extend(page);
                    from = next;
                }
                Err(failure) => return Observation::Failed(Source::Groups, failure),
            }
            if from.is_none() {
                return Observation::Groups(found);
            }
        }
    }

    /// A group of the configured region by its name.
    pub(super) async fn named(&self, name: &str) -> Result<Option<TargetGroup>, Failure> {
        let Some(region) = self.session.region() else { return Ok(None) };
        self.client_in(&region).await.group_named(name).await
    }

    pub(super) async fn tags(&self, arns: &[TargetGroupArn], roles: &Roles) -> Vec<Observation> {
        let regions: BTreeSet<&str> = arns.iter().map(TargetGroupArn::region).collect();
        let mut changes = Vec::new();
        for region in regions {
            let here: Vec<TargetGroupArn> = arns.iter().filter(|it| it.region() == region).cloned().collect();
            for batch in here.chunks(AT_ONCE) {
                let Some(first) = batch.first() else { continue };
                let answer = self.client(first, roles).await.tags(batch).await;
                changes.push(
                    answer
                        .map_or_else(|failure| Observation::Failed(Source::Tags, failure), Observation::Tags),
                );
            }
        }
        changes
    }
}
