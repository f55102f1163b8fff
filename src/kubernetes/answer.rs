//! Whether what came back is an answer of an API server at all: no redirect, nothing empty, no page for browsers, and not
//! more than anybody can keep. Whoever stands in between answers otherwise.

use std::error::Error;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::header::LOCATION;
use http_body_util::BodyExt;
use http_body_util::BodyStream;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use kube::client::Body;
use tokio::time::Instant;
use tower::BoxError;
use tower::Layer;
use tower::Service;

use crate::domain::facts::failure::causes;
use crate::limits::ANSWER;
use crate::limits::EVENT;
use crate::printable;

/// What came instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("a redirect to {0} instead of an answer")]
    Redirect(String),
    #[error("an empty answer (HTTP {0})")]
    Empty(u16),
    #[error("a page for browsers (HTTP {0}) instead of an answer of Kubernetes")]
    Page(u16),
    #[error("an event of more than {}", EVENT.size())]
    LongEvent,
}

/// What came instead of an answer, or that it was too much, in what a call failed with.
pub(super) fn told(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error).find_map(|it| {
        let none = it.downcast_ref::<NoAnswer>().map(ToString::to_string);
        let long = it.downcast_ref::<LengthLimitError>();
        none.or_else(|| long.map(|_| format!("an answer of more than {}", ANSWER.size())))
    })
}

fn look<B>(answer: &Response<B>) -> Result<(), NoAnswer> {
    let status = answer.status();
    let header = |name| answer.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let mut types = answer.headers().get_all(CONTENT_TYPE).iter();
    let is_page = types.any(|it| it.as_bytes().starts_with(b"text/html"));
    if status.is_redirection() {
        let place: String = printable::url(header(LOCATION)).chars().take(200).collect();
        return Err(NoAnswer::Redirect(if place.is_empty() { "nowhere".to_owned() } else { place }));
    }
    match status {
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT => Err(NoAnswer::Empty(status.as_u16())),
        // What refuses may do so in words for browsers: the code tells.
        _ if status.is_success() && is_page => Err(NoAnswer::Page(status.as_u16())),
        _ => Ok(()),
    }
}

/// Marks a request that a pod answers, through the API server: what it says is none of an API server's answers, and needs to
/// be none.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfPod;

/// Puts the look in front of the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checking;

impl<S> Layer<S> for Checking {
    type Service = Checked<S>;

    fn layer(&self, inner: S) -> Checked<S> {
        Checked { inner }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Checked<S> {
    inner: S,
}

/// A watch lasts minutes. One that is over sooner is begun anew at once by whoever follows it: no more often than this.
const SHORTEST: Duration = Duration::from_millis(500);

/// A body of lines, in which none is longer than an event may be: whoever splits it would keep all of it. Its end does not
/// come before its time.
fn in_lines<B>(body: B) -> UnsyncBoxBody<Bytes, BoxError>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut open = 0;
    let frames = BodyStream::new(body.map_err(Into::into)).map(move |frame| {
        let frame = frame?;
        if let Some(bytes) = frame.data_ref() {
            open = match bytes.iter().rposition(|it| *it == b'\n') {
                Some(at) => bytes.len() - at - 1,
                None => open + bytes.len(),
            };
        }
        match open > EVENT.bytes {
            true => Err(NoAnswer::LongEvent.into()),
            false => Ok(frame),
        }
    });
    let soonest = Instant::now() + SHORTEST;
    let end =
        futures::stream::once(tokio::time::sleep_until(soonest)).filter_map(|()| std::future::ready(None));
    StreamBody::new(frames.chain(end)).boxed_unsync()
}

impl<S, B> Service<Request<Body>> for Checked<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_pods = request.extensions().get::<OfPod>().is_some();
        // A watch has no end.
        let watches = !is_pods && request.uri().query().is_some_and(|it| it.contains("watch="));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await.map_err(Into::into)?;
            if !is_pods {
                look(&answer)?;
            }
            // What refuses a watch is a whole answer.
            let watches = watches && answer.status().is_success();
            Ok(answer.map(|body| match watches {
                true => in_lines(body),
                false => Limited::new(body, ANSWER.bytes).boxed_unsync(),
            }))
        })
    }
}
