//! Queueing: from plans to letters that wait.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::super::facts;
use super::super::rows::{At, Fault};
use super::super::worker::Desk;
use super::super::{drafts, findings, guard, people};
use super::civil_day;
use crate::domain::ids::{LetterId, Relationship};
use crate::domain::notice::{Draft, LetterState};
use crate::domain::plan::Plan;
use crate::store::{Enqueued, StoreError};

/// Key and version of the relationships whose facts were handed out to be
/// planned, until their plans come back.
pub(in super::super) type HandedOut = HashMap<Relationship, (i64, i64)>;

/// How a new letter begins.
pub(in super::super) enum Entry {
    /// It waits for its moment, or for a person's approval.
    Queued,
    /// It waits for a person, for this reason.
    Held(String),
}

/// Queues the letters of plans, and notes when to look again where nothing
/// was written since.
pub(in super::super) fn enqueue(
    desk: &mut Desk,
    plans: &[Plan],
    entry: &Entry,
    read: &HandedOut,
    now: Timestamp,
) -> Result<Enqueued, Fault> {
    let mut enqueued = Enqueued::default();
    let mut findings = BTreeMap::new();
    for plan in plans {
        let found = facts::by_name(&desk.conn, &plan.relationship)?;
        findings.extend(found.map(|(key, _)| (key, plan.findings.as_slice())));
        let unchanged = found.filter(|found| read.get(&plan.relationship) == Some(found));
        for draft in &plan.letters {
            let queued = queue(desk, draft, entry, now)?;
            enqueued.letters.extend(queued);
            enqueued.to_approve.extend(queued.filter(|_| draft.approve));
        }
        // The letters just queued count as no change: the plan knows them.
        match (unchanged, found) {
            (Some((key, _)), _) => desk
                .conn
                .prepare_cached("UPDATE relationships SET wake_at = ?2, looked_at = ?3 WHERE key = ?1")?
                .execute(params![key, plan.wake_at.map(At), At(now)])?,
            (None, Some((key, _))) => desk
                .conn
                .prepare_cached("UPDATE relationships SET wake_at = 0 WHERE key = ?1 AND wake_at IS NOT 0")?
                .execute([key])?,
            (None, None) => 0,
        };
    }
    enqueued.found = findings::keep(&desk.conn, &findings, now)?;
    Ok(enqueued)
}

/// Notes when to look again where nothing was written since, and nothing else:
/// when it was looked at last stays as it is.
pub(in super::super) fn postpone(
    conn: &Connection,
    until: &[(Relationship, Timestamp)],
    read: &HandedOut,
) -> rusqlite::Result<()> {
    let mut statement =
        conn.prepare_cached("UPDATE relationships SET wake_at = ?3 WHERE key = ?1 AND version = ?2")?;
    for (name, at) in until {
        if let Some((key, version)) = read.get(name) {
            statement.execute(params![key, version, At(*at)])?;
        }
    }
    Ok(())
}

/// Queues one letter, unless one of its notices is taken.
fn queue(desk: &mut Desk, draft: &Draft, entry: &Entry, now: Timestamp) -> Result<Option<LetterId>, Fault> {
    for line in &draft.lines {
        if drafts::is_taken(&desk.conn, &line.key, None)? {
            return Ok(None);
        }
    }
    let (customer, zone) = match &draft.customer {
        Some(id) => {
            let found = people::find(&desk.conn, id.as_str())?;
            found
                .map(|(key, zone)| (Some(key), zone))
                .ok_or_else(|| StoreError::NotFound(format!("no customer `{id}`")))?
        }
        None => (None, None),
    };
    let (state, reason) = match entry {
        Entry::Queued | Entry::Held(_) if draft.approve => (LetterState::Held, "approval"),
        Entry::Queued => (LetterState::Queued, ""),
        Entry::Held(why) => (LetterState::Held, why.as_str()),
    };
    // What is held for being too many is counted when it may go.
    if matches!(entry, Entry::Queued) {
        let today = civil_day(desk, None, now);
        guard::count(&desk.conn, today, draft.rule.as_str(), 1)?;
    }
    let day = civil_day(desk, zone.as_deref(), draft.not_before);
    let start = drafts::Start { customer, state, reason, day, now };
    drafts::insert(&desk.conn, draft, &start).map(Some)
}
