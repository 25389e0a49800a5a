//! What import and record both do to claims: statuses, due dates, payments,
//! and the day until which a claim stays in reach of the rules.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};
use sha2::{Digest as _, Sha256};

use super::facts::{ALWAYS_IN_REACH, receivable};
use super::rows::{At, Day, Fault, word};
use crate::domain::ids::PaymentId;
use crate::domain::money::{Currency, Money};
use crate::domain::receivable::{PauseCause, Payment, Receivable, Status, round_after};
use crate::nearest::few_nearest;
use crate::store::StoreError;

/// When and by whom something is written down.
#[derive(Clone, Copy)]
pub(super) struct Occasion {
    pub(super) now: Timestamp,
    /// The business's civil date.
    pub(super) today: Date,
    /// `person` or `import`.
    pub(super) source: &'static str,
}

/// A receivable as far as a payment or a pause needs it.
pub(super) struct Found {
    pub(super) key: i64,
    pub(super) customer: i64,
    pub(super) currency: Currency,
    pub(super) status: Status,
}

pub(super) fn find(conn: &Connection, id: &str) -> rusqlite::Result<Option<Found>> {
    conn.prepare_cached("SELECT key, customer, currency, status FROM receivables WHERE id = ?1")?
        .query_row([id], |row| {
            Ok(Found {
                key: row.get(0)?,
                customer: row.get(1)?,
                currency: word(row, 2, |code| code.parse().ok())?,
                status: word(row, 3, Status::from_word)?,
            })
        })
        .optional()
}

/// The receivable, or an answer that names what may have been meant.
pub(super) fn expect(conn: &Connection, id: &str) -> Result<Found, Fault> {
    if let Some(found) = find(conn, id)? {
        return Ok(found);
    }
    Err(Fault::Store(unknown("receivable", id, &near_claims(conn, id)?)))
}

/// The claims that may be meant, as [`may_mean`] tells them.
pub(super) fn near_claims(conn: &Connection, id: &str) -> rusqlite::Result<Vec<String>> {
    let meant = "SELECT id, NULL FROM receivables WHERE number = ?1 OR id = ?1 COLLATE NOCASE
                     OR (id >= ?1 AND id < ?1 || char(1114111)) ORDER BY id LIMIT 3";
    may_mean(conn, id, meant, "SELECT id, NULL FROM receivables WHERE LENGTH(id) BETWEEN ?1 AND ?2")
}

/// The key of a customer, or an answer that names what may have been meant.
pub(super) fn expect_customer(conn: &Connection, id: &str) -> Result<i64, Fault> {
    if let Some((key, _)) = super::people::find(conn, id)? {
        return Ok(key);
    }
    Err(Fault::Store(unknown("customer", id, &near_customers(conn, id)?)))
}

/// The customers that may be meant, as [`may_mean`] tells them.
pub(super) fn near_customers(conn: &Connection, id: &str) -> rusqlite::Result<Vec<String>> {
    let meant = "SELECT id, name FROM customers WHERE id = ?1 COLLATE NOCASE OR email = ?1
                     OR (id >= ?1 AND id < ?1 || char(1114111))
                     OR (LENGTH(?1) > 1 AND INSTR(LOWER(name), LOWER(?1)) > 0) ORDER BY id LIMIT 3";
    may_mean(conn, id, meant, "SELECT id, name FROM customers WHERE LENGTH(id) BETWEEN ?1 AND ?2")
}

