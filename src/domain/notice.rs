//! A letter decided upon, and what became of it.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

use super::customer::Class;
use super::delivery::OnUncertain;
use super::ids::{CustomerId, EventId, LetterId, PaymentId, ReceivableId, RuleName, StageName};
use super::offset::Offset;
use super::rule::{BudgetKind, Recipient};

/// What a notice is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// A claim.
    Receivable(ReceivableId),
    /// A payment.
    Payment(PaymentId),
    /// An event.
    Event(EventId),
    /// The customer itself, for calendar rules.
    Customer(CustomerId),
    /// One of our own people, for digests; see [`super::digest::colleague`].
    Colleague(String),
}

impl Subject {
    /// `receivable`, `payment`, `event`, `customer` or `colleague`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Receivable(_) => "receivable",
            Self::Payment(_) => "payment",
            Self::Event(_) => "event",
            Self::Customer(_) => "customer",
            Self::Colleague(_) => "colleague",
        }
    }

    /// The business's own number of it.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Receivable(id) => id.as_str(),
            Self::Payment(id) => id.as_str(),
            Self::Event(id) => id.as_str(),
            Self::Customer(id) => id.as_str(),
            Self::Colleague(id) => id,
        }
    }

    /// The subject of a kind and an id, as the store keeps them.
    #[must_use]
    pub fn from_parts(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "receivable" => Some(Self::Receivable(id.into())),
            "payment" => Some(Self::Payment(id.into())),
            "event" => Some(Self::Event(id.into())),
            "customer" => Some(Self::Customer(id.into())),
            "colleague" => Some(Self::Colleague(id.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.id())
    }
}

/// What makes two notices the same one. The relay accepts at most one copy
/// per key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NoticeKey {
    /// The rule.
    pub rule: RuleName,
    /// The stage; for the letter after the last repetition, `<stage>/then`.
    pub stage: StageName,
    /// What it is about.
    pub subject: Subject,
    /// The value of the anchor that names the ladder round: the due date of
    /// a receivable, the occurrence of a calendar, `once` where a correction
    /// of the date must not repeat the letter.
    pub round: String,
    /// 0 for the first letter of a stage, then 1, 2, …
    pub repetition: u32,
}

impl fmt::Display for NoticeKey {
    /// `payment-reminders/firm/receivable:4711/2026-03-01/0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}/{}", self.rule, self.stage, self.subject, self.round, self.repetition)
    }
}

/// Where a letter stands.
///
/// ```text
/// queued -> sending -> sent | retry | rejected | uncertain | assumed | cancelled | expired | held
/// retry  -> sending, cancelled, expired, uncertain
/// held, uncertain, assumed -> only by a person or evidence; sent -> bounced, by evidence
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LetterState {
    /// Waiting for its moment or a courier.
    Queued,
    /// An attempt is under way, or the process died in it.
    Sending,
    /// The relay accepted it.
    Sent,
    /// The relay accepted it, and it came back. It is no delivered demand; its
    /// stage counts, unless the address was dead.
    Bounced,
    /// Not sent, to be tried again.
    Retry,
    /// The relay refused the recipient for good.
    Rejected,
    /// The relay may or may not have accepted it; never sent again by itself.
    Uncertain,
    /// The same, where nobody is asked: it counts as sent
    /// ([`OnUncertain::AssumeSent`](super::delivery::OnUncertain)).
    Assumed,
    /// No longer due.
    Cancelled,
    /// Tried until its time ran out.
    Expired,
    /// Waits for a person.
    Held,
}

impl LetterState {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Bounced,
        Self::Retry,
        Self::Rejected,
        Self::Uncertain,
        Self::Assumed,
        Self::Cancelled,
        Self::Expired,
        Self::Held,
    ];

    /// The word in store, log and commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Bounced => "bounced",
            Self::Retry => "retry",
            Self::Rejected => "rejected",
            Self::Uncertain => "uncertain",
            Self::Assumed => "assumed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Held => "held",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether the letter left or may have left: it consumes its stage, counts
    /// against the budget and is never repeated.
    #[must_use]
    pub fn counts_as_sent(self) -> bool {
        matches!(self, Self::Sent | Self::Bounced | Self::Uncertain | Self::Assumed | Self::Sending)
    }

    /// Whether it still waits to be sent, by itself or by a person.
    #[must_use]
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Retry | Self::Held)
    }

    /// Whether its notices are taken: no other letter may carry them.
    #[must_use]
    pub fn is_live(self) -> bool {
        self.counts_as_sent() || self.is_waiting()
    }
}

