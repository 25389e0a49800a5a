//! Why a letter is not written now. Each stop has a name, which `explain`,
//! `plan` and the log show.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

use super::address::AddressError;
use super::ids::RuleName;
use super::money::Currency;
use super::receivable::Status;

/// Why a notice is not due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// `where` does not hold; the condition's name.
    NotInAudience(&'static str),
    /// `unless` holds.
    Excluded,
    /// The balance is below the least of its currency.
    BelowMinimum,
    /// Nothing is owed.
    Settled,
    /// The books say that it is over.
    Closed(Status),
    /// A credit note is never a subject.
    CreditNote,
    /// The customer contests it.
    Disputed,
    /// A person stopped it, until a day where known.
    OnHold(Option<Date>),
    /// A promise is pending, until a day.
    Promised(Date),
    /// The promise that the letter would be about was kept, or is none any
    /// more; which.
    PromiseOver(&'static str),
    /// Credits and money on account cover what is open in this currency.
    CoveredByCredit(Currency),
    /// Nobody may write to the customer.
    Blocked,
    /// The customer asked to be forgotten.
    Forgotten,
    /// There is no address to write to, or none that works.
    NoAddress(AddressError),
    /// The address must not be written to; why.
    Suppressed(String),
    /// A recipient of our own side is not known.
    NoRecipient(&'static str),
    /// Reached before the rule was first seen, and no stage is left.
    Backlog,
    /// The due date has come, so a stage before it is pointless.
    Lapsed,
    /// Too late to be welcome.
    Stale,
    /// It would fall within three days of issue.
    TooSoonAfterIssue,
    /// Something else is going on with the customer.
    NotWhile(&'static str),
    /// Every stage is sent, or it has been said as often as it may.
    Done,
    /// The event that ends the repetition has come.
    Ended,
    /// Nothing to count from.
    NoAnchor,
    /// The payment went back, or the item is settled and has its own thanks.
    Bounced,
    /// The claim is time-barred; the owner decides.
    TimeBarred(Date),
    /// A letter with this notice waits in the outbox or was dropped there.
    InOutbox,
    /// Not yet: the rung is ahead.
    NotReached,
    /// The rule's schedule looks later.
    NotLooking,
    /// The rung before it, or a pause, keeps its distance.
    Spacing,
    /// Another rule wrote about the same claim.
    MinGap(RuleName),
    /// What is known of payments is too old to remind anybody.
    DataTooOld,
    /// The customer has had, or is about to have, a letter that goes first.
    Budget,
    /// The customer has had as many letters of this rule as it may send.
    RuleCap,
    /// One pass queues only so many.
    PassCap,
}

impl Stop {
    /// Whether it is a pause, whose days do not count for the ladder.
    #[must_use]
    pub fn is_pause(&self) -> bool {
        matches!(self, Self::Disputed | Self::OnHold(_) | Self::Promised(_))
    }

    /// The name in log, `plan` and `explain`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotInAudience(_) => "not in audience",
            Self::Excluded => "excluded",
            Self::BelowMinimum => "below minimum",
            Self::Settled => "settled",
            Self::Closed(_) => "closed",
            Self::CreditNote => "credit note",
            Self::Disputed => "disputed",
            Self::OnHold(_) => "on hold",
            Self::Promised(_) => "promised",
            Self::PromiseOver(_) => "promise over",
            Self::CoveredByCredit(_) => "covered by credit",
            Self::Blocked => "customer blocked",
            Self::Forgotten => "customer forgotten",
            Self::NoAddress(AddressError::Missing) => "address missing",
            Self::NoAddress(_) => "address unusable",
            Self::Suppressed(_) => "address suppressed",
            Self::NoRecipient(_) => "recipient missing",
            Self::Backlog => "backlog",
            Self::Lapsed => "lapsed",
            Self::Stale => "stale",
            Self::TooSoonAfterIssue => "too soon after issue",
            Self::NotWhile(_) => "interlock",
            Self::Done => "done",
            Self::Ended => "ended",
            Self::NoAnchor => "no anchor",
            Self::Bounced => "payment bounced",
            Self::TimeBarred(_) => "time-barred",
            Self::InOutbox => "in outbox",
            Self::NotReached => "not reached",
            Self::NotLooking => "schedule",
            Self::Spacing => "spacing",
            Self::MinGap(_) => "minimum gap",
            Self::DataTooOld => "data too old",
            Self::Budget => "budget",
            Self::RuleCap => "rule cap",
            Self::PassCap => "pass cap",
        }
    }
}

impl fmt::Display for Stop {
    /// The name and what it is about: `closed (written_off)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::NotInAudience(what) | Self::PromiseOver(what) | Self::NotWhile(what) => {
                write!(f, " ({what})")
            }
            Self::Closed(status) => write!(f, " ({status})"),
            Self::OnHold(Some(until)) | Self::Promised(until) => write!(f, " (until {until})"),
            Self::TimeBarred(since) => write!(f, " (since {since})"),
            Self::CoveredByCredit(currency) => write!(f, " ({currency})"),
            Self::NoAddress(error) if *error != AddressError::Missing => write!(f, " ({error})"),
            Self::Suppressed(cause) => write!(f, " ({cause})"),
            Self::NoRecipient(who) => write!(f, " ({who})"),
            Self::MinGap(rule) => write!(f, " ({rule})"),
            _ => Ok(()),
        }
    }
}

/// What the planner decided about one candidate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Now.
    Due,
    /// Later, by itself, at the earliest at this moment.
    Waiting {
        /// When to ask again.
        until: Timestamp,
        /// What for.
        why: Stop,
    },
    /// Not, unless something changes.
    Skipped {
        /// What must change.
        why: Stop,
    },
}
