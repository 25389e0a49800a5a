//! What a person decides about letters: release, drop, hold, resolve, try
//! again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::news;
use super::outbox::move_on;
use super::rows::{At, Fault, word, word_opt};
use super::worker::Desk;
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
use crate::domain::offset::Offset;
use crate::store::StoreError;

/// What a person decides about a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// A held letter may go, asked again at its moment.
    Release,
    /// A waiting letter is not to be sent, now or later: its stage counts as
    /// done.
    Drop,
    /// A letter that waits by itself waits for a person.
    Hold,
    /// An uncertain letter has arrived.
    WasSent,
    /// An uncertain letter has not arrived: its notices are free again.
    WasNotSent,
    /// A letter that waits for its next attempt is tried now.
    Retry,
}

/// What came of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decided {
    /// It was done.
    Done,
    /// An uncertain letter is known not to have arrived; a later one has left
    /// meanwhile, so its stage is over all the same.
    Overtaken,
    /// Nothing was to be done: the letter was in this state already.
    Already(LetterState),
}

impl Decision {
    /// What it makes of a letter, in the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Release => "released",
            Self::Drop => "cancelled",
            Self::Hold => "held",
            Self::WasSent => "resolved as sent",
            Self::WasNotSent => "resolved as not sent",
            Self::Retry => "to be tried now",
        }
    }

    /// Whether a letter is where the decision would bring it, as after the
    /// same command before.
    fn is_done(self, state: LetterState, dropped: bool) -> bool {
        match self {
            Self::Release => state == LetterState::Queued,
            Self::Drop => state == LetterState::Cancelled && dropped,
            Self::Hold => state == LetterState::Held,
            Self::WasSent => state == LetterState::Sent,
            Self::WasNotSent => state == LetterState::Cancelled,
            Self::Retry => false,
        }
    }

    /// The states it can be made in.
    fn applies_to(self) -> &'static [LetterState] {
        match self {
            Self::Release => &[LetterState::Held],
            Self::Drop => &[LetterState::Held, LetterState::Queued, LetterState::Retry],
            Self::Hold | Self::Retry => &[LetterState::Queued, LetterState::Retry],
            Self::WasSent | Self::WasNotSent => &[LetterState::Uncertain, LetterState::Assumed],
        }
    }
}

impl SqliteStore {
    /// Does what a person decided about a letter, if it is still in a state
    /// for it; else it is left as it is. A dropped letter keeps its notices for
    /// good. One resolved as not sent frees them, so that the planner may
    /// decide anew.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a letter, [`StoreError::Refused`]
    /// if it is in no state for it.
    pub async fn decide(
        &self,
        letter: LetterId,
        decision: Decision,
        why: String,
        now: Timestamp,
    ) -> Result<Decided, StoreError> {
        self.write("deciding about a letter", move |desk| {
            let decided = decide(desk, letter, decision, &why, now)?;
            if !matches!(decided, Decided::Already(_)) {
                news::decided(&desk.conn, &[letter], decision.as_str(), now)?;
            }
            Ok(decided)
        })
        .await
    }
}

fn decide(
    desk: &mut Desk,
    letter: LetterId,
    decision: Decision,
    why: &str,
    now: Timestamp,
) -> Result<Decided, Fault> {
    let conn = &desk.conn;
    let (state, reason, dropped) = conn
        .query_row(
            "SELECT state, reason, EXISTS (SELECT 1 FROM notices WHERE letter = ?1 AND dropped = 1)
             FROM letters WHERE id = ?1",
            [letter.0],
            |row| Ok((word(row, 0, LetterState::from_word)?, row.get::<_, String>(1)?, row.get(2)?)),
        )
        .optional()?
        .ok_or_else(|| StoreError::NotFound(format!("no letter {letter}; `outbox list` shows them")))?;
    if decision.is_done(state, dropped) {
        return Ok(Decided::Already(state));
    }
    if !decision.applies_to().contains(&state) {
        return Err(StoreError::Refused(refusal(letter, state, &reason)).into());
    }
    match decision {
        Decision::Release => {
            conn.execute(
                "UPDATE letters SET state = 'queued', approved = approve, reason = ?2,
                     next_attempt_at = MAX(not_before, ?3) WHERE id = ?1",
                params![letter.0, why, At(now)],
            )?;
        }
        Decision::Hold => {
            conn.execute(
                "UPDATE letters SET state = 'held', reason = ?2 WHERE id = ?1",
                params![letter.0, why],
            )?;
        }
        Decision::Retry => {
            conn.execute(
                "UPDATE letters SET next_attempt_at = ?2 WHERE id = ?1",
                params![letter.0, At(now)],
            )?;
        }
        Decision::Drop => {
            conn.execute("UPDATE notices SET dropped = 1 WHERE letter = ?1", [letter.0])?;
            move_on(conn, letter, LetterState::Cancelled, why, now)?;
        }
        Decision::WasSent => move_on(conn, letter, LetterState::Sent, why, now)?,
        Decision::WasNotSent => {
            let overtaken = is_overtaken(conn, letter)?;
            move_on(conn, letter, LetterState::Cancelled, why, now)?;
            return Ok(if overtaken { Decided::Overtaken } else { Decided::Done });
        }
    }
    Ok(Decided::Done)
}

/// What it is now, and what can be said about that.
fn refusal(letter: LetterId, state: LetterState, reason: &str) -> String {
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let next = match state {
        LetterState::Uncertain | LetterState::Assumed => {
            format!("say what became of it: `courtesy outbox resolve {letter} --sent` or `--not-sent`")
        }
        LetterState::Held => {
            format!(
                "`courtesy outbox release {letter}` lets it go, `courtesy outbox cancel {letter}` drops it"
            )
        }
        LetterState::Queued
        | LetterState::Sending
        | LetterState::Sent
        | LetterState::Bounced
        | LetterState::Retry
        | LetterState::Rejected
        | LetterState::Cancelled
        | LetterState::Expired => format!("`courtesy outbox show {letter}` says more"),
    };
    format!("letter {letter} is {state} now{because}, and was left as it is; {next}")
}

/// Whether for everything that the letter is about a later one has left: then
/// none of its stages is sent again.
fn is_overtaken(conn: &Connection, letter: LetterId) -> Result<bool, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT n.position, n.offset, n.repetition, later.offset, later.repetition
         FROM notices AS n LEFT JOIN (notices AS later JOIN letters AS l ON l.id = later.letter
              AND l.state IN ('sent', 'bounced', 'uncertain', 'assumed', 'sending'))
              ON later.live = 1 AND later.subject_id = n.subject_id AND later.subject_kind = n.subject_kind
                 AND later.rule = n.rule AND later.round = n.round AND later.letter <> n.letter
         WHERE n.letter = ?1",
    )?;
    let mut rows = statement.query([letter.0])?;
    let mut overtaken: BTreeMap<i64, bool> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let offset = |index| word_opt(row, index, |text| text.parse::<Offset>().ok());
        let own = (offset(1)?.map(|at| at.roughly_minutes()), row.get::<_, Option<u32>>(2)?);
        let other = (offset(3)?.map(|at| at.roughly_minutes()), row.get::<_, Option<u32>>(4)?);
        *overtaken.entry(row.get(0)?).or_default() |= other > own;
    }
    Ok(overtaken.into_values().all(|later| later))
}
