//! What goes in and comes out besides the daily round: questions, records,
//! imports.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::customer::{Class, Suppression};
use crate::domain::event::EventOutcome;
use crate::domain::ids::{CustomerId, LetterId, ReceivableId, RuleName};
use crate::domain::notice::LetterState;
use crate::domain::receivable::{PauseCause, Status};
use crate::domain::returned::What;

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

/// When the text of a letter was removed, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Emptied {
    /// When.
    pub at: Timestamp,
    /// Why, as the end of a sentence: `after 2 years, as …`.
    pub because: String,
}

/// Which texts are to be removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tidying {
    /// Those of letters that were over before this moment.
    pub before: Timestamp,
    /// Why, as the end of a sentence.
    pub because: String,
    /// At most so many letters are looked at.
    pub limit: usize,
}

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tidied {
    /// The texts of so many letters.
    pub letters: u64,
    /// Whether there may be more.
    pub more: bool,
}

impl OutboxFilter {
    /// One letter.
    #[must_use]
    pub fn one(letter: LetterId) -> Self {
        Self { letter: Some(letter), limit: 1, ..Self::default() }
    }
}

/// One line of a customer's history.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// `letter`, `payment`, `event`, `promise`, `dispute`, `hold`,
    /// `acknowledgement`, `status`, `due_on`, what came back (see [`What`]),
    /// `suppressed`, `written to again`, `forgotten` or `no longer forgotten`.
    pub what: &'static str,
    /// What it is about: rule and stage, or the subject's number.
    pub about: String,
    /// The rest, in words.
    pub detail: String,
    /// For a letter: which.
    pub letter: Option<LetterId>,
}

/// A suppression, with who made it and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppressed {
    /// What is stopped, and why.
    pub suppression: Suppression,
    /// Who said so; empty is the mail system itself.
    pub who: String,
    /// When.
    pub at: Timestamp,
}

/// What was taken from a mail, for one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    /// The letter it is about.
    pub letter: Option<LetterId>,
    /// Whose.
    pub customer: Option<CustomerId>,
    /// What it says.
    pub what: What,
    /// For whom.
    pub address: String,
    /// Whether that was a copy.
    pub copy: bool,
    /// What was said, on one line.
    pub detail: String,
    /// Where the letter stands now.
    pub state: Option<LetterState>,
    /// Whether its stage is free again.
    pub frees: bool,
    /// The classes that do not go to the address any more; empty is all.
    pub suppressed: Option<Vec<Class>>,
    /// False where the same mail was taken before, and nothing changed.
    pub new: bool,
}

/// With whom something happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum With {
    /// One customer.
    Customer(CustomerId),
    /// Every customer of a segment.
    Segment(String),
    /// Every customer with this tag.
    Tag(String),
    /// Every customer.
    Everyone,
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
        with: With,
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
        /// The last day that a promise made today may name.
        latest: Date,
        /// How many promises about one claim pause its letters.
        at_most: u32,
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
    /// The customer agreed that it owes: one claim, or its whole balance.
    Acknowledgement {
        /// Which claim.
        receivable: Option<ReceivableId>,
        /// Or everything of a customer.
        customer: Option<CustomerId>,
        /// On which day.
        acknowledged_on: Date,
        /// Who wrote it down.
        who: String,
        /// How, in words.
        reason: String,
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, and independent of the others"
)]
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
    /// Everything that is wrong with it, naming column and value.
    pub reasons: Vec<String>,
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
    /// Customers who are forgotten and stand in the file: nothing personal of
    /// them was taken.
    pub forgotten: Vec<String>,
    /// Whether it was kept.
    pub kept: bool,
}

/// Who paid, and who did so in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Payers {
    /// Customers who settled something.
    pub all: u64,
    /// Of these, those who settled all of it in time.
    pub on_time: u64,
}
