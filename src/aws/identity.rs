//! Who we are for AWS: credentials by profile, environment or machine, step by step, each failure with the step it was.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileSet;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use aws_types::os_shim_internal::Env;
use aws_types::os_shim_internal::Fs;
use tokio::time::Instant;

use super::profile;
use super::profile::Link;
use super::profile::Step;
use super::profile::Wanted;
use super::steps;
use super::turns::Turns;
use super::unresolved::Unresolved;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::operation::Operation;
use crate::login::Runner;

/// Credentials are renewed this long before they end, so that no call is sent with ones that end on the way.
const SPARE: Duration = Duration::from_mins(2);

/// For this long what came of a try is not tried again: a login command is not run for each of many calls.
const AGAIN: Duration = Duration::from_secs(10);

/// Where credentials come from.
enum Origin {
    Given(Credentials),
    Wanted(Wanted),
    /// With the credentials of another identity, a step more.
    Upon(Arc<Identity>, Link),
}

/// What was found out, and not again for a while.
#[derive(Default)]
struct Held {
    credentials: Option<Credentials>,
    /// What makes these credentials new ones.
    renewal: Option<String>,
    /// The last try, and why it gave none.
    tried: Option<Instant>,
    refused: Option<Unresolved>,
}

impl Held {
    /// What is known without another try.
    fn known(&self) -> Option<Result<Credentials, Unresolved>> {
        let lately = self.tried.is_some_and(|it| it.elapsed() < AGAIN);
        // Ones that just came and end soon, or that could not be renewed just now, serve until they end.
        let spare = if lately { Duration::ZERO } else { SPARE };
        let until = SystemTime::from(jiff::Timestamp::now()).checked_add(spare)?;
        let fresh = self.credentials.clone().filter(|it| it.expiry().is_none_or(|end| end > until));
        fresh.map(Ok).or_else(|| self.refused.clone().filter(|_| lately).map(Err))
    }
}

