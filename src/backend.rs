//! Both outsides as one: what to connect to, what to look at, and the tasks that look. The screen and the
//! commands share it.

pub mod apply;
mod ask;
mod budget;
pub(crate) mod clock;
mod connection;
pub mod examine;
mod fit;
mod link;
mod look;
mod observe;
pub(crate) mod pace;
mod poll;
pub(crate) mod probe;
mod snapshot;
mod teller;
pub mod weigh;

pub use self::ask::Reading;
pub use self::budget::Buckets;
pub use self::budget::Budget;
pub use self::clock::Clock;
pub use self::connection::Connection;
pub use self::connection::Scope;
pub use self::look::Look;
pub use self::look::Question;
pub use self::look::look;
pub(crate) use self::observe::AwsSide;

pub use self::observe::observe;
pub use self::teller::Observed;
