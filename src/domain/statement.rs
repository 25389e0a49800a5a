//! A statement of account (对账单): what was owed, what came and went, and
//! what is owed now, for each currency by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rust_decimal::Decimal;

use super::facts::CustomerFacts;
use super::money::{Currency, Money};
use super::receivable::{Kind, Payment, Receivable, Status};
use super::schedule::Schedule;

/// The days that a statement is about, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day; the balance that the customer confirms is that of its
    /// end.
    pub until: Date,
}

impl Period {
    /// What is stated at one occurrence of a schedule: the days since the
    /// occurrence before it, its own not included. On the first of each
    /// month that is the month before.
    #[must_use]
    pub fn stated_at(at: Timestamp, schedule: &Schedule, zone: &TimeZone) -> Self {
        let day = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
        let until = day(at).saturating_sub(1.day());
        let before = schedule.last_until(at - SignedDuration::from_micros(1), zone);
        Self { from: before.map_or(until.first_of_month(), day).min(until), until }
    }

    fn holds(self, day: Date) -> bool {
        self.from <= day && day <= self.until
    }
}

impl fmt::Display for Period {
    /// `2026-03-01..2026-03-31`, as it stands in the notice key: a schedule
    /// moved by an hour states no month twice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.until)
    }
}

/// A text that names no days of a statement.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no period like 2026-03-01..2026-03-31")]
pub struct NoPeriod(String);

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let days =
            text.split_once("..").and_then(|(from, until)| Some((from.parse().ok()?, until.parse().ok()?)));
        days.map(|(from, until)| Self { from, until }).ok_or_else(|| NoPeriod(text.to_owned()))
    }
}

/// The account of one customer over some days.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The days it is about.
    pub period: Period,
    /// In order of their codes; those in which nothing is open and nothing
    /// moved are left out.
    pub accounts: Vec<Account>,
}

/// One currency of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// What was owed to us before the first day; negative where we owed.
    pub opening: Money,
    /// What moved on the days, in their order.
    pub entries: Vec<Entry>,
    /// What was owed to us at the end of the last day.
    pub closing: Money,
    /// What moved since.
    pub later: Vec<Entry>,
    /// What is owed to us after all that.
    pub balance: Money,
}

/// One movement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The day.
    pub on: Date,
    /// What it was.
    pub what: Movement,
    /// The number on the paper of the claim, where it is about one.
    pub number: Option<String>,
    /// Positive where more is owed by it.
    pub amount: Money,
}

impl Entry {
    /// Whether it is worth a statement by itself: of what is stated no more,
    /// nobody is written to.
    fn is_news(&self) -> bool {
        self.what != Movement::LeftOut
    }
}

/// What moves a balance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Movement {
    /// A claim, or a credit note.
    Claim(Kind),
    /// Money that came in.
    Payment,
    /// Money that went back.
    PaymentReturned,
    /// The rest of a claim that is over in the books, in a way that both
    /// sides know of.
    Closed(Status),
    /// The rest of a claim that is stated no more: we gave it up, a court has
    /// it, or it is time-barred. Which of them is not the customer's to read
    /// in a list.
    LeftOut,
}

/// Since when a claim is time-barred, if it is: its last day.
pub type Barred<'a> = &'a dyn Fn(&Receivable) -> Option<Date>;

impl Statement {
    /// The account of these days. All that is known of a claim or payment
    /// adds up to what is open of it, so that the columns always add up;
    /// claims that were settled before the facts reach change nothing.
    #[must_use]
    pub fn of(customer: &CustomerFacts, period: Period, barred: Barred<'_>) -> Self {
        let mut books: BTreeMap<Currency, Vec<Entry>> = BTreeMap::new();
        for item in &customer.receivables {
            books.entry(item.amount.currency).or_default().extend(movements(item, barred(item)));
        }
        for payment in &customer.on_account {
            books.entry(payment.amount.currency).or_default().push(paid(payment, None));
        }
        let open = open_in(customer, period, barred);
        let stated = |currency: Currency, account: &Account| {
            account.entries.iter().any(Entry::is_news) || open.contains(&currency)
        };
        let accounts = books
            .into_iter()
            .map(|(currency, entries)| (currency, account(currency, entries, period)))
            .filter(|(currency, account)| stated(*currency, account))
            .map(|(_, account)| account)
            .collect();
        Self { period, accounts }
    }
}

