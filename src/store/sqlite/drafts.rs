//! Letters as rows: what was decided, and what was made of it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::facts::{budget_from_word, budget_word, notice_key};
use super::rows::{At, Day, Fault, at, at_opt, day, word, word_opt};
use crate::domain::address::Address;
use crate::domain::customer::Class;
use crate::domain::delivery::{OnUncertain, Parcel};
use crate::domain::ids::{CustomerId, LetterId};
use crate::domain::notice::{Draft, LetterState, Line, NoticeKey, Priority};
use crate::domain::rule::Recipient;
use crate::store::{Emptied, Made, OutboxLetter};

/// The columns that [`outbox_letter`] reads, from `letters AS l` joined with
/// `customers AS c` where there is one.
pub(super) const LETTER_COLUMNS: &str = "
    l.id, c.id, l.rule, l.stage, l.class, l.template, l.recipients, l.copies, l.deadline, l.approve, l.priority,
    l.budget, l.not_before, l.passed_over, l.state, l.reason, l.attempts, l.queued_at, l.next_attempt_at,
    l.first_attempt_at, l.finished_at, l.approved, l.on_uncertain, l.maybe_sent, l.emptied_at, l.emptied_because";

/// A letter without its lines and bytes.
pub(super) fn outbox_letter(row: &Row<'_>) -> rusqlite::Result<OutboxLetter> {
    let draft = Draft {
        customer: row.get::<_, Option<Box<str>>>(1)?.map(CustomerId::new),
        rule: row.get::<_, String>(2)?.as_str().into(),
        stage: row.get::<_, String>(3)?.as_str().into(),
        class: word(row, 4, Class::from_word)?,
        template: row.get(5)?,
        to: word(row, 6, recipients)?,
        cc: word(row, 7, recipients)?,
        lines: Vec::new(),
        deadline: word_opt(row, 8, |text| text.parse().ok())?,
        approve: row.get(9)?,
        priority: Priority(row.get(10)?),
        budget: word_opt(row, 11, budget_from_word)?,
        not_before: at(row, 12)?,
        passed_over: word(row, 13, |text| serde_json::from_str(text).ok())?,
        on_uncertain: word(row, 22, OnUncertain::from_word)?,
    };
    Ok(OutboxLetter {
        id: LetterId(row.get(0)?),
        draft,
        state: word(row, 14, LetterState::from_word)?,
        reason: row.get(15)?,
        attempts: row.get(16)?,
        queued_at: at(row, 17)?,
        next_attempt_at: at(row, 18)?,
        first_attempt_at: at_opt(row, 19)?,
        finished_at: at_opt(row, 20)?,
        approved: row.get(21)?,
        maybe_sent: row.get(23)?,
        made: None,
        emptied: emptied(row, 24)?,
    })
}

/// When the text went and, in the next column, why.
pub(super) fn emptied(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Emptied>> {
    let because: Option<String> = row.get(index + 1)?;
    Ok(at_opt(row, index)?.zip(because).map(|(at, because)| Emptied { at, because }))
}

/// Adds lines and bytes to a letter.
pub(super) fn complete(conn: &Connection, letter: &mut OutboxLetter) -> Result<(), Fault> {
    letter.draft.lines = lines(conn, letter.id)?;
    letter.made = made(conn, letter.id)?;
    Ok(())
}

fn lines(conn: &Connection, letter: LetterId) -> Result<Vec<Line>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT rule, stage, subject_kind, subject_id, round, repetition, offset, planned_on, leading
         FROM notices WHERE letter = ?1 ORDER BY position",
    )?;
    let mut rows = statement.query([letter.0])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(Line {
            key: notice_key(row, 0)?,
            offset: word(row, 6, |text| text.parse().ok())?,
            planned_on: day(row, 7)?,
            leading: row.get(8)?,
        });
    }
    Ok(lines)
}

fn made(conn: &Connection, letter: LetterId) -> Result<Option<Made>, Fault> {
    let made = conn
        .prepare_cached(
            "SELECT locale, subject, fingerprint, mail_from, mail_to, mail_cc, message_id, bytes
             FROM made WHERE letter = ?1",
        )?
        .query_row([letter.0], |row| {
            Ok(Made {
                locale: row.get(0)?,
                subject: row.get(1)?,
                fingerprint: row.get(2)?,
                parcel: Parcel {
                    from: word(row, 3, address)?,
                    to: word(row, 4, address)?,
                    cc: word(row, 5, addresses)?,
                    message_id: row.get(6)?,
                    bytes: row.get(7)?,
                },
            })
        })
        .optional()?;
    Ok(made)
}

fn address(text: &str) -> Option<Address> {
    Address::parse(text).ok()
}

fn addresses(text: &str) -> Option<Vec<Address>> {
    text.split(',').filter(|text| !text.is_empty()).map(address).collect()
}

fn recipients(text: &str) -> Option<Vec<Recipient>> {
    text.split(',').filter(|text| !text.is_empty()).map(recipient).collect()
}

/// The inverse of a recipient's `Display`; an address has an `@`, and the
/// words have none.
fn recipient(text: &str) -> Option<Recipient> {
    use Recipient::{Customer, Guarantor, Manager, Operator, Owner};
    [Customer, Owner, Guarantor, Manager, Operator]
        .into_iter()
        .find(|recipient| recipient.to_string() == text)
        .or_else(|| address(text).map(Recipient::Other))
}

