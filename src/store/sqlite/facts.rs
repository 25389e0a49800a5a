//! Reading the facts of whole relationships: a handful of statements per
//! page, each by index, put together in memory.

mod digests;
mod ledger;
mod pauses;
mod readings;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(super) use self::digests::Only;
pub(super) use self::ledger::{budget_from_word, budget_word, classes_from_word, classes_word, notice_key};
pub(super) use self::readings::Readings;
use super::people;
use super::rows::{At, Day, Fault, Zones, at, at_opt, day, day_opt, word, word_opt};
use super::worker::Desk;
use crate::domain::customer::Customer;
use crate::domain::digest::OUR_OWN;
use crate::domain::event::{Event, EventOutcome};
use crate::domain::facts::{CustomerFacts, Facts, Reach};
use crate::domain::ids::{CustomerId, EventId, ReceivableId, Relationship};
use crate::domain::money::{Currency, Money};
use crate::domain::receivable::{Kind, Payment, Receivable, Status};

/// A relationship to be read.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: i64,
    pub(super) name: Relationship,
    pub(super) looked_at: Option<Timestamp>,
    pub(super) version: i64,
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        key: row.get(0)?,
        name: Relationship::new(row.get::<_, Box<str>>(1)?),
        looked_at: at_opt(row, 2)?,
        version: row.get(3)?,
    })
}

/// The next relationships whose time has come. Few are found by that time
/// and sorted; many (the first pass, changed rules) by their names in order,
/// so that a page never sorts everything.
pub(super) fn due(
    conn: &Connection,
    now: Timestamp,
    after: Option<&Relationship>,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let many = limit.saturating_mul(4);
    let due: i64 = conn
        .prepare_cached(
            "SELECT COUNT(*) FROM (SELECT 1 FROM relationships INDEXED BY relationships_due
             WHERE wake_at <= ?1 LIMIT ?2)",
        )?
        .query_row(params![At(now), many], |row| row.get(0))?;
    let sql = if due < many {
        "SELECT key, name, looked_at, version FROM relationships INDEXED BY relationships_due
         WHERE wake_at <= ?1 AND +name > ?2 ORDER BY +name LIMIT ?3"
    } else {
        "SELECT key, name, looked_at, version FROM relationships
         WHERE +wake_at <= ?1 AND name > ?2 ORDER BY name LIMIT ?3"
    };
    // No name is empty, so that every one is greater.
    let after = after.map_or("", Relationship::as_str);
    conn.prepare_cached(sql)?.query_map(params![At(now), after, limit], entry)?.collect()
}

/// The relationship that a customer belongs to.
pub(super) fn of_customer(conn: &Connection, customer: i64) -> rusqlite::Result<Entry> {
    conn.prepare_cached(
        "SELECT r.key, r.name, r.looked_at, r.version FROM customers AS c
         JOIN relationships AS r ON r.key = c.relationship WHERE c.key = ?1",
    )?
    .query_row([customer], entry)
}

