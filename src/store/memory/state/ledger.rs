//! How letters and what is known of their customers are kept in step.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Row, State};
use crate::domain::facts::CustomerFacts;
use crate::domain::ids::{CustomerId, LetterId, Relationship};
use crate::domain::notice::{Draft, LetterState, Line, PastNotice};
use crate::domain::rule::Recipient;
use crate::store::OutboxLetter;

impl State {
    pub(super) fn change(&mut self, letter: LetterId, change: impl FnOnce(&mut OutboxLetter)) -> Option<()> {
        self.unsettle(letter);
        change(&mut self.letters.get_mut(&letter)?.letter);
        self.settle(letter);
        Some(())
    }

    pub(super) fn put_off(&mut self, letter: LetterId, until: Timestamp) -> Option<()> {
        let customer = self.letters.get(&letter)?.letter.draft.customer.clone()?;
        let day = self.civil_day(&customer, until)?;
        self.letters.get_mut(&letter)?.day = day;
        self.change(letter, |row| row.next_attempt_at = until)
    }

    /// Takes a letter's notices out of the ledger.
    pub(super) fn unsettle(&mut self, letter: LetterId) {
        let Some(row) = self.letters.get(&letter) else { return };
        self.waiting.remove(&(row.letter.next_attempt_at, letter));
        for line in &row.letter.draft.lines {
            if self.taken.get(&line.key) == Some(&letter) {
                self.taken.remove(&line.key);
            }
        }
        let customer = row.letter.draft.customer.clone();
        if let Some(of) = customer.and_then(|id| self.customer(&id)) {
            of.notices.retain(|notice| notice.letter != letter);
        }
    }

    /// Puts them there, as the letter stands now, and wakes its relationship.
    pub(super) fn settle(&mut self, letter: LetterId) {
        let Some(Row { letter: row, day }) = self.letters.get(&letter) else { return };
        let Some(customer) = row.draft.customer.clone() else { return };
        let live = row.state.is_live();
        let expired = row.state == LetterState::Expired && to_customer(&row.draft);
        let notices = past_notices(row, *day);
        if waits_by_itself(row.state) {
            self.waiting.insert((row.next_attempt_at, letter));
        }
        if live {
            self.taken.extend(notices.iter().map(|notice| (notice.key.clone(), letter)));
        }
        if let Some(of) = self.customer(&customer) {
            if live {
                of.notices.extend(notices);
                of.notices.sort_by(|one, other| (one.letter, &one.key).cmp(&(other.letter, &other.key)));
            } else if expired {
                of.expired.extend(notices.into_iter().map(|notice| notice.key));
                of.expired.sort();
                of.expired.dedup();
            }
        }
        if let Some(name) = self.whose.get(&customer).cloned() {
            self.wake(&name, Some(Timestamp::UNIX_EPOCH));
        }
    }

    pub(super) fn wake(&mut self, name: &Relationship, at: Option<Timestamp>) {
        let Some(known) = self.relationships.get_mut(name) else { return };
        if let Some(before) = std::mem::replace(&mut known.wake_at, at) {
            self.waking.remove(&(before, name.clone()));
        }
        self.waking.extend(at.map(|at| (at, name.clone())));
    }

    fn customer(&mut self, id: &CustomerId) -> Option<&mut CustomerFacts> {
        let known = self.relationships.get_mut(self.whose.get(id)?)?;
        known.facts.customers.iter_mut().find(|of| of.customer.id == *id)
    }

    pub(super) fn civil_day(&mut self, customer: &CustomerId, at: Timestamp) -> Option<Date> {
        Some(at.to_zoned_datetime(self.customer(customer)?.customer.zone.clone()).date())
    }
}

pub(super) fn waits_by_itself(state: LetterState) -> bool {
    matches!(state, LetterState::Queued | LetterState::Retry)
}

/// Whether it waits by itself and nobody has attempted it since.
pub(super) fn is_where(letter: &OutboxLetter, attempts: u32) -> bool {
    waits_by_itself(letter.state) && letter.attempts == attempts
}

pub(super) fn move_on(letter: &mut OutboxLetter, state: LetterState, why: String, now: Timestamp) {
    letter.state = state;
    letter.reason = why;
    letter.finished_at = Some(now);
}

fn to_customer(draft: &Draft) -> bool {
    draft.to.iter().chain(&draft.cc).any(|to| *to == Recipient::Customer)
}

fn past_notices(letter: &OutboxLetter, day: Date) -> Vec<PastNotice> {
    let draft = &letter.draft;
    let notice = |line: &Line| PastNotice {
        letter: letter.id,
        key: line.key.clone(),
        offset: line.offset,
        planned_on: line.planned_on,
        state: letter.state,
        class: draft.class,
        priority: draft.priority,
        budget: draft.budget,
        to_customer: to_customer(draft),
        day,
        dropped: false,
    };
    draft.lines.iter().map(notice).collect()
}
