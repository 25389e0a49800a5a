//! What a statement of account shows.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::views::Day;
use super::{LISTED_MAX, clean};
use crate::domain::facts::CustomerFacts;
use crate::domain::money::Money;
use crate::domain::notice::{Draft, Subject};
use crate::domain::receivable::Receivable;
use crate::domain::statement::{Account, Barred, Entry, Movement, Period, Statement};
use crate::letter::words::Language;

#[derive(Serialize)]
pub(super) struct StatementView {
    from: Day,
    until: Day,
    accounts: Vec<AccountView>,
    owed: Vec<String>,
    in_favour: Vec<String>,
    disputed: bool,
    moved: bool,
    settled: bool,
}

#[derive(Serialize)]
struct AccountView {
    currency: &'static str,
    opening: String,
    entries: Listed,
    closing: String,
    later: Listed,
    balance: String,
    // For the filter `table`.
    from: Day,
    until: Day,
    today: Day,
}

/// The last of many entries.
#[derive(Serialize)]
struct Listed {
    /// How many came before them.
    more: usize,
    /// What those came to.
    amount: String,
    last: Vec<EntryView>,
}

#[derive(Serialize)]
struct EntryView {
    on: Day,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    amount: String,
}

/// The days that a letter states, if it is a statement.
pub(super) fn period(draft: &Draft) -> Option<Period> {
    let of_customer = draft.lines.iter().find(|line| matches!(line.key.subject, Subject::Customer(_)))?;
    of_customer.key.round.parse().ok()
}

/// The claims that are open on the day of the statement, oldest first. With
/// the credits they come to the balance of that day.
pub(super) fn open<'a>(customer: &'a CustomerFacts, barred: Barred<'_>) -> Vec<&'a Receivable> {
    let stated = |item: &&Receivable| item.balance().is_positive() && barred(item).is_none();
    let mut claims: Vec<&Receivable> = customer.receivables.iter().filter(stated).collect();
    claims.sort_by_key(|item| (item.due_on, &item.id));
    claims
}

pub(super) fn view(
    statement: &Statement,
    open: &[&Receivable],
    today: Date,
    language: Language,
) -> StatementView {
    let accounts = &statement.accounts;
    let closings = || accounts.iter().map(|account| account.closing);
    let later = || accounts.iter().flat_map(|account| &account.later);
    let turned = |money: Money| Money { amount: -money.amount, ..money };
    let above_zero = |money: &Money| money.is_positive();
    StatementView {
        from: Day(statement.period.from),
        until: Day(statement.period.until),
        accounts: accounts
            .iter()
            .map(|account| account_view(account, statement.period, today, language))
            .collect(),
        owed: closings().filter(above_zero).map(|money| money.to_string()).collect(),
        in_favour: closings().map(turned).filter(above_zero).map(|money| money.to_string()).collect(),
        disputed: open.iter().any(|item| item.is_disputed(today)),
        moved: later().next().is_some(),
        // What is only listed no more was not settled.
        settled: open.is_empty()
            && closings().any(|money| money.is_positive())
            && later().all(|entry| entry.what != Movement::LeftOut),
    }
}

fn account_view(account: &Account, period: Period, today: Date, language: Language) -> AccountView {
    AccountView {
        currency: account.closing.currency.code(),
        opening: account.opening.to_string(),
        entries: listed(&account.entries, account.closing, language),
        closing: account.closing.to_string(),
        later: listed(&account.later, account.closing, language),
        balance: account.balance.to_string(),
        from: Day(period.from),
        until: Day(period.until),
        today: Day(today),
    }
}

fn listed(entries: &[Entry], of: Money, language: Language) -> Listed {
    let (more, last) = entries.split_at(entries.len().saturating_sub(LISTED_MAX));
    let amount: Decimal = more.iter().map(|entry| entry.amount.amount).sum();
    Listed {
        more: more.len(),
        amount: Money { amount, ..of }.to_string(),
        last: last.iter().map(|entry| entry_view(entry, language)).collect(),
    }
}

fn entry_view(entry: &Entry, language: Language) -> EntryView {
    EntryView {
        on: Day(entry.on),
        what: language.movement(entry.what, entry.number.is_some()),
        number: clean::optional(entry.number.as_deref()),
        amount: entry.amount.to_string(),
    }
}
