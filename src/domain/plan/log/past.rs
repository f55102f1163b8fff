//! What earlier sessions left: plans they did not end, pods they took out of rotation.

use std::collections::BTreeMap;

use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::ids::Uid;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Labelled;

/// What a log tells at the start of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Plans that nobody carries out any more, oldest first.
    pub unfinished: Vec<Unfinished>,
    pub(crate) detached: Detached,
    /// What could not be read, and what runs in another session.
    pub(crate) notes: Vec<String>,
}

/// A plan of the log that was begun and neither ended, nor stopped by somebody: its session ended first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub plan: Plan,
    /// The first step that is not known to be done.
    pub(crate) next: usize,
    /// It may have been written: its call was begun, and no answer was noted.
    pub(crate) uncertain: bool,
    /// When it was begun, as the log has it.
    pub(crate) begun: String,
}

impl Unfinished {
    /// What is left of it, as a plan of its own; `None`: nothing.
    pub fn rest(&self) -> Option<Plan> {
        let steps = self.plan.steps.get(self.next..)?.to_vec();
        (!steps.is_empty()).then(|| Plan {
            effect: match self.plan.resumed {
                true => self.plan.effect.clone(),
                false => format!("Resumes the change from {}: {}", self.begun, self.plan.effect),
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
pub struct Detached(pub(super) BTreeMap<Uid, (Subject, Option<TargetKey>)>);

impl Detached {
    /// A step of a plan was done. `places`: the targets of the pods that the plan takes out, next first.
    pub(crate) fn note(
        &mut self,
        subject: &Subject,
        act: &Act,
        places: &mut impl Iterator<Item = TargetKey>,
    ) {
        match pod_of(act) {
            Some((uid, true)) => drop(self.0.insert(uid.clone(), (subject.clone(), places.next()))),
            Some((uid, false)) => drop(self.0.remove(uid)),
            None => {}
        }
    }

    /// Those of one board.
    pub fn of(&self, subject: &Subject) -> BTreeMap<Uid, Option<TargetKey>> {
        let inside = self.0.iter().filter(|(_, (of, _))| of == subject);
        inside.map(|(uid, (_, key))| (uid.clone(), key.clone())).collect()
    }
}

/// The pod an act takes out of its service (`true`), puts back or deletes.
pub(super) fn pod_of(act: &Act) -> Option<(&Uid, bool)> {
    match act {
        Act::Label { object: Labelled::Pod(_, uid), to, .. } => Some((uid, to.is_none())),
        Act::EvictPod { uid, .. } => Some((uid, false)),
        _ => None,
    }
}

/// The targets of the pods a plan takes out, in its order.
pub(crate) fn places(plan: &Plan) -> impl Iterator<Item = TargetKey> {
    let waits = plan.steps.iter().find_map(|it| match &it.act {
        Act::AwaitGone { targets, .. } => Some(targets.clone()),
        _ => None,
    });
    waits.unwrap_or_default().into_iter()
}
