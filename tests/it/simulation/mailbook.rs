//! What became of every letter, as the outbox and the relay tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::LetterState;
use courtesy::store::{OutboxFilter, OutboxLetter, Store as _};
use jiff::Timestamp;
use jiff::civil::Date;

use super::model::Customer;
use super::year::Year;

/// One row of the outbox, followed over time.
pub struct Letter {
    pub row: OutboxLetter,
    /// How many copies the relay accepted.
    pub copies: u32,
    /// Whether it is known to have been said, or may have been.
    pub told: bool,
    /// What a person saw when they agreed to it.
    pub agreed: Option<BTreeSet<String>>,
    /// Since when it has waited for a person.
    pub parked_on: Option<Date>,
}

/// A letter that went to a customer.
pub struct Had {
    pub customer: usize,
    pub rule: String,
    pub moments: bool,
    pub day: Date,
    pub letter: LetterId,
}

#[derive(Default)]
pub struct Mailbook {
    pub letters: BTreeMap<LetterId, Letter>,
    /// Those that may still move.
    pub moving: BTreeSet<LetterId>,
    pub by_message: BTreeMap<String, LetterId>,
    /// Which letter carried a notice to the relay.
    pub carried: BTreeMap<String, LetterId>,
    /// What customers have had, or may have had.
    pub had: Vec<Had>,
    /// The days of letters by rule and subject.
    pub series: BTreeMap<(String, String), Vec<(Date, LetterId)>>,
    /// The days on which the operator was told.
    pub digests: BTreeSet<Date>,
    pub accepted: usize,
}

impl Mailbook {
    pub fn is_told(&self, rule: &str, subject: &str) -> bool {
        self.series.get(&(rule.to_owned(), subject.to_owned())).is_some_and(|days| !days.is_empty())
    }

    /// Whether a reminder of a claim was, or is to be, sent in the round of a
    /// due date.
    pub fn has_round(&self, item: &str, due_on: Date) -> bool {
        let of_due_dates = |rule: &str| rule.contains("reminders") || rule == "plan-missed";
        self.letters.values().filter(|letter| letter.state().is_live() && of_due_dates(letter.rule())).any(
            |letter| {
                let lines = letter.row.draft.lines.iter();
                lines
                    .filter(|line| line.key.subject.id() == item)
                    .any(|line| line.key.round == due_on.to_string())
            },
        )
    }
}

impl Letter {
    pub fn state(&self) -> LetterState {
        self.row.state
    }

    pub fn rule(&self) -> &str {
        self.row.draft.rule.as_str()
    }

    pub fn keys(&self) -> BTreeSet<String> {
        self.row.draft.lines.iter().map(|line| line.key.to_string()).collect()
    }

    pub fn is_about(&self, subject: &str) -> bool {
        self.row.draft.lines.iter().any(|line| line.key.subject.id() == subject)
    }

    pub fn is_parked(&self) -> bool {
        matches!(self.state(), LetterState::Held | LetterState::Uncertain)
    }

    /// Whether it waited in the outbox at some moment between two.
    pub fn was_there(&self, begins: Timestamp, ends: Timestamp) -> bool {
        self.row.queued_at < ends && self.row.finished_at.is_none_or(|at| at >= begins)
    }

    /// A letter's end, and how many copies there may be of it.
    pub fn check_the_end(&self, id: LetterId) {
        let name = format!("letter {id} {}/{} {}", self.rule(), self.row.draft.stage, self.state());
        match self.state() {
            LetterState::Sent | LetterState::Bounced => assert_eq!(self.copies, 1, "{name} (I4)"),
            LetterState::Uncertain | LetterState::Assumed => assert!(self.copies <= 1, "{name} (I1)"),
            LetterState::Sending => panic!("{name} was left half-way (I3)"),
            LetterState::Queued
            | LetterState::Retry
            | LetterState::Rejected
            | LetterState::Cancelled
            | LetterState::Expired
            | LetterState::Held => assert_eq!(self.copies, 0, "{name} (I1)"),
        }
    }
}

