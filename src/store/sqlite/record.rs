//! What a person knows and the books do not, or not yet.

mod events;
mod promises;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{OptionalExtension as _, params};
use rust_decimal::Decimal;

use super::books::{self, Found, Occasion};
use super::news;
use super::rows::{At, Day, Fault};
use super::worker::Desk;
use crate::domain::ids::{CustomerId, ReceivableId};
use crate::domain::money::{Currency, Money};
use crate::domain::receivable::{PauseCause, Receivable, Status};
use crate::store::{Deed, Record, Recorded, StoreError};

/// Writes it down, for the daemon's log as well.
pub(super) fn record(desk: &mut Desk, record: Record, now: Timestamp) -> Result<Recorded, Fault> {
    let about = record.about();
    let recorded = write_down(desk, record, now)?;
    if recorded.new {
        news::note(&desk.conn, Deed::Recorded, (None, &about), &recorded.sentence, now)?;
    }
    Ok(recorded)
}

fn write_down(desk: &mut Desk, record: Record, now: Timestamp) -> Result<Recorded, Fault> {
    let today = desk.zones.today(now);
    let on = Occasion { now, today, source: "person" };
    match record {
        Record::Payment { id, receivable, customer, amount, currency, received_on } => {
            let whose = subject(desk, receivable.as_ref(), customer.as_ref())?;
            payment(desk, &whose, id.as_deref(), &amount, currency.as_deref(), received_on, today)
        }
        Record::Event { id, with, kind, occurred_at, outcome, product, note } => {
            let kind = kind.trim().to_lowercase();
            let happening = events::Happening { kind, occurred_at, outcome, product, note };
            events::record(desk, id.as_deref(), &with, &happening)
        }
        Record::Promise { receivable, promised_on, amount, until, latest, at_most, who, reason } => {
            let promise = promises::Said { promised_on, amount, until, latest, at_most, who, reason };
            promises::record(desk, &receivable, &promise, on)
        }
        Record::Pause { cause, receivable, customer, from, until, who, reason } => {
            let whose = subject(desk, receivable.as_ref(), customer.as_ref())?;
            pause(desk, &whose, &Stretch { cause, from, until, who, reason }, on)
        }
        Record::Resume { cause, receivable, customer, until } => {
            let whose = subject(desk, receivable.as_ref(), customer.as_ref())?;
            resume(desk, &whose, cause, until, on)
        }
        Record::Acknowledgement { receivable, customer, acknowledged_on, who, reason } => {
            let whose = subject(desk, receivable.as_ref(), customer.as_ref())?;
            acknowledgement(desk, &whose, acknowledged_on, [&who, &reason], now)
        }
        Record::Status { receivable, status, today } => {
            let found = books::expect(&desk.conn, receivable.as_str())?;
            let new = books::set_status(&desk.conn, &found, status, Occasion { today, ..on })?;
            Ok(Recorded { sentence: format!("receivable `{receivable}` is {status}"), new })
        }
    }
}

/// What a record is about: one claim, or a customer as a whole.
struct Whose {
    customer: i64,
    item: Option<Found>,
    label: String,
}

fn subject(
    desk: &Desk,
    receivable: Option<&ReceivableId>,
    customer: Option<&CustomerId>,
) -> Result<Whose, Fault> {
    match (receivable, customer) {
        (Some(id), None) => {
            let item = books::expect(&desk.conn, id.as_str())?;
            Ok(Whose { customer: item.customer, item: Some(item), label: format!("receivable `{id}`") })
        }
        (None, Some(id)) => {
            let customer = books::expect_customer(&desk.conn, id.as_str())?;
            Ok(Whose { customer, item: None, label: format!("customer `{id}`") })
        }
        (Some(_), Some(_)) => Err(refused("name a receivable or a customer, not both")),
        (None, None) => Err(refused("name a receivable or a customer")),
    }
}

fn refused(why: impl Into<String>) -> Fault {
    Fault::Store(StoreError::Refused(why.into()))
}

