//! The keys of a rule's file, as they are written.

use schemars::{Schema, json_schema};

use super::anchor::{EventName, RawAnchor};
use super::forms::{List, Many, Spot, Table};
use super::read::{Complaint, Read, Reader, Scalar, choice, not_a_word, shape, words};
use super::scalars::{KindWord, Locale, Outcome};
use super::yaml::{Node, Value};
use crate::domain::address::Address;
use crate::domain::calendar::Days;
use crate::domain::customer::Class;
use crate::domain::delivery::OnUncertain;
use crate::domain::money::Currency;
use crate::domain::offset::Offset;
use crate::domain::rule::{Backlog, BudgetKind, Recipient};
use crate::domain::schedule::Schedule;
use crate::domain::settings::Budget;

shape! { "a rule"
/// A rule: what it counts from, whom it concerns, and its stages. One file
/// of the rules' folder.
#[schemars(rename = "Rule", transform = kinds_of_claims)]
struct RawRule {
    /// The rule's identity, in the store and in the log. Unlike the file's
    /// name it must never be used again for something else.
    rule: Spot<Name>,
    /// What the rule is for, in a sentence.
    summary: Option<Spot<String>>,
    /// What its letters are: `dunning` (claims), `courtesy` (thanks and
    /// care), `marketing` (news) or `internal` (to our own people).
    class: Spot<Class>,
    /// What the rule counts from: `receivable.due_on`, `.issued_on`,
    /// `.promised_on` (of a broken promise), `.limitation_on` or `.settled_on`,
    /// `payment.received_on`, `event.<kind>`, or `calendar` (the schedule
    /// itself). Of events it may be a list: `[event.favour, event.referral]`.
    anchor: RawAnchor,
    /// When the rule looks, as five fields of cron: minute, hour, day, month,
    /// weekday. Every minute if not said. It goes by the clock of
    /// `letters.hours.timezone`; with `anchor: calendar`, by the business's.
    schedule: Option<Spot<Schedule>>,
    /// Whom the rule concerns. Everything said must hold; in a list, any of
    /// the values.
    r#where: Option<RawFilter>,
    /// Whom the rule does not concern, although `where` holds.
    unless: Option<RawFilter>,
    /// `customer`: one letter for all of a customer's items, in the tone of
    /// the highest stage.
    combine: Option<Spot<Combine>>,
    /// `open`: a combined letter also lists the customer's other open items,
    /// for information.
    include: Option<Spot<Include>>,
    /// The stages, in the order of their times.
    stages: List<RawStage>,
    /// What must not be going on while this rule writes: `overdue`,
    /// `disputed`, or `dunned: 14d` (a firm letter within 14 days). For
    /// courtesy and marketing `[overdue, disputed]` if not said; `[]` is
    /// nothing.
    not_while: Option<Vec<RawInterlock>>,
    /// How many days after its time a letter is still welcome, or `never`
    /// (it never goes stale). 3d for courtesy and marketing, `never` for
    /// dunning and internal if not said.
    stale_after: Option<Spot<StaleAfter>>,
    /// What was reached before the rule was first seen: `skip` (enter at the
    /// next stage) or `start` (enter now, within the caps).
    backlog: Option<Spot<Backlog>>,
    /// Which budget of courtesy.yaml the letters count against: `customer`,
    /// or `moments` for thanks that answer the customer's own act.
    budget: Option<Spot<BudgetKind>>,
    /// At most so many letters of this rule to one customer, besides the
    /// budgets: `1 per 180d`. What does not fit waits, or goes stale.
    per_customer: Option<Spot<Budget>>,
    /// On which days the letters leave, where it differs from
    /// `letters.hours`: `business`, `weekdays` or `any`.
    days: Option<Spot<Days>>,
    /// What becomes of a letter of which nobody can know whether it arrived
    /// (the connection ended after the letter and before the answer), where it
    /// differs from `mail.on_uncertain`: `park` (a person decides; never sent
    /// again by itself), `assume_sent` or `resend_same_id` (the same bytes
    /// under the same Message-ID; the customer may see two).
    on_uncertain: Option<Spot<OnUncertain>>,
} }

