//! Objects as they come over the wire.
