//! One call to AWS, made under the budget: from what is asked about to what was learnt, or why not. The first page of an
//! answer is paid for by whoever asks, each further one here.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;

use super::budget::Buckets;
use super::clock::Clock;
use super::pace::AnswerKind;
use super::pace::Ask;
use super::pace::Next;
use super::pace::Pace;
use crate::aws::LoadBalancing;
use crate::aws::Session;
use crate::domain::facts::ec2::NetworkPart;
use crate::domain::facts::elb::Caller;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ListenerArn;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::operation::Operation;
use crate::domain::facts::pages::Pages;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Gone;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;
use crate::domain::inventory::follow::Role;
use crate::domain::inventory::needs::Identity;
use crate::domain::inventory::needs::Need;
use crate::domain::inventory::needs::Topic;
use crate::domain::inventory::needs::Urgency;

/// Where the Security Token Service is asked while no region is configured.
const SOMEWHERE: &str = "us-east-1";

/// Everything a call needs, cheap to clone.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) session: Session,
    pub(super) buckets: Buckets,
    /// Lets the SDK retry, for a caller that looks once.
    pub(super) patient: bool,
    pub(super) clock: Clock,
    /// Where it is told how far a look is.
    pub(super) reading: Option<watch::Sender<Reading>>,
}

/// How far a look is: of how many groups the health of the targets was asked for; of none yet while Kubernetes is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub read: usize,
    pub groups: usize,
}

/// What was learnt of one call, and how it ended.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) changes: Vec<Observation>,
    pub(super) outcome: AnswerKind,
}

/// What to do next.
pub(super) enum Turn {
    /// Make this call; it is paid for.
    Go(Ask),
    /// Nothing is due for so many milliseconds, or the budget of what is due is spent for so long.
    Wait { millis: i64, budget: Option<Duration> },
}

pub(super) type Roles = BTreeMap<TargetGroupArn, Role>;

impl Answer {
    fn learnt(change: Observation) -> Self {
        Self { changes: vec![change], outcome: AnswerKind::Answered }
    }

    /// Why a source could not be read; of what is not there, also that it is gone.
    fn failed(source: Source, failure: Failure, gone: Option<Gone>) -> Self {
        let outcome = outcome(&failure);
        let gone = gone.filter(|_| failure.kind == ErrorKind::NotFound).map(Observation::Gone);
        Self { changes: [Observation::Failed(source, failure)].into_iter().chain(gone).collect(), outcome }
    }

    /// The answer to a batch. What spoils it for the others is found by asking for ever fewer at once.
    fn of_batch<T: Clone>(
        answer: Result<Observation, Failure>,
        asked: &[T],
        source: fn(T) -> Source,
        gone: fn(T) -> Gone,
    ) -> Self {
        match answer {
            Ok(change) => Self::learnt(change),
            Err(failure) if failure.may_be_one_of_many() && asked.len() > 1 => {
                Self { changes: Vec::new(), outcome: AnswerKind::Spoiled }
            }
            Err(failure) if failure.kind == ErrorKind::NotFound => Self {
                changes: asked.first().cloned().map(|it| Observation::Gone(gone(it))).into_iter().collect(),
                outcome: AnswerKind::Refused,
            },
            Err(failure) => {
                let failed = |it: &T| Observation::Failed(source(it.clone()), failure.clone());
                Self { changes: asked.iter().map(failed).collect(), outcome: outcome(&failure) }
            }
        }
    }
}

fn outcome(failure: &Failure) -> AnswerKind {
    match failure.kind {
        ErrorKind::Throttled => AnswerKind::Throttled,
        ErrorKind::Denied | ErrorKind::NotFound => AnswerKind::Refused,
        _ => AnswerKind::Failed,
    }
}

/// Whose a group is, for a call about it alone.
fn of_group(arn: &TargetGroupArn, roles: &Roles) -> Identity {
    Identity {
        account: Some(arn.account().to_owned()),
        region: Some(arn.region().to_owned()),
        role: roles.get(arn).cloned(),
    }
}

fn of_load_balancer(arn: &LoadBalancerArn) -> Identity {
    Identity { account: Some(arn.account().to_owned()), region: Some(arn.region().to_owned()), role: None }
}

