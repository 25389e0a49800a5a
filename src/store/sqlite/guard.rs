//! Whether anything may leave at all: the store is the one it was, the clock
//! can be believed, and there is room to write down what comes of it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::{At, Day, Fault, at, at_opt, day};
use super::{SqliteStore, disk, open, witness};
use crate::domain::digest::MAIL_SERVER;
use crate::domain::halt::{BACK_MAX, Halt, UNUSUAL};
use crate::domain::ids::RuleName;
use crate::domain::settings::{Guards, Unusual};
use crate::store::{Standing, StoreError, Volumes};

/// How often it is written down that time has passed.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(50);

/// A day that brought more letters than go by without a person's word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnusualDay {
    /// Where the business is.
    pub day: Date,
    /// Letters queued on it.
    pub letters: u32,
    /// How many would have gone by.
    pub limit: u32,
}

impl SqliteStore {
    /// Whether anything may leave, and how much; writes nothing.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn standing(&self, guards: Guards, now: Timestamp) -> Result<Standing, StoreError> {
        let path = self.path().map(Path::to_path_buf);
        self.read("looking whether anything may leave", move |desk| {
            let halt = halt(&desk.conn, path.as_deref(), guards, now)?;
            let today = now.to_zoned_datetime(desk.zones.business().clone()).date();
            Ok(Standing { halt, volumes: volumes(&desk.conn, today)? })
        })
        .await
    }

    /// The days since one that brought more letters than go by without a
    /// person's word.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn unusual_days(&self, unusual: Unusual, since: Date) -> Result<Vec<UnusualDay>, StoreError> {
        self.read("counting letters by day", move |desk| Ok(unusual_days(&desk.conn, unusual, since)?)).await
    }

    /// Asks the thread that writes, so that a store that can't be written, or
    /// that was replaced, is noticed before anything is planned.
    pub(super) async fn note_standing(
        &self,
        halt: Option<Halt>,
        down: Option<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_letters("noting the time", move |desk| {
            let conn = &desk.conn;
            let names = (halt.as_ref().map(Halt::name), down.as_ref().map(|_| MAIL_SERVER));
            conn.prepare_cached(
                "UPDATE troubles SET until = MAX(since, ?1) WHERE until IS NULL AND what IS NOT ?2 AND what IS NOT ?3",
            )?
            .execute(params![At(now), names.0, names.1])?;
            if let Some(halt) = &halt {
                begin_trouble(conn, halt.name(), "", halt.since(now))?;
            } else {
                // From the first heartbeat on, every copy knows that there is
                // a record beside the store, and that it lacks it.
                if let Some(witness) = &mut desk.witness {
                    witness.admit(conn)?;
                }
                conn.prepare_cached("UPDATE guard SET seen_at = ?1 WHERE seen_at IS NULL OR seen_at <= ?2")?
                    .execute([At(now), At(now - NOTED_EVERY)])?;
            }
            if let Some(why) = &down {
                begin_trouble(conn, MAIL_SERVER, why, now)?;
            }
            Ok(())
        })
        .await
    }
}

/// Notes a trouble, unless it lasts already.
fn begin_trouble(conn: &Connection, what: &str, detail: &str, since: Timestamp) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO troubles (what, since, detail)
         SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM troubles WHERE what = ?1 AND until IS NULL)
         ON CONFLICT DO UPDATE SET until = NULL",
    )?
    .execute(params![what, At(since), detail])
    .map(|_| ())
}

/// Why nothing leaves, if that is so.
pub(super) fn halt(
    conn: &Connection,
    path: Option<&Path>,
    guards: Guards,
    now: Timestamp,
) -> Result<Option<Halt>, Fault> {
    if let Some(path) = path
        && let Some(halt) = witness::halt(conn, &witness::path_of(path))?
    {
        return Ok(Some(halt));
    }
    let seen = seen_at(conn)?;
    if restored_at(conn)?.is_some() {
        return Ok(Some(Halt::Backup { seen }));
    }
    if let Some(seen) = seen {
        if now < seen - BACK_MAX {
            return Ok(Some(Halt::ClockBack { seen }));
        }
        if now.duration_since(seen) > SignedDuration::from_hours(24 * i64::from(guards.away_days)) {
            return Ok(Some(Halt::Away { seen }));
        }
    }
    let Some(path) = path else { return Ok(None) };
    let failed = |error: std::io::Error| StoreError::Failed {
        doing: "asking for the free space",
        cause: error.to_string(),
    };
    let free = disk::free_space(open::folder(path)).map_err(failed)?;
    Ok((free < guards.free_space).then_some(Halt::LowSpace { free, least: guards.free_space }))
}

