//! The lab's two HTTP servers on loopback: requests in, whole answers or streams out, connections that break
//! where a fault says so.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use futures::StreamExt;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A request, taken in whole.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Ask {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|it| it.1.as_str())
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|it| it.1.as_str())
    }

    /// Whether a parameter is there and means yes.
    pub(super) fn says(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|it| matches!(it, "true" | "1" | "True"))
    }
}

/// The connection is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl std::error::Error for Cut {}

pub(super) type Lines = Pin<Box<dyn Stream<Item = Result<Bytes, Cut>> + Send>>;

/// What the server does with a request.
pub(super) enum Reply {
    Whole {
        status: u16,
        kind: &'static str,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    },
    Stream(Lines),
    /// The connection breaks without an answer.
    Cut,
    /// Nothing comes.
    Hang,
    /// The same, later.
    Late(Duration, Box<Reply>),
}

impl Reply {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self::Whole { status, kind: "application/json", headers: Vec::new(), body }
    }

    pub(super) fn text(status: u16, kind: &'static str, body: impl Into<String>) -> Self {
        Self::Whole { status, kind, headers: Vec::new(), body: Bytes::from(body.into()) }
    }
}

pub(super) type Answer = Arc<dyn Fn(Ask) -> Reply + Send + Sync>;

/// Listens on a free port of the loopback.
pub(super) async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until it is dropped, and every connection with it.
pub(super) async fn serve(listener: TcpListener, answer: Answer) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Small answers must not wait for more to send.
                _ = stream.set_nodelay(true);
                let answer = answer.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| respond(request, answer.clone()));
                    let served = hyper::server::conn::http1::Builder::new();
                    // A client that leaves, or one we cut off, is no error.
                    _ = served.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

type Body = UnsyncBoxBody<Bytes, Cut>;

async fn respond(request: hyper::Request<Incoming>, answer: Answer) -> Result<hyper::Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let query =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let headers = head
        .headers
        .iter()
        .map(|(key, it)| (key.as_str().to_owned(), String::from_utf8_lossy(it.as_bytes()).into_owned()));
    let ask = Ask {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query,
        headers: headers.collect(),
        body,
    };
    let mut reply = answer(ask);
    loop {
        match reply {
            Reply::Late(wait, later) => {
                tokio::time::sleep(wait).await;
                reply = *later;
            }
            Reply::Cut => return Err(Cut),
            Reply::Hang => return std::future::pending().await,
            Reply::Whole { status, kind, headers, body } => {
                let mut response = hyper::Response::builder().status(status).header("content-type", kind);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
                return response.body(body).map_err(|_| Cut);
            }
            Reply::Stream(lines) => {
                let frames = StreamBody::new(lines.map(|it| it.map(Frame::data)));
                let response = hyper::Response::builder().header("content-type", "application/json");
                return response.body(frames.boxed_unsync()).map_err(|_| Cut);
            }
        }
    }
}
