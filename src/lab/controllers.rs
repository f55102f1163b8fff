//! The controllers of the cluster, each in a file of its own, and what they share.

mod addresses;
pub(super) mod deployments;
pub(super) mod events;
pub(super) mod garbage;
pub(super) mod image;
pub(super) mod kubelet;
pub(super) mod liveness;
pub(super) mod nodes;
pub(super) mod owners;
mod pods;
mod readiness;
pub(super) mod replicas;
pub(super) mod scheduler;
pub(super) mod selection;
pub(super) mod slices;
