//! From profile, region and endpoint to clients: one for each region and role, made when first needed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::config::Builder;
use aws_types::sdk_config::SharedTimeSource;
use aws_types::service_config::ServiceConfigKey;

use super::bounded;
use super::calls::LoadBalancing;
use super::ec2;
use super::ec2::Ec2;
use super::ec2::Way;
use super::error;
use super::identity;
use super::identity::Identity;
use super::meter::Meter;
use super::profile::Wanted;
use super::turns::Turns;
use super::whole::Whole;
use crate::domain::facts::elb::Caller;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::operation::Operation;
use crate::login::Runner;
use crate::printable;

/// How long one answer may take, and one attempt at it.
const OPERATION: Duration = Duration::from_secs(15);
const ATTEMPT: Duration = Duration::from_secs(8);
const CONNECT: Duration = Duration::from_secs(4);

/// Who to be and where to ask; `None` leaves it to the AWS CLI's own rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// A profile that was asked for: it goes before keys of the environment.
    pub profile: Option<String>,
    /// A profile that the environment of the kubeconfig's login names: keys of the environment go before it.
    pub hint: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
    /// Roles that bindings name are not assumed: the groups are asked for as ourselves.
    pub stays_itself: bool,
    /// An access key and its secret. With them nothing of the user's is read: no file, no environment, no proxy.
    pub keys: Option<(String, String)>,
    /// Runs a profile's `credential_process`.
    pub runner: Runner,
}

/// One identity: its configuration and the clients made from it.
#[derive(Clone)]
pub struct Session {
    config: Arc<SdkConfig>,
    identity: Arc<Identity>,
    endpoint: Option<String>,
    /// The same of EC2.
    ec2_endpoint: Option<String>,
    profile: Option<String>,
    stays_itself: bool,
    meter: Meter,
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
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .http_client(bounded::https())
            .identity_cache(IdentityCache::no_cache())
            // Ours come by themselves; those the SDK would find are not asked for.
            .no_credentials();
        if let Some(region) = settings.region {
            loader = loader.region(Region::new(region));
        }
        if let Some(endpoint) = settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        // The AWS CLI takes both, the SDK the first alone.
        let named = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
        let of_environment = || named("AWS_PROFILE").or_else(|| named("AWS_DEFAULT_PROFILE"));
        let wanted = match (settings.profile, settings.hint) {
            (Some(asked), _) => Wanted::Asked(asked),
            (None, Some(hint)) => Wanted::Named(hint),
            (None, None) => of_environment().map_or(Wanted::Any, Wanted::Named),
        };
        let profile = wanted.profile().map(str::to_owned);
        if let Some(profile) = &profile {
            loader = loader.profile_name(profile);
        }
        // It is large, and would lie in the futures of whoever connects.
        let config = Box::pin(loader.load()).await;
        let identity = Identity::of(wanted, config.clone(), settings.runner);
        let (endpoint, ec2_endpoint) = (endpoint(&config, ELB), endpoint(&config, EC2));
        Self {
            ec2_endpoint,
            stays_itself: settings.stays_itself,
            ..Self::new(config, Arc::new(identity), endpoint, profile)
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
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .identity_cache(IdentityCache::no_cache())
            // Whoever assumes a role asks for the time, and panics where there is none.
            .time_source(SharedTimeSource::default())
            .http_client(bounded::http())
            .build();
        let identity = Identity::given(keys, config.clone());
        Self::new(config, Arc::new(identity), settings.endpoint, None)
    }

    fn new(
        config: SdkConfig,
        identity: Arc<Identity>,
        endpoint: Option<String>,
        profile: Option<String>,
    ) -> Self {
        let config = Arc::new(config);
        let (meter, clients) = (Meter::default(), Arc::default());
        let ec2_endpoint = endpoint.clone();
        Self { config, identity, endpoint, ec2_endpoint, profile, stays_itself: false, meter, clients }
    }

    /// The same, whose calls for roles wait for their turns.
    #[must_use]
    pub(crate) fn taking(self, turns: Turns) -> Self {
        self.identity.take_turns(turns);
        self
    }

    /// The endpoint in use when it is not AWS's own, without a password.
    pub(crate) fn endpoint(&self) -> Option<String> {
        self.endpoint.as_deref().map(printable::url)
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
        let role = role.filter(|_| !self.stays_itself);
        let external = role.and_then(|it| it.1).map(str::to_owned);
        let key = (region.to_owned(), role.map(|it| it.0.to_owned()), external);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(key.clone()).or_insert_with(|| self.make(&key)).clone()
    }

    /// EC2 of a region, as ourselves or with a role; `patient` tries again by itself.
    pub(crate) fn ec2(&self, region: &str, role: Option<(&str, Option<&str>)>, patient: bool) -> Ec2 {
        let role = role.filter(|_| !self.stays_itself);
        let identity = match role {
            // The load balancers of the role hold its credentials.
            Some(_) => self.client(region, role).shared_identity(),
            None => self.identity.clone(),
        };
        Ec2::new(Way {
            credentials: identity::shared(&identity),
            identity,
            http: self.config.http_client().unwrap_or_else(bounded::http),
            timeouts: timeouts(),
            meter: self.meter.clone(),
            region: region.to_owned(),
            endpoint: ec2::endpoint(&self.config, self.ec2_endpoint.clone(), region),
            patient,
        })
    }

    fn make(&self, (region, role, external): &ClientKey) -> LoadBalancing {
        let identity = match role {
            Some(role) => Arc::new(self.identity.assuming(role, external.clone(), region)),
            None => self.identity.clone(),
        };
        let mut builder = Builder::from(&*self.config)
            .region(Region::new(region.clone()))
            .credentials_provider(identity::shared(&identity))
            .interceptor(self.meter.clone())
            .interceptor(Whole);
        builder.set_endpoint_url(self.endpoint.clone());
        let patient = builder.clone().retry_config(RetryConfig::standard()).build();
        LoadBalancing::new(Client::from_conf(builder.build()), Client::from_conf(patient), identity)
    }

    /// Who we are; the call needs no permission.
    pub async fn caller(&self, region: &str) -> Result<Caller, Failure> {
        let operation = Operation::GetCallerIdentity;
        self.identity.ready(operation).await?;
        let config = aws_sdk_sts::config::Builder::from(&*self.config)
            .credentials_provider(identity::shared(&self.identity))
            .region(Region::new(region.to_owned()))
            .build();
        let answer = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
        let answer = answer.map_err(|it| self.identity.heard(error::failure(operation, &it)))?;
        Ok(Caller {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
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

/// The services as configuration names them.
const ELB: &str = "elastic_load_balancing_v2";
const EC2: &str = "ec2";

/// The endpoint a user configured for a service, from wherever the AWS CLI would take it. The SDK looks
/// for `elastic-load-balancing-v2` in a profile's `services` section, while the CLI and the specification
/// have `elastic_load_balancing_v2`: without this, calls meant for a private endpoint would go to AWS.
fn endpoint(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
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
