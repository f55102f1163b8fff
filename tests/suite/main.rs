//! The integration tests, one binary: each link with the SDKs costs seconds.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails says so by panicking"
)]

mod aws_wire;
mod cases;
mod changes;
mod cli;
#[path = "../contract/aws.rs"]
mod contract_of_aws;
#[path = "../contract/kubernetes.rs"]
mod contract_of_kubernetes;
#[path = "../contract/network.rs"]
mod contract_of_network;
mod docs;
mod fuzz;
mod kubernetes_wire;
mod lab;
#[path = "../contract/matching.rs"]
mod matching;
mod pty;
mod recordings;
mod support;
#[path = "../contract/wire.rs"]
mod wire;
mod world;
