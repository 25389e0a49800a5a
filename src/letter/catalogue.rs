//! Every variable a template may use, and a look through a template for any
//! other.
//!
//! Tera takes `{% if typo %}` for false without a word, so names are
//! compared with this list when templates are loaded.
//! `docs/templates.md` shows the list; a test keeps them the same.

mod page;

use Form::{Date, Days, Flag, Moment, Money, Number, Text};
pub use page::documentation;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A text, amount, date, number or truth value.
    Value,
    /// Fields of its own.
    Record(&'static [Variable]),
    /// A list of records.
    Records(&'static [Variable]),
    /// A list of texts or amounts.
    Values,
    /// Fields that only the business knows.
    Open,
}

/// What a value is, and how it is written where no filter says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// One line.
    Text,
    /// `1234.50 CNY`.
    Money,
    /// `2026-03-01`.
    Date,
    /// `2026-03-01T10:00:00`.
    Moment,
    /// Whole.
    Number,
    /// Whole days.
    Days,
    /// For `{% if … %}`.
    Flag,
}

impl Form {
    /// In words, for the documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Money => "money",
            Self::Date => "date",
            Self::Moment => "moment",
            Self::Number => "number",
            Self::Days => "days",
            Self::Flag => "yes or no",
        }
    }
}

/// One name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Variable {
    /// As it is written.
    pub name: &'static str,
    /// What it stands for.
    pub shape: Shape,
    /// What its values are, where it has any.
    pub form: Form,
    /// Whether it can be missing; then it needs an `{% if … %}`.
    pub optional: bool,
    /// What it is, for the documentation.
    pub about: &'static str,
}

const fn always(name: &'static str, form: Form, about: &'static str) -> Variable {
    Variable { name, shape: Shape::Value, form, optional: false, about }
}

const fn maybe(name: &'static str, form: Form, about: &'static str) -> Variable {
    Variable { name, shape: Shape::Value, form, optional: true, about }
}

const fn amounts(name: &'static str, about: &'static str) -> Variable {
    Variable { name, shape: Shape::Values, form: Money, optional: false, about }
}

const fn shaped(name: &'static str, shape: Shape, optional: bool, about: &'static str) -> Variable {
    Variable { name, shape, form: Text, optional, about }
}

const NAMED: &[Variable] = &[always("name", Text, "name")];

const CUSTOMER: &[Variable] = &[
    always("id", Text, "the business's own number"),
    always("name", Text, "the company, or the person where there is none"),
    always(
        "greeting",
        Text,
        "what stands behind \"Dear\" or 尊敬的; the given form, else the contact, else \"Sir or Madam\", 客户",
    ),
    maybe("contact_name", Text, "the person there"),
    maybe("email", Text, "the address, for letters to our own people"),
    maybe("segment", Text, "trade or group"),
    maybe("country", Text, "lower-case ISO code"),
    shaped(
        "attributes",
        Shape::Open,
        false,
        "whatever else the business keeps: `customer.attributes.<name>`, each may be missing",
    ),
];

const OWNER: &[Variable] = &[
    always("name", Text, "our salesperson; without one the manager, then the operator"),
    always("email", Text, "the address"),
    always("known", Flag, "false where only the operator was left: then sign with the business alone"),
];

const ITEM: &[Variable] = &[
    always("id", Text, "the business's own number of the claim"),
    always("number", Text, "the number on the paper, else the id"),
    always("kind", Text, "`invoice`, `deposit`, …; with the filter `kind` in words"),
    always("due_on", Date, "date it is to be paid by"),
    maybe("issued_on", Date, "date of the paper"),
    always("amount", Money, "the whole claim, money"),
    always("received", Money, "what has come in for it, money"),
    always("part_paid", Flag, "whether something but not all has come in"),
    always("disputed", Flag, "whether the customer contests it"),
    always("balance", Money, "what is still owed, money"),
    always("currency", Text, "ISO code"),
    always("days_overdue", Days, "whole days since the due date, 0 if it has not passed"),
    always("days_left", Days, "whole days until the due date, 0 if it has come"),
    always("postponements", Number, "how often the due date was moved later"),
    maybe("description", Text, "what it is for"),
    maybe("contract", Text, "what ties deposit, balance and instalments together"),
    maybe("pay_url", Text, "where it can be paid online"),
    maybe("guarantor", Text, "name of the guarantor"),
    maybe("limitation_on", Date, "last day before it is time-barred, given or counted"),
    maybe("limitation_days_left", Days, "whole days until then, 0 if it has come"),
    maybe(
        "limitation_by",
        Text,
        "what that is counted from: `given`, `due_on`, `acknowledgement`, `part_payment` or `demand`",
    ),
    maybe("limitation_since", Date, "the day it is counted from; missing where the last day itself is given"),
];

const CREDIT: &[Variable] = &[
    maybe("number", Text, "of the credit note; missing for money on account"),
    always("amount", Money, "what we owe the customer, money above zero"),
    always("since", Date, "date of the credit note or of the payment"),
];

