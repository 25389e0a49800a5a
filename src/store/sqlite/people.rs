//! Customers as rows, and the relationship each belongs to.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::rows::{Day, Zones, at_opt};
use crate::domain::address::Address;
use crate::domain::customer::{Customer, Person};
use crate::domain::ids::CustomerId;
use crate::store::Payers;

/// The customers of a JSON list of relationship keys.
pub(super) const SELECT_CUSTOMERS: &str = "
    SELECT c.key, c.relationship, c.id, c.name, c.email, c.contact_name, c.greeting, c.cc, c.locale, c.country,
           c.timezone, c.segment, c.tags, c.owner_name, c.owner_email, c.attributes, c.blocked,
           (SELECT COUNT(*) FROM events AS e INDEXED BY events_purchases
            WHERE e.customer = c.key AND e.kind = 'purchase'), c.forgotten_at
    FROM json_each(?1) AS page CROSS JOIN customers AS c INDEXED BY customers_of_relationship
    WHERE c.relationship = page.value";

/// A customer from the columns above.
pub(super) fn customer(row: &Row<'_>, zones: &Zones) -> rusqlite::Result<Customer> {
    let email: Option<&str> = row.get_ref(4)?.as_str_or_null()?;
    let zone: Option<&str> = row.get_ref(10)?.as_str_or_null()?;
    Ok(Customer {
        id: CustomerId::new(row.get::<_, Box<str>>(2)?),
        name: row.get(3)?,
        address: Address::parse(email.unwrap_or_default()),
        contact_name: row.get(5)?,
        greeting: row.get(6)?,
        cc: listed(row.get_ref(7)?.as_str_or_null()?).filter_map(|text| Address::parse(text).ok()).collect(),
        locale: row.get(8)?,
        country: row.get(9)?,
        zone: zones.get(zone),
        segment: row.get(11)?,
        tags: listed(row.get_ref(12)?.as_str_or_null()?).map(str::to_owned).collect(),
        owner: person(row.get(13)?, row.get(14)?),
        attributes: attributes(row.get_ref(15)?.as_str_or_null()?),
        blocked: row.get_ref(16)?.as_str_or_null()? == Some("yes"),
        purchases: row.get(17)?,
        forgotten_at: at_opt(row, 18)?,
    })
}

/// The parts of a cell that lists several, with `;` between them.
pub(super) fn listed(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(';').map(str::trim).filter(|part| !part.is_empty())
}

/// Attributes are kept as a JSON object of texts; the border has checked it.
fn attributes(text: Option<&str>) -> BTreeMap<String, String> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Somebody with an address that can be written to; the address stands in
/// for a name that is not given.
pub(super) fn person(name: Option<String>, email: Option<String>) -> Option<Person> {
    let address = Address::parse(&email?).ok()?;
    Some(Person { name: name.unwrap_or_else(|| address.to_string()), address })
}

/// The name of the relationship that a customer with this address belongs to.
pub(super) fn relationship_name(id: &str, email: Option<&str>) -> String {
    match Address::parse(email.unwrap_or_default()) {
        Ok(address) => address.folded(),
        Err(_) => format!("customer:{id}"),
    }
}

/// The key of a relationship, made if there is none. A new one takes over
/// when its customer's old one was looked at, so that a mended address
/// loses no occurrence of a schedule and repeats none.
pub(super) fn relationship(conn: &Connection, name: &str, old: Option<i64>) -> rusqlite::Result<i64> {
    let found: Option<i64> = conn
        .prepare_cached("SELECT key FROM relationships WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(key) = found {
        return Ok(key);
    }
    conn.prepare_cached(
        "INSERT INTO relationships (name, wake_at, looked_at)
         VALUES (?1, 0, (SELECT looked_at FROM relationships WHERE key = ?2))",
    )?
    .execute(params![name, old])?;
    Ok(conn.last_insert_rowid())
}

/// The key and the time zone's name of a customer.
pub(super) fn find(conn: &Connection, id: &str) -> rusqlite::Result<Option<(i64, Option<String>)>> {
    conn.prepare_cached("SELECT key, timezone FROM customers WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Customers who are forgotten: their keys and numbers.
pub(super) fn forgotten(conn: &Connection) -> rusqlite::Result<HashMap<i64, String>> {
    conn.prepare_cached(
        "SELECT key, id FROM customers INDEXED BY customers_forgotten WHERE forgotten_at IS NOT NULL",
    )?
    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

/// Who settled something since a day, and who did so in time, credit notes
/// aside. `reach_on` of what is settled is the day it was.
pub(super) fn payers(conn: &Connection, since: Date) -> rusqlite::Result<Payers> {
    conn.prepare_cached(
        "SELECT COUNT(*), COALESCE(SUM(late = 0), 0) FROM (
             SELECT MAX(reach_on > date(due_on, ?2)) AS late FROM receivables
             WHERE reach_on >= ?1 AND reach_on < '9999' AND kind <> 'credit_note'
                   AND status IN ('open', 'disputed', 'on_hold', 'paid')
             GROUP BY customer)",
    )?
    .query_row(params![Day(since), IN_TIME], |row| {
        let (all, on_time): (u32, u32) = (row.get(0)?, row.get(1)?);
        Ok(Payers { all: all.into(), on_time: on_time.into() })
    })
}

/// How long after its due date a claim is settled in time.
const IN_TIME: &str = "+3 days";
