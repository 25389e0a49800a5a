//! What happened with a customer, or with many at once.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::params;

use super::super::books;
use super::super::forgetting;
use super::super::people::listed;
use super::super::rows::{At, Fault};
use super::super::worker::Desk;
use super::{given_id, refused};
use crate::domain::event::EventOutcome;
use crate::nearest::did_you_mean;
use crate::store::{Recorded, StoreError, With};

/// What happened, whoever it was with.
pub(super) struct Happening {
    pub kind: String,
    pub occurred_at: Timestamp,
    pub outcome: Option<EventOutcome>,
    pub product: Option<String>,
    pub note: Option<String>,
}

/// Writes it down, once for each customer.
pub(super) fn record(
    desk: &mut Desk,
    id: Option<&str>,
    with: &With,
    what: &Happening,
) -> Result<Recorded, Fault> {
    if what.kind.is_empty() {
        return Err(refused("an event needs a kind, like `visit` or `delivery`"));
    }
    let whom = match with {
        With::Customer(customer) => {
            let key = books::expect_customer(&desk.conn, customer.as_str())?;
            forgetting::admit(desk, key, customer)?;
            let id = given_id(id, || {
                let moment = what.occurred_at.as_microsecond().to_string();
                let product = what.product.as_deref().unwrap_or_default();
                books::made_id(&["event", customer.as_str(), &what.kind, &moment, product])
            })?;
            let new = insert(desk, &id, key, what, |at| at == what.occurred_at)?;
            let sentence = if new {
                format!("{} `{id}` with customer `{customer}`", what.kind)
            } else {
                format!("{} `{id}` was already there", what.kind)
            };
            return Ok(Recorded { sentence, new });
        }
        With::Segment(segment) => format!("of segment `{segment}`"),
        With::Tag(tag) => format!("with tag `{tag}`"),
        With::Everyone => "in all".to_owned(),
    };
    let customers = customers(desk, with)?;
    let day = desk.zones.today(what.occurred_at);
    let same_day = |at| desk.zones.today(at) == day;
    let mut new = 0;
    for (key, customer) in &customers {
        // The same kind on the same day is the same one, so that a command
        // given twice is not a letter twice; a number tells two apart.
        let own = given_id(id, || {
            let product = what.product.as_deref().unwrap_or_default();
            books::made_id(&["event with many", &what.kind, &day.to_string(), product])
        })?;
        new += usize::from(insert(desk, &format!("{own}/{customer}"), *key, what, same_day)?);
    }
    let all = customers.len();
    let people = if all == 1 { "customer" } else { "customers" };
    let already = match all - new {
        0 => String::new(),
        known if new == 0 => format!("; {known} already there, on {day}: give another an --id of its own"),
        known => format!("; {new} new, {known} already there"),
    };
    let sentence = format!("{} with {all} {people} {whom}{already}", what.kind);
    Ok(Recorded { sentence, new: new > 0 })
}

/// Keys and ids of those it is with; never empty.
fn customers(desk: &Desk, with: &With) -> Result<Vec<(i64, String)>, Fault> {
    let mut statement = desk.conn.prepare_cached(
        "SELECT key, id, segment, tags FROM customers WHERE forgotten_at IS NULL ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    let mut words = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let segment = row.get_ref(2)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let mut tags = listed(row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?);
        let belongs = match with {
            With::Everyone | With::Customer(_) => true,
            With::Segment(wanted) => {
                words.extend(segment.map(str::to_owned));
                segment == Some(wanted.as_str())
            }
            With::Tag(wanted) => tags.any(|tag| {
                words.insert(tag.to_owned());
                tag == wanted
            }),
        };
        if belongs {
            found.push((row.get(0)?, row.get(1)?));
        }
    }
    if found.is_empty() {
        return Err(Fault::Store(nobody(with, &words)));
    }
    Ok(found)
}

fn nobody(with: &With, words: &BTreeSet<String>) -> StoreError {
    let (what, wanted) = match with {
        With::Segment(segment) => ("no customer is of segment", segment.as_str()),
        With::Tag(tag) => ("no customer has the tag", tag.as_str()),
        With::Everyone | With::Customer(_) => {
            return StoreError::NotFound("there is no customer yet".to_owned());
        }
    };
    let hint = did_you_mean(wanted, words.iter().map(String::as_str))
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default();
    StoreError::NotFound(format!("{what} `{wanted}`{hint}"))
}

/// Whether it is new. Another event of this number must not be overwritten.
fn insert(
    desk: &Desk,
    id: &str,
    customer: i64,
    what: &Happening,
    same_time: impl Fn(Timestamp) -> bool,
) -> Result<bool, Fault> {
    let inserted = desk
        .conn
        .prepare_cached(
            "INSERT INTO events (id, customer, kind, occurred_at, outcome, product, note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            id,
            customer,
            what.kind,
            At(what.occurred_at),
            what.outcome.map(EventOutcome::as_str),
            what.product,
            what.note
        ])?;
    if inserted == 1 {
        return Ok(true);
    }
    let (whose, kind, at): (i64, String, At) = desk
        .conn
        .prepare_cached("SELECT customer, kind, occurred_at FROM events WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if whose == customer && kind == what.kind && same_time(at.0) {
        return Ok(false);
    }
    Err(refused(format!("there is another event `{id}`; give this one a number of its own")))
}
