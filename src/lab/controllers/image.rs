//! What the containers of the lab do: how long they start, whether they become ready, what they answer.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lab::clock::Millis;
use crate::lab::json::annotation;
use crate::lab::json::list;
use crate::lab::json::text;

/// What a container says to a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) enum Answers {
    Status(u16),
    /// Packets arrive, and the answer takes too long.
    Slow,
    /// Nobody listens.
    Refused,
}

/// How an image behaves, times in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::lab) struct Image {
    /// From the pod's placement to its containers running.
    pub(in crate::lab) start: Millis,
    /// From running to the readiness probe passing.
    pub(in crate::lab) ready: Millis,
    /// From the signal to end to the end.
    pub(in crate::lab) stop: Millis,
    pub(in crate::lab) never_ready: bool,
    /// Why it cannot be pulled.
    pub(in crate::lab) pull_error: Option<String>,
    /// From running to the end of the process.
    pub(in crate::lab) crash_after: Option<Millis>,
    pub(in crate::lab) exit_code: i64,
    pub(in crate::lab) out_of_memory: bool,
    pub(in crate::lab) answers: Answers,
    /// The paths there are; empty: every path.
    pub(in crate::lab) paths: Vec<String>,
}

impl Image {
    /// What is said to a request for a path.
    pub(in crate::lab) fn answer(&self, path: &str) -> Answers {
        let path = path.split('?').next().unwrap_or_default();
        match self.answers {
            Answers::Status(200) if !self.paths.is_empty() && !self.paths.iter().any(|it| it == path) => {
                Answers::Status(404)
            }
            other => other,
        }
    }
}

impl Default for Image {
    fn default() -> Self {
        Self {
            start: 2_000,
            ready: 2_000,
            stop: 1_000,
            never_ready: false,
            pull_error: None,
            crash_after: None,
            exit_code: 1,
            out_of_memory: false,
            answers: Answers::Status(200),
            paths: Vec::new(),
        }
    }
}

/// Annotations by which somebody at the keyboard changes one pod.
const ANSWERS: &str = "lab.tgscope/answers";
const READY: &str = "lab.tgscope/ready";

#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Images {
    known: BTreeMap<String, Image>,
}

impl Images {
    pub(in crate::lab) fn set(&mut self, name: &str, image: Image) {
        self.known.insert(name.to_owned(), image);
    }

    pub(in crate::lab) fn get(&self, name: &str) -> Image {
        self.known.get(name).cloned().unwrap_or_default()
    }

    /// How the containers of a pod behave: as its first image, unless its annotations say otherwise.
    pub(in crate::lab) fn of(&self, pod: &Value) -> Image {
        let name = list(pod, "spec.containers").first().map_or("", |it| text(it, "image"));
        let mut image = self.get(name);
        if let Some(answers) = annotation(pod, ANSWERS).and_then(answers) {
            image.answers = answers;
        }
        if let Some(ready) = annotation(pod, READY) {
            image.never_ready = ready == "false";
        }
        image
    }
}

/// `200`, `slow` or `refused`.
pub(in crate::lab) fn answers(text: &str) -> Option<Answers> {
    match text {
        "slow" => Some(Answers::Slow),
        "refused" => Some(Answers::Refused),
        code => code.parse().ok().map(Answers::Status),
    }
}
