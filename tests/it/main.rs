//! One integration crate: the layers are described in CONTRIBUTING.md.

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
