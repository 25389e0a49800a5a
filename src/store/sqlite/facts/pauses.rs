//! What a person put between a claim and its letters: disputes, holds,
//! promises, acknowledgements.

use rusqlite::Connection;

use super::super::rows::{Fault, day, day_opt, word};
use super::{Items, Seats, money};
use crate::domain::facts::Facts;
use crate::domain::promise::Promise;
use crate::domain::receivable::{Pause, PauseCause};

pub(super) fn read(
    conn: &Connection,
    customers: &str,
    seats: &Seats,
    items: &Items,
    page: &mut [Facts],
) -> Result<(), Fault> {
    // One that ended before it began never was.
    let mut statement = conn.prepare_cached(
        "SELECT p.customer, p.receivable, p.cause, p.from_on, p.until_on, p.reason
         FROM json_each(?1) AS page CROSS JOIN pauses AS p INDEXED BY pauses_of_customer
         WHERE p.customer = page.value AND p.cause <> 'promise'
             AND (p.until_on IS NULL OR p.until_on >= p.from_on)
         ORDER BY p.from_on, p.key",
    )?;
    let mut rows = statement.query([customers])?;
    while let Some(row) = rows.next()? {
        let pause = Pause {
            cause: word(row, 2, PauseCause::from_word)?,
            from: day(row, 3)?,
            until: day_opt(row, 4)?,
            reason: row.get(5)?,
        };
        match row.get::<_, Option<i64>>(1)? {
            None => {
                if let Some(&(place, seat)) = seats.get(&row.get(0)?) {
                    page[place].customers[seat].pauses.push(pause);
                }
            }
            Some(item) => {
                if let Some(&(place, seat, item)) = items.get(&item) {
                    page[place].customers[seat].receivables[item].pauses.push(pause);
                }
            }
        }
    }
    Ok(())
}

pub(super) fn read_promises(
    conn: &Connection,
    customers: &str,
    items: &Items,
    page: &mut [Facts],
) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT p.receivable, p.amount, r.currency, p.from_on, p.promised_on, p.until_on, p.binding, p.ended_on
         FROM json_each(?1) AS page CROSS JOIN pauses AS p INDEXED BY pauses_of_customer
         CROSS JOIN receivables AS r
         WHERE p.customer = page.value AND p.cause = 'promise' AND r.key = p.receivable
         ORDER BY p.key",
    )?;
    let mut rows = statement.query([customers])?;
    while let Some(row) = rows.next()? {
        let Some(&(place, seat, item)) = items.get(&row.get(0)?) else { continue };
        page[place].customers[seat].receivables[item].promises.push(Promise {
            made_on: day(row, 3)?,
            promised_on: day(row, 4)?,
            until: day(row, 5)?,
            amount: money(row, 1)?,
            binding: row.get(6)?,
            ended_on: day_opt(row, 7)?,
        });
    }
    Ok(())
}

/// One for the customer as a whole covers every claim that there was on the
/// day.
pub(super) fn read_acknowledgements(
    conn: &Connection,
    customers: &str,
    seats: &Seats,
    items: &Items,
    page: &mut [Facts],
) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT a.customer, a.receivable, a.acknowledged_on
         FROM json_each(?1) AS page CROSS JOIN acknowledgements AS a INDEXED BY acknowledgements_of_customer
         WHERE a.customer = page.value ORDER BY a.acknowledged_on, a.key",
    )?;
    let mut rows = statement.query([customers])?;
    while let Some(row) = rows.next()? {
        let on = day(row, 2)?;
        match row.get::<_, Option<i64>>(1)? {
            Some(item) => {
                if let Some(&(place, seat, item)) = items.get(&item) {
                    page[place].customers[seat].receivables[item].acknowledged_on.push(on);
                }
            }
            None => {
                if let Some(&(place, seat)) = seats.get(&row.get(0)?) {
                    let all = page[place].customers[seat].receivables.iter_mut();
                    all.filter(|item| item.begins_on() <= on).for_each(|item| item.acknowledged_on.push(on));
                }
            }
        }
    }
    Ok(())
}
