//! What people type and read: the only code that prints.

pub mod problems;
