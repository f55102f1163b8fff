//! The connections themselves, made once and used for as long as what they are for takes: one look, or one plan.

use super::ask::Asker;
use super::clock::Clock;
use super::connection::Connection;
use crate::aws::Session;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ClusterId;
use crate::kubernetes::Cluster;

/// Both sides, connected or with the reason why not.
pub(crate) struct Linked {
    pub(super) clusters: Vec<(ClusterId, Result<Cluster, Failure>)>,
    pub(super) asker: Asker,
}

impl Linked {
    /// Connects to every cluster and opens the AWS side. What fails is remembered, and nothing else fails with it.
    pub(crate) async fn open(connection: Connection) -> Self {
        let clock = connection.clock;
        let clusters = connection.clusters.into_iter().map(|access| async {
            let id = access.id.clone();
            (id, access.connect().await)
        });
        let (session, clusters) =
            tokio::join!(Session::open(connection.aws), futures::future::join_all(clusters));
        let session = session.taking(connection.budget.turns());
        Self {
            clusters,
            asker: Asker { session, buckets: connection.budget, patient: true, clock, reading: None },
        }
    }

    /// The AWS side alone.
    pub(super) async fn open_aws(connection: Connection) -> Self {
        Self::open(Connection { clusters: Vec::new(), ..connection }).await
    }

    pub(super) fn cluster(&self, id: &ClusterId) -> Result<&Cluster, Failure> {
        let found = self.clusters.iter().find(|it| it.0 == *id).map(|it| &it.1);
        let missing =
            || Failure::new("connect", ErrorKind::NotFound, &format!("context {id} is not connected"));
        found.ok_or_else(missing)?.as_ref().map_err(Clone::clone)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.asker.clock
    }
}
