//! What plans found that a person should know of: kept for as long as it is
//! so, with the moment it was first found.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::{At, Fault};
use crate::domain::digest::Finding;

/// A finding as it is kept.
type Kept = (String, String, String, String, String);

fn kept(finding: &Finding) -> Kept {
    (
        finding.customer.to_string(),
        finding.rule.to_string(),
        finding.subject.kind().to_owned(),
        finding.subject.id().to_owned(),
        finding.what.to_owned(),
    )
}

/// Puts what plans found in the place of what was found before about the
/// same relationships, by their keys. What is found again keeps its moment.
pub(super) fn keep(
    conn: &Connection,
    found: &BTreeMap<i64, &[Finding]>,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut before: BTreeMap<i64, BTreeSet<Kept>> = BTreeMap::new();
    let keys: Vec<String> = found.keys().map(ToString::to_string).collect();
    let mut statement = conn.prepare_cached(
        "SELECT f.relationship, c.id, f.rule, f.subject_kind, f.subject_id, f.what
         FROM json_each(?1) AS page CROSS JOIN findings AS f CROSS JOIN customers AS c
         WHERE f.relationship = page.value AND c.key = f.customer",
    )?;
    let mut rows = statement.query([format!("[{}]", keys.join(","))])?;
    while let Some(row) = rows.next()? {
        let one = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
        before.entry(row.get(0)?).or_default().insert(one);
    }
    for (&relationship, &findings) in found {
        let mut gone = before.remove(&relationship).unwrap_or_default();
        for finding in findings {
            if !gone.remove(&kept(finding)) {
                insert(conn, relationship, finding, now)?;
            }
        }
        for (customer, rule, kind, id, what) in gone {
            conn.prepare_cached(
                "DELETE FROM findings
                 WHERE relationship = ?1 AND customer = (SELECT key FROM customers WHERE id = ?2) AND rule = ?3
                       AND subject_kind = ?4 AND subject_id = ?5 AND what = ?6",
            )?
            .execute(params![relationship, customer, rule, kind, id, what])?;
        }
    }
    Ok(())
}

fn insert(conn: &Connection, relationship: i64, finding: &Finding, now: Timestamp) -> rusqlite::Result<()> {
    let (customer, rule, kind, id, what) = kept(finding);
    conn.prepare_cached(
        "INSERT OR IGNORE INTO findings
             (relationship, customer, rule, subject_kind, subject_id, what, detail, since)
         SELECT ?1, key, ?3, ?4, ?5, ?6, ?7, ?8 FROM customers WHERE id = ?2",
    )?
    .execute(params![relationship, customer, rule, kind, id, what, finding.detail, At(now)])
    .map(|_| ())
}
