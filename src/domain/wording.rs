//! Everything a person reads about a judgement: sentences and cells.

pub mod columns;
pub mod outcome;
pub mod scope;
pub mod unsettled;
pub mod words;
