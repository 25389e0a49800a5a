//! Durable state behind `trait Store`.
//!
//! Invariant: no method reads a clock, and no SQL contains `now()`; the
//! moment is an argument. Rows and database types stay in the modules below.

mod import;
mod migrations;
mod news;
mod shapes;
pub mod sqlite;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::alarm::Parked;
use crate::domain::delivery::{LeftOut, Parcel, Transition};
use crate::domain::digest::Finding;
use crate::domain::facts::{Facts, Reach};
use crate::domain::filter::Audience;
use crate::domain::halt::Halt;
use crate::domain::ids::{CustomerId, LetterId, Relationship, RuleName};
use crate::domain::notice::{Draft, LetterState};
use crate::domain::plan::Plan;
use crate::domain::rule::RuleSeen;
use crate::domain::settings::Guards;

pub use self::news::{Deed, News};
pub use self::shapes::{
    BadRow, Emptied, HistoryEntry, ImportKind, ImportOrder, ImportReport, OutboxFilter, Payers, Record,
    Recorded, Suppressed, Taken, Tidied, Tidying, With,
};

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
    /// Whether an attempt may have been accepted, so that only the same bytes
    /// may go again.
    pub maybe_sent: bool,
    /// The letter as it was made for the last attempt.
    pub made: Option<Made>,
    /// Where its text was removed: the bytes of `made` are none then.
    pub emptied: Option<Emptied>,
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
    /// What is to be sent, where it was decided otherwise than it is stored:
    /// an item fell away or came due.
    pub changed: Option<Draft>,
    /// The bytes.
    pub made: Made,
    /// Whether they go to one of our own people instead, to try it out.
    pub redirected: bool,
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
    /// It may have arrived at an earlier attempt, and can't go again as it
    /// was: it is uncertain.
    Park,
}

/// What `enqueue` did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Enqueued {
    /// The new letters, in the order of the plans. A draft any of whose
    /// notices is already carried by a live letter makes none.
    pub letters: Vec<LetterId>,
    /// Those of them that a person must agree to first.
    pub to_approve: Vec<LetterId>,
    /// What the plans found that a person should know of and that was not so
    /// before.
    pub found: Vec<Finding>,
}

/// How many letters a day has brought, and what is usual.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Volumes {
    /// Letters queued today, by rule.
    pub of_rules: BTreeMap<RuleName, u32>,
    /// Letters that are held because they were too many.
    pub held: u32,
    /// Letters of the busiest of the last 45 days.
    pub busiest: u32,
    /// How many letters a person has agreed to for today.
    pub allowed: u32,
}

/// Whether anything may leave, and how much.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Why nothing may leave.
    pub halt: Option<Halt>,
    /// How many letters today has brought.
    pub volumes: Volumes,
}

/// What is known of what is owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Data {
    /// Whether anything is open.
    pub any_open: bool,
    /// When payments were last read whole.
    pub payments_read_at: Option<Timestamp>,
}

/// A rule as the store must know it.
#[derive(Clone, PartialEq, Debug)]
pub struct RuleInForce {
    /// Its identity.
    pub name: RuleName,
    /// Whom it concerns.
    pub audience: Audience,
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
    /// be looked at has come, in order of their names. They are shared with a
    /// store that keeps what it has read.
    fn facts(
        &self,
        now: Timestamp,
        reach: Reach,
        after: Option<Relationship>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Arc<Facts>>, StoreError>> + Send;

    /// Queues the letters of plans in one transaction, and notes when each
    /// relationship is to be looked at again. Where something was written
    /// about it since its facts were read, it stays due to be looked at.
    fn enqueue(
        &self,
        plans: Vec<Plan>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Enqueued, StoreError>> + Send;

    /// The same, for letters that wait until a person lets them go, and why.
    fn enqueue_held(
        &self,
        plans: Vec<Plan>,
        why: String,
        now: Timestamp,
    ) -> impl Future<Output = Result<Enqueued, StoreError>> + Send;

    /// Looks at relationships again at these moments, as if they had not been
    /// looked at now: the day had no room for their letters. Where something
    /// was written about one since its facts were read, it stays due.
    fn postpone(
        &self,
        until: Vec<(Relationship, Timestamp)>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether anything may leave, asked before each pass and each round of
    /// deliveries. If so, it notes the moment. What keeps letters back, also
    /// that the relay is `down` and why, is kept for the digests.
    fn watch(
        &self,
        guards: Guards,
        down: Option<String>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Standing, StoreError>> + Send;

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
    ) -> impl Future<Output = Result<(OutboxLetter, Arc<Facts>), StoreError>> + Send;

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
    /// has agreed to it. Of a rejected one it lifts the suppression that its
    /// refusal made, so that its stage is planned anew. False if it is
    /// neither.
    fn release(
        &self,
        letter: LetterId,
        approved: bool,
        why: String,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Takes what went to one of our own people alone as not sent, once
    /// letters go to their customers again. Returns which letters those are.
    fn end_trial(&self, now: Timestamp) -> impl Future<Output = Result<Vec<LetterId>, StoreError>> + Send;

    /// Cancels a held letter that is no longer due; false if it is not held.
    fn withdraw(
        &self,
        letter: LetterId,
        why: String,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// How many customers settled something since a day, and how many of them
    /// everything in time: within three days of the due date, for a transfer
    /// takes a day and a due date may fall on a weekend.
    fn payers(&self, since: Date) -> impl Future<Output = Result<Payers, StoreError>> + Send;

    /// Letters found `sending` when nobody is sending: nobody can know whether
    /// they arrived, and each does what its draft says of that. Returns them.
    fn recover(&self, now: Timestamp) -> impl Future<Output = Result<Vec<LetterId>, StoreError>> + Send;

    /// How many letters wait to be sent, by themselves or by a person, by
    /// rule.
    fn waiting(&self) -> impl Future<Output = Result<BTreeMap<RuleName, u64>, StoreError>> + Send;

    /// The latest letters that wait for a person, whatever for.
    fn parked(&self) -> impl Future<Output = Result<Vec<Parked>, StoreError>> + Send;

    /// What is known of what is owed.
    fn data(&self) -> impl Future<Output = Result<Data, StoreError>> + Send;

    /// Removes the text of letters that nobody needs any more, oldest first,
    /// so that its bytes are gone from the disk as well.
    fn tidy(&self, what: Tidying, now: Timestamp) -> impl Future<Output = Result<Tidied, StoreError>> + Send;

    /// What others did after the thing of a number, oldest first: the first
    /// thousand.
    fn news(&self, after: i64) -> impl Future<Output = Result<Vec<News>, StoreError>> + Send;

    /// Lets go of what was done up to the thing of a number: it was told.
    fn told(&self, number: i64) -> impl Future<Output = Result<(), StoreError>> + Send;

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