/// The key and version of a relationship by its name.
pub(super) fn by_name(conn: &Connection, name: &Relationship) -> rusqlite::Result<Option<(i64, i64)>> {
    conn.prepare_cached("SELECT key, version FROM relationships WHERE name = ?1")?
        .query_row([name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Where a customer stands in the page.
type Seats = HashMap<i64, (usize, usize)>;

/// Everything about these relationships, in their order.
pub(super) fn read(desk: &mut Desk, entries: &[Entry], reach: &Reach) -> Result<Vec<Arc<Facts>>, Fault> {
    let Desk { conn, zones, readings, .. } = desk;
    match readings {
        Some(readings) => readings.read(conn, zones, entries, reach),
        None => Ok(read_anew(conn, zones, entries, reach)?.page.into_iter().map(Arc::new).collect()),
    }
}

/// A page as it was read.
struct Reading {
    page: Vec<Facts>,
    seats: Seats,
    /// For each place, the oldest thing in it that a later reach leaves out.
    oldest: Vec<Oldest>,
    /// Places whose notices hang on letters to others.
    borrowed: Vec<usize>,
}

/// The oldest of the events, and of the days until which receivables are in
/// reach.
#[derive(Clone, Copy, Debug)]
struct Oldest {
    event: Timestamp,
    settled: Date,
}

fn read_anew(conn: &Connection, zones: &Zones, entries: &[Entry], reach: &Reach) -> Result<Reading, Fault> {
    let payments_read_at = payments_read_at(conn)?;
    let mut page: Vec<Facts> = entries
        .iter()
        .map(|entry| Facts {
            relationship: entry.name.clone(),
            looked_at: entry.looked_at,
            customers: Vec::new(),
            suppressions: Vec::new(),
            payments_read_at,
            digests: Vec::new(),
        })
        .collect();
    let mut watched = Vec::new();
    let seats = read_customers(conn, zones, entries, &mut page, &mut watched)?;
    let customers = keys_of(&seats);
    let mut oldest = vec![Oldest { event: Timestamp::MAX, settled: Date::MAX }; page.len()];
    let items = read_receivables(conn, &customers, reach, &seats, (&mut page, &mut oldest), &mut watched)?;
    read_payments(conn, &customers, reach, &items, &mut page)?;
    read_on_account(conn, &customers, &seats, &mut page)?;
    read_events(conn, &customers, reach, &seats, (&mut page, &mut oldest))?;
    pauses::read(conn, &customers, &seats, &items, &mut page)?;
    pauses::read_promises(conn, &customers, &items, &mut page)?;
    pauses::read_acknowledgements(conn, &customers, &seats, &items, &mut page)?;
    ledger::read_suppressions(conn, watched, &mut page)?;
    for facts in page.iter_mut().filter(|facts| facts.relationship.as_str() == OUR_OWN) {
        facts.digests = digests::read(conn, zones, &reach.digests, None)?;
    }
    page.iter_mut().for_each(in_order);
    let borrowed = ledger::read(conn, &seats, &mut page)?;
    Ok(Reading { page, seats, oldest, borrowed })
}

/// What one of our own people is to be told, and nothing else.
pub(super) fn of_our_own(
    conn: &Connection,
    zones: &Zones,
    only: &Only,
    reach: &Reach,
) -> Result<Facts, Fault> {
    Ok(Facts {
        relationship: OUR_OWN.into(),
        looked_at: None,
        customers: Vec::new(),
        suppressions: Vec::new(),
        payments_read_at: None,
        digests: digests::read(conn, zones, &reach.digests, Some(only))?,
    })
}

/// When payments were last read from the business's books.
pub(super) fn payments_read_at(conn: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    conn.prepare_cached("SELECT MAX(at) FROM imports WHERE kind = 'payments' AND bad = 0")?
        .query_row([], |row| at_opt(row, 0))
}

/// The keys of customers as a JSON list, in order, so that each index is
/// walked in one direction.
fn keys_of(seats: &Seats) -> String {
    let mut customers: Vec<i64> = seats.keys().copied().collect();
    customers.sort_unstable();
    list(customers.into_iter())
}

/// A JSON list of keys, which `json_each` makes a table of.
fn list(keys: impl Iterator<Item = i64>) -> String {
    let mut text = String::from("[");
    for (index, key) in keys.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&key.to_string());
    }
    text.push(']');
    text
}

fn in_order(facts: &mut Facts) {
    for customer in &mut facts.customers {
        customer.receivables.sort_by(|a, b| (a.due_on, &a.id).cmp(&(b.due_on, &b.id)));
        for item in &mut customer.receivables {
            item.payments.sort_by(|a, b| (a.received_on, &a.id).cmp(&(b.received_on, &b.id)));
        }
        customer.on_account.sort_by(|a, b| (a.received_on, &a.id).cmp(&(b.received_on, &b.id)));
        customer.events.sort_by(|a, b| (a.occurred_at, &a.id).cmp(&(b.occurred_at, &b.id)));
    }
}

/// The customers of the page, in order of their ids.
fn read_customers(
    conn: &Connection,
    zones: &Zones,
    entries: &[Entry],
    page: &mut [Facts],
    watched: &mut Vec<(String, usize)>,
) -> Result<Seats, Fault> {
    let places: HashMap<i64, usize> =
        entries.iter().enumerate().map(|(index, entry)| (entry.key, index)).collect();
    let mut found: BTreeMap<(usize, CustomerId), (i64, Customer)> = BTreeMap::new();
    let mut statement = conn.prepare_cached(people::SELECT_CUSTOMERS)?;
    let mut rows = statement.query([list(entries.iter().map(|entry| entry.key))])?;
    while let Some(row) = rows.next()? {
        let (key, relationship): (i64, i64) = (row.get(0)?, row.get(1)?);
        let Some(&place) = places.get(&relationship) else { continue };
        let customer = people::customer(row, zones)?;
        let addresses = customer.address.iter().chain(&customer.cc);
        let owner = customer.owner.iter().map(|owner| &owner.address);
        watched.extend(addresses.chain(owner).map(|address| (address.folded(), place)));
        found.insert((place, customer.id.clone()), (key, customer));
    }
    let mut seats = Seats::with_capacity(found.len());
    for ((place, _), (key, customer)) in found {
        seats.insert(key, (place, page[place].customers.len()));
        page[place].customers.push(CustomerFacts {
            customer,
            receivables: Vec::new(),
            on_account: Vec::new(),
            events: Vec::new(),
            pauses: Vec::new(),
            notices: Vec::new(),
            expired: Vec::new(),
        });
    }
    Ok(seats)
}

/// Where a receivable stands in the page.
type Items = HashMap<i64, (usize, usize, usize)>;

fn read_receivables(
    conn: &Connection,
    customers: &str,
    reach: &Reach,
    seats: &Seats,
    (page, oldest): (&mut [Facts], &mut [Oldest]),
    watched: &mut Vec<(String, usize)>,
) -> Result<Items, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT r.key, r.customer, r.id, r.kind, r.status, r.amount, r.currency, r.due_on, r.round_on,
                r.postponements, r.number, r.issued_on, r.contract, r.description, r.guarantor_name,
                r.guarantor_email, r.limitation_on, r.pay_url, r.attachment, r.first_seen, r.closed_on, r.reach_on
         FROM json_each(?1) AS page CROSS JOIN receivables AS r
         WHERE r.customer = page.value AND r.reach_on >= ?2",
    )?;
    let mut rows = statement.query(params![customers, Day(reach.settled_since)])?;
    let mut items = Items::new();
    while let Some(row) = rows.next()? {
        let (key, customer): (i64, i64) = (row.get(0)?, row.get(1)?);
        let Some(&(place, seat)) = seats.get(&customer) else { continue };
        let item = receivable(row)?;
        oldest[place].settled = oldest[place].settled.min(day(row, 21)?);
        watched.extend(item.guarantor.iter().map(|person| (person.address.folded(), place)));
        let shelf = &mut page[place].customers[seat].receivables;
        items.insert(key, (place, seat, shelf.len()));
        shelf.push(item);
    }
    Ok(items)
}

