//! What carries requests to AWS: as the SDK's own, but an answer has a limit, and a clock that cannot be is not believed.

use std::time::SystemTime;

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::ConnectorBuilder;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use aws_types::sdk_config::SharedTimeSource;
use http_body_util::Limited;

use crate::limits::ANSWER;

/// Seconds by which clocks may differ: ten years. Nobody's certificates are valid for longer, and the SDK panics where it
/// signs for a year of five digits.
const SKEW: u64 = 10 * 366 * 24 * 3600;

/// Carries requests with TLS, through the proxies of the environment.
pub(super) fn https() -> SharedHttpClient {
    let client = Builder::new().build_with_connector_fn(|settings, components| {
        let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
        let mut connector = ConnectorBuilder::default().tls_provider(provider);
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    });
    SharedHttpClient::new(Bounded { inner: client, clock: None })
}

/// Carries requests without TLS, and through no proxy.
pub(super) fn http() -> SharedHttpClient {
    SharedHttpClient::new(Bounded { inner: Builder::new().build_http(), clock: None })
}

#[derive(Clone, Debug)]
struct Bounded<T> {
    inner: T,
    /// What the SDK takes for the time, once it is known.
    clock: Option<SharedTimeSource>,
}

impl HttpClient for Bounded<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Bounded { inner, clock: components.time_source() })
    }
}

impl HttpConnector for Bounded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, clock) = (self.inner.call(request), self.clock.clone());
        HttpConnectorFuture::new(async move { Ok(bounded(answer.await?, clock.map(|it| it.now()))) })
    }
}

fn bounded(answer: HttpResponse, now: Option<SystemTime>) -> HttpResponse {
    let mut answer = answer.map(|body| match body.bytes() {
        // It is all there.
        Some(_) => body,
        None => SdkBody::from_body_1_x(Limited::new(body, ANSWER.bytes)),
    });
    let date = answer.headers().get("date");
    if date.zip(now).is_some_and(|(it, now)| !is_possible(it, now)) {
        answer.headers_mut().remove("date");
    }
    answer
}

/// Whether clocks can differ like that. What is no time is nobody's clock either.
fn is_possible(date: &str, now: SystemTime) -> bool {
    let date = DateTime::from_str(date, Format::HttpDate).ok().and_then(|it| SystemTime::try_from(it).ok());
    let Some(date) = date else { return false };
    let apart = date.duration_since(now).unwrap_or_else(|it| it.duration());
    apart.as_secs() < SKEW
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_cannot_be_is_not_believed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        for (date, possible) in [
            ("Wed, 18 Nov 2026 10:26:40 GMT", true),
            ("Mon, 18 Nov 2030 10:26:40 GMT", true),
            ("Fri, 31 Dec 9999 23:59:59 GMT", false),
            ("Thu, 01 Jan 1970 00:00:00 GMT", false),
            ("yesterday", false),
        ] {
            assert_eq!(is_possible(date, now), possible, "{date}");
        }
    }
}
