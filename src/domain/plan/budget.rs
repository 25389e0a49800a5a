//! One relationship, one budget: which of the letters that are due may go.

use std::collections::HashSet;

use jiff::ToSpan;
use jiff::civil::Date;

use super::view::View;
use crate::domain::ids::LetterId;
use crate::domain::ladder::days_between;
use crate::domain::notice::{Draft, LetterState, Priority};
use crate::domain::rule::BudgetKind;
use crate::domain::settings::{Budget, Settings};

/// A letter that will be due soon.
pub struct Upcoming {
    pub priority: Priority,
    pub day: Date,
    pub budget: BudgetKind,
}

/// The letters of one relationship that count against its budgets.
pub struct Book {
    /// One entry per letter: which budget, and the day.
    letters: Vec<(BudgetKind, Date)>,
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
                letters.push((budget, day));
            }
        }
        Self { letters, upcoming }
    }

    /// Takes a letter that leaves on `day` into the book, or says from which
    /// day on there is room for it.
    ///
    /// # Errors
    /// The day to ask again.
    pub fn take(&mut self, draft: &Draft, day: Date, settings: &Settings) -> Result<(), Date> {
        let Some(kind) = draft.budget else { return Ok(()) };
        let budget = budget_of(kind, settings);
        let near: Vec<Date> = self
            .letters
            .iter()
            .filter(|(other, at)| *other == kind && apart(*at, day) < budget.days)
            .map(|(_, at)| *at)
            .collect();
        if near.len() >= budget.letters as usize {
            // The first of them to fall out of the window makes room.
            return Err(near.into_iter().min().unwrap_or(day).saturating_add(budget.days.days()));
        }
        let higher = self
            .upcoming
            .iter()
            .filter(|next| next.budget == kind && next.priority > draft.priority)
            .filter(|next| next.day >= day && apart(next.day, day) < budget.days)
            .map(|next| next.day)
            .min();
        if let Some(higher) = higher {
            return Err(higher.max(day.saturating_add(1.day())));
        }
        self.letters.push((kind, day));
        Ok(())
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
