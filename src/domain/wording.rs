//! Everything a person reads about a judgement: sentences and cells.

pub(crate) mod around;
pub(crate) mod board;
pub(crate) mod columns;
pub(crate) mod explanation;
pub mod glossary;
pub(crate) mod health;
pub(crate) mod outcome;
pub(crate) mod path;
pub(crate) mod pod;
pub(crate) mod probe;
pub(crate) mod routes;
pub(crate) mod scope;
pub(crate) mod unsettled;
mod unwanted;
pub(crate) mod words;
