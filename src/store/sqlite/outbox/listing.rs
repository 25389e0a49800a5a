//! The outbox as a list for people.

use rusqlite::{Connection, params_from_iter};

use super::super::drafts;
use super::super::rows::Fault;
use crate::store::{OutboxFilter, OutboxLetter};

/// Rows of the outbox, newest first. A limit of 0 is none.
pub(in super::super) fn list(conn: &Connection, filter: &OutboxFilter) -> Result<Vec<OutboxLetter>, Fault> {
    let mut sql = format!(
        "SELECT {} FROM letters AS l LEFT JOIN customers AS c ON c.key = l.customer WHERE TRUE",
        drafts::LETTER_COLUMNS
    );
    let mut values: Vec<rusqlite::types::Value> = Vec::new();
    if let Some(letter) = filter.letter {
        sql.push_str(" AND l.id = ?");
        values.push(letter.0.into());
    }
    if let Some(customer) = &filter.customer {
        sql.push_str(" AND l.customer = (SELECT key FROM customers WHERE id = ?)");
        values.push(customer.as_str().to_owned().into());
    }
    if let Some(rule) = &filter.rule {
        sql.push_str(" AND l.rule = ?");
        values.push(rule.as_str().to_owned().into());
    }
    if !filter.states.is_empty() {
        let words: Vec<String> = filter.states.iter().map(|state| format!("'{state}'")).collect();
        sql.push_str(" AND l.state IN (");
        sql.push_str(&words.join(", "));
        sql.push(')');
    }
    sql.push_str(" ORDER BY l.id DESC LIMIT ?");
    values.push(if filter.limit == 0 {
        (-1).into()
    } else {
        i64::try_from(filter.limit).unwrap_or(-1).into()
    });
    let mut letters: Vec<OutboxLetter> = conn
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), drafts::outbox_letter)?
        .collect::<rusqlite::Result<_>>()?;
    for letter in &mut letters {
        drafts::complete(conn, letter)?;
    }
    Ok(letters)
}
