//! `where` and `unless`: whom a rule concerns.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::customer::Customer;
use super::event::{Event, EventOutcome};
use super::receivable::Receivable;

/// The word in YAML for an event of which nobody has said how it went.
pub const NO_OUTCOME: &str = "none";

/// Conditions that must all hold; within one, any of the listed values. An
/// empty one holds for everybody. It is stored (hence serde); see
/// [`Audience`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Kinds of receivables or events, by their words.
    pub kind: Vec<String>,
    /// The least balance, by currency; a currency not listed has none.
    pub min_balance: BTreeMap<String, Decimal>,
    /// ISO codes.
    pub currency: Vec<String>,
    /// Customer segments.
    pub segment: Vec<String>,
    /// Any of these tags.
    pub tags: Vec<String>,
    /// Language tags; `zh` covers `zh-CN`.
    pub locale: Vec<String>,
    /// Owners, by address or name.
    pub owner: Vec<String>,
    /// Outcomes of events, by their words; [`NO_OUTCOME`] where nobody has
    /// said.
    pub outcome: Vec<String>,
    /// Products of events.
    pub product: Vec<String>,
    /// At least so many purchases.
    pub purchases_at_least: Option<u32>,
    /// Receivables that were postponed at least so often.
    pub postponements_at_least: Option<u32>,
    /// Receivables for which at least so many promises were broken.
    pub broken_promises_at_least: Option<u32>,
    /// Attributes of the customer, by name.
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// What a filter looks at: a customer, and the receivable or event of it.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// Whose it is.
    pub customer: &'a Customer,
    /// Where the rule is about claims.
    pub receivable: Option<&'a Receivable>,
    /// Where the rule is about events.
    pub event: Option<&'a Event>,
    /// The day it is looked at, at the customer's.
    pub today: Date,
}

impl Filter {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first condition that does not hold, by its name in YAML. The
    /// balance is asked separately, as a stop, because it changes.
    #[must_use]
    pub fn unmet(&self, of: Candidate<'_>) -> Option<&'static str> {
        let customer = of.customer;
        let unmet = |asked: &[String], holds: &dyn Fn(&str) -> bool| {
            !asked.is_empty() && !asked.iter().any(|value| holds(value))
        };
        let of_claim = of.receivable.map(|receivable| receivable.kind.as_str());
        let kind = of_claim.or(of.event.map(|event| event.kind.as_str()));
        let currency = of.receivable.map(|receivable| receivable.amount.currency.code());
        let outcome = of.event.map(|event| event.outcome.map_or(NO_OUTCOME, EventOutcome::as_str));
        let product = of.event.and_then(|event| event.product.as_deref());
        let owner = customer.owner.as_ref();
        let checks: [(&'static str, bool); 12] = [
            ("kind", unmet(&self.kind, &|v| kind == Some(v))),
            ("currency", unmet(&self.currency, &|v| currency == Some(v))),
            ("segment", unmet(&self.segment, &|v| customer.segment.as_deref() == Some(v))),
            ("tags", unmet(&self.tags, &|v| customer.tags.iter().any(|tag| tag == v))),
            ("locale", unmet(&self.locale, &|v| customer.locale.as_deref().is_some_and(|l| covers(v, l)))),
            ("owner", unmet(&self.owner, &|v| owner.is_some_and(|o| o.name == v || o.address.as_str() == v))),
            ("outcome", unmet(&self.outcome, &|v| outcome == Some(v))),
            ("product", unmet(&self.product, &|v| product == Some(v))),
            ("purchases_at_least", self.purchases_at_least.is_some_and(|least| customer.purchases < least)),
            (
                "postponements_at_least",
                self.postponements_at_least
                    .is_some_and(|least| of.receivable.is_none_or(|claim| claim.postponements < least)),
            ),
            (
                "broken_promises_at_least",
                self.broken_promises_at_least.is_some_and(|least| {
                    of.receivable.is_none_or(|claim| claim.broken_promises(of.today) < least)
                }),
            ),
            (
                "attributes",
                self.attributes.iter().any(|(name, values)| {
                    unmet(values, &|v| customer.attributes.get(name).map(String::as_str) == Some(v))
                }),
            ),
        ];
        checks.into_iter().find(|(_, failed)| *failed).map(|(name, _)| name)
    }

    /// Whether every condition holds, an empty filter's not counting: what
    /// `unless` asks.
    #[must_use]
    pub fn excludes(&self, of: Candidate<'_>) -> bool {
        !self.is_empty() && self.unmet(of).is_none() && self.balance_suffices(of)
    }

    /// Whether the balance reaches the least of its currency, if one is set.
    #[must_use]
    pub fn balance_suffices(&self, of: Candidate<'_>) -> bool {
        of.receivable.is_none_or(|receivable| {
            let balance = receivable.balance();
            self.min_balance.get(balance.currency.code()).is_none_or(|least| balance.amount >= *least)
        })
    }
}

/// Whom a rule concerns, all told. It is stored with the moment it came into
/// force, because a wider one must not send what was reached before.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Audience {
    /// Whom it concerns.
    pub r#where: Filter,
    /// Whom it does not, although `where` holds.
    #[serde(default)]
    pub unless: Filter,
    /// The kinds of events it counts from; empty for a rule about something
    /// else.
    #[serde(default)]
    pub events: Vec<String>,
}

impl Audience {
    /// Whether the candidate belongs to it.
    #[must_use]
    pub fn holds(&self, of: Candidate<'_>) -> bool {
        let counts = |event: &Event| self.events.is_empty() || self.events.contains(&event.kind);
        of.event.is_none_or(counts)
            && self.r#where.unmet(of).is_none()
            && self.r#where.balance_suffices(of)
            && !self.unless.excludes(of)
    }
}

/// Whether a language tag that is asked for covers another: `zh` covers
/// `zh-CN`.
pub(super) fn covers(asked: &str, locale: &str) -> bool {
    locale == asked || locale.strip_prefix(asked).is_some_and(|rest| rest.starts_with('-'))
}
