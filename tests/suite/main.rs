//! The integration tests, one binary: each link with the SDKs costs seconds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails says so by panicking"
)]

mod aws_wire;
mod cli;
mod docs;
mod kubernetes_wire;
mod lab;
mod recordings;
mod support;
#[path = "../contract/wire.rs"]
mod wire;
mod world;
