//! How much there is of what, for whoever asks what state the installation
//! is in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::facts::payments_read_at;
use super::people::listed;
use super::rows::{At, Fault, from_sql, word};
use super::{SqliteStore, guard, open};
use crate::domain::halt::Halt;
use crate::domain::ids::RuleName;
use crate::domain::notice::LetterState;
use crate::domain::settings::Guards;
use crate::store::StoreError;

/// How much there is of what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overview {
    /// Why nothing leaves at all, if that is so.
    pub halt: Option<Halt>,
    /// All customers.
    pub customers: u64,
    /// Receivables that are not over.
    pub open_receivables: u64,
    /// When payments were last read.
    pub payments_read_at: Option<Timestamp>,
    /// How many letters of each rule are in each state that has any.
    pub of_rules: BTreeMap<RuleName, BTreeMap<LetterState, u64>>,
    /// When the last letter left.
    pub last_sent_at: Option<Timestamp>,
    /// When the letter is or was due that is to leave next.
    pub oldest_due_at: Option<Timestamp>,
    /// When the daemon looked last.
    pub seen_at: Option<Timestamp>,
    /// When the last backup was made.
    pub backed_up_at: Option<Timestamp>,
    /// Since when the mail server takes nothing, and why, as it was seen last.
    pub mail_trouble: Option<(Timestamp, String)>,
}

impl Overview {
    /// How many letters are in a state.
    #[must_use]
    pub fn letters(&self, state: LetterState) -> u64 {
        self.of_rules.values().filter_map(|letters| letters.get(&state)).sum()
    }

    /// How many letters of each rule wait to be sent, by themselves or by a
    /// person.
    #[must_use]
    pub fn waiting(&self) -> BTreeMap<RuleName, u64> {
        waiting_of(&self.of_rules)
    }
}

fn waiting_of(of_rules: &BTreeMap<RuleName, BTreeMap<LetterState, u64>>) -> BTreeMap<RuleName, u64> {
    let count = |letters: &BTreeMap<LetterState, u64>| -> u64 {
        letters.iter().filter(|(state, _)| state.is_waiting()).map(|(_, count)| count).sum()
    };
    of_rules
        .iter()
        .map(|(rule, letters)| (rule.clone(), count(letters)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// The words that customers and events are described by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Vocabulary {
    /// Segments of customers.
    pub segments: BTreeSet<String>,
    /// Tags of customers.
    pub tags: BTreeSet<String>,
    /// Names and addresses of owners.
    pub owners: BTreeSet<String>,
    /// Products of events.
    pub products: BTreeSet<String>,
    /// Names of attributes.
    pub attributes: BTreeSet<String>,
    /// How many customers read each language.
    pub locales: BTreeMap<String, u64>,
}

impl SqliteStore {
    /// Looks into a store without making, migrating or changing anything:
    /// how much there is of what.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn overview(file: &Path, guards: Guards, now: Timestamp) -> Result<Overview, StoreError> {
        count(&open::to_look_at(file)?, file, guards, now)
    }

    /// The same for a store that this process uses already: it is not read
    /// through for damage again, which costs as much as all the counting.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn overview_again(file: &Path, guards: Guards, now: Timestamp) -> Result<Overview, StoreError> {
        count(&open::read_only(file)?, file, guards, now)
    }

    /// Looks in the same way: the words that customers and events are described by.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn vocabulary(file: &Path) -> Result<Vocabulary, StoreError> {
        vocabulary(&open::to_look_at(file)?).map_err(|error| from_sql("looking into the store", &error))
    }
}

fn count(conn: &Connection, file: &Path, guards: Guards, now: Timestamp) -> Result<Overview, StoreError> {
    let look = || {
        // A store of an older version has no guards until it is brought up to date.
        let looked = overview(conn)?;
        if !open::is_current(conn)? {
            return Ok(looked);
        }
        Ok(Overview {
            halt: guard::halt(conn, Some(file), guards, now)?,
            seen_at: guard::seen_at(conn)?,
            backed_up_at: guard::backed_up_at(conn)?,
            mail_trouble: guard::mail_trouble(conn)?,
            ..looked
        })
    };
    look().map_err(|fault: Fault| fault.into_error("looking into the store"))
}

