//! Takes one step to credentials, and says of one that failed what it was and what to do.

use std::error::Error;
use std::time::Duration;
use std::time::SystemTime;

use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::login::LoginCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sso::SsoCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::error::SdkError;

use super::error;
use super::process;
use super::profile::Link;
use super::profile::Source;
use super::profile::Step;
use super::profile::Wanted;
use super::unresolved::Unresolved;
use super::unresolved::flag;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::causes;
use crate::domain::facts::failure::innermost;
use crate::login;
use crate::login::Runner;

/// Names our sessions in CloudTrail where the profile does not.
const SESSION: &str = "tgscope";

/// How long whoever is asked for credentials may take; a command that a person answers has its own limit.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// The credentials of a step; `from`: those of the step before.
pub(super) async fn take(
    link: &Link,
    from: Option<Credentials>,
    config: &SdkConfig,
    provider: &ProviderConfig,
    runner: &Runner,
) -> Result<Credentials, Unresolved> {
    if let Step::Process(line) = &link.step {
        let (line, runner) = (line.clone(), runner.clone());
        let ran = tokio::task::spawn_blocking(move || runner.shell(&line, login::LIMIT)).await;
        let ran = ran.map_err(|it| Unresolved::new(ErrorKind::Other, &it.to_string(), ""))?;
        return process::credentials(link, ran);
    }
    let asked = tokio::time::timeout(PATIENCE, asked(link, from, config, provider)).await;
    asked.unwrap_or_else(|_| Err(silence(&of(link))))
}

/// Nobody answered in time.
pub(super) fn silence(step: &str) -> Unresolved {
    let text = format!("{step}no answer with credentials within {} s", PATIENCE.as_secs());
    Unresolved::new(ErrorKind::Unreachable, &text, "is AWS reachable from here? see HTTPS_PROXY")
}

async fn asked(
    link: &Link,
    from: Option<Credentials>,
    config: &SdkConfig,
    provider: &ProviderConfig,
) -> Result<Credentials, Unresolved> {
    let told = |error: CredentialsError| refused(link, &error);
    match &link.step {
        Step::Keys { id, secret, token } => {
            Ok(Credentials::new(id.clone(), secret.clone(), token.clone(), None, "profile"))
        }
        Step::Sso { session, start_url, region, account, role } => {
            let mut sso = SsoCredentialsProvider::builder().configure(provider);
            sso.set_region(Some(Region::new(region.clone())));
            if let Some(session) = session {
                sso = sso.session_name(session);
            }
            let sso = sso.start_url(start_url).account_id(account).role_name(role).build();
            sso.provide_credentials().await.map_err(told)
        }
        Step::Login(session) => {
            let login = LoginCredentialsProvider::builder(session).configure(provider).build();
            login.provide_credentials().await.map_err(told)
        }
        Step::Source(Source::Environment) => {
            EnvironmentVariableCredentialsProvider::new().provide_credentials().await.map_err(told)
        }
        Step::Source(Source::Container) => {
            let container = EcsCredentialsProvider::builder().configure(provider).build();
            container.provide_credentials().await.map_err(told)
        }
        Step::Source(Source::Instance) => {
            let instance = ImdsCredentialsProvider::builder().configure(provider).build();
            instance.provide_credentials().await.map_err(told)
        }
        Step::WebIdentity { .. } => by_token(link, config).await,
        Step::Role { .. } => assumed(link, from, config).await,
        Step::Process(_) => Err(no_role()),
    }
}

/// What renews the credentials that begin with a step.
pub(super) fn renewal(first: &Link) -> String {
    let profile = first.profile_name();
    match &first.step {
        Step::Keys { .. } => {
            format!("the keys of profile {profile} are no longer taken: aws configure {}", flag(profile))
        }
        Step::Sso { .. } => format!("aws sso login {}", flag(profile)),
        Step::Login(_) => format!("aws login {}", flag(profile)),
        Step::Process(_) => {
            format!("its credential_process gives credentials that are no longer taken (profile {profile})")
        }
        Step::WebIdentity { file, .. } => format!("the token in {file} is no longer taken"),
        Step::Source(_) | Step::Role { .. } => format!("renew the credentials of profile {profile}"),
    }
}

