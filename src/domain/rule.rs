//! A rule: what it counts from, whom it concerns, and its stages.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::address::Address;
use super::calendar::Days;
use super::customer::Class;
use super::delivery::OnUncertain;
use super::filter::{Audience, Filter};
use super::ids::{RuleName, StageName};
use super::ladder::then_name;
use super::offset::Offset;
use super::schedule::Schedule;
use super::settings::{Budget, Settings};

/// The date of a receivable that a rule can count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceivableDate {
    /// The day it is to be paid by.
    DueOn,
    /// The day of the paper.
    IssuedOn,
    /// The day by which the customer promised to pay, once for each promise
    /// that was broken.
    PromisedOn,
    /// The day it becomes time-barred.
    LimitationOn,
    /// The day it was settled.
    SettledOn,
}

/// What a rule counts from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// A date of each receivable.
    Receivable(ReceivableDate),
    /// The day each payment came in.
    Payment,
    /// The moment of each event of one of these kinds; never empty.
    Event(Vec<String>),
    /// The rule's own schedule, for each customer of its audience.
    Calendar,
}

impl Anchor {
    /// Whether it is a moment that comes again and again: an event, a payment.
    #[must_use]
    pub fn is_a_moment(&self) -> bool {
        matches!(self, Self::Event(_) | Self::Payment)
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receivable(ReceivableDate::DueOn) => "receivable.due_on",
            Self::Receivable(ReceivableDate::IssuedOn) => "receivable.issued_on",
            Self::Receivable(ReceivableDate::PromisedOn) => "receivable.promised_on",
            Self::Receivable(ReceivableDate::LimitationOn) => "receivable.limitation_on",
            Self::Receivable(ReceivableDate::SettledOn) => "receivable.settled_on",
            Self::Payment => "payment.received_on",
            Self::Event(kinds) => return write!(f, "event.{}", kinds.join(", event.")),
            Self::Calendar => "calendar",
        })
    }
}

/// Whom a stage writes to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Recipient {
    /// The customer.
    Customer,
    /// Our salesperson for it.
    Owner,
    /// Who answers for the claim besides the customer.
    Guarantor,
    /// Our manager.
    Manager,
    /// Who looks after the installation.
    Operator,
    /// Anybody else, by address.
    Other(Address),
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Customer => "customer",
            Self::Owner => "owner",
            Self::Guarantor => "guarantor",
            Self::Manager => "manager",
            Self::Operator => "operator",
            Self::Other(address) => address.as_str(),
        })
    }
}

/// A stage that comes again until something happens.
#[derive(Clone, PartialEq, Debug)]
pub struct Repeat {
    /// The first interval, in days, months or years, from the letter really
    /// sent.
    pub every: Offset,
    /// Each interval is this many times the one before; 1 or more.
    pub growing: f64,
    /// The kind of event that ends it, for the same product where both name
    /// one.
    pub until: Option<String>,
    /// All letters of the stage, the first included.
    pub at_most: Option<u32>,
    /// One last letter, one interval after the last.
    pub then: Option<Then>,
}

/// What follows the last repetition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Then {
    /// To whom.
    pub to: Vec<Recipient>,
    /// By which template.
    pub template: String,
}

/// One rung of a rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Stage {
    /// Its name within the rule.
    pub name: StageName,
    /// When, counted from the anchor.
    pub at: Offset,
    /// The letter, by the template's name without locale and ending.
    pub template: String,
    /// To whom; never empty.
    pub to: Vec<Recipient>,
    /// Who else sees it.
    pub cc: Vec<Recipient>,
    /// How many days from the day it leaves the letter gives, for final
    /// notices.
    pub deadline: Option<Offset>,
    /// Whether a person releases it first.
    pub approve: bool,
    /// Whether it comes again.
    pub repeat: Option<Repeat>,
}

impl Stage {
    /// Whether the customer, or who answers for it, is written to. A stage of
    /// which that is not so is an alarm to our own people, which no stop
    /// silences.
    #[must_use]
    pub fn concerns_customer(&self) -> bool {
        let outside = |to: &Recipient| matches!(to, Recipient::Customer | Recipient::Guarantor);
        self.to.iter().chain(&self.cc).any(outside)
    }
}

/// What else must not be going on while a rule writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Interlock {
    /// An item at or above the least balance whose first stage after the due
    /// date was sent or is due.
    Overdue,
    /// Anything the customer contests.
    Disputed,
    /// A letter of the second stage after the due date or later within so
    /// many days.
    Dunned {
        /// How many days back.
        days: i32,
    },
}

/// What a rule does with what was reached before it was first seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Backlog {
    /// Enter at the lowest stage after the due date when the item's next
    /// stage comes.
    #[default]
    Skip,
    /// Enter now, within the caps.
    Start,
}

/// Which budget a rule's letters count against.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BudgetKind {
    /// `letters.per_customer`.
    #[default]
    Customer,
    /// `letters.moments`: thanks that answer the customer's own act.
    Moments,
}

