//! A stand-in for the AWS Load Balancer Controller, each part of its work in a file of its own.

pub(super) mod bindings;
mod checkpoint;
mod cleanup;
mod endpoints;
mod gates;
pub(super) mod memory;
pub(super) mod presence;
pub(super) mod reconcile;
mod targets;
pub(super) mod wake;
pub(super) mod webhook;
