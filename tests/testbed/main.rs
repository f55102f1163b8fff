//! The tests against the test bed, one binary: the program as a person and a script use it, beside a real API
//! server and an AWS that lives. Only `tests/testbed/run` runs them; `cargo test` leaves them out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that fails says so by panicking, and what is measured needs the clock"
)]

mod access;
mod board;
mod changes;
mod contract;
#[path = "../contract/aws.rs"]
mod contract_of_aws;
#[path = "../contract/kubernetes.rs"]
mod contract_of_kubernetes;
#[path = "../contract/network.rs"]
mod contract_of_network;
mod follow;
mod health;
mod identity;
mod kinds;
mod lab;
mod login;
#[path = "../contract/matching.rs"]
mod matching;
mod outage;
mod pods;
mod probe;
mod pty;
mod screen;
mod support;
#[path = "../contract/wire.rs"]
mod wire;
mod world;