/// One letter that a rule can write.
#[derive(Clone, Debug)]
pub struct RuleLetter<'r> {
    /// As in the notice key: the stage's name, or `<stage>/then` for the one
    /// after the last repetition.
    pub name: StageName,
    /// Of which stage.
    pub stage: &'r Stage,
    /// The template's name without locale and ending.
    pub template: &'r str,
    /// To whom.
    pub to: &'r [Recipient],
    /// Who else sees it.
    pub cc: &'r [Recipient],
}

/// A YAML file of the rules folder, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// Its identity.
    pub name: RuleName,
    /// What it is for, in a sentence.
    pub summary: String,
    /// What its letters are.
    pub class: Class,
    /// What it counts from.
    pub anchor: Anchor,
    /// When it looks, on the clock of the decent hours (the business's for
    /// calendar rules); `None` is every minute.
    pub schedule: Option<Schedule>,
    /// Whom it concerns.
    pub audience: Filter,
    /// Whom it does not.
    pub unless: Filter,
    /// One letter for all of a customer's items.
    pub combine: bool,
    /// Whether a combined letter lists the customer's other open items for
    /// information.
    pub include_open: bool,
    /// In order of their offsets; never empty.
    pub stages: Vec<Stage>,
    /// What must not be going on.
    pub not_while: Vec<Interlock>,
    /// How many days after its time a letter is still welcome; `None` never
    /// goes stale.
    pub stale_after: Option<i32>,
    /// What was reached before it was first seen.
    pub backlog: Backlog,
    /// Which budget its letters count against.
    pub budget: BudgetKind,
    /// At most so many of its letters to one address, besides the budgets.
    pub per_customer: Option<Budget>,
    /// On which days its letters leave, where it differs from `letters.hours`.
    pub days: Option<Days>,
    /// What becomes of its letters where nobody can know whether they
    /// arrived, where it differs from that of their class.
    pub on_uncertain: Option<OnUncertain>,
}

impl Rule {
    /// What becomes of a letter of it where nobody can know whether it
    /// arrived.
    #[must_use]
    pub fn on_uncertain(&self, class: Class, settings: &Settings) -> OnUncertain {
        self.on_uncertain.unwrap_or(settings.on_uncertain.of(class))
    }

    /// Whether it tells our own people about many customers at intervals; see
    /// [`super::digest`].
    #[must_use]
    pub fn is_digest(&self) -> bool {
        self.class == Class::Internal && self.anchor == Anchor::Calendar
    }

    /// Whether its letters are statements of account: what is owed at some
    /// moment, whatever it is for.
    #[must_use]
    pub fn is_statement(&self) -> bool {
        self.class == Class::Dunning && self.anchor == Anchor::Calendar
    }

    /// Its letters: one per stage, and the one after its repetitions.
    #[must_use]
    pub fn letters(&self) -> Vec<RuleLetter<'_>> {
        let mut letters = Vec::new();
        for stage in &self.stages {
            let (template, to, cc) = (&stage.template, &stage.to, &stage.cc);
            letters.push(RuleLetter { name: stage.name.clone(), stage, template, to, cc });
            if let Some(then) = stage.repeat.as_ref().and_then(|repeat| repeat.then.as_ref()) {
                let name = then_name(&stage.name);
                letters.push(RuleLetter { name, stage, template: &then.template, to: &then.to, cc: &[] });
            }
        }
        letters
    }

    /// Whom it concerns, all told.
    #[must_use]
    pub fn audience(&self) -> Audience {
        let events = match &self.anchor {
            Anchor::Event(kinds) => kinds.clone(),
            Anchor::Receivable(_) | Anchor::Payment | Anchor::Calendar => Vec::new(),
        };
        Audience { r#where: self.audience.clone(), unless: self.unless.clone(), events }
    }
}

/// When a rule, and each of its audiences, was first seen in force. The
/// engine keeps it; the planner must not send what was reached before.
#[derive(Clone, PartialEq, Debug)]
pub struct RuleSeen {
    /// The audiences since the rule was first seen, oldest first, each with
    /// the moment it came into force. Never empty.
    pub audiences: Vec<(Audience, Timestamp)>,
}

/// The rules in force, with the moments they were first seen.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rules {
    /// In the order of their names.
    pub rules: Vec<(Rule, Option<RuleSeen>)>,
}

impl Rules {
    /// These rules, in order, with what is known of when they came into
    /// force.
    #[must_use]
    pub fn in_force(rules: &[Rule], mut seen: BTreeMap<RuleName, RuleSeen>) -> Self {
        let mut rules: Vec<_> = rules.iter().map(|rule| (rule.clone(), seen.remove(&rule.name))).collect();
        rules.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        Self { rules }
    }

    /// The rule of this name.
    #[must_use]
    pub fn get(&self, name: &RuleName) -> Option<&Rule> {
        self.iter().find(|rule| rule.name == *name)
    }

    /// Every rule.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|(rule, _)| rule)
    }
}
