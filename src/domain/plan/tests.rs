//! Ladders, stops and budgets played through on a virtual clock: whole lists
//! of what leaves, day by day.

mod alarms;
mod audience;
pub(in crate::domain) mod build;
mod evidence;
mod ladders;
mod promises;
mod properties;
mod relationship;
mod spacing;
mod statements;
mod why;
mod world;
