//! What the AWS CLI's files say about a profile: the steps that lead to its credentials, from the first to the last.
//! The SDK's own reading of a chain says of a failure neither which step it was nor, at the second call, what it was.

use aws_config::profile::Profile;
use aws_config::profile::ProfileSet;

use super::unresolved::Unresolved;
use super::unresolved::flag;

/// Which profile there is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Asked for: it goes before keys of the environment, as `--profile` of the AWS CLI does.
    Asked(String),
    /// What the login of the kubeconfig has in its environment, or ours: keys of the environment go before it.
    Named(String),
    /// Whatever there is: keys, the default profile, a token, the machine's role.
    Any,
}

impl Wanted {
    pub(super) fn profile(&self) -> Option<&str> {
        match self {
            Self::Asked(name) | Self::Named(name) => Some(name),
            Self::Any => None,
        }
    }
}

/// How one step comes to credentials. Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Step {
    Keys {
        id: String,
        secret: String,
        token: Option<String>,
    },
    /// IAM Identity Center: by a session that several profiles share, or in the older form by its address alone.
    Sso {
        session: Option<String>,
        start_url: String,
        region: String,
        account: String,
        role: String,
    },
    /// A session of `aws login`, by the ARN it was opened for.
    Login(String),
    /// A command that prints credentials.
    Process(String),
    WebIdentity {
        role: String,
        file: String,
        session: Option<String>,
    },
    /// `credential_source`, by its name there.
    Source(Source),
    /// A role, assumed with the credentials of the step before.
    Role {
        arn: String,
        external_id: Option<String>,
        session: Option<String>,
        /// The device whose code the role wants.
        mfa: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Environment,
    Container,
    Instance,
}

/// A step, and the profile that has it; that of a binding's role is in none.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) profile: Option<String>,
    pub(super) step: Step,
}

impl Link {
    /// The profile, for a sentence that needs one.
    pub(super) fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or("default")
    }
}

impl Step {
    /// The role that a call of this step assumes.
    pub(super) fn role(&self) -> Option<&str> {
        match self {
            Self::Role { arn: role, .. } | Self::WebIdentity { role, .. } => Some(role),
            _ => None,
        }
    }
}

/// The steps to a profile's credentials. `None`: the profile is not there, or names none.
pub(super) fn chain(profiles: &ProfileSet, name: &str) -> Result<Option<Vec<Link>>, Unresolved> {
    let Some(mut profile) = profiles.get_profile(name) else { return Ok(None) };
    let mut seen = vec![profile.name()];
    let mut steps = Vec::new();
    loop {
        let link = |step| Link { profile: Some(profile.name().to_owned()), step };
        // Keys of a profile that another one names go before everything else that it says.
        let keys = keys(profile).filter(|_| seen.len() > 1);
        let Some(role) = role(profile).filter(|_| keys.is_none()) else {
            let step = match keys {
                Some(keys) => Some(keys),
                None => base(profiles, profile)?,
            };
            match (step, seen.as_slice()) {
                (Some(step), _) => steps.push(link(step)),
                (None, [.., before, _]) => return Err(empty_source(profile.name(), before)),
                (None, _) => return Ok(None),
            }
            break;
        };
        steps.push(link(role));
        match below(profile)? {
            Below::Source(source) => {
                steps.push(link(Step::Source(source)));
                break;
            }
            // Its own keys.
            Below::Profile(from) if from == profile.name() => {
                let step = base(profiles, profile)?.ok_or_else(|| empty_source(from, from))?;
                steps.push(link(step));
                break;
            }
            Below::Profile(from) if seen.contains(&from) => {
                let ring = format!("its source profiles form a ring: {} → {from}", seen.join(" → "));
                return Err(Unresolved::of_profile(name, &ring, "correct source_profile in ~/.aws/config"));
            }
            Below::Profile(from) => {
                let missing = || {
                    let text = format!("its source_profile {from} does not exist");
                    Unresolved::of_profile(profile.name(), &text, &there_are(profiles, from))
                };
                profile = profiles.get_profile(from).ok_or_else(missing)?;
                seen.push(profile.name());
            }
        }
    }
    steps.reverse();
    Ok(Some(steps))
}

/// Whose credentials assume the role of a profile.
enum Below<'a> {
    Profile(&'a str),
    Source(Source),
}

fn below(profile: &Profile) -> Result<Below<'_>, Unresolved> {
    let refused = |text: &str, hint: &str| Err(Unresolved::of_profile(profile.name(), text, hint));
    match (profile.get("source_profile"), profile.get("credential_source")) {
        (Some(from), None) => Ok(Below::Profile(from)),
        (None, Some(source)) => named(source, profile.name()).map(Below::Source),
        (Some(_), Some(_)) => {
            refused("it has both source_profile and credential_source", "leave one of them in ~/.aws/config")
        }
        (None, None) => refused(
            "it has a role_arn, but does not say whose credentials assume the role",
            "add source_profile, credential_source or web_identity_token_file",
        ),
    }
}

