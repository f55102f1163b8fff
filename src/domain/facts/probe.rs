//! A health check asked by ourselves, through the API server: what is asked, and what came of it.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::time::Timestamp;

/// How a health check speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProbeProtocol {
    Http,
    Https,
    /// A connection alone; of gRPC no more can be asked through the API server.
    Connect,
}

/// What is asked of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRequest {
    pub(crate) cluster: ClusterId,
    pub(crate) pod: ObjectName,
    pub(crate) port: u16,
    pub(crate) protocol: ProbeProtocol,
    /// From its slash on, with its query.
    pub(crate) path: String,
    /// Codes that count as healthy, as the group has them; `None`: any.
    pub(crate) matcher: Option<Arc<str>>,
    /// The check is gRPC, whose answer cannot be asked for this way.
    pub(crate) grpc: bool,
    /// Seconds the check itself waits.
    pub(crate) timeout: u32,
    /// Ports that the pod's containers declare.
    pub(crate) declared: Arc<[u16]>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProbeOutcome {
    Answered {
        status: u16,
        /// Where a redirect leads.
        location: Option<String>,
        /// How the body begins.
        body: String,
    },
    /// The pod's host refuses the connection: nothing listens there.
    Refused,
    /// A connection came about, and what came over it is no answer of this protocol.
    Connected(String),
    /// The API server reaches nothing at the pod's address.
    Unreachable(String),
    /// Nothing came within the time of the check: the program is slow, or packets from the API server are dropped.
    Silent,
    /// It was not asked: not permitted, or the API server could not be reached.
    NotAsked(Failure),
}

/// A probe that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    pub(crate) request: ProbeRequest,
    pub(crate) at: Timestamp,
    /// Milliseconds until the answer, the way through the API server included.
    pub(crate) took: u64,
    pub(crate) outcome: ProbeOutcome,
}

impl ProbeRequest {
    /// The pod as the API server's proxy names it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.protocol == ProbeProtocol::Https { "https:" } else { "" };
        let ObjectName { namespace, name } = &self.pod;
        format!("/api/v1/namespaces/{namespace}/pods/{scheme}{name}:{}/proxy{}", self.port, self.path)
    }
}

/// Whether a code is one of `200`, `200,202` or `200-299`.
pub(crate) fn matches(matcher: &str, code: u16) -> bool {
    matcher.split(',').any(|part| match part.split_once('-') {
        Some((from, to)) => match (from.trim().parse::<u16>(), to.trim().parse::<u16>()) {
            (Ok(from), Ok(to)) => (from..=to).contains(&code),
            _ => false,
        },
        None => part.trim().parse() == Ok(code),
    })
}

impl Probed {
    /// The check would have given up by then.
    pub(crate) fn is_late(&self) -> bool {
        self.took > u64::from(self.request.timeout) * 1_000
    }

    /// Whether the health check would pass with this; `None`: that cannot be told.
    pub(crate) fn passes(&self) -> Option<bool> {
        match (&self.outcome, self.request.protocol) {
            (ProbeOutcome::NotAsked(_) | ProbeOutcome::Unreachable(_) | ProbeOutcome::Silent, _) => None,
            (ProbeOutcome::Answered { .. } | ProbeOutcome::Connected(_), ProbeProtocol::Connect) => {
                (!self.request.grpc).then_some(true)
            }
            (ProbeOutcome::Answered { status, .. }, _) if !self.is_late() => {
                Some(self.request.matcher.as_ref().is_none_or(|it| matches(it, *status)))
            }
            _ => Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_know_lists_and_ranges() {
        for (matcher, code, expected) in [
            ("200", 200, true),
            ("200", 404, false),
            ("200,302", 302, true),
            ("200-399", 301, true),
            ("200 - 299", 250, true),
            ("0", 0, true),
            ("x-y", 200, false),
        ] {
            assert_eq!(matches(matcher, code), expected, "{matcher} {code}");
        }
    }
}
