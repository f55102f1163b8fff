//! Identities and single facts of either side, as they were read: what everything else is made of. Uses the
//! standard library only.

pub mod ids;
pub mod plan_id;
pub mod time;

pub mod failure;
pub mod operation;
pub mod pages;
pub mod selector;

pub mod cluster;
pub mod elb;

pub mod access;
pub mod ownership;
