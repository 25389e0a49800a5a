//! A statement of account (对账单): what was owed, what came and went, and
//! what is owed now, for each currency by itself.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::facts::CustomerFacts;
use super::money::{Currency, Money};
use super::receivable::{Kind, Payment, Receivable, Status};

/// The account of one customer over some days.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The last day that is in the opening balance.
    pub since: Date,
    /// The last day of it.
    pub until: Date,
    /// In order of their codes; those in which nothing is owed and nothing
    /// moved are left out.
    pub accounts: Vec<Account>,
}

/// One currency of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// What was owed to us; negative where we owed.
    pub opening: Money,
    /// In order of their days.
    pub entries: Vec<Entry>,
    /// What is owed to us.
    pub closing: Money,
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

/// What moves a balance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Movement {
    /// A claim.
    Claim,
    /// A credit note.
    Credit,
    /// Money that came in.
    Payment,
    /// Money that went back.
    PaymentReturned,
    /// The rest of a claim that is over in the books: paid, set off, given
    /// up.
    Closed(Status),
}

impl Movement {
    /// The word in templates.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Credit => "credit",
            Self::Payment => "payment",
            Self::PaymentReturned => "payment_returned",
            Self::Closed(_) => "closed",
        }
    }
}

impl Statement {
    /// The account from the day after `since` to `until`. The opening balance
    /// is worked out backwards from what is owed now, so that the columns
    /// always add up; claims that were opened and settled before the facts
    /// reach do not change it.
    #[must_use]
    pub fn of(customer: &CustomerFacts, since: Date, until: Date) -> Self {
        let mut entries: BTreeMap<Currency, Vec<Entry>> = BTreeMap::new();
        let mut closing: BTreeMap<Currency, Decimal> = BTreeMap::new();
        for item in &customer.receivables {
            *closing.entry(item.amount.currency).or_default() += item.balance().amount;
            entries.entry(item.amount.currency).or_default().extend(movements(item));
        }
        for payment in &customer.on_account {
            *closing.entry(payment.amount.currency).or_default() -= payment.amount.amount;
            entries.entry(payment.amount.currency).or_default().push(paid(payment, None));
        }
        let account = |(currency, closing): (Currency, Decimal)| {
            let mut entries = entries.remove(&currency).unwrap_or_default();
            entries.retain(|entry| since < entry.on && entry.on <= until);
            entries.sort_by(|a, b| (a.on, a.what, &a.number).cmp(&(b.on, b.what, &b.number)));
            let moved: Decimal = entries.iter().map(|entry| entry.amount.amount).sum();
            let money = |amount| Money { amount, currency };
            Account { opening: money(closing - moved), entries, closing: money(closing) }
        };
        let empty = |account: &Account| {
            account.entries.is_empty() && account.opening.amount.is_zero() && account.closing.amount.is_zero()
        };
        let accounts = closing.into_iter().map(account).filter(|account| !empty(account)).collect();
        Self { since, until, accounts }
    }
}

/// Whether there is anything to state: something is owed, by either side.
#[must_use]
pub fn is_open(customer: &CustomerFacts) -> bool {
    customer.receivables.iter().any(|item| !item.balance().amount.is_zero())
        || customer.on_account.iter().map(|payment| payment.amount.amount).sum::<Decimal>() != Decimal::ZERO
}

/// Everything that one claim did to the balance. One that was over when it
/// was first seen did nothing.
fn movements(item: &Receivable) -> Vec<Entry> {
    let over = !item.status.is_live();
    if over && item.closed_on.is_none() {
        return Vec::new();
    }
    let number = Some(item.label().to_owned());
    let seen_on = item.first_seen.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let credit = item.kind == Kind::CreditNote;
    let mut entries = vec![Entry {
        on: item.issued_on.unwrap_or(item.due_on.min(seen_on)),
        what: if credit { Movement::Credit } else { Movement::Claim },
        number: number.clone(),
        amount: item.amount,
    }];
    let last = item.closed_on.filter(|_| over).unwrap_or(Date::MAX);
    let payments = item.payments.iter().filter(|payment| payment.received_on <= last);
    entries.extend(payments.map(|payment| paid(payment, number.clone())));
    let rest: Decimal = entries.iter().map(|entry| entry.amount.amount).sum();
    if over && !rest.is_zero() {
        let amount = Money { amount: -rest, ..item.amount };
        entries.push(Entry { on: last, what: Movement::Closed(item.status), number, amount });
    }
    entries
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
    use crate::domain::plan::tests::build::{cny, customer, date, invoice, paid as payment};

    fn lines(customer: &CustomerFacts) -> Vec<String> {
        let statement = Statement::of(customer, date("2026-03-01"), date("2026-04-01"));
        let mut lines = Vec::new();
        for account in statement.accounts {
            lines.push(format!("opening {}", account.opening));
            lines.extend(account.entries.iter().map(|entry| {
                let number = entry.number.as_deref().unwrap_or("on account");
                format!("{} {} {number} {}", entry.on, entry.what.as_str(), entry.amount)
            }));
            lines.push(format!("closing {}", account.closing));
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
        of.receivables = vec![old, new, bounced, credit];
        of.on_account.push(payment("P4", "20", "2026-03-30"));
        assert_eq!(
            lines(&of),
            [
                "opening 1000.00 CNY",
                "2026-03-03 payment_returned BACK 1000.00 CNY",
                "2026-03-05 payment OLD -300.00 CNY",
                "2026-03-08 credit CN -50.00 CNY",
                "2026-03-20 claim NEW 1000.00 CNY",
                "2026-03-30 payment on account -20.00 CNY",
                "closing 2630.00 CNY",
            ]
        );
    }

    #[test]
    fn what_the_books_closed_leaves_the_balance_on_its_day() {
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
        of.receivables = vec![closed, before, always];
        assert_eq!(
            lines(&of),
            [
                "opening 1000.00 CNY",
                "2026-03-02 payment R1 -400.00 CNY",
                "2026-03-10 closed R1 -600.00 CNY",
                "closing 0.00 CNY",
            ]
        );
        assert!(!is_open(&of));
    }
}
