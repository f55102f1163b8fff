//! Everything a person reads about a judgement: sentences and cells.

pub(crate) mod columns;
pub(crate) mod outcome;
pub(crate) mod scope;
pub(crate) mod unsettled;
pub(crate) mod words;