/// A receivable from the columns above, without payments and pauses.
pub(super) fn receivable(row: &Row<'_>) -> rusqlite::Result<Receivable> {
    let status = word(row, 4, Status::from_word)?;
    Ok(Receivable {
        id: ReceivableId::new(row.get::<_, Box<str>>(2)?),
        kind: word(row, 3, Kind::from_word)?,
        status,
        amount: money(row, 5)?,
        due_on: day(row, 7)?,
        round_on: day(row, 8)?,
        postponements: row.get(9)?,
        number: row.get(10)?,
        issued_on: day_opt(row, 11)?,
        contract: row.get(12)?,
        description: row.get(13)?,
        guarantor: people::person(row.get(14)?, row.get(15)?),
        limitation_on: day_opt(row, 16)?,
        pay_url: row.get(17)?,
        attachment: row.get(18)?,
        first_seen: at(row, 19)?,
        closed_on: day_opt(row, 20)?,
        payments: Vec::new(),
        pauses: Vec::new(),
        promises: Vec::new(),
        acknowledged_on: Vec::new(),
    })
}

/// An amount and, in the next column, its currency.
pub(super) fn money(row: &Row<'_>, index: usize) -> rusqlite::Result<Money> {
    let currency: Currency = word(row, index + 1, |code| code.parse().ok())?;
    let amount = word(row, index, |text| text.parse().ok())?;
    Ok(Money { amount, currency })
}

