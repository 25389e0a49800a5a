//! What the operator is to hear of at once.

use super::facts::payments_read_at;
use super::rows::{Fault, word};
use super::worker::Desk;
use crate::domain::alarm::Parked;
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
use crate::store::Data;

/// The latest letters that wait for a person, at most a thousand.
pub(super) fn parked(desk: &Desk) -> Result<Vec<Parked>, Fault> {
    let mut statement = desk.conn.prepare_cached(
        "SELECT l.id, l.state, l.rule, l.stage, COALESCE(c.name, ''), l.reason
         FROM letters AS l INDEXED BY letters_parked LEFT JOIN customers AS c ON c.key = l.customer
         WHERE l.state IN ('held', 'uncertain') ORDER BY l.id DESC LIMIT 1000",
    )?;
    let mut rows = statement.query([])?;
    let mut parked = Vec::new();
    while let Some(row) = rows.next()? {
        parked.push(Parked {
            letter: LetterId(row.get(0)?),
            state: word(row, 1, LetterState::from_word)?,
            rule: row.get::<_, String>(2)?.as_str().into(),
            stage: row.get::<_, String>(3)?.as_str().into(),
            customer: row.get(4)?,
            reason: row.get(5)?,
        });
    }
    Ok(parked)
}

/// What is known of what is owed.
pub(super) fn data(desk: &Desk) -> Result<Data, Fault> {
    let any_open = desk
        .conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM receivables WHERE reach_on = '9999-12-31')")?
        .query_row([], |row| row.get(0))?;
    Ok(Data { any_open, payments_read_at: payments_read_at(&desk.conn)? })
}
