//! Reading a CSV file: what it is encoded in, what its columns are, and
//! whether each cell is what its column asks for.
//!
//! Rows go one by one into a temporary database on disk, so that a million
//! of them take no more memory than ten, and the store is locked only while
//! it takes over what is known to be good.

mod cells;
mod columns;
mod encoding;
mod table;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

pub(super) use self::columns::columns_of;
use self::table::Table;
use super::{BadRow, ImportKind, ImportOrder, StoreError};

/// At most so many bad rows are kept to be shown.
const BAD_SHOWN: usize = 1_000;
/// So often the caller hears how far it is.
const PROGRESS_ROWS: u64 = 1_000;

/// The good rows of a file, and what was wrong with the others.
#[derive(Debug)]
pub(super) struct Staged {
    rows: Connection,
    /// Which columns the file has, in the order of [`columns_of`].
    pub(super) present: Vec<bool>,
    /// How many rows the file has.
    pub(super) count: u64,
    /// The bad ones.
    pub(super) bad: BadRows,
    /// A bad row did not even say which it is.
    pub(super) nameless: bool,
    pub(super) unknown_columns: Vec<String>,
    pub(super) unusable_addresses: u64,
}

/// Bad rows: all are counted, the first are kept.
#[derive(Debug, Default)]
pub(super) struct BadRows {
    pub(super) shown: Vec<BadRow>,
    pub(super) count: u64,
}

impl BadRows {
    pub(super) fn push(&mut self, line: u64, reasons: Vec<String>) {
        self.count += 1;
        if self.shown.len() < BAD_SHOWN {
            self.shown.push(BadRow { line, reasons });
        }
    }
}

/// A good row: its cells in the order of [`columns_of`], `None` where empty
/// or absent.
pub(super) struct Cells {
    pub(super) line: u64,
    pub(super) cells: Vec<Option<String>>,
}

impl Staged {
    /// Gives every good row to `take`, in the order of the file.
    pub(super) fn each<E: From<rusqlite::Error>>(
        &self,
        mut take: impl FnMut(Cells) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.rows.prepare("SELECT line, cells FROM staged ORDER BY place")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            let cells = serde_json::from_str(text).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
            })?;
            take(Cells { line: row.get::<_, i64>(0)?.unsigned_abs(), cells })?;
        }
        Ok(())
    }

    /// Whether the file has a row of this id, good or bad.
    pub(super) fn lists(&self, id: &str) -> rusqlite::Result<bool> {
        self.rows
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM staged WHERE id = ?1) OR EXISTS (SELECT 1 FROM bad WHERE id = ?1)",
            )?
            .query_row([id], |row| row.get(0))
    }
}

/// Reads the file on a thread of its own.
///
/// # Errors
/// [`StoreError::Refused`] for a file that can't be read as a table of this
/// kind at all; single bad rows are part of the result.
pub(super) async fn stage(
    order: ImportOrder,
    progress: Arc<dyn Fn(u64) + Send + Sync>,
) -> Result<Staged, StoreError> {
    let (answer, answered) = oneshot::channel();
    let failed = |cause: String| StoreError::Failed { doing: "reading the file", cause };
    std::thread::Builder::new()
        .name("import".into())
        // Whoever asked may have gone; then the result is not wanted.
        .spawn(move || drop(answer.send(stage_file(order.kind, &order.file, &*progress))))
        .map_err(|error| failed(error.to_string()))?;
    answered.await.unwrap_or_else(|_| Err(failed("the reading thread has stopped".into())))
}

fn stage_file(kind: ImportKind, file: &Path, progress: &dyn Fn(u64)) -> Result<Staged, StoreError> {
    let refused = |why: String| StoreError::Refused(format!("{}: {why}", file.display()));
    let source = encoding::open(file).map_err(refused)?;
    let mut table = Table::open(source, kind).map_err(refused)?;
    let staging = |error: rusqlite::Error| StoreError::Failed {
        doing: "keeping rows in a temporary file",
        cause: error.to_string(),
    };
    let mut staged = Staged {
        rows: temporary().map_err(staging)?,
        present: table.present(),
        count: 0,
        bad: BadRows::default(),
        nameless: false,
        unknown_columns: std::mem::take(&mut table.unknown),
        unusable_addresses: 0,
    };
    while let Some(row) = table.next_row().map_err(refused)? {
        staged.count += 1;
        if staged.count.is_multiple_of(PROGRESS_ROWS) {
            progress(staged.count);
        }
        match row.cells {
            Ok(cells) => {
                let kept = staged.keep(row.line, &cells).map_err(staging)?;
                staged.unusable_addresses += u64::from(kept && !table.is_reachable(&cells));
            }
            Err(reasons) => staged.refuse(row.line, row.id.as_deref(), reasons).map_err(staging)?,
        }
    }
    progress(staged.count);
    if staged.count == 0 {
        return Err(refused("has a header and no rows; an empty file changes nothing and is refused".into()));
    }
    staged.rows.execute_batch("COMMIT").map_err(staging)?;
    Ok(staged)
}

/// A private database that `SQLite` deletes by itself; in memory while small.
fn temporary() -> rusqlite::Result<Connection> {
    let conn = Connection::open("")?;
    conn.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;
         CREATE TABLE staged
             (place INTEGER PRIMARY KEY, line INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, cells TEXT NOT NULL) STRICT;
         CREATE TABLE bad (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
         BEGIN;",
    )?;
    Ok(conn)
}

impl Staged {
    /// Keeps a good row; false if its id was there already.
    fn keep(&mut self, line: u64, cells: &[Option<String>]) -> rusqlite::Result<bool> {
        let id = cells.first().cloned().flatten().unwrap_or_default();
        let text = serde_json::to_string(cells)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let inserted = self
            .rows
            .prepare_cached(
                "INSERT INTO staged (line, id, cells) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![i64::try_from(line).unwrap_or(i64::MAX), id, text])?;
        if inserted == 0 {
            let first: Option<i64> = self
                .rows
                .prepare_cached("SELECT line FROM staged WHERE id = ?1")?
                .query_row([&id], |row| row.get(0))
                .optional()?;
            let first = first.map_or_else(String::new, |line| format!(", first on line {line}"));
            self.refuse(line, Some(&id), vec![format!("`id`: `{id}` is listed twice{first}")])?;
        }
        Ok(inserted == 1)
    }

    fn refuse(&mut self, line: u64, id: Option<&str>, reasons: Vec<String>) -> rusqlite::Result<()> {
        self.bad.push(line, reasons);
        match id {
            Some(id) => {
                self.rows.prepare_cached("INSERT OR IGNORE INTO bad (id) VALUES (?1)")?.execute([id])?;
            }
            None => self.nameless = true,
        }
        Ok(())
    }
}
