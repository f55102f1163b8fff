//! What the program knows about the world and the rules it judges it by. Pure: no input or output, no
//! clock, no tasks; time is an argument.

pub mod ids;
pub mod time;

pub mod cluster;
pub mod elb;
pub mod failure;
pub mod follow;
pub mod inventory;

pub mod checkpoint;
pub mod controller;
pub mod desired;
pub mod history;
pub mod matching;
pub mod report;
pub mod routes;
pub mod scope;
pub mod selector;
pub mod settled;
pub mod standing;
pub mod unbound;
pub mod verdict;
pub mod waiting;

pub mod columns;
pub mod words;

pub mod permissions;
pub mod plan;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod properties;
