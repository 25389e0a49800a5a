//! Attempts: begun, ended, and found half-done after a crash.
//!
//! Invariant: an attempt begins on facts that are the same in its own
//! transaction, and its end counts only for the attempt that it belongs to.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::drafts;
use super::super::rows::{At, Day, Fault, at_opt, word};
use super::super::suppressions;
use super::super::worker::Desk;
use super::{civil_day, facts_of, move_on, no_letter, put_off};
use crate::domain::customer::{Class, Suppression};
use crate::domain::delivery::{self, AttemptContext, LeftOut, OnUncertain, Outcome, Transition};
use crate::domain::facts::{Facts, Reach};
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
use crate::store::{Begun, Claim};

/// Where a letter stands, for the fences.
pub(super) struct Standing {
    pub(super) customer: Option<i64>,
    pub(super) zone: Option<String>,
    pub(super) state: LetterState,
    pub(super) attempts: u32,
    pub(super) maybe_sent: bool,
    class: Class,
    on_uncertain: OnUncertain,
    first_attempt_at: Option<Timestamp>,
}

impl Standing {
    pub(super) fn read(conn: &Connection, letter: LetterId) -> Result<Self, Fault> {
        conn.prepare_cached(
            "SELECT l.customer, c.timezone, l.state, l.attempts, l.maybe_sent, l.class, l.on_uncertain,
                    l.first_attempt_at
             FROM letters AS l LEFT JOIN customers AS c ON c.key = l.customer WHERE l.id = ?1",
        )?
        .query_row([letter.0], |row| {
            Ok(Self {
                customer: row.get(0)?,
                zone: row.get(1)?,
                state: word(row, 2, LetterState::from_word)?,
                attempts: row.get(3)?,
                maybe_sent: row.get(4)?,
                class: word(row, 5, Class::from_word)?,
                on_uncertain: word(row, 6, OnUncertain::from_word)?,
                first_attempt_at: at_opt(row, 7)?,
            })
        })
        .optional()?
        .ok_or_else(|| no_letter(letter))
    }

    /// Whether it waits by itself and nobody has attempted it since.
    pub(super) fn is_where(&self, attempts: u32) -> bool {
        matches!(self.state, LetterState::Queued | LetterState::Retry) && self.attempts == attempts
    }
}

pub(in super::super) fn begin_attempt(
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
    if !Arc::ptr_eq(&claim.facts, &fresh) && !same(&claim.facts, &fresh) {
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
                 first_attempt_at = COALESCE(first_attempt_at, ?4), finished_at = NULL,
                 redirected = (attempts = 0 OR redirected) AND ?5
             WHERE id = ?1",
        )?
        .execute(params![letter.0, attempt, Day(claim.day), At(now), claim.redirected])?;
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

pub(in super::super) fn finish_attempt(
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
    end(&desk.conn, letter, attempt, transition, &left_out.join("\n"), now)?;
    if standing.state != LetterState::Sending || standing.attempts != attempt {
        return Ok(());
    }
    follow(desk, letter, &standing, transition, now)
}

/// Notes the end of an attempt, once.
fn end(
    conn: &Connection,
    letter: LetterId,
    attempt: u32,
    transition: &Transition,
    left_out: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE attempts SET ended_at = ?3, state = ?4, reason = ?5, left_out = NULLIF(?6, '')
         WHERE letter = ?1 AND number = ?2 AND ended_at IS NULL",
    )?
    .execute(params![letter.0, attempt, At(now), transition.state.as_str(), transition.reason, left_out])
    .map(|_| ())
}

/// Does what follows from an attempt.
fn follow(
    desk: &mut Desk,
    letter: LetterId,
    standing: &Standing,
    transition: &Transition,
    now: Timestamp,
) -> Result<(), Fault> {
    let next = transition.next_attempt_at.filter(|_| transition.state.is_waiting());
    // A letter that waits again is dated on the day it may leave.
    let day: Option<Date> = next.map(|at| civil_day(desk, standing.zone.as_deref(), at));
    move_on(&desk.conn, letter, transition.state, &transition.reason, now)?;
    if let (Some(next), Some(day)) = (next, day) {
        put_off(&desk.conn, letter, next, day)?;
    }
    if transition.maybe_sent {
        desk.conn.prepare_cached("UPDATE letters SET maybe_sent = 1 WHERE id = ?1")?.execute([letter.0])?;
    }
    if transition.suppress {
        desk.drop_readings();
        suppress_recipient(&desk.conn, letter, &transition.reason, now)?;
    }
    Ok(())
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
    let suppression = Suppression { address, classes: vec![], cause: cause.to_owned() };
    suppressions::add(conn, &suppression, "", now).map(drop)
}

const LOST: &str = "the process ended between handing over and the answer";

/// Letters found `sending` when nobody is sending: nobody can know whether
/// they arrived, and each does as its rule says of that.
pub(in super::super) fn recover(desk: &mut Desk, now: Timestamp) -> Result<Vec<LetterId>, Fault> {
    let found: Vec<LetterId> = desk
        .conn
        .prepare_cached(
            "SELECT id FROM letters INDEXED BY letters_sending WHERE state = 'sending' ORDER BY id",
        )?
        .query_map([], |row| row.get(0).map(LetterId))?
        .collect::<rusqlite::Result<_>>()?;
    let lost = Outcome::Uncertain { cause: LOST.to_owned() };
    for &letter in &found {
        let standing = Standing::read(&desk.conn, letter)?;
        let context = AttemptContext {
            attempt: standing.attempts,
            class: standing.class,
            spread: letter.spread(),
            first_attempt_at: standing.first_attempt_at.unwrap_or(now),
            on_uncertain: standing.on_uncertain,
            maybe_sent: standing.maybe_sent,
        };
        let transition = delivery::transition(&lost, context, now);
        end(&desk.conn, letter, standing.attempts, &transition, "", now)?;
        follow(desk, letter, &standing, &transition, now)?;
    }
    Ok(found)
}
