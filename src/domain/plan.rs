//! The plan of one relationship: every candidate of every rule is due,
//! waiting or skipped, and each has its reason.

use jiff::Timestamp;

use super::facts::{Facts, Reach};
use super::ids::{CustomerId, Relationship, RuleName, StageName};
use super::notice::{Draft, Subject};
use super::rule::Rules;
use super::settings::Settings;
use super::stop::Decision;

/// Why one candidate is due, waits, or is skipped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whose.
    pub customer: CustomerId,
    /// By which rule.
    pub rule: RuleName,
    /// The stage it is about, where one is singled out.
    pub stage: Option<StageName>,
    /// What it is about.
    pub subject: Subject,
    /// What was decided.
    pub decision: Decision,
}

/// What should happen for one relationship.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Which relationship.
    pub relationship: Relationship,
    /// Letters to queue now, most important first.
    pub letters: Vec<Draft>,
    /// Every candidate, with its reason.
    pub verdicts: Vec<Verdict>,
    /// When to look again, unless something is written about it before; a
    /// lower bound, `None` for never.
    pub wake_at: Option<Timestamp>,
}

/// Decides everything about one relationship at one moment.
///
/// The order of customers, receivables, payments, events and rules does not
/// matter, and neither does how often or when it is called.
#[must_use]
pub fn plan(_rules: &Rules, _settings: &Settings, facts: &Facts, _now: Timestamp) -> Plan {
    Plan { relationship: facts.relationship.clone(), letters: vec![], verdicts: vec![], wake_at: None }
}

/// What the last moment says about a letter in the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recheck {
    /// Still due. The draft is what it would be now: the same lines,
    /// recipients and template, or other ones if an item fell away or came
    /// due meanwhile.
    Due(Box<Draft>),
    /// Due, but not now.
    Later {
        /// When.
        until: Timestamp,
        /// What for, in words.
        why: String,
    },
    /// No longer due.
    Cancel {
        /// Why, in words.
        why: String,
    },
}

/// Asks the same decision again for a letter of the outbox, as if it had
/// not been queued. `approved` is whether a person has released it.
#[must_use]
pub fn recheck(
    _rules: &Rules,
    _settings: &Settings,
    _facts: &Facts,
    _letter: super::ids::LetterId,
    _now: Timestamp,
) -> Recheck {
    Recheck::Cancel { why: String::new() }
}

/// How far back the facts must go for these rules.
#[must_use]
pub fn reach(_rules: &Rules, now: Timestamp) -> Reach {
    Reach { events_since: now, settled_since: jiff::civil::Date::MIN }
}