/// Where a rule does not count from events, a `kind` is one of receivables.
fn kinds_of_claims(schema: &mut Schema) {
    let kind = json_schema!({ "enum": KindWord::of_claims() });
    let kinds = json_schema!({ "anyOf": [kind, { "type": "array", "items": kind }] });
    let filter = json_schema!({ "properties": { "kind": kinds } });
    let about_claims = json_schema!({ "type": "string", "not": { "pattern": "^event\\." } });
    schema.insert("if".to_owned(), json_schema!({ "properties": { "anchor": about_claims } }).to_value());
    let filters = json_schema!({ "properties": { "where": filter, "unless": filter } });
    schema.insert("then".to_owned(), filters.to_value());
}

shape! { "a condition"
/// Conditions that must all hold; in a list, any of the values.
#[schemars(rename = "Filter")]
struct RawFilter {
    /// Kinds of receivables, like `invoice`; in a rule that counts from
    /// several events, kinds of these, like `visit`.
    kind: Option<Many<Spot<KindWord>>>,
    /// The least balance by currency, `{ CNY: 100 }`; a currency that is not
    /// listed has none.
    min_balance: Option<Table<Spot<String>>>,
    /// Currencies of receivables, by ISO code.
    currency: Option<Many<Spot<Currency>>>,
    /// Segments of customers.
    segment: Option<Many<Spot<String>>>,
    /// Tags of customers; any of these.
    tags: Option<Many<Spot<String>>>,
    /// Languages of customers; `zh` covers `zh-CN`.
    locale: Option<Many<Spot<Locale>>>,
    /// Our salespeople, by name or address.
    owner: Option<Many<Spot<String>>>,
    /// How the event went; `none` is an event of which nobody has said.
    outcome: Option<Many<Spot<Outcome>>>,
    /// Products of events.
    product: Option<Many<Spot<String>>>,
    /// At least so many purchases.
    purchases_at_least: Option<Spot<u32>>,
    /// Receivables whose due date was moved later at least so many times.
    postponements_at_least: Option<Spot<u32>>,
    /// Receivables for which at least so many promises to pay were broken.
    broken_promises_at_least: Option<Spot<u32>>,
    /// Attributes of the customer, by name.
    attributes: Option<Table<Many<Spot<String>>>>,
} }

shape! { "a stage"
/// One letter of a rule.
#[schemars(rename = "Stage")]
struct RawStage {
    /// The stage's name within the rule.
    stage: Spot<Name>,
    /// When, counted from the anchor: `-7d`, `0d`, `+10min`, `+2h`, `+6mo`,
    /// `+1y`, `+5bd` (business days).
    at: Spot<Offset>,
    /// The letter: the name of a template without language and ending,
    /// `reminder/firm`.
    template: Spot<Template>,
    /// To whom: `customer` (if not said), `owner`, `guarantor`, `manager`,
    /// or an address.
    to: Option<Many<Spot<Recipient>>>,
    /// Who else sees it.
    cc: Option<Many<Spot<Recipient>>>,
    /// How many days from the day it leaves the letter gives, `7d`.
    deadline: Option<Spot<Offset>>,
    /// `true`: a person releases it first, with `courtesy outbox release`.
    approve: Option<Spot<bool>>,
    /// The stage comes again until something happens.
    repeat: Option<RawRepeat>,
} }

shape! { "a repetition"
/// How a stage comes again.
#[schemars(rename = "Repeat")]
struct RawRepeat {
    /// The first interval in `d`, `mo` or `y`, from the letter really sent.
    every: Spot<Offset>,
    /// Each interval is this many times the one before; 1 if not said.
    growing: Option<Spot<f64>>,
    /// The event that ends it, `event.proficient`.
    until: Option<Spot<EventName>>,
    /// All letters of the stage, the first included.
    at_most: Option<Spot<u32>>,
    /// One last letter, one interval after the last.
    then: Option<RawThen>,
} }

shape! { "the last letter of a repetition"
/// What follows the last repetition.
#[schemars(rename = "Then")]
struct RawThen {
    /// To whom.
    to: Many<Spot<Recipient>>,
    /// By which template.
    template: Spot<Template>,
} }

