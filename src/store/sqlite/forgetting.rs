//! Customers who asked to be forgotten: what is personal goes, from the disk
//! as well; what the books must keep and what keeps a letter from going twice
//! stays.

mod erase;
mod unseen;

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) use self::unseen::seen_again;
use super::SqliteStore;
use super::books::expect_customer;
use super::open::BUSY;
use super::rows::{At, Fault, at};
use super::worker::Desk;
use crate::domain::ids::CustomerId;
use crate::store::StoreError;

/// Up to this size the whole file is written anew, so that no page keeps a
/// copy of what once stood on it before it was divided.
const REWRITTEN_BYTES: i64 = 64 * 1024 * 1024;
/// How long readers are waited for before the write-ahead log is emptied.
const PATIENCE: Duration = Duration::from_secs(3);
/// Stands where an address stood (RFC 2606: it belongs to nobody).
pub(super) const NO_ADDRESS: &str = "forgotten@customer.invalid";
/// Stands where a name stood.
const NO_NAME: &str = "forgotten";

/// Whom to forget, and how far that may go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forget {
    /// Whom.
    pub customer: CustomerId,
    /// Who does it.
    pub who: String,
    /// Why, in words.
    pub because: String,
    /// Although something is owed.
    pub with_open_claims: bool,
    /// Addresses of our own people, in lower case, which are not theirs.
    pub ours: Vec<String>,
    /// Only say what would go.
    pub dry_run: bool,
    /// Write the whole file anew, however large it is.
    pub rewrite: bool,
}

/// What went, or would go, and what stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Forgotten {
    /// When the customer was forgotten before, if so.
    pub before: Option<Timestamp>,
    /// Claims that are owed.
    pub open: Vec<String>,
    /// Letters that waited and are cancelled.
    pub cancelled: u64,
    /// Letters that may have arrived and count as sent.
    pub assumed: u64,
    /// Letters without text, subject and recipients.
    pub letters: u64,
    /// Letters about many customers to our own people, without their text.
    pub digests: u64,
    /// Events without note, product and outcome.
    pub events: u64,
    /// Promises, disputes, holds and acknowledgements without their words.
    pub remarks: u64,
    /// Claims without guarantor, description, link and attachment.
    pub claims: u64,
    /// Mails that came back, without address and words.
    pub returns: u64,
    /// Addresses that are not known any more.
    pub addresses: u64,
    /// Claims that stay, as bookkeeping asks.
    pub claims_kept: u64,
    /// Payments that stay.
    pub payments_kept: u64,
    /// Notices that stay, so that nothing goes twice.
    pub notices_kept: u64,
    /// Who else has one of the addresses, so that it stays.
    pub elsewhere: Vec<String>,
    /// Whether the file was written anew.
    pub rewritten: bool,
    /// Whether the write-ahead log is empty; not while somebody reads.
    pub wiped: bool,
    /// Why what was erased may still stand on the disk.
    pub unclean: Option<String>,
}

/// A customer who is forgotten.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gone {
    /// Whose number that is.
    pub customer: CustomerId,
    /// Since when.
    pub at: Timestamp,
    /// Who did it.
    pub who: String,
    /// Why.
    pub because: String,
}

impl SqliteStore {
    /// Forgets a customer. What is owed keeps it from that unless told, and so
    /// does a letter that is just on its way.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a customer,
    /// [`StoreError::Refused`] for what keeps it; nothing has changed then.
    pub async fn forget(&self, order: Forget, now: Timestamp) -> Result<Forgotten, StoreError> {
        let (dry_run, rewrite) = (order.dry_run, order.rewrite);
        let mut done = self.whole("forgetting a customer", move |desk| forget(desk, &order, now)).await?;
        if !dry_run {
            let work = move |desk: &mut Desk| clean(&desk.conn, rewrite);
            // It is erased, and to say otherwise would be wrong.
            match self.inner.writer.alone("overwriting what was erased", work).await {
                Ok(cleaned) => (done.rewritten, done.wiped) = cleaned,
                Err(cause) => done.unclean = Some(cause.to_string()),
            }
        }
        Ok(done)
    }

    /// Lets a forgotten customer be read in again. Nothing of what was erased
    /// comes back by that. False if it was not forgotten.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a customer.
    pub async fn remember(
        &self,
        customer: CustomerId,
        who: String,
        because: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("taking back that a customer is forgotten", move |desk| {
            let key = expect_customer(&desk.conn, customer.as_str())?;
            desk.conn.execute(
                "UPDATE forgotten SET taken_back_at = ?2, taken_back_by = ?3, taken_back_because = ?4
                 WHERE customer = ?1 AND taken_back_at IS NULL",
                params![key, At(now), who, because],
            )?;
            let sql = "UPDATE customers SET forgotten_at = NULL WHERE key = ?1 AND forgotten_at IS NOT NULL";
            Ok(desk.conn.execute(sql, [key])? > 0)
        })
        .await
    }

