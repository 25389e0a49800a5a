//! Durable state behind `trait Store`.
//!
//! Invariant: no method reads a clock, and no SQL contains `now()`; the
//! moment is an argument. Rows and database types stay in the modules below.

mod import;
mod migrations;
pub mod sqlite;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::delivery::{LeftOut, Parcel, Transition};
use crate::domain::event::EventOutcome;
use crate::domain::facts::{Facts, Reach};
use crate::domain::filter::Filter;
use crate::domain::ids::{CustomerId, LetterId, ReceivableId, Relationship, RuleName};
use crate::domain::notice::{Draft, LetterState};
use crate::domain::plan::Plan;
use crate::domain::receivable::{PauseCause, Status};
use crate::domain::rule::RuleSeen;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It can't be used as it is; a person must act. Says what to do.
    #[error("{0}")]
    Unusable(String),
    /// It failed this time: disk full, locked, I/O. Trying again may help.
    #[error("while {doing}: {cause}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        cause: String,
    },
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// What was asked for can't be done as things stand. Says why.
    #[error("{0}")]
    Refused(String),
}

/// A row of the outbox.
#[derive(Clone, PartialEq, Debug)]
pub struct OutboxLetter {
    /// Which.
    pub id: LetterId,
    /// What was decided.
    pub draft: Draft,
    /// Where it stands.
    pub state: LetterState,
    /// Why it stands there, for people.
    pub reason: String,
    /// How many attempts have begun.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// For `queued` and `retry`: not before.
    pub next_attempt_at: Timestamp,
    /// When the first attempt began.
    pub first_attempt_at: Option<Timestamp>,
    /// When the last attempt ended.
    pub finished_at: Option<Timestamp>,
    /// Whether a person released it.
    pub approved: bool,
    /// The letter as it was made for the last attempt.
    pub made: Option<Made>,
}

/// A letter as bytes, and what they show.
#[derive(Clone, PartialEq, Debug)]
pub struct Made {
    /// The language it was written in.
    pub locale: String,
    /// Its subject.
    pub subject: String,
    /// A hash of everything the letter shows, without Date and Message-ID:
    /// the same means that the same bytes may go again.
    pub fingerprint: String,
    /// Envelope and bytes.
    pub parcel: Parcel,
}

/// What an attempt needs to begin.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which letter.
    pub letter: LetterId,
    /// How many attempts had begun when it was read: the fence.
    pub attempts: u32,
    /// What it was decided and made from. The attempt is refused if reading
    /// them again gives anything else.
    pub facts: Arc<Facts>,
    /// What is to be sent, as decided now.
    pub draft: Draft,
    /// The bytes.
    pub made: Made,
    /// The civil day at the customer's on which it leaves.
    pub day: Date,
}

/// Whether an attempt began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begun {
    /// It did; this is its number. The letter is `sending`.
    Attempt(u32),
    /// The facts have changed: decide again.
    FactsChanged,
    /// Somebody else has moved the letter on.
    Gone,
}

/// What becomes of a letter that is not attempted now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SetAside {
    /// It waits until then.
    Later(Timestamp),
    /// It is no longer due.
    Cancel,
    /// It waits for a person.
    Hold,
}

/// What `enqueue` did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Enqueued {
    /// The new letters, in the order of the plans. A draft any of whose
    /// notices is already carried by a live letter makes none.
    pub letters: Vec<LetterId>,
}

/// A rule as the store must know it.
#[derive(Clone, PartialEq, Debug)]
pub struct RuleInForce {
    /// Its identity.
    pub name: RuleName,
    /// Whom it concerns.
    pub audience: Filter,
    /// A hash of everything about it; a change makes every relationship be
    /// looked at again.
    pub fingerprint: String,
    /// Whether it counts from receivables or payments: such a rule is first
    /// seen when there is a receivable to see.
    pub needs_receivables: bool,
}

