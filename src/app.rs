//! The screen without a screen: `State`, the messages that change it, the effects it asks for. Pure; only
//! `update` changes the state, and it decides nothing by the clock.

pub mod action;
mod aws_side;
pub(crate) mod changes;
pub mod dialog;
pub(crate) mod foot;
pub(crate) mod form;
pub(crate) mod key;
mod lines;
pub(crate) mod message;
pub(crate) mod offered;
pub mod opening;
mod question;
pub(crate) mod seen;
pub mod state;
mod update;
pub(crate) mod widths;

pub(crate) use self::aws_side::AwsSide;
pub(crate) use self::message::Effect;
pub use self::message::Message;
pub use self::state::State;
pub(crate) use self::update::drawn;
pub(crate) use self::update::measured;
pub(crate) use self::update::pressed;
pub(crate) use self::update::readable;
pub(crate) use self::update::rested;
pub use self::update::settle;
pub use self::update::update;
pub(crate) use self::widths::LAST_LINE;
pub use self::widths::Measured;

#[cfg(test)]
mod tests;
