//! What is owed: claims, their payments, and the pauses a person put on them.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::customer::Person;
use super::ids::{PaymentId, ReceivableId};
use super::money::Money;
use super::promise::{Promise, Standing};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in CSV, YAML, store and log.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What sort of claim.
    Kind {
        /// Payable so many days after delivery.
        Invoice = "invoice",
        /// Payable before delivery.
        Prepayment = "prepayment",
        /// The first part, payable at the order.
        Deposit = "deposit",
        /// The rest after a deposit.
        Balance = "balance",
        /// One part of a plan.
        Instalment = "instalment",
        /// 期票: a written promise to pay on a day.
        PromissoryNote = "promissory_note",
        /// What we owe back; negative, never dunned.
        CreditNote = "credit_note",
    }
}

words! {
    /// What the business's own books say of a claim.
    Status {
        /// To be paid.
        Open = "open",
        /// Settled, whatever payments we were told of.
        Paid = "paid",
        /// The customer contests it.
        Disputed = "disputed",
        /// A person stopped it.
        OnHold = "on_hold",
        /// The goods came back.
        Returned = "returned",
        /// Set off against a counterclaim.
        Offset = "offset",
        /// Sold to somebody else.
        Assigned = "assigned",
        /// Before a court.
        Legal = "legal",
        /// Superseded by an instalment plan.
        Replaced = "replaced",
        /// Given up.
        WrittenOff = "written_off",
        /// Never valid, or taken back.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether the claim is still to be paid one day: open, disputed or on
    /// hold. Everything else is over and never comes back by itself.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::Disputed | Self::OnHold)
    }
}

/// Money that came in, or went back if negative.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// The business's own number.
    pub id: PaymentId,
    /// In the currency of the receivable, or of its own on account.
    pub amount: Money,
    /// The day it came in.
    pub received_on: Date,
}

words! {
    /// Why a ladder stands still.
    PauseCause {
        /// The customer contests the claim.
        Dispute = "dispute",
        /// A person stopped it.
        Hold = "hold",
        /// The customer promised to pay by a date.
        Promise = "promise",
    }
}

/// A stretch of days that does not count: a dispute, a hold or a promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pause {
    /// Why.
    pub cause: PauseCause,
    /// The first day of it.
    pub from: Date,
    /// The last day of it; `None` while nobody has said when it ends.
    pub until: Option<Date>,
    /// What the person wrote.
    pub reason: String,
}

impl Pause {
    /// Whether `day` lies in it.
    #[must_use]
    pub fn covers(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }
}

/// One open claim with one due date.
#[derive(Clone, PartialEq, Debug)]
pub struct Receivable {
    /// The business's own number.
    pub id: ReceivableId,
    /// What sort of claim.
    pub kind: Kind,
    /// What the books say.
    pub status: Status,
    /// The whole claim; negative for a credit note.
    pub amount: Money,
    /// The day it is to be paid by.
    pub due_on: Date,
    /// The due date that the present ladder round is named after: it stays
    /// when the due date is moved into the past, and follows it when it is
    /// moved to the future. See [`round_after`].
    pub round_on: Date,
    /// How often the due date was moved later.
    pub postponements: u32,
    /// The number on the paper; the id where there is none.
    pub number: Option<String>,
    /// The day the paper was issued.
    pub issued_on: Option<Date>,
    /// What ties instalments, deposit and balance together.
    pub contract: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Who answers for it besides the customer.
    pub guarantor: Option<Person>,
    /// The day the claim becomes time-barred, where given.
    pub limitation_on: Option<Date>,
    /// Where it can be paid online.
    pub pay_url: Option<String>,
    /// A file to send along.
    pub attachment: Option<String>,
    /// When our store first saw the row.
    pub first_seen: Timestamp,
    /// The day its status said before our eyes that it is over, as opposed to
    /// a row first seen so.
    pub closed_on: Option<Date>,
    /// In order of date, then id.
    pub payments: Vec<Payment>,
    /// Disputes and holds about this claim alone.
    pub pauses: Vec<Pause>,
    /// In the order in which they were made.
    pub promises: Vec<Promise>,
    /// The days on which the customer agreed that it owes this claim, or its
    /// whole balance; in order.
    pub acknowledged_on: Vec<Date>,
}

impl Receivable {
    /// What is still owed: the amount less the payments, zero once the
    /// books say that it is over.
    #[must_use]
    pub fn balance(&self) -> Money {
        if self.status.is_live() {
            Money { amount: self.amount.amount - self.received(), ..self.amount }
        } else {
            Money::zero(self.amount.currency)
        }
    }

