//! What a rule of a listener looks at, changes and does with a request, as Elastic Load Balancing has it.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

/// Texts with `*` and `?`, and regular expressions: one of them has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Patterns {
    pub(crate) values: Vec<String>,
    pub(crate) expressions: Vec<String>,
}

/// What a request has to be like; all conditions of a rule have to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Upper and lower case are the same.
    Host(Patterns),
    /// Of the path alone, before anything rewrites it.
    Path(Patterns),
    /// Exactly one of these.
    Method(Vec<String>),
    /// Upper and lower case are the same in name and value.
    Header(String, Patterns),
    /// A key, or any, with a value; upper and lower case are the same.
    Query(Vec<(Option<String>, String)>),
    /// Blocks of addresses.
    Source(Vec<String>),
    /// `ipv4` or `ipv6`: of network load balancers.
    Family(String),
    /// Something AWS has added since, in its own words.
    Other(String),
}

/// What is rewritten before a request is sent on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transform {
    /// The URL, else the host header.
    pub(crate) url: bool,
    /// Expressions and what they become; the first that fits counts.
    pub(crate) rewrites: Vec<(String, String)>,
}

/// What is done with a request, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// `authenticate-oidc`, `authenticate-cognito`, `jwt-validation`.
    Check(Arc<str>),
    Forward,
    /// A status code.
    Fixed(Arc<str>),
    Redirect(Redirect),
    /// Something AWS has added since.
    Other(Arc<str>),
}

/// Where a client is sent; parts may hold `#{host}` and the like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Redirect {
    pub(crate) status: Option<Arc<str>>,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) host: Option<Arc<str>>,
    pub(crate) port: Option<Arc<str>>,
    pub(crate) path: Option<Arc<str>>,
    pub(crate) query: Option<Arc<str>>,
}

impl Redirect {
    /// The address as it is written: `https://#{host}:443/#{path}?#{query}`.
    pub(crate) fn template(&self) -> String {
        let part = |it: &Option<Arc<str>>, or: &str| it.as_deref().unwrap_or(or).to_owned();
        let query = part(&self.query, "#{query}");
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!(
            "{}://{}:{}{}{query}",
            part(&self.protocol, "#{protocol}").to_lowercase(),
            part(&self.host, "#{host}"),
            part(&self.port, "#{port}"),
            part(&self.path, "/#{path}"),
        )
    }
}

impl Patterns {
    /// `/a|/b`, and expressions behind a tilde: `~^/v[0-9]+/`.
    fn text(&self) -> String {
        let expressions = self.expressions.iter().map(|it| format!("~{it}"));
        let all: Vec<String> = self.values.iter().cloned().chain(expressions).collect();
        all.join("|")
    }
}

impl Condition {
    /// In short: `path /api/*`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Host(it) => format!("host {}", it.text()),
            Self::Path(it) => format!("path {}", it.text()),
            Self::Method(it) => format!("method {}", it.join("|")),
            Self::Header(name, it) => format!("header {name}: {}", it.text()),
            Self::Query(pairs) => {
                let pair = |(key, value): &(Option<String>, String)| {
                    format!("{}={value}", key.as_deref().unwrap_or("*"))
                };
                format!("query {}", pairs.iter().map(pair).collect::<Vec<_>>().join("|"))
            }
            Self::Source(it) => format!("source {}", it.join("|")),
            Self::Family(it) => format!("source {it}"),
            Self::Other(it) => it.clone(),
        }
    }
}

impl Transform {
    /// In short: `rewrites URL ^/v1/(.*)$ to /$1`.
    pub(crate) fn text(&self) -> String {
        let what = if self.url { "URL" } else { "host" };
        let one = |(from, to): &(String, String)| format!("{from} to {to}");
        format!("rewrites {what} {}", self.rewrites.iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

impl Step {
    /// In short: `authenticate-oidc`, `forward`, `fixed response 503`, `redirect HTTP_301 to …`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Check(kind) | Self::Other(kind) => kind.to_string(),
            Self::Forward => "forward".to_owned(),
            Self::Fixed(code) => format!("fixed response {code}"),
            Self::Redirect(to) => {
                let status = to.status.as_deref().unwrap_or("HTTP_302").trim_start_matches("HTTP_");
                format!("redirect {status} to {}", to.template())
            }
        }
    }
}
