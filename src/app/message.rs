//! What can happen, and what can be asked for in return. Both are plain values: they compare, print, replay.

use std::path::PathBuf;

use super::action::Action;
use super::aws_side::AwsSide;
use super::key::Key;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::facts::probe::ProbeRequest;
use crate::domain::facts::probe::Probed;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Observation;
use crate::domain::inventory::follow::Follow;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::Plan;
use crate::domain::plan::log::Excerpt;
use crate::domain::plan::log::Past;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::manifest::Manifest;
use crate::domain::plan::progress::Progress;
use crate::domain::plan::rehearsal::Rehearsed;
use crate::domain::plan::weights::Weighed;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A key, for the dialog on top.
    Key(Key),
    /// A text that was pasted: it goes where text is typed, and nowhere else.
    Paste(String),
    Act(Action),
    /// Something was seen outside.
    Observed(Timestamp, Box<Observation>),
    /// What the AWS side turned out to be.
    Aws(AwsSide),
    /// Time passes; with the calls made to AWS so far.
    Tick(Timestamp, u64),
    Resize(u16, u16),
    /// How far an accepted plan is. Of whatever connection: what was written stays written.
    Progress(Progress),
    /// The end of the audit log, read.
    Log(Excerpt),
    /// What the API server says of a plan without doing it: one answer for each step.
    Rehearsed(PlanId, Vec<Rehearsed>),
    /// A health check was tried.
    Probed(Box<Probed>),
    /// What a rule's weights rest on.
    Weighed(Box<Weighed>),
    /// What earlier sessions left, by the log.
    Past(Box<Past>),
    /// A plan of the log could not be discarded; why.
    NotForgotten(String),
    /// Something was written to a file, or not.
    Saved(Result<PathBuf, Failure>),
    /// The terminal or the session ends: leave at once.
    Leave,
    /// Somebody asks the program to stop until it is continued.
    Stop,
    /// The program was continued after a stop.
    Continued,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Quit,
    /// Ask the processes of this job to stop, ourselves among them.
    Suspend,
    /// Give the terminal back and stop until we are continued.
    Stop,
    /// Take the terminal anew and draw everything.
    Retake,
    /// What to look at from now on.
    Follow(Box<Follow>),
    /// Carry a plan out that was accepted.
    Apply(Box<Plan>),
    /// Let the API server check a plan without doing it.
    Rehearse(Box<Plan>),
    /// Read what a rule's weights rest on, and these groups of it.
    Weigh(Box<Place>, Vec<TargetGroupArn>),
    /// Ask a pod what a health check asks.
    Probe(Box<ProbeRequest>),
    /// Stop the plan of this id.
    Cancel(PlanId),
    /// Read the audit log.
    ReadLog,
    /// Note that a plan of the log is not to be gone on with.
    Forget(Box<Unfinished>),
    /// Write an object as YAML to a file of its name where the program was started.
    Save(Box<Manifest>),
}
