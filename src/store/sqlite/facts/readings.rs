//! What was read before. A rehearsal reads the same relationships again and
//! again, and changes nothing but their letters; what a letter wrote, their
//! version tells.
//!
//! Invariant: whoever writes anything else drops the readings, and so does a
//! request whose writing is taken back. In every test what was read is
//! compared with what is there.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::super::rows::{Fault, Zones};
use super::{Entry, Oldest, Reading, Seats, ledger, read_anew};
use crate::domain::digest::OUR_OWN;
use crate::domain::facts::{Facts, Reach};

/// How many relationships are kept, some five kilobytes each.
const RELATIONSHIPS_MAX: usize = 100_000;

/// Facts by the key of their relationship.
#[derive(Debug, Default)]
pub(in super::super) struct Readings {
    /// The latest that was asked for: it goes on with the clock.
    reach: Option<Reach>,
    kept: HashMap<i64, Known>,
}

type Known = (Arc<Facts>, About);

/// What a reading holds for.
#[derive(Debug)]
struct About {
    version: i64,
    /// The keys of its customers, in their order.
    customers: Vec<i64>,
    oldest: Oldest,
    /// Whether its own version tells of every letter in it.
    is_own: bool,
}

impl About {
    /// Whether a reading that goes back so far would find as much.
    fn is_in(&self, reach: &Reach) -> bool {
        self.oldest.event >= reach.events_since && self.oldest.settled >= reach.settled_since
    }
}

impl Readings {
    /// Everything about these relationships, in their order; none stands
    /// there twice.
    pub(super) fn read(
        &mut self,
        conn: &Connection,
        zones: &Zones,
        entries: &[Entry],
        reach: &Reach,
    ) -> Result<Vec<Arc<Facts>>, Fault> {
        if self.reach.as_ref().is_some_and(|last| !last.covers(reach)) {
            self.kept.clear();
        }
        self.reach = Some(reach.clone());
        let mut fresh = self.refresh(conn, entries, reach)?;
        let is_unknown =
            |entry: &&Entry| !self.kept.contains_key(&entry.key) && !fresh.contains_key(&entry.key);
        let unknown: Vec<Entry> = entries.iter().filter(is_unknown).cloned().collect();
        fresh.extend(read_unknown(conn, zones, &unknown, reach)?);
        let mut page = Vec::with_capacity(entries.len());
        for entry in entries {
            let known = self.kept.get_mut(&entry.key).or_else(|| fresh.get_mut(&entry.key));
            let (facts, _) = known.ok_or_else(|| Fault::odd("a relationship was not read"))?;
            if facts.looked_at != entry.looked_at {
                Arc::make_mut(facts).looked_at = entry.looked_at;
            }
            page.push(Arc::clone(facts));
        }
        let room = RELATIONSHIPS_MAX.saturating_sub(self.kept.len());
        self.kept.extend(fresh.into_iter().filter(|(_, (_, about))| about.is_own).take(room));
        debug_assert!(is_true(conn, zones, entries, reach, &page), "what was read is not what is there");
        Ok(page)
    }

    /// Reads the letters of relationships again that have changed.
    fn refresh(
        &mut self,
        conn: &Connection,
        entries: &[Entry],
        reach: &Reach,
    ) -> Result<HashMap<i64, Known>, Fault> {
        let mut page = Vec::new();
        let mut rest = Vec::new();
        let mut seats = Seats::new();
        for entry in entries {
            let Some((facts, about)) = self.take_changed(entry, reach) else { continue };
            let mut facts = Arc::unwrap_or_clone(facts);
            for customer in &mut facts.customers {
                customer.notices.clear();
                customer.expired.clear();
            }
            seats.extend(about.customers.iter().enumerate().map(|(seat, key)| (*key, (page.len(), seat))));
            page.push(facts);
            rest.push((entry.key, About { version: entry.version, ..about }));
        }
        if page.is_empty() {
            return Ok(HashMap::new());
        }
        for place in ledger::read(conn, &seats, &mut page)? {
            rest[place].1.is_own = false;
        }
        let read = page.into_iter().zip(rest);
        Ok(read.map(|(facts, (key, about))| (key, (Arc::new(facts), about))).collect())
    }

    /// Takes out what is no longer so, if its letters alone are to be read
    /// again.
    fn take_changed(&mut self, entry: &Entry, reach: &Reach) -> Option<Known> {
        let (_, about) = self.kept.get(&entry.key)?;
        let is_in = about.is_in(reach);
        if is_in && about.version == entry.version {
            return None;
        }
        self.kept.remove(&entry.key).filter(|_| is_in)
    }
}

fn read_unknown(
    conn: &Connection,
    zones: &Zones,
    entries: &[Entry],
    reach: &Reach,
) -> Result<Vec<(i64, Known)>, Fault> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let Reading { page, seats, oldest, borrowed } = read_anew(conn, zones, entries, reach)?;
    let about = |(entry, (facts, oldest)): (&Entry, (&Facts, Oldest))| About {
        version: entry.version,
        customers: vec![0; facts.customers.len()],
        oldest,
        // Digests tell of everybody.
        is_own: entry.name.as_str() != OUR_OWN,
    };
    let mut rest: Vec<About> = entries.iter().zip(page.iter().zip(oldest)).map(about).collect();
    for (key, (place, seat)) in seats {
        rest[place].customers[seat] = key;
    }
    for place in borrowed {
        rest[place].is_own = false;
    }
    let read = entries.iter().zip(page.into_iter().zip(rest));
    Ok(read.map(|(entry, (facts, about))| (entry.key, (Arc::new(facts), about))).collect())
}

/// Whether a reading says the same.
fn is_true(conn: &Connection, zones: &Zones, entries: &[Entry], reach: &Reach, page: &[Arc<Facts>]) -> bool {
    // What can't be read is another trouble.
    let Ok(anew) = read_anew(conn, zones, entries, reach) else { return true };
    anew.page.iter().eq(page.iter().map(Arc::as_ref))
}
