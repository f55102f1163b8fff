//! What the facts come to: which endpoints are wanted, how each row stands, the verdict, whether a binding is
//! settled, what its controller does.

pub mod row;
pub mod standing;
pub mod unsettled;

pub mod checkpoint;
pub mod desired;
pub(crate) mod waiting;
pub(crate) mod zones;

pub(crate) mod case;
pub(crate) mod claims;
pub(crate) mod pass;
pub(crate) mod path;
pub(crate) mod probe;

pub(crate) mod controller;
pub mod history;
pub(crate) mod matching;
pub(crate) mod rollout;
pub(crate) mod routing;
pub(crate) mod settled;
pub(crate) mod verdict;

pub mod report;
pub mod scope;
pub(crate) mod tree;
