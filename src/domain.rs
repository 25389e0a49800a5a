//! What Courtesy knows and decides, without touching the world.
//!
//! Everything here is a value or a function of values. Time is an argument.
//!
//! Invariant: nothing below this module reads a clock, a file, the
//! environment or a random number, awaits or logs; `tests/it/tidy.rs` reads
//! the imports.

pub mod address;
pub mod alarm;
pub mod calendar;
pub mod customer;
pub mod delivery;
pub mod digest;
pub mod event;
pub mod facts;
pub mod figures;
pub mod filter;
pub mod halt;
pub mod ids;
pub mod ladder;
pub mod limitation;
pub mod money;
pub mod notice;
pub mod offset;
pub mod overlap;
pub mod plan;
pub mod promise;
pub mod receivable;
pub mod recipients;
pub mod retry;
pub mod returned;
pub mod rule;
pub mod schedule;
pub mod settings;
pub mod statement;
pub mod stop;
