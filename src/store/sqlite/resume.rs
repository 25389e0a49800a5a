//! A person ends a HOLD: what may have been sent counts as that, the clock
//! is believed, and letters that were too many may go.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::operator::Decision;
use super::outbox::move_on;
use super::rows::{At, Day, Fault};
use super::witness::{self, Begun, BegunLine, Unknown};
use super::worker::Desk;
use super::{SqliteStore, guard, news, people, rules};
use crate::domain::halt::UNUSUAL;
use crate::domain::ids::{CustomerId, LetterId, RuleName, StageName};
use crate::domain::notice::LetterState;
use crate::store::{Deed, StoreError};

/// A letter that may have been sent, and that the store does not know of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PerhapsSent {
    /// When its attempt began.
    pub at: Timestamp,
    /// Whose it was; `None` for a digest.
    pub customer: Option<CustomerId>,
    /// By which rule.
    pub rule: RuleName,
    /// At which stage.
    pub stage: StageName,
    /// What it was about.
    pub about: Vec<String>,
    /// Its Message-ID, for the mail server's log.
    pub message_id: Option<String>,
}

/// Why letters count as uncertain that nobody saw leave.
const PERHAPS: &str = "perhaps sent";
/// What the log says of such a letter.
const UNCERTAIN: &str = "uncertain";

impl SqliteStore {
    /// What the record beside the store tells of and the store does not know,
    /// oldest first, and since when the store was last written by an engine.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn perhaps_sent(&self) -> Result<(Vec<PerhapsSent>, Option<Timestamp>), StoreError> {
        let Some(path) = self.path().map(witness::path_of) else { return Ok((Vec::new(), None)) };
        self.read("reading what may have been sent", move |desk| {
            let unknown = witness::unknown(&desk.conn, &path)?;
            Ok((unknown.begun.iter().map(told).collect(), guard::seen_at(&desk.conn)?))
        })
        .await
    }

    /// Writes down what the record tells of and the store does not know:
    /// those letters are `uncertain`. Returns how many they are.
    ///
    /// # Errors
    /// As the store fails; then nothing was written.
    pub async fn count_perhaps_sent(&self, now: Timestamp) -> Result<u64, StoreError> {
        let Some(path) = self.path().map(witness::path_of) else { return Ok(0) };
        self.write("noting what may have been sent", move |desk| {
            let Unknown { begun, .. } = witness::unknown(&desk.conn, &path)?;
            let mut count = 0;
            for begun in &begun {
                let letters = count_one(desk, begun, now)?;
                news::decided(&desk.conn, &letters, UNCERTAIN, now)?;
                count += letters.len() as u64;
            }
            if count > 0 {
                tell(desk, &format!("{count} letters that may have been sent count as uncertain"), now)?;
            }
            Ok(count)
        })
        .await
    }

    /// Letters that would have left by a moment count as uncertain, as a
    /// person says now. Returns how many.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn assume_sent(&self, by: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        self.write("noting what may have been sent", move |desk| {
            let letters: Vec<LetterId> = desk
                .conn
                .prepare_cached(
                    "SELECT id FROM letters INDEXED BY letters_waiting
                     WHERE state IN ('queued', 'retry') AND next_attempt_at <= ?1 ORDER BY id",
                )?
                .query_map([At(by)], |row| row.get(0).map(LetterId))?
                .collect::<rusqlite::Result<_>>()?;
            for letter in &letters {
                let why = format!("{PERHAPS} (as a person said)");
                move_on(&desk.conn, *letter, LetterState::Uncertain, &why, by)?;
            }
            news::decided(&desk.conn, &letters, UNCERTAIN, now)?;
            if !letters.is_empty() {
                tell(
                    desk,
                    &format!("{} letters are assumed to be sent, and count as uncertain", letters.len()),
                    now,
                )?;
            }
            Ok(letters.len() as u64)
        })
        .await
    }

    /// Ends what a person can end: the clock is believed, and the record
    /// beside the store begins anew with what the store knows.
    ///
    /// # Errors
    /// As the store or its record fail.
    pub async fn resume(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write("noting that it goes on", move |desk| {
            heal(desk, now)?;
            desk.conn.execute(
                "UPDATE guard SET seen_at = ?1, resumed_at = ?1, witnessed = 1, restored_at = NULL",
                [At(now)],
            )?;
            tell(desk, "letters leave again", now)
        })
        .await?;
        let Some(path) = self.path().map(witness::path_of) else { return Ok(()) };
        witness::resumed(&path, now).map_err(|error| StoreError::Failed {
            doing: "writing the record of sent letters",
            cause: error.to_string(),
        })
    }

    /// Lets letters go that were held because they were too many, and as
    /// many again today. Returns how many they are.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn release_unusual(&self, why: String, now: Timestamp) -> Result<u64, StoreError> {
        self.write("releasing letters", move |desk| {
            let released = release_unusual(desk, &why, now)?;
            if released > 0 {
                tell(desk, &format!("{released} letters that were far more than usual may go"), now)?;
            }
            Ok(released)
        })
        .await
    }
}

