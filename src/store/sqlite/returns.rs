//! What came back about letters, taken once: a mail that was taken before
//! changes nothing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::news;
use super::people;
use super::rows::{At, Fault, at, word};
use super::suppressions;
use super::worker::Desk;
use crate::domain::address::Address;
use crate::domain::customer::{Class, Suppression};
use crate::domain::ids::{CustomerId, LetterId};
use crate::domain::notice::LetterState;
use crate::domain::returned::{self, Alone, Fate, Follows, Mail, Reported, Says, UNWANTED, What, Whose};
use crate::store::{Deed, HistoryEntry, StoreError, Taken};

impl SqliteStore {
    /// Takes what a mail says about our letters, with all that follows from
    /// it; or says why the mail is left alone.
    ///
    /// # Errors
    /// As the store fails; nothing of the mail is taken then.
    pub async fn take_mail(
        &self,
        mail: Mail,
        now: Timestamp,
    ) -> Result<Result<Vec<Taken>, Alone>, StoreError> {
        self.write("taking a mail", move |desk| {
            let answer = take(desk, &mail, now)?;
            for taken in answer.iter().flatten().filter(|taken| taken.new) {
                let about = taken.customer.as_ref().map(|id| format!("customer:{id}")).unwrap_or_default();
                let detail = format!("{}: {}", taken.what.as_str(), taken.detail);
                news::note(&desk.conn, Deed::Returned, (taken.letter, &about), &detail, now)?;
            }
            Ok(answer)
        })
        .await
    }

