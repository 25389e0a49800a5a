//! One integration crate; the layers and invariants it holds are described in
//! `src/lib.rs`.

mod black_box;
mod check;
mod import;
mod letters;
mod planner;
mod relay;
mod simulation;
mod store;
mod support;
mod tidy;
