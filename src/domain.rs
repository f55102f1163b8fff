//! What the program knows about the world and the rules it judges it by. Pure: no input or output, no
//! clock, no tasks; time is an argument. The storeys, bottom-up: each uses only those before it, and
//! `tests/architecture.rs` holds them to it.

pub mod facts;
pub mod inventory;
pub mod judgement;
pub mod plan;
pub mod wording;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod properties;
