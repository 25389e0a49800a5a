//! What a plan is made from: everything about one relationship.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::address::Address;
use super::customer::{Class, Customer, Suppression};
use super::digest::{Digest, DigestOrder};
use super::event::Event;
use super::ids::{CustomerId, LetterId, Relationship};
use super::notice::{NoticeKey, PastNotice};
use super::receivable::{Pause, Payment, Receivable, Status};

/// Everything about the customers who share one address.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    /// Which relationship.
    pub relationship: Relationship,
    /// When rules last looked at it; `None` is never.
    pub looked_at: Option<Timestamp>,
    /// In order of their ids; one, save where customers share an address.
    pub customers: Vec<CustomerFacts>,
    /// Those that concern any of its addresses.
    pub suppressions: Vec<Suppression>,
    /// When payments were last read from the business's books; `None` is
    /// never.
    pub payments_read_at: Option<Timestamp>,
    /// For the relationship of our own people alone: what each is to be told.
    pub digests: Vec<Digest>,
}

/// Everything about one customer that a rule can reach now.
#[derive(Clone, PartialEq, Debug)]
pub struct CustomerFacts {
    /// Who it is.
    pub customer: Customer,
    /// Open ones, those settled within [`Reach`], and credit notes; in order
    /// of due date, then id.
    pub receivables: Vec<Receivable>,
    /// Money that belongs to no receivable.
    pub on_account: Vec<Payment>,
    /// Those within [`Reach`], in order of time, then id.
    pub events: Vec<Event>,
    /// Holds on the customer as a whole.
    pub pauses: Vec<Pause>,
    /// The ledger: every notice of this customer whose letter is live, and
    /// those an operator dropped; in order of letter, then key.
    pub notices: Vec<PastNotice>,
    /// The notices of letters that were tried until their time ran out; free
    /// to be sent again.
    pub expired: Vec<NoticeKey>,
}

/// How far back facts must go for the rules in force.
#[derive(Clone, PartialEq, Debug)]
pub struct Reach {
    /// Events since.
    pub events_since: Timestamp,
    /// Settled receivables since.
    pub settled_since: Date,
    /// The digests to be put together.
    pub digests: Arc<[DigestOrder]>,
}

impl Reach {
    /// Whether facts that go so far back go as far back as `other` as well,
    /// digests aside.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.events_since <= other.events_since && self.settled_since <= other.settled_since
    }
}

impl Facts {
    /// One of its customers.
    #[must_use]
    pub fn customer(&self, id: &CustomerId) -> Option<&CustomerFacts> {
        self.customers.iter().find(|facts| facts.customer.id == *id)
    }

    /// As they were at a moment of the past, as far as that is known: without
    /// what came in or happened later, and without the letters that `is_there`
    /// denies. Claims that were closed since are open again.
    #[must_use]
    pub fn as_of(mut self, at: Timestamp, is_there: impl Fn(LetterId) -> bool) -> Self {
        for of in &mut self.customers {
            let today = at.to_zoned_datetime(of.customer.zone.clone()).date();
            of.notices.retain(|notice| is_there(notice.letter));
            of.events.retain(|event| event.occurred_at <= at);
            of.on_account.retain(|payment| payment.received_on <= today);
            for claim in &mut of.receivables {
                claim.payments.retain(|payment| payment.received_on <= today);
                claim.promises.retain(|promise| promise.made_on <= today);
                claim.acknowledged_on.retain(|day| *day <= today);
                if claim.closed_on.is_some_and(|day| day > today) {
                    (claim.status, claim.closed_on) = (Status::Open, None);
                }
            }
        }
        self.looked_at = self.looked_at.filter(|looked| *looked < at);
        self
    }

    /// The suppression that stops a letter of `class` to `address`.
    #[must_use]
    pub fn suppression(&self, address: &Address, class: Class) -> Option<&Suppression> {
        self.suppressions.iter().find(|suppression| suppression.covers(address, class))
    }
}
