//! Customers, payments and events.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params, params_from_iter};

use super::super::rows::{At, Fault};
use super::super::{books, forgetting, people};
use super::{Effect, Import, Taken, plain, texts};
use crate::domain::calendar::instant_at;
use crate::domain::money::{Currency, Money};
use crate::store::import::Cells;

const CUSTOMER_COLUMNS: [&str; 14] = [
    "name",
    "email",
    "contact_name",
    "greeting",
    "cc",
    "locale",
    "country",
    "timezone",
    "segment",
    "tags",
    "owner_name",
    "owner_email",
    "attributes",
    "blocked",
];

pub(super) fn customer(import: &mut Import<'_>, row: &Cells) -> Taken {
    let id = import.required(row, "id");
    let found = import
        .conn
        .prepare_cached(
            "SELECT key, relationship, name, email, contact_name, greeting, cc, locale, country, timezone,
                    segment, tags, owner_name, owner_email, attributes, blocked
             FROM customers WHERE id = ?1",
        )?
        .query_row([id], |found| {
            Ok((found.get::<_, i64>(0)?, found.get::<_, i64>(1)?, texts(found, 2, CUSTOMER_COLUMNS.len())?))
        })
        .optional()?;
    if let Some((key, ..)) = &found
        && import.is_forgotten(*key)
    {
        return Ok(Ok(Effect::Unchanged));
    }
    let nothing = vec![None; CUSTOMER_COLUMNS.len()];
    let before = found.as_ref().map_or(&nothing, |(_, _, texts)| texts);
    let after = import.overlay(row, &CUSTOMER_COLUMNS, before);
    if found.is_some() && *before == after {
        return Ok(Ok(Effect::Unchanged));
    }
    forgetting::seen_again(import.conn, after[1].as_deref())?;
    let name = people::relationship_name(id, after[1].as_deref());
    let old = found.as_ref().map(|(_, relationship, _)| *relationship);
    let relationship = people::relationship(import.conn, &name, old)?;
    let known = found.is_some();
    let sql = if known {
        "UPDATE customers SET relationship = ?2, name = ?3, email = ?4, contact_name = ?5, greeting = ?6, cc = ?7,
             locale = ?8, country = ?9, timezone = ?10, segment = ?11, tags = ?12, owner_name = ?13,
             owner_email = ?14, attributes = ?15, blocked = ?16
         WHERE id = ?1"
    } else {
        "INSERT INTO customers (id, relationship, name, email, contact_name, greeting, cc, locale, country,
             timezone, segment, tags, owner_name, owner_email, attributes, blocked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
    };
    let values = [Some(id.to_owned()).into(), relationship.into()];
    let values = values.into_iter().chain(after.into_iter().map(rusqlite::types::Value::from));
    import.conn.prepare_cached(sql)?.execute(params_from_iter(values))?;
    Ok(Ok(if known { Effect::Changed } else { Effect::Added }))
}

/// A payment as it stands, or is to stand, in the store.
#[derive(PartialEq, Eq)]
struct Booked {
    receivable: Option<i64>,
    customer: i64,
    amount: String,
    currency: String,
    received_on: String,
}

pub(super) fn payment(import: &mut Import<'_>, row: &Cells) -> Taken {
    let id = import.required(row, "id");
    let wanted = match booked(import, row)? {
        Ok(wanted) => wanted,
        Err(reason) => return Ok(Err(vec![reason])),
    };
    let found = import
        .conn
        .prepare_cached(
            "SELECT key, receivable, customer, amount, currency, received_on FROM payments
             WHERE id = ?1 OR import_id = ?1",
        )?
        .query_row([id], |found| {
            let booked = Booked {
                receivable: found.get(1)?,
                customer: found.get(2)?,
                amount: found.get(3)?,
                currency: found.get(4)?,
                received_on: found.get(5)?,
            };
            Ok((found.get::<_, i64>(0)?, booked))
        })
        .optional()?;
    match found {
        Some((_, before)) if before == wanted => Ok(Ok(Effect::Unchanged)),
        Some((key, before)) => {
            import
                .conn
                .prepare_cached(
                    "UPDATE payments SET receivable = ?2, customer = ?3, amount = ?4, currency = ?5,
                         received_on = ?6 WHERE key = ?1",
                )?
                .execute(params![
                    key,
                    wanted.receivable,
                    wanted.customer,
                    wanted.amount,
                    wanted.currency,
                    wanted.received_on
                ])?;
            for item in [before.receivable, wanted.receivable].into_iter().flatten() {
                books::refresh(import.conn, item)?;
            }
            Ok(Ok(Effect::Changed))
        }
        None if adopt(import, id, &wanted)? => Ok(Ok(Effect::Unchanged)),
        None if adopt_of_another_day(import, id, &wanted)? => Ok(Ok(Effect::Changed)),
        None => add_payment(import, id, &wanted),
    }
}

