//! The rows of the mission as scenarios: one file each, with what is given,
//! what happens on which day, and the whole diary that must come of it, with
//! what was not sent and why.
//!
//! `BLESS=1 cargo test scenarios` writes the diaries anew; read the diff as
//! you would read the letters.

mod diary;
mod overheard;
mod play;
mod relay;
mod script;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::support::repository;

/// The rows of the mission. The last ones are those that hold always.
const ROWS: [&str; 26] = [
    "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "T1", "T2", "T3", "T4", "T5",
    "T6", "T7", "T8", "T9", "T10", "A1", "A2", "A3", "A4",
];

/// Rows that no scenario plays yet. This list must become empty; C12 is a
/// report and not a letter, and has its tests where reports are made.
const TO_DO: [&str; 2] = ["C10", "C12"];

/// One test for each file, under its name with `_` for `-`.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        $(#[test]
        fn $name() {
            compare(stringify!($name));
        })+
    };
}

scenarios! {
    a1_first_start_is_quiet,
    a1_first_start_with_backlog,
    a1_old_data,
    a1_one_address_courtesies,
    a1_one_address_one_budget,
    a1_one_budget_for_all_classes,
    a1_outage_of_a_month,
    a1_paid_before_it_leaves,
    a1_reminders_before_courtesies,
    a2_a_decent_hour_where_they_live,
    a2_chinese_letters,
    a2_dead_address,
    a2_names_and_languages,
