//! What our own people are to be told: letters that went, did not go, or
//! wait, and what no letter can settle, over many customers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use rusqlite::{Connection, Row, params};

use super::super::people;
use super::super::rows::{At, Fault, Zones, at, at_opt, word};
use super::ledger::past_notice;
use crate::domain::customer::Person;
use crate::domain::digest::{
    Digest, DigestOrder, Matter, News, ROWS_MAX, Returned, Rows, Told, Trouble, colleague,
};
use crate::domain::ids::{CustomerId, LetterId, RuleName};
use crate::domain::notice::{LetterState, PastNotice};
use crate::domain::returned::What;

/// One digest alone, by its rule and colleague.
pub(in super::super) struct Only {
    pub(in super::super) rule: String,
    pub(in super::super) colleague: String,
}

/// Whose customers a digest is about: all, or those with one of these
/// owners in the column `owner_email`, as JSON, and those with none.
struct Scope {
    person: Person,
    overall: bool,
    owners: String,
    ownerless: bool,
}

/// Puts the digests together.
pub(super) fn read(
    conn: &Connection,
    zones: &Zones,
    orders: &[DigestOrder],
    only: Option<&Only>,
) -> Result<Vec<Digest>, Fault> {
    let mut digests = Vec::new();
    for order in orders.iter().filter(|order| only.is_none_or(|only| order.rule.as_str() == only.rule)) {
        for scope in scopes(conn, order)? {
            let id = colleague(&scope.person, scope.overall);
            if only.is_none_or(|only| id == only.colleague) {
                digests.push(digest(conn, zones, order, scope, &id)?);
            }
        }
    }
    Ok(digests)
}

/// Who is told, and of whom; somebody who is told of all is not told of
/// their own besides.
fn scopes(conn: &Connection, order: &DigestOrder) -> Result<Vec<Scope>, Fault> {
    let overall = |person: &Person| Scope {
        person: person.clone(),
        overall: true,
        owners: "[]".to_owned(),
        ownerless: false,
    };
    let mut all: Vec<Scope> = order.overall.iter().map(overall).collect();
    if !order.owners {
        return Ok(all);
    }
    let mut owners: BTreeMap<String, (Person, Vec<String>, bool)> = BTreeMap::new();
    let fallback = order.fallback.address.folded();
    let mut statement =
        conn.prepare_cached("SELECT owner_email, MAX(owner_name) FROM customers GROUP BY owner_email")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let email: Option<String> = row.get(0)?;
        let owner = people::person(row.get(1)?, email.clone());
        let key = owner.as_ref().map_or_else(|| fallback.clone(), |owner| owner.address.folded());
        let person = owner.unwrap_or_else(|| order.fallback.clone());
        let entry = owners.entry(key).or_insert_with(|| (person, Vec::new(), false));
        match email {
            Some(email) => entry.1.push(email),
            None => entry.2 = true,
        }
    }
    let told_of_all: Vec<String> = all.iter().map(|scope| scope.person.address.folded()).collect();
    owners.retain(|address, _| !told_of_all.contains(address));
    for (person, emails, ownerless) in owners.into_values() {
        let owners = serde_json::to_string(&emails).map_err(|error| Fault::odd(error.to_string()))?;
        all.push(Scope { person, overall: false, owners, ownerless });
    }
    Ok(all)
}

fn digest(
    conn: &Connection,
    zones: &Zones,
    order: &DigestOrder,
    scope: Scope,
    id: &str,
) -> Result<Digest, Fault> {
    let past = past(conn, &order.rule, id)?;
    // What one was to tell that came back, or may be lost, the next tells as
    // well.
    let reached = |notice: &&PastNotice| {
        notice.dropped || matches!(notice.state, LetterState::Sent | LetterState::Sending)
    };
    let told = past.iter().filter(reached);
    let since = told.filter_map(|notice| moment(zones, &notice.key.round)).max().unwrap_or(order.previous);
    let between = (since, order.until);
    let news = News {
        sent: told_of(conn, &scope, Sort::Sent, between)?,
        unsent: told_of(conn, &scope, Sort::Unsent, between)?,
        waiting: told_of(conn, &scope, Sort::Waiting, between)?,
        matters: matters(conn, &scope, between)?,
        returned: returned(conn, &scope, between)?,
        troubles: if scope.overall { troubles(conn, between)? } else { Vec::new() },
    };
    let (person, overall) = (scope.person, scope.overall);
    Ok(Digest { rule: order.rule.clone(), person, overall, since, until: order.until, past, news })
}

