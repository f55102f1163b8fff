//! The lab: a whole outside on loopback. A Kubernetes API server, Elastic Load Balancing, the controllers in
//! between, a clock and a story. It knows nothing of the rest of the program: who wants to see it connects.

mod build;
mod clock;
mod controllers;
mod ec2;
mod elbv2;
mod engine;
mod fault;
mod json;
mod kubernetes;
mod lbc;
mod queue;
mod random;
mod reactions;
mod scenario;
mod script;
mod server;
mod shared;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

pub use self::clock::Clock;
pub use self::elbv2::ADMIN_KEY;
pub use self::elbv2::SECRET;
pub use self::elbv2::VIEWER_KEY;
pub use self::scenario::Scenario;
pub(crate) use self::scenario::ScenarioError;
use self::scenario::Step;
use self::shared::Shared;
use self::world::World;

/// A lab that runs. It ends, and its servers with it, when it is dropped.
#[derive(Debug)]
pub struct Lab {
    shared: Shared,
    kubernetes: SocketAddr,
    aws: SocketAddr,
    _tasks: JoinSet<()>,
}

/// The identities of the cluster: the name of the context is `demo-NAME`, the administrator's `demo`.
const IDENTITIES: [&str; 3] = ["admin", "operator", "viewer"];

impl Lab {
    /// Builds the world of a scenario, with its past, and serves it on free ports of the loopback. Where the
    /// clock stands still, it only moves by [`Lab::advance`].
    pub async fn start(scenario: Scenario, clock: Clock) -> io::Result<Self> {
        let now = clock.now();
        let begin = now - scenario.warm_up.0;
        let mut world = World::new(Arc::new(scenario), clock, begin);
        world.began = now;
        build::build(&mut world, now);
        let shared = Shared::new(world);
        let (listener, kubernetes) = server::listen().await?;
        let mut tasks = JoinSet::new();
        let it = shared.clone();
        tasks.spawn(async move {
            match server::serve(listener, Arc::new(move |ask| kubernetes::answer(&it, &ask))).await {}
        });
        let (listener, aws) = server::listen().await?;
        let it = shared.clone();
        tasks.spawn(async move {
            match server::serve(listener, Arc::new(move |ask| elbv2::answer(&it, &ask))).await {}
        });
        tasks.spawn(engine::drive(shared.clone()));
        Ok(Self { shared, kubernetes, aws, _tasks: tasks })
    }

    /// Where Elastic Load Balancing and STS answer.
    pub fn aws_url(&self) -> String {
        format!("http://{}", self.aws)
    }

    /// Where the API server answers as the administrator; `…/as/NAME` answers as somebody else.
    pub(crate) fn kubernetes_url(&self) -> String {
        format!("http://{}", self.kubernetes)
    }

    pub fn region(&self) -> String {
        self.shared.lock().elb.region.clone()
    }

    /// A kubeconfig with a context for each identity.
    pub fn kubeconfig(&self) -> String {
        let namespace = self.shared.lock().scenario.namespace.clone();
        let url = self.kubernetes_url();
        let mut text = String::from(
            "apiVersion: v1\nkind: Config\ncurrent-context: demo\nusers:\n- name: demo\n  user: {}\n",
        );
        let (mut contexts, mut clusters) = (String::from("contexts:\n"), String::from("clusters:\n"));
        for identity in IDENTITIES {
            let (name, server) = match identity {
                "admin" => ("demo".to_owned(), url.clone()),
                other => (format!("demo-{other}"), format!("{url}/as/{other}")),
            };
            contexts += &[
                "- {name: ",
                &name,
                ", context: {cluster: ",
                &name,
                ", user: demo, namespace: ",
                &namespace,
                "}}\n",
            ]
            .concat();
            clusters += &["- {name: ", &name, ", cluster: {server: \"", &server, "\"}}\n"].concat();
        }
        text.push_str(&contexts);
        text.push_str(&clusters);
        text
    }

    /// Moves the time on at once and lets everything happen that falls into it.
    pub fn advance(&self, by: Duration) {
        let mut world = self.shared.lock();
        world.clock.advance(by);
        engine::catch_up(&mut world);
        drop(world);
        self.shared.wake();
    }

    /// Makes something happen now: a step as a scenario has it, without its time.
    pub fn act(&self, step: &str) -> Result<(), ScenarioError> {
        let step = Step::parse(step)?;
        engine::within(&self.shared, |world| script::act(world, &step));
        Ok(())
    }
}
