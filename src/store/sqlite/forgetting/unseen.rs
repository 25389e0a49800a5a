//! Addresses that are not kept, and yet must not be written to: known by a
//! hash alone until somebody brings them back.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

use super::super::facts::classes_word;
use super::super::rows::At;
use crate::domain::address::Address;
use crate::domain::returned::UNWANTED;

/// Without the key of this store nobody can try addresses against it.
fn hash(conn: &Connection, address: &str) -> rusqlite::Result<Vec<u8>> {
    let pepper: Option<Vec<u8>> = conn.query_row("SELECT pepper FROM guard", [], |row| row.get(0))?;
    let digest = Sha256::new().chain_update(pepper.unwrap_or_default()).chain_update(address).finalize();
    Ok(digest.to_vec())
}

/// Who else has an address, so that it can't go: in words.
pub(super) fn others(conn: &Connection, customer: i64, address: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare_cached(
        "SELECT 'customer ' || c.id FROM relationships AS r JOIN customers AS c ON c.relationship = r.key
         WHERE r.name = ?2 AND c.key <> ?1
         UNION ALL SELECT 'customer ' || id || ' (copies)' FROM customers
         WHERE key <> ?1 AND INSTR(LOWER(cc), ?2)
         UNION ALL SELECT 'customer ' || id || ' (our salesperson)' FROM customers WHERE LOWER(owner_email) = ?2
         UNION ALL SELECT 'guarantor of ' || COALESCE(number, id) FROM receivables
         WHERE LOWER(guarantor_email) = ?2 AND guarantor_email IS NOT NULL
         ORDER BY 1 LIMIT 20",
    )?;
    let rows = statement.query_map(params![customer, address], |row| row.get(0))?;
    rows.collect()
}

/// Puts a hash in the place of an address. What must not go there still must
/// not; and to the customer's own nothing that can be unsubscribed from.
pub(super) fn unsee(conn: &Connection, address: &str, theirs: bool, now: Timestamp) -> rusqlite::Result<()> {
    let hash = hash(conn, address)?;
    conn.execute(
        "INSERT INTO suppressed_unseen (hash, classes, cause, made_at)
         SELECT ?2, classes, 'suppressed before it was forgotten', made_at FROM suppressions WHERE address = ?1
         ON CONFLICT DO NOTHING",
        params![address, hash],
    )?;
    if theirs {
        conn.execute(
            "INSERT INTO suppressed_unseen (hash, classes, cause, made_at)
             VALUES (?1, ?2, 'asked to be forgotten', ?3) ON CONFLICT DO NOTHING",
            params![hash, classes_word(&UNWANTED), At(now)],
        )?;
    }
    for sql in [
        "DELETE FROM suppressions WHERE address = ?1",
        "DELETE FROM lifted WHERE address = ?1",
        "UPDATE relationships SET name = 'forgotten:' || key, wake_at = NULL WHERE name = ?1",
        "UPDATE troubles SET detail = '' WHERE INSTR(LOWER(detail), ?1)",
    ] {
        conn.execute(sql, [address])?;
    }
    Ok(())
}

/// Addresses that customers had before, and nobody has now: whose they were is
/// not known any more, so that they all go.
pub(super) fn forget_unused(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute(
        "UPDATE relationships SET name = 'forgotten:' || key, wake_at = NULL
         WHERE INSTR(name, '@') AND NOT EXISTS (SELECT 1 FROM customers WHERE relationship = relationships.key)",
        [],
    )
    .map(drop)
}

/// An address that is written down: what was known of it by its hash alone is
/// a suppression again.
pub(in super::super) fn seen_again(conn: &Connection, email: Option<&str>) -> rusqlite::Result<()> {
    let any: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM suppressed_unseen)")?
        .query_row([], |row| row.get(0))?;
    let Some(address) = email.filter(|_| any).and_then(|text| Address::parse(text).ok()) else {
        return Ok(());
    };
    let address = address.folded();
    let hash = hash(conn, &address)?;
    conn.prepare_cached(
        "INSERT INTO suppressions (address, classes, cause, made_at)
         SELECT ?1, classes, cause, made_at FROM suppressed_unseen WHERE hash = ?2 ON CONFLICT DO NOTHING",
    )?
    .execute(params![address, hash])?;
    conn.prepare_cached("DELETE FROM suppressed_unseen WHERE hash = ?1")?.execute([hash]).map(drop)
}