const EVENT: &[Variable] = &[
    always("kind", Text, "`visit`, `signing`, `delivery`, …"),
    always("occurred_on", Date, "the day, where the customer lives"),
    maybe("product", Text, "what it was about"),
    maybe("note", Text, "the salesperson's own words"),
    maybe("outcome", Text, "`positive`, `neutral` or `negative`"),
];

const PAYMENT: &[Variable] =
    &[always("amount", Money, "money"), always("received_on", Date, "date it came in")];

const PROMISE: &[Variable] = &[
    always("amount", Money, "what was promised, money"),
    always("promised_on", Date, "date it was promised for"),
    always("made_on", Date, "date of the promise"),
    always("number", Number, "which promise about this claim it is: 1, 2, …"),
];

const PEERS: &[Variable] =
    &[always("on_time_percent", Number, "of a hundred who paid, so many paid on time; 70 to 100")];

const TESTIMONIAL: &[Variable] = &[
    always("quote", Text, "the words, without quotation marks"),
    always("name", Text, "whose they are"),
    maybe("segment", Text, "the trade they come from"),
    always("own", Flag, "whether that is the customer's own trade"),
];

const TOLD: &[Variable] = &[
    always("letter", Number, "its number, for `courtesy outbox show`"),
    always("customer", Text, "whose it is, by name; of a digest, its reader's address"),
    maybe("customer_id", Text, "the business's own number of the customer; not for a digest"),
    always("rule", Text, "the rule that wrote it"),
    always("stage", Text, "its stage"),
    maybe("about", Text, "the numbers of the claims it leads with, at most five"),
    always("state", Text, "`sent`, `cancelled`, `held`, …; with the filter `state` in words"),
    maybe("reason", Text, "why it stands there; with the filter `reason` in words"),
];

const RETURNED: &[Variable] = &[
    always("customer", Text, "whose it is, by name"),
    maybe("customer_id", Text, "the business's own number of the customer; not for a digest"),
    maybe("letter", Number, "the letter's number; missing where somebody unsubscribed"),
    maybe("rule", Text, "the rule that wrote it"),
    maybe("stage", Text, "its stage"),
    always("what", Text, "`bounced`, `refused` (a copy), `complaint` or `unsubscribed`"),
    maybe("address", Text, "from which address; missing where `detail` names several"),
    always("copy", Flag, "whether it is about a copy, and not about the letter itself"),
    always("ours", Flag, "whether the letter was to our own people"),
    always("detail", Text, "what was said"),
];

const MATTER: &[Variable] = &[
    always("customer", Text, "whose it is, by name"),
    always("customer_id", Text, "the business's own number of the customer"),
    always("what", Text, "its name: `address missing`, `backlog`, …"),
    always("detail", Text, "the same with what it is about; with the filter `reason` in words"),
    maybe("about", Text, "the number of the first claim, event or payment it is about"),
    always("count", Number, "how many there are"),
];

const TROUBLE: &[Variable] = &[
    always("what", Text, "why nothing left; with the filter `reason` in words"),
    maybe("detail", Text, "what the mail server said"),
    always("since", Moment, "from when on; with the filter `moment` in words"),
    maybe("until", Moment, "until when; missing while it lasts"),
];

const ACCOUNT: &[Variable] = &[
    always("currency", Text, "ISO code; the filter `table` writes the whole account"),
    always("opening", Money, "what was owed before `statement.from`, money; below zero where we owed"),
    always("closing", Money, "what was owed at the end of `statement.until`, money"),
    always("balance", Money, "what is owed today, after what moved since, money"),
];

const STATEMENT: &[Variable] = &[
    always("from", Date, "its first day"),
    always("until", Date, "its last day, at whose end the balances to confirm are struck"),
    shaped(
        "accounts",
        Shape::Records(ACCOUNT),
        false,
        "one per currency in which something is open or moved",
    ),
    amounts("owed", "the closing balances that the customer owes"),
    amounts("in_favour", "those that we owe, as amounts above zero"),
    always("disputed", Flag, "whether the customer contests any of `items`"),
    always("moved", Flag, "whether anything moved after `until`"),
    always("settled", Flag, "whether all that was owed at the end of `until` has been settled since"),
];

const DIGEST: &[Variable] = &[
    always("since", Moment, "the moment of the last digest; with the filter `moment` in words"),
    always("until", Moment, "the moment until which it tells"),
    always("overall", Flag, "whether it is about all customers, or about the reader's own"),
    shaped("sent", Shape::Records(TOLD), false, "letters that left, at most 50"),
    always("sent_count", Number, "how many, listed or not"),
    shaped("unsent", Shape::Records(TOLD), false, "letters that did not and will not leave, at most 50"),
    always("unsent_count", Number, "how many, listed or not"),
    shaped("waiting", Shape::Records(TOLD), false, "letters that wait for a person, at most 50"),
    always("waiting_count", Number, "how many, listed or not"),
    shaped("matters", Shape::Records(MATTER), false, "what no letter can settle, at most 50"),
    always("matters_count", Number, "how many, listed or not"),
    shaped(
        "returned",
        Shape::Records(RETURNED),
        false,
        "what came back, and copies that were refused, at most 50",
    ),
    always("returned_count", Number, "how many, listed or not"),
    shaped(
        "troubles",
        Shape::Records(TROUBLE),
        false,
        "when nothing left, for whoever is told of all customers, at most 50",
    ),
];