impl Year {
    /// What those have had who read the same mailbox as a customer.
    pub fn had<'a>(&'a self, of: &Customer) -> impl Iterator<Item = &'a Had> + use<'a> {
        let mailbox = of.mailbox();
        let customers = self.business.customers.iter().enumerate();
        let sharing: BTreeSet<usize> =
            customers.filter(|(_, customer)| customer.mailbox() == mailbox).map(|(index, _)| index).collect();
        self.mail.had.iter().filter(move |had| sharing.contains(&had.customer))
    }

    /// Looks at every letter accepted since the last look, and at those that
    /// may have moved.
    pub async fn look(&mut self) {
        let parked_before: BTreeSet<LetterId> =
            self.mail.letters.iter().filter(|(_, letter)| letter.is_parked()).map(|(id, _)| *id).collect();
        self.refresh().await;
        let now = self.now();
        let (accepted, trouble, was_down, dead) = {
            let mut seen = self.relay.seen();
            let accepted = seen.accepted.split_off(0);
            let trouble = std::mem::take(&mut seen.trouble);
            (accepted, trouble, std::mem::take(&mut seen.was_down), seen.dead.clone())
        };
        for mailbox in trouble {
            self.disturb(mailbox);
        }
        if was_down {
            self.all_restless = self.today();
        }
        for (at, parcel) in accepted {
            self.mail.accepted += 1;
            let Some(id) = self.mail.by_message.get(&parcel.message_id).copied() else {
                panic!("a letter that the outbox does not know: {}", parcel.message_id)
            };
            let found = catch_unwind(AssertUnwindSafe(|| self.receive(at, &parcel, id, &parked_before)));
            if let Err(found) = found {
                let subject = self.mail.letters[&id].row.draft.lines[0].key.subject.id().to_owned();
                super::tell(&self.why(&subject, Some(id)).await);
                resume_unwind(found);
            }
        }
        self.uncertain_ones(now);
        // Nobody writes to a mailbox that does not exist.
        for mailbox in dead {
            if self.business.suppressed.insert(mailbox.clone()) {
                self.disturb(mailbox);
            }
        }
    }

    /// Reads new rows of the outbox, and again those that may have moved.
    async fn refresh(&mut self) {
        let newest = self.mail.letters.keys().next_back().copied();
        let mut limit = 1;
        let rows = loop {
            let filter = OutboxFilter { limit, ..OutboxFilter::default() };
            let rows = self.store().outbox(filter).await.expect("the outbox");
            let whole = rows.len() < limit || rows.last().is_some_and(|row| Some(row.id) <= newest);
            if whole {
                break rows;
            }
            limit *= 4;
        };
        for row in rows.into_iter().filter(|row| Some(row.id) > newest) {
            self.mail.moving.insert(row.id);
            let parked_on = None;
            let letter = Letter { row, copies: 0, told: false, agreed: None, parked_on };
            self.mail.letters.insert(letter.row.id, letter);
        }
        for id in self.mail.moving.clone() {
            self.reread(id).await;
        }
    }

    /// Reads one row again.
    pub async fn reread(&mut self, id: LetterId) {
        let filter = OutboxFilter { letter: Some(id), ..OutboxFilter::default() };
        let row = self.store().outbox(filter).await.expect("the outbox").pop().expect("rows stay");
        let (now, today) = (self.now(), self.today());
        if let Some(made) = &row.made {
            self.mail.by_message.insert(made.parcel.message_id.clone(), id);
        }
        let overdue = row.next_attempt_at < now - jiff::SignedDuration::from_hours(2);
        let waits = matches!(row.state, LetterState::Queued | LetterState::Retry);
        assert!(!(waits && overdue && self.delivers), "letter {id} is forgotten in the outbox (I3)");
        let letter = self.mail.letters.get_mut(&id).expect("read before");
        letter.row = row;
        letter.parked_on = letter.is_parked().then(|| letter.parked_on.unwrap_or(today));
        if matches!(
            letter.state(),
            LetterState::Sent | LetterState::Cancelled | LetterState::Rejected | LetterState::Expired
        ) {
            self.mail.moving.remove(&id);
        }
    }

    /// Letters of which nobody knows whether they arrived, and that did not:
    /// they count as said all the same.
    fn uncertain_ones(&mut self, now: Timestamp) {
        let unknown: Vec<LetterId> = self
            .mail
            .moving
            .iter()
            .filter(|id| {
                let letter = &self.mail.letters[id];
                matches!(letter.state(), LetterState::Uncertain | LetterState::Assumed) && !letter.told
            })
            .copied()
            .collect();
        for id in unknown {
            let at = self.mail.letters[&id].row.finished_at.unwrap_or(now);
            self.count_as_said(at, id);
        }
    }
}
