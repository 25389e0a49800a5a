//! What was read before. A rehearsal reads the same relationships again and
//! again, and changes nothing but their letters; what a letter wrote, their
//! version tells.
//!
//! Invariant: whoever writes anything else calls [`Remembered::forget`], and
//! so does a request whose writing is taken back.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::super::rows::{Fault, Zones};
use super::{Entry, Seats, ledger, read_anew};
use crate::domain::digest::OUR_OWN;
use crate::domain::facts::{Facts, Reach};

/// How many relationships are remembered, some five kilobytes each.
const RELATIONSHIPS_MAX: usize = 100_000;

/// Facts by the key of their relationship.
#[derive(Debug, Default)]
pub(in super::super) struct Remembered {
    /// How far back they go: what was in reach stays, and tells rules nothing.
    reach: Option<Reach>,
    known: HashMap<i64, Known>,
}

#[derive(Debug)]
struct Known {
    version: i64,
    facts: Arc<Facts>,
    /// The keys of its customers, in their order.
    customers: Vec<i64>,
}

impl Remembered {
    /// Lets go of everything.
    pub(in super::super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Everything about these relationships, in their order.
    pub(super) fn read(
        &mut self,
        conn: &Connection,
        zones: &Zones,
        entries: &[Entry],
        reach: &Reach,
    ) -> Result<Vec<Arc<Facts>>, Fault> {
        let reach = match &self.reach {
            Some(known) if known.covers(reach) => {
                Reach { digests: Arc::clone(&reach.digests), ..known.clone() }
            }
            _ => {
                self.forget();
                self.reach = Some(reach.clone());
                reach.clone()
            }
        };
        self.refresh(conn, entries)?;
        let new: Vec<Entry> =
            entries.iter().filter(|entry| !self.known.contains_key(&entry.key)).cloned().collect();
        let mut read = read_new(conn, zones, &new, &reach)?.into_iter();
        let mut page = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(known) = self.known.get_mut(&entry.key) {
                if known.facts.looked_at != entry.looked_at {
                    Arc::make_mut(&mut known.facts).looked_at = entry.looked_at;
                }
                page.push(Arc::clone(&known.facts));
            } else if let Some(known) = read.next() {
                page.push(Arc::clone(&known.facts));
                // Digests tell of everybody.
                if entry.name.as_str() != OUR_OWN && self.known.len() < RELATIONSHIPS_MAX {
                    self.known.insert(entry.key, known);
                }
            }
        }
        debug_assert!(is_true(conn, zones, entries, &reach, &page), "what is remembered is what is there");
        Ok(page)
    }

    /// Reads the letters of relationships again that have changed.
    fn refresh(&mut self, conn: &Connection, entries: &[Entry]) -> Result<(), Fault> {
        let mut seats = Seats::new();
        let mut page = Vec::new();
        let mut rest = Vec::new();
        for entry in entries {
            let Some(known) = self.take_changed(entry) else { continue };
            let place = page.len();
            let mut facts = Arc::unwrap_or_clone(known.facts);
            for customer in &mut facts.customers {
                customer.notices.clear();
                customer.expired.clear();
            }
            seats.extend(known.customers.iter().enumerate().map(|(seat, key)| (*key, (place, seat))));
            page.push(facts);
            rest.push((entry, known.customers));
        }
        if page.is_empty() {
            return Ok(());
        }
        ledger::read(conn, &seats, &mut page)?;
        for ((entry, customers), facts) in rest.into_iter().zip(page) {
            let known = Known { version: entry.version, facts: Arc::new(facts), customers };
            self.known.insert(entry.key, known);
        }
        Ok(())
    }

    fn take_changed(&mut self, entry: &Entry) -> Option<Known> {
        let known = self.known.get(&entry.key)?;
        if known.version == entry.version { None } else { self.known.remove(&entry.key) }
    }
}

fn read_new(conn: &Connection, zones: &Zones, entries: &[Entry], reach: &Reach) -> Result<Vec<Known>, Fault> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let (page, seats) = read_anew(conn, zones, entries, reach)?;
    let mut customers: Vec<Vec<i64>> = page.iter().map(|facts| vec![0; facts.customers.len()]).collect();
    for (key, (place, seat)) in seats {
        customers[place][seat] = key;
    }
    let read = page.into_iter().zip(customers).zip(entries);
    Ok(read
        .map(|((facts, customers), entry)| Known {
            version: entry.version,
            facts: Arc::new(facts),
            customers,
        })
        .collect())
}

/// Whether a reading says the same; asked wherever tests rehearse.
fn is_true(conn: &Connection, zones: &Zones, entries: &[Entry], reach: &Reach, page: &[Arc<Facts>]) -> bool {
    read_anew(conn, zones, entries, reach).is_ok_and(|(anew, _)| anew.iter().eq(page.iter().map(Arc::as_ref)))
}