/// The moment that names a round.
fn moment(zones: &Zones, round: &str) -> Option<Timestamp> {
    let civil: DateTime = round.parse().ok()?;
    Some(crate::domain::calendar::instant_at(civil, zones.business()))
}

fn past(conn: &Connection, rule: &RuleName, id: &str) -> Result<Vec<PastNotice>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT n.customer, n.letter, n.rule, n.stage, n.subject_kind, n.subject_id, n.round, n.repetition,
                n.offset, n.planned_on, n.dropped, l.state, l.class, l.priority, l.budget, l.recipients,
                l.copies, l.day
         FROM notices AS n INDEXED BY notices_once CROSS JOIN letters AS l
         WHERE n.live = 1 AND n.subject_id = ?1 AND n.subject_kind = 'colleague' AND n.rule = ?2
               AND l.id = n.letter
         ORDER BY n.letter DESC LIMIT 10",
    )?;
    let mut rows = statement.query(params![id, rule.as_str()])?;
    let mut past = Vec::new();
    while let Some(row) = rows.next()? {
        past.push(past_notice(row)?);
    }
    Ok(past)
}

#[derive(Clone, Copy)]
enum Sort {
    Sent,
    Unsent,
    Waiting,
}

impl Sort {
    /// Of `letters AS l`, between two moments.
    fn condition(self) -> &'static str {
        match self {
            // Our own people know what they were sent themselves.
            Self::Sent => {
                "l.finished_at > ?1 AND l.finished_at <= ?2 AND l.state IN ('sent', 'assumed')
                 AND l.class <> 'internal'"
            }
            Self::Unsent => {
                "l.finished_at > ?1 AND l.finished_at <= ?2 AND l.state IN ('cancelled', 'rejected', 'expired')
                 AND (l.customer IS NOT NULL OR l.first_attempt_at IS NOT NULL)"
            }
            Self::Waiting => "l.state IN ('held', 'uncertain') AND ?1 < ?2",
        }
    }
}

/// Whether `customers AS c` is in a scope; no customer at all is in that of
/// those who are told of all.
const IN_SCOPE: &str = "(?3 OR c.owner_email IN (SELECT value FROM json_each(?4))
    OR (?5 AND c.key IS NOT NULL AND c.owner_email IS NULL))";

/// Whose a letter of `letters AS l` is, by name.
const NAME: &str =
    "COALESCE(c.name, (SELECT subject_id FROM notices WHERE letter = l.id AND position = 0), '')";

fn told_of(
    conn: &Connection,
    scope: &Scope,
    sort: Sort,
    (since, until): (Timestamp, Timestamp),
) -> Result<Rows<Told>, Fault> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT l.id, c.id, {NAME}, l.rule, l.stage, l.state, l.reason, COUNT(*) OVER (),
                (SELECT group_concat(label, ', ') FROM (
                     SELECT COALESCE(r.number, n.subject_id) AS label
                     FROM notices AS n LEFT JOIN receivables AS r
                          ON n.subject_kind = 'receivable' AND r.id = n.subject_id
                     WHERE n.letter = l.id AND n.leading = 1 AND n.subject_kind = 'receivable'
                     ORDER BY n.position LIMIT 5))
         FROM letters AS l LEFT JOIN customers AS c ON c.key = l.customer
         WHERE {} AND {IN_SCOPE} ORDER BY l.id LIMIT ?6",
        sort.condition()
    ))?;
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![
        At(since),
        At(until),
        scope.overall,
        scope.owners,
        scope.ownerless,
        limit
    ])?;
    let mut told = Rows::default();
    while let Some(row) = rows.next()? {
        told.all = row.get(7)?;
        told.first.push(self::told(row)?);
    }
    Ok(told)
}

fn told(row: &Row<'_>) -> rusqlite::Result<Told> {
    Ok(Told {
        letter: LetterId(row.get(0)?),
        customer: row.get::<_, Option<Box<str>>>(1)?.map(CustomerId::new),
        customer_name: row.get(2)?,
        rule: row.get::<_, String>(3)?.as_str().into(),
        stage: row.get::<_, String>(4)?.as_str().into(),
        state: word(row, 5, LetterState::from_word)?,
        reason: row.get(6)?,
        about: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
    })
}