    /// Everybody who is forgotten, in order of their numbers.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn forgotten(&self) -> Result<Vec<Gone>, StoreError> {
        self.read("reading who is forgotten", |desk| {
            let mut statement = desk.conn.prepare_cached(
                "SELECT c.id, f.at, f.who, f.because FROM forgotten AS f JOIN customers AS c ON c.key = f.customer
                 WHERE f.taken_back_at IS NULL ORDER BY c.id, f.key",
            )?;
            let rows = statement.query_map([], |row| {
                let customer = CustomerId::new(row.get::<_, Box<str>>(0)?);
                Ok(Gone { customer, at: at(row, 1)?, who: row.get(2)?, because: row.get(3)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn refused(why: String) -> Fault {
    Fault::Store(StoreError::Refused(why))
}

fn forget(desk: &mut Desk, order: &Forget, now: Timestamp) -> Result<Forgotten, Fault> {
    let conn = &desk.conn;
    let id = &order.customer;
    let key = expect_customer(conn, id.as_str())?;
    let before = since(conn, key)?;
    let open = open_claims(conn, key)?;
    if !order.dry_run {
        if !open.is_empty() && !order.with_open_claims {
            return Err(refused(format!(
                "something is owed by customer `{id}`: {}. A claim may be pursued although its debtor asks to be \
                 forgotten (GDPR article 17, 3 e), and then what proves it is needed. Forget them when it is settled, \
                 or with --with-open-claims: it stays in the books, and nobody is reminded of it any more",
                open.join(", ")
            )));
        }
        if let Some(letter) = on_its_way(conn, key)? {
            return Err(refused(format!(
                "letter {letter} is just on its way; nothing was erased. Say it again when it has arrived: \
                 `courtesy outbox show {letter}`"
            )));
        }
    }
    let mut done = erase::erase(conn, key, order, now)?;
    (done.before, done.open) = (before, open);
    if order.dry_run {
        conn.execute_batch("ROLLBACK")?;
    } else if before.is_none() {
        conn.execute(
            "INSERT INTO forgotten (customer, at, who, because) VALUES (?1, ?2, ?3, ?4)",
            params![key, At(now), order.who, order.because],
        )?;
    }
    Ok(done)
}

/// Since when a customer is forgotten.
pub(super) fn since(conn: &Connection, customer: i64) -> rusqlite::Result<Option<Timestamp>> {
    let since: Option<At> = conn
        .prepare_cached("SELECT forgotten_at FROM customers WHERE key = ?1")?
        .query_row([customer], |row| row.get(0))?;
    Ok(since.map(|at| at.0))
}

/// Refuses to write down what is personal of somebody who is forgotten.
pub(super) fn admit(desk: &Desk, customer: i64, id: &CustomerId) -> Result<(), Fault> {
    let Some(at) = since(&desk.conn, customer)? else { return Ok(()) };
    let on: Date = at.to_zoned_datetime(desk.zones.business().clone()).date();
    Err(refused(format!(
        "customer `{id}` was forgotten on {on}, and nothing is written down about them any more; \
         `courtesy forget {id} --take-back --because …` ends that"
    )))
}

fn open_claims(conn: &Connection, customer: i64) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT COALESCE(r.number, r.id) FROM receivables AS r WHERE r.customer = ?1 AND {} ORDER BY r.due_on, r.id",
        super::tidying::PURSUED
    );
    conn.prepare_cached(&sql)?.query_map([customer], |row| row.get(0))?.collect()
}

/// A letter that is being handed over and would show them.
fn on_its_way(conn: &Connection, customer: i64) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached(
        "SELECT id FROM letters INDEXED BY letters_sending
         WHERE state = 'sending' AND (customer = ?1 OR customer IS NULL) ORDER BY id LIMIT 1",
    )?
    .query_row([customer], |row| row.get(0))
    .optional()
}

/// Writes the file anew where that is quick or asked for, and empties the
/// write-ahead log. Says which of the two was done.
fn clean(conn: &Connection, rewrite: bool) -> Result<(bool, bool), Fault> {
    let bytes: i64 = conn.query_row(
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        [],
        |row| row.get(0),
    )?;
    let rewrite = rewrite || bytes <= REWRITTEN_BYTES;
    if rewrite {
        conn.execute_batch("VACUUM")?;
    }
    conn.busy_timeout(PATIENCE)?;
    let busy = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    conn.busy_timeout(BUSY)?;
    Ok((rewrite, !busy?))
}
