//! What people wrote in YAML, read once and checked whole.
//!
//! Invariant: only `main` and `cli` know this module; the settings types
//! belong to those who use them.
