//! The outbox: queueing, claiming, recording, listing.

mod listing;
mod queue;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) use self::listing::list;
pub(super) use self::queue::{Entry, HandedOut, enqueue};
use super::drafts;
use super::facts;
use super::rows::{At, Day, Fault, at_opt, word};
use super::worker::Desk;
use crate::domain::delivery::{LeftOut, Transition};
use crate::domain::facts::{Facts, Reach};
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
use crate::store::{Begun, Claim, OutboxFilter, OutboxLetter, SetAside, StoreError};

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

/// Puts a held letter back into the queue; false if it is not held.
pub(super) fn release(
    conn: &Connection,
    letter: LetterId,
    approved: bool,
    why: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    if Standing::read(conn, letter)?.state != LetterState::Held {
        return Ok(false);
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
    let held = Standing::read(conn, letter)?.state == LetterState::Held;
    if held {
        move_on(conn, letter, LetterState::Cancelled, why, now)?;
    }
    Ok(held)
}

fn no_letter(letter: LetterId) -> Fault {
    Fault::Store(StoreError::NotFound(format!("no letter {letter}; `outbox list` shows them")))
}

/// A letter and the facts of its customer's relationship.
pub(super) fn letter_and_facts(
    desk: &mut Desk,
    letter: LetterId,
    reach: &Reach,
) -> Result<(OutboxLetter, Facts), Fault> {
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
fn facts_of(desk: &Desk, letter: LetterId, customer: Option<i64>, reach: &Reach) -> Result<Facts, Fault> {
    let Some(customer) = customer else {
        let only = desk
            .conn
            .prepare_cached("SELECT rule, subject_id FROM notices WHERE letter = ?1 AND position = 0")?
            .query_row([letter.0], |row| Ok(facts::Only { rule: row.get(0)?, colleague: row.get(1)? }))?;
        return facts::of_our_own(&desk.conn, &desk.zones, &only, reach);
    };
    let entry = facts::of_customer(&desk.conn, customer)?;
    facts::read(&desk.conn, &desk.zones, &[entry], reach)?
        .pop()
        .ok_or_else(|| Fault::odd("a customer without a relationship"))
}

/// Where a letter stands, for the fences.
struct Standing {
    customer: Option<i64>,
    zone: Option<String>,
    state: LetterState,
    attempts: u32,
}

impl Standing {
    fn read(conn: &Connection, letter: LetterId) -> Result<Self, Fault> {
        conn.prepare_cached(
            "SELECT l.customer, c.timezone, l.state, l.attempts
             FROM letters AS l LEFT JOIN customers AS c ON c.key = l.customer WHERE l.id = ?1",
        )?
        .query_row([letter.0], |row| {
            Ok(Self {
                customer: row.get(0)?,
                zone: row.get(1)?,
                state: word(row, 2, LetterState::from_word)?,
                attempts: row.get(3)?,
            })
        })
        .optional()?
        .ok_or_else(|| no_letter(letter))
    }

    /// Whether it waits by itself and nobody has attempted it since.
    fn is_where(&self, attempts: u32) -> bool {
        matches!(self.state, LetterState::Queued | LetterState::Retry) && self.attempts == attempts
    }
}

pub(super) fn begin_attempt(
    desk: &mut Desk,
    claim: &Claim,
    reach: &Reach,
    now: Timestamp,
) -> Result<Begun, Fault> {
    if let Some(witness) = &mut desk.witness {
        witness.admit(&desk.conn)?;
    }
    let standing = Standing::read(&desk.conn, claim.letter)?;
    if !standing.is_where(claim.attempts) {
        return Ok(Begun::Gone);
    }
    let fresh = facts_of(desk, claim.letter, standing.customer, reach)?;
    if !same(&claim.facts, &fresh) {
        return Ok(Begun::FactsChanged);
    }
    let letter = claim.letter;
    // Lines change in here alone, so the fence holds for those it was read with.
    if let Some(draft) = &claim.changed {
        for line in &draft.lines {
            if drafts::is_taken(&desk.conn, &line.key, Some(letter))? {
                return Ok(Begun::FactsChanged);
            }
        }
        drafts::replace(&desk.conn, letter, standing.customer, draft)?;
    }
    drafts::keep_made(&desk.conn, letter, &claim.made)?;
    let attempt = claim.attempts + 1;
    desk.conn
        .prepare_cached(
            "UPDATE letters SET state = 'sending', reason = '', attempts = ?2, day = ?3,
                 first_attempt_at = COALESCE(first_attempt_at, ?4), finished_at = NULL
             WHERE id = ?1",
        )?
        .execute(params![letter.0, attempt, Day(claim.day), At(now)])?;
    desk.conn
        .prepare_cached("INSERT INTO attempts (letter, number, began_at) VALUES (?1, ?2, ?3)")?
        .execute(params![letter.0, attempt, At(now)])?;
    if let Some(witness) = &mut desk.witness {
        witness.note(&desk.conn, letter)?;
    }
    Ok(Begun::Attempt(attempt))
}

/// Whether two readings say the same. When rules last looked is the
/// planner's bookmark and nothing that a letter could depend on.
fn same(read: &Facts, fresh: &Facts) -> bool {
    read.relationship == fresh.relationship
        && read.customers == fresh.customers
        && read.suppressions == fresh.suppressions
        && read.payments_read_at == fresh.payments_read_at
        && read.digests == fresh.digests
}

pub(super) fn finish_attempt(
    desk: &mut Desk,
    letter: LetterId,
    attempt: u32,
    transition: &Transition,
    left_out: &[LeftOut],
    now: Timestamp,
) -> Result<(), Fault> {
    let standing = Standing::read(&desk.conn, letter)?;
    let left_out: Vec<String> =
        left_out.iter().map(|one| format!("{}: {}", one.address.as_str(), one.reply)).collect();
    desk.conn
        .prepare_cached(
            "UPDATE attempts SET ended_at = ?3, state = ?4, reason = ?5, left_out = NULLIF(?6, '')
             WHERE letter = ?1 AND number = ?2 AND ended_at IS NULL",
        )?
        .execute(params![
            letter.0,
            attempt,
            At(now),
            transition.state.as_str(),
            transition.reason,
            left_out.join("\n")
        ])?;
    if standing.state != LetterState::Sending || standing.attempts != attempt {
        return Ok(());
    }
    let next = transition.next_attempt_at.filter(|_| transition.state.is_waiting());
    // A letter that waits again is dated on the day it may leave.
    let day = next.map(|at| civil_day(desk, standing.zone.as_deref(), at));
    move_on(&desk.conn, letter, transition.state, &transition.reason, now)?;
    if let (Some(next), Some(day)) = (next, day) {
        put_off(&desk.conn, letter, next, day)?;
    }
    if transition.suppress {
        suppress_recipient(&desk.conn, letter, &transition.reason, now)?;
    }
    Ok(())
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

fn suppress_recipient(
    conn: &Connection,
    letter: LetterId,
    cause: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let address: Option<String> = conn
        .prepare_cached("SELECT mail_to FROM made WHERE letter = ?1")?
        .query_row([letter.0], |row| row.get(0))
        .optional()?;
    let Some(address) = address else { return Ok(()) };
    conn.prepare_cached(
        "INSERT INTO suppressions (address, classes, cause, made_at) VALUES (?1, '', ?2, ?3)
         ON CONFLICT DO UPDATE SET cause = excluded.cause, made_at = excluded.made_at",
    )?
    .execute(params![address.to_lowercase(), cause, At(now)])
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
        SetAside::Hold => {
            desk.conn
                .prepare_cached("UPDATE letters SET state = 'held', reason = ?2 WHERE id = ?1")?
                .execute(params![letter.0, why])?;
        }
    }
    Ok(true)
}

const LOST: &str = "the process ended between handing over and the answer";

/// Letters found `sending` when nobody is sending.
pub(super) fn recover(conn: &Connection, now: Timestamp) -> Result<Vec<LetterId>, Fault> {
    let found: Vec<LetterId> = conn
        .prepare_cached(
            "SELECT id FROM letters INDEXED BY letters_sending WHERE state = 'sending' ORDER BY id",
        )?
        .query_map([], |row| row.get(0).map(LetterId))?
        .collect::<rusqlite::Result<_>>()?;
    for &letter in &found {
        move_on(conn, letter, LetterState::Uncertain, LOST, now)?;
        conn.prepare_cached(
            "UPDATE attempts SET ended_at = ?2, state = 'uncertain', reason = ?3
             WHERE letter = ?1 AND ended_at IS NULL",
        )?
        .execute(params![letter.0, At(now), LOST])?;
    }
    Ok(found)
}