fn account(currency: Currency, mut entries: Vec<Entry>, period: Period) -> Account {
    entries.sort_by(|a, b| (a.on, a.what, &a.number).cmp(&(b.on, b.what, &b.number)));
    let sum = |entries: &[Entry]| entries.iter().map(|entry| entry.amount.amount).sum::<Decimal>();
    let money = |amount| Money { amount, currency };
    let later = entries.split_off(entries.partition_point(|entry| entry.on <= period.until));
    let of_period = entries.split_off(entries.partition_point(|entry| entry.on < period.from));
    let opening = sum(&entries);
    let closing = opening + sum(&of_period);
    let balance = closing + sum(&later);
    Account {
        opening: money(opening),
        entries: of_period,
        closing: money(closing),
        later,
        balance: money(balance),
    }
}

/// Whether there is anything to state: something that was open at the end of
/// these days and still is, owed by either side, or something that moved.
/// What was paid since, nobody is asked about.
#[must_use]
pub fn is_called_for(customer: &CustomerFacts, period: Period, barred: Barred<'_>) -> bool {
    let news = |entry: &Entry| period.holds(entry.on) && entry.is_news();
    let moved = |item: &Receivable| movements(item, barred(item)).iter().any(news);
    !open_in(customer, period, barred).is_empty()
        || customer.on_account.iter().any(|payment| period.holds(payment.received_on))
        || customer.receivables.iter().any(moved)
}

/// The currencies in which something of these days, or of those before, is
/// open now.
fn open_in(customer: &CustomerFacts, period: Period, barred: Barred<'_>) -> BTreeSet<Currency> {
    let stated = |item: &&Receivable| {
        item.begins_on() <= period.until && !item.balance().amount.is_zero() && barred(item).is_none()
    };
    let claims = customer.receivables.iter().filter(stated).map(|item| item.amount.currency);
    let mut on_account: BTreeMap<Currency, Decimal> = BTreeMap::new();
    for payment in &customer.on_account {
        *on_account.entry(payment.amount.currency).or_default() += payment.amount.amount;
    }
    let known = |currency: &Currency| {
        let mut of = customer.on_account.iter().filter(|payment| payment.amount.currency == *currency);
        of.any(|payment| payment.received_on <= period.until)
    };
    let left = on_account.into_iter().filter(|(_, sum)| !sum.is_zero()).map(|(currency, _)| currency);
    claims.chain(left.filter(known)).collect()
}

/// Everything that one claim did to the balance. One that was over when it
/// was first seen did nothing.
fn movements(item: &Receivable, barred: Option<Date>) -> Vec<Entry> {
    let over = !item.status.is_live();
    if over && item.closed_on.is_none() {
        return Vec::new();
    }
    let number = Some(item.label().to_owned());
    let mut entries = vec![Entry {
        on: item.begins_on(),
        what: Movement::Claim(item.kind),
        number: number.clone(),
        amount: item.amount,
    }];
    let closed = item.closed_on.filter(|_| over);
    let payments =
        item.payments.iter().filter(|payment| closed.is_none_or(|last| payment.received_on <= last));
    entries.extend(payments.map(|payment| paid(payment, number.clone())));
    let left = closed.map(|on| (on, of_status(item.status)));
    let left = left.or_else(|| barred.map(|on| (on.saturating_add(1.day()), Movement::LeftOut)));
    let rest: Decimal = entries.iter().map(|entry| entry.amount.amount).sum();
    if let Some((on, what)) = left.filter(|_| !rest.is_zero()) {
        entries.push(Entry { on, what, number, amount: Money { amount: -rest, ..item.amount } });
    }
    entries
}