    /// The day of the paper, or the first one we know of.
    #[must_use]
    pub fn begins_on(&self) -> Date {
        let seen_on = self.first_seen.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
        self.issued_on.unwrap_or(self.due_on.min(seen_on))
    }

    /// Whether the customer contests this claim on a day.
    #[must_use]
    pub fn is_disputed(&self, today: Date) -> bool {
        self.is_contested(|pause| pause.covers(today))
    }

    /// Whether the customer contests this claim, given which pauses hold. What
    /// is paid is contested no more, whether or not somebody wrote that down.
    #[must_use]
    pub fn is_contested(&self, holds: impl Fn(&Pause) -> bool) -> bool {
        let contests = |pause: &Pause| pause.cause == PauseCause::Dispute && holds(pause);
        self.balance().is_positive() && (self.status == Status::Disputed || self.pauses.iter().any(contests))
    }

    /// The last day of the promise that is pending on a day.
    #[must_use]
    pub fn promised_until(&self, today: Date) -> Option<Date> {
        let pending = |promise: &&Promise| promise.standing(&self.payments, today) == Standing::Pending;
        self.promises.iter().rev().find(pending).map(|promise| promise.until)
    }

    /// How many promises were broken by a day.
    #[must_use]
    pub fn broken_promises(&self, today: Date) -> u32 {
        let broken = |promise: &&Promise| promise.standing(&self.payments, today) == Standing::Broken;
        u32::try_from(self.promises.iter().filter(broken).count()).unwrap_or(u32::MAX)
    }

    /// Whether a payment was taken back by another: it bounced.
    #[must_use]
    pub fn went_back(&self, payment: &Payment) -> bool {
        self.payments.iter().any(|other| {
            other.amount.amount == -payment.amount.amount && other.received_on >= payment.received_on
        })
    }

    /// What came in for it.
    #[must_use]
    pub fn received(&self) -> Decimal {
        self.payments.iter().map(|payment| payment.amount.amount).sum()
    }

    /// The number on the paper, or the id.
    #[must_use]
    pub fn label(&self) -> &str {
        self.number.as_deref().unwrap_or_else(|| self.id.as_str())
    }

    /// The day it was settled and what settled it: the payment that covered
    /// it, or the day its status became `paid` before our eyes. A row first
    /// seen as paid has none, and nobody is thanked for it.
    #[must_use]
    pub fn settled(&self) -> Option<(Date, SettledBy<'_>)> {
        if self.kind == Kind::CreditNote {
            return None;
        }
        let by_books = self.closed_on.map(|day| (day, SettledBy::Books));
        match self.status {
            Status::Paid => self.covering_payment().filter(|_| by_books.is_some()).or(by_books),
            Status::Open | Status::Disputed | Status::OnHold => self.covering_payment(),
            Status::Returned
            | Status::Offset
            | Status::Assigned
            | Status::Legal
            | Status::Replaced
            | Status::WrittenOff
            | Status::Cancelled => None,
        }
    }

    /// The last payment after which the claim was covered and stayed so.
    fn covering_payment(&self) -> Option<(Date, SettledBy<'_>)> {
        let mut sum = Decimal::ZERO;
        let mut covering = None;
        for payment in &self.payments {
            sum += payment.amount.amount;
            if sum < self.amount.amount {
                covering = None;
            } else if covering.is_none() {
                covering = Some((payment.received_on, SettledBy::Payment(&payment.id)));
            }
        }
        covering
    }
}

/// What settled a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettledBy<'a> {
    /// The payment that covered it.
    Payment(&'a PaymentId),
    /// The status in the business's books.
    Books,
}

/// What a moved due date does to the ladder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moved {
    /// The due date that names the round from now on.
    pub round_on: Date,
    /// Whether it counts as a postponement.
    pub postponed: bool,
}

/// A due date moved to today or later starts a new round, and counts as a
/// postponement when it moves later; moved to a past date it continues the
/// round it was in. Moved back to an earlier value that named a round in which
/// something was said, one of `rounds`, it continues that one.
#[must_use]
pub fn round_after(
    round_on: Date,
    rounds: &[Date],
    old_due_on: Date,
    new_due_on: Date,
    today: Date,
) -> Moved {
    let named = rounds.contains(&new_due_on);
    if old_due_on == new_due_on || (new_due_on < today && !named) {
        Moved { round_on, postponed: false }
    } else {
        Moved { round_on: new_due_on, postponed: new_due_on > old_due_on }
    }
}