impl Asker {
    /// The most urgent that is due and whose budget has a call left. That call is taken from the budget only now, so
    /// that nothing less urgent that waits for it can come first.
    pub(super) fn turn(&self, pace: &Pace, needs: &[Need], now: Timestamp) -> Turn {
        let mut spent = BTreeSet::new();
        let mut budget: Option<Duration> = None;
        loop {
            match pace.next(needs, now, &spent) {
                Next::Wait(millis) => return Turn::Wait { millis, budget },
                Next::Ask(ask) => {
                    let region = self.region(&ask.identity);
                    match self.buckets.try_take(ask.identity.account.as_deref(), &region) {
                        Ok(()) => return Turn::Go(ask),
                        Err(wait) => {
                            spent.insert(ask.place());
                            budget = Some(budget.map_or(wait, |it| it.min(wait)));
                        }
                    }
                }
            }
        }
    }

    fn region(&self, identity: &Identity) -> String {
        let own = || self.session.region().unwrap_or_else(|| SOMEWHERE.to_owned());
        identity.region.clone().unwrap_or_else(own)
    }

    /// Waits for a call of the budget.
    async fn take(&self, identity: &Identity) {
        self.buckets.take(identity.account.as_deref(), &self.region(identity)).await;
    }

    fn client(&self, identity: &Identity) -> LoadBalancing {
        let role = identity.role.as_ref().map(|(role, external)| (role.as_str(), external.as_deref()));
        let client = self.session.client(&self.region(identity), role);
        if self.patient { client.patient() } else { client }
    }

    /// Makes a call that is paid for, and gives what was learnt or why not.
    pub(super) async fn perform(&self, ask: &Ask) -> Answer {
        let identity = &ask.identity;
        match ask.topics.first() {
            None => Answer { changes: Vec::new(), outcome: AnswerKind::Answered },
            Some(Topic::Caller) => match self.session.caller(&self.region(identity)).await {
                Ok(caller) => Answer::learnt(Observation::Caller(caller)),
                Err(failure) => Answer::failed(Source::Caller, failure, None),
            },
            Some(Topic::Discovery) => match self.discover(identity).await {
                Ok(groups) => Answer::learnt(Observation::AllGroups(groups)),
                Err(failure) => Answer::failed(Source::Groups, failure, None),
            },
            Some(Topic::Health(arn)) => self.health(arn, identity).await,
            Some(Topic::Attributes(arn)) => match self.client(identity).attributes(arn).await {
                Ok(attributes) => Answer::learnt(Observation::Attributes(arn.clone(), attributes)),
                Err(failure) => {
                    Answer::failed(Source::Attributes(arn.clone()), failure, Some(Gone::Group(arn.clone())))
                }
            },
            Some(Topic::Group(_)) => self.groups(ask).await,
            Some(Topic::Tags(_)) => self.tags(ask).await,
            Some(Topic::LoadBalancer(_)) => self.load_balancers(ask).await,
            Some(Topic::Network(_)) => self.network(ask).await,
            Some(Topic::Marks(_)) => self.marks(ask).await,
            Some(Topic::CrossZone(arn)) => match self.client(identity).cross_zone(arn).await {
                Ok(setting) => Answer::learnt(Observation::CrossZone(arn.clone(), setting)),
                // Without it a verdict says what it assumes.
                Err(failure) => Answer { changes: Vec::new(), outcome: outcome(&failure) },
            },
            Some(Topic::Listeners(arn)) => match self.listeners(arn, identity).await {
                Ok(listeners) => Answer::learnt(Observation::Listeners(arn.clone(), listeners)),
                Err(failure) if failure.kind == ErrorKind::NotFound => Answer {
                    changes: vec![Observation::Gone(Gone::LoadBalancer(arn.clone()))],
                    outcome: AnswerKind::Refused,
                },
                Err(failure) => Answer::failed(Source::Routes(arn.clone()), failure, None),
            },
            Some(Topic::Rules(arn, listener)) => match self.rules(listener, identity).await {
                Ok(rules) => Answer::learnt(Observation::Rules(arn.clone(), listener.clone(), rules)),
                // The listener was deleted; its load balancer is read again.
                Err(failure) if failure.kind == ErrorKind::NotFound => {
                    Answer { changes: Vec::new(), outcome: AnswerKind::Refused }
                }
                Err(failure) => Answer::failed(Source::Routes(arn.clone()), failure, None),
            },
        }
    }

