//! How values of the domain stand in columns, and how failures are told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, Row};

use crate::store::StoreError;

/// What can go wrong inside a request: the database's failure, which the
/// caller of the request puts into words, or an answer that is already one.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    /// A row that this program can't have written.
    Odd(String),
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// In words, with what was being done.
    pub(super) fn into_error(self, doing: &'static str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sql(error) => from_sql(doing, &error),
            Self::Odd(cause) => StoreError::Failed { doing, cause },
        }
    }

    /// A row that can't be what this program wrote.
    pub(super) fn odd(what: impl Into<String>) -> Self {
        Self::Odd(what.into())
    }
}

/// A failure of the database in words: damage needs a person, the rest may
/// pass.
pub(super) fn from_sql(doing: &'static str, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Unusable(format!(
            "the store is damaged ({error}); stop everything that uses it, move it and its -wal and -shm files \
             away for inspection, and restore the last backup; leave its .witness file where it is"
        )),
        _ => StoreError::Failed { doing, cause: error.to_string() },
    }
}

fn odd(what: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, what.into().into())
}

/// An instant as microseconds since 1970 UTC.
#[derive(Clone, Copy)]
pub(super) struct At(pub(super) Timestamp);

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_microsecond(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}

/// A civil date as ISO text.
#[derive(Clone, Copy)]
pub(super) struct Day(pub(super) Date);

impl ToSql for Day {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl FromSql for Day {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// A column of text that a closed set of words or a parser reads.
pub(super) fn word<T>(row: &Row<'_>, index: usize, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    read(text).ok_or_else(|| {
        let column = row.as_ref().column_name(index).unwrap_or("a column").to_owned();
        odd(format!("{column} has the unknown value `{text}`"))
    })
}

/// The same, where the column may be empty.
pub(super) fn word_opt<T>(
    row: &Row<'_>,
    index: usize,
    read: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        _ => word(row, index, read).map(Some),
    }
}

pub(super) fn at(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    row.get::<_, At>(index).map(|at| at.0)
}

pub(super) fn at_opt(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<At>>(index).map(|at| at.map(|at| at.0))
}

pub(super) fn day(row: &Row<'_>, index: usize) -> rusqlite::Result<Date> {
    row.get::<_, Day>(index).map(|day| day.0)
}

pub(super) fn day_opt(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Date>> {
    row.get::<_, Option<Day>>(index).map(|day| day.map(|day| day.0))
}

/// Named time zones, each looked up once. The two threads of a store share
/// them: if the machine's zones are updated while it runs, facts read by one
/// must still equal the same facts read by the other.
#[derive(Clone, Debug)]
pub(super) struct Zones {
    business: TimeZone,
    known: Arc<Mutex<HashMap<String, TimeZone>>>,
}

impl Zones {
    pub(super) fn new(business: TimeZone) -> Self {
        Self { business, known: Arc::default() }
    }

    /// The business's own.
    pub(super) fn business(&self) -> &TimeZone {
        &self.business
    }

    /// The zone of a customer; the business's where none is said. A name
    /// that this machine no longer knows falls back to it too: the border
    /// has refused unknown ones, so the database of zones has changed.
    pub(super) fn get(&self, name: Option<&str>) -> TimeZone {
        let Some(name) = name else { return self.business.clone() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = known.get(name) {
            return zone.clone();
        }
        let zone = TimeZone::get(name).unwrap_or_else(|_| self.business.clone());
        known.insert(name.to_owned(), zone.clone());
        zone
    }

    /// The business's civil date at a moment.
    pub(super) fn today(&self, now: Timestamp) -> Date {
        now.to_zoned_datetime(self.business.clone()).date()
    }
}
