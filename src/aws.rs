//! Elastic Load Balancing and the network of EC2, in domain types: who we are, groups, targets, routes, what lets packets
//! through. No type of the SDK leaves this module.

mod bounded;
mod calls;
mod connect;
mod ec2;
mod error;
mod identity;
mod meter;
mod process;
mod profile;
mod read;
mod steps;
mod turns;
mod unresolved;
mod weights;
mod whole;
mod write;

pub use self::calls::AT_ONCE;
pub use self::calls::LoadBalancing;
pub use self::connect::Session;
pub use self::connect::Settings;
pub(crate) use self::meter::Meter;
pub(crate) use self::turns::Turns;
