//! What a person decides about letters and addresses: release, drop, hold,
//! resolve, try again; suppress.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::SqliteStore;
use super::facts::{classes_from_word, classes_word};
use super::outbox::move_on;
use super::rows::{At, Fault, word};
use super::worker::Desk;
use crate::domain::customer::{Class, Suppression};
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
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

impl Decision {
    /// The states it can be made in.
    fn applies_to(self) -> &'static [LetterState] {
        match self {
            Self::Release => &[LetterState::Held],
            Self::Drop => &[LetterState::Held, LetterState::Queued, LetterState::Retry],
            Self::Hold | Self::Retry => &[LetterState::Queued, LetterState::Retry],
            Self::WasSent | Self::WasNotSent => &[LetterState::Uncertain],
        }
    }
}

impl SqliteStore {
    /// Does what a person decided about a letter, and returns its new state.
    /// A dropped letter keeps its notices for good. One resolved as not sent
    /// frees them, so that the planner may decide anew.
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
    ) -> Result<LetterState, StoreError> {
        self.write("deciding about a letter", move |desk| decide(desk, letter, decision, &why, now)).await
    }

    /// Stops letters of `classes` (empty is all) to an address.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn suppress(&self, suppression: Suppression, now: Timestamp) -> Result<bool, StoreError> {
        self.write("suppressing an address", move |desk| {
            let added = desk.conn.execute(
                "INSERT INTO suppressions (address, classes, cause, made_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
                params![
                    suppression.address.to_lowercase(),
                    classes_word(&suppression.classes),
                    suppression.cause,
                    At(now)
                ],
            )?;
            Ok(added > 0)
        })
        .await
    }

    /// Lifts every suppression of an address; false if there was none.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn unsuppress(&self, address: &str) -> Result<bool, StoreError> {
        let address = address.to_lowercase();
        self.write("lifting a suppression", move |desk| {
            Ok(desk.conn.execute("DELETE FROM suppressions WHERE address = ?1", [address])? > 0)
        })
        .await
    }

    /// Every suppression, with the moment it was made, in order of address.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn suppressions(&self) -> Result<Vec<(Suppression, Timestamp)>, StoreError> {
        self.read("reading the suppressions", |desk| {
            let mut statement = desk
                .conn
                .prepare_cached("SELECT address, classes, cause, made_at FROM suppressions ORDER BY 1, 2")?;
            let rows = statement.query_map([], |row| {
                let classes: Vec<Class> = word(row, 1, classes_from_word)?;
                let suppression = Suppression { address: row.get(0)?, classes, cause: row.get(2)? };
                Ok((suppression, row.get::<_, At>(3)?.0))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
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
) -> Result<LetterState, Fault> {
    let conn = &desk.conn;
    let state = conn
        .query_row("SELECT state FROM letters WHERE id = ?1", [letter.0], |row| {
            word(row, 0, LetterState::from_word)
        })
        .optional()?
        .ok_or_else(|| StoreError::NotFound(format!("no letter {letter}; `outbox list` shows them")))?;
    if !decision.applies_to().contains(&state) {
        return Err(StoreError::Refused(format!(
            "letter {letter} is {state}; `courtesy outbox show {letter}` says where it stands"
        ))
        .into());
    }
    match decision {
        Decision::Release => {
            conn.execute(
                "UPDATE letters SET state = 'queued', approved = approve, reason = ?2,
                     next_attempt_at = MAX(not_before, ?3) WHERE id = ?1",
                params![letter.0, why, At(now)],
            )?;
            Ok(LetterState::Queued)
        }
        Decision::Hold => {
            conn.execute(
                "UPDATE letters SET state = 'held', reason = ?2 WHERE id = ?1",
                params![letter.0, why],
            )?;
            Ok(LetterState::Held)
        }
        Decision::Retry => {
            conn.execute(
                "UPDATE letters SET next_attempt_at = ?2 WHERE id = ?1",
                params![letter.0, At(now)],
            )?;
            Ok(state)
        }
        Decision::Drop => {
            conn.execute("UPDATE notices SET dropped = 1 WHERE letter = ?1", [letter.0])?;
            move_on(conn, letter, LetterState::Cancelled, why, now)?;
            Ok(LetterState::Cancelled)
        }
        Decision::WasSent => {
            move_on(conn, letter, LetterState::Sent, why, now)?;
            Ok(LetterState::Sent)
        }
        Decision::WasNotSent => {
            move_on(conn, letter, LetterState::Cancelled, why, now)?;
            Ok(LetterState::Cancelled)
        }
    }
}