/// What kept letters back for a while; what passed within minutes is no news.
fn troubles(conn: &Connection, (since, until): (Timestamp, Timestamp)) -> Result<Vec<Trouble>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT what, detail, since, until FROM troubles
         WHERE since <= ?2 AND COALESCE(until, ?2) > ?1 AND COALESCE(until, ?2) - since >= ?3
         ORDER BY since, what LIMIT ?4",
    )?;
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let rows = statement.query_map(
        params![At(since), At(until), i64::try_from(MINUTES.as_micros()).unwrap_or(i64::MAX), limit],
        |row| {
            Ok(Trouble { what: row.get(0)?, detail: row.get(1)?, since: at(row, 2)?, until: at_opt(row, 3)? })
        },
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How long nothing leaves before it is told of.
const MINUTES: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

fn matters(
    conn: &Connection,
    scope: &Scope,
    (since, until): (Timestamp, Timestamp),
) -> Result<Rows<Matter>, Fault> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT c.id, c.name, f.what, MIN(f.detail), MIN(COALESCE(r.number, f.subject_id)),
                COUNT(DISTINCT f.subject_id), COUNT(*) OVER ()
         FROM findings AS f CROSS JOIN customers AS c
         LEFT JOIN receivables AS r ON f.subject_kind = 'receivable' AND r.id = f.subject_id
         WHERE f.since > ?1 AND f.since <= ?2 AND c.key = f.customer AND {IN_SCOPE}
         GROUP BY c.id, f.what ORDER BY f.what, c.id LIMIT ?6"
    ))?;
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![
        At(since),
        At(until),
        scope.overall,
        scope.owners,
        scope.ownerless,
        limit
    ])?;
    let mut matters = Rows::default();
    while let Some(row) = rows.next()? {
        matters.all = row.get(6)?;
        matters.first.push(Matter {
            customer: CustomerId::new(row.get::<_, Box<str>>(0)?),
            customer_name: row.get(1)?,
            what: row.get(2)?,
            detail: row.get(3)?,
            about: row.get(4)?,
            count: row.get(5)?,
        });
    }
    Ok(matters)
}

/// What came back, and copies that the relay would not take.
fn returned(
    conn: &Connection,
    scope: &Scope,
    (since, until): (Timestamp, Timestamp),
) -> Result<Rows<Returned>, Fault> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT c.id, {NAME}, x.letter, l.rule, l.stage, x.what, x.address, x.copy, x.detail, l.class = 'internal',
                COUNT(*) OVER ()
         FROM (SELECT letter, customer, what, address, copy, detail, at FROM returns INDEXED BY returns_at
               WHERE at > ?1 AND at <= ?2 AND what IN ('bounced', 'complaint', 'unsubscribed')
               UNION ALL
               SELECT a.letter, n.customer, 'refused', '', 1, a.left_out, a.ended_at
               FROM attempts AS a INDEXED BY attempts_left_out CROSS JOIN letters AS n
               WHERE a.left_out IS NOT NULL AND a.ended_at > ?1 AND a.ended_at <= ?2 AND n.id = a.letter) AS x
         LEFT JOIN letters AS l ON l.id = x.letter LEFT JOIN customers AS c ON c.key = x.customer
         WHERE {IN_SCOPE} ORDER BY x.at, x.letter, x.address LIMIT ?6"
    ))?;
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![
        At(since),
        At(until),
        scope.overall,
        scope.owners,
        scope.ownerless,
        limit
    ])?;
    let mut returned = Rows::default();
    while let Some(row) = rows.next()? {
        returned.all = row.get(10)?;
        let letter: Option<i64> = row.get(2)?;
        let of = |index| row.get::<_, String>(index);
        returned.first.push(Returned {
            customer: row.get::<_, Option<Box<str>>>(0)?.map(CustomerId::new),
            customer_name: row.get(1)?,
            letter: match letter {
                Some(id) => Some((LetterId(id), of(3)?.as_str().into(), of(4)?.as_str().into())),
                None => None,
            },
            what: word(row, 5, What::from_word)?,
            address: row.get(6)?,
            copy: row.get(7)?,
            ours: row.get::<_, Option<bool>>(9)?.unwrap_or(false),
            detail: of(8)?.replace('\n', "; "),
        });
    }
    Ok(returned)
}
