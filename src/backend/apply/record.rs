//! What the audit log gets to know of a running plan: who, where, what was asked, what was so before and after.

use super::job::Job;
use crate::audit::Claim;
use crate::audit::LogError;
use crate::audit::size_of;
use crate::backend::link::Linked;
use crate::domain::facts::time::Timestamp;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::log::Entry;
use crate::domain::plan::log::LogStage;
use crate::domain::plan::progress::Stage;

/// A plan of up to so many bytes stands in each line before a call; a larger one in the first, second, fourth, eighth, …
const SMALL: usize = 64 * 1024;

pub(super) struct Record {
    kubernetes_user: Option<String>,
    aws_identity: Option<String>,
    /// Where we call AWS: for plans that name no group.
    account: Option<String>,
    region: String,
    before: String,
    began: Timestamp,
    /// How often the log was told of the whole plan, or could have been.
    told: usize,
    large: bool,
    /// No other session carries the plan out while this lives.
    claim: Result<Claim, LogError>,
    /// What was offered to be resumed is so no more; why.
    stale: Option<String>,
}

impl Record {
    /// Claims the plan for this session, and asks both sides who we are. Where they do not tell, the log says nothing of it.
    pub(super) async fn new(job: &Job, linked: &Linked) -> Self {
        let claim = job.log.claim(&job.plan.id);
        // From here on nobody else carries it out: what others did with it stands in the log.
        let stale = (job.plan.resumed && claim.is_ok()).then(|| stale(job)).flatten();
        // A plan of ours writes to one cluster at most.
        let of_steps = job.plan.steps.iter().find_map(|it| it.act.cluster());
        let of_subject = match &job.plan.subject {
            Subject::Binding(it) => Some(&it.cluster),
            Subject::Group(_) => linked.clusters.first().map(|it| &it.0),
        };
        let cluster = of_steps.or(of_subject).and_then(|it| linked.cluster(it).ok());
        let user = async { cluster?.user().await.ok() };
        let region = linked.asker.session.region().unwrap_or_else(|| "us-east-1".to_owned());
        let (kubernetes_user, caller) = tokio::join!(user, linked.asker.caller());
        let began = linked.clock().now();
        let aws_identity = caller.ok().map(|it| it.arn);
        Self {
            kubernetes_user,
            account: aws_identity.as_deref().and_then(|it| it.split(':').nth(4)).map(str::to_owned),
            aws_identity,
            region,
            before: String::new(),
            began,
            told: 0,
            large: size_of(&job.plan) > SMALL,
            claim,
            stale,
        }
    }

    /// Why this session may not carry the plan out.
    pub(super) fn forbids(&self) -> Option<String> {
        self.claim.as_ref().err().map(ToString::to_string).or_else(|| self.stale.clone())
    }

    fn entry(&self, job: &Job, index: usize, stage: LogStage, at: Timestamp) -> Option<Entry> {
        let entry = Entry::new(&job.plan, index, stage, written(at))?;
        let account = entry.account.clone().or_else(|| self.account.clone());
        let region = entry.region.clone().or_else(|| Some(self.region.clone()));
        Some(Entry {
            kubernetes_user: self.kubernetes_user.clone(),
            aws_identity: self.aws_identity.clone(),
            account,
            region,
            ..entry
        })
    }

    /// The line is on disk when this returns; a plan of another session gets none, or it would be ended by it.
    fn write(&self, job: &Job, entry: &Entry) -> Result<(), LogError> {
        match &self.claim {
            Ok(_) => job.log.write(entry),
            Err(why) => Err(LogError::Unclaimed(why.to_string())),
        }
    }

    /// Writes a line that can hold the whole plan. It stands in more than one: a line that is lost must not cost the plan.
    fn tell(&mut self, job: &Job, entry: Entry) -> Result<(), LogError> {
        let count = self.told + 1;
        let holds = !self.large || count.is_power_of_two();
        let accepted = holds.then(|| Box::new(job.plan.clone()));
        self.write(job, &Entry { accepted, ..entry })?;
        self.told = count;
        Ok(())
    }

    /// Before anything of a step is looked at: that it is about to be done.
    pub(super) fn begin(&mut self, job: &Job, index: usize, now: Timestamp) -> Result<(), LogError> {
        self.before.clear();
        self.began = now;
        let Some(entry) = self.entry(job, index, LogStage::Begin, now) else { return Ok(()) };
        self.tell(job, entry)
    }

    /// What was so just before a call.
    pub(super) fn before(&mut self, before: String) {
        self.before = before;
    }

    /// After it, whatever became of it.
    pub(super) fn end(&self, job: &Job, index: usize, stage: &Stage, now: Timestamp) -> Result<(), LogError> {
        let Some(entry) = self.entry(job, index, stage.into(), now) else { return Ok(()) };
        let entry = Entry {
            before: Some(self.before.clone()),
            after: Some(stage.said().to_owned()),
            duration_ms: Some(now.0 - self.began.0),
            ..entry
        };
        self.write(job, &entry)
    }

    /// A step that was not even begun. That it cannot be written down changes nothing.
    pub(super) fn refused(&self, job: &Job, index: usize, why: &str, now: Timestamp) {
        if let Some(entry) = self.entry(job, index, LogStage::Refused, now) {
            _ = self.write(job, &Entry { after: Some(why.to_owned()), ..entry });
        }
    }

    /// A wait that ended: the next start must know that nothing is left to be waited for.
    pub(super) fn wait(&mut self, job: &Job, index: usize, stage: &Stage, now: Timestamp) {
        let Some(entry) = self.entry(job, index, stage.into(), now) else { return };
        let entry = Entry { after: Some(stage.said().to_owned()), ..entry };
        // What goes on after another session begins with a wait.
        _ = match self.told {
            0 => self.tell(job, entry),
            _ => self.write(job, &entry),
        };
    }
}

/// Why a plan that was offered to be resumed is not to be resumed as it was offered.
fn stale(job: &Job) -> Option<String> {
    match job.log.left_of(&job.plan.id) {
        Ok(left) if left == job.plan.steps.len() => None,
        Ok(0) => Some("it was finished or discarded in another session".to_owned()),
        Ok(_) => {
            Some("another session has carried out more of it; the next start offers what is left".to_owned())
        }
        Err(error) => Some(format!("the audit log cannot be read: {error}")),
    }
}

/// A time as the log has it: RFC 3339, UTC.
pub(crate) fn written(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |it| it.to_string())
}