fn tell(desk: &Desk, what: &str, now: Timestamp) -> Result<(), Fault> {
    Ok(news::note(&desk.conn, Deed::Resumed, (None, ""), what, now)?)
}

fn told(begun: &Begun) -> PerhapsSent {
    PerhapsSent {
        at: Timestamp::from_microsecond(begun.at).unwrap_or_default(),
        customer: begun.customer.as_deref().map(CustomerId::from),
        rule: begun.rule.as_str().into(),
        stage: begun.stage.as_str().into(),
        about: begun.lines.iter().filter(|line| line.leading != 0).map(|line| line.id.clone()).collect(),
        message_id: begun.message_id.clone(),
    }
}

/// Notes that the notices of one letter may have been sent. Where the store
/// has them in a letter that waits, it is that one; the others become a
/// letter of their own. Returns the letters that are uncertain by it.
fn count_one(desk: &Desk, begun: &Begun, now: Timestamp) -> Result<Vec<LetterId>, Fault> {
    let conn = &desk.conn;
    let at = Timestamp::from_microsecond(begun.at).unwrap_or(now);
    let why = format!(
        "{PERHAPS} (begun at {} by a store that was lost)",
        at.to_zoned_datetime(desk.zones.business().clone()).strftime("%F %R")
    );
    let mut free = Vec::new();
    let mut noted = Vec::new();
    for line in &begun.lines {
        let live: Option<(i64, String)> = conn
            .prepare_cached(
                "SELECT n.letter, l.state FROM notices AS n INDEXED BY notices_once
                 CROSS JOIN letters AS l
                 WHERE n.live = 1 AND n.subject_id = ?1 AND n.subject_kind = ?2 AND n.rule = ?3 AND n.stage = ?4
                       AND n.round = ?5 AND n.repetition = ?6 AND l.id = n.letter",
            )?
            .query_row(
                params![line.id, line.kind, line.rule, line.stage, line.round, line.repetition],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        match live {
            None => free.push(line),
            Some((letter, state)) => {
                if LetterState::from_word(&state).is_some_and(LetterState::is_waiting) {
                    move_on(conn, LetterId(letter), LetterState::Uncertain, &why, at)?;
                    noted.push(LetterId(letter));
                }
            }
        }
    }
    if !free.is_empty() {
        noted.push(write_down(conn, begun, &free, &why)?);
    }
    Ok(noted)
}

/// A letter of another store, as the record describes it.
fn write_down(conn: &Connection, begun: &Begun, lines: &[&BegunLine], why: &str) -> Result<LetterId, Fault> {
    let customer = begun.customer.as_deref().map(|id| customer(conn, id)).transpose()?;
    conn.prepare_cached(
        "INSERT INTO letters (customer, rule, stage, class, template, recipients, copies, deadline, approve,
             priority, budget, not_before, passed_over, state, reason, attempts, queued_at, next_attempt_at,
             first_attempt_at, finished_at, day)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'uncertain', ?14, 1, ?15, ?15, ?15, ?15, ?16)",
    )?
    .execute(params![
        customer,
        begun.rule,
        begun.stage,
        begun.class,
        begun.template,
        begun.recipients,
        begun.copies,
        begun.deadline,
        begun.approve,
        begun.priority,
        begun.budget,
        begun.not_before,
        begun.passed_over,
        why,
        begun.at,
        begun.day
    ])?;
    let letter = conn.last_insert_rowid();
    for (position, line) in (0_i64..).zip(lines) {
        conn.prepare_cached(
            "INSERT INTO notices (letter, position, customer, rule, stage, subject_kind, subject_id, round,
                 repetition, offset, planned_on, leading)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            letter,
            position,
            customer,
            line.rule,
            line.stage,
            line.kind,
            line.id,
            line.round,
            line.repetition,
            line.offset,
            line.planned_on,
            line.leading
        ])?;
    }
    Ok(LetterId(letter))
}

