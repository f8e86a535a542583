//! Calls the library, nothing else.

fn main() {}