    /// What came back about a letter, oldest first, and copies that the relay
    /// would not take.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn returned(&self, letter: LetterId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.read("reading what came back", move |desk| {
            let mut statement = desk.conn.prepare_cached(
                "SELECT at, what, address, detail FROM returns WHERE letter = ?1
                 UNION ALL SELECT ended_at, 'refused', 'copies', left_out FROM attempts
                 WHERE letter = ?1 AND left_out IS NOT NULL ORDER BY 1, 3",
            )?;
            let rows = statement.query_map([letter.0], |row| {
                Ok(HistoryEntry {
                    at: at(row, 0)?,
                    what: word(row, 1, What::from_word)?.as_str(),
                    about: row.get(2)?,
                    detail: row.get::<_, String>(3)?.replace('\n', "; "),
                    letter: Some(letter),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

type Answer = Result<Result<Vec<Taken>, Alone>, Fault>;

fn take(desk: &mut Desk, mail: &Mail, now: Timestamp) -> Answer {
    let conn = &desk.conn;
    match &mail.says {
        Says::Nothing(why) => Ok(Err(why.clone())),
        Says::Fates { message_id, fates } => {
            let Some(letter) = Letter::find(conn, message_id)? else {
                return Ok(Err(Alone::NoLetter(message_id.clone())));
            };
            fates
                .iter()
                .map(|fate| came_back(conn, mail, &letter, fate, now))
                .collect::<Result<_, _>>()
                .map(Ok)
        }
        Says::Complaint { message_id, address } => {
            let Some(letter) = Letter::find(conn, message_id)? else {
                return Ok(Err(Alone::NoLetter(message_id.clone())));
            };
            if letter.class == Class::Internal {
                return Ok(Err(Alone::OurOwn));
            }
            let named = address.as_ref().filter(|address| letter.copies.contains(address));
            let address = named.unwrap_or(&letter.to).clone();
            let news = News { what: What::Complaint, address, copy: false, detail: "complaint".to_owned() };
            unwanted(conn, mail, Some(&letter), letter.customer.as_ref(), news, now)
                .map(|taken| Ok(vec![taken]))
        }
        Says::Unsubscribe { from, customer } => unsubscribe(conn, mail, from, customer, now),
    }
}

/// A letter as a report finds it.
struct Letter {
    id: LetterId,
    state: LetterState,
    class: Class,
    customer: Option<(i64, CustomerId)>,
    /// Whether nothing about whom it went to is to be written down.
    forgotten: bool,
    /// In lower case, like `copies`.
    to: String,
    copies: Vec<String>,
}

impl Letter {
    /// By its Message-ID. Where a person let the same letter go again, the one
    /// that left is meant.
    fn find(conn: &Connection, message_id: &str) -> Result<Option<Self>, Fault> {
        let mut statement = conn.prepare_cached(
            "SELECT l.id, l.state, l.class, l.customer, c.id, m.mail_to, m.mail_cc, c.forgotten_at IS NOT NULL
             FROM made AS m INDEXED BY made_message_id CROSS JOIN letters AS l
             LEFT JOIN customers AS c ON c.key = l.customer
             WHERE m.message_id = ?1 AND l.id = m.letter ORDER BY l.id DESC",
        )?;
        let found = statement.query_map([message_id], |row| {
            let key: Option<i64> = row.get(3)?;
            let id: Option<Box<str>> = row.get(4)?;
            Ok(Self {
                id: LetterId(row.get(0)?),
                state: word(row, 1, LetterState::from_word)?,
                class: word(row, 2, Class::from_word)?,
                customer: key.zip(id.map(CustomerId::new)),
                to: row.get::<_, String>(5)?.to_lowercase(),
                copies: copies(&row.get::<_, String>(6)?),
                forgotten: row.get(7)?,
            })
        })?;
        let found: Vec<Self> = found.collect::<rusqlite::Result<_>>()?;
        let left = found.iter().position(|letter| letter.state.counts_as_sent());
        Ok(found.into_iter().nth(left.unwrap_or(0)))
    }

    /// Whose the fate is, and their address as we wrote it.
    fn whose(&self, fate: &Fate) -> (Whose, String) {
        if self.forgotten || fate.addresses.is_empty() || fate.addresses.contains(&self.to) {
            return (Whose::Recipient, self.to.clone());
        }
        match fate.addresses.iter().find(|address| self.copies.contains(address)) {
            Some(copy) => (Whose::Copy, copy.clone()),
            None => (Whose::Elsewhere, fate.addresses.join(", ")),
        }
    }
}

fn copies(column: &str) -> Vec<String> {
    let folded = column.to_lowercase();
    folded.split(',').filter(|address| !address.is_empty()).map(str::to_owned).collect()
}

/// One row of `returns`.
struct News {
    what: What,
    address: String,
    copy: bool,
    detail: String,
}

/// Notes it; false if that was done before.
fn note(
    conn: &Connection,
    mail: &Mail,
    letter: Option<LetterId>,
    customer: Option<i64>,
    news: &News,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "INSERT INTO returns (mail, address, what, letter, customer, copy, detail, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        mail.id,
        news.address,
        news.what.as_str(),
        letter.map(|letter| letter.0),
        customer,
        news.copy,
        news.detail,
        At(now)
    ])
    .map(|rows| rows > 0)
}

fn came_back(
    conn: &Connection,
    mail: &Mail,
    letter: &Letter,
    fate: &Fate,
    now: Timestamp,
) -> Result<Taken, Fault> {
    let (whose, address) = letter.whose(fate);
    let detail = if letter.forgotten { String::new() } else { fate.detail.clone() };
    let news = News { what: fate.action.into(), address, copy: whose == Whose::Copy, detail };
    let customer = letter.customer.as_ref().map(|(key, _)| *key);
    // An earlier row of the same mail may have moved the letter.
    let state = conn
        .prepare_cached("SELECT state FROM letters WHERE id = ?1")?
        .query_row([letter.id.0], |row| word(row, 0, LetterState::from_word))?;
    let new = note(conn, mail, Some(letter.id), customer, &news, now)?;
    let reported = Reported { state, class: letter.class, digest: customer.is_none() };
    let follows = if new { returned::follows(fate, whose, reported) } else { Follows::default() };
    follow(conn, letter, follows, &news, now)?;
    Ok(Taken {
        letter: Some(letter.id),
        customer: letter.customer.as_ref().map(|(_, id)| id.clone()),
        what: news.what,
        address: news.address,
        copy: news.copy,
        detail: news.detail,
        state: Some(follows.state.unwrap_or(state)),
        frees: follows.frees,
        suppressed: (follows.suppress && !letter.forgotten).then(Vec::new),
        new,
    })
}

/// Does what follows. A letter's notices are live already, and stay so unless
/// they are freed.
fn follow(
    conn: &Connection,
    letter: &Letter,
    follows: Follows,
    news: &News,
    now: Timestamp,
) -> Result<(), Fault> {
    let reason = if news.what == What::Bounced && !news.copy {
        format!("came back: {}", news.detail)
    } else {
        format!("the mail server has had it: {} {}", news.address, news.what.as_str())
    };
    if let Some(state) = follows.state {
        conn.prepare_cached("UPDATE letters SET state = ?2, reason = ?3, finished_at = ?4 WHERE id = ?1")?
            .execute(params![letter.id.0, state.as_str(), reason, At(now)])?;
    }
    if follows.frees {
        conn.prepare_cached("UPDATE notices SET live = 0 WHERE letter = ?1 AND dropped = 0")?
            .execute([letter.id.0])?;
    }
    if follows.suppress && !letter.forgotten {
        let suppression = Suppression { address: news.address.clone(), classes: vec![], cause: reason };
        suppressions::add(conn, &suppression, "", now)?;
    }
    Ok(())
}

/// Somebody wants no more of what can be unsubscribed from.
fn unwanted(
    conn: &Connection,
    mail: &Mail,
    letter: Option<&Letter>,
    customer: Option<&(i64, CustomerId)>,
    news: News,
    now: Timestamp,
) -> Result<Taken, Fault> {
    let new = note(conn, mail, letter.map(|letter| letter.id), customer.map(|(key, _)| *key), &news, now)?;
    if new && !letter.is_some_and(|letter| letter.forgotten) {
        let (address, cause) = (news.address.clone(), news.detail.clone());
        suppressions::add(conn, &Suppression { address, classes: UNWANTED.to_vec(), cause }, "", now)?;
    }
    Ok(Taken {
        letter: letter.map(|letter| letter.id),
        customer: customer.map(|(_, id)| id.clone()),
        what: news.what,
        address: news.address,
        copy: false,
        detail: news.detail,
        state: letter.map(|letter| letter.state),
        frees: false,
        suppressed: Some(UNWANTED.to_vec()),
        new,
    })
}

/// Only a customer's own address may speak for it.
fn unsubscribe(conn: &Connection, mail: &Mail, from: &str, customer: &str, now: Timestamp) -> Answer {
    let found: Option<(i64, Option<String>, Option<String>)> = conn
        .prepare_cached("SELECT key, email, cc FROM customers WHERE id = ?1")?
        .query_row([customer], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((key, email, cc)) = found else { return Ok(Err(Alone::NoCustomer(customer.to_owned()))) };
    let mut theirs = email.as_deref().into_iter().chain(people::listed(cc.as_deref()));
    if !theirs.any(|text| Address::parse(text).is_ok_and(|address| address.folded() == from)) {
        return Ok(Err(Alone::Stranger { customer: customer.to_owned(), from: from.to_owned() }));
    }
    let news = News {
        what: What::Unsubscribed,
        address: from.to_owned(),
        copy: false,
        detail: "unsubscribed".to_owned(),
    };
    unwanted(conn, mail, None, Some(&(key, CustomerId::from(customer))), news, now)
        .map(|taken| Ok(vec![taken]))
}
