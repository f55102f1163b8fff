//! The fourteen standings and what follows from them.
