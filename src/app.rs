//! The screen without a screen: `State`, the messages that change it, the effects it asks for. Pure; only
//! `update` changes the state, and it decides nothing by the clock.

pub mod action;
pub mod form;
pub mod hands;
pub mod key;
pub mod message;
pub mod state;
mod update;

pub use self::message::Effect;
pub use self::message::Epoch;
pub use self::message::Message;
pub use self::state::State;
pub use self::update::settle;
pub use self::update::update;

#[cfg(test)]
mod tests;