    async fn health(&self, arn: &TargetGroupArn, identity: &Identity) -> Answer {
        match self.client(identity).targets(arn, self.clock.now()).await {
            Ok(targets) => Answer::learnt(Observation::Targets(arn.clone(), targets)),
            Err(failure) => {
                Answer::failed(Source::Targets(arn.clone()), failure, Some(Gone::Group(arn.clone())))
            }
        }
    }

    async fn groups(&self, ask: &Ask) -> Answer {
        let arns = of_groups(ask);
        let answer = self.client(&ask.identity).groups(&arns).await.map(Observation::Groups);
        Answer::of_batch(answer, &arns, Source::Group, Gone::Group)
    }

    async fn tags(&self, ask: &Ask) -> Answer {
        let arns = of_groups(ask);
        let answer = self.client(&ask.identity).tags(&arns).await.map(Observation::Tags);
        Answer::of_batch(answer, &arns, Source::Tags, Gone::Group)
    }

    async fn load_balancers(&self, ask: &Ask) -> Answer {
        let of = |it: &Topic| if let Topic::LoadBalancer(arn) = it { Some(arn.clone()) } else { None };
        let arns: Vec<LoadBalancerArn> = ask.topics.iter().filter_map(of).collect();
        let answer = self.client(&ask.identity).load_balancers(&arns).await;
        let answer = answer.map(Observation::LoadBalancers);
        Answer::of_batch(answer, &arns, Source::LoadBalancer, Gone::LoadBalancer)
    }

    /// Tags that say who made something; without them that is not said.
    async fn marks(&self, ask: &Ask) -> Answer {
        let of = |it: &Topic| if let Topic::Marks(arn) = it { Some(arn.to_string()) } else { None };
        let arns: Vec<String> = ask.topics.iter().filter_map(of).collect();
        match self.client(&ask.identity).marks(&arns).await {
            Ok(tags) => {
                let marks = tags.into_iter().map(|(arn, tags)| (arn.into(), tags)).collect();
                Answer::learnt(Observation::Marks(marks))
            }
            Err(failure) if failure.may_be_one_of_many() && arns.len() > 1 => {
                Answer { changes: Vec::new(), outcome: AnswerKind::Spoiled }
            }
            Err(failure) => Answer { changes: Vec::new(), outcome: outcome(&failure) },
        }
    }

    async fn network(&self, ask: &Ask) -> Answer {
        let of = |it: &Topic| if let Topic::Network(part) = it { Some(part.clone()) } else { None };
        let parts: Vec<NetworkPart> = ask.topics.iter().filter_map(of).collect();
        let identity = &ask.identity;
        let role = identity.role.as_ref().map(|(role, external)| (role.as_str(), external.as_deref()));
        let ec2 = self.session.ec2(&self.region(identity), role, self.patient);
        match ec2.read(&parts, &|| Box::pin(self.take(identity))).await {
            Ok(answer) => Answer::learnt(Observation::Network(answer)),
            Err(failure) => {
                let failed = |it: NetworkPart| Observation::Failed(Source::Network(it), failure.clone());
                Answer { outcome: outcome(&failure), changes: parts.into_iter().map(failed).collect() }
            }
        }
    }

    /// Follows the pages of an answer to their end. The first is paid for.
    async fn pages<T, F: Future<Output = Result<(Vec<T>, Option<String>), Failure>>>(
        &self,
        identity: &Identity,
        operation: Operation,
        page: impl Fn(LoadBalancing, Option<String>) -> F,
    ) -> Result<Vec<T>, Failure> {
        let mut pages = Pages::of_aws(operation.name());
        let mut found = Vec::new();
        let mut from = None;
        loop {
            let (some, next) = page(self.client(identity), from).await?;
            found.extend(some);
            from = pages.next(next)?;
            if from.is_none() {
                return Ok(found);
            }
            self.take(identity).await;
        }
    }

    async fn listeners(&self, arn: &LoadBalancerArn, identity: &Identity) -> Result<Vec<Listener>, Failure> {
        self.pages(identity, Operation::DescribeListeners, |client, from| {
            let arn = arn.clone();
            async move { client.listeners(&arn, from).await }
        })
        .await
    }

