//! Which rules are in force, and since when with which audience.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Deserialize;

use super::SqliteStore;
use super::news;
use super::rows::Fault;
use super::worker::Desk;
use crate::domain::filter::{Audience, Filter};
use crate::domain::ids::RuleName;
use crate::domain::rule::RuleSeen;
use crate::store::{Deed, RuleInForce, StoreError};

struct Known {
    fingerprint: String,
    audiences: Vec<(Audience, i64)>,
    in_force: bool,
}

/// Audiences as they were last read, by their text: the rules are asked for
/// at every heartbeat, and hardly ever change.
#[derive(Default, Debug)]
pub(super) struct Audiences(HashMap<String, Vec<(Audience, i64)>>);

impl Audiences {
    fn of(&mut self, text: String) -> Result<Vec<(Audience, i64)>, Fault> {
        if let Some(known) = self.0.get(&text) {
            return Ok(known.clone());
        }
        let stored: Vec<(Stored, i64)> =
            serde_json::from_str(&text).map_err(|error| Fault::odd(error.to_string()))?;
        let audiences: Vec<_> = stored.into_iter().map(|(stored, since)| (stored.into(), since)).collect();
        if self.0.len() >= AUDIENCES_MAX {
            self.0.clear();
        }
        self.0.insert(text, audiences.clone());
        Ok(audiences)
    }
}

/// So many texts are kept, which is far more than there are rules.
const AUDIENCES_MAX: usize = 1_000;

/// An audience as it is stored; it used to be the filter of `where` alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Whole(Box<Audience>),
    Where(Box<Filter>),
}

impl From<Stored> for Audience {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Whole(audience) => *audience,
            Stored::Where(r#where) => Self { r#where: *r#where, ..Self::default() },
        }
    }
}

/// Notes the rules; wakes everybody if they are not the ones of before.
/// Where nothing changed, nothing is written.
pub(super) fn see(
    desk: &mut Desk,
    rules: Vec<RuleInForce>,
    now: Timestamp,
) -> Result<BTreeMap<RuleName, RuleSeen>, Fault> {
    let mut known = read(desk)?;
    let conn = &desk.conn;
    let any_receivable: bool =
        conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM receivables)")?.query_row([], |row| row.get(0))?;
    let mut seen = BTreeMap::new();
    let mut changed = false;
    for rule in rules {
        let before = known.remove(rule.name.as_str());
        if before.is_none() && rule.needs_receivables && !any_receivable {
            continue;
        }
        let (audiences, different) = note(conn, &rule, before, now)?;
        changed |= different;
        seen.insert(rule.name, RuleSeen { audiences });
    }
    for (name, gone) in known {
        if gone.in_force {
            changed = true;
            conn.execute("UPDATE rules SET in_force = 0 WHERE name = ?1", [name])?;
        }
    }
    if changed {
        // The version too: a plan made by the rules of before is on its way.
        conn.execute("UPDATE relationships SET wake_at = 0, version = version + 1", [])?;
    }
    Ok(seen)
}

impl SqliteStore {
    /// What is known of the rules that are in force, without noting anything.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn rules_seen(&self) -> Result<BTreeMap<RuleName, RuleSeen>, StoreError> {
        self.read("reading which rules are in force", |desk| {
            let known = read(desk)?.into_iter().filter(|(_, known)| known.in_force);
            known.map(|(name, known)| Ok((name.as_str().into(), seen(known.audiences)?))).collect()
        })
        .await
    }

    /// Lets a rule write about what was reached before it was first seen;
    /// false where it was not in force yet.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn start_backlog(&self, rule: RuleName, now: Timestamp) -> Result<bool, StoreError> {
        self.write("starting a backlog", move |desk| {
            let started = start_backlog(desk, &rule)?;
            if started {
                news::note(&desk.conn, Deed::Backlog, (None, ""), rule.as_str(), now)?;
            }
            Ok(started)
        })
        .await
    }
}

fn start_backlog(desk: &mut Desk, rule: &RuleName) -> Result<bool, Fault> {
    let Some(known) = read(desk)?.remove(rule.as_str()).filter(|known| known.in_force) else {
        return Ok(false);
    };
    let Some((audience, _)) = known.audiences.into_iter().next_back() else { return Ok(false) };
    // As if it had always been in force.
    let text = serde_json::to_string(&[(audience, 0)]).map_err(|error| Fault::odd(error.to_string()))?;
    desk.conn.execute("UPDATE rules SET audiences = ?2 WHERE name = ?1", params![rule.as_str(), text])?;
    desk.conn.execute("UPDATE relationships SET wake_at = 0, version = version + 1", [])?;
    Ok(true)
}

/// No rule was first seen later than now, whatever a wrong clock said then:
/// it would leave alone what was reached until that day.
pub(super) fn none_later_than(desk: &mut Desk, now: Timestamp) -> Result<(), Fault> {
    let now = now.as_microsecond();
    for (name, known) in read(desk)? {
        if known.audiences.iter().any(|(_, at)| *at > now) {
            let audiences: Vec<_> =
                known.audiences.into_iter().map(|(audience, at)| (audience, at.min(now))).collect();
            let text = serde_json::to_string(&audiences).map_err(|error| Fault::odd(error.to_string()))?;
            desk.conn.execute("UPDATE rules SET audiences = ?2 WHERE name = ?1", params![name, text])?;
        }
    }
    Ok(())
}

fn read(desk: &mut Desk) -> Result<BTreeMap<String, Known>, Fault> {
    let Desk { conn, audiences, .. } = desk;
    let mut statement = conn.prepare_cached("SELECT name, fingerprint, audiences, in_force FROM rules")?;
    let mut rows = statement.query([])?;
    let mut known = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let audiences = audiences.of(row.get(2)?)?;
        known.insert(row.get(0)?, Known { fingerprint: row.get(1)?, audiences, in_force: row.get(3)? });
    }
    Ok(known)
}

/// Writes one rule down if it is not as before.
fn note(
    conn: &Connection,
    rule: &RuleInForce,
    before: Option<Known>,
    now: Timestamp,
) -> Result<(Vec<(Audience, Timestamp)>, bool), Fault> {
    // A rule that was taken out and put back begins anew: what was reached
    // meanwhile was not missed by it.
    let before = before.filter(|known| known.in_force);
    let same = before.as_ref().is_some_and(|known| known.fingerprint == rule.fingerprint);
    let mut audiences = before.map(|known| known.audiences).unwrap_or_default();
    let widened = audiences.last().is_none_or(|(audience, _)| *audience != rule.audience);
    if same && !widened {
        return Ok((seen(audiences)?.audiences, false));
    }
    if widened {
        audiences.push((rule.audience.clone(), now.as_microsecond()));
    }
    let text = serde_json::to_string(&audiences).map_err(|error| Fault::odd(error.to_string()))?;
    conn.execute(
        "INSERT INTO rules (name, fingerprint, audiences, in_force) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, audiences = excluded.audiences,
             in_force = 1",
        params![rule.name.as_str(), rule.fingerprint, text],
    )?;
    Ok((seen(audiences)?.audiences, true))
}

fn seen(audiences: Vec<(Audience, i64)>) -> Result<RuleSeen, Fault> {
    let audiences = audiences
        .into_iter()
        .map(|(audience, at)| Timestamp::from_microsecond(at).map(|at| (audience, at)))
        .collect::<Result<_, _>>()
        .map_err(|error| Fault::odd(error.to_string()))?;
    Ok(RuleSeen { audiences })
}