/// Durable state. One thread writes; what arrives together is committed
/// together; every method that returns `Ok` is on disk.
pub trait Store: Clone + Send + Sync + 'static {
    /// Notes which rules are in force and since when, with which audience,
    /// and returns what it knows of them. A rule about receivables is not
    /// noted while there are none. Changed fingerprints wake everybody.
    fn see_rules(
        &self,
        rules: Vec<RuleInForce>,
        now: Timestamp,
    ) -> impl Future<Output = Result<BTreeMap<RuleName, RuleSeen>, StoreError>> + Send;

    /// The facts of up to `limit` relationships after `after` whose time to
    /// be looked at has come, in order of their names.
    fn facts(
        &self,
        now: Timestamp,
        reach: Reach,
        after: Option<Relationship>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Facts>, StoreError>> + Send;

    /// Queues the letters of plans in one transaction, and notes when each
    /// relationship is to be looked at again. Where something was written
    /// about it since its facts were read, it stays due to be looked at.
    fn enqueue(
        &self,
        plans: Vec<Plan>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Enqueued, StoreError>> + Send;

    /// The letters that may be attempted now, most important first.
    fn claimable(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<LetterId>, StoreError>> + Send;

    /// The earliest moment at which there is something to do: a relationship
    /// to look at, or a letter that waits by itself.
    fn next_due_at(&self) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;

    /// A letter and the facts of its relationship.
    fn letter_and_facts(
        &self,
        letter: LetterId,
        reach: Reach,
    ) -> impl Future<Output = Result<(OutboxLetter, Facts), StoreError>> + Send;

    /// In one transaction: reads the facts again, compares, stores the bytes
    /// and marks the letter `sending`.
    fn begin_attempt(
        &self,
        claim: Claim,
        reach: Reach,
        now: Timestamp,
    ) -> impl Future<Output = Result<Begun, StoreError>> + Send;

    /// Records what an attempt taught us, if it is still the letter's last
    /// one; with it the suppression of a dead address.
    fn finish_attempt(
        &self,
        letter: LetterId,
        attempt: u32,
        transition: Transition,
        left_out: Vec<LeftOut>,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts aside a letter that has not moved on since it was read; false
    /// if it has.
    fn set_aside(
        &self,
        letter: LetterId,
        attempts: u32,
        what: SetAside,
        why: String,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Puts a held letter back into the queue; `approved` notes that a person
    /// has agreed to it. False if it is not held.
    fn release(
        &self,
        letter: LetterId,
        approved: bool,
        why: String,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Letters found `sending` when nobody is sending become `uncertain`.
    fn recover(&self, now: Timestamp) -> impl Future<Output = Result<Vec<LetterId>, StoreError>> + Send;

    /// Rows of the outbox, newest first.
    fn outbox(
        &self,
        filter: OutboxFilter,
    ) -> impl Future<Output = Result<Vec<OutboxLetter>, StoreError>> + Send;

    /// Everything recorded about and sent to a customer, oldest first.
    fn history(
        &self,
        customer: CustomerId,
    ) -> impl Future<Output = Result<Vec<HistoryEntry>, StoreError>> + Send;

    /// Writes down what a person knows.
    fn record(
        &self,
        record: Record,
        now: Timestamp,
    ) -> impl Future<Output = Result<Recorded, StoreError>> + Send;

    /// Takes a CSV file, whole or not at all.
    fn import(
        &self,
        order: ImportOrder,
        progress: Arc<dyn Fn(u64) + Send + Sync>,
        now: Timestamp,
    ) -> impl Future<Output = Result<ImportReport, StoreError>> + Send;
}

/// Which rows of the outbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OutboxFilter {
    /// Only this one.
    pub letter: Option<LetterId>,
    /// Only in these states; empty is any.
    pub states: Vec<LetterState>,
    /// Only of this customer.
    pub customer: Option<CustomerId>,
    /// Only of this rule.
    pub rule: Option<RuleName>,
    /// At most so many.
    pub limit: usize,
}

/// One line of a customer's history.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// `letter`, `payment`, `event`, `promise`, `dispute`, `hold`, `status`
    /// or `due_on`.
    pub what: &'static str,
    /// What it is about: rule and stage, or the subject's number.
    pub about: String,
    /// The rest, in words.
    pub detail: String,
    /// For a letter: which.
    pub letter: Option<LetterId>,
}

/// What a person knows and the books do not, or not yet.
#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    /// Money came in, or went back if negative.
    Payment {
        /// A number for it; made from the rest if absent, so that recording
        /// the same twice is noticed.
        id: Option<String>,
        /// For which claim; or on the account of `customer`.
        receivable: Option<ReceivableId>,
        /// Money on account.
        customer: Option<CustomerId>,
        /// A plain decimal.
        amount: String,
        /// ISO code; needed on account only.
        currency: Option<String>,
        /// The day it came in.
        received_on: Date,
    },
    /// Something happened.
    Event {
        /// A number for it; made from the rest if absent.
        id: Option<String>,
        /// With whom.
        customer: CustomerId,
        /// What.
        kind: String,
        /// When.
        occurred_at: Timestamp,
        /// How it went.
        outcome: Option<EventOutcome>,
        /// About what.
        product: Option<String>,
        /// In words.
        note: Option<String>,
    },
    /// The customer promised to pay.
    Promise {
        /// What.
        receivable: ReceivableId,
        /// By when.
        promised_on: Date,
        /// How much; the balance if absent.
        amount: Option<String>,
        /// Last day on which the money may arrive, grace included.
        until: Date,
        /// Who wrote it down.
        who: String,
        /// Why, in words.
        reason: String,
    },
    /// A dispute or a hold begins.
    Pause {
        /// Which of the two.
        cause: PauseCause,
        /// About one claim; or about `customer` as a whole.
        receivable: Option<ReceivableId>,
        /// About everything of a customer.
        customer: Option<CustomerId>,
        /// From this day.
        from: Date,
        /// Until this day, the last one of it.
        until: Option<Date>,
        /// Who wrote it down.
        who: String,
        /// Why, in words.
        reason: String,
    },
    /// Disputes, holds or promises end.
    Resume {
        /// Which.
        cause: PauseCause,
        /// About one claim; or about `customer` as a whole.
        receivable: Option<ReceivableId>,
        /// About everything of a customer.
        customer: Option<CustomerId>,
        /// The last day of it.
        until: Date,
    },
    /// A claim's status, whatever the books say until they change.
    Status {
        /// Of which claim.
        receivable: ReceivableId,
        /// What.
        status: Status,
        /// The business's own day.
        today: Date,
    },
}

/// What `record` did, in words for the person who called it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// One sentence.
    pub sentence: String,
    /// False where the same was already there.
    pub new: bool,
}

/// Which of the CSV files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportKind {
    /// `customers.csv`
    Customers,
    /// `receivables.csv`
    Receivables,
    /// `payments.csv`
    Payments,
    /// `events.csv`
    Events,
}

