//! What our own people are told at intervals: what was sent to their
//! customers, what was not, and what waits for them.
//!
//! A rule of class `internal` with `anchor: calendar` is a digest. It writes
//! to each of its recipients once an occurrence, about everything since the
//! last one that reached them, and not at all where there is nothing to say.

use jiff::Timestamp;

use super::customer::{Class, Person};
use super::ids::{CustomerId, LetterId, RuleName, StageName};
use super::notice::{LetterState, PastNotice, Subject};
use super::plan::Verdict;
use super::returned::What;
use super::rule::Rule;
use super::stop::{Decision, Stop};

/// The name of the relationship that our own people are; it holds spaces, so
/// that it is no address.
pub const OUR_OWN: &str = "our own people";

/// The most rows that a digest lists of one sort; the rest is a number.
pub const ROWS_MAX: usize = 50;

/// A digest that is due, as the store is asked for it.
#[derive(Clone, PartialEq, Debug)]
pub struct DigestOrder {
    /// By which rule.
    pub rule: RuleName,
    /// Whether each owner is told of the customers of their own.
    pub owners: bool,
    /// Who is told of the customers that have no owner, where owners are.
    pub fallback: Person,
    /// Who is told of all customers.
    pub overall: Vec<Person>,
    /// Where somebody was never told before: since when.
    pub previous: Timestamp,
    /// The occurrence: until when.
    pub until: Timestamp,
}

/// What one of our own people is to be told.
#[derive(Clone, PartialEq, Debug)]
pub struct Digest {
    /// By which rule.
    pub rule: RuleName,
    /// Who.
    pub person: Person,
    /// Of all customers, or of their own.
    pub overall: bool,
    /// Since the last one that left and did not come back.
    pub since: Timestamp,
    /// The occurrence.
    pub until: Timestamp,
    /// The digests of this rule and person whose letters are live.
    pub past: Vec<PastNotice>,
    /// What there is to say.
    pub news: News,
}

/// What happened, what did not, and what waits.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct News {
    /// Letters that reached the relay meanwhile.
    pub sent: Rows<Told>,
    /// Letters that were decided upon and did not go: cancelled, rejected,
    /// expired.
    pub unsent: Rows<Told>,
    /// Letters that wait for a person: held and uncertain ones, whenever they
    /// came to be so.
    pub waiting: Rows<Told>,
    /// What no letter can settle, found meanwhile.
    pub matters: Rows<Matter>,
    /// What came back meanwhile, and copies that were refused.
    pub returned: Rows<Returned>,
    /// When nothing left, oldest first; for whoever is told of all customers.
    pub troubles: Vec<Trouble>,
}

impl News {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let all = [self.sent.all, self.unsent.all, self.waiting.all, self.matters.all, self.returned.all];
        all.iter().all(|count| *count == 0) && self.troubles.is_empty()
    }
}

/// The first of many.
#[derive(Clone, PartialEq, Debug)]
pub struct Rows<T> {
    /// At most [`ROWS_MAX`].
    pub first: Vec<T>,
    /// How many there are.
    pub all: u32,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { first: Vec::new(), all: 0 }
    }
}

/// One letter, as a digest tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Which.
    pub letter: LetterId,
    /// Whose; `None` for a digest to one of our own people.
    pub customer: Option<CustomerId>,
    /// Their name, or the colleague's address.
    pub customer_name: String,
    /// By which rule.
    pub rule: RuleName,
    /// At which stage.
    pub stage: StageName,
    /// The numbers of the claims it leads with, at most five.
    pub about: String,
    /// Where it stands.
    pub state: LetterState,
    /// Why it stands there.
    pub reason: String,
}