fn booked(import: &Import<'_>, row: &Cells) -> Result<Result<Booked, String>, Fault> {
    let said = import.cell(row, "currency");
    let customer_id = import.cell(row, "customer_id");
    let (receivable, customer, currency) = match (import.cell(row, "receivable_id"), customer_id, said) {
        (None, None, _) => return Ok(Err("`receivable_id` is empty, and so is `customer_id`".into())),
        (None, Some(_), None) => {
            return Ok(Err("`currency` is empty; money on account of a customer needs one".into()));
        }
        (None, Some(id), Some(code)) => match people::find(import.conn, id)? {
            Some((key, _)) => (None, key, code.to_owned()),
            None => return Ok(Err(format!("`customer_id`: there is no customer `{id}`"))),
        },
        (Some(id), customer_id, said) => {
            let Some(item) = books::find(import.conn, id)? else {
                return Ok(Err(format!("`receivable_id`: there is no receivable `{id}`")));
            };
            if said.is_some_and(|code| code != item.currency.code()) {
                return Ok(Err(format!("`currency`: receivable `{id}` is in {}", item.currency)));
            }
            if let Some(customer) = customer_id
                && people::find(import.conn, customer)?.is_none_or(|(key, _)| key != item.customer)
            {
                return Ok(Err(format!("`customer_id`: receivable `{id}` is not of customer `{customer}`")));
            }
            (Some(item.key), item.customer, item.currency.code().to_owned())
        }
    };
    let amount = match money(import.required(row, "amount"), &currency) {
        Ok(money) => plain(money),
        Err(reason) => return Ok(Err(reason)),
    };
    let received_on = import.required(row, "received_on").to_owned();
    Ok(Ok(Booked { receivable, customer, amount, currency, received_on }))
}

/// An amount with its currency, or what is wrong with it.
pub(super) fn money(amount: &str, currency: &str) -> Result<Money, String> {
    let currency: Currency = currency.parse().map_err(|error| format!("`currency`: {error}"))?;
    Money::parse(amount, currency).map_err(|error| format!("`amount`: {error}"))
}

/// The books now list what a person had recorded before them: the same money
/// must not count twice. The row keeps its id, for letters may have thanked
/// for it.
fn adopt(import: &Import<'_>, id: &str, wanted: &Booked) -> Result<bool, Fault> {
    let adopted = import
        .conn
        .prepare_cached(
            "UPDATE payments SET import_id = ?1 WHERE key =
                 (SELECT key FROM payments INDEXED BY payments_to_adopt WHERE customer = ?2 AND receivable IS ?3 AND amount = ?4
                      AND currency = ?5 AND received_on = ?6 AND recorded = 1 AND import_id IS NULL LIMIT 1)",
        )?
        .execute(params![
            id,
            wanted.customer,
            wanted.receivable,
            wanted.amount,
            wanted.currency,
            wanted.received_on
        ])?;
    Ok(adopted > 0)
}

