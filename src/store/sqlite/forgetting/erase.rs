//! What goes of a customer, table by table.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::news;
use super::super::people;
use super::super::rows::{At, Fault};
use super::super::tidying::PURSUED;
use super::{Forget, Forgotten, NO_ADDRESS, NO_NAME, unseen};
use crate::domain::address::Address;
use crate::domain::ids::LetterId;
use crate::store::Deed;

/// Why the text of a letter is gone.
const BECAUSE: &str = "when the customer was forgotten";

/// Erases it, and says what went.
pub(super) fn erase(conn: &Connection, key: i64, order: &Forget, now: Timestamp) -> Result<Forgotten, Fault> {
    let mut done = Forgotten::default();
    let addresses = addresses(conn, key, &order.ours)?;
    let current = current(conn, key)?;
    outbox(conn, key, &mut done, now)?;
    records(conn, key, &mut done)?;
    customer(conn, key, order.customer.as_str(), now)?;
    for address in &addresses {
        let others = unseen::others(conn, key, address)?;
        if others.is_empty() {
            let theirs = current.as_deref() == Some(address);
            done.addresses += 1;
            unseen::unsee(conn, address, theirs, now)?;
        }
        done.elsewhere.extend(others);
    }
    unseen::forget_unused(conn)?;
    let count = |sql: &str| conn.query_row(sql, [key], |row| row.get::<_, u32>(0)).map(u64::from);
    news::forget(conn, key)?;
    for state in ["cancelled", "assumed"] {
        news::decided(conn, &ended(conn, key, state, now)?, state, now)?;
    }
    let told =
        format!("{} letters that waited are cancelled, {} count as sent", done.cancelled, done.assumed);
    let about = format!("customer:{}", order.customer);
    news::note(conn, Deed::Forgotten, (None, &about), &told, now)?;
    done.claims_kept = count("SELECT COUNT(*) FROM receivables WHERE customer = ?1")?;
    done.payments_kept = count("SELECT COUNT(*) FROM payments WHERE customer = ?1")?;
    done.notices_kept = count("SELECT COUNT(*) FROM notices WHERE customer = ?1")?;
    Ok(done)
}

/// The letters that have just ended so.
fn ended(conn: &Connection, key: i64, state: &str, now: Timestamp) -> rusqlite::Result<Vec<LetterId>> {
    conn.prepare_cached(
        "SELECT id FROM letters WHERE state = ?2 AND finished_at = ?3 AND reason = 'the customer was forgotten'
             AND (customer = ?1 OR customer IS NULL) ORDER BY id",
    )?
    .query_map(params![key, state, At(now)], |row| row.get(0).map(LetterId))?
    .collect()
}

/// The address that letters go to now.
fn current(conn: &Connection, key: i64) -> rusqlite::Result<Option<String>> {
    let email: Option<String> =
        conn.query_row("SELECT email FROM customers WHERE key = ?1", [key], |row| row.get(0))?;
    Ok(email.and_then(|text| Address::parse(&text).ok()).map(|address| address.folded()))
}

/// Every address of theirs that is known, in lower case: the customer's own,
/// also former ones that letters went to, and those of guarantors.
fn addresses(conn: &Connection, key: i64, ours: &[String]) -> Result<BTreeSet<String>, Fault> {
    let mut found = BTreeSet::new();
    for sql in [
        "SELECT email FROM customers WHERE key = ?1".to_owned(),
        "SELECT cc FROM customers WHERE key = ?1".to_owned(),
        "SELECT m.mail_to FROM made AS m JOIN letters AS l ON l.id = m.letter
         WHERE l.customer = ?1 AND l.class <> 'internal'"
            .to_owned(),
        "SELECT address FROM returns WHERE customer = ?1".to_owned(),
        format!("SELECT r.guarantor_email FROM receivables AS r WHERE r.customer = ?1 AND NOT {PURSUED}"),
    ] {
        let mut statement = conn.prepare(&sql)?;
        let rows = statement.query_map([key], |row| row.get::<_, Option<String>>(0))?;
        for text in rows {
            let text = text?;
            let parsed = people::listed(text.as_deref()).filter_map(|text| Address::parse(text).ok());
            found.extend(parsed.map(|address| address.folded()));
        }
    }
    found.remove(NO_ADDRESS);
    found.retain(|address| !ours.contains(address));
    Ok(found)
}