/// One identity; its credentials are fetched when first needed, and again before they end.
pub(super) struct Identity {
    origin: Origin,
    config: SdkConfig,
    runner: Runner,
    turns: OnceLock<Turns>,
    held: Mutex<Held>,
    /// One at a time fetches them.
    turn: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl Identity {
    /// `config`: region, endpoint and timeouts of the calls that a role needs; its credentials are not used.
    pub(super) fn of(wanted: Wanted, config: SdkConfig, runner: Runner) -> Self {
        Self::new(Origin::Wanted(wanted), config, runner)
    }

    /// With these keys, and nothing of the user's read.
    pub(super) fn given(keys: Credentials, config: SdkConfig) -> Self {
        Self::new(Origin::Given(keys), config, Runner::default())
    }

    fn new(origin: Origin, config: SdkConfig, runner: Runner) -> Self {
        let (turns, held, turn) = Default::default();
        Self { origin, config, runner, turns, held, turn }
    }

    /// A role that a binding names, assumed by this identity.
    pub(super) fn assuming(self: &Arc<Self>, arn: &str, external_id: Option<String>, region: &str) -> Self {
        let step = Step::Role { arn: arn.to_owned(), external_id, session: None, mfa: None };
        let region = aws_config::Region::new(region.to_owned());
        let config = self.config.to_builder().region(region).build();
        let origin = Origin::Upon(self.clone(), Link { profile: None, step });
        Self { turns: self.turns.clone(), ..Self::new(origin, config, self.runner.clone()) }
    }

    /// Calls for roles wait for their turns; said once, before the first call.
    pub(super) fn take_turns(&self, turns: Turns) {
        _ = self.turns.set(turns);
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has credentials before a call, so that no limit of the call counts for them.
    pub(super) async fn ready(&self, operation: Operation) -> Result<(), Failure> {
        self.credentials().await.map(drop).map_err(|it| it.of(operation))
    }

    /// What AWS said of a call: credentials that it takes no more are not used again.
    pub(super) fn heard(&self, failure: Failure) -> Failure {
        if failure.kind != ErrorKind::Expired {
            return failure;
        }
        let mut held = self.held();
        held.credentials = None;
        match &held.renewal {
            Some(renewal) => failure.with_hint(renewal),
            None => failure,
        }
    }

    async fn credentials(&self) -> Result<Credentials, Unresolved> {
        if let Some(known) = self.held().known() {
            return known;
        }
        let _turn = self.turn.lock().await;
        // Whoever had the turn before may have fetched them.
        if let Some(known) = self.held().known() {
            return known;
        }
        let found = Box::pin(self.fetch()).await;
        let mut held = self.held();
        held.tried = Some(Instant::now());
        held.refused = found.as_ref().err().cloned();
        match found {
            Ok((credentials, renewal)) => {
                (held.credentials, held.renewal) = (Some(credentials.clone()), renewal);
                Ok(credentials)
            }
            Err(refused) => held.known().unwrap_or(Err(refused)),
        }
    }

    /// The credentials, and what a person does when they are no longer taken.
    async fn fetch(&self) -> Result<(Credentials, Option<String>), Unresolved> {
        match &self.origin {
            Origin::Given(keys) => Ok((keys.clone(), None)),
            Origin::Upon(before, link) => {
                let from = Box::pin(before.credentials()).await?;
                let renewal = before.held().renewal.clone();
                Ok((self.step(link, Some(from)).await?, renewal))
            }
            Origin::Wanted(wanted) => self.wanted(wanted).await,
        }
    }

    async fn wanted(&self, wanted: &Wanted) -> Result<(Credentials, Option<String>), Unresolved> {
        let keys = EnvironmentVariableCredentialsProvider::new();
        if !matches!(wanted, Wanted::Asked(_))
            && let Ok(keys) = keys.provide_credentials().await
        {
            let renewal =
                "the keys in the environment (AWS_ACCESS_KEY_ID) are used: renew them, or unset them";
            return Ok((keys, Some(renewal.to_owned())));
        }
        let profiles = files().await?;
        let name = wanted.profile().unwrap_or("default");
        let Some(chain) = profile::chain(&profiles, name)? else {
            if *wanted != Wanted::Any && profiles.get_profile(name).is_none() {
                let hint = profile::there_are(&profiles, name);
                return Err(Unresolved::of_profile(name, "there is no such profile", &hint));
            }
            return self.machine(wanted).await;
        };
        let mut credentials = None;
        for link in &chain {
            credentials = Some(self.step(link, credentials).await?);
        }
        let renewal = chain.first().map(steps::renewal);
        match credentials {
            Some(credentials) => Ok((credentials, renewal)),
            None => self.machine(wanted).await,
        }
    }

    /// What the machine or the pod this runs on gives: a token, a container's role, an instance's role.
    async fn machine(&self, wanted: &Wanted) -> Result<(Credentials, Option<String>), Unresolved> {
        let config = self.provider();
        let container = EcsCredentialsProvider::builder().configure(&config).build();
        let instance = ImdsCredentialsProvider::builder().configure(&config).build();
        let token = || WebIdentityTokenCredentialsProvider::builder().configure(&config).build();
        let chain = match wanted {
            Wanted::Asked(_) => CredentialsProviderChain::first_try("the container", container),
            Wanted::Named(_) | Wanted::Any => {
                CredentialsProviderChain::first_try("a token", token()).or_else("the container", container)
            }
        };
        let chain = chain.or_else("the instance", instance);
        match tokio::time::timeout(steps::PATIENCE, chain.provide_credentials()).await {
            Ok(found) => found.map(|it| (it, None)).map_err(|error| steps::nothing(wanted, &error)),
            Err(_) => Err(steps::silence("this machine: ")),
        }
    }

    async fn step(&self, link: &Link, from: Option<Credentials>) -> Result<Credentials, Unresolved> {
        if let Some(role) = link.step.role() {
            let account = role.split(':').nth(4).unwrap_or_default();
            let region = self.config.region().map(ToString::to_string).unwrap_or_default();
            if let Some(turns) = self.turns.get() {
                turns.take(account, &region).await;
            }
        }
        steps::take(link, from, &self.config, &self.provider(), &self.runner).await
    }

    fn provider(&self) -> ProviderConfig {
        ProviderConfig::without_region().with_region(self.config.region().cloned())
    }
}

impl ProvideCredentials for Identity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            self.credentials().await.map_err(CredentialsError::provider_error)
        })
    }
}

/// As the SDK's clients take it.
pub(super) fn shared(identity: &Arc<Identity>) -> SharedCredentialsProvider {
    let identity: Arc<dyn ProvideCredentials> = identity.clone();
    SharedCredentialsProvider::from(identity)
}

/// What `~/.aws/config` and `~/.aws/credentials`, or the files the environment names instead, say now.
async fn files() -> Result<ProfileSet, Unresolved> {
    let wanted = aws_runtime::env_config::file::EnvConfigFiles::default();
    let read = aws_config::profile::load(&Fs::default(), &Env::default(), &wanted, None).await;
    read.map_err(|error| {
        let mut text = error.to_string();
        if let Some(cause) = std::error::Error::source(&error) {
            text = format!("{text}: {cause}");
        }
        Unresolved::new(
            ErrorKind::NoCredentials,
            &format!("the AWS configuration cannot be read: {text}"),
            "correct ~/.aws/config and ~/.aws/credentials",
        )
    })
}