/// The number it was given, or one made from what it is.
fn given_id(id: Option<&str>, made: impl FnOnce() -> String) -> Result<String, Fault> {
    match id.map(str::trim) {
        Some("") => Err(refused("the id is empty; leave it out and one is made")),
        Some(id) => Ok(id.to_owned()),
        None => Ok(made()),
    }
}

fn amount_of(text: &str, currency: Currency) -> Result<Money, Fault> {
    Money::parse(text.trim(), currency).map_err(|error| refused(error.to_string()))
}

fn payment(
    desk: &mut Desk,
    whose: &Whose,
    id: Option<&str>,
    amount: &str,
    currency: Option<&str>,
    received_on: Date,
    today: Date,
) -> Result<Recorded, Fault> {
    let said: Option<Currency> =
        currency.map(|code| code.trim().parse()).transpose().map_err(|error| refused(format!("{error}")))?;
    let currency = match (&whose.item, said) {
        (Some(item), Some(said)) if said != item.currency => {
            return Err(refused(format!("{} is in {}, not {said}", whose.label, item.currency)));
        }
        (Some(item), _) => item.currency,
        (None, Some(said)) => said,
        (None, None) => return Err(refused("money on account needs a currency, like CNY or EUR")),
    };
    let money = amount_of(amount, currency)?;
    if money.amount.is_zero() {
        return Err(refused("a payment of nothing is none"));
    }
    let id = given_id(id, || {
        books::made_id(&["payment", &whose.label, &money.to_string(), &received_on.to_string()])
    })?;
    let text = super::merge::plain(money);
    if let Some(recorded) = same_payment(desk, whose, &id, &text, received_on)? {
        return Ok(recorded);
    }
    let item = whose.item.as_ref().map(|item| item.key);
    desk.conn
        .prepare_cached(
            "INSERT INTO payments (id, customer, receivable, amount, currency, received_on, recorded)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
        )?
        .execute(params![id, whose.customer, item, text, currency.code(), Day(received_on)])?;
    let owed = match item {
        Some(key) => rest(&books::refresh(&desk.conn, key)?, money),
        None => String::new(),
    };
    let early = if received_on > today {
        format!("; {received_on} is still to come, and it counts already")
    } else {
        String::new()
    };
    let sentence = format!("payment `{id}` of {money} for {}{owed}{early}", whose.label);
    Ok(Recorded { sentence, new: true })
}

/// What is owed after a payment, and what is odd about that.
fn rest(claim: &Receivable, paid: Money) -> String {
    let balance = claim.balance();
    if !claim.status.is_live() {
        return format!("; it was not awaited, for the status is {}", claim.status);
    }
    let surplus = paid.amount.min(-balance.amount);
    if surplus > Decimal::ZERO {
        let surplus = Money { amount: surplus, ..paid };
        return format!(", its balance is {balance}; {surplus} more than was owed, which counts as credit");
    }
    format!(", its balance is {balance}")
}

/// A payment of this number that is there already: the same, or another one
/// that must not be overwritten.
fn same_payment(
    desk: &Desk,
    whose: &Whose,
    id: &str,
    amount: &str,
    received_on: Date,
) -> Result<Option<Recorded>, Fault> {
    let found: Option<bool> = desk
        .conn
        .prepare_cached(
            "SELECT customer = ?2 AND receivable IS ?3 AND amount = ?4 AND received_on = ?5
             FROM payments WHERE id = ?1 OR import_id = ?1",
        )?
        .query_row(
            params![id, whose.customer, whose.item.as_ref().map(|item| item.key), amount, Day(received_on)],
            |row| row.get(0),
        )
        .optional()?;
    match found {
        None => Ok(None),
        Some(true) => {
            Ok(Some(Recorded { sentence: format!("payment `{id}` was already there"), new: false }))
        }
        Some(false) => {
            Err(refused(format!("there is another payment `{id}`; give this one a number of its own")))
        }
    }
}