/// One thing that came back, as a digest tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Returned {
    /// Whose; `None` where it is about a digest.
    pub customer: Option<CustomerId>,
    /// Their name, or the colleague's address.
    pub customer_name: String,
    /// The letter, with rule and stage; none where somebody unsubscribed.
    pub letter: Option<(LetterId, RuleName, StageName)>,
    /// What.
    pub what: What,
    /// From which address; empty where `detail` names several.
    pub address: String,
    /// Whether it is about a copy, and not about the letter itself.
    pub copy: bool,
    /// Whether the letter was to our own people.
    pub ours: bool,
    /// What was said.
    pub detail: String,
}

/// A time in which nothing left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// Why: the name of a [`super::halt::Halt`], or [`MAIL_SERVER`].
    pub what: String,
    /// What the mail server said; else empty.
    pub detail: String,
    /// From when on.
    pub since: Timestamp,
    /// Until when; `None` while it lasts.
    pub until: Option<Timestamp>,
}

/// The trouble of a mail server that can't be used.
pub const MAIL_SERVER: &str = "mail server";

/// One thing that no letter can settle, as a digest tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matter {
    /// Whose.
    pub customer: CustomerId,
    /// Their name.
    pub customer_name: String,
    /// The name of the stop: `address missing`, `backlog`, …
    pub what: String,
    /// The stop with what it is about.
    pub detail: String,
    /// The number of the first claim, event or payment it is about.
    pub about: String,
    /// How many there are.
    pub count: u32,
}

/// What a plan found that a person should know of, for the store to keep
/// until it is no longer so.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// Whose.
    pub customer: CustomerId,
    /// By which rule.
    pub rule: RuleName,
    /// What it is about.
    pub subject: Subject,
    /// The name of the stop.
    pub what: &'static str,
    /// The stop with what it is about.
    pub detail: String,
}

impl Digest {
    /// What its notices are about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::Colleague(colleague(&self.person, self.overall))
    }
}

/// The name of one of our own people in a notice key: the address, and
/// whether it is about all customers.
#[must_use]
pub fn colleague(person: &Person, overall: bool) -> String {
    let address = person.address.folded();
    if overall { format!("{address} (all)") } else { address }
}

/// What of a verdict is a person's matter: a letter would be due, and nothing
/// but a person can let it go; or its time has passed, or never came.
#[must_use]
pub fn finding(verdict: &Verdict, rule: &Rule) -> Option<Finding> {
    let Decision::Skipped { why } = &verdict.decision else { return None };
    let dunning = rule.class == Class::Dunning;
    let told = match why {
        Stop::Stale => true,
        // The statement of a month before the rule is nobody's to make up for.
        Stop::Backlog if rule.is_statement() => false,
        Stop::Backlog | Stop::PromiseOver("beyond the limits") => dunning,
        Stop::NoAddress(_)
        | Stop::Suppressed(_)
        | Stop::NoRecipient(_)
        | Stop::Forgotten
        | Stop::DataTooOld
        | Stop::CoveredByCredit(_)
        | Stop::TimeBarred(_) => dunning && verdict.stage.is_some(),
        Stop::NotInAudience(_)
        | Stop::Excluded
        | Stop::BelowMinimum
        | Stop::Settled
        | Stop::Closed(_)
        | Stop::CreditNote
        | Stop::Disputed
        | Stop::OnHold(_)
        | Stop::Promised(_)
        | Stop::PromiseOver(_)
        | Stop::Blocked
        | Stop::Lapsed
        | Stop::TooSoonAfterIssue
        | Stop::NotWhile(_)
        | Stop::Done
        | Stop::Ended
        | Stop::NoAnchor
        | Stop::Bounced
        | Stop::InOutbox
        | Stop::NotReached
        | Stop::NotLooking
        | Stop::Spacing
        | Stop::MinGap(_)
        | Stop::Budget
        | Stop::RuleCap
        | Stop::PassCap => false,
    };
    told.then(|| Finding {
        customer: verdict.customer.clone(),
        rule: verdict.rule.clone(),
        subject: verdict.subject.clone(),
        what: why.name(),
        detail: why.to_string(),
    })
}