/// Letters that wait will not go; the text of all goes, and so does that of
/// letters to our own people about many customers, which may name this one.
fn outbox(conn: &Connection, key: i64, done: &mut Forgotten, now: Timestamp) -> rusqlite::Result<()> {
    let changed = |sql: &str| conn.execute(sql, params![key, At(now)]).map(|rows| rows as u64);
    // What may have arrived is never sent again, and nobody can be asked.
    done.assumed = changed(
        "UPDATE letters SET state = 'assumed', reason = 'the customer was forgotten', finished_at = ?2
         WHERE (state = 'uncertain' AND customer = ?1)
               OR (maybe_sent = 1 AND state IN ('queued', 'retry', 'held') AND (customer = ?1 OR customer IS NULL))",
    )?;
    done.cancelled = changed(
        "UPDATE letters SET state = 'cancelled', reason = 'the customer was forgotten', finished_at = ?2
         WHERE state IN ('queued', 'retry', 'held') AND customer = ?1",
    )?;
    conn.execute(
        "UPDATE notices SET live = 0 WHERE customer = ?1 AND dropped = 0 AND live = 1
             AND letter IN (SELECT id FROM letters WHERE customer = ?1 AND state = 'cancelled')",
        [key],
    )?;
    // A digest that waits is made anew when it leaves.
    conn.execute(
        "DELETE FROM made WHERE letter IN
             (SELECT id FROM letters WHERE customer IS NULL AND state IN ('queued', 'retry', 'held'))",
        [],
    )?;
    let emptied =
        "emptied_at = ?1, emptied_because = ?2 WHERE EXISTS (SELECT 1 FROM made WHERE letter = letters.id)";
    done.digests = conn.execute(
        &format!("UPDATE letters SET {emptied} AND customer IS NULL AND emptied_at IS NULL"),
        params![At(now), BECAUSE],
    )? as u64;
    conn.execute(
        "UPDATE made SET bytes = x'' WHERE letter IN (SELECT id FROM letters WHERE customer IS NULL)",
        [],
    )?;
    done.letters = conn.execute(
        &format!("UPDATE letters SET {emptied} AND customer = ?3 AND emptied_because IS NOT ?2"),
        params![At(now), BECAUSE, key],
    )? as u64;
    conn.execute(
        "UPDATE made SET bytes = x'', subject = '', fingerprint = '', mail_cc = '',
             mail_to = CASE WHEN (SELECT class FROM letters WHERE id = letter) = 'internal' THEN mail_to ELSE ?2 END
         WHERE letter IN (SELECT id FROM letters WHERE customer = ?1)",
        params![key, NO_ADDRESS],
    )?;
    for sql in [
        "UPDATE letters SET passed_over = '[]' WHERE customer = ?1 AND INSTR(passed_over, '@')",
        // The mail server's own words of what was sent stay.
        "UPDATE letters SET reason = '' WHERE customer = ?1 AND (state <> 'sent' OR INSTR(reason, '@'))
             AND reason <> 'the customer was forgotten'",
        "UPDATE attempts SET reason = CASE WHEN INSTR(reason, '@') THEN '' ELSE reason END,
             left_out = CASE WHEN left_out IS NULL THEN NULL ELSE 'an address that is forgotten' END
         WHERE letter IN (SELECT id FROM letters WHERE customer = ?1)",
    ] {
        conn.execute(sql, [key])?;
    }
    Ok(())
}

/// What was written down about them.
fn records(conn: &Connection, key: i64, done: &mut Forgotten) -> rusqlite::Result<()> {
    let changed = |sql: &str| conn.execute(sql, [key]).map(|rows| rows as u64);
    done.events = changed(
        "UPDATE events SET outcome = NULL, product = NULL, note = NULL
         WHERE customer = ?1 AND COALESCE(outcome, product, note) IS NOT NULL",
    )?;
    done.remarks = changed("UPDATE pauses SET reason = '' WHERE customer = ?1 AND reason <> ''")?
        + changed("UPDATE acknowledgements SET reason = '' WHERE customer = ?1 AND reason <> ''")?;
    done.claims = changed(&format!(
        "UPDATE receivables AS r SET guarantor_name = NULL, guarantor_email = NULL, description = NULL,
             pay_url = NULL, attachment = NULL
         WHERE r.customer = ?1 AND NOT {PURSUED}
             AND COALESCE(guarantor_name, guarantor_email, description, pay_url, attachment) IS NOT NULL"
    ))?;
    done.returns = changed(
        "UPDATE returns SET address = 'forgotten ' || key, detail = ''
         WHERE (customer = ?1 OR letter IN (SELECT id FROM letters WHERE customer = ?1))
             AND address <> 'forgotten ' || key",
    )?;
    changed("DELETE FROM findings WHERE customer = ?1").map(drop)
}

/// The row itself: a number, an owner of ours, and that it is forgotten.
fn customer(conn: &Connection, key: i64, id: &str, now: Timestamp) -> rusqlite::Result<()> {
    let old: Option<i64> = conn
        .query_row("SELECT relationship FROM customers WHERE key = ?1", [key], |row| row.get(0))
        .optional()?;
    let relationship = people::relationship(conn, &people::relationship_name(id, None), old)?;
    conn.execute(
        "UPDATE customers SET relationship = ?2, name = ?3, email = NULL, contact_name = NULL, greeting = NULL,
             cc = NULL, locale = NULL, country = NULL, timezone = NULL, segment = NULL, tags = NULL,
             attributes = NULL, blocked = NULL, forgotten_at = COALESCE(forgotten_at, ?4)
         WHERE key = ?1",
        params![key, relationship, NO_NAME, At(now)],
    )
    .map(drop)
}