/// The same claim acknowledged twice on one day is once.
fn acknowledgement(
    desk: &Desk,
    whose: &Whose,
    acknowledged_on: Date,
    [who, reason]: [&str; 2],
    now: Timestamp,
) -> Result<Recorded, Fault> {
    let item = whose.item.as_ref().map(|item| item.key);
    let added = desk.conn.execute(
        "INSERT INTO acknowledgements (customer, receivable, acknowledged_on, who, reason, made_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM acknowledgements
             WHERE customer = ?1 AND receivable IS ?2 AND acknowledged_on = ?3)",
        params![whose.customer, item, Day(acknowledged_on), who, reason, At(now)],
    )?;
    let already = if added == 0 { "; it was already there" } else { "" };
    let sentence = format!("acknowledgement of {} on {acknowledged_on}{already}", whose.label);
    Ok(Recorded { sentence, new: added > 0 })
}

struct Stretch {
    cause: PauseCause,
    from: Date,
    until: Option<Date>,
    who: String,
    reason: String,
}

fn pause(desk: &mut Desk, whose: &Whose, pause: &Stretch, on: Occasion) -> Result<Recorded, Fault> {
    if pause.cause == PauseCause::Promise {
        return Err(refused("a promise is recorded as one, with its date"));
    }
    if pause.until.is_some_and(|until| until < pause.from) {
        return Err(refused(format!("the {} would end before it begins", pause.cause)));
    }
    let item = whose.item.as_ref().map(|item| item.key);
    let until = pause.until.map(Day);
    let there: bool = desk.conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM pauses WHERE customer = ?1 AND receivable IS ?2 AND cause = ?3
             AND from_on = ?4 AND until_on IS ?5 AND source = 'person')",
        params![whose.customer, item, pause.cause.as_str(), Day(pause.from), until],
        |row| row.get(0),
    )?;
    let end = pause.until.map_or_else(|| "until it is ended".to_owned(), |until| format!("until {until}"));
    let sentence = format!("{} on {} from {} {end}", pause.cause, whose.label, pause.from);
    if there {
        return Ok(Recorded { sentence: format!("{sentence} was already there"), new: false });
    }
    desk.conn
        .prepare_cached(
            "INSERT INTO pauses (cause, customer, receivable, from_on, until_on, who, reason, source, made_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'person', ?8)",
        )?
        .execute(params![
            pause.cause.as_str(),
            whose.customer,
            item,
            Day(pause.from),
            until,
            pause.who,
            pause.reason,
            At(on.now)
        ])?;
    Ok(Recorded { sentence, new: true })
}

/// Ends what runs beyond the day. A status of the same meaning ends with it,
/// whatever the books say until they change.
fn resume(
    desk: &mut Desk,
    whose: &Whose,
    cause: PauseCause,
    until: Date,
    on: Occasion,
) -> Result<Recorded, Fault> {
    let item = whose.item.as_ref().map(|item| item.key);
    let sql = match cause {
        PauseCause::Promise => {
            "UPDATE pauses SET ended_on = ?4
             WHERE customer = ?1 AND receivable IS ?2 AND cause = ?3 AND until_on > ?4 AND ended_on IS NULL"
        }
        PauseCause::Dispute | PauseCause::Hold => {
            "UPDATE pauses SET until_on = ?4
             WHERE customer = ?1 AND receivable IS ?2 AND cause = ?3 AND (until_on IS NULL OR until_on > ?4)"
        }
    };
    let ended =
        desk.conn.prepare_cached(sql)?.execute(params![whose.customer, item, cause.as_str(), Day(until)])?;
    let mut reopened = false;
    if let Some(found) = &whose.item {
        let matches = matches!(
            (found.status, cause),
            (Status::Disputed, PauseCause::Dispute) | (Status::OnHold, PauseCause::Hold)
        );
        reopened = matches && books::set_status(&desk.conn, found, Status::Open, on)?;
    }
    let new = ended > 0 || reopened;
    let sentence = if new {
        format!("{cause} on {} ends on {until}", whose.label)
    } else {
        format!("no {cause} on {} runs beyond {until}", whose.label)
    };
    Ok(Recorded { sentence, new })
}