/// Since when the mail server takes nothing, and why.
pub(super) fn mail_trouble(conn: &Connection) -> rusqlite::Result<Option<(Timestamp, String)>> {
    conn.prepare_cached("SELECT since, detail FROM troubles WHERE what = ?1 AND until IS NULL")?
        .query_row([MAIL_SERVER], |row| Ok((at(row, 0)?, row.get(1)?)))
        .optional()
}

/// The latest moment that was seen.
pub(super) fn seen_at(conn: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    conn.prepare_cached("SELECT seen_at FROM guard")?.query_row([], |row| at_opt(row, 0))
}

/// When the last backup was made.
pub(super) fn backed_up_at(conn: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    conn.prepare_cached("SELECT backed_up_at FROM guard")?.query_row([], |row| at_opt(row, 0))
}

/// When a backup was put in this store's place, until a person has looked.
fn restored_at(conn: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    conn.prepare_cached("SELECT restored_at FROM guard")?.query_row([], |row| at_opt(row, 0))
}

/// How many days back the busiest is looked for: what comes once a month, as
/// statements of account do, is no news however long the month was and
/// however many holidays began the next.
const LOOKED_BACK_DAYS: i32 = 45;

fn looked_back(from: Date) -> Date {
    from.saturating_sub(LOOKED_BACK_DAYS.days())
}

/// How many letters were queued today, and on the busiest day lately.
fn volumes(conn: &Connection, today: Date) -> Result<Volumes, Fault> {
    let mut statement = conn.prepare_cached("SELECT rule, letters FROM volumes WHERE day = ?1")?;
    let rows = statement.query_map([Day(today)], |row| {
        Ok((RuleName::from(row.get::<_, String>(0)?.as_str()), row.get(1)?))
    })?;
    let of_rules: BTreeMap<RuleName, u32> = rows.collect::<rusqlite::Result<_>>()?;
    let busiest = conn
        .prepare_cached(
            "SELECT COALESCE(MAX(letters), 0) FROM (
                 SELECT SUM(letters) AS letters FROM volumes WHERE day >= ?1 AND day < ?2 GROUP BY day)",
        )?
        .query_row([Day(looked_back(today)), Day(today)], |row| row.get(0))?;
    let allowed: Option<u32> = conn
        .prepare_cached("SELECT allowed FROM guard WHERE allowed_on = ?1")?
        .query_row([Day(today)], |row| row.get(0))
        .optional()?;
    let held = conn
        .prepare_cached(
            "SELECT COUNT(*) FROM letters INDEXED BY letters_parked
             WHERE state IN ('held', 'uncertain') AND state = 'held' AND reason LIKE ?1 || '%'",
        )?
        .query_row([UNUSUAL], |row| row.get(0))?;
    Ok(Volumes { of_rules, held, busiest, allowed: allowed.unwrap_or(0) })
}

fn unusual_days(conn: &Connection, unusual: Unusual, since: Date) -> rusqlite::Result<Vec<UnusualDay>> {
    let of_days: BTreeMap<Date, u32> = conn
        .prepare_cached("SELECT day, SUM(letters) FROM volumes WHERE day >= ?1 GROUP BY day")?
        .query_map([Day(looked_back(since))], |row| Ok((day(row, 0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let judged = of_days.range(since..).map(|(&day, &letters)| {
        let busiest = of_days.range(looked_back(day)..day).map(|(_, letters)| *letters).max();
        UnusualDay { day, letters, limit: unusual.limit(busiest.unwrap_or(0)) }
    });
    Ok(judged.filter(|day| day.letters > day.limit).collect())
}

/// Counts a letter that was queued.
pub(super) fn count(conn: &Connection, day: Date, rule: &str, letters: u32) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO volumes (day, rule, letters) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET letters = letters + excluded.letters",
    )?
    .execute(params![Day(day), rule, letters])
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_unusual_against_the_busiest_of_the_forty_five_before_it() {
        let conn = open::in_memory().expect("a store");
        let day = |text: &str| text.parse::<Date>().expect("a date");
        for (on, rule, letters) in [
            ("2026-03-02", "a", 300),
            ("2026-03-03", "a", 400),
            ("2026-03-03", "b", 300),
            ("2026-04-17", "a", 2_100),
            ("2026-04-18", "a", 1_001),
        ] {
            count(&conn, day(on), rule, letters).expect("counted");
        }
        let found =
            |times, since| unusual_days(&conn, Unusual { above: 600, times }, day(since)).expect("days");
        let one = |on, letters, limit| UnusualDay { day: day(on), letters, limit };
        let (third, late) = (one("2026-03-03", 700, 600), one("2026-04-17", 2_100, 1_400));
        assert_eq!(found(2, "2026-03-01"), [third, late]);
        assert_eq!(found(2, "2026-04-01"), [late], "what was before counts, and is not told");
        assert_eq!(found(3, "2026-03-01"), []);
    }
}
