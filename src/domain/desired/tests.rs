//! Worlds of the wanted set, as a table.