choice! { "an interlock"
/// An interlock with a number.
#[schemars(rename = "DunnedWithin")]
enum RawDunned {
    /// A firm letter, or a later one, within so many days.
    Dunned(Spot<Offset>) = "dunned",
} }

/// `overdue`, `disputed`, or `dunned: 14d`.
#[derive(Clone, Debug, schemars::JsonSchema)]
#[schemars(untagged, rename = "Interlock")]
pub(super) enum RawInterlock {
    /// What is or is not going on.
    Word(Spot<InterlockWord>),
    /// A firm letter, or a later one, within so many days.
    Within(RawDunned),
}

impl Read for RawInterlock {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match node.value {
            Value::Map(_) => RawDunned::read(node, reader).map(Self::Within),
            Value::Null | Value::Scalar(_) | Value::List(_) => Spot::read(node, reader).map(Self::Word),
        }
    }
}

/// An interlock that is one word.
#[derive(Clone, Copy, Debug)]
pub(super) enum InterlockWord {
    Overdue,
    Disputed,
}

impl Scalar for InterlockWord {
    fn parse(text: &str) -> Result<Self, Complaint> {
        match text {
            "overdue" => Ok(Self::Overdue),
            "disputed" => Ok(Self::Disputed),
            "dunned" => Err(Complaint::new("`dunned` needs a number of days", "write `dunned: 14d`")),
            _ => Err(not_a_word(text, "an interlock", &["overdue", "disputed", "dunned: 14d"])),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": ["overdue", "disputed"] })
    }
}

/// The only value of `combine`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Combine;

words! { "a way to combine" Combine { "customer" => Self } }

/// The only value of `include`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Include;

words! { "something to include" Include { "open" => Self } }

/// A name of a rule or stage: it becomes part of keys and commands, so it
/// has no spaces and none of the characters that separate there.
#[derive(Clone, Debug)]
pub(super) struct Name(pub String);

impl Scalar for Name {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let good = !text.is_empty()
            && text.chars().count() <= 64
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        if good {
            return Ok(Self(text.to_owned()));
        }
        let hint = "use letters, digits and hyphens, at most 64, like payment-reminders";
        Err(Complaint::new(format!("`{text}` can't be a name"), hint))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 64 })
    }
}

/// A template's name without language and ending.
#[derive(Clone, Debug)]
pub(super) struct Template(pub String);

impl Scalar for Template {
    fn parse(text: &str) -> Result<Self, Complaint> {
        if let Some(stem) = text.strip_suffix(".md").or_else(|| text.strip_suffix(".html")) {
            let message = format!("`{text}` has an ending");
            return Err(Complaint::new(message, format!("write the name only: `{stem}`")));
        }
        let part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        };
        if text.len() <= 200 && text.split('/').all(part) {
            return Ok(Self(text.to_owned()));
        }
        let hint = "write it like reminder/firm, without language and ending";
        Err(Complaint::new(format!("`{text}` can't be the name of a template"), hint))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "examples": ["reminder/firm"] })
    }
}

/// How long a letter is welcome.
#[derive(Clone, Copy, Debug)]
pub(super) enum StaleAfter {
    Never,
    After(Offset),
}

impl Scalar for StaleAfter {
    fn parse(text: &str) -> Result<Self, Complaint> {
        if text == "never" { Ok(Self::Never) } else { Offset::parse(text).map(Self::After) }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^(never|\\+?[0-9]+d)$" })
    }
}

impl Scalar for Recipient {
    fn parse(text: &str) -> Result<Self, Complaint> {
        match text {
            "customer" => Ok(Self::Customer),
            "owner" => Ok(Self::Owner),
            "guarantor" => Ok(Self::Guarantor),
            "manager" => Ok(Self::Manager),
            "operator" => Ok(Self::Operator),
            _ if text.contains('@') => Address::parse(text).map(Self::Other).map_err(|error| {
                Complaint::new(format!("`{text}`: {error}"), "write name@example.com, or a recipient's word")
            }),
            _ => {
                let words = ["customer", "owner", "guarantor", "manager", "operator", "an address"];
                Err(not_a_word(text, "a recipient", &words))
            }
        }
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["customer", "owner", "guarantor", "manager", "operator"] },
            { "type": "string", "pattern": "@" }
        ] })
    }
}