/// What `meant` finds (a name, or only the beginning of the id); otherwise
/// the ids that are a slip away among those of about that length. Each as a
/// person reads it: the id, and the name where it has one.
fn may_mean(conn: &Connection, id: &str, meant: &str, alike: &str) -> rusqlite::Result<Vec<String>> {
    let pairs = |sql: &str, values: &[&dyn ToSql]| {
        conn.prepare_cached(sql)?
            .query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<BTreeMap<String, Option<String>>>>()
    };
    let told = |(id, name): (&String, &Option<String>)| match name {
        Some(name) => format!("`{id}` ({name})"),
        None => format!("`{id}`"),
    };
    let found = pairs(meant, &[&id])?;
    if !found.is_empty() {
        return Ok(found.iter().map(told).collect());
    }
    let length = i64::try_from(id.chars().count()).unwrap_or(i64::MAX);
    let slack = length / 4 + 1;
    let about = pairs(alike, &[&(length - slack), &length.saturating_add(slack)])?;
    let near = few_nearest(id, about.keys().map(String::as_str), 3);
    Ok(near.into_iter().filter_map(|id| about.get_key_value(id)).map(told).collect())
}

pub(super) fn unknown(what: &str, id: &str, near: &[String]) -> StoreError {
    let hint = match near {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    };
    StoreError::NotFound(format!("no {what} `{id}`{hint}"))
}

/// An id made from what it names, so that the same twice is the same.
pub(super) fn made_id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let head = digest.iter().take(8).fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
    format!("r-{head:016x}")
}

/// Reads a claim with its payments, in order.
pub(super) fn read(conn: &Connection, key: i64) -> Result<(Receivable, Option<Date>), Fault> {
    let (mut item, closed_on) = conn
        .prepare_cached(
            "SELECT r.key, r.customer, r.id, r.kind, r.status, r.amount, r.currency, r.due_on, r.round_on,
                    r.postponements, r.number, r.issued_on, r.contract, r.description, r.guarantor_name,
                    r.guarantor_email, r.limitation_on, r.pay_url, r.attachment, r.first_seen, r.closed_on
             FROM receivables AS r WHERE r.key = ?1",
        )?
        .query_row([key], |row| Ok((receivable(row)?, super::rows::day_opt(row, 20)?)))?;
    let mut statement =
        conn.prepare_cached("SELECT id, amount, received_on FROM payments WHERE receivable = ?1")?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        item.payments.push(Payment {
            id: PaymentId::new(row.get::<_, Box<str>>(0)?),
            amount: Money { amount: word(row, 1, |text| text.parse().ok())?, ..item.amount },
            received_on: super::rows::day(row, 2)?,
        });
    }
    item.payments.sort_by(|a, b| (a.received_on, &a.id).cmp(&(b.received_on, &b.id)));
    Ok((item, closed_on))
}

/// Writes down again how long a claim stays in reach. To be called after
/// everything that changes its status, amount or payments.
pub(super) fn refresh(conn: &Connection, key: i64) -> Result<Receivable, Fault> {
    let (item, closed_on) = read(conn, key)?;
    let reach = match (in_reach_on(&item, closed_on), item.status.is_live()) {
        (Some(day), _) => Day(day).0.to_string(),
        (None, true) => ALWAYS_IN_REACH.0.to_string(),
        (None, false) => String::new(),
    };
    conn.prepare_cached("UPDATE receivables SET reach_on = ?2 WHERE key = ?1 AND reach_on <> ?2")?
        .execute(params![key, reach])?;
    Ok(item)
}

/// The day a claim was over, if it is: covered to the last cent, or closed
/// in the books. One that is overpaid stays open, for the rest counts as a
/// credit.
fn in_reach_on(item: &Receivable, closed_on: Option<Date>) -> Option<Date> {
    let settled_on = item.settled().map(|(day, _)| day);
    if !item.status.is_live() {
        return settled_on.max(closed_on);
    }
    settled_on.filter(|_| item.balance().amount.is_zero())
}