/// The books may date what a person recorded some days off: by its value
/// date, or by when it was booked. It is taken for the same money where more
/// than the claim would be paid otherwise; else there may well be two equal
/// payments, and counting one too few would remind somebody who has paid.
fn adopt_of_another_day(import: &Import<'_>, id: &str, wanted: &Booked) -> Result<bool, Fault> {
    let Some(item) = wanted.receivable else { return Ok(false) };
    let found: Option<i64> = import
        .conn
        .prepare_cached(
            "SELECT key FROM payments INDEXED BY payments_to_adopt
             WHERE customer = ?1 AND receivable = ?2 AND amount = ?3 AND currency = ?4 AND recorded = 1
                   AND import_id IS NULL AND abs(julianday(received_on) - julianday(?5)) <= ?6
             ORDER BY abs(julianday(received_on) - julianday(?5)), key LIMIT 1",
        )?
        .query_row(
            params![
                wanted.customer,
                item,
                wanted.amount,
                wanted.currency,
                wanted.received_on,
                BOOKED_WITHIN_DAYS
            ],
            |row| row.get(0),
        )
        .optional()?;
    let Some(recorded) = found else { return Ok(false) };
    let (claim, _) = books::read(import.conn, item)?;
    let overpaid = match money(&wanted.amount, &wanted.currency) {
        Ok(more) => more.is_positive() && claim.received() + more.amount > claim.amount.amount,
        Err(_) => false,
    };
    if overpaid {
        import
            .conn
            .prepare_cached("UPDATE payments SET import_id = ?2, received_on = ?3 WHERE key = ?1")?
            .execute(params![recorded, id, wanted.received_on])?;
        books::refresh(import.conn, item)?;
    }
    Ok(overpaid)
}

fn add_payment(import: &Import<'_>, id: &str, wanted: &Booked) -> Taken {
    import
        .conn
        .prepare_cached(
            "INSERT INTO payments (id, receivable, customer, amount, currency, received_on)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            id,
            wanted.receivable,
            wanted.customer,
            wanted.amount,
            wanted.currency,
            wanted.received_on
        ])?;
    if let Some(item) = wanted.receivable {
        books::refresh(import.conn, item)?;
    }
    Ok(Ok(Effect::Added))
}

/// How many days the books' date of a payment may lie from the recorded one.
const BOOKED_WITHIN_DAYS: i64 = 10;

const EVENT_COLUMNS: [&str; 4] = ["kind", "outcome", "product", "note"];

pub(super) fn event(import: &mut Import<'_>, row: &Cells) -> Taken {
    let id = import.required(row, "id");
    let customer_id = import.required(row, "customer_id");
    let Some((customer, zone)) = people::find(import.conn, customer_id)? else {
        return Ok(Err(vec![format!("`customer_id`: there is no customer `{customer_id}`")]));
    };
    let text = import.required(row, "occurred_at");
    let Some(occurred_at) = moment(import, text, zone.as_deref()) else {
        return Ok(Err(vec![format!("`occurred_at`: `{text}` is not a moment")]));
    };
    let found = import
        .conn
        .prepare_cached(
            "SELECT customer, occurred_at, kind, outcome, product, note FROM events WHERE id = ?1",
        )?
        .query_row([id], |found| {
            let texts = texts(found, 2, EVENT_COLUMNS.len())?;
            Ok((found.get::<_, i64>(0)?, found.get::<_, At>(1)?.0, texts))
        })
        .optional()?;
    let nothing = vec![None; EVENT_COLUMNS.len()];
    let before = found.as_ref().map_or(&nothing, |(_, _, texts)| texts);
    let mut after = import.overlay(row, &EVENT_COLUMNS, before);
    if import.is_forgotten(customer) {
        after[1..].fill(None);
    }
    let known = found.is_some();
    if found.as_ref().is_some_and(|found| *found == (customer, occurred_at, after.clone())) {
        return Ok(Ok(Effect::Unchanged));
    }
    let sql = if known {
        "UPDATE events SET customer = ?2, occurred_at = ?3, kind = ?4, outcome = ?5, product = ?6, note = ?7
         WHERE id = ?1"
    } else {
        "INSERT INTO events (id, customer, occurred_at, kind, outcome, product, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    };
    import.conn.prepare_cached(sql)?.execute(params![
        id,
        customer,
        At(occurred_at),
        after[0],
        after[1],
        after[2],
        after[3]
    ])?;
    Ok(Ok(if known { Effect::Changed } else { Effect::Added }))
}

/// A moment as the border left it: `@` and microseconds, or civil time where
/// the customer lives.
fn moment(import: &Import<'_>, text: &str, zone: Option<&str>) -> Option<Timestamp> {
    if let Some(microseconds) = text.strip_prefix('@') {
        return Timestamp::from_microsecond(microseconds.parse().ok()?).ok();
    }
    let zone = match zone {
        Some(_) => import.zones.get(zone),
        None => import.order.zone.clone(),
    };
    Some(instant_at(text.parse().ok()?, &zone))
}
