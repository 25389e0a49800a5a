//! Texts of letters that nobody needs any more: removed, so that their bytes
//! are gone from the disk.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::open::BUSY;
use super::rows::{At, Fault};
use super::worker::Desk;
use crate::store::{StoreError, Tidied, Tidying};

/// Removes what is old enough, and what is left of it in the write-ahead log
/// once there is no more.
pub(super) async fn tidy(store: &SqliteStore, what: Tidying, now: Timestamp) -> Result<Tidied, StoreError> {
    let work = move |desk: &mut Desk| remove(&desk.conn, &what, now);
    let done = store.write("removing the text of old letters", work).await?;
    let traces = &store.inner.traces;
    traces.fetch_or(done.letters > 0, Ordering::Relaxed);
    if !done.more && traces.load(Ordering::Relaxed) {
        let wiped = store.inner.writer.alone("emptying the write-ahead log", |desk| wipe(&desk.conn)).await?;
        traces.store(!wiped, Ordering::Relaxed);
    }
    Ok(done)
}

/// Moves the write-ahead log into the file and empties it; false where
/// somebody is reading just now. Waits for nobody, as letters wait for this.
pub(super) fn wipe(conn: &Connection) -> Result<bool, Fault> {
    conn.busy_timeout(Duration::ZERO)?;
    let busy = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    conn.busy_timeout(BUSY)?;
    Ok(!busy?)
}

/// A claim that may still have to be proved: it is owed, or others pursue it.
pub(super) const PURSUED: &str = "(r.reach_on = '9999-12-31' OR r.status IN ('legal', 'assigned'))";

/// Letters in order of their age, and what is to become of their text.
fn old() -> String {
    format!(
        "SELECT l.id, CASE
            WHEN NOT EXISTS (SELECT 1 FROM made WHERE letter = l.id) THEN 'none'
            WHEN l.state NOT IN ('sent', 'bounced', 'assumed', 'rejected', 'cancelled', 'expired') THEN 'needed'
            WHEN l.class = 'dunning' AND EXISTS (
                SELECT 1 FROM notices AS n WHERE n.letter = l.id AND CASE n.subject_kind
                    WHEN 'receivable' THEN EXISTS (
                        SELECT 1 FROM receivables AS r WHERE r.id = n.subject_id AND {PURSUED})
                    WHEN 'payment' THEN EXISTS (
                        SELECT 1 FROM payments AS p JOIN receivables AS r ON r.key = p.receivable
                        WHERE p.id = n.subject_id AND {PURSUED})
                    ELSE EXISTS (SELECT 1 FROM receivables AS r WHERE r.customer = l.customer AND {PURSUED})
                END) THEN 'needed'
            ELSE 'old' END
         FROM letters AS l INDEXED BY letters_with_text
         WHERE l.finished_at IS NOT NULL AND l.emptied_at IS NULL AND MAX(l.finished_at, l.kept_from) < ?1
         ORDER BY MAX(l.finished_at, l.kept_from) LIMIT ?2"
    )
}

fn remove(conn: &Connection, what: &Tidying, now: Timestamp) -> Result<Tidied, Fault> {
    let limit = i64::try_from(what.limit).unwrap_or(i64::MAX);
    let found: Vec<(i64, String)> = conn
        .prepare_cached(&old())?
        .query_map(params![At(what.before), limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let more = found.len() == what.limit;
    let tomorrow = what.before.saturating_add(24.hours()).unwrap_or(what.before);
    let mut letters = 0;
    for (letter, fate) in found {
        let kept_from = match fate.as_str() {
            "old" => {
                empty(conn, letter, &what.because, now)?;
                letters += 1;
                continue;
            }
            "needed" => tomorrow.as_microsecond(),
            _ => i64::MAX,
        };
        conn.prepare_cached("UPDATE letters SET kept_from = ?2 WHERE id = ?1")?
            .execute([letter, kept_from])?;
    }
    Ok(Tidied { letters, more })
}

/// Removes the text of one letter, and notes when and why.
pub(super) fn empty(conn: &Connection, letter: i64, because: &str, now: Timestamp) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE made SET bytes = x'' WHERE letter = ?1")?.execute([letter])?;
    conn.prepare_cached("UPDATE letters SET emptied_at = ?2, emptied_because = ?3 WHERE id = ?1")?
        .execute(params![letter, At(now), because])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_letters_are_found_without_looking_at_the_others() {
        let conn = super::super::open::in_memory().expect("a store");
        let plan: Vec<String> = conn
            .prepare(&format!("EXPLAIN QUERY PLAN {}", old()))
            .expect("a statement")
            .query_map(params![0, 50], |row| row.get(3))
            .expect("a plan")
            .collect::<rusqlite::Result<_>>()
            .expect("its steps");
        assert_eq!(plan[0], "SEARCH l USING INDEX letters_with_text (<expr><?)", "{plan:#?}");
        assert!(plan.iter().all(|step| !step.contains("B-TREE") && !step.contains("SCAN")), "{plan:#?}");
    }
}
