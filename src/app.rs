//! The screen without a screen: `State`, the messages that change it, the effects it asks for. Pure; only
//! `update` changes the state, and it decides nothing by the clock.

pub mod action;
mod aws_side;
pub mod changes;
pub mod dialog;
pub mod foot;
pub mod form;
pub mod key;
pub mod message;
pub mod offered;
mod question;
pub mod seen;
pub mod state;
mod update;

pub use self::aws_side::AwsSide;
pub use self::message::Effect;
pub use self::message::Message;
pub use self::state::State;
pub use self::update::drawn;
pub use self::update::pressed;
pub use self::update::readable;
pub use self::update::rested;
pub use self::update::settle;
pub use self::update::update;

#[cfg(test)]
mod tests;