/// No profile, no keys, and the machine gives none.
pub(super) fn nothing(wanted: &Wanted, error: &CredentialsError) -> Unresolved {
    let login = "aws sso login or aws login, or set AWS_PROFILE or --profile";
    match (wanted, error) {
        // Each part of the chain says that it has nothing; why helps nobody.
        (Wanted::Any, CredentialsError::CredentialsNotLoaded(_)) => {
            let text =
                "there are no keys in the environment, no default profile, and no role of this machine";
            Unresolved::new(ErrorKind::NoCredentials, text, login)
        }
        (Wanted::Asked(name) | Wanted::Named(name), CredentialsError::CredentialsNotLoaded(_)) => {
            let hint = format!("aws configure sso {0}, or aws configure {0}", flag(name));
            Unresolved::of_profile(name, "it names no credentials", &hint)
        }
        (_, other) => {
            let text = format!("the credentials of this machine cannot be had: {}", innermost(other));
            Unresolved::new(ErrorKind::NoCredentials, &text, login)
        }
    }
}

async fn assumed(
    link: &Link,
    from: Option<Credentials>,
    config: &SdkConfig,
) -> Result<Credentials, Unresolved> {
    let Step::Role { arn, external_id, session, mfa } = &link.step else { return Err(no_role()) };
    if let (Some(device), Some(profile)) = (mfa, &link.profile) {
        return Err(Unresolved::of_profile(
            profile,
            &format!("role {arn} wants a code of {device}, and tgscope asks for none"),
            &format!("eval \"$(aws configure export-credentials {} --format env)\"", flag(profile)),
        ));
    }
    let Some(from) = from else { return Err(no_role()) };
    let answer = sts(arn, config, Some(from))
        .assume_role()
        .role_arn(arn)
        .role_session_name(session.as_deref().unwrap_or(SESSION))
        .set_external_id(external_id.clone())
        .send()
        .await
        .map_err(|error| of_sts(link, arn, &error))?;
    given(link, arn, answer.credentials())
}

async fn by_token(link: &Link, config: &SdkConfig) -> Result<Credentials, Unresolved> {
    let Step::WebIdentity { role, file, session } = &link.step else { return Err(no_role()) };
    let profile = link.profile_name();
    let token = tokio::fs::read_to_string(file).await.map_err(|error| {
        let text = format!("its web_identity_token_file {file} cannot be read: {error}");
        Unresolved::of_profile(profile, &text, "is the token there, and readable for you?")
    })?;
    let answer = sts(role, config, None)
        .assume_role_with_web_identity()
        .role_arn(role)
        .role_session_name(session.as_deref().unwrap_or(SESSION))
        .web_identity_token(token.trim())
        .send()
        .await
        .map_err(|error| of_sts(link, role, &error))?;
    given(link, role, answer.credentials())
}

/// Its client, where a role is assumed. A profile may name no region: any of the partition's does.
fn sts(role: &str, config: &SdkConfig, from: Option<Credentials>) -> aws_sdk_sts::Client {
    let mut own = aws_sdk_sts::config::Builder::from(config);
    own.set_credentials_provider(from.map(SharedCredentialsProvider::new));
    if config.region().is_none() {
        let region = match role.split(':').nth(1) {
            Some("aws-cn") => "cn-north-1",
            Some("aws-us-gov") => "us-gov-west-1",
            _ => "us-east-1",
        };
        own = own.region(Region::from_static(region));
    }
    aws_sdk_sts::Client::from_conf(own.build())
}

fn given(
    link: &Link,
    role: &str,
    credentials: Option<&aws_sdk_sts::types::Credentials>,
) -> Result<Credentials, Unresolved> {
    let Some(it) = credentials else {
        let text = format!("{}STS answers for role {role} without credentials", of(link));
        return Err(Unresolved::new(ErrorKind::Unreadable, &text, "is this AWS's own STS?"));
    };
    let end = SystemTime::try_from(*it.expiration()).ok();
    Ok(Credentials::new(
        it.access_key_id(),
        it.secret_access_key(),
        Some(it.session_token().to_owned()),
        end,
        "role",
    ))
}

