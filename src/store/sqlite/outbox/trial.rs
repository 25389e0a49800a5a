//! What went to one of our own people while trying out.

use jiff::Timestamp;
use rusqlite::Connection;

use super::move_on;
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;

const WENT_TO_US: &str = "it went to our own address alone, while mail.redirect_to was set";

/// Letters none of whose attempts went to the customer. Digests are for our
/// own people anyway.
const ON_TRIAL: &str = "
    SELECT id FROM letters INDEXED BY letters_redirected
    WHERE redirected = 1 AND customer IS NOT NULL AND state IN ('sent', 'bounced', 'uncertain', 'assumed')
    ORDER BY id";

pub(in super::super) fn any_on_trial(conn: &Connection) -> rusqlite::Result<bool> {
    conn.prepare_cached(ON_TRIAL)?.exists([])
}

/// Frees the notices of letters on trial.
pub(in super::super) fn end_trial(conn: &Connection, now: Timestamp) -> rusqlite::Result<Vec<LetterId>> {
    let redirected: Vec<LetterId> = conn
        .prepare_cached(ON_TRIAL)?
        .query_map([], |row| row.get(0).map(LetterId))?
        .collect::<rusqlite::Result<_>>()?;
    let mut done = conn.prepare_cached("UPDATE letters SET redirected = 0 WHERE id = ?1")?;
    for letter in &redirected {
        move_on(conn, *letter, LetterState::Cancelled, WENT_TO_US, now)?;
        done.execute([letter.0])?;
    }
    Ok(redirected)
}
