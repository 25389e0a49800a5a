//! One integration crate; the layers and invariants it holds are described in
//! `src/lib.rs`.

mod black_box;
mod cadence;
mod check;
mod every_step;
mod faults;
mod hold;
mod import;
mod inbox;
mod letters;
mod log;
mod package;
mod reference;
mod rehearsal;
mod relay;
mod scenarios;
mod schemas;
mod screens;
mod service;
mod simulation;
mod store;
mod support;
mod tidy;
mod week;