impl ImportKind {
    /// Every kind, in the order in which files refer to each other.
    pub const ALL: [Self; 4] = [Self::Customers, Self::Receivables, Self::Payments, Self::Events];

    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Receivables => "receivables",
            Self::Payments => "payments",
            Self::Events => "events",
        }
    }
}

/// An import as it was asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct ImportOrder {
    /// Which of the files.
    pub kind: ImportKind,
    /// Where it is.
    pub file: PathBuf,
    /// Only say what would change.
    pub dry_run: bool,
    /// Take the good rows although there are bad ones.
    pub keep_going: bool,
    /// The file lists every open item, so what it lacks is paid.
    pub complete: bool,
    /// Close or change more than the guarded share.
    pub allow_large_change: bool,
    /// The share of the open items that may close or change at once, 0 to 1.
    pub share: f64,
    /// The business's own zone, for events without an offset at customers
    /// without a zone.
    pub zone: jiff::tz::TimeZone,
}

/// A row that can't be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadRow {
    /// The line of the file on which it starts, counting from 1.
    pub line: u64,
    /// Why, naming column and value.
    pub reason: String,
}

/// What an import did, or would do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportReport {
    /// Rows of the file.
    pub rows: u64,
    /// New.
    pub added: u64,
    /// Different from before.
    pub changed: u64,
    /// As before.
    pub unchanged: u64,
    /// Open items that are over now.
    pub closed: u64,
    /// Held because the last file had them and this one lacks them.
    pub missing: Vec<String>,
    /// The first 1,000 bad ones.
    pub bad: Vec<BadRow>,
    /// How many there are.
    pub bad_count: u64,
    /// Columns that nobody knows, and were passed over.
    pub unknown_columns: Vec<String>,
    /// Customers in the file whose address can't be written to, by reason.
    pub unusable_addresses: u64,
    /// Whether it was kept.
    pub kept: bool,
}