/// Values with commas, which neither an address nor a word contains.
fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whether the customer is among recipients as they stand in a column.
pub(super) fn names_customer(recipients: &str) -> bool {
    recipients.split(',').any(|word| word == "customer")
}

/// Where a new letter begins.
pub(super) struct Start<'a> {
    pub(super) customer: Option<i64>,
    pub(super) state: LetterState,
    pub(super) reason: &'a str,
    pub(super) day: jiff::civil::Date,
    pub(super) now: Timestamp,
}

/// Writes a new letter with its lines.
pub(super) fn insert(conn: &Connection, draft: &Draft, start: &Start<'_>) -> Result<LetterId, Fault> {
    conn.prepare_cached(
        "INSERT INTO letters (customer, rule, stage, class, template, recipients, copies, deadline, approve,
             priority, budget, not_before, passed_over, state, reason, queued_at, next_attempt_at, day,
             on_uncertain)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?12, ?17, ?18)",
    )?
    .execute(params![
        start.customer,
        draft.rule.as_str(),
        draft.stage.as_str(),
        draft.class.as_str(),
        draft.template,
        joined(&draft.to),
        joined(&draft.cc),
        draft.deadline.map(|offset| offset.to_string()),
        draft.approve,
        draft.priority.0,
        draft.budget.map(budget_word),
        At(draft.not_before),
        passed_over(draft)?,
        start.state.as_str(),
        start.reason,
        At(start.now),
        Day(start.day),
        draft.on_uncertain.as_str(),
    ])?;
    let letter = LetterId(conn.last_insert_rowid());
    insert_lines(conn, letter, start.customer, &draft.lines)?;
    Ok(letter)
}

fn passed_over(draft: &Draft) -> Result<String, Fault> {
    serde_json::to_string(&draft.passed_over).map_err(|error| Fault::odd(error.to_string()))
}

/// Puts another decision in the place of a letter's own.
pub(super) fn replace(
    conn: &Connection,
    letter: LetterId,
    customer: Option<i64>,
    draft: &Draft,
) -> Result<(), Fault> {
    conn.prepare_cached(
        "UPDATE letters SET rule = ?2, stage = ?3, class = ?4, template = ?5, recipients = ?6, copies = ?7,
             deadline = ?8, approve = ?9, priority = ?10, budget = ?11, not_before = ?12, passed_over = ?13,
             on_uncertain = ?14
         WHERE id = ?1",
    )?
    .execute(params![
        letter.0,
        draft.rule.as_str(),
        draft.stage.as_str(),
        draft.class.as_str(),
        draft.template,
        joined(&draft.to),
        joined(&draft.cc),
        draft.deadline.map(|offset| offset.to_string()),
        draft.approve,
        draft.priority.0,
        draft.budget.map(budget_word),
        At(draft.not_before),
        passed_over(draft)?,
        draft.on_uncertain.as_str(),
    ])?;
    conn.prepare_cached("DELETE FROM notices WHERE letter = ?1")?.execute([letter.0])?;
    insert_lines(conn, letter, customer, &draft.lines)
}

fn insert_lines(
    conn: &Connection,
    letter: LetterId,
    customer: Option<i64>,
    lines: &[Line],
) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO notices (letter, position, customer, rule, stage, subject_kind, subject_id, round, repetition,
             offset, planned_on, leading)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for (position, line) in (0_i64..).zip(lines) {
        statement.execute(params![
            letter.0,
            position,
            customer,
            line.key.rule.as_str(),
            line.key.stage.as_str(),
            line.key.subject.kind(),
            line.key.subject.id(),
            line.key.round,
            line.key.repetition,
            line.offset.to_string(),
            Day(line.planned_on),
            line.leading,
        ])?;
    }
    Ok(())
}

/// Whether another live letter carries this notice.
pub(super) fn is_taken(
    conn: &Connection,
    key: &NoticeKey,
    except: Option<LetterId>,
) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM notices INDEXED BY notices_once
         WHERE live = 1 AND subject_id = ?1 AND subject_kind = ?2 AND rule = ?3 AND stage = ?4 AND round = ?5
               AND repetition = ?6 AND letter IS NOT ?7)",
    )?
    .query_row(
        params![
            key.subject.id(),
            key.subject.kind(),
            key.rule.as_str(),
            key.stage.as_str(),
            key.round,
            key.repetition,
            except.map(|letter| letter.0)
        ],
        |row| row.get(0),
    )
}

/// Keeps the bytes of a letter.
pub(super) fn keep_made(conn: &Connection, letter: LetterId, made: &Made) -> rusqlite::Result<()> {
    let parcel = &made.parcel;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO made (letter, locale, subject, fingerprint, mail_from, mail_to, mail_cc,
             message_id, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        letter.0,
        made.locale,
        made.subject,
        made.fingerprint,
        parcel.from.as_str(),
        parcel.to.as_str(),
        joined(&parcel.cc),
        parcel.message_id,
        parcel.bytes.as_ref(),
    ])
    .map(|_| ())
}
