//! A probe as data for programs.

use serde::Serialize;

use crate::domain::facts::probe::ProbeOutcome;
use crate::domain::facts::probe::Probed;
use crate::domain::wording::explanation::Explanation;

/// `-o json` of `probe`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProbeDocument {
    api_version: &'static str,
    pod: String,
    port: u16,
    path: String,
    /// `answered`, `refused`, `connected`, `unreachable`, `silent` or `not-asked`.
    outcome: &'static str,
    status: Option<u16>,
    milliseconds: u64,
    /// Whether the check would pass; `null`: that cannot be told.
    passes: Option<bool>,
    said: String,
    facts: Vec<String>,
    next: Option<String>,
}

impl ProbeDocument {
    pub(crate) fn new(probed: &Probed, told: &Explanation) -> Self {
        let (outcome, status) = match &probed.outcome {
            ProbeOutcome::Answered { status, .. } => ("answered", Some(*status)),
            ProbeOutcome::Refused => ("refused", None),
            ProbeOutcome::Connected(_) => ("connected", None),
            ProbeOutcome::Unreachable(_) => ("unreachable", None),
            ProbeOutcome::Silent => ("silent", None),
            ProbeOutcome::NotAsked(_) => ("not-asked", None),
        };
        Self {
            api_version: "tgscope/v1",
            pod: probed.request.pod.to_string(),
            port: probed.request.port,
            path: probed.request.path.clone(),
            outcome,
            status,
            milliseconds: probed.took,
            passes: probed.passes(),
            said: told.headline.clone(),
            facts: told.facts.clone(),
            next: told.next.clone(),
        }
    }
}