    async fn rules(&self, arn: &ListenerArn, identity: &Identity) -> Result<Vec<Rule>, Failure> {
        self.pages(identity, Operation::DescribeRules, |client, from| {
            let arn = arn.clone();
            async move { client.rules(&arn, from).await }
        })
        .await
    }

    /// All groups of the region, as `DescribeTargetGroups` pages them: never their health.
    async fn discover(&self, identity: &Identity) -> Result<Vec<TargetGroup>, Failure> {
        if self.session.region().is_none() {
            let operation = Operation::DescribeTargetGroups.name();
            let failure = Failure::new(operation, ErrorKind::Other, "no AWS region is configured");
            return Err(failure.with_hint("set --region or AWS_REGION"));
        }
        self.pages(identity, Operation::DescribeTargetGroups, |client, from| async move {
            client.page_of_groups(from).await
        })
        .await
    }
}

/// Calls made by themselves, not at anybody's pace: each waits for its own turn.
impl Asker {
    /// What is known of one topic now.
    async fn once(&self, topic: Topic, identity: Identity) -> Vec<Observation> {
        self.take(&identity).await;
        let ask = Ask { topics: vec![topic], identity, urgency: Urgency::First };
        Box::pin(self.perform(&ask)).await.changes
    }

    pub(super) async fn targets(&self, arn: &TargetGroupArn, roles: &Roles) -> Vec<Observation> {
        self.once(Topic::Health(arn.clone()), of_group(arn, roles)).await
    }

    pub(super) async fn attributes(&self, arn: &TargetGroupArn, roles: &Roles) -> Vec<Observation> {
        self.once(Topic::Attributes(arn.clone()), of_group(arn, roles)).await
    }

    /// Listeners with their rules, in whole.
    pub(super) async fn routes(&self, arn: &LoadBalancerArn) -> Observation {
        let identity = of_load_balancer(arn);
        let answer = async {
            self.take(&identity).await;
            let mut listeners = self.listeners(arn, &identity).await?;
            let kind = LoadBalancerKind::of(arn);
            for listener in listeners.iter_mut().filter(|_| kind != LoadBalancerKind::Gateway) {
                self.take(&identity).await;
                match self.rules(&listener.arn, &identity).await {
                    Ok(rules) => listener.rules = rules,
                    // The protocol of a network load balancer's listener may have none; there is its default action.
                    Err(it)
                        if kind == LoadBalancerKind::Network
                            && it.message.starts_with("UnsupportedProtocol") => {}
                    Err(it) => return Err(it),
                }
            }
            Ok::<_, Failure>(listeners)
        };
        match answer.await {
            Ok(listeners) => Observation::Routes(arn.clone(), listeners),
            Err(failure) => Observation::Failed(Source::Routes(arn.clone()), failure),
        }
    }

    /// A group of the configured region by its name.
    pub(super) async fn named(&self, name: &str) -> Result<Option<TargetGroup>, Failure> {
        if self.session.region().is_none() {
            return Ok(None);
        }
        let identity = Identity::default();
        self.take(&identity).await;
        self.client(&identity).group_named(name).await
    }

    /// Whether a part of the network may be read; that it does not exist is an answer.
    pub(super) async fn try_network(&self, part: NetworkPart) -> Result<(), Failure> {
        let identity = Identity::default();
        self.take(&identity).await;
        let ec2 = self.session.ec2(&self.region(&identity), None, self.patient);
        match ec2.read(&[part], &|| Box::pin(self.take(&identity))).await {
            Err(failure) if failure.kind != ErrorKind::NotFound => Err(failure),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Who we are.
    pub(super) async fn caller(&self) -> Result<Caller, Failure> {
        let identity = Identity::default();
        self.take(&identity).await;
        self.session.caller(&self.region(&identity)).await
    }

    /// The client for one call in the configured region, once its turn has come.
    pub(super) async fn own_client(&self) -> LoadBalancing {
        let identity = Identity::default();
        self.take(&identity).await;
        self.client(&identity)
    }
}

fn of_groups(ask: &Ask) -> Vec<TargetGroupArn> {
    let of = |it: &Topic| match it {
        Topic::Group(arn) | Topic::Tags(arn) => Some(arn.clone()),
        _ => None,
    };
    ask.topics.iter().filter_map(of).collect()
}