impl fmt::Display for LetterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How important a letter is when the budget has room for one. Higher goes
/// first; see section "Budget" in the architecture notes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Priority(pub u16);

impl Priority {
    /// Below everything: news and invitations.
    pub const MARKETING: Self = Self(0);
    /// Care after the sale.
    pub const CHECK_IN: Self = Self(100);
    /// Thanks.
    pub const THANKS: Self = Self(200);
    /// Statements of account.
    pub const STATEMENT: Self = Self(300);
    /// A stage of a dunning rule; its place from the bottom is added.
    pub const STAGE: Self = Self(400);
    /// The word about a broken promise.
    pub const BROKEN_PROMISE: Self = Self(850);
    /// A stage that gives a deadline.
    pub const FINAL_NOTICE: Self = Self(900);
}

/// One line of a letter: a notice about one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Which notice.
    pub key: NoticeKey,
    /// The stage's offset when it was decided.
    pub offset: Offset,
    /// The day the plan asked for, before weekends and hours moved it.
    pub planned_on: Date,
    /// Whether the letter is about it: its stage is the letter's. The others
    /// stand in a table below.
    pub leading: bool,
}

/// A letter that a plan asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// Whose it is; `None` for a digest to one of our own people. No letter
    /// ever goes to two customers.
    pub customer: Option<CustomerId>,
    /// By which rule.
    pub rule: RuleName,
    /// The stage whose words it speaks.
    pub stage: StageName,
    /// What it is.
    pub class: Class,
    /// The template's name without locale and ending.
    pub template: String,
    /// To whom.
    pub to: Vec<Recipient>,
    /// Who else sees it.
    pub cc: Vec<Recipient>,
    /// The notices it carries, leading ones first, then in order of due date
    /// and id; never empty.
    pub lines: Vec<Line>,
    /// Days to pay from the day it leaves.
    pub deadline: Option<Offset>,
    /// Whether a person releases it first.
    pub approve: bool,
    /// Its place when the budget has room for one.
    pub priority: Priority,
    /// Which budget it counts against; `None` for letters to our own people.
    pub budget: Option<BudgetKind>,
    /// Not before this moment: the next decent one where the customer lives.
    pub not_before: Timestamp,
    /// Which customer stages could not go out, for an alarm to our people.
    pub passed_over: Vec<String>,
    /// What becomes of it where nobody can know whether it arrived.
    pub on_uncertain: OnUncertain,
}

impl Draft {
    /// The customer's id; for a digest, the colleague's.
    #[must_use]
    pub fn whose(&self) -> &str {
        let colleague = || self.lines.first().map_or("", |line| line.key.subject.id());
        self.customer.as_ref().map_or_else(colleague, CustomerId::as_str)
    }
}

/// A notice of the ledger, with its letter's state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastNotice {
    /// Which letter carries it.
    pub letter: LetterId,
    /// Which notice.
    pub key: NoticeKey,
    /// The stage's offset when it was decided.
    pub offset: Offset,
    /// The day the plan asked for.
    pub planned_on: Date,
    /// Where the letter stands.
    pub state: LetterState,
    /// The letter's class.
    pub class: Class,
    /// Its place in the budget.
    pub priority: Priority,
    /// Which budget it counts against.
    pub budget: Option<BudgetKind>,
    /// Whether its letter went, or goes, to the customer.
    pub to_customer: bool,
    /// The civil day it left, in the customer's zone; for one that waits,
    /// the day it may leave.
    pub day: Date,
    /// Whether an operator cancelled it: that consumes the stage too.
    pub dropped: bool,
}
