//! How much one pass and one day may bring.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::PassReport;
use crate::domain::halt::UNUSUAL;
use crate::domain::ids::RuleName;
use crate::domain::plan::Plan;
use crate::domain::settings::Settings;
use crate::store::Volumes;

/// What is to become of the letters of a pass.
pub(super) enum Verdict {
    /// They are queued, as many as there is room for.
    Queue {
        /// These now.
        plans: Vec<Plan>,
        /// These when the next day begins.
        tomorrow: Vec<Plan>,
    },
    /// They are far more than usual: they wait for a person, for this reason.
    Hold(Vec<Plan>, String),
}

/// Applies the caps to plans that have letters, and notes in the report what
/// they leave out.
pub(super) fn apply(
    mut plans: Vec<Plan>,
    settings: &Settings,
    volumes: &Volumes,
    report: &mut PassReport,
) -> Verdict {
    let planned: u64 = plans.iter().map(|plan| plan.letters.len() as u64).sum();
    let before: u64 = volumes.of_rules.values().copied().map(u64::from).sum();
    let of_day = planned + before + u64::from(volumes.held);
    let usual = settings.letters.unusual.limit(volumes.busiest);
    if planned > 0 && of_day > usual.max(volumes.allowed).into() {
        report.unusual = planned;
        return Verdict::Hold(plans, format!("{UNUSUAL} ({of_day} letters in a day, {usual} is the limit)"));
    }
    let letters = &settings.letters;
    let mut tomorrow = Vec::new();
    if planned > letters.per_pass.into() || of_day > letters.per_rule.into() {
        // What was due first goes first.
        plans.sort_by(|one, other| {
            (due_on(one), &one.relationship).cmp(&(due_on(other), &other.relationship))
        });
        tomorrow = cut_rules(&mut plans, letters.per_rule, volumes, report);
        let cap = usize::try_from(letters.per_pass).unwrap_or(usize::MAX);
        report.capped = cut_to_cap(&mut plans, cap);
    }
    Verdict::Queue { plans, tomorrow }
}

/// The day that the first letter of a plan was due on.
fn due_on(plan: &Plan) -> Option<Date> {
    plan.letters.iter().flat_map(|draft| &draft.lines).map(|line| line.planned_on).min()
}

/// Takes out relationships all of whose letters are of rules that have had
/// their share of the day; they are looked at again tomorrow. Where one letter
/// may go, the others go with it: what a rule looked at once in a while, it
/// would not look at again tomorrow.
fn cut_rules(plans: &mut Vec<Plan>, cap: u32, volumes: &Volumes, report: &mut PassReport) -> Vec<Plan> {
    let mut of_rules: BTreeMap<RuleName, u32> = volumes.of_rules.clone();
    let left_out = plans.extract_if(.., |plan| {
        let is_full = |rule: &RuleName| of_rules.get(rule).is_some_and(|count| *count >= cap);
        let left_out = plan.letters.iter().all(|draft| is_full(&draft.rule));
        let counts = if left_out { &mut report.capped_rules } else { &mut of_rules };
        for draft in &plan.letters {
            *counts.entry(draft.rule.clone()).or_default() += 1;
        }
        left_out
    });
    left_out.collect()
}

/// Keeps the plans whose letters were due first, whole relationships at a
/// time; the rest stays due to be looked at. Returns how many letters that
/// leaves out.
fn cut_to_cap(plans: &mut Vec<Plan>, cap: usize) -> u64 {
    let total: usize = plans.iter().map(|plan| plan.letters.len()).sum();
    if total <= cap {
        return 0;
    }
    let mut room = cap;
    let mut kept = 0;
    for plan in plans.iter() {
        match room.checked_sub(plan.letters.len()) {
            Some(rest) => room = rest,
            // One relationship with more letters than the cap still goes.
            None if kept == 0 => room = 0,
            None => break,
        }
        kept += 1;
    }
    plans.truncate(kept);
    (total - plans.iter().map(|plan| plan.letters.len()).sum::<usize>()) as u64
}