/// How a claim that is over left the account.
fn of_status(status: Status) -> Movement {
    match status {
        Status::Paid
        | Status::Returned
        | Status::Offset
        | Status::Assigned
        | Status::Replaced
        | Status::Cancelled => Movement::Closed(status),
        Status::Legal | Status::WrittenOff | Status::Open | Status::Disputed | Status::OnHold => {
            Movement::LeftOut
        }
    }
}

fn paid(payment: &Payment, number: Option<String>) -> Entry {
    let back = payment.amount.amount.is_sign_negative();
    Entry {
        on: payment.received_on,
        what: if back { Movement::PaymentReturned } else { Movement::Payment },
        number,
        amount: Money { amount: -payment.amount.amount, ..payment.amount },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::tests::build::{at, cny, customer, date, invoice, paid as payment, shanghai};

    const MARCH: &str = "2026-03-01..2026-03-31";

    fn march() -> Period {
        MARCH.parse().expect("a period")
    }

    fn lines(customer: &CustomerFacts) -> Vec<String> {
        let statement = Statement::of(customer, march(), &|_| None);
        assert_eq!(statement.accounts.is_empty(), !is_called_for(customer, march(), &|_| None));
        told(&statement)
    }

    fn told(statement: &Statement) -> Vec<String> {
        let entry = |entry: &Entry| {
            let number = entry.number.as_deref().unwrap_or("on account");
            format!("{} {:?} {number} {}", entry.on, entry.what, entry.amount)
        };
        let mut lines = Vec::new();
        for account in &statement.accounts {
            lines.push(format!("opening {}", account.opening));
            lines.extend(account.entries.iter().map(entry));
            lines.push(format!("closing {}", account.closing));
            lines.extend(account.later.iter().map(entry));
            if !account.later.is_empty() {
                lines.push(format!("now {}", account.balance));
            }
        }
        lines
    }

    #[test]
    fn opening_movements_and_closing_add_up_in_each_currency() {
        let mut of = customer("C1");
        let mut old = invoice("OLD", "2026-02-10");
        old.payments.push(payment("P1", "300", "2026-03-05"));
        let mut new = invoice("NEW", "2026-04-20");
        new.issued_on = Some(date("2026-03-20"));
        let mut bounced = invoice("BACK", "2026-02-20");
        bounced.payments.push(payment("P2", "1000", "2026-02-28"));
        bounced.payments.push(payment("P3", "-1000", "2026-03-03"));
        let mut credit = invoice("CN", "2026-03-08");
        credit.kind = Kind::CreditNote;
        credit.amount = cny("-50");
        credit.issued_on = Some(date("2026-03-08"));
        let mut foreign = invoice("EU", "2026-03-09");
        foreign.amount = Money::parse("80", "EUR".parse().expect("a currency")).expect("an amount");
        of.receivables = vec![old, new, bounced, credit, foreign];
        of.on_account.push(payment("P4", "20", "2026-03-30"));
        assert_eq!(
            lines(&of),
            [
                "opening 1000.00 CNY",
                "2026-03-03 PaymentReturned BACK 1000.00 CNY",
                "2026-03-05 Payment OLD -300.00 CNY",
                "2026-03-08 Claim(CreditNote) CN -50.00 CNY",
                "2026-03-20 Claim(Invoice) NEW 1000.00 CNY",
                "2026-03-30 Payment on account -20.00 CNY",
                "closing 2630.00 CNY",
                "opening 80.00 EUR",
                "closing 80.00 EUR",
            ]
        );
    }

    #[test]
    fn what_the_books_closed_leaves_the_balance_on_its_day_and_without_a_word_that_is_ours() {
        let mut of = customer("C1");
        let mut closed = invoice("R1", "2026-02-10");
        closed.status = Status::Offset;
        closed.closed_on = Some(date("2026-03-10"));
        closed.payments.push(payment("P1", "400", "2026-03-02"));
        let mut before = invoice("R2", "2026-01-10");
        before.status = Status::Paid;
        before.closed_on = Some(date("2026-02-10"));
        let mut always = invoice("R3", "2026-01-10");
        always.status = Status::Paid;
        let mut given_up = invoice("R4", "2026-01-10");
        given_up.status = Status::WrittenOff;
        given_up.closed_on = Some(date("2026-03-11"));
        of.receivables = vec![closed, before, always, given_up];
        assert_eq!(
            lines(&of),
            [
                "opening 2000.00 CNY",
                "2026-03-02 Payment R1 -400.00 CNY",
                "2026-03-10 Closed(Offset) R1 -600.00 CNY",
                "2026-03-11 LeftOut R4 -1000.00 CNY",
                "closing 0.00 CNY",
            ]
        );
    }

    #[test]
    fn what_moved_since_is_told_and_what_was_paid_since_is_not_asked_about() {
        let mut of = customer("C1");
        let mut old = invoice("OLD", "2026-02-10");
        old.payments.push(payment("P1", "1000", "2026-04-01"));
        of.receivables = vec![old];
        assert_eq!(lines(&of), [""; 0], "open at the end of March, and paid since");
        let mut new = invoice("NEW", "2026-05-20");
        new.issued_on = Some(date("2026-04-02"));
        of.receivables.push(new);
        assert_eq!(lines(&of), [""; 0], "the new one is of April");
        of.receivables[0].payments[0].amount = cny("400");
        assert_eq!(
            lines(&of),
            [
                "opening 1000.00 CNY",
                "closing 1000.00 CNY",
                "2026-04-01 Payment OLD -400.00 CNY",
                "2026-04-02 Claim(Invoice) NEW 1000.00 CNY",
                "now 1600.00 CNY",
            ]
        );
    }

    #[test]
    fn a_credit_alone_is_stated_and_money_that_went_back_is_none() {
        let mut of = customer("C1");
        of.on_account.push(payment("P1", "500", "2026-02-10"));
        assert_eq!(lines(&of), ["opening -500.00 CNY", "closing -500.00 CNY"]);
        of.on_account.push(payment("P2", "-500", "2026-02-20"));
        assert_eq!(lines(&of), [""; 0]);
        of.on_account[1].received_on = date("2026-03-20");
        assert_eq!(
            lines(&of),
            ["opening -500.00 CNY", "2026-03-20 PaymentReturned on account 500.00 CNY", "closing 0.00 CNY"]
        );
    }

    #[test]
    fn what_becomes_time_barred_leaves_the_account_on_the_day_after() {
        let mut of = customer("C1");
        of.receivables = vec![invoice("OLD", "2023-03-09"), invoice("NEW", "2026-02-10")];
        let barred = |item: &Receivable| (item.id.as_str() == "OLD").then(|| date("2026-03-09"));
        assert_eq!(
            told(&Statement::of(&of, march(), &barred)),
            ["opening 2000.00 CNY", "2026-03-10 LeftOut OLD -1000.00 CNY", "closing 1000.00 CNY"]
        );
        of.receivables.truncate(1);
        assert!(!is_called_for(&of, march(), &barred), "that alone is no letter");
        let april = "2026-04-01..2026-04-30".parse().expect("a period");
        assert!(!is_called_for(&of, april, &barred), "and nobody hears of it again");
    }

    #[test]
    fn the_period_is_what_lies_between_two_occurrences() {
        for (schedule, moment, expected) in [
            ("0 9 1 * *", "2026-04-01T09:00", MARCH),
            ("0 9 1 * *", "2026-03-01T09:00", "2026-02-01..2026-02-28"),
            ("30 8 * * Mon", "2026-03-30T08:30", "2026-03-23..2026-03-29"),
            ("0 9 1 1,4,7,10 *", "2026-04-01T09:00", "2026-01-01..2026-03-31"),
            ("0 9,17 * * *", "2026-04-01T17:00", "2026-03-31..2026-03-31"),
        ] {
            let rule = schedule.parse().expect("a schedule");
            let period = Period::stated_at(at(moment), &rule, &shanghai());
            assert_eq!(period.to_string(), expected, "{schedule} at {moment}");
            assert_eq!(expected.parse(), Ok(period));
        }
        assert!("2026-04-01T09:00".parse::<Period>().is_err());
    }
}