/// Changes a claim's status, with all that follows; false if it was so
/// already.
pub(super) fn set_status(
    conn: &Connection,
    found: &Found,
    status: Status,
    on: Occasion,
) -> Result<bool, Fault> {
    if found.status == status {
        return Ok(false);
    }
    conn.prepare_cached("UPDATE receivables SET status = ?2, closed_on = ?3 WHERE key = ?1")?
        .execute(params![found.key, status.as_str(), (!status.is_live()).then_some(Day(on.today)),])?;
    note_change(conn, found, "status", (found.status.as_str(), status.as_str()), on)?;
    if let Some(cause) = pause_of(found.status) {
        end_pauses(conn, found.key, cause, "import", on)?;
    }
    begin_status_pause(conn, found, status, on)?;
    refresh(conn, found.key)?;
    Ok(true)
}

fn pause_of(status: Status) -> Option<PauseCause> {
    match status {
        Status::Disputed => Some(PauseCause::Dispute),
        Status::OnHold => Some(PauseCause::Hold),
        _ => None,
    }
}

/// A status that stops the ladder is a pause too, so that its days are known
/// when it ends.
pub(super) fn begin_status_pause(
    conn: &Connection,
    found: &Found,
    status: Status,
    on: Occasion,
) -> Result<(), Fault> {
    let Some(cause) = pause_of(status) else { return Ok(()) };
    let reason = format!("status {status}");
    begin_pause(conn, found, cause, &reason, "import", on)
}

pub(super) fn begin_pause(
    conn: &Connection,
    found: &Found,
    cause: PauseCause,
    reason: &str,
    source: &str,
    on: Occasion,
) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO pauses (cause, customer, receivable, from_on, who, reason, source, made_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        cause.as_str(),
        found.customer,
        found.key,
        Day(on.today),
        on.source,
        reason,
        source,
        At(on.now)
    ])?;
    Ok(())
}

/// Ends what runs without an end: yesterday was its last day.
pub(super) fn end_pauses(
    conn: &Connection,
    receivable: i64,
    cause: PauseCause,
    source: &str,
    on: Occasion,
) -> Result<usize, Fault> {
    let yesterday = on.today.saturating_sub(1.day());
    let ended = conn
        .prepare_cached(
            "UPDATE pauses SET until_on = MAX(from_on, ?4)
             WHERE receivable = ?1 AND cause = ?2 AND source = ?3 AND until_on IS NULL",
        )?
        .execute(params![receivable, cause.as_str(), source, Day(yesterday)])?;
    Ok(ended)
}

/// A due date that moves: which round it leads to, and whether it counts as
/// a postponement.
pub(super) fn move_due_date(
    conn: &Connection,
    found: &Found,
    (round_on, old, new): (Date, Date, Date),
    on: Occasion,
) -> Result<(), Fault> {
    if old == new {
        return Ok(());
    }
    let rounds = rounds(conn, found.key)?;
    let moved = round_after(round_on, &rounds, old, new, on.today);
    conn.prepare_cached(
        "UPDATE receivables SET due_on = ?2, round_on = ?3, postponements = postponements + ?4 WHERE key = ?1",
    )?
    .execute(params![found.key, Day(new), Day(moved.round_on), i64::from(moved.postponed)])?;
    note_change(conn, found, "due_on", (&old.to_string(), &new.to_string()), on)
}

/// The due dates under whose round something was said about a claim.
fn rounds(conn: &Connection, receivable: i64) -> Result<Vec<Date>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT n.round FROM receivables AS r CROSS JOIN notices AS n INDEXED BY notices_once
         WHERE r.key = ?1 AND n.live = 1 AND n.subject_id = r.id AND n.subject_kind = 'receivable'",
    )?;
    let mut rows = statement.query([receivable])?;
    let mut rounds = Vec::new();
    while let Some(row) = rows.next()? {
        // A round of another anchor may be named otherwise.
        let round: String = row.get(0)?;
        rounds.extend(round.parse::<Date>().ok());
    }
    Ok(rounds)
}

fn note_change(
    conn: &Connection,
    found: &Found,
    what: &str,
    (old, new): (&str, &str),
    on: Occasion,
) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO changes (customer, receivable, what, old, new, source, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![found.customer, found.key, what, old, new, on.source, At(on.now)])?;
    Ok(())
}
