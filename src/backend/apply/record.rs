//! What the audit log gets to know of a running plan: who, where, what was asked, what was so before and after.

use std::io;

use super::job::Job;
use crate::backend::link::Linked;
use crate::domain::facts::time::Timestamp;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::log::Entry;
use crate::domain::plan::progress::Stage;

pub(super) struct Record {
    kubernetes_user: Option<String>,
    aws_identity: Option<String>,
    before: String,
    began: Timestamp,
    /// The log has the whole plan.
    told: bool,
}

impl Record {
    /// Asks both sides who we are. Where they do not tell, the log says nothing of it.
    pub(super) async fn new(job: &Job, linked: &Linked) -> Self {
        // A plan of ours writes to one cluster at most.
        let of_steps = job.plan.steps.iter().find_map(|it| it.act.cluster());
        let of_subject = match &job.plan.subject {
            Subject::Binding(it) => Some(&it.cluster),
            Subject::Group(_) => linked.clusters.first().map(|it| &it.0),
        };
        let cluster = of_steps.or(of_subject).and_then(|it| linked.cluster(it).ok());
        let user = async { cluster?.user().await.ok() };
        let (kubernetes_user, caller) = tokio::join!(user, linked.asker.caller());
        let began = linked.clock().now();
        Self {
            kubernetes_user,
            aws_identity: caller.ok().map(|it| it.arn),
            before: String::new(),
            began,
            told: false,
        }
    }

    fn entry(&self, job: &Job, index: usize, stage: &str, at: Timestamp) -> Option<Entry> {
        let plan = &job.plan;
        let step = plan.steps.get(index)?;
        let context = step.act.cluster().map(ToString::to_string).or_else(|| match &plan.subject {
            Subject::Binding(it) => Some(it.cluster.to_string()),
            Subject::Group(_) => None,
        });
        let place = step.act.place();
        Some(Entry {
            time: jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |it| it.to_string()),
            plan: plan.id.clone(),
            change: plan.change,
            undoes: plan.undoes.clone(),
            subject: plan.subject.clone(),
            step: index + 1,
            of: plan.steps.len(),
            stage: stage.to_owned(),
            context,
            account: place.map(|it| it.0.to_owned()),
            region: place.map(|it| it.1.to_owned()),
            kubernetes_user: self.kubernetes_user.clone(),
            aws_identity: self.aws_identity.clone(),
            call: step.act.call().to_owned(),
            request: step.act.clone(),
            before: None,
            after: None,
            duration_ms: None,
            accepted: None,
        })
    }

    /// Before anything of a step is looked at: that it is about to be done.
    pub(super) fn begin(&mut self, job: &Job, index: usize, now: Timestamp) -> io::Result<()> {
        self.before.clear();
        self.began = now;
        let Some(entry) = self.entry(job, index, "begin", now) else { return Ok(()) };
        let accepted = (!self.told).then(|| Box::new(job.plan.clone()));
        job.log.write(&Entry { accepted, ..entry })?;
        self.told = true;
        Ok(())
    }

    /// What was so just before a call.
    pub(super) fn before(&mut self, before: String) {
        self.before = before;
    }

    /// After it, whatever became of it.
    pub(super) fn end(&self, job: &Job, index: usize, stage: &Stage, now: Timestamp) -> io::Result<()> {
        let Some(entry) = self.entry(job, index, stage.word(), now) else { return Ok(()) };
        job.log.write(&Entry {
            before: Some(self.before.clone()),
            after: Some(stage.said().to_owned()),
            duration_ms: Some(now.0 - self.began.0),
            ..entry
        })
    }

    /// A step that was not even begun. That it cannot be written down changes nothing.
    pub(super) fn refused(&self, job: &Job, index: usize, why: &str, now: Timestamp) {
        if let Some(entry) = self.entry(job, index, "refused", now) {
            _ = job.log.write(&Entry { after: Some(why.to_owned()), ..entry });
        }
    }

    /// A wait that ended: the next start must know that nothing is left to be waited for.
    pub(super) fn wait(&mut self, job: &Job, index: usize, stage: &Stage, now: Timestamp) {
        // What goes on after another session begins with a wait.
        let accepted = (!self.told).then(|| Box::new(job.plan.clone()));
        self.told = true;
        if let Some(entry) = self.entry(job, index, stage.word(), now) {
            _ = job.log.write(&Entry { after: Some(stage.said().to_owned()), accepted, ..entry });
        }
    }
}
