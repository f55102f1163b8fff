//! What a `credential_process` printed, as credentials. Source: AWS SDKs and Tools Reference Guide, "Process credential
//! provider": JSON with Version 1.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use serde::Deserialize;

use super::profile::Link;
use super::profile::Step;
use super::unresolved::Unresolved;
use crate::limits;
use crate::login;
use crate::login::Ended;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

pub(super) fn credentials(link: &Link, ended: Ended) -> Result<Credentials, Unresolved> {
    let profile = link.profile_name();
    let refused = |text: &str, hint: &str| Err(Unresolved::of_profile(profile, text, hint));
    let printed = match ended {
        Ended::Well(printed) => printed,
        Ended::NotFound => {
            // Its arguments may hold secrets.
            let program = match &link.step {
                Step::Process(line) => line.split_whitespace().next().unwrap_or_default(),
                _ => "",
            };
            return refused(
                &format!("the command of its credential_process, {program}, is not found"),
                "is it installed, and in PATH?",
            );
        }
        Ended::NotStarted(why) => {
            return refused(&format!("its credential_process cannot be started: {why}"), "see ~/.aws/config");
        }
        Ended::Endless => {
            let limit = login::LIMIT.as_secs();
            return refused(
                &format!("its credential_process does not end (stopped after {limit} s)"),
                "run it yourself: it may be waiting for you",
            );
        }
        Ended::TooMuch => {
            let size = limits::LOGIN.size();
            return refused(
                &format!("its credential_process printed more than {size}"),
                "run it yourself, and see what it prints",
            );
        }
        Ended::Badly(code, said) => {
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            return refused(
                &format!("its credential_process failed with exit code {code}{said}"),
                "run it yourself",
            );
        }
    };
    // What it printed may hold secrets: it is not shown.
    let Ok(it) = serde_json::from_str::<Printed>(&printed) else {
        let text =
            "its credential_process printed no credentials (JSON with Version, AccessKeyId, SecretAccessKey)";
        return refused(text, "run it yourself, and see what it prints");
    };
    if it.version != 1 {
        return refused(
            &format!("its credential_process answers in version {}, not 1", it.version),
            "update the command",
        );
    }
    let end = match it.expiration.as_deref().map(str::parse::<jiff::Timestamp>) {
        None => None,
        Some(Ok(end)) => Some(SystemTime::from(end)),
        Some(Err(_)) => {
            return refused(
                "its credential_process prints an Expiration that is no date",
                "update the command",
            );
        }
    };
    Ok(Credentials::new(it.access_key_id, it.secret_access_key, it.session_token, end, "credential_process"))
}
