//! What plans found that a person should know of: kept for as long as it is
//! so, with the moment it was first found.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::rows::{At, Fault, at};
use crate::domain::digest::Finding;
use crate::domain::ids::{CustomerId, RuleName};
use crate::domain::notice::Subject;
use crate::store::StoreError;

impl SqliteStore {
    /// What plans found under the name of a stop, in order of customer, rule
    /// and subject, each with the moment it was found first.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn findings(
        &self,
        what: &'static str,
        rule: Option<RuleName>,
    ) -> Result<Vec<(Finding, Timestamp)>, StoreError> {
        self.read("reading what plans found", move |desk| list(&desk.conn, what, rule.as_ref())).await
    }
}

fn list(
    conn: &Connection,
    what: &'static str,
    rule: Option<&RuleName>,
) -> Result<Vec<(Finding, Timestamp)>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT c.id, f.rule, f.subject_kind, f.subject_id, f.detail, f.since
         FROM findings AS f JOIN customers AS c ON c.key = f.customer
         WHERE f.what = ?1 AND (?2 IS NULL OR f.rule = ?2)
         ORDER BY c.id, f.rule, f.subject_kind, f.subject_id",
    )?;
    let mut rows = statement.query(params![what, rule.map(RuleName::as_str)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, id): (String, String) = (row.get(2)?, row.get(3)?);
        let subject = Subject::from_parts(&kind, &id)
            .ok_or_else(|| Fault::odd(format!("a finding about the unknown kind `{kind}`")))?;
        let finding = Finding {
            customer: CustomerId::new(row.get::<_, Box<str>>(0)?),
            rule: row.get::<_, String>(1)?.as_str().into(),
            subject,
            what,
            detail: row.get(4)?,
        };
        found.push((finding, at(row, 5)?));
    }
    Ok(found)
}

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
/// same relationships, by their keys, and returns what is new. What is found
/// again keeps its moment.
pub(super) fn keep(
    conn: &Connection,
    found: &BTreeMap<i64, &[Finding]>,
    now: Timestamp,
) -> Result<Vec<Finding>, Fault> {
    let mut new = Vec::new();
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
                new.push(finding.clone());
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
    Ok(new)
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
