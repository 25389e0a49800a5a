//! What a person asks about, found by what they know of it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};

use super::rows::Fault;
use super::{SqliteStore, books, facts, people};
use crate::domain::address::Address;
use crate::domain::facts::{Facts, Reach};
use crate::domain::ids::{CustomerId, ReceivableId};
use crate::store::StoreError;

/// Whom, or what, a person asks about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// Whose it is.
    pub customer: CustomerId,
    /// One claim of it, where only that is meant.
    pub claim: Option<ReceivableId>,
}

impl About {
    /// The id that says which.
    #[must_use]
    pub fn id(&self) -> &str {
        self.claim.as_ref().map_or_else(|| self.customer.as_str(), ReceivableId::as_str)
    }
}

impl SqliteStore {
    /// Finds a customer by id, or a claim; else a claim by the number on its
    /// paper, or a customer by name or address, where only one has it.
    /// `customer:` or `receivable:` before an id says which is meant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with what may have been meant.
    pub async fn find(&self, text: &str) -> Result<About, StoreError> {
        let text = text.to_owned();
        self.read("looking for a customer", move |desk| find(&desk.conn, &text)).await
    }

    /// The facts of a customer's relationship, whether its time has come or
    /// not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a customer.
    pub async fn facts_about(&self, customer: CustomerId, reach: Reach) -> Result<Facts, StoreError> {
        self.read("reading facts", move |desk| {
            let key = books::expect_customer(&desk.conn, customer.as_str())?;
            let entry = facts::of_customer(&desk.conn, key)?;
            let found = facts::read(desk, &[entry], &reach)?;
            found
                .into_iter()
                .next()
                .map(Arc::unwrap_or_clone)
                .ok_or_else(|| Fault::odd("a relationship without facts"))
        })
        .await
    }

    /// The customer who, or whose guarantor or further reader, has this
    /// address.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn who_reads(&self, address: &Address) -> Result<Option<CustomerId>, StoreError> {
        let address = address.folded();
        self.read("looking for an address", move |desk| {
            let mut statement = desk.conn.prepare_cached(
                "SELECT c.id FROM customers AS c JOIN relationships AS r ON r.key = c.relationship
                 WHERE r.name = ?1
                 UNION ALL SELECT id FROM customers
                 WHERE INSTR(';' || REPLACE(LOWER(cc), ' ', '') || ';', ';' || ?1 || ';') > 0
                 UNION ALL SELECT c.id FROM receivables AS i JOIN customers AS c ON c.key = i.customer
                 WHERE LOWER(i.guarantor_email) = ?1 LIMIT 1",
            )?;
            let found: Option<String> = statement.query_row([address], |row| row.get(0)).optional()?;
            Ok(found.map(|id| id.as_str().into()))
        })
        .await
    }
}

fn find(conn: &Connection, text: &str) -> Result<About, Fault> {
    if let Some(id) = text.strip_prefix("customer:") {
        books::expect_customer(conn, id)?;
        return Ok(About { customer: id.into(), claim: None });
    }
    if let Some(id) = text.strip_prefix("receivable:") {
        books::expect(conn, id)?;
        return Ok(claims(conn, "i.id = ?1", id)?.remove(0));
    }
    if people::find(conn, text)?.is_some() {
        return Ok(About { customer: text.into(), claim: None });
    }
    let claim = claims(conn, "i.id = ?1", text)?.into_iter().next();
    if let Some(about) = claim {
        return Ok(about);
    }
    let mut meant = claims(conn, "i.number = ?1", text)?;
    meant.extend(customers_called(conn, text)?);
    match meant.len() {
        1 => Ok(meant.remove(0)),
        0 => {
            let mut near = books::near_customers(conn, text)?;
            near.extend(books::near_claims(conn, text)?);
            Err(Fault::Store(books::unknown("customer or receivable", text, &near)))
        }
        _ => {
            let ids: Vec<&str> = meant.iter().map(About::id).collect();
            let all = ids.join("`, `");
            Err(Fault::Store(StoreError::NotFound(format!("`{text}` may be any of `{all}`"))))
        }
    }
}

fn claims(conn: &Connection, condition: &str, value: &str) -> rusqlite::Result<Vec<About>> {
    let sql = format!(
        "SELECT c.id, i.id FROM receivables AS i JOIN customers AS c ON c.key = i.customer
         WHERE {condition} ORDER BY i.id LIMIT 5"
    );
    let about = |row: &rusqlite::Row<'_>| {
        let (customer, claim): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(About { customer: customer.as_str().into(), claim: Some(claim.as_str().into()) })
    };
    conn.prepare_cached(&sql)?.query_map([value], about)?.collect()
}

fn customers_called(conn: &Connection, value: &str) -> rusqlite::Result<Vec<About>> {
    let sql = "SELECT id FROM customers WHERE name = ?1 COLLATE NOCASE OR email = ?1 COLLATE NOCASE
               ORDER BY id LIMIT 5";
    let about = |row: &rusqlite::Row<'_>| {
        let id: String = row.get(0)?;
        Ok(About { customer: id.as_str().into(), claim: None })
    };
    conn.prepare_cached(sql)?.query_map([value], about)?.collect()
}