fn of_sts<E>(link: &Link, role: &str, answer: &SdkError<E, HttpResponse>) -> Unresolved
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let step = of(link);
    let SdkError::ServiceError(_) = answer else {
        let text = format!("{step}role {role} cannot be assumed: {}", innermost(answer));
        return Unresolved::new(ErrorKind::Unreachable, &text, "is STS reachable from here?");
    };
    let (code, message) = (answer.code().unwrap_or("an answer that is no AWS answer"), answer.message());
    let text = format!("{step}role {role} refused: {}", message.filter(|it| !it.is_empty()).unwrap_or(code));
    match error::kind(code) {
        Some(ErrorKind::Denied) => {
            let hint = "its trust policy must name you, and your own policy must allow sts:AssumeRole on it";
            let account = role.split(':').nth(4).unwrap_or_default();
            // A role for the controller is often for nobody else: that says nothing of the controller.
            let of_binding = format!(
                "the binding asks for this role, and the controller may be allowed to assume it: use --profile with \
                 access to account {account}, or have its trust policy name you"
            );
            let hint = if link.profile.is_some() { hint } else { &of_binding };
            Unresolved::new(ErrorKind::Denied, &text, hint)
        }
        Some(ErrorKind::Expired) => {
            Unresolved::new(ErrorKind::Expired, &text, "renew the credentials that assume it")
        }
        Some(ErrorKind::Throttled) => Unresolved::new(ErrorKind::Throttled, &text, "asked again more slowly"),
        _ => Unresolved::new(ErrorKind::Other, &text, "see the role and its trust policy"),
    }
}

fn no_role() -> Unresolved {
    Unresolved::new(ErrorKind::Other, "a role without anybody to assume it", "name a source_profile")
}

/// A step that the SDK took for us.
fn refused(link: &Link, error: &CredentialsError) -> Unresolved {
    let profile = link.profile_name();
    let cause = innermost(error);
    let is_network = causes(error).any(|it| {
        it.to_string().contains("dispatch failure")
            || it.is::<std::io::Error>() && !cause.contains("os error 2")
    });
    let unreachable = |text: &str| {
        Unresolved::of_profile(profile, text, "is it reachable from here? see HTTPS_PROXY")
            .kind(ErrorKind::Unreachable)
    };
    let all = || causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    match &link.step {
        Step::Sso { region, .. } if is_network => {
            unreachable(&format!("IAM Identity Center in {region} cannot be reached: {cause}"))
        }
        Step::Sso { account, role, .. } if all().contains("Forbidden") => Unresolved::of_profile(
            profile,
            &format!("IAM Identity Center gives you no role {role} in account {account}"),
            &format!("correct sso_account_id and sso_role_name: aws configure sso {}", flag(profile)),
        )
        .kind(ErrorKind::Denied),
        Step::Sso { session, start_url, .. } => {
            let at = session.as_ref().map_or_else(|| start_url.clone(), |it| format!("session {it}"));
            let text = format!("not logged in to IAM Identity Center ({at})");
            Unresolved::of_profile(profile, &text, &format!("aws sso login {}", flag(profile)))
        }
        Step::Login(session) if !is_network => {
            let text = format!("not logged in as {session}");
            Unresolved::of_profile(profile, &text, &format!("aws login {}", flag(profile)))
        }
        Step::Login(_) => unreachable(&format!("AWS Sign-In cannot be reached: {cause}")),
        Step::Source(Source::Environment) => Unresolved::of_profile(
            profile,
            "its credential_source is Environment, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set",
            "set them, or name another source",
        ),
        Step::Source(Source::Container) => Unresolved::of_profile(
            profile,
            &format!("its credential_source is EcsContainer, but no container gives credentials: {cause}"),
            "this works only inside such a container",
        ),
        Step::Source(Source::Instance) => Unresolved::of_profile(
            profile,
            &format!(
                "its credential_source is Ec2InstanceMetadata, but no instance gives credentials: {cause}"
            ),
            "this works only on an EC2 instance with a role",
        ),
        _ => Unresolved::of_profile(profile, &cause, "see ~/.aws/config"),
    }
}

fn of(link: &Link) -> String {
    link.profile.as_ref().map_or_else(String::new, |it| format!("profile {it}: "))
}
