//! The screen without a screen: `State`, the messages that change it, the effects it asks for. Pure; only
//! `update` changes the state, and it decides nothing by the clock.

pub mod action;
mod aws_side;
pub mod changes;
pub mod dialog_keys;
pub mod form;
pub mod key;
pub mod message;
pub mod offered;
pub mod state;
mod update;

pub use self::aws_side::AwsSide;
pub use self::message::Effect;
pub use self::message::Message;
pub use self::state::State;
pub use self::update::settle;
pub use self::update::update;

#[cfg(test)]
mod tests;
