//! What is in the store after the play: the letters that left, and all that
//! is known of each customer.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mail_parser::MessageParser;
use rust_decimal::Decimal;

use crate::domain::customer::Class;
use crate::domain::facts::{CustomerFacts, Reach};
use crate::domain::ids::CustomerId;
use crate::domain::limitation::{self, Since};
use crate::domain::notice::{LetterState, Subject};
use crate::domain::promise::Standing;
use crate::domain::receivable::{Kind, Pause, PauseCause, Receivable, Status};
use crate::domain::rule::Recipient;
use crate::domain::settings::Settings;
use crate::store::sqlite::SqliteStore;
use crate::store::{OutboxFilter, OutboxLetter, Store, StoreError};

/// The months, looked back on.
pub struct Seen {
    /// Every letter that left, oldest first.
    sent: Vec<OutboxLetter>,
    /// Every letter that was decided upon.
    decided: Vec<LetterState>,
    customers: Vec<CustomerFacts>,
    settings: Settings,
    quotes: Vec<String>,
    begin: Date,
    today: Date,
}

impl Seen {
    /// Reads all of it. `quotes` are what letters may quote of others.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn read(
        store: &SqliteStore,
        settings: Settings,
        quotes: Vec<String>,
        begin: Date,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut letters = store.outbox(OutboxFilter { limit: usize::MAX, ..Default::default() }).await?;
        let reach = Reach { events_since: Timestamp::MIN, settled_since: Date::MIN, digests: [].into() };
        let mut customers: Vec<CustomerFacts> = Vec::new();
        for letter in &letters {
            let Some(customer) = &letter.draft.customer else { continue };
            if !customers.iter().any(|known| known.customer.id == *customer) {
                // The facts are of all who share the address.
                let (_, facts) = store.letter_and_facts(letter.id, reach.clone()).await?;
                customers.extend(facts.customers.iter().cloned());
            }
        }
        let decided = letters.iter().map(|letter| letter.state).collect();
        letters.retain(|letter| letter.state == LetterState::Sent);
        letters.sort_by_key(|letter| (letter.finished_at, letter.id));
        let today = now.to_zoned_datetime(settings.business.zone.clone()).date();
        Ok(Self { sent: letters, decided, customers, settings, quotes, begin, today })
    }

    /// How many letters left to customers or about one of them, how many told
    /// our own people about the day, and how many stand otherwise.
    pub fn totals(&self) -> (usize, usize, Vec<(LetterState, usize)>) {
        let digests = self.sent.iter().filter(|letter| letter.draft.customer.is_none()).count();
        let others = LetterState::ALL.into_iter().filter(|state| *state != LetterState::Sent);
        let count = |state| self.decided.iter().filter(|decided| **decided == state).count();
        let others = others.map(|state| (state, count(state))).filter(|(_, count)| *count > 0).collect();
        (self.sent.len() - digests, digests, others)
    }

    pub fn letters_of(&self, rule: &str) -> usize {
        self.sent.iter().filter(|letter| letter.draft.rule.as_str() == rule).count()
    }

    pub fn kinds_reminded_of(&self) -> usize {
        let kinds: BTreeSet<Kind> =
            self.reminders().flat_map(subjects).filter_map(|id| Some(self.claim(id)?.kind)).collect();
        kinds.len()
    }

    pub fn postponements(&self) -> usize {
        self.claims().map(|claim| claim.postponements as usize).sum()
    }

    pub fn copies_to_guarantors(&self) -> usize {
        let copied = |letter: &&OutboxLetter| {
            let guarantors = subjects(letter).filter_map(|id| self.claim(id)?.guarantor.as_ref());
            let copies = letter.made.as_ref().map(|made| &made.parcel.cc);
            guarantors.into_iter().any(|person| copies.is_some_and(|cc| cc.contains(&person.address)))
        };
        self.reminders().filter(copied).count()
    }

    pub fn steps(&self) -> usize {
        let of_ladder = self.sent.iter().filter(|letter| letter.draft.rule.as_str() == "payment-reminders");
        of_ladder.map(|letter| &letter.draft.stage).collect::<BTreeSet<_>>().len()
    }

    pub fn deadlines(&self) -> usize {
        self.reminders().filter(|letter| letter.draft.deadline.is_some()).count()
    }

    pub fn promises_kept(&self) -> usize {
        let kept = |claim: &Receivable| {
            let standing = claim.promises.iter().map(|one| one.standing(&claim.payments, self.today));
            standing.filter(|standing| matches!(standing, Standing::Kept(_))).count()
        };
        self.claims().map(kept).sum()
    }

    pub fn pauses(&self) -> usize {
        let of_claims = self.claims().flat_map(|claim| &claim.pauses);
        of_claims.chain(self.customers.iter().flat_map(|of| &of.pauses)).filter(|pause| rests(pause)).count()
    }

    pub fn reminders_of_what_rests(&self) -> usize {
        self.reminders_of(|of, claim, day| {
            of.pauses.iter().chain(&claim.pauses).any(|pause| resting(pause, day))
        })
    }

    pub fn reminders_of_the_rest(&self) -> usize {
        let rests = |claim: &Receivable, day| claim.pauses.iter().any(|pause| resting(pause, day));
        self.reminders_of(|of, claim, day| {
            !rests(claim, day) && of.receivables.iter().any(|other| rests(other, day))
        })
    }

    pub fn replaced(&self) -> usize {
        let with_plan = |claim: &&Receivable| {
            let part =
                |other: &Receivable| other.kind == Kind::Instalment && other.contract == claim.contract;
            claim.status == Status::Replaced && self.claims().any(part)
        };
        self.claims().filter(with_plan).count()
    }

    pub fn closed(&self) -> usize {
        let claims = self.claims().filter(|claim| claim.kind != Kind::CreditNote);
        claims.filter(|claim| over_since(claim).is_some()).count()
    }

    pub fn reminders_of_what_is_closed(&self) -> usize {
        self.reminders_of(|_, claim, day| over_since(claim).is_some_and(|since| since < day))
    }

    /// Claims with something still open that nobody is asked for, because as
    /// much is owed to the customer.
    pub fn covered_by_credit(&self) -> usize {
        let covered = |of: &CustomerFacts| {
            let open = of.receivables.iter().filter(|claim| claim.balance().is_positive());
            let net = |claim: &&Receivable| {
                let currency = claim.amount.currency;
                let same = of.receivables.iter().filter(|other| other.amount.currency == currency);
                let owed: Decimal = same.map(|other| other.balance().amount).sum();
                let paid = of.on_account.iter().filter(|payment| payment.amount.currency == currency);
                owed <= paid.map(|payment| payment.amount.amount).sum()
            };
            open.filter(net).count()
        };
        self.customers.iter().map(covered).sum()
    }

    pub fn restarted(&self) -> usize {
        let anew = |of: &CustomerFacts| {
            let calendar = &self.settings.business.calendars.business;
            let warned = |claim: &&Receivable| {
                let mut letters = self.sent.iter().filter(|l| l.draft.rule.as_str() == "limitation-watch");
                letters.any(|letter| subjects(letter).any(|id| id == claim.id.as_str()))
            };
            let since = |claim: &Receivable| {
                let past = of.notices.iter().filter(|notice| notice.key.subject.id() == claim.id.as_str());
                Some(limitation::of(claim, past, &self.settings.limitation, calendar)?.since)
            };
            let restarted = |claim: &&Receivable| matches!(since(claim), Some(Since::Acknowledgement(_)));
            of.receivables.iter().filter(warned).filter(restarted).count()
        };
        self.customers.iter().map(anew).sum()
    }

    pub fn acknowledgements(&self) -> usize {
        let days = |of: &CustomerFacts| {
            of.receivables
                .iter()
                .flat_map(|claim| claim.acknowledged_on.clone())
                .collect::<BTreeSet<_>>()
                .len()
        };
        self.customers.iter().map(days).sum()
    }

    pub fn hand_overs(&self) -> usize {
        self.sent.iter().filter(|letter| letter.draft.stage.as_str() == "hand-over").count()
    }

    pub fn proficient(&self) -> usize {
        let of_story = |of: &&CustomerFacts| {
            let zone = &self.settings.business.zone;
            let since = |at: Timestamp| day_of(at, zone) >= self.begin;
            of.events.iter().any(|event| event.kind == "proficient" && since(event.occurred_at))
        };
        self.customers.iter().filter(of_story).count()
    }

    pub fn with_testimonials(&self) -> usize {
        let quoting = |letter: &&OutboxLetter| {
            let made = letter.made.as_ref();
            let message = made.and_then(|made| MessageParser::default().parse(&made.parcel.bytes[..]));
            let text = message.and_then(|message| message.body_text(0).map(|text| flat(&text)));
            text.is_some_and(|text| self.quotes.iter().any(|quote| text.contains(&flat(quote))))
        };
        self.sent.iter().filter(quoting).count()
    }

    fn claims(&self) -> impl Iterator<Item = &Receivable> {
        self.customers.iter().flat_map(|of| &of.receivables)
    }

    fn claim(&self, id: &str) -> Option<&Receivable> {
        self.claims().find(|claim| claim.id.as_str() == id)
    }

    /// Letters that ask the customer for money.
    fn reminders(&self) -> impl Iterator<Item = &OutboxLetter> {
        self.sent.iter().filter(|letter| {
            letter.draft.class == Class::Dunning && letter.draft.to.contains(&Recipient::Customer)
        })
    }

    /// Reminders of a claim of which something holds on the day they left.
    fn reminders_of(&self, holds: impl Fn(&CustomerFacts, &Receivable, Date) -> bool) -> usize {
        let about = |letter: &&OutboxLetter| {
            let customer = letter.draft.customer.as_ref().and_then(|id| self.customer(id));
            let (Some(of), Some(at)) = (customer, letter.finished_at) else { return false };
            let day = day_of(at, &of.customer.zone);
            let claims = subjects(letter).filter_map(|id| self.claim(id));
            claims.into_iter().any(|claim| holds(of, claim, day))
        };
        self.reminders().filter(about).count()
    }

    fn customer(&self, id: &CustomerId) -> Option<&CustomerFacts> {
        self.customers.iter().find(|of| of.customer.id == *id)
    }
}

/// The claims that a letter is about.
fn subjects(letter: &OutboxLetter) -> impl Iterator<Item = &str> {
    letter.draft.lines.iter().filter_map(|line| match &line.key.subject {
        Subject::Receivable(id) => Some(id.as_str()),
        Subject::Payment(_) | Subject::Event(_) | Subject::Customer(_) | Subject::Colleague(_) => None,
    })
}

fn rests(pause: &Pause) -> bool {
    matches!(pause.cause, PauseCause::Dispute | PauseCause::Hold)
}

/// Whether a pause covers a whole day: on its first, a letter may have left
/// before it, and on its last, after it.
fn resting(pause: &Pause, day: Date) -> bool {
    rests(pause) && pause.from < day && pause.until.is_none_or(|until| day < until)
}

/// Since when a claim is over otherwise than by being paid.
fn over_since(claim: &Receivable) -> Option<Date> {
    let paid = claim.status == Status::Paid;
    claim.closed_on.filter(|_| !paid && !claim.status.is_live())
}

fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned_datetime(zone.clone()).date()
}

/// Without the line breaks that a letter's text may have anywhere.
fn flat(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '>').collect()
}