/// The names of profiles, for somebody who typed one that is not there.
pub(super) fn there_are(profiles: &ProfileSet, wanted: &str) -> String {
    if wanted.contains(char::is_whitespace) {
        // The SDK leaves such a profile out.
        return "names with blanks are not read: rename the profile".to_owned();
    }
    let mut names: Vec<&str> = profiles.profiles().collect();
    names.sort_unstable();
    match names.is_empty() {
        true => "there are no profiles in the configuration and credentials files of AWS".to_owned(),
        false => format!("there are: {}", names.join(", ")),
    }
}

fn empty_source(profile: &str, of: &str) -> Unresolved {
    let text = format!("it names no credentials, but is the source_profile of {of}");
    Unresolved::of_profile(profile, &text, "add its credentials to ~/.aws/config or ~/.aws/credentials")
}

fn role(profile: &Profile) -> Option<Step> {
    // With a token the role is where a chain begins.
    if profile.get("web_identity_token_file").is_some() {
        return None;
    }
    Some(Step::Role {
        arn: profile.get("role_arn")?.to_owned(),
        external_id: profile.get("external_id").map(str::to_owned),
        session: profile.get("role_session_name").map(str::to_owned),
        mfa: profile.get("mfa_serial").map(str::to_owned),
    })
}

/// How a profile comes to credentials without any other.
fn base(profiles: &ProfileSet, profile: &Profile) -> Result<Option<Step>, Unresolved> {
    if let (Some(role), Some(file)) = (profile.get("role_arn"), profile.get("web_identity_token_file")) {
        return Ok(Some(Step::WebIdentity {
            role: role.to_owned(),
            file: file.to_owned(),
            session: profile.get("role_session_name").map(str::to_owned),
        }));
    }
    if let Some(sso) = sso(profiles, profile)? {
        return Ok(Some(sso));
    }
    if let Some(session) = profile.get("login_session") {
        return Ok(Some(Step::Login(session.to_owned())));
    }
    if let Some(command) = profile.get("credential_process") {
        return Ok(Some(Step::Process(command.to_owned())));
    }
    if profile.get("role_arn").is_none()
        && let Some(source) = profile.get("credential_source")
    {
        return named(source, profile.name()).map(|it| Some(Step::Source(it)));
    }
    match (keys(profile), profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (None, Some(_), None) | (None, None, Some(_)) => Err(Unresolved::of_profile(
            profile.name(),
            "it has one of aws_access_key_id and aws_secret_access_key, but not the other",
            "add the other to ~/.aws/credentials",
        )),
        (keys, ..) => Ok(keys),
    }
}

fn keys(profile: &Profile) -> Option<Step> {
    Some(Step::Keys {
        id: profile.get("aws_access_key_id")?.to_owned(),
        secret: profile.get("aws_secret_access_key")?.to_owned(),
        token: profile.get("aws_session_token").map(str::to_owned),
    })
}

fn named(source: &str, profile: &str) -> Result<Source, Unresolved> {
    Ok(match source {
        "Environment" => Source::Environment,
        "EcsContainer" => Source::Container,
        "Ec2InstanceMetadata" => Source::Instance,
        other => {
            return Err(Unresolved::of_profile(
                profile,
                &format!("credential_source {other:?} is unknown"),
                "use Environment, EcsContainer or Ec2InstanceMetadata",
            ));
        }
    })
}

fn sso(profiles: &ProfileSet, profile: &Profile) -> Result<Option<Step>, Unresolved> {
    let session = profile.get("sso_session");
    let (url, region) = match session {
        Some(name) => {
            let Some(session) = profiles.sso_session(name) else {
                return Err(Unresolved::of_profile(
                    profile.name(),
                    &format!("its sso_session {name} does not exist"),
                    &format!("add [sso-session {name}] to ~/.aws/config: aws configure sso-session"),
                ));
            };
            (session.get("sso_start_url"), session.get("sso_region"))
        }
        None => (profile.get("sso_start_url"), profile.get("sso_region")),
    };
    let (account, role) = (profile.get("sso_account_id"), profile.get("sso_role_name"));
    if [session, url, account, role].iter().all(Option::is_none) {
        return Ok(None);
    }
    let wanted = [
        ("sso_start_url", url),
        ("sso_region", region),
        ("sso_account_id", account),
        ("sso_role_name", role),
    ];
    let missing: Vec<&str> = wanted.iter().filter(|it| it.1.is_none()).map(|it| it.0).collect();
    let (Some(url), Some(region), Some(account), Some(role)) = (url, region, account, role) else {
        return Err(Unresolved::of_profile(
            profile.name(),
            &format!("it signs in with IAM Identity Center, but {} is missing", missing.join(" and ")),
            &format!("aws configure sso {}", flag(profile.name())),
        ));
    };
    Ok(Some(Step::Sso {
        session: session.map(str::to_owned),
        start_url: url.to_owned(),
        region: region.to_owned(),
        account: account.to_owned(),
        role: role.to_owned(),
    }))
}
