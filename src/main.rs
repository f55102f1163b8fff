//! The program: parse, run, say how it ended.

fn main() {}
