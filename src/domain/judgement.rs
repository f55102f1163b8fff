//! What the facts come to: which endpoints are wanted, how each row stands, the verdict, whether a binding is
//! settled, what its controller does.

pub mod row;
pub mod standing;
pub mod unsettled;

pub mod checkpoint;
pub mod desired;
pub mod waiting;

pub mod case;
pub mod claims;
pub mod pass;

pub mod controller;
pub mod history;
pub mod matching;
pub mod settled;
pub mod verdict;

pub mod report;
pub mod scope;
