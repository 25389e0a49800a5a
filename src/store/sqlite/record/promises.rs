//! Promises to pay, within their limits and beyond.

use jiff::ToSpan;
use jiff::civil::Date;
use rusqlite::params;

use super::super::books::{self, Occasion};
use super::super::rows::{At, Day, Fault};
use super::super::worker::Desk;
use super::{amount_of, refused};
use crate::domain::ids::ReceivableId;
use crate::store::Recorded;

/// A promise as it was told.
pub(super) struct Said {
    pub(super) promised_on: Date,
    pub(super) amount: Option<String>,
    pub(super) until: Date,
    pub(super) latest: Date,
    pub(super) at_most: u32,
    pub(super) who: String,
    pub(super) reason: String,
}

/// Writes it down. One beyond the limits is noted, and pauses nothing.
pub(super) fn record(
    desk: &mut Desk,
    id: &ReceivableId,
    promise: &Said,
    on: Occasion,
) -> Result<Recorded, Fault> {
    let found = books::expect(&desk.conn, id.as_str())?;
    if promise.promised_on < on.today {
        return Err(refused(format!("{} is over; a promise is for today or later", promise.promised_on)));
    }
    if promise.until < promise.promised_on {
        return Err(refused(format!("money promised by {} can't be due before", promise.promised_on)));
    }
    let (item, _) = books::read(&desk.conn, found.key)?;
    let money = match &promise.amount {
        Some(text) => amount_of(text, found.currency)?,
        None => item.balance(),
    };
    if !money.is_positive() {
        return Err(refused(format!("a promise of {money} promises nothing")));
    }
    let amount = super::super::merge::plain(money);
    let sentence = format!("promise of {money} for receivable `{id}` by {}", promise.promised_on);
    let there: bool = desk.conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM pauses WHERE receivable = ?1 AND cause = 'promise' AND amount = ?2
             AND promised_on = ?3 AND until_on = ?4)",
        params![found.key, amount, Day(promise.promised_on), Day(promise.until)],
        |row| row.get(0),
    )?;
    if there {
        return Ok(Recorded { sentence: format!("{sentence} was already there"), new: false });
    }
    let made: u32 = desk.conn.query_row(
        "SELECT COUNT(*) FROM pauses WHERE receivable = ?1 AND cause = 'promise' AND binding = 1",
        [found.key],
        |row| row.get(0),
    )?;
    let beyond = if made >= promise.at_most {
        let most = promise.at_most;
        Some(format!("{made} were made before, and `promises.at_most` is {most}"))
    } else if promise.promised_on > promise.latest {
        Some(format!("`promises.longest` ends on {}", promise.latest))
    } else {
        None
    };
    if beyond.is_none() {
        // A new promise takes the place of the pending one; both count.
        desk.conn
            .prepare_cached(
                "UPDATE pauses SET ended_on = ?2
                 WHERE receivable = ?1 AND cause = 'promise' AND until_on >= ?3 AND ended_on IS NULL",
            )?
            .execute(params![found.key, Day(on.today.saturating_sub(1.day())), Day(on.today)])?;
    }
    desk.conn
        .prepare_cached(
            "INSERT INTO pauses (cause, customer, receivable, from_on, until_on, who, reason, amount, promised_on,
                 source, made_at, binding)
             VALUES ('promise', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'person', ?9, ?10)",
        )?
        .execute(params![
            found.customer,
            found.key,
            Day(on.today),
            Day(promise.until),
            promise.who,
            promise.reason,
            amount,
            Day(promise.promised_on),
            At(on.now),
            beyond.is_none()
        ])?;
    let sentence = match beyond {
        None => format!("{sentence}; reminders about it wait until {}", promise.until),
        Some(why) => format!("{sentence} is noted, but reminders go on: {why}; its owner is told"),
    };
    Ok(Recorded { sentence, new: true })
}
