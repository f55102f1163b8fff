//! Kubernetes, in domain types: connecting, listing, watching. No type of kube leaves this module.

mod access;
mod answer;
mod connect;
mod controller;
mod error;
mod guard;
mod kinds;
mod list;
mod probe;
mod proxy;
pub mod read;
mod user;
mod watch;
mod wire;
mod write;

pub use self::connect::Access;
pub use self::connect::Cluster;
pub use self::connect::ConnectError;
pub use self::connect::Contexts;
pub use self::connect::ExecHints;