fn overview(conn: &Connection) -> Result<Overview, Fault> {
    let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    let oldest_due: Option<At> = conn.query_row(
        "SELECT MIN(next_attempt_at) FROM letters WHERE state IN ('queued', 'retry')",
        [],
        |row| row.get(0),
    )?;
    let last_sent: Option<At> =
        conn.query_row("SELECT MAX(finished_at) FROM letters WHERE state = 'sent'", [], |row| row.get(0))?;
    Ok(Overview {
        halt: None,
        customers: count("SELECT COUNT(*) FROM customers")?,
        open_receivables: count(
            "SELECT COUNT(*) FROM receivables WHERE reach_on = '9999-12-31' AND kind <> 'credit_note'",
        )?,
        payments_read_at: payments_read_at(conn)?,
        of_rules: of_rules(conn, "SELECT rule, state, COUNT(*) FROM letters GROUP BY 1, 2")?,
        last_sent_at: last_sent.map(|at| at.0),
        oldest_due_at: oldest_due.map(|at| at.0),
        seen_at: None,
        backed_up_at: None,
        mail_trouble: None,
    })
}

/// Letters by rule and state, as a query counts them.
fn of_rules(conn: &Connection, sql: &str) -> Result<BTreeMap<RuleName, BTreeMap<LetterState, u64>>, Fault> {
    let mut counted: BTreeMap<RuleName, BTreeMap<LetterState, u64>> = BTreeMap::new();
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (rule, number): (String, i64) = (row.get(0)?, row.get(2)?);
        let state = word(row, 1, LetterState::from_word)?;
        counted.entry(rule.as_str().into()).or_default().insert(state, number.unsigned_abs());
    }
    Ok(counted)
}

/// How many letters wait, by rule. Of states that end nothing is counted, so
/// that it takes no longer with the years.
pub(super) fn waiting(conn: &Connection) -> Result<BTreeMap<RuleName, u64>, Fault> {
    let waiting = of_rules(
        conn,
        "SELECT rule, state, COUNT(*) FROM (
             SELECT rule, state FROM letters WHERE state IN ('queued', 'retry')
             UNION ALL SELECT rule, state FROM letters INDEXED BY letters_parked
             WHERE state IN ('held', 'uncertain') AND state = 'held')
         GROUP BY 1, 2",
    )?;
    Ok(waiting_of(&waiting))
}

fn vocabulary(conn: &Connection) -> rusqlite::Result<Vocabulary> {
    let words = |sql: &str| {
        conn.prepare_cached(sql)?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<BTreeSet<String>>>()
    };
    let tags = words("SELECT DISTINCT tags FROM customers WHERE tags IS NOT NULL")?;
    let locales = conn
        .prepare_cached("SELECT locale, COUNT(*) FROM customers WHERE locale IS NOT NULL GROUP BY 1")?
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Vocabulary {
        segments: words("SELECT DISTINCT segment FROM customers WHERE segment IS NOT NULL")?,
        tags: tags.iter().flat_map(|tags| listed(Some(tags))).map(str::to_owned).collect(),
        owners: words(
            "SELECT owner_name FROM customers WHERE owner_name IS NOT NULL
             UNION SELECT owner_email FROM customers WHERE owner_email IS NOT NULL",
        )?,
        products: words("SELECT DISTINCT product FROM events WHERE product IS NOT NULL")?,
        attributes: words(
            "SELECT DISTINCT e.key FROM customers AS c, json_each(c.attributes) AS e WHERE c.attributes IS NOT NULL",
        )?,
        locales,
    })
}
