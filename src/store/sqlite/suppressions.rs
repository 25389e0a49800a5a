//! Addresses that must not be written to: who said so, when, why, for which
//! classes; and who lifted it again.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::facts::{classes_from_word, classes_word};
use super::news;
use super::rows::{At, Fault, word};
use crate::domain::customer::Suppression;
use crate::domain::ids::{CustomerId, LetterId};
use crate::store::{Deed, StoreError, Suppressed};

impl SqliteStore {
    /// Stops letters of `classes` (empty is all) to an address. False where
    /// the same was there already, which keeps its cause and moment.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn suppress(
        &self,
        suppression: Suppression,
        who: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("suppressing an address", move |desk| {
            let new = add(&desk.conn, &suppression, &who, now)?;
            if new {
                let words = classes_word(&suppression.classes);
                let words = if words.is_empty() { "every class" } else { words.as_str() };
                let detail = format!("{} for {words}", suppression.address);
                news::note(&desk.conn, Deed::Suppressed, (None, ""), &detail, now)?;
            }
            Ok(new)
        })
        .await
    }

    /// Lifts every suppression of an address and returns them; none if there
    /// was none.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn unsuppress(
        &self,
        address: &str,
        who: String,
        reason: String,
        now: Timestamp,
    ) -> Result<Vec<Suppressed>, StoreError> {
        let address = address.to_lowercase();
        self.write("lifting a suppression", move |desk| {
            let lifted = lift(&desk.conn, &address, &who, &reason, now)?;
            if !lifted.is_empty() {
                news::note(&desk.conn, Deed::Lifted, (None, ""), &address, now)?;
            }
            Ok(lifted)
        })
        .await
    }

    /// Every suppression, in order of address.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn suppressions(&self) -> Result<Vec<Suppressed>, StoreError> {
        self.read("reading the suppressions", |desk| list(&desk.conn, None)).await
    }

    /// The addresses of customers in lower case: whether one is known, and
    /// what else it may have been meant for.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn addresses(&self) -> Result<Vec<String>, StoreError> {
        self.read("reading addresses", |desk| {
            let mut statement = desk
                .conn
                .prepare_cached("SELECT name FROM relationships WHERE name LIKE '%@%' ORDER BY 1")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// The address that a customer's letters go to, as it was given.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a customer.
    pub async fn address_of(&self, customer: CustomerId) -> Result<Option<String>, StoreError> {
        self.read("reading a customer", move |desk| {
            let email = desk
                .conn
                .prepare_cached("SELECT email FROM customers WHERE id = ?1")?
                .query_row([customer.as_str()], |row| row.get(0))
                .optional()?;
            email.ok_or_else(|| StoreError::NotFound(format!("no customer `{customer}`")).into())
        })
        .await
    }
}

/// False where the same was there already.
pub(super) fn add(
    conn: &Connection,
    suppression: &Suppression,
    who: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "INSERT INTO suppressions (address, classes, cause, who, made_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        suppression.address.to_lowercase(),
        classes_word(&suppression.classes),
        suppression.cause,
        who,
        At(now)
    ])
    .map(|rows| rows > 0)
}

fn lift(
    conn: &Connection,
    address: &str,
    who: &str,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<Suppressed>, Fault> {
    let lifted = list(conn, Some(address))?;
    conn.prepare_cached(
        "INSERT INTO lifted (address, classes, cause, who, made_at, lifted_by, reason, lifted_at)
         SELECT address, classes, cause, who, made_at, ?2, ?3, ?4 FROM suppressions WHERE address = ?1",
    )?
    .execute(params![address, who, reason, At(now)])?;
    conn.prepare_cached("DELETE FROM suppressions WHERE address = ?1")?.execute([address])?;
    Ok(lifted)
}

/// Lifts what a letter's own refusal suppressed, and nothing else; false
/// where that is nothing.
pub(super) fn lift_of(
    conn: &Connection,
    letter: LetterId,
    reason: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let own = "address = (SELECT lower(mail_to) FROM made WHERE letter = ?1) AND classes = '' AND who = ''
               AND cause = (SELECT reason FROM letters WHERE id = ?1)";
    conn.prepare_cached(&format!(
        "INSERT INTO lifted (address, classes, cause, who, made_at, lifted_by, reason, lifted_at)
         SELECT address, classes, cause, who, made_at, '', ?2, ?3 FROM suppressions WHERE {own}"
    ))?
    .execute(params![letter.0, reason, At(now)])?;
    let lifted =
        conn.prepare_cached(&format!("DELETE FROM suppressions WHERE {own}"))?.execute([letter.0])?;
    Ok(lifted > 0)
}

fn list(conn: &Connection, address: Option<&str>) -> Result<Vec<Suppressed>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT address, classes, cause, who, made_at FROM suppressions
         WHERE ?1 IS NULL OR address = ?1 ORDER BY address, classes",
    )?;
    let rows = statement.query_map([address], |row| {
        let suppression = Suppression {
            address: row.get(0)?,
            classes: word(row, 1, classes_from_word)?,
            cause: row.get(2)?,
        };
        Ok(Suppressed { suppression, who: row.get(3)?, at: row.get::<_, At>(4)?.0 })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
