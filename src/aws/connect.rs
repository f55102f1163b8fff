//! From profile, region and endpoint to clients: one for each region and role, made when first needed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::config::Builder;
use aws_types::sdk_config::SharedTimeSource;
use aws_types::service_config::ServiceConfigKey;

use super::calls::LoadBalancing;
use super::error;
use super::meter::Meter;
use super::turns::Turns;
use super::whole::Whole;
use crate::domain::facts::elb::Caller;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::operation::Operation;

/// How long one answer may take, and one attempt at it.
const OPERATION: Duration = Duration::from_secs(15);
const ATTEMPT: Duration = Duration::from_secs(8);
const CONNECT: Duration = Duration::from_secs(4);

/// Who to be and where to ask; `None` leaves it to the SDK's own chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub profile: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
    /// An access key and its secret. With them nothing of the user's is read: no file, no environment, no proxy.
    pub keys: Option<(String, String)>,
}

/// One identity: its configuration and the clients made from it.
#[derive(Clone)]
pub struct Session {
    config: Arc<SdkConfig>,
    endpoint: Option<String>,
    profile: Option<String>,
    meter: Meter,
    turns: Turns,
    clients: Arc<Mutex<BTreeMap<ClientKey, LoadBalancing>>>,
}

/// Region, role to assume and its external id.
type ClientKey = (String, Option<String>, Option<String>);

impl Session {
    /// Reads configuration files and environment; credentials are only fetched with the first call.
    pub async fn open(settings: Settings) -> Self {
        if settings.keys.is_some() {
            return Self::alone(settings);
        }
        let timeouts = timeouts();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(region) = settings.region {
            loader = loader.region(Region::new(region));
        }
        if let Some(endpoint) = settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(profile) = &settings.profile {
            // The default chain would let keys of the environment win over a profile somebody asked for.
            let provider = ProfileFileCredentialsProvider::builder().profile_name(profile).build();
            loader = loader.profile_name(profile).credentials_provider(provider);
        }
        // It is large, and would lie in the futures of whoever connects.
        let config = Box::pin(loader.load()).await;
        let profile = settings.profile.or_else(|| std::env::var("AWS_PROFILE").ok());
        Self {
            endpoint: endpoint(&config),
            config: Arc::new(config),
            profile,
            meter: Meter::default(),
            turns: Turns::default(),
            clients: Arc::default(),
        }
    }

    /// From these settings alone.
    fn alone(settings: Settings) -> Self {
        let (key, secret) = settings.keys.unwrap_or_default();
        let keys = aws_credential_types::Credentials::new(key, secret, None, None, "given");
        let mut config = SdkConfig::builder();
        config.set_endpoint_url(settings.endpoint.clone());
        let config = config
            .behavior_version(BehaviorVersion::latest())
            .region(settings.region.map(Region::new))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            // Whoever assumes a role asks for the time, and panics where there is none.
            .time_source(SharedTimeSource::default())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Self {
            config: Arc::new(config.build()),
            endpoint: settings.endpoint,
            profile: None,
            meter: Meter::default(),
            turns: Turns::default(),
            clients: Arc::default(),
        }
    }

    /// The same, whose calls for roles wait for their turns.
    #[must_use]
    pub(crate) fn taking(mut self, turns: Turns) -> Self {
        self.turns = turns;
        self
    }

    /// The endpoint in use when it is not AWS's own.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The region of calls that are not about a group; a group's own region is in its ARN.
    pub(crate) fn region(&self) -> Option<String> {
        self.config.region().map(ToString::to_string)
    }

    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The client for a group's region, with the role its binding asks for.
    pub fn of(&self, arn: &TargetGroupArn, role: Option<(&str, Option<&str>)>) -> LoadBalancing {
        self.client(arn.region(), role)
    }

    /// The client for a region.
    pub fn client(&self, region: &str, role: Option<(&str, Option<&str>)>) -> LoadBalancing {
        let external = role.and_then(|it| it.1).map(str::to_owned);
        let key = (region.to_owned(), role.map(|it| it.0.to_owned()), external);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(key.clone()).or_insert_with(|| self.make(&key)).clone()
    }

    fn make(&self, (region, role, external): &ClientKey) -> LoadBalancing {
        let mut builder = Builder::from(&*self.config)
            .region(Region::new(region.clone()))
            .interceptor(self.meter.clone())
            .interceptor(Whole);
        builder.set_endpoint_url(self.endpoint.clone());
        if let Some(role) = role {
            builder = builder.credentials_provider(self.assume(role, external.clone(), region.clone()));
        }
        let patient = builder.clone().retry_config(RetryConfig::standard()).build();
        LoadBalancing::new(
            Client::from_conf(builder.build()),
            Client::from_conf(patient),
            self.profile.clone(),
        )
    }

    fn assume(&self, role: &str, external: Option<String>, region: String) -> SharedCredentialsProvider {
        let config = self.config.clone();
        let role = role.to_owned();
        let turns = self.turns.clone();
        SharedCredentialsProvider::new(Assumed { config, role, external, region, turns })
    }

    /// Who we are; the call needs no permission.
    pub(crate) async fn caller(&self, region: &str) -> Result<Caller, Failure> {
        let config =
            aws_sdk_sts::config::Builder::from(&*self.config).region(Region::new(region.to_owned())).build();
        let answer = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
        let answer = answer
            .map_err(|it| error::failure(Operation::GetCallerIdentity, self.profile.as_deref(), &it))?;
        Ok(Caller {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
        })
    }
}

/// A role's credentials, fetched when first needed: building the provider is asynchronous.
#[derive(Debug)]
struct Assumed {
    config: Arc<SdkConfig>,
    role: String,
    external: Option<String>,
    region: String,
    turns: Turns,
}

impl aws_credential_types::provider::ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        aws_credential_types::provider::future::ProvideCredentials::new(async move {
            let account = self.role.split(':').nth(4).unwrap_or_default();
            self.turns.take(account, &self.region).await;
            let mut builder = AssumeRoleProvider::builder(&self.role)
                .configure(&self.config)
                .region(Region::new(self.region.clone()))
                .session_name("tgscope");
            if let Some(external) = &self.external {
                builder = builder.external_id(external);
            }
            builder.build().await.provide_credentials().await
        })
    }
}

/// How long each part of a call may take.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_timeout(OPERATION)
        .operation_attempt_timeout(ATTEMPT)
        .connect_timeout(CONNECT)
        .build()
}

/// The endpoint a user configured for this service, from wherever the AWS CLI would take it. The SDK looks
/// for `elastic-load-balancing-v2` in a profile's `services` section, while the CLI and the specification
/// have `elastic_load_balancing_v2`: without this, calls meant for a private endpoint would go to AWS.
fn endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("elastic_load_balancing_v2")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok();
    let own = config.service_config().zip(key).and_then(|(source, key)| source.load_config(key));
    match config.get_origin("endpoint_url").is_client_config() {
        // Given on the command line: it wins over all configuration.
        true => config.endpoint_url().map(str::to_owned),
        false => own.or_else(|| config.endpoint_url().map(str::to_owned)),
    }
}
