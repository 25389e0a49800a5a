//! The outbox: queueing, claiming, recording, listing.

mod attempts;
mod listing;
mod queue;
mod trial;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, params};

use self::attempts::Standing;
pub(super) use self::attempts::{begin_attempt, finish_attempt, recover};
pub(super) use self::listing::list;
pub(super) use self::queue::{Entry, HandedOut, enqueue, postpone};
pub(super) use self::trial::{any_on_trial, end_trial};
use super::facts;
use super::rows::{At, Day, Fault, at_opt};
use super::suppressions;
use super::worker::Desk;
use crate::domain::facts::{Facts, Reach};
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
use crate::store::{OutboxFilter, OutboxLetter, SetAside, StoreError};

fn civil_day(desk: &Desk, zone: Option<&str>, at: Timestamp) -> Date {
    at.to_zoned_datetime(desk.zones.get(zone)).date()
}

/// Letters whose time has come, most important first, then oldest.
pub(super) fn claimable(conn: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<LetterId>> {
    conn.prepare_cached(
        "SELECT id FROM letters INDEXED BY letters_waiting
         WHERE state IN ('queued', 'retry') AND next_attempt_at <= ?1
         ORDER BY priority DESC, id LIMIT ?2",
    )?
    .query_map(params![At(now), i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0).map(LetterId))?
    .collect()
}

/// The earliest moment at which a relationship is to be looked at or a
/// letter may leave.
pub(super) fn next_due_at(conn: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let of = |sql| conn.prepare_cached(sql)?.query_row([], |row| at_opt(row, 0));
    let letter = of(
        "SELECT MIN(next_attempt_at) FROM letters INDEXED BY letters_waiting WHERE state IN ('queued', 'retry')",
    )?;
    let relationship = of("SELECT MIN(wake_at) FROM relationships WHERE wake_at IS NOT NULL")?;
    Ok(letter.into_iter().chain(relationship).min())
}

/// Puts a held letter back into the queue, or lets the address of a rejected
/// one be written to again, which frees its stage; false if it is neither.
pub(super) fn release(
    conn: &Connection,
    letter: LetterId,
    approved: bool,
    why: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    match Standing::read(conn, letter)?.state {
        LetterState::Held => {}
        LetterState::Rejected => return Ok(suppressions::lift_of(conn, letter, why, now)?),
        LetterState::Queued
        | LetterState::Sending
        | LetterState::Sent
        | LetterState::Bounced
        | LetterState::Retry
        | LetterState::Uncertain
        | LetterState::Assumed
        | LetterState::Cancelled
        | LetterState::Expired => return Ok(false),
    }
    conn.prepare_cached(
        "UPDATE letters SET state = 'queued', reason = ?2, next_attempt_at = ?3, 
             approved = approved OR (?4 AND approve)
         WHERE id = ?1",
    )?
    .execute(params![letter.0, why, At(now), approved])?;
    Ok(true)
}

/// Cancels a held letter; false if it is not held.
pub(super) fn withdraw(
    conn: &Connection,
    letter: LetterId,
    why: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let standing = Standing::read(conn, letter)?;
    if standing.state != LetterState::Held {
        return Ok(false);
    }
    // What may have arrived at an earlier attempt frees nothing.
    let state = if standing.maybe_sent { LetterState::Uncertain } else { LetterState::Cancelled };
    move_on(conn, letter, state, why, now)?;
    Ok(true)
}

fn no_letter(letter: LetterId) -> Fault {
    Fault::Store(StoreError::NotFound(format!("no letter {letter}; `outbox list` shows them")))
}

/// A letter and the facts of its customer's relationship.
pub(super) fn letter_and_facts(
    desk: &mut Desk,
    letter: LetterId,
    reach: &Reach,
) -> Result<(OutboxLetter, Arc<Facts>), Fault> {
    let found = list(&desk.conn, &OutboxFilter { letter: Some(letter), ..OutboxFilter::default() })?.pop();
    let found = found.ok_or_else(|| no_letter(letter))?;
    let customer: Option<i64> = desk
        .conn
        .prepare_cached("SELECT customer FROM letters WHERE id = ?1")?
        .query_row([letter.0], |row| row.get(0))?;
    Ok((found, facts_of(desk, letter, customer, reach)?))
}

/// The facts of a letter: those of its customer's relationship, or of the
/// one digest that it is.
fn facts_of(
    desk: &mut Desk,
    letter: LetterId,
    customer: Option<i64>,
    reach: &Reach,
) -> Result<Arc<Facts>, Fault> {
    let Some(customer) = customer else {
        let only = desk
            .conn
            .prepare_cached("SELECT rule, subject_id FROM notices WHERE letter = ?1 AND position = 0")?
            .query_row([letter.0], |row| Ok(facts::Only { rule: row.get(0)?, colleague: row.get(1)? }))?;
        return facts::of_our_own(&desk.conn, &desk.zones, &only, reach).map(Arc::new);
    };
    let entry = facts::of_customer(&desk.conn, customer)?;
    facts::read(desk, &[entry], reach)?.pop().ok_or_else(|| Fault::odd("a customer without a relationship"))
}

/// Changes a letter's state, and frees its notices where it is over for good
/// without having been sent.
pub(super) fn move_on(
    conn: &Connection,
    letter: LetterId,
    state: LetterState,
    reason: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE letters SET state = ?2, reason = ?3, finished_at = ?4 WHERE id = ?1")?
        .execute(params![letter.0, state.as_str(), reason, At(now)])?;
    conn.prepare_cached("UPDATE notices SET live = ?2 WHERE letter = ?1 AND live <> ?2 AND dropped = 0")?
        .execute(params![letter.0, state.is_live()])?;
    Ok(())
}

fn put_off(conn: &Connection, letter: LetterId, until: Timestamp, day: Date) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE letters SET next_attempt_at = ?2, day = ?3 WHERE id = ?1")?
        .execute(params![letter.0, At(until), Day(day)])
        .map(|_| ())
}

pub(super) fn set_aside(
    desk: &mut Desk,
    letter: LetterId,
    attempts: u32,
    what: &SetAside,
    why: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let standing = Standing::read(&desk.conn, letter)?;
    if !standing.is_where(attempts) {
        return Ok(false);
    }
    match what {
        SetAside::Later(until) => {
            let day = civil_day(desk, standing.zone.as_deref(), *until);
            put_off(&desk.conn, letter, *until, day)?;
            desk.conn
                .prepare_cached("UPDATE letters SET reason = ?2 WHERE id = ?1")?
                .execute(params![letter.0, why])?;
        }
        SetAside::Cancel => move_on(&desk.conn, letter, LetterState::Cancelled, why, now)?,
        SetAside::Park => move_on(&desk.conn, letter, LetterState::Uncertain, why, now)?,
        SetAside::Hold => {
            desk.conn
                .prepare_cached("UPDATE letters SET state = 'held', reason = ?2 WHERE id = ?1")?
                .execute(params![letter.0, why])?;
        }
    }
    Ok(true)
}
