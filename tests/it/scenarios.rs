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
const TO_DO: [&str; 1] = ["C12"];

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
    a2_bounces,
    a2_chinese_letters,
    a2_dead_address,
    a2_names_and_languages,
    a2_suppressed_and_unsubscribed,
    a4_daily_digest,
    a4_refused_for_five_days,
    a4_relay_refuses_everybody,
    a4_uncertain_courtesies,
    a4_uncertain_letter,
    c10_confirmed_statement,
    c10_monthly_statement,
    c11_hand_over,
    c1_every_way_of_being_paid,
    c2_postponed_notes,
    c2_promissory_notes,
    c3_approval_awaited,
    c3_moved_due_dates,
    c3_one_letter_for_all_items,
    c3_rules_edited_on_the_way,
    c3_small_and_foreign_amounts,
    c3_staged_reminders,
    c3_weekends_and_spring_festival,
    c4_bounced_payment,
    c4_good_payers_are_the_example,
    c4_thanks_for_payments,
    c5_broken_again,
    c5_promises,
    c6_dispute_on_one_item,
    c6_hold_with_an_end,
    c7_instalment_plan,
    c8_closed_claims,
    c8_credits,
    c8_export_of_open_items,
    c9_late_entry,
    c9_limitation_watch,
    c9_time_barred_claims,
    t10_referral_ask,
    t1_thanks_for_a_visit,
    t2_thanks_at_the_signing,
    t3_thanks_for_a_favour,
    t4_greetings,
    t5_check_ins_until_mastered,
    t6_spare_parts,
    t7_usage_survey,
    t8_product_news,
    t9_testimonials,
}

fn folder() -> PathBuf {
    repository("tests/it/scenarios")
}

fn file_of(name: &str) -> PathBuf {
    folder().join(format!("{}.scn", name.replace('_', "-")))
}

/// Plays a scenario and compares its diary with the one written down.
fn compare(name: &str) {
    let file = file_of(name);
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let script = script::read(&text);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let diary = runtime.block_on(play::play(&script));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, format!("{}\n\nexpect\n{diary}", script.head.trim_end()))
            .expect("the scenario can be written");
    } else {
        assert!(
            diary == script.expected,
            "{} went otherwise:\n{}",
            file.display(),
            difference(&script.expected, &diary)
        );
    }
}

/// The lines that are no longer there with `-`, the new ones with `+`, and
/// those around them.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    // common[i][j]: the longest common rest of old[i..] and new[j..].
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut shown) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        let same = i < old.len() && j < new.len() && old[i] == new[j];
        let (mark, line) = if same {
            (i, j) = (i + 1, j + 1);
            (' ', old[i - 1])
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            i += 1;
            ('-', old[i - 1])
        } else {
            j += 1;
            ('+', new[j - 1])
        };
        writeln!(shown, "{mark} {line}").expect("a String takes it");
    }
    shown
}

#[test]
fn every_scenario_has_a_test_and_every_test_a_scenario() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "scn"))
        .map(|path| path.file_stem().and_then(|stem| stem.to_str()).expect("a name").replace('-', "_"))
        .collect();
    let names: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(files, names);
}

/// The rows a scenario names in its first line: `# C3, A1: …`.
fn rows_of(name: &str) -> Vec<String> {
    let text = fs::read_to_string(file_of(name)).expect("the scenario");
    let rows = text.strip_prefix("# ").and_then(|rest| rest.split_once(':')).map(|(rows, _)| rows.to_owned());
    let rows = rows.unwrap_or_else(|| panic!("{name} begins with `# C3: what it shows`"));
    rows.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_row_of_the_mission_has_a_scenario_or_is_known_to_lack_one() {
    let played: BTreeSet<String> = NAMES.iter().flat_map(|name| rows_of(name)).collect();
    for row in &played {
        assert!(ROWS.contains(&row.as_str()), "there is no row {row}");
    }
    for row in ROWS {
        let known = TO_DO.contains(&row);
        if played.contains(row) {
            assert!(!known, "{row} has a scenario now: take it from TO_DO");
        } else {
            assert!(known, "no scenario plays {row}");
        }
    }
}