/// Everything a template may use.
pub const VARIABLES: &[Variable] = &[
    shaped("business", Shape::Record(NAMED), false, "who we are"),
    shaped("sender", Shape::Record(NAMED), false, "the name in `mail.from`"),
    shaped("customer", Shape::Record(CUSTOMER), false, "whom the letter concerns; not in a digest"),
    shaped("owner", Shape::Record(OWNER), false, "our salesperson for the customer; in a digest, its reader"),
    shaped(
        "receivable",
        Shape::Record(ITEM),
        true,
        "the one claim, or the oldest of `items`; missing in letters about events",
    ),
    shaped("items", Shape::Records(ITEM), false, "the claims the letter is about, oldest first, at most 50"),
    shaped(
        "below",
        Shape::Records(ITEM),
        false,
        "claims at lower stages, for a table of their own, at most 50",
    ),
    shaped(
        "others",
        Shape::Records(ITEM),
        false,
        "the customer's other open claims, for information, at most 50; empty where a guarantor gets a copy",
    ),
    shaped(
        "contract_items",
        Shape::Records(ITEM),
        false,
        "every open claim of the contracts that `items` belong to, oldest first, at most 50; empty where a guarantor gets a copy",
    ),
    always("item_count", Number, "how many claims the letter is about, listed or not"),
    amounts("totals", "what is owed over all of them, one amount per currency"),
    amounts("below_totals", "the same for `below`"),
    amounts("contract_totals", "the same for `contract_items`"),
    always("many", Flag, "whether the letter is about more than one claim"),
    shaped("credits", Shape::Records(CREDIT), false, "credit notes and money on account, at most 50"),
    amounts("credit_totals", "their sums, one per currency"),
    maybe("deadline", Date, "date by which to pay; only where the stage has a `deadline`"),
    shaped("payment", Shape::Record(PAYMENT), true, "the payment that the letter answers"),
    shaped("promise", Shape::Record(PROMISE), true, "the last promise about `receivable`"),
    shaped("event", Shape::Record(EVENT), true, "the event that the letter answers"),
    shaped(
        "statement",
        Shape::Record(STATEMENT),
        true,
        "the account, in statements of account; there `items` are all claims open today, and with `credits` they come to the balance",
    ),
    shaped(
        "passed_over",
        Shape::Values,
        false,
        "letters to the customer that could not go out, for our own people",
    ),
    shaped(
        "digest",
        Shape::Record(DIGEST),
        true,
        "what one of our own people is told, in letters of digests",
    ),
    shaped("peers", Shape::Record(PEERS), true, "what other customers do, where that is an example"),
    shaped(
        "testimonials",
        Shape::Records(TESTIMONIAL),
        false,
        "what others say, from the file `testimonials`; the customer's own trade first, at most 3",
    ),
    always("today", Date, "date the letter leaves, where the customer lives"),
    always("class", Text, "`dunning`, `courtesy`, `marketing` or `internal`"),
    always("locale", Text, "the letter's language, `zh-CN`"),
    maybe("unsubscribe", Text, "link to unsubscribe, in courtesy and marketing"),
];

/// Names that `layout.html` has besides.
pub const LAYOUT: &[Variable] = &[
    always("content", Text, "the letter, once"),
    always("subject", Text, "the subject"),
    always("dir", Text, "`ltr` or `rtl`"),
];

/// A name that is not in the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unknown {
    /// Where it stands, in bytes.
    pub start: usize,
    /// How long it is.
    pub length: usize,
    /// The whole path, `receivable.numbr`.
    pub path: String,
    /// The nearest right one.
    pub nearest: Option<String>,
}

/// What a look through a template found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Names that do not exist.
    pub unknown: Vec<Unknown>,
    /// Braces outside every tag, in bytes: start and length, at most one a
    /// line. In Markdown they are what is left of a tag that lost a brace.
    pub lost: Vec<(usize, usize)>,
    /// Where loops are nested deeper than [`LOOPS_MAX`], in bytes.
    pub too_deep: Option<usize>,
}

/// How deep loops may be nested: every list is short, so this bounds the
/// time a letter takes.
pub const LOOPS_MAX: usize = 2;

/// Looks through a template.
#[must_use]
pub fn look(source: &str, further: &'static [Variable]) -> Found {
    let mut reader = super::scan::Reader::new(source, further);
    reader.read();
    reader.found
}
