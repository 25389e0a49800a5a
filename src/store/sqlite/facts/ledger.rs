//! The ledger of notices, and the addresses that must not be written to.

use rusqlite::{Connection, Row};

use super::super::drafts;
use super::super::rows::{Fault, day, word, word_opt};
use super::{Seats, keys_of};
use crate::domain::customer::{Class, Suppression};
use crate::domain::facts::Facts;
use crate::domain::ids::LetterId;
use crate::domain::notice::{LetterState, NoticeKey, PastNotice, Priority, Subject};
use crate::domain::rule::BudgetKind;

/// Reads the notices of the customers in these seats, whose lists are empty.
/// Returns the places of those about claims that moved to them while a letter
/// to somebody else was on its way.
pub(super) fn read(conn: &Connection, seats: &Seats, page: &mut [Facts]) -> Result<Vec<usize>, Fault> {
    let customers = keys_of(seats);
    let borrowed = read_notices(conn, &customers, seats, page)?;
    read_expired(conn, &customers, seats, page)?;
    for &(place, seat) in seats.values() {
        let customer = &mut page[place].customers[seat];
        customer.expired.sort();
        customer.notices.sort_by(|a, b| (a.letter, &a.key).cmp(&(b.letter, &b.key)));
    }
    Ok(borrowed)
}

fn read_notices(
    conn: &Connection,
    customers: &str,
    seats: &Seats,
    page: &mut [Facts],
) -> Result<Vec<usize>, Fault> {
    let mut borrowed = Vec::new();
    let mut statement = conn.prepare_cached(
        "SELECT n.customer, n.letter, n.rule, n.stage, n.subject_kind, n.subject_id, n.round, n.repetition,
                n.offset, n.planned_on, n.dropped, l.state, l.class, l.priority, l.budget, l.recipients,
                l.copies, l.day, l.customer IS NOT n.customer
         FROM json_each(?1) AS page CROSS JOIN notices AS n INDEXED BY notices_ledger
         CROSS JOIN letters AS l
         WHERE n.customer = page.value AND n.live = 1 AND l.id = n.letter",
    )?;
    let mut rows = statement.query([customers])?;
    while let Some(row) = rows.next()? {
        if let Some(&(place, seat)) = seats.get(&row.get(0)?) {
            page[place].customers[seat].notices.push(past_notice(row)?);
            if row.get(18)? {
                borrowed.push(place);
            }
        }
    }
    Ok(borrowed)
}

/// The notices of letters to customers that expired, unless one carries them
/// again.
fn read_expired(conn: &Connection, customers: &str, seats: &Seats, page: &mut [Facts]) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT n.customer, n.rule, n.stage, n.subject_kind, n.subject_id, n.round, n.repetition
         FROM json_each(?1) AS page CROSS JOIN letters AS l INDEXED BY letters_expired
         CROSS JOIN notices AS n
         WHERE l.customer = page.value AND l.state = 'expired' AND l.class <> 'internal' AND n.letter = l.id
               AND n.live = 0 AND n.customer = l.customer",
    )?;
    let mut rows = statement.query([customers])?;
    while let Some(row) = rows.next()? {
        if let Some(&(place, seat)) = seats.get(&row.get(0)?) {
            page[place].customers[seat].expired.push(notice_key(row, 1)?);
        }
    }
    Ok(())
}

pub(super) fn past_notice(row: &Row<'_>) -> Result<PastNotice, Fault> {
    let to_customer = |index: usize| -> rusqlite::Result<bool> {
        Ok(drafts::names_customer(row.get_ref(index)?.as_str()?))
    };
    Ok(PastNotice {
        letter: LetterId(row.get(1)?),
        key: notice_key(row, 2)?,
        offset: word(row, 8, |text| text.parse().ok())?,
        planned_on: day(row, 9)?,
        dropped: row.get(10)?,
        state: word(row, 11, LetterState::from_word)?,
        class: word(row, 12, Class::from_word)?,
        priority: Priority(row.get(13)?),
        budget: word_opt(row, 14, budget_from_word)?,
        to_customer: to_customer(15)? || to_customer(16)?,
        day: day(row, 17)?,
    })
}

/// A notice key from six columns in the order of its fields.
pub(in super::super) fn notice_key(row: &Row<'_>, index: usize) -> Result<NoticeKey, Fault> {
    let kind = row.get_ref(index + 2)?.as_str().map_err(rusqlite::Error::from)?;
    let id = row.get_ref(index + 3)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(NoticeKey {
        rule: row.get::<_, String>(index)?.as_str().into(),
        stage: row.get::<_, String>(index + 1)?.as_str().into(),
        subject: Subject::from_parts(kind, id)
            .ok_or_else(|| Fault::odd(format!("a notice about the unknown kind `{kind}`")))?,
        round: row.get(index + 4)?,
        repetition: row.get(index + 5)?,
    })
}

/// The word of a budget in the store.
pub(in super::super) fn budget_word(budget: BudgetKind) -> &'static str {
    match budget {
        BudgetKind::Customer => "customer",
        BudgetKind::Moments => "moments",
    }
}

pub(in super::super) fn budget_from_word(word: &str) -> Option<BudgetKind> {
    [BudgetKind::Customer, BudgetKind::Moments].into_iter().find(|budget| budget_word(*budget) == word)
}

pub(super) fn read_suppressions(
    conn: &Connection,
    mut watched: Vec<(String, usize)>,
    page: &mut [Facts],
) -> Result<(), Fault> {
    let any: bool =
        conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM suppressions)")?.query_row([], |row| row.get(0))?;
    if !any {
        return Ok(());
    }
    watched.sort_unstable();
    watched.dedup();
    let mut statement =
        conn.prepare_cached("SELECT classes, cause FROM suppressions WHERE address = ?1 ORDER BY classes")?;
    for (address, place) in watched {
        let mut rows = statement.query([&address])?;
        while let Some(row) = rows.next()? {
            let classes = word(row, 0, classes_from_word)?;
            page[place].suppressions.push(Suppression {
                address: address.clone(),
                classes,
                cause: row.get(1)?,
            });
        }
    }
    Ok(())
}

/// Classes as their words with commas; empty is all.
pub(in super::super) fn classes_word(classes: &[Class]) -> String {
    let mut words: Vec<&str> = classes.iter().map(|class| class.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    words.join(",")
}

pub(in super::super) fn classes_from_word(word: &str) -> Option<Vec<Class>> {
    word.split(',').filter(|word| !word.is_empty()).map(Class::from_word).collect()
}
