//! What holds in every world.
