//! A health check tried by ourselves, in the cluster of its pod.

use super::connection::Connection;
use super::link::Linked;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::probe::ProbeOutcome;
use crate::domain::facts::probe::ProbeRequest;
use crate::domain::facts::probe::Probed;

/// Asks once.
pub(crate) async fn probe(connection: Connection, request: ProbeRequest) -> Probed {
    let linked = Linked::open(connection).await;
    let at = linked.clock().now();
    let cluster = linked.clusters.iter().find(|it| it.0 == request.cluster).map(|it| &it.1);
    let failure = match cluster {
        Some(Ok(cluster)) => return cluster.probe(request, at).await,
        Some(Err(failure)) => failure.clone(),
        None => Failure::new("probe", ErrorKind::NotFound, "the cluster is not connected"),
    };
    Probed { request, at, took: 0, outcome: ProbeOutcome::NotAsked(failure) }
}