/// The key of a customer. One that the store does not know any more is
/// written down by its number alone, until it is imported again.
fn customer(conn: &Connection, id: &str) -> Result<i64, Fault> {
    if let Some((key, _)) = people::find(conn, id)? {
        return Ok(key);
    }
    let relationship = people::relationship(conn, &people::relationship_name(id, None), None)?;
    conn.prepare_cached("INSERT INTO customers (id, relationship, name) VALUES (?1, ?2, ?1)")?
        .execute(params![id, relationship])?;
    Ok(conn.last_insert_rowid())
}

/// What was noted as later than now can't have been: it was now at the
/// latest. Everybody is looked at again, and every letter that waits is asked
/// again.
fn heal(desk: &mut Desk, now: Timestamp) -> Result<(), Fault> {
    rules::none_later_than(desk, now)?;
    let conn = &desk.conn;
    for sql in [
        "UPDATE letters SET next_attempt_at = ?1 WHERE state IN ('queued', 'retry') AND next_attempt_at > ?1",
        "UPDATE letters SET queued_at = ?1 WHERE queued_at > ?1",
        "UPDATE letters SET first_attempt_at = ?1 WHERE first_attempt_at > ?1",
        "UPDATE letters SET finished_at = ?1 WHERE finished_at > ?1",
        "UPDATE receivables SET first_seen = ?1 WHERE first_seen > ?1",
        "UPDATE imports SET at = ?1 WHERE at > ?1",
        "UPDATE findings SET since = ?1 WHERE since > ?1",
        "UPDATE returns SET at = ?1 WHERE at > ?1",
    ] {
        conn.execute(sql, [At(now)])?;
    }
    // Days are those of the reader's zone, half a day ahead at most.
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let tomorrow = Day(today.saturating_add(1.day()));
    conn.execute(
        "UPDATE letters SET day = ?1 WHERE day > ?2 AND state IN ('sent', 'bounced', 'uncertain', 'assumed', 'sending')",
        params![Day(today), tomorrow],
    )?;
    conn.execute("DELETE FROM volumes WHERE day > ?1", [tomorrow])?;
    conn.execute("UPDATE relationships SET wake_at = 0, version = version + 1", [])?;
    Ok(())
}

fn release_unusual(desk: &Desk, why: &str, now: Timestamp) -> Result<u64, Fault> {
    let conn = &desk.conn;
    let today = now.to_zoned_datetime(desk.zones.business().clone()).date();
    let mut statement = conn.prepare_cached(
        "SELECT id, rule FROM letters INDEXED BY letters_parked
         WHERE state IN ('held', 'uncertain') AND state = 'held' AND reason LIKE ?1 || '%' ORDER BY id",
    )?;
    let rows = statement.query_map([UNUSUAL], |row| Ok((LetterId(row.get(0)?), row.get(1)?)))?;
    let held: Vec<(LetterId, String)> = rows.collect::<rusqlite::Result<_>>()?;
    let mut of_rules: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, rule) in &held {
        *of_rules.entry(rule).or_default() += 1;
    }
    for (rule, letters) in of_rules {
        guard::count(conn, today, rule, letters)?;
    }
    conn.execute(
        "UPDATE letters SET state = 'queued', reason = ?2, next_attempt_at = MAX(not_before, ?3)
         WHERE state = 'held' AND reason LIKE ?1 || '%'",
        params![UNUSUAL, why, At(now)],
    )?;
    let letters: Vec<LetterId> = held.iter().map(|(letter, _)| *letter).collect();
    news::decided(conn, &letters, Decision::Release.as_str(), now)?;
    if !held.is_empty() {
        conn.execute(
            "UPDATE guard SET allowed_on = ?1,
                 allowed = 2 * (SELECT COALESCE(SUM(letters), 0) FROM volumes WHERE day = ?1)",
            [Day(today)],
        )?;
    }
    Ok(held.len() as u64)
}
