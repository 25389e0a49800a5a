//! Receivables: due dates that move, statuses, and what a file no longer
//! lists.

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::super::books::{self, Found};
use super::super::facts::ALWAYS_IN_REACH;
use super::super::rows::{Fault, day, word};
use super::super::{forgetting, people};
use super::{Effect, Import, Taken, others, plain, texts};
use crate::domain::receivable::{Kind, PauseCause, Status};
use crate::store::import::Cells;

/// Columns of text that only need to be overlaid. The first two are set from
/// the checked amount.
const COLUMNS: [&str; 12] = [
    "amount",
    "currency",
    "kind",
    "number",
    "issued_on",
    "contract",
    "description",
    "guarantor_name",
    "guarantor_email",
    "limitation_on",
    "pay_url",
    "attachment",
];

/// What is not taken of a customer who is forgotten.
const PERSONAL: [&str; 5] = ["description", "guarantor_name", "guarantor_email", "pay_url", "attachment"];
/// Where the address of a guarantor stands in [`COLUMNS`].
const GUARANTOR_EMAIL: usize = 8;

/// What stands in `imported_status` of an item that was closed because a
/// complete file no longer had it.
const ABSENT: &str = "absent";
const MISSING_REASON: &str = "not in the last file";

pub(super) fn count_open(conn: &Connection) -> Result<u64, Fault> {
    let sql = "SELECT COUNT(*) FROM receivables WHERE status IN ('open', 'disputed', 'on_hold')";
    Ok(conn.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// A receivable as it stands in the store.
struct Before {
    found: Found,
    imported_status: String,
    due_on: Date,
    round_on: Date,
    listed: bool,
    texts: Vec<Option<String>>,
}

/// A receivable as the file has it.
struct Wanted {
    customer: i64,
    due_on: Date,
    status: Option<Status>,
    texts: Vec<Option<String>>,
}

pub(super) fn receivable(import: &mut Import<'_>, row: &Cells) -> Taken {
    let id = import.required(row, "id");
    let before = read(import.conn, id)?;
    let wanted = match wanted(import, row, before.as_ref())? {
        Ok(wanted) => wanted,
        Err(reasons) => return Ok(Err(reasons)),
    };
    match before {
        None => add(import, id, wanted),
        Some(before) => change(import, before, &wanted),
    }
}

fn read(conn: &Connection, id: &str) -> Result<Option<Before>, Fault> {
    let before = conn
        .prepare_cached(
            "SELECT key, customer, currency, status, imported_status, due_on, round_on, listed,
                    amount, currency, kind, number, issued_on, contract, description, guarantor_name,
                    guarantor_email, limitation_on, pay_url, attachment
             FROM receivables WHERE id = ?1",
        )?
        .query_row([id], |row| {
            Ok(Before {
                found: Found {
                    key: row.get(0)?,
                    customer: row.get(1)?,
                    currency: word(row, 2, |code| code.parse().ok())?,
                    status: word(row, 3, Status::from_word)?,
                },
                imported_status: row.get(4)?,
                due_on: day(row, 5)?,
                round_on: day(row, 6)?,
                listed: row.get(7)?,
                texts: texts(row, 8, COLUMNS.len())?,
            })
        })
        .optional()?;
    Ok(before)
}

/// Checks what one cell alone could not say.
fn wanted(
    import: &mut Import<'_>,
    row: &Cells,
    before: Option<&Before>,
) -> Result<Result<Wanted, Vec<String>>, Fault> {
    let customer_id = import.required(row, "customer_id");
    let customer = people::find(import.conn, customer_id)?;
    let amount = others::money(import.required(row, "amount"), import.required(row, "currency"));
    let mut reasons = Vec::new();
    if customer.is_none() {
        reasons.push(format!("`customer_id`: there is no customer `{customer_id}`"));
    }
    match &amount {
        Ok(amount) => {
            if import.required(row, "kind") == Kind::CreditNote.as_str() && amount.is_positive() {
                reasons.push("`amount`: a credit note is what we owe, so its amount is negative".into());
            }
            if let Some(before) = before.filter(|before| before.found.currency != amount.currency)
                && has_payments(import.conn, before.found.key)?
            {
                let paid = before.found.currency;
                reasons.push(format!("`currency`: there are payments in {paid} for it already"));
            }
        }
        Err(reason) => reasons.push(reason.clone()),
    }
    let (Some((customer, _)), Ok(amount), true) = (customer, amount, reasons.is_empty()) else {
        return Ok(Err(reasons));
    };
    let nothing = vec![None; COLUMNS.len()];
    let mut texts = import.overlay(row, &COLUMNS, before.map_or(&nothing, |before| &before.texts));
    texts[0] = Some(plain(amount));
    if import.is_forgotten(customer) {
        let of_before = before.filter(|before| before.found.customer == customer);
        for at in COLUMNS.iter().enumerate().filter(|(_, name)| PERSONAL.contains(name)).map(|(at, _)| at) {
            texts[at] = of_before.and_then(|before| before.texts[at].clone());
        }
    }
    forgetting::seen_again(import.conn, texts[GUARANTOR_EMAIL].as_deref())?;
    let Ok(due_on) = import.required(row, "due_on").parse() else {
        return Ok(Err(vec!["`due_on` is not a date".into()]));
    };
    let status = import.has("status").then(|| import.cell(row, "status"));
    let status = status.map(|word| word.and_then(Status::from_word).unwrap_or(Status::Open));
    Ok(Ok(Wanted { customer, due_on, status, texts }))
}

fn has_payments(conn: &Connection, receivable: i64) -> Result<bool, Fault> {
    Ok(conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM payments WHERE receivable = ?1)")?
        .query_row([receivable], |row| row.get(0))?)
}

fn add(import: &mut Import<'_>, id: &str, wanted: Wanted) -> Taken {
    let status = wanted.status.unwrap_or(Status::Open);
    let reach = if status.is_live() { ALWAYS_IN_REACH.0.to_string() } else { String::new() };
    let currency = wanted.texts[1].as_deref().and_then(|code| code.parse().ok());
    let Some(currency) = currency else { return Ok(Err(vec!["`currency` is not one".into()])) };
    let head: [rusqlite::types::Value; 6] = [
        id.to_owned().into(),
        wanted.customer.into(),
        wanted.due_on.to_string().into(),
        status.as_str().to_owned().into(),
        import.on.now.as_microsecond().into(),
        reach.into(),
    ];
    let values = head.into_iter().chain(wanted.texts.into_iter().map(rusqlite::types::Value::from));
    import
        .conn
        .prepare_cached(
            "INSERT INTO receivables (id, customer, due_on, round_on, status, imported_status, first_seen,
                 reach_on, amount, currency, kind, number, issued_on, contract, description, guarantor_name,
                 guarantor_email, limitation_on, pay_url, attachment)
             VALUES (?1, ?2, ?3, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )?
        .execute(params_from_iter(values))?;
    let found = Found { key: import.conn.last_insert_rowid(), customer: wanted.customer, currency, status };
    books::begin_status_pause(import.conn, &found, status, import.on)?;
    Ok(Ok(Effect::Added))
}

fn change(import: &mut Import<'_>, before: Before, wanted: &Wanted) -> Taken {
    let on = import.on;
    let mut found = before.found;
    if !before.listed {
        books::end_pauses(import.conn, found.key, PauseCause::Hold, "missing", on)?;
    }
    let customer_changed = found.customer != wanted.customer;
    let texts_changed = before.texts != wanted.texts;
    let amount_changed = before.texts[..2] != wanted.texts[..2];
    let due_changed = before.due_on != wanted.due_on;
    if customer_changed || texts_changed || !before.listed {
        update(import.conn, found.key, wanted.customer, &wanted.texts)?;
        found.customer = wanted.customer;
    }
    books::move_due_date(import.conn, &found, (before.round_on, before.due_on, wanted.due_on), on)?;
    if amount_changed {
        books::refresh(import.conn, found.key)?;
    }
    let was_live = found.status.is_live();
    let status_changed = imported_status(import, &found, &before.imported_status, wanted.status)?;
    if was_live {
        let closes = status_changed.is_some_and(|status| !status.is_live());
        let moves = amount_changed || due_changed || customer_changed || status_changed.is_some();
        import.report.closed += u64::from(closes);
        import.moved += u64::from(moves && !closes);
    }
    let changed = customer_changed || texts_changed || due_changed || status_changed.is_some();
    Ok(Ok(if changed { Effect::Changed } else { Effect::Unchanged }))
}

fn update(conn: &Connection, key: i64, customer: i64, texts: &[Option<String>]) -> Result<(), Fault> {
    let head = [rusqlite::types::Value::from(key), customer.into()];
    let values = head.into_iter().chain(texts.iter().cloned().map(rusqlite::types::Value::from));
    conn.prepare_cached(
        "UPDATE receivables SET customer = ?2, listed = 1, amount = ?3, currency = ?4, kind = ?5, number = ?6,
             issued_on = ?7, contract = ?8, description = ?9, guarantor_name = ?10, guarantor_email = ?11,
             limitation_on = ?12, pay_url = ?13, attachment = ?14
         WHERE key = ?1",
    )?
    .execute(params_from_iter(values))?;
    Ok(())
}

/// What a person recorded stands until the imported value itself changes. An
/// item that a complete file had lost is open again when it is back.
fn imported_status(
    import: &Import<'_>,
    found: &Found,
    before: &str,
    cell: Option<Status>,
) -> Result<Option<Status>, Fault> {
    let status = match cell {
        Some(status) => status,
        None if before == ABSENT => Status::Open,
        None => return Ok(None),
    };
    if status.as_str() == before {
        return Ok(None);
    }
    note_imported(import.conn, found.key, status.as_str())?;
    let changed = books::set_status(import.conn, found, status, import.on)?;
    Ok(changed.then_some(status))
}

fn note_imported(conn: &Connection, key: i64, word: &str) -> Result<(), Fault> {
    conn.prepare_cached("UPDATE receivables SET imported_status = ?2 WHERE key = ?1")?
        .execute(params![key, word])?;
    Ok(())
}

/// What the last file had and this one lacks: closed as paid where the file
/// is complete, else held and listed, for it may have been paid, or the file
/// been cut off.
pub(super) fn not_listed(import: &mut Import<'_>) -> Result<(), Fault> {
    // A bad row without an id may be any of them.
    if import.staged.nameless {
        return Ok(());
    }
    let conn = import.conn;
    let complete = import.order.complete;
    let mut statement = conn.prepare(
        "SELECT key, customer, currency, status, id FROM receivables
         WHERE listed = 1 OR (?1 AND status IN ('open', 'disputed', 'on_hold')) ORDER BY key",
    )?;
    let mut rows = statement.query([complete])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(4)?;
        if import.staged.lists(&id)? {
            continue;
        }
        let found = Found {
            key: row.get(0)?,
            customer: row.get(1)?,
            currency: word(row, 2, |code| code.parse().ok())?,
            status: word(row, 3, Status::from_word)?,
        };
        conn.prepare_cached("UPDATE receivables SET listed = 0 WHERE key = ?1 AND listed = 1")?
            .execute([found.key])?;
        if !found.status.is_live() {
            continue;
        }
        if complete {
            books::end_pauses(conn, found.key, PauseCause::Hold, "missing", import.on)?;
            note_imported(conn, found.key, ABSENT)?;
            books::set_status(conn, &found, Status::Paid, import.on)?;
            import.report.closed += 1;
        } else {
            books::begin_pause(conn, &found, PauseCause::Hold, MISSING_REASON, "missing", import.on)?;
            import.report.missing.push(id);
        }
    }
    Ok(())
}
