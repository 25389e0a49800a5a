//! One relationship, one budget: which of the letters that are due may go.

use std::collections::HashSet;

use jiff::ToSpan;
use jiff::civil::Date;

use super::view::View;
use super::why::Spent;
use crate::domain::ids::{LetterId, RuleName};
use crate::domain::ladder::days_between;
use crate::domain::notice::{Draft, LetterState, Priority};
use crate::domain::rule::BudgetKind;
use crate::domain::settings::{Budget, Settings};
use crate::domain::stop::Stop;

/// A letter that will be due soon.
pub struct Upcoming {
    pub priority: Priority,
    pub day: Date,
    pub budget: BudgetKind,
}

/// A letter to the customer that left, or will.
struct Entry {
    rule: RuleName,
    budget: BudgetKind,
    day: Date,
}

/// Why a letter must wait, and from which day on to ask again.
pub struct NoRoom {
    pub until: Date,
    pub why: Stop,
}

/// The letters of one relationship that count against its budgets and the
/// caps of its rules.
pub struct Book {
    letters: Vec<Entry>,
    upcoming: Vec<Upcoming>,
}

impl Book {
    /// Everything already sent, or on its way, to any of the customers. Where
    /// a letter is asked about again, waiting ones of less importance than
    /// `least` give way to it.
    pub fn new(views: &[View<'_>], upcoming: Vec<Upcoming>, least: Option<Priority>) -> Self {
        let mut seen: HashSet<LetterId> = HashSet::new();
        let mut letters = Vec::new();
        for (view, notice) in views.iter().flat_map(|view| view.of.notices.iter().map(move |n| (view, n))) {
            let Some(budget) = notice.budget.filter(|_| notice.to_customer) else { continue };
            let waits = matches!(notice.state, LetterState::Queued | LetterState::Retry)
                && least.is_none_or(|least| notice.priority >= least);
            if (waits || notice.state.counts_as_sent()) && seen.insert(notice.letter) {
                // What waits past its day leaves today at the earliest.
                let day = if waits { notice.day.max(view.today) } else { notice.day };
                letters.push(Entry { rule: notice.key.rule.clone(), budget, day });
            }
        }
        Self { letters, upcoming }
    }

    /// Takes a letter that leaves on `day` into the book, `cap` being its
    /// rule's, or says from which day on there is room for it.
    ///
    /// # Errors
    /// The day to ask again, and what is used up.
    pub fn take(
        &mut self,
        draft: &Draft,
        day: Date,
        cap: Option<Budget>,
        settings: &Settings,
    ) -> Result<(), NoRoom> {
        let Some(kind) = draft.budget else { return Ok(()) };
        if let Some(until) = cap.and_then(|cap| self.full_until(cap, day, |entry| entry.rule == draft.rule)) {
            return Err(NoRoom { until, why: Stop::RuleCap });
        }
        let no_budget = |until| Err(NoRoom { until, why: Stop::Budget });
        let budget = budget_of(kind, settings);
        if let Some(until) = self.full_until(budget, day, |entry| entry.budget == kind) {
            return no_budget(until);
        }
        let higher = self
            .upcoming
            .iter()
            .filter(|next| next.budget == kind && next.priority > draft.priority)
            .filter(|next| next.day >= day && apart(next.day, day) < budget.days)
            .map(|next| next.day)
            .min();
        if let Some(higher) = higher {
            return no_budget(higher.max(day.saturating_add(1.day())));
        }
        // What a person must agree to first takes nobody's place meanwhile.
        if !draft.approve {
            self.letters.push(Entry { rule: draft.rule.clone(), budget: kind, day });
        }
        Ok(())
    }

    /// The last letter against each budget, and the day from which on there
    /// is room for the next.
    pub fn spent(&self, settings: &Settings) -> Vec<Spent> {
        let of_kind = |kind| {
            let budget = budget_of(kind, settings);
            let entries = self.letters.iter().filter(|entry| entry.budget == kind);
            let mut days: Vec<Date> = entries.map(|entry| entry.day).collect();
            days.sort_unstable_by(|one, other| other.cmp(one));
            let last = *days.first()?;
            let fills = days.get((budget.letters as usize).saturating_sub(1));
            let room_from = fills.map_or(last, |day| day.saturating_add(budget.days.days()));
            Some(Spent { kind, last, room_from })
        };
        [BudgetKind::Customer, BudgetKind::Moments].into_iter().filter_map(of_kind).collect()
    }

    /// The day on which a letter of these falls out of the window and makes
    /// room; `None` where there is room.
    fn full_until(&self, budget: Budget, day: Date, of: impl Fn(&Entry) -> bool) -> Option<Date> {
        let near = self.letters.iter().filter(|entry| of(entry) && apart(entry.day, day) < budget.days);
        let near: Vec<Date> = near.map(|entry| entry.day).collect();
        let first = near.iter().min().filter(|_| near.len() >= budget.letters as usize)?;
        Some(first.saturating_add(budget.days.days()))
    }
}

fn budget_of(kind: BudgetKind, settings: &Settings) -> Budget {
    match kind {
        BudgetKind::Customer => settings.letters.per_customer,
        BudgetKind::Moments => settings.letters.moments,
    }
}

fn apart(one: Date, other: Date) -> i32 {
    days_between(one, other).abs()
}
