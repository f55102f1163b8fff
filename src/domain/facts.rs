//! Identities and single facts of either side, as they were read: what everything else is made of. Uses the
//! standard library, and `ipnet` for blocks of addresses.

pub mod ids;
pub(crate) mod plan_id;
pub mod time;

pub mod failure;
pub(crate) mod operation;
pub(crate) mod pages;
pub mod selector;

pub mod cluster;
pub mod controller;
pub mod ec2;
pub mod elb;
pub mod probe;
pub mod routing;

pub(crate) mod access;
pub(crate) mod lineage;
pub(crate) mod ownership;
