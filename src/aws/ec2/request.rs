//! One call of EC2 over the wire: parameters in, the text of the answer or a failure out.

use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::SCHEME_ID;
use aws_runtime::auth::sigv4::SigV4AuthScheme;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation as Call;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::SharedAuthScheme;
use aws_smithy_runtime_api::client::auth::SharedAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;

use super::decode;
use crate::aws::error;
use crate::aws::identity::Identity;
use crate::aws::meter::Meter;
use crate::aws::whole::Whole;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::operation::Operation;

/// The version of the API that is spoken, its only one.
const VERSION: &str = "2016-11-15";

/// How EC2 of a region is reached, and by whom.
#[derive(Clone)]
pub(in crate::aws) struct Way {
    pub(in crate::aws) identity: Arc<Identity>,
    pub(in crate::aws) credentials: SharedCredentialsProvider,
    pub(in crate::aws) http: SharedHttpClient,
    pub(in crate::aws) timeouts: TimeoutConfig,
    pub(in crate::aws) meter: Meter,
    pub(in crate::aws) region: String,
    pub(in crate::aws) endpoint: String,
    /// Tries again by itself.
    pub(in crate::aws) patient: bool,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Way({})", self.region)
    }
}

/// Where EC2 of a region is: the user's endpoint, else AWS's own in the region's partition.
pub(in crate::aws) fn endpoint(config: &SdkConfig, own: Option<String>, region: &str) -> String {
    let (fips, dual) = (config.use_fips() == Some(true), config.use_dual_stack() == Some(true));
    own.unwrap_or_else(|| official(region, fips, dual))
}

/// AWS's own endpoint, as the rules of its partitions give it (`partitions.json` of the SDKs).
fn official(region: &str, fips: bool, dual: bool) -> String {
    let partition = [
        ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ];
    let found = partition.iter().find(|it| region.starts_with(it.0));
    let (suffix, dual_suffix) = found.map_or(("amazonaws.com", "api.aws"), |it| (it.1, it.2));
    let name = match (fips, region.starts_with("us-gov-")) {
        // The endpoints of GovCloud are validated as they are.
        (true, false) => "ec2-fips",
        (true, true) | (false, _) => "ec2",
    };
    format!("https://{name}.{region}.{}", if dual { dual_suffix } else { suffix })
}

/// An answer that is an error.
#[derive(Debug, thiserror::Error)]
#[error("{meta}")]
struct Refused {
    meta: ErrorMetadata,
}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.meta
    }
}

impl Way {
    /// Makes one call, and gives the text of its answer.
    pub(super) async fn call(
        &self,
        operation: Operation,
        parameters: Vec<(String, String)>,
    ) -> Result<String, Failure> {
        self.identity.ready(operation).await?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", operation.name())
            .append_pair("Version", VERSION)
            .extend_pairs(parameters)
            .finish();
        let call = self.operation(operation);
        let answer = Box::pin(call.invoke(form)).await;
        answer.map_err(|it| self.identity.heard(error::failure(operation, &it)))
    }

    fn operation(&self, operation: Operation) -> Call<String, String, Refused> {
        let region = SigningRegion::from(aws_config::Region::new(self.region.clone()));
        let mut bag = Layer::new("ec2");
        bag.store_put(region.clone());
        bag.store_put(SigningName::from_static("ec2"));
        bag.store_put(SigV4OperationSigningConfig {
            region: Some(region),
            name: Some(SigningName::from_static("ec2")),
            ..SigV4OperationSigningConfig::default()
        });
        bag.store_put(AuthSchemeOptionResolverParams::new(()));
        let schemes = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
        let mut components = RuntimeComponentsBuilder::new("ec2");
        components.set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(schemes)));
        components.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
        components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(self.credentials.clone()));
        components.set_identity_cache(Some(IdentityCache::no_cache()));
        let signed = StaticRuntimePlugin::new().with_config(bag.freeze()).with_runtime_components(components);
        let call = Call::builder()
            .service_name("ec2")
            .operation_name(operation.name())
            .http_client(self.http.clone())
            .endpoint_url(&self.endpoint)
            .timeout_config(self.timeouts.clone())
            .interceptor(self.meter.clone())
            .interceptor(Whole)
            .runtime_plugin(signed);
        let call = match self.patient {
            true => call
                .retry_classifier(AwsErrorCodeClassifier::<Refused>::new())
                .standard_retry(&RetryConfig::standard()),
            false => call.no_retry(),
        };
        call.serializer(|form: String| {
            let mut request = HttpRequest::new(SdkBody::from(form));
            request.set_method("POST")?;
            request.set_uri("/")?;
            request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
            Ok(request)
        })
        .deserializer(answer)
        .build()
    }
}

fn answer(response: &HttpResponse) -> Result<String, OrchestratorError<Refused>> {
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
    if response.status().is_success() {
        return Ok(body);
    }
    let (code, message) = decode::refusal(&body).unwrap_or_default();
    let mut meta = ErrorMetadata::builder();
    if !code.is_empty() {
        meta = meta.code(code).message(message);
    }
    Err(OrchestratorError::operation(Refused { meta: meta.build() }))
}

/// An answer whose text is not what was asked for.
pub(super) fn unreadable(operation: Operation, error: &quick_xml::DeError) -> Failure {
    let text = format!("an answer that is no AWS answer: {error}");
    Failure::new(operation.name(), ErrorKind::Unreadable, &text)
        .with_hint("does a proxy stand between here and AWS? see --endpoint-url")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_endpoints() {
        for (region, fips, dual, expected) in [
            ("eu-west-1", false, false, "https://ec2.eu-west-1.amazonaws.com"),
            ("us-east-1", true, false, "https://ec2-fips.us-east-1.amazonaws.com"),
            ("us-east-1", true, true, "https://ec2-fips.us-east-1.api.aws"),
            ("eu-west-1", false, true, "https://ec2.eu-west-1.api.aws"),
            ("us-gov-west-1", true, false, "https://ec2.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", false, false, "https://ec2.cn-north-1.amazonaws.com.cn"),
            ("cn-north-1", false, true, "https://ec2.cn-north-1.api.amazonwebservices.com.cn"),
            ("us-iso-east-1", false, false, "https://ec2.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", false, false, "https://ec2.us-isob-east-1.sc2s.sgov.gov"),
            ("eusc-de-east-1", false, false, "https://ec2.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(official(region, fips, dual), expected);
        }
    }
}
