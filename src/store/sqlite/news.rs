//! What others than the daemon did, kept until its log has told it.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::{At, at, word};
use crate::domain::ids::LetterId;
use crate::store::{Deed, News};

/// At most so many are read at once.
const PAGE: u32 = 1_000;

/// Notes it, in the transaction of the deed itself.
pub(super) fn note(
    conn: &Connection,
    deed: Deed,
    (letter, about): (Option<LetterId>, &str),
    detail: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO news (deed, letter, about, detail, at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![deed.as_str(), letter.map(|letter| letter.0), about, detail, At(now)])
        .map(|_| ())
}

/// Notes what a person decided about letters, each with its customer.
pub(super) fn decided(
    conn: &Connection,
    letters: &[LetterId],
    detail: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO news (deed, letter, about, detail, at)
         SELECT ?1, l.id, COALESCE('customer:' || c.id, ''), ?2, ?3
         FROM letters AS l LEFT JOIN customers AS c ON c.key = l.customer WHERE l.id = ?4",
    )?;
    for letter in letters {
        statement.execute(params![Deed::Decided.as_str(), detail, At(now), letter.0])?;
    }
    Ok(())
}

/// The first after a number.
pub(super) fn after(conn: &Connection, number: i64) -> rusqlite::Result<Vec<News>> {
    conn.prepare_cached(
        "SELECT number, deed, letter, about, detail, at FROM news WHERE number > ?1 ORDER BY number LIMIT ?2",
    )?
    .query_map(params![number, PAGE], |row| {
        Ok(News {
            number: row.get(0)?,
            deed: word(row, 1, Deed::from_word)?,
            letter: row.get::<_, Option<i64>>(2)?.map(LetterId),
            about: row.get(3)?,
            detail: row.get(4)?,
            at: at(row, 5)?,
        })
    })?
    .collect()
}

/// Lets go of those up to a number: they were told.
pub(super) fn told(conn: &Connection, number: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM news WHERE number <= ?1")?.execute([number]).map(|_| ())
}

/// Takes the words of what was not told yet about a customer who is
/// forgotten, and of whatever may name an address of theirs; what was decided
/// is one word of ours.
pub(super) fn forget(conn: &Connection, customer: i64) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE news SET detail = '' WHERE INSTR(detail, '@')
             OR deed <> 'decided' AND letter IN (SELECT id FROM letters WHERE customer = ?1)",
    )?
    .execute([customer])
    .map(|_| ())
}