fn payment(row: &Row<'_>) -> rusqlite::Result<Payment> {
    Ok(Payment {
        id: row.get::<_, String>(1)?.as_str().into(),
        amount: money(row, 2)?,
        received_on: day(row, 4)?,
    })
}

fn read_payments(
    conn: &Connection,
    customers: &str,
    reach: &Reach,
    items: &Items,
    page: &mut [Facts],
) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT p.receivable, p.id, p.amount, p.currency, p.received_on
         FROM json_each(?1) AS page CROSS JOIN receivables AS r CROSS JOIN payments AS p
         WHERE r.customer = page.value AND r.reach_on >= ?2 AND p.receivable = r.key",
    )?;
    let mut rows = statement.query(params![customers, Day(reach.settled_since)])?;
    while let Some(row) = rows.next()? {
        if let Some(&(place, seat, item)) = items.get(&row.get(0)?) {
            page[place].customers[seat].receivables[item].payments.push(payment(row)?);
        }
    }
    Ok(())
}

fn read_on_account(
    conn: &Connection,
    customers: &str,
    seats: &Seats,
    page: &mut [Facts],
) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT p.customer, p.id, p.amount, p.currency, p.received_on
         FROM json_each(?1) AS page CROSS JOIN payments AS p INDEXED BY payments_on_account
         WHERE p.customer = page.value AND p.receivable IS NULL",
    )?;
    let mut rows = statement.query([customers])?;
    while let Some(row) = rows.next()? {
        if let Some(&(place, seat)) = seats.get(&row.get(0)?) {
            page[place].customers[seat].on_account.push(payment(row)?);
        }
    }
    Ok(())
}

fn read_events(
    conn: &Connection,
    customers: &str,
    reach: &Reach,
    seats: &Seats,
    (page, oldest): (&mut [Facts], &mut [Oldest]),
) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT e.customer, e.id, e.kind, e.occurred_at, e.outcome, e.product, e.note
         FROM json_each(?1) AS page CROSS JOIN events AS e INDEXED BY events_in_reach
         WHERE e.customer = page.value AND e.occurred_at >= ?2",
    )?;
    let mut rows = statement.query(params![customers, At(reach.events_since)])?;
    while let Some(row) = rows.next()? {
        if let Some(&(place, seat)) = seats.get(&row.get(0)?) {
            let occurred_at = at(row, 3)?;
            oldest[place].event = oldest[place].event.min(occurred_at);
            page[place].customers[seat].events.push(Event {
                id: EventId::new(row.get::<_, Box<str>>(1)?),
                kind: row.get(2)?,
                occurred_at,
                outcome: word_opt(row, 4, EventOutcome::from_word)?,
                product: row.get(5)?,
                note: row.get(6)?,
            });
        }
    }
    Ok(())
}

/// The last day on which something is still open is never.
pub(super) const ALWAYS_IN_REACH: Day = Day(Date::constant(9999, 12, 31));
