//! Everything recorded about and sent to a customer.

use jiff::Timestamp;
use rusqlite::Row;

use super::books::expect_customer;
use super::drafts;
use super::facts::money;
use super::rows::{Fault, at, day, word};
use super::worker::Desk;
use crate::domain::calendar::day_begins;
use crate::domain::ids::{CustomerId, LetterId};
use crate::domain::returned::What;
use crate::store::HistoryEntry;

/// Oldest first. What has a date and no moment stands at the beginning of
/// its day at the business.
pub(super) fn of(desk: &mut Desk, customer: &CustomerId) -> Result<Vec<HistoryEntry>, Fault> {
    let key = expect_customer(&desk.conn, customer.as_str())?;
    let mut entries = Vec::new();
    for (sql, read) in [
        (LETTERS, letter as fn(&Row<'_>, &Desk) -> rusqlite::Result<HistoryEntry>),
        (PAYMENTS, payment),
        (EVENTS, event),
        (PAUSES, pause),
        (ACKNOWLEDGEMENTS, acknowledgement),
        (CHANGES, change),
        (RETURNS, returned),
        (SUPPRESSIONS, suppression),
        (LIFTED, lifted),
        (FORGOTTEN, forgotten),
    ] {
        let mut statement = desk.conn.prepare_cached(sql)?;
        let mut rows = statement.query([key])?;
        while let Some(row) = rows.next()? {
            entries.push(read(row, desk)?);
        }
    }
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}

const LETTERS: &str = "
    SELECT COALESCE(l.finished_at, l.first_attempt_at, l.queued_at), l.id, l.rule, l.stage, l.state, l.reason,
           (SELECT GROUP_CONCAT(subject_kind || ' ' || subject_id, ', ') FROM notices WHERE letter = l.id),
           m.mail_to, m.subject,
           (SELECT GROUP_CONCAT(left_out, '; ') FROM attempts WHERE letter = l.id), l.emptied_at, l.emptied_because
    FROM letters AS l LEFT JOIN made AS m ON m.letter = l.id WHERE l.customer = ?1 ORDER BY l.id";

fn letter(row: &Row<'_>, desk: &Desk) -> rusqlite::Result<HistoryEntry> {
    let (rule, stage): (String, String) = (row.get(2)?, row.get(3)?);
    let (mut detail, reason): (String, String) = (row.get(4)?, row.get(5)?);
    let parts: [(&str, Option<String>); 5] = [
        (": ", row.get(8)?),
        ("; to ", row.get(7)?),
        ("; about ", row.get(6)?),
        ("; left out ", row.get(9)?),
        ("; ", Some(reason)),
    ];
    for (word, part) in parts {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            detail.push_str(word);
            detail.push_str(&part);
        }
    }
    if let Some(emptied) = drafts::emptied(row, 10)? {
        let on = emptied.at.to_zoned_datetime(desk.zones.business().clone()).date();
        detail = format!("{detail}; its text was removed on {on}, {}", emptied.because);
    }
    let letter = Some(LetterId(row.get(1)?));
    Ok(HistoryEntry { at: at(row, 0)?, what: "letter", about: format!("{rule}/{stage}"), detail, letter })
}

const PAYMENTS: &str = "
    SELECT p.received_on, p.id, p.amount, p.currency, COALESCE(r.number, r.id, 'on account')
    FROM payments AS p LEFT JOIN receivables AS r ON r.key = p.receivable
    WHERE p.customer = ?1 ORDER BY p.received_on, p.id";

fn payment(row: &Row<'_>, desk: &Desk) -> rusqlite::Result<HistoryEntry> {
    let id: String = row.get(1)?;
    Ok(HistoryEntry {
        at: begins(row, desk)?,
        what: "payment",
        about: row.get(4)?,
        detail: format!("{} ({id})", money(row, 2)?),
        letter: None,
    })
}

fn begins(row: &Row<'_>, desk: &Desk) -> rusqlite::Result<Timestamp> {
    Ok(day_begins(day(row, 0)?, desk.zones.business()))
}

const EVENTS: &str = "
    SELECT occurred_at, kind, outcome, product, note FROM events WHERE customer = ?1 ORDER BY occurred_at, id";

fn event(row: &Row<'_>, _: &Desk) -> rusqlite::Result<HistoryEntry> {
    let parts: [Option<String>; 3] = [row.get(2)?, row.get(3)?, row.get(4)?];
    let detail = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    Ok(HistoryEntry { at: at(row, 0)?, what: "event", about: row.get(1)?, detail, letter: None })
}

const PAUSES: &str = "
    SELECT p.made_at, p.cause, COALESCE(r.number, r.id, 'the customer'), p.from_on, p.until_on, p.who, p.reason,
           p.amount, p.promised_on
    FROM pauses AS p LEFT JOIN receivables AS r ON r.key = p.receivable
    WHERE p.customer = ?1 ORDER BY p.made_at, p.key";

fn pause(row: &Row<'_>, _: &Desk) -> rusqlite::Result<HistoryEntry> {
    let what = match row.get_ref(1)?.as_str()? {
        "promise" => "promise",
        "dispute" => "dispute",
        _ => "hold",
    };
    let (from, until, who, reason): (String, Option<String>, String, String) =
        (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
    let until = until.unwrap_or_else(|| "further notice".to_owned());
    let promised: (Option<String>, Option<String>) = (row.get(7)?, row.get(8)?);
    let detail = match promised {
        (Some(amount), Some(by)) => format!("{amount} by {by}, until {until}; {reason} ({who})"),
        _ => format!("from {from} until {until}; {reason} ({who})"),
    };
    Ok(HistoryEntry { at: at(row, 0)?, what, about: row.get(2)?, detail, letter: None })
}

const ACKNOWLEDGEMENTS: &str = "
    SELECT a.acknowledged_on, COALESCE(r.number, r.id, 'the balance'), a.who, a.reason
    FROM acknowledgements AS a LEFT JOIN receivables AS r ON r.key = a.receivable
    WHERE a.customer = ?1 ORDER BY a.acknowledged_on, a.key";

fn acknowledgement(row: &Row<'_>, desk: &Desk) -> rusqlite::Result<HistoryEntry> {
    let (who, reason): (String, String) = (row.get(2)?, row.get(3)?);
    let detail = format!("{reason} ({who})");
    let at = begins(row, desk)?;
    Ok(HistoryEntry { at, what: "acknowledgement", about: row.get(1)?, detail, letter: None })
}

const CHANGES: &str = "
    SELECT h.at, h.what, COALESCE(r.number, r.id), h.old, h.new, h.source
    FROM changes AS h JOIN receivables AS r ON r.key = h.receivable
    WHERE h.customer = ?1 ORDER BY h.at, h.key";

fn change(row: &Row<'_>, _: &Desk) -> rusqlite::Result<HistoryEntry> {
    let what = if row.get_ref(1)?.as_str()? == "status" { "status" } else { "due_on" };
    let (old, new, source): (String, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let detail = format!("{old} -> {new} ({source})");
    Ok(HistoryEntry { at: at(row, 0)?, what, about: row.get(2)?, detail, letter: None })
}

const RETURNS: &str = "
    SELECT at, what, address, detail, copy, letter FROM returns WHERE customer = ?1 ORDER BY at, key";

fn returned(row: &Row<'_>, _: &Desk) -> rusqlite::Result<HistoryEntry> {
    let copy = if row.get(4)? { "a copy; " } else { "" };
    let detail = format!("{copy}{}", row.get_ref(3)?.as_str()?);
    let what = word(row, 1, What::from_word)?.as_str();
    let letter = row.get::<_, Option<i64>>(5)?.map(LetterId);
    Ok(HistoryEntry { at: at(row, 0)?, what, about: row.get(2)?, detail, letter })
}

const FORGOTTEN: &str = "
    SELECT at, 'forgotten', because, who FROM forgotten WHERE customer = ?1
    UNION ALL SELECT taken_back_at, 'taken back', taken_back_because, taken_back_by FROM forgotten
    WHERE customer = ?1 AND taken_back_at IS NOT NULL";

fn forgotten(row: &Row<'_>, _: &Desk) -> rusqlite::Result<HistoryEntry> {
    let what = if row.get_ref(1)?.as_str()? == "forgotten" { "forgotten" } else { "no longer forgotten" };
    let (because, who): (String, String) = (row.get(2)?, row.get(3)?);
    let (about, detail) = ("the customer".to_owned(), format!("{because} ({who})"));
    Ok(HistoryEntry { at: at(row, 0)?, what, about, detail, letter: None })
}

const SUPPRESSIONS: &str = "
    SELECT s.made_at, s.address, s.classes, s.cause, s.who
    FROM customers AS c JOIN relationships AS r ON r.key = c.relationship
    JOIN (SELECT made_at, address, classes, cause, who FROM suppressions
          UNION ALL SELECT made_at, address, classes, cause, who FROM lifted) AS s ON s.address = r.name
    WHERE c.key = ?1 ORDER BY s.made_at";

fn suppression(row: &Row<'_>, _: &Desk) -> rusqlite::Result<HistoryEntry> {
    by_whom(row, "suppressed")
}

const LIFTED: &str = "
    SELECT s.lifted_at, s.address, s.classes, s.reason, s.lifted_by
    FROM customers AS c JOIN relationships AS r ON r.key = c.relationship JOIN lifted AS s ON s.address = r.name
    WHERE c.key = ?1 ORDER BY s.lifted_at";

fn lifted(row: &Row<'_>, _: &Desk) -> rusqlite::Result<HistoryEntry> {
    by_whom(row, "written to again")
}

fn by_whom(row: &Row<'_>, what: &'static str) -> rusqlite::Result<HistoryEntry> {
    let (classes, why, who): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let classes = if classes.is_empty() { "all classes" } else { &classes };
    let mut detail = classes.to_owned();
    if !why.is_empty() {
        detail = format!("{detail}: {why}");
    }
    if !who.is_empty() {
        detail = format!("{detail} ({who})");
    }
    Ok(HistoryEntry { at: at(row, 0)?, what, about: row.get(1)?, detail, letter: None })
}
