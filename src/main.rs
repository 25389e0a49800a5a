//! The `courtesy` program.
fn main() {}
