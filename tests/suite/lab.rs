//! The lab in tests: a world whose clock only moves when it is told, and the ordinary connection to it.

mod contract;
mod controller;
mod faults;
mod many;
mod recorded;
mod routes;
mod scenarios;
pub(crate) mod session;
mod sides;
mod wanted;

use std::time::Duration;

use serde_json::Value;
use tgscope::aws::Settings;
use tgscope::backend::Buckets;
use tgscope::backend::Budget;
use tgscope::backend::Clock;
use tgscope::backend::Connection;
use tgscope::backend::Look;
use tgscope::backend::Question;
use tgscope::backend::Scope;
use tgscope::backend::look;
use tgscope::domain::judgement::scope::ScopeTarget;
use tgscope::kubernetes::Contexts;
use tgscope::lab;
use tgscope::lab::Lab;
use tgscope::lab::Scenario;

use crate::wire::Answer;
use crate::wire::Call;
use crate::wire::MERGE;
use crate::wire::Wire;

/// 2026-01-15T09:00:00Z: when every world of a test is first seen.
pub(crate) const BEGIN: i64 = 1_768_467_600_000;

/// A lab whose clock stands still.
pub(crate) struct Still {
    pub(crate) lab: Lab,
    clock: lab::Clock,
    pub(crate) namespace: String,
    pub(crate) open: Option<ScopeTarget>,
}

impl Still {
    pub(crate) async fn start(scenario: &str) -> Self {
        Self::of(Scenario::built_in(scenario).unwrap()).await
    }

    pub(crate) async fn of(scenario: Scenario) -> Self {
        let clock = lab::Clock::new(BEGIN, 0.0);
        let namespace = scenario.namespace.clone();
        let open = scenario.open.as_ref().map(|it| it.parse().unwrap());
        let lab = Lab::start(scenario, clock.clone()).await.unwrap();
        Self { lab, clock, namespace, open }
    }

    /// The connection a demo has, in the lab's time and without a budget that would hold tests up.
    pub(crate) fn connection(&self) -> Connection {
        self.connection_by("demo", lab::ADMIN_KEY)
    }

    /// The same as somebody else, on either side.
    pub(crate) fn connection_by(&self, context: &str, key: &str) -> Connection {
        let contexts = Contexts::from_text(&self.lab.kubeconfig()).unwrap();
        let clusters = vec![contexts.access(Some(context)).unwrap()];
        let aws = Settings {
            region: Some(self.lab.region()),
            endpoint: Some(self.lab.aws_url()),
            keys: Some((key.to_owned(), lab::SECRET.to_owned())),
            ..Settings::default()
        };
        let told = self.clock.clone();
        let budget = Buckets::new(Budget { per_second: 1_000, burst: 1_000 });
        let clock = Clock::told(move || told.now(), 0.0);
        Connection { clusters, aws, budget, read_only: false, clock }
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope { namespace: Some(self.namespace.clone()) }
    }

    /// What `get` sees now.
    pub(crate) async fn look(&self) -> Look {
        let question = Question { target: self.open.as_ref(), ..Question::default() };
        look(self.connection(), &self.scope(), question).await
    }

    pub(crate) fn seconds(&self, seconds: u64) {
        self.lab.advance(Duration::from_secs(seconds));
    }
}

/// Short forms of the calls tests of the lab make by hand.
impl Wire {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Call { method: "GET", path, accept: "application/json", content: "", body: "" }).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(Call { method: "POST", path, accept: "", content: "application/json", body: &body }).await
    }

    /// A merge patch.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(Call { method: "PATCH", path, accept: "", content: MERGE, body: &body }).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Call { method: "DELETE", path, accept: "", content: "", body: "" }).await
    }
}
