//! Frames, with their colours.
