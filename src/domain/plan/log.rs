//! The lines of the audit log as values, and what they tell of plans that were begun: which are unfinished, which pods
//! are out of rotation.

use std::collections::BTreeMap;

use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::act::Labelled;
use serde::Deserialize;
use serde::Serialize;

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// RFC 3339, UTC.
    pub time: String,
    pub plan: PlanId,
    pub change: ChangeKind,
    /// The plan it turns round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<PlanId>,
    pub subject: Subject,
    /// Which step of how many, from 1.
    pub step: usize,
    pub of: usize,
    /// `begin` before the call; then how it ended.
    pub stage: String,
    pub context: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
    /// Who we are on either side, as far as that could be read.
    pub kubernetes_user: Option<String>,
    pub aws_identity: Option<String>,
    pub call: String,
    pub request: Act,
    /// What was read before and after, in words.
    pub before: Option<String>,
    pub after: Option<String>,
    pub duration_ms: Option<i64>,
    /// The whole plan, in its first line: so that another session can go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Box<Plan>>,
}

/// A plan of the log that was begun and neither ended, nor stopped by somebody: its session ended first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub plan: Plan,
    /// The first step that is not known to be done.
    pub next: usize,
    /// It may have been written: its call was begun, and no answer was noted.
    pub uncertain: bool,
    /// When it was begun, as the log has it.
    pub begun: String,
}

impl Unfinished {
    /// What is left of it, as a plan of its own; `None`: nothing.
    pub fn rest(&self) -> Option<Plan> {
        let steps = self.plan.steps.get(self.next..)?.to_vec();
        (!steps.is_empty()).then(|| Plan {
            effect: match self.plan.resumed {
                true => self.plan.effect.clone(),
                false => format!("Goes on with what was begun at {}: {}", self.begun, self.plan.effect),
            },
            steps,
            counts: Vec::new(),
            resumed: true,
            ..self.plan.clone()
        })
    }
}

/// Pods out of rotation, by the board they were taken from, with the target they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detached(BTreeMap<Uid, (Subject, Option<TargetKey>)>);

impl Detached {
    /// A step of a plan was done. `places`: the targets of the pods that the plan takes out, next first.
    pub fn note(&mut self, subject: &Subject, act: &Act, places: &mut impl Iterator<Item = TargetKey>) {
        match act {
            Act::Label { object: Labelled::Pod(_, uid), to: None, .. } => {
                self.0.insert(uid.clone(), (subject.clone(), places.next()));
            }
            Act::Label { object: Labelled::Pod(_, uid), .. } | Act::DeletePod { uid, .. } => {
                self.0.remove(uid);
            }
            _ => {}
        }
    }

    /// Those of one board.
    pub fn of(&self, subject: &Subject) -> BTreeMap<Uid, Option<TargetKey>> {
        let inside = self.0.iter().filter(|(_, (of, _))| of == subject);
        inside.map(|(uid, (_, key))| (uid.clone(), key.clone())).collect()
    }
}

/// The targets of the pods a plan takes out, in its order.
pub fn places(plan: &Plan) -> impl Iterator<Item = TargetKey> {
    let waits = plan.steps.iter().find_map(|it| match &it.act {
        Act::AwaitGone { targets, .. } => Some(targets.clone()),
        _ => None,
    });
    waits.unwrap_or_default().into_iter()
}

/// Pods whose label a log says was taken away and not put back.
pub fn detached(entries: &[Entry]) -> Detached {
    let mut detached = Detached::default();
    let mut of_plans = BTreeMap::new();
    for entry in entries {
        if let Some(plan) = entry.accepted.as_ref().filter(|it| !it.resumed) {
            of_plans.insert(entry.plan.as_str(), places(plan));
        }
        if entry.stage == "done" {
            let mut places = of_plans.get_mut(entry.plan.as_str()).into_iter().flatten();
            detached.note(&entry.subject, &entry.request, &mut places);
        }
    }
    detached
}

/// The plans of a log that are still open, oldest first.
pub fn unfinished(entries: &[Entry]) -> Vec<Unfinished> {
    let mut open: Vec<Unfinished> = Vec::new();
    for entry in entries {
        if let Some(plan) = &entry.accepted {
            // Another session went on with it: what it has is what is left.
            open.retain(|it| it.plan.id != entry.plan);
            open.push(Unfinished {
                // A log of before has the name beside the plan only.
                plan: Plan { id: entry.plan.clone(), ..(**plan).clone() },
                next: 0,
                uncertain: false,
                begun: entry.time.clone(),
            });
        }
        let Some(at) = open.iter().position(|it| it.plan.id == entry.plan) else { continue };
        let ended = match entry.stage.as_str() {
            "begin" => {
                if let Some(it) = open.get_mut(at) {
                    it.uncertain = true;
                }
                false
            }
            "done" => {
                if let Some(it) = open.get_mut(at) {
                    it.next = entry.step;
                    it.uncertain = false;
                }
                entry.step >= entry.of
            }
            _ => true,
        };
        if ended {
            open.remove(at);
        }
    }
    // Nothing is left to do where nothing was begun.
    open.retain(|it| it.next > 0 || it.uncertain);
    open
}
